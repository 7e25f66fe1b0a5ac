"""The simulated PBX on a TCP port: AMI sessions around a `World` that runs in real time."""

from __future__ import annotations

import asyncio
import hmac
import wave
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from agentd.simulator import actions, snapshot, supervision
from agentd.simulator.config import SimConfig
from agentd.simulator.manned import Phone
from agentd.simulator.model import Seat
from agentd.simulator.pbx import FAR_FUTURE_US, Emission, World
from agentd.simulator.recording import BANNER
from agentd.simulator.traffic import build
from agentd.simulator.truth import Truth
from agentd.simulator.wire import AGENT, ALL_CLASSES, CALL, DIALPLAN, SYSTEM

MAX_REQUEST_BYTES: Final = 64 * 1024
MAX_BACKLOG_BYTES: Final = 64 * 1024 * 1024
LATE_US: Final = 5_000
IDLE_S: Final = 1.0

_MASK_BITS: Final = {"system": SYSTEM, "call": CALL, "agent": AGENT, "dialplan": DIALPLAN}


def event_mask(text: str) -> int | None:
    """The classes that an EventMask names; None when it names nothing that exists here."""
    words = [word.strip() for word in text.lower().split(",")]
    if words in (["on"], ["all"], [""]):
        return ALL_CLASSES
    if words == ["off"]:
        return 0
    known = ("dtmf", "reporting", "user", "log", "verbose", "command", "cdr", "security", "agi")
    mask = 0
    for word in words:
        if word in _MASK_BITS:
            mask |= _MASK_BITS[word]
        elif word not in known:
            return None
    return mask


class _Session:
    """One client. Events that fire while a list is being sent wait until it is complete."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.logged_in = False
        self.mask = ALL_CLASSES
        self.listing = False
        self.queued: list[bytes] = []

    def event(self, data: bytes) -> None:
        if self.listing:
            self.queued.append(data)
        elif self.writer.transport.get_write_buffer_size() > MAX_BACKLOG_BYTES:
            self.writer.transport.abort()
        elif not self.writer.is_closing():
            self.writer.write(data)

    async def send_list(self, chunks: Iterator[bytes]) -> None:
        self.listing = True
        try:
            for chunk in chunks:
                self.writer.write(chunk)
                await self.writer.drain()
                await asyncio.sleep(0)
        finally:
            self.listing = False
            queued, self.queued = self.queued, []
            if queued and not self.writer.is_closing():
                self.writer.write(b"".join(queued))

    async def request(self) -> dict[str, str] | None:
        """The next action's headers by lower-case name; None when the client has gone."""
        headers: dict[str, str] = {}
        size = 0
        while True:
            try:
                line = await self.reader.readline()
            except (ConnectionError, ValueError):
                return None
            size += len(line)
            if not line or size > MAX_REQUEST_BYTES:
                return None
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            if not text:
                if headers:
                    return headers
                continue
            key, _, value = text.partition(":")
            headers[key.strip().lower()] = value.strip()


class SimulatedPbx:
    """`async with SimulatedPbx(config, now) as sim`: an AMI server on 127.0.0.1, `sim.port`.

    `now` gives the PBX's clock, seconds since the epoch. Traffic starts at once, or at the first
    login where `config.wait_for_login` says so. Raises OSError when `config.port` is taken.
    """

    def __init__(self, config: SimConfig, now: Callable[[], float]) -> None:
        self.config = config
        self.host = "127.0.0.1"
        self.port = config.port
        self.username = config.username
        self.secret = config.secret
        self._now = now
        self._sessions: set[_Session] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._pump: asyncio.Task[None] | None = None
        self._started = asyncio.Event()
        self._nudged = asyncio.Event()
        self.world: World = build(config, self._now_us())

    @property
    def truth(self) -> Truth:
        """What has really happened so far."""
        return self.world.truth

    def phone(self, device: str) -> Phone:
        """The phone of a manned seat (`SimConfig.manned`); LookupError for any other device."""
        for seat in self.world.seats:
            if seat.device == device and seat.manned:
                return Phone(seat, self._press)
        raise LookupError(f"{device} is no manned seat of this PBX")

    def _press(self, seat: Seat, key: str) -> None:
        if seat.line is not None:
            self._catch_up()
            self.world.wake(seat.line.process, (key, seat))
            self._nudged.set()

    def _catch_up(self) -> None:
        """Let everything happen that was due before now."""
        now_us = self._now_us()
        self._broadcast(self.world.advance(now_us, stamp_from_us=now_us - LATE_US))

    def _now_us(self) -> int:
        return round(self._now() * 1e6)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._accept, self.host, self.port, limit=MAX_REQUEST_BYTES
        )
        self.port = self._server.sockets[0].getsockname()[1]
        if not self.config.wait_for_login:
            self._start()
        self._pump = asyncio.create_task(self._run(), name="simulated-pbx")
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        tasks = [*self._tasks]
        if self._pump is not None:
            tasks.append(self._pump)
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        for session in list(self._sessions):
            session.writer.transport.abort()
        await self._server.wait_closed()
        for result in results:
            if isinstance(result, Exception):
                raise result

    # -- traffic ------------------------------------------------------------------------------

    def _start(self) -> None:
        if not self._started.is_set():
            self.world = build(self.config, self._now_us())
            self._started.set()

    async def _run(self) -> None:
        await self._started.wait()
        while True:
            self._nudged.clear()
            self._catch_up()
            next_us = self.world.next_at_us()
            wait_s = IDLE_S
            if next_us != FAR_FUTURE_US:
                wait_s = min(IDLE_S, max(0.0, (next_us - self._now_us()) / 1e6))
            try:
                async with asyncio.timeout(wait_s):
                    await self._nudged.wait()
            except TimeoutError:
                continue

    def _broadcast(self, emissions: list[Emission]) -> None:
        if not emissions:
            return
        joined: dict[int, bytes] = {}
        for session in list(self._sessions):
            mask = session.mask
            if not session.logged_in or not mask:
                continue
            if mask not in joined:
                joined[mask] = b"".join(frame for _, bit, frame in emissions if bit & mask)
            if joined[mask]:
                session.event(joined[mask])

    # -- sessions -----------------------------------------------------------------------------

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = _Session(reader, writer)
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._sessions.add(session)
        try:
            writer.write(BANNER)
            while True:
                headers = await session.request()
                if headers is None or not await self._act(session, headers):
                    break
            await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            # The client has gone or the simulator stops; the transport is closed below.
            pass
        finally:
            self._sessions.discard(session)
            self._tasks.discard(task)
            writer.close()

    async def _act(self, session: _Session, headers: dict[str, str]) -> bool:
        """Run one action; False when the session ends with it."""
        action = headers.get("action", "").lower()
        ident = headers.get("actionid", "")
        if action == "login":
            return await self._login(session, headers)
        if action == "logoff":
            session.writer.write(_response("Goodbye", ident, "Thanks for all the fish."))
            return False
        if not action:
            session.writer.write(_response("Error", ident, "Missing action in request"))
        elif not session.logged_in:
            session.writer.write(_response("Error", ident, "Permission denied"))
        elif action == "queuestatus":
            chunks = snapshot.queue_status(self.world, ident, headers.get("queue", ""))
            await session.send_list(chunks)
        elif action == "showdialplan":
            try:
                found = supervision.show_dialplan(self.world, ident, headers)
            except supervision.Unknown as unknown:
                session.writer.write(_response("Error", ident, str(unknown)))
            else:
                await session.send_list(found)
        elif action in snapshot.LISTS:
            await session.send_list(snapshot.LISTS[action](self.world, ident))
        elif action in actions.DOES:
            self._catch_up()
            try:
                message = actions.DOES[action](self.world, headers)
            except actions.ActionRefused as refusal:
                session.writer.write(_response("Error", ident, str(refusal)))
            else:
                session.writer.write(_response("Success", ident, message))
            self._nudged.set()
        else:
            session.writer.write(self._answer(session, action, ident, headers))
        return True

    async def _login(self, session: _Session, headers: dict[str, str]) -> bool:
        ident = headers.get("actionid", "")
        right = hmac.compare_digest(
            headers.get("secret", "").encode(), self.secret.encode()
        ) and hmac.compare_digest(headers.get("username", "").encode(), self.username.encode())
        mask = event_mask(headers.get("events", "on"))
        if not right:
            await asyncio.sleep(1.0)
            session.writer.write(_response("Error", ident, "Authentication failed"))
            return False
        session.mask = ALL_CLASSES if mask is None else mask
        session.writer.write(_response("Success", ident, "Authentication accepted"))
        self._start()
        session.logged_in = True
        if session.mask & SYSTEM:
            session.writer.write(snapshot.fully_booted(self.world, self._now_us()))
        return True

    def _answer(self, session: _Session, action: str, ident: str, headers: dict[str, str]) -> bytes:
        match action:
            case "ping":
                now_us = self._now_us()
                return _success(
                    ident,
                    f"Ping: Pong\r\nTimestamp: {now_us // 1_000_000}.{now_us % 1_000_000:06d}\r\n",
                )
            case "events":
                mask = event_mask(headers.get("eventmask", ""))
                if mask is None:
                    return _response("Error", ident, "Invalid event mask")
                session.mask = mask
                return _success(ident, f"Events: {'On' if mask else 'Off'}\r\n")
            case "listcommands":
                lines = (f"{k}: x  (Priv: {v})\r\n" for k, v in actions.PRIVILEGES.items())
                return _success(ident, "".join(lines))
            case "getvar":
                try:
                    file = actions.recording_file(self.world, headers)
                except actions.ActionRefused as refusal:
                    return _response("Error", ident, str(refusal))
                if file:
                    write_silence(Path(file))
                variable = headers.get("variable", "")
                return _success(ident, f"Variable: {variable}\r\nValue: {file}\r\n")
            case "coresettings":
                return _success(
                    ident,
                    f"AMIversion: 11.0.0\r\nAsteriskVersion: {snapshot.ASTERISK_VERSION}\r\n"
                    "SystemName: \r\nCoreMaxCalls: 0\r\nCoreMaxLoadAvg: 0.000000\r\n"
                    "CoreRunUser: \r\nCoreRunGroup: \r\nCoreMaxFilehandles: 0\r\n"
                    "CoreRealTimeEnabled: No\r\nCoreCDRenabled: Yes\r\nCoreHTTPenabled: No\r\n"
                    "SoundsSearchCustomDir: No\r\n",
                )
            case "corestatus":
                began = datetime.fromtimestamp(self.world.start_us / 1e6, UTC)
                return _success(
                    ident,
                    f"CoreStartupDate: {began:%Y-%m-%d}\r\nCoreStartupTime: {began:%H:%M:%S}\r\n"
                    f"CoreReloadDate: {began:%Y-%m-%d}\r\nCoreReloadTime: {began:%H:%M:%S}\r\n"
                    f"CoreCurrentCalls: {len(self.world.bridges)}\r\n",
                )
            case _:
                return _response(
                    "Error",
                    ident,
                    f"Invalid/unknown command: {headers.get('action', '')}. "
                    "Use Action: ListCommands to show available commands.",
                )


def write_silence(path: Path, seconds: int = 10) -> None:
    """A recording in which nobody speaks: 8 kHz, 16 bits, one channel."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8_000, 0, "NONE", "not compressed"))
        file.writeframes(bytes(2 * 8_000 * seconds))


def _response(kind: str, ident: str, message: str) -> bytes:
    head = f"Response: {kind}\r\n{snapshot.action_id(ident)}"
    return f"{head}Message: {message}\r\n\r\n".encode()


def _success(ident: str, body: str) -> bytes:
    return f"Response: Success\r\n{snapshot.action_id(ident)}{body}\r\n".encode()
