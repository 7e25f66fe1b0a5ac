"""Takes a seat into queues and out again by AMI: every step has its way back.

What was asked of the PBX and refused leaves the queues as they were, or says in words what is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from agentd.errors import Refused
from agentd.ports.telephony import NoAnswer, PbxRefused, QueueMember, Telephony

_AS_WANTED = {
    "QueueAdd": ("already there",),
    "QueueRemove": ("not there", "no such queue"),
    "QueuePause": ("interface not found",),
}
"""What Asterisk says where there is nothing to do: it is as wanted, or was taken away meanwhile."""

_DRIVING = ("QueueAdd", "QueueRemove", "QueuePause")

Headers = Mapping[str, str]


class Steps:
    """Actions on one PBX, each with the one that takes it back."""

    def __init__(self, telephony: Telephony) -> None:
        self._telephony = telephony
        self._backward: list[tuple[str, Headers]] = []

    async def do(self, action: str, headers: Headers, back: tuple[str, Headers]) -> None:
        """One step. Raises what the PBX link raises. A step that was not answered may have been
        done: it is taken back like one that was."""
        try:
            await self._telephony.ask(action, headers)
        except NoAnswer:
            self._backward.append(back)
            raise
        except PbxRefused as refusal:
            if action != "QueuePause" and _as_wanted(action, refusal):
                return
            raise
        self._backward.append(back)

    async def undo(self) -> list[str]:
        """Take everything back, the last first; what could not be, in the PBX's words."""
        left: list[str] = []
        while self._backward:
            action, headers = self._backward.pop()
            try:
                await self._telephony.ask(action, headers)
            except Refused as refusal:
                if not _as_wanted(action, refusal):
                    left.append(str(refusal))
        return left


class QueueDriver:
    """The queues of one PBX. ``wanted``: the configuration lets agentd change them."""

    def __init__(self, telephony: Telephony, *, wanted: bool) -> None:
        self._telephony = telephony
        self._wanted = wanted

    @property
    def drives(self) -> bool:
        """Whether agentd changes queue memberships there: configured, and the account may."""
        return self._wanted and all(self._telephony.may(action) for action in _DRIVING)

    async def take_over(
        self, device: str, name: str, queues: Iterable[str], before: str | None
    ) -> Steps:
        """Bring ``device`` into ``queues`` under ``name``, and out of those that agentd brought it
        into for ``before``. It is paused there unless the seat takes calls already.

        Returns the steps, for whoever must take them back. Raises :class:`Refused`; then they are
        taken back already, or the message says what is left.
        """
        steps = Steps(self._telephony)
        members = self._telephony.members(device)
        theirs = [
            m for m in members if m.dynamic and before not in (None, name) and m.name == before
        ]
        paused = all(member.paused for member in members)
        kept = {member.queue for member in members} - {member.queue for member in theirs}
        try:
            for member in theirs:
                await steps.do("QueueRemove", _place(member), ("QueueAdd", _back(member)))
            for queue in dict.fromkeys(queues):
                if queue not in kept:
                    added = QueueMember(queue, device, device, name, dynamic=True, paused=paused)
                    await steps.do("QueueAdd", _back(added), ("QueueRemove", _place(added)))
        except Refused as refusal:
            raise not_done(refusal, await steps.undo()) from refusal
        return steps

    async def pause(self, device: str, *, paused: bool, reason: str = "") -> None:
        """Pause the seat in all of its queues, or let it take calls again.

        Raises :class:`Refused`; then it is as it was, or the message says what is left.
        """
        steps = Steps(self._telephony)
        members = self._telephony.members(device)
        try:
            for interface in dict.fromkeys(member.interface for member in members):
                was = next(member for member in members if member.interface == interface)
                await steps.do(
                    "QueuePause",
                    _pause(interface, paused=paused, reason=reason),
                    ("QueuePause", _pause(interface, paused=was.paused, reason=was.reason)),
                )
        except Refused as refusal:
            raise not_done(refusal, await steps.undo()) from refusal

    async def take_out(self, members: Iterable[QueueMember], reason: str) -> None:
        """Take a seat out of these of its queues: out of those that may be left, and paused in
        those that are the PBX's own configuration.

        Raises :class:`Refused`; then it is as it was, or the message says what is left.
        """
        steps = Steps(self._telephony)
        try:
            for member in members:
                if member.dynamic:
                    await steps.do("QueueRemove", _place(member), ("QueueAdd", _back(member)))
                else:
                    await steps.do(
                        "QueuePause",
                        _pause(member.interface, paused=True, reason=reason, queue=member.queue),
                        (
                            "QueuePause",
                            _pause(
                                member.interface,
                                paused=member.paused,
                                reason=member.reason,
                                queue=member.queue,
                            ),
                        ),
                    )
        except Refused as refusal:
            raise not_done(refusal, await steps.undo()) from refusal

    async def leave(self, device: str, name: str, reason: str) -> list[str]:
        """Take the seat out of the queues that agentd brought it into under ``name``, and pause it
        in those that are the PBX's own. What did not work, in the PBX's words: whoever leaves is
        gone all the same."""
        left: list[str] = []
        for member in self._telephony.members(device):
            if member.dynamic and member.name == name:
                left += await self._try("QueueRemove", _place(member))
        stay = dict.fromkeys(m.interface for m in self._telephony.members(device) if not m.paused)
        for interface in stay:
            left += await self._try("QueuePause", _pause(interface, paused=True, reason=reason))
        return left

    async def _try(self, action: str, headers: Headers) -> list[str]:
        try:
            await self._telephony.ask(action, headers)
        except Refused as refusal:
            if not _as_wanted(action, refusal):
                return [f"{headers.get('Queue') or headers['Interface']}: {refusal}"]
        return []


def not_done(refusal: Refused, left: list[str]) -> Refused:
    """``refusal``, with what could not be taken back."""
    if not left:
        return Refused(
            f"nothing was changed: {refusal}",
            code=refusal.code,
            text_zh=f"未作任何更改：{refusal.text_zh or refusal}",
        )
    rest = "; ".join(left)
    return Refused(
        f"not done: {refusal}. Not taken back: {rest}",
        code=refusal.code,
        text_zh=f"未完成：{refusal.text_zh or refusal}。未能恢复：{rest}",
    )


def _place(member: QueueMember) -> dict[str, str]:
    return {"Queue": member.queue, "Interface": member.interface}


def _back(member: QueueMember) -> dict[str, str]:
    return {
        **_place(member),
        "MemberName": member.name,
        "StateInterface": member.device,
        "Paused": "true" if member.paused else "false",
    }


def _pause(
    interface: str, *, paused: bool, reason: str, queue: str | None = None
) -> dict[str, str]:
    headers = {"Interface": interface, "Paused": "true" if paused else "false"}
    if queue is not None:
        headers["Queue"] = queue
    return {**headers, "Reason": reason} if reason else headers


def _as_wanted(action: str, refusal: Refused) -> bool:
    if not isinstance(refusal, PbxRefused):
        return False
    message = refusal.message.lower()
    return any(words in message for words in _AS_WANTED[action])
