"""AMI frames to events.

One table says which events matter and which of their headers the engine needs; everything else is
:class:`~agentd.core.events.Ignored` after one look at its name. A frame that matters and cannot be
trusted (no such header, no colon, a number that is none) is
:class:`~agentd.core.events.Malformed`, whole: nothing is half-applied.

Field names are those of Asterisk 16 to 22 (the XML documentation in its source).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agentd.core import events as e

Headers = dict[str, str]
Decoded = e.Event | e.Response | e.Ignored | e.Malformed

_NOBODY = frozenset(("", "<unknown>", "unknown"))


class _BadHeader(ValueError):
    """A header is missing or holds what it cannot hold."""


def number(value: str | None) -> str | None:
    """A caller's number, or None where Asterisk says that there is none."""
    return None if value is None or value in _NOBODY else value


def timestamp_us(value: str) -> int:
    """``1790000000.123456`` as microseconds.

    Raises ValueError where it is not such a number.
    """
    whole, dot, fraction = value.partition(".")
    if not dot:
        return int(whole) * 1_000_000
    return int(whole) * 1_000_000 + int(fraction[:6].ljust(6, "0"))


def _int(h: Headers, key: str) -> int:
    try:
        return int(h[key])
    except ValueError:
        raise _BadHeader(f"{key} is not a whole number: {h[key][:40]!r}") from None


def _int_or(h: Headers, key: str, default: int) -> int:
    return _int(h, key) if h.get(key) else default


def _clock_s(h: Headers, key: str) -> int:
    """``HH:MM:SS`` as seconds; Asterisk lets hours grow past two digits."""
    try:
        hours, minutes, secs = h[key].split(":")
        return int(hours) * 3600 + int(minutes) * 60 + int(secs)
    except ValueError:
        raise _BadHeader(f"{key} is not HH:MM:SS: {h[key][:40]!r}") from None


def _newchannel(at: int, h: Headers) -> e.Event:
    return e.Newchannel(
        at,
        h["Uniqueid"],
        h["Channel"],
        _int(h, "ChannelState"),
        number(h.get("CallerIDNum")),
        h.get("Linkedid", ""),
    )


def _newstate(at: int, h: Headers) -> e.Event:
    return e.Newstate(
        at, h["Uniqueid"], h["Channel"], _int(h, "ChannelState"), number(h.get("CallerIDNum"))
    )


def _dial_begin(at: int, h: Headers) -> e.Event:
    return e.DialBegin(
        at,
        h.get("Uniqueid"),
        h["DestUniqueid"],
        h["DestChannel"],
        _dialled(h.get("DialString", "")),
    )


def _dialled(dial_string: str) -> str | None:
    """``PJSIP/13800138000@trunk``, ``trunk/13800138000`` → the number; None where there is none."""
    number = dial_string.partition("@")[0].rpartition("/")[2]
    return number if any(c.isdigit() for c in number) else None


def _dial_end(at: int, h: Headers) -> e.Event:
    return e.DialEnd(
        at, h.get("Uniqueid"), h["DestUniqueid"], h["DialStatus"], h.get("Forward") or None
    )


def _queue_caller_join(at: int, h: Headers) -> e.Event:
    return e.QueueCallerJoin(
        at, h["Uniqueid"], h["Channel"], h["Queue"], number(h.get("CallerIDNum"))
    )


def _agent_called(at: int, h: Headers) -> e.Event:
    return e.AgentCalled(
        at,
        h["Uniqueid"],
        h["DestUniqueid"],
        h["DestChannel"],
        h["Queue"],
        h["Interface"],
        h.get("MemberName", ""),
    )


def _member(change: str) -> Callable[[int, Headers], e.Event]:
    interface_key, name_key = (
        ("Location", "Name") if change == "listed" else ("Interface", "MemberName")
    )

    def decode(at: int, h: Headers) -> e.Event:
        interface = h[interface_key]
        return e.QueueMember(
            at,
            change,
            h["Queue"],
            interface,
            h.get(name_key, ""),
            h.get("StateInterface") or interface,
            _int_or(h, "Status", 0),
            h.get("Paused") == "1",
            h.get("PausedReason", ""),
            _int_or(h, "LastCall", 0),
        )

    return decode


def _listed_channel(at: int, h: Headers) -> e.Event:
    return e.ListedChannel(
        at,
        h["Uniqueid"],
        h["Channel"],
        _int(h, "ChannelState"),
        number(h.get("CallerIDNum")),
        h.get("Linkedid", ""),
        h.get("Application", ""),
        _clock_s(h, "Duration"),
        h.get("BridgeId") or None,
    )


def _listed_caller(at: int, h: Headers) -> e.Event:
    return e.ListedCaller(
        at,
        h["Queue"],
        h["Uniqueid"],
        h["Channel"],
        number(h.get("CallerIDNum")),
        _int_or(h, "Wait", 0),
    )


def _attended(at: int, h: Headers) -> e.Event:
    return e.AttendedTransfer(
        at,
        h["Result"],
        h["OrigTransfererUniqueid"],
        h["SecondTransfererUniqueid"],
        h.get("DestType", ""),
        h.get("TransfereeUniqueid"),
        h.get("TransferTargetUniqueid"),
    )


def _optimized(at: int, h: Headers) -> e.Event | None:
    if h.get("Success") == "No":
        return None
    return e.LocalOptimizationEnd(at, h["LocalOneUniqueid"], h["LocalTwoUniqueid"])


_WANTED: dict[str, Callable[[int, Headers], e.Event | None]] = {
    "Newchannel": _newchannel,
    "Newstate": _newstate,
    "NewCallerid": lambda at, h: e.NewCallerid(at, h["Uniqueid"], number(h["CallerIDNum"])),
    "Rename": lambda at, h: e.Rename(at, h["Uniqueid"], h["Newname"]),
    "Hangup": lambda at, h: e.Hangup(at, h["Uniqueid"], h["Channel"], _int_or(h, "Cause", 0)),
    "HangupRequest": lambda at, h: e.HangupRequest(
        at, h["Uniqueid"], h["Channel"], _int_or(h, "Cause", 0)
    ),
    "SoftHangupRequest": lambda at, h: e.SoftHangupRequest(
        at, h["Uniqueid"], _int_or(h, "Cause", 0)
    ),
    "DialBegin": _dial_begin,
    "DialState": lambda at, h: e.DialState(at, h["DestUniqueid"], h["DialStatus"]),
    "DialEnd": _dial_end,
    "Pickup": lambda at, h: e.Pickup(at, h["Uniqueid"], h["Channel"], h["TargetUniqueid"]),
    "BridgeEnter": lambda at, h: e.BridgeEnter(
        at, h["BridgeUniqueid"], h["Uniqueid"], h["Channel"]
    ),
    "BridgeLeave": lambda at, h: e.BridgeLeave(at, h["BridgeUniqueid"], h["Uniqueid"]),
    "BridgeMerge": lambda at, h: e.BridgeMerge(at, h["ToBridgeUniqueid"], h["FromBridgeUniqueid"]),
    "BridgeDestroy": lambda at, h: e.BridgeDestroy(at, h["BridgeUniqueid"]),
    "Hold": lambda at, h: e.Hold(at, h["Uniqueid"]),
    "Unhold": lambda at, h: e.Unhold(at, h["Uniqueid"]),
    "MusicOnHoldStart": lambda at, h: e.MusicOnHoldStart(at, h["Uniqueid"]),
    "MusicOnHoldStop": lambda at, h: e.MusicOnHoldStop(at, h["Uniqueid"]),
    "ParkedCall": lambda at, h: e.ParkedCall(
        at, h["ParkeeUniqueid"], h.get("ParkerDialString") or None
    ),
    "UnParkedCall": lambda at, h: e.UnParkedCall(
        at, h["ParkeeUniqueid"], h.get("RetrieverUniqueid") or None
    ),
    "ParkedCallTimeOut": lambda at, h: e.ParkingEnded(at, h["ParkeeUniqueid"]),
    "ParkedCallGiveUp": lambda at, h: e.ParkingEnded(at, h["ParkeeUniqueid"]),
    "ParkedCallSwap": lambda at, h: e.ParkingEnded(at, h["ParkeeUniqueid"]),
    "BlindTransfer": lambda at, h: e.BlindTransfer(
        at, h["Result"], h["TransfererUniqueid"], h.get("TransfereeUniqueid")
    ),
    "AttendedTransfer": _attended,
    "LocalOptimizationEnd": _optimized,
    "LocalBridge": lambda at, h: e.LocalBridge(at, h["LocalOneUniqueid"], h["LocalTwoUniqueid"]),
    "ChanSpyStart": lambda at, h: e.ChanSpyStart(at, h["SpyerUniqueid"]),
    "QueueCallerJoin": _queue_caller_join,
    "QueueCallerLeave": lambda at, h: e.QueueCallerLeave(at, h["Uniqueid"], h["Queue"]),
    "QueueCallerAbandon": lambda at, h: e.QueueCallerAbandon(at, h["Uniqueid"], h["Queue"]),
    "AgentCalled": _agent_called,
    "AgentConnect": lambda at, h: e.AgentConnect(
        at, h["Uniqueid"], h["DestUniqueid"], h["Queue"], h["Interface"]
    ),
    "AgentComplete": lambda at, h: e.AgentComplete(
        at, h.get("Uniqueid"), h.get("DestUniqueid"), h["Queue"], h.get("Reason", "")
    ),
    "AgentRingNoAnswer": lambda at, h: e.AgentRingNoAnswer(at, h.get("DestUniqueid"), h["Queue"]),
    "QueueMemberAdded": _member("added"),
    "QueueMemberRemoved": _member("removed"),
    "QueueMemberPause": _member("pause"),
    "QueueMemberStatus": _member("status"),
    "QueueMember": _member("listed"),
    "DeviceStateChange": lambda at, h: e.DeviceState(at, h["Device"], h["State"]),
    "AgentLogin": lambda at, h: e.AgentPool(at, "AgentLogin"),
    "AgentLogoff": lambda at, h: e.AgentPool(at, "AgentLogoff"),
    "FullyBooted": lambda at, h: e.FullyBooted(at, _int(h, "Uptime") if "Uptime" in h else None),
    "Shutdown": lambda at, h: e.Shutdown(at),
    "QueueParams": lambda at, h: e.ListedQueue(at, h["Queue"]),
    "QueueEntry": _listed_caller,
    "QueueStatusComplete": lambda at, h: e.QueueListDone(at),
    "CoreShowChannel": _listed_channel,
    "CoreShowChannelsComplete": lambda at, h: e.ChannelListDone(at),
}

WANTED = {f"Event: {name}".encode(): (name, decode) for name, decode in _WANTED.items()}
"""First line of a frame that matters → (event name, its decoder)."""

_PSEUDO_DEVICE = b"\r\nDevice: Queue:"


def _stamp(frame: bytes) -> int:
    """The frame's Timestamp in microseconds; 0 where it has none that is a number."""
    start = frame.find(b"\r\nTimestamp: ")
    if start < 0:
        return 0
    stamp = frame[start + 13 : start + 30]
    if len(stamp) == 17 and stamp[10] == 46:
        try:
            return int(stamp[:10] + stamp[11:])
        except ValueError:
            return 0
    try:
        return timestamp_us(frame[start + 13 :].split(b"\r\n", 1)[0].decode("ascii", "replace"))
    except ValueError:
        return 0


def decode(frame: bytes) -> Decoded:
    """One frame (without its blank line) to what it means. Never raises on what a peer can send.

    Invalid UTF-8 becomes U+FFFD. Where a header repeats, its last value counts: a value that
    tries to smuggle a header in stands before the real one.
    """
    line_end = frame.find(b"\r\n")
    first = frame if line_end < 0 else frame[:line_end]
    wanted = WANTED.get(first)
    if wanted is None:
        if first.startswith(b"Event: "):
            return e.Ignored(_stamp(frame), b"\r\nEventList: Complete" in frame)
        if first.startswith(b"Response: "):
            return e.Response(_stamp(frame), b"\r\nEventList: start" in frame)
        return _odd(frame)
    name, build = wanted
    at = _stamp(frame)
    if name == "DeviceStateChange" and _PSEUDO_DEVICE in frame:
        return e.Ignored(at, list_ends=False)
    text = frame.decode("utf-8", "replace")
    try:
        headers: Any = dict([line.split(": ", 1) for line in text.split("\r\n")])
    except ValueError:
        try:
            headers = _headers(text)
        except _BadHeader as bad:
            return e.Malformed(at, str(bad), name)
    try:
        event = build(at, headers)
    except KeyError as missing:
        return e.Malformed(at, f"{missing.args[0]} is missing", name)
    except _BadHeader as bad:
        return e.Malformed(at, str(bad), name)
    return e.Ignored(at, list_ends=False) if event is None else event


def _headers(text: str) -> Headers:
    headers: Headers = {}
    for line in text.split("\r\n"):
        key, colon, value = line.partition(":")
        if not colon:
            raise _BadHeader(f"a header without a colon: {line[:60]!r}")
        headers[key] = value.removeprefix(" ")
    return headers


def _odd(frame: bytes) -> Decoded:
    """Frames whose first line is neither an event nor an answer."""
    stripped = frame.lstrip(b"\r\n")
    if stripped != frame and stripped:
        return decode(stripped)
    if b"\r\nResponse: " in frame or b"\r\nEvent: " in frame:
        lines = frame.split(b"\r\n")
        lead = next(
            i for i, line in enumerate(lines) if line.startswith((b"Event: ", b"Response: "))
        )
        if all(b":" in line for line in lines[:lead]):
            return decode(b"\r\n".join([lines[lead], *lines[:lead], *lines[lead + 1 :]]))
    return e.Malformed(0, f"not an AMI frame: {frame[:60]!r}", None)
