"""Fakes for tests, shipped so that they stay as good as what they stand for.

:class:`FakeInbox` is an :class:`~agentd.ports.Inbox` that keeps everything; :class:`FakeAmi` is a
PBX's manager port that answers like Asterisk until a test tells it to misbehave;
:class:`OpenAccounts` are accounts that admit everybody.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Self, TypeVar

from agentd import clock
from agentd.core.people import Person
from agentd.errors import Refused
from agentd.ports import AmiBytes, InboxItem, LinkChanged, LinkInfo
from agentd.ports.accounts import ApiToken, AuditEntry

_Item = TypeVar("_Item", LinkChanged, LinkInfo, AmiBytes)

_LISTS = {
    "CoreShowChannels": "Channels will follow",
    "QueueStatus": "Queue status will follow",
    "DeviceStateList": "Device State Changes will follow",
}

LEAST_PRIVILEGES = (
    ("Ping", "<none>"),
    ("QueueStatus", "<none>"),
    ("ListCommands", "<none>"),
    ("CoreSettings", "system,reporting,all"),
    ("CoreShowChannels", "system,reporting,all"),
    ("DeviceStateList", "call,reporting,all"),
)
"""What ListCommands names to an account with ``write=reporting``."""

DESK_PRIVILEGES = (
    *LEAST_PRIVILEGES,
    ("Getvar", "call,reporting,all"),
    ("QueueAdd", "agent,all"),
    ("QueueRemove", "agent,all"),
    ("QueuePause", "agent,all"),
    ("Originate", "originate,all"),
)
"""What it names to one with ``write=reporting,agent,originate``."""

_DONE = {
    "QueueAdd": "Added interface to queue",
    "QueueRemove": "Removed interface from queue",
    "QueuePause": "Interface paused successfully",
    "Originate": "Originate successfully queued",
}


class FakeInbox:
    """Keeps every item in order. Above ``high_water`` undrained items it asks for a pause."""

    def __init__(self, high_water: int = 1_000_000) -> None:
        self.items: list[InboxItem] = []
        self.high_water = high_water
        self.undrained = 0
        self.received_bytes = 0
        self._resume: list[Callable[[], None]] = []
        self._wakers: set[asyncio.Event] = set()

    def put_nowait(self, item: InboxItem) -> bool:
        self.items.append(item)
        self.undrained += 1
        if isinstance(item, AmiBytes):
            self.received_bytes += len(item.data)
        for waker in self._wakers:
            waker.set()
        return self.undrained < self.high_water

    def on_drained(self, resume: Callable[[], None]) -> None:
        self._resume.append(resume)

    def drain(self) -> None:
        """As if everything had been taken out."""
        self.undrained = 0
        resume, self._resume = self._resume, []
        for call in resume:
            call()

    @property
    def asked_to_resume(self) -> int:
        return len(self._resume)

    @property
    def data(self) -> bytes:
        """All bytes so far."""
        return b"".join(item.data for item in self.items if isinstance(item, AmiBytes))

    def of(self, kind: type[_Item]) -> list[_Item]:
        return [item for item in self.items if isinstance(item, kind)]

    @property
    def states(self) -> list[tuple[str, str | None]]:
        """State and code of every LinkChanged, in order; what is only said again is left out."""
        told = [(item.state, item.code) for item in self.of(LinkChanged)]
        return told[:1] + [now for before, now in pairwise(told) if now != before]

    @property
    def warnings(self) -> dict[str, str]:
        """The warnings last told."""
        infos = self.of(LinkInfo)
        return dict(infos[-1].warnings) if infos else {}

    async def until(self, happened: Callable[[], bool]) -> None:
        """Wait until ``happened()``, looked at whenever an item comes. The test's own limit ends
        a wait in vain."""
        waker = asyncio.Event()
        self._wakers.add(waker)
        try:
            while not happened():
                await waker.wait()
                waker.clear()
        finally:
            self._wakers.discard(waker)

    async def until_state(self, state: str, code: str | None = None, *, times: int = 1) -> None:
        """Until it was ``state`` (with ``code``) for the ``times``-th time."""
        await self.until(lambda: self.states.count((state, code)) >= times)


class FakeAmi:
    """A manager port on a free port of the loopback; use as an async context manager.

    Attributes may be changed at any time and hold for what comes next. ``actions`` is every action
    it was asked, as headers; ``connections`` how many clients came.
    """

    def __init__(
        self,
        *,
        username: str = "agentd",
        secret: str = "fake",  # noqa: S107 - stands for a PBX's
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.username = username
        self.secret = secret
        self.banner: bytes = b"Asterisk Call Manager/11.0.0\r\n"
        self.version: str | None = "22.10.1"
        """None: CoreSettings is not permitted."""
        self.uptime_s = 600
        self.reads_system = True
        self.privileges: Sequence[tuple[str, str]] = LEAST_PRIVILEGES
        self.lists: dict[str, list[bytes]] = {}
        """List action to its items, each without ActionID and blank line."""
        self.variables: dict[str, str] = {}
        """Channel to what Getvar tells of it."""
        self.errors: dict[str, str] = {}
        """Action to the message with which it is refused."""
        self.unanswered: set[str] = set()
        """Actions that get no answer."""
        self.clock_us: Callable[[], int] = clock.wall_us
        self.chunk_bytes: int | None = None
        """Send in pieces of this size, each in a turn of its own."""
        self.actions: list[dict[str, str]] = []
        self.connections = 0
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._writers: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}
        self._changed = asyncio.Event()
        self._speaking = asyncio.Lock()

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def listen(self, port: int = 0) -> None:
        """Start (again); without ``port`` on a free one, which is then in ``port``."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, ssl=self._tls)
        self.port: int = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening, cut everybody off."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.cut()
        for task in list(self._writers.values()):
            await asyncio.wait({task})

    def cut(self) -> None:
        """Cut all connections off in the middle, as a reset does."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def send(self, *parts: bytes) -> None:
        """Send raw bytes to every client, each part in a turn of its own, never in an answer."""
        async with self._speaking:
            for part in parts:
                for writer in list(self._writers):
                    writer.write(part)
                    await writer.drain()
                await asyncio.sleep(0)

    async def send_event(self, name: str, privilege: str, **headers: str) -> None:
        """An event as Asterisk sends it with timestampevents=yes."""
        now_us = self.clock_us()
        stamp = f"{now_us // 1_000_000}.{now_us % 1_000_000:06d}"
        await self.send(
            frame({"Event": name, "Privilege": privilege, "Timestamp": stamp, **headers})
        )

    async def until_asked(self, action: str, *, times: int = 1) -> None:
        """Until ``action`` was asked ``times`` times."""
        while sum(asked["Action"] == action for asked in self.actions) < times:
            self._changed.clear()
            await self._changed.wait()

    async def until_connections(self, count: int) -> None:
        """Until ``count`` clients came, one after the other."""
        while self.connections < count:
            self._changed.clear()
            await self._changed.wait()

    # --- one client ---

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._writers[writer] = task
        self.connections += 1
        self._changed.set()
        try:
            await self._write(writer, self.banner)
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                asked = _parse(request)
                self.actions.append(asked)
                self._changed.set()
                if asked["Action"] in self.unanswered:
                    continue
                await self._write(writer, self._answer(asked))
                if asked["Action"] == "Logoff" or self._refuses_login(asked):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            # The client went away, or the test cut it off.
            return
        finally:
            del self._writers[writer]
            writer.close()

    async def _write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        size = self.chunk_bytes or max(len(data), 1)
        async with self._speaking:
            for start in range(0, len(data), size):
                writer.write(data[start : start + size])
                await writer.drain()
                await asyncio.sleep(0)

    def _refuses_login(self, asked: Mapping[str, str]) -> bool:
        given = (asked.get("Username"), asked.get("Secret"))
        return asked["Action"] == "Login" and given != (self.username, self.secret)

    def _answer(self, asked: Mapping[str, str]) -> bytes:
        action, action_id = asked["Action"], {"ActionID": asked["ActionID"]}
        success = {"Response": "Success", **action_id}
        if self._refuses_login(asked):
            return frame({"Response": "Error", **action_id, "Message": "Authentication failed"})
        if action in self.errors:
            return frame({"Response": "Error", **action_id, "Message": self.errors[action]})
        match action:
            case "Login":
                answer = frame({**success, "Message": "Authentication accepted"})
                if self.reads_system and "system" in asked.get("Events", ""):
                    answer += frame(
                        {
                            "Event": "FullyBooted",
                            "Privilege": "system,all",
                            "Uptime": str(self.uptime_s),
                            "LastReload": str(self.uptime_s),
                            "Status": "Fully Booted",
                        }
                    )
                return answer
            case "Events":
                return frame({**success, "Events": "On"})
            case "Ping":
                now_us = self.clock_us()
                stamp = f"{now_us // 1_000_000}.{now_us % 1_000_000:06d}"
                return frame({**success, "Ping": "Pong", "Timestamp": stamp})
            case "CoreSettings" if self.version is not None:
                return frame({**success, "AsteriskVersion": self.version})
            case "ListCommands":
                lines = {name: f"(Priv: {classes})" for name, classes in self.privileges}
                return frame({**success, **lines})
            case _ if action in _DONE and self._permits(action):
                return frame({**success, "Message": _DONE[action]})
            case "Getvar" if self._permits(action):
                channel, variable = asked["Channel"], asked["Variable"]
                if channel not in self.variables:
                    return frame({"Response": "Error", **action_id, "Message": "No such channel"})
                return frame({**success, "Variable": variable, "Value": self.variables[channel]})
            case "Logoff":
                return frame({"Response": "Goodbye", **action_id})
            case _ if action in _LISTS:
                return self._list(action, action_id)
        return frame({"Response": "Error", **action_id, "Message": "Permission denied"})

    def _permits(self, action: str) -> bool:
        return any(name == action for name, _ in self.privileges)

    def _list(self, action: str, action_id: Mapping[str, str]) -> bytes:
        items = self.lists.get(action, [])
        start = {"Response": "Success", **action_id, "EventList": "start"}
        end = {"Event": f"{action}Complete", **action_id, "EventList": "Complete"}
        marked = [
            item + f"\r\nActionID: {action_id['ActionID']}\r\n\r\n".encode() for item in items
        ]
        return b"".join(
            [
                frame({**start, "Message": _LISTS[action]}),
                *marked,
                frame({**end, "ListItems": str(len(items))}),
            ]
        )


def frame(headers: Mapping[str, str]) -> bytes:
    """One AMI frame, blank line included."""
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode() + b"\r\n"


def item(headers: Iterable[tuple[str, str]]) -> bytes:
    """One list item for :attr:`FakeAmi.lists`."""
    return "\r\n".join(f"{name}: {value}" for name, value in headers).encode()


def _parse(request: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in request.decode().split("\r\n"):
        name, colon, value = line.partition(": ")
        if colon:
            headers[name] = value
    return headers


class OpenAccounts:
    """Accounts behind a door that stands open: whoever comes, with a cookie or without, is
    ``person``. Keeps settings and audit lines; nothing else can be changed. For tests of what is
    behind the door; no program uses it."""

    def __init__(self, person: Person | None = None) -> None:
        self.person = person or Person("9000", "测试", "supervisor")
        self.kept: dict[str, Any] = {}
        self.noted: list[AuditEntry] = []

    @property
    def has_people(self) -> bool:
        return True

    def whose_cookie(self, cookie: str) -> Person | None:
        return self.person

    def whose_token(self, secret: str) -> ApiToken | None:
        return None

    async def log_in(
        self, login: str, password: str, address: str, browser: str
    ) -> tuple[Person, str]:
        return self.person, "open"

    async def log_out(self, cookie: str) -> None:
        """Nobody can leave."""

    async def by_cookie(self, cookie: str) -> Person | None:
        return self.person

    async def by_token(self, secret: str) -> ApiToken | None:
        return None

    async def settings(self, who: Person) -> Mapping[str, Any]:
        return self.kept

    async def put_settings(self, who: Person, settings: Mapping[str, Any]) -> None:
        self.kept = dict(settings)

    async def change_password(self, who: Person, old: str, new: str, address: str) -> None:
        raise Refused("there are no passwords here")

    def people(self, who: Person) -> Sequence[Person]:
        return [self.person]

    async def put_person(
        self, who: Person, person: Person, password: str | None, address: str
    ) -> Person:
        raise Refused("there is one person here")

    async def tokens(self, who: Person) -> Sequence[ApiToken]:
        return []

    async def add_token(
        self,
        who: Person,
        name: str,
        rights: Sequence[str],
        queues: Sequence[str],
        days: int | None,
    ) -> tuple[ApiToken, str]:
        raise Refused("there are no tokens here")

    async def revoke_token(self, who: Person, token_id: str) -> None:
        raise Refused("there are no tokens here")

    async def note(self, entry: AuditEntry) -> None:
        self.noted.append(entry)

    async def audit(
        self, who: Person, *, by: str | None, action: str | None, before_seq: int | None
    ) -> Sequence[AuditEntry]:
        return self.noted
