"""``agentd ticket``: look at work orders and complete them, beside a running daemon or without it.

Reading never changes anything. Completing goes to the running daemon, so that it happens in order
with the events; without one it is written by the same code, with the daemon's lock held.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agentd import clock
from agentd.config import find_config, load_config
from agentd.control import CompleteRequest, ControlError, ask, socket_path
from agentd.core.effects import OrderChanged, seconds, to_record
from agentd.core.obligation import Refusal
from agentd.core.obligation import complete as completed
from agentd.errors import AgentdError, ConfigError
from agentd.logs import set_up_logs
from agentd.ticketing import Store, StoreError
from agentd.ticketing_file import DaemonRunningError
from agentd.ticketing_orders import Change, OrderReader

_STORED_MAX_S = 10.0
_PIPE_COLUMNS = 200
"""How wide a table is where no terminal says how wide it is."""

app = typer.Typer(
    help="Look at work orders, and complete them.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)


class Language(StrEnum):
    """The languages that people can read this in."""

    ZH = "zh"
    EN = "en"


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
LangOption = Annotated[
    Language | None, typer.Option("--lang", help="The language; from LANG without it.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object per line, for programs.")]
OrderArgument = Annotated[str, typer.Argument(metavar="ID", help="The work order's id.")]

# Each in Chinese, then in English.
_WORDS: Mapping[str, tuple[str, str]] = {
    "id": ("工单", "work order"),
    "kind": ("类型", "kind"),
    "kind.call": ("来电", "call"),
    "kind.missed": ("未接", "missed"),
    "status": ("状态", "status"),
    "status.open": ("待完善", "open"),
    "status.completed": ("已完成", "completed"),
    "seat": ("坐席", "seat"),
    "agent": ("话务员", "agent"),
    "queue": ("队列", "queue"),
    "caller": ("来电号码", "caller"),
    "call": ("通话", "call"),
    "opened": ("开单时间", "opened"),
    "due": ("截止时间", "due"),
    "left": ("剩余", "left"),
    "completed": ("完成时间", "completed"),
    "completed_by": ("完成人", "completed by"),
    "at": ("时间", "time"),
    "change": ("变更", "change"),
    "by": ("操作人", "by"),
    "system": ("系统", "system"),
    "overdue": ("逾期 {time}", "overdue {time}"),
    "history": ("历史", "History"),
    "none": ("没有工单", "no work orders"),
    "change.opened": ("开单", "opened"),
    "change.due": ("计时开始", "due"),
    "change.handed_over": ("移交", "handed over"),
    "change.resumed": ("通话恢复", "resumed"),
    "change.completed": ("完成", "completed"),
    "done": ("工单 {id} 已由 {by} 完成", "work order {id} completed by {by}"),
    "unknown": ("没有工单 {id}", "there is no work order {id}"),
    "already": (
        "工单 {id} 已于 {at} 由 {by} 完成，未作更改",
        "work order {id} was already completed by {by} at {at}; nothing was changed",
    ),
    "no_name": ("请用 --by 写明完成人", "say who completed it with --by"),
    "late": (
        "agentd 已收到，但还没能存盘（见其日志）；请勿重复操作",
        "agentd has it, but could not store it yet (see its log); do not repeat it",
    ),
    "busy": (
        "agentd（进程 {pid}）正在使用该数据库，但没有应答；请稍后再试",
        "agentd (pid {pid}) holds the database, but does not answer; try again in a moment",
    ),
}


class _Speech:
    """Says things in one language; safe for a terminal, whatever a caller's name holds."""

    def __init__(self, asked: Language | None) -> None:
        if asked is None:
            named = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
            locale = next(filter(None, named), "")
            asked = Language.ZH if locale.lower().startswith("zh") else Language.EN
        self._index = 0 if asked is Language.ZH else 1

    def __call__(self, key: str, **values: object) -> str:
        words = _WORDS[key][self._index]
        return words.format(**{k: _safe(v) for k, v in values.items()}) if values else words

    def change(self, change: str) -> str:
        """The word for a change; one that is newer than we stands for itself."""
        key = f"change.{change}"
        return self(key) if key in _WORDS else _safe(change)


def _safe(value: object) -> str:
    """Text without what a terminal would obey."""
    return "".join(
        char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in str(value)
    )


def _cell(value: object) -> Text:
    return Text("-" if value is None else _safe(value))


def _time(us: int | None) -> str | None:
    """A moment in the local time zone."""
    if us is None:
        return None
    return datetime.fromtimestamp(us // 1_000_000).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _span(us: int) -> str:
    minutes, seconds_ = divmod(us // 1_000_000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds_:02d}" if hours else f"{minutes:02d}:{seconds_:02d}"


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


def _record(order: OrderChanged) -> dict[str, Any]:
    return {
        **(to_record(order) or {}),
        "completed_at": seconds(order.completed_us),
        "completed_by": order.completed_by,
        "alerts_sent": order.alerts_sent,
    }


def _print_json(value: Any) -> None:
    typer.echo(msgspec.json.encode(value).decode())


@contextlib.contextmanager
def _plainly() -> Iterator[None]:
    """Every fault of the input or the surroundings is one line and an exit code."""
    try:
        yield
    except AgentdError as error:
        _stop(str(error), code=2 if isinstance(error, ConfigError) else 1)


def _stop(message: str, *, code: int = 1) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(code)


def _path(config: Path | None, database: Path | None) -> Path:
    if database is not None:
        return database
    return load_config(find_config(config), secrets=False).store_path


@app.command("list")
def list_orders(
    open_only: Annotated[bool, typer.Option("--open", help="Only those still open.")] = False,
    seat: Annotated[
        str | None, typer.Option(metavar="DEVICE", help="Only this seat's, as PJSIP/1001.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="The newest so many.")] = 50,
    as_json: JsonOption = False,
    lang: LangOption = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """List the newest work orders, newest first."""
    say = _Speech(lang)
    with _plainly(), OrderReader(_path(config, database)) as reader:
        orders = reader.search(status="open" if open_only else None, seat=seat, limit=limit)
    if as_json:
        for order in orders:
            _print_json(_record(order))
        return
    if not orders:
        typer.echo(say("none"))
        return
    now_us = clock.wall_us()
    names = ("id", "kind", "status", "seat", "agent", "queue", "caller", "opened", "due", "left")
    table = _table(*map(say, names))
    for order in orders:
        table.add_row(
            *(
                _cell(order.id),
                _cell(say(f"kind.{order.kind}")),
                _cell(say(f"status.{order.status}")),
            ),
            *map(_cell, (order.seat, order.agent, order.queue, order.caller)),
            *(_cell(_time(order.opened_us)), _cell(_time(order.due_us))),
            _left(order, now_us, say),
        )
    _console().print(table)


def _left(order: OrderChanged, now_us: int, say: _Speech) -> Text:
    if order.status == "completed" or order.due_us is None:
        return Text("-")
    if now_us <= order.due_us:
        return Text(_span(order.due_us - now_us))
    return Text(say("overdue", time=_span(now_us - order.due_us)), style="bold red")


@app.command()
def show(
    order_id: OrderArgument,
    as_json: JsonOption = False,
    lang: LangOption = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Show one work order and everything that ever changed in it."""
    say = _Speech(lang)
    with _plainly(), OrderReader(_path(config, database)) as reader:
        order = reader.find(order_id)
        history = reader.history(order_id)
    if order is None:
        _stop(say("unknown", id=order_id))
    if as_json:
        _print_json({**_record(order), "history": [_history_record(line) for line in history]})
        return
    facts = Table(box=None, pad_edge=False, show_header=False)
    for name, value in (
        ("id", order.id),
        ("kind", say(f"kind.{order.kind}")),
        ("status", say(f"status.{order.status}")),
        ("call", f"{order.pbx} {order.call}"),
        ("queue", order.queue),
        ("seat", order.seat),
        ("agent", order.agent),
        ("caller", order.caller),
        ("opened", _time(order.opened_us)),
        ("due", _time(order.due_us)),
        ("completed", _time(order.completed_us)),
        ("completed_by", order.completed_by),
    ):
        facts.add_row(Text(say(name), style="bold"), _cell(value))
    changes = _table(*map(say, ("at", "change", "by", "seat", "agent", "due")))
    for line in history:
        changes.add_row(
            _cell(_time(line.at_us)),
            _cell(say.change(line.change)),
            _cell(say("system") if line.by is None else line.by),
            *map(_cell, (line.order.seat, line.order.agent, _time(line.order.due_us))),
        )
    console = _console()
    console.print(facts)
    console.print()
    console.print(Text(say("history"), style="bold"))
    console.print(changes)


def _history_record(line: Change) -> dict[str, Any]:
    return {**_record(line.order), "by": line.by}


@app.command()
def complete(
    order_id: OrderArgument,
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who completed it.")],
    as_json: JsonOption = False,
    lang: LangOption = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Complete a work order."""
    say = _Speech(lang)
    with _plainly():
        path = _path(config, database)
        if not by.strip():
            _stop(say("no_name"), code=2)
        order = _find(path, order_id)
        if order is None:
            _stop(say("unknown", id=order_id))
        if order.status == "completed":
            _stop(_already(order, say))
        set_up_logs(level="error")
        try:
            done = asyncio.run(_complete(path, order, by))
        except DaemonRunningError as error:
            _stop(say("busy", pid="?" if error.pid is None else error.pid))
        except ControlError as error:
            _stop(_refused(error, path, order_id, say))
    if isinstance(done, Refusal):
        _stop(_already(done.order, say))
    if as_json:
        _print_json(_record(done))
    else:
        typer.echo(say("done", id=done.id, by=done.completed_by))


def _find(path: Path, order_id: str) -> OrderChanged | None:
    with OrderReader(path) as reader:
        return reader.find(order_id)


def _already(order: OrderChanged, say: _Speech) -> str:
    return say("already", id=order.id, by=order.completed_by, at=_time(order.completed_us))


def _refused(error: ControlError, path: Path, order_id: str, say: _Speech) -> str:
    """The daemon's refusal in the reader's language, as far as its reason is known here."""
    if error.code == "late":
        return say("late")
    if error.code == "refused":
        order = _find(path, order_id)
        if order is not None and order.status == "completed":
            return _already(order, say)
    return _safe(error)


async def _complete(path: Path, order: OrderChanged, by: str) -> OrderChanged | Refusal:
    """Have the running daemon do it; where there is none, write it ourselves."""
    request = CompleteRequest(pbx=order.pbx, order=order.id, by=by)
    if await ask(socket_path(path), request) is not None:
        done = await asyncio.to_thread(_find, path, order.id)
        assert done is not None, "orders are never deleted"
        return done
    store = Store(path)
    await store.start()
    try:
        # Looked at again, since from here on nobody else can change it.
        held = await asyncio.to_thread(_find, path, order.id)
        assert held is not None, "orders are never deleted"
        outcome = completed(held, by, clock.wall_us())
        if isinstance(outcome, OrderChanged):
            store.submit([outcome], {}, lambda _: None, pbx=outcome.pbx)
    finally:
        stored = await store.close(flush_max_s=_STORED_MAX_S)
    if not stored:
        raise StoreError(f"the work order could not be stored: {store.health.last_error}")
    return outcome
