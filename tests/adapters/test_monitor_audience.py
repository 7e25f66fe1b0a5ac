"""Who sees what on the live stream: over real sockets, and for every order of things."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from agentd.core.people import Person
from agentd.monitor_audience import Audience, Listener, Views
from agentd.monitor_mailbox import Mailbox, Message, StreamSettings
from agentd.testing import OpenAccounts
from agentd.watch_view import apply
from tests.adapters.live_rig import PATIENCE_S, Rig, served, until
from tests.adapters.live_rig import Listener as Client

PATIENT = StreamSettings(stall_s=10 * PATIENCE_S, beat_interval_s=0.05)

WANG = Person("1001", "王芳", "agent", queues=("support",), teams=("A",))
ZHAO = Person("1002", "赵六", "agent", queues=("sales",), teams=("B",))
LEADER_A = Person("2000", "李四", "shift_leader", queues=("support",), teams=("A",))
LEADER_B = Person("2001", "钱七", "shift_leader", queues=("sales",), teams=("B",))
MANAGER = Person("3000", "主任", "manager")
AUDITOR = Person("8000", "审计", "auditor")


def pbx() -> dict[str, Any]:
    return {"kind": "pbx", "id": "m", "link": "up"}


def queue(name: str, *callers: str) -> dict[str, Any]:
    waiting = [{"call": f"c{n}", "caller": caller} for n, caller in enumerate(callers)]
    return {"kind": "queue", "pbx": "m", "name": name, "waiting": waiting}


def seat(n: int, person: str | None, group: str, *queues: str, **values: Any) -> dict[str, Any]:
    return {
        "kind": "seat",
        "pbx": "m",
        "seat": f"PJSIP/{n}",
        "agent": person,
        "person": person,
        "group": group,
        "queues": list(queues),
        **values,
    }


def alert(n: int, person: str | None, queue: str | None = None, **values: Any) -> dict[str, Any]:
    return {
        "kind": "alert",
        "pbx": "m",
        "seat": f"PJSIP/{n}",
        "agent": person,
        "person": person,
        "queue": queue,
        **values,
    }


def figures(name: str | None, **values: Any) -> dict[str, Any]:
    scope, of = ("site", None) if name is None else ("queue", "m")
    return {"kind": "figures", "scope": scope, "pbx": of, "name": name, "figures": {}, **values}


def surge(name: str, level: int) -> dict[str, Any]:
    return {"kind": "surge", "pbx": "m", "name": name, "level": level}


BOARD = {
    "pbx:m": pbx(),
    "figures:site/*": figures(None),
    "figures:queue/m/support": figures("support"),
    "figures:queue/m/sales": figures("sales"),
    "surge:m/sales": surge("sales", 1),
    "queue:m/support": queue("support", "13812345678"),
    "queue:m/sales": queue("sales", "13987654321"),
    "seat:m/PJSIP/1": seat(1, "1001", "A", "support", caller="13700001111"),
    "seat:m/PJSIP/2": seat(2, "1002", "B", "sales", caller="13600002222"),
    "alert:m/1": alert(1, "1001", "support"),
    "alert:m/2": alert(2, "1002", "sales"),
    # Of whoever sat at the seat of 1001 before.
    "alert:m/3": alert(1, "1009", "support"),
}


SUPPORT = ("queue:m/support", "figures:queue/m/support")
SALES = ("queue:m/sales", "figures:queue/m/sales", "surge:m/sales")


class People(OpenAccounts):
    """Everybody's cookie is the login; they can leave and change."""

    def __init__(self, *people: Person) -> None:
        super().__init__()
        self.people_by_login = {person.login: person for person in people}

    def whose_cookie(self, cookie: str) -> Person | None:
        return self.people_by_login.get(cookie)

    async def by_cookie(self, cookie: str) -> Person | None:
        return self.whose_cookie(cookie)


@asynccontextmanager
async def listening(rig: Rig, person: Person) -> AsyncIterator[Client]:
    headers = {"Cookie": f"agentd_session={person.login}"}
    async with connect(
        rig.ws_url, additional_headers=headers, compression=None, max_size=None
    ) as websocket:
        yield Client(websocket)


EVERYBODY = (WANG, ZHAO, LEADER_A, LEADER_B, MANAGER, AUDITOR)


# --- over real sockets --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("person", "keys"),
    [
        (MANAGER, set(BOARD)),
        (WANG, {"pbx:m", *SUPPORT, "seat:m/PJSIP/1", "alert:m/1"}),
        (ZHAO, {"pbx:m", *SALES, "seat:m/PJSIP/2", "alert:m/2"}),
        (LEADER_A, {"pbx:m", *SUPPORT, "seat:m/PJSIP/1", "alert:m/1", "alert:m/3"}),
        (LEADER_B, {"pbx:m", *SALES, "seat:m/PJSIP/2", "alert:m/2"}),
    ],
)
async def test_the_snapshot_holds_what_is_ones_own(person: Person, keys: set[str]) -> None:
    async with served(PATIENT, accounts=People(*EVERYBODY)) as rig:
        rig.live.publish(BOARD, [])
        await until(lambda: rig.live.seq == 1)
        async with listening(rig, person) as client:
            snapshot = await client.next_of("snapshot")
            assert set(snapshot["board"]) == keys


async def test_an_agent_sees_no_number_of_who_waits_and_the_own_callers_whole() -> None:
    async with served(PATIENT, accounts=People(*EVERYBODY)) as rig:
        rig.live.publish(BOARD, [])
        await until(lambda: rig.live.seq == 1)
        async with listening(rig, WANG) as agent, listening(rig, LEADER_A) as leader:
            board = (await agent.next_of("snapshot"))["board"]
            assert board["queue:m/support"]["waiting"] == [{"call": "c0", "caller": "138****5678"}]
            assert board["seat:m/PJSIP/1"]["caller"] == "13700001111"
            board = (await leader.next_of("snapshot"))["board"]
            assert board["queue:m/support"]["waiting"][0]["caller"] == "13812345678"
            await agent.ack()
            rig.live.publish({"queue:m/support": queue("support", "13311112222", "")}, [])
            delta = await agent.next_of("delta")
            waiting = delta["set"]["queue:m/support"]["waiting"]
            assert [who["caller"] for who in waiting] == ["133****2222", ""]


async def test_no_message_ever_tells_an_agent_of_anothers_things() -> None:
    async with served(PATIENT, accounts=People(*EVERYBODY)) as rig:
        rig.live.publish(BOARD, [])
        async with listening(rig, WANG) as agent:
            await agent.next_of("snapshot")
            await agent.ack()
            for n in range(20):
                rig.live.publish(
                    {
                        "seat:m/PJSIP/2": seat(2, "1002", "B", "sales", since=n),
                        "queue:m/sales": queue("sales", f"1398765{n:04}"),
                        f"alert:m/n{n}": alert(2, "1002", "sales"),
                        f"alert:m/o{n}": alert(1, "1009", "support"),
                    },
                    [f"alert:m/n{n - 1}"] if n else [],
                )
                rig.live.hint("orders:1002", "violations:1002", "seat:1002", "inbox:B", "roster")
                await asyncio.sleep(0.04)
            rig.live.publish({"seat:m/PJSIP/1": seat(1, "1001", "A", "support", since=99)}, [])
            rig.live.hint("orders:1001", "orders:1002", "inbox:A", "handover")
            while "hint" not in {message["type"] for message in agent.seen}:
                await agent.next()
                await agent.ack()
            said = json.dumps(agent.seen)
            for foreign in ("PJSIP/2", "sales", "1002", "1009", "inbox", "roster", "handover"):
                assert foreign not in said
            assert [m["topics"] for m in agent.seen if m["type"] == "hint"] == [["orders"]]
            # Numbered without a hole, although much happened that it was not told.
            assert [m["seq"] for m in agent.seen if m["type"] == "delta"] == [1]


async def test_what_moves_out_of_sight_is_deleted_and_what_moves_in_comes_whole() -> None:
    async with served(PATIENT, accounts=People(*EVERYBODY)) as rig:
        rig.live.publish(BOARD, [])
        await until(lambda: rig.live.seq == 1)
        async with listening(rig, WANG) as agent:
            await agent.next_of("snapshot")
            await agent.ack()
            # 1001 leaves the seat, and 1002 sits down there.
            rig.live.publish({"seat:m/PJSIP/1": seat(1, "1002", "A", "support")}, [])
            delta = await agent.next_of("delta")
            assert set(delta["del"]) == {"seat:m/PJSIP/1", *SUPPORT}
            assert delta["set"] == {}
            await agent.ack()
            rig.live.publish({"seat:m/PJSIP/5": seat(5, "1001", "A", "sales")}, [])
            delta = await agent.next_of("delta")
            assert set(delta["set"]) == {"seat:m/PJSIP/5", *SALES}
            assert "139****4321" in json.dumps(delta)
            assert delta["seq"] == 2
            await agent.ack()
            # The own alert stays, wherever one sits.
            assert "alert:m/1" in agent.board


async def test_restricted_clients_hear_beats_while_others_are_busy() -> None:
    settings = StreamSettings(stall_s=PATIENCE_S, beat_interval_s=0.4)
    async with served(settings, accounts=People(*EVERYBODY)) as rig:
        rig.live.publish(BOARD, [])
        async with listening(rig, WANG) as agent:
            await agent.next_of("snapshot")

            async def others() -> None:
                n = 0
                while True:
                    n += 1
                    rig.live.publish({"seat:m/PJSIP/2": seat(2, "1002", "B", "sales", n=n)}, [])
                    await asyncio.sleep(0.02)

            noise = asyncio.create_task(others())
            await agent.next_of("beat")
            await agent.ack()
            await agent.next_of("beat")
            noise.cancel()
            assert agent.count("delta") == 0


async def test_hints_go_to_whom_they_concern_once() -> None:
    async with (
        served(PATIENT, accounts=People(*EVERYBODY)) as rig,
        listening(rig, WANG) as agent,
        listening(rig, LEADER_A) as leader,
        listening(rig, MANAGER) as manager,
    ):
        for client in (agent, leader, manager):
            await client.next_of("snapshot")
            await client.ack()
        for _ in range(3):
            rig.live.hint("orders:1001", "inbox:A", "inbox:B", "roster", "me:1001")
        assert (await agent.next_of("hint"))["topics"] == ["me", "orders"]
        assert (await leader.next_of("hint"))["topics"] == ["inbox", "roster"]
        rig.live.hint("inbox:B")
        rig.live.hint("orders:3000", "inbox:")
        assert (await manager.next_of("hint"))["topics"] == ["orders"]
        assert (await leader.next_of("hint"))["topics"] == ["inbox"]
        assert agent.count("hint") == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda people: people.pop("1001"), 4003),
        (lambda people: people.update({"1001": structs.replace(WANG, disabled=True)}), 4003),
        (lambda people: people.update({"1001": structs.replace(WANG, role="qa")}), 4001),
        (lambda people: people.update({"1001": structs.replace(WANG, teams=("B",))}), 4001),
    ],
)
async def test_a_login_that_ends_or_changes_ends_the_connection(
    change: Callable[[dict[str, Person]], object], code: int
) -> None:
    people = People(*EVERYBODY)
    async with served(PATIENT, accounts=people) as rig, listening(rig, MANAGER) as bystander:
        await bystander.next_of("snapshot")
        async with listening(rig, WANG) as client:
            await client.next_of("snapshot")
            change(people.people_by_login)
            assert (await client.until_closed()).code == code
        await until(lambda: rig.live.clients == 1)


async def test_who_may_see_no_board_and_sits_at_no_seat_hears_nothing() -> None:
    async with served(PATIENT, accounts=People(*EVERYBODY)) as rig:
        with pytest.raises(InvalidStatus) as refused:
            async with listening(rig, AUDITOR):
                pass
        assert refused.value.response.status_code == 403


async def test_equal_audiences_share_one_encoding_and_leave_nothing_behind() -> None:
    twin = structs.replace(LEADER_A, login="2009")
    async with served(PATIENT, accounts=People(*EVERYBODY, twin)) as rig:
        rig.live.publish(BOARD, [])
        await until(lambda: rig.live.seq == 1)
        async with listening(rig, LEADER_A) as first, listening(rig, twin) as second:
            one = (await first.next_of("snapshot"))["board"]
            assert (await second.next_of("snapshot"))["board"] == one
            assert rig.live.snapshots_encoded == 1
            assert len(rig.live._feeds) == 1
        await until(lambda: rig.live.clients == 0)
        assert not rig.live._feeds
        assert not rig.live._views._facts
        assert not rig.live._views._watchers


# --- for every order of things ------------------------------------------------------------------

people = st.sampled_from([None, "1001", "1002"])
groups = st.sampled_from(["A", "B"])
names = st.sampled_from(["support", "sales"])
objects = st.one_of(
    st.builds(
        lambda n, p, g, q: (f"seat:m/PJSIP/{n}", seat(n, p, g, *sorted(q))),
        st.integers(1, 3),
        people,
        groups,
        st.sets(names),
    ),
    st.builds(
        lambda name, caller: (f"queue:m/{name}", queue(name, caller)),
        names,
        st.sampled_from(["13812345678", "13987654321"]),
    ),
    st.builds(
        lambda name, n: (f"figures:{name}", figures(name, n=n)),
        st.one_of(st.none(), names),
        st.integers(0, 2),
    ),
    st.builds(lambda name, n: (f"surge:m/{name}", surge(name, n)), names, st.integers(0, 2)),
    st.builds(
        lambda key, n, p, q: (f"alert:m/{key}", alert(n, p, q)),
        st.integers(1, 4),
        st.integers(1, 3),
        people,
        st.one_of(st.none(), names),
    ),
)
keys = objects.map(lambda pair: pair[0])
turns = st.lists(st.tuples(st.lists(objects, max_size=4), st.lists(keys, max_size=2)), max_size=12)

AUDIENCES = (
    Audience("1001"),
    Audience("1002"),
    Audience(queues=("support",)),
    Audience(teams=("B",)),
    Audience(queues=("sales",), teams=("A",)),
    Audience(),
)


def seen_by(audience: Audience, board: dict[str, Any]) -> dict[str, Any]:
    """What docs/live-stream.md says that ``audience`` sees of ``board``, written another way."""
    seats = {o["seat"]: o for o in board.values() if o["kind"] == "seat"}
    own = [o for o in seats.values() if o["person"] == audience.login]
    mine = {q for o in own for q in o["queues"]}

    def in_scope(queues: list[str], team: str | None) -> bool:
        by_queue = not audience.queues or not queues or any(q in audience.queues for q in queues)
        return by_queue and (not audience.teams or team is None or team in audience.teams)

    seen = {}
    for key, o in board.items():
        at = seats.get(o.get("seat"))
        if o["kind"] == "figures" and o["scope"] == "site":
            shown = audience == Audience()
        elif o["kind"] in ("queue", "figures", "surge"):
            shown = o["name"] in mine if audience.login else in_scope([o["name"]], None)
        elif o["kind"] == "seat":
            shown = o in own if audience.login else in_scope(o["queues"], o["group"])
        elif audience.login:
            nobodys = o["person"] is None and o["agent"] is None
            shown = o["person"] == audience.login or (nobodys and at in own)
        elif audience == Audience():
            shown = at is not None or o["seat"] is None
        else:
            queues = [o["queue"]] if o["queue"] else (at or {"queues": []})["queues"]
            shown = at is not None and in_scope(queues, at["group"])
        if shown:
            seen[key] = o
            if audience.login and o["kind"] == "queue":
                masked = [
                    {**w, "caller": w["caller"][:3] + "****" + w["caller"][-4:]}
                    for w in o["waiting"]
                ]
                seen[key] = {**o, "waiting": masked}
    return seen


@settings(max_examples=400)
@given(start=turns, turns=turns)
def test_every_audiences_deltas_always_make_its_board(
    start: list[tuple[list[Any], list[str]]], turns: list[tuple[list[Any], list[str]]]
) -> None:
    board: dict[str, Any] = {}
    raw: dict[str, msgspec.Raw] = {}
    views = Views(raw)
    opened = []
    boards: list[dict[str, Any]] = []

    for number, (changed, removed) in enumerate([*start, ([], []), *turns]):
        if number == len(start):
            opened = [views.open(audience) for audience in AUDIENCES]
            boards = [msgspec.json.decode(msgspec.json.encode(view.board)) for view in opened]
        gone = [key for key in dict.fromkeys(removed) if key in board]
        for key in gone:
            del board[key], raw[key]
        for key, value in changed:
            board[key], raw[key] = value, msgspec.Raw(msgspec.json.encode(value))
        fresh = list(dict.fromkeys(key for key, _ in changed))
        gone = [key for key in gone if key not in fresh]
        for view, set_, del_, before in views.follow(fresh, gone):
            index = opened.index(view)
            # Patches rest on what the view showed until now.
            for key in set_.keys() & before.keys():
                assert msgspec.json.decode(before[key]) == boards[index][key]
            delta = {
                "type": "delta",
                "set": msgspec.json.decode(msgspec.json.encode(set_)),
                "del": del_,
            }
            assert not set(set_) & set(del_)
            assert set(del_) <= set(boards[index])
            boards[index] = dict(apply(boards[index], delta))
        for index, view in enumerate(opened):
            told = msgspec.json.decode(msgspec.json.encode(view.board))
            assert boards[index] == told == seen_by(view.audience, board)
    for view in opened:
        views.close(view.audience)
    assert not views._watchers


def test_hints_wait_for_room_and_are_forgotten_with_a_snapshot() -> None:
    mailbox = Mailbox(StreamSettings(window_messages=1))
    mailbox.hint(["orders"])
    assert mailbox.take_hints() == ()
    snapshot = Message(0, "x", 1)
    assert mailbox.take(0.0, lambda: snapshot) == snapshot
    assert mailbox.take_hints() == ()
    mailbox.hint(["seat", "orders"])
    mailbox.hint(["orders"])
    assert mailbox.take_hints() == ()
    mailbox.ack(0)
    assert mailbox.take_hints() == ("orders", "seat")
    assert mailbox.take_hints() == ()
    assert mailbox.held_bytes == 0


@pytest.mark.parametrize(
    ("person", "audience"),
    [
        (MANAGER, Audience()),
        (structs.replace(MANAGER, queues=("b", "a")), Audience(queues=("a", "b"))),
        (WANG, Audience("1001")),
        (AUDITOR, None),
        (structs.replace(MANAGER, disabled=True), None),
        (None, None),
    ],
)
def test_whose_audience_is_which(person: Person | None, audience: Audience | None) -> None:
    listener = Listener.of_person(person)
    assert (listener and listener.audience) == audience
