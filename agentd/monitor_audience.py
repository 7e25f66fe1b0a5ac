"""Who may see what of the board: pure bookkeeping, no socket and no clock.

Whoever may see the whole board shares one encoding of it. Every other audience (a scope, an agent)
has a board of its own, kept from the whole one, and shared by all who are the same audience. What
cannot be said to belong to an audience is not shown to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from agentd.core.people import Person
from agentd.logs import mask_number
from agentd.ports.accounts import ApiToken


class Audience(Struct, frozen=True):
    """Whose seat, or which queues and teams (() all): equal ones share what they are sent."""

    login: str | None = None
    """An agent: only the own seat, its queues and alerts."""
    queues: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    masked: bool = False
    """A wall that visitors see: no names, numbers and violations."""


EVERYTHING = Audience()
NOTHING = Audience(login="")
"""No account has an empty login."""
WALL_RIGHTS = frozenset({"board", "wall"})
"""Rights of tokens that may listen."""
_JUDGING = frozenset({"within_rings", "alerts"})
"""Figures that tell of broken rules, beside ``compliance:…``."""


class Listener(Struct, frozen=True):
    """Who listens. ``person`` is None for a machine."""

    audience: Audience
    person: Person | None = None

    @classmethod
    def of_person(cls, person: Person | None) -> Listener | None:
        """None: this person may not listen at all."""
        if person is None:
            return None
        if person.may("board"):
            queues, teams = tuple(sorted(person.queues)), tuple(sorted(person.teams))
            return cls(Audience(None, queues, teams), person)
        return cls(Audience(person.login), person) if person.may("desk") else None

    @classmethod
    def of_token(cls, token: ApiToken | None) -> Listener | None:
        """None: this token may not listen."""
        if token is None or not WALL_RIGHTS.intersection(token.rights):
            return None
        masked = "board" not in token.rights
        return cls(Audience(queues=tuple(sorted(token.queues)), masked=masked))

    def behind_mask(self) -> Listener:
        """The same for a wall that visitors see. An agent sees no more than the own seat anyway."""
        if self.audience.login is not None:
            return self
        return replace(self, audience=replace(self.audience, masked=True))

    def hears(self, topic: str) -> str | None:
        """``topic`` (of ports.desk.Hints) as this listener is told it; None: not at all."""
        name, _, whose = topic.partition(":")
        person = self.person
        if person is None:
            return None
        if name in {"orders", "violations", "seat", "me", "messages"}:
            return name if whose == person.login else None
        if name == "board":
            return name if person.may("board") or person.may("desk") else None
        if name == "inbox":
            leads = person.may("orders.lead") and person.in_scope(None, whose or None)
            return name if leads else None
        return name if person.may("shift") else None


class _Facts(Struct, frozen=True):
    """What of a board object decides who may see it."""

    kind: str = ""
    pbx: str | None = ""
    name: str | None = None
    group: str | None = None
    queues: tuple[str, ...] = ()
    queue: str | None = None
    seat: str | None = None
    agent: str | None = None
    person: str | None = None
    scope: str | None = None

    @property
    def of_queue(self) -> str | None:
        """The key of the queue that the object tells of, as far as it is one queue's."""
        known = self.kind in ("queue", "surge") or (self.kind, self.scope) == ("figures", "queue")
        return f"queue:{self.pbx}/{self.name}" if known else None

    @property
    def at(self) -> str:
        """The key of the seat that an alert is about."""
        return f"seat:{self.pbx}/{self.seat}"

    def place(self) -> tuple[Any, ...]:
        """Of a seat: what its own alerts and queues are judged by."""
        return (self.group, self.queues, self.person)


_facts_of = msgspec.json.Decoder(_Facts).decode


class View:
    """The board of one restricted audience."""

    def __init__(self, audience: Audience) -> None:
        self.audience = audience
        self.board: dict[str, msgspec.Raw] = {}
        self.watched: frozenset[str] = frozenset()
        """Of an agent: the keys of the queues of the own seat."""


class Views:
    """The boards of all restricted audiences, kept from the whole ``board``."""

    def __init__(self, board: Mapping[str, msgspec.Raw]) -> None:
        self._board = board
        self._facts: dict[str, _Facts] = {}
        self._seats_of: dict[str, set[str]] = {}
        self._views: dict[Audience, View] = {}
        self._watchers: dict[str, set[Audience]] = {}
        self._masked: dict[str, tuple[msgspec.Raw, msgspec.Raw]] = {}
        self._walled: dict[str, tuple[msgspec.Raw, msgspec.Raw]] = {}

    def open(self, audience: Audience) -> View:
        """The view of ``audience``; made if nobody had it."""
        view = self._views.get(audience)
        if view is None:
            if not self._views:
                for key, raw in self._board.items():
                    self._learn(key, _facts_of(raw))
            view = self._views[audience] = View(audience)
            self._renew(view)
        return view

    def close(self, audience: Audience) -> None:
        """Nobody listens to it any more."""
        view = self._views.pop(audience)
        self._watch(view, frozenset())
        if not self._views:
            self._facts.clear()
            self._seats_of.clear()
            self._masked.clear()
            self._walled.clear()

    def follow(
        self, fresh: Sequence[str], gone: Sequence[str]
    ) -> Iterator[tuple[View, dict[str, msgspec.Raw], list[str], Mapping[str, msgspec.Raw]]]:
        """The whole board has changed (already): what that is to each view that it concerns, as
        (view, objects to set, keys to delete, what some of the objects were before)."""
        if not self._views:
            return
        old = {key: self._facts.get(key) for key in (*fresh, *gone)}
        for key in gone:
            self._forget(key)
        for key in fresh:
            self._learn(key, _facts_of(self._board[key]))
        moved = self._moved(old)
        for view in list(self._views.values()):
            login = view.audience.login
            if moved if login is None else login in moved:
                before = view.board
                self._renew(view)
                yield view, *_difference(before, view.board), before
        touched = self._touched(old)
        for view, keys in touched.items():
            if not (moved if view.audience.login is None else view.audience.login in moved):
                yield view, *self._update(view, keys)

    def _learn(self, key: str, facts: _Facts) -> None:
        self._forget(key)
        self._facts[key] = facts
        if facts.kind == "seat" and facts.person is not None:
            self._seats_of.setdefault(facts.person, set()).add(key)

    def _forget(self, key: str) -> None:
        facts = self._facts.pop(key, None)
        if facts is not None and facts.kind == "seat" and facts.person is not None:
            seats = self._seats_of[facts.person]
            seats.discard(key)
            if not seats:
                del self._seats_of[facts.person]
        if key not in self._board:
            self._masked.pop(key, None)
            self._walled.pop(key, None)

    def _moved(self, old: Mapping[str, _Facts | None]) -> set[str | None]:
        """Logins whose seat is another, or of other queues; None among them for nobody's."""
        moved: set[str | None] = set()
        for key, before in old.items():
            after = self._facts.get(key)
            if "seat" not in {before and before.kind, after and after.kind}:
                continue
            if before is None or after is None or before.place() != after.place():
                moved |= {facts.person for facts in (before, after) if facts is not None}
        return moved

    def _touched(self, old: Mapping[str, _Facts | None]) -> dict[View, list[str]]:
        """The changed keys, by view that may have to do with them."""
        scopes = [view for view in self._views.values() if view.audience.login is None]
        touched: dict[View, list[str]] = {view: list(old) for view in scopes} if old else {}
        for key, before in old.items():
            after = self._facts.get(key)
            for audience in self._concerned(key, before, after):
                view = self._views.get(audience)
                if view is not None:
                    touched.setdefault(view, []).append(key)
        return touched

    def _concerned(
        self, key: str, before: _Facts | None, after: _Facts | None
    ) -> Iterable[Audience]:
        """Agents that may have to do with ``key``."""
        facts = after or before
        if facts is None:
            return ()
        if facts.kind == "pbx":
            return [audience for audience in self._views if audience.login is not None]
        if facts.of_queue is not None:
            return list(self._watchers.get(facts.of_queue, ()))
        logins: set[str | None] = set()
        for some in (before, after):
            if some is not None:
                logins.add(some.person)
                # An order's alert follows its owner from seat to seat.
                if some.kind == "alert" and some.at in self._facts:
                    logins.add(self._facts[some.at].person)
        return [Audience(login) for login in logins if login is not None]

    def _renew(self, view: View) -> None:
        """Make the view's board anew from the whole one."""
        login = view.audience.login
        if login is not None:
            self._watch(view, self._queues_of(login))
        view.board = {
            key: self._shown(view, key) for key in self._board if self._may_see(view, key)
        }

    def _update(
        self, view: View, keys: Sequence[str]
    ) -> tuple[dict[str, msgspec.Raw], list[str], dict[str, msgspec.Raw]]:
        before: dict[str, msgspec.Raw] = {}
        fresh: dict[str, msgspec.Raw] = {}
        gone: list[str] = []
        for key in keys:
            if self._may_see(view, key):
                shown = self._shown(view, key)
                known = view.board.get(key)
                if known is None or bytes(known) != bytes(shown):
                    fresh[key] = view.board[key] = shown
                    if known is not None:
                        before[key] = known
            elif view.board.pop(key, None) is not None:
                gone.append(key)
        return fresh, gone, before

    def _may_see(self, view: View, key: str) -> bool:
        facts = self._facts.get(key)
        if facts is None:
            return False
        audience = view.audience
        match facts.kind:
            case "pbx":
                return True
            case "queue" | "figures" | "surge":
                if facts.of_queue is None:
                    # The site's figures are for those who see all of it.
                    return audience == Audience(masked=audience.masked)
                if audience.login is not None:
                    return facts.of_queue in view.watched
                return not audience.queues or facts.name in audience.queues
            case "seat":
                if audience.login is not None:
                    return facts.person == audience.login
                return _in_scope(audience, facts.queues, facts.group)
            case "alert":
                return not audience.masked and self._may_see_alert(audience, facts)
        return False

    def _may_see_alert(self, audience: Audience, alert: _Facts) -> bool:
        seat = self._facts.get(alert.at) if alert.seat is not None else None
        if audience.login is not None:
            if alert.person is not None or alert.agent is not None:
                # Whoever sat there before: their alerts are not the next one's.
                return alert.person == audience.login
            return seat is not None and seat.person == audience.login
        if alert.seat is not None and seat is None:
            return False
        queues = (alert.queue,) if alert.queue is not None else seat.queues if seat else ()
        return _in_scope(audience, queues, seat.group if seat is not None else None)

    def _shown(self, view: View, key: str) -> msgspec.Raw:
        raw = self._board[key]
        if view.audience.masked:
            walled = self._walled.get(key)
            if walled is None or walled[0] is not raw:
                walled = self._walled[key] = (raw, _for_visitors(raw))
            return walled[1]
        if view.audience.login is None or not key.startswith("queue:"):
            return raw
        known = self._masked.get(key)
        if known is None or known[0] is not raw:
            known = self._masked[key] = (raw, _without_callers(raw))
        return known[1]

    def _queues_of(self, login: str) -> frozenset[str]:
        seats = [self._facts[key] for key in self._seats_of.get(login, ())]
        return frozenset(f"queue:{seat.pbx}/{queue}" for seat in seats for queue in seat.queues)

    def _watch(self, view: View, queues: frozenset[str]) -> None:
        for key in view.watched - queues:
            watchers = self._watchers[key]
            watchers.discard(view.audience)
            if not watchers:
                del self._watchers[key]
        for key in queues - view.watched:
            self._watchers.setdefault(key, set()).add(view.audience)
        view.watched = queues


def _in_scope(audience: Audience, queues: Sequence[str], team: str | None) -> bool:
    """As Person.in_scope, for what is of several queues: one of them is enough."""
    by_queue = not audience.queues or not queues or not set(queues).isdisjoint(audience.queues)
    by_team = not audience.teams or team is None or team in audience.teams
    return by_queue and by_team


def _difference(
    before: Mapping[str, msgspec.Raw], after: Mapping[str, msgspec.Raw]
) -> tuple[dict[str, msgspec.Raw], list[str]]:
    fresh = {
        key: raw
        for key, raw in after.items()
        if key not in before or bytes(before[key]) != bytes(raw)
    }
    return fresh, [key for key in before if key not in after]


def _without_callers(raw: msgspec.Raw) -> msgspec.Raw:
    """A queue whose callers' numbers are masked."""
    queue: dict[str, Any] = msgspec.json.decode(raw)
    queue["waiting"] = [
        {**waiting, "caller": _masked(waiting.get("caller"))} for waiting in queue["waiting"]
    ]
    return msgspec.Raw(msgspec.json.encode(queue))


def _masked(caller: Any) -> Any:
    return mask_number(caller) if isinstance(caller, str) else None


_NOBODYS: dict[str, Any] = {
    "seat": "*",
    "label": "*",
    "agent": None,
    "person": None,
    "call": None,
    "caller": None,
    "pause_reason": None,
    "clock": None,
    "owed": [],
    "trouble": "calm",
}


def _for_visitors(raw: msgspec.Raw) -> msgspec.Raw:
    """A board object without names, numbers and what tells of broken rules. Of a seat its state
    stays, to be counted."""
    shown: dict[str, Any] = msgspec.json.decode(raw)
    match shown["kind"]:
        case "queue":
            shown["waiting"] = [{**waiting, "caller": None} for waiting in shown["waiting"]]
        case "seat":
            shown |= _NOBODYS
        case "figures":
            shown["figures"] = {
                window: {key: value for key, value in figures.items() if not _judges(key)}
                for window, figures in shown["figures"].items()
            }
        case "pbx":
            shown |= {"reason": None, "warnings": []}
        case _:
            return raw
    return msgspec.Raw(msgspec.json.encode(shown))


def _judges(metric: str) -> bool:
    return metric in _JUDGING or metric.startswith("compliance:")
