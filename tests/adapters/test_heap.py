"""What lives is set aside; rings that died there are found when nobody is on the phone."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator
from contextlib import suppress

import pytest

from agentd.heap import LOOK_AT_LAST_S, LOOK_S, SET_ASIDE_S, Heap


class Ring:
    """Refers to itself: only a collection finds it."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture(autouse=True)
def nothing_aside() -> Iterator[None]:
    yield
    gc.unfreeze()


class Watch:
    def __init__(self) -> None:
        self.now_s = 0.0
        self.busy = True
        self.heap = Heap(lambda: self.busy, monotonic=lambda: self.now_s)

    def until(self, then_s: float) -> None:
        while self.now_s < then_s:
            self.now_s += SET_ASIDE_S * 360
            self.heap.tend()


def test_what_is_dead_is_not_set_aside_and_what_lives_is() -> None:
    watch = Watch()
    before = gc.get_freeze_count()
    living, dead = Ring(), weakref.ref(Ring())
    watch.heap.tend()
    assert dead() is None
    assert gc.get_freeze_count() > before
    assert living.me is living


def test_rings_that_die_aside_are_found_when_nobody_is_on_the_phone() -> None:
    watch = Watch()
    ring: Ring | None = Ring()
    gone = weakref.ref(ring)
    watch.heap.tend()
    ring = None
    watch.until(LOOK_S + 1)
    assert gone() is not None, "somebody is on the phone"
    watch.busy = False
    watch.heap.tend()
    assert gone() is None


def test_a_centre_that_never_rests_is_looked_at_in_the_end() -> None:
    watch = Watch()
    ring: Ring | None = Ring()
    gone = weakref.ref(ring)
    watch.heap.tend()
    ring = None
    watch.until(LOOK_AT_LAST_S - SET_ASIDE_S * 400)
    assert gone() is not None
    watch.until(LOOK_AT_LAST_S)
    assert gone() is None


async def test_when_it_ends_nothing_is_aside() -> None:
    watch = Watch()
    task = asyncio.create_task(watch.heap.run())
    await asyncio.sleep(0)
    assert gc.get_freeze_count() > 0
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert gc.get_freeze_count() == 0
