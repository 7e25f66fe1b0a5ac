"""``agentd report``: a report of the last shift, day or month, for people and for cron.

It reads the database, beside a running daemon or without one, and changes nothing.
"""

from __future__ import annotations

import asyncio
import getpass
import os
import sys
import tempfile
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from agentd.config import Config, find_config, load_config
from agentd.core.report_periods import PeriodAsk
from agentd.core.reports import GROUPS, Report, group_of
from agentd.errors import AgentdError, ConfigError, Refused
from agentd.export_columns import Lang
from agentd.logs import set_up_logs
from agentd.mail import SmtpMail
from agentd.ports.reports import ReportAsk
from agentd.report_files import FileFormat, ReportFiles
from agentd.report_offline import EVERYTHING, offline_reports
from agentd.report_words import (
    minutes,
    one_words,
    period_words,
    pick,
    say,
    shown,
    title,
    zone,
)

_PIPE_COLUMNS = 200


class PeriodName(StrEnum):
    """What periods there are."""

    SHIFT = "shift"
    DAY = "day"
    MONTH = "month"
    SPAN = "span"


class ByName(StrEnum):
    """Whose figures."""

    QUEUE = "queue"
    TEAM = "team"
    PERSON = "person"


class Format(StrEnum):
    """As what."""

    TEXT = "text"
    CSV = "csv"
    XLSX = "xlsx"
    HTML = "html"


class Language(StrEnum):
    """The languages that people can read this in."""

    ZH = "zh"
    EN = "en"


_WORDS: Mapping[str, tuple[str, str]] = {
    "sent": ("已发送给 {to}：{title}", "sent to {to}: {title}"),
    "refused": ("邮件服务器拒收 {to}：{why}", "the mail server refuses {to}: {why}"),
    "written": ("已写入 {file}", "written to {file}"),
    "no_mail": (
        "没有配置邮件服务器：请在 agentd.toml 中加上 [mail] 的 host 和 sender",
        "no mail server is configured: add host and sender to [mail] in agentd.toml",
    ),
    "terminal": (
        "XLSX 不能显示在终端上：请用 --out 写明文件",
        "a workbook cannot be shown in a terminal: name a file with --out",
    ),
    "cannot_write": ("无法写入 {file}：{why}", "cannot write {file}: {why}"),
    "address": ("“{to}”不是邮件地址", "“{to}” is no mail address"),
}

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def report(
    period: Annotated[
        PeriodName, typer.Option("--period", help="Which kind; span needs --from and --to.")
    ] = PeriodName.DAY,
    by: Annotated[ByName, typer.Option("--by", help="Whose figures.")] = ByName.QUEUE,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="DATE", help="As 2026-10-05 (a month: 2026-10); without it "
                     "the last one that is over."),
    ] = None,
    shift: Annotated[
        str | None,
        typer.Option("--shift", metavar="HOURS", help="As 08:00-16:00, a split shift as "
                     "08:00-12:00+14:00-18:00; without it the last one that is over."),
    ] = None,
    first: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="First day of a span.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="Last day of a span.")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", help="Only this queue (as PBX/NAME), team or person (login)."),
    ] = None,
    details: Annotated[
        bool, typer.Option("--details", help="Each line broken down by hours or days as well.")
    ] = False,
    form: Annotated[Format, typer.Option("--format", help="As what.")] = Format.TEXT,
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="FILE", help="Where it goes; - or nothing: standard output."),
    ] = None,
    mail: Annotated[
        list[str] | None,
        typer.Option("--mail", metavar="ADDRESS", help="Mail it; as often as needed."),
    ] = None,
    lang: Annotated[
        Language | None, typer.Option("--lang", help="The language; from LANG without it.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", envvar="AGENTD_CONFIG", metavar="FILE",
                     help="The configuration that names the database."),
    ] = None,
    database: Annotated[
        Path | None, typer.Option("--database", metavar="FILE", help="Another database.")
    ] = None,
) -> None:  # fmt: skip
    """A report of a shift, a day, a month, or any days: for each queue, team or person.

    Without dates it is of the last one that is over, so that cron needs to reckon no dates.
    """
    speech = _language(lang)
    set_up_logs(level="error")
    when = PeriodAsk(period.value, at=at, shift=shift, first=first, last=last)
    ask = ReportAsk(period=when, by=by.value, name=name, details=details)
    to = mail or []
    for address in to:
        if "@" not in address.strip("@") or any(char.isspace() for char in address):
            _stop(_tell("address", speech, to=address), code=2)
    if form is Format.XLSX and out in (None, "-") and not to and sys.stdout.isatty():
        _stop(_tell("terminal", speech), code=2)
    try:
        settings = load_config(find_config(config), secrets=False, mail_only=bool(to))
        if to and settings.mail_access is None:
            _stop(_tell("no_mail", speech), code=2)
        asyncio.run(_make(settings, database, ask, form, out, to, speech))
    except Refused as error:
        told = error.text_zh if speech == "zh" and error.text_zh else str(error)
        _stop(told, code=2 if error.code == "invalid" else 1)
    except ConfigError as error:
        _stop(str(error), code=2)
    except AgentdError as error:
        _stop(str(error))


async def _make(
    config: Config,
    database: Path | None,
    ask: ReportAsk,
    form: Format,
    out: str | None,
    to: list[str],
    lang: Lang,
) -> None:
    async with offline_reports(config, database or config.store_path) as reports:
        made = await reports.report(EVERYTHING, ask)
        files = ReportFiles(reports.days, config.reports.site or "")
        offset_s = reports.days.utc_offset_s
        if out is not None or not to:
            await _write(made, files, form, out, lang, offset_s)
        if to:
            await _mail(config, made, files, form, to, lang)


async def _write(
    made: Report, files: ReportFiles, form: Format, out: str | None, lang: Lang, offset_s: int
) -> None:
    target = None if out in (None, "-") else Path(out or "")
    if form is Format.TEXT:
        if target is None:
            _print(made, lang, offset_s, Console(highlight=False) if _tty() else _plain())
            return
        console = _plain()
        with console.capture() as captured:
            _print(made, lang, offset_s, console)
        data = captured.get().encode("utf-8", "replace")
    else:
        kind: FileFormat = form.value  # type: ignore[assignment]
        data = await files.made(made, kind, lang, by=_who())
    if target is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        await asyncio.to_thread(_replace, target, data)
    except OSError as error:
        raise AgentdError(
            _tell("cannot_write", lang, file=target, why=error.strerror or error)
        ) from error
    typer.echo(_tell("written", lang, file=target), err=True)


def _replace(target: Path, data: bytes) -> None:
    """Whole, or not at all."""
    with tempfile.NamedTemporaryFile(
        dir=target.parent, prefix=f".{target.name}.", delete=False
    ) as file:
        try:
            file.write(data)
            file.flush()
            mask = os.umask(0)
            os.umask(mask)
            Path(file.name).chmod(0o666 & ~mask)
            Path(file.name).replace(target)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


async def _mail(
    config: Config, made: Report, files: ReportFiles, form: Format, to: list[str], lang: Lang
) -> None:
    assert config.mail_access is not None, "looked at before"
    kinds: tuple[FileFormat, ...] = () if form is Format.TEXT else (form.value,)  # type: ignore[assignment]
    letter = await files.letter(made, to, kinds, lang)
    refused = await SmtpMail(config.mail_access).send(letter)
    taken = [address for address in to if address not in refused]
    typer.echo(
        _tell("sent", lang, to=", ".join(taken), title=title(made.by, made.period, lang)), err=True
    )
    if refused:
        raise AgentdError(
            "\n".join(_tell("refused", lang, to=one, why=why) for one, why in refused.items())
        )


# --- what people see -------------------------------------------------------------------------


def _print(made: Report, lang: Lang, offset_s: int, console: Console) -> None:
    console.print(Text(title(made.by, made.period, lang), style="bold"))
    compared = say("compared", lang).format(period=period_words(made.before, lang))
    at = minutes(made.made_us, offset_s)
    console.print(Text(f"{compared} · {say('made', lang)} {at} ({zone(offset_s)})"))
    if made.period.unfinished:
        console.print(Text(say("unfinished", lang)))
    if not made.lines:
        console.print(Text(say("nothing", lang)))
        return
    for key in GROUPS:
        columns = [row for row in made.columns if group_of(row) == key]
        if not columns:
            continue
        console.print()
        console.print(Text(pick(GROUPS[key], lang), style="bold"))
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column(one_words(made.by, lang), overflow="fold")
        for row in columns:
            table.add_column(pick(row.name, lang), justify="right", overflow="fold")
        for line in (*made.lines, made.total):
            label = line.label or say("total", lang)
            table.add_row(
                Text(_safe(label)), *(Text(shown(row, line.figures[row.key])) for row in columns)
            )
        back = (Text(shown(row, made.total.before[row.key])) for row in columns)
        table.add_row(Text(say("before", lang)), *back)
        console.print(table)
    console.print()
    for text in (say("appeals", lang), say("gap", lang), say("estimated", lang)):
        console.print(Text(text))


def _tty() -> bool:
    return sys.stdout.isatty()


def _plain() -> Console:
    return Console(highlight=False, width=_PIPE_COLUMNS, color_system=None)


def _safe(value: str) -> str:
    """Text without what a terminal would obey."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in value)


def _language(asked: Language | None) -> Lang:
    if asked is not None:
        return asked.value
    named = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    locale = next(filter(None, named), "")
    return "zh" if locale.lower().startswith("zh") else "en"


def _tell(key: str, lang: Lang, **values: object) -> str:
    return _WORDS[key][lang == "en"].format(**values)


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def _stop(message: str, *, code: int = 1) -> NoReturn:
    for line in message.splitlines():
        typer.echo(_safe(line), err=True)
    raise typer.Exit(code)
