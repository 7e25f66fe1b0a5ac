"""Lists of orders: filters, words, scope, pages, and no table that is read from end to end."""

from __future__ import annotations

import base64
import json
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import create_engine, event

from agentd.core.order_model import (
    AddNote,
    AddNumber,
    Complete,
    DispatchTo,
    Done,
    Edit,
    KeepPromise,
    MakePromise,
    MarkUrgent,
    WorkOrder,
)
from agentd.core.people import Person
from agentd.errors import Refused
from agentd.ports.desk import CallQuery, OrderQuery, ViolationQuery
from agentd.ticketing import Store
from agentd.ticketing_file import _migrations
from agentd.ticketing_search import make_cursor, read_cursor
from agentd.ticketing_words import index_words, match_words
from tests.adapters.desk_rig import LEADER, MINUTE_US, WANG, desk_store, due, legs, tell
from tests.adapters.store_rig import T0_US, order, violation


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "agentd.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    async with desk_store(path) as made:
        yield made


async def found(store: Store, **query: Any) -> list[int]:
    """Numbers of the orders that fit, in their order."""
    page = await store.orders(OrderQuery(**query))
    return [int(item.id.rpartition(".")[2]) for item in page.items]


async def do(store: Store, number: int, command: Any, by: Person | None = WANG) -> None:
    outcome = await store.apply(order(number).id, command, by, T0_US + 30 * MINUTE_US)
    assert isinstance(outcome, Done), outcome


async def some_orders(store: Store) -> None:
    """Orders 1 to 6, each with something that the others have not."""
    await tell(
        store,
        order(1),
        order(2, seat="PJSIP/1002", agent="李雷", queue="taxes"),
        order(3, kind="missed", seat=None, agent=None, queue=None),
        order(4, caller="01087654321"),
        order(5),
        order(6, queue="taxes", seat=None),
    )
    await tell(store, due(order(5)), due(order(1)))
    await do(
        store, 1, Edit(category="consult", fields={"place": "中山路12号", "event": "路灯不亮"})
    )
    await do(
        store, 4, Edit(category="complaint", own_service=True, fields={"event": "Heizung Süd"})
    )
    await do(store, 5, Complete(category="complaint", fields={"event": "垃圾清运不及时"}))
    await do(store, 5, DispatchTo(unit="sanitation", person="孙", due_days=2), LEADER)
    await do(store, 4, MarkUrgent())


async def test_every_filter_narrows(store: Store) -> None:
    await some_orders(store)
    assert await found(store) == [6, 5, 4, 3, 2, 1]
    expected: list[tuple[dict[str, Any], list[int]]] = [
        ({"owner": "1002"}, [2]),
        ({"owner": "nobody"}, []),
        ({"states": ("dispatched", "merged")}, [5]),
        ({"states": ("open", "dispatched")}, [6, 5, 4, 3, 2, 1]),
        ({"kind": "missed"}, [3]),
        ({"category": "complaint"}, [5, 4]),
        ({"seat": "PJSIP/1002"}, [2]),
        ({"queue": "taxes"}, [6, 2]),
        ({"urgent": True}, [4]),
        ({"urgent": False}, [6, 5, 3, 2, 1]),
        ({"unacknowledged": True}, [4]),
        ({"own_service": True}, [4]),
        ({"own_service": False, "category": "complaint"}, [5]),
        ({"overdue": False, "states": ("dispatched",)}, []),
        ({"overdue": True}, [5]),
        ({"dispatched_to": "sanitation"}, [5]),
        ({"opened_from_us": T0_US + 2, "opened_to_us": T0_US + 4}, [3, 2]),
        ({"owner": "1001", "states": ("open",), "sort": "due"}, [1, 4, 6]),
        ({"sort": "due", "limit": 2}, [1, 5]),
    ]
    assert [(query, await found(store, **query)) for query, _ in expected] == expected


async def test_promises_are_found_until_they_are_kept(store: Store) -> None:
    await some_orders(store)
    for number, due_us in ((1, 90), (4, 40), (2, 60)):
        promise = MakePromise(text="回电", due_us=T0_US + due_us * MINUTE_US)
        await do(store, number, promise, LEADER)
    assert await found(store, sort="promise") == [4, 2, 1]
    assert await found(store, promised=True) == [4, 2, 1]
    assert await found(store, promised=False) == [6, 5, 3]
    soon_us = T0_US + 60 * MINUTE_US
    assert await found(store, promise_due_to_us=soon_us) == [4]
    assert await found(store, promise_due_to_us=soon_us + 1, sort="promise") == [4, 2]
    assert await found(store, sort="promise", states=("open",), owner="1001") == [4, 1]
    first = await store.orders(OrderQuery(sort="promise", limit=2))
    rest = await store.orders(OrderQuery(sort="promise", limit=2, cursor=first.next_cursor))
    assert [item.id for item in (*first.items, *rest.items)] == [order(n).id for n in (4, 2, 1)]
    await do(store, 4, KeepPromise(), LEADER)
    assert await found(store, sort="promise") == [2, 1]


def written_by(revision: str, older: Path, newer: Path) -> None:
    """Make ``older``: the rows of ``newer`` as the agentd of that revision kept them."""
    config = _migrations()
    engine = create_engine(f"sqlite:///{older}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()
    with closing(sqlite3.connect(older)) as database:
        database.execute("ATTACH ? AS newer", (str(newer),))
        tables = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
        for (table,) in database.execute(tables).fetchall():
            if table.startswith(("sqlite_", "alembic_")):
                continue
            columns = [
                {name for _, name, *_ in database.execute(f"PRAGMA {schema}.table_info({table})")}
                for schema in ("main", "newer")
            ]
            kept = ", ".join(f'"{name}"' for name in columns[0] & columns[1])
            database.execute(f"INSERT INTO main.{table} ({kept}) SELECT {kept} FROM newer.{table}")  # noqa: S608  names of our own tables
        database.commit()


async def test_promises_of_a_database_from_before_are_found(path: Path) -> None:
    async with desk_store(path) as store:
        await some_orders(store)
        for number, due_us in ((1, 90), (2, 60), (4, 40)):
            promise = MakePromise(text="回电", due_us=T0_US + due_us * MINUTE_US)
            await do(store, number, promise, LEADER)
        await do(store, 4, KeepPromise(), LEADER)
    older = path.with_name("older.db")
    written_by("0002", older, path)
    older.replace(path)
    async with desk_store(path) as store:
        assert await found(store, sort="promise") == [2, 1]


async def test_a_scope_holds_what_belongs_to_nobody(store: Store) -> None:
    await some_orders(store)
    assert await found(store, queues=("taxes",)) == [6, 3, 2]
    assert await found(store, teams=("day",)) == [6, 5, 4, 3, 2, 1]
    assert await found(store, teams=("night",)) == [6, 3, 2]
    assert await found(store, queues=("hotline",), teams=("night",)) == [3]
    assert await found(store, queues=("none", "hotline"), states=("open",)) == [4, 3, 1]


async def test_numbers_are_found_however_they_are_written(store: Store) -> None:
    await some_orders(store)
    await do(store, 2, AddNumber(number="138 0000 0000"), LEADER)
    for number in ("010-87654321", "+86 10 8765 4321", "01087654321"):
        assert await found(store, number=number) == [4]
    assert await found(store, number="+8613800000000") == [2]
    assert await found(store, number="0086 139 0000 0000") == [6, 5, 3, 2, 1]
    for nobodys in ("anonymous", "", "12a"):
        assert await found(store, number=nobodys) == []


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("路灯", [1]),
        ("路", [1]),
        ("山路", [1]),
        ("中山路12号", [1]),
        ("路灯 中山", [1]),
        ("灯路", []),
        ("路灯 垃圾", []),
        ("垃圾清运不及时", [5]),
        ("heizung", [4]),
        ("HEIZ", [4]),
        ("ｈｅｉｚｕｎｇ", [4]),
        ("sud", [4]),
        ("izung", []),
        ("急件", [4]),
        ('"路灯" OR NOT (', []),
        ('"路灯"', [1]),
        ("路灯*", [1]),
        ("。,!", []),
        ("   ", [6, 5, 4, 3, 2, 1]),
    ],
)
async def test_words_of_any_length_are_found(store: Store, text: str, numbers: list[int]) -> None:
    await some_orders(store)
    assert await found(store, text=text) == numbers


async def test_words_that_were_changed_are_not_found_any_more(store: Store) -> None:
    await some_orders(store)
    await do(store, 1, Edit(fields={"event": "停水"}))
    assert await found(store, text="路灯") == []
    assert await found(store, text="停水") == [1]


@given(st.text(max_size=40))
def test_whatever_is_typed_is_a_query(text: str) -> None:
    query = match_words(text)
    if query is not None:
        words = sqlite3.connect(":memory:")
        words.execute("CREATE VIRTUAL TABLE w USING fts5(words, tokenize='ascii')")
        document = replace(DOCUMENT, title=text)
        words.execute("INSERT INTO w VALUES (?)", (index_words(document),))
        assert words.execute("SELECT count(*) FROM w WHERE w MATCH ?", (query,)).fetchone() == (1,)
        words.close()


DOCUMENT = WorkOrder(
    id="x", pbx="main", kind="call", call="c", version=1, state="open", opened_us=1, updated_us=1
)


# --- pages -----------------------------------------------------------------------------------


async def walk(store: Store, query: OrderQuery) -> list[str]:
    seen: list[str] = []
    while True:
        page = await store.orders(query)
        assert len(page.items) <= query.limit
        seen += [item.id for item in page.items]
        if page.next_cursor is None:
            return seen
        query = replace(query, cursor=page.next_cursor)


@pytest.mark.parametrize("sort", ["newest", "due"])
@pytest.mark.parametrize("states", [(), ("open",), ("open", "closed", "returned")])
async def test_a_walk_has_everything_once(store: Store, sort: Any, states: Any) -> None:
    # Many at the same moment: a page may end between them.
    at = [order(n, opened_us=T0_US + n // 7) for n in range(50)]
    await tell(store, *at, *(due(o) for o in at[::3]))
    whole = (await store.orders(OrderQuery(sort=sort, states=states, limit=500))).items
    assert len(whole) == 50
    for limit in (1, 7, 49, 50):
        query = OrderQuery(sort=sort, states=states, limit=limit)
        assert await walk(store, query) == [item.id for item in whole]


async def test_a_walk_over_changing_data_misses_nothing_old_and_repeats_nothing(
    store: Store,
) -> None:
    await tell(store, *(order(n) for n in range(40)))
    seen: list[str] = []
    query = OrderQuery(limit=6)
    for step in range(100):
        page = await store.orders(query)
        seen += [item.id for item in page.items]
        await tell(store, order(1_000 + step))
        await do(store, step % 40, AddNote(text="x"))
        if page.next_cursor is None:
            break
        query = replace(query, cursor=page.next_cursor)
    assert seen == [order(n).id for n in reversed(range(40))]


async def test_all_that_fit_in_pieces(store: Store) -> None:
    await tell(store, *(order(n) for n in range(1_100)))
    pieces = [piece async for piece in store.each_order(OrderQuery(limit=3))]
    assert [len(piece) for piece in pieces] == [500, 500, 100]
    assert len({item.id for piece in pieces for item in piece}) == 1_100
    assert [piece async for piece in store.each_order(OrderQuery(owner="nobody"))] == []


async def test_totals_are_told_where_they_are_cheap(store: Store) -> None:
    await tell(store, *(order(n) for n in range(1_001)))
    assert (await store.orders(OrderQuery())).total is None
    assert (await store.orders(OrderQuery(opened_from_us=T0_US + 1))).total == 1_000
    page = await store.orders(OrderQuery(opened_from_us=T0_US + 991))
    assert (len(page.items), page.total, page.next_cursor) == (10, 10, None)
    first = await store.orders(OrderQuery(limit=0))
    assert (len(first.items), first.total) == (1, None)
    assert (await store.orders(OrderQuery(limit=10**9))).next_cursor is not None


async def test_a_cursor_that_is_none_is_refused_in_plain_words(store: Store) -> None:
    await tell(store, *(order(n) for n in range(5)))
    cursor = (await store.orders(OrderQuery(limit=2))).next_cursor
    assert cursor is not None
    packed = base64.urlsafe_b64encode(b"\0" * 6 + json.dumps([T0_US, 1]).encode()).decode()
    bad = [
        "", "x", "é", "====", cursor[:-2], cursor + "AA", packed,
        cursor.replace(cursor[12], "A" if cursor[12] != "A" else "B"),
        make_cursor("orders:newest", [1]),
        make_cursor("orders:newest", ["a", "b"]),
        make_cursor("orders:newest", [1, 1 << 70]),
    ]  # fmt: skip
    for wrong in bad:
        with pytest.raises(Refused, match="cursor is not one of this list's"):
            await store.orders(OrderQuery(cursor=wrong))
    with pytest.raises(Refused, match="same sort order"):
        await store.orders(OrderQuery(cursor=cursor, sort="due"))
    with pytest.raises(Refused, match="cursor"):
        await store.calls(CallQuery(cursor=cursor))
    with pytest.raises(Refused, match="cursor"):
        await store.violations(ViolationQuery(cursor=cursor))


@given(st.text(max_size=60))
def test_no_text_breaks_a_cursor(text: str) -> None:
    with pytest.raises(Refused):
        read_cursor("orders:newest", text, int, int)


# --- how the database finds them --------------------------------------------------------------

ME = "1001"
PLANS: list[tuple[Any, str]] = [
    (OrderQuery(), "order_listed_by_opening"),
    (OrderQuery(sort="due"), "order_listed_by_due"),
    (OrderQuery(queues=("hotline",), teams=("day",)), "order_listed_by_opening"),
    (OrderQuery(opened_from_us=T0_US), "order_listed_by_opening"),
    (OrderQuery(owner=ME), "order_listed_by_owner"),
    (OrderQuery(owner=ME, states=("open", "returned")), "order_listed_by_owner_state"),
    (OrderQuery(owner=ME, states=("open",), sort="due"), "order_listed_by_owner_due"),
    (OrderQuery(states=("open", "closed")), "order_listed_by_state"),
    (OrderQuery(states=("open",), sort="due"), "order_listed_by_state_due"),
    (OrderQuery(states=("forwarded",), queues=("hotline",)), "order_listed_by_state"),
    (OrderQuery(kind="missed", states=("open",)), "order_listed_by_kind_state"),
    (OrderQuery(seat="PJSIP/1001"), "order_listed_by_seat"),
    (OrderQuery(queue="hotline"), "order_listed_by_queue"),
    (OrderQuery(category="complaint"), "order_listed_by_category"),
    (OrderQuery(dispatched_to="x"), "order_listed_dispatched"),
    (OrderQuery(urgent=True), "order_listed_urgent"),
    (OrderQuery(unacknowledged=True, teams=("day",)), "order_listed_unacknowledged"),
    (OrderQuery(overdue=True), "order_listed_overdue"),
    (OrderQuery(own_service=True), "order_listed_own_service"),
    (OrderQuery(sort="promise"), "order_listed_promised"),
    (OrderQuery(promise_due_to_us=T0_US, sort="promise"), "order_listed_promised"),
    (OrderQuery(number="13900000000"), "order_number"),
    (OrderQuery(text="路灯"), "order_words"),
    (CallQuery(), "leg_by_end"),
    (CallQuery(agents=(ME, "王芳"), from_us=T0_US), "leg_by_agent"),
    (CallQuery(pbx="main", call="x"), "leg"),
    (ViolationQuery(), "violation_by_time"),
    (ViolationQuery(agents=(ME, "王芳")), "violation_by_owner"),
    (ViolationQuery(agents=("王芳",)), "violation_by_agent"),
    (ViolationQuery(pending=True), "appeal_by_status"),
    (ViolationQuery(rule="hold", standing=True), "violation_by_rule"),
    (ViolationQuery(seat="PJSIP/1001"), "violation_by_seat"),
    (ViolationQuery(call="17323200.1"), "violation_by_call"),
]


async def plan_of(store: Store, path: Path, ask: Any) -> list[str]:
    """How SQLite answers every statement of a question."""
    asked: list[tuple[str, Any]] = []

    def note(_c: Any, _k: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    assert store._readers is not None
    engine = store._readers.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        await ask()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    connection = sqlite3.connect(path)
    try:
        return [
            row[3]
            for statement, parameters in asked
            if statement != "BEGIN"
            for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]
    finally:
        connection.close()


TABLES = "order_listed|order_document|order_number|leg|violation|appeal|work_order"


@pytest.mark.parametrize(("query", "index"), PLANS)
async def test_no_list_reads_a_table_from_end_to_end(
    store: Store, path: Path, query: Any, index: str
) -> None:
    await some_orders(store)
    await tell(store, violation(1), *legs(1, 2))
    asks = {OrderQuery: store.orders, CallQuery: store.calls, ViolationQuery: store.violations}
    plan = await plan_of(store, path, lambda: asks[type(query)](query))
    assert [line for line in plan if re.fullmatch(rf"SCAN ({TABLES})", line)] == []
    assert any(re.search(rf"\b(USING .*|SCAN |SEARCH ){index}\b", line) for line in plan), plan


async def test_what_is_asked_for_by_name_is_looked_up(store: Store, path: Path) -> None:
    await some_orders(store)

    async def ask() -> None:
        await store.order(order(1).id)
        await store.order_of_call("main", order(1).call)
        await store.history(order(1).id)
        await store.waking()
        await store.recordings("main", "x")
        await store.sign_ins(open_only=True, login=ME)
        await store.session("x")
        await store.audit(who=ME)
        await store.draft("x", ME)

    plan = await plan_of(store, path, ask)
    assert plan
    assert [line for line in plan if line.startswith("SCAN") and " USING " not in line] == []
