"""Appeals, R3's exceptions and incident windows: on a real database file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from agentd.core.order_model import Assign, Exempt
from agentd.errors import Refused
from agentd.ports.desk import ViolationQuery
from tests.adapters.desk_service_rig import (
    DAY_US,
    LI,
    MINUTE_US,
    PEOPLE,
    QIAN,
    SECOND_US,
    SUN,
    WANG,
    ZHAO,
    Rig,
    desk,
    hung_up,
)
from tests.adapters.store_rig import T0_US, leg, violation


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "agentd.db"


async def charged(rig: Rig, *numbers: int) -> list[str]:
    """Calls of 王芳 on which the customer was on hold too long."""
    for number in numbers:
        await rig.engine_says(leg(number), violation(number))
    return [violation(number).id for number in numbers]


async def refusal(doing: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        await doing
    assert caught.value.text_zh
    return caught.value


async def test_an_appeal_granted_later_keeps_both_versions(path: Path) -> None:
    async with desk(path) as rig:
        (id_,) = await charged(rig, 1)
        service = rig.service
        judged = await service.appeal(WANG, id_, "系统误判:客户同意等待")
        assert judged.standing
        assert [a.status for a in judged.appeals] == ["pending"]
        pending = await service.violations(ZHAO, ViolationQuery(pending=True))
        assert [j.violation.id for j in pending.items] == [id_]
        before = await service.standing(WANG, 0)
        assert (before.violations, before.appeals_pending) == (1, 1)
        # The month's figures were shown; then it is granted.
        rig.pass_time(3 * DAY_US)
        (judged,) = await service.decide(ZHAO, [id_], grant=True, reason="录音证实")
        assert not judged.standing
        assert judged.violation == violation(1)
        (appeal,) = judged.appeals
        assert (appeal.reason, appeal.status, appeal.decided_by, appeal.decision) == (
            "系统误判:客户同意等待", "granted", "9001", "录音证实",
        )  # fmt: skip
        assert appeal.decided_us == rig.engine.time_us
        after = await service.standing(WANG, 0)
        assert (after.violations, after.appeals_pending) == (0, 0)
        assert [(line.who, line.action) for line in rig.audit] == [
            ("1001", "appeal.add"), ("9001", "appeal.decide"),
        ]  # fmt: skip
        assert {"violations:1001"} <= set(rig.hints)
        # Still there after a restart.
    async with desk(path) as rig:
        page = await rig.service.violations(WANG, ViolationQuery())
        assert [(j.standing, len(j.appeals)) for j in page.items] == [(False, 1)]


async def test_only_the_person_concerned_appeals(path: Path) -> None:
    async with desk(path) as rig:
        (id_,) = await charged(rig, 1)
        service = rig.service
        assert (await refusal(service.appeal(LI, id_, "x"))).code == "not_found"
        assert (await refusal(service.appeal(QIAN, id_, "x"))).code == "not_found"
        assert (await refusal(service.appeal(ZHAO, id_, "x"))).code == "forbidden"
        assert (await refusal(service.appeal(WANG, "none", "x"))).code == "not_found"
        empty = await refusal(service.appeal(WANG, id_, "  "))
        assert (empty.code, empty.field) == ("invalid", "reason")
        await service.appeal(WANG, id_, "误判")
        assert (await refusal(service.appeal(WANG, id_, "再次"))).code == "wrong_state"
        await service.decide(SUN, [id_], grant=False, reason="规则明确")
        assert (await refusal(service.appeal(WANG, id_, "再次"))).code == "wrong_state"


async def test_too_late(path: Path) -> None:
    async with desk(path) as rig:
        (id_,) = await charged(rig, 1)
        rig.engine.time_us = T0_US + 7 * DAY_US + SECOND_US
        late = await refusal(rig.service.appeal(WANG, id_, "误判"))
        assert late.code == "wrong_state"
        assert "7" in late.text_zh


async def test_nobody_decides_about_oneself_nor_outside_the_scope(path: Path) -> None:
    leading = replace(WANG, role="shift_leader")
    people = [leading if p.login == "1001" else p for p in PEOPLE]
    async with desk(path, *people) as rig:
        (id_,) = await charged(rig, 1)
        service = rig.service
        await service.appeal(leading, id_, "误判")
        for who, code in ((leading, "forbidden"), (QIAN, "not_found"), (LI, "forbidden")):
            refused = await refusal(service.decide(who, [id_], grant=True, reason="x"))
            assert refused.code == code
        assert (await refusal(service.decide(SUN, [id_], grant=False, reason=""))).field == "reason"
        await service.decide(SUN, [id_], grant=True, reason="")


async def test_a_batch_is_decided_whole_or_not_at_all(path: Path) -> None:
    async with desk(path) as rig:
        ids = await charged(rig, 1, 2, 3)
        service = rig.service
        for id_ in ids[:2]:
            await service.appeal(WANG, id_, "误判")
        conflict = await refusal(service.decide(ZHAO, ids, grant=True, reason="ok"))
        assert conflict.code == "wrong_state"
        page = await service.violations(WANG, ViolationQuery())
        assert all(j.standing for j in page.items)
        decided = await service.decide(ZHAO, [*ids[:2], ids[0]], grant=True, reason="ok")
        assert [j.violation.id for j in decided] == ids[:2]
        assert not any(j.standing for j in decided)
        assert len({j.appeals[0].batch for j in decided}) == 1
        assert decided[0].appeals[0].batch is not None
        # The second leader is told that somebody was quicker.
        again = await refusal(service.decide(SUN, ids[:1], grant=False, reason="no"))
        assert again.code == "wrong_state"
        for nothing in ([], ["x"] * 0):
            assert (await refusal(service.decide(ZHAO, nothing, grant=True, reason="x"))).code


async def test_an_incident_window(path: Path) -> None:
    async with desk(path) as rig:
        ids = await charged(rig, 1, 2, 3)
        await rig.engine_says(
            replace(leg(4), seat="PJSIP/1002", agent="李雷"),
            replace(violation(4), seat="PJSIP/1002", agent="李雷"),
        )
        service = rig.service
        await service.appeal(WANG, ids[1], "中继故障")
        window = ViolationQuery(from_us=T0_US, to_us=T0_US + 3, rule="hold")
        excused = await service.excuse_window(ZHAO, window, "中继故障 10:00–10:05")
        assert {j.violation.id for j in excused} == {ids[0], ids[1]}
        kinds = {j.violation.id: [a.kind for a in j.appeals] for j in excused}
        assert kinds == {ids[0]: ["incident"], ids[1]: ["appeal"]}
        assert all(a.status == "granted" for j in excused for a in j.appeals)
        page = await service.violations(SUN, ViolationQuery(standing=True))
        assert {j.violation.agent for j in page.items} == {"王芳", "李雷"}
        # Twice is once.
        assert await service.excuse_window(ZHAO, window, "再次") == []
        for wrong in (
            ViolationQuery(from_us=T0_US),
            ViolationQuery(from_us=T0_US, to_us=T0_US),
            ViolationQuery(from_us=T0_US, to_us=T0_US + 8 * DAY_US),
        ):
            refused = await refusal(service.excuse_window(ZHAO, wrong, "x"))
            assert refused.code == "invalid"
        refused = await refusal(service.excuse_window(WANG, window, "x"))
        assert refused.code == "forbidden"


async def test_who_excuses_a_window_does_not_excuse_oneself(path: Path) -> None:
    leading = replace(WANG, role="shift_leader", teams=())
    people = [leading if p.login == "1001" else p for p in PEOPLE]
    async with desk(path, *people) as rig:
        await charged(rig, 1)
        window = ViolationQuery(from_us=T0_US, to_us=T0_US + 10)
        assert await rig.service.excuse_window(leading, window, "中继故障") == []
        assert len(await rig.service.excuse_window(SUN, window, "中继故障")) == 1


# --- what one may see --------------------------------------------------------------------------


async def test_violations_are_ones_own_or_of_ones_scope(path: Path) -> None:
    async with desk(path) as rig:
        await charged(rig, 1)
        theirs = replace(violation(2), seat="PJSIP/1002", agent="1002")
        await rig.engine_says(theirs)
        service = rig.service

        async def seen(who: Any, **query: Any) -> set[str]:
            page = await service.violations(who, ViolationQuery(**query))
            return {j.owner or "" for j in page.items}

        assert await seen(WANG) == {"1001"}
        assert await seen(WANG, agents=("1001",)) == {"1001"}
        assert await seen(WANG, agents=("1002",)) == set()
        assert await seen(WANG, agents=("李雷",)) == set()
        assert await seen(ZHAO) == {"1001"}
        assert await seen(QIAN) == {"1002"}
        assert await seen(SUN) == {"1001", "1002"}
        # A login stands for all names of the person.
        assert await seen(SUN, agents=("1001",)) == {"1001"}
        assert await seen(ZHAO, agents=("1002",)) == set()


# --- R3's exceptions ---------------------------------------------------------------------------


async def appeals_of(rig: Rig, id_: str) -> list[tuple[str, str]]:
    judged = await rig.store.violation(id_)
    assert judged is not None
    return [(a.kind, a.status) for a in judged.appeals]


async def until_appeals(rig: Rig, id_: str, wanted: list[tuple[str, str]]) -> None:
    for _ in range(2000):
        if await appeals_of(rig, id_) == wanted:
            return
        await rig.settled(1)
    assert await appeals_of(rig, id_) == wanted


@pytest.mark.parametrize("violation_first", [True, False])
@pytest.mark.parametrize(("kind", "status"), [("silent_call", "granted"), ("bad_line", "pending")])
async def test_an_exception_meets_its_violation_in_either_order(
    path: Path, violation_first: bool, kind: Any, status: str
) -> None:
    async with desk(path) as rig:
        id_ = await rig.opened()
        charge = hung_up()
        if violation_first:
            await rig.engine_says(charge)
            await rig.done(WANG, id_, Exempt(kind))
        else:
            await rig.done(WANG, id_, Exempt(kind))
            await rig.engine_says(charge)
        await until_appeals(rig, charge.id, [("exception", status)])
        judged = await rig.store.violation(charge.id)
        assert judged is not None
        assert judged.standing is (status == "pending")
        (appeal,) = judged.appeals
        assert (appeal.by, appeal.exception, appeal.decided_by) == ("1001", kind, None)
        # Told again (a restart, a violation that comes twice), it is still one.
        rig.service.on_effects([charge])
        await rig.service._appeals.catch_up()
        await rig.followed_up()
        assert await appeals_of(rig, charge.id) == [("exception", status)]
    async with desk(path) as rig:
        assert await appeals_of(rig, charge.id) == [("exception", status)]


async def test_a_leaders_exception_is_good_for_whoever_had_the_call(path: Path) -> None:
    async with desk(path) as rig:
        id_ = await rig.opened()
        charge = hung_up()
        await rig.engine_says(charge)
        await rig.done(ZHAO, id_, Assign(to="1002"))
        await rig.done(LI, id_, Exempt("silent_call"))
        await rig.followed_up()
        assert await appeals_of(rig, charge.id) == [], "a colleague excuses nobody"
        await rig.done(ZHAO, id_, Exempt("bad_line"))
        await until_appeals(rig, charge.id, [("exception", "pending")])


@pytest.mark.parametrize("kind", ["silent_call", "bad_line"])
async def test_taking_it_back_withdraws_what_no_person_decided(path: Path, kind: Any) -> None:
    async with desk(path) as rig:
        id_ = await rig.opened()
        charge = hung_up()
        await rig.engine_says(charge)
        await rig.done(WANG, id_, Exempt(kind))
        status = "granted" if kind == "silent_call" else "pending"
        await until_appeals(rig, charge.id, [("exception", status)])
        await rig.done(WANG, id_, Exempt(None))
        await until_appeals(rig, charge.id, [("exception", "withdrawn")])
        judged = await rig.store.violation(charge.id)
        assert judged is not None
        assert judged.standing
        # Nothing waits any more, and the person may still appeal in words.
        await rig.service.appeal(WANG, charge.id, "客户已挂机")


async def test_what_a_leader_granted_stands(path: Path) -> None:
    async with desk(path) as rig:
        id_ = await rig.opened()
        charge = hung_up()
        await rig.engine_says(charge)
        await rig.done(WANG, id_, Exempt("bad_line"))
        await until_appeals(rig, charge.id, [("exception", "pending")])
        await rig.service.decide(ZHAO, [charge.id], grant=True, reason="属实")
        await rig.done(WANG, id_, Exempt(None))
        await rig.followed_up()
        assert await appeals_of(rig, charge.id) == [("exception", "granted")]


async def test_another_kind_replaces_the_first(path: Path) -> None:
    async with desk(path) as rig:
        id_ = await rig.opened()
        charge = hung_up()
        await rig.engine_says(charge)
        await rig.done(WANG, id_, Exempt("bad_line"))
        await until_appeals(rig, charge.id, [("exception", "pending")])
        rig.pass_time(MINUTE_US)
        await rig.done(WANG, id_, Exempt("wrong_number"))
        await until_appeals(rig, charge.id, [("exception", "withdrawn"), ("exception", "pending")])


async def test_an_exception_excuses_nobody_else_on_the_call(path: Path) -> None:
    async with desk(path) as rig:
        id_ = await rig.opened()
        other = hung_up(agent="李雷", seat="PJSIP/1002")
        await rig.engine_says(other)
        await rig.done(WANG, id_, Exempt("silent_call"))
        await rig.followed_up()
        assert await appeals_of(rig, other.id) == []


async def test_what_a_crash_left_undone_is_done_at_the_start(path: Path) -> None:
    async with desk(path) as rig:
        id_ = await rig.opened()
        await rig.done(WANG, id_, Exempt("bad_line"))
        # What follows from it is done before the violation is there.
        await rig.followed_up()
        charge = hung_up()
        # Committed, and nobody told the desk.
        rig.store.submit([charge], {}, lambda _: None, pbx="main")
        await rig.store.flush()
        await rig.settled()
        assert await appeals_of(rig, charge.id) == []
    async with desk(path) as rig:
        assert await appeals_of(rig, charge.id) == [("exception", "pending")]
