"""Records scenarios one by one, each on an Asterisk of its own: NAME.ami and NAME.truth.json."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .ami import AmiError
from .native import NativePbx
from .phones import SippError
from .stage import Cast, Numbers, Scenario, Stage
from .timeline import Timeline
from .truth import RunInvalid, Truth, resolve

# How far a phone may be off what it was told before the run is thrown away.
SLACK_S = 1.0
SETTLE_S = 1.5


async def record(scenario: Scenario, path: Path, *, version: str = "22") -> dict[str, Any]:
    """Play `scenario` on a new Asterisk, write its AMI stream to `path`; returns the truth.

    Raises RunInvalid when the phones did not do what the scenario says.
    """
    cast = Cast(scenario, Numbers())
    pbx = NativePbx(cast.pbx_seats(), cast.pbx_queues(), version=version)
    async with pbx:
        with tempfile.TemporaryDirectory(prefix="agentd-sipp-") as work:
            recorder = pbx.recorder(path)
            stage = Stage(cast, pbx, Path(work), recorder)
            try:
                if not scenario.late_recorder:
                    await recorder.start()
                declared = await scenario.play(stage)
                await asyncio.sleep(SETTLE_S)
                timeline = Timeline(pbx.history)
            finally:
                await stage.close()
                await recorder.stop()
    return describe(scenario, declared, stage, timeline, version)


def describe(
    scenario: Scenario,
    declared: Truth | Callable[[Timeline], Truth],
    stage: Stage,
    timeline: Timeline,
    version: str,
) -> dict[str, Any]:
    """A played scenario's truth with the timestamps of its run."""
    truth = declared if isinstance(declared, Truth) else declared(timeline)
    head = {"scenario": scenario.name, "about": scenario.about, "asterisk": version}
    notes = {"notes": truth.notes} if truth.notes else {}
    return {**head, **notes, **resolve(truth, stage.names, timeline, SLACK_S)}


async def record_all(
    scenarios: Sequence[Scenario], directory: Path, *, versions: Sequence[str], jobs: int
) -> list[str]:
    """Record into `directory`, `jobs` at a time, each twice when the first run was invalid.

    Returns one line for each that could not be recorded.
    """
    gate = asyncio.Semaphore(jobs)
    failures: list[str] = []

    async def one(scenario: Scenario, version: str) -> None:
        name = scenario.name if version == "22" else f"asterisk{version}_{scenario.name}"
        path = directory / f"{name}.ami"
        async with gate:
            for attempt in (1, 2):
                try:
                    truth = await record(scenario, path, version=version)
                except (RunInvalid, TimeoutError, AmiError, SippError) as exc:
                    if attempt == 2:
                        failures.append(f"{name}: {exc!r}")
                        path.unlink(missing_ok=True)
                    continue
                text = json.dumps(truth, ensure_ascii=False, indent=1)
                path.with_suffix(".truth.json").write_text(f"{text}\n", encoding="utf-8")
                print(f"{name}: {path.stat().st_size} bytes", flush=True)
                return

    async with asyncio.TaskGroup() as group:
        for scenario in scenarios:
            for version in scenario.versions:
                if version in versions and scenario.live is None:
                    group.create_task(one(scenario, version))
    return failures
