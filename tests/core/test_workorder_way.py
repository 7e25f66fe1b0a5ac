"""A complete work order on its way: forwarded, dispatched, answered, told, closed; merged; back."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from agentd.core.order_form import FormBook
from agentd.core.order_model import (
    Absorb,
    Acknowledge,
    AddNote,
    AddNumber,
    AnswerOrder,
    AnyCommand,
    Assign,
    Close,
    Complete,
    DispatchTo,
    Edit,
    Forward,
    KeepPromise,
    MakePromise,
    MarkUrgent,
    Merge,
    Return,
    RevisitCaller,
    Tell,
    Urge,
    WorkOrder,
)
from agentd.core.workdays import MAX_DAYS
from agentd.core.workorder import allowed, sees
from tests.core.order_rig import (
    BOOK,
    COMPLAINT,
    DAY,
    LEADER,
    MANAGER,
    MIN,
    OTHER,
    PRAISE,
    QA,
    SECOND,
    T0,
    after,
    consult,
    contact,
    done,
    lacks,
    missed,
    notices,
    opened,
    refusal,
    said,
    told,
)

TO_WATER = DispatchTo("water")


def forwarded() -> WorkOrder:
    return after(opened(), COMPLAINT)


# --- where a completed order goes ---------------------------------------------------------------


def test_a_complaint_is_forwarded_to_the_leader_on_completion() -> None:
    outcome = done(opened(), COMPLAINT)
    order = outcome.order
    assert (order.state, order.completed_by) == ("forwarded", "1001")
    assert order.forwarded is not None
    assert (order.forwarded.why, order.forwarded.to) == ("complaint", ())
    assert notices(outcome) == [("forwarded", (), "shift_leader", ())]
    assert order.title in outcome.notices[0].text_zh


def test_about_our_own_service_goes_to_leader_and_qa_past_the_person_concerned() -> None:
    command = Complete(category="praise", fields=PRAISE.fields, own_service=True)
    outcome = done(replace(opened(), owner="2001"), command, LEADER)
    assert notices(outcome) == [
        ("own_service", (), "shift_leader", ("2001",)),
        ("own_service", (), "qa", ("2001",)),
    ]
    order = outcome.order
    assert (order.state, order.forwarded and order.forwarded.why) == ("forwarded", "own_service")
    # The leader whom it is about sees it as an agent does, and cannot lead it.
    assert sees(order, LEADER)
    for command_ in (Acknowledge(), TO_WATER, Close(), Edit(own_service=False)):
        assert refusal(order, command_, LEADER).code in ("forbidden", "wrong_state")
    assert done(order, Acknowledge(), SECOND).order.forwarded is not None
    back = after(order, Return("说清楚"), by=SECOND)
    unmarked = Complete(own_service=False)
    assert refusal(back, unmarked, LEADER).code == "forbidden"
    assert after(back, Complete(own_service=True), by=LEADER).state == "forwarded"
    assert not after(back, Edit(own_service=False), by=SECOND).own_service
    nobodys = replace(opened(), owner=None)
    assert notices(done(nobodys, command, LEADER))[0] == ("own_service", (), "shift_leader", ())


@pytest.mark.parametrize(
    ("category", "kind", "login", "why"),
    [("suggestion", "told_owner", "4001", "owner"), ("centre", "director", "9001", "director")],
)
def test_suggestions_go_to_their_owner_and_enquiries_about_us_to_the_director(
    category: str, kind: str, login: str, why: str
) -> None:
    outcome = done(opened(), Complete(category=category, fields={"event": "开门"}))
    assert notices(outcome) == [(kind, (login,), "", ())]
    order = outcome.order
    assert order.forwarded is not None
    assert (order.forwarded.to, order.forwarded.why) == ((login,), why)
    addressee = replace(MANAGER, login=login, role="agent")
    assert sees(order, addressee)
    assert "acknowledge" in allowed(order, addressee, BOOK)
    assert after(order, Acknowledge(), Close("采纳"), by=addressee).state == "closed"


def test_an_agent_can_forward_what_the_category_does_not() -> None:
    order = after(opened(), PRAISE)
    assert lacks(refusal(order, Forward(" "))) == [("reason", "required")]
    outcome = done(order, Forward("来电人要求"))
    assert notices(outcome) == [("forwarded", (), "shift_leader", ())]
    assert outcome.order.forwarded is not None
    assert outcome.order.forwarded.why == "来电人要求"


def test_a_leader_acknowledges_once() -> None:
    order = done(forwarded(), Acknowledge(), LEADER, T0 + 5 * MIN).order
    assert order.forwarded is not None
    assert (order.forwarded.acknowledged_us, order.forwarded.acknowledged_by) == (
        T0 + 5 * MIN,
        "2001",
    )
    assert refusal(order, Acknowledge(), SECOND).code == "wrong_state"


# --- dispatch, answer, tell, close, revisit ------------------------------------------------------


def test_the_whole_way() -> None:
    order = done(forwarded(), DispatchTo("water", text="请查"), LEADER).order
    assert order.dispatch is not None
    assert (order.state, order.dispatch.person) == ("dispatched", "王工")
    # Three working days after a Sunday: Wednesday, 17:30.
    assert order.dispatch.due_us == T0 - 9 * 60 * MIN + 3 * DAY + (17 * 60 + 30) * MIN
    assert order.forwarded is not None
    assert order.forwarded.acknowledged_by == "2001", "who dispatches has seen it"
    order = after(order, Urge("请尽快"), Urge(), by=SECOND)
    assert order.dispatch is not None
    assert [(step.by, step.text) for step in order.dispatch.urged] == [
        ("2002", "请尽快"),
        ("2002", ""),
    ]
    order = after(order, AnswerOrder("已修复"), by=LEADER)
    assert (order.state, order.answer and order.answer.text) == ("answered", "已修复")
    order = after(order, MakePromise("明天回复", T0 + DAY), Tell("已告知"))
    assert order.state == "told"
    assert order.promise is not None
    assert (order.promise.kept_us, order.promise.kept_by) == (T0 + MIN, "1001")
    order = after(order, Close("办结"), by=LEADER)
    assert (order.state, order.closing and order.closing.text) == ("closed", "办结")
    order = after(order, RevisitCaller(5, "满意"), by=QA)
    assert (order.state, order.revisit and order.revisit.satisfaction) == ("revisited", 5)


def test_when_a_dispatched_order_is_due() -> None:
    def due(command: DispatchTo, book: FormBook = BOOK) -> int | None:
        dispatch = done(forwarded(), command, LEADER, book=book).order.dispatch
        assert dispatch is not None
        return dispatch.due_us

    midnight = T0 - 9 * 60 * MIN
    end = (17 * 60 + 30) * MIN
    assert due(DispatchTo("water", due_days=1)) == midnight + DAY + end
    assert due(DispatchTo("water", due_us=T0 + DAY)) == T0 + DAY
    free = replace(BOOK, units=())
    assert due(DispatchTo("街道办", "李工"), free) == midnight + 5 * DAY + end


@pytest.mark.parametrize(
    ("command", "found"),
    [
        (DispatchTo(""), [("unit", "required"), ("person", "required")]),
        (DispatchTo("gas", "赵工"), [("unit", "not_a_choice")]),
        (DispatchTo("water", due_us=T0), [("due_us", "not_later")]),
        (DispatchTo("water", due_us=10**30), [("due_us", "out_of_range")]),
        (DispatchTo("water", due_days=1, due_us=T0 + DAY), [("due_days", "only_one")]),
        (DispatchTo("water", due_days=-1), [("due_days", "out_of_range")]),
        (DispatchTo("water", due_days=MAX_DAYS + 1), [("due_days", "out_of_range")]),
    ],
)
def test_a_dispatch_that_does_not_do(command: DispatchTo, found: list[tuple[str, str]]) -> None:
    assert lacks(refusal(forwarded(), command, LEADER)) == found


@pytest.mark.parametrize(
    ("before", "command", "field"),
    [
        ((TO_WATER,), Urge("长" * 4001), "text"),
        ((TO_WATER,), AnswerOrder(" "), "text"),
        ((TO_WATER,), Return(""), "reason"),
        ((), Tell(""), "text"),
        ((), Close("长" * 4001), "text"),
        ((), MakePromise("", T0 + DAY), "text"),
        ((), MakePromise("明天", T0), "due_us"),
        ((Close(),), RevisitCaller(0), "satisfaction"),
        ((Close(),), RevisitCaller(6), "satisfaction"),
    ],
)
def test_steps_need_their_words(
    before: tuple[AnyCommand, ...], command: AnyCommand, field: str
) -> None:
    order = after(forwarded(), *before, by=LEADER)
    assert [path for path, _ in lacks(refusal(order, command, LEADER))] == [field]


def test_a_promise_is_kept_once() -> None:
    assert refusal(opened(), KeepPromise()).code == "wrong_state"
    order = after(opened(), MakePromise("下班前回电", T0 + DAY), KeepPromise())
    assert order.promise is not None
    assert order.promise.kept_by == "1001"
    assert refusal(order, KeepPromise()).code == "wrong_state"


def test_a_plain_order_can_be_closed_by_its_agent_a_forwarded_one_cannot() -> None:
    assert after(opened(), PRAISE, Close()).state == "closed"
    assert after(opened(), PRAISE, Tell("已说明")).promise is None
    assert refusal(forwarded(), Close()).code == "wrong_state"
    assert refusal(forwarded(), Tell("已告知")).code == "wrong_state"


# --- back ----------------------------------------------------------------------------------------


def test_returned_to_the_agent_and_complete_again_it_is_back_where_it_came_from() -> None:
    order = done(forwarded(), Acknowledge(), LEADER).order
    outcome = done(order, Return("地点不清"), LEADER)
    assert notices(outcome) == [("returned", ("1001",), "", ())]
    assert "地点不清" in outcome.notices[0].text_zh
    order = outcome.order
    assert (order.state, order.returned_from) == ("returned", "forwarded")
    first = order.completed_us
    again = done(order, Complete(fields={"place": "人民路 5 号"}), at_us=T0 + 30 * MIN)
    order = again.order
    assert (order.state, order.returned_from, order.completed_us) == ("forwarded", None, first)
    assert order.forwarded is not None
    assert (order.forwarded.at_us, order.forwarded.acknowledged_us) == (T0 + 30 * MIN, None)
    assert notices(again) == [("forwarded", (), "shift_leader", ())]
    assert not order.overdue


def test_a_returned_praise_is_completed_again_or_turns_out_a_complaint() -> None:
    order = after(after(opened(), PRAISE), Return("请补充"), by=LEADER)
    assert after(order, Complete()).state == "completed"
    assert after(order, COMPLAINT).state == "forwarded"
    by_words = after(after(opened(), PRAISE), Forward("请看"), Return("不用"), by=LEADER)
    order = after(by_words, Complete())
    assert (order.state, order.forwarded and order.forwarded.why) == ("forwarded", "请看")


def test_returned_by_the_unit_it_lies_before_the_leader_and_a_bad_answer_before_the_unit() -> None:
    order = after(forwarded(), TO_WATER, by=LEADER)
    outcome = done(order, Return("不归我们管"), LEADER)
    assert outcome.order.state == "forwarded"
    assert notices(outcome) == [("returned", (), "shift_leader", ())]
    straight = after(after(opened(), PRAISE), TO_WATER, by=LEADER)
    back = after(straight, Return("不归我们管"), by=LEADER)
    assert (back.state, back.forwarded and back.forwarded.why) == ("forwarded", "不归我们管")
    order = after(order, AnswerOrder("已阅"), Return("没有答复"), by=LEADER)
    assert order.state == "dispatched"
    assert after(order, TO_WATER, by=LEADER).answer is None


def test_an_order_that_nobodys_account_owns_is_returned_to_the_leaders() -> None:
    order = after(replace(opened(), owner=None), COMPLAINT, by=LEADER)
    assert notices(done(order, Return("补充"), LEADER)) == [("returned", (), "shift_leader", ())]


def test_a_leader_gives_an_unfinished_order_to_somebody_else() -> None:
    assert lacks(refusal(opened(), Assign(" "), LEADER)) == [("to", "required")]
    outcome = done(opened(), Assign("1002"), LEADER)
    assert notices(outcome) == [("assigned", ("1002",), "", ())]
    assert (outcome.order.owner, outcome.order.agent) == ("1002", "1001")
    assert done(outcome.order, Assign("1002"), LEADER).change.changed == {}
    assert after(outcome.order, PRAISE, by=OTHER).completed_by == "1002"
    assert refusal(after(opened(), PRAISE), Assign("1002"), LEADER).code == "wrong_state"
    assert after(missed(), Assign("1002"), by=LEADER).owner == "1002"


# --- merge ---------------------------------------------------------------------------------------


def second() -> WorkOrder:
    return told(None, said(id="pbx-2.2", call="2.2", caller="13900000000"))


def merged(order: WorkOrder, into: WorkOrder) -> tuple[WorkOrder, WorkOrder]:
    outcome = done(order, Merge(into.id), target=into)
    ((target, absorb),) = outcome.follow_up
    assert target == into.id
    return outcome.order, done(into, absorb, None).order


def test_two_orders_of_one_matter() -> None:
    one = after(
        opened(), AddNumber("13911111111"), AddNote("第一次来电"), MakePromise("回电", T0 + DAY)
    )
    one = done(one, contact("attempt"), None).order
    one = after(one, MarkUrgent(), Edit(category="complaint", fields={"place": "人民路"}))
    two = after(second(), AddNote("第二次来电"), AddNumber("13912345678"))
    two = done(two, contact("attempt"), None).order
    gone, kept = merged(one, two)
    assert (gone.state, gone.merged_into) == ("merged", "pbx-2.2")
    assert kept.merged_from == ("pbx-1.1",)
    assert [n.norm for n in kept.numbers] == ["+8613900000000", "+8613912345678", "+8613911111111"]
    assert {note.text for note in kept.notes} == {"第一次来电", "第二次来电"}
    assert len(kept.contacts) == 1
    assert kept.urgent == one.urgent
    assert kept.title == "【急件】"
    assert kept.promise == one.promise
    refused = refusal(gone, AddNote("x"))
    assert refused.code == "wrong_state"
    assert "pbx-2.2" in refused.text_zh
    absorb = done(one, Merge(two.id), target=two).follow_up[0][1]
    assert done(kept, absorb, None).change.changed == {}, "twice is once"


def test_the_promise_that_is_due_first_counts() -> None:
    soon = after(opened(), MakePromise("今天", T0 + 60 * MIN))
    late = after(second(), MakePromise("明天", T0 + DAY))
    assert merged(soon, late)[1].promise == soon.promise
    assert merged(late, soon)[1].promise == soon.promise
    kept = after(soon, KeepPromise())
    assert merged(kept, late)[1].promise == late.promise
    assert merged(late, kept)[1].promise == late.promise
    assert merged(second(), kept)[1].promise == kept.promise
    assert merged(second(), soon)[1].promise == soon.promise


def test_about_our_own_service_stays_so_in_a_merge_and_is_merged_by_leaders_only() -> None:
    own = after(opened(), Edit(own_service=True))
    assert "只能由值班长" in refusal(own, Merge("pbx-2.2"), target=second()).text_zh
    outcome = done(own, Merge("pbx-2.2"), LEADER, target=second())
    assert done(second(), outcome.follow_up[0][1], None).order.own_service


def test_what_cannot_be_merged() -> None:
    order, other = opened(), second()
    assert refusal(order, Merge("pbx-9.9"), target=None).code == "not_found"
    assert refusal(order, Merge("pbx-9.9"), target=other).code == "not_found"
    assert refusal(order, Merge(order.id), target=order).code == "wrong_state"
    theirs = replace(other, owner="1002")
    assert refusal(order, Merge(other.id), target=theirs).code == "not_found"
    read_only = replace(theirs, forwarded=done(forwarded(), Acknowledge(), LEADER).order.forwarded)
    assert read_only.forwarded is not None
    shown = replace(read_only, forwarded=replace(read_only.forwarded, to=("1001",)))
    assert refusal(order, Merge(other.id), target=shown).code == "forbidden"
    for state in ("closed", "revisited", "merged"):
        ended = replace(other, state=state)
        assert refusal(order, Merge(other.id), target=ended).code == "wrong_state"
        assert refusal(ended, Absorb("x", (), ()), None).code == "wrong_state"
    assert refusal(forwarded(), Merge(other.id), target=other).code == "wrong_state"
    assert done(order, Merge(other.id), None, target=theirs).order.state == "merged"


def test_linking_twice_is_once() -> None:
    order = done(opened(), contact("call_back", in_time=True), None).order
    assert done(order, contact("call_back", in_time=True), None).change.changed == {}
    assert after(order, consult("direct", basis="x")).state == "completed"
