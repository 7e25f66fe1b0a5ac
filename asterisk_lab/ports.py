"""Ports that belong to one lab while it lives, so that labs can run side by side."""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

FIRST_PORT = 12000
LAST_PORT = 31999
GRAIN = 50


class NoFreePorts(RuntimeError):
    """No free block of ports was found."""


class PortBlock:
    """A contiguous block of ports of this machine, reserved until `close`.

    `take()` hands out the next port; `take(n)` the first of n contiguous ones.
    The start can be pinned by the environment variable AGENTD_LAB_PORT, unless not `pinnable`.
    """

    def __init__(self, size: int, *, pinnable: bool = True) -> None:
        self._locks: list[int] = []
        grains = -(-size // GRAIN)
        pinned = os.environ.get("AGENTD_LAB_PORT") if pinnable else None
        starts = list(range(FIRST_PORT, LAST_PORT - grains * GRAIN, GRAIN))
        random.shuffle(starts)
        for start in [int(pinned)] if pinned else starts:
            if self._claim(start, grains):
                self.first = self._next = start
                self.end = start + grains * GRAIN
                return
        where = f"at AGENTD_LAB_PORT={pinned}" if pinned else f"{FIRST_PORT} to {LAST_PORT}"
        raise NoFreePorts(f"no {size} free ports in a row, {where}")

    def _claim(self, start: int, grains: int) -> bool:
        # Another person's files could not be opened.
        folder = Path(tempfile.gettempdir()) / f"agentd-lab-ports-{os.geteuid()}"
        folder.mkdir(exist_ok=True)
        for index in range(grains):
            fd = os.open(folder / f"{start + index * GRAIN}", os.O_RDWR | os.O_CREAT, 0o666)
            self._locks.append(fd)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.close()
                return False
        for port in range(start, start + grains * GRAIN):
            if not _is_free(port):
                self.close()
                return False
        return True

    def take(self, count: int = 1) -> int:
        """The next port, or the first of `count` in a row."""
        port = self._next
        if port + count > self.end:
            raise NoFreePorts(
                f"the lab's block of ports ({self.first} to {self.end - 1}) is used up"
            )
        self._next += count
        return port

    def close(self) -> None:
        for fd in self._locks:
            os.close(fd)
        self._locks.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                return False
    return True
