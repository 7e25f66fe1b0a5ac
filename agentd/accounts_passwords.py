"""Argon2id, off the event loop: at most two hashes are worked out at once."""

from __future__ import annotations

import asyncio
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import argon2
from argon2.exceptions import InvalidHashError, VerificationError
from msgspec import Struct

HASHES_AT_ONCE = 2
HASHES_WAITING_MAX = 32
"""More logins than this wait their turn; who comes then is asked to come again."""

_T = TypeVar("_T")


class AccountSettings(Struct, frozen=True, kw_only=True):
    """How long logins last, and what a password's hash costs."""

    session_max_s: float = 12 * 3600.0
    session_idle_s: float = 2 * 3600.0
    hash_rounds: int = 3
    hash_memory_kib: int = 65_536
    """With one lane: the second recommendation of RFC 9106 without its four threads, which the
    call centre's watch needs more."""


class Passwords:
    """Argon2id in threads of its own: two at once, the others wait."""

    def __init__(self, settings: AccountSettings) -> None:
        self._hasher = argon2.PasswordHasher(
            time_cost=settings.hash_rounds,
            memory_cost=settings.hash_memory_kib,
            parallelism=1,
            type=argon2.Type.ID,
        )
        self._pool = ThreadPoolExecutor(HASHES_AT_ONCE, thread_name_prefix="argon2")
        self._nobodys: str | None = None
        self._waiting = 0
        self.checks = 0
        """How many passwords were checked, those of nobody included."""

    @property
    def crowded(self) -> bool:
        """So many wait that nobody else should."""
        return self._waiting >= HASHES_WAITING_MAX

    async def hash(self, password: str) -> str:
        """The password's hash, to be stored."""
        return await self._work(self.hash_now, password)

    def hash_now(self, password: str) -> str:
        """The same, in the caller's thread: for programs that do nothing else meanwhile."""
        return self._hasher.hash(_normal(password))

    async def check(self, stored: str | None, password: str) -> bool:
        """Whether ``password`` is the one of the hash ``stored``. None takes as long, and is
        False."""
        if self._nobodys is None:
            self._nobodys = await self.hash(secrets.token_urlsafe())
        self.checks += 1
        right = await self._work(self._verify, stored or self._nobodys, _normal(password))
        return right and stored is not None

    def outdated(self, stored: str) -> bool:
        """Whether ``stored`` was made at another cost."""
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        """Let the threads end."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _work(self, work: Callable[..., _T], *args: str) -> _T:
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work, *args)
        finally:
            self._waiting -= 1


def _normal(password: str) -> str:
    """One form for what keyboards compose in several ways."""
    return unicodedata.normalize("NFC", password)
