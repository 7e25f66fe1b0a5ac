"""All scenarios side by side on one PBX, each on seats, queues and numbers of its own.

Those that disturb the PBX or the link, and the older Asterisk, get a PBX of their own.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .ami import AmiError
from .compare import differences
from .daemon import Daemon, DaemonFailed, Link
from .judge import judge
from .native import NativePbx
from .phones import SippError
from .solo import SETTLE_S, describe, record
from .stage import Cast, Numbers, Scenario, Stage
from .timeline import Timeline
from .truth import RunInvalid

# More phones than this at once on two cores, and SIPp itself is late.
JOBS = 24


@dataclass(slots=True)
class Verdict:
    """How one scenario went: `wrong` is empty when agentd told the truth."""

    name: str
    wrong: list[str] = field(default_factory=list)
    invalid: str = ""

    @property
    def passed(self) -> bool:
        return not self.wrong and not self.invalid


FAILURES = (RunInvalid, TimeoutError, AmiError, SippError, LookupError, DaemonFailed)

# After the last call the daemon lets its settle time (2 s) run out and stores what it concluded.
LIVE_SETTLE_S = 6.0


async def play_shared(
    scenarios: Sequence[Scenario], path: Path, *, jobs: int, version: str = "22"
) -> tuple[dict[str, dict[str, Any] | str], list[dict[str, Any]]]:
    """Play scenarios side by side on one PBX, agentd beside it; record its stream to `path`.

    Returns per scenario its truth, or why its run proves nothing; and what the daemon concluded.
    """
    numbers = Numbers()
    casts = [Cast(s, numbers, suffix=f"_{i:02d}") for i, s in enumerate(scenarios)]
    pbx = NativePbx(
        [seat for cast in casts for seat in cast.pbx_seats()],
        [queue for cast in casts for queue in cast.pbx_queues()],
        version=version,
        callers=6 * len(casts),
    )
    results: dict[str, dict[str, Any] | str] = {}
    gate = asyncio.Semaphore(jobs)

    async with pbx:
        with tempfile.TemporaryDirectory(prefix="agentd-sipp-") as work:
            recorder = pbx.recorder(path)
            await recorder.start()
            daemon = Daemon(
                Path(work) / "agentd", ami_port=pbx.config.ami_port,
                secret=pbx.secrets["agentd"], web_port=pbx.ports.take(),
            )  # fmt: skip
            stages = [Stage(cast, pbx, Path(work)) for cast in casts]
            played: dict[str, Any] = {}

            async def one(stage: Stage) -> None:
                name = stage.cast.scenario.name
                async with gate:
                    try:
                        played[name] = await stage.cast.scenario.play(stage)
                    except FAILURES as exc:
                        results[name] = f"{type(exc).__name__}: {exc}"
                    await asyncio.sleep(SETTLE_S)
                    await stage.close()

            try:
                await daemon.start()
                async with asyncio.TaskGroup() as group:
                    for stage in stages:
                        group.create_task(one(stage))
                await asyncio.sleep(LIVE_SETTLE_S)
            finally:
                await asyncio.gather(*(stage.close() for stage in stages))
                await recorder.stop()
                await daemon.stop()
            live = daemon.records()
        timeline = Timeline(pbx.history)
        for stage in stages:
            name = stage.cast.scenario.name
            if name in played:
                try:
                    results[name] = describe(
                        stage.cast.scenario, played[name], stage, timeline, version
                    )
                except (RunInvalid, LookupError) as exc:
                    results[name] = f"{type(exc).__name__}: {exc}"
    return results, live


async def play_live(scenario: Scenario, directory: Path) -> Verdict:
    """Play a scenario that is about the daemon itself, on a PBX of its own."""
    cast = Cast(scenario, Numbers())
    pbx = NativePbx(cast.pbx_seats(), cast.pbx_queues())
    # Played again, it must not find what an invalid run left in the store.
    shutil.rmtree(directory / scenario.name, ignore_errors=True)
    async with pbx:
        with tempfile.TemporaryDirectory(prefix="agentd-sipp-") as work:
            stage = Stage(cast, pbx, Path(work))
            stage.link = Link(pbx.ports.take(), pbx.config.ami_port)
            stage.daemon = Daemon(
                directory / scenario.name, ami_port=stage.link.port, extra=scenario.live or "",
                secret=pbx.secrets["agentd"], web_port=pbx.ports.take(),
            )  # fmt: skip
            try:
                await stage.link.mend()
                await stage.daemon.start()
                declared = await scenario.play(stage)
                await asyncio.sleep(LIVE_SETTLE_S)
                until = time.time()
                timeline = Timeline(pbx.history)
            finally:
                await stage.close()
                await stage.daemon.stop()
                await stage.link.cut()
    truth = describe(scenario, declared, stage, timeline, "22")
    _keep(truth, directory / f"{scenario.name}.truth.json")
    return Verdict(scenario.name, differences(truth, stage.daemon.records(), until=until))


async def run(scenarios: Sequence[Scenario], directory: Path, *, jobs: int = JOBS) -> list[Verdict]:
    """Play `scenarios` and hold agentd's conclusions against their truth.

    Those on the shared PBX are judged twice: by `agentd replay` over the recording, and by what the
    daemon concluded live. Recordings and truths are kept in `directory`. A scenario
    whose run was invalid is played once more by itself.
    """
    directory.mkdir(parents=True, exist_ok=True)
    shared = [s for s in scenarios if not s.alone and "22" in s.versions]
    single = [(s, "22") for s in scenarios if s.alone]
    recorded = [s for s in scenarios if s.live is None]
    single += [(s, "16") for s in recorded if "16" in s.versions]
    verdicts: list[Verdict] = []

    async def together() -> None:
        if not shared:
            return
        path = directory / "shared.ami"
        truths, live = await play_shared(shared, path, jobs=jobs)
        until = time.time()
        records = await judge(path)
        for scenario in shared:
            truth = truths[scenario.name]
            if isinstance(truth, str):
                verdicts.append(await alone(scenario, "22", truth))
                continue
            _keep(truth, directory / f"shared.{scenario.name}.truth.json")
            wrong = differences(truth, records)
            wrong += [f"live: {line}" for line in differences(truth, live, until=until)]
            verdicts.append(Verdict(scenario.name, wrong))

    gate = asyncio.Semaphore(4)

    async def alone(scenario: Scenario, version: str, invalid: str = "") -> Verdict:
        name = scenario.name if version == "22" else f"asterisk{version}_{scenario.name}"
        path = directory / f"{name}.ami"
        async with gate:
            for _ in range(2):
                try:
                    if scenario.live is not None:
                        return await play_live(scenario, directory)
                    truth = await record(scenario, path, version=version)
                except FAILURES as exc:
                    invalid = f"{type(exc).__name__}: {exc}"
                    continue
                _keep(truth, path.with_suffix(".truth.json"))
                return Verdict(name, differences(truth, await judge(path)))
        return Verdict(name, invalid=invalid)

    async def by_itself(scenario: Scenario, version: str) -> None:
        verdicts.append(await alone(scenario, version))

    async with asyncio.TaskGroup() as group:
        group.create_task(together())
        for scenario, version in single:
            group.create_task(by_itself(scenario, version))
    return sorted(verdicts, key=lambda verdict: verdict.name)


def _keep(truth: dict[str, Any], path: Path) -> None:
    path.write_text(f"{json.dumps(truth, ensure_ascii=False, indent=1)}\n", encoding="utf-8")


def report(verdicts: Sequence[Verdict], seconds: float) -> str:
    """The verdicts in words, failures with what was wrong."""
    lines = []
    for verdict in verdicts:
        if verdict.passed:
            lines.append(f"ok       {verdict.name}")
        elif verdict.invalid:
            lines.append(f"invalid  {verdict.name}: {verdict.invalid[:300]}")
        else:
            lines.append(f"WRONG    {verdict.name}")
            lines += [f"         {line}" for line in verdict.wrong]
    good = sum(v.passed for v in verdicts)
    lines.append(f"{good} of {len(verdicts)} scenarios true, in {seconds:.0f} s")
    return "\n".join(lines)


def write_verdicts(verdicts: Sequence[Verdict], path: Path) -> None:
    """The verdicts as JSON: a list of name, wrong (lines) and invalid (words or empty)."""
    rows = [{"name": v.name, "wrong": v.wrong, "invalid": v.invalid} for v in verdicts]
    path.write_text(json.dumps(rows, ensure_ascii=False, indent=1), encoding="utf-8")
