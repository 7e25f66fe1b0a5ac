"""The whole of agentd behind its REST API, on a free port: real store, engine, accounts, desk and
presence; only the telephones are not there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from msgspec.structs import replace

from agentd.accounts import AccountService, AccountSettings
from agentd.clock import wall_us
from agentd.config.phrases import Phrase, Phrases
from agentd.core.effects import Effect, LegEnded, OrderChanged, RecordingSeen, Violation
from agentd.core.metric_windows import MetricBook
from agentd.core.order_form import CategorySpec, FieldSpec, FormBook, PauseReason, Unit
from agentd.core.order_model import Notice, PersonCommand, WorkOrder
from agentd.core.people import Directory, Person
from agentd.core.policy import PolicyBook, SeatConfig
from agentd.desk import DeskService
from agentd.figures import FigureService
from agentd.http_api import WebServer, WebSettings
from agentd.http_rest import (
    CallRecords,
    HistoryView,
    RestServices,
    Workbooks,
    my_seat_json,
    rest_routers,
)
from agentd.monitor_ws import LiveStream
from agentd.order_rules import ConfiguredRules
from agentd.pipeline import Pipeline
from agentd.ports import LinkInfo
from agentd.ports.desk import OrderView
from agentd.ports.retention import RetentionPolicy
from agentd.presence import PresenceService
from agentd.presence_rules import PbxDesk
from agentd.retention import Retention
from agentd.runtime import Runtime
from agentd.supervision import SupervisionService
from agentd.supervision_rules import PbxControl
from agentd.ticketing import Store
from tests.adapters.live_rig import PATIENCE_S, until
from tests.adapters.presence_rig import FakeQueues
from tests.adapters.store_rig import ignore
from tests.reports_rig import reports_over

HOUR_US = 3_600_000_000
MINUTE_US = 60_000_000
PASSWORD = "correct horse 7"
SOUND = bytes(range(256)) * 40

BOOK = FormBook(
    categories=(
        CategorySpec(
            "consult",
            ("咨询", "Consult"),
            hotkey="1",
            fields=(
                FieldSpec("place", ("地点", "Place"), "place", in_title=True),
                FieldSpec("event", ("事件", "Event"), in_title=True),
            ),
        ),
        CategorySpec(
            "complaint",
            ("投诉", "Complaint"),
            fields=(FieldSpec("event", ("事件", "Event"), in_title=True),),
            forward=True,
        ),
    ),
    queues={"night": (CategorySpec("lost", ("失物", "Lost property")),)},
    units=(Unit("water", ("供水公司", "Water works"), phone="057188880000"),),
    pauses=(PauseReason("lunch", ("午休", "lunch")),),
    teams=("day", "night"),
)
PHRASES = {
    "zh": Phrases((Phrase("hold", "before_hold", "保持前", "对不起，请您稍等一下"),)),
    "en": Phrases((Phrase("hold", "before_hold", "Before a hold", "One moment, please."),)),
}
WANG = Person("1001", "王芳", "agent", queues=("hotline",), teams=("day",))
LI = Person("1002", "李雷", "agent", queues=("night",), teams=("night",))
ZHAO = Person("2001", "赵班长", "shift_leader", teams=("day",))
QIAN = Person("2002", "钱班长", "shift_leader", teams=("night",))
SUN = Person("3001", "孙主任", "manager")
ZHOU = Person("3002", "周质检", "qa")
ADMIN = Person("4001", "管理员", "admin")
WU = Person("5001", "吴审计", "auditor")
EVERYBODY = (WANG, LI, ZHAO, QIAN, SUN, ZHOU, ADMIN, WU)
RETENTION = RetentionPolicy(calls_days=30, legs_days=30, mask_numbers_days=7)
SEATS = {"PJSIP/1001": "day", "PJSIP/1002": "night"}
AT = {"1001": "PJSIP/1001", "1002": "PJSIP/1002"}


class Ears:
    """Hears hints, notices and board changes; nobody is told."""

    def hint(self, *topics: str) -> None:
        """A page would look again."""

    def notify(self, notices: Sequence[tuple[Notice, WorkOrder]]) -> None:
        """A webhook would be called."""

    def publish(self, changed: Any, removed: Any) -> None:
        """A page would be drawn."""


@dataclass
class Rest:
    """The running server and what is behind it."""

    url: str
    store: Store
    accounts: AccountService
    desk: DeskService
    runtime: Runtime
    folder: Path
    t0_us: int
    figures: FigureService

    @asynccontextmanager
    async def as_(self, person: Person | None) -> AsyncIterator[httpx.AsyncClient]:
        """A client, logged in as ``person``."""
        # The server ends idle connections after 5 s: on a busy machine that may meet a request.
        limits = httpx.Limits(keepalive_expiry=1.0)
        async with httpx.AsyncClient(
            base_url=self.url, timeout=PATIENCE_S, trust_env=False, limits=limits
        ) as client:
            if person is not None:
                said = {"login": person.login, "password": PASSWORD}
                (await client.post("/api/session", json=said)).raise_for_status()
            yield client

    async def token(self, *rights: str, queues: Sequence[str] = ()) -> dict[str, str]:
        """Headers of a machine with these rights."""
        _, secret = await self.accounts.add_token(ADMIN, "a machine", rights, queues, None)
        return {"Authorization": f"Bearer {secret}"}

    async def audit(self, action: str) -> list[Any]:
        """The audit lines of ``action``, the newest first."""
        return list(await self.accounts.audit(WU, by=None, action=action, before_seq=None))

    async def done(self, who: Person, order_id: str, command: PersonCommand) -> OrderView:
        """A command that is not refused."""
        done = await self.desk.command(who, order_id, command)
        assert isinstance(done, OrderView), done
        return done


def order_id(number: int) -> str:
    """The id of the order of call ``number``."""
    return f"main-{number}.1"


def a_call(number: int, agent: str, t0_us: int, **changes: Any) -> list[Effect]:
    """What the engine says of a call of five minutes with ``agent`` (a login): its order, leg,
    too long hold and recording."""
    began_us = t0_us + number * 10 * MINUTE_US
    ended_us = began_us + 5 * MINUTE_US
    seat, call = AT[agent], f"{number}.1"
    opened = OrderChanged(
        pbx="main",
        at_us=began_us,
        id=order_id(number),
        kind="call",
        call=call,
        seat=seat,
        agent=agent,
        queue="hotline" if agent == "1001" else "night",
        caller=f"1390000{number:04}",
        status="open",
        opened_us=began_us,
        due_us=None,
        numbers=(f"+861390000{number:04}",),
    )
    opened = replace(opened, **changes)
    leg = LegEnded(
        pbx="main",
        call=call,
        leg=f"{call}-leg",
        seat=seat,
        agent=agent,
        queue=opened.queue,
        direction="inbound",
        caller=opened.caller,
        offered_us=began_us - 5_000_000,
        ringing_us=began_us - 5_000_000,
        answered_us=began_us,
        ended_us=ended_us,
        ring_us=5_000_000,
        talk_us=ended_us - began_us,
        hold_us=0,
        holds=(),
        outcome="answered",
        ended_by="caller",
        estimated=False,
        gap=False,
        evidence=(),
    )
    violation = Violation(
        pbx="main",
        id=f"v-{number}",
        at_us=began_us + MINUTE_US,
        rule="hold",
        seat=seat,
        agent=agent,
        call=call,
        leg=leg.leg,
        value_us=31_000_000,
        limit_us=30_000_000,
        evidence=(),
    )
    # Long due: the third; the others for long not, so that nothing changes by itself meanwhile.
    due_us = ended_us + (15 * MINUTE_US if number == 3 else 12 * HOUR_US)
    due = replace(opened, at_us=ended_us, due_us=due_us, change="due")
    recording = RecordingSeen("main", began_us, call, f"{number}.2", f"2026/{number}.wav", False)
    ended = replace(recording, at_us=ended_us, ended=True)
    return [opened, recording, violation, ended, leg, due]


@asynccontextmanager
async def rest(tmp_path: Path, *, book: FormBook = BOOK) -> AsyncIterator[Rest]:
    """A server with the calls 1 and 3 of WANG and 2 of LI, and a missed one (4)."""
    directory = Directory()
    folder = tmp_path / "monitor"
    _record(folder)
    seats = tuple(SeatConfig(seat, label=seat, group=team) for seat, team in SEATS.items())
    rules = ConfiguredRules(book, directory, {"main": PolicyBook(seats=seats)})
    store = Store(tmp_path / "agentd.db", rules=rules, linger_s=0.001)
    settings = AccountSettings(hash_rounds=1, hash_memory_kib=8)
    accounts = AccountService(store, settings, directory=directory)
    t0_us = wall_us() - 6 * HOUR_US
    await store.start()
    try:
        await accounts.start()
        hashed = await accounts.passwords.hash(PASSWORD)
        await accounts.put_people(ADMIN, [(person, hashed) for person in EVERYBODY], "")
        missed = replace(_order(a_call(4, "1001", t0_us)), kind="missed", agent=None, seat=None)
        calls = [*a_call(1, "1001", t0_us), *a_call(2, "1002", t0_us), *a_call(3, "1001", t0_us)]
        owed = next(e for e in calls if isinstance(e, OrderChanged) and e.id == order_id(3))
        late = replace(owed, at_us=owed.due_us or 0, change="overdue")
        store.submit([*calls, missed, late], {}, ignore, pbx="main")
        await store.flush()
        ears = Ears()
        runtime = Runtime(
            {"main": Pipeline("main", PolicyBook(seats=seats))},
            store,
            ears,
            announce=ignore,
            resync=lambda _: None,
        )
        runtime.restore("main", await store.restore("main"))
        desk = DeskService(
            store=store,
            engine=runtime,
            directory=directory,
            book=book,
            pbxs=("main",),
            hints=ears,
            audit=accounts,
            notices=ears,
            live=ears,
            announce=ignore,
        )
        store.on_change(desk.on_changed)
        queues = FakeQueues(queues=("hotline", "night"))
        presence = PresenceService(
            store=store,
            engine=runtime,
            pbxs={"main": PbxDesk(queues, seats=seats)},
            book=book,
            people=directory,
            hints=ears,
        )
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in (runtime.run(), accounts.run())]
            runtime.inbox.put_nowait(LinkInfo("main", clock_offset_us=0))
            await until(lambda: runtime.knows_clock("main"))
            await desk.start()
            tasks.append(group.create_task(desk.run()))
            await presence.start()
            async with asyncio.timeout(PATIENCE_S):
                while not getattr(await store.order(order_id(3)), "overdue", False):
                    await asyncio.sleep(0.01)
            records = CallRecords(
                store,
                directory,
                team_of=lambda _, seat: SEATS.get(seat),
                folders={"main": folder},
            )
            supervision = SupervisionService(
                engine=runtime, pbxs={"main": PbxControl(queues, seats=seats)}, pauses=book.pauses,
                people=directory, accounts=accounts, presence=presence, store=store, hints=ears,
            )  # fmt: skip
            figures = FigureService(
                book=MetricBook(), pbxs=("main",), store=store, engine=runtime, live=ears,
                directory=directory, team_of=rules.team, tick_s=0.5,
            )  # fmt: skip
            figures.patience_s = PATIENCE_S
            store.on_change(figures.on_changed)
            desk.on_judged(figures.on_judged)
            tasks.append(group.create_task(figures.run()))
            services = RestServices(
                desk=desk,
                presence=presence,
                supervision=supervision,
                accounts=accounts,
                store=store,
                calls=records,
                history=HistoryView(store, directory, team_of=lambda _, seat: SEATS.get(seat)),
                figures=figures,
                retention=Retention(store, directory, RETENTION, book.numbers),
                directory=directory,
                phrases=PHRASES,
                policies={
                    "main": PolicyBook(
                        queues={"night": {"order_due_s": 60.0, "order_remind_s": (20.0, 40.0)}}
                    )
                },
                workbooks=Workbooks(),
                reports=reports_over(figures, store, directory, book),
                site="示例话务中心",
            )
            web = WebServer(
                WebSettings(port=0, static_dir=tmp_path / "no-pages"),
                LiveStream(),
                lambda: {"ok": True},
                accounts,
                routers=rest_routers(services),
                my_seat=lambda who: my_seat_json(presence, who),
            )
            url = await web.start()
            serving = asyncio.create_task(web.serve_until_stopped())
            try:
                yield Rest(url, store, accounts, desk, runtime, folder, t0_us, figures)
            finally:
                await web.stop()
                await serving
                await desk.close()
                runtime.stop()
                for task in tasks:
                    task.cancel()
    finally:
        await accounts.close()
        await store.close()


def _order(effects: Sequence[Effect]) -> OrderChanged:
    return next(effect for effect in effects if isinstance(effect, OrderChanged))


def _record(folder: Path) -> None:
    (folder / "2026").mkdir(parents=True)
    for number in (1, 2, 3):
        (folder / "2026" / f"{number}.wav").write_bytes(SOUND)
