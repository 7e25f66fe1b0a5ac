"""``agentd user`` and ``agentd token``: as programs, beside a running daemon and without one."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from agentd.accounts_commands import AccountCommands, AccountsRequest
from agentd.control import ControlServer, Handler, socket_path
from agentd.errors import AgentdError
from agentd.people_csv import read_people
from agentd.ports.accounts import LoginRefused
from tests.adapters.accounts_rig import ADMIN, PASSWORD, AccountsRig, accounts_of

ROOT = Path(__file__).parents[2]


async def agentd(
    database: Path, *words: str, given: str = "", environment: Mapping[str, str] | None = None
) -> tuple[int, str, str]:
    """(exit code, what it printed, what it complained of)."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "agentd", *words, "--database", str(database), cwd=ROOT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONUTF8": "1", "LOGNAME": "tester"} | dict(environment or {}),
    )  # fmt: skip
    out, err = await process.communicate(given.encode())
    assert b"Traceback" not in err, err.decode()
    return process.returncode or 0, out.decode(), err.decode()


async def people(database: Path) -> dict[str, dict[str, Any]]:
    _, out, _ = await agentd(database, "user", "list", "--json")
    return {person["login"]: person for person in map(json.loads, out.splitlines())}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "a.db"


@pytest.fixture
async def running(database: Path) -> AsyncIterator[AccountsRig]:
    """A daemon, as far as accounts go: it holds the database and answers on its socket."""
    async with accounts_of(database) as rig:
        commands = AccountCommands(rig.accounts)
        handlers = {"accounts": Handler(AccountsRequest, commands.act)}
        async with ControlServer(socket_path(database), handlers):
            yield rig


# --- without a daemon ---------------------------------------------------------------------------


async def test_the_first_account_is_made_without_a_daemon_and_can_log_in(database: Path) -> None:
    code, out, err = await agentd(
        database,
        *("user", "add", "9000", "--name", "张三", "--role", "admin"),
        given=PASSWORD + "\n",
    )
    assert (code, err) == (0, "")
    assert "9000" in out
    assert PASSWORD not in out
    async with accounts_of(database) as rig:
        await rig.log_in("9000")
        assert await rig.audited("person.put") == [("person.put", "cli:tester", "9000")]


@pytest.mark.parametrize(
    ("words", "given", "says"),
    [
        (("user", "add", "1", "--name", "x"), "short\n", "at least 10"),
        (("user", "add", "1", "--name", "x"), "", "at least 10"),
        (("user", "add", "1", "--name", "x", "--role", "boss"), PASSWORD, "no role 'boss'"),
        (("user", "add", "a b", "--name", "x"), PASSWORD, "cannot be a login"),
        (("user", "passwd", "1"), PASSWORD, "no account '1'"),
        (("user", "role", "1", "qa"), "", "no account '1'"),
        (("user", "disable", "1"), "", "no account '1'"),
        (("token", "add", "x", "--right", "people"), "", "no right 'people'"),
        (("token", "revoke", "x"), "", "no token 'x'"),
        (("user", "import", "/nowhere.csv"), "", "cannot read /nowhere.csv"),
    ],
)
async def test_what_cannot_be_done_is_one_plain_sentence(
    database: Path, words: tuple[str, ...], given: str, says: str
) -> None:
    code, out, err = await agentd(database, *words, given=given)
    assert code == 1
    assert out == ""
    assert says in err
    assert len(err.splitlines()) == 1


# --- beside the daemon --------------------------------------------------------------------------


async def test_beside_the_daemon_changes_hold_at_once(running: AccountsRig, database: Path) -> None:
    await running.add(ADMIN)
    code, _, err = await agentd(
        database,
        *("user", "add", "1001", "--name", "王芳", "--queue", "support", "--team", "A"),
        given=PASSWORD + "\n",
    )
    assert (code, err) == (0, "")
    cookie = await running.log_in("1001")
    code, _, err = await agentd(database, "user", "add", "1001", "--name", "x", given=PASSWORD)
    assert code == 1
    assert "already" in err
    assert (await agentd(database, "user", "passwd", "1001", given="another long one"))[0] == 0
    assert await running.accounts.by_cookie(cookie) is None
    with pytest.raises(LoginRefused):
        await running.log_in("1001")
    cookie = await running.log_in("1001", "another long one")
    assert (await agentd(database, "user", "role", "1001", "qa"))[0] == 0
    assert await running.accounts.by_cookie(cookie) is None
    cookie = await running.log_in("1001", "another long one")
    assert (await agentd(database, "user", "disable", "1001"))[0] == 0
    assert await running.accounts.by_cookie(cookie) is None
    assert (await people(database))["1001"]["disabled"]
    assert (await agentd(database, "user", "enable", "1001"))[0] == 0
    await running.log_in("1001", "another long one")
    person = (await people(database))["1001"]
    assert person == {
        "login": "1001",
        "name": "王芳",
        "role": "qa",
        "queues": ["support"],
        "teams": ["A"],
        "member_names": [],
        "disabled": False,
        "password": True,
    }
    code, _, err = await agentd(database, "user", "disable", "9000")
    assert code == 1
    assert "last admin" in err


async def test_a_token_is_printed_once_and_can_be_revoked(
    running: AccountsRig, database: Path
) -> None:
    words = ("token", "add", "wall", "--right", "board", "--queue", "support", "--days", "30")
    code, out, err = await agentd(database, *words)
    assert code == 0
    secret = out.strip()
    # Only the secret is on standard output, so that it can be piped into a file.
    assert out == secret + "\n"
    assert secret not in err
    token = await running.accounts.by_token(secret)
    assert token is not None
    assert (token.rights, token.queues) == (("board",), ("support",))
    _, listed, _ = await agentd(database, "token", "list", "--json")
    assert secret not in listed
    assert token.hash not in listed
    assert (await agentd(database, "token", "revoke", token.id))[0] == 0
    assert await running.accounts.by_token(secret) is None
    _, listed, _ = await agentd(database, "token", "list")
    assert "revoked" in listed


async def test_a_database_that_is_held_without_a_socket_is_named(database: Path) -> None:
    async with accounts_of(database):
        code, _, err = await agentd(database, "user", "list")
    assert code == 1
    assert "does not answer" in err


# --- import -------------------------------------------------------------------------------------


async def test_an_import_adds_and_changes_and_leaves_what_the_file_does_not_say(
    running: AccountsRig, database: Path, tmp_path: Path
) -> None:
    await running.add(ADMIN)
    file = tmp_path / "people.csv"
    first = "工号,姓名,角色,队列,班组,密码\n1001,王芳,话务员,support;sales,A,first password\n"
    file.write_bytes(first.encode("gb18030"))
    assert (await agentd(database, "user", "import", str(file)))[1] == "1 added, 0 changed\n"
    await running.log_in("1001", "first password")
    second = "login,name,role\n1001,王芳芳,shift_leader\n1002,李四,agent\n"
    file.write_bytes(second.encode("utf-8-sig"))
    assert (await agentd(database, "user", "import", str(file)))[1] == "1 added, 1 changed\n"
    person = (await people(database))["1001"]
    assert (person["name"], person["role"]) == ("王芳芳", "shift_leader")
    assert (person["queues"], person["teams"]) == (["support", "sales"], ["A"])
    await running.log_in("1001", "first password")


async def test_an_import_with_a_mistake_changes_nothing_and_names_every_line(
    running: AccountsRig, database: Path, tmp_path: Path
) -> None:
    await running.add(ADMIN)
    file = tmp_path / "people.csv"
    lines = ["login,name,role", "1001,王芳,agent", "1002,,agent", "1003,c,boss", "1001,d,agent"]
    file.write_text("\n".join(lines))
    code, out, err = await agentd(database, "user", "import", str(file))
    assert (code, out) == (1, "")
    said = err.splitlines()
    assert [line.partition(":")[0] for line in said[1:]] == ["line 3", "line 4", "line 5"]
    # Mistakes that only the daemon can see: names that stand for others.
    file.write_text("login,name,role\n1001,王芳,agent\n1002,9000,agent\n1003,张三三,agent\n")
    code, out, err = await agentd(database, "user", "import", str(file))
    assert code == 1
    assert "line 3: name: '9000' already stands for 9000" in err
    assert set(await people(database)) == {"9000"}


async def test_hundreds_are_imported_in_one_go(
    running: AccountsRig, database: Path, tmp_path: Path
) -> None:
    file = tmp_path / "people.csv"
    rows = [f"{n},人员{n},agent,support;sales,A" for n in range(1000, 1300)]
    file.write_text("login,name,role,queues,teams\n" + "\n".join(rows))
    code, out, err = await agentd(database, "user", "import", str(file))
    assert (code, out, err) == (0, "300 added, 0 changed\n", "")
    assert len(await running.store.accounts()) == 300


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "line 1: there is no column login"),
        (b"login,name,role\n", "names nobody"),
        (b"login,name\n1,a\n", "no column role"),
        (b"login,name,role,boss\n", "what is the column 'boss'"),
        (b"login,name,role,login\n", "stands twice"),
        (b"login,name,role\n1,a\n", "line 2: 2 fields, but 3 columns"),
        (b'login,name,role\n1,"a,agent\n', "not CSV"),
        (b"login,name,role\n1,a,agent\n\n2,b\x00,agent\n", "line 4"),
        (b"login,name,role,password\n1,a,agent,short\n", "line 2: the password"),
        (b"\xff\xff", "neither UTF-8 nor GB18030"),
    ],
)
def test_a_file_that_will_not_do_is_refused_with_its_line(data: bytes, says: str) -> None:
    with pytest.raises(AgentdError) as refusal:
        read_people(data)
    assert says in str(refusal.value)


def test_columns_may_be_in_any_order_and_lists_in_any_manner() -> None:
    rows = read_people("角色;工号;姓名;队列\n班长;1;甲;a|b、c\n审计员;2;乙;\n".encode())
    people = [row.person for row in rows]
    assert [(p.login, p.name, p.role, p.queues) for p in people] == [
        ("1", "甲", "shift_leader", ("a", "b", "c")),
        ("2", "乙", "auditor", ()),
    ]
    assert rows[0].given == {"role", "login", "name", "queues"}
