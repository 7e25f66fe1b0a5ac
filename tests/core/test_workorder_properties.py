"""Whatever is asked of a work order, in whatever order: nothing raises, nothing is lost."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from agentd.core.effects import OrderChanged
from agentd.core.order_model import (
    Absorb,
    Acknowledge,
    AddNote,
    AddNumber,
    AnswerOrder,
    AnyCommand,
    Assign,
    CalmDown,
    Change,
    Close,
    Complete,
    DispatchTo,
    Done,
    Edit,
    Exempt,
    Forward,
    HandleUrgent,
    KeepPromise,
    MakePromise,
    MarkUrgent,
    Merge,
    Note,
    NoteConsent,
    RemoveNumber,
    Reply,
    Return,
    RevisitCaller,
    Tell,
    Tick,
    Urge,
    WorkOrder,
)
from agentd.core.people import Person
from agentd.core.phone import CHINA
from agentd.core.workorder import allowed, apply, follow, missing, sees, tag_of, wake_us
from tests.core.order_rig import (
    AGENT,
    AUDITOR,
    BOOK,
    COMPLAINT,
    DAY,
    LEADER,
    MIN,
    OTHER,
    QA,
    SECOND,
    T0,
    contact,
    opened,
    said,
    told,
)

EXTERNAL = msgspec.structs.replace(BOOK, external=True)
TARGET = told(None, said(id="pbx-2.2", call="2.2"))
texts = st.sampled_from(["", " ", "人民路", "【急件】漏水", "长" * 30, "x" * 4001])
numbers = st.sampled_from(["13912345678", "+8613900000000", "anonymous", "", "1" * 30])
fields = st.dictionaries(
    st.sampled_from(["place", "event", "urgency", "phone", "day", "colour"]), texts, max_size=3
)
filled: dict[str, Any] = {
    "category": st.sampled_from(
        [msgspec.UNSET, None, "", "consult", "complaint", "suggestion", "centre", "praise", "tax"]
    ),
    "own_service": st.sampled_from([msgspec.UNSET, True, False]),
    "fields": st.one_of(st.just({"place": "路", "event": "水"}), fields),
    "reply": st.one_of(
        st.sampled_from([msgspec.UNSET, None]),
        st.builds(Reply, st.sampled_from(["direct", "three_way", "delayed"]), texts, texts),
    ),
    "external_no": st.sampled_from([msgspec.UNSET, "", "9"]),
}
days = st.sampled_from([None, -1, 0, 3, 10**9])
moments = st.sampled_from([0, T0 - 1, T0 + DAY, 2**62])
commands: st.SearchStrategy[AnyCommand] = st.one_of(
    st.builds(Edit, **filled),
    st.builds(Complete, **filled),
    st.builds(Complete, **filled),
    st.builds(MarkUrgent),
    st.builds(CalmDown, texts),
    st.builds(HandleUrgent, texts, texts, texts),
    st.builds(Acknowledge),
    st.builds(Forward, texts),
    st.builds(DispatchTo, st.sampled_from(["water", "gas", ""]), texts, days, st.none() | moments),
    st.builds(Urge, texts),
    st.builds(AnswerOrder, texts),
    st.builds(Tell, texts),
    st.builds(MakePromise, texts, moments),
    st.builds(KeepPromise),
    st.builds(Return, texts),
    st.builds(Close, texts),
    st.builds(RevisitCaller, st.integers(), texts),
    st.builds(Merge, st.sampled_from(["pbx-2.2", "pbx-1.1", "x"])),
    st.builds(AddNote, texts),
    st.builds(AddNumber, numbers, texts),
    st.builds(RemoveNumber, numbers),
    st.builds(Assign, st.sampled_from(["1001", "1002", "2001", ""])),
    st.builds(
        Exempt, st.sampled_from(["silent_call", "bad_line", "wrong_number", "harassment", None])
    ),
    st.builds(NoteConsent),
    st.sampled_from(
        [contact(kind, in_time=True) for kind in ("call_back", "attempt", "three_way")]
    ),
    st.builds(
        Absorb,
        st.sampled_from(["a", "b"]),
        st.just(TARGET.numbers),
        st.just(()),
        st.just((Note(T0, "1001", "n"),)),
    ),
    st.builds(Tick, st.sampled_from([(), ("2001",)]), st.sampled_from([(), ("2002",)])),
)
people = st.sampled_from([AGENT, OTHER, LEADER, SECOND, QA, AUDITOR, None])
changes = st.builds(
    said,
    st.sampled_from(
        ["opened", "due", "handed_over", "resumed", "folded", "completed", "called_back",
         "got_through", "reopened", "something"]
    ),
    st.sampled_from([T0, T0 + MIN, T0 + DAY]),
    status=st.sampled_from(["open", "open", "open", "completed"]),
    due_us=st.sampled_from([None, T0 + 15 * MIN]),
    agent=st.sampled_from(["1001", "1002", None]),
    caller=st.sampled_from([None, "13912345678", "anonymous"]),
    kind=st.sampled_from(["call", "missed"]),
    folded=st.sampled_from([0, 2]),
    numbers=st.sampled_from([(), ("+8613900000000",)]),
)  # fmt: skip
GOOD: tuple[AnyCommand, ...] = (
    COMPLAINT,
    Complete(category="consult", fields={"event": "社保"}, reply=Reply("delayed", "稍后答复")),
    Complete(category="praise", fields={"event": "好"}, own_service=True, external_no="9"),
    DispatchTo("water", due_days=1),
    Urge("快"),
    AnswerOrder("已修复"),
    Tell("已告知"),
    Return("补充"),
    MakePromise("回电", T0 + DAY),
    MarkUrgent(),
    HandleUrgent("水", "电话", "抢修"),
    CalmDown("按错"),
    Acknowledge(),
    Forward("请看"),
    Close(),
    RevisitCaller(4),
    Tick(),
    Tick(("2001",), ("2002",)),
)
"""What takes an order further, so that its whole way is walked."""
late = st.builds(
    said,
    st.sampled_from(["due", "handed_over", "resumed", "folded", "something"]),
    st.sampled_from([T0, T0 + MIN]),
    due_us=st.sampled_from([None, T0 + 15 * MIN]),
    agent=st.sampled_from(["1001", "1002"]),
)
good = st.tuples(st.sampled_from(GOOD), st.sampled_from([AGENT, LEADER, SECOND, None]))
steps = st.lists(
    st.one_of(good, good, good, late, changes, st.tuples(commands, people)),
    min_size=12,
    max_size=40,
)


def replayed(history: list[Change], like: WorkOrder) -> WorkOrder:
    """The order as its history tells it, ``version`` and ``updated_us`` beside it."""
    plain: dict[str, Any] = {"version": like.version, "updated_us": like.updated_us}
    for change in history:
        for path, (_, kept) in change.changed.items():
            value = copy.deepcopy(kept)
            *around, last = path.split(".")
            here: Any = plain
            for part in around:
                if isinstance(here, list):
                    here = here[int(part)]
                else:
                    here = here.setdefault(part, {} if part == "fields" else [])
            if isinstance(here, dict):
                here[last] = value
                if around == ["fields"] and value is None:
                    del here[last]
            elif int(last) == len(here):
                here.append(value)
            else:
                here[int(last)] = value
        for values in plain.values():
            while isinstance(values, list) and values and values[-1] is None:
                values.pop()
    return msgspec.convert(plain, WorkOrder)


def commanded(
    order: WorkOrder, command: AnyCommand, by: Person | None, now_us: int, external: bool
) -> tuple[WorkOrder, Change | None]:
    book = EXTERNAL if external else BOOK
    before = msgspec.json.encode(order)
    outcome = apply(order, command, by, now_us, book, target=TARGET)
    assert msgspec.json.encode(order) == before
    if not isinstance(outcome, Done):
        assert outcome.text_zh
        assert outcome.text_en
        assert (outcome.code == "invalid") == bool(outcome.missing)
        assert outcome.order in (None, order, TARGET)
        return order, None
    if by is not None:
        assert sees(order, by)
        assert tag_of(command) in allowed(order, by, book)
    after = outcome.order
    if isinstance(command, Complete):
        assert missing(after, book) == ()
        assert after.state in ("completed", "forwarded")
    if isinstance(command, Tick):
        # Whoever waits for the next moment never waits for one that has passed.
        next_us = wake_us(after, book)
        assert next_us is None or next_us > now_us
    return after, outcome.change


@settings(max_examples=150, deadline=None)
@given(steps, st.booleans())
def test_no_sequence_crashes_and_the_history_tells_the_whole_order(
    steps: list[OrderChanged | tuple[AnyCommand, Person | None]], external: bool
) -> None:
    order, first = follow(None, said(), owner="1001", team="day", numbers=CHINA)
    history = [first]
    assert order == opened()
    now_us = T0
    for step in steps:
        now_us += MIN
        if isinstance(step, OrderChanged):
            after, change = follow(order, step, owner=step.agent, team="day", numbers=CHINA)
            again, nothing = follow(after, step, owner=step.agent, team="day", numbers=CHINA)
            assert (again, nothing.changed) == (after, {})
        else:
            after, made = commanded(order, *step, now_us, external)
            if made is None:
                continue
            change = made
        assert change.version == after.version == order.version + bool(change.changed)
        assert (after == order) == (not change.changed)
        order = after
        history.append(msgspec.json.decode(msgspec.json.encode(change), type=Change))
        assert replayed(history, order) == order
        wake_us(order, BOOK)


@settings(max_examples=50, deadline=None)
@given(steps)
def test_a_version_is_never_used_twice(
    steps: list[OrderChanged | tuple[AnyCommand, Person | None]],
) -> None:
    order = opened()
    seen = {order.version: order}
    for step in steps:
        if isinstance(step, OrderChanged):
            order, _ = follow(order, step, owner=step.agent, team="day", numbers=CHINA)
        else:
            order, _ = commanded(order, *step, T0 + MIN, external=False)
        assert seen.setdefault(order.version, order) == order
