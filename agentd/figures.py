"""Figures, live: holds the metrics, feeds them with what the store announced, and shows them.

Whatever the engine says, people decide about violations, or write into orders, becomes a fact of
:class:`agentd.core.metrics.Metrics`. After a start the facts of the days that the windows reach
over are read from the store (:mod:`agentd.figures_restore`). Once a second the time goes on, and
what has changed goes to the live stream.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Protocol

import structlog

from agentd import clock
from agentd.core.effects import Effect, Judged, LinkSpan
from agentd.core.metric_accounts import HOUR_US
from agentd.core.metric_row import ScopeKind
from agentd.core.metric_table import BY_KEY, RULES
from agentd.core.metric_windows import QUARTER_US, WINDOWS, MetricBook, WindowName
from agentd.core.metrics import SITE, Metrics, Scope, Sums, figure_of
from agentd.core.order_model import Change, WorkOrder
from agentd.core.people import Directory, Person
from agentd.core.queues import DAY_US
from agentd.errors import AgentdError, Refused
from agentd.figures_amend import amend, quarter_of
from agentd.figures_board import (
    board_figures,
    board_key,
    board_object,
    figures_shown,
    interval_shown,
    table_shown,
)
from agentd.figures_restore import (
    AHEAD_US,
    NOW,
    Slices,
    Whose,
    moment_of,
    read_dispatched,
    read_span,
    spans_at,
    take_gaps,
)
from agentd.figures_scope import Engine, Sight
from agentd.ports import LiveSink
from agentd.ports.desk import DeskStore
from agentd.ports.figures import (
    CallsBehind,
    FeedGap,
    FeedHealth,
    FiguresShown,
    FigureWindow,
    IntervalsShown,
    MetricShown,
    OwnWork,
)
from agentd.ports.history import Fact, HistoryStore, IntervalRow
from agentd.reports_facts import FactSums

TICK_S: Final = 1.0
TROUBLE_S: Final = 5.0
PATIENCE_S: Final = 10.0
"""How long somebody waits for the own figures after a start."""
"""How soon the store is asked again when it refused."""
SPAN_MAX_US: Final = 32 * DAY_US
SETTLED_US: Final = 5 * 60_000_000
"""How long after its end an interval is stored first."""
STORED_AGAIN_US: Final = 7 * DAY_US
"""How long after that it is stored for the last time, with what was decided and written since."""
ROWS_AT_ONCE: Final = 1_000
SET_BACK_US: Final = 60_000_000
"""A clock that is set back by less than this is waited for."""
KEPT: Final[tuple[ScopeKind, ...]] = ("site", "queue", "team", "person")
"""Whose intervals are stored: a seat's are its people's."""

_log = structlog.get_logger(__name__)


class Store(HistoryStore, DeskStore, Protocol):
    """What figures need of the store."""

    async def flush(self) -> None: ...


class FigureService:
    """See the module (implements :class:`agentd.ports.figures.FiguresSource`).

    ``team_of`` says the group of a (pbx, seat). :meth:`run` in a task of its own;
    :meth:`announce`, :meth:`on_changed` and :meth:`on_judged` are to be told what happens.
    """

    def __init__(
        self,
        *,
        book: MetricBook,
        pbxs: Sequence[str],
        store: Store,
        engine: Engine,
        live: LiveSink,
        directory: Directory,
        team_of: Callable[[str, str | None], str | None],
        monotonic: Callable[[], float] = clock.monotonic,
        tick_s: float = TICK_S,
    ) -> None:
        self.metrics = Metrics(book)
        self._pbxs = tuple(pbxs)
        self._store = store
        self._engine = engine
        self._live = live
        self._whose = Whose(team_of, directory)
        self.sight = Sight(engine, tuple(pbxs), directory, team_of)
        self._monotonic = monotonic
        self._tick_s = tick_s
        self._whole: list[WindowName] = []
        """Windows of which everything was read."""
        self.counted = FactSums(store, book, self._whose, self.now_us, monotonic=monotonic)
        """Sums of what is not held any more, counted from the facts."""
        self._amending: dict[int, None] = {}
        """Quarters that were stored for the last time, and are others now."""
        self._shown: dict[str, Any] = {}
        self._todo: asyncio.Queue[Callable[[], Coroutine[Any, Any, None]]] = asyncio.Queue()
        self._linked: set[str] = set()
        """PBXs whose link was up since the start."""
        self._read_today, self._read_all = asyncio.Event(), asyncio.Event()
        self.patience_s = PATIENCE_S
        self._unheard_us: dict[str, int] = {}
        """Of the others: since when, as far as is known, they were not heard."""
        self.restored = False
        """Whether everything that is kept was read."""

    # --- in --------------------------------------------------------------------------------

    def announce(self, effects: Sequence[Effect]) -> None:
        """What the engine says, obligations after their commit."""
        for effect in effects:
            self._take(effect)
            if isinstance(effect, LinkSpan) and effect.up:
                self._linked.add(effect.pbx)
                # The store knows since when it was not heard, where nobody could say so.
                self._todo.put_nowait(self._learn_gaps)

    def on_changed(self, changes: Sequence[tuple[WorkOrder, Change]]) -> None:
        """Documents of orders changed (the store's word, after its commit)."""
        for order, _ in changes:
            self._take(order)

    def on_judged(self, violations: Iterable[str]) -> None:
        """Somebody decided about these violations (ids), or took a decision back."""
        for violation in violations:
            self._todo.put_nowait(partial(self._judge, violation))

    def _take(self, fact: Any) -> None:
        self._whose.give(self.metrics, fact)

    async def _judge(self, violation: str) -> None:
        judged = await self._store.violation(violation)
        if judged is not None:
            pbx = judged.violation.pbx
            now_us = self._engine.pbx_now_us(pbx)
            self._take(Judged(pbx, violation, now_us, judged.standing))
            young_us = now_us - STORED_AGAIN_US + HOUR_US
            if judged.violation.at_us - DAY_US > young_us:
                return
            quarter_us = await quarter_of(self._store, judged.violation)
            if quarter_us is not None and quarter_us < young_us:
                # It is not stored by itself any more.
                self._amending.setdefault(quarter_us)
                self._todo.put_nowait(self._amend)

    async def _amend(self) -> None:
        for quarter_us in list(self._amending):
            await amend(self._store, self.counted, KEPT, quarter_us)
            del self._amending[quarter_us]

    async def _learn_gaps(self) -> None:
        with contextlib.suppress(RuntimeError):  # The store was closed meanwhile.
            await self._store.flush()
        now_us = self.now_us()
        gaps = await self._store.gaps(self._first_us(now_us), now_us + AHEAD_US)
        for pbx in self._linked & self._unheard_us.keys():
            # The store knows that better by now.
            self._take(LinkSpan(pbx, self._unheard_us.pop(pbx), up=True))
        take_gaps(gaps, self._take)

    # --- life ------------------------------------------------------------------------------

    async def run(self) -> None:
        """Read what was, keep time, show what changes; until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._patiently(self._restore), name="figures-restore")
            group.create_task(self._work_off(), name="figures-follow-up")
            group.create_task(self._keep_intervals(), name="figures-intervals")
            while True:
                await self.tick()
                await asyncio.sleep(self._tick_s)

    async def _patiently(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do it, again until the store does not refuse."""
        told = False
        while True:
            try:
                return await work()
            except AgentdError as error:
                if not told:
                    _log.error("figures_wait", reason=str(error))
                told = True
                await asyncio.sleep(TROUBLE_S)

    async def _work_off(self) -> None:
        while True:
            await self._patiently(await self._todo.get())

    async def _restore(self) -> None:
        now_us = self.now_us()
        slices = Slices(self._monotonic)
        last_us: dict[str, int] = {}

        def take(fact: Fact | WorkOrder) -> None:
            self._take(fact)
            if not isinstance(fact, WorkOrder):
                last_us[fact.pbx] = max(last_us.get(fact.pbx, 0), moment_of(fact))

        take_gaps(await self._store.gaps(self._first_us(now_us), now_us + AHEAD_US), take)
        for span in spans_at(self.metrics.book, now_us):
            await read_span(self._store, span, take, slices)
            if span[2] == NOW:
                self._not_heard_since(last_us)
            self._whole += span[2]
            self._read_today.set()
        await read_dispatched(self._store, self.metrics.book, self._first_us(now_us), take, slices)
        self.restored = True
        self._read_all.set()

    def _not_heard_since(self, last_us: Mapping[str, int]) -> None:
        """Until a link is up again, its PBX was not heard since the last that was stored."""
        for pbx, at_us in last_us.items():
            if pbx not in self._linked:
                self._unheard_us[pbx] = at_us
                self._take(LinkSpan(pbx, at_us, up=False))

    def _first_us(self, now_us: int) -> int:
        return now_us - self.metrics.book.keep_days * DAY_US

    async def _begin_anew(self) -> None:
        """The PBX's clock was set back: time that has passed cannot be taken back."""
        _log.warning("figures_clock_set_back", now_us=self.now_us(), was_us=self.metrics.now_us)
        await self._store.flush()
        self.metrics = Metrics(self.metrics.book)
        self._whole = []
        self.restored = False
        await self._restore()

    async def tick(self) -> None:
        """Let the time go on, and show what has changed."""
        now_us = self.now_us()
        if now_us < self.metrics.now_us - SET_BACK_US and self.restored:
            self.restored = False
            self._todo.put_nowait(self._begin_anew)
        self.metrics.advance(now_us)
        changed: dict[str, Any] = {}
        slices = Slices(self._monotonic)
        for scope in self._board_scopes() if self._whole else ():
            figures: dict[str, Any] = {}
            for window in tuple(self._whole):
                figures[window] = board_figures(self.metrics, scope, window)
                await slices.rest()
            key, value = board_key(scope), board_object(scope, figures)
            if self._shown.get(key) != value:
                self._shown[key] = changed[key] = value
        if changed:
            self._live.publish(changed, ())

    def _board_scopes(self) -> list[Scope]:
        queues = {scope for scope in self.metrics.scopes() if scope[0] == "queue"}
        for pbx in self._pbxs:
            for key in self._engine.board(pbx):
                kind, _, name = key.partition(":")
                if kind == "queue":
                    queues.add(("queue", name))
        return [SITE, *sorted(queues)]

    def now_us(self) -> int:
        """The PBX's time: the latest of several, so that nothing that has happened is left out."""
        known = [pbx for pbx in self._pbxs if self._engine.knows_clock(pbx)]
        return max(self._engine.pbx_now_us(pbx) for pbx in known or self._pbxs)

    # --- intervals -------------------------------------------------------------------------

    async def _keep_intervals(self) -> None:
        """Store each quarter of an hour soon after its end, and again a week later, with what was
        decided since; figures of older days come from there."""
        stored_us = 0
        while True:
            quarter_us = (self.now_us() - SETTLED_US) // QUARTER_US * QUARTER_US - QUARTER_US
            if self.restored and not stored_us:
                # Those that ended, and what was decided, while nobody was there to store them.
                await self._patiently(partial(self._store_quarters, self.kept_us, quarter_us))
                stored_us = quarter_us
            elif self.restored and quarter_us > stored_us:
                next_us = stored_us + QUARTER_US
                for back_us in (0, STORED_AGAIN_US):
                    span = next_us - back_us, quarter_us - back_us
                    await self._patiently(partial(self._store_quarters, *span))
                stored_us = quarter_us
            await asyncio.sleep(min(self._tick_s * 10, 30.0))

    async def _store_quarters(self, first_us: int, last_us: int) -> None:
        """Store those that begin then, up to the one that begins at ``last_us``."""
        slices = Slices(self._monotonic)
        rows: list[IntervalRow] = []
        for scope in [scope for scope in self.metrics.scopes() if scope[0] in KEPT]:
            first_us = max(first_us, self.kept_us)
            rows += [
                IntervalRow(*scope, at_us, dict(sums.values), sums.gap)
                for at_us, sums in self.metrics.intervals(scope, first_us, last_us + QUARTER_US)
                if sums.values
            ]
            if len(rows) > ROWS_AT_ONCE:
                await self._store.put_intervals(rows)
                rows = []
            await slices.rest()
        await self._store.put_intervals(rows)

    @property
    def kept_us(self) -> int:
        """Since when the metrics hold everything, at the beginning of a quarter of an hour."""
        kept_us = self.now_us() - (self.metrics.book.keep_days - 1) * DAY_US
        return -(-kept_us // QUARTER_US) * QUARTER_US

    def held(self) -> tuple[Metrics, int, bool]:
        """The metrics as of now, since when they hold everything, and whether they do yet."""
        self.metrics.advance(self.now_us())
        return self.metrics, self.kept_us, self.restored

    # --- out -------------------------------------------------------------------------------

    def span_us(self, window: FigureWindow) -> tuple[int, int]:
        """See the seam."""
        self.metrics.advance(self.now_us())
        found = self.metrics.window(window)
        return found.from_us, found.to_us

    def table(self) -> Sequence[MetricShown]:
        """The metrics' table."""
        return table_shown([f"compliance:{r}" for r in RULES if r not in self.metrics.book.rules])

    def figures(
        self, who: Person, kind: ScopeKind, name: str, windows: Sequence[FigureWindow]
    ) -> FiguresShown:
        """See the seam."""
        scope = self.sight.scope_for(who, kind, name)
        self.metrics.advance(self.now_us())
        return FiguresShown(
            self.metrics.now_us,
            tuple(window for window in WINDOWS if window not in self._whole),
            {
                window: figures_shown(self.metrics, scope, window)
                for window in dict.fromkeys(windows)
                if window in self._whole
            },
        )

    async def own(self, who: Person, from_us: int) -> OwnWork:
        """See the seam."""
        scope = self.sight.scope_for(who, "person", who.login)
        if from_us < self.kept_us:
            days = self.metrics.book.keep_days - 1
            raise _invalid("from", f"It may be {days} days ago at most.", f"最早可查 {days} 天前。")
        self.metrics.advance(self.now_us())
        today = from_us >= self.metrics.window("today").from_us
        try:
            async with asyncio.timeout(self.patience_s):
                await (self._read_today if today else self._read_all).wait()
        except TimeoutError:
            raise Refused(
                "The figures are being read after the start; try again in a moment.",
                code="unavailable",
                text_zh="刚刚启动，统计数据正在读取，请稍候。",
            ) from None
        self.metrics.advance(self.now_us())
        now_us = self.metrics.now_us
        [sums] = self.metrics.spans(scope, [(min(from_us, now_us), now_us)])
        handled = figure_of(BY_KEY["aht"], sums).of
        return OwnWork(
            since_us=from_us,
            answered=sums.get("legs_answered"),
            outbound=sums.get("dialled"),
            talk_us=sums.get("talk_us"),
            hold_us=sums.get("hold_us"),
            aht_us=handled[0] // handled[1] if handled[1] else None,
            within_rings=sums.get("rings_in_time"),
            within_rings_of=sums.get("rings_of"),
            gap=sums.gap,
        )

    async def intervals(
        self, who: Person, kind: ScopeKind, name: str, from_us: int, to_us: int
    ) -> IntervalsShown:
        """See the seam. Of days that are kept in the store only: as they were stored."""
        scope = self.sight.scope_for(who, kind, name)
        now_us = self.now_us()
        from_us = from_us // QUARTER_US * QUARTER_US
        to_us = min(to_us, now_us)
        if to_us - from_us > SPAN_MAX_US:
            raise _invalid(
                "to", "At most 32 days can be asked for at once.", "一次最多查询 32 天。"
            )
        kept_us = self.kept_us
        rows = self.metrics.rows(scope)
        found: list[tuple[int, Sums]] = []
        if from_us < kept_us:
            until_us = min(kept_us, to_us)
            stored = await self._store.intervals(kind, scope[1], from_us, until_us)
            by_us = {row.at_us: Sums(row.sums, row.gap) for row in stored}
            nothing = Sums({}, False)
            found += [
                (at_us, by_us.get(at_us, nothing)) for at_us in range(from_us, until_us, QUARTER_US)
            ]
        found += self.metrics.intervals(scope, max(from_us, kept_us), to_us)
        return IntervalsShown(
            QUARTER_US // 1_000_000,
            now_us,
            [interval_shown(rows, at_us, sums) for at_us, sums in found],
        )

    def calls_behind(
        self,
        who: Person,
        kind: ScopeKind,
        name: str,
        window: FigureWindow,
        metric: str,
        cursor: str | None,
        limit: int,
    ) -> CallsBehind:
        """See the seam."""
        scope = self.sight.scope_for(who, kind, name)
        if metric not in {row.key for row in self.metrics.rows(scope)}:
            raise _invalid(
                "metric",
                f"There is no metric {metric!r} for a {kind}: see /api/metrics.",
                f"没有指标“{metric}”，见 /api/metrics。",
            )
        self.metrics.advance(self.now_us())
        found = self.metrics.calls_behind(scope, window, metric)[::-1]
        start = 0
        if cursor is not None:
            pbx, slash, call = cursor.partition("/")
            if not slash:
                raise _invalid("cursor", "This is no cursor.", "翻页标记无效。")
            # One that has slid out of the window had only older ones after it.
            after = (pbx, call)
            start = found.index(after) + 1 if after in found else len(found)
        page = found[start : start + limit]
        more = len(found) > start + limit
        return CallsBehind(page, "/".join(page[-1]) if more else None)

    def service_level(self, pbx: str, queue: str) -> tuple[float | None, int]:
        """Of the last 30 minutes: the share, and of how many calls it is; None until that time
        was read."""
        if "last_30_min" not in self._whole:
            return None, 0
        sums = self.metrics.sums(("queue", f"{pbx}/{queue}"), "last_30_min")
        figure = figure_of(BY_KEY["service_level"], sums)
        return figure.value, figure.of[1]

    async def feed(self) -> Sequence[FeedHealth]:
        """See the seam."""
        self.metrics.advance(self.now_us())
        today = self.metrics.window("today")
        gaps = await self._store.gaps(today.from_us, today.to_us)
        shown = []
        for pbx in self._pbxs:
            state = self._engine.feed_state(pbx)
            shown.append(
                FeedHealth(
                    pbx,
                    state.link,
                    state.last_event_us,
                    state.clock_offset_us,
                    state.lag_us,
                    tuple(FeedGap(gap.from_us, gap.to_us) for gap in gaps if gap.pbx == pbx),
                )
            )
        return shown


def _invalid(field: str, text_en: str, text_zh: str) -> Refused:
    return Refused(text_en, code="invalid", text_zh=text_zh, field=field)
