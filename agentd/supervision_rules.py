"""What supervision rests on: the PBX as supervisors use it, whether an act is possible there, and
in which words it is not. Everything that can be known is said before the click."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from msgspec import Struct

from agentd.core.acts import OnTheLine
from agentd.core.order_form import Label
from agentd.core.people import Person
from agentd.core.policy import SeatConfig
from agentd.errors import Refused
from agentd.ports.accounts import AuditEntry
from agentd.ports.presence import MySeat
from agentd.ports.supervision import NEEDED, Act
from agentd.ports.telephony import PbxRefused, Telephony

MOVES_UP_SINCE: Final = 18
"""The first series of Asterisk whose queues let a caller who waits already go ahead."""
CONTEXT_KNOWN_S: Final = 60.0
CONTEXT_MISSING_S: Final = 5.0
"""For how long it is believed that a context is not there: somebody may be adding it."""

_ANY_EXTENSION: Final = "0"
_ACTIONS: Final[Mapping[Act, tuple[tuple[str, str], ...]]] = {
    "listen": (("Originate", "originate"),),
    "whisper": (("Originate", "originate"),),
    "barge": (("Originate", "originate"),),
    "pause": (("QueuePause", "agent"),),
    "unpause": (("QueuePause", "agent"),),
    "logout": (("QueueRemove", "agent"), ("QueuePause", "agent")),
    "move_up": (("QueueChangePriorityCaller", ""), ("QueueStatus", "")),
    "redirect": (("Redirect", "call"),),
    "hangup": (("Hangup", "call"),),
    "message": (),
}
"""The AMI actions behind each act, with the write class that gives them."""

FORBIDDEN: Final[Label] = ("您无权进行此操作。", "You may not do this.")


class Engine(Protocol):
    """What is needed of the runtime."""

    links: dict[str, str]

    async def supervisor_acts(
        self, pbx: str, act: str, call: str, *, seat: str | None = None
    ) -> None: ...
    def lines(self, pbx: str, seat: str) -> tuple[OnTheLine, ...]: ...
    def channel_name(self, pbx: str, uid: str) -> str | None: ...
    def board(self, pbx: str) -> Mapping[str, Any]: ...


class Settings(Protocol):
    """What is needed of the accounts."""

    async def settings(self, who: Person) -> Mapping[str, Any]: ...
    async def put_settings(self, who: Person, settings: Mapping[str, Any]) -> None: ...
    async def note(self, entry: AuditEntry) -> None: ...


class Seated(Protocol):
    """What is needed of presence."""

    def my_seat(self, who: Person) -> MySeat | None: ...


class PbxControl(Struct, frozen=True):
    """One PBX as supervisors use it."""

    telephony: Telephony
    drive_queues: bool = True
    listening: bool = False
    """The site lets supervisors listen, whisper and barge in."""
    redirect_context: str | None = None
    seats: tuple[SeatConfig, ...] = ()


def refusal(code: str, words: Label, *, field: str | None = None) -> Refused:
    """The refusal that is to be raised."""
    zh, en = words
    return Refused(en, code=code, text_zh=zh, field=field)


class WhyNot:
    """Says for each PBX and act why it cannot be done, in both languages; None: it can."""

    def __init__(
        self,
        engine: Engine,
        pbxs: Mapping[str, PbxControl],
        monotonic: Callable[[], float],
    ) -> None:
        self._engine = engine
        self._pbxs = pbxs
        self._monotonic = monotonic
        self._contexts: dict[str, tuple[float, Label | None]] = {}
        """What was found out of each PBX's context, and until when that is believed."""

    def right(self, who: Person, act: Act) -> Label | None:
        """The person's role."""
        return None if who.may(NEEDED[act]) else FORBIDDEN

    async def pbx(self, pbx: str, act: Act) -> Label | None:
        """The PBX, its account and its dialplan, as they are now."""
        if act == "message":
            return None
        control = self._pbxs[pbx]
        if self._engine.links.get(pbx) != "up":
            return (f"与 PBX {pbx} 的连接未建立。", f"There is no link to PBX {pbx} now.")
        return (
            self._configured(control, act)
            or self._account(pbx, control, act)
            or self._version(control, act)
            or (await self._dialplan(pbx, control) if act == "redirect" else None)
        )

    def _configured(self, control: PbxControl, act: Act) -> Label | None:
        if act in ("listen", "whisper", "barge") and not control.listening:
            return (
                "此处未启用监听：请管理员在 agentd.toml 的 [[pbx]] 中设置 listening = true。",
                "Listening is off here: an admin sets listening = true in [[pbx]] (agentd.toml).",
            )
        if act in ("pause", "unpause", "logout") and not control.drive_queues:
            return (
                "此处不由 agentd 更改队列（drive_queues = false）：请用话机操作。",
                "agentd does not change queues here (drive_queues = false): use the phones.",
            )
        if act == "redirect" and control.redirect_context is None:
            return (
                "未指定可转接的号码：请管理员在 agentd.toml 的 [[pbx]] 中设置 redirect_context。",
                "Calls have nowhere to go: an admin sets redirect_context (agentd.toml).",
            )
        return None

    @staticmethod
    def _account(pbx: str, control: PbxControl, act: Act) -> Label | None:
        missing = [pair for pair in _ACTIONS[act] if not control.telephony.may(pair[0])]
        if not missing:
            return None
        action, write = missing[0]
        if not write:
            return (
                f"PBX {pbx} 不支持 {action}：请升级 Asterisk。",
                f"PBX {pbx} does not know {action}: upgrade Asterisk.",
            )
        return (
            f"PBX {pbx} 的 AMI 账号无权执行 {action}：请为它设置 write={write}（manager.conf）。",
            f"The AMI account on PBX {pbx} may not {action}: give it write={write} (manager.conf).",
        )

    @staticmethod
    def _version(control: PbxControl, act: Act) -> Label | None:
        series = control.telephony.series
        if act != "move_up" or series is None or series >= MOVES_UP_SINCE:
            return None
        return (
            f"Asterisk {series} 不能调整已在排队的来电：请升级到 {MOVES_UP_SINCE} 或更高版本。",
            f"Asterisk {series} cannot move callers who wait already; {MOVES_UP_SINCE} can.",
        )

    async def _dialplan(self, pbx: str, control: PbxControl) -> Label | None:
        until_s, known = self._contexts.get(pbx, (0.0, None))
        if self._monotonic() < until_s:
            return known
        assert control.redirect_context is not None
        known = await self._ask_context(pbx, control, control.redirect_context)
        lasts_s = CONTEXT_KNOWN_S if known is None else CONTEXT_MISSING_S
        self._contexts[pbx] = (self._monotonic() + lasts_s, known)
        return known

    @staticmethod
    async def _ask_context(pbx: str, control: PbxControl, context: str) -> Label | None:
        if not control.telephony.may("ShowDialPlan"):
            return None
        headers = {"Context": context, "Extension": _ANY_EXTENSION}
        try:
            await control.telephony.ask("ShowDialPlan", headers)
        except PbxRefused as refused:
            if "find context" in refused.message.lower():
                return (
                    f"PBX {pbx} 的拨号方案中没有 [{context}]（extensions.conf）。",
                    f"The dialplan of PBX {pbx} has no context [{context}] (extensions.conf).",
                )
        except Refused:
            # Whether it is there is not known; the act itself will tell.
            return None
        return None

    async def extension(self, pbx: str, to: str) -> Label | None:
        """Whether calls can be redirected to ``to``: a PBX ends calls that it sends nowhere."""
        control = self._pbxs[pbx]
        context = control.redirect_context
        if context is None or not control.telephony.may("ShowDialPlan"):
            return None
        try:
            await control.telephony.ask("ShowDialPlan", {"Context": context, "Extension": to})
        except PbxRefused as refused:
            if "did not find" in refused.message.lower():
                return (
                    f"拨号方案 [{context}] 中没有 {to}。",
                    f"There is no {to} in the dialplan's context [{context}].",
                )
            raise
        return None


def seats_with(board: Mapping[str, Any], call: str) -> Sequence[Mapping[str, Any]]:
    """The seats that have ``call`` now, as the board shows them."""
    return [obj for obj in board.values() if obj.get("kind") == "seat" and obj.get("call") == call]


def queue_with(board: Mapping[str, Any], call: str) -> str | None:
    """The queue in which ``call`` waits; None where it waits in none."""
    for obj in board.values():
        if obj.get("kind") == "queue" and any(w["call"] == call for w in obj["waiting"]):
            name: str = obj["name"]
            return name
    return None


def seat_in_scope(who: Person, shown: Mapping[str, Any]) -> bool:
    """Whether a seat of the board is of the person's scope: by its team, and by one of its queues,
    or that of its call."""
    queues: list[str | None] = [*shown.get("queues", ())]
    if shown.get("queue") is not None:
        queues.append(shown["queue"])
    return any(who.in_scope(queue, shown.get("group")) for queue in queues or [None])
