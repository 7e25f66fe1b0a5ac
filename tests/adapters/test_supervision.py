"""What supervisors may do, what becomes of it, and what the audit log has of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import pytest
from msgspec.structs import replace

from agentd.core.acts import OnTheLine
from agentd.core.people import ROLES, Directory, Person
from agentd.errors import AgentdError, Refused
from agentd.ports.accounts import AuditEntry
from agentd.ports.presence import MySeat
from agentd.ports.supervision import NEEDED, Act, DeskMessage
from agentd.ports.telephony import NoAnswer, PbxRefused, Phone, QueueCaller, QueueMember
from agentd.supervision import SupervisionService
from agentd.supervision_rules import PbxControl
from tests.adapters.presence_rig import BOOK, FakeQueues

A, B, OWN = "PJSIP/1001", "PJSIP/1002", "PJSIP/1009"
BOSS = Person("7001", "沈国平", "supervisor")
DAY = Person("7002", "王班长", "shift_leader", queues=("hotline",), teams=("一组",))
NIGHT = Person("7003", "赵班长", "shift_leader", teams=("二组",))
AGENT = Person("8001", "张三", "agent", queues=("hotline",))

EVERYTHING = frozenset(
    "QueueAdd QueueRemove QueuePause Originate Hangup Redirect QueueChangePriorityCaller"
    " QueueStatus ShowDialPlan".split()
)


class Floor(FakeQueues):
    """A PBX on which two seats talk and two callers wait; and everything around the service."""

    def __init__(self) -> None:
        static = QueueMember("sales", A, A, "张三", dynamic=False, paused=False)
        dynamic = QueueMember("hotline", A, A, "张三", dynamic=True, paused=False)
        super().__init__(static, dynamic)
        self.rights = EVERYTHING
        self.known = {one: Phone(one, "NOT_INUSE") for one in (A, B, OWN, "PJSIP/trunk")}
        self.waiting = [QueueCaller("w1", "PJSIP/trunk-1", 1, 0)]
        self.waiting += [QueueCaller("w2", "PJSIP/trunk-2", 2, 3)]
        self.queue_of = {"w1": "hotline", "w2": "hotline"}
        self.moves = True
        self.contexts = {"agentd-redirect": {"1002", "8001"}}
        self.links = {"main": "up"}
        self.channels = {"leg1": "PJSIP/1001-1", "c1": "PJSIP/trunk-9"}
        self.talks = {A: OnTheLine("leg1", "c1", "c1", "hotline", "inbound", True, False)}
        self.seat: MySeat | None = None
        self.told: list[tuple[str, ...]] = []
        self.notes: list[AuditEntry] = []
        self.kept: dict[str, Any] = {"phone": {"pbx": "main", "device": OWN}, "theme": "dark"}
        self.stored: list[DeskMessage] = []
        self.hinted: list[str] = []
        self.groups = {A: "一组", B: "一组"}
        self.calls: dict[str, str | None] = {A: "c1", B: None}
        self.people = {A: "8001", B: "8002"}
        self.order: list[str] = []
        """What was done, in order: the engine is told before the PBX is asked."""

    # telephony
    async def ask(self, action: str, headers: Mapping[str, str]) -> Mapping[str, str]:
        self.order.append(action)
        if action == "ShowDialPlan":
            there = self.contexts.get(headers["Context"])
            if there is None:
                raise PbxRefused(action, f"Did not find context {headers['Context']}")
            if headers["Extension"] not in there:
                raise PbxRefused(action, f"Did not find extension {headers['Extension']}@x")
            return {}
        if action == "QueueChangePriorityCaller" and self.moves:
            self.waiting = [
                replace(c, position=1 if c.channel == headers["Caller"] else c.position + 1)
                for c in self.waiting
            ]
        return await super().ask(action, headers)

    # runtime
    async def supervisor_acts(
        self, pbx: str, act: str, call: str, *, seat: str | None = None
    ) -> None:
        self.order.append(f"told {act}")
        self.told.append((pbx, act, call, seat or ""))

    def lines(self, pbx: str, seat: str) -> tuple[OnTheLine, ...]:
        line = self.talks.get(seat)
        return () if line is None else (line,)

    def channel_name(self, pbx: str, uid: str) -> str | None:
        return self.channels.get(uid)

    def board(self, pbx: str) -> Mapping[str, Any]:
        def seat(device: str) -> dict[str, Any]:
            return {
                "kind": "seat", "pbx": "main", "seat": device, "group": self.groups[device],
                "agent": "张三", "person": self.people[device], "queues": ["hotline", "sales"],
                "call": self.calls[device], "queue": None,
            }  # fmt: skip

        waiting = [{"call": c.call, "caller": None, "joined_at": 1.0} for c in self.waiting]
        return {
            f"seat:main/{A}": seat(A),
            f"seat:main/{B}": seat(B),
            "queue:main/hotline": {"kind": "queue", "name": "hotline", "waiting": waiting},
        }

    # accounts, presence, store, hints
    async def settings(self, who: Person) -> Mapping[str, Any]:
        return self.kept

    async def put_settings(self, who: Person, settings: Mapping[str, Any]) -> None:
        self.kept = dict(settings)

    async def note(self, entry: AuditEntry) -> None:
        self.notes.append(entry)

    def my_seat(self, who: Person) -> MySeat | None:
        return self.seat

    async def put_message(self, message: DeskMessage) -> None:
        self.stored.append(message)

    async def messages(self, to: str, *, limit: int) -> Sequence[DeskMessage]:
        return [m for m in self.stored if m.to == to][:limit]

    async def read_message(self, message_id: str, to: str, at_us: int) -> DeskMessage | None:
        return next((m for m in self.stored if (m.id, m.to) == (message_id, to)), None)

    def hint(self, *topics: str) -> None:
        self.hinted += topics

    def sent(self, action: str) -> list[dict[str, str]]:
        return [headers for one, headers in self.asked if one == action]


@pytest.fixture
def floor() -> Floor:
    return Floor()


def service(floor: Floor, **changed: Any) -> SupervisionService:
    control = {"listening": True, "redirect_context": "agentd-redirect"} | changed
    return SupervisionService(
        engine=floor,
        pbxs={"main": PbxControl(floor, **control)},
        pauses=BOOK.pauses,
        people=Directory((BOSS, DAY, NIGHT, AGENT)),
        accounts=floor,
        presence=floor,
        store=floor,
        hints=floor,
        wall_us=lambda: 5,
    )


async def do(supervision: SupervisionService, act: Act, who: Person) -> Any:
    """One act that is possible on the floor."""
    match act:
        case "listen" | "whisper" | "barge":
            return await supervision.spy(who, act, "main", A)
        case "pause":
            return await supervision.pause(who, "main", A, "lunch")
        case "unpause":
            return await supervision.unpause(who, "main", A)
        case "logout":
            return await supervision.log_out(who, "main", A)
        case "move_up":
            return await supervision.move_up(who, "main", "w2")
        case "redirect":
            return await supervision.redirect(who, "main", "c1", "1002")
        case "hangup":
            return await supervision.hang_up(who, "main", "c1")
        case "message":
            return await supervision.message(who, "8001", "请尽快回队列", "info")


ACTS: tuple[Act, ...] = get_args(Act)


# --- by role and scope ------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("act", ACTS)
async def test_acts_are_by_role_and_all_are_in_the_audit_log(
    floor: Floor, act: Act, role: Any
) -> None:
    who = Person("x", "x", role)
    allowed = who.may(NEEDED[act])
    told = (await service(floor).control(who, "main")).actions[act]
    assert told.may == allowed, told.why_not
    if allowed:
        await do(service(floor), act, who)
    else:
        with pytest.raises(Refused) as refused:
            await do(service(floor), act, who)
        assert refused.value.code == "forbidden"
        assert (floor.asked, floor.told, floor.stored) == ([], [], [])
    [note] = floor.notes
    assert (note.who, note.action) == ("x", f"control.{act}")
    assert note.detail["outcome"] == ("done" if allowed else "refused")


@pytest.mark.parametrize("act", [act for act in ACTS if act not in ("message", "move_up")])
async def test_what_is_of_another_team_is_not_there(floor: Floor, act: Act) -> None:
    with pytest.raises(Refused) as refused:
        await do(service(floor), act, NIGHT)
    assert refused.value.code == "not_found"
    assert [note.detail["outcome"] for note in floor.notes] == ["refused"]
    assert floor.told == []
    assert await do(service(floor), act, DAY) is not None


async def test_a_caller_of_another_queue_is_not_there(floor: Floor) -> None:
    with pytest.raises(Refused) as refused:
        await do(service(floor), "move_up", replace(DAY, queues=("sales",)))
    assert refused.value.code == "not_found"
    with pytest.raises(Refused, match="no such person"):
        await do(service(floor), "message", replace(DAY, queues=("sales",)))


async def test_a_call_of_another_queue_is_not_there_although_the_seat_is(floor: Floor) -> None:
    floor.talks[A] = replace(floor.talks[A], queue="sales")
    for act in ("listen", "whisper", "barge", "redirect", "hangup"):
        with pytest.raises(Refused) as refused:
            await do(service(floor), act, DAY)
        assert refused.value.code in ("not_found", "wrong_state"), act
    assert (floor.asked, floor.told) == ([], [])
    assert await do(service(floor), "hangup", BOSS) is not None


async def test_only_seats_of_the_own_team_are_taken_out_of_a_call(floor: Floor) -> None:
    # Both teams are in the call: the customer's, and a consultation.
    floor.talks[B] = OnTheLine("leg2", "c1", "c1", "hotline", "internal", True, False)
    floor.groups[B] = "二组"
    floor.calls[B] = "c1"
    with pytest.raises(Refused) as refused:
        await service(floor).hang_up(DAY, "main", "c1", B)
    assert refused.value.code == "not_found"
    assert floor.told == []
    await service(floor).hang_up(DAY, "main", "c1", A)
    await service(floor).hang_up(NIGHT, "main", "c1", B)
    assert [told[3] for told in floor.told] == [A, B]


async def test_a_seat_is_taken_out_of_the_own_queues_only(floor: Floor) -> None:
    told = await service(floor).control(DAY, "main", A)
    assert [place.queue for place in told.places or ()] == ["hotline"]
    acted = await service(floor).log_out(DAY, "main", A)
    assert [place.queue for place in acted.places] == ["hotline"]
    with pytest.raises(Refused) as refused:
        await service(floor).log_out(DAY, "main", A, "sales")
    assert refused.value.field == "queue"


async def test_nobody_elses_phone_is_made_to_hear_a_call(floor: Floor) -> None:
    floor.kept = {"phone": {"pbx": "main", "device": B}}
    with pytest.raises(Refused, match="Somebody else is signed in"):
        await do(service(floor), "listen", BOSS)
    assert floor.sent("Originate") == []
    floor.people[B] = BOSS.login
    await do(service(floor), "listen", BOSS)
    assert [headers["Channel"] for headers in floor.sent("Originate")] == [B]


HOSTILE = (
    "1002\r\nAction: Command\r\nCommand: core stop now",
    "1002\n",
    "1002\0",
    "1002,1",
    "1002&PJSIP/1009",
    "1002|x",
    "Local/00881234@from-internal",
    "${SHELL(id)}",
    "1002@from-internal",
    "１００２",
    " 1002",
    "",
)


@pytest.mark.parametrize("hostile", HOSTILE)
async def test_nothing_that_is_typed_reaches_the_pbx_as_it_is(floor: Floor, hostile: str) -> None:
    supervision = service(floor)
    attacks = (
        supervision.redirect(BOSS, "main", "c1", hostile),
        supervision.redirect(BOSS, "main", hostile, "1002"),
        supervision.hang_up(BOSS, "main", hostile),
        supervision.hang_up(BOSS, "main", "c1", hostile),
        supervision.move_up(BOSS, "main", hostile),
        supervision.pause(BOSS, "main", A, hostile),
        supervision.pause(BOSS, "main", hostile, "lunch"),
        supervision.log_out(BOSS, "main", A, hostile),
        supervision.log_out(BOSS, "main", hostile),
        supervision.spy(BOSS, "barge", "main", hostile),
        supervision.spy(BOSS, "barge", hostile, A),
        supervision.choose_phone(BOSS, "main", hostile),
    )
    for attack in attacks:
        with pytest.raises(Refused):
            await attack
    assert floor.asked == []
    assert floor.told == []
    # What the browser kept as the own phone is no way around it.
    floor.kept = {"phone": {"pbx": "main", "device": hostile}}
    with pytest.raises(Refused):
        await supervision.spy(BOSS, "listen", "main", A)
    assert floor.asked == []


# --- said before the click --------------------------------------------------------------------


async def why(floor: Floor, act: Act, **changed: Any) -> str:
    """Why not, in English; the act is refused in the same words."""
    supervision = service(floor, **changed)
    told = (await supervision.control(BOSS, "main")).actions[act]
    assert not told.may
    assert told.why_not is not None
    zh, en = told.why_not
    assert zh != en
    with pytest.raises(Refused) as refused:
        await do(supervision, act, BOSS)
    assert (refused.value.text_zh, str(refused.value)) == (zh, en)
    assert floor.told == []
    return en


@pytest.mark.parametrize(
    ("act", "right", "write"),
    [
        ("listen", "Originate", "write=originate"),
        ("barge", "Originate", "write=originate"),
        ("pause", "QueuePause", "write=agent"),
        ("logout", "QueueRemove", "write=agent"),
        ("redirect", "Redirect", "write=call"),
        ("hangup", "Hangup", "write=call"),
        ("move_up", "QueueChangePriorityCaller", "upgrade"),
    ],
)
async def test_the_accounts_missing_rights_are_named(
    floor: Floor, act: Act, right: str, write: str
) -> None:
    floor.rights = EVERYTHING - {right}
    assert write in await why(floor, act)


async def test_what_the_site_has_not_set_up_is_named(floor: Floor) -> None:
    assert "listening = true" in await why(floor, "whisper", listening=False)
    assert "redirect_context" in await why(floor, "redirect", redirect_context=None)
    assert "drive_queues" in await why(floor, "unpause", drive_queues=False)
    floor.contexts.clear()
    assert "has no context [agentd-redirect]" in await why(floor, "redirect")
    floor.series = 16
    assert "Asterisk 16" in await why(floor, "move_up")


@pytest.mark.parametrize("act", [act for act in ACTS if act != "message"])
async def test_without_a_link_nothing_is_possible_and_said(floor: Floor, act: Act) -> None:
    floor.links["main"] = "down"
    assert "no link" in await why(floor, act)


async def test_a_message_needs_no_pbx(floor: Floor) -> None:
    floor.links["main"] = "down"
    assert (await service(floor).control(BOSS, "main")).actions["message"].may
    await do(service(floor), "message", BOSS)


async def test_a_pbx_that_is_not_there(floor: Floor) -> None:
    with pytest.raises(Refused) as refused:
        await service(floor).control(BOSS, "other")
    assert refused.value.code == "not_found"


# --- the own phone ----------------------------------------------------------------------------


async def test_the_own_phone_is_chosen_or_where_one_sits(floor: Floor) -> None:
    supervision = service(floor)
    control = await supervision.control(BOSS, "main")
    assert control.phone is not None
    assert (control.phone.device, control.phone.chosen) == (OWN, True)
    assert control.phones == (A, B, OWN), "no trunk"
    assert await supervision.choose_phone(BOSS, "main", None) is None
    assert floor.kept == {"theme": "dark"}, "what else is kept stays"
    assert "Choose your own phone" in await why(floor, "listen")
    floor.seat = MySeat("main", B, "1002", 1, "available", True, None, True, True, True, None)
    phone = (await supervision.control(BOSS, "main")).phone
    assert phone is not None
    assert (phone.device, phone.chosen) == (B, False)
    for other in ("PJSIP/trunk", "PJSIP/1001&PJSIP/1002", ""):
        with pytest.raises(Refused, match="no such phone"):
            await supervision.choose_phone(BOSS, "main", other)


async def test_what_the_browser_keeps_as_phone_is_believed_only_where_it_is_one(
    floor: Floor,
) -> None:
    for kept in ("PJSIP/1009", {"pbx": "main"}, {"pbx": "main", "device": "PJSIP/trunk"}, 7, None):
        floor.kept = {"phone": kept}
        assert (await service(floor).control(BOSS, "main")).phone is None


async def test_a_phone_that_is_away_or_in_use(floor: Floor) -> None:
    floor.known[OWN] = Phone(OWN, "UNAVAILABLE")
    assert "off the network" in await why(floor, "listen")
    floor.known[OWN] = Phone(OWN, "INUSE")
    with pytest.raises(Refused, match="in use"):
        await do(service(floor), "listen", BOSS)
    floor.kept = {"phone": {"pbx": "main", "device": A}}
    with pytest.raises(Refused, match="your own phone"):
        await do(service(floor), "listen", BOSS)


# --- listening --------------------------------------------------------------------------------


@pytest.mark.parametrize(("act", "mode"), [("listen", ""), ("whisper", "w"), ("barge", "B")])
async def test_the_own_phone_is_rung_to_the_call_of_the_moment(
    floor: Floor, act: Act, mode: str
) -> None:
    listening = await do(service(floor), act, BOSS)
    [headers] = floor.sent("Originate")
    assert headers["Channel"] == OWN
    assert (headers["Application"], headers["Data"]) == ("ChanSpy", f"leg1,quES{mode}")
    assert headers["ChannelId"].startswith(f"agentd-spy-{act}-")
    assert headers["CallerID"].endswith("<1001>")
    assert (listening.call, listening.phone) == ("c1", OWN)
    [note] = floor.notes
    assert note.target == f"main/{A}"
    assert note.detail["phone"] == OWN
    assert note.detail["call"] == "c1"
    assert note.detail["person"] == "8001"


async def test_nobody_is_listened_to_who_does_not_talk(floor: Floor) -> None:
    supervision = service(floor)
    with pytest.raises(Refused, match="Nobody talks"):
        await supervision.spy(BOSS, "listen", "main", B)
    floor.talks[A] = replace(floor.talks[A], answered=False)
    with pytest.raises(Refused, match="Nobody talks"):
        await supervision.spy(BOSS, "listen", "main", A)
    assert floor.asked == []


async def test_whoever_listens_goes_over_to_the_next(floor: Floor) -> None:
    supervision = service(floor)
    await supervision.spy(BOSS, "listen", "main", A)
    uid = floor.sent("Originate")[0]["ChannelId"]
    floor.channels[uid] = f"{OWN}-7"
    floor.rights = EVERYTHING - {"Hangup"}
    with pytest.raises(Refused, match="hang up first"):
        await supervision.spy(BOSS, "barge", "main", A)
    floor.rights = EVERYTHING

    async def ask(action: str, headers: Mapping[str, str]) -> Mapping[str, str]:
        if action == "Hangup":
            floor.channels.pop(headers["Channel"])
        return await Floor.ask(floor, action, headers)

    floor.ask = ask  # type: ignore[method-assign]
    await supervision.spy(BOSS, "barge", "main", A)
    assert floor.sent("Hangup") == [{"Channel": uid}]
    assert floor.sent("Originate")[1]["Data"] == "leg1,quESB"


# --- seats ------------------------------------------------------------------------------------


async def test_pause_and_unpause(floor: Floor) -> None:
    supervision = service(floor)
    paused = await supervision.pause(BOSS, "main", A, "lunch")
    assert [(p.queue, p.paused) for p in paused.places] == [("hotline", True), ("sales", True)]
    assert {m.reason for m in floor.members(A)} == {"午休"}
    await supervision.unpause(BOSS, "main", A)
    assert not any(m.paused for m in floor.members(A))
    with pytest.raises(Refused, match="there are: lunch, training"):
        await supervision.pause(BOSS, "main", A, "whim")
    with pytest.raises(Refused, match="in no queue"):
        await supervision.pause(BOSS, "main", B, "lunch")


async def test_a_member_of_the_configuration_is_paused_and_that_is_said_before(
    floor: Floor,
) -> None:
    supervision = service(floor)
    control = await supervision.control(BOSS, "main", A)
    assert control.places is not None
    assert [(p.queue, p.how) for p in control.places] == [
        ("hotline", "removed"), ("sales", "paused")
    ]  # fmt: skip
    assert [p.note is not None for p in control.places] == [False, True]
    done = await supervision.log_out(BOSS, "main", A)
    assert [(p.queue, p.how) for p in done.places] == [("hotline", "removed"), ("sales", "paused")]
    [left] = floor.members(A)
    assert (left.queue, left.paused, left.reason) == ("sales", True, "主管签出")
    assert floor.notes[-1].detail["places"] == {"hotline": "removed", "sales": "paused"}


async def test_out_of_one_queue_and_back_when_the_next_refuses(floor: Floor) -> None:
    supervision = service(floor)
    with pytest.raises(Refused, match="not in the queue night"):
        await supervision.log_out(BOSS, "main", A, "night")
    floor.errors["QueuePause", "sales"] = PbxRefused("QueuePause", "no")
    with pytest.raises(Refused, match="nothing was changed"):
        await supervision.log_out(BOSS, "main", A)
    assert [m.queue for m in floor.members(A)] == ["hotline", "sales"]
    floor.errors.clear()
    await supervision.log_out(BOSS, "main", A, "hotline")
    assert [(m.queue, m.paused) for m in floor.members(A)] == [("sales", False)]


# --- calls ------------------------------------------------------------------------------------


async def test_a_caller_is_moved_ahead_of_everybody(floor: Floor) -> None:
    moved = await service(floor).move_up(BOSS, "main", "w2")
    [headers] = floor.sent("QueueChangePriorityCaller")
    assert (headers["Caller"], headers["Queue"]) == ("PJSIP/trunk-2", "hotline")
    assert int(headers["Priority"]) > 3
    assert headers["Immediate"] == "yes"
    assert (moved.position, moved.waiting) == (1, 2)
    # Who is first already stays where he is, and nothing is asked.
    assert (await service(floor).move_up(BOSS, "main", "w2")).position == 1
    assert len(floor.sent("QueueChangePriorityCaller")) == 1


async def test_a_pbx_that_only_says_it_moved_him_is_found_out(floor: Floor) -> None:
    floor.moves = False
    with pytest.raises(Refused, match="changed nothing"):
        await service(floor).move_up(BOSS, "main", "w2")
    assert floor.notes[-1].detail["outcome"] == "refused"


async def test_the_engine_is_told_before_the_pbx_is_asked(floor: Floor) -> None:
    await service(floor).hang_up(BOSS, "main", "c1")
    assert floor.order == ["told hangup", "Hangup"]
    assert floor.sent("Hangup") == [{"Channel": "c1"}]
    floor.order.clear()
    await service(floor).redirect(BOSS, "main", "c1", "1002")
    assert floor.order == ["ShowDialPlan", "ShowDialPlan", "told redirect", "Redirect"]
    assert floor.sent("Redirect") == [
        {"Channel": "c1", "Context": "agentd-redirect", "Exten": "1002", "Priority": "1"}
    ]
    assert floor.told == [("main", "hangup", "c1", ""), ("main", "redirect", "c1", "")]


async def test_only_a_seats_part(floor: Floor) -> None:
    await service(floor).hang_up(BOSS, "main", "c1", A)
    assert floor.sent("Hangup") == [{"Channel": "leg1"}]
    assert floor.told == [("main", "hangup", "c1", A)]
    with pytest.raises(Refused, match="no such call"):
        await service(floor).hang_up(BOSS, "main", "c1", B)


async def test_who_waits_can_be_sent_on_and_ended(floor: Floor) -> None:
    await service(floor).redirect(BOSS, "main", "w2", "8001")
    await service(floor).hang_up(BOSS, "main", "w1")
    assert floor.sent("Redirect")[0]["Channel"] == "w2"
    assert floor.sent("Hangup") == [{"Channel": "w1"}]


@pytest.mark.parametrize("to", ["77777", "sales", "1,2", "", "1002\n"])
async def test_a_call_is_sent_nowhere_that_is_not(floor: Floor, to: str) -> None:
    with pytest.raises(Refused) as refused:
        await service(floor).redirect(BOSS, "main", "c1", to)
    assert (refused.value.code, refused.value.field) == ("invalid", "to")
    assert floor.told == []


async def test_an_internal_call_has_no_customer_and_can_be_ended(floor: Floor) -> None:
    floor.talks[A] = OnTheLine("leg1", "c1", "c1", None, "internal", True, False)
    with pytest.raises(Refused, match="no customer"):
        await service(floor).redirect(BOSS, "main", "c1", "1002")
    await service(floor).hang_up(BOSS, "main", "c1")
    assert floor.sent("Hangup") == [{"Channel": "c1"}]


async def test_a_call_that_is_over(floor: Floor) -> None:
    for act in ("hang_up", "move_up"):
        with pytest.raises(Refused) as refused:
            await getattr(service(floor), act)(BOSS, "main", "gone")
        assert refused.value.code == "not_found"


async def test_what_was_not_answered_is_unknown_in_the_log(floor: Floor) -> None:
    floor.errors["Hangup", "c1"] = NoAnswer("Hangup", "nothing within 5 s", "无应答")
    with pytest.raises(NoAnswer):
        await service(floor).hang_up(BOSS, "main", "c1")
    assert floor.notes[-1].detail["outcome"] == "unknown"


# --- messages ---------------------------------------------------------------------------------


async def test_a_message_stands_on_the_desk_until_it_is_read(floor: Floor) -> None:
    supervision = service(floor)
    left = await supervision.message(BOSS, "8001", " 请尽快回队列 ", "urgent")
    assert (left.text, left.level, left.by_name) == ("请尽快回队列", "urgent", "沈国平")
    assert floor.hinted == ["messages:8001"]
    assert list(await supervision.messages(AGENT)) == [left]
    assert await supervision.read(AGENT, left.id) == left
    with pytest.raises(Refused) as refused:
        await supervision.read(DAY, left.id)
    assert refused.value.code == "not_found"
    assert floor.notes[-1].detail["text"] == "请尽快回队列"


@pytest.mark.parametrize(("login", "text"), [("8001", "  "), ("8001", "x" * 501), ("no", "hi")])
async def test_messages_that_cannot_be_left(floor: Floor, login: str, text: str) -> None:
    with pytest.raises(Refused):
        await service(floor).message(BOSS, login, text, "info")
    assert floor.stored == []


async def test_a_disk_that_refuses_is_in_the_log(floor: Floor) -> None:
    async def put(message: DeskMessage) -> None:
        raise AgentdError("the disk is full")

    floor.put_message = put  # type: ignore[method-assign]
    with pytest.raises(AgentdError):
        await service(floor).message(BOSS, "8001", "hi", "info")
    assert floor.notes[-1].detail["outcome"] == "failed"
