"""Long queues on the live stream: who came and who went, to those who ask for it."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import connect

from agentd.core.people import Person
from agentd.monitor_mailbox import StreamSettings
from agentd.monitor_patch import LONG_BYTES, patch_of
from agentd.testing import OpenAccounts
from agentd.watch_view import apply
from tests.adapters.live_rig import PATIENCE_S, Listener, Rig, served, until

PATIENT = StreamSettings(stall_s=10 * PATIENCE_S, beat_interval_s=0.05)
KEY = "queue:m/support"
AGENT = Person("1001", "王芳", "agent")


def queue(*calls: str, **values: Any) -> dict[str, Any]:
    waiting = [
        {"call": call, "caller": f"1390000{n:04}", "joined_at": float(n)}
        for n, call in enumerate(calls)
    ]
    return {"kind": "queue", "pbx": "m", "name": "support", "waiting": waiting} | values


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def many(*numbers: int, **values: Any) -> dict[str, Any]:
    waiting = [
        {"call": f"1795433337.{n}", "caller": f"1390000{n:04}", "joined_at": float(n)}
        for n in numbers
    ]
    return queue(**values) | {"waiting": waiting}


_calls = st.lists(st.integers(0, 40), unique=True, max_size=40)


@given(_calls, _calls, st.integers(0, 3), st.booleans())
def test_a_patch_makes_the_new_queue_of_the_old_one(
    before: list[int], after: list[int], offered: int, ordered: bool
) -> None:
    # Mostly in the order in which callers join; and whatever else may come.
    old, new = (sorted(before), sorted(after)) if ordered else (before, after)
    one, other = many(*old, offered=0), many(*new, offered=offered, label="x" * LONG_BYTES)
    patch = patch_of(raw(one), raw(other))
    if patch is None:
        return
    delta = {"type": "delta", "set": {}, "del": [], "patch": {KEY: json.loads(bytes(patch))}}
    assert apply({KEY: one}, delta) == {KEY: other}


def test_one_more_of_two_hundred_is_a_fortieth() -> None:
    one, other = many(*range(200)), many(*range(1, 201), offered=7)
    patch = patch_of(raw(one), raw(other))
    assert patch is not None
    assert json.loads(bytes(patch)) == {
        "set": {"kind": "queue", "pbx": "m", "name": "support", "offered": 7},
        "gone": ["1795433337.0"],
        "came": other["waiting"][-1:],
    }
    assert 40 * len(bytes(patch)) < len(bytes(raw(other)))


def test_a_short_queue_and_another_order_are_told_whole() -> None:
    assert patch_of(raw(many(1, 2)), raw(many(1, 2, 3))) is None
    turned = [*range(100, 0, -1)]
    assert patch_of(raw(many(*range(1, 101))), raw(many(*turned))) is None
    # Nearly all of them are new.
    assert patch_of(raw(many(1)), raw(many(*range(1, 101)))) is None


async def listen(rig: Rig, query: str, headers: dict[str, str]) -> Listener:
    websocket = await connect(f"{rig.ws_url}{query}", additional_headers=headers, proxy=None)
    return Listener(websocket)


async def test_who_asks_is_told_who_came_and_went_and_the_others_see_the_same() -> None:
    async with served(PATIENT) as rig:
        board = many(*range(100))
        rig.live.publish({KEY: board, "pbx:m": {"kind": "pbx", "id": "m"}}, [])
        await until(lambda: rig.live.seq == 1)
        asks = await listen(rig, "?patches=1", {})
        plain = await listen(rig, "", {})
        try:
            for client in (asks, plain):
                await client.next_of("snapshot")
                await client.ack()
            for step in range(3):
                board = many(*range(step + 1, 101 + step), offered=step)
                rig.live.publish({KEY: board, "pbx:m": {"kind": "pbx", "n": step}}, [])
                short, whole = await asks.next_of("delta"), await plain.next_of("delta")
                assert list(short["patch"]) == [KEY]
                assert list(short["set"]) == ["pbx:m"]
                assert "patch" not in whole
                assert (
                    asks.board == plain.board == {KEY: board, "pbx:m": {"kind": "pbx", "n": step}}
                )
                await asks.ack()
                await plain.ack()
        finally:
            await asks.websocket.close()
            await plain.websocket.close()


async def test_what_is_masked_stays_masked_in_a_patch() -> None:
    accounts = OpenAccounts(AGENT)
    async with served(PATIENT, accounts=accounts) as rig:
        seat = {"kind": "seat", "pbx": "m", "seat": "1", "person": "1001", "queues": ["support"]}
        rig.live.publish({KEY: many(*range(100)), "seat:m/1": seat}, [])
        await until(lambda: rig.live.seq == 1)
        client = await listen(rig, "?patches=1", {})
        try:
            await client.next_of("snapshot")
            await client.ack()
            rig.live.publish({KEY: many(*range(1, 101))}, [])
            delta = await client.next_of("delta")
            [came] = delta["patch"][KEY]["came"]
            assert came["caller"] == "139****0100"
            shown = client.board[KEY]["waiting"]
            assert [one["call"] for one in shown] == [f"1795433337.{n}" for n in range(1, 101)]
            assert all("****" in one["caller"] for one in shown)
        finally:
            await client.websocket.close()
