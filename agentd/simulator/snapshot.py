"""Answers to the list actions, rendered from the world as it is. Items carry no Timestamp."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from agentd.simulator.model import DEVICE_STATUS, Queue
from agentd.simulator.pbx import World

ASTERISK_VERSION: Final = "22.10.1"


def action_id(value: str) -> str:
    """The ActionID line, or nothing where the client sent none."""
    return f"ActionID: {value}\r\n" if value else ""


def list_start(ident: str, message: str) -> bytes:
    return (
        f"Response: Success\r\n{action_id(ident)}EventList: start\r\nMessage: {message}\r\n\r\n"
    ).encode()


def list_end(name: str, ident: str, count: int, extra: str = "") -> bytes:
    return (
        f"Event: {name}\r\n{action_id(ident)}EventList: Complete\r\n"
        f"ListItems: {count}\r\n{extra}\r\n"
    ).encode()


def queue_status(world: World, ident: str, queue_name: str = "") -> Iterator[bytes]:
    """QueueStatus: start, then one chunk for each queue as it is when asked for, then the end."""
    yield list_start(ident, "Queue status will follow")
    count = 0
    for queue in world.queues:
        if queue_name and queue.spec.name != queue_name:
            continue
        items = list(_queue_items(world, queue, ident))
        count += len(items)
        yield "".join(items).encode()
    yield list_end("QueueStatusComplete", ident, count)


def _queue_items(world: World, queue: Queue, ident: str) -> Iterator[str]:
    tail = f"{action_id(ident)}\r\n"
    offered = queue.completed + queue.abandoned
    level = 100.0 * queue.completed / offered if offered else 0.0
    yield (
        f"Event: QueueParams\r\nQueue: {queue.spec.name}\r\nMax: 0\r\n"
        f"Strategy: {queue.spec.strategy}\r\nCalls: {len(queue.callers)}\r\n"
        f"Holdtime: {queue.holdtime_s}\r\nTalkTime: {queue.talktime_s}\r\n"
        f"Completed: {queue.completed}\r\nAbandoned: {queue.abandoned}\r\n"
        f"ServiceLevel: 15\r\nServicelevelPerf: {level:.1f}\r\nServicelevelPerf2: {level:.1f}\r\n"
        f"Weight: 0\r\n{tail}"
    )
    for member in queue.members:
        seat = member.seat
        if seat.person is None:
            continue
        yield (
            f"Event: QueueMember\r\nQueue: {queue.spec.name}\r\nName: {seat.person.label}\r\n"
            f"Location: {seat.device}\r\nStateInterface: {seat.device}\r\n"
            f"Membership: dynamic\r\nPenalty: 0\r\nCallsTaken: {member.calls_taken}\r\n"
            f"LastCall: {member.last_call}\r\nLastPause: {seat.last_pause}\r\n"
            f"LoginTime: {seat.login_time}\r\nInCall: {int(member.in_call)}\r\n"
            f"Status: {DEVICE_STATUS[seat.device_state]}\r\nPaused: {int(seat.paused)}\r\n"
            f"PausedReason: {seat.pause_reason}\r\nWrapuptime: 0\r\n{tail}"
        )
    for position, call in enumerate(queue.callers, 1):
        channel = call.customer
        unknown = "unknown" if channel.connected_number == "<unknown>" else ""
        yield (
            f"Event: QueueEntry\r\nQueue: {queue.spec.name}\r\nPosition: {position}\r\n"
            f"Channel: {channel.name}\r\nUniqueid: {channel.uniqueid}\r\n"
            f"CallerIDNum: {channel.caller_number}\r\nCallerIDName: {channel.caller_name}\r\n"
            f"ConnectedLineNum: {unknown or channel.connected_number}\r\n"
            f"ConnectedLineName: {unknown or channel.connected_name}\r\n"
            f"Wait: {(world.clock_us - call.joined_us) // 1_000_000}\r\n"
            f"Priority: {call.priority}\r\n{tail}"
        )


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def core_show_channels(world: World, ident: str) -> Iterator[bytes]:
    """CoreShowChannels, in chunks of channels."""
    yield list_start(ident, "Channels will follow")
    items = []
    for channel in list(world.channels.values()):
        age_s = (world.clock_us - channel.created_us) // 1_000_000
        items.append(
            f"Event: CoreShowChannel\r\n{action_id(ident)}".encode()
            + channel.block()
            + (
                f"Application: {channel.application}\r\n"
                f"ApplicationData: {channel.application_data}\r\nDuration: {_clock(age_s)}\r\n"
                f"BridgeId: {channel.bridge.uniqueid if channel.bridge else ''}\r\n\r\n"
            ).encode()
        )
    yield b"".join(items)
    yield list_end("CoreShowChannelsComplete", ident, len(items))


def status(world: World, ident: str) -> Iterator[bytes]:
    """Status of every channel."""
    yield list_start(ident, "Channel status will follow")
    items = []
    for channel in list(world.channels.values()):
        age_s = (world.clock_us - channel.created_us) // 1_000_000
        items.append(
            b"Event: Status\r\nPrivilege: Call\r\n"
            + channel.block()
            + (
                f"Type: PJSIP\r\nDNID: {channel.exten if channel.priority > 1 else ''}\r\n"
                f"EffectiveConnectedLineNum: {channel.connected_number}\r\n"
                f"EffectiveConnectedLineName: {channel.connected_name}\r\nTimeToHangup: 0\r\n"
                f"BridgeID: {channel.bridge.uniqueid if channel.bridge else ''}\r\n"
                f"Application: {channel.application}\r\nData: {channel.application_data}\r\n"
                f"Nativeformats: (alaw)\r\nReadformat: alaw\r\nReadtrans: \r\n"
                f"Writeformat: alaw\r\nWritetrans: \r\nCallgroup: 0\r\nPickupgroup: 0\r\n"
                f"Seconds: {age_s}\r\n{action_id(ident)}\r\n"
            ).encode()
        )
    yield b"".join(items)
    yield list_end("StatusComplete", ident, len(items), f"Items: {len(items)}\r\n")


def device_state_list(world: World, ident: str) -> Iterator[bytes]:
    """DeviceStateList of seats, trunks and the queues' pseudo devices."""
    yield list_start(ident, "Device State Changes will follow")
    items = [
        f"Event: DeviceStateChange\r\n{action_id(ident)}Device: {device}\r\nState: {state}\r\n\r\n"
        for device, state in world.devices.items()
    ]
    yield "".join(items).encode()
    yield list_end("DeviceStateListComplete", ident, len(items))


LISTS: Final[dict[str, Callable[[World, str], Iterator[bytes]]]] = {
    "queuestatus": queue_status,
    "coreshowchannels": core_show_channels,
    "status": status,
    "devicestatelist": device_state_list,
}


def fully_booted(world: World, now_us: int) -> bytes:
    """The event that follows a login; `Uptime` counts from the world's start."""
    up_s = (now_us - world.start_us) // 1_000_000 + 60
    return (
        f"Event: FullyBooted\r\nPrivilege: system,all\r\nUptime: {up_s}\r\n"
        f"LastReload: {up_s}\r\nStatus: Fully Booted\r\n\r\n"
    ).encode()
