"""Accounts, sessions, tokens and the audit log (implements :class:`agentd.ports.desk.Accounts`).

All accounts, sessions and tokens are held in memory; the database, which this daemon alone may
write, is told of every change before it counts. Passwords are Argon2id, worked out in threads of
their own; of cookies and tokens only the SHA-256 is kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import math
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
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
)
from agentd.accounts_tokens import Tokens, digest
from agentd.core.people import Directory, Person, Right
from agentd.errors import AgentdError, Refused
from agentd.ports.desk import Account, ApiToken, AuditEntry, DeskStore, LoginRefused, Session

SESSIONS_PER_PERSON = 20
SETTINGS_MAX_BYTES = 16 << 10
AUDIT_FLUSH_S = 1.0
SEEN_STORED_S = 60.0
"""How old the stored time of a session's last use may be."""
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
        self._sessions: dict[str, Session] = {}
        self._stored_seen_us: dict[str, int] = {}
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
        self._sessions = {session.id: session for session in await self._store.sessions()}
        self._stored_seen_us = {s.id: s.seen_us for s in self._sessions.values()}
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
        now_us = self._now_us()
        cookie = secrets.token_urlsafe(32)
        session = Session(
            id=digest(cookie),
            login=login,
            created_us=now_us,
            seen_us=now_us,
            expires_us=now_us + round(self._settings.session_max_s * 1_000_000),
            address=address,
            browser=browser[:200],
        )
        # First here, so that whoever disables the account meanwhile ends this session as well.
        self._sessions[session.id] = session
        self._stored_seen_us[session.id] = now_us
        try:
            await self._store.put_session(session)
        except BaseException:
            self._drop([session.id])
            raise
        self._tell("login", login, address=address, browser=session.browser)
        mine = [s for s in self._sessions.values() if s.login == login]
        if len(mine) > SESSIONS_PER_PERSON:
            mine.sort(key=lambda s: s.seen_us)
            await self._end([s.id for s in mine[:-SESSIONS_PER_PERSON]])
        return account.person, cookie

    async def log_out(self, cookie: str) -> None:
        """End the session of ``cookie``, if there is one."""
        session = self._sessions.get(digest(cookie))
        if session is not None:
            await self._end([session.id])
            self._tell("logout", session.login, address=session.address)

    async def by_cookie(self, cookie: str) -> Person | None:
        """Whose session ``cookie`` is."""
        return self.whose_cookie(cookie)

    def whose_cookie(self, cookie: str) -> Person | None:
        """The same, at once. Asking counts as use of the session."""
        session = self._sessions.get(digest(cookie))
        if session is None or self._over(session):
            return None
        person = self.directory.get(session.login)
        if person is None or person.disabled:
            return None
        self._sessions[session.id] = structs.replace(session, seen_us=self._now_us())
        return person

    def _over(self, session: Session) -> bool:
        idle_us = round(self._settings.session_idle_s * 1_000_000)
        return self._now_us() >= min(session.expires_us, session.seen_us + idle_us)

    async def _checked(self, login: str, password: str, address: str) -> Account:
        """The account whose password this is, disabled or not. Raises :class:`LoginRefused`."""
        source = _network(address)
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
                    await self._put(fresh, "system", "person.rehash", address, {})
                    account = fresh
        return account

    async def _end(self, ids: Sequence[str]) -> None:
        if ids:
            logins = {self._sessions[i].login for i in ids if i in self._sessions}
            self._drop(ids)
            await self._store.end_sessions(ids=ids)
            for login in logins:
                self._announce(login)

    async def _end_all(self, login: str) -> None:
        self._drop([s.id for s in self._sessions.values() if s.login == login])
        await self._store.end_sessions(login=login)

    def _drop(self, ids: Sequence[str]) -> None:
        for session_id in ids:
            self._sessions.pop(session_id, None)
            self._stored_seen_us.pop(session_id, None)

    async def _sweep(self) -> None:
        """End what is over; store when the others were last used."""
        await self._end([s.id for s in self._sessions.values() if self._over(s)])
        for session in list(self._sessions.values()):
            stored_us = self._stored_seen_us.get(session.id, 0)
            if session.seen_us - stored_us >= SEEN_STORED_S * 1_000_000:
                self._stored_seen_us[session.id] = session.seen_us
                await self._store.put_session(session)

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
        return [person for person in everybody if _meet(who, person)]

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
                    mistakes.append(_placed(mistake, places[index]))
            if mistakes:
                raise Refused(
                    "\n".join(map(str, mistakes)),
                    code="invalid",
                    text_zh="\n".join(mistake.text_zh for mistake in mistakes),
                )
            if managed:
                check_admin_left(after)
            # In parts, so that a thousand do not hold up the event loop.
            for start in range(0, len(changes), CHANGES_AT_ONCE):
                part = changes[start : start + CHANGES_AT_ONCE]
                await self._put_part(who, part, address)

    async def _put_part(
        self, who: Person, changes: Sequence[tuple[Person, str | None]], address: str
    ) -> None:
        before = {person.login: self._accounts.get(person.login) for person, _ in changes}
        done = await asyncio.gather(
            *(self._put_person(who, person, hashed, address) for person, hashed in changes),
            return_exceptions=True,
        )
        stored = [change for change, failure in zip(changes, done, strict=True) if failure is None]
        self.directory.put(*(person for person, _ in stored))
        for person, hashed in stored:
            old = before[person.login]
            if old is None:
                continue
            if hashed is not None or person.disabled or person.role != old.person.role:
                await self._end_all(person.login)
            self._announce(person.login)
        for failure in done:
            if failure is not None:
                raise failure

    async def _put_person(
        self, who: Person, person: Person, hashed: str | None, address: str
    ) -> None:
        before = self._accounts.get(person.login)
        account = Account(
            person=person,
            password_hash=hashed or (before.password_hash if before is not None else None),
            created_us=before.created_us if before is not None else self._now_us(),
            settings=before.settings if before is not None else {},
        )
        if account == before:
            return
        new = structs.asdict(person)
        old = structs.asdict(before.person) if before is not None else {}
        detail: dict[str, Any] = {
            name: {"from": old.get(name), "to": value}
            for name, value in new.items()
            if old.get(name) != value
        }
        if hashed is not None:
            detail["new_password"] = True
        await self._put(account, who.login, "person.put", address, detail)

    async def change_password(self, who: Person, old: str, new: str, address: str) -> None:
        """One's own. Ends all sessions of the person. Raises :class:`LoginRefused` when ``old``
        is wrong, :class:`Refused` when ``new`` will not do."""
        check_password(who.login, new)
        await self._checked(who.login, old, address)
        hashed = await self.passwords.hash(new)
        async with self._changing:
            account = self._accounts[who.login]
            changed = structs.replace(account, password_hash=hashed)
            await self._put(changed, who.login, "person.password", address, {})
            await self._end_all(who.login)
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
            await self._put(changed, who.login, "person.settings", "", {})

    async def _put(
        self, account: Account, by: str, action: str, address: str, detail: Mapping[str, Any]
    ) -> None:
        login = account.person.login
        entry = self._entry(action, by, target=login, address=address, **detail)
        await self._store.put_account(account, entry)
        self._accounts[login] = account

    def _announce(self, login: str) -> None:
        for tell in self.changed:
            tell(login)

    # --- the audit log --------------------------------------------------------------------

    async def note(self, entry: AuditEntry) -> None:
        """A line for the audit log; soon, not at once."""
        self._audit.add(entry)

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
            address=address,
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


def _placed(mistake: Refused, place: str) -> Refused:
    return Refused(
        f"{place}: {mistake}",
        code=mistake.code,
        text_zh=f"{place}:{mistake.text_zh}",
        field=mistake.field,
    )


def _meet(who: Person, person: Person) -> bool:
    """Whether ``person`` is of the scope of ``who``."""
    by_queue = not who.queues or not person.queues or set(who.queues) & set(person.queues)
    by_team = not who.teams or not person.teams or set(who.teams) & set(person.teams)
    return bool(by_queue and by_team)


def _network(address: str) -> str:
    """Whom failures are counted against: an IPv6 host has a whole /64 to itself."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)
