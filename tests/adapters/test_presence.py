"""Sign-in and what comes with it: never half of it, and said in words what was not done."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from agentd.core.effects import SeatChanged
from agentd.core.phone import CHINA, NumberRules
from agentd.errors import AgentdError, Refused
from agentd.ports.presence import SignIn
from agentd.ports.telephony import NoAnswer, PbxRefused, Phone
from agentd.presence_rules import dialled
from tests.adapters.presence_rig import (
    ALL,
    LEADER,
    LI,
    OTHER_LEADER,
    QA,
    ZHANG,
    A,
    B,
    Floor,
    static,
)

DOWN = Refused("there is no link to PBX 'main'", code="unavailable")

# --- sign-in ---


async def test_a_person_signs_in_and_joins_their_queues() -> None:
    floor = Floor()
    seat = await floor.presence.sign_in(ZHANG, "main", A)
    assert (seat.pbx, seat.seat, seat.label) == ("main", A, "1001")
    assert (seat.drives, seat.dials, seat.ready, seat.reachable) == (True, True, False, True)
    assert floor.queues.state() == [("hotline", "张三", True), ("sales", "张三", True)]
    assert floor.engine.sits == {("main", A): "8001"}
    assert floor.open() == [("8001", "main", A)]
    assert floor.hints.topics == ["seat:8001"]
    assert floor.presence.my_seat(ZHANG) == seat
    shown = {view.seat: view.signed_in for view in floor.presence.seats(LI)}
    assert shown == {A: "8001", B: None}


async def test_who_sits_there_by_the_queues_word_alone_is_told() -> None:
    floor = Floor()
    floor.engine.boards["main"][f"seat:main/{B}"]["agent"] = "王芳"
    shown = {view.seat: (view.signed_in, view.agent) for view in floor.presence.seats(LI)}
    assert shown[B] == (None, "王芳")


async def test_signing_in_again_changes_nothing() -> None:
    floor = Floor()
    await floor.presence.sign_in(ZHANG, "main", A)
    asked = len(floor.queues.asked)
    await floor.presence.sign_in(ZHANG, "main", A)
    assert len(floor.queues.asked) == asked
    assert len(floor.store.kept) == 1


async def test_who_joins_a_seat_that_takes_calls_takes_calls() -> None:
    floor = Floor(static("hotline"))
    seat = await floor.presence.sign_in(ZHANG, "main", A)
    assert floor.queues.state() == [("hotline", "座席一", False), ("sales", "张三", False)]
    assert seat.ready


async def test_a_seat_or_pbx_that_is_none_is_refused() -> None:
    floor = Floor()
    with pytest.raises(Refused, match="no seat 'PJSIP/9'"):
        await floor.presence.sign_in(ZHANG, "main", "PJSIP/9")
    with pytest.raises(Refused, match="no PBX 'south'"):
        await floor.presence.sign_in(ZHANG, "south", A)
    with pytest.raises(Refused, match="may not") as refusal:
        await floor.presence.sign_in(QA, "main", A)
    assert refusal.value.code == "forbidden"
    assert floor.queues.asked == []


async def test_a_queue_that_refuses_leaves_no_half_sign_in() -> None:
    floor = Floor()
    who = replace(ZHANG, queues=("hotline", "nope"))
    with pytest.raises(Refused, match=r"nothing was changed.*No such queue"):
        await floor.presence.sign_in(who, "main", A)
    assert floor.queues.state() == []
    assert floor.engine.told == []
    assert floor.open() == []
    assert floor.presence.my_seat(ZHANG) is None


async def test_what_cannot_be_taken_back_is_named() -> None:
    floor = Floor()
    who = replace(ZHANG, queues=("hotline", "nope"))
    floor.queues.errors["QueueRemove", "hotline"] = PbxRefused("QueueRemove", "busy")
    with pytest.raises(Refused, match=r"not done: .*No such queue.*Not taken back: .*busy"):
        await floor.presence.sign_in(who, "main", A)
    assert floor.queues.state() == [("hotline", "张三", True)]
    assert floor.open() == []


async def test_a_step_without_an_answer_is_taken_back_like_one_that_was_done() -> None:
    floor = Floor()
    floor.queues.errors["QueueAdd", "sales"] = NoAnswer("QueueAdd", "nothing", "")
    with pytest.raises(Refused, match=r"nothing was changed.*may have done it"):
        await floor.presence.sign_in(ZHANG, "main", A)
    assert floor.queues.state() == []


@pytest.mark.parametrize("part", ["engine", "store"])
async def test_an_engine_or_store_that_fails_leaves_everything_as_it_was(part: str) -> None:
    floor = Floor()
    await floor.presence.sign_in(LI, "main", A)
    await floor.presence.sign_in(ZHANG, "main", B)
    before = (floor.queues.state(A), floor.queues.state(B), floor.engine.sits.copy(), floor.open())
    if part == "engine":
        floor.engine.refuses.append(Refused("agentd is stopping"))
    else:
        floor.store.fails = 1
    with pytest.raises(AgentdError, match=r"nothing was changed: .*(stopping|disk is full)"):
        await floor.presence.sign_in(ZHANG, "main", A)
    after = (floor.queues.state(A), floor.queues.state(B), floor.engine.sits, floor.open())
    assert after == before
    assert floor.presence.my_seat(ZHANG) is not None
    assert floor.presence.my_seat(LI) is not None


async def test_another_person_takes_the_seat() -> None:
    floor = Floor()
    floor.store.owed["8001"] = ["o1", "o2", "o3"]
    await floor.presence.sign_in(ZHANG, "main", A)
    await floor.presence.sign_in(LI, "main", A)
    assert floor.ended() == [("8001", "replaced", ("o1", "o2", "o3"))]
    assert floor.open() == [("8002", "main", A)]
    assert floor.engine.sits == {("main", A): "8002"}
    # 张三's own queues are left, 李雷's joined under his name.
    assert floor.queues.state() == [("hotline", "李雷", True)]
    assert floor.presence.my_seat(ZHANG) is None
    assert floor.hints.topics[-2:] == ["seat:8002", "seat:8001"]


async def test_a_person_moves_to_another_seat() -> None:
    floor = Floor(static("sales", A))
    await floor.presence.sign_in(ZHANG, "main", A)
    await floor.presence.ready(ZHANG)
    await floor.presence.sign_in(ZHANG, "main", B)
    assert floor.ended() == [("8001", "moved", ())]
    assert floor.open() == [("8001", "main", B)]
    assert floor.engine.sits == {("main", B): "8001"}
    # Nobody is called at the old seat: the own membership is gone, the PBX's own is paused.
    assert floor.queues.state(A) == [("sales", "座席一", True)]
    assert floor.queues.state(B) == [("hotline", "张三", True), ("sales", "张三", True)]


async def test_a_person_moves_to_another_pbx() -> None:
    floor = Floor(second=True)
    await floor.presence.sign_in(ZHANG, "main", A)
    await floor.presence.sign_in(ZHANG, "north", A)
    assert floor.engine.sits == {("north", A): "8001"}
    assert floor.queues.state() == []
    assert floor.open() == [("8001", "north", A)]


async def test_a_seat_that_could_not_be_left_is_named() -> None:
    floor = Floor()
    await floor.presence.sign_in(ZHANG, "main", A)
    floor.queues.errors["QueueRemove", "sales"] = NoAnswer("QueueRemove", "nothing", "")
    with pytest.raises(Refused, match=r"signed in here; but PJSIP/1001 still") as refusal:
        await floor.presence.sign_in(ZHANG, "main", B)
    assert refusal.value.code == "partly_done"
    assert floor.open() == [("8001", "main", B)]


async def test_two_at_once_at_one_seat_end_with_one() -> None:
    floor = Floor()
    async with asyncio.TaskGroup() as group:
        group.create_task(floor.presence.sign_in(ZHANG, "main", A))
        group.create_task(floor.presence.sign_in(LI, "main", A))
        group.create_task(floor.presence.sign_in(ZHANG, "main", B))
    assert sorted(floor.open()) == [("8001", "main", B), ("8002", "main", A)]
    assert floor.queues.state(A) == [("hotline", "李雷", True)]


# --- where the account may not ---


@pytest.mark.parametrize("lacking", ["rights", "config"])
async def test_without_queues_to_drive_the_sign_in_still_binds(lacking: str) -> None:
    floor = Floor(static("hotline"), drives=lacking != "config")
    if lacking == "rights":
        floor.queues.rights = frozenset()
    seat = await floor.presence.sign_in(ZHANG, "main", A)
    assert not seat.drives
    assert seat.dials == (lacking == "config")
    assert seat.ready
    assert floor.queues.asked == []
    assert floor.engine.sits == {("main", A): "8001"}
    with pytest.raises(Refused, match="use the phone"):
        await floor.presence.pause(ZHANG, "lunch")
    with pytest.raises(Refused, match="use the phone"):
        await floor.presence.ready(ZHANG)
    assert await floor.presence.sign_out(ZHANG) == ()
    assert floor.queues.asked == []


# --- sign-out ---


async def test_who_leaves_is_told_what_is_owed() -> None:
    floor = Floor(static("sales"))
    floor.store.owed["8001"] = ["o1", "o2", "o3"]
    await floor.presence.sign_in(ZHANG, "main", A)
    await floor.presence.ready(ZHANG)
    assert await floor.presence.sign_out(ZHANG) == ("o1", "o2", "o3")
    assert floor.ended() == [("8001", "8001", ("o1", "o2", "o3"))]
    assert floor.engine.sits == {}
    # Out of what agentd joined, and only paused in what is the PBX's own.
    assert floor.queues.state() == [("sales", "座席一", True)]
    assert floor.queues.members(A)[0].reason == "签出"
    with pytest.raises(Refused, match="not signed in"):
        await floor.presence.sign_out(ZHANG)


async def test_what_others_joined_is_not_left() -> None:
    floor = Floor(replace(static("other"), dynamic=True, name="夜班"))
    await floor.presence.sign_in(ZHANG, "main", A)
    await floor.presence.sign_out(ZHANG)
    assert floor.queues.state() == [("other", "夜班", True)]


async def test_who_leaves_is_gone_whatever_the_pbx_says() -> None:
    floor = Floor()
    await floor.presence.sign_in(ZHANG, "main", A)
    floor.queues.errors["QueueRemove", "hotline"] = DOWN
    with pytest.raises(Refused, match=r"signed out.*by the phone: hotline: there is no link"):
        await floor.presence.sign_out(ZHANG)
    assert floor.open() == []
    assert floor.engine.sits == {}


async def test_a_queue_that_is_gone_is_left_already() -> None:
    floor = Floor()
    await floor.presence.sign_in(ZHANG, "main", A)
    gone = PbxRefused("QueueRemove", "Unable to remove interface: Not there")
    floor.queues.errors["QueueRemove", "hotline"] = gone
    floor.queues.errors["QueuePause", A] = PbxRefused("QueuePause", "Interface not found")
    assert await floor.presence.sign_out(ZHANG) == ()


async def test_a_sign_out_that_cannot_be_stored_is_none() -> None:
    floor = Floor()
    await floor.presence.sign_in(ZHANG, "main", A)
    floor.store.fails = 1
    with pytest.raises(AgentdError, match="disk is full"):
        await floor.presence.sign_out(ZHANG)
    assert floor.engine.sits == {("main", A): "8001"}
    assert floor.presence.my_seat(ZHANG) is not None


async def test_a_leader_signs_out_who_forgot() -> None:
    floor = Floor()
    await floor.presence.sign_in(ZHANG, "main", A)
    for who in (LI, OTHER_LEADER):
        with pytest.raises(Refused, match="only a shift leader") as refusal:
            await floor.presence.sign_out(who, "8001")
        assert refusal.value.code == "forbidden"
    assert await floor.presence.sign_out(LEADER, "8001") == ()
    assert floor.ended() == [("8001", "7001", ())]


# --- ready and pause ---


async def test_ready_and_pause_with_a_reason_of_the_book() -> None:
    floor = Floor()
    await floor.presence.sign_in(ZHANG, "main", A)
    seat = await floor.presence.ready(ZHANG)
    assert seat.ready
    seat = await floor.presence.pause(ZHANG, "lunch")
    assert (seat.ready, seat.pause_reason) == (False, "lunch")
    # The PBX, and so the wallboard, has it in words.
    assert [m.reason for m in floor.queues.members(A)] == ["午休", "午休"]
    with pytest.raises(Refused, match=r"no pause reason 'nap'; there are: lunch, training") as no:
        await floor.presence.pause(ZHANG, "nap")
    assert (no.value.code, no.value.field) == ("invalid", "reason")
    assert (await floor.presence.ready(ZHANG)).pause_reason is None


async def test_who_did_not_sign_in_cannot_pause() -> None:
    floor = Floor(static())
    for doing in (
        floor.presence.ready(ZHANG),
        floor.presence.pause(ZHANG, "lunch"),
        floor.presence.dial(ZHANG, "13900001111"),
    ):
        with pytest.raises(Refused, match="sign in to a seat first"):
            await doing
    assert floor.queues.asked == []


async def test_ready_joins_again_what_a_restarted_pbx_forgot() -> None:
    floor = Floor()
    await floor.presence.sign_in(ZHANG, "main", A)
    floor.queues.at.clear()
    seat = floor.presence.my_seat(ZHANG)
    assert seat is not None
    assert not seat.ready
    await floor.presence.ready(ZHANG)
    assert floor.queues.state() == [("hotline", "张三", False), ("sales", "张三", False)]


async def test_a_seat_of_no_queue_cannot_be_ready_or_paused() -> None:
    floor = Floor()
    who = replace(ZHANG, queues=())
    await floor.presence.sign_in(who, "main", A)
    with pytest.raises(Refused, match="in no queue"):
        await floor.presence.ready(who)
    with pytest.raises(Refused, match="in no queue"):
        await floor.presence.pause(who, "lunch")


async def test_a_member_by_a_local_channel_is_paused_by_it() -> None:
    floor = Floor(replace(static("hotline"), interface="Local/1001@agents/n"))
    await floor.presence.sign_in(replace(ZHANG, queues=()), "main", A)
    await floor.presence.pause(ZHANG, "lunch")
    assert floor.queues.asked[-1][1]["Interface"] == "Local/1001@agents/n"
    assert floor.queues.state() == [("hotline", "座席一", True)]


async def test_a_pause_that_fails_in_part_is_taken_back() -> None:
    floor = Floor(static("hotline"), replace(static("sales"), interface="Local/1001@agents/n"))
    await floor.presence.sign_in(replace(ZHANG, queues=()), "main", A)
    floor.queues.errors["QueuePause", "Local/1001@agents/n"] = DOWN
    with pytest.raises(Refused, match="nothing was changed: there is no link"):
        await floor.presence.pause(ZHANG, "lunch")
    assert floor.queues.state() == [("hotline", "座席一", False), ("sales", "座席一", False)]


async def test_a_ready_that_fails_joins_nothing() -> None:
    floor = Floor(static("hotline", paused=True))
    await floor.presence.sign_in(replace(ZHANG, queues=()), "main", A)
    floor.queues.errors["QueuePause", A] = DOWN
    with pytest.raises(Refused, match="nothing was changed"):
        await floor.presence.ready(ZHANG)
    assert floor.queues.state() == [("hotline", "座席一", True)]


async def test_a_reason_given_by_the_phone_is_shown_as_it_is() -> None:
    floor = Floor(replace(static(paused=True), reason="上厕所"))
    seat = await floor.presence.sign_in(replace(ZHANG, queues=()), "main", A)
    assert (seat.ready, seat.pause_reason) == (False, "上厕所")


# --- calls from the desk ---


async def test_a_call_rings_the_own_phone_first() -> None:
    floor = Floor()
    await floor.presence.sign_in(ZHANG, "main", A)
    assert await floor.presence.dial(ZHANG, "+86 139-0000-1111") == "placed"
    assert floor.queues.asked[-1] == (
        "Originate",
        {
            "Channel": A,
            "Context": "agentd-dial",
            "Exten": "13900001111",
            "Priority": "1",
            "CallerID": "<13900001111>",
            "Timeout": "30000",
            "Async": "true",
        },
    )


async def test_without_a_way_to_dial_the_page_offers_a_link() -> None:
    floor = Floor(dial_context=None)
    await floor.presence.sign_in(ZHANG, "main", A)
    assert await floor.presence.dial(ZHANG, "13900001111") == "link"
    floor = Floor()
    floor.queues.rights = ALL - {"Originate"}
    await floor.presence.sign_in(ZHANG, "main", A)
    assert await floor.presence.dial(ZHANG, "13900001111") == "link"
    assert all(action != "Originate" for action, _ in floor.queues.asked)


async def test_a_phone_that_is_off_the_network_is_not_rung() -> None:
    floor = Floor()
    floor.queues.known[A] = Phone(A, "UNAVAILABLE", 5)
    seat = await floor.presence.sign_in(ZHANG, "main", A)
    assert (seat.reachable, seat.rang_us) == (False, 5)
    with pytest.raises(Refused, match="off the network"):
        await floor.presence.dial(ZHANG, "13900001111")


@pytest.mark.parametrize(
    ("number", "digits"),
    [
        ("13900001111", "13900001111"),
        ("+8613900001111", "13900001111"),
        ("+86 (10) 8888 7777", "01088887777"),
        ("+1 212 555 0100", "0012125550100"),
        ("010-88887777", "01088887777"),
        ("12345", "12345"),
        ("*60#", "*60#"),
    ],
)
def test_what_is_dialled(number: str, digits: str) -> None:
    assert dialled(number, CHINA) == digits


@pytest.mark.parametrize(
    "number",
    ["", "+", "1", "tel:139", "139,1", "13\r\n9", "139;x", "13９00001111", "1" * 33, "+86+1"],
)
def test_what_is_no_number(number: str) -> None:
    with pytest.raises(Refused) as refusal:
        dialled(number, NumberRules())
    assert refusal.value.field == "number"


# --- after a restart ---


async def test_open_sign_ins_are_taken_up() -> None:
    floor = Floor()
    await floor.presence.sign_in(ZHANG, "main", A)
    floor.engine.sits.clear()
    floor.engine.told.clear()
    presence = floor.restarted()
    await presence.start()
    assert floor.engine.told == [("taken", "main", A, "8001", "张三")]
    assert presence.my_seat(ZHANG) is not None
    floor.engine.told.clear()
    await floor.restarted().start()
    assert floor.engine.told == [], "the engine knows it"
    assert await floor.presence.sign_out(ZHANG) == ()
    # What was joined before the restart is left.
    assert floor.queues.state() == []


async def test_a_sign_in_that_was_never_stored_is_ended() -> None:
    floor = Floor()
    floor.engine.sits["main", B] = "8002"
    await floor.restarted().start()
    assert floor.engine.sits == {}


async def test_a_pbx_that_is_not_configured_any_more_keeps_nobody() -> None:
    floor = Floor(second=True)
    await floor.presence.sign_in(ZHANG, "north", A)
    floor._desks.pop("north")
    presence = floor.restarted()
    await presence.start()
    assert presence.my_seat(ZHANG) is None
    assert floor.ended() == [("8001", "moved", ())]
    await presence.sign_in(ZHANG, "main", A)
    assert floor.open() == [("8001", "main", A)]


async def test_of_two_stored_sign_ins_the_later_one_counts() -> None:
    floor = Floor()
    first = SignIn("a", "8001", "main", A, 1)
    others = [SignIn("b", "8002", "main", A, 2), SignIn("c", "8002", "main", B, 3)]
    await floor.store.put_sign_ins([first, *others])
    await floor.restarted().start()
    assert floor.open() == [("8002", "main", B)]
    assert floor.ended() == [("8001", "replaced", ()), ("8002", "moved", ())]
    assert floor.engine.sits == {("main", B): "8002"}


# --- news, seats, faults ---


async def test_whoever_sits_there_hears_of_changes() -> None:
    floor = Floor()
    await floor.presence.sign_in(ZHANG, "main", A)
    floor.hints.topics.clear()
    changed = SeatChanged("main", 1, A, "8001", "ringing", ("hotline",), None)
    floor.presence.announce([changed, replace(changed, seat=B), replace(changed, pbx="north")])
    assert floor.hints.topics == ["seat:8001"]


async def test_a_configured_seat_is_offered_before_anything_is_known_of_it() -> None:
    floor = Floor()
    floor.engine.boards["main"].clear()
    floor.queues.known.clear()
    (view,) = floor.presence.seats(ZHANG)
    assert (view.seat, view.label, view.state, view.reachable) == (A, "一号", "logged_out", False)
    seat = await floor.presence.sign_in(replace(ZHANG, queues=()), "main", A)
    assert (seat.label, seat.state, seat.reachable) == ("一号", "logged_out", False)


async def test_faults_are_of_who_reported_them_and_of_who_leads_there() -> None:
    floor = Floor()
    fault = await floor.presence.report_fault(ZHANG, "main", A, "听筒没声音")
    elsewhere = replace(LEADER, login="7002", teams=("二组",))
    assert await floor.presence.faults(ZHANG) == [fault]
    assert await floor.presence.faults(replace(LEADER, teams=("一组",))) == [fault]
    for other in (LI, elsewhere):
        assert await floor.presence.faults(other) == []
    with pytest.raises(Refused, match="no such fault"):
        await floor.presence.fault_done(elsewhere, fault.id)
    assert await floor.presence.faults(LEADER) == [fault]


@pytest.mark.parametrize("change", [{"disabled": True}, {"role": "auditor"}])
async def test_whose_account_sits_nowhere_any_more_is_signed_out(change: dict[str, Any]) -> None:
    floor = Floor(static("hotline"))
    await floor.presence.sign_in(ZHANG, "main", A)
    running = asyncio.create_task(floor.presence.run())
    floor.presence.account_changed(ZHANG.login)
    await asyncio.sleep(0)
    assert floor.open() == [("8001", "main", A)]
    floor.people.put(replace(ZHANG, **change))
    floor.presence.account_changed(ZHANG.login)
    async with asyncio.timeout(60):
        while floor.open():
            await asyncio.sleep(0.01)
    assert floor.presence.my_seat(ZHANG) is None
    assert floor.ended() == [("8001", "system", ())]
    assert floor.queues.state() == [("hotline", "座席一", True)]
    running.cancel()


async def test_who_is_disabled_while_signing_in_is_signed_out() -> None:
    floor = Floor()
    floor.people.put(replace(ZHANG, disabled=True))
    await floor.presence.sign_in(ZHANG, "main", A)
    running = asyncio.create_task(floor.presence.run())
    async with asyncio.timeout(60):
        while floor.open():
            await asyncio.sleep(0.01)
    running.cancel()


async def test_a_fault_is_reported_and_mended() -> None:
    floor = Floor()
    fault = await floor.presence.report_fault(ZHANG, "main", A, "  听筒没声音 ")
    assert (fault.by, fault.text, fault.done_us) == ("8001", "听筒没声音", None)
    assert await floor.presence.faults(LEADER) == [fault]
    with pytest.raises(Refused, match="may not"):
        await floor.presence.fault_done(ZHANG, fault.id)
    done = await floor.presence.fault_done(LEADER, fault.id)
    assert done.done_by == "7001"
    assert await floor.presence.fault_done(LEADER, fault.id) == done
    assert await floor.presence.faults(LEADER) == []
    with pytest.raises(Refused, match="no such fault"):
        await floor.presence.fault_done(LEADER, "x")
    for text in ("", "   ", "x" * 1_001):
        with pytest.raises(Refused, match="say what is wrong"):
            await floor.presence.report_fault(ZHANG, "main", A, text)
