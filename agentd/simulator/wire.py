"""The byte forms of the simulated PBX: channels, bridges and event frames as Asterisk writes them.

Header names and their order are taken from recordings of a real Asterisk 22; the conformance test
holds them there. Values and their renderings only: no clock, no randomness, no I/O.
"""

from __future__ import annotations

from typing import Final

SYSTEM: Final = 1
CALL: Final = 2
AGENT: Final = 4
DIALPLAN: Final = 8
CLASS_NAMES: Final = {SYSTEM: "system", CALL: "call", AGENT: "agent", DIALPLAN: "dialplan"}
ALL_CLASSES: Final = SYSTEM | CALL | AGENT | DIALPLAN

STATE_NAMES: Final = {0: "Down", 3: "Dialing", 4: "Ring", 5: "Ringing", 6: "Up", 7: "Busy"}

CAUSE_TEXT: Final = {
    0: "Unknown",
    16: "Normal Clearing",
    17: "User busy",
    19: "User alerting, no answer",
    20: "Subscriber absent",
    21: "Call Rejected",
    26: "Answered elsewhere",
    127: "Interworking, unspecified",
}

Event = tuple[int, bytes, bytes]
"""An event without its time: class bit, head up to `Timestamp: `, body ending in CRLF."""

_HEADS: dict[tuple[str, int], bytes] = {}


def event(name: str, event_class: int, *parts: bytes) -> Event:
    """Build an event from body parts, each of which ends in CRLF."""
    head = _HEADS.get((name, event_class))
    if head is None:
        head = (
            f"Event: {name}\r\nPrivilege: {CLASS_NAMES[event_class]},all\r\nTimestamp: "
        ).encode()
        _HEADS[name, event_class] = head
    return event_class, head, b"".join(parts)


def stamp(event_: Event, at_us: int) -> bytes:
    """The whole frame of `event_`, stamped with `at_us` microseconds since the epoch."""
    return b"%b%d.%06d\r\n%b\r\n" % (event_[1], at_us // 1_000_000, at_us % 1_000_000, event_[2])


def fields(**values: object) -> bytes:
    """Header lines in the order given."""
    return "".join(f"{key}: {value}\r\n" for key, value in values.items()).encode()


class Channel:
    """One channel. `state` is Asterisk's number (0 Down, 4 Ring, 5 Ringing, 6 Up)."""

    __slots__ = (
        "application",
        "application_data",
        "bridge",
        "caller_name",
        "caller_number",
        "connected_name",
        "connected_number",
        "context",
        "created_us",
        "device",
        "exten",
        "held",
        "linkedid",
        "name",
        "priority",
        "rendered",
        "state",
        "uniqueid",
    )

    def __init__(
        self,
        name: str,
        *,
        device: str,
        uniqueid: str,
        linkedid: str,
        created_us: int,
        state: int,
        caller_number: str,
        caller_name: str,
        context: str,
        exten: str,
    ) -> None:
        self.name = name
        self.device = device
        self.uniqueid = uniqueid
        self.linkedid = linkedid
        self.created_us = created_us
        self.state = state
        self.caller_number = caller_number
        self.caller_name = caller_name
        self.connected_number = "<unknown>"
        self.connected_name = "<unknown>"
        self.context = context
        self.exten = exten
        self.priority = 1
        self.application = ""
        self.application_data = ""
        self.bridge: Bridge | None = None
        self.held = False
        self.rendered: dict[str, bytes] = {}

    def set_state(self, state: int) -> None:
        self.state = state
        self.rendered.clear()

    def connect_to(self, other: Channel) -> None:
        """Take the other channel's caller id as connected line."""
        self.connected_number = other.caller_number
        self.connected_name = other.caller_name
        self.rendered.clear()

    def show_as(self, number: str, name: str) -> None:
        """Take a caller id of its own."""
        self.caller_number = number
        self.caller_name = name
        self.rendered.clear()

    def goto(self, context: str, exten: str, priority: int) -> None:
        self.context = context
        self.exten = exten
        self.priority = priority
        self.rendered.clear()

    def block(self, prefix: str = "") -> bytes:
        """The channel's header lines, each name with `prefix` (`Dest`, `Transferer`, ...)."""
        cached = self.rendered.get(prefix)
        if cached is None:
            cached = (
                f"{prefix}Channel: {self.name}\r\n"
                f"{prefix}ChannelState: {self.state}\r\n"
                f"{prefix}ChannelStateDesc: {STATE_NAMES[self.state]}\r\n"
                f"{prefix}CallerIDNum: {self.caller_number}\r\n"
                f"{prefix}CallerIDName: {self.caller_name}\r\n"
                f"{prefix}ConnectedLineNum: {self.connected_number}\r\n"
                f"{prefix}ConnectedLineName: {self.connected_name}\r\n"
                f"{prefix}Language: en\r\n"
                f"{prefix}AccountCode: \r\n"
                f"{prefix}Context: {self.context}\r\n"
                f"{prefix}Exten: {self.exten}\r\n"
                f"{prefix}Priority: {self.priority}\r\n"
                f"{prefix}Uniqueid: {self.uniqueid}\r\n"
                f"{prefix}Linkedid: {self.linkedid}\r\n"
            ).encode()
            self.rendered[prefix] = cached
        return cached


class Bridge:
    """A bridge of two channels; `block` counts who is in it at that moment."""

    __slots__ = ("channels", "uniqueid")

    def __init__(self, uniqueid: str) -> None:
        self.uniqueid = uniqueid
        self.channels: list[Channel] = []

    def block(self, prefix: str = "", count: int | None = None) -> bytes:
        number = len(self.channels) if count is None else count
        return (
            f"{prefix}BridgeUniqueid: {self.uniqueid}\r\n"
            f"{prefix}BridgeType: basic\r\n"
            f"{prefix}BridgeTechnology: simple_bridge\r\n"
            f"{prefix}BridgeCreator: <unknown>\r\n"
            f"{prefix}BridgeName: <unknown>\r\n"
            f"{prefix}BridgeNumChannels: {number}\r\n"
            f"{prefix}BridgeVideoSourceMode: none\r\n"
        ).encode()


def on_channel(name: str, channel: Channel, *tail: bytes) -> Event:
    """An event of class `call` that carries one channel, then `tail`."""
    return event(name, CALL, channel.block(), *tail)


def on_pair(name: str, event_class: int, channel: Channel, dest: Channel, *tail: bytes) -> Event:
    """An event that carries a channel and a `Dest` channel, then `tail`."""
    return event(name, event_class, channel.block(), dest.block("Dest"), *tail)


def var_set(channel: Channel, variable: str, value: object) -> Event:
    tail = f"Variable: {variable}\r\nValue: {value}\r\n".encode()
    return event("VarSet", DIALPLAN, channel.block(), tail)


def new_exten(channel: Channel, application: str, data: str) -> Event:
    tail = f"Extension: {channel.exten}\r\nApplication: {application}\r\nAppData: {data}\r\n"
    return event("Newexten", DIALPLAN, channel.block(), tail.encode())


def device_state(device: str, state: str) -> Event:
    return event("DeviceStateChange", CALL, f"Device: {device}\r\nState: {state}\r\n".encode())


def hangup(channel: Channel, cause: int, tech_cause: str = "") -> Event:
    tail = f"Cause: {cause}\r\nCause-txt: {CAUSE_TEXT[cause]}\r\n"
    if tech_cause:
        tail += f"TechCause: {tech_cause}\r\n"
    return event("Hangup", CALL, channel.block(), tail.encode())


def new_caller_id(channel: Channel) -> Event:
    return on_channel(
        "NewCallerid", channel, b"CID-CallingPres: 0 (Presentation Allowed, Not Screened)\r\n"
    )
