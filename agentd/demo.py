"""``agentd demo``: the daemon beside the embedded PBX, dressed as a hotline.

Nothing in the daemon knows that it is a demo. The one thing added is a clerk who completes most
work orders after a while, as agents do, so that what is overdue on the board stays the exception.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from msgspec.structs import replace

from agentd import clock
from agentd.ami_link import AmiSettings
from agentd.app import Daemon, EffectLog, stopped_by_signals, web_settings
from agentd.config import Config
from agentd.core.effects import Effect, OrderChanged
from agentd.core.order_form import FormBook, Unit
from agentd.core.order_model import MarkUrgent
from agentd.core.people import Person
from agentd.core.policy import PolicyBook, SeatConfig
from agentd.demo_clerk import clerk_completion, clerk_note
from agentd.demo_people import OFFICES, DemoAccess, populate
from agentd.demo_phone import phone_router
from agentd.errors import AgentdError, Refused
from agentd.simulator import REDIRECT_CONTEXT, SimConfig, SimulatedPbx

QUEUE_LABELS = {"hotline": "市民热线", "complaints": "投诉建议", "sales": "业务咨询"}
GROUPS = ("一组", "二组", "三组", "四组", "五组")
SEATS_A_GROUP = 8
UNITS = (
    Unit("lighting", ("路灯管理所", "Street lighting office"), "孙立", "6101", 3),
    Unit("sanitation", ("环境卫生中心", "Sanitation centre"), "何静", "6102", 2),
    Unit("water", ("自来水公司", "Water works"), "罗刚", "6103", 1),
    Unit("housing", ("住房和建设局", "Housing and construction office"), "高洁", "6104", 5),
    Unit("hotline", ("热线服务质量组", "Service quality team of the hotline"), "方婷", "6105", 3),
)
"""承办单位, each with whom to ask for and by what number."""
COMPLETE_AFTER_S = (15.0, 240.0)
FORGOTTEN = 0.04
"""Share of orders that nobody completes."""
MANNED = 0
"""Which seat is left to a person, where there is more than one."""
URGENT = 0.03
"""Share of orders that turn out to be urgent."""


@dataclass(frozen=True)
class DemoOptions:
    """What ``agentd demo`` plays. ``calls_per_minute`` None: what keeps the seats busy."""

    seats: int = 24
    calls_per_minute: float | None = None
    seed: int = 1
    port: int = 8440
    duration_s: float | None = None
    database: Path | None = None
    """None: one that is gone afterwards."""


def dressed(book: PolicyBook, played: SimConfig) -> PolicyBook:
    """``book`` with names for the demo's queues and groups for its seats, where it has none."""
    seats = tuple(
        SeatConfig(
            f"PJSIP/{played.first_seat + n}",
            group=GROUPS[n // SEATS_A_GROUP % len(GROUPS)],
            place=n + 1,
        )
        for n in range(played.seats)
    )
    labels = {**QUEUE_LABELS, **book.queue_labels}
    return replace(book, queue_labels=labels, seats=book.seats or seats)


def with_units(book: FormBook) -> FormBook:
    """``book`` with responsible units to dispatch to, where it names none."""
    return replace(book, units=book.units or UNITS)


class Clerk:
    """Completes work orders a while after they fell due, through the daemon's own door."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  it plays, it guards nothing
        self._log = EffectLog()
        self._due: asyncio.Queue[OrderChanged] = asyncio.Queue()

    def announce(self, effects: Sequence[Effect]) -> None:
        """What the daemon says goes to the log, and its orders to the clerk as well."""
        self._log(effects)
        for effect in effects:
            if isinstance(effect, OrderChanged) and effect.due_us is not None:
                self._due.put_nowait(effect)

    async def work(self, daemon: Daemon) -> None:
        """Complete orders until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                order = await self._due.get()
                if order.status == "open" and self._random.random() >= FORGOTTEN:
                    after_s = self._random.uniform(*COMPLETE_AFTER_S)
                    group.create_task(self._complete(daemon, order, after_s), name="clerk-order")

    async def _complete(self, daemon: Daemon, order: OrderChanged, after_s: float) -> None:
        await asyncio.sleep(after_s)
        staff = daemon.staff
        if staff.accounts.directory.get(order.agent) is not None:
            # Whoever signed in at the desk does that: nothing is taken from under their hands.
            return
        by = staff.accounts.directory.whose(order.agent) or _LEADER
        command = clerk_completion(order, staff.desk.book, self._random)
        # A call may go on, or somebody may have been quicker.
        with contextlib.suppress(Refused):
            if order.kind == "missed":
                await staff.desk.command(_LEADER, order.id, clerk_note(self._random))
                by = _LEADER
            elif self._random.random() < URGENT:
                await staff.desk.command(by, order.id, MarkUrgent())
            await staff.desk.command(by, order.id, command)


_LEADER = Person("leader", "周敏", "shift_leader")


class DemoReady(Protocol):
    """Told when the demo serves: its URL, its database, how to get in, and the seat that is left
    to a person (None: there is none)."""

    def __call__(self, url: str, database: Path, access: DemoAccess, seat: str | None) -> None: ...


async def demo(config: Config, options: DemoOptions, ready: DemoReady) -> None:
    """``agentd demo``: the daemon beside the embedded PBX, until a signal or ``duration_s``."""
    rate = options.calls_per_minute
    manned = f"PJSIP/{SimConfig.first_seat + MANNED}" if options.seats > 1 else None
    try:
        played = SimConfig(
            seats=options.seats,
            calls_per_s=None if rate is None else rate / 60,
            seed=options.seed,
            manned=frozenset() if manned is None else frozenset({manned}),
            offices=tuple(OFFICES.values()),
        )
    except ValueError as error:
        raise AgentdError(f"this cannot be played: {error}") from None
    pbx = config.pbx_ids[0]
    people = replace(config.people_on(pbx), listening=True, redirect_context=REDIRECT_CONTEXT)
    config.let_people(pbx, people)
    stop = asyncio.Event()
    with (
        stopped_by_signals(stop),
        tempfile.TemporaryDirectory(prefix="agentd-demo-") as folder,
    ):
        async with SimulatedPbx(played, lambda: clock.wall_us() / 1e6) as simulated:
            access = AmiSettings(
                pbx=pbx,
                username=simulated.username,
                secret=simulated.secret,
                host=simulated.host,
                port=simulated.port,
                # Nobody else can reach it: its account may do everything.
                dials=True,
            )
            web = replace(web_settings(config), port=options.port, port_auto=True)
            database = options.database or Path(folder) / "agentd.db"
            clerk = Clerk(options.seed)
            books = {pbx: dressed(config.policy_book(pbx), played)}
            daemon = Daemon(
                config,
                {pbx: access},
                web,
                database,
                books=books,
                form=with_units(config.form_book),
                announce=clerk.announce,
                routers=() if manned is None else (phone_router(simulated, manned),),
            )
            loop = asyncio.get_running_loop()
            started: asyncio.Future[tuple[str, Path]] = loop.create_future()

            async def work() -> None:
                url, path = await started
                try:
                    way_in = await populate(daemon.staff, simulated, pbx)
                except AgentdError:
                    # Ended before it began.
                    if not stop.is_set():
                        raise
                    return
                ready(url, path, way_in, manned)
                if options.duration_s is not None:
                    loop.call_later(options.duration_s, stop.set)
                await clerk.work(daemon)

            working = asyncio.create_task(work(), name="clerk")
            working.add_done_callback(lambda _: stop.set())
            try:
                await daemon.run(stop, lambda url, path: started.set_result((url, path)))
            finally:
                working.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await working
