"""What the wallboard shows, read from the page, and what it must show."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from tests.lab.board_truth import Figure
from tests.lab.board_world import Range, World, alerts, wrapped_until

# Everything on the page that holds a digit, by the place where it stands. What stands nowhere that
# is known here is `unknown`: a new figure must be added to this test.
READ = r"""
() => {
  const text = (node) => (node?.textContent ?? '').replace(/\s+/g, ' ').trim();
  const own = (node) => {
    const copy = node.cloneNode(true);
    copy.querySelectorAll('.unseen').forEach((hidden) => hidden.remove());
    return text(copy);
  };
  const figure = (node) => ({
    value: text(node.querySelector('b')),
    why: text(node.querySelector(':scope > .unseen:last-child')),
    gap: node.querySelector('b svg') !== null,
  });
  const counts = (box) => Object.fromEntries([...box.querySelectorAll(':scope > li')].map(
    (li) => [li.dataset.state, Number(text(li.querySelector('b')))]));
  const known = [
    '.health-item', '.feed', '.now', '.notices', '.account', '.nav', '.pages', '.controls',
    '.queues-top', '.queue-name', '.waiting', '.longest', '.level', '.callers', '.queue-counts',
    '.seats-top', '.group-name', '.tile', '.counts', '.card', '.more', '.alerts-top', '.alert',
    '.alerts .unseen', '.alert-more', '.skip', '.said',
  ];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const unknown = [];
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const parent = node.parentElement;
    if (/\d/.test(node.data) && parent.closest('script, style') === null &&
        !known.some((place) => parent.closest(place) !== null)) {
      unknown.push(`${parent.closest('[class]')?.className}: ${node.data}`);
    }
  }
  return {
    at: Date.now() / 1000,
    unknown,
    title: document.title,
    stale: document.querySelector('.app').dataset.stale,
    link: text(document.querySelector('.health-item')),
    gaps: text(document.querySelector('.feed-gaps')),
    notices: text(document.querySelector('.notices > button')),
    queueTotal: Number(text(document.querySelector('.queues-top h2 .faint'))),
    queues: Object.fromEntries([...document.querySelectorAll('.queue')].map((card) => [
      card.dataset.queue,
      {
        waiting: Number(text(card.querySelector('.waiting b'))),
        longest: text(card.querySelector('.longest b')),
        level: figure(card.querySelector('.level')),
        callers: [...card.querySelectorAll('.callers-first .caller')].map((caller) => [
          text(caller.querySelector('.caller-number')), text(caller.querySelector('b'))]),
        more: text(card.querySelector('.callers-more')),
        figures: Object.fromEntries([...card.querySelectorAll('.queue-counts a')].map((one) => [
          new URL(one.href).searchParams.get('metric'), {
            ...figure(one), window: new URL(one.href).searchParams.get('window'),
            before: [...one.querySelectorAll('.before span')].map((s) => text(s).split(' ').pop()),
          }])),
        numbers: [...card.querySelectorAll('.queue-counts .figure')].length,
      }])),
    seatTotal: Number(text(document.querySelector('.seats-top h2 .faint'))),
    counts: [...document.querySelectorAll('.counts')].map(counts),
    groups: [...document.querySelectorAll('.group-name')].map(own),
    seats: Object.fromEntries([...document.querySelectorAll('.tile')].map((tile) => [
      tile.dataset.seat.split('/').slice(1).join('/'), {
        state: tile.dataset.state, strength: tile.dataset.strength,
        label: text(tile.querySelector('.tile-label')),
        person: text(tile.querySelector('.tile-person')),
        time: text(tile.querySelector('.tile-time')),
        texts: [...tile.querySelectorAll('.tile-text')].map(text),
        owed: text(tile.querySelector('.tile-owed b')),
        described: tile.getAttribute('aria-label'),
      }])),
    trouble: [...document.querySelectorAll('.card')].map((card) => [
      card.dataset.trouble, card.dataset.strength]),
    active: text(document.querySelector('.active-count')),
    alerts: [...document.querySelectorAll('.alert')].map((row) => ({
      strength: row.dataset.strength, cleared: row.dataset.cleared,
      rule: text(row.querySelector('.alert-rule')), level: text(row.querySelector('.alert-level')),
      who: text(row.querySelector('.alert-who')), value: text(row.querySelector('.alert-value')),
    })),
    earlier: text(document.querySelector('.alert-more')),
  };
}
"""
ON_CARD = frozenset({"answered", "abandoned", "connect_rate", "asa"})
ABSENT = "—"
KEPT = 200
"""The newest alerts; the board forgets older ones."""
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


def compare_now(page: dict[str, Any], world: World, check: Compare) -> None:
    """What the page says of this moment: seats, callers, alerts, and itself."""
    now = page["at"]
    check.same("places with figures that this test does not know", page["unknown"], [])
    check.same("the page's feed", page["stale"], "no")
    check.same("link", page["link"].startswith("PBX linked"), True)
    check.same("notices", page["notices"], "")
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
        check.same(f"{seat} label", tile["label"], seat.rpartition("/")[2])
        shown_person = "" if true.state == "logged_out" else person
        check.same(f"{seat} person", tile["person"], shown_person)
        if true.number is not None:
            words = true.number + (f" · {true.queue}" if true.queue else "")
            check.same(f"{seat} call", tile["texts"], [words])
        else:
            check.same(f"{seat} detail", tile["texts"], [true.reason] if true.reason else [])
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


def _alerts(page: dict[str, Any], world: World, check: Compare) -> None:
    """The rows: one a spell, at its strongest."""
    raised = alerts(world)
    strongest = {alert.spell: alert for alert in raised if alert.sure}
    doubtful = {alert.spell for alert in raised if not alert.sure}
    # Whether those are there, or how strong, nobody can say: each may be one row too many or few.
    slack = Range(0, len(doubtful))
    true = Counter(
        (alert.rule, alert.level, "no" if not alert.cleared else "yes",
         f"{alert.seat.rpartition('/')[2]} {world.people[alert.seat]}")
        for alert in strongest.values()
    )  # fmt: skip
    shown: Counter[tuple[str, str, str, str]] = Counter()
    for row in page["alerts"]:
        rule = RULES_SHOWN.get(row["rule"], row["rule"])
        # Who hung up is over the moment it happens.
        cleared = "yes" if rule == "hangup_order" else row["cleared"]
        shown[rule, LEVELS_SHOWN.get(row["level"], row["level"]), cleared, row["who"]] += 1
    wrong, missing = shown - true, true - shown
    if wrong.total() not in slack:
        check.same("alerts shown and not true", dict(wrong), {})
    if len(page["alerts"]) < KEPT and missing.total() not in slack:
        check.same("alerts true and not shown", dict(missing), {})
    check.checked += true.total()
    active = sum(not alert.cleared for alert in strongest.values())
    check.same("active alerts", page["active"], f"{active} active" if active else "")


def compare_figures(
    page: dict[str, Any], window: str, truth: dict[str, dict[str, dict[str, Figure]]],
    gaps: dict[str, bool], check: Compare,
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


def _counted(what: str, why: str, figure: Figure, check: Compare) -> None:
    """The hover names the two numbers behind the figure."""
    if figure.den is None or figure.value is None:
        return
    found = re.search(r"(?:^|· )([\d.]+) / ([\d.]+)(?: ·|$)", why)
    check.same(f"{what} explained", found is not None, True)
    if found is not None:
        check.within(f"{what} numerator", float(found[1]), figure.num)
        check.within(f"{what} denominator", float(found[2]), figure.den)
