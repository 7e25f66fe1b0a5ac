"""Mail by SMTP, against a real server: encrypted, logged in, refused; and reports that go out by
themselves, once, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from agentd.core.metric_figures import Sums
from agentd.core.metric_windows import DailyShift, MetricBook
from agentd.core.people import Person
from agentd.core.report_periods import Period, PeriodAsk, SiteDays
from agentd.core.reports import Report, ScopeSums, Wanted, build, columns_of
from agentd.mail import MailError, SmtpMail
from agentd.ports.mail import Enclosure, Letter, Mail
from agentd.ports.reports import ReportAsk
from agentd.report_files import ReportFiles
from agentd.report_mailer import AT_ONCE_MAX, MailPlan, ReportMailer
from agentd.ticketing import Store
from tests.adapters.smtp_rig import NAME, Postbox, smtp

BOSS, CHIEF = "boss@example.org", "chief@example.org"
LETTER = Letter(
    to=(BOSS,),
    subject="示例市: 队列日报表",
    text="呼入量: 3\n",
    html="<p>呼入量</p>",
    enclosures=(Enclosure("r.csv", "text/csv", b"\xef\xbb\xbfa,b\r\n"),),
    message_id="report.a",
)


@pytest.fixture(autouse=True)
async def quick() -> None:
    """Debugging makes hundreds of small letters many times as slow."""
    asyncio.get_running_loop().set_debug(False)


@pytest.fixture(autouse=True)
def _found_on_the_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    ask = socket.getaddrinfo

    def found(host: Any, *more: Any, **named: Any) -> Any:
        return ask("127.0.0.1" if host == NAME else host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", found)


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_letter_arrives_encrypted_and_from_who_logged_in(tls: Any) -> None:
    async with smtp(tls, password="geheim") as (box, access):
        assert await SmtpMail(access).send(LETTER) == {}
    [(to, message)] = box.letters
    assert to == (BOSS,)
    assert box.encrypted == [True]
    assert message["Subject"] == LETTER.subject
    assert message["From"] == "agentd@example.org"
    assert message["Message-ID"] == "<report.a@example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    text = message.get_body(("plain",))
    assert text is not None
    assert text.get_content().splitlines() == LETTER.text.splitlines()
    [enclosed] = message.iter_attachments()
    assert enclosed.get_filename() == "r.csv"


async def test_without_tls_only_where_the_configuration_says_so() -> None:
    async with smtp("none") as (box, access):
        assert await SmtpMail(access).send(LETTER) == {}
        assert box.encrypted == [False]
        # A server that cannot encrypt gets no letter from who asks for it.
        with pytest.raises(MailError, match="did not take the letter"):
            await SmtpMail(replace(access, tls="starttls")).send(LETTER)
        assert len(box.letters) == 1


async def test_what_is_wrong_with_the_server_is_said_in_one_sentence() -> None:
    async with smtp("starttls", password="geheim") as (box, access):
        with pytest.raises(MailError, match="refuses the user agentd"):
            await SmtpMail(replace(access, password="falsch")).send(LETTER)
        with pytest.raises(MailError, match="certificate"):
            await SmtpMail(replace(access, tls_ca_file=None)).send(LETTER)
        assert box.letters == []
    with pytest.raises(MailError, match="did not take the letter"):
        await SmtpMail(access).send(LETTER)


async def test_a_refused_recipient_keeps_nobody_else_from_it() -> None:
    async with smtp() as (box, access):
        box.refuses[CHIEF] = "550 no such user"
        refused = await SmtpMail(access).send(replace(LETTER, to=(CHIEF, BOSS)))
        assert list(refused) == [CHIEF]
        assert "no such user" in refused[CHIEF]
        assert [to for to, _ in box.letters] == [(BOSS,)]
        with pytest.raises(MailError, match="no such user"):
            await SmtpMail(access).send(replace(LETTER, to=(CHIEF,)))


# --- reports that go out by themselves -------------------------------------------------------

H = 3_600_000_000
ZONE = dt.timezone(dt.timedelta(hours=8))
DAYS = SiteDays(
    MetricBook(
        day_starts_s=16 * 3600, shifts=(DailyShift(0, 8 * 3600), DailyShift(28_800, 28_800))
    ),
    8 * 3600,
)
PLAN = MailPlan(
    id="daily", period="day", by="queue", shift=None, to=(BOSS, CHIEF), formats=("csv",),
    details=False, lang="zh", after_us=H // 4,
)  # fmt: skip


def us(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp()) * 1_000_000


class FakeReports:
    """Reports of one queue; what is asked for is kept."""

    shifts = DAYS.shifts

    def __init__(self, clock: list[int]) -> None:
        self._clock = clock
        self.asked: list[ReportAsk] = []

    async def report(self, who: Person, ask: ReportAsk) -> Report:
        assert who.may("board")
        self.asked.append(ask)
        period = DAYS.period(ask.period, self._clock[0])
        assert isinstance(period, Period)
        pieces = DAYS.pieces(period)
        sums = [Sums({"offered": 1}, gap=False) for _ in pieces]
        line = ScopeSums("main/hotline", "热线", sums, ())
        columns = columns_of(ask.by, DAYS.book.rules)
        wanted = Wanted(ask.by, period, DAYS.before(period), pieces, columns, ask.details)
        return build(wanted, (line,), (), self._clock[0])


class World:
    """A store, a clock that the test sets, and a server."""

    def __init__(self, store: Store, box: Postbox, mail: Mail, now: str) -> None:
        self.clock = [us(now)]
        self.store, self.box, self._mail = store, box, mail
        self.reports = FakeReports(self.clock)

    def mailer(self, *plans: MailPlan) -> ReportMailer:
        return ReportMailer(
            plans or (PLAN,), reports=self.reports, days=DAYS, files=ReportFiles(DAYS, "示例市"),
            mail=self._mail, marks=self.store, now_us=lambda: self.clock[0],
        )  # fmt: skip

    def sent(self) -> list[tuple[tuple[str, ...], str]]:
        return [(to, message["Subject"]) for to, message in self.box.letters]


async def test_a_report_is_mailed_once_although_agentd_starts_again(tmp_path: Path) -> None:
    async with Store(tmp_path / "a.db") as store, smtp() as (box, access):
        world = World(store, box, SmtpMail(access), "2026-10-05 12:00")
        await world.mailer().look_after(PLAN)
        # What was over before anybody asked for it is not told, nor what is over for a moment only.
        world.clock[0] = us("2026-10-06 00:14")
        await world.mailer().look_after(PLAN)
        assert world.sent() == []
        world.clock[0] = us("2026-10-06 00:15")
        for _ in range(2):
            await world.mailer().look_after(PLAN)
        assert world.sent() == [((BOSS, CHIEF), "示例市: 队列日报表 2026-10-05")]
        [(_, message)] = box.letters
        names = [part.get_filename() for part in message.iter_attachments()]
        assert names == ["report-queue-day-2026-10-05.csv"]
        assert message["Message-ID"] == "<report.daily.day.2026-10-05@example.org>"
    async with Store(tmp_path / "a.db") as store, smtp() as (box, access):
        # Days on which agentd was not there are told when it is, each.
        world = World(store, box, SmtpMail(access), "2026-10-09 08:00")
        await world.mailer().look_after(PLAN)
        assert [subject[-2:] for _, subject in world.sent()] == ["06", "07", "08"]


async def test_what_fails_is_tried_again_with_growing_pauses_and_never_lost(tmp_path: Path) -> None:
    async with Store(tmp_path / "a.db") as store, smtp() as (box, access):
        world = World(store, box, SmtpMail(access), "2026-10-05 12:00")
        mailer = world.mailer()
        await mailer.look_after(PLAN)
        box.down = "451 try later"
        world.clock[0] = us("2026-10-06 01:00")
        pauses = []
        with capture_logs() as logs:
            for _ in range(9):
                await mailer.look_after(PLAN)
                pauses.append(logs[-1]["again_in_s"])
                world.clock[0] += pauses[-1] * 1_000_000 - 1
                before = len(logs)
                await mailer.look_after(PLAN)
                assert len(logs) == before
                world.clock[0] += 1
        assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
        assert all("try later" in log["reasons"][0] for log in logs)
        box.down = ""
        # Another start knows what is owed.
        await world.mailer().look_after(PLAN)
        assert len(world.sent()) == 1


async def test_who_got_it_does_not_get_it_again_because_of_who_did_not(tmp_path: Path) -> None:
    async with Store(tmp_path / "a.db") as store, smtp() as (box, access):
        world = World(store, box, SmtpMail(access), "2026-10-05 12:00")
        mailer = world.mailer()
        await mailer.look_after(PLAN)
        box.refuses[CHIEF] = "550 no such user"
        world.clock[0] = us("2026-10-06 01:00")
        await mailer.look_after(PLAN)
        world.clock[0] = us("2026-10-07 01:00")
        await mailer.look_after(PLAN)
        assert [to for to, _ in world.sent()] == [(BOSS,), (BOSS,)]
        del box.refuses[CHIEF]
        await world.mailer().look_after(PLAN)
        assert [to for to, _ in world.sent()][2:] == [(CHIEF,), (CHIEF,)]
        # Whoever is not named any more is not written to, and after a week nobody is.
        box.down = "451 try later"
        world.clock[0] = us("2026-10-08 01:00")
        await world.mailer().look_after(PLAN)
        box.down = ""
        only = replace(PLAN, to=(BOSS,))
        await world.mailer(only).look_after(only)
        assert [to for to, _ in world.sent()][4:] == [(BOSS,)]
        box.down = "451 try later"
        world.clock[0] = us("2026-10-09 01:00")
        await world.mailer(only).look_after(only)
        world.clock[0] = us("2026-10-17 01:00")
        with capture_logs() as logs:
            await world.mailer(only).look_after(only)
        given_up = [log["period"] for log in logs if log["event"] == "report_given_up"]
        assert given_up == ["2026-10-08", "2026-10-09"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"period": "shift"}, ["2026-10-05 16:00-24:00", "2026-10-06 08:00-16:00"]),
        ({"period": "shift", "shift": "09:00-11:00+13:00-15:00"},
         ["2026-10-06 09:00-11:00+13:00-15:00"]),
        ({"period": "month"}, []),
        ({"period": "day", "by": "person", "lang": "en", "details": True}, ["2026-10-05"]),
    ],
)  # fmt: skip
async def test_each_kind_of_period_is_told_when_it_is_over(
    tmp_path: Path, changes: Mapping[str, Any], told: list[str]
) -> None:
    plan = replace(PLAN, **changes)
    async with Store(tmp_path / "a.db") as store, smtp() as (box, access):
        world = World(store, box, SmtpMail(access), "2026-10-05 18:00")
        mailer = world.mailer(plan)
        await mailer.look_after(plan)
        for now in ("2026-10-06 00:20", "2026-10-06 16:20"):
            world.clock[0] = us(now)
            await mailer.look_after(plan)
        assert len(world.sent()) == len(told)
        for (_, subject), text in zip(world.sent(), told, strict=True):
            assert subject.endswith(f" {text}")
        world.clock[0] = us("2026-11-01 00:20")
        await mailer.look_after(plan)
        if plan.period == "month":
            assert [subject[-7:] for _, subject in world.sent()] == ["2026-10"]


async def test_after_a_long_absence_the_last_periods_are_told_not_years_of_them(
    tmp_path: Path,
) -> None:
    async with Store(tmp_path / "a.db") as store, smtp() as (box, access):
        world = World(store, box, SmtpMail(access), "2026-10-05 18:00")
        await world.mailer().look_after(PLAN)
        world.clock[0] = us("2027-03-01 00:20")
        await world.mailer().look_after(PLAN)
        assert len(world.sent()) == AT_ONCE_MAX
        assert world.sent()[-1][1].endswith("2027-02-28")


async def test_run_looks_after_every_plan_until_it_is_stopped(tmp_path: Path) -> None:
    ask = PeriodAsk("day", at="2026-10-05")
    assert isinstance(DAYS.period(ask, us("2026-10-06 00:00")), Period)
    async with Store(tmp_path / "a.db") as store, smtp() as (box, access):
        world = World(store, box, SmtpMail(access), "2026-10-05 12:00")
        other = replace(PLAN, id="other")
        for plan in (PLAN, other):
            await world.mailer(plan).look_after(plan)
        world.clock[0] = us("2026-10-06 01:00")
        task = asyncio.create_task(world.mailer(PLAN, other).run())
        async with asyncio.timeout(20):
            while len(world.sent()) < 2:
                await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.wait({task})
        assert len(world.sent()) == 2


class DeafMail:
    """Takes a letter, and loses the cancellation that arrives with the server's answer."""

    def __init__(self) -> None:
        self.sending = asyncio.Event()

    async def send(self, letter: Letter) -> Mapping[str, str]:
        self.sending.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return {}


async def test_a_stop_that_the_mail_library_loses_is_a_stop(tmp_path: Path) -> None:
    async with Store(tmp_path / "a.db") as store, smtp() as (box, _):
        mail = DeafMail()
        world = World(store, box, mail, "2026-10-05 12:00")
        await world.mailer(PLAN).look_after(PLAN)
        world.clock[0] = us("2026-10-06 01:00")
        task = asyncio.create_task(world.mailer(PLAN).run())
        await mail.sending.wait()
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()
        # It was sent, and is not sent again.
        assert not (await store.report_mark(PLAN.id))["owed"]
