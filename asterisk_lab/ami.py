"""A small AMI client for the lab's own use, and the raw recorder.

The lab must not lean on the code it judges, so it shares nothing with agentd's listener.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping
from pathlib import Path

Frame = dict[str, str]


class AmiError(RuntimeError):
    """The PBX refused an action or closed the connection."""


def parse_frame(raw: bytes) -> Frame:
    """One AMI frame's headers; of a repeated header the first counts."""
    frame: Frame = {}
    for line in raw.decode("utf-8", "replace").split("\r\n"):
        key, found, value = line.partition(": ")
        if not found:
            key, found, value = line.partition(":")
        if found:
            frame.setdefault(key, value)
    return frame


class AmiClient:
    """One logged-in AMI session.

    `tap` gets every byte that arrives, unchanged. `wait_for` waits for an event that came after
    the client connected, past ones included when `since` says so.
    """

    def __init__(self, tap: Callable[[bytes], object] | None = None) -> None:
        self._tap = tap
        self._ids = itertools.count(1)
        self._answers: dict[str, asyncio.Future[list[Frame]]] = {}
        self._lists: dict[str, list[Frame]] = {}
        self.events: list[Frame] = []
        self._news = asyncio.Condition()
        self._reader_task: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self.closed = asyncio.Event()

    async def connect(self, host: str, port: int, user: str, secret: str, *, events: bool) -> None:
        reader, self._writer = await asyncio.open_connection(host, port, limit=2**22)
        self._reader_task = asyncio.create_task(self._read(reader), name=f"lab-ami-{user}")
        await self.action("Login", Username=user, Secret=secret, Events="on" if events else "off")

    async def _read(self, reader: asyncio.StreamReader) -> None:
        buffer = b""
        banner = False
        try:
            while data := await reader.read(65536):
                if self._tap:
                    self._tap(data)
                buffer += data
                if not banner:
                    _, found, rest = buffer.partition(b"\r\n")
                    if not found:
                        continue
                    banner, buffer = True, rest
                *frames, buffer = buffer.split(b"\r\n\r\n")
                for raw in frames:
                    await self._take(parse_frame(raw))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.closed.set()
            for future in self._answers.values():
                if not future.done():
                    future.set_exception(AmiError("the PBX closed the connection"))
            async with self._news:
                self._news.notify_all()

    async def _take(self, frame: Frame) -> None:
        action_id = frame.get("ActionID", "")
        future = self._answers.get(action_id)
        if future and not future.done():
            items = self._lists.setdefault(action_id, [])
            items.append(frame)
            is_list = frame.get("EventList") == "start"
            ended = frame.get("EventList", "").lower() == "complete" or (
                frame.get("Event", "").endswith("Complete") and len(items) > 1
            )
            if ended or (len(items) == 1 and not is_list):
                future.set_result(self._lists.pop(action_id))
        if "Event" in frame:
            async with self._news:
                self.events.append(frame)
                self._news.notify_all()

    async def action(
        self,
        name: str,
        more: Mapping[str, str] | None = None,
        *,
        timeout: float = 20.0,
        **headers: str,
    ) -> list[Frame]:
        """Send one action; its response, followed by the items of its list when it has one.

        Raises AmiError on `Response: Error`, a closed connection or no answer in `timeout` s.
        """
        if self._writer is None:
            raise AmiError("not connected")
        action_id = f"lab{next(self._ids)}"
        lines = [f"Action: {name}", f"ActionID: {action_id}"]
        lines += [f"{key}: {value}" for key, value in {**(more or {}), **headers}.items()]
        future: asyncio.Future[list[Frame]] = asyncio.get_running_loop().create_future()
        self._answers[action_id] = future
        try:
            self._writer.write("\r\n".join([*lines, "", ""]).encode())
            await self._writer.drain()
            frames = await asyncio.wait_for(future, timeout)
        except (TimeoutError, ConnectionError) as exc:
            raise AmiError(f"{name}: no answer ({exc!r})") from exc
        finally:
            del self._answers[action_id]
        if frames[0].get("Response") == "Error":
            raise AmiError(f"{name}: {frames[0].get('Message', 'refused')}")
        return frames

    async def wait_for(
        self, wanted: Callable[[Frame], bool], *, timeout: float = 60.0, since: int = 0
    ) -> Frame:
        """The first event from index `since` of `events` on for which `wanted` holds."""

        async def search() -> Frame:
            position = since
            async with self._news:
                while True:
                    for frame in itertools.islice(self.events, position, None):
                        position += 1
                        if wanted(frame):
                            return frame
                    if self.closed.is_set():
                        raise AmiError("the PBX closed the connection")
                    await self._news.wait()

        return await asyncio.wait_for(search(), timeout)

    async def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        if self._reader_task is not None:
            self._reader_task.cancel()
            await asyncio.gather(self._reader_task, return_exceptions=True)


class Recorder:
    """Writes every byte of an AMI session to a file, after asking for the daemon's snapshot.

    `start` again after `stop` appends the new stream, banner first.
    """

    def __init__(self, path: Path, host: str, port: int, user: str, secret: str) -> None:
        self._path = path
        self._address = (host, port, user, secret)
        self._client: AmiClient | None = None
        path.write_bytes(b"")

    async def start(self) -> None:
        file = self._path.open("ab", buffering=0)
        client = self._client = AmiClient(tap=file.write)
        try:
            await client.connect(*self._address, events=True)
            await client.action("CoreShowChannels")
            await client.action("QueueStatus")
        except BaseException:
            await client.close()
            file.close()
            raise
        self._file = file

    async def stop(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None
            self._file.close()
