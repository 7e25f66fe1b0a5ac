"""Documents of orders in the store: they follow the engine, obey people, and stay."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from agentd.core.effects import OrderChanged
from agentd.core.obligation import complete
from agentd.core.order_model import (
    AddNote,
    AddNumber,
    Change,
    Complete,
    Done,
    Edit,
    MakePromise,
    MarkUrgent,
    Merge,
    OrderRefusal,
    WorkOrder,
)
from agentd.core.workorder import wake_us
from agentd.ports.desk import JudgedViolation, OrderQuery, ViolationQuery
from agentd.ticketing import Store
from agentd.ticketing_jobs import Work
from tests.adapters.desk_rig import (
    BOOK,
    LEADER,
    LI,
    MINUTE_US,
    WANG,
    Rules,
    contact,
    desk_store,
    due,
    tell,
)
from tests.adapters.store_rig import T0_US, ignore, order, rows, violation


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "agentd.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    async with desk_store(path) as made:
        yield made


def done(outcome: Done | OrderRefusal) -> WorkOrder:
    assert isinstance(outcome, Done), outcome
    return outcome.order


async def held(store: Store, number: int) -> WorkOrder:
    found = await store.order(order(number).id)
    assert found is not None
    return found


async def test_a_document_follows_the_engine(store: Store) -> None:
    await tell(store, order(1))
    opened = await held(store, 1)
    assert (opened.state, opened.version, opened.agent) == ("open", 1, "王芳")
    assert (opened.owner, opened.team, opened.queue) == ("1001", "day", "hotline")
    assert [number.norm for number in opened.numbers] == ["+8613900000000"]
    await tell(store, due(order(1)))
    later = await held(store, 1)
    assert later.due_us == T0_US + 1 + 16 * MINUTE_US
    assert later.version == 2
    assert [line.do for line in await store.history(opened.id)] == ["opened", "due"]
    # Told again it is as it was.
    await tell(store, order(1), due(order(1)))
    assert await held(store, 1) == later


async def test_what_people_do_is_kept(store: Store, path: Path) -> None:
    await tell(store, order(1))
    edit = Edit(category="consult", fields={"place": "中山路", "event": "路灯不亮"})
    after = done(await store.apply(order(1).id, edit, WANG, T0_US + 10))
    assert (after.version, after.category, after.title) == (2, "consult", "中山路 路灯不亮")
    assert await held(store, 1) == after
    history = await store.history(order(1).id)
    assert [(line.version, line.by, line.do) for line in history] == [
        (1, None, "opened"),
        (2, "1001", "edit"),
    ]
    assert history[1].changed["category"] == [None, "consult"]
    assert await store.close()
    async with desk_store(path) as again:
        assert await held(again, 1) == after
        assert await again.history(order(1).id) == history
        assert await again.order_of_call("main", order(1).call) == after
        assert await again.order_of_call("branch", order(1).call) is None
        assert await again.order("nobody's") is None


async def test_a_refusal_changes_nothing(store: Store) -> None:
    await tell(store, order(1))
    before = await held(store, 1)
    outcome = await store.apply(before.id, Complete(category="consult"), WANG, T0_US + 10)
    assert isinstance(outcome, OrderRefusal)
    assert [missing.field for missing in outcome.missing] == ["fields.place", "fields.event"]
    assert await held(store, 1) == before
    assert len(await store.history(before.id)) == 1


async def test_another_agents_order_does_not_exist(store: Store) -> None:
    await tell(store, order(1))
    for expected in (None, 1, 99):
        outcome = await store.apply(order(1).id, AddNote(text="mine"), LI, T0_US, expected=expected)
        assert isinstance(outcome, OrderRefusal)
        assert (outcome.code, outcome.order) == ("not_found", None)
    outcome = await store.apply("no such order", AddNote(text="x"), LEADER, T0_US)
    assert isinstance(outcome, OrderRefusal)
    assert outcome.code == "not_found"


async def test_of_two_editors_at_once_one_is_told_and_shown_the_difference(store: Store) -> None:
    await tell(store, order(1))
    first, second = await asyncio.gather(
        store.apply(order(1).id, Edit(fields={"event": "a"}), WANG, T0_US + 10, expected=1),
        store.apply(order(1).id, Edit(fields={"event": "b"}), LEADER, T0_US + 11, expected=1),
    )
    assert done(first).fields == {"event": "a"}
    assert isinstance(second, OrderRefusal)
    assert second.code == "conflict"
    assert second.order == done(first) == await held(store, 1)
    again = await store.apply(order(1).id, Edit(fields={"event": "b"}), LEADER, 1, expected=2)
    assert done(again).fields == {"event": "b"}


async def test_many_at_once_lose_nothing(store: Store) -> None:
    await tell(store, order(1))
    outcomes = await asyncio.gather(
        *(store.apply(order(1).id, AddNote(text=f"{n}"), WANG, T0_US + n) for n in range(40))
    )
    assert sorted(done(outcome).version for outcome in outcomes) == list(range(2, 42))
    assert [note.text for note in (await held(store, 1)).notes] == [f"{n}" for n in range(40)]


async def test_contacts_are_linked_once_and_counted_by_leg(store: Store, path: Path) -> None:
    await tell(store, order(1), contact(1))
    await tell(store, contact(1), contact(1, 2, kind="attempt", talk_us=None))
    contacts = (await held(store, 1)).contacts
    assert [(c.kind, c.by, c.in_time) for c in contacts] == [
        ("call_back", "1001", True),
        ("attempt", "1001", True),
    ]
    assert rows(path, "SELECT count(*) FROM order_contact") == [(2,)]


async def test_contacts_are_announced_once(store: Store) -> None:
    heard: list[object] = []
    store.submit([order(1), contact(1)], {}, heard.extend, pbx="main")
    store.submit([contact(1)], {}, heard.extend, pbx="main")
    await store.flush()
    store.submit([contact(1)], {}, heard.extend, pbx="main")
    await store.flush()
    assert heard == [order(1), contact(1)]


async def test_a_merge_changes_both_orders_or_none(store: Store) -> None:
    await tell(store, order(1), order(2, caller="13800000000"), order(3))
    into = done(await store.apply(order(2).id, AddNote(text="x"), WANG, T0_US + 5))
    gone = done(await store.apply(order(1).id, Merge(into=into.id), LEADER, T0_US + 10))
    assert (gone.state, gone.merged_into) == ("merged", into.id)
    kept = await held(store, 2)
    assert kept.merged_from == (gone.id,)
    assert {number.norm for number in kept.numbers} == {"+8613900000000", "+8613800000000"}
    assert [line.do for line in await store.history(into.id)] == ["opened", "note", "absorb"]
    # What belongs to the one that went is linked with the one that goes on.
    await tell(store, contact(1))
    assert len((await held(store, 2)).contacts) == 1
    refused = await store.apply(order(3).id, Merge(into=gone.id), LEADER, T0_US + 20)
    assert isinstance(refused, OrderRefusal)
    assert (await held(store, 3)).state == "open"


async def test_listeners_hear_of_every_change_after_its_commit(path: Path) -> None:
    heard: list[tuple[str, int, str]] = []

    def listen(changed: Sequence[tuple[WorkOrder, Change]]) -> None:
        for document, change in changed:
            stored = rows(
                path,
                f"SELECT version FROM order_document WHERE id = '{document.id}'",  # noqa: S608
            )
            assert stored[0][0] >= document.version == change.version
            heard.append((document.id, change.version, change.do))

    async with desk_store(path, changed=listen) as store:
        await tell(store, order(1), due(order(1)))
        await store.apply(order(1).id, AddNote(text="x"), WANG, T0_US)
        await store.apply(order(1).id, AddNote(text="x"), LI, T0_US)
        await tell(store, order(1))
    id_ = order(1).id
    assert heard == [(id_, 1, "opened"), (id_, 2, "due"), (id_, 3, "note")]


# --- jobs of the engine's own transactions ----------------------------------------------------

FIELDS = {"place": "中山路", "event": "路灯不亮"}


def completed(number: int) -> OrderChanged:
    ended = complete(due(order(number)), "1001", T0_US + 20 * MINUTE_US)
    assert isinstance(ended, OrderChanged)
    return ended


async def test_completing_is_one_transaction_with_the_engines_word(
    store: Store, path: Path
) -> None:
    await tell(store, order(1), due(order(1)))
    job, result = store.apply_job(order(1).id, Complete(category="consult", fields=FIELDS), WANG)
    with pytest.raises(RuntimeError, match="not committed"):
        result()
    told: list[WorkOrder] = []

    def announce(_: object) -> None:
        told.append(done(result()))

    store.submit([completed(1)], {}, announce, pbx="main", jobs=[job])
    # Queued later into the same transaction: not what the job goes by.
    later = replace(completed(1), at_us=T0_US + 99 * MINUTE_US, change="numbers")
    store.submit([later], {}, ignore, pbx="main")
    await store.flush()
    after = done(result())
    assert told == [after]
    assert (after.state, after.completed_by) == ("completed", "1001")
    assert after.completed_us == T0_US + 20 * MINUTE_US
    assert (await held(store, 1)).state == "completed"
    lines = await store.history(after.id)
    assert [(line.do, line.at_us) for line in lines if line.do == "complete"] == [
        ("complete", T0_US + 20 * MINUTE_US)
    ]
    assert rows(path, "SELECT status FROM work_order") == [("completed",)]


async def test_a_job_about_what_the_batch_does_not_mention(store: Store) -> None:
    await tell(store, order(1))
    job, result = store.apply_job(order(1).id, AddNote(text="x"), WANG)
    store.submit([], {}, ignore, pbx="main", jobs=[job])
    await store.flush()
    assert done(result()).notes[0].at_us == order(1).at_us
    job, result = store.apply_job("no such order", AddNote(text="x"), WANG)
    store.submit([], {}, ignore, pbx="main", jobs=[job])
    await store.flush()
    refusal = result()
    assert isinstance(refusal, OrderRefusal)
    assert refusal.code == "not_found"


async def test_a_job_that_raises_fails_alone(store: Store) -> None:
    def spoil(transaction: object) -> None:
        transaction.connection.exec_driver_sql("DELETE FROM work_order")  # type: ignore[attr-defined]
        raise ZeroDivisionError

    await tell(store, order(1))
    heard: list[object] = []
    job, result = store.apply_job(order(2).id, AddNote(text="kept"), WANG)
    spoiled = Work(spoil)
    store.submit([order(2)], {"k": b"v"}, heard.extend, pbx="main", jobs=[spoiled, job])
    await store.flush()
    with pytest.raises(ZeroDivisionError):
        spoiled.result()
    assert heard == [order(2)]
    assert [note.text for note in done(result()).notes] == ["kept"]
    assert len((await store.restore("main")).open_orders) == 2
    with pytest.raises(ZeroDivisionError):
        await store._do(spoil)
    assert store.health.healthy


# --- stores without rules, and what was stored before ------------------------------------------


async def test_without_rules_no_documents_are_kept(path: Path) -> None:
    async with Store(path) as store:
        await tell(store, order(1), contact(1))
        assert (await store.orders(OrderQuery())).items == ()
        with pytest.raises(RuntimeError, match="without rules"):
            await store.apply(order(1).id, AddNote(text="x"), WANG, T0_US)
    assert rows(path, "SELECT count(*) FROM order_document") == [(0,)]


@pytest.mark.parametrize("asked", [True, False])
async def test_documents_catch_up_with_what_was_stored_without_them(
    path: Path, asked: bool
) -> None:
    async with Store(path) as store:
        await tell(store, *(order(n) for n in range(1_200)))
        await tell(store, due(order(7)))
    async with desk_store(path) as store:
        if asked:
            await store.catch_up()
        else:
            await tell(store, order(5_000))
        await store.apply(order(7).id, AddNote(text="x"), WANG, T0_US)
        await store.catch_up()
    # As `agentd ticket complete` does where no daemon runs.
    async with Store(path) as store:
        await tell(store, completed(7))
    async with desk_store(path) as store:
        await store.catch_up()
        await store.catch_up()
        lines = await store.history(order(7).id)
        assert [line.do for line in lines] == ["opened", "due", "note", "completed"]
        document = await held(store, 7)
        assert (document.owner, document.completed_by) == ("1001", "1001")
        count = sum([len(piece) async for piece in store.each_order(OrderQuery())])
        assert count == 1_200 + (not asked)


async def test_a_throwaway_store_keeps_documents_too() -> None:
    async with desk_store(None) as store:
        await tell(store, order(1))
        await store.apply(order(1).id, AddNumber(number="010 87654321"), WANG, T0_US)
        await store.apply(order(1).id, MarkUrgent(), WANG, T0_US)
        page = await store.orders(OrderQuery(urgent=True, number="01087654321"))
        assert [found.id for found in page.items] == [order(1).id]


async def test_history_cannot_be_changed(store: Store, path: Path) -> None:
    await tell(store, order(1))
    for change in ("UPDATE order_history SET at_us = 0", "DELETE FROM order_history"):
        with pytest.raises(sqlite3.IntegrityError, match="never changed"):
            rows(path, change)


async def test_who_waits_for_a_time(store: Store) -> None:
    await tell(store, order(1), order(2))
    assert [id_ for _, _, id_ in await store.waking()] == []
    urgent = done(await store.apply(order(2).id, MarkUrgent(), WANG, T0_US + 10))
    waking = [(pbx, id_) for _, pbx, id_ in await store.waking()]
    assert waking == [("main", urgent.id)]


async def test_drafts_are_each_persons_own(store: Store, path: Path) -> None:
    await store.put_draft("order", "1001", {"title": "路灯", "n": [1]})
    await store.put_draft("order", "1002", {"title": "other"})
    await store.put_draft("order", "1001", {"title": "路灯不亮"})
    assert await store.draft("order", "1001") == {"title": "路灯不亮"}
    assert await store.close()
    async with desk_store(path) as again:
        assert await again.draft("order", "1002") == {"title": "other"}
        await again.put_draft("order", "1002", None)
        assert await again.draft("order", "1002") is None
        assert await again.draft("order", "1001") == {"title": "路灯不亮"}


async def test_an_account_that_came_later_finds_what_it_owes(path: Path) -> None:
    day_us = 24 * 60 * MINUTE_US
    rules = Rules(LEADER)
    old, recent = violation(1), replace(violation(2), at_us=T0_US + 8 * day_us)
    async with Store(path, rules=rules) as store:
        await tell(store, order(1), order(2), completed(2), order(3, agent=None), old, recent)
        await store.apply(order(2).id, Complete(category="consult", fields=FIELDS), LEADER, T0_US)
        await store.apply(order(1).id, MarkUrgent(), LEADER, T0_US + 10)
        await store.catch_up()
        assert (await held(store, 1)).owner is None
        rules.directory.put(WANG)
        heard: list[str] = []
        store.on_change(lambda changed: heard.extend(document.id for document, _ in changed))
        await store.catch_up()
        await store.catch_up()
        assert heard == [order(1).id]
        found = await held(store, 1)
        assert (found.owner, (await held(store, 2)).owner) == ("1001", None)
        assert (await store.history(found.id))[-1].changed["owner"] == [None, "1001"]
        mine = await store.orders(OrderQuery(owner="1001"))
        assert [document.id for document in mine.items] == [found.id]
        judged = {item.violation.id: item.owner for item in await judgements(store)}
        assert judged == {old.id: None, recent.id: "1001"}


async def judgements(store: Store) -> Sequence[JudgedViolation]:
    return (await store.violations(ViolationQuery())).items


async def test_what_waits_waits_by_todays_configuration(path: Path) -> None:
    rules = Rules()
    async with Store(path, rules=rules) as store:
        await tell(store, order(1))
        promise = MakePromise(text="回电", due_us=T0_US + 60 * MINUTE_US)
        done(await store.apply(order(1).id, promise, WANG, T0_US + 10))
        document = await held(store, 1)
        ((before, _, _),) = await store.waking()
    rules.book = replace(BOOK, promise_warn_s=1)
    async with Store(path, rules=rules) as store:
        await store.catch_up()
        ((after, _, _),) = await store.waking()
        assert after == wake_us(document, rules.book)
        assert before == wake_us(document, BOOK) != after
        assert await held(store, 1) == document
