"""CPU of `releaseconsole --version`, beside kubectl's."""

from __future__ import annotations

from benchmarks.measure import CONSOLE, KUBECTL, cost_of, line


def main() -> None:
    """Print CPU milliseconds, and the ratio to `kubectl version --client`."""
    ours = cost_of([*CONSOLE, "--version"])
    peer = ""
    if KUBECTL:
        theirs = cost_of([KUBECTL, "version", "--client"])
        peer = f"kubectl version --client: {theirs.cpu * 1000:.0f} ms (ratio {ours.cpu / theirs.cpu:.2f})"
    line("releaseconsole --version, CPU", f"{ours.cpu * 1000:.0f} ms", "150 ms", peer)


if __name__ == "__main__":
    main()
