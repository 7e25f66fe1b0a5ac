"""The live stream of docs/live-stream.md: one snapshot, then numbered deltas, to every client.

Every board object is encoded once, when it is published, and every delta once for all clients of
an audience; nearly all are of one, which may see everything.
What a client has not acknowledged is bounded (its window), and so is what waits for it (its
mailbox): one that lags gets a fresh snapshot in place of what it missed, one that stalls is cut.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import structlog
from msgspec import Struct
from starlette.responses import PlainTextResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from agentd import __version__, clock
from agentd.monitor_audience import EVERYTHING, NOTHING, Audience, Listener, Views
from agentd.monitor_feed import Client, Feed, Watch
from agentd.monitor_line import Line, cut, keep_buffers_small
from agentd.monitor_mailbox import (
    CLOSE_NOT_UNDERSTOOD,
    Message,
    Misbehaved,
    StreamSettings,
)
from agentd.monitor_patch import Patches

PROTOCOL = 1

CLOSE_GOING_AWAY = 1001
CLOSE_NOT_TEXT = 1003
CLOSE_NOT_JSON = 1007
CLOSE_CHANGED = 4001
CLOSE_LOGGED_OUT = 4003

# RFC 6455 allows 125 bytes in a close frame, two of them the code.
CLOSE_REASON_MAX_BYTES = 123

_STOPPING = "agentd is stopping"

_log = structlog.get_logger(__name__)


class Ack(Struct, tag="ack", tag_field="type", frozen=True):
    """The client has taken over everything up to ``seq``."""

    seq: int


class Resync(Struct, tag="resync", tag_field="type", frozen=True):
    """The client asks for a fresh snapshot."""


def _now() -> float:
    return clock.wall_us() / 1_000_000


class LiveStream:
    """Shows the board to everybody who listens (a ``ports.LiveSink``).

    ``now`` gives seconds since the epoch. :meth:`run` must be running for anything to be sent;
    :meth:`serve` is one client's whole visit, called by the web server.
    """

    def __init__(
        self,
        settings: StreamSettings | None = None,
        *,
        now: Callable[[], float] = _now,
        version: str = __version__,
    ) -> None:
        self._settings = settings or StreamSettings()
        self._now = now
        self._hello = msgspec.json.encode(
            {
                "type": "hello",
                "protocol": PROTOCOL,
                "version": version,
                "lang": self._settings.lang,
            }
        ).decode()
        self._board: dict[str, msgspec.Raw] = {}
        self._changed: dict[str, msgspec.Raw | None] = {}
        self._dirty = asyncio.Event()
        self._whole = Feed(self._board)
        self._views = Views(self._board)
        self._feeds: dict[Audience, Feed] = {}
        self._hints: set[str] = set()
        self._clients: set[Client] = set()
        self._nobody = asyncio.Event()
        self._nobody.set()
        self._closing = False
        # Connections that we closed, with the time by which they must be gone.
        self._parting: dict[Line, float] = {}
        self.snapshots_encoded = 0
        """How often the whole board was encoded."""
        self.clients_cut = 0
        """How many clients were cut off because they stalled."""

    @property
    def seq(self) -> int:
        """The number of the newest delta of the whole board."""
        return self._whole.seq

    @property
    def clients(self) -> int:
        """How many clients listen."""
        return len(self._clients)

    def publish(self, changed: Mapping[str, Any], removed: Sequence[str]) -> None:
        """Take over board objects that changed and keys that went away; encodes them at once,
        so that the caller may go on changing its objects."""
        for key in removed:
            self._changed[key] = None
        for key, value in changed.items():
            self._changed[key] = msgspec.Raw(msgspec.json.encode(value))
        if self._changed:
            self._dirty.set()

    def flush(self) -> bool:
        """Send what was published since the last flush as one delta; False if nothing changed."""
        self._dirty.clear()
        changes, self._changed = self._changed, {}
        fresh: dict[str, msgspec.Raw] = {}
        patches: dict[str, msgspec.Raw] = {}
        gone: list[str] = []
        made = Patches()
        for key, raw in changes.items():
            known = self._board.get(key)
            if raw is None:
                if known is not None:
                    gone.append(key)
                    del self._board[key]
            elif known is None or bytes(raw) != bytes(known):
                fresh[key] = self._board[key] = raw
                patch = made.of(key, known, raw) if self._whole.patching else None
                if patch is not None:
                    patches[key] = patch
        if not fresh and not gone:
            return False
        now_s, server_time = asyncio.get_running_loop().time(), self._now()
        self._whole.change(fresh, gone, patches, now_s, server_time)
        for view, theirs, lost, before in self._views.follow(list(fresh), gone):
            if theirs or lost:
                feed = self._feeds[view.audience]
                patches = feed.patches(theirs, before, made)
                feed.change(theirs, lost, patches, now_s, server_time)
        return True

    def hint(self, *topics: str) -> None:
        """Tell whom ``topics`` concern that it changed (:class:`agentd.ports.desk.Hints`)."""
        self._hints.update(topics)
        self._dirty.set()

    def recheck(self, _login: str = "") -> None:
        """Rights, scopes or logins may have changed: part from those who may see something else
        now (4001) or are logged out (4003). Also done with every beat."""
        for client in self._clients:
            listener = client.watch()
            if listener is None:
                client.part(CLOSE_LOGGED_OUT, "logged out")
            elif listener != client.listener:
                client.part(CLOSE_CHANGED, "what you may see has changed; connect again")

    def _spread_hints(self) -> None:
        topics, self._hints = self._hints, set()
        for client in self._clients:
            heard = {told for topic in topics if (told := client.listener.hears(topic))}
            if heard:
                client.mailbox.hint(heard)
                client.bell.set()

    async def run(self) -> None:
        """Flush, beat and cut stalled clients until cancelled."""
        loop = asyncio.get_running_loop()
        settings = self._settings
        check_at_s = loop.time() + settings.beat_interval_s
        self._whole.sent_at_s = loop.time()
        # Restricted feeds are many: they are looked at twice a beat, and need no more.
        others_at_s = loop.time() + settings.beat_interval_s / 2
        while True:
            with contextlib.suppress(TimeoutError):
                whole_at_s = self._whole.sent_at_s + settings.beat_interval_s
                async with asyncio.timeout_at(min(check_at_s, whole_at_s, others_at_s)):
                    await self._dirty.wait()
            now_s = loop.time()
            flushed = self._dirty.is_set() and self.flush()
            if self._hints:
                self._spread_hints()
                flushed = True
            if now_s >= self._whole.sent_at_s + settings.beat_interval_s:
                self._whole.beat(now_s, self._now())
            if now_s >= others_at_s:
                others_at_s = now_s + settings.beat_interval_s / 2
                for feed in self._feeds.values():
                    if now_s >= feed.sent_at_s + settings.beat_interval_s / 2:
                        feed.beat(now_s, self._now())
            if now_s >= check_at_s:
                # When we were late ourselves (a machine that was suspended), nobody had a chance
                # to be heard: then the next check judges.
                if now_s < check_at_s + settings.beat_interval_s:
                    self._cut_stalled(now_s)
                self.recheck()
                check_at_s = now_s + settings.beat_interval_s
            if flushed:
                await asyncio.sleep(settings.flush_interval_s)

    async def serve(self, websocket: WebSocket, watch: Watch, *, patches: bool = False) -> None:
        """One client from its handshake to its end. The web server must have put the connection's
        transport into the ASGI state as ``transport``: only there can a stalled client be cut.
        ``watch`` is asked again and again; what it says to begin with decides what is sent.
        ``patches``: long queues as what changed in them."""
        refusal = self._refusal(websocket, watch())
        if refusal is not None:
            await websocket.send_denial_response(refusal)
            return
        transport: asyncio.Transport = websocket.scope["state"]["transport"]
        line = Line(transport, transport.get_extra_info("socket"))
        keep_buffers_small(line, self._settings.send_buffer_bytes)
        await websocket.accept()
        client = self._join(websocket, line, watch)
        client.patches = patches
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._write(client), name=f"live-writer-{client.name}")
                await self._read(client)
        except* WebSocketDisconnect:
            pass
        except* Misbehaved as left:
            await self._say_goodbye(client, left.exceptions[0])
        finally:
            self._parting[line] = asyncio.get_running_loop().time() + self._settings.close_grace_s
            self._leave(client)

    def _join(self, websocket: WebSocket, line: Line, watch: Watch) -> Client:
        listener = watch()
        # Logged out since the handshake began: there is nothing to see for it, not even once.
        seen = NOTHING if listener is None else listener.audience
        feed = self._feed(seen)
        client = Client(websocket, line, self._settings, watch, listener or Listener(seen), feed)
        if listener is None:
            client.part(CLOSE_LOGGED_OUT, "logged out")
        if self._closing:
            client.part(CLOSE_GOING_AWAY, _STOPPING)
        feed.clients.add(client)
        self._clients.add(client)
        self._nobody.clear()
        return client

    def _leave(self, client: Client) -> None:
        feed = client.feed
        feed.clients.discard(client)
        audience = client.listener.audience
        if not feed.clients and self._feeds.get(audience) is feed:
            del self._feeds[audience]
            self._views.close(audience)
        self._clients.discard(client)
        if not self._clients:
            self._nobody.set()

    def _feed(self, audience: Audience) -> Feed:
        if audience == EVERYTHING:
            return self._whole
        feed = self._feeds.get(audience)
        if feed is None:
            feed = self._feeds[audience] = Feed(self._board, self._views.open(audience))
            feed.sent_at_s = asyncio.get_running_loop().time()
        return feed

    async def close(self) -> None:
        """Send every client away (close code 1001) and wait until all are gone; takes no more."""
        self._closing = True
        for client in self._clients:
            client.part(CLOSE_GOING_AWAY, _STOPPING)
        try:
            async with asyncio.timeout(self._settings.close_grace_s):
                await self._nobody.wait()
        except TimeoutError:
            for client in self._clients:
                cut(client.line)
            await self._nobody.wait()

    def cut_parting(self) -> None:
        """Cut every connection that was closed and whose client has not answered yet."""
        for line in self._parting:
            cut(line)
        self._parting.clear()

    async def _write(self, client: Client) -> None:
        loop = asyncio.get_running_loop()
        await client.send(self._hello)
        snapshot = functools.partial(self._snapshot, client.feed)
        while True:
            if client.farewell is not None:
                raise client.farewell
            message = client.mailbox.take(loop.time(), snapshot)
            if message is not None:
                await client.send(message.text)
            elif topics := client.mailbox.take_hints():
                await client.send(msgspec.json.encode({"type": "hint", "topics": topics}).decode())
            else:
                client.bell.clear()
                await client.bell.wait()

    async def _read(self, client: Client) -> None:
        while True:
            received = await client.websocket.receive()
            if received["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(received["code"], received.get("reason"))
            match _understand(received.get("text")):
                case Ack(seq):
                    client.mailbox.ack(seq)
                case Resync():
                    client.mailbox.resync()
            client.bell.set()

    async def _say_goodbye(self, client: Client, why: BaseException) -> None:
        assert isinstance(why, Misbehaved)
        if why.code not in (CLOSE_GOING_AWAY, CLOSE_CHANGED, CLOSE_LOGGED_OUT):
            _log.warning("live_client_misbehaved", client=client.name, reason=str(why))
        # A client that reads nothing would keep this waiting: uvicorn writes a close frame
        # only when its buffer has room.
        with contextlib.suppress(TimeoutError, WebSocketDisconnect):
            async with asyncio.timeout(self._settings.close_grace_s):
                await client.close(why.code, _fit_reason(str(why)))
                return
        cut(client.line)

    def _snapshot(self, feed: Feed) -> Message:
        message, encoded = feed.snapshot(self._now())
        self.snapshots_encoded += encoded
        return message

    def _cut_stalled(self, now_s: float) -> None:
        for client in self._clients:
            since_s = client.mailbox.unacked_since_s()
            if since_s is not None and now_s - since_s > self._settings.stall_s:
                self.clients_cut += 1
                _log.warning(
                    "live_client_cut",
                    client=client.name,
                    unacknowledged_s=round(now_s - since_s, 1),
                    held_bytes=client.mailbox.held_bytes,
                )
                cut(client.line)
        for line in [line for line, due_s in self._parting.items() if now_s >= due_s]:
            del self._parting[line]
            cut(line)

    def _refusal(self, websocket: WebSocket, listener: Listener | None) -> PlainTextResponse | None:
        if self._closing:
            return PlainTextResponse("agentd is stopping.\n", 503)
        if listener is None:
            return PlainTextResponse("You may not see the live stream.\n", 403)
        if len(self._clients) >= self._settings.clients_max:
            return PlainTextResponse(
                f"{len(self._clients)} clients listen already, which is the limit.\n", 503
            )
        origin = websocket.headers.get("origin")
        if origin is None or origin in self._settings.allowed_origins:
            return None
        # Only pages send an Origin: one that was served from elsewhere must not listen unasked.
        _, _, host = origin.lower().partition("://")
        if host and host == websocket.headers.get("host", "").lower():
            return None
        _log.warning("live_client_origin_refused", origin=origin)
        return PlainTextResponse(
            f"Pages of {origin} may not listen here. To allow it, add it to allowed_origins.\n",
            403,
        )


_decoder: msgspec.json.Decoder[Ack | Resync] = msgspec.json.Decoder(Ack | Resync)


def _understand(text: str | None) -> Ack | Resync:
    """The client's message; raises :class:`Misbehaved` with what is wrong about it."""
    if text is None:
        raise Misbehaved(CLOSE_NOT_TEXT, "binary message; send JSON text")
    try:
        return _decoder.decode(text)
    except msgspec.ValidationError as error:
        raise Misbehaved(CLOSE_NOT_UNDERSTOOD, f"message not understood: {error}") from error
    except msgspec.DecodeError as error:
        raise Misbehaved(CLOSE_NOT_JSON, f"not JSON: {error}") from error


def _fit_reason(reason: str) -> str:
    return reason.encode()[:CLOSE_REASON_MAX_BYTES].decode(errors="ignore")
