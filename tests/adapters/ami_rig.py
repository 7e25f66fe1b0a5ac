"""A listener at work, for the tests of the AMI link."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from agentd import clock
from agentd.ami_link import AmiSettings
from agentd.ami_listener import AmiListener
from agentd.testing import FakeInbox


def settings(port: int, **changed: Any) -> AmiSettings:
    """Quick to try again, and otherwise as the daemon has it."""
    quick = {"backoff_min_s": 0.01, "backoff_max_s": 0.05}
    given = {"pbx": "main", "username": "agentd", "secret": "fake", "port": port}
    return AmiSettings(**(given | quick | changed))


class LeapingClock:
    """The monotonic clock, and what a test says has passed besides."""

    def __init__(self) -> None:
        self.leapt_s = 0.0

    def __call__(self) -> float:
        return clock.monotonic() + self.leapt_s


@contextlib.asynccontextmanager
async def listening(
    port: int,
    inbox: FakeInbox,
    *,
    sleep: Callable[[float], Any] = asyncio.sleep,
    monotonic: Callable[[], float] = clock.monotonic,
    **changed: Any,
) -> AsyncIterator[AmiListener]:
    """Runs until the block ends, and then leaves nothing behind."""
    listener = AmiListener(settings(port, **changed), inbox, sleep=sleep, monotonic=monotonic)
    task = asyncio.create_task(listener.run())
    try:
        yield listener
    finally:
        await listener.stop()
        # A bug of the listener is seen here.
        await task
