"""One AMI connection: bytes to the inbox as they come, answers to whoever asked.

Only what answers an action of ours is read here; what the bytes mean is decided behind the inbox.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, cast

from structlog.stdlib import BoundLogger

from agentd.ami_actions import SHAPES, AmiAction, encode, known_action
from agentd.ami_link import AmiSettings, LinkError, lost_error, not_ami_error
from agentd.core.wire import Banner, Framer, Oversized
from agentd.ports import AmiBytes, Inbox

_BANNER = b"Asterisk Call Manager/"
_RESPONSE = b"Response: "
_ACTION_ID = b"\r\nActionID: "


@dataclass(slots=True)
class Answer:
    """The PBX's answer to one action; ``headers`` are its own (lower case), without list items."""

    ok: bool
    headers: Mapping[str, str]

    @property
    def message(self) -> str:
        return self.headers.get("message", "")


@dataclass(slots=True)
class Pending:
    """An action that waits for its answer."""

    action: AmiAction
    ended_by: bytes | None
    """First line of the event that ends its list; None when it answers without a list."""
    future: asyncio.Future[Answer | None]
    """None: the link was lost first."""
    progress_at: float
    """When it was sent, or when something of its answer came last."""
    headers: Mapping[str, str] = field(default_factory=dict)


class Listening(Protocol):
    """What a connection tells about what it hears."""

    shutdown_seen: bool

    def saw_event(self, frame: bytes) -> None:
        """An event that answers nothing of ours."""

    def saw_list_item(self, frame: bytes) -> None:
        """An event out of a list that we asked for."""


class AmiProtocol(asyncio.Protocol):
    """See the module. ``lost`` gets the reason once the connection is over, ``greeted`` is done
    when the peer has shown itself to be AMI."""

    def __init__(
        self,
        settings: AmiSettings,
        inbox: Inbox,
        listening: Listening,
        logger: BoundLogger,
        monotonic: Callable[[], float],
        wall_us: Callable[[], int],
    ) -> None:
        self._settings = settings
        self._inbox = inbox
        self._listening = listening
        self._log = logger
        self._monotonic = monotonic
        self._wall_us = wall_us
        loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[LinkError] = loop.create_future()
        self.greeted: asyncio.Future[None] = loop.create_future()
        self.ami_version: str | None = None
        self.logged_in = False
        self.paused = False
        self.closed = False
        self.received_at = monotonic()
        self._failure: LinkError | None = None
        self._head = b""
        self._framer = Framer(settings.max_frame_bytes)
        self._pending: dict[bytes, Pending] = {}
        # A caller's name cannot guess this, so it cannot pass for an answer.
        self._prefix = f"agentd-{secrets.token_hex(4)}-"
        self._mark = _ACTION_ID + self._prefix.encode()
        self._count = 0

    # --- what asyncio calls ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.received_at = self._monotonic()

    def data_received(self, data: bytes) -> None:
        if self.closed:
            return
        self.received_at = self._monotonic()
        if not self.greeted.done():
            # Nothing reaches the inbox from a peer that is no AMI.
            data = self._head = self._head + data
            if data[: len(_BANNER)] != _BANNER[: len(data)]:
                self.fail(not_ami_error(self._settings))
                return
            if len(data) < len(_BANNER):
                return
            self._head = b""
            self.greeted.set_result(None)
        if not self._inbox.put_nowait(AmiBytes(self._settings.pbx, data, self._wall_us())):
            self._pause()
        for frame in self._framer.feed(data):
            if isinstance(frame, Banner):
                self.ami_version = frame.version
            elif isinstance(frame, Oversized):
                self._log.warning("ami.frame_skipped", limit_bytes=self._settings.max_frame_bytes)
            else:
                self._take(frame)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        if self._failure is None:
            self._failure = lost_error(
                exc, logged_in=self.logged_in, shutdown_seen=self._listening.shutdown_seen
            )
        self.lost.set_result(self._failure)
        for pending in self._pending.values():
            if not pending.future.done():
                pending.future.set_result(None)
        self._pending.clear()

    # --- what the listener calls ---

    def send(self, data: Mapping[str, str], as_list: bool | None = None) -> Pending:
        """Write one action (the header ``Action`` and its own) and remember who waits for it.

        The signature is the one that panoramisk's Manager calls. Raises
        :class:`~agentd.errors.Refused` for what cannot be sent.
        """
        del as_list
        action = known_action(data["Action"])
        self._count += 1
        action_id = f"{self._prefix}{self._count}"
        request = encode(action, action_id, {k: v for k, v in data.items() if k != "Action"})
        ended_by = SHAPES[action].ended_by
        pending = Pending(
            action,
            None if ended_by is None else f"Event: {ended_by}\r\n".encode(),
            asyncio.get_running_loop().create_future(),
            self._monotonic(),
        )
        if self.closed:
            pending.future.set_result(None)
            return pending
        self._pending[action_id.encode()] = pending
        self.transport.write(request)
        return pending

    def forget(self, pending: Pending) -> None:
        """Nobody waits for its answer any more."""
        for action_id, waiting in self._pending.items():
            if waiting is pending:
                del self._pending[action_id]
                return

    def fail(self, error: LinkError) -> None:
        """End this connection at once, for a reason of ours."""
        if not self.closed:
            self._failure = error
            self.closed = True
            self.transport.abort()

    def close(self) -> None:
        """End this connection politely; ``lost`` tells when it is over."""
        self.transport.close()

    @property
    def list_pending(self) -> bool:
        """The PBX is busy with a list: it answers nothing else meanwhile."""
        return any(pending.ended_by is not None for pending in self._pending.values())

    # --- reading ---

    def _pause(self) -> None:
        if not self.paused:
            self.paused = True
            self.transport.pause_reading()
            self._inbox.on_drained(self._resume)

    def _resume(self) -> None:
        self.paused = False
        if self.closed:
            return
        # The silence was ours.
        self.received_at = self._monotonic()
        for pending in self._pending.values():
            pending.progress_at = self.received_at
        self.transport.resume_reading()

    def _take(self, frame: bytes) -> None:
        start = frame.find(self._mark)
        if start < 0:
            if not frame.startswith(_RESPONSE):
                self._listening.saw_event(frame)
            return
        start += len(_ACTION_ID)
        end = frame.find(b"\r\n", start)
        action_id = frame[start:] if end < 0 else frame[start:end]
        pending = self._pending.get(action_id)
        if pending is None:
            return
        pending.progress_at = self.received_at
        if frame.startswith(_RESPONSE):
            pending.headers = _headers(frame)
            ok = pending.headers["response"] in ("Success", "Goodbye")
            if ok and pending.ended_by is not None:
                return
        elif pending.ended_by is not None and frame.startswith(pending.ended_by):
            ok = True
        else:
            self._listening.saw_list_item(frame)
            return
        del self._pending[action_id]
        if not pending.future.done():
            pending.future.set_result(Answer(ok, pending.headers))


def _headers(frame: bytes) -> dict[str, str]:
    """Header names in lower case; of a repeated one the first counts."""
    headers: dict[str, str] = {}
    for line in frame.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        headers.setdefault(name.lower(), value.strip())
    return headers
