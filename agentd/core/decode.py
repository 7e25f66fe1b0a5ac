"""AMI frames to events.

One table says which events matter and which of their headers the engine needs; everything else is
:class:`~agentd.core.events.Ignored` after one look at its name. A frame that matters and cannot be
trusted (no such header, no colon, a number that is none) is
:class:`~agentd.core.events.Malformed`, whole: nothing is half-applied.

Header names are those of Asterisk 16 to 22 (the XML documentation in its source). Headers are cut
out of the bytes one by one: a frame has twenty and the engine needs three.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agentd.core import events as e

Decoded = e.Event | e.Response | e.Ignored | e.Malformed
Field = Callable[[bytes], Any]
"""Cuts one value out of a frame. Raises KeyError (no such header) or :class:`_BadHeader`."""

_NOBODY = frozenset(("", "<unknown>", "unknown"))


class _BadHeader(ValueError):
    """A header holds what it cannot hold."""


# --- one header ---------------------------------------------------------------------------


def text(name: str) -> Field:
    """A header that must be there. Where it repeats, the last one counts: a value that smuggles
    a header in stands before the real one. Invalid UTF-8 becomes U+FFFD."""
    key = f"\r\n{name}: ".encode()
    size = len(key)

    def cut(frame: bytes) -> str:
        start = frame.rfind(key)
        if start < 0:
            raise KeyError(name)
        start += size
        end = frame.find(b"\r\n", start)
        return (frame[start:end] if end >= 0 else frame[start:]).decode("utf-8", "replace")

    return cut


def first(name: str) -> Field:
    """As :func:`text`, but the first of several counts: for lists, in which the caller's own words
    are raw and stand behind."""
    key = f"\r\n{name}: ".encode()

    def cut(frame: bytes) -> str:
        _, found, rest = frame.partition(key)
        if not found:
            raise KeyError(name)
        return rest.partition(b"\r\n")[0].decode("utf-8", "replace")

    return cut


def maybe(name: str, default: str | None = None) -> Field:
    """A header that some versions leave out; ``default`` where it is missing or empty."""
    key = f"\r\n{name}: ".encode()
    size = len(key)

    def cut(frame: bytes) -> str | None:
        start = frame.rfind(key)
        if start < 0:
            return default
        start += size
        end = frame.find(b"\r\n", start)
        value = frame[start:end] if end >= 0 else frame[start:]
        return value.decode("utf-8", "replace") if value else default

    return cut


def caller(name: str) -> Field:
    """A caller's number; None where Asterisk says that there is none."""
    cut = maybe(name, "")

    def number(frame: bytes) -> str | None:
        value: str = cut(frame)
        return None if value in _NOBODY else value

    return number


def whole(name: str, default: int | None = None) -> Field:
    """A whole number; ``default`` where the header is missing or empty, if there is a default."""
    must, may = text(name), maybe(name)

    def number(frame: bytes) -> int:
        value = must(frame) if default is None else may(frame)
        if value is None:
            assert default is not None
            return default
        try:
            return int(value)
        except ValueError:
            raise _BadHeader(f"{name} is not a whole number: {value[:40]!r}") from None

    return number


def clock_s(name: str) -> Field:
    """``HH:MM:SS`` as seconds; Asterisk lets hours grow past two digits."""
    cut = text(name)

    def number(frame: bytes) -> int:
        value = cut(frame)
        try:
            hours, minutes, secs = value.split(":")
            return int(hours) * 3600 + int(minutes) * 60 + int(secs)
        except ValueError:
            raise _BadHeader(f"{name} is not HH:MM:SS: {value[:40]!r}") from None

    return number


def dialled(name: str) -> Field:
    """The number in ``13800138000@trunk``, ``trunk/13800138000`` or ``trunk/sip:1380…@host``; None
    without one."""
    cut = maybe(name, "")

    def number(frame: bytes) -> str | None:
        value = cut(frame).partition("@")[0].rpartition("/")[2].rpartition(":")[2]
        return value if any(c.isdigit() for c in value) else None

    return number


def always(value: object) -> Field:
    return lambda frame: value


# --- the table ----------------------------------------------------------------------------

_UID = text("Uniqueid")
_CHANNEL = text("Channel")
_CALLER = caller("CallerIDNum")
_QUEUE = text("Queue")
_DEST = text("DestUniqueid")
_PARKEE = text("ParkeeUniqueid")


def _member(change: str, interface: str = "Interface", name: str = "MemberName") -> tuple[Any, ...]:
    device, listed = maybe("StateInterface", ""), text(interface)
    return (
        e.QueueMember,
        always(change),
        _QUEUE,
        listed,
        maybe(name, ""),
        lambda frame: device(frame) or listed(frame),
        whole("Status", 0),
        lambda frame: b"\r\nPaused: 1" in frame,
        maybe("PausedReason", ""),
        whole("LastCall", 0),
    )


# QueueMemberStatus is left out: DeviceStateChange says the same of the phone, once and not once a
# queue, and what else it holds comes with events of its own.
_TABLE: dict[str, tuple[Any, ...]] = {
    "Newchannel": (
        e.Newchannel,
        _UID,
        _CHANNEL,
        whole("ChannelState"),
        _CALLER,
        maybe("Linkedid", ""),
    ),
    "Newstate": (e.Newstate, _UID, _CHANNEL, whole("ChannelState"), _CALLER),
    "NewCallerid": (e.NewCallerid, _UID, _CALLER),
    "Rename": (e.Rename, _UID, text("Newname")),
    "Hangup": (e.Hangup, _UID, _CHANNEL, whole("Cause", 0)),
    "HangupRequest": (e.HangupRequest, _UID, _CHANNEL, whole("Cause", 0)),
    "SoftHangupRequest": (e.SoftHangupRequest, _UID, whole("Cause", 0)),
    "DialBegin": (
        e.DialBegin,
        maybe("Uniqueid"),
        _DEST,
        text("DestChannel"),
        dialled("DialString"),
    ),
    "DialState": (e.DialState, _DEST, text("DialStatus")),
    "DialEnd": (e.DialEnd, maybe("Uniqueid"), _DEST, text("DialStatus"), maybe("Forward")),
    "Pickup": (e.Pickup, _UID, _CHANNEL, text("TargetUniqueid")),
    "BridgeEnter": (e.BridgeEnter, text("BridgeUniqueid"), _UID, _CHANNEL),
    "BridgeLeave": (e.BridgeLeave, text("BridgeUniqueid"), _UID),
    "Hold": (e.Hold, _UID),
    "Unhold": (e.Unhold, _UID),
    "MusicOnHoldStart": (e.MusicOnHoldStart, _UID),
    "MusicOnHoldStop": (e.MusicOnHoldStop, _UID),
    "ParkedCall": (e.ParkedCall, _PARKEE, maybe("ParkerDialString")),
    "UnParkedCall": (e.ParkingEnded, _PARKEE),
    "ParkedCallTimeOut": (e.ParkingEnded, _PARKEE),
    "ParkedCallGiveUp": (e.ParkingEnded, _PARKEE),
    "ParkedCallSwap": (e.ParkingEnded, _PARKEE),
    "BlindTransfer": (e.BlindTransfer, text("Result"), text("TransfererUniqueid")),
    "AttendedTransfer": (
        e.AttendedTransfer,
        text("Result"),
        text("OrigTransfererUniqueid"),
        text("SecondTransfererUniqueid"),
        maybe("DestType", ""),
    ),
    # They name no file: the listener asks for it.
    "MixMonitorStart": (e.MixMonitorStart, _UID),
    "MixMonitorStop": (e.MixMonitorStop, _UID),
    "ChanSpyStart": (e.ChanSpyStart, text("SpyerUniqueid"), maybe("SpyeeUniqueid", "")),
    "QueueCallerJoin": (e.QueueCallerJoin, _UID, _CHANNEL, _QUEUE, _CALLER),
    "QueueCallerLeave": (e.QueueCallerLeave, _UID, _QUEUE),
    "AgentCalled": (
        e.AgentCalled,
        _UID,
        _CHANNEL,
        _DEST,
        text("DestChannel"),
        _QUEUE,
        text("Interface"),
        maybe("MemberName", ""),
    ),
    "AgentConnect": (e.AgentConnect, _UID, _DEST, _QUEUE, text("Interface")),
    "AgentComplete": (e.AgentComplete, maybe("DestUniqueid"), _QUEUE, maybe("Reason", "")),
    "AgentRingNoAnswer": (e.AgentRingNoAnswer, maybe("DestUniqueid"), _QUEUE),
    "QueueMemberAdded": _member("added"),
    "QueueMemberRemoved": _member("removed"),
    "QueueMemberPause": _member("pause"),
    "QueueMember": _member("listed", "Location", "Name"),
    "DeviceStateChange": (e.DeviceState, text("Device"), text("State")),
    "AgentLogin": (e.AgentPool, always("AgentLogin")),
    "AgentLogoff": (e.AgentPool, always("AgentLogoff")),
    "FullyBooted": (e.FullyBooted, whole("Uptime", -1)),
    "QueueParams": (e.ListedQueue, _QUEUE),
    "QueueEntry": (
        e.ListedCaller,
        first("Queue"),
        first("Uniqueid"),
        first("Channel"),
        _CALLER,
        whole("Wait", 0),
    ),
    "QueueStatusComplete": (e.QueueListDone,),
    "CoreShowChannel": (
        e.ListedChannel,
        _UID,
        _CHANNEL,
        whole("ChannelState"),
        _CALLER,
        maybe("Linkedid", ""),
        maybe("Application", ""),
        maybe("ApplicationData", ""),
        clock_s("Duration"),
        maybe("BridgeId"),
    ),
    "CoreShowChannelsComplete": (e.ChannelListDone,),
}

WANTED = {f"Event: {name}".encode(): (name, row[0], row[1:]) for name, row in _TABLE.items()}
"""First line of a frame that matters → (event name, its type, its fields in order)."""

_PSEUDO_DEVICE = b"\r\nDevice: Queue:"
_STAMP = b"\r\nTimestamp: "


# --- one frame ----------------------------------------------------------------------------


def timestamp_us(value: str) -> int:
    """``1790000000.123456`` as microseconds.

    Raises ValueError where it is not such a number.
    """
    seconds, _, fraction = value.partition(".")
    return int(seconds) * 1_000_000 + int(fraction[:6].ljust(6, "0"))


def _stamp(frame: bytes) -> int:
    """The frame's Timestamp in microseconds; 0 where it has none that is a number."""
    start = frame.find(_STAMP, 0, 400) + 13
    if start < 13:
        return 0
    end = frame.find(b"\r\n", start)
    stamp = frame[start:end] if end >= 0 else frame[start:]
    try:
        if len(stamp) == 17 and stamp[10] == 46:
            return int(stamp[:10] + stamp[11:])
        return timestamp_us(stamp.decode("ascii", "replace"))
    except ValueError:
        return 0


def decode(frame: bytes) -> Decoded:
    """One frame (without its blank line) to what it means. Never raises on what a peer can send."""
    line_end = frame.find(b"\r\n")
    first = frame if line_end < 0 else frame[:line_end]
    wanted = WANTED.get(first)
    if wanted is None:
        if first.startswith(b"Event: "):
            ends = first.endswith(b"Complete") and b"\r\nEventList: Complete" in frame
            return e.Ignored(_stamp(frame), ends)
        if first.startswith(b"Response: "):
            return e.Response(_stamp(frame), b"\r\nEventList: start" in frame)
        return _odd(frame)
    name, build, fields = wanted
    at = _stamp(frame)
    if name == "DeviceStateChange" and _PSEUDO_DEVICE in frame:
        return e.Ignored(at, list_ends=False)
    try:
        if frame.count(b": ") <= frame.count(b"\r\n"):
            frame = _mended(frame)
        event: e.Event = build(at, *[cut(frame) for cut in fields])
    except KeyError as missing:
        return e.Malformed(at, f"{missing.args[0]} is missing", name)
    except _BadHeader as bad:
        return e.Malformed(at, str(bad), name)
    return event


def _mended(frame: bytes) -> bytes:
    """A frame in which some line has no ``: ``: a value that is empty without a space is fine, a
    line without a colon is not."""
    lines = []
    for line in frame.split(b"\r\n"):
        key, colon, value = line.partition(b":")
        if not colon:
            raise _BadHeader(f"a header without a colon: {line[:60]!r}")
        lines.append(key + b": " + value.removeprefix(b" "))
    return b"\r\n".join(lines)


def _odd(frame: bytes) -> Decoded:
    """Frames whose first line is neither an event nor an answer."""
    stripped = frame.lstrip(b"\r\n")
    if stripped != frame and stripped:
        return decode(stripped)
    lines = frame.split(b"\r\n")
    starts = (b"Event: ", b"Response: ")
    lead = next((i for i, line in enumerate(lines) if line.startswith(starts)), None)
    if lead and all(b":" in line for line in lines[:lead]):
        return decode(b"\r\n".join([lines[lead], *lines[:lead], *lines[lead + 1 :]]))
    return e.Malformed(0, f"not an AMI frame: {frame[:60]!r}", None)
