"""Reading AMI streams as frames, and playing single programs, for the simulator's tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agentd.simulator import Program, QueueSpec, SimConfig, Truth
from agentd.simulator.recording import DEFAULT_START_S, opening_bytes, stream
from agentd.simulator.traffic import build, start_call

TRANSCRIPTS = Path(__file__).parent.parent / "transcripts"
SIGNIFICANT_CLASSES = {"call,all", "agent,all"}


@dataclass(frozen=True)
class Frame:
    """One AMI message: its header lines in order, keys possibly repeated."""

    lines: tuple[tuple[str, str], ...]

    def get(self, key: str) -> str:
        return next((value for name, value in self.lines if name == key), "")

    @property
    def name(self) -> str:
        return self.get("Event")

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.lines)


def frames(data: bytes) -> Iterator[Frame]:
    """The messages of a stream; the banner line is left out."""
    text = data.decode("utf-8", "surrogateescape")
    if text.startswith("Asterisk Call Manager"):
        text = text.partition("\r\n")[2]
    for chunk in text.split("\r\n\r\n"):
        if chunk:
            lines = (line.partition(":") for line in chunk.split("\r\n"))
            yield Frame(tuple((key, value.removeprefix(" ")) for key, _, value in lines))


def events(data: bytes) -> list[Frame]:
    """The stamped events of the classes that agentd reads."""
    return [
        frame
        for frame in frames(data)
        if frame.get("Timestamp") and frame.get("Privilege") in SIGNIFICANT_CLASSES
    ]


def play(
    program: Program,
    *,
    strategy: str = "leastrecent",
    seats: int = 2,
    seconds: float = 200.0,
    seed: int = 1,
    dialplan: bool = False,
) -> tuple[bytes, Truth]:
    """One call of this program in an otherwise silent room: its stream and its truth."""
    queue = QueueSpec("hotline", "12345", strategy=strategy)
    queues = (QueueSpec("spare", "12300"), queue) if strategy == "ringall" else (queue,)
    config = SimConfig(
        seats=seats,
        queues=queues,
        calls_per_s=0.0,
        seed=seed,
        break_every_s=0.0,
        opening=False,
        dialplan=dialplan,
    )
    world = build(config, DEFAULT_START_S * 1_000_000)
    head = opening_bytes(world)
    start_call(world, program, world.queue_of["hotline"])
    return head + b"".join(stream(world, seconds)), world.truth


class Followed:
    """What a listener knows who folds the events and never asks again."""

    def __init__(self) -> None:
        self.channels: dict[str, tuple[str, str]] = {}
        self.bridge_of: dict[str, str] = {}
        self.members: dict[tuple[str, str], tuple[str, str, str, str, str]] = {}
        self.waiting: dict[str, list[str]] = {}
        self.devices: dict[str, str] = {}

    def apply(self, frame: Frame) -> None:
        get = frame.get
        uniqueid = get("Uniqueid")
        match frame.name:
            case "Newchannel" | "Newstate":
                self.channels[uniqueid] = (get("Channel"), get("ChannelState"))
            case "Hangup":
                del self.channels[uniqueid]
            case "BridgeEnter":
                self.bridge_of[uniqueid] = get("BridgeUniqueid")
            case "BridgeLeave":
                assert self.bridge_of.pop(uniqueid) == get("BridgeUniqueid")
            case "QueueCallerJoin":
                waiting = self.waiting.setdefault(get("Queue"), [])
                waiting.append(uniqueid)
                assert get("Count") == get("Position") == str(len(waiting))
            case "QueueCallerLeave":
                waiting = self.waiting[get("Queue")]
                assert get("Position") == str(waiting.index(uniqueid) + 1)
                waiting.remove(uniqueid)
                assert get("Count") == str(len(waiting))
            case "QueueMemberStatus" | "QueueMemberPause" | "QueueMemberAdded":
                self.members[get("Queue"), get("Interface")] = member(frame, "MemberName")
            case "QueueMemberRemoved":
                del self.members[get("Queue"), get("Interface")]
            case "DeviceStateChange":
                self.devices[get("Device")] = get("State")
            case _:
                pass


def member(frame: Frame, name_key: str) -> tuple[str, str, str, str, str]:
    return (
        frame.get(name_key),
        frame.get("Status"),
        frame.get("Paused"),
        frame.get("PausedReason"),
        frame.get("CallsTaken"),
    )
