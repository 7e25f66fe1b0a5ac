"""`make bench`: the whole pipeline against panoramisk's parser alone, on a recording of real calls.

Each figure is the best of three runs in processes of their own, taken in turn on one core, so that
both sides see the same machine. The ratio is what counts; seconds are only shown beside it.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

RECORDING = Path(__file__).parent / "data" / "lab-600-calls.ami.gz"
SIDES = ("ours", "panoramisk", "split")
TARGET = 1.5


def run(*arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.pipeline_run", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"bench: {' '.join(arguments)} failed:\n{done.stderr.strip()}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("recording", nargs="?", type=Path, default=RECORDING)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    if not options.recording.exists():
        sys.exit(f"bench: no recording at {options.recording}; make one with: "
                 "python -m asterisk_lab bench-recording FILE")  # fmt: skip
    results: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
    for _ in range(options.runs):
        for side in SIDES:
            results[side].append(run(side, str(options.recording)))
    best = {side: min(runs, key=lambda r: float(r["cpu_s"])) for side, runs in results.items()}
    events = best["split"]["events"]
    print(f"{options.recording.name}: {best['ours']['bytes'] / 1e6:.1f} MB, {events} frames; "
          f"{platform.machine()}, Python {platform.python_version()}, "
          f"best of {options.runs}, one core")  # fmt: skip
    names = {
        "ours": "agentd: bytes to judged calls, board, store",
        "panoramisk": "panoramisk: parser and one '*' callback",
        "split": "the limit: split into dicts, thrown away",
    }
    for side in SIDES:
        spent = [float(r["cpu_s"]) for r in results[side]]
        print(f"  {names[side]:<45} {min(spent):7.3f} s CPU  {min(spent) / events * 1e6:6.2f} us a "
              f"frame  (runs: {', '.join(f'{s:.3f}' for s in spent)})")  # fmt: skip
    ratio = best["panoramisk"]["cpu_s"] / best["ours"]["cpu_s"]
    limit = best["ours"]["cpu_s"] / best["split"]["cpu_s"]
    print(f"agentd's whole pipeline is {ratio:.2f} times as fast as panoramisk's parser alone "
          f"(target {TARGET}), and takes {limit:.2f} times the limit.")  # fmt: skip
    small, large = run("memory", "10"), run("memory", "1000")
    print(f"memory: {large['mib']:.1f} MiB for 1,000 seats with two busy minutes behind them "
          f"({small['mib']:.1f} MiB for 10)")  # fmt: skip


if __name__ == "__main__":
    main()
