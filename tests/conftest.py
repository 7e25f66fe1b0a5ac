"""What holds for every test: nothing left running, logs as they were.

Suites that need a program are in ``suites.py``.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import threading
from collections.abc import AsyncIterator, Generator, Iterator
from typing import Any

import hypothesis
import pytest
import structlog

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

pytest_plugins = ["tests.suites"]

# --- logs are as they were ---------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """Commands set up the logs of the process, on a stream that ends with their test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    if structlog.is_configured():
        structlog.reset_defaults()
        root.handlers[:] = handlers
        root.setLevel(level)


# --- nothing is left running -------------------------------------------------------------------

FAILED = pytest.StashKey[bool]()


def pytest_collection_finish() -> None:
    """What was collected stays until the end: the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        watch_event_loop(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report


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
