"""A real Mosquitto on a free port, and a subscriber that remembers what it was told."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import aiomqtt
import jsonschema

from asterisk_lab.phones import DIES_WITH_US
from tests.free_ports import free_port

HOST = "127.0.0.1"
PATIENCE_S = 60.0


async def until(true: Callable[[], bool]) -> None:
    """Return as soon as ``true()``."""
    async with asyncio.timeout(PATIENCE_S):
        while not true():
            await asyncio.sleep(0.01)


class Broker:
    """``async with Broker(program, folder) as broker``; then ``broker.port``. Forgets everything
    when it ends. ``listener`` is more of its configuration."""

    def __init__(self, program: Path, folder: Path, listener: str = "allow_anonymous true") -> None:
        self.port = free_port()
        self._program = program
        self._folder = folder
        self._listener = listener
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        config = self._folder / "mosquitto.conf"
        # As root it would become somebody who may not read the test's folder.
        config.write_text(f"user root\nlistener {self.port} {HOST}\n{self._listener}\n")
        self._process = await asyncio.create_subprocess_exec(
            *DIES_WITH_US, self._program, "-c", config,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        async with asyncio.timeout(PATIENCE_S):
            while True:
                assert self._process.returncode is None, "Mosquitto did not start"
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection(HOST, self.port)
                    writer.close()
                    return
                await asyncio.sleep(0.01)

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.kill()


MANUAL = Path(__file__).parents[2] / "docs" / "mqtt.md"
SCHEMA = json.loads(re.findall(r"```json\n(.*?)```", MANUAL.read_text("utf-8"), re.DOTALL)[0])


def check_against_the_manual(kind: str, payload: dict[str, Any]) -> None:
    """``payload`` is as docs/mqtt.md says of ``kind`` (the topic's level), with no key beside."""
    schema = SCHEMA | {"$ref": f"#/$defs/{kind}"}
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(payload)
    assert set(payload) <= set(SCHEMA["$defs"][kind]["properties"])


class Heard(NamedTuple):
    topic: str
    payload: bytes
    retained: bool

    @property
    def object(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.payload)
        return value


class Ear:
    """What a subscriber to everything was told, in order."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []

    def last(self, topic: str) -> dict[str, Any] | None:
        """What was said last under ``topic``; None: nothing yet."""
        found = [heard.object for heard in self.heard if heard.topic == topic]
        return found[-1] if found else None

    def topics(self) -> set[str]:
        return {heard.topic for heard in self.heard}

    async def _listen(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            self.heard.append(Heard(str(message.topic), message.payload, bool(message.retain)))


@contextlib.asynccontextmanager
async def listening(port: int, **access: Any) -> AsyncIterator[Ear]:
    """A subscriber, subscribed before the block begins."""
    ear = Ear()
    async with aiomqtt.Client(HOST, port, timeout=PATIENCE_S, **access) as client:
        await client.subscribe("#", qos=1)
        task = asyncio.create_task(ear._listen(client))
        try:
            yield ear
        finally:
            task.cancel()
            await asyncio.wait({task})
