"""Whose figures a person may see."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from agentd.core.metric_row import ScopeKind
from agentd.core.metrics import SITE, Scope
from agentd.core.people import Directory, Person
from agentd.errors import Refused
from agentd.ports.figures import FeedState


class Engine(Protocol):
    """What figures need of the runtime."""

    def pbx_now_us(self, pbx: str) -> int: ...
    def knows_clock(self, pbx: str) -> bool: ...
    def board(self, pbx: str) -> Mapping[str, Any]: ...
    def feed_state(self, pbx: str) -> FeedState: ...


class Sight:
    """Everybody sees the own figures. Who may see the board sees those of the own scope; the
    site's are for those who see all of it."""

    def __init__(
        self,
        engine: Engine,
        pbxs: Sequence[str],
        directory: Directory,
        team_of: Callable[[str, str | None], str | None],
    ) -> None:
        self._engine = engine
        self._pbxs = pbxs
        self._directory = directory
        self._team_of = team_of

    def scope_for(self, who: Person, kind: ScopeKind, name: str) -> Scope:
        """The scope, if ``who`` may see it. Raises :class:`Refused`."""
        if kind == "person" and name == who.login and not who.disabled:
            return kind, name
        if not who.may("board"):
            raise Refused("You may not do this.", code="forbidden", text_zh="您无权进行此操作。")
        if not self._sees(who, kind, name):
            raise Refused(
                f"There is no such {kind} in what you may see.",
                code="not_found",
                text_zh="没有这个统计对象，或不在您的查看范围内。",
            )
        return SITE if kind == "site" else (kind, name)

    def _sees(self, who: Person, kind: ScopeKind, name: str) -> bool:
        pbx, _, inner = name.partition("/")
        match kind:
            case "site":
                return not who.queues and not who.teams
            case "queue":
                return bool(inner) and who.in_scope(inner, None)
            case "team":
                # A team's figures are of all queues together.
                return bool(name) and not who.queues and who.in_scope(None, name)
            case "seat":
                team = self._team_of(pbx, inner)
                queues = self._queues_of(pbx, inner)
                return bool(inner) and any(who.in_scope(queue, team) for queue in queues)
        person = self._directory.get(name)
        if person is None:
            # A name that only a queue knows belongs to no team.
            return not who.queues and not who.teams
        return any(
            who.in_scope(queue, team)
            for team in person.teams or (None,)
            for queue in person.queues or (None,)
        )

    def _queues_of(self, pbx: str, seat: str) -> Sequence[str | None]:
        """The queues that a seat is in now; (None,): none, so that the team alone decides."""
        if pbx not in self._pbxs:
            return (None,)
        shown = self._engine.board(pbx).get(f"seat:{pbx}/{seat}")
        return (tuple(shown["queues"]) if shown is not None else ()) or (None,)
