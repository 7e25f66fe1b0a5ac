"""``agentd replay``: a recorded AMI stream through the daemon's own pipeline, in virtual time.

What comes out depends on the file, the configuration and nothing else: byte for byte the same
every time.
"""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from agentd.core.effects import Effect, to_record
from agentd.core.policy import PolicyBook
from agentd.errors import AgentdError, NotAnAmiStream
from agentd.pipeline import Pipeline
from agentd.ticketing import Store

CHUNK_BYTES = 64 << 10
FLUSH_CHUNKS = 64
"""The store is waited for after this many chunks, so that what is on its way to it is bounded."""
GIVE_UP_BYTES = 1 << 20
"""A file that has shown nothing of AMI by then is something else."""

_GZIP = b"\x1f\x8b"


def read_chunks(path: Path) -> Iterator[bytes]:
    """The bytes of ``path``, unpacked if it is a gzip file; :class:`AgentdError` if unreadable."""
    try:
        with path.open("rb") as raw:
            packed = raw.read(len(_GZIP)) == _GZIP
            raw.seek(0)
            source = gzip.GzipFile(fileobj=raw) if packed else raw
            while chunk := source.read(CHUNK_BYTES):
                yield chunk
    except FileNotFoundError:
        raise AgentdError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise AgentdError(f"{path}: is a directory; name a recording in it") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise AgentdError(f"{path}: the gzip file is damaged or cut off ({error})") from None
    except OSError as error:
        raise AgentdError(f"{path}: cannot be read ({error.strerror})") from None


async def replay(
    path: Path,
    pbx: str,
    book: PolicyBook,
    write: Callable[[bytes], object],
    *,
    run_out: bool = False,
) -> None:
    """Replay ``path`` and ``write`` what ``agentd replay`` prints: one JSON object per line.

    ``pbx`` names the PBX in the records, ``book`` holds its policies. Nothing is written before
    the file has proved to be an AMI stream with timestamps; raises :class:`NotAnAmiStream` when it
    is none, :class:`AgentdError` when it cannot be read.
    """
    pipeline = Pipeline(pbx, book)
    async with Store.throwaway() as store:
        await _replay(path, pipeline, store, _Printer(pipeline, write), run_out=run_out)


async def _replay(
    path: Path, pipeline: Pipeline, store: Store, printer: _Printer, *, run_out: bool
) -> None:
    def take(effects: list[Effect]) -> None:
        # The board is kept up as live, where somebody watches it.
        pipeline.take_board()
        if effects:
            store.submit(effects, {}, _nobody, pbx=pipeline.pbx)
            printer.print(effects)

    size = 0
    for number, chunk in enumerate(read_chunks(path), start=1):
        size += len(chunk)
        take(pipeline.feed(chunk))
        if size >= GIVE_UP_BYTES and not pipeline.saw_ami:
            break
        if number % FLUSH_CHUNKS == 0:
            store.submit((), pipeline.take_memory(), _nobody, pbx=pipeline.pbx)
            await store.flush()
        else:
            # The store works in a thread of its own; let it go on.
            await asyncio.sleep(0)
    if not size:
        raise NotAnAmiStream(f"{path}: the file is empty")
    if not pipeline.saw_ami:
        raise NotAnAmiStream(f"{path}: not an AMI stream; record one with: agentd record FILE")
    if not pipeline.saw_timestamp:
        raise NotAnAmiStream(
            f"{path}: the events have no Timestamp, so nothing can be measured; set "
            "timestampevents = yes in the PBX's manager.conf and record again"
        )
    take(pipeline.finish(run_out=run_out))
    printer.flush()
    await store.flush()


def _nobody(_obligations: Sequence[Effect]) -> None:
    """Whom a replayed obligation is announced to."""


class _Printer:
    """Turns effects into lines; holds them back until the stream has proved itself."""

    def __init__(self, pipeline: Pipeline, write: Callable[[bytes], object]) -> None:
        self._pipeline = pipeline
        self._write = write
        self._encode = msgspec.json.Encoder().encode_lines
        self._held: list[bytes] = []

    def print(self, effects: list[Effect]) -> None:
        records = [record for effect in effects if (record := to_record(effect)) is not None]
        if records:
            self._held.append(self._encode(records))
        if self._pipeline.saw_ami and self._pipeline.saw_timestamp:
            self.flush()

    def flush(self) -> None:
        for lines in self._held:
            self._write(lines)
        self._held.clear()
