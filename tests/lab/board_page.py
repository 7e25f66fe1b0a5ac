"""What the wallboard and the big screen must show, held against what was read from them."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from tests.lab.board_truth import Figure
from tests.lab.board_world import Range, World, alerts, wrapped_until

ON_CARD = frozenset({"answered", "abandoned", "connect_rate", "asa"})
ABSENT = "—"
KEPT = 200
"""The newest alerts; the board forgets older ones."""
UTC_OFFSET_S = 8 * 3600
"""Of the built-in working calendar."""
CLOCK_S = 1.0
"""How far the page's clock, which ticks, may be behind the PBX's."""
RULES_SHOWN = {"Ring": "ring", "Hold": "hold", "Who hung up": "hangup_order"}
LEVELS_SHOWN = {"warning": "warning", "breach": "breach", "escalated": "escalation"}


# --- as the page writes figures ------------------------------------------------------------------


def duration(seconds: float) -> str:
    whole = max(0, math.floor(seconds))
    minutes, s = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}:{s:02d}"
    return f"{minutes // 60}:{minutes % 60:02d}:{s:02d}"


def texts(figure: Figure, *, unit: bool = True) -> set[str]:
    """All that may stand there for a figure: to the digits shown."""
    value = figure.value
    if value is None:
        return {ABSENT}
    lo, hi = value.lo, value.hi
    if figure.unit == "share":
        shares = range(math.floor(lo * 100 + 1e-9), math.floor(hi * 100 + 1e-9) + 1)
        return {f"{share}%" if unit else f"{share}" for share in shares}
    if figure.unit == "seconds":
        # As JavaScript rounds: a half goes up.
        whole = range(math.floor(max(lo, 0) + 0.5), math.floor(hi + 0.5) + 1)
        return {duration(s) if s > 60 else f"{s} s" if unit else f"{s}" for s in whole} | (
            {duration(60)} if hi >= 60 else set()
        )
    return {f"{count}" for count in range(round(lo), round(hi) + 1)}


# --- seats ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SeatTruth:
    """How a seat stands. `number` and `queue`: of the call there; `reason`: why it is paused."""

    state: str
    number: str | None = None
    queue: str | None = None
    reason: str | None = None


def seat_truth(world: World, seat: str, now: float) -> SeatTruth:
    """The first of docs/states.md's states that holds at `now`."""
    signed_in = seat in world.static
    for member in world.members:
        if member.seat == seat:
            signed_in = member.signed_in
    if not signed_in:
        return SeatTruth("logged_out")
    going = [p for p in world.seen.parts if p.seat == seat and p.ended_at is None]
    # What a seat dials counts as talking from the start.
    for part in [p for p in going if p.outbound or p.answered_at is not None]:
        held = any(end is None for _, end in part.holds)
        return SeatTruth("holding" if held else "talking", part.number, part.queue)
    for part in going:
        state = "ringing" if part.ringing_at is not None else "offered"
        return SeatTruth(state, part.number, part.queue)
    reason = None
    for pause in world.pauses:
        if pause.seat == seat:
            reason = pause.reason
    if reason is not None:
        return SeatTruth("paused", reason=reason)
    ended = [p for p in world.seen.parts if p.seat == seat and p.answered_at and p.ended_at]
    if ended and wrapped_until(world, max(ended, key=lambda p: p.ended_at or 0))[0] > now:
        return SeatTruth("wrap_up")
    return SeatTruth("available")


# --- the comparison ------------------------------------------------------------------------------


class Compare:
    """Collects what differs, one line each."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.checked = 0
        self.met: set[str] = set()
        """States of seats, and waiting callers, that there were at the moment."""

    def same(self, what: str, shown: Any, true: Any) -> None:
        self.checked += 1
        if shown != true:
            self.wrong.append(f"{what}: shown {shown!r}, true {true!r}")

    def among(self, what: str, shown: str, true: set[str]) -> None:
        self.checked += 1
        if shown not in true:
            self.wrong.append(f"{what}: shown {shown!r}, true {sorted(true)}")

    def within(self, what: str, shown: float, true: Range) -> None:
        self.checked += 1
        if shown not in true:
            self.wrong.append(f"{what}: shown {shown}, true {true}")


def _running(clock: str) -> int:
    total = 0
    for part in clock.split(":"):
        total = total * 60 + int(part)
    return total


def compare_now(page: dict[str, Any], world: World, quiet_s: float, check: Compare) -> None:
    """What the page says of this moment: seats, callers, alerts, and itself."""
    now = page["at"]
    check.same("places with figures that this test does not know", page["unknown"], [])
    check.same("the page's feed", page["stale"], "no")
    check.same("link", page["link"].startswith("PBX linked"), True)
    check.same("notices", page["notices"], "")
    # One machine, one clock; and the last event is no older than the last that is known.
    offset, last = page["health"]
    found = re.fullmatch(r"clock offset ([+−]?)([\d.]+) s", offset)
    check.within("clock offset", float(found[2]) if found else 99, Range(0, 0.05))
    age = re.fullmatch(r"last event (?:(\d+) s|([\d:]+)) ago", last)
    seconds = _running(age[1] or age[2]) if age else 9999
    check.within("age of the last event", seconds, Range(0, quiet_s + 2 * CLOCK_S))
    check.same("gaps of the page's line", page["gaps"].startswith("no gaps"), True)

    states: Counter[str] = Counter()
    check.same("seats on the board", set(page["seats"]), set(world.people))
    check.same("number of seats", page["seatTotal"], len(world.people))
    teams = Counter(world.teams.values())
    check.same("teams", sorted(page["groups"]), sorted(f"{t} {n}" for t, n in teams.items()))
    for seat, person in world.people.items():
        true, tile = seat_truth(world, seat, now), page["seats"].get(seat)
        states[true.state] += 1
        check.met.add(true.state)
        if tile is None:
            continue
        check.same(f"{seat} state", tile["state"], true.state)
        _time_in_state(seat, tile["time"], world, true.state, now, check)
        _owed(seat, tile, world, now, check)
        check.same(f"{seat} label", tile["label"], seat.rpartition("/")[2])
        shown_person = "" if true.state == "logged_out" else person
        check.same(f"{seat} person", tile["person"], shown_person)
        if true.number is not None:
            words = true.number + (f" · {true.queue}" if true.queue else "")
            check.same(f"{seat} call", tile["texts"], [words])
        else:
            check.same(
                f"{seat} detail",
                tile["texts"],
                [world.words.get(true.reason, true.reason)] if true.reason else [],
            )
    _trouble(page, world, check)
    for counts in page["counts"]:
        shown = {state: count for state, count in counts.items() if count}
        check.same("seats by state", shown, dict(states))

    waiting = [visit for visit in world.seen.visits if visit.outcome == "waiting"]
    check.met.update("waiting" for _ in waiting)
    for name, card in page["queues"].items():
        mine = sorted((v for v in waiting if v.queue == name), key=lambda v: v.joined_at)
        check.same(f"{name} waiting", card["waiting"], len(mine))
        check.same(f"{name} callers", [n for n, _ in card["callers"]],
                   [v.number for v in mine[:2]])  # fmt: skip
        for visit, (_, clock) in zip(mine, card["callers"], strict=False):
            gone = now - visit.joined_at
            check.within(f"{name} wait of {visit.number}", _running(clock),
                         Range(math.floor(gone - CLOCK_S), gone + 0.1))  # fmt: skip
        if mine and ":" in card["longest"]:
            gone = now - mine[0].joined_at
            check.within(f"{name} longest wait", _running(card["longest"]),
                         Range(math.floor(gone - CLOCK_S), gone + 0.1))  # fmt: skip
        else:
            check.same(f"{name} longest wait", card["longest"], "–" if not mine else "a time")
        check.same(f"{name} more callers", card["more"],
                   f"{len(mine) - 2} more" if len(mine) > 2 else "")  # fmt: skip
    _alerts(page, world, check)


def _clock(what: str, shown: str, gone: float, check: Compare, behind_s: float = CLOCK_S) -> None:
    """A running time of the page, as against the seconds gone by."""
    seconds = _running(shown) if re.fullmatch(r"[\d:]+", shown) else -1
    check.within(what, seconds, Range(math.floor(gone - behind_s), gone + 0.2))


def _time_in_state(
    seat: str, shown: str, world: World, state: str, now: float, check: Compare
) -> None:
    """Since when the seat stands as it does: the last that happened there."""
    parts = [part for part in world.seen.parts if part.seat == seat]
    since = [0.0]
    for part in parts:
        since += [part.ended_at or 0]
        if state in ("talking", "holding") and part.ended_at is None:
            # What a seat dials counts as talking from the start.
            since += [part.offered_at if part.outbound else part.answered_at or 0]
            since += [edge[1] for spell in part.holds for edge in spell if edge is not None]
        elif state == "ringing" and part.ended_at is None:
            since += [part.ringing_at or 0]
    changes = [pause.at[1] for pause in world.pauses if pause.seat == seat]
    changes += [member.at[1] for member in world.members if member.seat == seat]
    if state in ("paused", "available", "logged_out"):
        since += changes
    if state == "available":
        ended = [part for part in parts if part.answered_at and part.ended_at]
        since += [min(now, wrapped_until(world, part)[1]) for part in ended]
    latest = max(since)
    if latest == 0:
        # Nothing has happened there: since agentd hears of it.
        heard = Range(now - world.heard_at[1] - 2 * CLOCK_S, now - world.heard_at[0] + CLOCK_S)
        check.within(f"{seat} time in {state}", _running(shown), heard)
        return
    # Where no limit runs, the board's times tick together, in whole seconds of the PBX's clock.
    _clock(f"{seat} time in {state}", shown, now - latest, check, 2 * CLOCK_S)


def _owed(seat: str, tile: dict[str, Any], world: World, now: float, check: Compare) -> None:
    """The orders of calls that are over, which whoever had the call last owes."""
    last = {
        part.call: part
        for part in world.seen.parts
        if not part.outbound and part.answered_at is not None
    }
    done = {one.call for one in world.completed}
    owed = [
        part
        for call, part in last.items()
        if part.seat == seat and part.ended_at is not None and call not in done
    ]
    check.same(f"{seat} orders owed", tile["owed"], f"{len(owed)}" if owed else "")
    if owed:
        left = min(part.ended_at or 0 for part in owed) + world.rules.order_due_s - now
        check.within(f"{seat} first order due", _running(tile["due"]),
                     Range(math.floor(left - 0.2), left + 2 * CLOCK_S))  # fmt: skip
    else:
        check.same(f"{seat} first order due", tile["due"], "")


def _trouble(page: dict[str, Any], world: World, check: Compare) -> None:
    """Who needs help: seats at which something lasts that is past a limit."""
    now = page["at"]
    lasting = [alert for alert in alerts(world) if not alert.cleared and alert.at < now]
    true = {alert.seat: alert for alert in lasting}
    check.same("seats in trouble", set(page["trouble"]), set(true))
    check.same("more seats in trouble", page["troubleMore"], "")
    for seat, alert in true.items():
        card = page["trouble"].get(seat)
        if card is None:
            continue
        limit = world.rules.ring_max_s if alert.rule == "ring" else world.rules.hold_max_s
        strength = "warning" if alert.level == "warning" else "breach"
        check.same(f"{seat} trouble", card["strength"], strength)
        check.same(f"{seat} trouble's rule", RULES_SHOWN.get(card["rule"]), alert.rule)
        check.same(f"{seat} in trouble", card["who"],
                   seat.rpartition("/")[2] + world.people[seat])  # fmt: skip
        check.same(f"{seat} limit", card["against"].endswith(f"limit {limit:g} s"), True)
        _clock(f"{seat} trouble's time", card["time"], now - alert.since, check)
        if strength == "breach":
            check.same(f"{seat} past the limit", card["over"].endswith(" over"), True)
            over = card["over"].partition(" ")[0]
            _clock(f"{seat} past the limit", over, now - alert.since - limit, check)


def _who(seat: str, world: World) -> str:
    return f"{seat.rpartition('/')[2]} {world.people[seat]}"


def _alerts(page: dict[str, Any], world: World, check: Compare) -> None:
    """The rows: one a spell, at its strongest."""
    raised = [alert for alert in alerts(world) if alert.at < page["at"]]
    strongest = {alert.spell: alert for alert in raised if alert.sure}
    doubtful = {alert.spell for alert in raised if not alert.sure}
    # Whether those are there, or how strong, nobody can say: each may be one row too many or few.
    slack = Range(0, len(doubtful))
    moments: dict[tuple[str, str], list[float]] = {}
    for alert in raised:
        of_day_s = (alert.at + UTC_OFFSET_S) % 86_400
        moments.setdefault((alert.rule, _who(alert.seat, world)), []).append(of_day_s)
    true: Counter[tuple[str, ...]] = Counter()
    for alert in strongest.values():
        who = _who(alert.seat, world)
        limit = world.rules.ring_max_s if alert.rule == "ring" else world.rules.hold_max_s
        value = "" if alert.rule == "hangup_order" else f"{alert.limit:.1f} s / {limit:g} s"
        key = alert.rule, alert.level, "yes" if alert.cleared else "no", who, value
        true[key] += 1
    shown: Counter[tuple[str, ...]] = Counter()
    for row in page["alerts"]:
        rule = RULES_SHOWN.get(row["rule"], row["rule"])
        # Who hung up is over the moment it happens.
        cleared = "yes" if rule == "hangup_order" else row["cleared"]
        level = LEVELS_SHOWN.get(row["level"], row["level"])
        key = rule, level, cleared, row["who"], row["value"]
        shown[key] += 1
        clock = _running(row["at"])
        # Of several that are alike but for their moment, the one that this row is of.
        near = moments.get((rule, row["who"]), [])
        meant = min(near, key=lambda s: abs(s - clock), default=math.nan)
        check.within(f"alert {key} at", clock, Range(meant - 1.1, meant + 0.1))
    for key in sorted(set(shown) | set(true)):
        few, many = true[key], shown[key]
        check.checked += 1
        kept = len(page["alerts"]) < KEPT or many > few
        if kept and abs(few - many) not in slack:
            check.same(f"alerts {key}", many, few)
    active = sum(not alert.cleared for alert in strongest.values())
    check.same("active alerts", page["active"], f"{active} active" if active else "")


def compare_figures(
    page: dict[str, Any], window: str, truth: dict[str, dict[str, dict[str, Figure]]],
    gaps: dict[str, bool], world: World, check: Compare,
) -> None:  # fmt: skip
    """The cards' figures in one window. `truth`: queue → window → figures."""
    check.same("queues on the board", set(page["queues"]), set(truth))
    check.same("number of queues", page["queueTotal"], len(truth))
    for name, card in page["queues"].items():
        windows = truth.get(name)
        if windows is None:
            continue
        today = windows["today"]
        level = texts(today["service_level"])
        check.among(f"{name} service level", card["level"]["value"],
                    level if level != {ABSENT} else {"–"})  # fmt: skip
        _level_explained(name, card["level"]["why"], today, world, check)
        check.same(f"{name} figures", set(card["figures"]), set(ON_CARD))
        check.same(f"{name} number of figures", card["numbers"], len(ON_CARD))
        for key, shown in card["figures"].items():
            figure = windows[window].get(key)
            if figure is None:
                continue
            what = f"{name} {key} {window}"
            check.same(f"{what} links to", shown["window"], window)
            check.among(what, shown["value"], texts(figure))
            check.same(f"{what} gap", shown["gap"], gaps[window])
            for when, text in zip(("yesterday", "last_week"), shown["before"], strict=True):
                before = windows[f"{window}@{when}"][key]
                check.among(f"{what}@{when}", text, texts(before, unit=False))
            _counted(what, shown["why"], figure, check)


def _level_explained(
    name: str, why: str, today: dict[str, Figure], world: World, check: Compare
) -> None:
    found = re.search(r"within (\d+) s ÷ \((\d+) offered .* − (\d+) short", why)
    check.same(f"{name} service level explained", found is not None, True)
    if found is not None:
        check.within(f"{name} limit", int(found[1]), Range(*[world.rules.answered_within_s] * 2))
        decided = today["offered"].num - today["waiting"].num
        check.within(f"{name} decided", int(found[2]), decided)
        check.within(f"{name} short", int(found[3]), today["short_abandons"].num)


def _counted(what: str, why: str, figure: Figure, check: Compare) -> None:
    """The hover names the two numbers behind the figure."""
    if figure.den is None or figure.value is None:
        return
    found = re.search(r"(?:^|· )([\d.]+) / ([\d.]+)(?: ·|$)", why)
    check.same(f"{what} explained", found is not None, True)
    if found is not None:
        check.within(f"{what} numerator", float(found[1]), figure.num)
        check.within(f"{what} denominator", float(found[2]), figure.den)


def compare_wall(
    wall: dict[str, Any], window: str, truth: dict[str, dict[str, dict[str, Figure]]],
    gaps: dict[str, bool], world: World, check: Compare,
) -> None:  # fmt: skip
    """The big screen's picture of all queues, and its counts of seats."""
    now = wall["at"]
    check.same("wall: places that this test does not know", wall["unknown"], [])
    check.same("wall: queues", set(wall["rows"]), set(truth))
    columns = ["service level", "waiting", "longest wait", "abandoned"]
    check.same("wall: columns", wall["head"][1:], columns)
    for name, cells in wall["rows"].items():
        figures = truth[name][window]
        level, waiting, longest, abandoned = cells
        what = f"wall: {name} {window}"
        levels = {text if text != ABSENT else "–" for text in texts(figures["service_level"])}
        check.among(f"{what} service level", level["text"], levels)
        check.same(f"{what} gap", (level["gap"], abandoned["gap"]), (gaps[window],) * 2)
        check.among(f"{what} abandoned", abandoned["text"], texts(figures["abandoned"]))
        mine = [v for v in world.seen.visits if v.outcome == "waiting" and v.queue == name]
        check.same(f"{what} waiting", waiting["text"], f"{len(mine)}")
        if mine:
            gone = now - min(visit.joined_at for visit in mine)
            _clock(f"{what} longest wait", longest["text"], gone, check)
        else:
            check.same(f"{what} longest wait", longest["text"], "–")
    states = Counter(seat_truth(world, seat, now).state for seat in world.people)
    check.same("wall: seats by state", wall["counts"], {s: states[s] for s in wall["counts"]})
    lasting = {a.seat for a in alerts(world) if not a.cleared and a.at < now}
    check.same("wall: trouble", wall["trouble"],
               f"Needs help: {len(lasting)}" if lasting else "")  # fmt: skip
