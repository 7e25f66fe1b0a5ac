"""Mails reports when their period is over: each to each address once, however often agentd starts.

What is owed is stored before anything is sent, and an address is struck off when the mail server
took the letter for it. Only a crash between those two sends a letter twice; both carry the same
Message-ID. What fails is told in the log and tried again with growing pauses, for a week.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Literal

import structlog
from msgspec import Struct, convert, to_builtins
from msgspec.structs import replace

from agentd.core.people import Person
from agentd.core.queues import DAY_US
from agentd.core.report_periods import Period, PeriodAsk, PeriodProblem, SiteDays
from agentd.core.reports import ReportBy
from agentd.errors import AgentdError
from agentd.export_columns import Lang
from agentd.ports.mail import Mail
from agentd.ports.reports import ReportAsk, ReportMarks, Reports
from agentd.report_files import FileFormat, ReportFiles

TICK_S: Final = 20.0
RETRY_MIN_US: Final = 60_000_000
RETRY_MAX_US: Final = 3_600_000_000
GIVE_UP_US: Final = 7 * DAY_US
AT_ONCE_MAX: Final = 31
"""After a long absence so many of the last periods are told, not years of them."""
_WHO: Final = Person("agentd", "agentd", "manager")

_log = structlog.get_logger(__name__)


class MailPlan(Struct, frozen=True, kw_only=True):
    """A report that goes out by itself. ``shift`` None: each configured one."""

    id: str
    period: Literal["shift", "day", "month"]
    by: ReportBy
    shift: str | None
    to: tuple[str, ...]
    formats: tuple[FileFormat, ...]
    details: bool
    lang: Lang
    after_us: int


class Owed(Struct, frozen=True):
    """A period that is over, and who has not got its report yet."""

    at: str
    hours: str
    ends_us: int
    left: tuple[str, ...]


class Mark(Struct, frozen=True):
    """What is remembered of a plan: periods that ended up to ``until_us`` are sent or owed."""

    until_us: int
    owed: tuple[Owed, ...] = ()


def _stop_if_cancelled() -> None:
    """A cancellation that arrives with the mail server's answer is lost in the mail library:
    before Python 3.12 ``asyncio.wait_for`` returns the answer instead (bpo-37658)."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


class ReportMailer:
    """See the module. :meth:`run` in a task of its own. ``now_us``: PBX time."""

    def __init__(
        self,
        plans: Sequence[MailPlan],
        *,
        reports: Reports,
        days: SiteDays,
        files: ReportFiles,
        mail: Mail,
        marks: ReportMarks,
        now_us: Callable[[], int],
        tick_s: float = TICK_S,
    ) -> None:
        self._plans = tuple(plans)
        self._reports = reports
        self._days = days
        self._files = files
        self._mail = mail
        self._marks = marks
        self._now_us = now_us
        self._tick_s = tick_s
        self._pauses: dict[tuple[str, int, str], tuple[int, int]] = {}
        """By plan and period: when it is tried again, and how long the next pause is."""

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            for plan in self._plans:
                try:
                    await self.look_after(plan)
                except AgentdError as error:
                    # The store does not answer: nothing is known of what is owed.
                    _log.error("report_not_looked_after", report=plan.id, reason=str(error))
                _stop_if_cancelled()
            await asyncio.sleep(self._tick_s)

    async def look_after(self, plan: MailPlan) -> None:
        """Send what is due now. Raises ``StoreError``."""
        now_us = self._now_us()
        said: Any = await self._marks.report_mark(plan.id)
        if said is None:
            # What was over before anybody asked for it is not told.
            await self._keep(plan, Mark(now_us))
            return
        mark = convert(said, Mark)
        over = list(self._over(plan, mark.until_us, now_us))[-AT_ONCE_MAX:]
        if over:
            new = (
                Owed(period.first.isoformat(), period.hours, period.to_us, plan.to)
                for period in over
            )
            mark = Mark(max(period.to_us for period in over), (*mark.owed, *new))
            await self._keep(plan, mark)
        for owed in mark.owed:
            left = await self._try(plan, owed, now_us)
            if left != owed.left:
                rest = (replace(o, left=left) if o == owed else o for o in mark.owed)
                mark = replace(mark, owed=tuple(o for o in rest if o.left))
                await self._keep(plan, mark)

    async def _keep(self, plan: MailPlan, mark: Mark) -> None:
        await self._marks.put_report_mark(plan.id, to_builtins(mark))

    def _over(self, plan: MailPlan, since_us: int, now_us: int) -> Iterator[Period]:
        """The periods that ended after ``since_us``, long enough ago, in their order."""
        first, last = self._days.day_of(since_us), self._days.day_of(now_us)
        shifts = (plan.shift,) if plan.shift is not None else self._days.shifts
        found: dict[tuple[int, str], Period] = {}
        # A shift may end on the day after its own, a month began long before its end.
        day = max(first - dt.timedelta(days=32), last - dt.timedelta(days=400))
        while day <= last:
            for shift in shifts if plan.period == "shift" else (None,):
                ask = PeriodAsk(plan.period, at=day.isoformat(), shift=shift)
                period = self._days.period(ask, now_us)
                if isinstance(period, PeriodProblem) or period.unfinished:
                    continue
                if since_us < period.to_us <= now_us - plan.after_us:
                    found[period.to_us, period.hours] = period
            day += dt.timedelta(days=1)
        yield from (found[key] for key in sorted(found))

    async def _try(self, plan: MailPlan, owed: Owed, now_us: int) -> tuple[str, ...]:
        """Send one report, if it is time to; gives who has not got it yet."""
        # Whoever is not named any more is not written to any more.
        to = tuple(address for address in owed.left if address in plan.to)
        key = plan.id, owed.ends_us, owed.hours
        next_us, pause_us = self._pauses.get(key, (0, RETRY_MIN_US))
        if not to or now_us < next_us:
            return to
        try:
            refused = await self._send(plan, owed, to)
        except AgentdError as error:
            refused = dict.fromkeys(to, str(error))
        left = tuple(address for address in to if address in refused)
        about = {"report": plan.id, "period": f"{owed.at} {owed.hours}".strip()}
        if len(left) < len(to):
            _log.info("report_mailed", **about, to=[one for one in to if one not in refused])
        if not left:
            self._pauses.pop(key, None)
            return ()
        reasons = sorted({refused[address] for address in left})
        if now_us - owed.ends_us > GIVE_UP_US:
            self._pauses.pop(key, None)
            _log.error(
                "report_given_up", **about, to=left, reasons=reasons,
                mend="see to [mail] and [[report]], and send it with: agentd report --mail",
            )  # fmt: skip
            return ()
        _log.warning(
            "report_not_mailed", **about, to=left, reasons=reasons,
            again_in_s=pause_us // 1_000_000,
        )  # fmt: skip
        self._pauses[key] = now_us + pause_us, min(2 * pause_us, RETRY_MAX_US)
        return left

    async def _send(self, plan: MailPlan, owed: Owed, to: Sequence[str]) -> dict[str, str]:
        when = PeriodAsk(plan.period, at=owed.at, shift=owed.hours or None)
        ask = ReportAsk(period=when, by=plan.by, details=plan.details)
        report = await self._reports.report(_WHO, ask)
        hours = "".join(char for char in owed.hours if char.isdigit())
        message_id = ".".join(filter(None, ("report", plan.id, plan.period, owed.at, hours)))
        letter = await self._files.letter(
            report, to, plan.formats, plan.lang, message_id=message_id
        )
        return dict(await self._mail.send(letter))
