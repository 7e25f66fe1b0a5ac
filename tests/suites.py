"""The suites that need a real program, counted over all of pytest's processes.

A test marked ``browser``, ``broker`` or ``lab`` needs a real program. Where it is missing the
test is skipped and the reason is told at the end of the run; with ``AGENTD_REQUIRE_BROWSER=1``,
``AGENTD_REQUIRE_BROKER=1`` or ``AGENTD_REQUIRE_LAB=1`` (`make test-all`) the same is a failure,
and so is any other skip in that suite, or a whole run in which the suite has no test.

With pytest-xdist the tests run in several processes, and none of them sees all of it: each
sends what it counted to the one that reports.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

# --- the programs ------------------------------------------------------------------------------


def find_program(*names: str) -> Path | None:
    """The first of ``names`` on PATH or in the system's sbin (which users often lack), or None."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
    for name in names:
        found = shutil.which(name, path=path)
        if found is not None:
            return Path(found)
    return None


def find_chromium() -> Path | None:
    """The browser for the page tests: ``AGENTD_CHROMIUM`` or the system's."""
    return find_program(
        *filter(None, [os.environ.get("AGENTD_CHROMIUM")]), "chromium", "chromium-browser"
    )


@functools.cache
def browser_missing() -> str | None:
    """Why the page tests cannot run here, with the mend; None when they can."""
    if importlib.util.find_spec("playwright") is None:
        return "Python's playwright is not installed (make setup)"
    if find_chromium() is None:
        return "Chromium is not installed (apt-get install chromium fonts-noto-cjk)"
    from playwright._impl._driver import compute_driver_executable, get_driver_env

    driver = [*compute_driver_executable(), "--version"]
    tried = subprocess.run(
        driver, env=get_driver_env(), capture_output=True, text=True, check=False
    )
    if tried.returncode:
        why = (tried.stderr.strip().splitlines() or ["it does not start"])[0]
        return f"Playwright's driver cannot run: {why} (apt-get install libatomic1)"
    return None


@functools.cache
def broker_missing() -> str | None:
    """Why the MQTT tests cannot run here, with the mend; None when they can."""
    if find_program("mosquitto") is None:
        return "Mosquitto is not installed (apt-get install mosquitto)"
    return None


@functools.cache
def lab_missing() -> str | None:
    """Why the tests on a real Asterisk cannot run here, with the mend; None when they can."""
    # Imported late: most runs of most people need nothing of the lab.
    from asterisk_lab.native import missing_parts

    return "; ".join(missing_parts(("22", "16"))) or None


@dataclass(frozen=True)
class Suite:
    """Tests that need a program: ``missing`` says why they cannot run here, or None."""

    marker: str
    missing: Callable[[], str | None]

    @property
    def variable(self) -> str:
        return f"AGENTD_REQUIRE_{self.marker.upper()}"

    @property
    def required(self) -> bool:
        return os.environ.get(self.variable, "") not in {"", "0"}


SUITES = (
    Suite("browser", browser_missing),
    Suite("broker", broker_missing),
    Suite("lab", lab_missing),
)


def suites_of(item: pytest.Item) -> list[Suite]:
    """The suites that a test belongs to."""
    return [suite for suite in SUITES if item.get_closest_marker(suite.marker) is not None]


# --- counting ----------------------------------------------------------------------------------


@dataclass
class Counts:
    """How many tests of each suite there are, and how many were not run, by the marker."""

    collected: Counter[str] = field(default_factory=Counter)
    not_run: Counter[str] = field(default_factory=Counter)
    known: bool = False
    """Somebody collected to the end; without it nothing can be said of what there is."""

    def sent(self) -> dict[str, Any]:
        """What another process can ``take``, in the few types that xdist can send."""
        return {
            "collected": dict(self.collected),
            "not_run": dict(self.not_run),
            "known": self.known,
        }

    def take(self, sent: dict[str, Any]) -> None:
        """Add what one of several processes counted."""
        # Every process collects all the tests, and runs a part of them.
        self.collected |= Counter(sent["collected"])
        self.not_run += Counter(sent["not_run"])
        self.known = self.known or sent["known"]


COUNTS = pytest.StashKey[Counts]()
OUTPUT = "agentd_suites"
"""What a worker of xdist calls its counts."""


def is_worker(config: pytest.Config) -> bool:
    """Whether this process runs tests for another one, which reports."""
    return hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[COUNTS] = Counts()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        return max((SUITES.index(s) + 1 for s in suites_of(item)), default=0)

    # For one process, what answers at once runs first. For several, what takes longest does, and
    # the short ones fill up what is left: else everybody waits for the last long one at the end.
    items.sort(key=rank, reverse=is_worker(config))
    for item in items:
        config.stash[COUNTS].collected.update(suite.marker for suite in suites_of(item))


def pytest_collection_finish(session: pytest.Session) -> None:
    session.config.stash[COUNTS].known = True


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    for suite in suites_of(item):
        reason = suite.missing()
        if reason is None:
            continue
        if suite.required:
            pytest.fail(f"{suite.variable} is set, but {reason}", pytrace=False)
        item.config.stash[COUNTS].not_run[suite.marker] += 1
        pytest.skip(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    required = [suite.variable for suite in suites_of(item) if suite.required]
    if required and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped although {required[0]} is set: {report.longrepr}"
    return report


def empty_suites(config: pytest.Config) -> list[Suite]:
    """Suites that are required and have no test at all.

    Where a part of the tests was asked for, nothing can be said about the suites as a whole.
    """
    whole = list(config.args) == list(config.getini("testpaths")) and not config.option.keyword
    counts = config.stash[COUNTS]
    if not whole or not counts.known:
        return []
    return [suite for suite in SUITES if suite.required and not counts.collected[suite.marker]]


# Before xdist's own, which sends the output away.
@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    config = session.config
    if is_worker(config):
        # A type of xdist's that pytest does not know.
        output: dict[str, Any] = getattr(config, "workeroutput")  # noqa: B009
        output[OUTPUT] = config.stash[COUNTS].sent()
    elif empty_suites(config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    not_run = config.stash[COUNTS].not_run
    lines = [
        f"{suite.marker}: {not_run[suite.marker]} tests not run: {suite.missing()}"
        for suite in SUITES
        if not_run[suite.marker]
    ]
    lines += [
        f"{suite.marker}: {suite.variable} is set, but there is no such test"
        for suite in empty_suites(config)
    ]
    if lines:
        terminalreporter.section("suites that could not be run here", sep="-")
        for line in lines:
            terminalreporter.line(line)


# --- several processes -------------------------------------------------------------------------

WORKERS_MIN, WORKERS_MAX = 2, 8


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One process per core. Two where there is one core: half of the long tests only wait."""
    return min(max(len(os.sched_getaffinity(0)), WORKERS_MIN), WORKERS_MAX)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    # A process that died sends nothing; what it ran at that moment is a failure already.
    sent = getattr(node, "workeroutput", {}).get(OUTPUT)
    if sent is not None:
        node.config.stash[COUNTS].take(sent)


# --- programs, for the tests that use them -----------------------------------------------------


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """The browser's program; for tests marked ``browser``."""
    found = find_chromium()
    assert found is not None
    return found


@pytest.fixture(scope="session")
def mosquitto_path() -> Path:
    """The broker's program; for tests marked ``broker``."""
    found = find_program("mosquitto")
    assert found is not None
    return found
