"""Reports, as one person may see them: the period, whose lines, the sums, and what was not heard.

Where the sums come from is the daemon's or the command's business (``ports.reports.SumsSource``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from agentd.core.metric_figures import Sums
from agentd.core.metric_row import ScopeKind
from agentd.core.people import Directory, Person
from agentd.core.policy import PolicyBook
from agentd.core.report_periods import PeriodProblem, SiteDays, Span
from agentd.core.reports import (
    LONGEST,
    Report,
    ReportBy,
    ReportGap,
    ScopeSums,
    Wanted,
    build,
    columns_of,
    marked,
)
from agentd.errors import Refused
from agentd.ports.reports import ReportAsk, ReportStore, SumsSource


def labels(directory: Directory, books: Mapping[str, PolicyBook]) -> Callable[[ReportBy, str], str]:
    """Says how a queue, team or person is written."""

    def label_of(by: ReportBy, name: str) -> str:
        if by == "person":
            person = directory.get(name)
            return name if person is None else f"{person.name} ({name})"
        pbx, slash, queue = name.partition("/")
        if by == "team" or not slash:
            return name
        book = books.get(pbx)
        label = queue if book is None else book.queue_labels.get(queue, queue)
        return f"{label} ({pbx})" if len(books) > 1 else label

    return label_of


class Sights(Protocol):
    """Whose figures a person may see."""

    def scope_for(self, who: Person, kind: ScopeKind, name: str) -> object: ...


class ReportService:
    """See the module (implements :class:`agentd.ports.reports.Reports`).

    ``now_us``: PBX time; ``label_of``: how a queue, team or person is written; ``unheard_us``: of
    PBXs that nobody listens to now, since when.
    """

    def __init__(
        self,
        *,
        days: SiteDays,
        source: SumsSource,
        store: ReportStore,
        sight: Sights,
        label_of: Callable[[ReportBy, str], str],
        now_us: Callable[[], int],
        pbxs: Sequence[str],
        unheard_us: Mapping[str, int] | None = None,
    ) -> None:
        self.days = days
        self._source = source
        self._store = store
        self._sight = sight
        self._label_of = label_of
        self._now_us = now_us
        self._pbxs = tuple(pbxs)
        self._unheard_us = unheard_us or {}

    @property
    def shifts(self) -> Sequence[str]:
        """The configured shifts."""
        return self.days.shifts

    async def report(self, who: Person, ask: ReportAsk) -> Report:
        """See the seam."""
        self._allow(who, ask)
        now_us = self._now_us()
        period = self.days.period(ask.period, now_us)
        if isinstance(period, PeriodProblem):
            zh, en = period.text
            raise Refused(en, code="invalid", text_zh=zh, field=period.field)
        before = self.days.before(period)
        pieces = self.days.pieces(period)
        spans = sorted({*pieces, *before.spells})
        found = await self._source.sums(ask.by, spans)
        gaps = await self._gaps(before.from_us, period.to_us, now_us)
        longest = await self._store.longest_waits(spans) if ask.by == "queue" else {}

        def sums_of(name: str, wanted: Iterable[Span]) -> list[Sums]:
            pbx = name.partition("/")[0] if ask.by == "queue" else None
            given = []
            for span in wanted:
                index = spans.index(span)
                values = dict(found[name][index].values)
                longest_us = longest.get(name, [None] * len(spans))[index]
                if longest_us is not None:
                    values[LONGEST] = longest_us
                given.append(marked(Sums(values, gap=False), gaps, span, pbx))
            return given

        scopes = [
            ScopeSums(
                name, self._label_of(ask.by, name), sums_of(name, pieces),
                sums_of(name, before.spells),
            )
            for name in found
            if ask.name in (None, name) and self._sees(who, ask.by, name)
        ]  # fmt: skip
        # Who was there in the period before only would be a line of noughts.
        scopes = [scope for scope in scopes if any(sums.values for sums in scope.pieces)]
        # Queues as they are called, people by their number.
        scopes.sort(key=lambda scope: (scope.label if ask.by == "queue" else "", scope.name))
        columns = columns_of(ask.by, self.days.book.rules)
        wanted = Wanted(ask.by, period, before, pieces, columns, ask.details)
        return build(wanted, scopes, gaps, now_us)

    def _allow(self, who: Person, ask: ReportAsk) -> None:
        """Raises :class:`Refused`: what is asked for by name is looked at before anything else."""
        if ask.name is not None:
            self._sight.scope_for(who, ask.by, ask.name)
        elif not who.may("board") and not (ask.by == "person" and who.may("desk")):
            raise Refused("You may not do this.", code="forbidden", text_zh="您无权进行此操作。")

    def _sees(self, who: Person, by: ReportBy, name: str) -> bool:
        try:
            self._sight.scope_for(who, by, name)
        except Refused:
            return False
        return True

    async def _gaps(self, from_us: int, to_us: int, now_us: int) -> list[ReportGap]:
        """When what was not heard, from the beginning of the period before on."""
        found = [
            ReportGap(gap.pbx, gap.from_us, now_us if gap.to_us is None else gap.to_us)
            for gap in await self._store.gaps(from_us, to_us)
            # What goes on at a PBX that was taken away is nobody's gap any more.
            if gap.to_us is not None or gap.pbx in self._pbxs
        ]
        found += [ReportGap(pbx, at_us, now_us) for pbx, at_us in self._unheard_us.items()]
        since_us = await self._store.known_since_us()
        begins_us = now_us if since_us is None else since_us
        if begins_us > from_us:
            # Before agentd was there nobody counted.
            found += [ReportGap(pbx, from_us, begins_us) for pbx in self._pbxs]
        return sorted(
            (gap for gap in found if gap.from_us < to_us and gap.to_us > from_us),
            key=lambda gap: (gap.from_us, gap.pbx),
        )
