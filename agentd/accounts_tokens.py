"""Machines' keys: ``agentd_<id>_<secret>``, of which only the SHA-256 is kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import structs

from agentd.accounts_rules import check_token, invalid
from agentd.errors import Refused
from agentd.ports.accounts import ASKED_FROM, ApiToken, AuditEntry
from agentd.ports.desk import DeskStore

SEEN_STORED_US = 86_400_000_000
"""How old the stored time of a token's last use may be: a line in the audit log each time."""
DAYS_MAX = 3_660


def digest(secret: str) -> str:
    """What is kept of a secret that nobody can guess."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


class Tokens:
    """All tokens, in memory and in the database. Rights of who asks are the caller's matter."""

    def __init__(self, store: DeskStore, now_us: Callable[[], int]) -> None:
        self._store = store
        self._now_us = now_us
        self._tokens: dict[str, ApiToken] = {}

    async def start(self) -> None:
        """Read what the database knows."""
        self._tokens = {token.id: token for token in await self._store.tokens()}

    def all(self) -> list[ApiToken]:
        """The newest first."""
        return sorted(self._tokens.values(), key=lambda token: -token.created_us)

    def find(self, secret: str) -> ApiToken | None:
        """The token that ``secret`` is, unless it is revoked or over."""
        prefix, _, rest = secret.partition("_")
        token = self._tokens.get(rest.partition("_")[0]) if prefix == "agentd" else None
        if token is None or not hmac.compare_digest(token.hash, digest(secret)):
            return None
        if token.revoked_us is not None:
            return None
        if token.expires_us is not None and self._now_us() >= token.expires_us:
            return None
        return token

    async def use(self, secret: str) -> ApiToken | None:
        """The same; notes that it was used."""
        token = self.find(secret)
        if token is not None:
            now_us = self._now_us()
            if token.seen_us is None or now_us - token.seen_us >= SEEN_STORED_US:
                used = self._tokens[token.id] = structs.replace(token, seen_us=now_us)
                entry = _entry(now_us, f"token:{token.id}", "token.use", token.id)
                await self._store.put_token(used, entry)
        return token

    async def add(
        self,
        by: str,
        name: str,
        rights: Sequence[str],
        queues: Sequence[str],
        days: int | None,
    ) -> tuple[ApiToken, str]:
        """(token, secret). Raises :class:`Refused`."""
        check_token(name, rights)
        if days is not None and not 1 <= days <= DAYS_MAX:
            raise invalid("days", f"days must be 1 to {DAYS_MAX}", f"有效天数须为 1 到 {DAYS_MAX}")
        token_id = secrets.token_hex(6)
        secret = f"agentd_{token_id}_{secrets.token_urlsafe(32)}"
        now_us = self._now_us()
        token = ApiToken(
            id=token_id,
            hash=digest(secret),
            name=name,
            rights=tuple(sorted(set(rights))),
            queues=tuple(queues),
            created_us=now_us,
            created_by=by,
            expires_us=None if days is None else now_us + days * 86_400_000_000,
        )
        detail = {"name": name, "rights": list(token.rights), "queues": list(queues)}
        await self._store.put_token(token, _entry(now_us, by, "token.add", token_id, **detail))
        self._tokens[token_id] = token
        return token, secret

    async def revoke(self, by: str, token_id: str) -> None:
        """Raises :class:`Refused` for one that is not known."""
        token = self._tokens.get(token_id)
        if token is None:
            raise Refused(
                f"there is no token {token_id!r}",
                code="not_found",
                text_zh=f"没有令牌“{token_id}”",
            )
        if token.revoked_us is None:
            now_us = self._now_us()
            revoked = self._tokens[token_id] = structs.replace(token, revoked_us=now_us)
            entry = _entry(now_us, by, "token.revoke", token_id, name=token.name)
            await self._store.put_token(revoked, entry)


def _entry(at_us: int, who: str, action: str, target: str, **detail: Any) -> AuditEntry:
    return AuditEntry(at_us, who, action, target, ASKED_FROM.get(), detail)
