"""The real `agentd run` beside a lab PBX, with a link that can be cut; what it kept, as records."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from .config import PHONE_HOST
from .phones import DIES_WITH_US

Record = dict[str, Any]


class DaemonFailed(RuntimeError):
    """agentd did not start, or does not answer."""


class Link:
    """A TCP proxy before a port of this machine that can be cut and mended."""

    def __init__(self, port: int, target_port: int, *, host: str = PHONE_HOST) -> None:
        self.port = port
        self._host = host
        self._target = target_port
        self._server: asyncio.Server | None = None
        self._pumps: set[asyncio.Task[None]] = set()

    async def mend(self) -> None:
        self._server = await asyncio.start_server(self._serve, self._host, self.port)

    async def cut(self) -> None:
        """End every connection and refuse new ones."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in list(self._pumps):
            task.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._pumps.add(task)
        other: asyncio.StreamWriter | None = None
        try:
            far_reader, other = await asyncio.open_connection(PHONE_HOST, self._target)
            async with asyncio.TaskGroup() as group:
                group.create_task(_pump(reader, other))
                group.create_task(_pump(far_reader, writer))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._pumps.discard(task)
            for end in (writer, other):
                if end is not None:
                    end.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()


class Daemon:
    """One `agentd run` with a configuration and a store of its own in `directory`.

    `extra` is TOML to go below the sections it writes itself, `pbx` lines of its [[pbx]].
    `account` is the AMI account that `secret` belongs to.
    """

    def __init__(
        self,
        directory: Path,
        *,
        ami_port: int,
        secret: str,
        web_port: int,
        extra: str = "",
        account: str = "agentd",
        pbx: str = "",
    ) -> None:
        self._dir = directory
        self._secret = secret
        self.url = f"http://{PHONE_HOST}:{web_port}"
        self._process: asyncio.subprocess.Process | None = None
        directory.mkdir(parents=True, exist_ok=True)
        self.config = directory / "agentd.toml"
        self.config.write_text(
            f'[[pbx]]\nid = "pbx"\nhost = "{PHONE_HOST}"\nport = {ami_port}\n'
            f'username = "{account}"\n{pbx}[store]\npath = "agentd.db"\n'
            f"[web]\nport = {web_port}\n{extra}",
            encoding="utf-8",
        )

    async def start(self, timeout: float = 60.0) -> None:
        """Start it and wait until it is linked; raises DaemonFailed with the end of its log."""
        with (self._dir / "agentd.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *DIES_WITH_US, sys.executable, "-m", "agentd", "run", "--config", str(self.config),
                stdout=log, stderr=log, stdin=asyncio.subprocess.DEVNULL, start_new_session=True,
                env={**os.environ, "AGENTD_PBX_PBX_SECRET": self._secret},
            )  # fmt: skip
        for _ in range(round(timeout * 10)):
            if self._process.returncode is not None:
                break
            if await asyncio.to_thread(self._healthy):
                return
            await asyncio.sleep(0.1)
        log_end = (self._dir / "agentd.log").read_text(errors="replace")[-1500:]
        raise DaemonFailed(f"agentd did not come up: {log_end}")

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=2) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    async def kill(self) -> None:
        """kill -9."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """Ask it to end, as a service manager would; its exit code."""
        return await self._end(signal.SIGTERM)

    async def _end(self, how: signal.Signals) -> int:
        if self._process is None:
            return 0
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, how)
            try:
                await asyncio.wait_for(self._process.wait(), 30)
            except TimeoutError:
                os.killpg(self._process.pid, signal.SIGKILL)
                await self._process.wait()
        return self._process.returncode or 0

    def records(self) -> list[Record]:
        """What it kept, in the shape of `agentd replay`'s lines (orders: as they stand)."""
        found: list[Record] = []
        uri = f"file:{self._dir / 'agentd.db'}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as store:
            store.row_factory = sqlite3.Row
            for table in (
                "leg", "call", "violation", "alert", "work_order", "order_contact", "recording",
            ):  # fmt: skip
                rows = store.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - a fixed list
                found += [{"type": table, **_in_seconds(dict(row))} for row in rows]
        return found


def _in_seconds(row: Record) -> Record:
    record: Record = {}
    for key, value in row.items():
        if key.endswith("_us"):
            base = key.removesuffix("_us")
            instant = base in (
                "offered",
                "ringing",
                "answered",
                "ended",
                "started",
                "due",
                "opened",
            )
            name = {"at": "at", "value": "value", "limit": "limit"}.get(
                base, f"{base}_at" if instant else f"{base}_s"
            )
            record[name] = None if value is None else value / 1e6
        elif key in ("holds", "visits", "legs", "evidence"):
            record[key] = json.loads(value)
        elif key in ("estimated", "gap"):
            record[key] = bool(value)
        elif key == "in_time":
            record[key] = None if value is None else bool(value)
        else:
            record[key] = value
    for hold in record.get("holds", ()):
        for key in [k for k in hold if k.endswith("_us")]:
            value = hold.pop(key)
            name = {"at_us": "at", "seconds_us": "seconds", "duration_us": "seconds"}.get(key, key)
            hold[name] = None if value is None else value / 1e6
    return record
