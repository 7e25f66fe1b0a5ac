"""The control socket: one command in, one answer out, for the owner alone."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from structlog.testing import capture_logs

from agentd import control
from agentd.control import (
    CompleteRequest,
    ControlError,
    ControlServer,
    Handler,
    ask,
    completion,
    socket_path,
)
from agentd.core.effects import OrderChanged
from agentd.core.obligation import complete
from agentd.core.order_model import Missing
from agentd.errors import Refused
from tests.adapters.store_rig import order, said

ASKED = CompleteRequest(pbx="main", order=order(1).id, by="王芳")


class Desk:
    """Completes orders as the runtime does."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []
        self.stored = asyncio.Event()
        self.stored.set()
        self.refusal: str | None = None

    @property
    def handlers(self) -> dict[str, Handler]:
        return {"complete": completion(self.complete)}

    async def complete(self, request: CompleteRequest) -> OrderChanged:
        self.asked.append((request.pbx, request.order, request.by))
        await self.stored.wait()
        if self.refusal is not None:
            raise Refused(self.refusal)
        done = complete(order(1), request.by, order(1).opened_us + 60_000_000)
        assert isinstance(done, OrderChanged)
        return done


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return socket_path(tmp_path / "agentd.db")


@pytest.fixture
async def server(path: Path, desk: Desk) -> AsyncIterator[ControlServer]:
    async with ControlServer(path, desk.handlers) as made:
        yield made


def left(path: Path) -> bool:
    return os.path.lexists(path)


async def say(path: Path, line: bytes) -> list[dict[str, Any]]:
    """Every answer to ``line``, until the server hangs up or we do."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(line)
    writer.write_eof()
    answers = await reader.read()
    writer.close()
    await writer.wait_closed()
    return [json.loads(answer) for answer in answers.splitlines()]


@pytest.mark.usefixtures("server")
async def test_a_command_reaches_the_daemon_and_its_answer_comes_back(
    path: Path, desk: Desk
) -> None:
    done = await ask(path, ASKED)
    assert desk.asked == [("main", order(1).id, "王芳")]
    assert done is not None
    assert done["ok"] is True
    assert (done["order"]["status"], done["order"]["completed_by"]) == ("completed", "王芳")


@pytest.mark.usefixtures("server")
async def test_a_refusal_comes_back_in_its_words(path: Path, desk: Desk) -> None:
    desk.refusal = "work order 7 was already completed by 李强"
    with pytest.raises(ControlError, match="already completed by 李强") as caught:
        await ask(path, ASKED)
    assert caught.value.code == "refused"


@pytest.mark.usefixtures("server")
async def test_what_cannot_be_stored_in_time_is_not_called_done(
    path: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "STORED_MAX_S", 0.05)
    desk.stored.clear()
    with capture_logs() as log:
        with pytest.raises(ControlError, match="could not store it yet") as caught:
            await ask(path, ASKED)
        assert caught.value.code == "late"
        # It goes on all the same, and the log says what came of it.
        assert said(log, "command_done") == []
        desk.stored.set()
        while not said(log, "command_done"):
            await asyncio.sleep(0)


@pytest.mark.usefixtures("server")
async def test_several_commands_on_one_connection(path: Path, desk: Desk) -> None:
    line = b'{"do": "complete", "pbx": "main", "order": "%d", "by": "x"}\n'
    answers = await say(path, line % 1 + line % 2)
    assert [answer["ok"] for answer in answers] == [True, True]
    assert [order_id for _, order_id, _ in desk.asked] == ["1", "2"]


@pytest.mark.parametrize(
    "line",
    [
        b"not json\n",
        b"[]\n",
        b'{"do": "destroy", "pbx": "main", "order": "1", "by": "x"}\n',
        b'{"do": "complete", "pbx": "main", "order": 1, "by": "x"}\n',
        b'{"do": "complete", "order": "1"}\n',
        b'{"do": "complete", "pbx": "\xff", "order": "1", "by": "x"}\n',
        b"x" * (control.LINE_MAX_BYTES + 10) + b"\n",
        b"[" * 50_000 + b"\n",
    ],
)
@pytest.mark.usefixtures("server")
async def test_a_line_that_is_no_command_is_told_so_and_changes_nothing(
    path: Path, desk: Desk, line: bytes
) -> None:
    (answer,) = await say(path, line)
    assert (answer["ok"], answer["code"]) == (False, "bad_request")
    assert answer["message"]
    assert desk.asked == []
    # The next one is served as ever.
    assert await ask(path, ASKED) is not None


@pytest.mark.usefixtures("server")
async def test_only_the_owner_may_connect(path: Path) -> None:
    assert stat.S_IMODE(os.lstat(path).st_mode) == 0o600


async def test_no_daemon_no_answer(path: Path, desk: Desk) -> None:
    assert await ask(path, ASKED) is None
    # Left behind by a killed one.
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))
    assert left(path)
    assert await ask(path, ASKED) is None
    async with ControlServer(path, desk.handlers):
        assert await ask(path, ASKED) is not None
    assert await ask(path, ASKED) is None
    assert not left(path)


async def test_a_file_in_the_sockets_place_is_left_alone(path: Path, desk: Desk) -> None:
    content = b"somebody's"
    await asyncio.to_thread(path.write_bytes, content)
    with pytest.raises(ControlError, match="no socket"):
        await ControlServer(path, desk.handlers).start()
    assert await asyncio.to_thread(path.read_bytes) == content


async def test_a_path_that_is_too_long_for_a_socket(tmp_path: Path, desk: Desk) -> None:
    deep = tmp_path / ("d" * 120)
    await asyncio.to_thread(deep.mkdir)
    path = socket_path(deep / "agentd.db")
    async with ControlServer(path, desk.handlers):
        assert await ask(path, ASKED) is not None
    assert not left(path)


@pytest.mark.usefixtures("server")
async def test_clients_beyond_the_limit_are_sent_away(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "CLIENTS_MAX", 1)
    first_reader, first = await asyncio.open_unix_connection(str(path))
    # Served, so it is counted.
    first.write(b'{"do": "complete", "pbx": "main", "order": "1", "by": "x"}\n')
    await first_reader.readline()
    reader, second = await asyncio.open_unix_connection(str(path))
    assert await reader.read() == b""
    for writer in (first, second):
        writer.close()
        await writer.wait_closed()


@pytest.mark.usefixtures("server")
async def test_a_client_that_says_nothing_is_sent_away(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "IDLE_MAX_S", 0.05)
    reader, writer = await asyncio.open_unix_connection(str(path))
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


async def test_closing_sends_clients_away_and_takes_no_command_back(path: Path, desk: Desk) -> None:
    desk.stored.clear()
    server = ControlServer(path, desk.handlers)
    await server.start()
    asking = asyncio.create_task(ask(path, ASKED))
    while not desk.asked:
        await asyncio.sleep(0)
    await server.close()
    with pytest.raises(ControlError, match="whether it was done"):
        await asking
    desk.stored.set()
    await asyncio.sleep(0)


async def test_an_answer_that_makes_no_sense(path: Path) -> None:
    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello\n")
        writer.close()

    async with await asyncio.start_unix_server(babble, str(path)):
        with pytest.raises(ControlError, match="whether it was done"):
            await ask(path, ASKED)


class Nap(Struct, frozen=True, tag_field="do", tag="nap"):
    seconds: float


async def test_whoever_builds_the_server_says_what_can_be_asked(path: Path) -> None:
    async def nap(request: Nap) -> dict[str, Any]:
        if request.seconds > 60:
            raise Refused(
                "that is no nap",
                text_zh="太久了",
                missing=(Missing("seconds", "too_long", "不超过 60", "60 at most"),),
            )
        return {"slept": request.seconds}

    async with ControlServer(path, {"nap": Handler(Nap, nap)}):
        assert await ask(path, Nap(2.5)) == {"ok": True, "slept": 2.5}
        with pytest.raises(ControlError, match="no nap") as caught:
            await ask(path, Nap(61))
        assert caught.value.answer["message_zh"] == "太久了"
        assert [line["field"] for line in caught.value.answer["missing"]] == ["seconds"]
        with pytest.raises(ControlError, match="no command 'complete'") as caught:
            await ask(path, ASKED)
        assert caught.value.code == "bad_request"
