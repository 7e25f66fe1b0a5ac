"""What holds for every test: nothing left running, debug mode on, suites that need a program.

A test marked ``browser``, ``broker`` or ``lab`` needs a real program. Where it is missing the
test is skipped and the reason is told at the end of the run; with ``AGENTD_REQUIRE_BROWSER=1``,
``AGENTD_REQUIRE_BROKER=1`` or ``AGENTD_REQUIRE_LAB=1`` (`make test-all`) the same is a failure,
and so is any other skip in that suite, or a whole run in which the suite has no test.
"""

from __future__ import annotations

import asyncio
import functools
import importlib.util
import os
import shutil
import subprocess
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# --- Hypothesis --------------------------------------------------------------------------------

# No deadline and no complaint about slowness anywhere: a busy machine is not a broken property.
hypothesis.settings.register_profile(
    "dev", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.register_profile(
    "ci", hypothesis.settings.get_profile("dev"), derandomize=True, print_blob=True, database=None
)
# For a night of searching: HYPOTHESIS_PROFILE=deep.
hypothesis.settings.register_profile(
    "deep", hypothesis.settings.get_profile("dev"), max_examples=5_000
)
hypothesis.settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev")
)

# --- suites that need a program ----------------------------------------------------------------


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

NOT_RUN = pytest.StashKey[Counter[Suite]]()
COLLECTED = pytest.StashKey[Counter[Suite]]()


def suites_of(item: pytest.Item) -> list[Suite]:
    return [suite for suite in SUITES if item.get_closest_marker(suite.marker) is not None]


def pytest_configure(config: pytest.Config) -> None:
    config.stash[NOT_RUN] = Counter()
    config.stash[COLLECTED] = Counter()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # What answers at once runs first; the suites that need programs come after it.
    items.sort(key=lambda item: max((SUITES.index(s) + 1 for s in suites_of(item)), default=0))
    for item in items:
        config.stash[COLLECTED].update(suites_of(item))
        watch_event_loop(item)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    for suite in suites_of(item):
        reason = suite.missing()
        if reason is None:
            continue
        if suite.required:
            pytest.fail(f"{suite.variable} is set, but {reason}", pytrace=False)
        item.config.stash[NOT_RUN][suite] += 1
        pytest.skip(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    required = [suite.variable for suite in suites_of(item) if suite.required]
    if required and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped although {required[0]} is set: {report.longrepr}"
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    config = session.config
    # A part of the tests was asked for: nothing can be said about the suites as a whole.
    if list(config.args) != list(config.getini("testpaths")) or config.option.keyword:
        return
    if any(s.required and not config.stash[COLLECTED][s] for s in SUITES):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    lines = [
        f"{suite.marker}: {count} tests not run: {suite.missing()}"
        for suite, count in config.stash[NOT_RUN].items()
    ]
    lines += [
        f"{suite.marker}: {suite.variable} is set, but there is no such test"
        for suite in SUITES
        if suite.required and not config.stash[COLLECTED][suite]
    ]
    if lines:
        terminalreporter.section("suites that could not be run here", sep="-")
        for line in lines:
            terminalreporter.line(line)


# --- nothing is left running -------------------------------------------------------------------

FAILED = pytest.StashKey[bool]()

# Long enough that only a thread that nobody ends is still there.
THREAD_GRACE_S = 10.0


@pytest.fixture(autouse=True)
def _no_lingering_threads(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test that leaves a non-daemon thread; such a thread keeps a process from ending."""
    before = set(threading.enumerate())
    yield
    left = [t for t in threading.enumerate() if t not in before and not t.daemon]
    for thread in left:
        thread.join(THREAD_GRACE_S)
    alive = [thread.name for thread in left if thread.is_alive()]
    if alive and not request.node.stash.get(FAILED, False):
        pytest.fail(f"threads left running: {', '.join(alive)}", pytrace=False)


@pytest.fixture
async def _clean_event_loop(
    request: pytest.FixtureRequest, _no_lingering_threads: None
) -> AsyncIterator[None]:
    """Fails an async test that leaves a task or a timer, or an error that nobody saw."""
    loop = asyncio.get_running_loop()
    before = asyncio.all_tasks()
    unseen: list[str] = []

    def remember(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        unseen.append(f"{context['message']}: {context.get('exception')!r}")

    loop.set_exception_handler(remember)
    yield
    # What was cancelled or closed last gets its turns to end.
    for _ in range(10):
        await asyncio.sleep(0)
    own = asyncio.current_task()
    tasks = [t for t in asyncio.all_tasks() if t is not own and t not in before and not t.done()]
    # asyncio offers no public list of its timers.
    scheduled: list[asyncio.TimerHandle] = getattr(loop, "_scheduled", [])
    timers = [handle for handle in scheduled if not handle.cancelled()]
    problems = [f"task left running: {task!r}" for task in tasks]
    problems += [f"timer left running: {timer!r}" for timer in timers]
    problems += [f"error that nobody saw: {text}" for text in unseen]
    for task in tasks:
        task.cancel()
    for timer in timers:
        timer.cancel()
    if request.node.stash.get(FAILED, False):
        return
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


def watch_event_loop(item: pytest.Item) -> None:
    """Give an async test the fixture above, before its own fixtures, so that it ends after them.

    Autouse would start an event loop for every plain test as well.
    """
    names: list[str] = getattr(item, "fixturenames", [])
    if item.get_closest_marker("asyncio") is None or "_clean_event_loop" in names:
        return
    names.insert(names.index("_no_lingering_threads") + 1, "_clean_event_loop")


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
