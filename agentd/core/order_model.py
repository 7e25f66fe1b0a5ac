"""What a work order (工单) is: the document that people fill in, and the commands they give.

The engine's :class:`~agentd.core.effects.OrderChanged` is the obligation (who owes it, until when);
:class:`WorkOrder` is everything else as well, and follows it. Times are microseconds since the
epoch in PBX time. Documents are stored as JSON: fields may be added with a default, never renamed.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType, field

OrderState = Literal[
    "open",  # 待完善
    "completed",  # 已完成
    "forwarded",  # 已转值班长
    "dispatched",  # 已派单
    "answered",  # 已答复
    "told",  # 已告知
    "closed",  # 办结
    "revisited",  # 已回访
    "returned",  # 退回
    "merged",  # 已合并
]

ReplyMode = Literal["direct", "three_way", "delayed"]
ExceptionKind = Literal["silent_call", "bad_line", "wrong_number", "harassment"]


class Part(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of the document's parts."""


class ContactNumber(Part, frozen=True):
    """One number of the caller's. ``norm`` compares (see :mod:`agentd.core.phone`)."""

    number: str
    norm: str
    label: str = ""


class Reply(Part, frozen=True):
    """How a consultation was answered (R4). ``basis``: knowledge article, law, policy."""

    mode: ReplyMode
    content: str = ""
    basis: str = ""
    passed_on: bool = False
    """Passed to a third party: marked as an exception."""


class Note(Part, frozen=True):
    at_us: int
    by: str
    text: str


class Contact(Part, frozen=True):
    """A call that belongs to the order beside its own: a call-back, a try, the caller again."""

    call: str
    leg: str
    kind: Literal["call_back", "attempt", "called_again", "three_way", "missed_again"]
    at_us: int
    number: str | None = None
    by: str | None = None
    talk_us: int | None = None
    in_time: bool | None = None
    """A call-back or attempt: begun before the order was first due. None: it does not matter."""


class Told(Part, frozen=True):
    """Somebody was told of an urgent order. ``to`` logins; ``how``: leader, deputy, nobody."""

    at_us: int
    to: tuple[str, ...]
    how: Literal["leader", "deputy", "nobody"]


class Urgent(Part, frozen=True):
    """急件. Told to the leader on duty at once, and again until ``acknowledged_us``."""

    since_us: int
    by: str
    told: tuple[Told, ...] = ()
    acknowledged_us: int | None = None
    acknowledged_by: str | None = None
    unit_called: str = ""
    """No leader on duty: the responsible unit whose contact was dialled (agentd never does)."""
    process: str = ""
    method: str = ""
    handled_by: str | None = None


class Step(Part, frozen=True):
    """One step of the order's way: when, by whom, and what was said."""

    at_us: int
    by: str
    text: str = ""


class Forwarded(Part, frozen=True):
    at_us: int
    by: str
    to: tuple[str, ...] = ()
    """Leaders (logins) that it went to; () to whoever is on duty."""
    why: str = ""
    """``complaint``, ``help``, ``own_service``, ``owner``, ``director``, or a person's words."""
    acknowledged_us: int | None = None
    acknowledged_by: str | None = None


class Dispatch(Part, frozen=True):
    """派单: to a unit and, in it, a person; due in working days."""

    at_us: int
    by: str
    unit: str
    person: str = ""
    due_us: int | None = None
    text: str = ""
    reminded_us: tuple[int, ...] = ()
    urged: tuple[Step, ...] = ()
    """催办."""


class Promise(Part, frozen=True):
    """What the caller was promised, until when."""

    at_us: int
    by: str
    text: str
    due_us: int
    kept_us: int | None = None
    kept_by: str | None = None
    reminded: bool = False
    broken: bool = False


class Revisit(Part, frozen=True):
    at_us: int
    by: str
    satisfaction: int
    """1 (very dissatisfied) to 5."""
    text: str = ""


class Exemption(Part, frozen=True):
    """Why the agent had to end the call (R3's known exceptions)."""

    at_us: int
    by: str
    kind: ExceptionKind


class Consent(Part, frozen=True):
    """The agent noted that the customer agreed to wait."""

    at_us: int
    by: str


class WorkOrder(Struct, frozen=True, omit_defaults=True):
    """A work order as it stands. ``version`` grows by one with every change."""

    id: str
    pbx: str
    kind: Literal["call", "missed"]
    call: str
    version: int
    state: OrderState
    opened_us: int
    updated_us: int
    queue: str | None = None
    seat: str | None = None
    agent: str | None = None
    """As the engine names who owes it: a login after sign-in, else the queue's member name."""
    owner: str | None = None
    """Login of the account that this is; None while nobody's account fits."""
    team: str | None = None
    """The seat's group."""
    caller: str | None = None
    numbers: tuple[ContactNumber, ...] = ()
    due_us: int | None = None
    completed_us: int | None = None
    completed_by: str | None = None
    overdue: bool = False
    """The obligation's limit passed before it was completed."""

    category: str | None = None
    own_service: bool = False
    """About our own service: goes to leader and QA, past the person concerned."""
    fields: dict[str, str] = {}
    title: str = ""
    """Composed; 【急件】 is put there by the system."""
    reply: Reply | None = None
    urgent: Urgent | None = None
    notes: tuple[Note, ...] = ()
    contacts: tuple[Contact, ...] = ()
    consents: tuple[Consent, ...] = ()
    exemption: Exemption | None = None
    promise: Promise | None = None

    forwarded: Forwarded | None = None
    dispatch: Dispatch | None = None
    answer: Step | None = None
    told: Step | None = None
    closing: Step | None = None
    revisit: Revisit | None = None
    returned: Step | None = None
    returned_from: OrderState | None = None
    merged_into: str | None = None
    merged_from: tuple[str, ...] = ()
    external_no: str = ""
    """The number of the city platform's form."""
    pending_call_back: bool = False
    """Completed as a delayed reply, no call-back seen yet."""
    call_back_missed_us: int | None = None
    """When it was reported that the call-back of a delayed reply was not seen in time."""
    reply_by_word: bool = False
    """A three-way reply of which no three-way call was seen: the agent's word stands for it."""
    left_us: int | None = None
    """When the last seat left the call: a delayed reply's call-back counts from there."""
    folded: int = 0
    """A missed-call order: how many more calls of the same caller were missed since."""


# --- commands --------------------------------------------------------------------------------


class Command(Struct, frozen=True, tag_field="do", forbid_unknown_fields=True):
    """What a person (or the system) wants done. Its JSON is the body of the REST command."""


class Edit(Command, frozen=True, tag="edit"):
    """Change what is given, leave the rest. ``fields`` merges by key; "" empties one."""

    category: str | UnsetType | None = UNSET
    own_service: bool | UnsetType = UNSET
    fields: dict[str, str] = field(default_factory=dict)
    reply: Reply | UnsetType | None = UNSET
    external_no: str | UnsetType = UNSET


class Complete(Edit, frozen=True, tag="complete"):
    """Everything of :class:`Edit`, and the order is complete. Refused with what is missing."""


class MarkUrgent(Command, frozen=True, tag="urgent"):
    """急件: to the shift leader at once."""


class CalmDown(Command, frozen=True, tag="not_urgent"):
    """It was marked by mistake."""

    reason: str


class HandleUrgent(Command, frozen=True, tag="handle_urgent"):
    """No leader on duty: what the agent did instead; both words are required."""

    unit: str
    process: str
    method: str


class Acknowledge(Command, frozen=True, tag="acknowledge"):
    """A leader has seen the urgent or forwarded order."""


class Forward(Command, frozen=True, tag="forward"):
    """To the shift leader, although the category does not ask for it."""

    reason: str


class DispatchTo(Command, frozen=True, tag="dispatch"):
    """派单. One of ``due_days`` (working days) and ``due_us``; neither: the form's default."""

    unit: str
    person: str = ""
    due_days: int | None = None
    due_us: int | None = None
    text: str = ""


class Urge(Command, frozen=True, tag="urge"):
    text: str = ""


class AnswerOrder(Command, frozen=True, tag="answer"):
    """The responsible unit's answer."""

    text: str


class Tell(Command, frozen=True, tag="tell"):
    """The caller was told the result."""

    text: str


class MakePromise(Command, frozen=True, tag="promise"):
    text: str
    due_us: int


class KeepPromise(Command, frozen=True, tag="keep_promise"):
    pass


class Return(Command, frozen=True, tag="return"):
    """退回 to the agent (or from the unit to the leader), with the reason."""

    reason: str


class Close(Command, frozen=True, tag="close"):
    text: str = ""


class RevisitCaller(Command, frozen=True, tag="revisit"):
    satisfaction: int
    text: str = ""


class Merge(Command, frozen=True, tag="merge"):
    """This order is of one matter with ``into``, which goes on for both."""

    into: str


class AddNote(Command, frozen=True, tag="note"):
    text: str


class AddNumber(Command, frozen=True, tag="add_number"):
    number: str
    label: str = ""


class RemoveNumber(Command, frozen=True, tag="remove_number"):
    number: str


class Assign(Command, frozen=True, tag="assign"):
    """A leader gives an unfinished order to another person (login). Charges nobody anew."""

    to: str


class Exempt(Command, frozen=True, tag="exempt"):
    """R3's known exceptions by one key; None takes it back."""

    kind: ExceptionKind | None


class NoteConsent(Command, frozen=True, tag="consent"):
    """The customer agreed to wait."""


# Commands of the system: no person can give them.


class LinkContact(Command, frozen=True, tag="link"):
    contact: Contact


class Absorb(Command, frozen=True, tag="absorb"):
    """The other half of a merge: this order takes ``order`` in."""

    order: str
    numbers: tuple[ContactNumber, ...]
    contacts: tuple[Contact, ...]
    notes: tuple[Note, ...] = ()
    urgent: Urgent | None = None
    """An urgent order stays urgent in the one that goes on for it."""
    promise: Promise | None = None
    """A promise that is not kept yet, where this order has none of its own."""
    own_service: bool = False


class Tick(Command, frozen=True, tag="tick"):
    """Time has come for what :func:`agentd.core.workorder.wake_us` said. ``leaders`` and
    ``deputies`` are the logins on duty for the order's team at that moment."""

    leaders: tuple[str, ...] = ()
    deputies: tuple[str, ...] = ()


PersonCommand = (
    Edit
    | Complete
    | MarkUrgent
    | CalmDown
    | HandleUrgent
    | Acknowledge
    | Forward
    | DispatchTo
    | Urge
    | AnswerOrder
    | Tell
    | MakePromise
    | KeepPromise
    | Return
    | Close
    | RevisitCaller
    | Merge
    | AddNote
    | AddNumber
    | RemoveNumber
    | Assign
    | Exempt
    | NoteConsent
)
SystemCommand = LinkContact | Absorb | Tick
AnyCommand = PersonCommand | SystemCommand


# --- answers ---------------------------------------------------------------------------------


class Missing(Struct, frozen=True):
    """Something that prevents completion. ``field`` is a path: ``category``, ``fields.place``,
    ``reply.mode``, ``reply.basis``; ``code``: required, not_a_choice, too_long, not_a_date,
    not_a_number, no_call_back, unknown, not_later (a moment that has passed), out_of_range,
    only_one."""

    field: str
    code: str
    text_zh: str
    text_en: str


class OrderRefusal(Struct, frozen=True):
    """The command was not done; nothing was changed. ``code`` is stable; ``invalid``: see
    ``missing``; ``conflict``: somebody was quicker."""

    code: Literal["wrong_state", "forbidden", "invalid", "conflict", "not_found"]
    text_zh: str
    text_en: str
    missing: tuple[Missing, ...] = ()
    order: WorkOrder | None = None
    """The order as it stands; on ``conflict`` what the second editor is shown."""


class Change(Struct, frozen=True):
    """One line of the order's history: kept for ever."""

    order: str
    version: int
    at_us: int
    by: str | None
    """Login; None: the system."""
    do: str
    """The command's tag, or the engine's change (``opened``, ``due``, ``handed_over`` …)."""
    changed: dict[str, list[Any]]
    """Field path → [before, after]."""


class Notice(Struct, frozen=True):
    """Somebody should hear of the order. ``to``: logins; () with ``role``: whoever that is."""

    kind: Literal[
        "urgent",  # 急件, repeated until acknowledged
        "urgent_deputy",
        "nobody_on_duty",
        "urgent_acknowledged",
        "forwarded",
        "own_service",
        "returned",
        "dispatch_due",
        "promise_soon",
        "promise_broken",
        "assigned",
        "told_owner",  # suggestions: the configured owner
        "director",
        "no_call_back",  # a delayed reply without a call-back in time
    ]
    order: str
    at_us: int
    to: tuple[str, ...] = ()
    role: Literal["", "shift_leader", "qa", "owner"] = ""
    without: tuple[str, ...] = ()
    """Logins that must not be told, whatever their role: the person whom the order is about."""
    times: int = 1
    text_zh: str = ""
    text_en: str = ""


class Done(Struct, frozen=True):
    """The command was done."""

    order: WorkOrder
    change: Change
    notices: tuple[Notice, ...] = ()
    follow_up: tuple[tuple[str, Absorb], ...] = ()
    """Commands for other orders, to be done in the same transaction: (order id, command)."""
