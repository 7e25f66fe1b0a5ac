"""Mixed traffic on a real Asterisk for the wallboard's truth: who calls, what phones do with it,
what the supervisor and the queues' members do meanwhile. Everything is drawn from one seed; nothing
is believed of it: what counts is what phones and Asterisk say happened (asterisk_lab/witness.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asterisk_lab.config import CEL_FILE, PHONE_HOST, TRUNK_HOST, Member, Queue
from asterisk_lab.native import NativePbx
from asterisk_lab.phones import (
    Sipp,
    SippError,
    Step,
    answer,
    bye,
    call,
    hold,
    refer,
    reject,
    ring,
    ring_on,
    unhold,
    until_bye,
    wait,
)
from asterisk_lab.witness import Seen, channels, look
from tests.lab.board_world import Completed, Instant, Paused, Rules
from tests.lab.board_world import Member as Membership

RULES = Rules(
    ring_warn_s=2, ring_max_s=4, hold_warn_s=2, hold_max_s=4, hold_escalate_s=6, wrap_up_s=5,
    answered_within_s=4, short_abandon_s=2, order_due_s=900,
)  # fmt: skip
TOML = f"""
[rules.ring]
cycle_s = {RULES.ring_warn_s}
on_s = 1
max_rings = 2
[rules.hold]
warn_s = {RULES.hold_warn_s}
max_s = {RULES.hold_max_s}
escalate_s = {RULES.hold_escalate_s}
[rules.work_order]
due_s = {RULES.order_due_s}
remind_s = []
[rules.wrap_up]
duration_s = {RULES.wrap_up_s}
[rules.service_level]
answered_within_s = {RULES.answered_within_s}
short_abandon_s = {RULES.short_abandon_s}
[surge]
waiting = "off"
longest_wait_s = "off"
service_level = "off"
"""
"""Short limits: of each there is something on both sides within a minute. A surge would fold alerts
into its own, and is not held to the truth here."""

PEOPLE = {
    "1001": ("张三", "一组"), "1002": ("李四", "一组"), "1003": ("王芳", "一组"),
    "1004": ("赵敏", "二组"), "1005": ("陈晨", "二组"), "1006": ("刘洋", "二组"),
    "1007": ("黄丽", "三组"), "1008": ("周杰", "三组"), "1009": ("吴倩", "三组"),
}  # fmt: skip
"""Who sits at which seat, and the seat's team."""
QUEUES = (
    Queue("hotline", "8001", [Member(n) for n in ("1001", "1002", "1003")], ring_timeout_s=7),
    Queue("sales", "8002", [Member(n) for n in ("1004", "1005")], strategy="ringall",
          ring_timeout_s=7),
    Queue("complaints", "8003", [Member(n) for n in ("1003", "1006")], ring_timeout_s=7,
          give_up_s=9),
    Queue("night", "8004", [Member("1007")], give_up_s=37),
    Queue("callback", "8005", []),
    Queue("vip", "8006", [Member("1009")]),
)  # fmt: skip
STATIC = tuple(dict.fromkeys(m.seat for queue in QUEUES for m in queue.members))
TRANSFERS, SECOND_LINE, DIALLER, HOLDER = "1001", "1007", "1008", "1009"
"""One that transfers every fifth call; one that is paused all the time and gets what is
transferred; one that only calls out, and comes and goes; one that lets everybody wait for long."""
REST = ("小休", "就餐")
TRAINING = "培训"
REASONS_SHOWN = {"小休": "Break", "就餐": "Meal", "培训": "Training"}
"""As the built-in form calls them in English."""
HANDED_OVER = [wait(0.6)] * 4
"""A NOTIFY ends a wait: after the third the transfer is under way."""
JOIN_S = 0.5

_PLANS = (
    (30, "plain"), (16, "hold"), (10, "late"), (9, "two_holds"), (9, "agent_ends"),
    (6, "no_answer"), (5, "reject"), (6, "warned"),
)  # fmt: skip


def device(number: str) -> str:
    return f"PJSIP/{number}"


@dataclass(frozen=True)
class Customer:
    """Who calls, how long they stay, and what becomes of the order."""

    number: str
    queue: str
    stay_s: float
    category: str | None
    """None: nobody completes the order."""
    own_service: bool
    after_s: float
    """From the call's end to the completion."""
    again_s: float | None
    """They call once more about the same, and stay for so long."""


class Plan:
    """What happens, drawn from one seed: for every seat and for the callers apart, so that who is
    quicker changes nothing. Times keep clear of the limits."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._apart: dict[str, random.Random] = {}
        self._nth: Counter[str] = Counter()
        self._numbers = itertools.count(1)

    def _of(self, what: str) -> random.Random:
        return self._apart.setdefault(what, random.Random(f"{self._seed} {what}"))

    def gap_s(self, what: str = "callers") -> float:
        return self._of(f"gap {what}").uniform(0.4, 2.2)

    def number(self) -> str:
        return f"139{next(self._numbers) * 7919 % 10**8:08d}"

    def customer(self) -> Customer:
        r = self._of("callers")
        category = r.choice(("consult", "consult", "complaint"))
        return Customer(
            self.number(), r.choices(QUEUES[:4], (50, 25, 18, 7))[0].number, self._stay_s(r),
            category if r.random() < 0.6 else None, category == "complaint" and r.random() < 0.5,
            r.uniform(0.3, 3.0), self._stay_s(r) if r.random() < 0.15 else None,
        )  # fmt: skip

    @staticmethod
    def _stay_s(r: random.Random) -> float:
        stays = r.uniform(0.4, 1.6), r.uniform(2.5, 7.0), r.uniform(9.0, 18.0)
        return r.choices(stays, (8, 14, 78))[0]

    def seat(self, number: str) -> list[Step]:
        """What a seat's phone does with its next call."""
        r = self._of(number)
        plan = r.choices([name for _, name in _PLANS], [weight for weight, _ in _PLANS])[0]
        nth = self._nth[number]
        self._nth[number] += 1
        if number == SECOND_LINE:
            return [ring(r.uniform(0.4, 1.5)), answer(), until_bye()]
        if number == HOLDER:
            return [ring(0.5), answer(), wait(1), hold(), wait(28), unhold(), until_bye()]
        if number == TRANSFERS and nth % 5 == 0:
            plan = "transfer"
        short, talk = ring(r.uniform(0.4, 1.5)), wait(r.uniform(1.5, 4.0))
        spells = [r.uniform(0.5, 1.5), r.uniform(2.5, 3.5), r.uniform(4.5, 5.5), r.uniform(6.5, 8)]
        if plan == "late":
            return [ring(r.uniform(4.4, 6.0)), answer(), until_bye()]
        if plan == "warned":
            return [ring(r.uniform(2.4, 3.6)), answer(), until_bye()]
        if plan == "no_answer":
            return [ring_on()]
        if plan == "reject":
            return [ring(r.uniform(0.4, 3.0)), reject()]
        if plan == "agent_ends":
            return [short, answer(), talk, bye()]
        if plan == "transfer":
            return [short, answer(), talk, refer(SECOND_LINE), *HANDED_OVER, bye()]
        steps = [short, answer()]
        for seconds in r.sample(spells, {"hold": 1, "two_holds": 2}.get(plan, 0)):
            steps += [wait(r.uniform(0.5, 1.5)), hold(), wait(seconds), unhold()]
        return [*steps, until_bye()]

    def far_end(self) -> list[Step]:
        """What the phone does that a seat calls."""
        r = self._of("far ends")
        if r.random() < 0.3:
            return [ring(r.uniform(0.5, 1.5)), reject()]
        return [ring(r.uniform(0.5, 1.5)), answer(), wait(r.uniform(1.5, 4.0)), bye()]


Ask = Callable[[str, str, dict[str, Any] | None], Awaitable[tuple[int, Any]]]
"""A request of the supervisor's: method, path, body → status, answer."""


class Play:
    """Plays traffic, and remembers all that it did itself."""

    def __init__(self, pbx: NativePbx, folder: Path, plan: Plan, ask: Ask) -> None:
        self._pbx = pbx
        self._dir = folder
        self._plan = plan
        self._ask = ask
        self._slots = [pbx.ports.take(6) for _ in range(60)]
        self._traces = itertools.count(1)
        self._calls: set[asyncio.Task[None]] = set()
        self._open = asyncio.Event()
        self.phones: dict[str, list[Path]] = {device(number): [] for number in PEOPLE}
        self.callers: list[Path] = []
        self.pauses: list[Paused] = []
        self.members: list[Membership] = []
        self.completed: list[Completed] = []
        self.ended_by_us: set[str] = set()
        self.problems: list[str] = []

    # --- what was seen ------------------------------------------------------------------------

    @property
    def _cel(self) -> Path:
        return self._pbx.directory / "log" / "cel-custom" / CEL_FILE

    def seen(self) -> Seen:
        return look(self._cel, self.phones, self.callers)

    def quiet_s(self) -> float:
        """For how long nothing has happened on the PBX, nor on the runner's side."""
        latest = [path.stat().st_mtime for path in (self._cel, *self._traced()) if path.exists()]
        latest += [done.at[1] for done in (*self.pauses, *self.members, *self.completed)]
        return time.time() - max(latest, default=0.0)

    def _traced(self) -> Iterable[Path]:
        return itertools.chain(self.callers, *self.phones.values())

    # --- running ------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def running(self) -> Any:
        """Phones on, and what goes on beside the calls; ended at once in the end."""
        tasks = [asyncio.create_task(self._seat(number)) for number in STATIC]
        tasks += [asyncio.create_task(work()) for work in (self._callers, self._dials, self._acts)]
        try:
            yield
        finally:
            for task in (*tasks, *self._calls):
                task.cancel()
            found = await asyncio.gather(*tasks, *self._calls, return_exceptions=True)
            self.problems += [
                repr(error)
                for error in found
                if isinstance(error, Exception) and not isinstance(error, asyncio.CancelledError)
            ]

    async def traffic(self, seconds: float) -> None:
        """Let new calls come for so long."""
        self._open.set()
        await asyncio.sleep(seconds)
        self._open.clear()

    async def drained(self) -> None:
        """Until every call is over."""
        while self._calls:
            await asyncio.wait(self._calls)

    def linger(self) -> None:
        """A few calls that go on, or wait, for a while: something to look at."""
        for queue, stay_s in (
            ("8004", 30),
            ("8004", 19),
            ("8004", 18),
            ("8001", 26),
            ("8002", 26),
            ("8003", 24),
        ):
            self._spawn(self._caller(self._plan.number(), queue, stay_s))

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._calls.add(task)

        def over(ended: asyncio.Task[None]) -> None:
            self._calls.discard(ended)
            if not ended.cancelled() and ended.exception() is not None:
                self.problems.append(repr(ended.exception()))

        task.add_done_callback(over)

    def _sipp(
        self, host: str, port: int, slot: int, user: str, steps: list[Step], traces: list[Path],
        calls: int | None = 1,
    ) -> Sipp:  # fmt: skip
        trace = self._dir / f"{user}-{next(self._traces)}.trace"
        traces.append(trace)
        return Sipp(
            self._dir, host=host, port=port, control_port=slot, media_port=slot + 1, user=user,
            pbx=f"{PHONE_HOST}:{self._pbx.config.sip_port}", steps=steps, calls=calls, trace=trace,
        )  # fmt: skip

    @staticmethod
    async def _play(sipp: Sipp) -> None:
        try:
            await sipp.start()
            await sipp.finished(600)
        except (SippError, TimeoutError):
            # A call that went another way than the steps say is a call, too.
            pass
        finally:
            await sipp.stop()
            sipp.discard_files()

    async def _seat(self, number: str) -> None:
        slot = self._slots.pop()
        port = self._pbx.seats[number].sip_port
        traces = self.phones[device(number)]
        calls = None if number == SECOND_LINE else 1
        while True:
            steps = self._plan.seat(number)
            await self._play(self._sipp(PHONE_HOST, port, slot, number, steps, traces, calls))

    async def _callers(self) -> None:
        while True:
            await self._open.wait()
            if self._slots:
                self._spawn(self._customer(self._plan.customer()))
            await asyncio.sleep(self._plan.gap_s())

    async def _customer(self, who: Customer) -> None:
        await self._caller(who.number, who.queue, who.stay_s)
        if who.category is None:
            return
        await asyncio.sleep(who.after_s)
        await self._complete(who.number, who.category, who.own_service)
        if who.again_s is not None and self._open.is_set():
            await self._caller(who.number, who.queue, who.again_s)
            await self._complete(who.number, who.category, who.own_service)

    async def _caller(self, number: str, queue: str, stay_s: float) -> None:
        slot = self._slots.pop()
        steps = [call(queue), wait(JOIN_S + stay_s), bye()]
        try:
            await self._play(self._sipp(TRUNK_HOST, slot + 5, slot, number, steps, self.callers))
        finally:
            self._slots.append(slot)

    # --- orders -------------------------------------------------------------------------------

    def _call_of(self, number: str) -> str | None:
        """That caller's last call."""
        found = [c for c in channels(self._cel).values() if c.number == number and c.queues]
        return found[-1].uid if found else None

    async def _complete(self, number: str, category: str, own_service: bool) -> None:
        call_uid = self._call_of(number)
        if call_uid is None:
            return
        status, order = await self._ask("GET", f"/api/orders/by-call/pbx/{call_uid}", None)
        if status == 404 or order["kind"] != "call" or order["state"] != "open":
            return
        _, form = await self._ask("GET", "/api/form", None)
        spec = next(c for c in form["categories"][""] if c["key"] == category)
        body: dict[str, Any] = {
            "do": "complete",
            "category": category,
            "own_service": own_service,
            "fields": {
                field["key"]: field["choices"][0] if field["kind"] == "choice" else "人民路12号"
                for field in spec["fields"]
                if field["required"] or field["in_title"]
            },
        }
        if spec["needs_reply"]:
            body["reply"] = {"mode": "direct", "content": "已答复", "basis": "热线知识库第3条"}
        at, (status, said) = await self._timed("POST", f"/api/orders/{order['id']}/commands", body)
        if status == 200:
            self.completed.append(Completed(call_uid, at, category, own_service))
        else:
            self.problems.append(f"order {order['id']} was not completed: {said}")

    async def _timed(
        self, method: str, path: str, body: dict[str, Any]
    ) -> tuple[Instant, tuple[int, Any]]:
        asked_at = time.time()
        answered = await self._ask(method, path, body)
        return (asked_at, time.time()), answered

    # --- beside the calls ---------------------------------------------------------------------

    async def _action(self, name: str, **headers: str) -> Instant:
        asked_at = time.time()
        await self._pbx.ami.action(name, headers)
        return asked_at, time.time()

    async def _pause(self, number: str, reason: str | None) -> None:
        at = await self._action(
            "QueuePause", Interface=device(number), Paused="false" if reason is None else "true",
            Reason=reason or "",
        )  # fmt: skip
        self.pauses.append(Paused(device(number), at, reason))

    async def _sign(self, number: str, signed_in: bool) -> None:
        name, where = ("QueueAdd", {"MemberName": PEOPLE[number][0],
                                    "StateInterface": device(number)}) if signed_in else (
            "QueueRemove", {})  # fmt: skip
        at = await self._action(name, Queue="callback", Interface=device(number), **where)
        self.members.append(Membership(device(number), at, signed_in))

    async def _dials(self) -> None:
        """A seat that signs in, calls out, and goes again."""
        slot, far = self._slots.pop(), self._slots.pop()
        while True:
            await self._open.wait()
            await self._sign(DIALLER, True)
            for _ in range(3):
                number = self._plan.number()
                await self._pbx.ami.action(
                    "DBPut", Family="far", Key=number, Val=f"{TRUNK_HOST}:{far + 5}"
                )
                target = self._sipp(
                    TRUNK_HOST, far + 5, far, number, self._plan.far_end(), self.callers
                )
                own = self.phones[device(DIALLER)]
                dial = [call(f"9{number}"), until_bye()]
                phone = self._sipp(PHONE_HOST, slot + 5, slot, DIALLER, dial, own)
                await target.start()
                await self._play(phone)
                await target.stop()
                await asyncio.sleep(self._plan.gap_s("dials") * 2)
            await self._open.wait()
            await self._sign(DIALLER, False)
            await asyncio.sleep(4)

    async def _acts(self) -> None:
        """Pauses by the people themselves and by the supervisor, who also ends a call."""
        await self._pause(SECOND_LINE, REST[0])
        for number, reason in itertools.cycle(
            (("1002", REST[1]), ("1005", TRAINING), ("1006", REST[0]))
        ):
            await self._open.wait()
            await asyncio.sleep(3)
            await self._pause(number, reason)
            await asyncio.sleep(6)
            await self._end_a_call()
            await self._supervisor_unpauses(number)
            await asyncio.sleep(4)

    async def _supervisor_unpauses(self, number: str) -> None:
        at, (status, said) = await self._timed(
            "POST", "/api/control/unpause", {"pbx": "pbx", "seat": device(number)}
        )
        if status != 200:
            self.problems.append(f"{number} was not unpaused: {said}")
        self.pauses.append(Paused(device(number), at, None))

    async def _end_a_call(self) -> None:
        """The supervisor ends the youngest call that talks."""
        talking = [
            part
            for part in self.seen().parts
            if part.answered_at is not None and part.ended_at is None and not part.outbound
            and part.queue is not None
        ]  # fmt: skip
        if not talking:
            return
        part = max(talking, key=lambda p: p.answered_at or 0)
        status, _ = await self._ask(
            "POST", "/api/control/hangup", {"pbx": "pbx", "call": part.call}
        )
        # It may just have ended by itself.
        if status == 200:
            self.ended_by_us.add(part.call)
