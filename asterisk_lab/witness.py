"""What became of every call, told without AMI: by what SIPp's phones and callers sent and got, and
by Asterisk's own account of its channels (CEL).

agentd lives on AMI alone, so its mistakes and AMI's cannot be in here. Times are seconds since the
epoch: CEL's to the microsecond of the event, a phone's as it sent or got the message. Nothing here
says what a figure is: see tests/lab/board_truth.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

Instant = tuple[float, float]
"""Not before, and not after: what a phone asks for happens before it hears the answer."""
TRUNK = "PJSIP/trunk"
_HEAD = re.compile(r"^-{20,} (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+)$", re.MULTILINE)
_USER = re.compile(r"sip:([^@>;]+)@")
SLACK_S = 0.1
"""How much sooner than its channel a call may be seen: two clocks are read."""


# --- what a phone saw ----------------------------------------------------------------------------


@dataclass
class Dialog:
    """One SIP call of a phone or caller, as it saw it. `number`: who called, or was called."""

    incoming: bool
    number: str
    at: float
    ringing_at: float | None = None
    answered_at: float | None = None
    refused_at: float | None = None
    cancelled_at: float | None = None
    referred_at: float | None = None
    bye_at: float | None = None
    bye_ours: bool = False
    """It was this side that hung up."""
    holds: list[tuple[Instant, Instant | None]] = field(default_factory=list)


def dialogs(traces: Iterable[Path]) -> list[Dialog]:
    """The calls of one phone, from the message traces of its SIPps, oldest first. A call that one
    of them was too late for is the next one's."""
    found: dict[str, Dialog] = {}
    for trace in traces:
        if trace.exists():
            for at, ours, text in _messages(trace.read_text("utf-8", "replace")):
                _take(found, at, ours, text)
    return list(found.values())


def _messages(text: str) -> Iterator[tuple[float, bool, str]]:
    heads = list(_HEAD.finditer(text))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    for head, end in zip(heads, ends, strict=False):
        rest = text[head.end() : end].lstrip("\n")
        told, _, message = rest.partition("\n")
        if "message" in told:
            at = datetime.fromisoformat(head[1]).astimezone().timestamp()
            yield at, "sent" in told, message.lstrip("\r\n")


def _take(found: dict[str, Dialog], at: float, ours: bool, message: str) -> None:
    first, _, rest = message.replace("\r\n", "\n").partition("\n")
    headers, _, body = rest.partition("\n\n")
    values = dict(reversed([line.partition(": ")[::2] for line in headers.split("\n")]))
    call_id, cseq = values.get("Call-ID", ""), values.get("CSeq", "")
    dialog = found.get(call_id)
    if dialog is None:
        if first.startswith("INVITE"):
            other = _USER.search(values["From"] if not ours else first)
            found[call_id] = Dialog(not ours, other[1] if other else "", at)
        return
    if first.startswith("SIP/2.0"):
        if cseq.endswith("INVITE") and ours == dialog.incoming:
            _reply(dialog, at, int(first.split()[1]))
        elif cseq.endswith("INVITE") and dialog.holds and first.split()[1] == "200":
            start, end = dialog.holds[-1]
            dialog.holds[-1] = ((start[0], at), None) if end is None else (start, (end[0], at))
    elif first.startswith("INVITE") and ours and dialog.answered_at is not None:
        if "a=sendonly" in body:
            dialog.holds.append(((at, at), None))
        elif dialog.holds and dialog.holds[-1][1] is None:
            dialog.holds[-1] = dialog.holds[-1][0], (at, at)
    elif first.startswith("CANCEL"):
        dialog.cancelled_at = dialog.cancelled_at or at
    elif first.startswith("REFER"):
        dialog.referred_at = dialog.referred_at or at
    elif first.startswith("BYE") and dialog.bye_at is None:
        dialog.bye_at, dialog.bye_ours = at, ours


def _reply(dialog: Dialog, at: float, status: int) -> None:
    """What was said to the INVITE that began the call."""
    if status == 180:
        dialog.ringing_at = dialog.ringing_at or at
    elif 200 <= status < 300:
        dialog.answered_at = dialog.answered_at or at
    elif status >= 300 and status != 487:
        dialog.refused_at = dialog.refused_at or at


# --- what Asterisk wrote down --------------------------------------------------------------------


@dataclass
class Channel:
    """One channel of Asterisk's. `queues`: (name, from, to) of each time in Queue()."""

    uid: str
    linked: str
    name: str
    number: str
    context: str
    at: float
    answered_at: float | None = None
    entered: list[float] = field(default_factory=list)
    left: list[float] = field(default_factory=list)
    ended_at: float | None = None
    queues: list[tuple[str, float, float | None]] = field(default_factory=list)

    @property
    def device(self) -> str:
        return self.name.rpartition("-")[0]


def channels(cel: Path) -> dict[str, Channel]:
    """All channels, oldest first, by unique id."""
    found: dict[str, Channel] = {}
    lines = cel.read_text("utf-8", "replace").splitlines() if cel.exists() else []
    for line in lines:
        row = {key.lower(): value for key, value in json.loads(line).items()}
        uid, at, kind = str(row["uniqueid"]), float(row["eventtime"]), row["eventtype"]
        if kind == "CHAN_START":
            found[uid] = Channel(
                uid, str(row["linkedid"]), row["channame"], str(row["num"]), row["context"], at
            )
            continue
        channel = found.get(uid)
        if channel is None:
            continue
        channel.number = channel.number or str(row["num"])
        if kind == "ANSWER":
            channel.answered_at = channel.answered_at or at
        elif kind == "BRIDGE_ENTER":
            channel.entered.append(at)
        elif kind == "BRIDGE_EXIT":
            channel.left.append(at)
        elif kind == "APP_START" and row["appname"] == "Queue":
            channel.queues.append((str(row["appdata"]).partition(",")[0], at, None))
        elif kind == "APP_END" and row["appname"] == "Queue" and channel.queues:
            name, since, _ = channel.queues[-1]
            channel.queues[-1] = name, since, at
        elif kind in ("HANGUP", "CHAN_END"):
            channel.ended_at = channel.ended_at or at
    return found


# --- both together -------------------------------------------------------------------------------

Outcome = Literal["answered", "abandoned", "let_go", "waiting"]
LegOutcome = Literal[
    "answered", "no_answer", "rejected", "caller_gave_up", "queue_gave_up", "elsewhere",
    "unreachable", "open",
]  # fmt: skip
EndedBy = Literal["agent", "caller", "transfer", "other"]


@dataclass
class Visit:
    """One stay of a caller in one queue."""

    call: str
    queue: str
    number: str
    joined_at: float
    left_at: float | None
    outcome: Outcome


@dataclass
class Part:
    """One seat's part of one call. `number` is the customer's."""

    uid: str
    call: str
    seat: str
    queue: str | None
    outbound: bool
    number: str
    offered_at: float
    ringing_at: float | None
    rung_until: float | None
    """When its ringing ended, answered or not."""
    answered_at: float | None
    """By the far end, where the seat called."""
    ended_at: float | None
    outcome: LegOutcome
    ended_by: EndedBy | None
    holds: list[tuple[Instant, Instant | None]]


@dataclass
class Seen:
    """Everything that was seen until now, oldest first."""

    visits: list[Visit]
    parts: list[Part]


def look(cel: Path, phones: dict[str, list[Path]], callers: Iterable[Path]) -> Seen:
    """`phones`: the traces of each seat's SIPps by device; `callers`: those of the customers'."""
    by_uid = channels(cel)
    customers: dict[str, list[Dialog]] = {}
    for trace in callers:
        for dialog in dialogs([trace]):
            if not dialog.incoming:
                # A caller's own number stands in the name of its trace.
                customers.setdefault(trace.name.partition("-")[0], []).append(dialog)
    at_seats = {
        device: sorted(dialogs(traces), key=lambda dialog: dialog.at)
        for device, traces in phones.items()
    }
    visits = [
        visit
        for channel in by_uid.values()
        if channel.device == TRUNK
        for visit in _visits(channel, by_uid, customers.get(channel.number, []))
    ]
    parts = [
        _part(channel, by_uid, visits, at_seats[channel.device], customers)
        for channel in by_uid.values()
        if channel.device in at_seats
    ]
    return Seen(visits, parts)


def _visits(caller: Channel, by_uid: dict[str, Channel], own: list[Dialog]) -> Iterator[Visit]:
    for queue, joined_at, app_ended_at in caller.queues:
        until = app_ended_at or caller.ended_at
        answers = [
            other.answered_at
            for other in by_uid.values()
            if other.linked == caller.uid
            and other.device != TRUNK
            and other.answered_at is not None
            and other.answered_at >= joined_at
            and (until is None or other.at < until)
        ]
        if answers:
            left_at, outcome = min(answers), "answered"
        elif until is None:
            left_at, outcome = None, "waiting"
        else:
            hung_up = any(dialog.bye_ours for dialog in _near(caller, own))
            left_at, outcome = until, "abandoned" if hung_up else "let_go"
        yield Visit(caller.uid, queue, caller.number, joined_at, left_at, outcome)  # type: ignore[arg-type]


def _near(channel: Channel, found: Iterable[Dialog]) -> list[Dialog]:
    """The calls that a phone saw while that channel lived."""
    until = channel.ended_at
    return [
        dialog
        for dialog in found
        if dialog.at >= channel.at - SLACK_S and (until is None or dialog.at <= until)
    ]


def _part(
    channel: Channel,
    by_uid: dict[str, Channel],
    visits: list[Visit],
    own: list[Dialog],
    customers: dict[str, list[Dialog]],
) -> Part:
    if channel.linked == channel.uid:
        return _outbound(channel, by_uid, own)
    caller = by_uid[channel.linked]
    seen = [
        dialog
        for dialog in _near(channel, own)
        if dialog.incoming and dialog.number == caller.number
    ]
    dialog = seen[0] if seen else None
    if dialog is not None:
        # Each call that a phone saw belongs to one channel.
        own.remove(dialog)
    visit = next(
        (
            v
            for v in visits
            if v.call == caller.uid
            and v.joined_at <= channel.at
            and (v.left_at is None or channel.at <= v.left_at)
        ),
        None,
    )
    answered_at = channel.answered_at
    ringing_at = dialog.ringing_at if dialog else None
    outcome, stopped_at = _outcome(channel, dialog, visit)
    ended_at = (channel.left[-1] if channel.left else channel.ended_at) if answered_at else None
    if answered_at is None:
        ended_at = stopped_at
    elif (channel.ended_at is None and len(channel.left) < len(channel.entered)) or (
        channel.ended_at is None and not channel.left
    ):
        ended_at = None
    holds = dialog.holds if dialog else []
    return Part(
        channel.uid, caller.uid, channel.device, visit.queue if visit else None, False,
        caller.number, channel.at, ringing_at, answered_at or stopped_at, answered_at, ended_at,
        outcome, _ended_by(channel, dialog, customers.get(caller.number, []), caller),
        [(start, end or (ended_at and (ended_at, ended_at))) for start, end in holds],
    )  # fmt: skip


def _outcome(
    channel: Channel, dialog: Dialog | None, visit: Visit | None
) -> tuple[LegOutcome, float | None]:
    """What became of an offer, and when it was over."""
    if channel.answered_at is not None:
        return "answered", channel.answered_at
    if dialog is None or dialog.ringing_at is None:
        if channel.ended_at is None:
            return "open", None
        return "unreachable", channel.ended_at
    if dialog.refused_at is not None:
        return "rejected", dialog.refused_at
    stopped_at = dialog.cancelled_at or channel.ended_at
    if stopped_at is None:
        return "open", None
    if visit is not None and visit.left_at is not None and visit.left_at <= stopped_at + SLACK_S:
        gave_up: dict[str, LegOutcome] = {
            "abandoned": "caller_gave_up", "let_go": "queue_gave_up", "answered": "elsewhere",
        }  # fmt: skip
        return gave_up[visit.outcome], stopped_at
    if visit is None:
        return "caller_gave_up", stopped_at
    return "no_answer", stopped_at


def _ended_by(
    channel: Channel, dialog: Dialog | None, customers: list[Dialog], caller: Channel
) -> EndedBy | None:
    if channel.answered_at is None or channel.ended_at is None:
        return None
    if dialog is not None and dialog.referred_at is not None:
        return "transfer"
    if dialog is not None and dialog.bye_ours:
        return "agent"
    if any(d.bye_ours for d in _near(caller, customers)):
        return "caller"
    return "other"


def _outbound(channel: Channel, by_uid: dict[str, Channel], own: list[Dialog]) -> Part:
    """The seat dialled by hand."""
    far = [c for c in by_uid.values() if c.linked == channel.uid and c.device == TRUNK]
    answered_at = far[0].answered_at if far else None
    dialled = [d for d in _near(channel, own) if not d.incoming]
    ended_at = None
    if channel.ended_at is not None:
        ended_at = channel.left[-1] if channel.left else channel.ended_at
    outcome: LegOutcome = "answered" if answered_at is not None else "no_answer"
    return Part(
        channel.uid, channel.uid, channel.device, None, True,
        dialled[0].number.removeprefix("9") if dialled else "", channel.at, None, None,
        answered_at, ended_at, outcome if ended_at is not None or answered_at else "open", None, [],
    )  # fmt: skip
