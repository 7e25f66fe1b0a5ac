"""Accounts, sessions, tokens and the audit log (implements ``ports.accounts.Accounts``).

All accounts, sessions and tokens are held in memory; the database, which this daemon alone may
write, is told of every change before it counts. Passwords are Argon2id, worked out in threads of
their own; of cookies and tokens only the SHA-256 is kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import structlog
from msgspec import structs

from agentd import clock
from agentd.accounts_audit import AuditWriter
from agentd.accounts_backoff import Backoff
from agentd.accounts_passwords import AccountSettings, Passwords
from agentd.accounts_rules import (
    Names,
    check_admin_left,
    check_password,
    check_person,
    invalid,
    meet,
    network,
    placed,
)
from agentd.accounts_sessions import Sessions
from agentd.accounts_tokens import Tokens
from agentd.core.people import Directory, Person, Right
from agentd.errors import AgentdError, Refused
from agentd.ports.accounts import ASKED_FROM, Account, ApiToken, AuditEntry, LoginRefused
from agentd.ports.desk import DeskStore

SETTINGS_MAX_BYTES = 64 << 10
AUDIT_FLUSH_S = 1.0
SWEEP_S = 60.0
CHANGES_AT_ONCE = 50

_log = structlog.get_logger(__name__)


class AccountService:
    """Who may come in, and who they are.

    Use between :meth:`start` and :meth:`close`, with :meth:`run` in a task of its own.
    ``directory`` is kept up to date and may be shared. Whoever :attr:`changed` holds is called
    with a login when its account, rights or sessions changed.
    """

    def __init__(
        self,
        store: DeskStore,
        settings: AccountSettings | None = None,
        *,
        directory: Directory | None = None,
        now_us: Callable[[], int] = clock.wall_us,
        monotonic: Callable[[], float] = clock.monotonic,
    ) -> None:
        self._store = store
        self._settings = settings or AccountSettings()
        self.directory = directory or Directory()
        self._now_us = now_us
        self._monotonic = monotonic
        self.passwords = Passwords(self._settings)
        self.changed: list[Callable[[str], None]] = []
        self._accounts: dict[str, Account] = {}
        self._sessions = Sessions(store, self._settings, now_us)
        self._tokens = Tokens(store, now_us)
        self._by_account = Backoff(free=5, leak_s=600.0)
        # Many people may share an address: a floor behind one proxy.
        self._by_address = Backoff(free=30, leak_s=30.0)
        self._audit = AuditWriter(store)
        self._changing = asyncio.Lock()

    # --- life -----------------------------------------------------------------------------

    async def start(self) -> None:
        """Read what the database knows. Raises ``StoreError``."""
        self._accounts = {a.person.login: a for a in await self._store.accounts()}
        self.directory.put(*(account.person for account in self._accounts.values()))
        await self._tokens.start()
        await self._sessions.start()
        await self._sweep()

    async def run(self) -> None:
        """Store audit lines and the sessions' last use, until cancelled."""
        sweep_at_s = self._monotonic() + SWEEP_S
        while True:
            await asyncio.sleep(AUDIT_FLUSH_S)
            await self._audit.flush()
            if self._monotonic() >= sweep_at_s:
                sweep_at_s = self._monotonic() + SWEEP_S
                with _kept_for_later("sessions_not_stored"):
                    await self._sweep()

    async def _sweep(self) -> None:
        for login in await self._sessions.sweep():
            self._announce(login)

    async def close(self) -> None:
        """Store what waits; end the threads."""
        await self._audit.flush()
        self.passwords.close()

    @property
    def has_people(self) -> bool:
        """Whether there is any account at all."""
        return bool(self._accounts)

    @property
    def with_password(self) -> frozenset[str]:
        """Logins that have a password."""
        found = self._accounts.items()
        return frozenset(login for login, account in found if account.password_hash is not None)

    # --- sessions -------------------------------------------------------------------------

    async def log_in(
        self, login: str, password: str, address: str, browser: str
    ) -> tuple[Person, str]:
        """(person, cookie value). Raises :class:`LoginRefused`."""
        login = login.strip()[:64]
        account = await self._checked(login, password, address)
        if account.person.disabled:
            self._tell("login_failed", login, address=address, reason="disabled")
            raise LoginRefused("disabled")
        session, cookie = await self._sessions.begin(login, address, browser)
        self._tell("login", login, address=address, browser=session.browser)
        await self._end(self._sessions.surplus(login))
        return account.person, cookie

    async def log_out(self, cookie: str) -> None:
        """End the session of ``cookie``, if there is one."""
        session = self._sessions.find(cookie)
        if session is not None:
            await self._end([session.id])
            self._tell("logout", session.login, address=session.address)

    async def by_cookie(self, cookie: str) -> Person | None:
        """Whose session ``cookie`` is."""
        return self.whose_cookie(cookie)

    def whose_cookie(self, cookie: str) -> Person | None:
        """The same, at once. Asking counts as use of the session."""
        person = self.directory.get(self._sessions.use(cookie))
        return None if person is None or person.disabled else person

    async def _checked(self, login: str, password: str, address: str) -> Account:
        """The account whose password this is, disabled or not. Raises :class:`LoginRefused`."""
        source = network(address)
        now_s = self._monotonic()
        wait_s = max(self._by_account.wait_s(login, now_s), self._by_address.wait_s(source, now_s))
        if wait_s > 0 or self.passwords.crowded:
            raise LoginRefused("slow", max(1, math.ceil(wait_s)))
        # Counted before it is known: who hangs up in between has tried as well.
        self._by_account.begin(login, now_s)
        self._by_address.begin(source, now_s)
        right = False
        try:
            account = self._accounts.get(login)
            stored = account.password_hash if account is not None else None
            right = await self.passwords.check(stored, password)
            account = self._accounts.get(login)
            # The password may have been changed while we worked.
            right = right and account is not None and account.password_hash == stored
        finally:
            if right:
                self._by_account.ended(login, forget=True)
                self._by_address.ended(source, forget=False)
            else:
                now_s = self._monotonic()
                pause_s = self._by_account.failed(login, now_s)
                pause_s = max(pause_s, self._by_address.failed(source, now_s))
                # What is no login may be a password in the wrong field.
                known = login if login in self._accounts else ""
                self._tell("login_failed", known, address=address, pause_s=pause_s)
        if not right or account is None:
            raise LoginRefused("wrong")
        if stored is not None and self.passwords.outdated(stored):
            fresh = structs.replace(account, password_hash=await self.passwords.hash(password))
            async with self._changing:
                if self._accounts.get(login) == account:
                    entry = self._entry("person.rehash", "system", target=login, address=address)
                    await self._put([(fresh, entry)])
                    account = fresh
        return account

    async def _end(self, ids: Sequence[str]) -> None:
        for login in await self._sessions.end(ids):
            self._announce(login)

    # --- tokens ---------------------------------------------------------------------------

    async def by_token(self, secret: str) -> ApiToken | None:
        """The token that ``secret`` is, unless it is revoked or over."""
        return await self._tokens.use(secret)

    def whose_token(self, secret: str) -> ApiToken | None:
        """The same, at once, without noting its use."""
        return self._tokens.find(secret)

    async def tokens(self, who: Person) -> Sequence[ApiToken]:
        """All tokens, the newest first; those that are revoked or over as well."""
        _must(who, "people")
        return self._tokens.all()

    async def add_token(
        self,
        who: Person,
        name: str,
        rights: Sequence[str],
        queues: Sequence[str],
        days: int | None,
    ) -> tuple[ApiToken, str]:
        """(token, secret): the secret is told this once. ``days``: how long it lasts."""
        _must(who, "people")
        return await self._tokens.add(who.login, name, rights, queues, days)

    async def revoke_token(self, who: Person, token_id: str) -> None:
        """From now on it opens nothing."""
        _must(who, "people")
        await self._tokens.revoke(who.login, token_id)
        self._announce(f"token:{token_id}")

    # --- people ---------------------------------------------------------------------------

    def people(self, who: Person) -> Sequence[Person]:
        """Everybody for those who manage accounts; for those who read orders, their scope."""
        everybody = self.directory.all()
        if who.may("people"):
            return everybody
        _must(who, "orders.read")
        return [person for person in everybody if meet(who, person)]

    async def put_person(
        self, who: Person, person: Person, password: str | None, address: str
    ) -> Person:
        """Make an account, or change the one of that login; ``password`` None: as it was."""
        _must(who, "people")
        check_person(person)
        hashed = None
        if password is not None:
            check_password(person.login, password)
            hashed = await self.passwords.hash(password)
        await self.put_people(who, [(person, hashed)], address)
        return person

    async def put_people(
        self,
        who: Person,
        changes: Sequence[tuple[Person, str | None]],
        address: str,
        *,
        places: Sequence[str] = (),
    ) -> None:
        """Make or change several accounts; nothing is changed unless all of it may be. With each
        person the hash of a new password, or None. Raises :class:`Refused`; with ``places`` (of
        each change, as "line 7"), its message names every mistake with its place."""
        _must(who, "people")
        async with self._changing:
            after = {login: account.person for login, account in self._accounts.items()}
            managed = any(person.may("people") for person in after.values())
            after |= {person.login: person for person, _ in changes}
            names = Names(after.values())
            mistakes: list[Refused] = []
            for index, (person, _) in enumerate(changes):
                try:
                    check_person(person)
                    names.check(person)
                except Refused as mistake:
                    if not places:
                        raise
                    mistakes.append(placed(mistake, places[index]))
            if mistakes:
                raise Refused(
                    "\n".join(map(str, mistakes)),
                    code="invalid",
                    text_zh="\n".join(mistake.text_zh for mistake in mistakes),
                )
            if managed:
                check_admin_left(after)
            await self._put_all(who, changes, address)

    async def _put_all(
        self, who: Person, changes: Sequence[tuple[Person, str | None]], address: str
    ) -> None:
        put: list[tuple[Account, AuditEntry]] = []
        # Whoever is somebody else now logs in anew.
        ending: set[str] = set()
        known: list[str] = []
        for index, (person, hashed) in enumerate(changes):
            if index % CHANGES_AT_ONCE == CHANGES_AT_ONCE - 1:
                # A thousand must not hold up the event loop.
                await asyncio.sleep(0)
            before = self._accounts.get(person.login)
            account = _changed(before, person, hashed, self._now_us())
            if account == before:
                continue
            detail = _difference(before, person)
            if hashed is not None:
                detail["new_password"] = True
            put.append(
                (
                    account,
                    self._entry(
                        "person.put", who.login, target=person.login, address=address, **detail
                    ),
                )
            )
            if before is not None:
                known.append(person.login)
                if hashed is not None or person.disabled or person.role != before.person.role:
                    ending.add(person.login)
        await self._put(put, ending)
        for login in known:
            self._announce(login)

    async def change_password(self, who: Person, old: str, new: str, address: str) -> None:
        """One's own. Ends all sessions of the person. Raises :class:`LoginRefused` when ``old``
        is wrong, :class:`Refused` when ``new`` will not do."""
        check_password(who.login, new)
        await self._checked(who.login, old, address)
        hashed = await self.passwords.hash(new)
        async with self._changing:
            account = self._accounts[who.login]
            changed = structs.replace(account, password_hash=hashed)
            entry = self._entry("person.password", who.login, target=who.login, address=address)
            await self._put([(changed, entry)], {who.login})
        self._announce(who.login)

    async def settings(self, who: Person) -> Mapping[str, Any]:
        """What the person chose on the pages."""
        account = self._accounts.get(who.login)
        return account.settings if account is not None else {}

    async def put_settings(self, who: Person, settings: Mapping[str, Any]) -> None:
        """Keep them; they replace those before."""
        if len(msgspec.json.encode(settings)) > SETTINGS_MAX_BYTES:
            raise invalid("settings", "the settings are too long", "设置内容过长")
        async with self._changing:
            account = self._accounts.get(who.login)
            if account is None:
                raise Refused(f"there is no account {who.login!r}", code="not_found")
            changed = structs.replace(account, settings=dict(settings))
            entry = self._entry("person.settings", who.login, target=who.login)
            await self._put([(changed, entry)])

    async def _put(
        self, changes: Sequence[tuple[Account, AuditEntry]], ending: Collection[str] = ()
    ) -> None:
        """All of them or none, together with the end of all sessions of ``ending``."""
        if not changes:
            return
        await self._store.put_accounts(changes, end_sessions_of=sorted(ending))
        self._accounts.update({account.person.login: account for account, _ in changes})
        self.directory.put(*(account.person for account, _ in changes))
        # Also of those who logged in meanwhile.
        await self._sessions.end_all(ending)

    def _announce(self, login: str) -> None:
        for tell in self.changed:
            tell(login)

    # --- the audit log --------------------------------------------------------------------

    async def note(self, entry: AuditEntry) -> None:
        """A line for the audit log; soon, not at once."""
        self._audit.add(structs.replace(entry, address=entry.address or ASKED_FROM.get()))

    async def audit(
        self, who: Person, *, by: str | None, action: str | None, before_seq: int | None
    ) -> Sequence[AuditEntry]:
        """The newest lines that fit, at most 100, below ``before_seq``."""
        _must(who, "audit")
        await self._audit.flush()
        return await self._store.audit(who=by, action=action, before_seq=before_seq)

    def _tell(self, event: str, login: str, *, address: str, **detail: Any) -> None:
        self._audit.add(self._entry(event, login, address=address, **detail))

    def _entry(
        self, action: str, who: str, *, target: str = "", address: str = "", **detail: Any
    ) -> AuditEntry:
        return AuditEntry(
            at_us=self._now_us(),
            who=who,
            action=action,
            target=target,
            address=address or ASKED_FROM.get(),
            detail=detail,
        )


@contextlib.contextmanager
def _kept_for_later(event: str) -> Iterator[None]:
    """What the disk refuses now is tried again later; memory has it meanwhile."""
    try:
        yield
    except AgentdError as error:
        _log.error(event, reason=str(error))


def _must(who: Person, right: Right) -> None:
    if not who.may(right):
        raise Refused(
            f"{who.login} lacks the right {right!r}", code="forbidden", text_zh="没有权限"
        )


def _changed(before: Account | None, person: Person, hashed: str | None, now_us: int) -> Account:
    if before is None:
        return Account(person=person, password_hash=hashed, created_us=now_us)
    return structs.replace(before, person=person, password_hash=hashed or before.password_hash)


def _difference(before: Account | None, person: Person) -> dict[str, Any]:
    old = {} if before is None else structs.asdict(before.person)
    return {
        name: {"from": old.get(name), "to": value}
        for name, value in structs.asdict(person).items()
        if old.get(name) != value
    }
