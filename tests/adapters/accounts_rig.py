"""Accounts over a real store in a file, with clocks that tests set and hashes that cost little."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from agentd.accounts import AccountService
from agentd.accounts_passwords import AccountSettings
from agentd.core.people import Person
from agentd.ticketing import Store

CHEAP = AccountSettings(hash_rounds=1, hash_memory_kib=8)
CLI = Person("cli:root", "root", "admin")
AUDITOR = Person("8000", "审计", "auditor")
PASSWORD = "correct horse"

ADMIN = Person("9000", "张三", "admin")
LEADER = Person("2000", "李四", "shift_leader", queues=("support",), teams=("A",))
AGENT = Person("1001", "王芳", "agent", queues=("support",), teams=("A",))
OTHER = Person("1002", "赵六", "agent", queues=("sales",), teams=("B",))


@dataclass
class Clock:
    us: int = 1_732_320_000_000_000
    s: float = 1000.0

    def pass_s(self, seconds: float) -> None:
        self.us += round(seconds * 1_000_000)
        self.s += seconds


@dataclass
class AccountsRig:
    accounts: AccountService
    store: Store
    clock: Clock = field(default_factory=Clock)

    async def add(self, *people: Person, password: str | None = PASSWORD) -> None:
        for person in people:
            await self.accounts.put_person(CLI, person, password, "")

    async def log_in(self, login: str, password: str = PASSWORD, address: str = "10.0.0.1") -> str:
        return (await self.accounts.log_in(login, password, address, "test"))[1]

    async def audited(self, action: str | None = None) -> list[tuple[str, str, str]]:
        """(action, who, target), the oldest first."""
        lines = await self.accounts.audit(AUDITOR, by=None, action=action, before_seq=None)
        return [(line.action, line.who, line.target) for line in reversed(lines)]


@asynccontextmanager
async def accounts_of(
    path: Path, settings: AccountSettings = CHEAP, clock: Clock | None = None
) -> AsyncIterator[AccountsRig]:
    clock = clock or Clock()
    store = Store(path)
    await store.start()
    try:
        accounts = AccountService(
            store, settings, now_us=lambda: clock.us, monotonic=lambda: clock.s
        )
        await accounts.start()
        try:
            yield AccountsRig(accounts, store, clock)
        finally:
            await accounts.close()
    finally:
        await store.close(flush_max_s=60)
