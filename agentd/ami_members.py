"""Which phone is in which queues, under what name, paused or not, and whether it can be reached:
read off a link's frames.

Pure. A service that drives a queue must know more of a membership than what the seat does now:
the interface that the queue calls, and whether the membership may be taken away.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from agentd.ami_actions import AmiAction
from agentd.ami_pbx import timestamp_us
from agentd.ports.telephony import Phone, QueueCaller, QueueMember

_EVENT = b"Event: QueueMember"
_STATUS = b"Event: QueueMemberStatus\r\n"
"""Comes with every change of the phone's state, and changes nothing here."""
_REMOVED = b"Event: QueueMemberRemoved\r\n"
_ITEM = b"Event: QueueMember\r\n"
_CALLER = b"Event: QueueEntry\r\n"

_DEVICE = b"Event: DeviceStateChange\r\n"
_RINGS = ("RINGING", "RINGINUSE")

_Key = tuple[str, str]
"""Queue and interface."""


class QueueMembers:
    """The members of one PBX's queues. Lists and events name things differently, as AMI does."""

    def __init__(self) -> None:
        self._members: dict[_Key, QueueMember] = {}
        self._listed: dict[_Key, QueueMember] | None = None
        self._callers: dict[tuple[str, str], QueueCaller] = {}

    def list_begins(self) -> None:
        """The PBX is asked for its queues."""
        self._listed = {}

    def list_ended(self, *, whole: bool) -> None:
        """What is in no list any more is gone (a reload says so in no other way)."""
        listed, self._listed = self._listed, None
        if whole and listed is not None:
            self._members = listed

    def callers_begin(self) -> None:
        """The PBX is asked who waits."""
        self._callers = {}

    def callers(self, queue: str) -> tuple[QueueCaller, ...]:
        """Who waited in ``queue`` when the PBX was asked last, in the queue's order."""
        found = [caller for (name, _), caller in self._callers.items() if name == queue]
        return tuple(sorted(found, key=lambda caller: caller.position))

    def saw_list_item(self, frame: bytes) -> None:
        """An item of that list, and maybe a QueueMember or one who waits."""
        if frame.startswith(_CALLER):
            self._saw_caller(frame)
            return
        if self._listed is not None and frame.startswith(_ITEM):
            member = _read(frame, name="Name", interface="Location")
            if member is not None:
                self._listed[member.queue, member.interface] = member

    def _saw_caller(self, frame: bytes) -> None:
        headers = _headers(frame)
        queue, uid = headers.get("Queue", ""), headers.get("Uniqueid", "")
        position, priority = headers.get("Position", ""), headers.get("Priority", "0")
        if queue and uid and position.isdigit():
            known = int(priority) if priority.lstrip("-").isdigit() else 0
            self._callers[queue, uid] = QueueCaller(
                uid, headers.get("Channel", ""), int(position), known
            )

    def saw_event(self, frame: bytes) -> None:
        """Any event. What comes while a list is pending is told after it, and is newer."""
        if not frame.startswith(_EVENT) or frame.startswith(_STATUS):
            return
        member = _read(frame, name="MemberName", interface="Interface")
        if member is None:
            return
        for members in (self._members, self._listed):
            if members is None:
                continue
            if frame.startswith(_REMOVED):
                members.pop((member.queue, member.interface), None)
            else:
                members[member.queue, member.interface] = member

    def did(self, action: AmiAction, headers: Mapping[str, str]) -> None:
        """The PBX did this for us; its event comes a moment after its answer."""
        interface, queue = headers.get("Interface", ""), headers.get("Queue")
        paused = headers.get("Paused") == "true"
        match action:
            case AmiAction.QUEUE_ADD if queue is not None:
                device, name = headers["StateInterface"], headers["MemberName"]
                member = QueueMember(queue, interface, device, name, dynamic=True, paused=paused)
                self._members[queue, interface] = member
            case AmiAction.QUEUE_REMOVE if queue is not None:
                self._members.pop((queue, interface), None)
            case AmiAction.QUEUE_PAUSE:
                reason = headers.get("Reason", "") if paused else ""
                for key, member in self._members.items():
                    if member.interface == interface and queue in (None, member.queue):
                        self._members[key] = replace(member, paused=paused, reason=reason)

    def of(self, device: str) -> tuple[QueueMember, ...]:
        """The places of a phone, by queue."""
        mine = [member for member in self._members.values() if member.device == device]
        return tuple(sorted(mine, key=lambda member: (member.queue, member.interface)))


class Phones:
    """The devices of one PBX, by name."""

    def __init__(self) -> None:
        self._phones: dict[str, Phone] = {}

    def saw(self, frame: bytes) -> None:
        """Any event, or an item of any list."""
        if not frame.startswith(_DEVICE):
            return
        headers = _headers(frame)
        device, state = headers.get("Device"), headers.get("State")
        # Queues have devices of their own; nobody sits there.
        if not device or not state or device.startswith("Queue:"):
            return
        before = self._phones.get(device)
        rang_us = before.rang_us if before is not None else None
        # An item of a list has no time, and may tell of a ring that began long ago.
        if state in _RINGS:
            rang_us = timestamp_us(headers.get("Timestamp")) or rang_us
        self._phones[device] = Phone(device, state, rang_us)

    def get(self, device: str) -> Phone | None:
        """The phone, as it was told last."""
        return self._phones.get(device)

    def all(self) -> tuple[Phone, ...]:
        """All of them, by name."""
        return tuple(phone for _, phone in sorted(self._phones.items()))


def _headers(frame: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in frame.decode("utf-8", "replace").split("\r\n"):
        key, _, value = line.partition(": ")
        headers.setdefault(key, value)
    return headers


def _read(frame: bytes, *, name: str, interface: str) -> QueueMember | None:
    headers = _headers(frame)
    queue, where = headers.get("Queue"), headers.get(interface)
    if not queue or not where:
        return None
    return QueueMember(
        queue=queue,
        interface=where,
        device=headers.get("StateInterface") or where,
        name=headers.get(name, ""),
        dynamic=headers.get("Membership") == "dynamic",
        paused=headers.get("Paused") == "1",
        reason=headers.get("PausedReason", ""),
    )
