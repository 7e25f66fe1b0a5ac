"""Which phone is in which queues: read off lists and events, in whatever order they come."""

from __future__ import annotations

from agentd.ami_actions import AmiAction
from agentd.ami_members import Phones, QueueMembers
from agentd.ports.telephony import Phone, QueueCaller, QueueMember


def event(name: str, queue: str = "hotline", phone: str = "PJSIP/1001", **changed: str) -> bytes:
    headers = {
        "Event": name,
        "Privilege": "agent,all",
        "Queue": queue,
        "MemberName": "张三",
        "Interface": phone,
        "StateInterface": phone,
        "Membership": "dynamic",
        "Paused": "0",
        "PausedReason": "",
        **changed,
    }
    return "\r\n".join(f"{key}: {value}" for key, value in headers.items()).encode() + b"\r\n"


def item(queue: str = "hotline", phone: str = "PJSIP/1001", membership: str = "static") -> bytes:
    return (
        f"Event: QueueMember\r\nQueue: {queue}\r\nName: 张三\r\nLocation: {phone}\r\n"
        f"StateInterface: {phone.replace('Local/1001@agents/n', 'PJSIP/1001')}\r\n"
        f"Membership: {membership}\r\nPaused: 0\r\nPausedReason: \r\n"
    ).encode()


def queues(members: QueueMembers, phone: str = "PJSIP/1001") -> list[str]:
    return [member.queue for member in members.of(phone)]


def listed(members: QueueMembers, *items: bytes, whole: bool = True) -> None:
    members.list_begins()
    for one in items:
        members.saw_list_item(one)
    members.list_ended(whole=whole)


def test_a_list_tells_everything() -> None:
    members = QueueMembers()
    listed(members, item(), item("sales", "Local/1001@agents/n"), item("sales", "PJSIP/1002"))
    assert members.of("PJSIP/1001") == (
        QueueMember("hotline", "PJSIP/1001", "PJSIP/1001", "张三", dynamic=False, paused=False),
        QueueMember(
            "sales", "Local/1001@agents/n", "PJSIP/1001", "张三", dynamic=False, paused=False
        ),
    )
    listed(members, item())
    assert queues(members) == ["hotline"]


def test_half_a_list_takes_nothing_away() -> None:
    members = QueueMembers()
    listed(members, item(), item("sales"))
    listed(members, item(), whole=False)
    assert queues(members) == ["hotline", "sales"]


def test_events_change_it() -> None:
    members = QueueMembers()
    members.saw_event(event("QueueMemberAdded"))
    members.saw_event(event("QueueMemberPause", Paused="1", PausedReason="培训: 第二组"))
    (member,) = members.of("PJSIP/1001")
    assert (member.dynamic, member.paused, member.reason) == (True, True, "培训: 第二组")
    members.saw_event(event("QueueMemberRemoved"))
    assert queues(members) == []
    members.saw_event(event("QueueMemberStatus"))
    members.saw_event(b"Event: Hangup\r\nQueue: hotline\r\n")
    assert queues(members) == []


def test_what_happens_while_a_list_is_made_is_newer() -> None:
    members = QueueMembers()
    members.list_begins()
    members.saw_list_item(item("sales"))
    members.saw_event(event("QueueMemberRemoved", "sales"))
    members.saw_event(event("QueueMemberAdded", "hotline"))
    members.list_ended(whole=True)
    assert queues(members) == ["hotline"]


def test_what_was_done_for_us_is_known_before_its_event() -> None:
    members = QueueMembers()
    phone = {"Interface": "PJSIP/1001", "StateInterface": "PJSIP/1001", "MemberName": "张三"}
    for queue in ("hotline", "sales"):
        members.did(AmiAction.QUEUE_ADD, {**phone, "Queue": queue, "Paused": "true"})
    assert [m.paused for m in members.of("PJSIP/1001")] == [True, True]
    members.did(AmiAction.QUEUE_PAUSE, {"Interface": "PJSIP/1001", "Paused": "false"})
    pause = {"Interface": "PJSIP/1001", "Paused": "true", "Reason": "午休", "Queue": "sales"}
    members.did(AmiAction.QUEUE_PAUSE, pause)
    assert [(m.paused, m.reason) for m in members.of("PJSIP/1001")] == [(False, ""), (True, "午休")]
    members.did(AmiAction.QUEUE_REMOVE, {"Queue": "sales", "Interface": "PJSIP/1001"})
    assert queues(members) == ["hotline"]


def device(name: str, state: str, at: str = "") -> bytes:
    stamp = f"Timestamp: {at}\r\n" if at else ""
    return f"Event: DeviceStateChange\r\n{stamp}Device: {name}\r\nState: {state}\r\n".encode()


def test_a_phone_is_there_and_was_heard_to_ring() -> None:
    phones = Phones()
    assert phones.get("PJSIP/1001") is None
    phones.saw(device("PJSIP/1001", "RINGING"))
    assert phones.get("PJSIP/1001") == Phone("PJSIP/1001", "RINGING", None)
    phones.saw(device("PJSIP/1001", "RINGING", "1790000000.500000"))
    phones.saw(device("PJSIP/1001", "UNAVAILABLE", "1790000009.000000"))
    phone = phones.get("PJSIP/1001")
    assert phone == Phone("PJSIP/1001", "UNAVAILABLE", 1_790_000_000_500_000)
    assert not phone.reachable
    phones.saw(device("PJSIP/1001", "NOT_INUSE"))
    phone = phones.get("PJSIP/1001")
    assert phone is not None
    assert phone.reachable
    assert phone.rang_us is not None


def test_a_queue_is_no_phone() -> None:
    phones = Phones()
    phones.saw(device("Queue:hotline_avail", "NOT_INUSE"))
    phones.saw(b"Event: Hangup\r\nDevice: PJSIP/1\r\nState: x\r\n")
    assert phones.get("Queue:hotline_avail") is None
    assert phones.get("PJSIP/1") is None


def waiting(queue: str, position: int, uid: str, priority: str = "0") -> bytes:
    return (
        f"Event: QueueEntry\r\nQueue: {queue}\r\nPosition: {position}\r\n"
        f"Channel: PJSIP/trunk-{uid}\r\nUniqueid: {uid}\r\nPriority: {priority}\r\n"
    ).encode()


def test_who_waits_stands_in_the_queues_order() -> None:
    members = QueueMembers()
    members.callers_begin()
    for frame in (waiting("sales", 1, "3"), waiting("hotline", 2, "2", "5"), item()):
        members.saw_list_item(frame)
    members.saw_list_item(waiting("hotline", 1, "1"))
    assert members.callers("hotline") == (
        QueueCaller("1", "PJSIP/trunk-1", 1, 0),
        QueueCaller("2", "PJSIP/trunk-2", 2, 5),
    )
    members.callers_begin()
    assert members.callers("hotline") == ()


def test_all_phones_by_name() -> None:
    phones = Phones()
    for device in ("PJSIP/2", "PJSIP/1", "Queue:hotline"):
        phones.saw(f"Event: DeviceStateChange\r\nDevice: {device}\r\nState: INUSE\r\n".encode())
    assert [phone.device for phone in phones.all()] == ["PJSIP/1", "PJSIP/2"]
