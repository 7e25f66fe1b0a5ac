"""A whole AMI stream of simulated traffic in virtual time: no socket, no waiting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from agentd.simulator import snapshot
from agentd.simulator.config import SimConfig
from agentd.simulator.pbx import World
from agentd.simulator.traffic import build
from agentd.simulator.truth import Truth
from agentd.simulator.wire import ALL_CLASSES

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
AUTHENTICATED = b"Response: Success\r\nMessage: Authentication accepted\r\n\r\n"
DEFAULT_START_S = 1_795_000_000


def opening_bytes(world: World) -> bytes:
    """Banner, login answer, FullyBooted and the snapshot, as a recording begins."""
    return b"".join(
        [
            BANNER,
            AUTHENTICATED,
            snapshot.fully_booted(world, world.clock_us),
            *snapshot.core_show_channels(world, "c1"),
            *snapshot.queue_status(world, "q1"),
        ]
    )


def stream(
    world: World, duration_s: float, *, classes: int = ALL_CLASSES, step_s: float = 1.0
) -> Iterator[bytes]:
    """The world's frames for `duration_s` of virtual time, in pieces of `step_s`."""
    begun_us = world.clock_us
    end_us = begun_us + round(duration_s * 1e6)
    step_us = max(1, round(step_s * 1e6))
    for until_us in [*range(begun_us + step_us, end_us, step_us), end_us]:
        yield b"".join(frame for _, bit, frame in world.advance(until_us) if bit & classes)


def render_with_truth(
    config: SimConfig, duration_s: float, *, start_s: int = DEFAULT_START_S
) -> tuple[bytes, Truth]:
    """A recording and what really happened in it."""
    world = build(config, start_s * 1_000_000)
    data = b"".join([opening_bytes(world), *stream(world, duration_s)])
    return data, world.truth


def render_recording(
    seed: int,
    duration_s: float,
    *,
    config: SimConfig | None = None,
    start_s: int = DEFAULT_START_S,
) -> bytes:
    """An AMI stream of `duration_s` simulated seconds, the same bytes for the same arguments.

    `config` gives everything else than the seed; without it the defaults of `SimConfig` hold.
    """
    chosen = replace(config or SimConfig(), seed=seed)
    return render_with_truth(chosen, duration_s, start_s=start_s)[0]
