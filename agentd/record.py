"""``agentd record``: every byte of one PBX's AMI into a file, for ``agentd replay``.

The recording asks for the same snapshot as the daemon does, because it uses the same listener;
only its inbox is a file.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentd import clock
from agentd.ami_link import AmiSettings
from agentd.ami_listener import AmiListener
from agentd.core.wire import Framer
from agentd.errors import AgentdError
from agentd.ports import AmiBytes, InboxItem, LinkChanged

_HIGH_WATER_BYTES = 8 << 20
_PRIVATE = 0o600
"""Recordings hold callers' numbers and names."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What went into the file. ``bytes_written`` and ``events`` do not count what was there."""

    path: Path
    bytes_written: int
    events: int
    seconds: float

    def __str__(self) -> str:
        return (
            f"{self.path}: {self.bytes_written} bytes, {self.events} events in {self.seconds:.1f} s"
        )


class _Tape:
    """An inbox that is a file. Nothing is written before the PBX has let us in."""

    def __init__(self, path: Path, fd: int) -> None:
        self._path = path
        self._fd = fd
        self._chunks: deque[bytes] = deque()
        self._queued_bytes = 0
        self._resume: list[Callable[[], None]] = []
        self._wake = asyncio.Event()
        self._let_in = False
        self._ending = False
        self._framer = Framer()
        self.refused: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Why the very first link failed."""
        self.bytes_written = 0
        self.events = 0

    def put_nowait(self, item: InboxItem) -> bool:
        if isinstance(item, AmiBytes):
            self._chunks.append(item.data)
            self._queued_bytes += len(item.data)
            self._wake.set()
        elif isinstance(item, LinkChanged):
            if item.state != "down":
                self._let_in = True
                self._wake.set()
            elif not self._let_in and not self.refused.done():
                self.refused.set_result(item.reason or "the PBX cannot be reached")
        return self._queued_bytes < _HIGH_WATER_BYTES

    def on_drained(self, resume: Callable[[], None]) -> None:
        self._resume.append(resume)

    def end(self) -> None:
        """:meth:`write` returns once everything is in the file."""
        self._ending = True
        self._wake.set()

    async def write(self) -> None:
        """Writes until :meth:`end`; :class:`AgentdError` when the file takes no more."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._let_in and self._chunks:
                data = b"".join(self._chunks)
                self._chunks.clear()
                self._queued_bytes = 0
                resume, self._resume = self._resume, []
                try:
                    await asyncio.to_thread(self._append, data)
                except OSError as exc:
                    raise self._say(exc) from exc
                for call in resume:
                    call()
            if self._ending and (not self._chunks or not self._let_in):
                break
        try:
            await asyncio.to_thread(os.fsync, self._fd)
        except OSError as exc:
            raise self._say(exc) from exc

    def _append(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            written = os.write(self._fd, rest)
            self.bytes_written += written
            for frame in self._framer.feed(bytes(rest[:written])):
                self.events += isinstance(frame, bytes) and frame.startswith(b"Event:")
            rest = rest[written:]

    def _say(self, exc: OSError) -> AgentdError:
        what = "the disk is full" if exc.errno == errno.ENOSPC else exc.strerror or str(exc)
        return AgentdError(
            f"{self._path}: cannot write: {what}. The recording ended; its first"
            f" {self.bytes_written} bytes are in the file and can be replayed."
        )


async def record(settings: AmiSettings, path: Path, stop: asyncio.Event) -> Recorded:
    """Append what the PBX sends to ``path`` until ``stop`` is set; reconnects for ever.

    Raises :class:`~agentd.errors.AgentdError` when the file cannot be written, and when the very
    first connection fails: then somebody is watching who can mend it. The file keeps what was
    written; one that this call created and nothing went into is removed.
    """
    fd, fresh = _open(path)
    tape = _Tape(path, fd)
    began_at = clock.monotonic()
    try:
        await _run(AmiListener(settings, tape), tape, stop)
        return Recorded(path, tape.bytes_written, tape.events, clock.monotonic() - began_at)
    finally:
        os.close(fd)
        if fresh and not tape.bytes_written:
            _remove(path)


async def _run(listener: AmiListener, tape: _Tape, stop: asyncio.Event) -> None:
    link = asyncio.create_task(listener.run(), name="record-link")
    writer = asyncio.create_task(tape.write(), name="record-writer")
    stopped = asyncio.create_task(stop.wait(), name="record-stop")
    try:
        ends: set[asyncio.Future[Any]] = {link, writer, stopped, tape.refused}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopped.cancel()
        await listener.stop()
        tape.end()
        # A write under way in its thread is waited for: the file is closed after this.
        await asyncio.wait({writer, link, stopped})
    link.result()
    writer.result()
    if tape.refused.done():
        raise AgentdError(tape.refused.result())


async def record_until_interrupted(settings: AmiSettings, path: Path) -> Recorded:
    """:func:`record` until Ctrl-C or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)
    for number in signals:
        loop.add_signal_handler(number, stop.set)
    try:
        return await record(settings, path, stop)
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


def _open(path: Path) -> tuple[int, bool]:
    """The file, ready to be appended to, and whether it is new."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    try:
        try:
            return os.open(path, flags | os.O_EXCL, _PRIVATE), True
        except FileExistsError:
            return os.open(path, flags, _PRIVATE), False
    except OSError as exc:
        raise AgentdError(f"{path}: cannot be written: {exc.strerror}") from exc


def _remove(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
