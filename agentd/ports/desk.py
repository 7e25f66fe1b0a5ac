"""The seams of what people do with orders: documents, appeals, shifts.

``DeskStore`` is what the services need of the database; ``Desk`` is what the web and the command
line need of the desk (``Presence`` and ``Accounts`` stand in the modules beside). Times are
microseconds since the epoch: ``*_us`` of orders, violations and calls in PBX time, those of shifts
in ours.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

from msgspec import Struct

from agentd.core.effects import LegEnded, Violation
from agentd.core.order_form import FormBook
from agentd.core.order_model import (
    AnyCommand,
    Change,
    Done,
    Missing,
    Notice,
    OrderRefusal,
    OrderState,
    PersonCommand,
    WorkOrder,
)
from agentd.core.people import Person
from agentd.ports.accounts import Account, ApiToken, AuditEntry, Session
from agentd.ports.presence import Fault, SignIn

# --- orders ----------------------------------------------------------------------------------


class OrderQuery(Struct, frozen=True):
    """Which orders; every field narrows. ``queues``/``teams``: a reader's scope, () all."""

    owner: str | None = None
    states: tuple[OrderState, ...] = ()
    kind: Literal["call", "missed"] | None = None
    category: str | None = None
    seat: str | None = None
    queue: str | None = None
    number: str | None = None
    """As somebody writes it; compared in its normal form with all of the order's numbers."""
    text: str | None = None
    """Words of the title and the fields, Chinese or not; all must occur."""
    urgent: bool | None = None
    unacknowledged: bool | None = None
    """Urgent or forwarded, and no leader has seen it yet."""
    overdue: bool | None = None
    own_service: bool | None = None
    dispatched_to: str | None = None
    opened_from_us: int | None = None
    opened_to_us: int | None = None
    promised: bool | None = None
    """The caller was promised something that is not kept yet."""
    promise_due_to_us: int | None = None
    """Such a promise is due before then."""
    queues: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    sort: Literal["newest", "due", "promise"] = "newest"
    """``promise``: only orders with a promise to keep, the one that is due first at the top."""
    cursor: str | None = None
    limit: int = 50


class OrderPage(Struct, frozen=True):
    items: tuple[WorkOrder, ...]
    next_cursor: str | None
    total: int | None = None
    """How many fit in all, where that is cheap to know."""


class Recording(Struct, frozen=True):
    """One file that MixMonitor wrote. ``file`` as the event named it; never shown to people."""

    id: str
    pbx: str
    call: str
    channel: str
    file: str
    started_us: int
    ended_us: int | None = None


class CallQuery(Struct, frozen=True):
    """Which legs. ``agents``: any of the names that a person has (login, name, member names)."""

    agents: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    pbx: str | None = None
    call: str | None = None
    from_us: int | None = None
    to_us: int | None = None
    cursor: str | None = None
    limit: int = 50


class CallPage(Struct, frozen=True):
    items: tuple[LegEnded, ...]
    next_cursor: str | None


# --- violations and appeals ------------------------------------------------------------------


class Appeal(Struct, frozen=True):
    """What a person says against a violation, and what was decided; both versions are kept."""

    id: str
    violation: str
    by: str
    """Login of the person concerned, or who excused on their behalf (an incident window)."""
    at_us: int
    reason: str
    kind: Literal["appeal", "exception", "incident"] = "appeal"
    exception: str | None = None
    """R3's exception (order_model.ExceptionKind)."""
    status: Literal["pending", "granted", "refused", "withdrawn"] = "pending"
    """``withdrawn``: the exception was taken back before a person decided."""
    decided_by: str | None = None
    """None with ``granted``: pre-approved by configuration."""
    decided_us: int | None = None
    decision: str = ""
    batch: str | None = None


class JudgedViolation(Struct, frozen=True):
    """A violation with what became of it. ``standing`` False: an appeal was granted."""

    violation: Violation
    owner: str | None
    appeals: tuple[Appeal, ...]
    standing: bool
    order: str | None = None
    queue: str | None = None
    team: str | None = None


class ViolationQuery(Struct, frozen=True):
    agents: tuple[str, ...] = ()
    rule: str | None = None
    pbx: str | None = None
    seat: str | None = None
    call: str | None = None
    standing: bool | None = None
    pending: bool | None = None
    """Has an appeal that nobody decided yet."""
    queues: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    from_us: int | None = None
    to_us: int | None = None
    cursor: str | None = None
    limit: int = 50


class ViolationPage(Struct, frozen=True):
    items: tuple[JudgedViolation, ...]
    next_cursor: str | None


# --- the shift -------------------------------------------------------------------------------


class Duty(Struct, frozen=True):
    """A line of the roster: who leads which team, from when to when. ``id`` "" for a new one."""

    id: str
    team: str
    """"" for every team."""
    login: str
    role: Literal["leader", "deputy"]
    from_us: int
    to_us: int
    note: str = ""


class Handover(Struct, frozen=True):
    """交接班: what is open, and the log, from one shift to the next."""

    id: str
    team: str
    by: str
    at_us: int
    log: str
    open_orders: tuple[str, ...]
    to: str | None = None
    confirmed_by: str | None = None
    confirmed_us: int | None = None


class WebhookItem(Struct, frozen=True):
    """One delivery on its way: kept until it arrived or was given up."""

    id: str
    target: str
    body: bytes
    created_us: int
    tries: int
    next_us: int


# --- what the services need of the store -----------------------------------------------------


class OrderRules(Protocol):
    """What the store's writer must ask when an order changes."""

    @property
    def book(self) -> FormBook: ...

    def owner(self, agent: str | None) -> str | None:
        """Login of the account that ``agent`` is."""
        ...

    def team(self, pbx: str, seat: str | None) -> str | None:
        """The group of the seat."""
        ...


class Job(Protocol):
    """Work inside one of the writer's transactions; made only by the store itself."""


class DeskStore(Protocol):
    """The database, for everything that people do. Every change is one transaction of the one
    writer, and is committed when the call returns; reading happens beside it. Raises ``StoreError``
    with plain words when the disk refuses."""

    # orders
    async def apply(
        self,
        order_id: str,
        command: AnyCommand,
        by: Person | None,
        now_us: int,
        *,
        expected: int | None = None,
    ) -> Done | OrderRefusal:
        """Do ``command`` in the writer's transaction, follow-ups included. ``expected``: refuse
        with ``conflict`` unless the order has this version."""
        ...

    def apply_job(
        self, order_id: str, command: AnyCommand, by: Person | None
    ) -> tuple[Job, Callable[[], Done | OrderRefusal]]:
        """The same as a job for :meth:`agentd.ports.Store.submit`, done after the batch's
        obligations, with the ``at_us`` of the order's change in that batch as its now; the second
        tells the result once the batch is committed."""
        ...

    async def order(self, order_id: str) -> WorkOrder | None: ...
    async def order_of_call(self, pbx: str, call: str) -> WorkOrder | None: ...
    async def orders(self, query: OrderQuery) -> OrderPage: ...
    def each_order(self, query: OrderQuery) -> AsyncIterator[Sequence[WorkOrder]]:
        """All that fit, in pieces, without holding them all (exports)."""
        ...

    async def history(self, order_id: str) -> Sequence[Change]: ...
    async def waking(self) -> Sequence[tuple[int, str, str]]:
        """(wake_us, pbx, order id) of every order that waits for a time."""
        ...

    async def draft(self, order_id: str, login: str) -> Mapping[str, Any] | None: ...
    async def put_draft(
        self, order_id: str, login: str, draft: Mapping[str, Any] | None
    ) -> None: ...

    # calls, recordings, violations
    async def calls(self, query: CallQuery) -> CallPage: ...
    async def recordings(self, pbx: str, call: str) -> Sequence[Recording]: ...
    async def recording(self, recording_id: str) -> Recording | None: ...
    async def violations(self, query: ViolationQuery) -> ViolationPage: ...
    async def violation(self, violation_id: str) -> JudgedViolation | None: ...
    async def put_appeals(self, appeals: Sequence[Appeal]) -> None:
        """Add new ones (an id that is known is replaced: decided)."""
        ...

    # the shift
    async def duties(self, from_us: int, to_us: int) -> Sequence[Duty]: ...
    async def put_duties(self, put: Sequence[Duty], delete: Sequence[str]) -> None: ...
    async def handovers(self, team: str | None, limit: int) -> Sequence[Handover]: ...
    async def put_handover(self, handover: Handover) -> None: ...
    async def faults(self, *, open_only: bool) -> Sequence[Fault]: ...
    async def put_fault(self, fault: Fault) -> None: ...
    async def sign_ins(
        self, *, login: str | None = None, open_only: bool = False, from_us: int | None = None
    ) -> Sequence[SignIn]: ...
    async def put_sign_ins(self, sign_ins: Sequence[SignIn]) -> None: ...

    # accounts
    async def accounts(self) -> Sequence[Account]: ...
    async def put_accounts(
        self,
        changes: Sequence[tuple[Account, AuditEntry]],
        *,
        end_sessions_of: Sequence[str] = (),
    ) -> None:
        """All of them or none; sessions of these logins end with it."""
        ...

    async def sessions(self, login: str | None = None) -> Sequence[Session]: ...
    async def session(self, session_id: str) -> Session | None: ...
    async def put_session(self, session: Session) -> None: ...
    async def end_sessions(self, *, ids: Sequence[str] = (), login: str | None = None) -> None: ...
    async def tokens(self) -> Sequence[ApiToken]: ...
    async def put_token(self, token: ApiToken, audit: AuditEntry) -> None: ...
    async def add_audit(self, entries: Sequence[AuditEntry]) -> None: ...
    async def audit(
        self,
        *,
        who: str | None = None,
        action: str | None = None,
        before_seq: int | None = None,
        limit: int = 100,
    ) -> Sequence[AuditEntry]: ...

    # webhooks
    async def put_webhooks(self, put: Sequence[WebhookItem], done: Sequence[str] = ()) -> None: ...
    async def webhooks(self) -> Sequence[WebhookItem]: ...


# --- what the web and the command line need of the services ----------------------------------


class OrderView(Struct, frozen=True):
    """An order as one person sees it."""

    order: WorkOrder
    missing: tuple[Missing, ...]
    """What prevents completion as it stands."""
    allowed: tuple[str, ...]
    """Tags of the commands that this person may give now."""


class Standing(Struct, frozen=True):
    """How a person stands since a moment: what was judged, and what is owed now."""

    violations: int
    """That stand."""
    appeals_pending: int
    orders_owed: int
    """Open and returned ones, now."""


class Desk(Protocol):
    """Orders, appeals, shifts (``agentd/desk.py``). ``who`` is the person who asks; every method
    refuses (:class:`agentd.errors.Refused`, or an :class:`OrderRefusal` as its value) what the
    person may not do; what is outside of the person's scope does not exist for them."""

    @property
    def book(self) -> FormBook: ...

    def now_us(self, pbx: str) -> int: ...

    async def view(self, who: Person, order_id: str) -> OrderView | OrderRefusal: ...
    async def orders(self, who: Person, query: OrderQuery) -> OrderPage: ...
    def each_order(self, who: Person, query: OrderQuery) -> AsyncIterator[Sequence[WorkOrder]]: ...
    async def earlier(self, who: Person, number: str, limit: int) -> Sequence[WorkOrder]: ...
    async def history(self, who: Person, order_id: str) -> Sequence[Change] | OrderRefusal: ...
    async def command(
        self,
        who: Person,
        order_id: str,
        command: PersonCommand,
        *,
        expected: int | None = None,
    ) -> OrderView | OrderRefusal: ...
    async def draft(self, who: Person, order_id: str) -> Mapping[str, Any] | None: ...
    async def put_draft(
        self, who: Person, order_id: str, draft: Mapping[str, Any] | None
    ) -> None: ...

    async def standing(self, who: Person, from_us: int) -> Standing: ...
    async def violations(self, who: Person, query: ViolationQuery) -> ViolationPage: ...
    async def appeal(self, who: Person, violation_id: str, reason: str) -> JudgedViolation: ...
    async def decide(
        self, who: Person, violation_ids: Sequence[str], *, grant: bool, reason: str
    ) -> Sequence[JudgedViolation]: ...
    async def excuse_window(
        self, who: Person, query: ViolationQuery, reason: str
    ) -> Sequence[JudgedViolation]:
        """Grant every violation of an incident window (``from_us``, ``to_us``, pbx, rule …)."""
        ...

    async def duties(self, who: Person, from_us: int, to_us: int) -> Sequence[Duty]: ...
    async def put_duties(
        self, who: Person, put: Sequence[Duty], delete: Sequence[str]
    ) -> Sequence[Duty]: ...
    async def import_duties(self, who: Person, csv: str) -> Sequence[Duty]:
        """All lines or none; a mistake names its line and the mend."""
        ...

    async def on_duty(
        self, team: str | None, at_us: int
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """(leaders, deputies) on duty for ``team``."""
        ...

    async def hand_over(self, who: Person, team: str, log: str, to: str | None) -> Handover: ...
    async def confirm_handover(self, who: Person, handover_id: str) -> Handover: ...
    async def handovers(self, who: Person, team: str | None) -> Sequence[Handover]: ...


# --- news ------------------------------------------------------------------------------------


class Hints(Protocol):
    """Tells pages that what they show has changed, so that they ask again (docs/live-stream.md)."""

    def hint(self, *topics: str) -> None:
        """``orders:LOGIN`` (orders that a person owes or leads), ``violations:LOGIN``,
        ``inbox:TEAM`` (``inbox:`` for all teams), ``seat:LOGIN``, ``me:LOGIN``, ``messages:LOGIN``,
        ``roster``, ``handover``."""
        ...


class NoticeSink(Protocol):
    """Whoever brings notices to people who look at no page: webhooks, MQTT."""

    def notify(self, notices: Sequence[tuple[Notice, WorkOrder]]) -> None: ...
