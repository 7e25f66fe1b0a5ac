"""People, their roles, and what each may do: pure, so that every door asks the same question.

A person is not a seat (product rules, section 1): sign-in binds one to the other for a while.
Scope is by queue and team; an empty list means all of them. An agent's scope is the agent.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Role = Literal["agent", "shift_leader", "supervisor", "qa", "manager", "admin", "auditor"]
ROLES: tuple[Role, ...] = (
    "agent",
    "shift_leader",
    "supervisor",
    "qa",
    "manager",
    "admin",
    "auditor",
)

Right = Literal[
    "board",  # see the wallboard of one's scope
    "desk",  # sign in to a seat, work on one's own orders
    "orders.read",  # read orders of one's scope
    "orders.lead",  # dispatch, urge, return, close, assign, acknowledge
    "orders.export",
    "recordings",  # listen to recordings of one's scope (one's own: every agent)
    "violations.read",
    "appeals.decide",
    "shift",  # roster, handover, faults
    "people",  # accounts and tokens
    "audit",  # read the audit log
    "control.listen",  # listen, whisper, barge
    "control.seats",  # pause seats, let them take calls again, log them out of queues
    "control.calls",  # move callers up, redirect, hang up
    "message",  # write to people's desks
]

_LEADING: frozenset[Right] = frozenset(
    {
        "board",
        "desk",
        "orders.read",
        "orders.lead",
        "orders.export",
        "recordings",
        "violations.read",
        "appeals.decide",
        "shift",
        "control.listen",
        "control.seats",
        "control.calls",
        "message",
    }
)
RIGHTS: dict[Role, frozenset[Right]] = {
    "agent": frozenset({"desk"}),
    "shift_leader": _LEADING,
    "supervisor": _LEADING,
    "qa": frozenset({"board", "orders.read", "recordings", "violations.read"}),
    "manager": frozenset(
        {"board", "orders.read", "orders.export", "recordings", "violations.read"}
    ),
    "admin": frozenset({"board", "people", "orders.read", "shift", "violations.read"}),
    "auditor": frozenset({"audit"}),
}


class Person(Struct, frozen=True):
    """An account. ``login`` is the 工号: unique, for ever, what everything stored refers to."""

    login: str
    name: str
    role: Role
    queues: tuple[str, ...] = ()
    """Scope of those who lead or read; () all. For an agent: the queues joined at sign-in."""
    teams: tuple[str, ...] = ()
    """Seat groups; () all. For an agent: whose shift leaders are told."""
    member_names: tuple[str, ...] = ()
    """Names under which queues know the person, beside ``login`` and ``name``."""
    disabled: bool = False

    def may(self, right: Right) -> bool:
        """Whether the role has ``right``; a disabled person has none."""
        return not self.disabled and right in RIGHTS[self.role]

    def in_scope(self, queue: str | None, team: str | None) -> bool:
        """Whether something of ``queue`` and ``team`` belongs to the person's scope. What belongs
        to no queue or team is everybody's who leads: nobody else would see it."""
        by_queue = not self.queues or queue is None or queue in self.queues
        by_team = not self.teams or team is None or team in self.teams
        return by_queue and by_team


class Directory:
    """Who is who, in memory: the accounts, and whom a name that a queue gives stands for."""

    def __init__(self, people: tuple[Person, ...] = ()) -> None:
        self._people: dict[str, Person] = {}
        self._by_name: dict[str, str | None] = {}
        self.put(*people)

    def put(self, *people: Person) -> None:
        """Add people, or replace those of the same login."""
        self._people.update({person.login: person for person in people})
        self._by_name = {}
        for person in self._people.values():
            for name in {person.name, *person.member_names}:
                # A name that two people share says nothing.
                self._by_name[name] = None if name in self._by_name else person.login

    def get(self, login: str | None) -> Person | None:
        """The account with this login."""
        return self._people.get(login) if login is not None else None

    def all(self) -> tuple[Person, ...]:
        """Everybody, by login."""
        return tuple(sorted(self._people.values(), key=lambda person: person.login))

    def whose(self, agent: str | None) -> Person | None:
        """The person that ``agent`` stands for: a login (after sign-in), else a name that exactly
        one person has; None where it is nobody's."""
        if agent is None:
            return None
        person = self._people.get(agent)
        if person is not None:
            return person
        return self.get(self._by_name.get(agent))
