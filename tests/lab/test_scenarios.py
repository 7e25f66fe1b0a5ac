"""Every scenario of the lab on a real Asterisk: agentd, live and by replay, tells the truth."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from asterisk_lab.scenarios import SCENARIOS

NAMES = [
    scenario.name if version == "22" else f"asterisk{version}_{scenario.name}"
    for scenario in SCENARIOS.values()
    for version in scenario.versions
]

# All scenarios run within the first test's setup: two minutes, and twice that where runs are
# invalid on a busy machine and are played again.
pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The verdict of every scenario by its name, all played side by side once."""
    out: Path = tmp_path_factory.mktemp("scenarios")
    done = subprocess.run(
        [sys.executable, "-m", "asterisk_lab", "scenarios", "--out", str(out)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    path = out / "verdicts.json"
    if not path.exists():
        pytest.fail(
            f"the lab did not run: {done.stdout[-1500:]}{done.stderr[-3000:]}", pytrace=False
        )
    return {row["name"]: row for row in json.loads(path.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("name", NAMES)
def test_agentd_tells_the_truth(name: str, verdicts: dict[str, dict[str, Any]]) -> None:
    verdict = verdicts[name]
    assert verdict["invalid"] == "", "the run proves nothing"
    assert verdict["wrong"] == []


def test_every_scenario_was_played(verdicts: dict[str, dict[str, Any]]) -> None:
    assert sorted(verdicts) == sorted(NAMES)
