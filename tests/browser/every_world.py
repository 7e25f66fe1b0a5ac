"""One world with something on every page: a busy board, orders in every state, appeals, a roster,
history with a gap, alerts, figures.

To look at it by hand::

    python -m tests.browser.every_world     # prints the URL; logins 2001, 2101, 8001, 9001
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from msgspec.structs import replace

from agentd.core.effects import Effect, LegEnded
from agentd.core.people import Person
from tests.browser import scenes
from tests.browser.desk_world import (
    ADMIN,
    AGENT,
    CALLER,
    PASSWORD,
    World,
    judged_call,
    signed_in,
)
from tests.browser.history_world import HistoryWorld, add_person, furnish_history
from tests.browser.shift_world import appealed, furnish_shift

SUPERVISOR = Person("2101", "沈国平", "supervisor")


@dataclass
class EveryWorld:
    """The world; its orders by what the tests call them; its past; a token for walls."""

    made: World
    orders: dict[str, str]
    past: HistoryWorld
    wall_token: str

    @property
    def url(self) -> str:
        return self.made.url


def _figure(value: float | None, **more: Any) -> dict[str, Any]:
    return {"value": value, "num": None, "den": None, "gap": False, "estimated": 0, **more}


def figures(queue: str) -> dict[str, Any]:
    """Figures of a queue in every window, with a gap and an estimate among them."""
    windows = {}
    for window in ("last_30_min", "shift", "today"):
        for then, less in (("", 0), ("@yesterday", 23), ("@last_week", -3)):
            windows[window + then] = {
                "answered": _figure(298 - less),
                "abandoned": _figure(11 + less),
                "connect_rate": _figure(0.934 - less / 1000, num=298 - less, den=319),
                "service_level": _figure(0.91, num=271, den=298, gap=then == "@yesterday"),
                "asa": _figure(8.4, num=2503, den=298, estimated=2 if then == "" else 0),
            }
    return {
        "kind": "figures", "scope": "queue", "pbx": "main", "name": queue, "figures": windows,
    }  # fmt: skip


def surge(queue: str, since: float) -> dict[str, Any]:
    """A queue's surge of the second level."""
    return {
        "kind": "surge",
        "pbx": "main",
        "name": queue,
        "level": 2,
        "since": since,
        "reached": ["waiting"],
        "waiting": 12,
        "longest_wait_s": 71.0,
        "service_level": 0.71,
        "limits": {"waiting": 20},
        "folds": True,
    }


def board(now: float) -> scenes.Board:
    """A storm on the board, and the PBX's clock was set an hour ago."""
    found = scenes.storm(now, 24)
    found["pbx:main"] |= {
        "lag_s": 0.05,
        "warnings": [{"code": "no_timestamps", "text": "timestampevents is off"}],
        "clock_step": {"at": now - 3600, "seconds": -2.0},
    }
    found["seat:main/PJSIP/1003"]["person"] = AGENT.login
    for name in ("hotline", "sales", "complaints"):
        found[f"figures:queue/main/{name}"] = figures(name)
    found["surge:main/sales"] = surge("sales", now - 90)
    return found


def _leg(made: World, order: str) -> Effect:
    """What a call center always has of an order's call: somebody's part in it."""
    call = order.removeprefix("main-")
    [leg] = [one for one in judged_call(made, 90) if isinstance(one, LegEnded)]
    return replace(leg, call=call, leg=f"{call}-leg", hold_us=0)


async def _wall_token(made: World) -> str:
    async with httpx.AsyncClient(base_url=made.url, timeout=60) as client:
        login = {"login": ADMIN.login, "password": PASSWORD}
        (await client.post("api/session", json=login)).raise_for_status()
        body = {"name": "lobby", "rights": ["board"], "queues": [], "days": None}
        answer = await client.post("api/tokens", json=body)
        answer.raise_for_status()
        secret: str = answer.json()["secret"]
        return secret


@asynccontextmanager
async def every_world(folder: Path, *, port: int = 0) -> AsyncIterator[EveryWorld]:
    """Everything, with the agent at work: a call on hold, an order in hand, others owed."""
    async with signed_in(folder, port=port) as made:
        await add_person(made, SUPERVISOR)
        for key, shown in board(made.now()).items():
            made.show(key, shown)
        past = await furnish_history(made, folder)
        orders = await furnish_shift(made)
        await appealed(made, "客户同意等待，已说明原因", 1800)
        await made.presence.report_fault(AGENT, "main", "PJSIP/8003", "听筒有杂音")
        orders["owed"] = await made.order(
            made.next_call(), "13911113333", opened_ago_s=700, ended_ago_s=640
        )
        await made.submit(*(_leg(made, order) for order in orders.values()))
        call = made.rings(CALLER)
        orders["now"] = await made.answers(call)
        made.holds(22)
        made.alert("warning", "hold", call=call)
        yield EveryWorld(made, orders, past, await _wall_token(made))


async def _main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with every_world(Path(folder)) as made:
            print(made.url, f"password: {PASSWORD}", flush=True)  # noqa: T201  its output
            await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main())
