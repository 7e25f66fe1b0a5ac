"""What supervisors do from the board: listen, whisper, barge in; pause seats and log them out of
queues; move callers up, redirect and end calls; write to people's desks.

Each act is judged by role and scope, tried once, and written into the audit log whatever comes of
it. What ends or moves a call is told to the engine first, so that it is never held against the
agent. What is known to be impossible is said by :meth:`SupervisionService.control` before anybody
clicks, in the words that the act itself would be refused with.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Literal, get_args

from agentd import clock
from agentd.core.acts import OnTheLine
from agentd.core.calls import SPY_UID
from agentd.core.order_form import PauseReason
from agentd.core.people import Directory, Person
from agentd.errors import AgentdError, Refused
from agentd.ports.accounts import AuditEntry
from agentd.ports.desk import Hints
from agentd.ports.supervision import (
    Act,
    Allowed,
    CallActed,
    Control,
    DeskMessage,
    Listening,
    MessageLevel,
    MessageStore,
    MovedUp,
    OwnPhone,
    Place,
    SeatActed,
    SpyMode,
)
from agentd.ports.telephony import NoAnswer, QueueMember
from agentd.presence_queues import QueueDriver
from agentd.supervision_messages import Messages
from agentd.supervision_phones import OwnPhones, why_none
from agentd.supervision_rules import (
    FORBIDDEN,
    Engine,
    PbxControl,
    Seated,
    Settings,
    WhyNot,
    queue_with,
    refusal,
    seat_in_scope,
    seats_with,
)

LOGGED_OUT: Final = ("主管签出", "logged out by a supervisor")
"""The pause reason of a seat that was logged out of a queue of the PBX's own (zh, en)."""
RING_S: Final = 30
"""How long a supervisor's own phone rings."""
GONE_S: Final = 2.0
"""How long the end of what one listened to before is waited for."""

_OPTIONS: Final[Mapping[SpyMode, str]] = {"listen": "quES", "whisper": "quESw", "barge": "quESB"}
"""ChanSpy: no announcements, one channel by its Uniqueid, and over when that is gone."""
_SHOWN: Final[Mapping[SpyMode, str]] = {"listen": "Listen", "whisper": "Whisper", "barge": "Barge"}
_TARGET: Final = re.compile(r"[0-9*#+]{1,40}")


class SupervisionService:
    """Implements ``ports.supervision.Supervision``."""

    def __init__(
        self,
        *,
        engine: Engine,
        pbxs: Mapping[str, PbxControl],
        pauses: Sequence[PauseReason],
        people: Directory,
        accounts: Settings,
        presence: Seated,
        store: MessageStore,
        hints: Hints,
        language: Literal["zh", "en"] = "zh",
        wall_us: Callable[[], int] = clock.wall_us,
        monotonic: Callable[[], float] = clock.monotonic,
    ) -> None:
        self._engine = engine
        self._pbxs = pbxs
        self._pauses = pauses
        self._accounts = accounts
        self._hints = hints
        self._own = OwnPhones(engine, pbxs, accounts, presence)
        self._label = 0 if language == "zh" else 1
        self._wall_us = wall_us
        self._why_not = WhyNot(engine, pbxs, monotonic)
        self._messages = Messages(store, people, hints, wall_us)
        self._drivers = {
            pbx: QueueDriver(control.telephony, wanted=control.drive_queues)
            for pbx, control in pbxs.items()
        }
        self._spying: dict[str, tuple[str, str]] = {}
        """Login → PBX and channel over which the person listened last."""

    # --- what can be done -----------------------------------------------------------------

    async def control(self, who: Person, pbx: str, seat: str | None = None) -> Control:
        """What ``who`` may do to ``pbx`` now, and in words why not; of ``seat``: its queues."""
        self._known(pbx)
        phone = await self._own.of(who, pbx)
        actions: dict[str, Allowed] = {}
        for act in get_args(Act):
            why = self._why_not.right(who, act) or await self._why_not.pbx(pbx, act)
            if why is None and act in _OPTIONS:
                why = why_none(phone)
            actions[act] = Allowed(why is None, why)
        places = None
        if seat is not None and actions["logout"].why_not != FORBIDDEN:
            self._seat(who, pbx, seat)
            members = self._pbxs[pbx].telephony.members(seat)
            places = tuple(_place(m) for m in members if who.in_scope(m.queue, None))
        listens = actions["listen"].why_not != FORBIDDEN
        return Control(pbx, actions, phone, self._own.choices(pbx) if listens else (), places)

    async def choose_phone(self, who: Person, pbx: str, device: str | None) -> OwnPhone | None:
        """Keep ``device`` as the person's own phone; None: the seat where the person signs in."""
        if self._why_not.right(who, "listen") is not None:
            raise refusal("forbidden", FORBIDDEN)
        self._known(pbx)
        await self._own.choose(who, pbx, device)
        # A page that kept the settings from before would put them back.
        self._hints.hint(f"me:{who.login}")
        return await self._own.of(who, pbx)

    # --- listening ------------------------------------------------------------------------

    async def spy(self, who: Person, mode: SpyMode, pbx: str, seat: str) -> Listening:
        """Ring the supervisor's own phone and let it hear what ``seat`` talks now, until either
        ends. Whoever listens to something already goes over to this."""
        async with self._act(who, mode, f"{pbx}/{seat}") as about:
            shown = self._seat(who, pbx, seat)
            about |= {"agent": shown.get("agent"), "person": shown.get("person")}
            await self._must(who, mode, pbx)
            line = next((x for x in self._engine.lines(pbx, seat) if x.answered), None)
            # The seat may serve a queue of somebody else's as well.
            if line is None or not who.in_scope(line.queue, None):
                raise refusal(
                    "wrong_state",
                    ("该座席目前没有通话。", "Nobody talks at this seat at the moment."),
                )
            phone = await self._own.of(who, pbx)
            why = why_none(phone)
            if phone is None or why is not None:
                raise refusal("wrong_state", why or FORBIDDEN)
            about |= {"call": line.call, "phone": phone.device}
            if phone.device == seat:
                raise refusal(
                    "wrong_state",
                    ("这是您自己的话机。", "This is your own phone."),
                )
            self._own.must_be_nobody_elses(who, phone)
            await self._stop_listening(who)
            self._own.must_be_free(phone)
            uid = f"{SPY_UID}{mode}-{secrets.token_hex(8)}"
            number = re.sub(r"[^0-9*#+]", "", seat.rpartition("/")[2])[:40]
            self._spying[who.login] = (pbx, uid)
            await self._pbxs[pbx].telephony.ask(
                "Originate",
                {
                    "Channel": phone.device,
                    "Application": "ChanSpy",
                    "Data": f"{line.leg},{_OPTIONS[mode]}",
                    "ChannelId": uid,
                    "CallerID": f'"{_SHOWN[mode]}" <{number}>',
                    "Timeout": str(RING_S * 1000),
                    "Async": "true",
                },
            )
            return Listening(mode, pbx, seat, line.call, phone.device)

    async def _stop_listening(self, who: Person) -> None:
        """End what the person listened to before, if it goes on."""
        pbx, uid = self._spying.get(who.login, ("", ""))
        if not uid or self._engine.channel_name(pbx, uid) is None:
            return
        telephony = self._pbxs[pbx].telephony
        if not telephony.may("Hangup"):
            raise refusal(
                "wrong_state",
                (
                    "您的话机正在监听另一通话：请先挂断。",
                    "Your phone listens to another call: hang up first.",
                ),
            )
        await telephony.ask("Hangup", {"Channel": uid})
        for _ in range(20):
            if self._engine.channel_name(pbx, uid) is None:
                break
            await asyncio.sleep(GONE_S / 20)
        self._spying.pop(who.login, None)

    # --- seats ----------------------------------------------------------------------------

    async def pause(self, who: Person, pbx: str, seat: str, reason: str) -> SeatActed:
        """Let the seat take no calls in any of its queues; ``reason`` is a key of the form's."""
        async with self._act(who, "pause", f"{pbx}/{seat}", reason=reason) as about:
            known = next((p for p in self._pauses if reason in (p.key, *p.label)), None)
            if known is None:
                keys = ", ".join(p.key for p in self._pauses)
                labels = "、".join(p.label[0] for p in self._pauses)
                raise refusal(
                    "invalid",
                    (f"没有这个示忙原因；可选：{labels}", f"No such reason; there are: {keys}."),
                    field="reason",
                )
            await self._seat_to_change(who, "pause", pbx, seat, about)
            text = known.label[self._label] or known.key
            await self._drivers[pbx].pause(seat, paused=True, reason=text)
            return self._acted(pbx, seat)

    async def unpause(self, who: Person, pbx: str, seat: str) -> SeatActed:
        """Let the seat take calls again in all of its queues."""
        async with self._act(who, "unpause", f"{pbx}/{seat}") as about:
            await self._seat_to_change(who, "unpause", pbx, seat, about)
            await self._drivers[pbx].pause(seat, paused=False)
            return self._acted(pbx, seat)

    async def log_out(
        self, who: Person, pbx: str, seat: str, queue: str | None = None
    ) -> SeatActed:
        """Take the seat out of ``queue``, or of all. Where queues.conf itself names the member, it
        cannot be taken out: it is paused there (see :attr:`Place.how`)."""
        async with self._act(who, "logout", f"{pbx}/{seat}", queue=queue) as about:
            members = await self._seat_to_change(who, "logout", pbx, seat, about)
            theirs = [
                m for m in members if queue in (None, m.queue) and who.in_scope(m.queue, None)
            ]
            if not theirs:
                raise refusal(
                    "wrong_state",
                    (f"该座席不在队列 {queue} 中。", f"The seat is not in the queue {queue}."),
                    field="queue",
                )
            places = tuple(_place(member) for member in theirs)
            about["places"] = {place.queue: place.how for place in places}
            await self._drivers[pbx].take_out(theirs, LOGGED_OUT[self._label])
            return SeatActed(pbx, seat, places)

    async def _seat_to_change(
        self, who: Person, act: Act, pbx: str, seat: str, about: dict[str, Any]
    ) -> Sequence[QueueMember]:
        shown = self._seat(who, pbx, seat)
        about |= {"agent": shown.get("agent"), "person": shown.get("person")}
        await self._must(who, act, pbx)
        members = self._pbxs[pbx].telephony.members(seat)
        if not members:
            raise refusal("wrong_state", ("该座席不在任何队列中。", "This seat is in no queue."))
        return members

    def _acted(self, pbx: str, seat: str) -> SeatActed:
        members = self._pbxs[pbx].telephony.members(seat)
        return SeatActed(pbx, seat, tuple(_place(member) for member in members))

    # --- calls ----------------------------------------------------------------------------

    async def move_up(self, who: Person, pbx: str, call: str) -> MovedUp:
        """Put a caller who waits at the head of the queue; where the caller stands now is what the
        PBX says afterwards."""
        async with self._act(who, "move_up", f"{pbx}/{call}") as about:
            self._known(pbx)
            queue = queue_with(self._engine.board(pbx), call)
            if queue is None or not who.in_scope(queue, None):
                raise _no_call()
            about["queue"] = queue
            await self._must(who, "move_up", pbx)
            telephony = self._pbxs[pbx].telephony
            before = await telephony.callers(queue)
            caller = next((one for one in before if one.call == call), None)
            if caller is None:
                raise _no_call()
            if caller.position > 1:
                priority = 1 + max(one.priority for one in before)
                await telephony.ask(
                    "QueueChangePriorityCaller",
                    {
                        "Queue": queue,
                        "Caller": caller.channel,
                        "Priority": str(max(1, priority)),
                        "Immediate": "yes",
                    },
                )
                after = await telephony.callers(queue)
                moved = next((one for one in after if one.call == call), None)
                if moved is None:
                    raise _no_call()
                if moved.position >= caller.position:
                    raise refusal(
                        "wrong_state",
                        (
                            "PBX 没有调整排队次序：此版本的 Asterisk 不支持。",
                            "The PBX changed nothing: this version of Asterisk cannot.",
                        ),
                    )
                before, caller = after, moved
            about["position"] = caller.position
            return MovedUp(pbx, call, queue, caller.position, len(before))

    async def redirect(self, who: Person, pbx: str, call: str, to: str) -> CallActed:
        """Send the customer of ``call``, waiting or talking, to the extension ``to``."""
        async with self._act(who, "redirect", f"{pbx}/{call}", to=to) as about:
            customer, _ = self._call(who, pbx, call, about)
            if _TARGET.fullmatch(to) is None:
                raise refusal(
                    "invalid",
                    ("请填写要转到的号码（数字、*、#、+）。", "Say where to: digits, *, # and +."),
                    field="to",
                )
            await self._must(who, "redirect", pbx)
            if customer is None:
                raise refusal(
                    "wrong_state",
                    ("内部通话没有客户，不能转接。", "An internal call has no customer to send."),
                )
            why = await self._why_not.extension(pbx, to)
            if why is not None:
                raise refusal("invalid", why, field="to")
            await self._engine.supervisor_acts(pbx, "redirect", call)
            context = self._pbxs[pbx].redirect_context
            assert context is not None
            await self._pbxs[pbx].telephony.ask(
                "Redirect",
                {"Channel": customer, "Context": context, "Exten": to, "Priority": "1"},
            )
            return CallActed(pbx, call, None, to)

    async def hang_up(self, who: Person, pbx: str, call: str, seat: str | None = None) -> CallActed:
        """End ``call``; with ``seat``, only that seat's part of it."""
        async with self._act(who, "hangup", f"{pbx}/{call}", seat=seat) as about:
            customer, there = self._call(who, pbx, call, about)
            await self._must(who, "hangup", pbx)
            channel = customer or call
            if seat is not None:
                line = self._line(pbx, seat, call) if seat in there else None
                if line is None:
                    raise _no_call()
                channel = line.leg
            await self._engine.supervisor_acts(pbx, "hangup", call, seat=seat)
            await self._pbxs[pbx].telephony.ask("Hangup", {"Channel": channel})
            return CallActed(pbx, call, seat)

    def _call(
        self, who: Person, pbx: str, call: str, about: dict[str, Any]
    ) -> tuple[str | None, Sequence[str]]:
        """(the customer's channel, if the call has one; the seats of the person's scope in it).
        Raises :class:`Refused` for a call that is not there, or not of the person's scope: by its
        queue where it has one, and by a seat in it."""
        self._known(pbx)
        board = self._engine.board(pbx)
        queue, shown = queue_with(board, call), seats_with(board, call)
        lines = [self._line(pbx, str(seat["seat"]), call) for seat in shown]
        queues = {queue, *(line.queue for line in lines if line is not None)} - {None}
        mine = [str(seat["seat"]) for seat in shown if seat_in_scope(who, seat)]
        if queues and not any(who.in_scope(name, None) for name in queues):
            raise _no_call()
        if not mine and queue is None:
            raise _no_call()
        seats = [str(seat["seat"]) for seat in shown]
        about |= {"queue": queue, "seats": seats, "agents": [seat.get("agent") for seat in shown]}
        if queue is not None:
            return call, mine
        line = next((line for line in lines if line is not None), None)
        if line is None:
            raise _no_call()
        return line.customer if line.direction != "internal" else None, mine

    def _line(self, pbx: str, seat: str, call: str) -> OnTheLine | None:
        return next((line for line in self._engine.lines(pbx, seat) if line.call == call), None)

    # --- messages -------------------------------------------------------------------------

    async def message(self, who: Person, login: str, text: str, level: MessageLevel) -> DeskMessage:
        """Leave a message on a person's desk. The audit log has its text."""
        async with self._act(who, "message", login, text=text.strip()[:200], level=level) as about:
            if self._why_not.right(who, "message") is not None:
                raise refusal("forbidden", FORBIDDEN)
            message = await self._messages.send(who, login, text, level)
            about["id"] = message.id
            return message

    async def messages(self, who: Person) -> Sequence[DeskMessage]:
        """Those to ``who``: unread ones first."""
        return await self._messages.to(who)

    async def read(self, who: Person, message_id: str) -> DeskMessage:
        """``who`` has read it."""
        return await self._messages.read(who, message_id)

    # --- who may, and where ---------------------------------------------------------------

    @asynccontextmanager
    async def _act(
        self, who: Person, act: Act, target: str, **about: Any
    ) -> AsyncIterator[dict[str, Any]]:
        """One act: what comes of it is written into the audit log, with what is put into the
        mapping until then."""
        right = self._why_not.right(who, act)
        outcome: dict[str, Any] = {"outcome": "unknown"}
        try:
            if right is not None:
                raise refusal("forbidden", right)
            yield about
        except NoAnswer as error:
            outcome["why"] = str(error)
            raise
        except Refused as error:
            outcome = {"outcome": "refused", "code": error.code, "why": str(error)}
            raise
        except AgentdError as error:
            outcome = {"outcome": "failed", "why": str(error)}
            raise
        else:
            outcome = {"outcome": "done"}
        finally:
            detail = {key: value for key, value in about.items() if value not in (None, [])}
            await self._accounts.note(
                AuditEntry(
                    at_us=self._wall_us(),
                    who=who.login,
                    action=f"control.{act}",
                    target=target[:200],
                    detail=detail | outcome,
                )
            )

    async def _must(self, who: Person, act: Act, pbx: str) -> None:
        why = await self._why_not.pbx(pbx, act)
        if why is not None:
            down = self._engine.links.get(pbx) != "up"
            raise refusal("unavailable" if down else "wrong_state", why)

    def _known(self, pbx: str) -> None:
        if pbx not in self._pbxs:
            raise refusal(
                "not_found", (f"没有 PBX {pbx[:40]}。", f"There is no PBX {pbx[:40]!r} here.")
            )

    def _seat(self, who: Person, pbx: str, seat: str) -> Mapping[str, Any]:
        """The seat as the board shows it, if it is of the person's scope."""
        self._known(pbx)
        shown: Mapping[str, Any] | None = self._engine.board(pbx).get(f"seat:{pbx}/{seat}")
        if shown is None or not seat_in_scope(who, shown):
            raise refusal("not_found", ("没有这个座席。", "There is no such seat."))
        return shown


def _place(member: QueueMember) -> Place:
    if member.dynamic:
        return Place(member.queue, True, member.paused, "removed")
    return Place(
        member.queue,
        False,
        member.paused,
        "paused",
        (
            "该成员写在 queues.conf 中，不能移出，只能在此队列中示忙。",
            "queues.conf names this member: it cannot be taken out, and is paused there instead.",
        ),
    )


def _no_call() -> Refused:
    return refusal("not_found", ("该通话已不存在。", "There is no such call any more."))
