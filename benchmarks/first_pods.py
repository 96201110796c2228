"""From typing `releaseconsole demo` to pods on the screen, practice cluster included."""

from __future__ import annotations

import statistics
import tempfile

from benchmarks.measure import CONSOLE, KUBECTL, cost_of, line, on_terminal

RUNS = 5


def main() -> None:
    """Print the median seconds over some runs, beside `kubectl get pods` on a cluster that already runs."""
    seconds = []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as state:
            environ = {"RELEASECONSOLE_STATE": state}
            with on_terminal([*CONSOLE, "demo"], environ) as terminal:
                seconds.append(terminal.wait_for(b"Running"))
    line(
        f"demo: start to pods on the screen, median of {RUNS}",
        f"{statistics.median(seconds):.2f} s",
        "1.5 s",
        _peer(),
    )


def _peer() -> str:
    if KUBECTL is None:
        return ""
    from benchmarks.cluster import practice

    with practice() as kubeconfig:
        theirs = cost_of(
            [KUBECTL, "--kubeconfig", str(kubeconfig), "--context", "production", "get", "pods"], runs=3
        )
    return f"kubectl get pods, cluster already up: {theirs.wall:.2f} s"


if __name__ == "__main__":
    main()
