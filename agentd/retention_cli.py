"""``agentd retention``: what is kept how long, legal holds, what was removed and what would be.

The running daemon does it, asked by its control socket; without one it is done by the same code on
the database, with the daemon's lock held.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, get_args

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agentd.accounts import AccountService
from agentd.config import Config, find_config, load_config
from agentd.control import ask, socket_path
from agentd.core.people import Directory
from agentd.errors import AgentdError, ConfigError
from agentd.logs import set_up_logs
from agentd.ports.retention import HoldKind
from agentd.retention import Retention, RetentionRequest
from agentd.ticketing import Store

_STORED_MAX_S = 10.0
_PIPE_COLUMNS = 200
_KINDS = get_args(HoldKind)

app = typer.Typer(
    help="How long history is kept: the policy, legal holds, what was and would be removed.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", envvar="AGENTD_CONFIG", metavar="FILE",
                 help="The configuration that says the policy and names the database."),
]  # fmt: skip
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object per line, for programs.")]
WhyOption = Annotated[str, typer.Option("--why", metavar="TEXT", help="Why; it is kept.")]


@app.command()
def show(config: ConfigOption = None) -> None:
    """The policy, and when it was last seen to."""
    with _plainly():
        answer = _do(config, RetentionRequest(verb="show", by=_by()))
    for name, days in answer["policy"].items():
        typer.echo(f"{name} = {days if days is not None else 'off'}")
    typer.echo(f"last seen to: {_time(answer['retained_us']) or 'never'}")


@app.command("dry-run")
def dry_run(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """What would be removed now; nothing is."""
    with _plainly():
        answer = _do(config, RetentionRequest(verb="dry_run", by=_by()))
    _show(answer["purges"], ("kind", "before_us", "rows", "held"), as_json=as_json)


@app.command()
def purges(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """What was removed, the latest first."""
    with _plainly():
        answer = _do(config, RetentionRequest(verb="purges", by=_by()))
    _show(answer["purges"], ("at_us", "kind", "before_us", "rows", "held", "by"), as_json=as_json)


@app.command()
def holds(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Legal holds, the latest first."""
    with _plainly():
        answer = _do(config, RetentionRequest(verb="holds", by=_by()))
    columns = ("id", "kind", "target", "pbx", "why", "by", "at_us", "lifted_by", "lifted_us")
    _show(answer["holds"], columns, as_json=as_json)


@app.command()
def hold(
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"{', '.join(_KINDS)}.")],
    target: Annotated[str, typer.Argument(help="A call's or order's id, a login, a number.")],
    why: WhyOption,
    pbx: Annotated[str | None, typer.Option("--pbx", help="Of a call.")] = None,
    config: ConfigOption = None,
) -> None:
    """Keep something whole, whatever the policy says, until the hold is lifted."""
    with _plainly():
        if kind not in _KINDS:
            raise AgentdError(f"there is no kind {kind!r}; write one of {', '.join(_KINDS)}")
        request = RetentionRequest(
            verb="hold",
            by=_by(),
            kind=kind,  # type: ignore[arg-type]
            target=target,
            pbx=pbx,
            why=why,
        )
        made = _do(config, request)["hold"]
    typer.echo(f"{made['id']}: {made['kind']} {_safe(made['target'])} is kept")


@app.command()
def lift(
    hold_id: Annotated[str, typer.Argument(metavar="ID", help="As `retention holds` shows it.")],
    why: WhyOption,
    config: ConfigOption = None,
) -> None:
    """Something need not be kept any longer."""
    with _plainly():
        _do(config, RetentionRequest(verb="lift", by=_by(), target=hold_id, why=why))
    typer.echo(f"{hold_id}: lifted")


# --- the way to the store --------------------------------------------------------------------


def _do(config: Path | None, request: RetentionRequest) -> Mapping[str, Any]:
    set_up_logs(level="error")
    return asyncio.run(_ask_or_act(load_config(find_config(config), secrets=False), request))


async def _ask_or_act(config: Config, request: RetentionRequest) -> Mapping[str, Any]:
    """Have the running daemon do it; where there is none, do it ourselves."""
    answer = await ask(socket_path(config.store_path), request)
    if answer is not None:
        return answer
    store = Store(config.store_path)
    await store.start()
    try:
        directory = Directory()
        accounts = AccountService(store, directory=directory)
        await accounts.start()
        try:
            numbers = config.form_book.numbers
            done = Retention(store, directory, config.retention_policy, numbers)
            return await done.act(request)
        finally:
            await accounts.close()
    finally:
        await store.close(flush_max_s=_STORED_MAX_S)


def _by() -> str:
    """Who gives the command, for the audit log."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return "cli:?"


# --- what people see -------------------------------------------------------------------------


@contextlib.contextmanager
def _plainly() -> Iterator[None]:
    """Every fault of the input or the surroundings is told in plain words, with an exit code."""
    try:
        yield
    except AgentdError as error:
        for line in str(error).splitlines():
            typer.echo(_safe(line), err=True)
        raise typer.Exit(2 if isinstance(error, ConfigError) else 1) from None


def _show(rows: list[dict[str, Any]], columns: tuple[str, ...], *, as_json: bool) -> None:
    if as_json:
        for row in rows:
            typer.echo(msgspec.json.encode(row).decode())
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name.removesuffix("_us").replace("_", " "), overflow="fold")
    for row in rows:
        values = (_time(row[n]) if n.endswith("_us") else row[n] for n in columns)
        table.add_row(*(Text("-" if v in (None, "") else _safe(v)) for v in values))
    if sys.stdout.isatty():
        Console(highlight=False).print(table)
    else:
        Console(highlight=False, width=_PIPE_COLUMNS, color_system=None).print(table)


def _safe(value: object) -> str:
    """Text without what a terminal would obey."""
    return "".join(
        char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in str(value)
    )


def _time(us: int | None) -> str | None:
    if us is None:
        return None
    return datetime.fromtimestamp(us // 1_000_000).astimezone().strftime("%Y-%m-%d %H:%M")
