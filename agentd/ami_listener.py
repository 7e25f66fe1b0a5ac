"""The door to Asterisk: one link to one PBX's AMI, kept up for ever.

Every byte that the socket delivers goes unchanged into the inbox; what the bytes mean is decided
behind it. The listener itself reads only what answers its own questions.

panoramisk's ``Manager`` is used through its ``protocol_factory``. Its own protocol loses characters
that TCP cut in two, its reconnects run from two places with timers that nobody can stop, and its
pings wait for ever, so those parts are replaced: :class:`~agentd.ami_protocol.AmiProtocol` frames
bytes, and :meth:`AmiListener.run` is the one loop that connects.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog
from panoramisk.manager import Manager

from agentd import clock
from agentd.ami_actions import AmiAction, encode, known_action
from agentd.ami_link import (
    AmiSettings,
    Backoff,
    LinkError,
    connect_error,
    is_loopback,
    login_error,
    no_greeting_error,
    no_list_warning,
    plain_text_warning,
    tls_context,
)
from agentd.ami_members import Phones, QueueMembers
from agentd.ami_pbx import (
    EventWatch,
    Permissions,
    Warnings,
    answered_version,
    asterisk_series,
    permission_warnings,
    read_permissions,
    version_warnings,
)
from agentd.ami_protocol import AmiProtocol
from agentd.ami_recordings import RecordingNames
from agentd.ami_reports import LinkReports
from agentd.ami_session import AmiSession
from agentd.errors import Refused
from agentd.ports import Inbox
from agentd.ports.telephony import Phone, QueueCaller, QueueMember

_GREETING_S = 5.0
_RESYNC_MIN_S = 1.0
_RETRY_S = 10.0
"""A snapshot that the PBX could not answer in full (a module still loading) is asked for again."""
_LOOK_AGAIN_S = 60.0
"""While no event of a wanted class has come, snapshots are compared this often."""
_GOOD_LINK_S = 10.0
"""A link that was up this long begins the waits anew."""
_FIRST_PINGS = 3
_CLOSE_S = 0.5

_SNAPSHOT = (AmiAction.CORE_SHOW_CHANNELS, AmiAction.QUEUE_STATUS, AmiAction.DEVICE_STATE_LIST)

_NEWS = (b"Event: FullyBooted\r\n", b"Event: Load\r\n", b"Event: Reload\r\n")
"""After these a snapshot may be fuller than before."""

_FOR_PEOPLE = {
    AmiAction.QUEUE_ADD: "agent",
    AmiAction.QUEUE_REMOVE: "agent",
    AmiAction.QUEUE_PAUSE: "agent",
    AmiAction.ORIGINATE: "originate",
    AmiAction.GETVAR: "reporting",
    AmiAction.HANGUP: "call",
    AmiAction.REDIRECT: "call",
    AmiAction.SHOW_DIALPLAN: "reporting",
    # Whoever is logged in may.
    AmiAction.QUEUE_CHANGE_PRIORITY: "",
    AmiAction.QUEUE_STATUS: "",
}
"""Actions that others may have done, and the write class that they need."""

log = structlog.stdlib.get_logger(__name__)


# panoramisk carries no types.
class _LinkManager(Manager):  # type: ignore[misc]
    """panoramisk's Manager for one connection: no login, pings or reconnects of its own."""

    protocol: AmiProtocol | None

    def connect(self) -> asyncio.Task[Any]:
        """The task that connects; :meth:`connection_made` hears of its end."""
        loop = self.loop = asyncio.get_running_loop()
        config = self.config
        task = loop.create_task(
            loop.create_connection(
                config["protocol_factory"],
                config["host"],
                config["port"],
                ssl=config["ssl"],
                server_hostname=config["server_hostname"],
            ),
            name=f"ami-connect-{config['pbx']}",
        )
        task.add_done_callback(self.connection_made)
        return task

    def connection_made(self, f: asyncio.Task[Any]) -> None:
        # Why it failed is for the one who awaits the task.
        if not f.cancelled() and f.exception() is None:
            self.protocol = f.result()[1]

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing: the listener awaits the protocol's ``lost``."""

    def ping(self) -> None:
        """Nothing: the session pings, and waits for the answer."""

    def close(self) -> None:
        if self.protocol is not None:
            self.protocol.close()


class AmiListener:
    """Keeps one PBX's AMI linked and pours what it says into ``inbox``.

    Run :meth:`run` as a task; end it with :meth:`stop` or by cancelling that task. Raises
    :class:`~agentd.errors.AgentdError` here when ``tls_ca_file`` cannot be used, or user name,
    secret or event mask cannot be sent (a line break in it).
    """

    def __init__(
        self,
        settings: AmiSettings,
        inbox: Inbox,
        *,
        rng: random.Random | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        wall_us: Callable[[], int] = clock.wall_us,
        monotonic: Callable[[], float] = clock.monotonic,
        today: Callable[[], dt.date] = clock.today,
    ) -> None:
        self.settings = settings
        self._inbox = inbox
        self._log = log.bind(pbx=settings.pbx)
        self._wall_us = wall_us
        self._monotonic = monotonic
        self._today = today
        self._sleep = sleep
        self._tls = tls_context(settings)
        # `system` from the start: FullyBooted with the PBX's uptime comes with the login only.
        self._credentials = {
            "Username": settings.username,
            "Secret": settings.secret,
            "Events": "system",
        }
        # What cannot be sent is said now, not at every try.
        encode(AmiAction.LOGIN, "check", self._credentials)
        encode(AmiAction.EVENTS, "check", {"EventMask": settings.event_mask})
        # Not for secrets: only so that daemons do not knock in step.
        jitter = rng or random.Random()  # noqa: S311
        self._backoff = Backoff(settings.backoff_min_s, settings.backoff_max_s, jitter)
        self._task: asyncio.Task[Any] | None = None
        self._stopping = asyncio.Event()
        self._resync_wanted = asyncio.Event()
        self._reports = LinkReports(settings.pbx, inbox, self._log)
        self._watch = EventWatch(settings.event_mask)
        self._members = QueueMembers()
        self._phones = Phones()
        self._asking_callers = asyncio.Lock()
        self._may: Permissions | None = None
        self.recordings = RecordingNames(settings.pbx, inbox, self._recording_file)
        self._begin()

    def _begin(self) -> None:
        """Forget what belongs to one connection."""
        self.shutdown_seen = False
        self._watch.link_begins()
        self._session: AmiSession | None = None
        self._version: str | None = None
        self._permissions: Permissions | None = None
        self._modules_changed = True
        self._warnings: Warnings = {}
        self._refused: Warnings = {}
        self._snapshot_at = 0.0
        self._up_at: float | None = None

    # --- for the runtime ---

    async def run(self) -> None:
        """Connect, stay connected, connect again; returns only after :meth:`stop`."""
        if self._task is not None:
            raise RuntimeError("this listener runs already")
        task = self._task = asyncio.current_task()
        assert task is not None
        try:
            while not self._stopping.is_set():
                error = await self._link()
                self._reports.down(error)
                await self._sleep(self._backoff.next_s())
        except asyncio.CancelledError:
            if not self._stopping.is_set():
                raise
            task.uncancel()
        finally:
            self._task = None

    async def stop(self) -> None:
        """Log off, close, and wait until nothing is left running."""
        self._stopping.set()
        if self._task is not None:
            task = self._task
            task.cancel()
            await asyncio.wait({task})

    def resync(self) -> None:
        """Ask for the snapshot again, soon: at most once a second, however often this is called."""
        self._resync_wanted.set()

    # --- for the services (agentd.ports.telephony.Telephony) ---

    def may(self, action: AmiAction | str) -> bool:
        """Whether the account may do ``action``, as the PBX said at the last login."""
        return self._may is not None and self._may.allows(_for_people(action))

    def members(self, device: str) -> Sequence[QueueMember]:
        """The phone's places in queues; of the last link while there is none."""
        return self._members.of(device)

    def phone(self, device: str) -> Phone | None:
        """The phone itself; None where the PBX never named it."""
        return self._phones.get(device)

    def phones(self) -> Sequence[Phone]:
        """Every device that the PBX named, by name."""
        return self._phones.all()

    @property
    def series(self) -> int | None:
        """Asterisk's release series (22); None while it is not known."""
        session = self._session
        return (
            None
            if session is None
            else asterisk_series(self._version, session.protocol.ami_version)
        )

    async def callers(self, queue: str) -> Sequence[QueueCaller]:
        """Who waits in ``queue`` now, in the queue's order: the PBX is asked."""
        async with self._asking_callers:
            self._members.callers_begin()
            # The whole list: one queue's alone would tell the engine that the others are gone.
            await self.ask(AmiAction.QUEUE_STATUS, {})
            return self._members.callers(queue)

    async def ask(self, action: AmiAction | str, headers: Mapping[str, str]) -> Mapping[str, str]:
        """Do ``action`` once, never again; the answer's headers (lower case)."""
        action = _for_people(action)
        session = self._session
        if session is None:
            raise Refused(
                f"there is no link to PBX {self.settings.pbx!r}: {action.value} was not sent",
                code="unavailable",
                text_zh=f"与 PBX {self.settings.pbx} 的连接已断开，操作未执行",
            )
        if not self.may(action):
            raise Refused(
                f"the AMI account on PBX {self.settings.pbx!r} may not {action.value}: give it"
                f" write={_FOR_PEOPLE[action]} (manager.conf)",
                text_zh=f"PBX {self.settings.pbx} 的 AMI 账号无权执行 {action.value}：请为它设置"
                f" write={_FOR_PEOPLE[action]}（manager.conf）",
            )
        answer = await session.do(action, headers)
        self._members.did(action, headers)
        return answer.headers

    async def _recording_file(self, channel: str) -> Mapping[str, str]:
        return await self.ask(
            AmiAction.GETVAR, {"Channel": channel, "Variable": "MIXMONITOR_FILENAME"}
        )

    # --- one link ---

    async def _link(self) -> LinkError:
        """One connection from its beginning to its end, and why it ended."""
        self._begin()
        settings = self.settings
        manager = _LinkManager(
            pbx=settings.pbx,
            host=settings.host,
            port=settings.port,
            ssl=self._tls or False,
            server_hostname=(settings.tls_server_name or settings.host) if self._tls else None,
            protocol_factory=lambda: AmiProtocol(
                settings, self._inbox, self, self._log, self._monotonic, self._wall_us
            ),
        )
        failures: list[LinkError] = []
        try:
            protocol = await self._connect(manager)
            session = AmiSession(
                protocol, manager.send_action, settings, self._monotonic, self._wall_us
            )
            await self._login(session)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep_alive(session), name=f"ami-keepalive-{settings.pbx}")
                group.create_task(self._synchronise(session), name=f"ami-snapshot-{settings.pbx}")
                raise await asyncio.shield(protocol.lost)
        except* LinkError as several:
            failures += [exc for exc in several.exceptions if isinstance(exc, LinkError)]
        finally:
            self._session = None
            await self._hang_up(manager)
            await self.recordings.stop()
        if self._up_at is not None and self._monotonic() - self._up_at >= _GOOD_LINK_S:
            self._backoff.reset()
        return failures[0]

    async def _connect(self, manager: _LinkManager) -> AmiProtocol:
        try:
            async with asyncio.timeout(self.settings.connect_timeout_s):
                await manager.connect()
        except OSError as exc:
            raise connect_error(self.settings, exc) from None
        protocol = manager.protocol
        assert protocol is not None
        peer = protocol.transport.get_extra_info("peername")
        if self._tls is None and peer is not None and not is_loopback(peer[0]):
            self._warnings |= plain_text_warning()
        return protocol

    async def _login(self, session: AmiSession) -> None:
        settings, protocol = self.settings, session.protocol
        patience_s = min(_GREETING_S, settings.login_timeout_s)
        either: set[asyncio.Future[Any]] = {protocol.greeted, protocol.lost}
        await asyncio.wait(either, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
        if protocol.lost.done():
            raise protocol.lost.result()
        if not protocol.greeted.done():
            raise no_greeting_error(settings, patience_s)
        answer = await session.ask(
            AmiAction.LOGIN, self._credentials, timeout_s=settings.login_timeout_s
        )
        if not answer.ok:
            raise login_error(settings, answer.message)
        protocol.logged_in = True
        self._reports.syncing()

    async def _synchronise(self, session: AmiSession) -> None:
        """Ask for the events, learn the PBX and the account, take the snapshot; then repeat it."""
        settings, protocol = self.settings, session.protocol
        # With brokeneventsaction=yes Asterisk may leave this one unanswered; the ping that follows
        # tells when the answer would have come.
        events = session.send(AmiAction.EVENTS, {"EventMask": settings.event_mask})
        await session.ping()
        refusal = events.future.result() if events.future.done() else None
        if refusal is not None and not refusal.ok:
            raise LinkError(
                "refused",
                f"the PBX refused the event mask {settings.event_mask!r}: {refusal.message}",
            )
        self._watch.login_answered()
        for _ in range(_FIRST_PINGS - 1):
            await session.ping()
        answer = await session.ask(AmiAction.CORE_SETTINGS)
        self._version = answered_version(answer.headers) if answer.ok else None
        series = asterisk_series(self._version, protocol.ami_version)
        self._warnings |= version_warnings(series, self._version, self._today())
        if self._version is None and series is not None:
            self._version = str(series)
        await self._take_snapshot(session)
        self._publish_info(session)
        self._session = session
        self._up_at = self._monotonic()
        self._reports.up(
            version=self._version,
            ami_version=protocol.ami_version,
            offset_us=session.offset.offset_us(),
        )
        while True:
            await self._wait_for_resync()
            self._log.debug("ami.resync")
            await self._take_snapshot(session)
            self._publish_info(session)

    async def _wait_for_resync(self) -> None:
        """Until somebody asks for it, or there is a reason of ours."""
        patience_s: float | None = None
        if "no_queue_list" in self._refused:
            patience_s = _RETRY_S
        elif self._watch.waiting_for:
            patience_s = _LOOK_AGAIN_S
        try:
            async with asyncio.timeout(patience_s):
                await self._resync_wanted.wait()
        except TimeoutError:
            return
        early_s = self._snapshot_at + _RESYNC_MIN_S - self._monotonic()
        if early_s > 0:
            await asyncio.sleep(early_s)

    async def _take_snapshot(self, session: AmiSession) -> None:
        """All lists, one after the other; the link is given up when one stalls."""
        self._snapshot_at = self._monotonic()
        self._resync_wanted.clear()
        if self._modules_changed:
            self._modules_changed = False
            answer = await session.ask(AmiAction.LIST_COMMANDS)
            if answer.ok:
                self._permissions = self._may = read_permissions(answer.headers.items())
                self._warnings |= permission_warnings(self._permissions, dials=self.settings.dials)
        refused: Warnings = {}
        self._watch.snapshot_begins()
        for action in _SNAPSHOT:
            optional = action is AmiAction.DEVICE_STATE_LIST
            if optional and not (self._permissions and self._permissions.allows(action)):
                continue
            if action is AmiAction.QUEUE_STATUS:
                self._members.list_begins()
            answer = await session.ask(action)
            if action is AmiAction.QUEUE_STATUS:
                self._members.list_ended(whole=answer.ok)
            if not answer.ok and not optional:
                refused |= no_list_warning(action, answer.message)
        self._refused = refused
        self._watch.snapshot_ended(whole=not refused)

    async def _keep_alive(self, session: AmiSession) -> None:
        protocol = session.protocol
        while True:
            await asyncio.sleep(self.settings.ping_every_s)
            if protocol.paused:
                continue
            between_lists = not protocol.list_pending
            await session.ping()
            if self._up_at is not None:
                if between_lists and not protocol.list_pending:
                    self._watch.settle()
                self._publish_info(session)

    async def _hang_up(self, manager: _LinkManager) -> None:
        """Leave nothing behind; polite while the link still lives."""
        protocol = manager.protocol
        if protocol is None or protocol.lost.done():
            return
        try:
            if protocol.logged_in and self._stopping.is_set():
                manager.send_action({"Action": AmiAction.LOGOFF.value})
            manager.close()
            await asyncio.wait({protocol.lost}, timeout=_CLOSE_S)
        finally:
            protocol.transport.abort()
        await protocol.lost

    # --- what the protocol tells ---

    def saw_event(self, frame: bytes) -> None:
        """An event that answers nothing of ours."""
        if frame.startswith(_NEWS):
            # A module that was missing from the snapshot may be there now; static queue members
            # come and go with a reload, and no other event says so.
            self._modules_changed = True
            self.resync()
        elif frame.startswith(b"Event: Shutdown\r\n"):
            self.shutdown_seen = True
        self._members.saw_event(frame)
        self._phones.saw(frame)
        self.recordings.saw_event(frame, may=self.may(AmiAction.GETVAR))
        if not self._watch.content:
            self._watch.saw_event(frame)

    def saw_list_item(self, frame: bytes) -> None:
        """An event out of a list that we asked for."""
        self._members.saw_list_item(frame)
        self._phones.saw(frame)
        self._watch.saw_list_item(frame)

    # --- what others hear ---

    def _publish_info(self, session: AmiSession) -> None:
        warnings = self._warnings | self._refused | self._watch.warnings()
        self._reports.info(session.offset, self._version, warnings)


def _for_people(action: AmiAction | str) -> AmiAction:
    known = known_action(action) if isinstance(action, str) else action
    if known not in _FOR_PEOPLE:
        raise Refused(f"{known.value} is the listener's own: nobody else has it done")
    return known
