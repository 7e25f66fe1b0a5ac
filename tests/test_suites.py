"""Which suites ran is told rightly, by one process and over several: pytest on trees of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import suites

ROOT = Path(__file__).parents[1]
SETTINGS = """
[pytest]
testpaths = cases
pythonpath = . {root}
addopts = --import-mode=importlib --strict-markers -p no:cacheprovider
markers =
    browser: drives pages
    broker: talks to a broker
    lab: plays calls
"""
PLAIN = "def test_plain(): pass\n"
# Chromium is found by PATH alone, so that its suite is the one that can be missing anywhere.
PAGES = """
import pytest

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("number", range({count}))
def test_page(number): pass
"""
SKIPS = """
import pytest


@pytest.mark.browser
def test_page(): pytest.skip("not in the mood")
"""
DIES = """
import os


def test_dies(): os.abort()
"""

ONE: tuple[str, ...] = ()
SEVERAL = (
    "--numprocesses=2",
    "--dist=loadfile",
    "--no-loadscope-reorder",
    "--max-worker-restart=0",
)
each_way = pytest.mark.parametrize("way", [ONE, SEVERAL], ids=["one", "several"])


@pytest.fixture
def chromium(tmp_path: Path) -> Path:
    """A folder with what is taken for a browser."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "chromium"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return folder


def run(
    tmp_path: Path,
    files: dict[str, str],
    *arguments: str,
    path: Path | None = None,
    require: str | None = None,
) -> tuple[int, str]:
    """pytest's exit code and what it printed, on a tree of these ``files``."""
    tree = tmp_path / "tree"
    (tree / "cases").mkdir(parents=True)
    (tree / "pytest.ini").write_text(SETTINGS.format(root=ROOT))
    (tree / "cases" / "conftest.py").write_text('pytest_plugins = ["tests.suites"]\n')
    for name, text in files.items():
        (tree / "cases" / name).write_text(text)
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AGENTD_", "PYTEST_", "COV_"))
    }
    env = kept | {
        "PATH": str(path or tmp_path / "nothing"),
        # What else is installed has no part in this, and takes its time.
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTEST_PLUGINS": "xdist.plugin",
    }
    if require is not None:
        env[f"AGENTD_REQUIRE_{require}"] = "1"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=tree, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr + done.stdout


def last_line(printed: str) -> str:
    return printed.rstrip().splitlines()[-1]


@each_way
def test_what_was_not_run_is_counted_and_told_before_the_last_line(
    tmp_path: Path, way: tuple[str, ...]
) -> None:
    files = {
        "test_a.py": PAGES.format(count=3),
        "test_b.py": PAGES.format(count=4),
        "test_c.py": PLAIN,
    }
    code, printed = run(tmp_path, files, *way)
    assert code == 0, printed
    assert "suites that could not be run here" in printed
    assert printed.count("browser: 7 tests not run: Chromium is not installed") == 1
    assert re.search(r"1 passed, 7 skipped", last_line(printed)), printed


@each_way
def test_a_suite_that_runs_is_not_told_of(
    tmp_path: Path, way: tuple[str, ...], chromium: Path
) -> None:
    files = {"test_a.py": PAGES.format(count=3), "test_c.py": PLAIN}
    code, printed = run(tmp_path, files, *way, path=chromium, require="BROWSER")
    assert code == 0, printed
    assert "suites that could not be run here" not in printed
    assert "4 passed" in last_line(printed)


@each_way
def test_a_required_suite_that_cannot_run_fails(tmp_path: Path, way: tuple[str, ...]) -> None:
    files = {"test_a.py": PAGES.format(count=2), "test_c.py": PLAIN}
    code, printed = run(tmp_path, files, *way, require="BROWSER")
    assert code == 1, printed
    assert "AGENTD_REQUIRE_BROWSER is set, but Chromium is not installed" in printed
    assert "1 passed, 2 errors" in last_line(printed)


@each_way
def test_a_skip_in_a_required_suite_fails(
    tmp_path: Path, way: tuple[str, ...], chromium: Path
) -> None:
    files = {"test_a.py": SKIPS, "test_c.py": PLAIN}
    code, printed = run(tmp_path, files, *way, path=chromium, require="BROWSER")
    assert code == 1, printed
    assert "skipped although AGENTD_REQUIRE_BROWSER is set" in printed
    assert "1 failed, 1 passed" in last_line(printed)


@each_way
def test_a_required_suite_without_tests_fails_the_whole_run_only(
    tmp_path: Path, way: tuple[str, ...]
) -> None:
    files = {"test_c.py": PLAIN, "test_d.py": PLAIN}
    code, printed = run(tmp_path, files, *way, require="LAB")
    assert code == 1, printed
    assert "lab: AGENTD_REQUIRE_LAB is set, but there is no such test" in printed
    assert "2 passed" in last_line(printed)


@each_way
@pytest.mark.parametrize("part", [("cases/test_c.py",), ("-k", "plain")])
def test_a_part_says_nothing_of_the_suites(
    tmp_path: Path, way: tuple[str, ...], part: tuple[str, ...]
) -> None:
    code, printed = run(tmp_path, {"test_c.py": PLAIN}, *way, *part, require="LAB")
    assert code == 0, printed
    assert "no such test" not in printed
    assert "1 passed" in last_line(printed)


def test_a_process_that_dies_is_a_failure_and_the_run_ends(tmp_path: Path) -> None:
    files = {"test_a.py": PAGES.format(count=3), "test_b.py": DIES, "test_c.py": PLAIN}
    code, printed = run(tmp_path, files, *SEVERAL)
    assert code == 1, printed
    assert "crashed while running 'cases/test_b.py::test_dies'" in printed
    assert "1 failed" in last_line(printed)


@pytest.mark.parametrize(("cores", "processes"), [(1, 2), (2, 2), (4, 4), (64, 8)])
def test_as_many_processes_as_cores_within_reason(
    cores: int, processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
    assert suites.pytest_xdist_auto_num_workers() == processes


class Item:
    """As much of a test as its order depends on."""

    def __init__(self, name: str, marker: str | None = None) -> None:
        self.name = name
        self._marker = marker

    def get_closest_marker(self, name: str) -> str | None:
        return name if name == self._marker else None


class Process:
    """As much of pytest's configuration as the order depends on; of a worker with ``worker``."""

    def __init__(self, *, worker: bool) -> None:
        self.stash = pytest.Stash()
        if worker:
            self.workerinput: dict[str, Any] = {}


@pytest.mark.parametrize(("worker", "order"), [(False, "abpx"), (True, "xpab")])
def test_long_suites_begin_where_several_processes_share_the_work(worker: bool, order: str) -> None:
    items: list[Any] = [Item("x", "lab"), Item("a"), Item("p", "browser"), Item("b")]
    config: Any = Process(worker=worker)
    suites.pytest_configure(config)
    suites.pytest_collection_modifyitems(config, items)
    assert "".join(item.name for item in items) == order
