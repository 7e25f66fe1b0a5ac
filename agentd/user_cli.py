"""``agentd user`` and ``agentd token``: accounts and machines' keys, beside a running daemon or
without it.

The running daemon does it, asked by its control socket; without one it is done by the same code on
the database, with the daemon's lock held. Passwords come from a prompt or from standard input,
never from the command line, and only their hashes leave this process.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn, get_args

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agentd import clock
from agentd.accounts import AccountService
from agentd.accounts_commands import AccountCommands, AccountsRequest, PersonChange
from agentd.accounts_passwords import HASHES_AT_ONCE, AccountSettings, Passwords
from agentd.accounts_rules import TOKEN_RIGHTS, check_password, check_person
from agentd.config import find_config, load_config
from agentd.control import ControlError, ask, socket_path
from agentd.core.people import ROLES, Person, Role
from agentd.errors import AgentdError, ConfigError
from agentd.logs import set_up_logs
from agentd.people_csv import CsvPerson, read_people
from agentd.ticketing import Store
from agentd.ticketing_file import DaemonRunningError

_STORED_MAX_S = 10.0
_PIPE_COLUMNS = 200
_IMPORT_MAX = 1_000

users = typer.Typer(
    help="People's accounts: add, change, disable, import, list.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)
tokens = typer.Typer(
    help="Keys for machines: add, list, revoke.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        envvar="AGENTD_CONFIG",
        metavar="FILE",
        help="The configuration that names the database.",
    ),
]
DatabaseOption = Annotated[
    Path | None,
    typer.Option("--database", metavar="FILE", help="The database itself; no configuration then."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object per line, for programs.")]
LoginArgument = Annotated[str, typer.Argument(metavar="LOGIN", help="工号: unique, for ever.")]
RoleOption = Annotated[str, typer.Option("--role", metavar="ROLE", help=f"{', '.join(ROLES)}.")]
QueuesOption = Annotated[
    list[str],
    typer.Option(
        "--queue",
        metavar="QUEUE",
        help="A queue of the person's scope (an agent: joined at sign-in); repeat it; none: all.",
    ),
]
TeamsOption = Annotated[
    list[str],
    typer.Option("--team", metavar="TEAM", help="A team (seat group); repeat it; none: all."),
]
MembersOption = Annotated[
    list[str],
    typer.Option("--member-name", metavar="NAME", help="A name that queues know the person by."),
]


# --- people ----------------------------------------------------------------------------------


@users.command()
def add(
    login: LoginArgument,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="姓名, as pages show it.")],
    role: RoleOption = "agent",
    queue: QueuesOption = [],  # noqa: B006  typer copies it
    team: TeamsOption = [],  # noqa: B006
    member_name: MembersOption = [],  # noqa: B006
    without_password: Annotated[
        bool, typer.Option("--without-password", help="Nobody can log in until `passwd`.")
    ] = False,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Make an account. The password is asked for, or read from standard input."""
    with _plainly():
        person = Person(login, name, _role(role), tuple(queue), tuple(team), tuple(member_name))
        check_person(person)
        path = _path(config, database)
        hashed = None if without_password else _hash_of_new_password(login)
        change = PersonChange(
            login=login,
            name=name,
            role=person.role,
            queues=person.queues,
            teams=person.teams,
            member_names=person.member_names,
            password_hash=hashed,
        )
        _do(path, AccountsRequest(verb="add", by=_by(), people=(change,)))
    typer.echo(f"{login} ({name}, {role}) added")


@users.command()
def passwd(
    login: LoginArgument, config: ConfigOption = None, database: DatabaseOption = None
) -> None:
    """Set a person's password, asked for or read from standard input; ends their logins."""
    with _plainly():
        path = _path(config, database)
        change = PersonChange(login=login, password_hash=_hash_of_new_password(login))
        _do(path, AccountsRequest(verb="change", by=_by(), people=(change,)))
    typer.echo(f"{login}: password set")


@users.command("role")
def set_role(
    login: LoginArgument,
    role: Annotated[str, typer.Argument(metavar="ROLE", help=f"{', '.join(ROLES)}.")],
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Give a person another role; ends their logins."""
    with _plainly():
        change = PersonChange(login=login, role=_role(role))
        _do(_path(config, database), AccountsRequest(verb="change", by=_by(), people=(change,)))
    typer.echo(f"{login}: {role}")


@users.command()
def disable(
    login: LoginArgument, config: ConfigOption = None, database: DatabaseOption = None
) -> None:
    """Let a person in no more; ends their logins. Nothing that they did is lost."""
    with _plainly():
        _set_disabled(login, True, _path(config, database))
    typer.echo(f"{login}: disabled")


@users.command()
def enable(
    login: LoginArgument, config: ConfigOption = None, database: DatabaseOption = None
) -> None:
    """Let a person who was disabled in again."""
    with _plainly():
        _set_disabled(login, False, _path(config, database))
    typer.echo(f"{login}: enabled")


def _set_disabled(login: str, disabled: bool, path: Path) -> None:
    change = PersonChange(login=login, disabled=disabled)
    _do(path, AccountsRequest(verb="change", by=_by(), people=(change,)))


@users.command("list")
def list_people(
    as_json: JsonOption = False, config: ConfigOption = None, database: DatabaseOption = None
) -> None:
    """List all accounts."""
    with _plainly():
        answer = _do(_path(config, database), AccountsRequest(verb="list", by=_by()))
    people: list[dict[str, Any]] = answer["people"]
    if as_json:
        for person in people:
            typer.echo(msgspec.json.encode(person).decode())
        return
    table = _table("login", "name", "role", "queues", "teams", "member names", "state")
    for person in people:
        state = "disabled" if person["disabled"] else "" if person["password"] else "no password"
        lists = (", ".join(person[key]) for key in ("queues", "teams", "member_names"))
        row = (person["login"], person["name"], person["role"], *lists, state)
        table.add_row(*map(_cell, row))
    _console().print(table)


@users.command("import")
def import_people(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="CSV with the columns login,name,role and, if wished, queues,teams,member_names,"
            "password; lists inside a field are separated by ; or |.",
        ),
    ],
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Add or change people from a CSV file: all of them, or none and every mistake by its line."""
    with _plainly():
        path = _path(config, database)
        try:
            rows = read_people(file.read_bytes())
        except OSError as error:
            raise AgentdError(f"cannot read {file}: {error.strerror or error}") from error
        except AgentdError as error:
            raise AgentdError(f"{file} was not imported:\n{error}") from error
        if len(rows) > _IMPORT_MAX:
            raise AgentdError(f"{file} has {len(rows)} people; import {_IMPORT_MAX} at a time")
        hashes = _hashes([row.password for row in rows])
        changes = tuple(map(_change_of, rows, hashes))
        answer = _do(path, AccountsRequest(verb="import", by=_by(), people=changes))
    typer.echo(f"{answer['added']} added, {answer['changed']} changed")


def _change_of(row: CsvPerson, hashed: str | None) -> PersonChange:
    person = row.person
    return PersonChange(
        login=person.login,
        name=person.name,
        role=person.role,
        queues=person.queues if "queues" in row.given else None,
        teams=person.teams if "teams" in row.given else None,
        member_names=person.member_names if "member_names" in row.given else None,
        password_hash=hashed,
        place=f"line {row.line}",
    )


# --- tokens ----------------------------------------------------------------------------------


@tokens.command("add")
def add_token(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the key is for.")],
    right: Annotated[
        list[str],
        typer.Option("--right", metavar="RIGHT", help=f"{', '.join(TOKEN_RIGHTS)}; repeat it."),
    ],
    queue: Annotated[
        list[str], typer.Option("--queue", metavar="QUEUE", help="Only this queue; repeat it.")
    ] = [],  # noqa: B006
    days: Annotated[
        int | None,
        typer.Option("--days", min=1, max=3660, help="How long it lasts; else for good."),
    ] = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Make a key for a machine, and print it: this once, it is not kept."""
    request = AccountsRequest(
        verb="token_add",
        by=_by(),
        token=name,
        rights=tuple(right),
        queues=tuple(queue),
        days=days,
    )
    with _plainly():
        answer = _do(_path(config, database), request)
    typer.echo(f"token {answer['token']['id']}; keep it safe, it is not shown again:", err=True)
    typer.echo(answer["secret"])


@tokens.command("list")
def list_tokens(
    as_json: JsonOption = False, config: ConfigOption = None, database: DatabaseOption = None
) -> None:
    """List all keys, without their secrets."""
    with _plainly():
        answer = _do(_path(config, database), AccountsRequest(verb="token_list", by=_by()))
    found: list[dict[str, Any]] = answer["tokens"]
    if as_json:
        for token in found:
            typer.echo(msgspec.json.encode(token).decode())
        return
    now_us = clock.wall_us()
    table = _table("id", "name", "rights", "queues", "made", "by", "last used", "until", "state")
    for token in found:
        over = token["expires_us"] is not None and token["expires_us"] <= now_us
        state = "revoked" if token["revoked_us"] is not None else "over" if over else ""
        table.add_row(
            *map(_cell, (token["id"], token["name"])),
            *(_cell(", ".join(token[key])) for key in ("rights", "queues")),
            _cell(_time(token["created_us"])),
            _cell(token["created_by"]),
            *(_cell(_time(token[key])) for key in ("seen_us", "expires_us")),
            _cell(state),
        )
    _console().print(table)


@tokens.command()
def revoke(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="As `token list` shows it.")],
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """From now on the key opens nothing."""
    with _plainly():
        request = AccountsRequest(verb="token_revoke", by=_by(), token=token_id)
        _do(_path(config, database), request)
    typer.echo(f"{token_id}: revoked")


# --- the way to the accounts -----------------------------------------------------------------


def _do(path: Path, request: AccountsRequest) -> Mapping[str, Any]:
    set_up_logs(level="error")
    try:
        return asyncio.run(_ask_or_act(path, request))
    except DaemonRunningError as error:
        pid = "?" if error.pid is None else error.pid
        raise AgentdError(
            f"agentd (pid {pid}) holds the database, but does not answer; try again in a moment"
        ) from error


async def _ask_or_act(path: Path, request: AccountsRequest) -> Mapping[str, Any]:
    """Have the running daemon do it; where there is none, do it ourselves."""
    answer = await ask(socket_path(path), request)
    if answer is not None:
        return answer
    store = Store(path)
    await store.start()
    try:
        accounts = AccountService(store)
        await accounts.start()
        try:
            return await AccountCommands(accounts).act(request)
        finally:
            await accounts.close()
    finally:
        await store.close(flush_max_s=_STORED_MAX_S)


def _path(config: Path | None, database: Path | None) -> Path:
    if database is not None:
        return database
    return load_config(find_config(config), secrets=False).store_path


def _by() -> str:
    """Who gives the command, for the audit log."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return "cli:?"


def _role(word: str) -> Role:
    if word not in get_args(Role):
        raise AgentdError(f"there is no role {word!r}; write one of {', '.join(ROLES)}")
    return word  # type: ignore[return-value]


# --- passwords -------------------------------------------------------------------------------


def _hash_of_new_password(login: str) -> str:
    if sys.stdin.isatty():
        password = getpass.getpass(f"New password of {login}: ")
        check_password(login, password)
        if getpass.getpass("Once more: ") != password:
            raise AgentdError("the two passwords differ; nothing was changed")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
        check_password(login, password)
    hashed = _hashes([password])[0]
    assert hashed is not None
    return hashed


def _hashes(passwords: list[str | None]) -> list[str | None]:
    maker = Passwords(AccountSettings())
    try:
        with ThreadPoolExecutor(HASHES_AT_ONCE) as pool:
            return list(pool.map(lambda p: None if p is None else maker.hash_now(p), passwords))
    finally:
        maker.close()


# --- what people see -------------------------------------------------------------------------


@contextlib.contextmanager
def _plainly() -> Iterator[None]:
    """Every fault of the input or the surroundings is told in plain words, with an exit code."""
    try:
        yield
    except AgentdError as error:
        late = isinstance(error, ControlError) and error.code == "late"
        what = (
            "agentd has it, but is not done storing it; do not repeat it, look after a while "
            "(agentd user list)"
            if late
            else str(error)
        )
        _stop(what, code=2 if isinstance(error, ConfigError) else 1)


def _stop(message: str, *, code: int) -> NoReturn:
    for line in message.splitlines():
        typer.echo(_safe(line), err=True)
    raise typer.Exit(code)


def _safe(value: object) -> str:
    """Text without what a terminal would obey."""
    return "".join(
        char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in str(value)
    )


def _cell(value: object) -> Text:
    return Text("-" if value in (None, "") else _safe(value))


def _time(us: int | None) -> str | None:
    if us is None:
        return None
    return datetime.fromtimestamp(us // 1_000_000).astimezone().strftime("%Y-%m-%d %H:%M")


def _console() -> Console:
    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(highlight=False, width=_PIPE_COLUMNS, color_system=None)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        # An id that is cut cannot be typed in again.
        table.add_column(column, overflow="fold")
    return table
