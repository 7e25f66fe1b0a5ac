"""What a client may have the simulated PBX do, with Asterisk's own words for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from agentd.simulator import supervision
from agentd.simulator.config import Program
from agentd.simulator.legs import Call
from agentd.simulator.model import Member, Person, Seat
from agentd.simulator.outbound import click_to_dial
from agentd.simulator.pbx import World
from agentd.simulator.traffic import pause, unpause

Headers = Mapping[str, str]
"""An action's headers, names in lower case."""

PRIVILEGES = {
    "Ping": "<none>",
    "Login": "<none>",
    "Logoff": "<none>",
    "Events": "<none>",
    "ListCommands": "<none>",
    "QueueStatus": "<none>",
    "CoreSettings": "system,reporting,all",
    "CoreStatus": "system,reporting,all",
    "CoreShowChannels": "system,reporting,all",
    "Status": "system,call,reporting,all",
    "DeviceStateList": "call,reporting,all",
    "Getvar": "call,reporting,all",
    "QueueAdd": "agent,all",
    "QueueRemove": "agent,all",
    "QueuePause": "agent,all",
    "Originate": "originate,all",
    "Hangup": "system,call,all",
    "Redirect": "call,all",
    "QueueChangePriorityCaller": "<none>",
    "ShowDialPlan": "config,reporting,all",
}
"""What the simulated account may: all that desks and supervisors need."""


class ActionRefused(Exception):
    """The PBX says no; the message is what it answers."""


def queue_add(world: World, headers: Headers) -> str:
    """QueueAdd; the answer's message. Raises :class:`ActionRefused`."""
    queue = world.queue_of.get(headers.get("queue", ""))
    if queue is None:
        raise ActionRefused("Unable to add interface to queue: No such queue")
    seat = _seat(world, headers.get("interface", ""), "Unable to add interface: No such device")
    if seat.person is not None and any(member.queue is queue for member in seat.members):
        raise ActionRefused("Unable to add interface: Already there")
    if seat.person is None:
        for member in seat.members:
            member.queue.members.remove(member)
        seat.members.clear()
        seat.manned = True
        seat.person = Person("", headers.get("membername") or seat.device)
        seat.paused = headers.get("paused", "").lower() in ("1", "true", "yes")
        seat.pause_reason = ""
        seat.login_time = world.clock_us // 1_000_000
        seat.last_pause = seat.login_time if seat.paused else 0
    member = Member(queue, seat)
    seat.members.append(member)
    queue.members.append(member)
    if seat.paused:
        world.emit(*world.pseudo_device(f"Queue:{queue.spec.name}_pause_{seat.device}", "INUSE"))
    world.emit(
        member.said("QueueMemberAdded"),
        *world.availability(queue, False, world.is_available(seat)),
    )
    world.offer_seat(seat)
    return "Added interface to queue"


def queue_remove(world: World, headers: Headers) -> str:
    """QueueRemove; as above."""
    queue = world.queue_of.get(headers.get("queue", ""))
    if queue is None:
        raise ActionRefused("Unable to remove interface from queue: No such queue")
    gone = "Unable to remove interface: Not there"
    seat = _seat(world, headers.get("interface", ""), gone)
    member = next((one for one in seat.members if one.queue is queue), None)
    if member is None or seat.person is None:
        raise ActionRefused(gone)
    was_available = world.is_available(seat)
    world.emit(member.said("QueueMemberRemoved"))
    seat.members.remove(member)
    queue.members.remove(member)
    queue.free.pop(seat.number, None)
    world.emit(*world.availability(queue, was_available, False))
    if not seat.members:
        seat.person, seat.paused, seat.pause_reason = None, False, ""
    return "Removed interface from queue"


def queue_pause(world: World, headers: Headers) -> str:
    """QueuePause, in all of the interface's queues; as above."""
    seat = _seat(world, headers.get("interface", ""), "Interface not found")
    if seat.person is None or not seat.members:
        raise ActionRefused("Interface not found")
    if headers.get("paused", "").lower() in ("1", "true", "yes"):
        pause(world, seat, headers.get("reason", ""))
        return "Interface paused successfully"
    unpause(world, seat)
    return "Interface unpaused successfully"


def originate(world: World, headers: Headers) -> str:
    """Originate to a seat that then dials an extension; as above."""
    if headers.get("application") == "ChanSpy":
        return _known(supervision.spy)(world, headers)
    if "application" in headers or not headers.get("exten"):
        raise ActionRefused("Originate Access Forbidden: app or data blacklisted")
    exten = headers["exten"]
    seat = _seat(world, headers.get("channel", ""), "Channel not specified")
    if not seat.busy:
        call = Call(world, Program.CLICK_TO_DIAL, exten)
        world.take_seat(seat)
        call.process = world.spawn(
            lambda process: click_to_dial(
                world, call, seat, exten=exten, ident=headers.get("actionid", "")
            )
        )
    return "Originate successfully queued"


def recording_file(world: World, headers: Headers) -> str:
    """Getvar of the one variable that there is: where the channel's call is recorded."""
    channel = next((c for c in world.channels.values() if c.name == headers.get("channel")), None)
    folder = world.config.recordings
    if channel is None:
        raise ActionRefused("No such channel")
    if folder is None or headers.get("variable") != "MIXMONITOR_FILENAME":
        return ""
    return str(folder / f"{channel.uniqueid}.wav")


def _known(act: Callable[[World, Headers], str]) -> Callable[[World, Headers], str]:
    def done(world: World, headers: Headers) -> str:
        try:
            return act(world, headers)
        except supervision.Unknown as unknown:
            raise ActionRefused(str(unknown)) from None

    return done


DOES = {
    "queueadd": queue_add,
    "queueremove": queue_remove,
    "queuepause": queue_pause,
    "originate": originate,
    "hangup": _known(supervision.hang_up),
    "redirect": _known(supervision.redirect),
    "queuechangeprioritycaller": _known(supervision.change_priority),
}


def _seat(world: World, device: str, otherwise: str) -> Seat:
    seat = next((seat for seat in world.seats if seat.device == device), None)
    if seat is None:
        raise ActionRefused(otherwise)
    return seat
