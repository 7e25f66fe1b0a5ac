"""One measured run in a process of its own; prints one JSON line. Called by the benchmark.

    python -m benchmarks.pipeline_run ours|panoramisk|split FILE
    python -m benchmarks.pipeline_run memory SEATS

The clock starts when everything is imported and the file's bytes are in memory, so that process
start, disk and unpacking do not count; it is CPU time of the whole process, threads included.
"""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
import logging
import os
import resource
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import Any

CHUNK_BYTES = 64 << 10


def ours(data: bytes) -> dict[str, Any]:
    """`agentd replay`: framing, decoding, engine, board, store and the printed records."""
    from agentd.core.policy import PolicyBook
    from agentd.replay import replay

    with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("wb") as nowhere:
        path = Path(folder) / "recording.ami"
        path.write_bytes(data)
        written = 0

        def write(lines: bytes) -> None:
            nonlocal written
            written += len(lines)
            nowhere.write(lines)

        start, began = time.process_time(), time.perf_counter()
        asyncio.run(replay(path, "pbx", PolicyBook(), write))
        return {
            "cpu_s": time.process_time() - start,
            "wall_s": time.perf_counter() - began,
            "printed_bytes": written,
        }


def panoramisk(data: bytes) -> dict[str, Any]:
    """panoramisk's parser alone, with one callback for every event that only counts."""
    from panoramisk import Manager
    from panoramisk.ami_protocol import AMIProtocol

    logging.disable(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    manager = Manager(loop=loop)
    seen = 0

    def count(_manager: Manager, _message: object) -> None:
        nonlocal seen
        seen += 1

    manager.register_event("*", count)
    protocol = AMIProtocol()
    protocol.factory, protocol.log, protocol.version = manager, manager.log, None
    protocol.queue, protocol.responses, protocol.encoding = deque(), {}, "utf8"
    # What the manager would send after a FullyBooted has nobody to go to.
    manager.send_awaiting_actions = lambda *_: None
    start, began = time.process_time(), time.perf_counter()
    for at in range(0, len(data), CHUNK_BYTES):
        protocol.data_received(data[at : at + CHUNK_BYTES])
    spent = {"cpu_s": time.process_time() - start, "wall_s": time.perf_counter() - began}
    loop.close()
    return {**spent, "events": seen}


def split(data: bytes) -> dict[str, Any]:
    """The limit: split the stream into frames and each frame into a dict, and throw it away."""
    rest, frames = b"", 0
    start, began = time.process_time(), time.perf_counter()
    for at in range(0, len(data), CHUNK_BYTES):
        parts = (rest + data[at : at + CHUNK_BYTES]).split(b"\r\n\r\n")
        rest = parts.pop()
        for part in parts:
            dict(
                line.partition(": ")[::2] for line in part.decode("utf-8", "replace").split("\r\n")
            )
            frames += 1
    return {
        "cpu_s": time.process_time() - start,
        "wall_s": time.perf_counter() - began,
        "events": frames,
    }


def memory(seats: int) -> dict[str, Any]:
    """What the engine and the board of ``seats`` seats hold after two busy minutes."""
    from agentd.core.policy import PolicyBook
    from agentd.pipeline import Pipeline
    from agentd.simulator import SimConfig
    from agentd.simulator.recording import opening_bytes, stream
    from agentd.simulator.traffic import build

    world = build(SimConfig(seats=seats, calls_per_s=seats / 40), 1_795_000_000_000_000)
    chunks = [opening_bytes(world), *stream(world, 120)]
    gc.collect()
    before = _rss_mib()
    pipeline = Pipeline("pbx", PolicyBook())
    for chunk in chunks:
        pipeline.feed(chunk)
        pipeline.take_memory()
        pipeline.take_board()
    gc.collect()
    return {"seats": seats, "mib": _rss_mib() - before, "held": pipeline.live_counts()}


def _rss_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / (1 << 20)


def main() -> None:
    if sys.argv[1] == "memory":
        print(json.dumps(memory(int(sys.argv[2]))))
        return
    which, path = sys.argv[1], Path(sys.argv[2])
    raw = path.read_bytes()
    data = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    result = {"ours": ours, "panoramisk": panoramisk, "split": split}[which](data)
    result["bytes"] = len(data)
    result["peak_rss_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(result))


if __name__ == "__main__":
    main()
