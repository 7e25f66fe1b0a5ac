"""Accounts: what facts add, put into the ledgers of their scopes by key, so that an amended fact
replaces what it added before, and what is too old is forgotten. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from agentd.core.metric_facts import SITE
from agentd.core.metric_ledger import Heard, Ledger, Point, Scope, Totals
from agentd.core.metric_windows import Window

HOUR_US: Final = 3_600_000_000
Key = tuple[str, ...]
"""Names what a fact is about: its kind, then what tells it apart."""


class Known(Struct, gc=False):
    """What a key adds now, and when it counts last: after that it can be forgotten some day."""

    points: tuple[Point, ...]
    last_us: int


class Accounts:
    """The ledgers of all scopes, and when each PBX was heard."""

    def __init__(self) -> None:
        self.ledgers: dict[Scope, Ledger] = {}
        self.known: dict[Key, Known] = {}
        self.heard: dict[str, Heard] = {}
        self.forgot_us = 0
        """What counts before that moment is forgotten."""
        self._rates_us: dict[str, int] = {}
        """The latest moment by PBX at which a rate changes."""
        self._by_hour: dict[int, list[Key]] = {}
        """The keys by the hour in which they count last, or of an earlier one."""

    # --- in -------------------------------------------------------------------------------

    def put(self, key: Key, points: Iterable[Point], last_us: int) -> None:
        """What ``key`` adds is ``points`` from now on; it is remembered until ``last_us``, or as
        long as was said before."""
        now = tuple(self._dated(point) for point in points)
        known = self.known.get(key)
        if known is None:
            known = self.known[key] = Known((), last_us)
            self._by_hour.setdefault(last_us // HOUR_US, []).append(key)
            if last_us < self.forgot_us:
                return
        elif last_us > known.last_us:
            if last_us // HOUR_US != known.last_us // HOUR_US:
                self._by_hour.setdefault(last_us // HOUR_US, []).append(key)
            known.last_us = last_us
        if known.points != now:
            self._replace(known, now)

    def _dated(self, point: Point) -> Point:
        """The point, in the heard time of its PBX where a rate changes."""
        if not point.rates:
            return point
        heard_us = self.heard_of(point.pbx).us(point.at_us)
        self._rates_us[point.pbx] = max(self._rates_us.get(point.pbx, 0), point.at_us)
        return replace(point, heard_us=heard_us) if heard_us != point.heard_us else point

    def _replace(self, known: Known, now: tuple[Point, ...]) -> None:
        for point in known.points:
            for scope in point.scopes:
                self.ledgers[scope].remove(point)
        for point in now:
            for scope in point.scopes:
                ledger = self.ledgers.get(scope)
                if ledger is None:
                    ledger = self.ledgers[scope] = Ledger()
                ledger.pbxs.add(point.pbx)
                ledger.insert(point)
        known.points = now

    def link_changed(self, pbx: str, at_us: int, *, up: bool) -> None:
        """From ``at_us`` on the PBX is heard, or is not."""
        changed_us = self.heard_of(pbx).changed(at_us, up=up)
        if changed_us is not None and changed_us < self._rates_us.get(pbx, 0):
            self._date_anew(pbx, changed_us)

    def heard_of(self, pbx: str) -> Heard:
        heard = self.heard.get(pbx)
        if heard is None:
            heard = self.heard[pbx] = Heard()
        return heard

    def _date_anew(self, pbx: str, after_us: int) -> None:
        """Heard times after ``after_us`` are other than they were: a gap was heard of late."""
        for known in self.known.values():
            if any(p.rates and p.pbx == pbx and p.at_us > after_us for p in known.points):
                self._replace(known, tuple(self._dated(point) for point in known.points))

    # --- out ------------------------------------------------------------------------------

    def between(self, start: Totals, from_us: int, end: Totals, to_us: int) -> dict[str, int]:
        """The named sums from one edge to another, those that are not 0."""
        before = start.adds
        values = {
            name: number - before.get(name, 0)
            for name, number in end.adds.items()
            if number != before.get(name, 0)
        }
        for (name, pbx), (rate, moment) in end.rates.items():
            heard = self.heard_of(pbx)
            rate_then, moment_then = start.rates.get((name, pbx), (0, 0))
            time_us = heard.us(to_us) * rate - moment - heard.us(from_us) * rate_then + moment_then
            if time_us:
                values[name] = values.get(name, 0) + time_us
        return values

    def has_gap(self, scope: Scope, span: Window) -> bool:
        """Whether a PBX of the scope was not heard in a part of that time."""
        # What is known of nowhere, or of the site, may be missing from any of them.
        known = scope != SITE and scope in self.ledgers
        pbxs = self.ledgers[scope].pbxs if known else self.heard
        length_us = span.to_us - span.from_us
        return any(
            (heard := self.heard_of(pbx)).us(span.to_us) - heard.us(span.from_us) < length_us
            for pbx in pbxs
        )

    # --- forgetting -----------------------------------------------------------------------

    def forget(self, before_us: int) -> Iterator[Key]:
        """Forget what counts before that moment, except in sum; gives the keys."""
        self.forgot_us = before_us
        for hour in [hour for hour in self._by_hour if (hour + 1) * HOUR_US <= before_us]:
            for key in self._by_hour.pop(hour):
                known = self.known.get(key)
                if known is not None and known.last_us < before_us:
                    del self.known[key]
                    yield key
        for ledger in self.ledgers.values():
            ledger.forget(before_us)
        for heard in self.heard.values():
            heard.forget(before_us)
