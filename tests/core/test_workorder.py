"""A work order until it is complete: opened by the engine, filled in, refused, completed."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from agentd.core.order_form import CategorySpec, FieldSpec, FormBook
from agentd.core.order_model import (
    Absorb,
    Acknowledge,
    AddNote,
    AddNumber,
    AnyCommand,
    Complete,
    Edit,
    Exempt,
    NoteConsent,
    OrderRefusal,
    RemoveNumber,
    Reply,
    Tick,
)
from agentd.core.phone import CHINA
from agentd.core.workorder import allowed, apply, follow, missing, sees
from tests.core.order_rig import (
    ADMIN,
    AGENT,
    AUDITOR,
    BOOK,
    COMPLAINT,
    LEADER,
    MANAGER,
    MIN,
    OTHER,
    PRAISE,
    QA,
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

# --- what the engine says ----------------------------------------------------------------------


def test_an_answered_call_opens_its_order() -> None:
    order, change = follow(None, said(), owner="1001", team="day", numbers=CHINA)
    assert (order.version, order.state, order.owner, order.team) == (1, "open", "1001", "day")
    assert [number.norm for number in order.numbers] == ["+8613912345678"]
    assert (change.do, change.by, change.version) == ("opened", None, 1)
    assert change.changed["caller"] == [None, "13912345678"]
    assert change.changed["state"] == [None, "open"]
    assert "title" not in change.changed


def test_the_same_word_twice_changes_nothing_more() -> None:
    words = [
        said(),
        said("due", T0 + MIN, due_us=T0 + 16 * MIN),
        said("handed_over", T0 + 2 * MIN, seat="PJSIP/1002", agent="1002"),
        said("folded", T0 + 3 * MIN, agent="1002", folded=1, numbers=("+8613900000000",)),
        said("something_new", T0 + 3 * MIN, agent="1002"),
        said("completed", T0 + 4 * MIN, status="completed", completed_by="1002", agent="1002"),
        said("reopened", T0 + 5 * MIN, agent="1002"),
    ]
    order = None
    for word in words:
        order, _ = follow(order, word, owner=word.agent, team="day", numbers=CHINA)
        again, change = follow(order, word, owner=word.agent, team="day", numbers=CHINA)
        assert again == order
        assert (change.changed, change.version) == ({}, order.version)


def test_the_clock_starts_when_the_last_seat_left_and_stops_while_the_call_goes_on() -> None:
    order = told(opened(), said("due", T0 + MIN, due_us=T0 + 16 * MIN))
    assert (order.due_us, order.left_us) == (T0 + 16 * MIN, T0 + MIN)
    order = told(order, said("resumed", T0 + 2 * MIN))
    assert (order.due_us, order.left_us) == (None, None)


def test_the_order_follows_the_customer_to_another_seat() -> None:
    order = told(opened(due_us=T0 + MIN), said("overdue", T0 + MIN, due_us=T0 + MIN))
    assert order.overdue
    still = told(order, said("resumed", T0 + 2 * MIN))
    assert still.overdue
    order = told(
        order, said("handed_over", T0 + 2 * MIN, seat="PJSIP/1002", agent="1002"), owner="1002"
    )
    assert (order.owner, order.agent, order.seat) == ("1002", "1002", "PJSIP/1002")
    assert not order.overdue, "what was late in other hands is not late in these"
    assert refusal(order, PRAISE, AGENT).code == "not_found"
    assert after(order, PRAISE, by=OTHER).state == "completed"


def test_who_signs_out_keeps_what_is_owed_and_an_assigned_order_stays_assigned() -> None:
    order = replace(opened(), owner="1002")
    order = told(order, said("due", T0 + MIN, due_us=T0 + 16 * MIN), owner="1001")
    assert order.owner == "1002"
    unknown = told(None, said(agent="某人"), owner=None)
    assert unknown.owner is None
    assert told(unknown, said("due", agent="某人", due_us=T0), owner="1001").owner == "1001"


def test_the_engine_stops_the_clock_and_the_form_completes_the_order() -> None:
    order = told(opened(), said("due", T0 + MIN, due_us=T0 + 16 * MIN))
    stopped = told(
        order,
        said(
            "completed",
            T0 + 5 * MIN,
            status="completed",
            due_us=T0 + 16 * MIN,
            completed_us=T0 + 5 * MIN,
            completed_by="1001",
        ),
    )
    assert (stopped.state, stopped.completed_us, stopped.completed_by) == (
        "open",
        T0 + 5 * MIN,
        "1001",
    )
    order = done(stopped, PRAISE, at_us=T0 + 5 * MIN).order
    assert (order.state, order.completed_us, order.overdue) == ("completed", T0 + 5 * MIN, False)
    old = said("due", T0 + MIN, due_us=T0 + 20 * MIN)
    assert told(order, old) == order, "an old word changes nothing of what is complete"


def test_completed_past_due_is_overdue() -> None:
    word = said("completed", T0 + 20 * MIN, status="completed", due_us=T0 + 16 * MIN)
    assert told(opened(), word).overdue
    late = replace(opened(), due_us=T0)
    assert done(late, PRAISE, at_us=T0 + MIN).order.overdue
    assert not done(late, PRAISE, at_us=T0).order.overdue


def test_an_order_that_was_complete_before_there_were_documents() -> None:
    word = said("completed", status="completed", completed_us=T0, completed_by="张三")
    order = told(None, word)
    assert (order.state, order.completed_by) == ("completed", "张三")


@pytest.mark.parametrize("change", ["got_through", "called_back", "something_else"])
def test_a_missed_order_that_the_engine_ends_is_closed(change: str) -> None:
    word = said(change, T0 + MIN, kind="missed", seat=None, agent=None, status="completed")
    order = told(missed(), word, owner=None)
    assert (order.state, order.completed_us) == ("closed", T0 + MIN)
    assert order.closing is not None
    assert order.closing.text == change
    reopened = said("reopened", T0 + 2 * MIN, kind="missed", seat=None, agent=None)
    again = told(order, reopened, owner=None)
    assert (again.state, again.completed_us, again.closing) == ("open", None, None)


def test_what_people_completed_is_not_closed_nor_reopened_by_the_engine() -> None:
    order = after(opened(), PRAISE)
    word = said("called_back", T0 + 2 * MIN, status="completed")
    assert told(order, word).state == "completed"
    assert told(order, said("reopened", T0 + 2 * MIN)).state == "completed"
    assert told(opened(), said("reopened", T0)).state == "open"


def test_missed_calls_fold_and_bring_their_numbers() -> None:
    word = said(
        "folded",
        T0 + MIN,
        kind="missed",
        seat=None,
        agent=None,
        due_us=T0 + 15 * MIN,
        folded=2,
        numbers=("+8613912345678", "+8613900000000", "anonymous"),
    )
    order = told(missed(), word, owner=None)
    assert order.folded == 2
    assert [number.norm for number in order.numbers] == ["+8613912345678", "+8613900000000"]


def test_a_withheld_number_is_nobodys_until_the_caller_is_known() -> None:
    order = opened(caller=None)
    assert order.numbers == ()
    order = told(opened(caller="anonymous"), said("due", due_us=T0, caller="+86 139 1234 5678"))
    assert [number.norm for number in order.numbers] == ["+8613912345678"]
    order = after(order, RemoveNumber("13912345678"))
    word = said("due", due_us=T0 + 1, caller="+86 139 1234 5678", numbers=("+8613912345678",))
    assert told(order, word).numbers == (), "a number that was removed does not come back"


# --- completeness ------------------------------------------------------------------------------


def test_everything_that_is_missing_is_named_and_nothing_changed() -> None:
    refused = refusal(opened(), Complete(category="complaint", fields={"place": " "}))
    assert refused.code == "invalid"
    assert lacks(refused) == [("fields.place", "required"), ("fields.event", "required")]
    assert "地点" in refused.text_zh
    assert "Place" in refused.text_en
    assert refused.order == opened()
    assert lacks(refusal(opened(), Complete())) == [("category", "required")]


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("urgency", "中", "not_a_choice"),
        ("phone", "anonymous", "not_a_number"),
        ("day", "1.3.2026", "not_a_date"),
        ("day", "2026-02-30", "not_a_date"),
        ("event", "长" * 21, "too_long"),
        ("colour", "red", "unknown"),
    ],
)
@pytest.mark.parametrize("do", [Edit, Complete])
def test_values_that_do_not_fit_are_named(do: type[Edit], key: str, value: str, code: str) -> None:
    fields = {**COMPLAINT.fields, key: value}
    refused = refusal(opened(), do(category="complaint", fields=fields))
    assert lacks(refused) == [(f"fields.{key}", code)]


def test_values_that_fit() -> None:
    fields = {**COMPLAINT.fields, "urgency": "高", "phone": "010-87654321", "day": "2026-02-28"}
    order = after(opened(), Complete(category="complaint", fields=fields))
    assert order.fields == fields


def test_a_long_title_is_cut_and_the_fields_are_not() -> None:
    long = FieldSpec("event", ("事件", "Event"), in_title=True)
    book = FormBook(categories=(CategorySpec("praise", ("表扬", "Praise"), fields=(long,)),))
    order = after(opened(), Edit(category="praise", fields={"event": "长" * 300}), book=book)
    assert order.title == "长" * 119 + "…"
    assert order.fields["event"] == "长" * 300


def test_what_nobody_types_is_left_out() -> None:
    order = after(opened(), AddNote("第一行\n第二行\x00\x1b"), Edit(external_no="\x07 7"))
    assert (order.notes[0].text, order.external_no) == ("第一行\n第二行", "7")
    assert lacks(refusal(opened(), AddNote("\x00"))) == [("text", "required")]


def test_a_category_that_is_not_offered() -> None:
    assert lacks(refusal(opened(), Edit(category="taxes"))) == [("category", "not_a_choice")]
    # The form changed since: what was filled in must be chosen anew.
    stale = replace(opened(), category="taxes")
    assert [(m.field, m.code) for m in missing(stale, BOOK)] == [("category", "not_a_choice")]
    value = replace(opened(), category="complaint", fields={"place": "路", "event": "长" * 30})
    assert [(m.field, m.code) for m in missing(value, BOOK)] == [("fields.event", "too_long")]


def test_fields_can_be_filled_before_the_category_and_survive_a_change_of_it() -> None:
    order = after(opened(), Edit(fields={"place": "人民路", "event": "漏水"}))
    order = after(order, Edit(category="complaint"))
    assert order.title == "人民路 漏水"
    order = after(order, Edit(category="praise", fields={"place": "人民路"}))
    assert (order.title, order.fields) == ("漏水", {"place": "人民路", "event": "漏水"})
    assert lacks(refusal(order, Edit(fields={"place": "解放路"}))) == [("fields.place", "unknown")]
    order = after(order, Edit(fields={"place": ""}))
    assert order.fields == {"event": "漏水"}
    assert after(order, Edit(category=None)).category is None


def test_the_history_says_what_was_before() -> None:
    order = after(opened(), Edit(category="complaint", fields={"place": "人民路"}))
    outcome = done(order, Edit(category="praise", fields={"place": "", "event": "好"}))
    assert outcome.change.changed == {
        "category": ["complaint", "praise"],
        "fields.place": ["人民路", None],
        "fields.event": [None, "好"],
        "title": ["人民路", "好"],
    }
    assert (outcome.change.by, outcome.change.do) == ("1001", "edit")
    assert outcome.order.version == order.version + 1


def test_what_changes_nothing_is_no_version() -> None:
    order = after(opened(), Edit(category="praise"))
    outcome = done(order, Edit(category="praise"))
    assert outcome.order == order
    assert (outcome.change.changed, outcome.change.version) == ({}, order.version)


def test_the_system_alone_writes_the_urgent_mark() -> None:
    order = after(
        opened(),
        Edit(category="complaint", fields={"place": "【急件】人民路", "event": "漏水[急 件]"}),
    )
    assert order.fields == {"place": "人民路", "event": "漏水"}
    assert order.title == "人民路 漏水"
    kept = after(opened(), Edit(category="consult", reply=Reply("direct", "【急件】要快", "")))
    assert kept.reply is not None
    assert kept.reply.content == "【急件】要快"


# --- consult -----------------------------------------------------------------------------------


def test_a_consult_needs_mode_and_content_and_direct_a_basis() -> None:
    bare = Complete(category="consult", fields={"event": "社保"})
    assert lacks(refusal(opened(), bare)) == [
        ("reply.mode", "required"),
        ("reply.content", "required"),
    ]
    assert lacks(refusal(opened(), consult("direct", " ", " "))) == [
        ("reply.content", "required"),
        ("reply.basis", "required"),
    ]
    order = after(opened(), consult("direct", basis=" 条例第 3 条 "))
    assert order.state == "completed"
    assert order.reply == Reply("direct", "按规定办理", "条例第 3 条")
    assert not order.pending_call_back
    assert not order.reply_by_word
    assert lacks(refusal(opened(), consult("direct", "字" * 4001, "字" * 4001))) == [
        ("reply.content", "too_long"),
        ("reply.basis", "too_long"),
    ]


def test_a_three_way_reply_that_was_not_seen_stands_by_the_agents_word() -> None:
    order = after(opened(), consult("three_way"))
    assert order.reply_by_word
    seen = done(order, contact("three_way"), None).order
    assert not seen.reply_by_word
    before = done(opened(), contact("three_way"), None).order
    assert not after(before, consult("three_way")).reply_by_word


@pytest.mark.parametrize("kind", ["call_back", "attempt"])
def test_a_delayed_reply_waits_for_its_call_back(kind: str) -> None:
    order = after(opened(), consult("delayed"))
    assert (order.state, order.pending_call_back) == ("completed", True)
    assert done(order, contact("called_again"), None).order.pending_call_back
    assert not done(order, contact(kind, in_time=True), None).order.pending_call_back
    before = done(opened(), contact(kind, in_time=True), None).order
    assert not after(before, consult("delayed")).pending_call_back


# --- missed calls, exceptions, the external form ------------------------------------------------


def test_a_missed_order_completed_by_hand_says_what_was_done() -> None:
    order = missed()
    assert lacks(refusal(order, Complete(), LEADER)) == [("contacts", "no_call_back")]
    assert after(order, AddNote("空号"), Complete(), by=LEADER).state == "completed"
    linked = done(order, contact("attempt", in_time=True), None).order
    assert after(linked, Complete(), by=LEADER).state == "completed"
    assert lacks(refusal(linked, Complete(category="praise"), LEADER)) == [
        ("fields.event", "required")
    ]


def test_a_silent_call_needs_no_form() -> None:
    order = after(opened(), Exempt("silent_call"))
    assert order.title == "无声电话"
    again = done(order, Exempt("silent_call"))
    assert again.change.changed == {}
    assert after(order, Complete()).state == "completed"
    assert after(order, Complete(category="consult")).state == "completed"
    assert lacks(refusal(after(order, Exempt(None)), Complete())) == [("category", "required")]


def test_where_the_city_holds_the_form_only_its_number_is_needed() -> None:
    book = replace(BOOK, external=True)
    assert lacks(refusal(opened(), Complete(), book=book)) == [("external_no", "required")]
    order = done(opened(), Complete(external_no=" 12345-6 "), None, book=book).order
    assert (order.state, order.external_no, order.completed_by) == (
        "completed",
        "12345-6",
        "system",
    )
    too_long = Complete(external_no="1" * 101)
    assert lacks(refusal(opened(), too_long, book=book)) == [("external_no", "too_long")]
    delayed = Complete(category="consult", external_no="1", reply=Reply("delayed"))
    assert not done(opened(), delayed, None, book=book).order.pending_call_back


# --- numbers, notes, consent --------------------------------------------------------------------


def test_numbers_are_normalised_and_never_double() -> None:
    order = after(opened(), AddNumber("+86 139 1234 5678"), AddNumber("010-87654321", "家里"))
    assert [(n.norm, n.label) for n in order.numbers] == [
        ("+8613912345678", ""),
        ("+861087654321", "家里"),
    ]
    order = after(order, AddNumber("13912345678", "手机"))
    assert [n.label for n in order.numbers] == ["手机", "家里"]
    assert done(order, AddNumber("13912345678")).change.changed == {}
    outcome = done(order, RemoveNumber("0086 13912345678"))
    assert [n.norm for n in outcome.order.numbers] == ["+861087654321"]
    assert outcome.change.changed["numbers.1"][1] is None


@pytest.mark.parametrize(
    ("command", "field", "code"),
    [
        (AddNumber("anonymous"), "number", "not_a_number"),
        (AddNumber(" "), "number", "required"),
        (AddNumber("1" * 101), "number", "too_long"),
        (AddNumber("13900000000", "长" * 101), "label", "too_long"),
        (RemoveNumber("13900000000"), "number", "unknown"),
        (RemoveNumber("anonymous"), "number", "unknown"),
        (AddNote("  "), "text", "required"),
        (AddNote("长" * 4001), "text", "too_long"),
    ],
)
def test_what_does_not_do_is_named(command: AnyCommand, field: str, code: str) -> None:
    assert (field, code) in lacks(refusal(opened(), command))


def test_the_customers_consent_is_noted() -> None:
    order = after(opened(), NoteConsent())
    assert [(c.at_us, c.by) for c in order.consents] == [(T0 + MIN, "1001")]
    assert refusal(order, NoteConsent(), LEADER).code == "forbidden"


# --- who may -----------------------------------------------------------------------------------


def test_what_is_not_yours_does_not_exist() -> None:
    order = after(opened(), COMPLAINT)
    for person in (OTHER, AUDITOR, replace(LEADER, disabled=True), replace(LEADER, teams=("n",))):
        assert not sees(order, person)
        assert allowed(order, person, BOOK) == ()
        refused = refusal(order, Acknowledge(), person)
        assert (refused.code, refused.order) == ("not_found", None)
    for person in (AGENT, LEADER, QA, MANAGER):
        assert sees(order, person)


def test_what_a_role_may_never_do_is_forbidden_and_what_comes_too_late_is_wrong_state() -> None:
    order = after(opened(), PRAISE)
    assert refusal(order, Acknowledge(), AGENT).code == "forbidden"
    assert refusal(order, Edit(category="consult"), AGENT).code == "wrong_state"
    assert refusal(order, PRAISE, LEADER).code == "wrong_state"
    assert refusal(order, Tick(), LEADER).code == "forbidden"
    assert refusal(order, Absorb("x", (), ()), AGENT).code == "forbidden"
    assert refusal(order, Edit(), QA).code == "forbidden"


def test_notes_are_of_those_who_work_on_the_case_or_judge_it() -> None:
    order = after(opened(), PRAISE)
    for person in (AGENT, LEADER, QA, MANAGER):
        assert after(order, AddNote("已核实"), by=person).notes[0].by == person.login
        assert "note" in allowed(order, person, BOOK)
    elsewhere = replace(QA, queues=("other",))
    assert refusal(order, AddNote("x"), elsewhere).code == "not_found"
    # An admin sees orders, and changes none.
    assert sees(order, ADMIN)
    assert refusal(order, AddNote("x"), ADMIN).code == "forbidden"
    assert allowed(order, ADMIN, BOOK) == ()


def test_editing_after_completion_is_a_leaders_right_and_keeps_it_complete() -> None:
    order = after(opened(), COMPLAINT)
    outcome = done(order, Edit(fields={"event": "爆管"}), LEADER)
    assert outcome.order.title == "人民路 爆管"
    assert outcome.change.changed["fields.event"] == ["漏水", "爆管"]
    assert outcome.notices == ()
    assert lacks(refusal(order, Edit(fields={"event": ""}), LEADER)) == [
        ("fields.event", "required")
    ]
    assert lacks(refusal(order, Edit(fields={"day": "x"}), LEADER)) == [
        ("fields.day", "not_a_date")
    ]


def test_a_leader_who_finds_a_complaint_in_a_praise_forwards_it() -> None:
    order = after(opened(), PRAISE)
    assert after(order, Edit(fields={"event": "好"}), by=LEADER).state == "completed"
    outcome = done(order, Edit(category="complaint", fields=COMPLAINT.fields), LEADER)
    assert outcome.order.state == "forwarded"
    assert notices(outcome) == [("forwarded", (), "shift_leader", ())]


def test_allowed_is_what_apply_allows() -> None:
    order = opened()
    assert allowed(order, AGENT, BOOK)[:3] == ("edit", "complete", "urgent")
    assert "keep_promise" not in allowed(order, AGENT, BOOK)
    assert "note" in allowed(order, QA, BOOK)
    assert "complete" not in allowed(after(order, PRAISE), AGENT, BOOK)


def test_commands_and_orders_survive_json() -> None:
    order = after(opened(), COMPLAINT)
    again = msgspec.json.decode(msgspec.json.encode(order), type=type(order))
    assert again == order


def test_a_form_without_categories_refuses_instead_of_raising() -> None:
    outcome = apply(opened(), Complete(category="x"), AGENT, T0, FormBook(categories=()))
    assert isinstance(outcome, OrderRefusal)
    assert lacks(outcome) == [("category", "not_a_choice")]
