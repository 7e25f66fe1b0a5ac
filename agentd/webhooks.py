"""Webhooks: what happens is told to other systems and to chat robots by HTTP POST.

Nobody here waits for a receiver. :class:`Webhooks` takes everything at once. One task puts what
must arrive into the store, and one worker for each receiver brings it there: with growing pauses
while it is away, until it arrived, or is refused (4xx), or is a day old. A receiver that is away
delays no other. Delivery is "at least once": after a crash a message may come twice, with the same
id. Alerts and surges are news, never stored, and dropped when they are a minute old.
"""

from __future__ import annotations

import asyncio
import binascii
import contextlib
import logging
import random
import ssl
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal, Protocol

import httpx
import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace

from agentd import __version__, clock
from agentd.config import WebhookAccess
from agentd.core.effects import Alert, Effect, OrderChanged, SurgeChanged, Violation
from agentd.core.order_model import Notice, WorkOrder
from agentd.errors import AgentdError
from agentd.ports.desk import WebhookItem
from agentd.webhooks_messages import (
    FOR_ONE_PERSON,
    Message,
    of_effect,
    of_notice,
    post,
    robot_answer,
    standard_signature,
)
from agentd.webhooks_queue import Patience, Waiting, WebhookHealth, is_news

ANSWER_MAX_BYTES: Final = 64 << 10
RETRY_AFTER_MAX_S: Final = 3600.0
TOO_FAST_S: Final = 60.0
"""A chat robot that wants no more counts messages by the minute."""
_AGAIN_4XX: Final = frozenset({408, 425, 429})

_log = structlog.get_logger(__name__)
# It writes whole addresses into the log; a robot's address is its key.
logging.getLogger("httpx").setLevel(logging.WARNING)


class Kept(Protocol):
    """Where messages are kept until they arrived (a part of ``ports.desk.DeskStore``)."""

    async def put_webhooks(self, put: Sequence[WebhookItem], done: Sequence[str] = ()) -> None: ...
    async def webhooks(self) -> Sequence[WebhookItem]: ...


class Webhooks:
    """Tells every receiver what it asked for (a ``ports.desk.NoticeSink``; :meth:`announce` for
    effects). Never blocks; :meth:`run` must be running for anything to be sent.

    ``team_of`` gives the team of a seat (PBX, seat). Raises :class:`AgentdError` for an address or
    secret that cannot be used.
    """

    def __init__(
        self,
        receivers: Sequence[WebhookAccess],
        store: Kept,
        *,
        team_of: Callable[[str, str | None], str | None],
        patience: Patience | None = None,
        wall_us: Callable[[], int] = clock.wall_us,
        rng: random.Random | None = None,
    ) -> None:
        for receiver in receivers:
            _check(receiver)
        self._store = store
        self._team_of = team_of
        self._patience = patience or Patience()
        self._wall_us = wall_us
        # Not for secrets: only so that tries do not come in step.
        self._rng = rng or random.Random()  # noqa: S311
        self._workers = {
            receiver.id: _Worker(receiver, self._patience, self._rng, wall_us, self._note)
            for receiver in receivers
        }
        self._unstored: list[WebhookItem] = []
        self._changed: dict[str, WebhookItem] = {}
        self._done: list[str] = []
        self._bell = asyncio.Event()
        self._stopping = False
        self._store_trouble = False

    @property
    def health(self) -> dict[str, WebhookHealth]:
        """By the receiver's id."""
        return {name: worker.health for name, worker in self._workers.items()}

    # --- what is to be told ---

    def notify(self, notices: Sequence[tuple[Notice, WorkOrder]]) -> None:
        """Take over notices; their orders must have been committed."""
        for notice, order in notices:
            for worker in self._concerned("notice", order.team):
                about = worker.receiver
                if about.style != "json" and notice.kind in FOR_ONE_PERSON:
                    continue
                message = of_notice(notice, order, about.language, mask=about.mask_numbers)
                self._take(worker, message)

    def announce(self, effects: Sequence[Effect]) -> None:
        """Take over what may be told; obligations must have been committed."""
        for effect in effects:
            if not isinstance(effect, Alert | Violation | OrderChanged | SurgeChanged):
                continue
            kind = _kind(effect)
            # A queue is everybody's who serves it.
            team = None
            if not isinstance(effect, SurgeChanged):
                team = self._team_of(effect.pbx, effect.seat)
            for worker in self._concerned(kind, team):
                about = worker.receiver
                if _is_notice_too(effect) and "notice" in about.events:
                    continue
                message = of_effect(effect, about.language, mask=about.mask_numbers)
                if message is not None:
                    self._take(worker, message)

    def _concerned(self, kind: str, team: str | None) -> Iterable[_Worker]:
        for worker in self._workers.values():
            about = worker.receiver
            if kind in about.events and (not about.teams or team is None or team in about.teams):
                yield worker

    def _take(self, worker: _Worker, message: Message) -> None:
        now_us = self._wall_us()
        item = WebhookItem(
            id=f"{message.type}-{uuid.uuid4().hex}",
            target=worker.receiver.id,
            body=msgspec.json.encode(message),
            created_us=now_us,
            tries=0,
            next_us=now_us,
        )
        if is_news(item):
            worker.add(item)
        else:
            self._unstored.append(item)
            self._bell.set()

    # --- the work ---

    async def run(self) -> None:
        """Deliver until :meth:`stop`; what has not arrived by then is in the store."""
        await self._restore()
        async with asyncio.TaskGroup() as group:
            workers = [
                group.create_task(worker.run(), name=f"webhook-{name}")
                for name, worker in self._workers.items()
            ]
            while not self._stopping:
                await self._bell.wait()
                self._bell.clear()
                await self._keep()
            for worker in self._workers.values():
                worker.stop()
            if workers:
                await asyncio.wait(workers, timeout=self._patience.goodbye_max_s)
            for task in workers:
                task.cancel()
        await self._keep()

    def stop(self) -> None:
        """Let :meth:`run` store what waits and return."""
        self._stopping = True
        self._bell.set()

    async def _restore(self) -> None:
        for item in await self._store.webhooks():
            worker = self._workers.get(item.target)
            if worker is None:
                _log.warning("webhook_of_nobody", target=item.target, delivery=item.id)
                self._done.append(item.id)
            else:
                worker.add(item)
        if self._done:
            self._bell.set()

    async def _keep(self) -> None:
        """Write down what came and what became of the rest; only then the new ones go out."""
        fresh, self._unstored = self._unstored, []
        changed, self._changed = self._changed, {}
        done, self._done = self._done, []
        put = [*fresh, *(item for key, item in changed.items() if key not in set(done))]
        if put or done:
            try:
                await self._store.put_webhooks(put, done)
            except AgentdError as error:
                # They are told all the same; only a restart would forget them.
                if not self._store_trouble:
                    _log.error("webhooks_not_stored", reason=str(error))
                self._store_trouble = True
                self._done += done
            else:
                self._store_trouble = False
        for item in fresh:
            self._workers[item.target].add(item)

    def _note(self, item: WebhookItem, what: Literal["later", "done"]) -> None:
        """A worker tells what became of a message."""
        if is_news(item):
            return
        if what == "done":
            self._changed.pop(item.id, None)
            self._done.append(item.id)
        else:
            self._changed[item.id] = item
        self._bell.set()


def _kind(effect: Alert | Violation | OrderChanged | SurgeChanged) -> str:
    match effect:
        case SurgeChanged():
            return "surge"
        case Alert():
            return "alert"
        case Violation():
            return "violation"
        case OrderChanged():
            return "work_order"


def _is_notice_too(effect: Effect) -> bool:
    return isinstance(effect, Alert) and effect.rule == "urgent"


def _check(receiver: WebhookAccess) -> None:
    try:
        host = httpx.URL(receiver.url).host
        if receiver.secret and receiver.style == "json":
            standard_signature(receiver.secret, "", "", b"")
    except httpx.InvalidURL:
        host = ""
    except binascii.Error:
        raise AgentdError(
            f"webhook {receiver.id}: a secret that begins with whsec_ goes on in base64"
        ) from None
    if not host:
        raise AgentdError(f"webhook {receiver.id}: its url cannot be used")


class _Result(Struct, frozen=True):
    """What came of one try. ``pause_s``: the receiver itself said when to come again."""

    what: Literal["delivered", "refused", "again"]
    reason: str = ""
    pause_s: float | None = None


class _Worker:
    """Brings messages to one receiver, oldest first."""

    def __init__(
        self,
        receiver: WebhookAccess,
        patience: Patience,
        rng: random.Random,
        wall_us: Callable[[], int],
        note: Callable[[WebhookItem, Literal["later", "done"]], None],
    ) -> None:
        self.receiver = receiver
        self.health = WebhookHealth()
        self._patience = patience
        self._rng = rng
        self._wall_us = wall_us
        self._note = note
        self._waiting = Waiting(patience)
        self._quiet_until_us = 0
        self._failures = 0
        self._told = ""
        self._bell = asyncio.Event()
        self._stopping = False

    def add(self, item: WebhookItem) -> None:
        """A message for this receiver; when too many wait, the oldest goes, alerts first."""
        dropped = self._waiting.add(item, self._wall_us())
        if dropped is not None:
            self.health.dropped += 1
            self._note(dropped, "done")
            if not is_news(dropped):
                _log.error("webhook_dropped", target=self.receiver.id, delivery=dropped.id)
        self.health.waiting = len(self._waiting)
        self._bell.set()

    def stop(self) -> None:
        """Let :meth:`run` try what is due, and return."""
        self._stopping = True
        self._bell.set()

    async def run(self) -> None:
        context = ssl.create_default_context()
        limits = httpx.Limits(max_connections=2, max_keepalive_connections=1)
        async with httpx.AsyncClient(
            verify=context,
            follow_redirects=False,
            limits=limits,
            timeout=self._patience.answer_max_s,
            headers={"User-Agent": f"agentd/{__version__}"},
        ) as client:
            while await self._something_due():
                await self._try(client, self._waiting.pop())
                self.health.waiting = len(self._waiting)

    async def _something_due(self) -> bool:
        """Wait for the next message's time; False: stop."""
        while True:
            self._bell.clear()
            now_us = self._wall_us()
            due_us = self._waiting.next_us()
            if due_us is not None:
                due_us = max(due_us, self._quiet_until_us)
            if due_us is not None and due_us <= now_us:
                return True
            if self._stopping:
                return False
            delay_s = None if due_us is None else (due_us - now_us) / 1e6
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay_s):
                    await self._bell.wait()

    async def _try(self, client: httpx.AsyncClient, item: WebhookItem) -> None:
        age_s = (self._wall_us() - item.created_us) / 1e6
        if is_news(item) and age_s > self._patience.alert_max_age_s:
            self.health.dropped += 1
            return
        try:
            result = await self._send(client, item)
        except asyncio.CancelledError:
            # We stop; whether it arrived is not known, so it is sent again.
            self._note(item, "later")
            raise
        now_us = self._wall_us()
        if result.what == "delivered":
            self._on_delivered(item)
        elif result.what == "refused":
            self._give_up(item, result.reason)
        elif age_s > self._patience.keep_s:
            self._give_up(item, f"it is too old; last: {result.reason}")
        else:
            self._say(result.reason)
            self._failures += 1
            pause_s = self._pause_s(self._failures) if result.pause_s is None else result.pause_s
            self._quiet_until_us = now_us + int(pause_s * 1e6)
            later_s = max(pause_s, self._pause_s(item.tries + 1))
            later = replace(item, tries=item.tries + 1, next_us=now_us + int(later_s * 1e6))
            self._note(later, "later")
            self.add(later)

    def _pause_s(self, failures: int) -> float:
        patience = self._patience
        growing_s = patience.backoff_min_s * 2.0 ** min(failures - 1, 30)
        pause_s: float = min(growing_s, patience.backoff_max_s)
        return pause_s * self._rng.uniform(0.5, 1.0)

    async def _send(self, client: httpx.AsyncClient, item: WebhookItem) -> _Result:
        about = self.receiver
        out = post(about.style, about.url, about.secret, item.id, item.body, self._wall_us())
        content = b""
        try:
            async with (
                # The client's own limits are for each step; these are for one that drips.
                asyncio.timeout(2 * self._patience.answer_max_s),
                client.stream("POST", out.url, headers=out.headers, content=out.body) as answer,
            ):
                async for piece in answer.aiter_bytes():
                    content += piece
                    if len(content) > ANSWER_MAX_BYTES:
                        break
        except TimeoutError:
            return _Result("again", "no answer in time")
        except httpx.HTTPError as error:
            return _Result("again", _trouble(error))
        return self._judge(answer, content)

    def _judge(self, answer: httpx.Response, content: bytes) -> _Result:
        status = answer.status_code
        if answer.is_success:
            if self.receiver.style == "json":
                return _Result("delivered")
            said = robot_answer(content)
            if said.taken:
                return _Result("delivered")
            pause_s = TOO_FAST_S if said.too_fast else None
            return _Result("again" if said.again else "refused", said.reason, pause_s)
        if 400 <= status < 500 and status not in _AGAIN_4XX:
            return _Result("refused", f"the receiver answers {status}")
        reason = f"the receiver answers {status}"
        if answer.is_redirect:
            reason += "; redirections are not followed: configure the address it names"
        return _Result("again", reason, _retry_after_s(answer))

    # --- what became of it ---

    def _on_delivered(self, item: WebhookItem) -> None:
        if self._told:
            _log.info("webhook_back", target=self.receiver.id)
        self._told, self._failures, self.health.error = "", 0, None
        self.health.delivered += 1
        self._note(item, "done")
        if self.receiver.style != "json":
            self._quiet_until_us = self._wall_us() + int(self._patience.robot_gap_s * 1e6)

    def _give_up(self, item: WebhookItem, reason: str) -> None:
        self.health.given_up += 1
        self.health.error = reason
        self._note(item, "done")
        _log.error("webhook_given_up", target=self.receiver.id, delivery=item.id, reason=reason)

    def _say(self, reason: str) -> None:
        """Once for each kind of trouble, not for every try."""
        self.health.error = reason
        if reason != self._told:
            self._told = reason
            _log.warning("webhook_away", target=self.receiver.id, reason=reason)


def _retry_after_s(answer: httpx.Response) -> float | None:
    """What the receiver asks for, as far as it says so in seconds."""
    value: str = answer.headers.get("Retry-After", "").strip()
    if not (value.isascii() and value.isdigit()):
        return None
    return min(float(value), RETRY_AFTER_MAX_S)


def _trouble(error: httpx.HTTPError) -> str:
    """Plain words, without the address."""
    match error:
        case httpx.TimeoutException():
            return "no answer in time"
        case httpx.ConnectError() if isinstance(_root(error), ssl.SSLError):
            return f"TLS failed: {_root(error)}"
        case httpx.ConnectError():
            return "it cannot be reached"
        case httpx.ProxyError():
            return "the proxy (HTTPS_PROXY) refuses"
        case httpx.RemoteProtocolError():
            return "what comes back is no HTTP"
        case _:
            return f"the connection broke ({type(error).__name__})"


def _root(error: BaseException) -> BaseException:
    while (before := error.__cause__ or error.__context__) is not None:
        error = before
    return error
