"""`python -m asterisk_lab`: the lab's commands."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from .ami import AmiError
from .native import missing_parts
from .phones import SippError
from .ports import NoFreePorts
from .scenarios import SCENARIOS
from .stage import Scenario


def _chosen(names: Sequence[str]) -> list[Scenario]:
    unknown = [name for name in names if name not in SCENARIOS]
    if unknown:
        raise SystemExit(f"lab: no scenario {', '.join(unknown)}; see: python -m asterisk_lab list")
    return [SCENARIOS[name] for name in names] or list(SCENARIOS.values())


def _need(versions: Sequence[str]) -> None:
    lacks = missing_parts(versions)
    if lacks:
        raise SystemExit(f"lab: missing here: {'; '.join(lacks)}")


def _list(_: argparse.Namespace) -> int:
    width = max(len(name) for name in SCENARIOS)
    for scenario in SCENARIOS.values():
        print(f"{scenario.name:{width}}  {scenario.about}")
    return 0


def _scenarios(args: argparse.Namespace) -> int:
    from .side_by_side import report, run, write_verdicts

    chosen = _chosen(args.names)
    _need(("22", "16") if any("16" in s.versions for s in chosen) else ("22",))
    directory = args.out or Path(tempfile.mkdtemp(prefix="agentd-scenarios-"))
    start = time.monotonic()
    verdicts = asyncio.run(run(chosen, directory, jobs=args.jobs))
    write_verdicts(verdicts, directory / "verdicts.json")
    print(report(verdicts, time.monotonic() - start))
    print(f"recordings and truths: {directory}")
    return 0 if all(verdict.passed for verdict in verdicts) else 1


def _record(args: argparse.Namespace) -> int:
    from .solo import record_all

    _need(args.asterisk)
    args.directory.mkdir(parents=True, exist_ok=True)
    failures = asyncio.run(
        record_all(_chosen(args.names), args.directory, versions=args.asterisk, jobs=args.jobs)
    )
    for failure in failures:
        print(f"not recorded: {failure}", file=sys.stderr)
    return 1 if failures else 0


def _bench(args: argparse.Namespace) -> int:
    from .bench import TooFew, bench_recording

    _need(("22",))
    try:
        print(asyncio.run(bench_recording(args.file, calls=args.calls)))
    except TooFew as exc:
        print(f"lab: {exc}", file=sys.stderr)
        return 1
    return 0


def _up(args: argparse.Namespace) -> int:
    from .up import up

    return up(how=args.how, seats=args.seats, minutes=args.minutes)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m asterisk_lab",
        description="Real PBXs with SIPp phones: endless traffic, scenarios, recordings.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("up", help="endless traffic, agentd and its wallboard")
    command.add_argument("--how", choices=("auto", "docker", "native"), default="auto")
    command.add_argument("--seats", type=int, default=12)
    command.add_argument("--minutes", type=float, default=None, help="stop by itself after so long")
    command.set_defaults(run=_up)

    command = commands.add_parser("list", help="all scenarios")
    command.set_defaults(run=_list)

    command = commands.add_parser("scenarios", help="play scenarios, hold agentd to their truth")
    command.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    command.add_argument("--jobs", type=int, default=24, help="how many side by side")
    command.add_argument("--out", type=Path, help="where recordings and truths go")
    command.set_defaults(run=_scenarios)

    command = commands.add_parser("record", help="record scenarios, one file each, with the truth")
    command.add_argument("directory", type=Path)
    command.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    command.add_argument("--asterisk", nargs="+", choices=("22", "16"), default=["22", "16"])
    command.add_argument("--jobs", type=int, default=8, help="how many Asterisks at once")
    command.set_defaults(run=_record)

    command = commands.add_parser("bench-recording", help="make the benchmark's recording")
    command.add_argument("file", type=Path)
    command.add_argument("--calls", type=int, default=600)
    command.set_defaults(run=_bench)

    args = parser.parse_args()
    try:
        return int(args.run(args))
    except KeyboardInterrupt:
        return 130
    except (AmiError, SippError, NoFreePorts) as exc:
        print(f"lab: {exc}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
