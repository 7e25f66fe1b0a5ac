"""What the pages of history are about, in the world of the desk's tests: a call with two seats,
holds, an alert, a violation, an appeal and a recording; a person's shift with a gap; a queue's
quarter of an hour.

To look at it by hand::

    python -m tests.browser.history_world     # prints the URL; login 2001 (leader)
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from agentd.clock import wall_us
from agentd.core.effects import (
    Alert,
    CallEnded,
    Effect,
    LegEnded,
    LinkSpan,
    RecordingSeen,
    SeatChanged,
    SeatState,
    Spell,
    Violation,
    VisitEnded,
    WrapUpEnded,
)
from agentd.core.people import Person
from tests.browser.desk_world import (
    ADMIN,
    AGENT,
    COLLEAGUE,
    PASSWORD,
    SECOND_US,
    World,
    world,
)

QA = Person("3001", "方婷", "qa")
NUMBER = "13800001111"
QUARTER_US = 900 * SECOND_US
RECORDED_S = 100
"""From the answer until the first agent handed the call on."""


@dataclass
class HistoryWorld:
    """The world, its call, and when the caller began to wait (microseconds)."""

    made: World
    call: str
    order: str
    joined_us: int

    @property
    def url(self) -> str:
        return self.made.url


def told(call: str, at: int) -> list[Effect]:
    """A caller waited 6 s; the first agent talked 100 s, held for 40 s and handed the call on; the
    colleague talked 50 s more. ``at``: when the caller joined."""
    answered, handed, ended = at + 6 * SECOND_US, at + 106 * SECOND_US, at + 156 * SECOND_US
    held = answered + 20 * SECOND_US
    first = LegEnded(
        pbx="main", call=call, leg="leg-1", seat="PJSIP/8001", agent=AGENT.login, queue="hotline",
        direction="inbound", caller=NUMBER, offered_us=at + SECOND_US, ringing_us=at + SECOND_US,
        answered_us=answered, ended_us=handed, ring_us=5 * SECOND_US, talk_us=100 * SECOND_US,
        hold_us=40 * SECOND_US, holds=(Spell("hold", held, 40 * SECOND_US),), outcome="answered",
        ended_by="transfer", estimated=False, gap=False,
        evidence=(f"Ringing {(at + SECOND_US) / SECOND_US:.6f}",
                  f"Hold {held / SECOND_US:.6f}", f"Unhold {held / SECOND_US + 40:.6f}"),
    )  # fmt: skip
    second = LegEnded(
        pbx="main", call=call, leg="leg-2", seat="PJSIP/8002", agent=COLLEAGUE.login,
        queue="hotline", direction="inbound", caller=NUMBER, offered_us=handed - 4 * SECOND_US,
        ringing_us=handed - 4 * SECOND_US, answered_us=handed, ended_us=ended,
        ring_us=4 * SECOND_US, talk_us=50 * SECOND_US, hold_us=0, holds=(), outcome="answered",
        ended_by="caller", estimated=False, gap=False, evidence=(),
    )  # fmt: skip
    alert = Alert(
        pbx="main", at_us=held + 20 * SECOND_US, level="warning", rule="hold", seat="PJSIP/8001",
        agent=AGENT.login, call=call, queue="hotline", to=("seat",), value_us=20 * SECOND_US,
        limit_us=30 * SECOND_US, spell="hold:1",
    )  # fmt: skip
    violation = Violation(
        pbx="main", id=f"v-{call}", at_us=held + 30 * SECOND_US, rule="hold", seat="PJSIP/8001",
        agent=AGENT.login, call=call, leg="leg-1", value_us=40 * SECOND_US,
        limit_us=30 * SECOND_US, evidence=first.evidence[1:],
    )  # fmt: skip
    sound = RecordingSeen("main", answered, call, f"{call}.2", "call.wav", False)
    ended_sound = RecordingSeen("main", handed, call, f"{call}.2", "call.wav", True)
    return [
        VisitEnded(
            pbx="main", call=call, queue="hotline", caller=NUMBER, joined_us=at, left_us=answered,
            wait_us=6 * SECOND_US, outcome="answered", seat="PJSIP/8001", agent=AGENT.login,
            limit_us=15 * SECOND_US, short_us=5 * SECOND_US, estimated=False, gap=False,
        ),
        sound, alert, ended_sound, first, violation, second,
        WrapUpEnded("main", "PJSIP/8001", AGENT.login, call, "leg-1", "hotline", handed,
                    handed + 30 * SECOND_US, "order"),
        CallEnded(
            pbx="main", call=call, queue="hotline", visits=("hotline",), caller=NUMBER,
            started_us=at - SECOND_US, ended_us=ended, wait_us=6 * SECOND_US, outcome="answered",
            legs=("leg-1", "leg-2"), gap=False,
        ),
    ]  # fmt: skip


def lost(call: str, at: int) -> list[Effect]:
    """A caller gave up after 20 s."""
    left = at + 20 * SECOND_US
    return [
        VisitEnded(
            pbx="main", call=call, queue="hotline", caller="13900002222", joined_us=at,
            left_us=left, wait_us=20 * SECOND_US, outcome="abandoned", seat=None, agent=None,
            limit_us=15 * SECOND_US, short_us=5 * SECOND_US, estimated=False, gap=False,
        ),
        CallEnded(
            pbx="main", call=call, queue="hotline", visits=("hotline",), caller="13900002222",
            started_us=at - SECOND_US, ended_us=left, wait_us=20 * SECOND_US, outcome="abandoned",
            legs=(), gap=False,
        ),
    ]  # fmt: skip


def shift(at: int) -> list[Effect]:
    """The agent's states around the call, with a lunch, and a gap of two minutes before it."""

    def state(name: SeatState, offset_s: int, reason: str | None = None) -> SeatChanged:
        return SeatChanged(
            "main", at + offset_s * SECOND_US, "PJSIP/8001", AGENT.login, name, ("hotline",), reason
        )

    return [
        # agentd has been there for longer than the shift.
        LinkSpan("main", at - 2 * 86_400 * SECOND_US, True),
        state("available", -600),
        state("paused", -480, "meal"),
        LinkSpan("main", at - 300 * SECOND_US, False),
        LinkSpan("main", at - 180 * SECOND_US, True),
        state("available", -180),
        state("ringing", 1),
        state("talking", 6),
        state("holding", 26),
        state("talking", 66),
        state("wrap_up", 106),
        state("available", 136),
        state("logged_out", 200),
    ]


def record(folder: Path) -> None:
    """As many seconds of silence as the call was recorded."""
    with wave.open(str(folder / "monitor" / "call.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
        file.writeframes(b"\x80" * 8000 * RECORDED_S)


async def add_person(made: World, person: Person) -> None:
    """An account with the tests' password, made by the admin over REST."""
    async with httpx.AsyncClient(base_url=made.url, timeout=60) as client:
        login = {"login": ADMIN.login, "password": PASSWORD}
        (await client.post("api/session", json=login)).raise_for_status()
        body = {"name": person.name, "role": person.role, "password": PASSWORD}
        (await client.put(f"api/people/{person.login}", json=body)).raise_for_status()


async def furnish_history(made: World, folder: Path) -> HistoryWorld:
    """A call of some minutes ago, and what was around it."""
    record(folder)
    await add_person(made, QA)
    now_us = wall_us()
    # All of it within one quarter of an hour, and none of it to come.
    joined_us = (now_us - 600 * SECOND_US) // QUARTER_US * QUARTER_US + 60 * SECOND_US
    call, given_up = made.next_call(), made.next_call()
    await made.submit(*shift(joined_us))
    await made.submit(*told(call, joined_us))
    await made.submit(*lost(given_up, joined_us + 30 * SECOND_US))
    order = await made.order(call, NUMBER, opened_ago_s=300, ended_ago_s=120)
    await made.desk.appeal(AGENT, f"v-{call}", "客户同意等待")
    return HistoryWorld(made, call, order, joined_us)


@asynccontextmanager
async def history_world(folder: Path, *, port: int = 0) -> AsyncIterator[HistoryWorld]:
    """A world with a little history."""
    async with world(folder, port=port) as made:
        yield await furnish_history(made, folder)


async def _main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with history_world(Path(folder)) as made:
            print(made.url, f"password: {PASSWORD}", flush=True)  # noqa: T201  its output
            await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main())
