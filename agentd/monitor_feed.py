"""Who listens to the live stream, and what all who may see the same are sent."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from agentd.monitor_audience import Listener, View
from agentd.monitor_line import Line
from agentd.monitor_mailbox import Mailbox, Message, Misbehaved, StreamSettings
from agentd.monitor_patch import Patches

CLOSE_ABNORMAL = 1006

Watch = Callable[[], Listener | None]
"""Who listens on a connection, as things stand now; None: nobody who may, any more."""


class Feed:
    """What the clients of one audience are sent: a board, numbered."""

    def __init__(self, board: Mapping[str, msgspec.Raw], view: View | None = None) -> None:
        self._board = board
        self._view = view
        self.seq = 0
        self.clients: set[Client] = set()
        self.sent_at_s = 0.0
        self._text: str | None = None

    @property
    def patching(self) -> bool:
        """Whether somebody here asked for patches."""
        return any(client.patches for client in self.clients)

    def patches(
        self,
        fresh: Mapping[str, msgspec.Raw],
        before: Mapping[str, msgspec.Raw],
        made: Patches,
    ) -> dict[str, msgspec.Raw]:
        """Those of the ``fresh`` objects that are sent as patches, by what was known ``before``."""
        if not self.patching:
            return {}
        found = {key: made.of(key, before.get(key), raw) for key, raw in fresh.items()}
        return {key: patch for key, patch in found.items() if patch is not None}

    def change(
        self,
        fresh: Mapping[str, msgspec.Raw],
        gone: Sequence[str],
        patches: Mapping[str, msgspec.Raw],
        now_s: float,
        server_time: float,
    ) -> None:
        """The board has changed: one delta to everybody; where it is short, with ``patches`` of
        some of the ``fresh`` objects to those who asked for them."""
        self.seq += 1
        self._text = None
        self.sent_at_s = now_s
        if not self.clients:
            return
        content = {"type": "delta", "seq": self.seq, "server_time": server_time}
        patched = [client for client in self.clients if patches and client.patches]
        whole = self.clients.difference(patched) if patched else self.clients
        if whole:
            self._offer(content | {"set": fresh, "del": gone}, whole)
        if patched:
            rest = {key: raw for key, raw in fresh.items() if key not in patches}
            self._offer(content | {"set": rest, "patch": patches, "del": gone}, patched)

    def beat(self, now_s: float, server_time: float) -> None:
        """A sign of life to everybody for whom nothing waits."""
        self.sent_at_s = now_s
        idle = [client for client in self.clients if client.mailbox.idle]
        self._offer({"type": "beat", "seq": self.seq, "server_time": server_time}, idle)
        # Who asked for a snapshot too soon may have it now.
        for client in self.clients:
            client.bell.set()

    def snapshot(self, server_time: float) -> tuple[Message, bool]:
        """The whole board at this moment, and whether it had to be encoded for that."""
        encoded = self._text is None
        if self._text is None:
            board = self._board if self._view is None else self._view.board
            self._text = msgspec.json.encode(board).decode()
        # The time must be of this moment: clients measure their clock against it.
        text = (
            f'{{"type":"snapshot","seq":{self.seq},"server_time":{server_time!r},'
            f'"board":{self._text}}}'
        )
        return Message(self.seq, text, len(text.encode())), encoded

    def _offer(self, content: dict[str, Any], clients: Iterable[Client]) -> None:
        payload = msgspec.json.encode(content)
        message = Message(self.seq, payload.decode(), len(payload))
        for client in clients:
            client.mailbox.offer(message)
            client.bell.set()


class Client:
    """One connected client: its socket, its mailbox and the bell that wakes its writer."""

    def __init__(
        self,
        websocket: WebSocket,
        line: Line,
        settings: StreamSettings,
        watch: Watch,
        listener: Listener,
        feed: Feed,
    ) -> None:
        self.watch = watch
        self.listener = listener
        self.feed = feed
        self.websocket = websocket
        self.line = line
        self.mailbox = Mailbox(settings)
        self.bell = asyncio.Event()
        self.farewell: Misbehaved | None = None
        self.patches = False
        """It asked for what changed in long queues, instead of the whole objects."""
        peer = websocket.client
        self.name = f"{peer.host}:{peer.port}" if peer else "?"

    def part(self, code: int, reason: str) -> None:
        """Have the client sent away; the first reason stands."""
        if self.farewell is None:
            self.farewell = Misbehaved(code, reason)
            self.bell.set()

    async def send(self, text: str) -> None:
        """Raises ``WebSocketDisconnect`` when the client is gone."""
        with self._closing_is_a_disconnect():
            await self.websocket.send_text(text)

    async def close(self, code: int, reason: str) -> None:
        """The closing handshake; raises like :meth:`send`."""
        with self._closing_is_a_disconnect():
            await self.websocket.close(code, reason)

    @contextlib.contextmanager
    def _closing_is_a_disconnect(self) -> Iterator[None]:
        # uvicorn closes by itself on a frame it cannot take (too large, not UTF-8), and calls
        # whatever we send before we hear of it an error of ours.
        try:
            yield
        except RuntimeError:
            if not self.line.transport.is_closing():
                raise
            raise WebSocketDisconnect(CLOSE_ABNORMAL) from None
