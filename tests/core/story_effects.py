"""What an engine concluded from a story, in the words of tests; times in seconds of the story."""

from __future__ import annotations

from typing import Any

from agentd.core.effects import (
    Alert,
    Anomaly,
    CallEnded,
    Effect,
    LegEnded,
    OrderChanged,
    OrderContact,
    ResyncWanted,
    SeatChanged,
    Violation,
)

T0 = 1_790_000_000
SECOND = 1_000_000


def us(at: float) -> int:
    """Seconds of a story as the engine's microseconds."""
    return T0 * SECOND + round(at * SECOND)


def s(at_us: int | None) -> float | None:
    """The engine's microseconds as seconds of a story."""
    return None if at_us is None else (at_us - T0 * SECOND) / SECOND


def length(value_us: int | None) -> float | None:
    """A duration in seconds."""
    return None if value_us is None else value_us / SECOND


class Concluded:
    """Everything that the engine said, and questions to it."""

    effects: list[Effect]

    def said(self, kind: type[Any]) -> list[Any]:
        return [effect for effect in self.effects if isinstance(effect, kind)]

    @property
    def legs(self) -> dict[str, LegEnded]:
        """Every leg that was judged, by its Uniqueid; judged once each."""
        ended = self.said(LegEnded)
        legs = {leg.leg: leg for leg in ended}
        assert len(legs) == len(ended), "a leg was judged twice"
        return legs

    def leg(self, uid: str) -> LegEnded:
        return self.legs[uid]

    @property
    def calls(self) -> dict[str, CallEnded]:
        ended = self.said(CallEnded)
        calls = {call.call: call for call in ended}
        assert len(calls) == len(ended), "a call was closed twice"
        return calls

    @property
    def violations(self) -> list[tuple[str, str | None, float | None]]:
        """(rule, leg, seconds of the story) of every violation."""
        return [(v.rule, v.leg, s(v.at_us)) for v in self.said(Violation)]

    def alerts(self, rule: str) -> list[tuple[str, float | None]]:
        """(level, seconds of the story) of every alert of a rule."""
        return [(a.level, s(a.at_us)) for a in self.said(Alert) if a.rule == rule]

    def told(self, rule: str, level: str) -> tuple[str, ...]:
        """Whom the last alert of this rule and level went to."""
        return [a.to for a in self.said(Alert) if (a.rule, a.level) == (rule, level)][-1]

    def orders(self, call: str = "li") -> list[tuple[str, str | None, float | None]]:
        """(change, seat, due in seconds of the story) of one call's order, at every change."""
        changes = [o for o in self.said(OrderChanged) if o.call == call]
        return [(o.change, o.seat, s(o.due_us)) for o in changes]

    @property
    def contacts(self) -> list[tuple[str, str, str, bool | None]]:
        """(kind, order, leg, in time) of every call that belongs to an order beside its own."""
        return [(c.kind, c.order, c.leg, c.in_time) for c in self.said(OrderContact)]

    def states(self, seat: str = "1001") -> list[str]:
        """The states that a seat went through, since the story began."""
        changes = [c for c in self.said(SeatChanged) if c.seat == f"PJSIP/{seat}"]
        states: list[str] = []
        for change in changes:
            if not states or states[-1] != change.state:
                states.append(change.state)
        return states

    def state(self, seat: str = "1001") -> str:
        return self.states(seat)[-1]

    @property
    def anomalies(self) -> list[Anomaly]:
        return self.said(Anomaly)

    @property
    def resyncs(self) -> list[ResyncWanted]:
        return self.said(ResyncWanted)
