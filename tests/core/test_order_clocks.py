"""The clocks of a work order: 急件 until somebody acknowledges, due dates, promises, call-backs."""

from __future__ import annotations

from msgspec.structs import replace

from agentd.core.order_model import (
    Acknowledge,
    CalmDown,
    Close,
    DispatchTo,
    Done,
    HandleUrgent,
    LinkContact,
    MakePromise,
    MarkUrgent,
    Merge,
    Tick,
    WorkOrder,
)
from agentd.core.workorder import clock_set, follow, missing, sees, wake_us
from tests.core.order_rig import (
    AGENT,
    BOOK,
    CHINA,
    COMPLAINT,
    DAY,
    LEADER,
    MIN,
    PRAISE,
    SECOND,
    T0,
    S,
    after,
    consult,
    contact,
    done,
    lacks,
    notices,
    opened,
    refusal,
    said,
    told,
)

BOTH = Tick(leaders=("2001",), deputies=("2002",))
NOBODY = Tick()
HANDLED = HandleUrgent("自来水公司", "已电话联系王工", "派人抢修")


def ticked(order: WorkOrder, command: Tick = NOBODY, at_us: int | None = None) -> Done:
    """Ticked when it wants to be, or at ``at_us``."""
    when = at_us if at_us is not None else wake_us(order, BOOK)
    assert when is not None
    outcome = done(order, command, None, when)
    after_us = wake_us(outcome.order, BOOK)
    assert after_us is None or after_us > when
    return outcome


def urgent() -> WorkOrder:
    return after(opened(), MarkUrgent(), at_us=T0)


# --- due -----------------------------------------------------------------------------------------


def late(order: WorkOrder | None = None) -> WorkOrder:
    """Due after 15 minutes, and the engine says that these are over."""
    due_us = T0 + 15 * MIN
    order = told(order or opened(), said("due", T0, due_us=due_us))
    return told(order, said("overdue", due_us, due_us=due_us))


def test_only_the_engine_says_that_an_order_is_overdue() -> None:
    """It alone knows of the call-back that goes on."""
    order = told(opened(), said("due", T0, due_us=T0 + 15 * MIN))
    assert wake_us(order, BOOK) is None
    assert done(order, NOBODY, None, T0 + DAY).order == order
    overdue = said("overdue", T0 + 15 * MIN, due_us=T0 + 15 * MIN)
    after_us, change = follow(order, overdue, owner="1001", team="day", numbers=CHINA)
    assert after_us.overdue
    assert change.changed == {"overdue": [False, True]}
    completed = after(order, PRAISE)
    assert told(completed, overdue) == completed


# --- urgent --------------------------------------------------------------------------------------


def test_urgent_is_told_at_once_before_completion_and_the_title_says_so() -> None:
    order = urgent()
    assert (order.state, order.title) == ("open", "【急件】")
    assert wake_us(order, BOOK) == T0
    assert refusal(order, MarkUrgent()).code == "wrong_state"
    outcome = ticked(order, BOTH)
    assert notices(outcome) == [("urgent", ("2001",), "", ())]
    assert outcome.order.urgent is not None
    assert outcome.order.urgent.told[0].how == "leader"
    assert wake_us(outcome.order, BOOK) == T0 + MIN
    order = after(outcome.order, COMPLAINT)
    assert (order.state, order.title) == ("forwarded", "【急件】人民路 漏水")


def test_a_leader_who_never_acknowledges_then_the_deputy_as_well() -> None:
    order = urgent()
    told_: list[list[tuple[str, tuple[str, ...], str, tuple[str, ...]]]] = []
    for _ in range(5):
        outcome = ticked(order, BOTH)
        order = outcome.order
        told_.append(notices(outcome))
    leader, deputy = ("urgent", ("2001",), "", ()), ("urgent_deputy", ("2002",), "", ())
    assert told_ == [[leader], [leader], [leader], [leader, deputy], [leader, deputy]]
    assert outcome.notices[0].times == 5
    assert order.urgent is not None
    assert [t.how for t in order.urgent.told] == ["leader"] * 3 + ["deputy"] * 2
    seen = done(order, Acknowledge(), SECOND, T0 + 5 * MIN)
    assert notices(seen) == [("urgent_acknowledged", ("1001",), "", ())]
    assert wake_us(seen.order, BOOK) is None
    # Without a deputy the leader is told for ever.
    alone = urgent()
    for _ in range(5):
        outcome = ticked(alone, Tick(leaders=("2001",)))
        alone = outcome.order
    assert notices(outcome) == [leader]


def test_only_the_deputy_is_on_duty_and_may_acknowledge_although_an_agent() -> None:
    outcome = ticked(urgent(), Tick(deputies=("1002",)))
    assert notices(outcome) == [("urgent_deputy", ("1002",), "", ())]
    deputy = replace(AGENT, login="1002")
    assert sees(outcome.order, deputy)
    assert done(outcome.order, Acknowledge(), deputy).order.urgent is not None
    nobodys = replace(outcome.order, owner=None)
    assert notices(done(nobodys, Acknowledge(), deputy)) == []


def test_nobody_on_duty_is_an_alarm_and_the_agent_writes_down_what_was_done() -> None:
    outcome = ticked(urgent(), NOBODY)
    assert notices(outcome) == [("nobody_on_duty", ("1001",), "", ())]
    order = outcome.order
    assert lacks(refusal(order, PRAISE)) == [
        ("urgent.unit", "required"),
        ("urgent.process", "required"),
        ("urgent.method", "required"),
    ]
    assert wake_us(order, BOOK) == T0 + MIN, "somebody may come on duty"
    assert lacks(refusal(order, HandleUrgent(" ", "", " "))) == [
        ("unit", "required"),
        ("process", "required"),
        ("method", "required"),
    ]
    order = after(order, HANDLED)
    assert wake_us(order, BOOK) is None
    assert missing(after(order, PRAISE), BOOK) == ()
    assert order.urgent is not None
    assert (order.urgent.unit_called, order.urgent.handled_by) == ("自来水公司", "1001")
    assert notices(ticked(replace(urgent(), owner=None), NOBODY)) == [
        ("nobody_on_duty", (), "", ())
    ]


def test_a_leader_who_comes_on_duty_is_told_although_it_was_handled_meanwhile() -> None:
    order = ticked(urgent(), NOBODY).order
    outcome = ticked(order, BOTH)
    assert notices(outcome) == [("urgent", ("2001",), "", ())]
    assert wake_us(after(outcome.order, HANDLED), BOOK) is not None


def test_the_leader_on_duty_who_is_the_person_concerned_is_nobody() -> None:
    order = replace(urgent(), owner="2001")
    outcome = ticked(order, Tick(leaders=("2001",), deputies=("2001",)))
    assert notices(outcome) == [("nobody_on_duty", ("2001",), "", ())]
    assert refusal(outcome.order, Acknowledge(), LEADER).code == "forbidden"
    # Closing it takes it off the list; that one has seen one's own order is no acknowledgement.
    closed = after(after(outcome.order, HANDLED, PRAISE, by=LEADER), Close(), by=LEADER)
    assert closed.urgent is not None
    assert closed.urgent.acknowledged_us is None
    assert wake_us(closed, BOOK) is None


def test_marked_by_mistake() -> None:
    assert refusal(opened(), CalmDown("x")).code == "wrong_state"
    assert refusal(opened(), CalmDown("x"), LEADER).code == "wrong_state"
    order = ticked(urgent(), BOTH).order
    assert lacks(refusal(order, CalmDown(" "))) == [("reason", "required")]
    calm = after(order, CalmDown("按错了"))
    assert (calm.urgent, calm.title) == (None, "")
    assert calm.notes[0].text == "取消急件:按错了"
    assert wake_us(calm, BOOK) is None
    seen = after(order, Acknowledge(), by=LEADER)
    assert "值班长" in refusal(seen, CalmDown("按错了")).text_zh
    assert after(seen, CalmDown("按错了"), by=LEADER).urgent is None


def test_dispatching_an_urgent_order_acknowledges_it() -> None:
    order = after(ticked(urgent(), BOTH).order, COMPLAINT)
    order = after(order, DispatchTo("water"), by=LEADER)
    assert order.urgent is not None
    assert order.urgent.acknowledged_by == "2001"


# --- dispatched ----------------------------------------------------------------------------------


def test_a_dispatched_order_is_reminded_of_before_and_when_it_is_due() -> None:
    due_us = T0 + 3 * DAY
    order = after(after(opened(), COMPLAINT), DispatchTo("water", due_us=due_us), by=LEADER)
    moments = []
    while (at_us := wake_us(order, BOOK)) is not None:
        outcome = ticked(order)
        assert notices(outcome) == [("dispatch_due", (), "shift_leader", ())]
        moments.append(at_us)
        order = outcome.order
    assert moments == [due_us - DAY, due_us - 60 * MIN, due_us]
    answered = replace(order, state="answered")
    assert wake_us(answered, BOOK) is None


def test_reminders_that_passed_together_are_told_once() -> None:
    due_us = T0 + 3 * DAY
    order = after(after(opened(), COMPLAINT), DispatchTo("water", due_us=due_us), by=LEADER)
    order = ticked(order, at_us=due_us + DAY).order
    assert order.dispatch is not None
    assert order.dispatch.reminded_us == (due_us + DAY,)
    short = after(after(opened(), COMPLAINT), DispatchTo("water", due_us=T0 + 2 * MIN), by=LEADER)
    assert wake_us(short, BOOK) == T0 + 2 * MIN, "no reminder for what was never so far away"
    assert short.dispatch is not None
    assert wake_us(replace(short, dispatch=replace(short.dispatch, due_us=None)), BOOK) is None


# --- promises ------------------------------------------------------------------------------------


def test_a_promise_warns_its_agent_and_when_broken_the_leader_too() -> None:
    order = after(opened(), MakePromise("回电", T0 + 60 * MIN))
    assert wake_us(order, BOOK) == T0 + 50 * MIN
    soon = ticked(order)
    assert notices(soon) == [("promise_soon", ("1001",), "", ())]
    broken = ticked(soon.order)
    assert notices(broken) == [
        ("promise_broken", ("1001",), "", ()),
        ("promise_broken", (), "shift_leader", ("1001",)),
    ]
    assert broken.order.promise is not None
    assert broken.order.promise.broken
    assert wake_us(broken.order, BOOK) is None
    slept = ticked(order, at_us=T0 + DAY)
    assert [kind for kind, *_ in notices(slept)] == ["promise_broken", "promise_broken"]


def test_a_promise_for_soon_warns_at_once_and_one_of_nobodys_warns_the_leader() -> None:
    order = after(opened(), MakePromise("回电", T0 + 5 * MIN), at_us=T0)
    assert wake_us(order, BOOK) == T0
    nobodys = replace(order, owner=None)
    assert notices(ticked(nobodys)) == [("promise_soon", (), "shift_leader", ())]
    broken = ticked(nobodys, at_us=T0 + DAY)
    assert notices(broken) == [("promise_broken", (), "shift_leader", ())]


# --- call-backs ----------------------------------------------------------------------------------


def delayed() -> WorkOrder:
    """The call ended at T0; the order is complete with a delayed reply."""
    return after(told(opened(), said("due", T0, due_us=T0 + 15 * MIN)), consult("delayed"))


def test_a_call_back_that_never_came_is_reported() -> None:
    order = delayed()
    assert wake_us(order, BOOK) == T0 + 25 * MIN
    outcome = ticked(order)
    assert notices(outcome) == [
        ("no_call_back", ("1001",), "", ()),
        ("no_call_back", (), "shift_leader", ("1001",)),
    ]
    assert outcome.order.call_back_missed_us == T0 + 25 * MIN
    assert outcome.order.pending_call_back
    assert wake_us(outcome.order, BOOK) is None


def test_begun_in_time_is_in_time_however_long_it_lasts() -> None:
    """Begun at 14:50, over at 18:00: told at its end, within the time that the report waits."""
    begun = contact("call_back", T0 + 14 * MIN + 50 * S, in_time=True)
    order = done(delayed(), begun, None, T0 + 18 * MIN).order
    assert not order.pending_call_back
    assert wake_us(order, BOOK) is None
    # One that lasts longer than the report waits takes the report back.
    reported = ticked(delayed()).order
    order = done(reported, begun, None, T0 + 40 * MIN).order
    assert (order.pending_call_back, order.call_back_missed_us) == (False, None)


def test_begun_at_15_10_is_late_and_the_report_stands() -> None:
    late = contact("call_back", T0 + 15 * MIN + 10 * S, in_time=False)
    reported = ticked(delayed()).order
    order = done(reported, late, None, T0 + 30 * MIN).order
    assert not order.pending_call_back
    assert order.call_back_missed_us == T0 + 25 * MIN
    assert order.contacts[0].in_time is False


def test_a_call_back_that_moves_the_limit_makes_nothing_late() -> None:
    order = late()
    assert order.overdue
    order = told(order, said("due", T0 + 18 * MIN, due_us=T0 + 20 * MIN))
    assert (order.overdue, order.left_us) == (False, T0)


def test_completed_while_a_call_back_in_time_goes_on_is_not_late() -> None:
    order = after(late(), PRAISE, at_us=T0 + 16 * MIN)
    assert order.overdue
    begun = contact("call_back", T0 + 14 * MIN, in_time=True)
    long_one = LinkContact(replace(begun.contact, talk_us=4 * MIN))
    assert not done(order, long_one, None, T0 + 18 * MIN).order.overdue
    short_one = LinkContact(replace(begun.contact, talk_us=MIN))
    assert done(order, short_one, None, T0 + 15 * MIN).order.overdue


def test_an_attempt_counts_as_tried() -> None:
    tried = contact("attempt", T0 + 10 * MIN, in_time=True)
    assert wake_us(done(delayed(), tried, None, T0 + 11 * MIN).order, BOOK) is None


def test_completed_while_the_call_goes_on_it_counts_from_the_completion() -> None:
    order = after(opened(), consult("delayed"), at_us=T0 + MIN)
    assert wake_us(order, BOOK) == T0 + 26 * MIN
    assert wake_us(replace(order, completed_us=None), BOOK) is None


def test_a_merged_order_waits_for_nothing() -> None:
    order = after(opened(), MakePromise("回电", T0 + DAY), MarkUrgent())
    other = told(None, said(id="pbx-2.2", call="2.2"))
    merged = done(order, Merge("pbx-2.2"), target=other).order
    assert wake_us(merged, BOOK) is None
    assert wake_us(replace(delayed(), state="merged"), BOOK) is None


def test_several_things_that_are_due_at_once_are_one_change() -> None:
    order = after(opened(due_us=T0 + MIN), MarkUrgent(), MakePromise("回电", T0 + 2 * MIN))
    outcome = ticked(order, BOTH, T0 + 10 * MIN)
    assert outcome.order.version == order.version + 1
    assert [kind for kind, *_ in notices(outcome)] == ["urgent", "promise_broken", "promise_broken"]


# --- the PBX's clock is set ----------------------------------------------------------------------

HOUR = 60 * MIN


def test_when_the_clock_is_set_everything_comes_after_the_same_time_as_before() -> None:
    order = after(urgent(), MakePromise("查到后告知", T0 + 30 * MIN))
    order = ticked(order).order
    before_us = wake_us(order, BOOK)
    assert before_us is not None
    for step_us in (HOUR, -HOUR):
        moved, change = clock_set(order, step_us, T0 + 2 * MIN + step_us)
        assert wake_us(moved, BOOK) == before_us + step_us
        assert moved.promise is not None
        assert moved.promise.due_us == T0 + 30 * MIN + step_us
        assert (change.do, change.by, change.version) == ("clock", None, order.version + 1)
        assert "promise.due_us" in change.changed
    acknowledged = after(order, Acknowledge(), by=LEADER)
    assert clock_set(acknowledged, HOUR, T0)[0].urgent == acknowledged.urgent


def test_a_call_back_is_missed_after_the_same_time_as_before() -> None:
    order = delayed()
    before_us = wake_us(order, BOOK)
    assert before_us is not None
    moved, _ = clock_set(order, -HOUR, T0)
    assert wake_us(moved, BOOK) == before_us - HOUR
    talking = after(told(None, said()), consult("delayed"))
    unended = replace(talking, left_us=None, completed_us=None)
    assert clock_set(unended, HOUR, T0)[0] == unended


def test_what_waits_for_nothing_stays_as_it_is() -> None:
    order = opened()
    assert clock_set(order, HOUR, T0)[0] is order
    broken = ticked(after(order, MakePromise("查到后告知", T0 + 2 * MIN)), at_us=T0 + 5 * MIN).order
    assert clock_set(broken, HOUR, T0)[0] is broken


def test_an_overdue_order_is_still_overdue_when_the_clock_was_set() -> None:
    order = late()
    assert order.due_us is not None
    moved = told(order, said("clock", T0 + HOUR, due_us=order.due_us + HOUR))
    assert (moved.overdue, moved.due_us) == (True, order.due_us + HOUR)
