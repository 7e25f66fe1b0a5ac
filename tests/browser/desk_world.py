"""The desk's page before the real web server, store, accounts, orders and presence. Only telephones
are missing: a test says what the board shows of the seat and which calls opened orders.

To look at it by hand::

    python -m tests.browser.desk_world      # prints the URL; login 8001 (agent), 2001 (leader)
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import wave
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from agentd.accounts import AccountService
from agentd.accounts_passwords import AccountSettings
from agentd.clock import wall_us
from agentd.config.orders import load_form
from agentd.config.phrases import load_phrases
from agentd.core.effects import Effect, LegEnded, OrderChanged, RecordingSeen, Violation
from agentd.core.metric_windows import MetricBook
from agentd.core.order_form import FormBook, Unit
from agentd.core.order_model import Notice, PersonCommand, WorkOrder
from agentd.core.people import Directory, Person
from agentd.core.policy import PolicyBook, SeatConfig
from agentd.desk import DeskService
from agentd.figures import FigureService
from agentd.history_view import HistoryView
from agentd.http_api import WebServer, WebSettings
from agentd.http_rest import CallRecords, RestServices, Workbooks, my_seat_json, rest_routers
from agentd.monitor_ws import LiveStream
from agentd.order_rules import ConfiguredRules
from agentd.pipeline import Pipeline
from agentd.ports.desk import OrderView
from agentd.ports.retention import RetentionPolicy
from agentd.ports.telephony import Phone
from agentd.presence import PresenceService
from agentd.presence_rules import PbxDesk
from agentd.retention import Retention
from agentd.runtime import Runtime
from agentd.supervision import SupervisionService
from agentd.supervision_rules import PbxControl
from agentd.ticketing import Store
from tests.adapters.presence_rig import FakeQueues
from tests.adapters.store_rig import ignore
from tests.browser import scenes
from tests.browser.fake_daemon import STATIC
from tests.reports_rig import reports_over

PASSWORD = "correct horse 7"
AGENT = Person("8001", "张三", "agent", queues=("hotline",), teams=("一组",))
COLLEAGUE = Person("8002", "李思雨", "agent", queues=("hotline",), teams=("一组",))
LEADER = Person("2001", "王班长", "shift_leader")
ADMIN = Person("9001", "管理员", "admin")
SEATS = ("PJSIP/8001", "PJSIP/8002", "PJSIP/8003")
TEAM = "一组"


def _site_offset_s() -> int:
    """The site's zone: China's, and at the other side of the world around midnight there, so
    that what was some hours ago was today."""
    china_s = 8 * 3600
    hour = (wall_us() // SECOND_US + china_s) // 3600 % 24
    return china_s - (12 * 3600 if hour in (23, 0, 1) else 0)


CALLER = "13912345678"
DUE_US = 900_000_000
SECOND_US = 1_000_000
SITE_OFFSET_S = _site_offset_s()
DAY_STARTS_S = -SITE_OFFSET_S % 86_400


class _Nobody:
    """Hears notices and board changes of the engine, which has no telephones here."""

    def notify(self, notices: Sequence[tuple[Notice, WorkOrder]]) -> None:
        """A webhook would be called."""

    def publish(self, changed: Any, removed: Any) -> None:
        """A page would be drawn."""


@dataclass
class World:
    """The running server, and what a test may do to it."""

    url: str
    store: Store
    desk: DeskService
    presence: PresenceService
    live: LiveStream
    runtime: Runtime
    supervision: SupervisionService
    figures: FigureService
    board: dict[str, dict[str, Any]] = field(default_factory=dict)
    _calls: int = 0

    def now(self) -> float:
        """PBX time in seconds."""
        return wall_us() / SECOND_US

    def show(self, key: str, shown: dict[str, Any]) -> None:
        """Put an object on the board."""
        self.board[key] = shown
        self.live.publish({key: shown}, ())

    def seat(self, number: int = 8001, **changes: Any) -> None:
        """Change what the board shows of a seat."""
        key = f"seat:main/PJSIP/{number}"
        before = self.board.get(key) or {**scenes.seat(number), "person": None, "group": TEAM}
        self.show(key, {**before, **changes})

    def alert(self, level: str, rule: str, spell: str = "s1", **changes: Any) -> None:
        """Raise an alert at the agent's seat, as the engine does."""
        shown = {
            "kind": "alert",
            "pbx": "main",
            "id": spell,
            "at": self.now(),
            "level": level,
            "rule": rule,
            "seat": "PJSIP/8001",
            "agent": AGENT.name,
            "person": AGENT.login,
            "call": None,
            "queue": "hotline",
            "to": ["agent"],
            "value": 20.0,
            "limit": 30.0,
            "cleared_at": None,
            **changes,
        }
        self.show(f"alert:main/{spell}", shown)

    def rings(self, caller: str = CALLER, ago_s: float = 2.0, call: str | None = None) -> str:
        """The agent's phone rings since ``ago_s``; returns the call's name."""
        call = call or self.next_call()
        from_s = self.now() - ago_s
        self.seat(
            state="ringing",
            since=from_s,
            call=call,
            caller=caller,
            queue="hotline",
            direction="inbound",
            clock=scenes.ring_clock(from_s),
        )
        return call

    def holds(self, ago_s: float) -> None:
        """The customer is on hold since ``ago_s``."""
        from_s = self.now() - ago_s
        self.seat(state="holding", since=from_s, clock=hold_clock(from_s))

    async def answers(self, call: str, caller: str = CALLER) -> str:
        """The agent answered ``call``: its order is open; returns the order's id."""
        order = await self.order(call, caller)
        self.seat(
            state="talking",
            since=self.now(),
            call=call,
            caller=caller,
            queue="hotline",
            direction="inbound",
            clock=None,
        )
        return order

    def hangs_up(self) -> None:
        """The call is over."""
        self.seat(
            state="wrap_up", since=self.now(), call=None, caller=None, queue=None, clock=None,
            direction=None,
        )  # fmt: skip

    def next_call(self) -> str:
        """The name of a new call."""
        self._calls += 1
        return f"1700000{self._calls:03}.1"

    async def order(
        self,
        call: str,
        caller: str | None = CALLER,
        *,
        agent: Person = AGENT,
        opened_ago_s: float = 0.0,
        ended_ago_s: float | None = None,
    ) -> str:
        """The order that ``call`` opened; due since the call ended ``ended_ago_s`` ago."""
        opened_us = wall_us() - int(opened_ago_s * SECOND_US)
        opened = OrderChanged(
            pbx="main",
            at_us=opened_us,
            id=f"main-{call}",
            kind="call",
            call=call,
            seat="PJSIP/8001",
            agent=agent.login,
            queue="hotline",
            caller=caller,
            status="open",
            opened_us=opened_us,
            due_us=None,
            numbers=() if caller is None else (f"+86{caller}",),
        )
        said: list[Effect] = [opened]
        if ended_ago_s is not None:
            ended_us = wall_us() - int(ended_ago_s * SECOND_US)
            due = replace(opened, at_us=ended_us, due_us=ended_us + DUE_US, change="due")
            said.append(due)
        await self.submit(*said)
        return opened.id

    async def submit(self, *effects: Effect) -> None:
        """What the engine said, committed; the engine takes its orders back as after a restart."""
        self.store.submit(list(effects), {}, ignore, pbx="main")
        await self.store.flush()
        # What was stored before they began they read; of what comes later the daemon tells them.
        self.figures.announce(effects)
        self.runtime.restore("main", await self.store.restore("main"))

    async def done(self, who: Person, order: str, command: PersonCommand) -> WorkOrder:
        """A command of somebody else's, which is not refused."""
        done = await self.desk.command(who, order, command)
        assert isinstance(done, OrderView), done
        return done.order


def hold_clock(from_s: float) -> dict[str, Any]:
    """Rule R2: warning at 20 s, breach at 30 s."""
    return {
        "rule": "hold",
        "from": from_s,
        "warn_at": from_s + 20,
        "breach_at": from_s + 30,
        "ring_cycle_s": None,
        "stopped": False,
    }


def judged_call(world: World, ago_s: float, **changes: Any) -> list[Effect]:
    """A call of the agent's that is over, with a hold of 41 s, a violation and a recording."""
    call = world.next_call()
    ended_us = wall_us() - int(ago_s * SECOND_US)
    began_us = ended_us - 184 * SECOND_US
    leg = LegEnded(
        pbx="main",
        call=call,
        leg=f"{call}-leg",
        seat="PJSIP/8001",
        agent=AGENT.login,
        queue="hotline",
        direction="inbound",
        caller="13800001111",
        offered_us=began_us - 4 * SECOND_US,
        ringing_us=began_us - 4 * SECOND_US,
        answered_us=began_us,
        ended_us=ended_us,
        ring_us=4 * SECOND_US,
        talk_us=184 * SECOND_US,
        hold_us=41 * SECOND_US,
        holds=(),
        outcome="answered",
        ended_by="caller",
        estimated=False,
        gap=False,
        evidence=(),
    )
    leg = replace(leg, **changes)
    at = began_us + 60 * SECOND_US
    violation = Violation(
        pbx="main",
        id=f"v-{call}",
        at_us=at + 30 * SECOND_US,
        rule="hold",
        seat="PJSIP/8001",
        agent=AGENT.login,
        call=call,
        leg=leg.leg,
        value_us=41 * SECOND_US,
        limit_us=30 * SECOND_US,
        evidence=(f"Hold {at / SECOND_US:.6f}", f"Unhold {at / SECOND_US + 41:.6f}"),
    )
    recorded = RecordingSeen("main", began_us, call, f"{call}.2", "call.wav", False)
    return [recorded, replace(recorded, at_us=ended_us, ended=True), leg, violation]


def _record(folder: Path) -> None:
    """Two seconds of silence."""
    folder.mkdir(parents=True, exist_ok=True)
    with wave.open(str(folder / "call.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(2 * 2 * 8000))


def _form() -> FormBook:
    book = load_form(None, [])
    assert book is not None
    units = (Unit("water", ("自来水公司", "Water works"), contact="王工", phone="01087654321"),)
    calendar = replace(book.calendar, utc_offset_s=SITE_OFFSET_S)
    return replace(book, units=units, teams=(TEAM,), calendar=calendar)


@asynccontextmanager
async def world(folder: Path, *, port: int = 0) -> AsyncIterator[World]:
    """Everything running, the people of above with :data:`PASSWORD`, nobody signed in."""
    directory, book = Directory(), _form()
    phrases = load_phrases(None, [])
    assert phrases is not None
    _record(folder / "monitor")
    seats = tuple(SeatConfig(s, label=s.partition("/")[2], group=TEAM) for s in SEATS)
    policies = PolicyBook(seats=seats, day_starts_s=DAY_STARTS_S)
    rules = ConfiguredRules(book, directory, {"main": policies})
    store = Store(folder / "agentd.db", rules=rules, linger_s=0.001)
    settings = AccountSettings(hash_rounds=1, hash_memory_kib=8)
    accounts = AccountService(store, settings, directory=directory)
    live = LiveStream()
    await store.start()
    try:
        await accounts.start()
        hashed = await accounts.passwords.hash(PASSWORD)
        people = (AGENT, COLLEAGUE, LEADER, ADMIN)
        # After a restart they are there: to put them anew would end their sessions.
        new = [(person, hashed) for person in people if directory.get(person.login) is None]
        await accounts.put_people(ADMIN, new, "")
        nobody = _Nobody()
        runtime = Runtime(
            {"main": Pipeline("main", policies)},
            store,
            nobody,
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
            hints=live,
            audit=accounts,
            notices=nobody,
            live=nobody,
            announce=ignore,
        )
        store.on_change(desk.on_changed)
        queues = FakeQueues(queues=("hotline",))
        queues.known = {seat: Phone(seat, "NOT_INUSE") for seat in SEATS[:2]}
        presence = PresenceService(
            store=store,
            engine=runtime,
            pbxs={"main": PbxDesk(queues, seats=seats)},
            book=book,
            people=directory,
            hints=live,
        )
        async with asyncio.TaskGroup() as group:
            work = (runtime.run(), accounts.run(), live.run())
            tasks = [group.create_task(one) for one in work]
            await desk.start()
            tasks.append(group.create_task(desk.run()))
            await presence.start()
            records = CallRecords(
                store,
                directory,
                team_of=lambda _pbx, _seat: TEAM,
                folders={"main": folder / "monitor"},
            )
            supervision = SupervisionService(
                engine=runtime, pbxs={"main": PbxControl(queues, seats=seats)}, pauses=book.pauses,
                people=directory, accounts=accounts, presence=presence, store=store, hints=live,
            )  # fmt: skip
            # They are shown on no board: the own ones are asked for.
            figures = FigureService(
                book=MetricBook(day_starts_s=DAY_STARTS_S), pbxs=("main",), store=store,
                engine=runtime, live=nobody,
                directory=directory, team_of=lambda _pbx, _seat: TEAM,
            )  # fmt: skip
            tasks.append(group.create_task(figures.run()))
            services = RestServices(
                desk=desk,
                presence=presence,
                supervision=supervision,
                accounts=accounts,
                store=store,
                calls=records,
                directory=directory,
                phrases={"zh": phrases.zh, "en": phrases.en},
                policies={"main": policies},
                workbooks=Workbooks(),
                reports=reports_over(figures, store, directory, book),
                history=HistoryView(store, directory, team_of=lambda _pbx, _seat: TEAM),
                figures=figures,
                retention=Retention(store, directory, RetentionPolicy(), book.numbers),
            )
            web = WebServer(
                WebSettings(port=port, static_dir=STATIC),
                live,
                lambda: {"ok": True},
                accounts,
                routers=rest_routers(services),
                my_seat=lambda who: my_seat_json(presence, who),
            )
            url = await web.start()
            serving = asyncio.create_task(web.serve_until_stopped())
            made = World(f"{url}/", store, desk, presence, live, runtime, supervision, figures)
            made.show("pbx:main", scenes.pbx())
            made.show("queue:main/hotline", scenes.queue("hotline", "服务热线"))
            try:
                yield made
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


@asynccontextmanager
async def signed_in(folder: Path, *, port: int = 0) -> AsyncIterator[World]:
    """A world in which the agent sits at 8001, ready."""
    async with world(folder, port=port) as made:
        await made.presence.sign_in(AGENT, "main", "PJSIP/8001")
        await made.presence.ready(AGENT)
        since = made.now()
        made.seat(person=AGENT.login, agent=AGENT.name, state="available", since=since,
                  queues=["hotline"])  # fmt: skip
        yield made


async def _main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with signed_in(Path(folder)) as made:
            await made.order(made.next_call(), opened_ago_s=700, ended_ago_s=640)
            await made.answers(made.rings())
            print(made.url, f"password: {PASSWORD}", flush=True)  # noqa: T201  its output
            await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main())
