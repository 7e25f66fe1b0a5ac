"""Accounts: pieces of facts, put into the ledgers of their scopes by key, so that an
amended fact replaces what it added before, and what is too old is forgotten. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from agentd.core.metric_facts import SITE, Piece, Scope
from agentd.core.metric_ledger import Heard, Ledger, Point, Totals
from agentd.core.metric_windows import Window

HOUR_US: Final = 3_600_000_000
Key = tuple[str, ...]
"""Names what a fact is about: its kind, then what tells it apart."""


class Known(Struct, frozen=True, gc=False):
    """What a key adds now: its pieces, and the points that they became in the ledgers."""

    pieces: tuple[Piece, ...]
    points: tuple[Point, ...]


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
        self._last_us: dict[Key, int] = {}
        """When each key counts last: then it can be forgotten some day."""
        self._by_hour: dict[int, list[Key]] = {}
        """The keys by the hour of that moment, or of an earlier one."""

    # --- in -------------------------------------------------------------------------------

    def put(self, key: Key, pbx: str, pieces: Iterable[Piece], last_us: int) -> None:
        """What ``key`` adds is ``pieces`` from now on; it is remembered until ``last_us``, or as
        long as was said before."""
        last_us = max(last_us, self._last_us.get(key, 0))
        self._remember(key, last_us)
        now = tuple(pieces)
        known = self.known.get(key)
        if known is not None:
            if known.pieces == now:
                return
            self._take_out(known)
        elif last_us < self.forgot_us:
            return
        points = tuple(self._point(pbx, piece) for piece in now)
        self._put_in(pbx, now, points)
        self.known[key] = Known(now, points)

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

    def _put_in(self, pbx: str, pieces: Iterable[Piece], points: Iterable[Point]) -> None:
        for piece, point in zip(pieces, points, strict=True):
            for scope in piece.scopes:
                ledger = self.ledgers.get(scope)
                if ledger is None:
                    ledger = self.ledgers[scope] = Ledger()
                ledger.pbxs.add(pbx)
                ledger.insert(point)

    def _take_out(self, known: Known) -> None:
        for piece, point in zip(known.pieces, known.points, strict=True):
            for scope in piece.scopes:
                self.ledgers[scope].remove(point)

    def _point(self, pbx: str, piece: Piece) -> Point:
        rates: tuple[tuple[str, str, int, int], ...] = ()
        if piece.rates:
            heard_us = self.heard_of(pbx).us(piece.at_us)
            rates = tuple((name, pbx, change, heard_us) for name, change in piece.rates)
            self._rates_us[pbx] = max(self._rates_us.get(pbx, 0), piece.at_us)
        return Point(piece.at_us, piece.adds, rates, piece.call)

    def _date_anew(self, pbx: str, after_us: int) -> None:
        """Heard times after ``after_us`` are other than they were: a gap was heard of late."""
        for key, known in self.known.items():
            if any(
                point.at_us > after_us and any(rate[1] == pbx for rate in point.rates)
                for point in known.points
            ):
                self._take_out(known)
                points = tuple(self._point(pbx, piece) for piece in known.pieces)
                self._put_in(pbx, known.pieces, points)
                self.known[key] = Known(known.pieces, points)

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

    def _remember(self, key: Key, last_us: int) -> None:
        before_us = self._last_us.get(key)
        if before_us != last_us:
            self._last_us[key] = last_us
            hour = last_us // HOUR_US
            if before_us is None or before_us // HOUR_US != hour:
                self._by_hour.setdefault(hour, []).append(key)

    def forget(self, before_us: int) -> Iterator[Key]:
        """Forget what counts before that moment, except in sum; gives the keys."""
        self.forgot_us = before_us
        for hour in [hour for hour in self._by_hour if (hour + 1) * HOUR_US <= before_us]:
            for key in self._by_hour.pop(hour):
                if self._last_us.get(key, before_us) < before_us:
                    del self._last_us[key]
                    self.known.pop(key, None)
                    yield key
        for ledger in self.ledgers.values():
            ledger.forget(before_us)
        for heard in self.heard.values():
            heard.forget(before_us)
