"""The ``agentd`` command as a person meets it: exit codes, one plain sentence, no traceback."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from agentd import __version__, clock
from agentd.cli import _stream
from agentd.simulator import SimConfig, SimulatedPbx
from tests.free_ports import free_port


def environment(**more: str) -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("AGENTD_")}
    return {**clean, "COLUMNS": "200", **more}


def agentd(
    *arguments: str, cwd: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agentd", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=environment(PYTHONPATH=str(Path(__file__).parents[2]), **variables),
    )


def refused(done: subprocess.CompletedProcess[str], code: int) -> str:
    """What a command says that could not do its work."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr.strip()


# --- small ones --------------------------------------------------------------------------------


def test_version() -> None:
    assert agentd("version").stdout == f"agentd {__version__}\n"


@pytest.mark.parametrize("arguments", [(), ("--help",)])
def test_help_names_every_command(arguments: tuple[str, ...]) -> None:
    done = agentd(*arguments)
    text = done.stdout + done.stderr
    for command in (
        "run",
        "demo",
        "record",
        "replay",
        "watch",
        "check-config",
        "version",
        "ticket",
    ):
        assert re.search(rf"\b{command}\b", text)


def test_an_unknown_command_is_refused() -> None:
    assert "No such command 'replya'" in refused(agentd("replya"), 2)


def test_the_address_of_the_pages_is_the_address_of_the_stream() -> None:
    assert _stream("http://127.0.0.1:8440") == "ws://127.0.0.1:8440/ws"
    assert _stream("https://board.example.org/") == "wss://board.example.org/ws"
    assert _stream("ws://127.0.0.1:1/ws") == "ws://127.0.0.1:1/ws"
    assert _stream("board") == "board"


def test_watch_knows_two_languages() -> None:
    assert "zh or en" in refused(agentd("watch", "--lang", "fr"), 2)


# --- the configuration -------------------------------------------------------------------------


def test_three_mistakes_are_three_lines_and_exit_2(tmp_path: Path) -> None:
    (tmp_path / "agentd.toml").write_text(
        "[rules.hold]\nwarn_s = 40\n[web]\nprot = 1\n[rules.ring]\nmax_rings = 'two'\n",
        encoding="utf-8",
    )
    for command in ("check-config", "run"):
        arguments = (command,) if command == "check-config" else (command, "-c", "agentd.toml")
        lines = refused(agentd(*arguments, cwd=tmp_path, AGENTD_PBX_PBX_SECRET="x"), 2)
        assert [line.partition(";")[0] for line in lines.splitlines()] == [
            "agentd.toml:2: rules.hold.warn_s: 40 is not below rules.hold.max_s (30)",
            "agentd.toml:4: web.prot: there is no such key",
            'agentd.toml:6: rules.ring.max_rings: must be a whole number, is "two"',
        ]


def test_a_right_configuration_is_said_to_be_right(tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text('[[pbx]]\nid = "main"\n[[pbx]]\nid = "b"\n', encoding="utf-8")
    secrets = {"AGENTD_PBX_MAIN_SECRET": "x", "AGENTD_PBX_B_SECRET": "y"}
    for arguments in (("check-config", str(file)), ("check-config",)):
        done = agentd(*arguments, AGENTD_CONFIG=str(file), **secrets)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == f"{file} is right. PBXs: main, b.\n"
    assert "AGENTD_PBX_MAIN_SECRET" in refused(agentd("check-config", str(file)), 2)
    assert agentd("check-config", str(file), "--without-secrets").returncode == 0


def test_a_configuration_that_is_not_there(tmp_path: Path) -> None:
    assert "no such file" in refused(agentd("run", "--config", str(tmp_path / "none.toml")), 2)


def test_without_a_secret_the_daemon_says_where_it_belongs(tmp_path: Path) -> None:
    assert "AGENTD_PBX_PBX_SECRET" in refused(agentd("run", cwd=tmp_path), 2)


def test_a_database_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "agentd.toml").write_text(
        '[store]\npath = "agentd.toml/agentd.db"\n', encoding="utf-8"
    )
    said = refused(agentd("run", cwd=tmp_path, AGENTD_PBX_PBX_SECRET="x"), 1)
    assert "agentd.toml/agentd.db" in said.splitlines()[-1]


def test_of_several_pbxs_one_must_be_named(tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text('[[pbx]]\nid = "main"\n[[pbx]]\nid = "b"\n', encoding="utf-8")
    recording = tmp_path / "a.ami"
    recording.write_bytes(b"")
    said = refused(agentd("replay", str(recording), "-c", str(file)), 2)
    assert "say which: main, b" in said
    said = refused(agentd("replay", str(recording), "-c", str(file), "--pbx", "c"), 2)
    assert "there is only main, b" in said
    said = refused(agentd("replay", str(recording), "-c", str(file), "--pbx", "b"), 2)
    assert "the file is empty" in said


def test_a_recording_of_a_pbx_that_is_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "agentd.toml").write_text(
        f'[[pbx]]\nid = "main"\nport = {free_port()}\n', encoding="utf-8"
    )
    done = agentd("record", "a.ami", cwd=tmp_path, AGENTD_PBX_MAIN_SECRET="x")
    assert "nothing listens" in refused(done, 1)
    assert not (tmp_path / "a.ami").exists()


# --- the demo ----------------------------------------------------------------------------------


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """A running demo, its URL and its token; its temporary files are in ``tmp_path``."""
    process = subprocess.Popen(
        [sys.executable, "-m", "agentd", "demo", "--seats", "4", "--port", str(free_port(50))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(TMPDIR=str(tmp_path), PYTHONUNBUFFERED="1"),
    )
    assert process.stdout is not None
    with process:
        said = ""
        while "Work orders" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        url, token = re.search(r"http://\S+", said), re.search(r"AGENTD_TOKEN=(\S+)", said)
        assert url is not None
        assert token is not None
        yield process, url[0], token[1]
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_demo_in_order(
    demo: tuple[subprocess.Popen[str], str, str], number: signal.Signals, tmp_path: Path
) -> None:
    process, url, token = demo
    assert "Queues" in agentd("watch", url, "--once", "--lang", "en", AGENTD_TOKEN=token).stdout
    assert len(list(tmp_path.iterdir())) == 1
    process.send_signal(number)
    _, errors = process.communicate()
    assert process.returncode == 0
    assert "Traceback" not in errors
    assert list(tmp_path.iterdir()) == []


def test_a_taken_port_is_avoided(demo: tuple[subprocess.Popen[str], str, str]) -> None:
    _, url, _ = demo
    port = int(url.rpartition(":")[2])
    second = agentd("demo", "--seats", "2", "--port", str(port), "--duration", "0.1")
    assert second.returncode == 0
    other = re.search(r"http://127\.0\.0\.1:(\d+)", second.stdout)
    assert other is not None
    assert port < int(other[1]) < port + 50


# --- beside a PBX ------------------------------------------------------------------------------


@pytest.fixture
async def pbx(tmp_path: Path) -> AsyncIterator[SimulatedPbx]:
    """A PBX with calls, and ``agentd.toml`` for it in ``tmp_path``."""
    async with SimulatedPbx(SimConfig(seats=4), lambda: clock.wall_us() / 1e6) as simulated:
        (tmp_path / "agentd.toml").write_text(
            f'[[pbx]]\nid = "main"\nport = {simulated.port}\nusername = "{simulated.username}"\n'
            f'[store]\npath = "agentd.db"\n[web]\nport = {free_port()}\n',
            encoding="utf-8",
        )
        yield simulated


async def start(pbx: SimulatedPbx, folder: Path, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "agentd", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=folder,
        env=environment(
            PYTHONPATH=str(Path(__file__).parents[2]),
            PYTHONUNBUFFERED="1",
            AGENTD_PBX_MAIN_SECRET=pbx.secret,
        ),
    )


async def test_run_until_a_signal_then_look_at_the_orders(
    pbx: SimulatedPbx, tmp_path: Path
) -> None:
    process = await start(pbx, tmp_path, "run")
    assert process.stdout is not None
    assert process.stderr is not None
    assert re.match(rb"agentd is at http://", await process.stdout.readline())
    async for line in process.stderr:
        told = json.loads(line)
        if told["event"] == "work_order":
            break
    process.send_signal(signal.SIGTERM)
    _, rest = await process.communicate()
    assert process.returncode == 0
    assert json.loads(rest.splitlines()[-1])["event"] == "stopped"
    assert "Traceback" not in rest.decode()
    listed = await asyncio.to_thread(agentd, "ticket", "list", "--json", cwd=tmp_path)
    assert told["order"] in {json.loads(line)["id"] for line in listed.stdout.splitlines()}


async def test_what_was_recorded_can_be_replayed(pbx: SimulatedPbx, tmp_path: Path) -> None:
    process = await start(pbx, tmp_path, "record", "floor.ami")
    while b"AgentCalled" not in (await asyncio.to_thread(content, tmp_path / "floor.ami")):
        await asyncio.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, said = await process.communicate()
    assert (process.returncode, out) == (0, b"")
    assert b"floor.ami" in said
    replayed = await asyncio.to_thread(agentd, "replay", "floor.ami", cwd=tmp_path)
    assert replayed.returncode == 0
    seats = {json.loads(line).get("seat") for line in replayed.stdout.splitlines()}
    assert {f"PJSIP/{1001 + index}" for index in range(4)} <= seats


def content(file: Path) -> bytes:
    return file.read_bytes() if file.exists() else b""
