"""Run every benchmark, one after the other."""

from __future__ import annotations

import importlib

NAMES = ("start", "first_pods", "idle", "rollback_key")


def main() -> None:
    """Print each benchmark's figures."""
    for name in NAMES:
        importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main()
