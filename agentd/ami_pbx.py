"""What can be learnt of a PBX and of our account there from the answers and events it sends.

Pure: bytes and times come in, warnings and an offset come out.

AMI tells nobody what he may *read*. So a missing event class is only ever concluded from evidence:
two snapshots of one link differ, and no event of the class that reports such changes came between.
What an account may *write* is known: ListCommands names every permitted action with its classes.
"""

from __future__ import annotations

import datetime as dt
import re
import statistics
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from agentd.ami_actions import AmiAction

Warnings = dict[str, str]
"""Stable code to a plain sentence that says the mend."""

# --- versions ----------------------------------------------------------------------------------

_END_OF_SUPPORT = {
    16: dt.date(2023, 10, 9),
    17: dt.date(2021, 10, 28),
    18: dt.date(2025, 10, 20),
    19: dt.date(2023, 11, 2),
    20: dt.date(2027, 10, 19),
    21: dt.date(2026, 10, 18),
    22: dt.date(2029, 10, 16),
    23: dt.date(2028, 10, 15),
}
"""Asterisk's release series to the day after which nobody mends its security holes."""

_FIRST_OF_TABLE = min(_END_OF_SUPPORT)
_OLDEST_TESTED = 16

# Since Asterisk 16 AMI's major version has gone up by one with every release series.
_AMI_TO_ASTERISK = {ami: ami + 11 for ami in range(5, 30)}


def asterisk_series(version: str | None, ami_version: str | None) -> int | None:
    """The release series (22 for ``22.10.1`` or ``certified/22.8-cert1``), None when unknown.

    ``version`` is what CoreSettings says. Where the account may not ask, AMI's own version from
    the banner tells the series as well; AMI 2 to 4 are Asterisk 12 to 15, reported as 15.
    """
    if version is not None:
        match = re.search(r"(?:^|/|\b)(\d+)\.\d", version)
        if match is not None:
            return int(match[1])
    match = re.match(r"(\d+)\.", ami_version or "")
    if match is None:
        return None
    major = int(match[1])
    return _AMI_TO_ASTERISK.get(major, 15 if major < min(_AMI_TO_ASTERISK) else None)


def version_warnings(series: int | None, version: str | None, today: dt.date) -> Warnings:
    """Is this PBX still looked after, and do we know it?"""
    if series is None:
        return {}
    if series < _OLDEST_TESTED:
        return {
            "pbx_too_old": f"Asterisk {series} and older were never tried with agentd and get no"
            " security fixes: move to Asterisk 22 (LTS)."
        }
    # Certified releases have dates of their own.
    end = None if "cert" in (version or "") else _END_OF_SUPPORT.get(series)
    if end is None or today <= end:
        return {}
    return {
        "pbx_out_of_support": f"Asterisk {series} gets no security fixes since"
        f" {end.isoformat()}: move to Asterisk 22 (LTS)."
    }


# --- what the account may do -------------------------------------------------------------------

_PRIVILEGES = re.compile(r"\(Priv: ([^)]*)\)\s*$")

_DANGEROUS = {
    "originate": "start any application",
    "command": "run any CLI command",
    "config": "rewrite the configuration",
    "system": "load modules and restart Asterisk",
}


@dataclass(frozen=True, slots=True)
class Permissions:
    """What ListCommands said: permitted actions (lower case), and the write classes it proves."""

    actions: frozenset[str]
    write_classes: frozenset[str]

    def allows(self, action: AmiAction) -> bool:
        return action.value.lower() in self.actions


def read_permissions(answer: Iterable[tuple[str, object]]) -> Permissions:
    """From the headers of the answer to ListCommands: ``Name: synopsis (Priv: class,class)``.

    An action is listed when the account has *any* of its classes, so only an action with a single
    class proves that class.
    """
    actions, classes = set(), set()
    for name, value in answer:
        match = _PRIVILEGES.search(value) if isinstance(value, str) else None
        if match is None:
            continue
        actions.add(name.lower())
        needs = set(match[1].split(",")) - {"all", "<none>"}
        if len(needs) == 1:
            classes |= needs
    return Permissions(frozenset(actions), frozenset(classes))


def permission_warnings(permissions: Permissions, *, dials: bool = False) -> Warnings:
    """What the account may and should not. ``dials``: calls are placed over it."""
    wanted = {"originate"} if dials else set()
    found = [name for name in _DANGEROUS if name in permissions.write_classes - wanted]
    if not found:
        return {}
    can = ", ".join(_DANGEROUS[name] for name in found)
    most = "reporting,agent,call,originate" if dials else "reporting,agent,call"
    needs = f"write=reporting, and at most {most}"
    return {
        "account_too_powerful": f"The AMI account has write={','.join(found)}: whoever learns its"
        f" password can {can}. agentd needs only {needs} (manager.conf)."
    }


# --- what the events show ----------------------------------------------------------------------

_WATCHED = ("system", "call", "agent")


def _header(frame: bytes, name: bytes) -> bytes | None:
    start = frame.find(b"\r\n" + name + b": ")
    if start < 0:
        return None
    start += len(name) + 4
    end = frame.find(b"\r\n", start)
    return frame[start:] if end < 0 else frame[start:end]


def _number(frame: bytes, name: bytes) -> int:
    value = _header(frame, name) or b""
    return int(value) if value.isdigit() else 0


@dataclass(slots=True)
class _Snapshot:
    """What of a snapshot cannot change without an event."""

    channels: set[bytes | None]
    """Uniqueids; they come with Newchannel and go with Hangup (class ``call``)."""
    queues: dict[bytes | None, tuple[int, int, int]]
    """By name: callers waiting, and how many calls were completed and abandoned (``agent``)."""


def _moved(before: _Snapshot, now: _Snapshot) -> set[str]:
    """Event classes that must have had something to say between the two.

    Queues that came or went, and counters that shrank, prove nothing: a reload does that silently.
    """
    found = set()
    if now.channels != before.channels:
        found.add("call")
    for name in now.queues.keys() & before.queues.keys():
        waiting, completed, abandoned = now.queues[name]
        old_waiting, old_completed, old_abandoned = before.queues[name]
        if (
            completed > old_completed
            or abandoned > old_abandoned
            or (waiting != old_waiting and completed >= old_completed)
        ):
            found.add("agent")
    return found


class EventWatch:
    """Judges, for one link, whether the events that we need come, and come with their time.

    ``event_mask`` is what was asked for, such as ``system,call,agent``.
    """

    def __init__(self, event_mask: str) -> None:
        names = {name.strip() for name in event_mask.split(",")}
        everything = bool(names & {"on", "all"})
        self._wanted = frozenset(_WATCHED if everything else names.intersection(_WATCHED))
        self._dialplan_possible = everything or "dialplan" in names
        self._seen: set[str] = set()
        self._missing: set[str] = set()
        self._suspected: set[str] = set()
        self._timestamps: bool | None = None
        self._now = _Snapshot(set(), {})
        self._before: _Snapshot | None = None

    def link_begins(self) -> None:
        """A new link: what was missing stays so until it is seen; all else is judged anew."""
        self._seen.clear()
        self._suspected.clear()
        self._before = None
        if self._timestamps:
            self._timestamps = None

    @property
    def content(self) -> bool:
        """All that we look for was seen: more events can teach nothing."""
        return (
            self._timestamps is True
            and self._wanted <= self._seen
            and (not self._dialplan_possible or "dialplan" in self._seen)
        )

    @property
    def waiting_for(self) -> frozenset[str]:
        """Wanted classes of which no event was seen yet."""
        return self._wanted - self._seen

    def saw_event(self, frame: bytes) -> None:
        """An event that is not part of an answer of ours."""
        privilege = _header(frame, b"Privilege")
        if privilege is None:
            return
        classes = set(privilege.decode("ascii", "replace").split(",")) - {"all"}
        self._seen |= classes
        self._missing -= classes
        self._suspected -= classes
        # The one that follows a login is written by hand in Asterisk and never has a time.
        if not frame.startswith(b"Event: FullyBooted\r\n"):
            stamped = b"\r\nTimestamp: " in frame
            self._timestamps = stamped or bool(self._timestamps)

    def login_answered(self) -> None:
        """All that comes with the login is in: FullyBooted, if the account may read ``system``."""
        if "system" in self._wanted - self._seen:
            self._missing.add("system")

    def saw_list_item(self, frame: bytes) -> None:
        """An event of a list that a snapshot asked for."""
        if frame.startswith(b"Event: CoreShowChannel\r\n"):
            self._now.channels.add(_header(frame, b"Uniqueid"))
        elif frame.startswith(b"Event: QueueParams\r\n"):
            counters = [_number(frame, name) for name in (b"Calls", b"Completed", b"Abandoned")]
            self._now.queues[_header(frame, b"Queue")] = (counters[0], counters[1], counters[2])

    def snapshot_begins(self) -> None:
        self._now = _Snapshot(set(), {})

    def snapshot_ended(self, *, whole: bool) -> None:
        """Suspect the classes whose subjects changed since the snapshot before. One that is not
        ``whole``, because the PBX refused a list, is held against nothing."""
        if not whole:
            self._before = None
            return
        if self._before is not None:
            self._suspected |= _moved(self._before, self._now) & self.waiting_for
        self._before = self._now

    def settle(self) -> None:
        """A ping that was sent after the last snapshot is answered: every event before is in."""
        self._missing |= self._suspected
        self._suspected = set()

    def warnings(self) -> Warnings:
        found = {}
        if self._timestamps is False:
            found["no_timestamps"] = (
                "Events come without Timestamp, so no time can be judged: set timestampevents=yes"
                " in the [general] section of manager.conf and reload manager."
            )
        for name in _WATCHED:
            if name in self._missing:
                why = (
                    "no FullyBooted came at login (or Asterisk is still starting)"
                    if name == "system"
                    else "the PBX changed and no such event came"
                )
                found[f"no_{name}_events"] = (
                    f"Events of class {name} do not arrive: {why}. Give the AMI account"
                    f" read=system,call,agent, and let no eventfilter or disabledevents hide them"
                    " (manager.conf)."
                )
        if "dialplan" in self._seen:
            found["dialplan_events"] = (
                "Dialplan events (Newexten, VarSet) arrive, about half of all traffic, and nothing"
                " uses them: take dialplan out of the event mask."
            )
        return found


# --- the PBX's clock ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Sample:
    offset_us: int
    round_trip_us: int
    sent_us: int


class ClockOffset:
    """The PBX's clock minus ours, from pings.

    The answer to a ping carries the PBX's time; it is held against the middle of the round trip,
    which is wrong by half the round trip at worst. Of the last samples the half with the shortest
    round trips counts, and of those the median.
    """

    _KEPT = 8
    _STEP_US = 50_000
    _STEP_SAMPLES = 3
    _SURE_STEP_US = 250_000

    def __init__(self) -> None:
        self._samples: deque[_Sample] = deque(maxlen=self._KEPT)

    def add(self, sent_us: int, received_us: int, pbx_us: int) -> None:
        """One ping: our clock when it went out and when its answer came, and the PBX's time."""
        middle_us = (sent_us + received_us) // 2
        sample = _Sample(pbx_us - middle_us, received_us - sent_us, sent_us)
        before_us = self.offset_us()
        if before_us is not None:
            unsure_us = self.uncertain_us() + sample.round_trip_us
            if abs(sample.offset_us - before_us) > self._SURE_STEP_US + unsure_us:
                # No delay explains this: the clock was set, and one answer is enough to know.
                self._samples.clear()
        self._samples.append(sample)
        self._forget_before_a_step()

    def offset_us(self) -> int | None:
        """Microseconds to add to our clock to have the PBX's; None before the first ping."""
        if not self._samples:
            return None
        return round(statistics.median(sample.offset_us for sample in self._best()))

    def uncertain_us(self) -> int:
        """How far :meth:`offset_us` may be wrong: half a round trip; 0 before the first ping."""
        return max((sample.round_trip_us for sample in self._best()), default=0) // 2

    def since_us(self) -> int | None:
        """Our clock at the first ping that counts; None before it."""
        return min((sample.sent_us for sample in self._samples), default=None)

    def _best(self) -> list[_Sample]:
        ranked = sorted(self._samples, key=lambda sample: sample.round_trip_us)
        return ranked[: (len(ranked) + 1) // 2]

    def _forget_before_a_step(self) -> None:
        """When somebody set the PBX's clock, the samples from before only mislead."""
        if len(self._samples) <= self._STEP_SAMPLES:
            return
        samples = list(self._samples)
        old, new = samples[: -self._STEP_SAMPLES], samples[-self._STEP_SAMPLES :]
        before = statistics.median(sample.offset_us for sample in old)
        # Beyond what the round trip explains, and all to the same side.
        jumps = [
            sample.offset_us - before
            for sample in new
            if abs(sample.offset_us - before) > self._STEP_US + sample.round_trip_us
        ]
        if len(jumps) == len(new) and (min(jumps) > 0 or max(jumps) < 0):
            self._samples = deque(new, maxlen=self._KEPT)


def timestamp_us(text: object) -> int | None:
    """``1790000000.123456`` in microseconds since the epoch; None when it is not of that form."""
    match = re.fullmatch(r"(\d{1,12})\.(\d{1,6})", text) if isinstance(text, str) else None
    if match is None:
        return None
    return int(match[1]) * 1_000_000 + int(match[2].ljust(6, "0"))


def answered_version(answer: Mapping[str, str]) -> str | None:
    """Asterisk's version out of the answer to CoreSettings, without a packager's tail."""
    version = answer.get("asteriskversion")
    if not isinstance(version, str) or not version.strip():
        return None
    return re.split(r"[~+]", version.strip())[0]
