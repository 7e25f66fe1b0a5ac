"""The board: what people see of one PBX, as objects by key (docs/live-stream.md).

A projection of the engine's state; it decides nothing. Only objects that differ from what was
shown last are handed out, so ``apply(snapshot, deltas)`` equals the new snapshot.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from agentd.core import clocks, sign_in
from agentd.core.calls import Leg
from agentd.core.effects import Alert, Effect, OrderChanged, SeatChanged, seconds
from agentd.core.policy import PolicyBook
from agentd.core.queues import Queue
from agentd.core.seat import Seat
from agentd.core.state import State, us

ALERTS_KEPT = 200

Object = dict[str, Any]


class Board:
    """The board objects of one PBX."""

    def __init__(self, pbx: str, book: PolicyBook, state: State) -> None:
        self._pbx = pbx
        self._book = book
        self._state = state
        self._shown: dict[str, Object] = {}
        self._alerts: OrderedDict[str, Object] = OrderedDict()
        self._dirty_alerts: set[str] = set()
        self._troubled: dict[str | None, dict[str, str]] = {}
        """Seat → running alerts by spell, with their level."""
        self._where: dict[str, str | None] = {}
        """Running alert → the seat that it troubles."""
        self._link: Object = {"link": "down", "code": None, "reason": None, "since": None}
        self._info: Object = {"clock_offset_s": None, "version": None, "warnings": []}
        self._step: Object | None = None
        self._lag_us: int | None = None

    # --- taking note ----------------------------------------------------------------------

    def note(self, effects: Sequence[Effect]) -> None:
        """Effects that show on the board."""
        for effect in effects:
            if isinstance(effect, Alert):
                self._note_alert(effect)
            elif isinstance(effect, OrderChanged):
                if effect.seat is not None:
                    self._state.shown_seats.add(effect.seat)
            elif isinstance(effect, SeatChanged):
                self._state.shown_seats.add(effect.seat)

    def _note_alert(self, alert: Alert) -> None:
        key = f"alert:{self._pbx}/{alert.spell}"
        self._trouble_over(alert.spell)
        if alert.level == "cleared":
            shown = self._alerts.get(key)
            if shown is not None:
                self._alerts[key] = {**shown, "cleared_at": seconds(alert.at_us)}
                self._dirty_alerts.add(key)
        else:
            lasting = alert.rule != "hangup_order"
            if lasting:
                self._trouble_at(alert.seat, alert.spell, alert.level)
            self._alerts[key] = {
                "kind": "alert",
                "id": alert.spell,
                "pbx": self._pbx,
                "at": seconds(alert.at_us),
                "level": alert.level,
                "rule": alert.rule,
                "seat": alert.seat,
                "agent": sign_in.shown_name(self._state, alert.agent),
                "person": sign_in.login_of(self._state, alert.agent),
                "call": alert.call,
                "queue": alert.queue,
                "to": list(alert.to),
                "value": seconds(alert.value_us),
                "limit": seconds(alert.limit_us),
                "cleared_at": None if lasting else seconds(alert.at_us),
            }
            self._alerts.move_to_end(key)
            self._dirty_alerts.add(key)
        if alert.seat is not None:
            self._state.shown_seats.add(alert.seat)

    def _trouble_at(self, seat: str | None, spell: str, level: str) -> None:
        self._where[spell] = seat
        self._troubled.setdefault(seat, {})[spell] = level

    def _trouble_over(self, spell: str) -> None:
        if spell in self._where:
            seat = self._where.pop(spell)
            self._troubled[seat].pop(spell)
            if seat is not None:
                self._state.shown_seats.add(seat)

    def _follow(self) -> None:
        """Alerts on orders go with the person who owes them; the next one there is not warned."""
        state = self._state
        for owed in state.orders.values():
            spell = f"work_order:{owed.order.id}"
            seat = state.present_seat(owed.order.agent, owed.order.seat)
            before = self._where.get(spell, seat)
            if before == seat:
                continue
            level = self._troubled[before][spell]
            self._trouble_over(spell)
            self._trouble_at(seat, spell, level)
            if seat is not None:
                state.shown_seats.add(seat)
            key = f"alert:{self._pbx}/{spell}"
            if key in self._alerts:
                self._alerts[key] = {**self._alerts[key], "seat": seat}
                self._dirty_alerts.add(key)

    def link(self, link: str, code: str | None, reason: str | None, at_us: int) -> None:
        """The feed's health changed at ``at_us``, 0 where the PBX's time is not known yet."""
        known = {"link": link, "code": code, "reason": reason}
        dated = self._link["since"] is not None or not at_us
        if not dated or any(self._link[key] != value for key, value in known.items()):
            self._link = {**known, "since": seconds(at_us or None)}

    def clock_set(self, step_us: int, at_us: int, offset_us: int | None) -> None:
        """The PBX's clock was set by ``step_us``: it says ``at_us``, ``offset_us`` more than ours
        (None: not known)."""
        self._info = {**self._info, "clock_offset_s": seconds(offset_us)}
        self._step = {"at": seconds(at_us), "seconds": seconds(step_us)}

    def info(
        self, offset_us: int | None, version: str | None, warnings: Sequence[tuple[str, str]]
    ) -> None:
        self._info = {
            "clock_offset_s": seconds(offset_us),
            "version": version,
            "warnings": [{"code": code, "text": text} for code, text in warnings],
        }

    def lag(self, lag_us: int | None) -> None:
        """How far judging was behind the PBX of late; None: no event came."""
        self._lag_us = lag_us

    # --- handing out ----------------------------------------------------------------------

    def take(self, seen_us: int) -> tuple[dict[str, Object], list[str]]:
        """(objects that changed by key, keys that are gone) since the last call."""
        state = self._state
        changed: dict[str, Object] = {}
        last_event = seconds(seen_us // 1_000_000 * 1_000_000) if seen_us else None
        pbx = {"kind": "pbx", "id": self._pbx, **self._link, "last_event_at": last_event}
        heard = {**pbx, "lag_s": seconds(self._lag_us), **self._info, "clock_step": self._step}
        self._put(changed, f"pbx:{self._pbx}", heard)
        if state.moved:
            state.moved = False
            self._follow()
        if state.touched_queues:
            for name in state.touched_queues:
                self._put(changed, f"queue:{self._pbx}/{name}", self._queue(state.queues[name]))
            state.touched_queues.clear()
        if state.shown_seats:
            for device in state.shown_seats:
                seat = state.seats.get(device)
                if seat is not None and seat.state is not None:
                    self._put(changed, f"seat:{self._pbx}/{device}", self._seat(seat))
            state.shown_seats.clear()
        gone: list[str] = []
        while len(self._alerts) > ALERTS_KEPT:
            key, _ = self._alerts.popitem(last=False)
            if self._shown.pop(key, None) is not None:
                gone.append(key)
        for key in self._dirty_alerts:
            if key in self._alerts:
                self._put(changed, key, self._alerts[key])
        self._dirty_alerts.clear()
        return changed, gone

    def whole(self) -> dict[str, Object]:
        """Every object that was handed out and still stands, by key."""
        return dict(self._shown)

    def _put(self, changed: dict[str, Object], key: str, value: Object) -> None:
        if self._shown.get(key) != value:
            self._shown[key] = value
            changed[key] = value

    # --- objects --------------------------------------------------------------------------

    def _queue(self, queue: Queue) -> Object:
        policy = self._state.policy(queue.name, None)
        waiting = sorted(queue.waiting.values(), key=lambda w: w.joined_us)
        return {
            "kind": "queue",
            "pbx": self._pbx,
            "name": queue.name,
            "label": self._book.queue_labels.get(queue.name, queue.name),
            "waiting": [
                {"call": w.call, "caller": w.caller, "joined_at": seconds(w.joined_us)}
                for w in waiting
            ],
            "offered": queue.offered,
            "answered": queue.answered,
            "abandoned": queue.abandoned,
            "short_abandons": queue.short_abandons,
            "let_go": queue.let_go,
            "service_level": queue.service_level,
            "service_level_name": f"SL({policy.service_level_s:g})",
            "service_level_s": policy.service_level_s,
            "wait_warn_s": policy.wait_warn_s,
            "wait_max_s": policy.wait_max_s,
            "counted_since": seconds(queue.counted_since_us or None),
            "gap": queue.gap,
        }

    def _seat(self, seat: Seat) -> Object:
        leg = self._leg_shown(seat)
        return {
            "kind": "seat",
            "pbx": self._pbx,
            "seat": seat.device,
            "label": seat.config.label or seat.device.rpartition("/")[2],
            "group": seat.group,
            "place": seat.config.place,
            "agent": seat.shown_agent,
            "person": seat.person,
            "state": seat.state,
            "since": seconds(seat.since_us),
            "queues": sorted(seat.queues),
            "pause_reason": seat.pause_reason,
            "call": leg.call or leg.uid if leg is not None else None,
            "caller": leg.caller if leg is not None else None,
            "queue": leg.queue if leg is not None else None,
            "direction": leg.direction if leg is not None else None,
            "clock": self._clock(leg) if leg is not None else None,
            "owed": self._owed(seat),
            "trouble": self._trouble(seat),
            "gap": leg.gap if leg is not None else False,
        }

    def _owed(self, seat: Seat) -> list[Object]:
        """What the person there owes, and what nobody does who is known: the nearest deadline
        first."""
        state, device = self._state, seat.device
        shown = state.owed_shown.get(device)
        if shown is None:
            candidates = {**state.owed.get(device, {}), **state.owed_by.get(seat.agent or "", {})}
            shown = [
                {"id": owed.order.id, "due_at": seconds(owed.order.due_us)}
                for owed in candidates.values()
                if state.present_seat(owed.order.agent, owed.order.seat) == device
            ]
            shown.sort(key=lambda o: (o["due_at"] is None, o["due_at"] or 0.0, o["id"]))
            state.owed_shown[device] = shown
        return shown

    def _leg_shown(self, seat: Seat) -> Leg | None:
        """The leg that the seat's state speaks of: one that waits, else talks, else rings."""
        open_legs = [leg for leg in seat.legs.values() if leg.ended_us is None]
        return max(
            open_legs,
            key=lambda leg: (leg.spell is not None, leg.answered_us is not None, leg.uid),
            default=None,
        )

    def _clock(self, leg: Leg) -> Object | None:
        policy = clocks.policy_of(self._state, leg)
        spell = leg.spell
        if spell is not None:
            warn_us, most_us, _ = clocks.limits(policy, spell.kind)
            return self._running(
                spell.kind, spell.at_us, warn_us, most_us, policy.ring_cycle_s, spell.stopped
            )
        if leg.ringing_us is None or leg.answered_us is not None or leg.found:
            return None
        if leg.consulted or leg.direction != "inbound":
            return None
        return self._running(
            "ring",
            leg.ringing_us,
            us(policy.ring_warn_s),
            us(policy.ring_limit_s),
            policy.ring_cycle_s,
            leg.ring_stopped,
        )

    @staticmethod
    def _running(
        rule: str, from_us: int, warn_us: int, most_us: int | None, cycle_s: float, stopped: bool
    ) -> Object:
        return {
            "rule": rule,
            "from": seconds(from_us),
            "warn_at": seconds(from_us + warn_us),
            "breach_at": seconds(from_us + most_us) if most_us is not None else None,
            "ring_cycle_s": cycle_s,
            "stopped": stopped,
        }

    def _trouble(self, seat: Seat) -> str:
        levels = set(self._troubled.get(seat.device, {}).values())
        if "escalation" in levels or "breach" in levels:
            return "breach"
        return "warning" if "warning" in levels else "calm"
