"""Accounts: logins and their back-off, sessions, tokens, changes, and what the audit log tells."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec import structs
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from agentd import ticketing, ticketing_people
from agentd.accounts_backoff import Backoff
from agentd.accounts_passwords import AccountSettings, Passwords
from agentd.core.people import Person
from agentd.errors import AgentdError, Refused
from agentd.ports.accounts import Account, AuditEntry, LoginRefused
from agentd.ticketing import StoreError
from tests.adapters.accounts_rig import (
    ADMIN,
    AGENT,
    AUDITOR,
    CHEAP,
    CLI,
    LEADER,
    OTHER,
    PASSWORD,
    AccountsRig,
    accounts_of,
)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[AccountsRig]:
    async with accounts_of(tmp_path / "a.db") as rig:
        await rig.add(ADMIN, LEADER, AGENT, OTHER)
        yield rig


async def refused(rig: AccountsRig, login: str, password: str, address: str = "10.0.0.1") -> str:
    with pytest.raises(LoginRefused) as refusal:
        await rig.log_in(login, password, address)
    return refusal.value.code


def all_bytes(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir() if file.is_file())


# --- logging in ---------------------------------------------------------------------------------


async def test_the_right_password_opens_a_session_and_the_cookie_is_nowhere_stored(
    rig: AccountsRig, tmp_path: Path
) -> None:
    person, cookie = await rig.accounts.log_in("1001", PASSWORD, "10.0.0.1", "Chromium")
    assert person == AGENT
    assert await rig.accounts.by_cookie(cookie) == AGENT
    assert await rig.accounts.by_cookie("") is None
    assert await rig.accounts.by_cookie(cookie + "x") is None
    session = (await rig.store.sessions("1001"))[0]
    assert session.id == hashlib.sha256(cookie.encode()).hexdigest()
    # What stands in the database opens nothing.
    assert await rig.accounts.by_cookie(session.id) is None
    raw = all_bytes(tmp_path)
    assert cookie.encode() not in raw
    assert PASSWORD.encode() not in raw
    assert session.id.encode() in raw


async def test_every_login_gets_a_cookie_of_its_own(rig: AccountsRig) -> None:
    first, second = await rig.log_in("1001"), await rig.log_in("1001")
    assert first != second
    assert min(len(first), len(second)) >= 43


async def test_wrong_unknown_and_disabled_look_alike_without_the_password(
    rig: AccountsRig,
) -> None:
    await rig.accounts.put_person(CLI, structs.replace(OTHER, disabled=True), None, "")
    for login in ("1001", "1002", "nobody", ""):
        assert await refused(rig, login, "wrong password") == "wrong"
    # Only who knows the password is told that the account is disabled.
    assert await refused(rig, "1002", PASSWORD) == "disabled"


async def test_an_unknown_login_costs_as_much_as_a_known_one(rig: AccountsRig) -> None:
    await rig.add(Person("1003", "没有密码", "agent"), password=None)
    for login, password in (
        ("1001", "wrong password"),
        ("nobody", "wrong password"),
        ("1003", "wrong password"),
        ("1001", PASSWORD),
    ):
        before = rig.accounts.passwords.checks
        with contextlib.suppress(LoginRefused):
            await rig.log_in(login, password)
        assert rig.accounts.passwords.checks == before + 1, login


async def test_hashes_are_worked_out_off_the_event_loop_two_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    passwords = Passwords(CHEAP)
    at_once, most, threads = 0, 0, set()
    verify = passwords._verify
    lock = threading.Lock()

    def counted(stored: str, password: str) -> bool:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
            threads.add(threading.current_thread())
        try:
            return verify(stored, password)
        finally:
            with lock:
                at_once -= 1

    stored = await passwords.hash(PASSWORD)
    monkeypatch.setattr(passwords, "_verify", counted)
    results = await asyncio.gather(*(passwords.check(stored, PASSWORD) for _ in range(20)))
    passwords.close()
    assert all(results)
    assert most <= 2
    assert threading.main_thread() not in threads


async def test_passwords_are_argon2id_of_sane_cost_and_are_made_anew_when_the_cost_changes(
    tmp_path: Path,
) -> None:
    default = AccountSettings()
    assert default.hash_memory_kib >= 19 * 1024
    assert default.hash_rounds >= 2
    async with accounts_of(tmp_path / "a.db") as rig:
        await rig.add(ADMIN)
        before = (await rig.store.accounts())[0].password_hash
        assert before is not None
        assert before.startswith("$argon2id$")
    dearer = AccountSettings(hash_rounds=2, hash_memory_kib=16)
    async with accounts_of(tmp_path / "a.db", dearer) as rig:
        await rig.log_in("9000")
        after = (await rig.store.accounts())[0].password_hash
        assert after is not None
        assert "m=16,t=2" in after
        await rig.log_in("9000")


async def test_composed_characters_are_one_password(rig: AccountsRig) -> None:
    await rig.accounts.put_person(CLI, AGENT, "Pässwörter sind", "")
    await rig.log_in("1001", "Pa\u0308sswo\u0308rter sind")


# --- back-off -----------------------------------------------------------------------------------


async def test_wrong_passwords_pause_the_account_and_double_the_pause(rig: AccountsRig) -> None:
    for n in range(5):
        assert await refused(rig, "1001", "wrong password", f"10.0.{n}.1") == "wrong"
    pauses = []
    for n in range(5):
        with pytest.raises(LoginRefused) as refusal:
            await rig.log_in("1001", PASSWORD, f"10.1.{n}.1")
        assert refusal.value.code == "slow"
        pauses.append(refusal.value.retry_after_s)
        rig.clock.pass_s(refusal.value.retry_after_s)
        assert await refused(rig, "1001", "wrong password", f"10.2.{n}.1") == "wrong"
    assert pauses == [1, 2, 4, 8, 16]
    # Another account is not concerned.
    await rig.log_in("1002")


async def test_a_locked_account_does_not_tell_right_from_wrong(rig: AccountsRig) -> None:
    for n in range(5):
        await refused(rig, "1001", "wrong password", f"10.0.{n}.1")
    before = rig.accounts.passwords.checks
    told = []
    for password in (PASSWORD, "wrong password"):
        with pytest.raises(LoginRefused) as refusal:
            await rig.log_in("1001", password, "10.9.9.9")
        told.append((refusal.value.code, refusal.value.retry_after_s))
    assert told[0] == told[1]
    assert rig.accounts.passwords.checks == before
    # An unknown login is locked in the same way.
    for n in range(5):
        assert await refused(rig, "nobody", "wrong password", f"10.0.{n}.2") == "wrong"
    assert await refused(rig, "nobody", PASSWORD, "10.9.9.8") == "slow"


async def test_tries_side_by_side_count_like_tries_in_turn(rig: AccountsRig) -> None:
    async def attempt(n: int) -> str:
        return await refused(rig, "1001", "wrong password", f"10.{n}.0.1")

    codes = await asyncio.gather(*(attempt(n) for n in range(50)))
    assert codes.count("wrong") == 5
    assert codes.count("slow") == 45


async def test_hanging_up_during_the_check_counts_as_a_failure(rig: AccountsRig) -> None:
    for _ in range(5):
        task = asyncio.create_task(rig.log_in("1001", "wrong password"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await refused(rig, "1001", PASSWORD) == "slow"


async def test_an_address_that_sprays_logins_is_slowed_and_an_ipv6_host_is_one_network(
    rig: AccountsRig,
) -> None:
    for n in range(30):
        assert await refused(rig, f"guess{n}", "wrong password", f"2001:db8::{n + 1:x}") == "wrong"
    assert await refused(rig, "1001", PASSWORD, "2001:db8::ffff") == "slow"
    await rig.log_in("1001", address="2001:db8:0:1::1")


async def test_success_forgives_the_account_but_not_the_address(rig: AccountsRig) -> None:
    for _ in range(7):
        for n in range(4):
            assert await refused(rig, "1001", "wrong password") == "wrong", n
        await rig.log_in("1001")
    assert await refused(rig, "1002", "wrong password") == "wrong"
    assert await refused(rig, "2000", "wrong password") == "wrong"
    assert await refused(rig, "1001", PASSWORD) == "slow"


def test_the_backoff_forgets_in_time_and_never_grows_beyond_its_bound() -> None:
    backoff = Backoff(free=2, leak_s=10.0, most_s=60.0, kept=100)
    for n in range(1000):
        backoff.begin(f"k{n}", float(n))
        backoff.failed(f"k{n}", float(n))
        assert len(backoff) <= 101
    for _ in range(20):
        backoff.begin("x", 2000.0)
        backoff.failed("x", 2000.0)
    assert backoff.wait_s("x", 2000.0) == 60.0
    assert backoff.wait_s("x", 2060.0) == 0.0
    # After a quiet while one failure is free again.
    assert backoff.failed("x", 3000.0) == 0.0


# --- sessions -----------------------------------------------------------------------------------


async def test_a_session_ends_without_use_and_at_the_latest_after_its_time(
    tmp_path: Path,
) -> None:
    settings = structs.replace(CHEAP, session_max_s=1000, session_idle_s=300)
    async with accounts_of(tmp_path / "a.db", settings) as rig:
        await rig.add(ADMIN)
        idle, used = await rig.log_in("9000"), await rig.log_in("9000")
        for _ in range(3):
            rig.clock.pass_s(250)
            assert await rig.accounts.by_cookie(used) == ADMIN
        assert await rig.accounts.by_cookie(idle) is None
        rig.clock.pass_s(249)
        assert await rig.accounts.by_cookie(used) == ADMIN
        rig.clock.pass_s(1)
        assert await rig.accounts.by_cookie(used) is None
        await rig.accounts._sweep()
        assert await rig.store.sessions() == []


async def test_sessions_outlive_a_restart_and_their_ends_do(tmp_path: Path) -> None:
    async with accounts_of(tmp_path / "a.db") as rig:
        await rig.add(ADMIN)
        stays, ended = await rig.log_in("9000"), await rig.log_in("9000")
        await rig.accounts.log_out(ended)
        clock = rig.clock
    async with accounts_of(tmp_path / "a.db", clock=clock) as rig:
        assert await rig.accounts.by_cookie(stays) == ADMIN
        assert await rig.accounts.by_cookie(ended) is None


@pytest.mark.parametrize(
    ("change", "password"),
    [
        (structs.replace(AGENT, disabled=True), None),
        (structs.replace(AGENT, role="shift_leader"), None),
        (AGENT, "another long one"),
    ],
)
async def test_what_changes_who_one_is_ends_all_sessions(
    rig: AccountsRig, change: Person, password: str | None
) -> None:
    told: list[str] = []
    rig.accounts.changed.append(told.append)
    cookies = [await rig.log_in("1001"), await rig.log_in("1001")]
    other = await rig.log_in("1002")
    await rig.accounts.put_person(ADMIN, change, password, "10.0.0.9")
    for cookie in cookies:
        assert await rig.accounts.by_cookie(cookie) is None
    assert await rig.store.sessions("1001") == []
    assert await rig.accounts.by_cookie(other) == OTHER
    assert told == ["1001"]


async def test_a_change_of_name_or_scope_shows_at_once_and_ends_nothing(rig: AccountsRig) -> None:
    cookie = await rig.log_in("1001")
    moved = structs.replace(AGENT, name="王芳芳", queues=("sales",))
    await rig.accounts.put_person(ADMIN, moved, None, "")
    assert await rig.accounts.by_cookie(cookie) == moved
    assert rig.accounts.directory.whose("王芳芳") == moved


async def test_disabling_during_a_login_lets_nobody_in(rig: AccountsRig) -> None:
    task = asyncio.create_task(rig.accounts.log_in("1001", PASSWORD, "10.0.0.1", ""))
    await asyncio.sleep(0)
    await rig.accounts.put_person(ADMIN, structs.replace(AGENT, disabled=True), None, "")
    cookie = ""
    with contextlib.suppress(LoginRefused):
        _, cookie = await task
    assert await rig.accounts.by_cookie(cookie) is None
    assert await rig.store.sessions("1001") == []


async def test_one_person_has_a_bounded_number_of_sessions(rig: AccountsRig) -> None:
    cookies = []
    for _ in range(23):
        cookies.append(await rig.log_in("1001"))
        rig.clock.pass_s(1)
    assert len(await rig.store.sessions("1001")) == 20
    assert await rig.accounts.by_cookie(cookies[2]) is None
    assert await rig.accounts.by_cookie(cookies[3]) == AGENT


async def test_ones_own_password(rig: AccountsRig) -> None:
    cookie = await rig.log_in("1001")
    with pytest.raises(LoginRefused) as refusal:
        await rig.accounts.change_password(AGENT, "wrong password", "a new long one", "10.0.0.1")
    assert refusal.value.code == "wrong"
    assert await rig.accounts.by_cookie(cookie) == AGENT
    await rig.accounts.change_password(AGENT, PASSWORD, "a new long one", "10.0.0.1")
    assert await rig.accounts.by_cookie(cookie) is None
    assert await refused(rig, "1001", PASSWORD) == "wrong"
    await rig.log_in("1001", "a new long one")


# --- accounts -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("person", "password", "field", "says"),
    [
        (Person("1003", "新人", "agent"), "short", "password", "at least 10"),
        (Person("1234567890", "新人", "agent"), "1234567890", "password", "must not be the login"),
        (Person("1003", "新人", "agent"), "aaaaaaaaaaaa", "password", "again and again"),
        (Person("1003", "新人", "agent"), "x" * 300, "password", "at most"),
        (Person("", "新人", "agent"), PASSWORD, "login", "cannot be a login"),
        (Person("a b", "新人", "agent"), PASSWORD, "login", "cannot be a login"),
        (Person("token:x", "新人", "agent"), PASSWORD, "login", "cannot be a login"),
        (Person("System", "新人", "agent"), PASSWORD, "login", "cannot be a login"),
        (Person("1003", " ", "agent"), PASSWORD, "name", "printable"),
        (Person("1003", "a\x1b[2Jb", "agent"), PASSWORD, "name", "printable"),
        (Person("1003", "新人", "boss"), PASSWORD, "role", "no role"),  # type: ignore[arg-type]
        (Person("1003", "1001", "agent"), PASSWORD, "name", "stands for 1001"),
        (Person("1003", "新人", "agent", member_names=("王芳",)), PASSWORD, "member_names", "1001"),
        (Person("1003", "新人", "agent", member_names=("",)), PASSWORD, "member_names", "print"),
        (Person("A7", "新人", "agent"), PASSWORD, "login", "by case only"),
    ],
)
async def test_an_account_that_will_not_do_is_refused_by_its_field(
    rig: AccountsRig, person: Person, password: str, field: str, says: str
) -> None:
    await rig.add(Person("a7", "小七", "agent"))
    with pytest.raises(Refused, match=says) as refusal:
        await rig.accounts.put_person(ADMIN, person, password, "")
    assert refusal.value.code == "invalid"
    assert refusal.value.field == field
    assert refusal.value.text_zh
    assert len(await rig.store.accounts()) == 5


async def test_two_people_of_one_name_are_allowed_and_the_name_stands_for_neither(
    rig: AccountsRig,
) -> None:
    twin = Person("1009", "王芳", "agent", member_names=("wangfang2",))
    await rig.add(twin)
    assert rig.accounts.directory.whose("王芳") is None
    assert rig.accounts.directory.whose("wangfang2") == twin
    assert rig.accounts.directory.whose("1001") == AGENT


@pytest.mark.parametrize(
    "change", [structs.replace(ADMIN, disabled=True), structs.replace(ADMIN, role="manager")]
)
async def test_the_last_admin_stays(rig: AccountsRig, change: Person) -> None:
    with pytest.raises(Refused, match="last admin"):
        await rig.accounts.put_person(ADMIN, change, None, "")
    second = Person("9001", "第二", "admin")
    await rig.add(second)
    await rig.accounts.put_person(second, change, None, "")
    with pytest.raises(Refused, match="last admin"):
        await rig.accounts.put_person(second, structs.replace(second, disabled=True), None, "")


@pytest.mark.parametrize("who", [AGENT, LEADER, AUDITOR, structs.replace(ADMIN, disabled=True)])
async def test_only_admins_change_accounts_and_tokens(rig: AccountsRig, who: Person) -> None:
    for attempt in (
        rig.accounts.put_person(who, structs.replace(AGENT, role="admin"), None, ""),
        rig.accounts.add_token(who, "x", ["board"], [], None),
        rig.accounts.tokens(who),
        rig.accounts.revoke_token(who, "x"),
    ):
        with pytest.raises(Refused) as refusal:
            await attempt
        assert refusal.value.code == "forbidden"
    assert rig.accounts.directory.get("1001") == AGENT


async def test_people_are_shown_to_who_leads_them(rig: AccountsRig) -> None:
    assert len(rig.accounts.people(ADMIN)) == 4
    assert {person.login for person in rig.accounts.people(LEADER)} == {"1001", "2000", "9000"}
    with pytest.raises(Refused):
        rig.accounts.people(AGENT)


async def test_several_changes_are_made_together_or_not_at_all(rig: AccountsRig) -> None:
    good, bad = Person("1003", "新人", "agent"), Person("1004", "1001", "agent")
    with pytest.raises(Refused, match="line 3: name"):
        await rig.accounts.put_people(
            CLI, [(good, None), (bad, None)], "", places=["line 2", "line 3"]
        )
    assert rig.accounts.directory.get("1003") is None
    assert len(await rig.store.accounts()) == 4


async def test_an_import_that_the_disk_refuses_in_the_middle_changes_nobody(
    rig: AccountsRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    cookie = await rig.log_in("1001")
    real = ticketing_people.put_account
    seen: list[str] = []

    def full(connection: Connection, account: Account) -> None:
        seen.append(account.person.login)
        if account.person.login == "5099":
            error = sqlite3.OperationalError("database or disk is full")
            raise DBAPIError("INSERT", None, error)
        real(connection, account)

    monkeypatch.setattr(ticketing_people, "put_account", full)
    monkeypatch.setattr(ticketing, "_PATIENCE_S", 0.0)
    fresh = [(Person(str(5000 + n), f"新人{n}", "agent"), None) for n in range(120)]
    promoted = structs.replace(AGENT, role="qa")
    with pytest.raises(StoreError):
        await rig.accounts.put_people(CLI, [(promoted, None), *fresh], "")
    assert "5098" in seen
    assert len(await rig.store.accounts()) == len(rig.accounts.directory.all()) == 4
    assert await rig.accounts.by_cookie(cookie) == AGENT
    assert len(await rig.store.sessions("1001")) == 1
    monkeypatch.setattr(ticketing_people, "put_account", real)
    targets = [target for _, _, target in await rig.audited("person.put")]
    assert targets == [person.login for person in (ADMIN, LEADER, AGENT, OTHER)]


async def test_a_new_role_and_the_end_of_the_sessions_are_one_change(rig: AccountsRig) -> None:
    cookie = await rig.log_in("1001")

    async def refuse(**_: object) -> None:
        raise StoreError("the disk is full")

    # Whatever is stored of sessions later: the change itself ended them.
    rig.store.end_sessions = refuse  # type: ignore[method-assign]
    with contextlib.suppress(StoreError):
        await rig.accounts.put_person(CLI, structs.replace(AGENT, role="qa"), None, "")
    assert await rig.accounts.by_cookie(cookie) is None
    assert await rig.store.sessions("1001") == []


async def test_settings_are_kept_and_bounded(rig: AccountsRig) -> None:
    await rig.accounts.put_settings(AGENT, {"sound": "bell"})
    assert await rig.accounts.settings(AGENT) == {"sound": "bell"}
    with pytest.raises(Refused, match="too long"):
        await rig.accounts.put_settings(AGENT, {"x": "y" * (64 << 10)})
    assert await rig.accounts.settings(AGENT) == {"sound": "bell"}


# --- tokens -------------------------------------------------------------------------------------


async def test_a_token_opens_until_it_is_revoked_or_over(rig: AccountsRig, tmp_path: Path) -> None:
    token, secret = await rig.accounts.add_token(ADMIN, "city", ["orders.complete"], ["support"], 2)
    assert secret.startswith(f"agentd_{token.id}_")
    found = await rig.accounts.by_token(secret)
    assert found is not None
    assert (found.id, found.rights, found.queues) == (token.id, ("orders.complete",), ("support",))
    for wrong in (
        "",
        "agentd",
        f"agentd_{token.id}",
        f"agentd_{token.id}_",
        secret[:-1],
        secret + "x",
        secret.replace("agentd", "agentx"),
        token.hash,
        f"agentd_{token.id}_{token.hash}",
    ):
        assert await rig.accounts.by_token(wrong) is None, wrong
    rig.clock.pass_s(2 * 86_400)
    assert await rig.accounts.by_token(secret) is None
    forever, secret = await rig.accounts.add_token(ADMIN, "wall", ["board"], [], None)
    await rig.accounts.revoke_token(ADMIN, forever.id)
    assert await rig.accounts.by_token(secret) is None
    raw = all_bytes(tmp_path)
    assert secret.encode() not in raw


@pytest.mark.parametrize(
    ("name", "rights", "days"),
    [("", ["board"], None), ("x", [], None), ("x", ["people"], None), ("x", ["board"], 0)],
)
async def test_a_token_that_will_not_do_is_refused(
    rig: AccountsRig, name: str, rights: list[str], days: int | None
) -> None:
    with pytest.raises(Refused) as refusal:
        await rig.accounts.add_token(ADMIN, name, rights, [], days)
    assert refusal.value.code == "invalid"


# --- the audit log ------------------------------------------------------------------------------


async def test_the_audit_log_tells_who_did_what(rig: AccountsRig) -> None:
    cookie = await rig.log_in("1001")
    await rig.accounts.log_out(cookie)
    await refused(rig, "1001", "wrong password")
    await refused(rig, "PassWord typed as login", "x")
    token, secret = await rig.accounts.add_token(ADMIN, "wall", ["board"], [], None)
    await rig.accounts.by_token(secret)
    await rig.accounts.by_token(secret)
    await rig.accounts.revoke_token(ADMIN, token.id)
    await rig.accounts.note(AuditEntry(1, "1001", "recording.play", "r1"))
    lines = await rig.audited()
    assert [line for line in lines if line[0] == "person.put"] == [
        ("person.put", "cli:root", login) for login in ("9000", "2000", "1001", "1002")
    ]
    for expected in (
        ("login", "1001", ""),
        ("logout", "1001", ""),
        ("login_failed", "1001", ""),
        # What is no login may be a password: it is not written down.
        ("login_failed", "", ""),
        ("token.add", "9000", token.id),
        ("token.use", f"token:{token.id}", token.id),
        ("token.revoke", "9000", token.id),
        ("recording.play", "1001", "r1"),
    ):
        assert lines.count(expected) == 1, expected


async def test_a_change_is_told_with_what_it_was_and_never_with_a_password(
    rig: AccountsRig,
) -> None:
    await rig.accounts.put_person(
        ADMIN, structs.replace(AGENT, role="qa"), "another long one", "10.0.0.9"
    )
    newest = (await rig.accounts.audit(AUDITOR, by="9000", action="person.put", before_seq=None))[0]
    assert newest.target == "1001"
    assert newest.address == "10.0.0.9"
    assert newest.detail == {"role": {"from": "agent", "to": "qa"}, "new_password": True}


async def test_only_auditors_read_the_audit_log(rig: AccountsRig) -> None:
    for who in (AGENT, LEADER, ADMIN):
        with pytest.raises(Refused):
            await rig.accounts.audit(who, by=None, action=None, before_seq=None)


async def test_audit_lines_wait_for_a_disk_that_refuses(rig: AccountsRig) -> None:
    real = rig.store.add_audit

    async def refuse(entries: object) -> None:
        raise AgentdError("disk full")

    rig.store.add_audit = refuse  # type: ignore[method-assign,assignment]
    await rig.log_in("1001")
    await rig.accounts._audit.flush()
    rig.store.add_audit = real  # type: ignore[method-assign]
    assert ("login", "1001", "") in await rig.audited()


async def test_the_running_service_stores_audit_lines_by_itself(
    rig: AccountsRig, tmp_path: Path
) -> None:
    running = asyncio.create_task(rig.accounts.run())
    await rig.log_in("1001")

    def written() -> int:
        with sqlite3.connect(tmp_path / "a.db") as db:
            query = "SELECT count(*) FROM audit WHERE action = 'login'"
            count: int = db.execute(query).fetchone()[0]
        db.close()
        return count

    async with asyncio.timeout(60):
        while not written():
            await asyncio.sleep(0.05)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
