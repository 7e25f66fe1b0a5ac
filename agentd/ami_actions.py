"""What agentd may ask a PBX, and how it is written on the wire.

The set of actions is closed, and so is the set of headers of each: a value from outside (a pause
reason, a queue's name) can neither add a header nor a second action. That matters because even an
AMI account without any write permission may run a dozen actions that do harm.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from agentd.errors import Refused

MAX_LINE_BYTES = 1_000
"""Asterisk cuts request lines at 1,024 bytes without a word."""

_FORBIDDEN = frozenset("\r\n\0")


class AmiAction(enum.Enum):
    """Every action that agentd sends; nothing else can be sent."""

    LOGIN = "Login"
    LOGOFF = "Logoff"
    EVENTS = "Events"
    PING = "Ping"
    LIST_COMMANDS = "ListCommands"
    CORE_SETTINGS = "CoreSettings"
    CORE_STATUS = "CoreStatus"
    CORE_SHOW_CHANNELS = "CoreShowChannels"
    STATUS = "Status"
    QUEUE_STATUS = "QueueStatus"
    DEVICE_STATE_LIST = "DeviceStateList"
    GETVAR = "Getvar"
    QUEUE_ADD = "QueueAdd"
    QUEUE_REMOVE = "QueueRemove"
    QUEUE_PAUSE = "QueuePause"
    ORIGINATE = "Originate"
    HANGUP = "Hangup"
    REDIRECT = "Redirect"
    QUEUE_CHANGE_PRIORITY = "QueueChangePriorityCaller"
    SHOW_DIALPLAN = "ShowDialPlan"


@dataclass(frozen=True, slots=True)
class Shape:
    """What an action looks like: its headers, and the event that ends its list, if it has one."""

    required: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    ended_by: str | None = None
    forms: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    """What values of these headers must look like, whole."""


# One phone or other endpoint: an "&" would call several, a "," or "|" would begin an option.
_ENDPOINT = re.compile(r"[A-Za-z0-9_]+/[A-Za-z0-9_.:@/+-]+")
_TRUTH = re.compile("true|false")
# By Uniqueid: names of channels begin anew with every start of the PBX, and Hangup would take what
# stands between slashes for a pattern that fits many.
_UID = re.compile(r"[A-Za-z0-9_.-]{1,120}")
_CONTEXT = re.compile(r"[A-Za-z0-9_.-]{1,80}")
_EXTEN = re.compile(r"[0-9*#+]{1,40}")

SHAPES: Mapping[AmiAction, Shape] = {
    AmiAction.LOGIN: Shape(required=frozenset({"Username", "Secret", "Events"})),
    AmiAction.LOGOFF: Shape(),
    AmiAction.EVENTS: Shape(required=frozenset({"EventMask"})),
    AmiAction.PING: Shape(),
    AmiAction.LIST_COMMANDS: Shape(),
    AmiAction.CORE_SETTINGS: Shape(),
    AmiAction.CORE_STATUS: Shape(),
    AmiAction.CORE_SHOW_CHANNELS: Shape(ended_by="CoreShowChannelsComplete"),
    AmiAction.STATUS: Shape(optional=frozenset({"Channel"}), ended_by="StatusComplete"),
    AmiAction.QUEUE_STATUS: Shape(
        optional=frozenset({"Queue", "Member"}), ended_by="QueueStatusComplete"
    ),
    AmiAction.DEVICE_STATE_LIST: Shape(ended_by="DeviceStateListComplete"),
    # Getvar of a function would run it; this is a variable that Asterisk itself sets.
    AmiAction.GETVAR: Shape(
        required=frozenset({"Channel", "Variable"}),
        forms={"Variable": re.compile("MIXMONITOR_FILENAME")},
    ),
    AmiAction.QUEUE_ADD: Shape(
        required=frozenset({"Queue", "Interface", "MemberName", "StateInterface", "Paused"}),
        forms={"Interface": _ENDPOINT, "StateInterface": _ENDPOINT, "Paused": _TRUTH},
    ),
    AmiAction.QUEUE_REMOVE: Shape(
        required=frozenset({"Queue", "Interface"}), forms={"Interface": _ENDPOINT}
    ),
    AmiAction.QUEUE_PAUSE: Shape(
        required=frozenset({"Interface", "Paused"}),
        optional=frozenset({"Queue", "Reason"}),
        forms={"Interface": _ENDPOINT, "Paused": _TRUTH},
    ),
    # Without an application it can only enter the dialplan, and there only at a number.
    AmiAction.ORIGINATE: Shape(
        required=frozenset({"Channel", "Context", "Exten", "Priority", "Async"}),
        optional=frozenset({"CallerID", "Timeout"}),
        forms={
            "Channel": _ENDPOINT,
            "Context": _CONTEXT,
            "Exten": _EXTEN,
            "Priority": re.compile("1"),
            "Async": re.compile("true"),
            "CallerID": re.compile(r"<[0-9*#+]{1,40}>"),
            "Timeout": re.compile(r"[0-9]{1,6}"),
        },
    ),
    AmiAction.HANGUP: Shape(required=frozenset({"Channel"}), forms={"Channel": _UID}),
    AmiAction.REDIRECT: Shape(
        required=frozenset({"Channel", "Context", "Exten", "Priority"}),
        forms={
            "Channel": _UID,
            "Context": _CONTEXT,
            "Exten": _EXTEN,
            "Priority": re.compile("1"),
        },
    ),
    # It knows channels by name only.
    AmiAction.QUEUE_CHANGE_PRIORITY: Shape(
        required=frozenset({"Queue", "Caller", "Priority", "Immediate"}),
        forms={
            "Caller": re.compile(r"[A-Za-z0-9_]+/[A-Za-z0-9_.:@/+;-]{1,200}"),
            "Priority": re.compile(r"[0-9]{1,9}"),
            "Immediate": re.compile("yes"),
        },
    ),
    AmiAction.SHOW_DIALPLAN: Shape(
        required=frozenset({"Context", "Extension"}),
        ended_by="ShowDialPlanComplete",
        forms={"Context": _CONTEXT, "Extension": _EXTEN},
    ),
}

_LISTENING = Shape(
    required=frozenset({"Channel", "Application", "Data", "ChannelId", "Async"}),
    optional=frozenset({"CallerID", "Timeout"}),
    forms={
        "Channel": _ENDPOINT,
        "Application": re.compile("ChanSpy"),
        # One channel by its Uniqueid, and it ends with that channel. No option more: some record.
        "Data": re.compile(r"[A-Za-z0-9_.-]{1,120},quES[wB]?"),
        "ChannelId": re.compile(r"agentd-spy-(listen|whisper|barge)-[0-9a-f]{16}"),
        "Async": re.compile("true"),
        "CallerID": re.compile(r'"[A-Za-z ]{1,20}" <[0-9*#+]{0,40}>'),
        "Timeout": re.compile(r"[0-9]{1,6}"),
    },
)
"""The one application that is ever started, on a supervisor's own phone."""


def shape_of(action: AmiAction, headers: Mapping[str, str]) -> Shape:
    """What ``action`` with these headers must look like."""
    if action is AmiAction.ORIGINATE and "Application" in headers:
        return _LISTENING
    return SHAPES[action]


def known_action(name: str) -> AmiAction:
    """The action called ``name`` (any case); :class:`Refused` for every other name."""
    for action in AmiAction:
        if action.value.lower() == name.lower():
            return action
    raise Refused(f"{name[:40]!r} is not an AMI action that agentd sends")


def encode(action: AmiAction, action_id: str, headers: Mapping[str, str] | None = None) -> bytes:
    """One action as bytes, blank line included.

    Raises :class:`Refused` for a header that the action does not have, a header that is missing, a
    value with a line break or a NUL, or not of the header's form, and a line longer than Asterisk
    reads. The message names the header, never its value: that may be a password.
    """
    given = dict(headers or {})
    shape = shape_of(action, given)
    for missing in sorted(shape.required - given.keys()):
        raise Refused(f"AMI action {action.value} needs the header {missing}")
    for unknown in sorted(given.keys() - shape.required - shape.optional):
        raise Refused(f"AMI action {action.value} has no header {unknown[:40]!r}")
    for name, form in shape.forms.items():
        if name in given and form.fullmatch(given[name]) is None:
            raise Refused(f"the value of {name} is not one that {action.value} is sent with")
    lines = [_line("Action", action.value), _line("ActionID", action_id)]
    lines += [_line(name, value) for name, value in given.items()]
    return b"".join(lines) + b"\r\n"


def _line(name: str, value: str) -> bytes:
    if not _FORBIDDEN.isdisjoint(value):
        raise Refused(f"the value of {name} contains a line break or a NUL: it cannot be sent")
    try:
        line = f"{name}: {value}\r\n".encode()
    except UnicodeEncodeError:
        # The original error would carry the value.
        raise Refused(f"the value of {name} is not valid Unicode: it cannot be sent") from None
    if len(line) > MAX_LINE_BYTES:
        raise Refused(
            f"the value of {name} is too long: {len(line)} bytes as a line, at most"
            f" {MAX_LINE_BYTES} can be sent"
        )
    return line
