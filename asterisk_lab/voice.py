"""Somebody's mouth and ear: a tone sent as RTP, and which tones come back.

SIPp plays the signalling of a phone; who is heard by whom is known by the sound alone. Each voice
is one tone, so that in a mixture of voices every one of them can be told.
"""

from __future__ import annotations

import asyncio
import math
import struct
from collections import deque
from typing import cast

RATE_HZ = 8000
PACKET_S = 0.02
SAMPLES = 160
PCMA = 8
LOUD = 8000
HEARD_S = 0.4
"""As much of what came last is listened to."""
AUDIBLE = 0.1
"""Of a voice's own loudness: less is an echo or nothing."""


class Voice(asyncio.DatagramProtocol):
    """A UDP socket that a phone's SDP names. `packets` counts what has come in; `hears` tells
    which tones were in the last of it."""

    def __init__(self, host: str, port: int, tone_hz: int) -> None:
        self.port = port
        self.tone_hz = tone_hz
        self.packets = 0
        self._host = host
        self._last: deque[bytes] = deque(maxlen=round(HEARD_S / PACKET_S))
        self._transport: asyncio.DatagramTransport | None = None
        self._speaking: asyncio.Task[None] | None = None

    async def open(self) -> Voice:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=(self._host, self.port)
        )
        return self

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        # 12 bytes of header, and what it says of more.
        if len(data) > 12 and data[1] & 0x7F == PCMA:
            self.packets += 1
            self._last.append(data[12:])

    def speak_to(self, host: str, port: int) -> None:
        """Send the tone there from now on, until the next call or `close`."""
        if self._speaking is not None:
            self._speaking.cancel()
        self._speaking = asyncio.create_task(self._speak(host, port), name=f"voice-{self.tone_hz}")

    async def _speak(self, host: str, port: int) -> None:
        loop = asyncio.get_running_loop()
        transport = cast("asyncio.DatagramTransport", self._transport)
        begun = loop.time()
        number = 0
        while True:
            first = number * SAMPLES
            sound = bytes(
                alaw(round(LOUD * math.sin(2 * math.pi * self.tone_hz * n / RATE_HZ)))
                for n in range(first, first + SAMPLES)
            )
            head = struct.pack(
                "!BBHII", 0x80, PCMA, number & 0xFFFF, first & 0xFFFFFFFF, self.tone_hz
            )
            transport.sendto(head + sound, (host, port))
            number += 1
            await asyncio.sleep(max(0.0, begun + number * PACKET_S - loop.time()))

    def deaf(self) -> None:
        """Forget what was heard so far."""
        self._last.clear()

    def hears(self, *tones_hz: int) -> set[int]:
        """Which of these tones were in what came last."""
        samples = [linear(byte) for packet in self._last for byte in packet]
        return {tone for tone in tones_hz if _strength(samples, tone) > AUDIBLE * LOUD}

    async def until_it_hears(self, wanted: set[int], among: set[int], timeout_s: float) -> set[int]:
        """What it hears of `among`, as soon as that is `wanted`, at the latest after the time."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + timeout_s
        while True:
            full = len(self._last) == self._last.maxlen
            heard = self.hears(*among)
            if (full and heard == wanted) or loop.time() > ends:
                return heard
            await asyncio.sleep(0.1)

    def close(self) -> None:
        if self._speaking is not None:
            self._speaking.cancel()
        if self._transport is not None:
            self._transport.close()


def _strength(samples: list[int], tone_hz: int) -> float:
    """The amplitude of one tone (Goertzel's algorithm)."""
    if not samples:
        return 0.0
    turn = 2 * math.cos(2 * math.pi * tone_hz / RATE_HZ)
    before = last = 0.0
    for sample in samples:
        before, last = last, sample + turn * last - before
    power = last * last + before * before - turn * last * before
    return 2 * math.sqrt(max(0.0, power)) / len(samples)


def alaw(sample: int) -> int:
    """A 16-bit sample as G.711 A-law."""
    negative = sample < 0
    value = min((~sample if negative else sample) >> 3, 0xFFF)
    segment = max(0, value.bit_length() - 5)
    coded = segment << 4 | (value >> max(1, segment)) & 0xF
    return coded ^ (0x55 if negative else 0xD5)


def linear(coded: int) -> int:
    """G.711 A-law as a 16-bit sample."""
    coded ^= 0x55
    segment, value = (coded & 0x70) >> 4, (coded & 0xF) << 4
    value += 8 if segment == 0 else 0x108
    value <<= max(0, segment - 1)
    return value if coded & 0x80 else -value
