"""Questions to one linked PBX, and the time that their answers may take.

Two kinds: the listener's own, without whose answers the link is worth nothing
(:class:`~agentd.ami_link.LinkError`), and people's, whose failure is told to who asked
(:class:`~agentd.errors.Refused`) and leaves the link alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from agentd.ami_actions import AmiAction
from agentd.ami_link import AmiSettings, LinkError
from agentd.ami_pbx import ClockOffset, timestamp_us
from agentd.ami_protocol import AmiProtocol, Answer, Pending
from agentd.ports.telephony import NoAnswer, PbxRefused

Send = Callable[[Mapping[str, str]], Pending]


class AmiSession:
    """Asks over ``protocol``, sending by ``send`` (an action's headers, ``Action`` among them)."""

    def __init__(
        self,
        protocol: AmiProtocol,
        send: Send,
        settings: AmiSettings,
        monotonic: Callable[[], float],
        wall_us: Callable[[], int],
    ) -> None:
        self.protocol = protocol
        self.offset = ClockOffset()
        """The PBX's clock, by the pings so far."""
        self._send = send
        self._settings = settings
        self._monotonic = monotonic
        self._wall_us = wall_us

    def send(self, action: AmiAction, headers: Mapping[str, str] | None = None) -> Pending:
        """Send one action; whoever wants its answer waits for the future."""
        return self._send({"Action": action.value, **(headers or {})})

    async def ask(
        self,
        action: AmiAction,
        headers: Mapping[str, str] | None = None,
        *,
        timeout_s: float | None = None,
    ) -> Answer:
        """The whole answer to one action; :class:`LinkError` when it stalls or the link is lost."""
        limit_s = timeout_s or self._settings.action_timeout_s
        pending = self.send(action, headers)
        while not pending.future.done():
            left_s = limit_s if self.protocol.paused else self._left_s(pending, limit_s)
            await asyncio.wait({pending.future}, timeout=left_s)
        return await self._answer(pending)

    async def do(self, action: AmiAction, headers: Mapping[str, str]) -> Answer:
        """Have the PBX do what a person wants, once; its answer. See
        :meth:`agentd.ports.telephony.Telephony.ask` for the errors."""
        name, limit_s = action.value, self._settings.action_timeout_s
        pending = self.send(action, headers)
        try:
            await asyncio.wait({pending.future}, timeout=limit_s)
        finally:
            self.protocol.forget(pending)
        if not pending.future.done():
            raise NoAnswer(name, f"nothing within {limit_s:g} s", f"{limit_s:g} 秒内无应答")
        answer = pending.future.result()
        if answer is None:
            raise NoAnswer(name, "the link was lost", "与 PBX 的连接中断")
        if not answer.ok:
            raise PbxRefused(name, answer.message)
        return answer

    async def ping(self) -> None:
        """Measure the PBX's clock, and find out when the peer is gone."""
        settings, protocol = self._settings, self.protocol
        sent_us, sent_at = self._wall_us(), self._monotonic()
        pending = self.send(AmiAction.PING)
        while not pending.future.done():
            now = self._monotonic()
            # While a PBX gathers a list it answers nothing else; the list has its own time-out.
            quiet_s = settings.ping_timeout_s
            if protocol.list_pending:
                quiet_s = max(quiet_s, settings.action_timeout_s)
                pending.progress_at = now
            if protocol.paused:
                left_s = quiet_s
            else:
                left_s = max(sent_at, protocol.received_at) + quiet_s - now
                if left_s <= 0:
                    raise LinkError(
                        "silent", f"the PBX was silent for {quiet_s:g} s and answered no ping"
                    )
                left_s = min(left_s, self._left_s(pending, settings.action_timeout_s))
            await asyncio.wait({pending.future}, timeout=left_s)
        answer = await self._answer(pending)
        pbx_us = timestamp_us(answer.headers.get("timestamp"))
        if pbx_us is not None:
            self.offset.add(sent_us, self._wall_us(), pbx_us)

    def _left_s(self, pending: Pending, limit_s: float) -> float:
        left_s = pending.progress_at + limit_s - self._monotonic()
        if left_s <= 0:
            raise LinkError("timeout", f"no answer to {pending.action.value} within {limit_s:g} s")
        return left_s

    async def _answer(self, pending: Pending) -> Answer:
        answer = pending.future.result()
        if answer is None:
            raise await asyncio.shield(self.protocol.lost)
        return answer
