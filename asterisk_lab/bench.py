"""The benchmark's recording: many calls at once, each answered and held, every event class on."""

from __future__ import annotations

import asyncio
import gzip
import tempfile
from pathlib import Path

from .config import PHONE_HOST, TRUNK_HOST, Member, Queue
from .native import NativePbx
from .phones import Sipp, answer, bye, call, hold, ring, unhold, until_bye, wait
from .timeline import Timeline, split_frames

SEATS = 100
QUEUES = 4
CALLS_PER_S = 12.0


class TooFew(RuntimeError):
    """The recording holds fewer answered and held calls than asked for."""


async def bench_recording(path: Path, *, calls: int = 600, wanted: int = 500) -> str:
    """Record `calls` calls on 100 seats to `path` (gzip'ed when it ends in .gz).

    Returns a line that says what it holds; raises TooFew when fewer than `wanted` calls were
    answered, held and taken back.
    """
    seats = [(str(1001 + n), f"座席 {1001 + n}") for n in range(SEATS)]
    queues = [
        Queue(f"queue{q}", f"800{q}", [Member(number) for number, _ in seats[q::QUEUES]])
        for q in range(QUEUES)
    ]
    raw = path.with_suffix("") if path.suffix == ".gz" else path
    async with NativePbx(seats, queues, shared_phone=True) as pbx:
        with tempfile.TemporaryDirectory(prefix="agentd-sipp-") as work:
            target = f"{PHONE_HOST}:{pbx.config.sip_port}"
            phones = Sipp(
                Path(work), host=PHONE_HOST, port=pbx.seats["1001"].sip_port, pbx=target,
                control_port=pbx.ports.take(), media_port=pbx.ports.take(4), user="phones",
                steps=[ring(0.8), answer(), wait(1), hold(), wait(2), unhold(), until_bye()],
            )  # fmt: skip
            callers = [
                Sipp(
                    Path(work), host=TRUNK_HOST, port=pbx.ports.take(), pbx=target,
                    control_port=pbx.ports.take(), media_port=pbx.ports.take(4),
                    user=f"13{q}[call_number]", calls=calls // QUEUES, rate=CALLS_PER_S / QUEUES,
                    steps=[call(f"800{q}"), wait(6.5), bye()],
                )
                for q in range(QUEUES)
            ]  # fmt: skip
            recorder = pbx.recorder(raw)
            try:
                await phones.start()
                await recorder.start()
                await asyncio.gather(*(caller.start() for caller in callers))
                await asyncio.gather(*(caller.finished(600) for caller in callers))
                await asyncio.sleep(2)
            finally:
                await asyncio.gather(*(sipp.stop() for sipp in [phones, *callers]))
                await recorder.stop()
    data = raw.read_bytes()
    timeline = Timeline(split_frames(data))
    held = sum(1 for channel in timeline.channels.values() if channel.answered_at and channel.holds)
    size = len(data)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(data, 9, mtime=0))
        raw.unlink()
    if held < wanted:
        raise TooFew(f"only {held} of {calls} calls were answered and held")
    return (
        f"{path}: {held} calls answered and held, {len(timeline.events)} timed events, "
        f"{size / 1e6:.1f} MB of AMI, {path.stat().st_size / 1e6:.1f} MB on disk"
    )
