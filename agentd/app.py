"""The composition root: builds the daemon from its parts, runs it, and takes it down in order.

All long-lived work is a named task in one group. A task that dies, or ends although nobody asked
it to, stops the daemon: half a daemon would look like a quiet call centre.

Going down has stages: stop reading, work off what was read, store it, then send the clients away.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import structlog
from msgspec import structs

from agentd import __version__, clock
from agentd.alerts import MqttOut, MqttSettings
from agentd.ami_link import AmiSettings
from agentd.ami_listener import AmiListener
from agentd.config import Config
from agentd.control import ControlServer, socket_path
from agentd.core.effects import (
    Alert,
    Anomaly,
    Effect,
    OrderChanged,
    ResyncWanted,
    Violation,
    seconds,
)
from agentd.core.order_form import FormBook
from agentd.core.pbx_clock import OurClock
from agentd.core.people import Directory
from agentd.core.policy import PolicyBook
from agentd.errors import AgentdError
from agentd.heap import Heap
from agentd.http_api import WebServer, WebSettings
from agentd.http_rest import APIRouter
from agentd.monitor_mailbox import StreamSettings
from agentd.monitor_ws import LiveStream
from agentd.pipeline import Pipeline
from agentd.ports import LiveSink
from agentd.record import Recorded, record_until_interrupted
from agentd.runtime import Runtime
from agentd.staff import Rulebook, Staff
from agentd.ticketing import Store

FLUSH_MAX_S = 5.0
MQTT_FLUSH_MAX_S = 3.0
ANOMALIES_PER_PERIOD = 20
ANOMALY_PERIOD_S = 10.0

Ready = Callable[[str, Path], None]
"""Told when the daemon serves: its URL and its database."""

_log = structlog.get_logger(__name__)


def ami_settings(config: Config, pbx: str) -> AmiSettings:
    """How to reach ``pbx``, as the listener wants it."""
    access = config.access(pbx)
    return AmiSettings(
        pbx=access.pbx,
        username=access.username,
        secret=access.secret,
        host=access.host,
        port=access.port,
        tls=access.tls,
        tls_ca_file=str(access.tls_ca_file) if access.tls_ca_file else None,
        tls_server_name=access.tls_server_name,
        dials=config.people_on(pbx).dial_context is not None or config.people_on(pbx).listening,
    )


def web_settings(config: Config) -> WebSettings:
    """Where the web server listens."""
    web = config.web
    return WebSettings(
        host=web.host,
        port=web.port,
        allowed_hosts=tuple(web.allowed_hosts),
        tls_cert_file=config.base / web.tls_cert_file if web.tls_cert_file else None,
        tls_key_file=config.base / web.tls_key_file if web.tls_key_file else None,
        behind_proxy=web.behind_proxy,
    )


def mqtt_settings(config: Config) -> MqttSettings | None:
    """Which broker to publish to; None when none is configured."""
    access = config.mqtt_access
    if access is None:
        return None
    return MqttSettings(
        host=access.host,
        port=access.port,
        username=access.username,
        password=access.password,
        tls=access.tls,
        tls_ca_file=str(access.tls_ca_file) if access.tls_ca_file else None,
        topic_prefix=config.mqtt.topic_prefix,
        mask_numbers=config.mqtt.mask_numbers,
    )


# --- the daemon ------------------------------------------------------------------------------


class Daemon:
    """One agentd: every part, built but not yet started.

    ``access`` says how to reach each PBX of ``config``; ``store_path`` is its database. ``books``
    (by PBX) and ``form`` go before the configuration's own; ``announce`` is told what may be told.
    ``mqtt`` is the broker to publish to, if any; ``routers`` are served beside the REST API.
    ``alone``: the process is the daemon's, which may then tend its heap.
    """

    def __init__(
        self,
        config: Config,
        access: Mapping[str, AmiSettings],
        web: WebSettings,
        store_path: Path,
        *,
        books: Mapping[str, PolicyBook] | None = None,
        form: FormBook | None = None,
        announce: Callable[[Sequence[Effect]], None] | None = None,
        mqtt: MqttSettings | None = None,
        routers: Sequence[APIRouter] = (),
        alone: bool = False,
    ) -> None:
        self.heap = Heap(lambda: self.runtime.calls > 0) if alone else None
        self.store_path = store_path
        policies = {pbx: (books or {}).get(pbx) or config.policy_book(pbx) for pbx in access}
        rulebook = Rulebook(Directory(), form or config.form_book, policies)
        self.store = Store(store_path, rules=rulebook.orders)
        self.live = LiveStream(
            StreamSettings(
                lang=config.web.language, allowed_origins=tuple(config.web.allowed_origins)
            )
        )
        self.mqtt = None if mqtt is None else MqttOut(mqtt)
        tell = announce or EffectLog()
        told = tell if self.mqtt is None else _all(tell, self.mqtt.announce)
        boards = self.live if self.mqtt is None else _Boards(self.live, self.mqtt)
        ours = OurClock(*clock.this_boot())
        self.runtime = Runtime(
            {pbx: Pipeline(pbx, policies[pbx], ours=ours) for pbx in access},
            self.store,
            boards,
            announce=_all(told, self._tell_staff),
            resync=lambda pbx: self.listeners[pbx].resync(),
            clock_set=self.store.clock_job,
        )
        self.listeners = {
            pbx: AmiListener(settings, self.runtime.inbox) for pbx, settings in access.items()
        }
        self.staff = Staff(
            config,
            rulebook,
            store=self.store,
            runtime=self.runtime,
            live=self.live,
            boards=boards,
            telephony=self.listeners,
            tell=told,
        )
        self.web = WebServer(
            web,
            self.live,
            self.health,
            self.staff.accounts,
            routers=(*self.staff.routers, *routers),
            my_seat=self.staff.my_seat,
            exposition=self.staff.exposition.render,
        )
        self.control = ControlServer(socket_path(store_path), self.staff.handlers)
        self._stopping = False

    def _tell_staff(self, effects: Sequence[Effect]) -> None:
        self.staff.announce(effects)

    def health(self) -> dict[str, Any]:
        """What ``/healthz`` shows; ``ok`` is False while something needs a person."""
        store = self.store.health
        links = self.runtime.links
        # A broker that is away is shown, and is no reason to call the call centre's watch unwell.
        mqtt = {} if self.mqtt is None else {"mqtt": structs.asdict(self.mqtt.health)}
        return {
            "ok": store.healthy and all(link == "up" for link in links.values()),
            "version": __version__,
            "links": links,
            "last_event_age_s": self.runtime.last_event_age_s(),
            "inbox_bytes": self.runtime.inbox.held_bytes,
            "store": {
                "ok": store.healthy,
                "queued": store.queued,
                "dropped": store.dropped,
                "error": store.last_error,
            },
            **mqtt,
            **self.staff.health,
        }

    async def run(self, stop: asyncio.Event, ready: Ready) -> None:
        """Serve until ``stop`` is set, then go down in order.

        Raises :class:`AgentdError` when it cannot start, and whatever a part died of.
        """
        await self.store.start()
        try:
            await self.staff.start()
            for pbx in self.listeners:
                self.runtime.restore(pbx, await self.store.restore(pbx))
            url = await self.web.start()
            await self.control.start()
            _log.info("started", version=__version__, url=url, pbxs=[*self.listeners])
            ready(url, self.store_path)
            with _plain_errors():
                await self._serve(stop)
        finally:
            await self.web.stop()
            await self.control.close()
            await self.staff.close()
            await self.store.close(flush_max_s=FLUSH_MAX_S)
        _log.info("stopped")

    async def _serve(self, stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:

            def start(name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
                return group.create_task(self._vital(name, work), name=name)

            pump = start("pump", self.runtime.run())
            store = start("store", self.store.watch())
            await self.staff.take_seats()
            staff = [start(name, work()) for name, work in self.staff.works().items()]
            webhooks = start("webhooks", self.staff.webhooks.run())
            if self.heap is not None:
                staff.append(start("heap", self.heap.run()))
            web = start("web", self.web.serve_until_stopped())
            links = [
                start(f"ami-{pbx}", listener.run()) for pbx, listener in self.listeners.items()
            ]
            mqtt = start("mqtt", self.mqtt.run()) if self.mqtt is not None else None
            await stop.wait()
            self._stopping = True
            _log.info("stopping")
            for listener in self.listeners.values():
                await listener.stop()
            await asyncio.wait(links)
            self.runtime.stop()
            await pump
            with contextlib.suppress(TimeoutError):
                # What could not be stored by then is told by close().
                async with asyncio.timeout(FLUSH_MAX_S):
                    await self.store.flush()
            await self.control.close()
            await self.web.stop()
            await web
            if self.mqtt is not None and mqtt is not None:
                self.mqtt.stop()
                await asyncio.wait({mqtt}, timeout=MQTT_FLUSH_MAX_S)
                mqtt.cancel()
            await self.staff.stop_webhooks(webhooks)
            for task in (*staff, store):
                task.cancel()

    async def _vital(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """``work``, which must not end before we stop."""
        try:
            await work
        except Exception:
            _log.critical("task_died", task=name)
            raise
        if not self._stopping:
            _log.critical("task_ended", task=name)
            raise RuntimeError(f"the task {name} ended although nobody stopped it")


@contextlib.contextmanager
def _plain_errors() -> Iterator[None]:
    """What a task group raises is a group; people are shown the one sentence in it."""
    try:
        yield
    except BaseExceptionGroup as group:
        plain = group.subgroup(AgentdError)
        if plain is None or group.subgroup(lambda error: not isinstance(error, AgentdError)):
            raise
        error: BaseException = plain
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None


class _Boards:
    """One ``LiveSink`` for several."""

    def __init__(self, *sinks: LiveSink) -> None:
        self._sinks = sinks

    def publish(self, changed: Mapping[str, Any], removed: Sequence[str]) -> None:
        for sink in self._sinks:
            sink.publish(changed, removed)


def _all(*listeners: Callable[[Sequence[Effect]], None]) -> Callable[[Sequence[Effect]], None]:
    def announce(effects: Sequence[Effect]) -> None:
        for listener in listeners:
            listener(effects)

    return announce


class EffectLog:
    """Tells the log what the engine concluded, as far as an admin wants to read it there."""

    def __init__(self, monotonic: Callable[[], float] = clock.monotonic) -> None:
        self._monotonic = monotonic
        self._period_ends_s = 0.0
        self._anomalies = 0

    def __call__(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            match effect:
                case Violation():
                    _log.warning("violation", **_about(effect), rule=effect.rule)
                case Alert() if effect.level != "cleared":
                    about = _about(effect)
                    _log.info("alert", **about, rule=effect.rule, alert_level=effect.level)
                case OrderChanged():
                    about = _about(effect)
                    _log.info("work_order", **about, order=effect.id, change=effect.change)
                case ResyncWanted():
                    _log.info("resync_wanted", pbx=effect.pbx, why=effect.why)
                case Anomaly():
                    self._anomaly(effect)

    def _anomaly(self, anomaly: Anomaly) -> None:
        """A PBX that sends nonsense must not fill the disk with our words about it."""
        now_s = self._monotonic()
        if now_s >= self._period_ends_s:
            if self._anomalies > ANOMALIES_PER_PERIOD:
                more = self._anomalies - ANOMALIES_PER_PERIOD
                _log.warning("anomalies_not_shown", count=more)
            self._anomalies = 0
            self._period_ends_s = now_s + ANOMALY_PERIOD_S
        self._anomalies += 1
        if self._anomalies <= ANOMALIES_PER_PERIOD:
            _log.warning("anomaly", pbx=anomaly.pbx, what=anomaly.what, ami_event=anomaly.event)


def _about(effect: Violation | Alert | OrderChanged) -> dict[str, Any]:
    about: dict[str, Any] = {"pbx": effect.pbx, "call": effect.call, "seat": effect.seat}
    if isinstance(effect, OrderChanged):
        return {**about, "agent": effect.agent, "due_at": seconds(effect.due_us)}
    limits = {"value_s": seconds(effect.value_us), "limit_s": seconds(effect.limit_us)}
    return {**about, "agent": effect.agent, **limits}


# --- commands --------------------------------------------------------------------------------


@contextlib.contextmanager
def stopped_by_signals(stop: asyncio.Event) -> Iterator[None]:
    """SIGTERM and Ctrl-C stop in order; the second one stops at once."""
    loop = asyncio.get_running_loop()
    main = asyncio.current_task()

    def on_signal() -> None:
        if stop.is_set() and main is not None:
            main.cancel()
        stop.set()

    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        loop.add_signal_handler(number, on_signal)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


async def run(config: Config, ready: Ready) -> None:
    """``agentd run``: the daemon, until a signal."""
    access = {pbx: ami_settings(config, pbx) for pbx in config.pbx_ids}
    stop = asyncio.Event()
    with stopped_by_signals(stop):
        daemon = Daemon(
            config,
            access,
            web_settings(config),
            config.store_path,
            mqtt=mqtt_settings(config),
            alone=True,
        )
        await daemon.run(stop, ready)


async def record(config: Config, pbx: str, path: Path) -> Recorded:
    """``agentd record``: every byte of one PBX's AMI into a file, until a signal."""
    return await record_until_interrupted(ami_settings(config, pbx), path)
