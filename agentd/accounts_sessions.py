"""Sessions: who is logged in where, in memory and in the database."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable

from msgspec import structs

from agentd.accounts_passwords import AccountSettings
from agentd.accounts_tokens import digest
from agentd.ports.accounts import Session
from agentd.ports.desk import DeskStore

SESSIONS_PER_PERSON = 20
SEEN_STORED_S = 60.0
"""How old the stored time of a session's last use may be."""


class Sessions:
    """All sessions. Whoever ends some tells those whom it concerns."""

    def __init__(
        self, store: DeskStore, settings: AccountSettings, now_us: Callable[[], int]
    ) -> None:
        self._store = store
        self._settings = settings
        self._now_us = now_us
        self._sessions: dict[str, Session] = {}
        self._stored_seen_us: dict[str, int] = {}

    async def start(self) -> None:
        """Read what the database knows."""
        self._sessions = {session.id: session for session in await self._store.sessions()}
        self._stored_seen_us = {s.id: s.seen_us for s in self._sessions.values()}

    async def begin(self, login: str, address: str, browser: str) -> tuple[Session, str]:
        """(session, cookie value)."""
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
        return session, cookie

    def find(self, cookie: str) -> Session | None:
        """The session of ``cookie``, even one that is over."""
        return self._sessions.get(digest(cookie))

    def use(self, cookie: str) -> str | None:
        """Whose session ``cookie`` is, unless it is over. Asking counts as use of it."""
        session = self.find(cookie)
        if session is None or self._over(session):
            return None
        self._sessions[session.id] = structs.replace(session, seen_us=self._now_us())
        return session.login

    def surplus(self, login: str) -> list[str]:
        """Ids of the person's sessions that are more than one may have: the least used."""
        mine = [s for s in self._sessions.values() if s.login == login]
        mine.sort(key=lambda s: s.seen_us)
        return [s.id for s in mine[:-SESSIONS_PER_PERSON]]

    async def end(self, ids: Iterable[str]) -> set[str]:
        """From now on they open nothing; returns whose they were."""
        ids = [i for i in ids if i in self._sessions]
        if not ids:
            return set()
        logins = {self._sessions[i].login for i in ids}
        self._drop(ids)
        await self._store.end_sessions(ids=ids)
        return logins

    async def end_all(self, logins: Collection[str]) -> None:
        """End all that these people have."""
        await self.end([s.id for s in self._sessions.values() if s.login in logins])

    async def sweep(self) -> set[str]:
        """End what is over, store when the others were last used; returns whose are over."""
        ended = await self.end([s.id for s in self._sessions.values() if self._over(s)])
        for session in list(self._sessions.values()):
            stored_us = self._stored_seen_us.get(session.id, 0)
            if session.seen_us - stored_us >= SEEN_STORED_S * 1_000_000:
                self._stored_seen_us[session.id] = session.seen_us
                await self._store.put_session(session)
        return ended

    def _over(self, session: Session) -> bool:
        idle_us = round(self._settings.session_idle_s * 1_000_000)
        return self._now_us() >= min(session.expires_us, session.seen_us + idle_us)

    def _drop(self, ids: Iterable[str]) -> None:
        for session_id in ids:
            self._sessions.pop(session_id, None)
            self._stored_seen_us.pop(session_id, None)
