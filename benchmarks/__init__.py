"""Figures, each beside a peer's on the same work in the same run. `make bench` prints them all."""
