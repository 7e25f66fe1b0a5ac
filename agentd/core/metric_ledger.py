"""Sums over sliding windows, exact to the microsecond: ledgers of points, and edges that walk them.

What happens at a moment is a :class:`Point`: numbers to add to named sums, and changes of rates
(how many seats are signed in, say). A scope's :class:`Ledger` keeps its points in their order;
an :class:`Edge` is a moment with all sums up to it. A window is what lies between two edges, so a
fact costs one addition at each edge that passes it, late or not. All numbers are integers.

Time is summed as *heard time* of the PBX (:class:`Heard`), which stands still in a gap: with the
rate R and the moment M of all changes d at heard times h, the sum up to a heard time t is
``t * R - M`` where ``R = sum(d)`` and ``M = sum(d * h)``.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from msgspec import Struct, field

from agentd.core.metric_row import ScopeKind

Scope = tuple[ScopeKind, str]
"""Kind and name. A queue and a seat are named ``PBX/NAME`` as on the board, a person by login (or
as the queue names them), a team by its name; the site's name is empty."""

TRIM_AT = 512
"""A ledger forgets in pieces of at least so many points."""


class Point(Struct, frozen=True, gc=False):
    """What happened at a moment for ``scopes``: ``adds`` are (sum, number), ``rates`` are (sum, by
    how much its rate changes). ``heard_us``: that moment in the heard time of ``pbx``, where a rate
    changes. ``call``: (PBX, call) that it is about."""

    scopes: tuple[Scope, ...]
    at_us: int
    pbx: str
    adds: tuple[tuple[str, int], ...] = ()
    rates: tuple[tuple[str, int], ...] = ()
    call: tuple[str, str] | None = None
    heard_us: int = 0


class Totals(Struct):
    """Sums of points, and the state of the rates: by (sum, PBX) how many, and the moment M."""

    adds: dict[str, int] = field(default_factory=dict)
    rates: dict[tuple[str, str], list[int]] = field(default_factory=dict)

    def add(self, point: Point, sign: int = 1) -> None:
        """Take ``point`` in, or (``sign`` -1) out."""
        adds = self.adds
        for name, number in point.adds:
            adds[name] = adds.get(name, 0) + sign * number
        for name, change in point.rates:
            rate = self.rates.get((name, point.pbx))
            if rate is None:
                rate = self.rates[name, point.pbx] = [0, 0]
            rate[0] += sign * change
            rate[1] += sign * change * point.heard_us

    def copy(self) -> Totals:
        return Totals(dict(self.adds), {key: rate[:] for key, rate in self.rates.items()})


class Edge(Struct):
    """A moment in a ledger: ``totals`` of its points before ``at_us``, which are the first
    ``index``."""

    at_us: int
    index: int
    totals: Totals


class Ledger:
    """The points of one scope, and the edges of the windows that were asked for."""

    def __init__(self) -> None:
        self.points: list[Point] = []
        self.pbxs: set[str] = set()
        """Of which PBXs its facts are."""
        self._edges: dict[str, Edge] = {}
        self._base = Totals()
        self._base_us = -1
        """Points before this moment are summed up in ``_base`` and forgotten."""

    def insert(self, point: Point) -> None:
        """Add a point, at whichever moment."""
        at_us = point.at_us
        if at_us < self._base_us:
            self._base.add(point)
            for edge in self._edges.values():
                edge.totals.add(point)
            return
        points = self.points
        if not points or at_us >= points[-1].at_us:
            points.append(point)
        else:
            points.insert(bisect_right(points, at_us, key=_moment), point)
        for edge in self._edges.values():
            if at_us < edge.at_us:
                edge.totals.add(point)
                edge.index += 1

    def remove(self, point: Point) -> None:
        """Take a point out that was inserted."""
        at_us = point.at_us
        if at_us < self._base_us:
            self._base.add(point, -1)
            for edge in self._edges.values():
                edge.totals.add(point, -1)
            return
        index = bisect_left(self.points, at_us, key=_moment)
        while self.points[index] is not point:
            index += 1
        del self.points[index]
        for edge in self._edges.values():
            if at_us < edge.at_us:
                edge.totals.add(point, -1)
                edge.index -= 1

    def up_to(self, name: str, at_us: int) -> Totals:
        """The totals of all points before ``at_us``, at the edge ``name``, which is best asked for
        later and later moments."""
        edge = self._edges.get(name)
        if edge is None or at_us < edge.at_us:
            near = self._before(at_us)
            edge = self._edges[name] = Edge(near.at_us, near.index, near.totals.copy())
        self._walk(edge, at_us)
        return edge.totals

    def at(self, moments_us: Iterable[int]) -> list[Totals]:
        """The totals before each of these moments, which ascend."""
        moments = list(moments_us)
        near = self._before(moments[0])
        edge = Edge(near.at_us, near.index, near.totals.copy())
        found: list[Totals] = []
        for at_us in moments:
            self._walk(edge, at_us)
            found.append(edge.totals.copy())
        return found

    def _walk(self, edge: Edge, at_us: int) -> None:
        points, index = self.points, edge.index
        count, add = len(points), edge.totals.add
        while index < count and points[index].at_us < at_us:
            add(points[index])
            index += 1
        edge.index = index
        edge.at_us = max(edge.at_us, at_us)

    def _before(self, at_us: int) -> Edge:
        """The latest edge that is not after ``at_us``."""
        start = Edge(self._base_us, 0, self._base)
        return max(
            (edge for edge in self._edges.values() if edge.at_us <= at_us),
            key=lambda edge: edge.at_us,
            default=start,
        )

    def between(self, from_us: int, to_us: int) -> list[Point]:
        """The points from ``from_us`` on, before ``to_us``."""
        start = bisect_left(self.points, from_us, key=_moment)
        return self.points[start : bisect_left(self.points, to_us, key=_moment)]

    def forget(self, before_us: int) -> None:
        """Points before that moment are needed no more, except in sum."""
        points = self.points
        count = bisect_left(points, before_us, key=_moment)
        if count < TRIM_AT and count < len(points):
            return
        for point in points[:count]:
            self._base.add(point)
        del points[:count]
        self._base_us = max(self._base_us, before_us)
        for name, edge in list(self._edges.items()):
            if edge.at_us < before_us:
                del self._edges[name]
            else:
                edge.index -= count


def _moment(point: Point) -> int:
    return point.at_us


class Heard:
    """When a PBX was heard: from ``up`` to ``down``, and not before the first ``up``."""

    def __init__(self) -> None:
        self._at: list[int] = []
        self._up: list[bool] = []
        self._sum: list[int] = []
        """Heard time up to each change."""

    def changed(self, at_us: int, *, up: bool) -> int | None:
        """The link changed at ``at_us``. Gives the moment from which heard times are other than
        they were; None: nothing changed."""
        index = bisect_left(self._at, at_us)
        was_up = self._up[index - 1] if index else False
        if index < len(self._at) and self._at[index] == at_us:
            was_up = self._up[index]
            self._up[index] = up
        else:
            # Also one that changes nothing: an earlier one may be heard of later.
            heard_us = self.us(at_us)
            self._at.insert(index, at_us)
            self._up.insert(index, up)
            self._sum.insert(index, heard_us)
        for i in range(index + 1, len(self._at)):
            heard_us = self._at[i] - self._at[i - 1] if self._up[i - 1] else 0
            self._sum[i] = self._sum[i - 1] + heard_us
        if up == was_up:
            return None
        return at_us

    def us(self, at_us: int) -> int:
        """Heard time up to ``at_us``; differences of these mean something."""
        index = bisect_right(self._at, at_us) - 1
        if index < 0:
            return self._sum[0] if self._sum else 0
        return self._sum[index] + (at_us - self._at[index] if self._up[index] else 0)

    def forget(self, before_us: int) -> None:
        """Gaps that were over before that moment are needed no more, except in sum."""
        keep = max(bisect_right(self._at, before_us) - 1, 0)
        del self._at[:keep], self._up[:keep], self._sum[:keep]
