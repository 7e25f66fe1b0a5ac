"""What the PBX itself said about each channel of a run: the yardstick that truth is measured by.

Nothing here concludes anything: it only collects the timestamps of single events per channel.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from .ami import Frame, parse_frame


@dataclass(slots=True)
class Channel:
    """One channel's moments, as PBX timestamps; None where the event never came."""

    uniqueid: str
    name: str
    caller: str
    created_at: float | None = None
    offered_at: float | None = None
    ringing_at: float | None = None
    up_at: float | None = None
    answered_at: float | None = None
    dial_ended_at: float | None = None
    dial_status: str = ""
    far_answered_at: float | None = None
    holds: list[tuple[float, float | None]] = field(default_factory=list)
    first_enter_at: float | None = None
    last_leave_at: float | None = None
    leaves: list[float] = field(default_factory=list)
    hangup_request_at: float | None = None
    hangup_at: float | None = None
    joins: list[tuple[str, float]] = field(default_factory=list)
    queue_leaves: list[float] = field(default_factory=list)

    @property
    def device(self) -> str:
        return self.name.rsplit("-", 1)[0]

    @property
    def ended_at(self) -> float | None:
        return self.last_leave_at if self.last_leave_at is not None else self.hangup_at


def split_frames(data: bytes) -> Iterable[Frame]:
    """The frames of a recorded stream; a banner line is dropped."""
    for raw in data.split(b"\r\n\r\n"):
        while raw.startswith(b"Asterisk Call Manager"):
            raw = raw.partition(b"\r\n")[2]
        if raw.strip():
            yield parse_frame(raw)


class Timeline:
    """The channels of one run in order of appearance, and its timed events."""

    def __init__(self, frames: Iterable[Frame]) -> None:
        self.channels: dict[str, Channel] = {}
        self.events: list[tuple[float, Frame]] = []
        for frame in frames:
            if "Event" in frame and "Timestamp" in frame:
                try:
                    at = float(frame["Timestamp"])
                except ValueError:
                    continue
                self.events.append((at, frame))
        self.events.sort(key=lambda item: item[0])
        for at, frame in self.events:
            self._apply(at, frame)

    def _channel(self, frame: Frame, prefix: str = "") -> Channel | None:
        uniqueid = frame.get(f"{prefix}Uniqueid")
        if not uniqueid:
            return None
        if uniqueid not in self.channels:
            self.channels[uniqueid] = Channel(
                uniqueid, frame.get(f"{prefix}Channel", ""), frame.get(f"{prefix}CallerIDNum", "")
            )
        return self.channels[uniqueid]

    def _apply(self, at: float, frame: Frame) -> None:
        name = frame["Event"]
        channel = self._channel(frame)
        dest = self._channel(frame, "Dest")
        if (name == "AgentCalled" and dest) or (name == "DialBegin" and dest):
            dest.offered_at = dest.offered_at or at
        elif name == "DialState" and dest and frame.get("DialStatus") == "RINGING":
            dest.ringing_at = dest.ringing_at or at
        elif name == "DialEnd" and dest and dest.dial_ended_at is None:
            dest.dial_ended_at, dest.dial_status = at, frame.get("DialStatus", "")
            if dest.dial_status == "ANSWER":
                dest.answered_at = at
                if channel:
                    channel.far_answered_at = at
        elif channel is None:
            return
        elif name == "Newchannel":
            channel.created_at = at
        elif name == "Newstate":
            if frame.get("ChannelState") == "5":
                channel.ringing_at = channel.ringing_at or at
            elif frame.get("ChannelState") == "6":
                channel.up_at = channel.up_at or at
        elif name == "Hold":
            if not channel.holds or channel.holds[-1][1] is not None:
                channel.holds.append((at, None))
        elif name == "Unhold":
            if channel.holds and channel.holds[-1][1] is None:
                channel.holds[-1] = (channel.holds[-1][0], at)
        elif name == "BridgeEnter":
            channel.first_enter_at = channel.first_enter_at or at
        elif name == "BridgeLeave":
            channel.last_leave_at = at
            channel.leaves.append(at)
        elif name == "HangupRequest":
            channel.hangup_request_at = channel.hangup_request_at or at
        elif name == "Hangup":
            channel.hangup_at = at
        elif name == "QueueCallerJoin":
            channel.joins.append((frame.get("Queue", ""), at))
        elif name == "QueueCallerLeave":
            channel.queue_leaves.append(at)

    def of_device(self, device: str) -> list[Channel]:
        """A phone's channels, oldest first."""
        return [c for c in self.channels.values() if c.device == device]

    def of_caller(self, number: str) -> list[Channel]:
        """The trunk's channels of that caller, oldest first."""
        return [c for c in self.of_device("PJSIP/trunk") if c.caller == number]

    def first(self, name: str, **headers: str) -> float:
        """When the first event of that name with those headers came; raises LookupError."""
        for at, frame in self.events:
            if frame["Event"] == name and all(frame.get(k) == v for k, v in headers.items()):
                return at
        raise LookupError(f"no {name} {headers}")
