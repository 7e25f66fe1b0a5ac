"""Who sits where: sign-in, ready, pause, faults, click to dial.

A sign-in is three things: the engine's (whose calls these are), the store's (since when, for the
figures and for a restart) and the queues' (who is called). The queues come first where they may
refuse, so that a person is never signed in to half of them; at sign-out whoever leaves is gone,
whatever the PBX says.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Literal

import structlog
from msgspec.structs import replace

from agentd import clock
from agentd.core.effects import Effect, SeatChanged
from agentd.core.order_form import FormBook
from agentd.core.people import Directory, Person
from agentd.errors import AgentdError, Refused
from agentd.ports.desk import Hints, OrderQuery
from agentd.ports.presence import Fault, MySeat, SeatView, SignIn
from agentd.presence_faults import Faults
from agentd.presence_queues import QueueDriver, not_done
from agentd.presence_rules import Engine, PbxDesk, PresenceStore, as_refusal, dialled, must
from agentd.presence_views import Place, SeatViews

SIGNED_OUT = ("签出", "signed out")
"""The pause reason of a seat that nobody is signed in to (zh, en)."""
RING_S = 30
"""How long the seat's own phone rings when a call is placed from the desk."""
TROUBLE_S = 5.0
"""How soon a sign-out that the database refused is tried again."""
_OWED_MAX = 200

_log = structlog.get_logger(__name__)


class PresenceService:
    """Implements ``ports.presence.Presence``. Call :meth:`start` when the engine runs, and
    :meth:`announce` with every effect."""

    def __init__(
        self,
        *,
        store: PresenceStore,
        engine: Engine,
        pbxs: Mapping[str, PbxDesk],
        book: FormBook,
        people: Directory,
        hints: Hints,
        language: Literal["zh", "en"] = "zh",
    ) -> None:
        self._store = store
        self._engine = engine
        self._pbxs = pbxs
        self._book = book
        self._people = people
        self._hints = hints
        self._label = 0 if language == "zh" else 1
        self._drivers = {
            pbx: QueueDriver(desk.telephony, wanted=desk.drive_queues) for pbx, desk in pbxs.items()
        }
        self._views = SeatViews(engine, pbxs, self._drivers, book.pauses)
        self._by_login: dict[str, SignIn] = {}
        self._by_place: dict[Place, SignIn] = {}
        self._locks: dict[object, asyncio.Lock] = {}
        self._faults = Faults(store, hints, self._team)
        self._leaving: asyncio.Queue[str] = asyncio.Queue()

    async def start(self) -> None:
        """Take up the sign-ins that were open when agentd stopped, and tell the engine those that
        it does not know; a sign-in of the engine's that was never stored is ended."""
        over: list[SignIn] = []
        for sign_in in await self._store.sign_ins(open_only=True):
            # Two of one person or one seat: agentd died between the two of a change.
            older = {
                "moved": self._by_login.get(sign_in.login),
                "replaced": self._by_place.get((sign_in.pbx, sign_in.seat)),
            }
            for why, old in older.items():
                if old is not None and old.to_us is None:
                    over.append(replace(old, to_us=sign_in.from_us, ended_by=why))
                    self._forget(old)
            if sign_in.pbx in self._pbxs:
                self._keep(sign_in)
            else:
                over.append(replace(sign_in, to_us=clock.wall_us(), ended_by="moved"))
        if over:
            await self._store.put_sign_ins(over)
        for pbx in self._pbxs:
            at = {key[1]: sign_in for key, sign_in in self._by_place.items() if key[0] == pbx}
            sits = {
                obj["seat"]: obj["person"]
                for obj in self._engine.board(pbx).values()
                if obj.get("kind") == "seat" and obj.get("person")
            }
            for seat, login in sits.items():
                if seat not in at or at[seat].login != login:
                    await self._engine.seat_left(pbx, seat, person=login)
            for seat, sign_in in at.items():
                if sits.get(seat) != sign_in.login:
                    await self._engine.seat_taken(pbx, seat, sign_in.login, self._name(sign_in))
        for login in list(self._by_login):
            self.account_changed(login)

    def announce(self, effects: Sequence[Effect]) -> None:
        """What the engine says: whoever sits at a seat that changed looks again."""
        for effect in effects:
            if isinstance(effect, SeatChanged):
                sign_in = self._by_place.get((effect.pbx, effect.seat))
                if sign_in is not None:
                    self._hints.hint(f"seat:{sign_in.login}")

    # --- what there is ---

    def seats(self, who: Person) -> Sequence[SeatView]:
        """Every seat that ``who`` may sign in to or lead, in the board's order."""
        must(who, "desk", "shift", "board")
        return self._views.seats(self._by_place)

    def my_seat(self, who: Person) -> MySeat | None:
        """Where ``who`` is signed in."""
        sign_in = self._by_login.get(who.login)
        return None if sign_in is None else self._views.mine(sign_in)

    # --- sign-in ---

    async def sign_in(self, who: Person, pbx: str, seat: str) -> MySeat:
        """Sign ``who`` in at a seat, in place of whoever is there and of where ``who`` was.

        It joins ``who``'s queues, not ready where it took no calls before. Raises
        :class:`Refused`; then ``who`` is where they were.
        """
        must(who, "desk")
        self._must_be_a_seat(pbx, seat)
        async with self._alone(who.login, (pbx, seat)):
            before = self._by_login.get(who.login)
            if before is not None and (before.pbx, before.seat) == (pbx, seat):
                return self._views.mine(before)
            there = self._by_place.get((pbx, seat))
            steps = None
            if self._drivers[pbx].drives:
                left_by = self._name(there) if there is not None else None
                steps = await self._drivers[pbx].take_over(seat, who.name, who.queues, left_by)
            try:
                sign_in = await self._bind(who, (pbx, seat), before, there)
            except AgentdError as error:
                left = await steps.undo() if steps is not None else []
                raise not_done(as_refusal(error), left) from error
            problems: list[str] = []
            if before is not None:
                problems = await self._leave_queues(before, who.name)
            self._tell(who.login, before, there)
            # Disabled in the meantime.
            self.account_changed(who.login)
            if problems and before is not None:
                rest = "; ".join(problems)
                raise Refused(
                    f"signed in here; but {before.seat} still has to be taken out of its queues by"
                    f" the phone: {rest}",
                    code="partly_done",
                    text_zh=f"已在此签入；但原座席 {before.seat} 仍在队列中，请用话机签出：{rest}",
                )
            return self._views.mine(sign_in)

    async def _bind(
        self, who: Person, at: Place, before: SignIn | None, there: SignIn | None
    ) -> SignIn:
        """The engine's and the store's part; nothing of it is left when it raises."""
        pbx, seat = at
        now_us = self._engine.pbx_now_us(pbx)
        ended = []
        for old, why in ((there, "replaced"), (before, "moved")):
            if old is not None:
                owed = await self._owed(old.login)
                ended.append(replace(old, to_us=now_us, ended_by=why, owed=owed))
        sign_in = SignIn(secrets.token_hex(8), who.login, pbx, seat, now_us)
        job, stored = self._store.sign_ins_job([*ended, sign_in])
        await self._engine.seat_taken(pbx, seat, who.login, who.name, jobs=(job,))
        try:
            stored()
        except AgentdError:
            await self._engine.seat_left(pbx, seat, person=who.login)
            for old in (there, before):
                if old is not None:
                    await self._engine.seat_taken(old.pbx, old.seat, old.login, self._name(old))
            raise
        if before is not None and before.pbx != pbx:
            # Refused only while agentd stops; the next start ends what the store knows as over.
            with contextlib.suppress(Refused):
                await self._engine.seat_left(before.pbx, before.seat, person=who.login)
        for old in (there, before):
            if old is not None:
                self._forget(old)
        self._keep(sign_in)
        return sign_in

    async def sign_out(self, who: Person, login: str | None = None) -> Sequence[str]:
        """Sign ``who`` out, or, by a leader, ``login``; the orders still owed.

        Whoever leaves is signed out whatever the PBX says: where a queue could not be left,
        :class:`Refused` says so, and that the sign-out itself was done.
        """
        login = login or who.login
        async with self._alone(login):
            sign_in = self._by_login.get(login)
            if sign_in is None:
                raise Refused(f"{login} is not signed in", text_zh=f"{login} 没有签入")
            if login != who.login:
                self._must_lead(who, sign_in)
            return await self._leave(sign_in, who.login)

    async def _leave(self, sign_in: SignIn, by: str) -> Sequence[str]:
        name = self._name(sign_in)
        problems = await self._leave_queues(sign_in, name)
        owed = await self._owed(sign_in.login)
        now_us = self._engine.pbx_now_us(sign_in.pbx)
        job, stored = self._store.sign_ins_job(
            [replace(sign_in, to_us=now_us, ended_by=by, owed=owed)]
        )
        await self._engine.seat_left(sign_in.pbx, sign_in.seat, person=sign_in.login, jobs=(job,))
        try:
            stored()
        except AgentdError:
            await self._engine.seat_taken(sign_in.pbx, sign_in.seat, sign_in.login, name)
            raise
        self._forget(sign_in)
        self._tell(sign_in.login)
        if problems:
            rest = "; ".join(problems)
            raise Refused(
                f"signed out, owing {len(owed)} orders; but the seat still has to be taken out"
                f" of its queues by the phone: {rest}",
                code="partly_done",
                text_zh=f"已签出，待完善工单 {len(owed)} 件；"
                f"但话机仍在队列中，请用话机签出：{rest}",
            )
        return owed

    def account_changed(self, login: str) -> None:
        """Whoever may sit at no seat any more is signed out, by :meth:`run`."""
        person = self._people.get(login)
        if login in self._by_login and person is not None and not person.may("desk"):
            self._leaving.put_nowait(login)

    async def run(self) -> None:
        """Sign out whose accounts were disabled, until cancelled."""
        while True:
            login = await self._leaving.get()
            async with self._alone(login):
                sign_in = self._by_login.get(login)
                person = self._people.get(login)
                if sign_in is None or (person is not None and person.may("desk")):
                    continue
                try:
                    await self._leave(sign_in, "system")
                except AgentdError as error:
                    # Refused by a queue only: then the sign-out itself is done.
                    event = "sign_out_waits" if login in self._by_login else "signed_out_partly"
                    _log.warning(event, login=login, reason=str(error))
            if login in self._by_login:
                await asyncio.sleep(TROUBLE_S)
                self._leaving.put_nowait(login)

    async def _leave_queues(self, sign_in: SignIn, name: str) -> list[str]:
        driver = self._drivers[sign_in.pbx]
        if not driver.drives:
            return []
        return await driver.leave(sign_in.seat, name, SIGNED_OUT[self._label])

    async def _owed(self, login: str) -> tuple[str, ...]:
        """Orders that are the person's to finish, those due first."""
        query = OrderQuery(owner=login, states=("open", "returned"), sort="due")
        page = await self._store.orders(query)
        owed = [order.id for order in page.items]
        while page.next_cursor is not None and len(owed) < _OWED_MAX:
            page = await self._store.orders(replace(query, cursor=page.next_cursor))
            owed += [order.id for order in page.items]
        return tuple(owed)

    # --- ready and pause ---

    async def ready(self, who: Person) -> MySeat:
        """Let the seat take calls: in all of the person's queues, those that it lost (a PBX that
        was restarted forgets them) among them."""
        sign_in = self._must_sit(who)
        driver = self._must_drive(sign_in.pbx)
        async with self._alone(who.login, (sign_in.pbx, sign_in.seat)):
            self._must_still_sit(sign_in)
            joined = await driver.take_over(sign_in.seat, who.name, who.queues, None)
            if not self._pbxs[sign_in.pbx].telephony.members(sign_in.seat):
                raise Refused(
                    "this seat is in no queue and your account names none: ask for the queues",
                    text_zh="该座席不在任何队列中，您的账号也没有指定队列：请联系管理员",
                )
            try:
                await driver.pause(sign_in.seat, paused=False)
            except Refused as refusal:
                left = await joined.undo()
                if left:
                    raise not_done(refusal, left) from refusal
                raise
        return self._views.mine(sign_in)

    async def pause(self, who: Person, reason: str) -> MySeat:
        """Let the seat take no calls. ``reason`` is the key of one of the book's; the PBX and the
        wallboard are shown its label."""
        known = next((p for p in self._book.pauses if reason in (p.key, *p.label)), None)
        if known is None:
            keys = ", ".join(p.key for p in self._book.pauses)
            labels = "、".join(p.label[0] for p in self._book.pauses)
            raise Refused(
                f"there is no pause reason {reason[:40]!r}; there are: {keys}",
                code="invalid",
                field="reason",
                text_zh=f"没有这个示忙原因；可选：{labels}",
            )
        sign_in = self._must_sit(who)
        driver = self._must_drive(sign_in.pbx)
        async with self._alone(who.login, (sign_in.pbx, sign_in.seat)):
            self._must_still_sit(sign_in)
            if not self._pbxs[sign_in.pbx].telephony.members(sign_in.seat):
                raise Refused("this seat is in no queue", text_zh="该座席不在任何队列中")
            await driver.pause(
                sign_in.seat, paused=True, reason=known.label[self._label] or known.key
            )
        return self._views.mine(sign_in)

    # --- calls from the desk ---

    async def dial(self, who: Person, number: str) -> Literal["placed", "link"]:
        """Ring the seat's own phone and dial ``number`` from it; ``link``: agentd cannot here, the
        page offers a tel: link."""
        sign_in = self._must_sit(who)
        digits = dialled(number, self._book.numbers)
        desk = self._pbxs[sign_in.pbx]
        view = self._views.mine(sign_in)
        if desk.dial_context is None or not view.dials:
            return "link"
        if not view.reachable:
            raise Refused(
                "your phone is off the network: check it, or report it as faulty",
                text_zh="话机不在线：请检查话机，或报告故障",
            )
        await desk.telephony.ask(
            "Originate",
            {
                "Channel": sign_in.seat,
                "Context": desk.dial_context,
                "Exten": digits,
                "Priority": "1",
                "CallerID": f"<{digits}>",
                "Timeout": str(RING_S * 1000),
                "Async": "true",
            },
        )
        return "placed"

    # --- faults ---

    async def report_fault(self, who: Person, pbx: str, seat: str, text: str) -> Fault:
        """A phone does not work. Raises :class:`Refused` for no words, too many, or no seat."""
        must(who, "desk", "shift")
        self._must_be_a_seat(pbx, seat)
        return await self._faults.report(who, pbx, seat, text)

    async def faults(self, who: Person) -> Sequence[Fault]:
        """Those that nobody has mended, as far as they concern ``who``."""
        return await self._faults.open(who)

    async def fault_done(self, who: Person, fault_id: str) -> Fault:
        """It is mended."""
        return await self._faults.done(who, fault_id)

    # --- who may, and where ---

    def _must_be_a_seat(self, pbx: str, seat: str) -> None:
        desk = self._pbxs.get(pbx)
        if desk is None:
            raise Refused(
                f"there is no PBX {pbx[:40]!r} here",
                code="invalid", field="pbx", text_zh=f"没有 PBX {pbx[:40]}",
            )  # fmt: skip
        configured = any(one.device == seat for one in desk.seats)
        if not configured and f"seat:{pbx}/{seat}" not in self._engine.board(pbx):
            raise Refused(
                f"there is no seat {seat[:60]!r} on PBX {pbx!r}: queues name it, or seats.toml",
                code="invalid",
                field="seat",
                text_zh=f"没有座席 {seat[:60]}（见队列成员或 seats.toml）",
            )

    def _must_sit(self, who: Person) -> SignIn:
        must(who, "desk")
        sign_in = self._by_login.get(who.login)
        if sign_in is None:
            raise Refused("sign in to a seat first", text_zh="请先签入座席")
        return sign_in

    def _must_still_sit(self, sign_in: SignIn) -> None:
        if self._by_login.get(sign_in.login) is not sign_in:
            raise Refused(
                "somebody else has signed in to this seat meanwhile",
                text_zh="该座席已被他人签入",
            )

    def _must_drive(self, pbx: str) -> QueueDriver:
        driver = self._drivers[pbx]
        if not driver.drives:
            raise Refused(
                f"agentd may not change the queues of PBX {pbx!r}: use the phone",
                text_zh=f"agentd 无权更改 PBX {pbx} 的队列：请用话机操作",
            )
        return driver

    def _must_lead(self, who: Person, sign_in: SignIn) -> None:
        team = self._team(sign_in.pbx, sign_in.seat)
        if not who.may("shift") or not who.in_scope(None, team):
            raise Refused(
                "only a shift leader signs somebody else out",
                code="forbidden",
                text_zh="只有值班长可以替他人签出",
            )

    def _team(self, pbx: str, seat: str) -> str | None:
        desk = self._pbxs.get(pbx)
        if desk is None:
            return None
        shown = self._engine.board(pbx).get(f"seat:{pbx}/{seat}")
        if shown is not None:
            group: str | None = shown["group"]
            return group
        return next((one.group for one in desk.seats if one.device == seat), None)

    # --- keeping ---

    def _name(self, sign_in: SignIn) -> str:
        person = self._people.get(sign_in.login)
        return person.name if person is not None else sign_in.login

    def _keep(self, sign_in: SignIn) -> None:
        self._by_login[sign_in.login] = sign_in
        self._by_place[sign_in.pbx, sign_in.seat] = sign_in

    def _forget(self, sign_in: SignIn) -> None:
        self._by_login.pop(sign_in.login, None)
        self._by_place.pop((sign_in.pbx, sign_in.seat), None)

    def _tell(self, login: str, *others: SignIn | None) -> None:
        logins = dict.fromkeys([login, *(one.login for one in others if one is not None)])
        self._hints.hint(*(f"seat:{one}" for one in logins))

    @contextlib.asynccontextmanager
    async def _alone(self, login: str, place: Place | None = None) -> AsyncIterator[None]:
        """Nobody else changes where this person sits, and who sits there, meanwhile."""
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(self._lock(login))
            old = self._by_login.get(login)
            places = {place, (old.pbx, old.seat) if old is not None else None} - {None}
            # In one order for all, so that no two wait for each other.
            for one in sorted(p for p in places if p is not None):
                await stack.enter_async_context(self._lock(one))
            yield

    def _lock(self, key: object) -> asyncio.Lock:
        return self._locks.setdefault(key, asyncio.Lock())
