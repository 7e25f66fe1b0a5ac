"""The processes around the measured ones: the simulated PBX and those who watch as well.

    python -m benchmarks.board_pixels_run simulator SEATS CALLS_PER_S TALK_SCALE
    python -m benchmarks.board_pixels_run viewers PORT TOKEN COUNT

Both print one JSON line when they are ready. The viewers run until their standard input ends, and
then print what the stream said: ``[[seat key, state, since, heard_at], …]`` in seconds.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import sys
import time
from typing import Any

from agentd.simulator import SimConfig, SimulatedPbx

# An acknowledgement may stand for several messages, so that viewers cost themselves little.
ACK_EVERY_S = 0.1
_SEQ = re.compile(rb'"seq":(\d+)')


async def simulator(seats: int, calls_per_s: float, talk_scale: float) -> None:
    config = SimConfig(seats=seats, calls_per_s=calls_per_s, talk_scale=talk_scale)
    async with SimulatedPbx(config, time.time) as simulated:
        print(json.dumps({"port": simulated.port, "secret": simulated.secret}), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


class Viewer(asyncio.Protocol):
    """A client of the live stream that takes over nothing but the numbers of the messages.

    ``websockets`` would do the same for several times the CPU, which two hundred of them would
    take away from what is measured.
    """

    def __init__(self, port: int, token: str) -> None:
        self._request = (
            f"GET /ws?patches=1 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}\r\n"
            f"Authorization: Bearer {token}\r\n\r\n"
        ).encode()
        self._rest = b""
        self._upgraded = False
        self.transport: asyncio.Transport | None = None
        self.seq: int | None = None
        self.acked: int | None = None
        self.messages = 0
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True

    def data_received(self, data: bytes) -> None:
        rest = self._rest + data
        if not self._upgraded:
            head, found, rest = rest.partition(b"\r\n\r\n")
            if not found:
                self._rest = head
                return
            if not head.startswith(b"HTTP/1.1 101"):
                raise RuntimeError(f"refused: {head[:200]!r} {rest[:200]!r}")
            self._upgraded = True
        at = 0
        while len(rest) - at >= 2:
            size, start = rest[at + 1], at + 2
            if size >= 126:
                wide = 2 if size == 126 else 8
                if len(rest) < start + wide:
                    break
                size, start = int.from_bytes(rest[start : start + wide]), start + wide
            if len(rest) < start + size:
                break
            if rest[at] & 0x0F == 1:
                self.message(rest[start : start + size])
            at = start + size
        self._rest = rest[at:]

    def message(self, text: bytes) -> None:
        self.messages += 1
        found = _SEQ.search(text, 0, 80)
        if found is not None:
            self.seq = int(found[1])

    def acknowledge(self) -> None:
        if self.seq is None or self.seq == self.acked or self.transport is None:
            return
        self.acked = self.seq
        text = b'{"type":"ack","seq":%d}' % self.seq
        # A mask of zeros: RFC 6455 wants one, it need not hide anything here.
        self.transport.write(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)


class Reader(Viewer):
    """The one of them that also notes when which seat was said to be in which state."""

    def __init__(self, port: int, token: str) -> None:
        super().__init__(port, token)
        self.said: list[tuple[str, str, float, float]] = []
        self._before: dict[str, tuple[str, float]] = {}

    def message(self, text: bytes) -> None:
        super().message(text)
        heard_at = time.time()
        content: dict[str, Any] = json.loads(text)
        for key, shown in (content.get("set") or content.get("board") or {}).items():
            if shown["kind"] != "seat" or shown["since"] is None:
                continue
            now = (shown["state"], shown["since"])
            if self._before.get(key) != now:
                self._before[key] = now
                self.said.append((key, *now, heard_at))


async def viewers(port: int, token: str, count: int) -> None:
    loop = asyncio.get_running_loop()
    reader = Reader(port, token)
    everybody: list[Viewer] = [reader, *(Viewer(port, token) for _ in range(count - 1))]
    for viewer in everybody:
        await loop.create_connection(lambda viewer=viewer: viewer, "127.0.0.1", port)  # type: ignore[misc]
        await asyncio.sleep(0.01)
    print(json.dumps({"viewers": count}), flush=True)
    ended = loop.run_in_executor(None, sys.stdin.read)
    while not ended.done():
        await asyncio.sleep(ACK_EVERY_S)
        for viewer in everybody:
            viewer.acknowledge()
    lost = sum(viewer.lost for viewer in everybody)
    messages = sum(viewer.messages for viewer in everybody)
    print(json.dumps({"said": reader.said, "lost": lost, "messages": messages}), flush=True)


def main() -> None:
    role, *rest = sys.argv[1:]
    if role == "simulator":
        asyncio.run(simulator(int(rest[0]), float(rest[1]), float(rest[2])))
    else:
        asyncio.run(viewers(int(rest[0]), rest[1], int(rest[2])))


if __name__ == "__main__":
    main()
