"""Presence among fakes: a PBX's queues, the engine's seats, and a store, all in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from agentd.core.order_form import FormBook, PauseReason
from agentd.core.order_model import WorkOrder
from agentd.core.people import Directory, Person
from agentd.core.policy import SeatConfig
from agentd.errors import AgentdError, Refused
from agentd.ports.desk import OrderPage, OrderQuery
from agentd.ports.presence import Fault, SignIn
from agentd.ports.telephony import NoAnswer, PbxRefused, Phone, QueueCaller, QueueMember
from agentd.presence import PresenceService
from agentd.presence_rules import PbxDesk

ALL = frozenset({"QueueAdd", "QueueRemove", "QueuePause", "Originate"})

ZHANG = Person("8001", "张三", "agent", queues=("hotline", "sales"))
LI = Person("8002", "李雷", "agent", queues=("hotline",))
LEADER = Person("7001", "王班长", "shift_leader", teams=("一组",))
OTHER_LEADER = Person("7002", "赵班长", "shift_leader", teams=("二组",))
QA = Person("6001", "钱", "qa")

BOOK = FormBook(
    categories=(),
    pauses=(
        PauseReason("lunch", ("午休", "lunch"), "rest"),
        PauseReason("training", ("培训", "training"), "training"),
    ),
)

A, B = "PJSIP/1001", "PJSIP/1002"


class FakeQueues:
    """One PBX (:class:`agentd.ports.telephony.Telephony`) that does what Asterisk 22 does."""

    def __init__(self, *static: QueueMember, queues: Sequence[str] = ("hotline", "sales")) -> None:
        self.rights = ALL
        self.queues = tuple(queues)
        self.at: dict[tuple[str, str], QueueMember] = {(m.queue, m.interface): m for m in static}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.errors: dict[tuple[str, str], Refused] = {}
        """(action, queue or interface) → what is raised; done all the same for NoAnswer."""
        self.series: int | None = 22
        self.waiting: list[QueueCaller] = []
        self.queue_of: dict[str, str] = {}
        """Queue of each call that waits."""
        self.known: dict[str, Phone] = {A: Phone(A, "NOT_INUSE"), B: Phone(B, "NOT_INUSE")}

    def may(self, action: str) -> bool:
        return action in self.rights

    def members(self, device: str) -> Sequence[QueueMember]:
        return tuple(m for _, m in sorted(self.at.items()) if m.device == device)

    def phone(self, device: str) -> Phone | None:
        return self.known.get(device)

    def phones(self) -> Sequence[Phone]:
        return tuple(self.known.values())

    async def callers(self, queue: str) -> Sequence[QueueCaller]:
        found = [c for c in self.waiting if self.queue_of.get(c.call) == queue]
        return sorted(found, key=lambda caller: caller.position)

    async def ask(self, action: str, headers: Mapping[str, str]) -> Mapping[str, str]:
        self.asked.append((action, dict(headers)))
        about = headers.get("Queue") or headers.get("Interface") or headers["Channel"]
        error = self.errors.get((action, about))
        if error is not None and not isinstance(error, NoAnswer):
            raise error
        self._do(action, headers)
        if error is not None:
            raise error
        return {"response": "Success"}

    def _do(self, action: str, headers: Mapping[str, str]) -> None:
        key = (headers.get("Queue", ""), headers.get("Interface", ""))
        match action:
            case "QueueAdd":
                if key[0] not in self.queues:
                    raise PbxRefused(action, "Unable to add interface to queue: No such queue")
                if key in self.at:
                    raise PbxRefused(action, "Unable to add interface: Already there")
                self.at[key] = QueueMember(
                    *key, headers["StateInterface"], headers["MemberName"],
                    dynamic=True, paused=headers["Paused"] == "true",
                )  # fmt: skip
            case "QueueRemove":
                if key not in self.at:
                    raise PbxRefused(action, "Unable to remove interface: Not there")
                if not self.at[key].dynamic:
                    raise PbxRefused(action, "Member not dynamic")
                del self.at[key]
            case "QueuePause":
                mine = [k for k in self.at if k[1] == key[1] and key[0] in ("", k[0])]
                if not mine:
                    raise PbxRefused(action, "Interface not found")
                for k in mine:
                    paused, reason = headers["Paused"] == "true", headers.get("Reason", "")
                    self.at[k] = replace(self.at[k], paused=paused, reason=reason if paused else "")

    def state(self, device: str = A) -> list[tuple[str, str, bool]]:
        """(queue, name, paused) of a phone."""
        return [(m.queue, m.name, m.paused) for m in self.members(device)]


class FakeEngine:
    """Who sits where, and a board of seats."""

    def __init__(self, *pbxs: str) -> None:
        self.sits: dict[tuple[str, str], str] = {}
        self.told: list[tuple[str, ...]] = []
        self.refuses: list[AgentdError] = []
        self.boards: dict[str, dict[str, Any]] = {
            pbx: {f"seat:{pbx}/{seat}": self._seat(pbx, seat) for seat in (A, B)} for pbx in pbxs
        }

    @staticmethod
    def _seat(pbx: str, seat: str) -> dict[str, Any]:
        return {
            "kind": "seat", "pbx": pbx, "seat": seat, "label": seat[-4:], "group": "一组",
            "place": None, "state": "available", "person": None,
        }  # fmt: skip

    async def seat_taken(
        self, pbx: str, seat: str, person: str, name: str, *, jobs: Sequence[Any] = ()
    ) -> None:
        if self.refuses:
            raise self.refuses.pop()
        for job in jobs:
            job()
        self.told.append(("taken", pbx, seat, person, name))
        for place in [p for p, login in self.sits.items() if login == person and p[0] == pbx]:
            del self.sits[place]
        self.sits[pbx, seat] = person

    async def seat_left(
        self, pbx: str, seat: str, *, person: str | None = None, jobs: Sequence[Any] = ()
    ) -> None:
        for job in jobs:
            job()
        self.told.append(("left", pbx, seat, person or ""))
        if person in (None, self.sits.get((pbx, seat))):
            self.sits.pop((pbx, seat), None)

    def board(self, pbx: str) -> Mapping[str, Any]:
        return {
            key: {**obj, "person": self.sits.get((pbx, obj["seat"]))}
            for key, obj in self.boards[pbx].items()
        }

    def pbx_now_us(self, pbx: str) -> int:
        return 1_790_000_000_000_000


class MemoryStore:
    """What presence keeps."""

    def __init__(self) -> None:
        self.kept: dict[str, SignIn] = {}
        self.reported: dict[str, Fault] = {}
        self.owed: dict[str, list[str]] = {}
        self.fails = 0

    async def orders(self, query: OrderQuery) -> OrderPage:
        assert query.owner is not None
        ids = self.owed.get(query.owner, [])
        first = int(query.cursor or 0)
        shown = [_order(one, query.owner) for one in ids[first : first + 2]]
        return OrderPage(tuple(shown), str(first + 2) if len(ids) > first + 2 else None)

    async def sign_ins(
        self, *, login: str | None = None, open_only: bool = False, from_us: int | None = None
    ) -> Sequence[SignIn]:
        return [s for s in self.kept.values() if not open_only or s.to_us is None]

    async def put_sign_ins(self, sign_ins: Sequence[SignIn]) -> None:
        if self.fails:
            self.fails -= 1
            raise AgentdError("the disk is full")
        self.kept.update({one.id: one for one in sign_ins})

    def sign_ins_job(self, sign_ins: Sequence[SignIn]) -> tuple[Any, Callable[[], None]]:
        """Done when the engine runs it; told afterwards."""
        ran: list[bool] = []

        def job() -> None:
            failed = self.fails > 0
            self.fails -= failed
            ran.append(not failed)
            if not failed:
                self.kept.update({one.id: one for one in sign_ins})

        def stored() -> None:
            if ran != [True]:
                raise AgentdError("the disk is full")

        return job, stored

    async def faults(self, *, open_only: bool) -> Sequence[Fault]:
        return [f for f in self.reported.values() if not open_only or f.done_us is None]

    async def put_fault(self, fault: Fault) -> None:
        self.reported[fault.id] = fault


def _order(order_id: str, owner: str) -> WorkOrder:
    return WorkOrder(
        id=order_id,
        pbx="main",
        kind="call",
        call=order_id,
        version=1,
        state="open",
        opened_us=1,
        updated_us=1,
        owner=owner,
    )


class Told:
    """Hints, in order."""

    def __init__(self) -> None:
        self.topics: list[str] = []

    def hint(self, *topics: str) -> None:
        self.topics += topics


class Floor:
    """A presence service and everything around it. ``second``: another PBX beside ``main``."""

    def __init__(
        self, *static: QueueMember, dial_context: str | None = "agentd-dial", drives: bool = True,
        second: bool = False,
    ) -> None:  # fmt: skip
        self.queues = FakeQueues(*static)
        self.second = FakeQueues()
        self.engine = FakeEngine("main", *(["north"] if second else []))
        self.store = MemoryStore()
        self.hints = Told()
        self.people = Directory((ZHANG, LI, LEADER, OTHER_LEADER, QA))
        desks = {"main": (self.queues, (SeatConfig(A, label="一号", place=1),))}
        if second:
            desks["north"] = (self.second, ())
        self._desks = {
            pbx: PbxDesk(queues, drive_queues=drives, dial_context=dial_context, seats=seats)
            for pbx, (queues, seats) in desks.items()
        }
        self.presence = self.restarted()

    def restarted(self) -> PresenceService:
        """The service anew, with what the store and the engine know."""
        self.presence = PresenceService(
            store=self.store, engine=self.engine, pbxs=self._desks, book=BOOK, hints=self.hints,
            people=self.people,
        )  # fmt: skip
        return self.presence

    def open(self) -> list[tuple[str, str, str]]:
        """(login, pbx, seat) of every stored sign-in that is open."""
        return [(s.login, s.pbx, s.seat) for s in self.store.kept.values() if s.to_us is None]

    def ended(self) -> list[tuple[str, str | None, tuple[str, ...]]]:
        """(login, by whom, owed) of those that are over."""
        over = [s for s in self.store.kept.values() if s.to_us is not None]
        return [(s.login, s.ended_by, s.owed) for s in over]


def static(queue: str = "hotline", device: str = A, *, paused: bool = False) -> QueueMember:
    """A member from queues.conf."""
    return QueueMember(queue, device, device, "座席一", dynamic=False, paused=paused)
