"""Bytes to AMI frames, without I/O.

A frame is the bytes between two blank lines. Framing works on bytes, so a character that TCP cut
in two is whole again before anybody decodes it. Every limit is a parameter; nothing here raises on
what a peer can send.
"""

from __future__ import annotations

from msgspec import Struct

_END = b"\r\n\r\n"
_BANNER = b"Asterisk Call Manager/"
_RESPONSE = b"Response: "
_SAMPLE = 80
_TAIL = 512
"""Bytes kept of an oversized frame: enough for half a blank line, or a banner and its answer."""


class Banner(Struct, frozen=True):
    """The greeting of a new stream; ``version`` is AMI's, such as ``11.0.0``."""

    version: str


class Oversized(Struct, frozen=True):
    """A frame longer than the limit was skipped; ``start`` holds its first bytes."""

    start: bytes


Frame = bytes | Banner | Oversized


class Framer:
    """Splits one stream into frames.

    ``feed`` takes the bytes that the socket delivered, split anywhere, and gives the whole frames
    (without their blank line), :class:`Banner` where a stream begins (also in mid-frame, when a
    recording goes on after a lost link) and :class:`Oversized` for a frame over
    ``max_frame_bytes``, whose bytes are not kept. Any split of a stream gives the same frames.
    """

    def __init__(self, max_frame_bytes: int = 1 << 20) -> None:
        if max_frame_bytes < _TAIL:
            raise ValueError(f"max_frame_bytes must be at least {_TAIL}, not {max_frame_bytes}")
        self._max = max_frame_bytes
        self._rest = b""
        self._skipping: bytes | None = None
        """First bytes of an oversized frame whose end has not come yet."""
        self._fresh = True

    def reset(self) -> None:
        """Forget an unfinished frame: the link was lost."""
        self._rest = b""
        self._skipping = None
        self._fresh = True

    @property
    def buffered_bytes(self) -> int:
        """Bytes of the unfinished frame that are kept."""
        return len(self._rest)

    def feed(self, data: bytes) -> list[Frame]:
        """Frames that ``data`` completed, in order. Empty frames are left out."""
        buffer = self._rest + data if self._rest else data
        parts = buffer.split(_END)
        rest = parts.pop()
        frames: list[Frame] = []
        if self._fresh or self._skipping is not None or _BANNER in buffer:
            plain = False
        else:
            plain = len(buffer) <= self._max
        if plain:
            frames.extend(filter(None, parts))
        else:
            for part in parts:
                self._take(part, frames)
        if len(rest) > self._max + len(_END) - 1:
            if self._skipping is None:
                self._skipping = rest[:_SAMPLE]
            rest = rest[-_TAIL:]
        self._rest = rest
        return frames

    def _take(self, part: bytes, frames: list[Frame]) -> None:
        if self._skipping is not None or len(part) > self._max:
            frames.append(Oversized(self._skipping or part[:_SAMPLE]))
            self._skipping = None
            banner, part = self._cut_at_banner(part[-_TAIL:])
            if banner is None:
                return
        else:
            banner, part = self._cut_at_banner(part)
        self._fresh = False
        if banner is not None:
            frames.append(banner)
        if part:
            frames.append(part)

    def _cut_at_banner(self, part: bytes) -> tuple[Banner | None, bytes]:
        """The last banner in ``part`` and what follows it; what stood before was cut off with its
        link and is no frame. A banner is only one where a stream begins, or where the answer to a
        login follows: a caller may call himself "Asterisk Call Manager"."""
        at = part.rfind(_BANNER)
        while at >= 0:
            version, line_end, rest = part[at + len(_BANNER) :].partition(b"\r\n")
            if (at == 0 and self._fresh) or (line_end and rest.startswith(_RESPONSE)):
                return Banner(version.decode("ascii", "replace")), rest
            at = part.rfind(_BANNER, 0, at)
        return None, part
