"""The desk service on a real database file, with an engine and a clock that tests move."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from agentd.core.effects import Alert, Effect, OrderChanged, Violation
from agentd.core.obligation import complete
from agentd.core.order_form import CategorySpec, FieldSpec, FormBook, Unit
from agentd.core.order_model import Complete, Notice, OrderRefusal, WorkOrder
from agentd.core.people import Directory, Person
from agentd.desk import DeskService
from agentd.errors import Refused
from agentd.ports.accounts import AuditEntry
from agentd.ports.desk import Duty, Job, OrderView
from agentd.ticketing import Store
from tests.adapters.store_rig import T0_US, ignore, order

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US

PLACE = FieldSpec(key="place", label=("地点", "Place"), kind="place", in_title=True)
EVENT = FieldSpec(key="event", label=("事件", "Event"), in_title=True)
BOOK = FormBook(
    categories=(
        CategorySpec("consult", ("咨询", "Consult"), fields=(PLACE, EVENT)),
        CategorySpec("complaint", ("投诉", "Complaint"), fields=(PLACE, EVENT), forward=True),
    ),
    units=(Unit("water", ("自来水公司", "Waterworks"), contact="赵工", phone="87654321"),),
    pre_approved=frozenset({"silent_call"}),
)
FILLED: dict[str, Any] = {
    "category": "complaint",
    "fields": {"place": "人民路12号", "event": "水管爆裂"},
}

WANG = Person(login="1001", name="王芳", role="agent", teams=("day",))
LI = Person(login="1002", name="李雷", role="agent", teams=("night",))
ZHAO = Person(login="9001", name="赵班长", role="shift_leader", teams=("day",))
QIAN = Person(login="9002", name="钱班长", role="shift_leader", teams=("night",))
SUN = Person(login="9003", name="孙主管", role="supervisor")
ADMIN = Person(login="9008", name="系统管理员", role="admin")
MANAGER = Person(login="9007", name="顾主任", role="manager")
QA = Person(login="9006", name="方品管", role="qa")
AUDITOR = Person(login="9009", name="周审计", role="auditor")
PEOPLE = (WANG, LI, ZHAO, QIAN, SUN, QA, MANAGER, ADMIN, AUDITOR)
TEAMS = {"PJSIP/1001": "day", "PJSIP/1002": "night"}


class Rules:
    """What the store asks when an order changes."""

    def __init__(self, book: FormBook, directory: Directory) -> None:
        self.book = book
        self.directory = directory

    def owner(self, agent: str | None) -> str | None:
        person = self.directory.whose(agent)
        return None if person is None else person.login

    def team(self, pbx: str, seat: str | None) -> str | None:
        return TEAMS.get(seat or "")


class FakeEngine:
    """Completes what is owed as the runtime does; its time is what the test says."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.time_us = T0_US + MINUTE_US
        self.numbers: list[tuple[str, str, tuple[str, ...]]] = []
        self.completed: list[str] = []
        self.assigned: list[tuple[str, str, str]] = []
        self.seats: dict[str, Any] = {}
        self.refusal: str | None = None
        self.clock_known = True

    async def complete_order(
        self, pbx: str, order_id: str, by: str, *, job: Job | None = None
    ) -> OrderChanged:
        if self.refusal is not None:
            raise Refused(self.refusal)
        opened = (await self.store.restore(pbx)).open_orders
        held = next((o for o in opened if o.id == order_id), None)
        if held is None:
            raise Refused(f"there is no open work order {order_id}")
        done = complete(held, by, self.time_us)
        assert isinstance(done, OrderChanged)
        self.completed.append(order_id)
        self.store.submit([done], {}, ignore, pbx=pbx, jobs=() if job is None else (job,))
        await self.store.flush()
        return done

    async def assign_order(
        self, pbx: str, order_id: str, person: str, name: str, *, job: Job | None = None
    ) -> None:
        opened = (await self.store.restore(pbx)).open_orders
        held = next((o for o in opened if o.id == order_id), None)
        if held is None:
            raise Refused(f"there is no open work order {order_id}")
        self.assigned.append((order_id, person, name))
        due_us = None if held.due_us is None else self.time_us + 15 * MINUTE_US
        given = replace(held, at_us=self.time_us, agent=person, due_us=due_us, change="assigned")
        self.store.submit([given], {}, ignore, pbx=pbx, jobs=() if job is None else (job,))
        await self.store.flush()

    async def order_numbers(self, pbx: str, order_id: str, numbers: Sequence[str]) -> None:
        self.numbers.append((pbx, order_id, tuple(numbers)))

    def pbx_now_us(self, pbx: str) -> int:
        return self.time_us

    def knows_clock(self, pbx: str) -> bool:
        return self.clock_known

    def board(self, pbx: str) -> Mapping[str, Any]:
        return self.seats


class Rig:
    """A running desk, and everything that it told others."""

    def __init__(self, store: Store, directory: Directory, book: FormBook) -> None:
        self.store = store
        self.directory = directory
        self.engine = FakeEngine(store)
        self.wall_ahead_us = 0
        """How far our clock is ahead of the PBX's."""
        self.hints: list[str] = []
        self.audit: list[AuditEntry] = []
        self.notices: list[tuple[Notice, WorkOrder]] = []
        self.board: dict[str, Any] = {}
        self.alerts: list[Alert] = []
        self.service = DeskService(
            store=store,
            engine=self.engine,
            directory=directory,
            book=book,
            pbxs=("main",),
            hints=self,
            audit=self,
            notices=self,
            live=self,
            announce=self.hear,
            wall_us=lambda: self.engine.time_us + self.wall_ahead_us,
        )

    # What the desk tells.

    def hint(self, *topics: str) -> None:
        self.hints += topics

    async def note(self, entry: AuditEntry) -> None:
        self.audit.append(entry)

    def notify(self, notices: Sequence[tuple[Notice, WorkOrder]]) -> None:
        self.notices += notices

    def publish(self, changed: Mapping[str, Any], removed: Sequence[str]) -> None:
        self.board |= changed
        for key in removed:
            self.board.pop(key, None)

    def hear(self, effects: Sequence[Effect]) -> None:
        self.alerts += [effect for effect in effects if isinstance(effect, Alert)]

    # What happens.

    async def engine_says(self, *effects: Effect) -> None:
        self.store.submit(effects, {}, self.service.on_effects, pbx="main")
        await self.store.flush()

    async def opened(self, number: int = 1, **changes: Any) -> str:
        """Order ``number``, as the engine opens it, and due in 15 minutes."""
        made = order(number, **changes)
        await self.engine_says(made)
        due_us = made.opened_us + 16 * MINUTE_US
        await self.engine_says(
            replace(made, at_us=made.opened_us + MINUTE_US, due_us=due_us, change="due")
        )
        return made.id

    def pass_time(self, us: int) -> None:
        """So much time passes."""
        self.engine.time_us += us
        self.service._clock._bell.set()

    async def until(self, happened: Callable[[], Any]) -> None:
        async with asyncio.timeout(20):
            while not happened():
                await asyncio.sleep(0.002)

    async def settled(self, turns: int = 20) -> None:
        """Long enough for what would happen by itself to have happened."""
        for _ in range(turns):
            await asyncio.sleep(0.001)
        await self.store.flush()

    async def followed_up(self) -> None:
        """What follows from the changes so far has been done."""
        done = asyncio.Event()

        async def last() -> None:
            done.set()

        await self.store.flush()
        self.service._follow_up.put_nowait(last)
        async with asyncio.timeout(20):
            await done.wait()

    async def done(self, who: Person, order_id: str, command: Any, **how: Any) -> OrderView:
        """A command that must succeed."""
        view = await self.service.command(who, order_id, command, **how)
        assert isinstance(view, OrderView), view
        return view

    async def refused(self, who: Person, order_id: str, command: Any, **how: Any) -> OrderRefusal:
        """One that must not."""
        refusal = await self.service.command(who, order_id, command, **how)
        assert isinstance(refusal, OrderRefusal), refusal
        return refusal

    async def completed(self, who: Person, order_id: str, **changes: Any) -> OrderView:
        return await self.done(who, order_id, Complete(**{**FILLED, **changes}))

    async def now(self, order_id: str) -> WorkOrder:
        found = await self.store.order(order_id)
        assert found is not None
        return found

    async def duty(self, *lines: tuple[str, str, str, int, int]) -> None:
        """(team, login, role, from, to), relative to now, in microseconds."""
        now_us = self.engine.time_us
        await self.store.put_duties(
            [
                Duty(f"duty-{team}-{login}-{role}", team, login, role, now_us + a, now_us + b)  # type: ignore[arg-type]
                for team, login, role, a, b in lines
            ],
            [],
        )

    def told(self, kind: str) -> list[Notice]:
        return [notice for notice, _ in self.notices if notice.kind == kind]


@asynccontextmanager
async def desk(
    path: Path, *people: Person, book: FormBook = BOOK, time_us: int | None = None
) -> AsyncIterator[Rig]:
    """A desk on the database ``path``; opened again, it goes on where it was."""
    directory = Directory(people or PEOPLE)
    async with Store(path, rules=Rules(book, directory)) as store:
        await store.catch_up()
        rig = Rig(store, directory, book)
        if time_us is not None:
            rig.engine.time_us = time_us
        store.on_change(rig.service.on_changed)
        await rig.service.start()
        running = asyncio.create_task(rig.service.run())
        try:
            yield rig
        finally:
            running.cancel()
            await asyncio.wait([running])
            await rig.service.close()
            if not running.cancelled():
                running.result()


def hung_up(number: int = 1, **changes: Any) -> Violation:
    """The agent ended call ``number``."""
    values: dict[str, Any] = {
        "pbx": "main",
        "id": f"main-17323200.{number}-hangup",
        "at_us": T0_US + number,
        "rule": "hangup_order",
        "seat": "PJSIP/1001",
        "agent": "王芳",
        "call": f"17323200.{number}",
        "leg": f"17323200.{number}1",
        "value_us": None,
        "limit_us": None,
        "evidence": ("Hangup",),
    }
    return Violation(**{**values, **changes})
