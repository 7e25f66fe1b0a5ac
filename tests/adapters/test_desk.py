"""Orders as people work on them: on a real database file."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from agentd.core.order_model import (
    AddNumber,
    Assign,
    Complete,
    DispatchTo,
    Edit,
    MarkUrgent,
    Merge,
    Return,
)
from agentd.core.people import Directory
from agentd.desk import DeskService
from agentd.errors import AgentdError, Refused
from agentd.ports.desk import Desk, OrderQuery, OrderView
from tests.adapters.desk_service_rig import (
    AUDITOR,
    BOOK,
    FILLED,
    LI,
    MINUTE_US,
    PEOPLE,
    QIAN,
    SUN,
    WANG,
    ZHAO,
    desk,
)
from tests.adapters.store_rig import T0_US, order, said


def implements(service: DeskService) -> Desk:
    """mypy looks at this, if asked to."""
    return service


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "agentd.db"


async def test_complete_stops_the_engines_clock_and_the_document_follows(path: Path) -> None:
    async with desk(path) as rig:
        id_ = await rig.opened()
        rig.hints.clear()
        view = await rig.completed(WANG, id_)
        assert rig.engine.completed == [id_]
        assert view.order.completed_by == "1001"
        # A complaint goes on to the shift leader.
        assert view.order.state == "forwarded"
        assert view.order.title == "人民路12号 水管爆裂"
        assert view.missing == ()
        assert {n.kind for n, _ in rig.notices} == {"forwarded"}
        assert {"orders:1001", "inbox:day"} <= set(rig.hints)
        (line,) = rig.audit
        assert (line.who, line.action, line.target) == ("1001", "order.complete", id_)
        # What the order says is in its history; the log of who did what has no callers' matters.
        assert "人民路" not in str(line.detail)


async def test_complete_without_a_required_field_names_it_and_changes_nothing(
    path: Path,
) -> None:
    async with desk(path) as rig:
        id_ = await rig.opened()
        await rig.service.put_draft(WANG, id_, {"fields": {"place": "人民"}})
        before = await rig.now(id_)
        refusal = await rig.refused(
            WANG, id_, Complete(category="complaint", fields={"place": "人民路12号"})
        )
        assert refusal.code == "invalid"
        assert [lacking.field for lacking in refusal.missing] == ["fields.event"]
        assert rig.engine.completed == []
        assert await rig.now(id_) == before
        assert await rig.service.draft(WANG, id_) == {"fields": {"place": "人民"}}
        assert rig.audit == []


async def test_a_returned_order_is_completed_without_the_engine(path: Path) -> None:
    async with desk(path) as rig:
        id_ = await rig.opened()
        await rig.completed(WANG, id_)
        returned = await rig.done(ZHAO, id_, Return("地点不全"))
        assert returned.order.state == "returned"
        rig.engine.pbx_now_us("main")
        await rig.completed(WANG, id_, fields={"place": "人民路12号3楼"})
        assert rig.engine.completed == [id_]
        assert (await rig.now(id_)).title == "人民路12号3楼 水管爆裂"


async def test_what_the_engine_refuses_is_not_completed(path: Path) -> None:
    async with desk(path) as rig:
        id_ = await rig.opened()
        rig.engine.refusal = "agentd is stopping; try again when it runs"
        with pytest.raises(Refused, match="stopping"):
            await rig.service.command(WANG, id_, Complete(**FILLED))
        assert (await rig.now(id_)).state == "open"


async def test_an_order_that_ended_meanwhile_in_the_engine(path: Path) -> None:
    async with desk(path) as rig:
        id_ = await rig.opened()
        done = replace(
            order(1), at_us=T0_US + 2 * MINUTE_US, status="completed",
            completed_us=T0_US + 2 * MINUTE_US, completed_by="1001", change="completed",
        )  # fmt: skip
        await rig.engine_says(done)
        view = await rig.completed(WANG, id_)
        assert view.order.state == "forwarded"
        assert view.order.completed_us == T0_US + 2 * MINUTE_US


async def test_whoever_stops_waiting_does_not_take_the_command_back(path: Path) -> None:
    async with desk(path) as rig:
        id_ = await rig.opened()
        doing = asyncio.create_task(rig.service.command(WANG, id_, Complete(**FILLED)))
        await asyncio.sleep(0)
        doing.cancel()
        await asyncio.wait([doing])
        assert doing.cancelled()
        await rig.until(lambda: rig.audit)
        assert (await rig.now(id_)).state == "forwarded"


async def test_a_database_that_takes_too_long_keeps_nobody_waiting(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentd.desk_orders.STORED_MAX_S", 0.05)
    async with desk(path) as rig:
        id_ = await rig.opened()
        works, stored = rig.engine.complete_order, asyncio.Event()

        async def slow(*asked: Any, **more: Any) -> Any:
            await stored.wait()
            return await works(*asked, **more)

        monkeypatch.setattr(rig.engine, "complete_order", slow)
        with capture_logs() as log:
            with pytest.raises(AgentdError, match="could not store it yet"):
                await rig.service.command(WANG, id_, Complete(**FILLED))
            stored.set()
            await rig.until(lambda: said(log, "command_done_late"))
        assert (await rig.now(id_)).state == "forwarded"


# --- who may see and do what -------------------------------------------------------------------


async def test_an_agent_reads_anothers_order_by_its_id(path: Path) -> None:
    async with desk(path) as rig:
        id_ = await rig.opened()
        service = rig.service
        for answer in (
            await service.view(LI, id_),
            await service.history(LI, id_),
            await service.command(LI, id_, Edit(category="complaint")),
            await service.command(LI, id_, MarkUrgent()),
            await service.view(QIAN, id_),
            await service.view(AUDITOR, id_),
            await service.view(LI, "main-there-is-none"),
        ):
            assert getattr(answer, "code", None) == "not_found"
            assert getattr(answer, "order", None) is None
        with pytest.raises(Refused) as caught:
            await service.draft(LI, id_)
        assert caught.value.code == "not_found"
        with pytest.raises(Refused):
            await service.put_draft(LI, id_, {"x": 1})
        assert (await service.orders(LI, OrderQuery())).items == ()
        assert (await service.orders(LI, OrderQuery(owner="1001"))).items == ()
        with pytest.raises(Refused) as caught:
            await service.orders(AUDITOR, OrderQuery())
        assert caught.value.code == "forbidden"
        for who in (WANG, ZHAO, SUN):
            assert isinstance(await service.view(who, id_), OrderView)
            assert len((await service.orders(who, OrderQuery())).items) == 1
        assert (await rig.now(id_)).version == 2


async def test_a_leaders_lists_stay_within_the_scope(path: Path) -> None:
    async with desk(path) as rig:
        await rig.opened(1)
        await rig.opened(2, seat="PJSIP/1002", agent="李雷")
        service = rig.service
        for who, seen in ((ZHAO, {"day"}), (QIAN, {"night"}), (SUN, {"day", "night"})):
            page = await service.orders(who, OrderQuery())
            assert {o.team for o in page.items} == seen
            told = [o async for piece in service.each_order(who, OrderQuery()) for o in piece]
            assert {o.team for o in told} == seen
        assert (await service.orders(ZHAO, OrderQuery(teams=("night",)))).items == ()
        assert [o async for o in service.each_order(ZHAO, OrderQuery(teams=("night",)))] == []


async def test_an_agent_cannot_lead(path: Path) -> None:
    async with desk(path) as rig:
        id_ = await rig.opened()
        await rig.completed(WANG, id_)
        refusal = await rig.refused(WANG, id_, DispatchTo(unit="water"))
        assert refusal.code == "forbidden"
        view = await rig.done(ZHAO, id_, DispatchTo(unit="water"))
        assert view.order.state == "dispatched"


async def test_orders_of_somebody_who_left_are_given_to_another(path: Path) -> None:
    async with desk(path) as rig:
        id_ = await rig.opened()
        gone = replace(WANG, disabled=True)
        rig.directory.put(gone)
        assert (await rig.now(id_)).owner == "1001"
        assert getattr(await rig.service.view(gone, id_), "code", None) == "not_found"
        for nobody in ("9999", "1001"):
            refusal = await rig.refused(ZHAO, id_, Assign(to=nobody))
            assert [lacking.field for lacking in refusal.missing] == ["to"]
        rig.hints.clear()
        view = await rig.done(ZHAO, id_, Assign(to="1002"))
        assert view.order.owner == "1002"
        assert {"orders:1001", "orders:1002"} <= set(rig.hints)
        await rig.completed(LI, id_)


async def test_a_leader_gives_an_order_away_and_its_clock_goes_with_it(path: Path) -> None:
    async with desk(path) as rig:
        id_ = await rig.opened()
        rig.pass_time(20 * MINUTE_US)
        held = (await rig.store.restore("main")).open_orders[0]
        await rig.engine_says(replace(held, at_us=held.due_us or 0, change="overdue"))
        assert (await rig.now(id_)).overdue
        rig.hints.clear()
        before = await rig.now(id_)
        view = await rig.done(ZHAO, id_, Assign(to="1002"), expected=before.version)
        assert rig.engine.assigned == [(id_, "1002", "李雷")]
        order = view.order
        assert (order.owner, order.agent, order.overdue) == ("1002", "1002", False)
        assert order.due_us == rig.engine.time_us + 15 * MINUTE_US
        assert {"orders:1001", "orders:1002"} <= set(rig.hints)
        assert [notice.to for notice in rig.told("assigned")] == [("1002",)]
        history = await rig.service.history(ZHAO, id_)
        by = [(line.do, line.by) for line in history]  # type: ignore[union-attr]
        assert by[-2:] == [("assigned", None), ("assign", "9001")]
        # What the engine says later leaves it where it is.
        held = (await rig.store.restore("main")).open_orders[0]
        await rig.engine_says(replace(held, at_us=held.at_us + 1, change="numbers"))
        assert (await rig.now(id_)).owner == "1002"


async def test_an_order_is_given_away_whole_or_not_at_all(path: Path) -> None:
    async with desk(path) as rig:
        id_ = await rig.opened()
        stale = await rig.refused(ZHAO, id_, Assign(to="1002"), expected=1)
        assert stale.code == "conflict"
        forbidden = await rig.refused(WANG, id_, Assign(to="1002"))
        assert forbidden.code == "forbidden"
        await rig.done(ZHAO, id_, Assign(to="1001"))
        assert rig.engine.assigned == []
        assert (await rig.now(id_)).owner == "1001"


async def test_a_returned_order_and_its_call_backs_are_given_away(path: Path) -> None:
    async with desk(path) as rig:
        id_ = await rig.opened()
        await rig.completed(WANG, id_)
        await rig.done(ZHAO, id_, Return(reason="地点不清"))
        # The engine refuses: it is too old for its call-backs to be watched.
        view = await rig.done(ZHAO, id_, Assign(to="1002"))
        assert (view.order.owner, view.order.state) == ("1002", "returned")


async def test_an_order_of_a_pbx_that_is_configured_no_more_is_given_away_all_the_same(
    path: Path,
) -> None:
    async with desk(path) as rig:
        gone = order(7, id="old-7.1", pbx="old")
        rig.store.submit([gone], {}, rig.service.on_effects, pbx="old")
        await rig.store.flush()
        view = await rig.done(ZHAO, gone.id, Assign(to="1002"))
        assert (view.order.owner, rig.engine.assigned) == ("1002", [])


async def test_a_missed_call_is_given_to_somebody_in_the_document_only(path: Path) -> None:
    async with desk(path) as rig:
        id_ = await rig.opened(kind="missed", seat=None, agent=None)
        view = await rig.done(ZHAO, id_, Assign(to="1002"))
        assert (view.order.owner, rig.engine.assigned) == ("1002", [])


# --- two at once --------------------------------------------------------------------------------


async def test_two_editors(path: Path) -> None:
    async with desk(path) as rig:
        id_ = await rig.opened()
        first = (await rig.service.view(WANG, id_)).order  # type: ignore[union-attr]
        edit = Edit(category="complaint", fields={"place": "人民路"})
        await rig.done(WANG, id_, edit, expected=first.version)
        refusal = await rig.refused(
            ZHAO, id_, Edit(fields={"place": "解放路"}), expected=first.version
        )
        assert refusal.code == "conflict"
        # The second one is shown what stands there now.
        assert refusal.order is not None
        assert refusal.order.fields == {"place": "人民路"}
        refusal = await rig.refused(WANG, id_, Complete(**FILLED), expected=first.version)
        assert refusal.code == "conflict"
        assert rig.engine.completed == []


async def test_two_completions_at_once(path: Path) -> None:
    async with desk(path) as rig:
        id_ = await rig.opened()
        answers = await asyncio.gather(
            rig.service.command(WANG, id_, Complete(**FILLED)),
            rig.service.command(ZHAO, id_, Complete(**FILLED)),
        )
        done = [answer for answer in answers if isinstance(answer, OrderView)]
        assert len(done) == 1
        assert rig.engine.completed == [id_]
        (refusal,) = [answer for answer in answers if not isinstance(answer, OrderView)]
        assert getattr(refusal, "code", None) == "wrong_state"


# --- numbers and callers ------------------------------------------------------------------------


async def test_the_engine_hears_of_new_numbers(path: Path) -> None:
    async with desk(path) as rig:
        id_ = await rig.opened(1, numbers=("+8613900000000",))
        await rig.done(WANG, id_, AddNumber("0571 8765 4321"))
        assert rig.engine.numbers == [("main", id_, ("+8613900000000", "+8657187654321"))]
        other = await rig.opened(2, caller="13700000000")
        await rig.done(WANG, id_, Merge(into=other))
        pbx, told_id, numbers = rig.engine.numbers[-1]
        assert (pbx, told_id) == ("main", other)
        assert {"+8613700000000", "+8613900000000", "+8657187654321"} <= set(numbers)


async def test_the_callers_earlier_orders(path: Path) -> None:
    async with desk(path) as rig:
        old = await rig.opened(1, seat="PJSIP/1002", agent="李雷")
        await rig.completed(LI, old)
        service = rig.service
        # Nobody looks up strangers.
        assert list(await service.earlier(WANG, "13900000000", 10)) == []
        assert list(await service.earlier(WANG, "anonymous", 10)) == []
        rig.engine.seats = {
            "seat:main/PJSIP/1001": {"person": "1001", "caller": "+86 139 0000 0000"}
        }
        (outline,) = await service.earlier(WANG, "13900000000", 10)
        assert outline.title == "人民路12号 水管爆裂"
        assert (outline.owner, outline.agent, outline.numbers, outline.notes) == (
            None, None, (), (),
        )  # fmt: skip
        assert list(await service.earlier(AUDITOR, "13900000000", 10)) == []
        rig.engine.seats = {}
        # The agent's own order is about that caller.
        mine = await rig.opened(2, caller="008613900000000")
        found = await service.earlier(WANG, "13900000000", 10)
        assert [o.id for o in found] == [mine, old]
        # Who leads there sees it whole.
        (whole,) = await service.earlier(QIAN, "13900000000", 10)
        assert whole.owner == "1002"


async def test_an_order_about_ourselves_is_nobody_elses(path: Path) -> None:
    async with desk(path) as rig:
        old = await rig.opened(1, seat="PJSIP/1002", agent="李雷")
        await rig.completed(LI, old, own_service=True)
        rig.engine.seats = {"seat:main/PJSIP/1001": {"person": "1001", "caller": "13900000000"}}
        assert list(await rig.service.earlier(WANG, "13900000000", 10)) == []


# --- from the machine itself --------------------------------------------------------------------


async def test_completing_in_somebodys_name(path: Path) -> None:
    async with desk(path) as rig:
        ids = [await rig.opened(n) for n in (1, 2, 3)]
        complete = Complete(**FILLED)
        assert (await rig.service.complete_as("王芳", ids[0], complete)).completed_by == "1001"
        assert (await rig.service.complete_as("9001", ids[1], complete)).completed_by == "9001"
        with pytest.raises(Refused, match="nobody's login or name"):
            await rig.service.complete_as("张三", ids[2], complete)
        with pytest.raises(Refused, match="no such work order"):
            await rig.service.complete_as("1002", ids[2], complete)
        with pytest.raises(Refused) as caught:
            await rig.service.complete_as("1001", ids[2], Complete(category="complaint"))
        assert [lacking.field for lacking in caught.value.missing] == [
            "fields.place", "fields.event",
        ]  # fmt: skip
        with pytest.raises(Refused, match="no work order main-none"):
            await rig.service.complete_as("1001", "main-none", complete)


async def test_without_accounts_the_queues_name_stands_for_itself(path: Path) -> None:
    async with desk(path, SUN) as rig:
        id_ = await rig.opened()
        order_ = await rig.service.complete_as("王芳", id_, Complete(**FILLED))
        assert order_.completed_by == "王芳"
        assert order_.owner is None


async def test_a_draft_is_bounded(path: Path) -> None:
    async with desk(path) as rig:
        id_ = await rig.opened()
        with pytest.raises(Refused) as caught:
            await rig.service.put_draft(WANG, id_, {"text": "长" * 40_000})
        assert caught.value.field == "draft"


def test_the_people_of_the_rig_are_told_apart() -> None:
    directory = Directory(PEOPLE)
    assert all(directory.whose(person.name) == person for person in PEOPLE)
    assert BOOK.category("complaint", None) is not None


@pytest.mark.parametrize("topic", ["orders:1001", "inbox:day"])
async def test_pages_are_hinted_whoever_changed_the_order(path: Path, topic: Any) -> None:
    async with desk(path) as rig:
        id_ = await rig.opened()
        await rig.done(WANG, id_, MarkUrgent())
        assert topic in rig.hints
