"""The connection below a client of the live stream: bounded, and cut when it must be."""

from __future__ import annotations

import asyncio
import asyncio.trsock
import contextlib
import socket
import struct
from typing import NamedTuple


class Line(NamedTuple):
    """A connection: its transport, and the socket below it, which a closed one would not name."""

    transport: asyncio.Transport
    socket: asyncio.trsock.TransportSocket


def keep_buffers_small(line: Line, size: int) -> None:
    """Bound what the kernel and the event loop hold for a client that does not read."""
    line.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)
    line.transport.set_write_buffer_limits(high=size)


def cut(line: Line) -> None:
    """Close the connection at once, with all that the kernel still holds for it."""
    # Without this the kernel goes on offering its buffer to a peer that does not read. The
    # socket may be closed already: then there is nothing left to cut.
    with contextlib.suppress(OSError):
        line.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    try:
        line.transport.abort()
    except AttributeError:
        # A transport of asyncio's TLS that was closed twice has forgotten its connection.
        with contextlib.suppress(OSError):
            line.socket.shutdown(socket.SHUT_RDWR)
