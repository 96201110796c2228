"""Release Console: a release's checklist on Kubernetes, and the way back, in a terminal."""

__version__ = "0.1.0"
