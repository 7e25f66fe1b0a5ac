"""History as one person may know it.

Everybody may know the own past: calls, states, alerts. Who has the right ``orders.read`` (calls),
``board`` (states, queues, alerts) or ``recordings`` (which there are) those of the own scope as
well, as it was then. What is not in one's scope does not exist for one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from agentd.core.board_settings import KEYS, check_setting
from agentd.core.effects import Alert, Direction, LegEnded, OrderContact, VisitEnded, WrapUpEnded
from agentd.core.people import Directory, Person, Right, Role
from agentd.errors import Refused
from agentd.ports.desk import JudgedViolation, Recording
from agentd.ports.history import (
    AlertLoad,
    AlertNote,
    AlertSearch,
    BoardSetting,
    CallFound,
    CallSearch,
    Gap,
    HistoryStore,
    NotedAlert,
    QueueDay,
    SeatSpan,
    VisitSearch,
    VisitsPage,
)

PIECE: Final = 200
SETTERS: Final[frozenset[Role]] = frozenset({"supervisor", "admin"})
"""Who may change what everybody's board shows."""
SPAN_MAX_US: Final = 32 * 86_400_000_000
"""The longest time that is asked for at once."""


class CallLine(Struct, frozen=True):
    """A call in a list. ``talk_us`` and ``hold_us``: of the legs that the person may know."""

    pbx: str
    call: str
    direction: Direction
    queue: str | None
    visits: tuple[str, ...]
    caller: str | None
    """Of a call that a seat made: the number that was dialled."""
    started_us: int | None
    ended_us: int
    wait_us: int | None
    talk_us: int
    hold_us: int
    outcome: str
    gap: bool
    seats: tuple[str, ...]
    agents: tuple[str, ...]
    rules: tuple[str, ...]
    """Broken in it, excused or not."""
    order: str | None
    recordings: int


class CallLines(Struct, frozen=True):
    items: tuple[CallLine, ...]
    next_cursor: str | None


class AlertLine(Alert, frozen=True, gc=False):
    """An alert with what was said to it; the first note acknowledges it."""

    id: str
    team: str | None
    notes: tuple[AlertNote, ...] = ()


class AlertLines(Struct, frozen=True):
    items: tuple[AlertLine, ...]
    next_cursor: str | None


class RecordingLine(Struct, frozen=True):
    """A recording that the person may play."""

    id: str
    started_us: int
    ended_us: int | None


class Story(Struct, frozen=True):
    """Everything that is kept of a call, as far as the person may know it."""

    line: CallLine | None
    """None while the call goes on, or where only its parts are kept."""
    visits: tuple[VisitEnded, ...]
    legs: tuple[LegEnded, ...]
    """With their holds, and the AMI events that prove them."""
    wrap_ups: tuple[WrapUpEnded, ...]
    alerts: tuple[AlertLine, ...]
    violations: tuple[JudgedViolation, ...]
    contacts: tuple[OrderContact, ...]
    order: str | None
    recordings: tuple[RecordingLine, ...]
    gaps: tuple[Gap, ...]
    held: bool
    own: bool
    """Only the own part is shown."""


class Spans(Struct, frozen=True):
    """States in order, gaps among them (``state`` null)."""

    items: tuple[SeatSpan, ...]
    gaps: tuple[Gap, ...]


class SettingLine(Struct, frozen=True):
    """A setting of the board. Nobody has set it yet: ``version`` 0, ``value``, ``by`` and
    ``at_us`` null. ``defaults``: what holds where the value says nothing, in the form of a value;
    null where that is nothing."""

    key: str
    value: Any
    version: int
    by: str | None
    at_us: int | None
    defaults: Any


class HistoryView:
    """What people may know of the past (see the module). ``team_of``: the group of (pbx, seat);
    ``defaults``: by key, what holds where a setting says nothing."""

    def __init__(
        self,
        store: HistoryStore,
        directory: Directory,
        *,
        team_of: Callable[[str, str], str | None],
        defaults: Mapping[str, Any] | None = None,
    ) -> None:
        self._defaults = defaults or {}
        self.store = store
        self._store = store
        self._directory = directory
        self._team_of = team_of
        self.settings_changed: list[Callable[[BoardSetting], None]] = []
        """Who is told of what supervisors set for the board."""

    def names_of(self, login: str) -> tuple[str, ...]:
        """The names under which ``login`` stands in what was stored, and nobody else does."""
        person = self._directory.get(login)
        if person is None:
            return (login,)
        names = dict.fromkeys((person.login, person.name, *person.member_names))
        mine = (name for name in names if self._is(name, person))
        return tuple(mine) or (login,)

    def _is(self, agent: str | None, who: Person) -> bool:
        known = self._directory.whose(agent)
        return known is not None and known.login == who.login

    # --- calls -----------------------------------------------------------------------------

    def _narrowed(self, who: Person, query: CallSearch, person: str | None) -> CallSearch | None:
        """``query`` within what ``who`` may know; None where nothing can fit."""
        if who.may("orders.read"):
            agents = () if person is None else self.names_of(person)
            return replace(query, agents=agents, queues=who.queues, teams=who.teams)
        _need(who, "desk")
        if person is not None and person != who.login:
            return None
        return replace(query, agents=self.names_of(who.login))

    async def calls(self, who: Person, query: CallSearch, person: str | None) -> CallLines:
        """One page, latest first. ``person``: a login. Raises :class:`Refused`."""
        narrowed = self._narrowed(who, query, person)
        if narrowed is None:
            return CallLines((), None)
        page = await self._store.search_calls(narrowed)
        return CallLines(tuple(self._line(who, item) for item in page.items), page.next_cursor)

    async def lines(
        self, who: Person, wanted: Sequence[tuple[str, str]]
    ) -> dict[tuple[str, str], CallLine]:
        """The calls of these (pbx, call) that are kept; which ones ``who`` may know of has been
        asked already."""
        found = await self._store.calls_named(wanted)
        return {(item.call.pbx, item.call.call): self._line(who, item) for item in found}

    async def each_call(
        self, who: Person, query: CallSearch, person: str | None
    ) -> AsyncIterator[Sequence[CallLine]]:
        """All that fit, in pieces (exports)."""
        query = replace(query, limit=PIECE)
        while True:
            page = await self.calls(who, query, person)
            yield page.items
            if page.next_cursor is None:
                return
            query = replace(query, cursor=page.next_cursor)

    def _line(self, who: Person, item: CallFound) -> CallLine:
        call, legs = item.call, item.legs
        whole = True
        if not who.may("orders.read"):
            legs = tuple(leg for leg in legs if self._is(leg.agent, who))
            whole = len(legs) == len(item.legs)
        return CallLine(
            pbx=call.pbx,
            call=call.call,
            direction=item.direction,
            queue=call.queue,
            visits=call.visits,
            caller=call.caller,
            started_us=call.started_us,
            ended_us=call.ended_us,
            wait_us=call.wait_us,
            talk_us=item.talk_us if whole else sum(leg.talk_us or 0 for leg in legs),
            hold_us=item.hold_us if whole else sum(leg.hold_us for leg in legs),
            outcome=call.outcome,
            gap=call.gap,
            seats=tuple(dict.fromkeys(leg.seat for leg in legs)),
            agents=tuple(dict.fromkeys(leg.agent for leg in legs if leg.agent is not None)),
            # Whose they are is not told here: who had a part of it only is told none.
            rules=item.rules if whole else (),
            order=item.order if whole else None,
            recordings=item.recordings if whole else 0,
        )

    async def story(self, who: Person, pbx: str, call: str) -> Story:
        """A call of mine, or of my scope. Raises :class:`Refused` (``not_found``)."""
        story = await self._store.call_story(pbx, call)
        if story is None or who.disabled:
            raise _unknown("call", "通话")

        def leads(right: Right) -> bool:
            return who.may(right) and any(who.in_scope(*place) for place in story.scope)

        own = tuple(leg for leg in story.legs if self._is(leg.agent, who))
        whole = leads("orders.read")
        if not whole and not own:
            raise _unknown("call", "通话")
        legs = story.legs if whole else own
        ids = {leg.leg for leg in own}
        files: tuple[Recording, ...] = story.recordings
        if not leads("recordings"):
            files = tuple(found for found in files if _during(found, own))
        found = await self._store.calls_named([(pbx, call)])
        mine = story.violations if leads("violations.read") else self._mine(who, story.violations)
        return Story(
            line=self._line(who, found[0]) if found else None,
            visits=story.visits if whole else self._stays(who, story.visits),
            legs=legs,
            wrap_ups=tuple(w for w in story.wrap_ups if whole or w.leg in ids),
            alerts=tuple(_alert(a) for a in story.alerts if whole or self._is(a.alert.agent, who)),
            violations=mine,
            contacts=story.contacts if whole else (),
            # Its page says whether it is theirs; other agents' orders are not even named.
            order=story.order if whole or len(own) == len(story.legs) else None,
            recordings=tuple(RecordingLine(f.id, f.started_us, f.ended_us) for f in files),
            gaps=story.gaps,
            held=story.held and whole,
            own=not whole,
        )

    def _mine(
        self, who: Person, violations: Sequence[JudgedViolation]
    ) -> tuple[JudgedViolation, ...]:
        return tuple(
            judged
            for judged in violations
            if (
                judged.owner == who.login
                if judged.owner is not None
                else self._is(judged.violation.agent, who)
            )
        )

    def _stays(self, who: Person, visits: Sequence[VisitEnded]) -> tuple[VisitEnded, ...]:
        return tuple(visit for visit in visits if self._is(visit.agent, who))

    # --- spans and days --------------------------------------------------------------------

    async def person_spans(self, who: Person, login: str, from_us: int, to_us: int) -> Spans:
        """Where a person was, and what doing. Raises :class:`Refused`."""
        _check_time(from_us, to_us)
        if login != who.login:
            _need(who, "board")
        elif who.disabled:
            raise _forbidden()
        found = await self._store.person_spans(self.names_of(login), from_us, to_us)
        shown = found if login == who.login else [span for span in found if self._sees(who, span)]
        return await self._with_gaps(shown, from_us, to_us)

    async def seat_spans(self, who: Person, pbx: str, seat: str, from_us: int, to_us: int) -> Spans:
        """What a seat did. Raises :class:`Refused`."""
        _check_time(from_us, to_us)
        _need(who, "board")
        found = await self._store.seat_spans(pbx, seat, from_us, to_us)
        return await self._with_gaps([s for s in found if self._sees(who, s)], from_us, to_us)

    def _sees(self, who: Person, span: SeatSpan) -> bool:
        team = self._team_of(span.pbx, span.seat)
        return any(who.in_scope(queue, team) for queue in span.queues or (None,))

    async def _with_gaps(self, spans: Sequence[SeatSpan], from_us: int, to_us: int) -> Spans:
        pbxs = {span.pbx for span in spans}
        gaps = await self._store.unheard(from_us, to_us)
        # Where nothing is known of anywhere, it may be missing from any of them.
        return Spans(tuple(spans), tuple(gap for gap in gaps if gap.pbx in pbxs or not pbxs))

    async def queue_day(
        self, who: Person, queue: str, from_us: int, to_us: int, pbx: str | None
    ) -> QueueDay:
        """A queue's quarters of an hour. Raises :class:`Refused`."""
        _check_time(from_us, to_us)
        _need(who, "board")
        if not who.in_scope(queue, None):
            raise _unknown("queue", "队列")
        return await self._store.queue_day(queue, from_us, to_us, pbx)

    async def visits(self, who: Person, query: VisitSearch) -> VisitsPage:
        """One page of stays in queues, the latest to join first. Raises :class:`Refused`."""
        _need(who, "orders.read")
        return await self._store.visits(replace(query, queues=who.queues))

    async def each_visit(
        self, who: Person, query: VisitSearch
    ) -> AsyncIterator[Sequence[VisitEnded]]:
        """All that fit, in pieces."""
        query = replace(query, limit=PIECE)
        while True:
            page = await self.visits(who, query)
            yield page.items
            if page.next_cursor is None:
                return
            query = replace(query, cursor=page.next_cursor)

    # --- alerts ----------------------------------------------------------------------------

    async def alerts(self, who: Person, query: AlertSearch, person: str | None) -> AlertLines:
        """One page, latest first: of one's scope, else one's own. Raises :class:`Refused`."""
        if who.may("board"):
            agents = () if person is None else self.names_of(person)
            query = replace(query, agents=agents, queues=who.queues, teams=who.teams)
        else:
            _need(who, "desk")
            if person is not None and person != who.login:
                return AlertLines((), None)
            query = replace(query, agents=self.names_of(who.login))
        page = await self._store.search_alerts(query)
        return AlertLines(tuple(_alert(item) for item in page.items), page.next_cursor)

    async def each_alert(
        self, who: Person, query: AlertSearch, person: str | None
    ) -> AsyncIterator[Sequence[AlertLine]]:
        """All that fit, in pieces."""
        query = replace(query, limit=PIECE)
        while True:
            page = await self.alerts(who, query, person)
            yield page.items
            if page.next_cursor is None:
                return
            query = replace(query, cursor=page.next_cursor)

    async def acknowledge(self, who: Person, alert: str, note: str, now_us: int) -> AlertLine:
        """A leader has seen it, or says more. Raises :class:`Refused`."""
        _need(who, "orders.lead")
        found = await self._store.stored_alert(alert)
        if found is None or not who.in_scope(found.alert.queue, found.team):
            raise _unknown("alert", "告警")
        return _alert(await self._store.note_alert(alert, who.login, now_us, note.strip()))

    # --- settings of the board -------------------------------------------------------------

    async def setting(self, who: Person, key: str) -> SettingLine:
        """What was set for the board. Raises :class:`Refused` (``not_found``: nothing was, and
        the pages know no such key)."""
        if not (who.may("board") or who.may("desk")):
            raise _forbidden()
        found = await self._store.setting(key)
        if found is not None:
            return self._setting(found)
        if key not in KEYS:
            raise _unknown("setting", "设置")
        return SettingLine(key, None, 0, None, None, self._defaults.get(key))

    def _setting(self, found: BoardSetting) -> SettingLine:
        default = self._defaults.get(found.key)
        return SettingLine(found.key, found.value, found.version, found.by, found.at_us, default)

    async def put_setting(
        self, who: Person, key: str, value: Any, expected: int | None, now_us: int
    ) -> SettingLine:
        """A supervisor sets something for the board. Raises :class:`Refused`."""
        if who.role not in SETTERS or not who.may("board"):
            raise _forbidden()
        wrong = check_setting(key, value)
        if wrong:
            raise Refused(
                f"{wrong[0].field}: {wrong[0].text_en}",
                code="invalid",
                text_zh=f"{wrong[0].field}：{wrong[0].text_zh}",
                field=wrong[0].field,
                missing=wrong,
            )
        put = await self._store.put_setting(key, value, expected, who.login, now_us)
        for told in self.settings_changed:
            told(put)
        return self._setting(put)

    async def alert_load(self, who: Person, from_us: int, to_us: int) -> Sequence[AlertLoad]:
        """How many alerts of each kind the seats of one's scope had. Raises :class:`Refused`."""
        _check_time(from_us, to_us)
        _need(who, "board")
        return [
            line
            for line in await self._store.alert_load(from_us, to_us)
            if who.in_scope(line.queue, line.seat and self._team_of(line.pbx, line.seat))
        ]


def _alert(noted: NotedAlert) -> AlertLine:
    values = {name: getattr(noted.alert, name) for name in Alert.__struct_fields__}
    return AlertLine(**values, id=noted.id, team=noted.team, notes=noted.notes)


def _during(recording: Recording, legs: Sequence[LegEnded]) -> bool:
    """Whether the recording was made, at least in part, while one of ``legs`` talked."""
    return any(
        leg.answered_us is not None
        and recording.started_us <= leg.ended_us
        and (recording.ended_us is None or recording.ended_us >= leg.answered_us)
        for leg in legs
    )


def _check_time(from_us: int, to_us: int) -> None:
    if to_us <= from_us:
        raise Refused(
            "The time must end after it begins.",
            code="invalid",
            text_zh="结束时间须晚于开始时间。",
            field="to",
        )
    if to_us - from_us > SPAN_MAX_US:
        raise Refused(
            "At most 32 days can be asked for at once.",
            code="invalid",
            text_zh="一次最多查询 32 天。",
            field="to",
        )


def _need(who: Person, right: Right) -> None:
    if not who.may(right):
        raise _forbidden()


def _forbidden() -> Refused:
    return Refused("You may not do this.", code="forbidden", text_zh="您无权进行此操作。")


def _unknown(what_en: str, what_zh: str) -> Refused:
    return Refused(
        f"There is no such {what_en} in what you may see.",
        code="not_found",
        text_zh=f"没有这个{what_zh}，或不在您的查看范围内。",
    )
