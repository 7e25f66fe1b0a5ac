"""All scenarios side by side on one PBX, each on seats, queues and numbers of its own.

Those that disturb the PBX or the link, and the older Asterisk, get a PBX of their own.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .ami import AmiError
from .compare import differences
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


async def play_shared(
    scenarios: Sequence[Scenario], path: Path, *, jobs: int, version: str = "22"
) -> dict[str, dict[str, Any] | str]:
    """Play scenarios side by side on one PBX and record its stream to `path`.

    Returns per scenario its truth, or why its run proves nothing.
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
            stages = [Stage(cast, pbx, Path(work)) for cast in casts]
            played: dict[str, Any] = {}

            async def one(stage: Stage) -> None:
                name = stage.cast.scenario.name
                async with gate:
                    try:
                        played[name] = await stage.cast.scenario.play(stage)
                    except (RunInvalid, TimeoutError, AmiError, SippError) as exc:
                        results[name] = f"{type(exc).__name__}: {exc}"
                    await asyncio.sleep(SETTLE_S)
                    await stage.close()

            try:
                async with asyncio.TaskGroup() as group:
                    for stage in stages:
                        group.create_task(one(stage))
            finally:
                await asyncio.gather(*(stage.close() for stage in stages))
                await recorder.stop()
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
    return results


async def run(scenarios: Sequence[Scenario], directory: Path, *, jobs: int = JOBS) -> list[Verdict]:
    """Play `scenarios` and hold agentd's conclusions against their truth.

    Recordings and truths are kept in `directory`. A scenario whose run was invalid is played once
    more by itself.
    """
    directory.mkdir(parents=True, exist_ok=True)
    shared = [s for s in scenarios if not s.alone and "22" in s.versions]
    single = [(s, "22") for s in scenarios if s.alone]
    single += [(s, "16") for s in scenarios if "16" in s.versions]
    verdicts: list[Verdict] = []

    async def together() -> None:
        if not shared:
            return
        path = directory / "shared.ami"
        truths = await play_shared(shared, path, jobs=jobs)
        records = await judge(path)
        for scenario in shared:
            truth = truths[scenario.name]
            if isinstance(truth, str):
                verdicts.append(await alone(scenario, "22", truth))
                continue
            _keep(truth, directory / f"shared.{scenario.name}.truth.json")
            verdicts.append(Verdict(scenario.name, differences(truth, records)))

    gate = asyncio.Semaphore(4)

    async def alone(scenario: Scenario, version: str, invalid: str = "") -> Verdict:
        name = scenario.name if version == "22" else f"asterisk{version}_{scenario.name}"
        path = directory / f"{name}.ami"
        async with gate:
            for _ in range(2):
                try:
                    truth = await record(scenario, path, version=version)
                except (RunInvalid, TimeoutError, AmiError, SippError, LookupError) as exc:
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


def main(scenarios: Sequence[Scenario], directory: Path, jobs: int) -> int:
    """Run, print the report; the exit code: 0 when all told the truth."""
    start = time.monotonic()
    verdicts = asyncio.run(run(scenarios, directory, jobs=jobs))
    print(report(verdicts, time.monotonic() - start))
    return 0 if all(verdict.passed for verdict in verdicts) else 1
