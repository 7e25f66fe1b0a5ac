"""``agentd ticket``: look at work orders and complete them, beside a running daemon or without it.

Reading never changes anything. Completing goes to the running daemon, so that it happens in order
with the events; without one it is done by the same code, with the daemon's lock held
(:mod:`agentd.ticket_offline`). The form's rules hold here as at the desk.
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
from agentd.core.order_model import Reply, ReplyMode, WorkOrder
from agentd.core.order_words import STATE_WORDS
from agentd.errors import AgentdError, ConfigError, Refused
from agentd.logs import set_up_logs
from agentd.ticket_offline import complete_offline
from agentd.ticketing_file import DaemonRunningError
from agentd.ticketing_orders import Change, OrderReader

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
    "title": ("标题", "title"),
    "category": ("类别", "category"),
    "owner": ("责任人", "owner"),
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
    "change.clock": ("PBX 时钟被调整", "the PBX's clock was set"),
    "change.overdue": ("逾期", "overdue"),
    "change.assigned": ("转交他人", "given to somebody else"),
    "change.resumed": ("通话恢复", "resumed"),
    "change.completed": ("完成", "completed"),
    "done": ("工单 {id} 已由 {by} 完成", "work order {id} completed by {by}"),
    "unknown": ("没有工单 {id}", "there is no work order {id}"),
    "already": (
        "工单 {id} 已于 {at} 由 {by} 完成，未作更改",
        "work order {id} was already completed by {by} at {at}; nothing was changed",
    ),
    "no_name": ("请用 --by 写明完成人", "say who completed it with --by"),
    "not_set": (
        "“{text}”应写成 要素=内容,例如 --set place=人民路12号",
        "“{text}” should read FIELD=VALUE, as in --set event=leak",
    ),
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

    def state(self, state: str) -> str:
        """The word for a state; one that is newer than we stands for itself."""
        words = {str(known): label for known, label in STATE_WORDS.items()}.get(state)
        return _safe(state) if words is None else words[self._index]

    def refusal(self, refused: Refused) -> str:
        """A refusal in this language, as far as it is known in it."""
        return self.told(str(refused), refused.text_zh)

    def told(self, english: str, chinese: str) -> str:
        """One of two sentences."""
        return _safe(chinese if self._index == 0 and chinese else english)

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


def _record(order: OrderChanged, document: WorkOrder | None = None) -> dict[str, Any]:
    record = {
        **(to_record(order) or {}),
        "completed_at": seconds(order.completed_us),
        "completed_by": order.completed_by,
        "alerts_sent": order.alerts_sent,
    }
    if document is None:
        return record
    return record | {
        "state": document.state,
        "title": document.title,
        "category": document.category,
        "fields": document.fields,
        "owner": document.owner,
        "version": document.version,
    }


def _state(order: OrderChanged, document: WorkOrder | None, say: _Speech) -> str:
    return say.state(order.status if document is None else document.state)


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
        documents = reader.documents([order.id for order in orders])
    if as_json:
        for order in orders:
            _print_json(_record(order, documents.get(order.id)))
        return
    if not orders:
        typer.echo(say("none"))
        return
    now_us = clock.wall_us()
    names = (
        *("id", "kind", "status", "seat", "agent", "queue", "caller", "opened", "due", "left"),
        "title",
    )
    table = _table(*map(say, names))
    for order in orders:
        document = documents.get(order.id)
        table.add_row(
            *(
                _cell(order.id),
                _cell(say(f"kind.{order.kind}")),
                _cell(_state(order, document, say)),
            ),
            *map(_cell, (order.seat, order.agent, order.queue, order.caller)),
            *(_cell(_time(order.opened_us)), _cell(_time(order.due_us))),
            _left(order, now_us, say),
            _cell((document.title if document else "") or None),
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
        document = reader.documents([order_id]).get(order_id)
    if order is None:
        _stop(say("unknown", id=order_id))
    if as_json:
        told = [_history_record(line) for line in history]
        _print_json({**_record(order, document), "history": told})
        return
    facts = Table(box=None, pad_edge=False, show_header=False)
    for name, value in (
        ("id", order.id),
        ("kind", say(f"kind.{order.kind}")),
        ("status", _state(order, document, say)),
        ("call", f"{order.pbx} {order.call}"),
        ("queue", order.queue),
        ("seat", order.seat),
        ("agent", order.agent),
        ("caller", order.caller),
        ("opened", _time(order.opened_us)),
        ("due", _time(order.due_us)),
        ("completed", _time(order.completed_us)),
        ("completed_by", order.completed_by),
        *(() if document is None else _content(document)),
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


def _content(document: WorkOrder) -> tuple[tuple[str, object], ...]:
    return (
        ("owner", document.owner),
        ("category", document.category),
        ("title", document.title or None),
    )


def _history_record(line: Change) -> dict[str, Any]:
    return {**_record(line.order), "by": line.by}


@app.command()
def complete(
    order_id: OrderArgument,
    by: Annotated[
        str, typer.Option("--by", metavar="NAME", help="Who completed it: a login or a name.")
    ],
    category: Annotated[
        str | None, typer.Option(metavar="KEY", help="The category, as in orders.toml.")
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="A key field; as often as needed."),
    ] = None,
    reply: Annotated[
        ReplyMode | None, typer.Option("--reply", help="How a consultation was answered.")
    ] = None,
    answer: Annotated[str, typer.Option(metavar="TEXT", help="What was answered.")] = "",
    basis: Annotated[str, typer.Option(metavar="TEXT", help="What a direct reply rests on.")] = "",
    own_service: Annotated[
        bool, typer.Option("--own-service", help="It is about our own service.")
    ] = False,
    external_no: Annotated[
        str, typer.Option(metavar="NO", help="The number of the city platform's form.")
    ] = "",
    as_json: JsonOption = False,
    lang: LangOption = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
) -> None:
    """Complete a work order, with that person's rights; what is missing is named."""
    say = _Speech(lang)
    with _plainly():
        path = _path(config, database)
        if not by.strip():
            _stop(say("no_name"), code=2)
        order, document = _find(path, order_id)
        if order is None:
            _stop(say("unknown", id=order_id))
        if order.status == "completed" and not _is_owed(document):
            _stop(_already(order, say))
        request = CompleteRequest(
            pbx=order.pbx,
            order=order_id,
            by=by.strip(),
            category=category,
            own_service=own_service,
            fields=_fields(values or [], say),
            reply=None if reply is None else Reply(reply, answer, basis),
            external_no=external_no,
        )
        set_up_logs(level="error")
        try:
            asyncio.run(_complete(config, path, request))
        except DaemonRunningError as error:
            _stop(say("busy", pid="?" if error.pid is None else error.pid))
        except ControlError as error:
            _stop(_refused(error, path, order_id, say))
        except Refused as error:
            _stop(say.refusal(error))
        done, document = _find(path, order_id)
    assert done is not None, "orders are never deleted"
    if as_json:
        _print_json(_record(done, document))
    else:
        typer.echo(say("done", id=done.id, by=done.completed_by))


def _fields(values: list[str], say: _Speech) -> dict[str, str]:
    fields: dict[str, str] = {}
    for text in values:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            _stop(say("not_set", text=text), code=2)
        fields[key.strip()] = value
    return fields


def _find(path: Path, order_id: str) -> tuple[OrderChanged | None, WorkOrder | None]:
    with OrderReader(path) as reader:
        return reader.find(order_id), reader.documents([order_id]).get(order_id)


def _is_owed(document: WorkOrder | None) -> bool:
    """Whether the document still is to be completed although the clock has stopped."""
    return document is not None and document.state in ("open", "returned")


def _already(order: OrderChanged, say: _Speech) -> str:
    return say("already", id=order.id, by=order.completed_by, at=_time(order.completed_us))


def _refused(error: ControlError, path: Path, order_id: str, say: _Speech) -> str:
    """The daemon's refusal in the reader's language, as far as its reason is known here."""
    if error.code == "late":
        return say("late")
    if error.code == "refused":
        order, document = _find(path, order_id)
        if order is not None and order.status == "completed" and not _is_owed(document):
            return _already(order, say)
    return say.told(str(error), str(error.answer.get("message_zh") or ""))


async def _complete(config: Path | None, path: Path, request: CompleteRequest) -> None:
    """Have the running daemon do it; where there is none, do it ourselves."""
    if await ask(socket_path(path), request) is None:
        await complete_offline(load_config(find_config(config), secrets=False), path, request)
