"""MQTT out (docs/mqtt.md): retained state, alerts, work orders and violations, and a last will.

The broker is a convenience: whatever it does, nobody here waits for it. :class:`Outbox` takes
everything at once and is bounded; :class:`MqttOut` brings it to the broker whenever there is one.
While there is none, the outbox keeps the newest state of each topic, drops alerts as soon as they
are too old to be news, and keeps the latest work-order changes and violations, which are records.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import random
import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal
from urllib.parse import quote

import aiomqtt
import msgspec
import structlog
from msgspec import Struct

from agentd import __version__, clock
from agentd.alerts_outbox import Message, MqttHealth, Outbox
from agentd.core.effects import (
    Alert,
    Effect,
    OrderChanged,
    SurgeChanged,
    Violation,
    seconds,
    to_record,
)
from agentd.errors import AgentdError
from agentd.logs import mask_number

QOS: Final = 1
WINDOW: Final = 16
"""Messages on their way to the broker at once; below paho's own limit of 20, behind which it would
queue them out of our sight."""
NAME_MAX_BYTES: Final = 300
"""Of one name in a topic; a topic has at most 65,535 bytes."""

ONLINE: Final = msgspec.json.encode({"status": "online", "version": __version__})
OFFLINE: Final = msgspec.json.encode({"status": "offline"})

_log = structlog.get_logger(__name__)
# Every failure of the library comes to us as an exception, and is said in our words, once.
_library_log = logging.getLogger("agentd.mqtt")
_library_log.setLevel(logging.CRITICAL + 1)


class MqttSettings(Struct, frozen=True):
    """Which broker, and how patiently."""

    host: str
    port: int = 1883
    username: str | None = None
    password: str | None = None
    tls: bool = False
    tls_ca_file: str | None = None
    topic_prefix: str = "agentd"
    mask_numbers: bool = True
    keepalive_s: int = 15
    """A broker that fell silent is found out within twice this."""
    answer_max_s: float = 5.0
    """For CONNACK and PUBACK."""
    goodbye_max_s: float = 1.0
    """For the PUBACK of ``offline``."""
    backoff_min_s: float = 1.0
    backoff_max_s: float = 30.0
    alert_max_age_s: float = 5.0
    records_max: int = 1000
    """Alerts, work-order changes and violations that wait, together."""

    def __repr__(self) -> str:
        return f"MqttSettings({self.username or 'anonymous'}@{self.host}:{self.port})"


# --- topics and payloads ---------------------------------------------------------------------


def topic_name(name: str) -> str:
    """``name`` as one level of a topic: what MQTT or a reader could mistake is percent-encoded.

    Different names stay different; letters of any language stay as they are.
    """
    safe = "".join(
        quote(char, safe="") if char in "%/+#" or not char.isprintable() else char for char in name
    )
    if len(safe.encode()) <= NAME_MAX_BYTES:
        return safe
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return f"{safe.encode()[: NAME_MAX_BYTES - 17].decode(errors='ignore')}~{digest}"


def _state_of(key: str) -> tuple[str, str, str] | None:
    """(kind, PBX, name) of a board key that is published; None for all others."""
    kind, _, rest = key.partition(":")
    pbx, _, name = rest.partition("/")
    if kind == "pbx":
        return "link", rest, ""
    return (kind, pbx, name) if kind in {"seat", "queue"} else None


class MqttOut:
    """Publishes the board (a ``ports.LiveSink``) and effects (:meth:`announce`); never blocks.

    :meth:`run` must be running for anything to be sent. Raises :class:`AgentdError` when the CA
    file cannot be used.
    """

    def __init__(
        self,
        settings: MqttSettings,
        *,
        monotonic: Callable[[], float] = clock.monotonic,
        rng: random.Random | None = None,
    ) -> None:
        self._settings = settings
        self._prefix = settings.topic_prefix
        self._monotonic = monotonic
        # Not for secrets: only so that daemons do not knock in step.
        self._rng = rng or random.Random()  # noqa: S311
        self._tls = _tls_context(settings)
        self.health = MqttHealth()
        self.outbox = Outbox(
            self.health,
            alert_max_age_s=settings.alert_max_age_s,
            records_max=settings.records_max,
            monotonic=monotonic,
        )
        self._bell = asyncio.Event()
        self._stopping = asyncio.Event()
        self._told: str | None = None

    # --- what is to be published ---

    def publish(self, changed: Mapping[str, Any], removed: Sequence[str]) -> None:
        """Take over board objects that changed and keys that went away."""
        for key in removed:
            if topic := self._state_topic(key):
                self.outbox.put_state(topic, b"")
        for key, value in changed.items():
            if topic := self._state_topic(key):
                self.outbox.put_state(topic, msgspec.json.encode(self._state(value)))
        self._bell.set()

    def announce(self, effects: Sequence[Effect]) -> None:
        """Take over what may be told; obligations must have been committed."""
        for effect in effects:
            match effect:
                case Alert():
                    topic = self._topic(effect.pbx, "alert", effect.level)
                    self.outbox.put_alert(topic, msgspec.json.encode(to_record(effect)))
                case SurgeChanged():
                    topic = self._topic(effect.pbx, "surge", topic_name(effect.queue))
                    self.outbox.put_alert(topic, msgspec.json.encode(to_record(effect)))
                case Violation():
                    topic = self._topic(effect.pbx, "violation", effect.rule)
                    self.outbox.put_record(topic, msgspec.json.encode(to_record(effect)))
                case OrderChanged():
                    topic = self._topic(effect.pbx, "work_order", effect.change)
                    self.outbox.put_record(topic, msgspec.json.encode(self._order(effect)))
                case _:
                    continue
            self._bell.set()

    def _topic(self, pbx: str, *names: str) -> str:
        return "/".join([self._prefix, pbx, *names])

    def _state_topic(self, key: str) -> str | None:
        state = _state_of(key)
        if state is None:
            return None
        kind, pbx, name = state
        return self._topic(pbx, kind, topic_name(name)) if name else self._topic(pbx, kind)

    def _state(self, value: Mapping[str, Any]) -> dict[str, Any]:
        state = dict(value)
        # It changes with every event; who wants to see the feed's pulse has the live stream.
        state.pop("last_event_at", None)
        if "caller" in state:
            state["caller"] = self._masked(state["caller"])
        if "waiting" in state:
            state["waiting"] = [
                {**waiting, "caller": self._masked(waiting["caller"])}
                for waiting in state["waiting"]
            ]
        return state

    def _order(self, order: OrderChanged) -> dict[str, Any]:
        record = to_record(order) or {}
        return record | {
            "caller": self._masked(order.caller),
            "completed_at": seconds(order.completed_us),
            "completed_by": order.completed_by,
        }

    def _masked(self, number: str | None) -> str | None:
        if number is None or not self._settings.mask_numbers:
            return number
        return mask_number(number)

    # --- the way to the broker ---

    async def run(self) -> None:
        """Connect, publish, connect again; returns only after :meth:`stop`, when everything that
        waited is sent (or the broker is away) and ``offline`` is said."""
        settings = self._settings
        delay_s = settings.backoff_min_s
        while not self._stopping.is_set():
            began_s = self._monotonic()
            await self._visit()
            # Only a connection that held shows that the broker is well.
            if self._monotonic() - began_s > settings.backoff_max_s:
                delay_s = settings.backoff_min_s
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay_s * self._rng.uniform(0.5, 1.0)):
                    await self._stopping.wait()
            delay_s = min(delay_s * 2, settings.backoff_max_s)

    def stop(self) -> None:
        """Let :meth:`run` send what waits, say ``offline`` and return."""
        self._stopping.set()
        self._bell.set()

    async def _visit(self) -> None:
        """One connection, from its beginning to its end."""
        client = self._client()
        first_loss = client._disconnected  # noqa: SLF001
        connected = False
        try:
            async with client:
                connected = True
                await self._session(client)
        # UnicodeError: a host name that is none (two dots, say), found out by the resolver.
        except* (aiomqtt.MqttError, UnicodeError) as errors:
            self._say_away(_first(errors), was_connected=connected)
        finally:
            self.health.connected = False
            _let_go(client, first_loss)

    def _client(self) -> aiomqtt.Client:
        settings = self._settings
        client = aiomqtt.Client(
            settings.host,
            settings.port,
            username=settings.username,
            password=settings.password,
            tls_context=self._tls,
            # The same at every connection: the broker then ends a connection of ours that it still
            # believes in, and tells its last will, before it takes the new one; not after.
            identifier=f"agentd-{self._prefix}",
            clean_session=True,
            will=aiomqtt.Will(self._status_topic, OFFLINE, QOS, retain=True),
            keepalive=settings.keepalive_s,
            timeout=settings.answer_max_s,
            logger=_library_log,
        )
        client.pending_calls_threshold = WINDOW
        return client

    @property
    def _status_topic(self) -> str:
        return f"{self._prefix}/status"

    async def _session(self, client: aiomqtt.Client) -> None:
        try:
            await client.publish(self._status_topic, ONLINE, QOS, retain=True)
            self.outbox.begin()
            self._say_connected()
            async with asyncio.TaskGroup() as group:
                watch = group.create_task(_until_lost(client), name="mqtt-watch")
                await self._send_all(client)
                watch.cancel()
        finally:
            # Also when this daemon dies of something else: the disconnection that follows is an
            # orderly one, upon which the broker forgets the last will.
            with contextlib.suppress(aiomqtt.MqttError):
                await client.publish(
                    self._status_topic,
                    OFFLINE,
                    QOS,
                    retain=True,
                    timeout=self._settings.goodbye_max_s,
                )

    async def _send_all(self, client: aiomqtt.Client) -> None:
        """Send whatever comes; returns when nothing is left after :meth:`stop`."""
        while True:
            self._bell.clear()
            batch = self.outbox.take(WINDOW)
            if batch:
                await self._send(client, batch)
            elif self._stopping.is_set():
                return
            else:
                await self._bell.wait()

    async def _send(self, client: aiomqtt.Client, batch: Sequence[Message]) -> None:
        """Returns when the broker has confirmed all of ``batch``; what it has not is put back."""
        confirmed: set[int] = set()

        async def send(index: int, message: Message) -> None:
            await client.publish(message.topic, message.payload, QOS, message.retain)
            confirmed.add(index)
            self.outbox.sent(message)

        try:
            async with asyncio.TaskGroup() as group:
                for index, message in enumerate(batch):
                    group.create_task(send(index, message), name=f"mqtt-send-{index}")
        finally:
            self.outbox.put_back([m for i, m in enumerate(batch) if i not in confirmed])

    # --- what people are told ---

    def _say_connected(self) -> None:
        health = self.health
        health.connected, health.error, self._told = True, None, None
        _log.info(
            "mqtt_connected",
            host=self._settings.host,
            port=self._settings.port,
            expired_alerts=health.expired_alerts,
            dropped=health.dropped,
        )

    def _say_away(self, error: BaseException, *, was_connected: bool) -> None:
        """Once for each kind of trouble, not for every try."""
        code, reason = ("lost", "the connection was lost") if was_connected else _trouble(error)
        self.health.error = reason
        if code != self._told:
            self._told = code
            _log.warning(
                "mqtt_away",
                host=self._settings.host,
                port=self._settings.port,
                code=code,
                reason=reason,
                detail=str(error),
            )


def _let_go(client: aiomqtt.Client, first_loss: asyncio.Future[None]) -> None:
    """Close what the library leaves open when nobody answers, or what comes is no MQTT.

    It has no word for that; left alone, socket and reader would stay, and a broken packet would be
    read over and over. After an orderly end nothing is left to close. ``first_loss`` is where the
    client notes a loss while it connects; it forgets that one when it is connected.
    """
    client._client._sock_close()  # noqa: SLF001
    for lost in (first_loss, client._disconnected):  # noqa: SLF001
        if lost.done() and not lost.cancelled():
            # It was told already; unread, the event loop would tell it again.
            lost.exception()


async def _until_lost(client: aiomqtt.Client) -> None:
    """Raises :class:`aiomqtt.MqttError` as soon as the connection is lost."""
    # Nothing is subscribed to, so nothing comes.
    async for _ in client.messages:
        pass


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


_CONNACK_AUTH: Final = {4, 5, 134, 135}
"""Bad user name or password, not authorised: in MQTT 3.1.1, and as paho translates them to 5."""


def _trouble(error: BaseException) -> tuple[Literal["auth", "refused", "tls", "unreachable"], str]:
    """(stable code, plain words) why there is no connection."""
    if isinstance(error, aiomqtt.MqttCodeError):
        code = getattr(error.rc, "value", error.rc)
        if code in _CONNACK_AUTH:
            return "auth", (
                "the broker refuses the user name or password; check [mqtt] username and "
                "AGENTD_MQTT_PASSWORD or password_file"
            )
        return "refused", "the broker refuses the connection"
    if isinstance(error.__context__, ssl.SSLError):
        return "tls", "no TLS connection; check [mqtt] port, tls_ca_file and the broker's name"
    return "unreachable", "no broker answers there; check [mqtt] host and port"


def _tls_context(settings: MqttSettings) -> ssl.SSLContext | None:
    if not settings.tls:
        return None
    try:
        return ssl.create_default_context(cafile=settings.tls_ca_file)
    except OSError as error:
        raise AgentdError(
            f"[mqtt] tls_ca_file: {settings.tls_ca_file} holds no certificates that can be used "
            f"({error.strerror or error}); name a PEM file of CA certificates"
        ) from None
