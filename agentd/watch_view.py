"""What a client in a terminal knows of the board. Reads no clock and no socket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agentd.errors import AgentdError
from agentd.words import Lang, say

PROTOCOL = 1
STALE_AFTER_S = 3.0

Board = Mapping[str, Mapping[str, Any]]


def apply(board: Board, message: Mapping[str, Any]) -> Board:
    """The board after ``message``: a snapshot replaces it, a delta changes it, others do not."""
    match message.get("type"):
        case "snapshot":
            whole: Board = message["board"]
            return whole
        case "delta":
            gone = set(message["del"])
            kept = {key: value for key, value in board.items() if key not in gone}
            kept.update(message["set"])
            for key, patch in message.get("patch", {}).items():
                gone = set(patch["gone"])
                stay = [one for one in kept[key]["waiting"] if one["call"] not in gone]
                kept[key] = {**patch["set"], "waiting": [*stay, *patch["came"]]}
            return kept
        case _:
            return board


@dataclass
class View:
    """What this client knows. ``now_s`` is any steady clock, the same in every call."""

    url: str
    lang: Lang | None = None
    """The language asked for; None: the server's."""
    board: Board = field(default_factory=dict)
    seq: int | None = None
    connected: bool = False
    has_board: bool = False
    heard_at_s: float | None = None
    server_time: float = 0.0
    offset_s: float | None = None
    """Server time minus our steady clock."""
    lost_reason: str = ""
    retry_at_s: float = 0.0
    server_lang: Lang = "zh"

    @property
    def words(self) -> Lang:
        return self.lang or self.server_lang

    def take(self, message: Mapping[str, Any], now_s: float) -> str | None:
        """Take over one message; gives the answer to send, or None. Raises AgentdError when the
        server speaks another version, KeyError or TypeError when it is no agentd at all."""
        self.heard_at_s = now_s
        kind = message["type"]
        if kind == "hello":
            if message["protocol"] != PROTOCOL:
                raise AgentdError(
                    say(
                        self.words,
                        "watch.wrong_protocol",
                        theirs=message["protocol"],
                        ours=PROTOCOL,
                    )
                )
            self.server_lang = "en" if message["lang"] == "en" else "zh"
            return None
        if kind not in ("snapshot", "delta", "beat"):
            return None
        seq: int = message["seq"]
        self._measure(message["server_time"], now_s)
        if kind == "delta" and seq != (self.seq or 0) + 1:
            self.has_board = False
        if kind == "snapshot":
            self.has_board = True
        if not self.has_board:
            return '{"type":"resync"}'
        self.board = apply(self.board, message)
        self.seq = seq
        return f'{{"type":"ack","seq":{seq}}}'

    def connect(self) -> None:
        self.connected = True
        self.has_board = False
        self.lost_reason = ""

    def lose(self, reason: str, retry_at_s: float) -> None:
        self.connected = False
        self.lost_reason = reason
        self.retry_at_s = retry_at_s
        self.offset_s = None

    def stale(self, now_s: float) -> bool:
        """Whether what is shown is not the present."""
        return (
            not self.connected or self.heard_at_s is None or now_s - self.heard_at_s > STALE_AFTER_S
        )

    def server_now(self, now_s: float) -> float:
        """Server time; that of the last message once the feed stopped."""
        if self.offset_s is None or self.stale(now_s):
            return self.server_time
        return now_s + self.offset_s

    def pbx_now(self, pbx: str, now_s: float) -> float:
        """The PBX's time; stands still from the moment when its link went down."""
        link = self.board.get(f"pbx:{pbx}")
        if link is None:
            return self.server_now(now_s)
        if link["link"] == "down":
            return float(link["since"] or link["last_event_at"] or 0)
        return self.server_now(now_s) + (link["clock_offset_s"] or 0.0)

    def _measure(self, server_time: float, now_s: float) -> None:
        offset_s = server_time - now_s
        self.server_time = server_time
        # A message may have waited on its way, never the other way round: the largest is best.
        # One that is far off tells of a clock that was set.
        if self.offset_s is None or abs(offset_s - self.offset_s) > STALE_AFTER_S:
            self.offset_s = offset_s
        else:
            self.offset_s = max(self.offset_s, offset_s)
