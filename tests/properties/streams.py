"""Material for properties: recorded calls and simulated traffic, as frames that can be moved."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from agentd.core.decode import decode
from agentd.core.effects import Effect, to_record
from agentd.core.policy import PolicyBook
from agentd.pipeline import Pipeline
from agentd.simulator import SimConfig
from agentd.simulator import snapshot as lists
from agentd.simulator.recording import opening_bytes
from agentd.simulator.traffic import build
from agentd.simulator.wire import ALL_CLASSES

TRANSCRIPTS = Path(__file__).parent.parent / "transcripts"
END = b"\r\n\r\n"
START_US = 1_795_000_000_000_000
RELINK = b"Asterisk Call Manager/11.0.0\r\nResponse: Success\r\nMessage: accepted\r\n\r\n"

Records = list[dict[str, Any]]


@cache
def transcript(name: str) -> bytes:
    return (TRANSCRIPTS / f"{name}.ami").read_bytes()


@cache
def transcript_names() -> list[str]:
    return sorted(path.name.removesuffix(".ami") for path in TRANSCRIPTS.glob("*.ami"))


@cache
def simulated(seed: int) -> tuple[bytes, tuple[tuple[int, bytes], ...], tuple[bytes, ...]]:
    """(opening, frames with their times, a snapshot after each second) of some busy minutes."""
    config = SimConfig(seed=seed, seats=6, calls_per_s=0.25, talk_scale=0.5, break_every_s=40)
    world = build(config, START_US)
    opening = opening_bytes(world)
    frames: list[tuple[int, bytes]] = []
    snapshots: list[bytes] = []
    for second in range(1, 121):
        for at_us, bit, frame in world.advance(START_US + second * 1_000_000):
            if bit & ALL_CLASSES:
                frames.append((at_us, frame))
        snapshots.append(
            b"".join([*lists.core_show_channels(world, "s"), *lists.queue_status(world, "s")])
        )
    return opening, tuple(frames), tuple(snapshots)


def simulated_bytes(seed: int) -> bytes:
    opening, frames, _ = simulated(seed)
    return opening + b"".join(frame for _, frame in frames)


def run(*pieces: bytes, run_out: bool = False) -> list[Effect]:
    pipeline = Pipeline("pbx", PolicyBook())
    effects: list[Effect] = []
    for piece in pieces:
        effects += pipeline.feed(piece)
    effects += pipeline.finish(run_out=run_out)
    return effects


def records(effects: list[Effect]) -> Records:
    return [r for r in map(to_record, effects) if r is not None]


def charged(effects: list[Effect]) -> set[tuple[str, str, str | None]]:
    """(rule, call, leg) of every violation."""
    return {(r["rule"], r["call"], r["leg"]) for r in records(effects) if r["type"] == "violation"}


def split_frames(data: bytes) -> tuple[bytes, list[bytes]]:
    """(everything before the first event with a Timestamp, the frames from there)."""
    parts = [part + END for part in data.split(END) if part]
    first = next(i for i, part in enumerate(parts) if b"\r\nTimestamp: " in part)
    return b"".join(parts[:first]), parts[first:]


def stamp_us(frame: bytes) -> int:
    return decode(frame.removesuffix(END)).at_us


def same(left: list[Effect], right: list[Effect]) -> None:
    """Fail, showing the first difference, unless both say the same."""
    a, b = records(left), records(right)
    for i, (x, y) in enumerate(zip(a, b, strict=False)):
        assert x == y, f"record {i}:\n{json.dumps(x)}\n{json.dumps(y)}"
    assert len(a) == len(b), (a[len(b) :] or b[len(a) :])[:3]
