"""The ``agentd`` command. Every fault of the user or the surroundings is one plain sentence.

Exit codes: 0 done; 1 it could not be done; 2 the input is wrong (options, configuration, a file
that is no AMI stream); 130 interrupted.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from agentd import __version__
from agentd.config import Config, find_config, load_config
from agentd.errors import AgentdError, ConfigError
from agentd.logs import set_up_logs

# Those that bring the database along come when asked: module and Typer application.
_LATE = {
    "report": ("agentd.report_cli", "app"),
    "retention": ("agentd.retention_cli", "app"),
    "ticket": ("agentd.ticket_cli", "app"),
    "token": ("agentd.user_cli", "tokens"),
    "user": ("agentd.user_cli", "users"),
}


class _Commands(TyperGroup):
    """The commands; those about work orders and accounts come when they are asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *_LATE]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in _LATE:
            return super().get_command(ctx, cmd_name)
        module, name = _LATE[cmd_name]
        command = typer.main.get_command(getattr(importlib.import_module(module), name))
        command.name = cmd_name
        return command


app = typer.Typer(
    name="agentd",
    cls=_Commands,
    help="Keeps every seat of an Asterisk call centre inside its service rules, live.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        envvar="AGENTD_CONFIG",
        metavar="FILE",
        help="The configuration; without it ./agentd.toml, ./config/agentd.toml and "
        "/etc/agentd/agentd.toml are looked for.",
    ),
]
PbxOption = Annotated[
    str | None,
    typer.Option("--pbx", metavar="ID", help="Which [[pbx]] of the configuration."),
]


@app.command()
def run(config: ConfigOption = None) -> None:
    """Run the daemon beside the configured PBXs, until SIGTERM or Ctrl-C."""
    from agentd import app as programs

    settings = load_config(find_config(config))
    _logs(settings)
    asyncio.run(programs.run(settings, lambda url, _: typer.echo(f"agentd is at {url}")))


@app.command()
def demo(
    seats: Annotated[int, typer.Option(min=1, max=8000, help="How many seats work.")] = 24,
    calls_per_minute: Annotated[
        float | None,
        typer.Option(min=0, help="How many calls come; without it, what keeps the seats busy."),
    ] = None,
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="Where the wallboard is; a taken one is avoided.")
    ] = 8440,
    seed: Annotated[int, typer.Option(help="The same seed plays the same calls.")] = 1,
    duration: Annotated[
        float | None, typer.Option(min=0.1, metavar="SECONDS", help="End by itself after this.")
    ] = None,
    database: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep the database here; without it, it is thrown away."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", metavar="FILE", help="Other rules.")
    ] = None,
) -> None:
    """Show a moving wallboard: the embedded PBX plays calls, no Asterisk is needed."""
    from agentd import demo as programs
    from agentd.demo_people import DemoAccess

    settings = load_config(config, secrets=False)
    _logs(settings, at_least="warning")
    options = programs.DemoOptions(
        seats=seats,
        calls_per_minute=calls_per_minute,
        seed=seed,
        port=port,
        duration_s=duration,
        database=database,
    )

    def ready(url: str, database: Path, access: DemoAccess, seat: str | None) -> None:
        typer.echo(f"The wallboard is at {url} ({seats} seats, simulated calls). Ctrl-C ends it.")
        typer.echo(f"Log in, 登录:   password 密码 {access.password}")
        for person in access.people:
            typer.echo(f"  {person.login:<11} {person.role:<13} {person.name}")
        if seat is not None:
            typer.echo(f"At the desk:   log in as agent, take seat {seat.rpartition('/')[2]}, and")
            typer.echo(f"               answer with its phone: {url}/demo-phone.html")
        me = _this_program()
        typer.echo(f"In a terminal: AGENTD_TOKEN={access.token} {me} watch {url}")
        typer.echo(f"Work orders:   {me} ticket list --database {database}")

    asyncio.run(programs.demo(settings, options, ready))


@app.command()
def record(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Where it goes (.ami); appended to.")
    ],
    config: ConfigOption = None,
    pbx: PbxOption = None,
) -> None:
    """Record every byte that a PBX's AMI sends, for `agentd replay`, until Ctrl-C."""
    from agentd import app as programs

    settings = load_config(find_config(config))
    _logs(settings)
    typer.echo(f"Recording to {file}. Ctrl-C ends it.", err=True)
    typer.echo(str(asyncio.run(programs.record(settings, _pbx(settings, pbx), file))), err=True)


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A recording (.ami, .ami.gz).")],
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", "-c", metavar="CONF", help="The rules to judge by; the defaults without it."
        ),
    ] = None,
    run_out: Annotated[
        bool,
        typer.Option(
            "--run-out", help="Go on for 24 h after the end, so that work orders fall due."
        ),
    ] = False,
    pbx: PbxOption = None,
) -> None:
    """Judge a recording by the daemon's own code; one JSON object per line."""
    from agentd.replay import replay as replay_file

    settings = load_config(config, secrets=False)
    _logs(settings, at_least="warning")
    pbx_id = _pbx(settings, pbx)
    book = settings.policy_book(pbx_id)
    try:
        write = sys.stdout.buffer.write
        asyncio.run(replay_file(file, pbx_id, book, write, run_out=run_out))
        sys.stdout.buffer.flush()
    except AgentdError as error:
        _stop(error, code=2)


@app.command()
def watch(
    url: Annotated[str, typer.Argument(help="Where agentd is.")] = "http://127.0.0.1:8440",
    lang: Annotated[
        str | None, typer.Option(metavar="zh|en", help="The language; the daemon's without it.")
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", help="Print the board one time, and end.")
    ] = False,
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file",
            metavar="FILE",
            help="Holds the token (agentd token add); without it, the environment variable "
            "AGENTD_TOKEN.",
        ),
    ] = None,
) -> None:
    """Show the wallboard in this terminal."""
    from agentd import watch as terminal

    if lang not in {None, "zh", "en"}:
        raise typer.BadParameter("zh or en", param_hint="--lang")
    token = terminal.token_from(token_file, os.environ)
    terminal.run(_stream(url), lang, once=once, token=token)  # type: ignore[arg-type]


@app.command("check-config")
def check_config(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Without it, what `run` would use.")
    ] = None,
    without_secrets: Annotated[
        bool, typer.Option("--without-secrets", help="Do not look for the PBXs' secrets.")
    ] = False,
) -> None:
    """Tell every mistake in the configuration at once, with its line."""
    path = find_config(file or _from_environment())
    config = load_config(path, secrets=not without_secrets)
    pbxs = ", ".join(config.pbx_ids)
    typer.echo(f"{path or 'The built-in configuration'} is right. PBXs: {pbxs}.")


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(f"agentd {__version__}")


def main() -> NoReturn:
    """The entry point."""
    try:
        app(standalone_mode=True)
    except ConfigError as error:
        _stop(error, code=2)
    except AgentdError as error:
        _stop(error, code=1)
    except BrokenPipeError:
        # Whoever read our output has enough (`agentd replay … | head`).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)
    sys.exit(0)


def _this_program() -> str:
    """What to type in the same shell to run agentd again: it need not be on the PATH."""
    called = Path(sys.argv[0])
    if called.name != "agentd":
        return f"{sys.executable} -m agentd"
    found = shutil.which("agentd")
    return "agentd" if found and called.exists() and called.samefile(found) else str(called)


def _stop(error: AgentdError, *, code: int) -> NoReturn:
    typer.echo(str(error), err=True)
    sys.exit(code)


def _from_environment() -> Path | None:
    named = os.environ.get("AGENTD_CONFIG")
    return Path(named) if named else None


def _stream(url: str) -> str:
    """The live stream's address for the address of the pages; another is left as it is."""
    scheme, found, rest = url.partition("://")
    if found and scheme in {"http", "https"}:
        return f"{'ws' if scheme == 'http' else 'wss'}://{rest.rstrip('/')}/ws"
    return url


def _pbx(config: Config, named: str | None) -> str:
    """The PBX that is named, else the only one."""
    ids = config.pbx_ids
    if named is not None and named not in ids:
        raise typer.BadParameter(f"there is only {', '.join(ids)}", param_hint="--pbx")
    if named is None and len(ids) > 1:
        raise typer.BadParameter(f"say which: {', '.join(ids)}", param_hint="--pbx")
    return named or ids[0]


def _logs(config: Config, *, at_least: str | None = None) -> None:
    """Logs as configured; commands that print for people keep quiet unless told otherwise."""
    log = config.log
    level = log.level
    if at_least == "warning" and "level" not in log.model_fields_set:
        level = "warning"
    set_up_logs(level=level, style=log.format, mask_numbers=log.mask_numbers)
