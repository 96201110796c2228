"""Run benchmarks, one after the other: `python -m benchmarks` the quick ones, `… scale` those that are named."""

from __future__ import annotations

import importlib
import sys

QUICK = (
    "start",
    "first_pods",
    "idle",
    "rollback_key",
    "real_rollback",
    "panel",
    "chart",
    "keys",
    "objectives",
    "alarm",
)
LONG = {"scale": "real_scale"}
"""Minutes each: only when they are asked for."""


def main() -> int:
    """Print each benchmark's figures; 2 for a name that is none."""
    names = sys.argv[1:] or QUICK
    if unknown := [name for name in names if name not in (*QUICK, *LONG)]:
        print(f"no benchmark {', '.join(unknown)}; there are {', '.join((*QUICK, *LONG))}", file=sys.stderr)
        return 2
    for name in names:
        importlib.import_module(f"benchmarks.{LONG.get(name, name)}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
