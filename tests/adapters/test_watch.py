"""The wallboard in a terminal: what it draws, and that it follows a real live stream."""

from __future__ import annotations

import asyncio
import functools
import os
import pty
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console
from websockets.asyncio.server import serve

from agentd.core.people import Person
from agentd.errors import AgentdError
from agentd.http_api import WebSettings
from agentd.ports.accounts import ApiToken
from agentd.testing import OpenAccounts
from agentd.watch import follow, token_from, watch
from agentd.watch_board import clean, duration, render
from agentd.watch_view import View, apply
from agentd.words import LANGS, WORDS, Lang, known, say
from tests.adapters.board_samples import (
    NOW,
    alert,
    busy_board,
    hold_clock,
    pbx,
    queue,
    seat,
)
from tests.adapters.live_rig import PATIENCE_S, served, until

ROOT = Path(__file__).parents[2]


def viewing(board: dict[str, Any], lang: Lang = "zh", at_s: float = 100.0) -> View:
    """A client that was shown ``board`` at ``at_s``, when the server's clock said NOW."""
    view = View("ws://localhost/ws", lang)
    view.connect()
    view.take({"type": "snapshot", "seq": 1, "server_time": NOW, "board": board}, at_s)
    return view


def drawn(view: View, now_s: float = 100.0, *, height: int | None = None, width: int = 200) -> str:
    console = Console(width=width, force_terminal=False, color_system=None)
    with console.capture() as capture:
        console.print(render(view, now_s, width=width, height=height))
    return capture.get()


def row(text: str, start: str) -> str:
    """The last row that begins with ``start``: seats in trouble stand in the lane above, too."""
    return [line for line in text.splitlines() if line.strip().startswith(start)][-1]


# --- the reducer --------------------------------------------------------------------------------


def test_a_delta_replaces_whole_objects_and_leaves_the_old_board_alone() -> None:
    old = {"a": {"x": 1, "y": 2}, "b": {"x": 1}}
    new = apply(old, {"type": "delta", "set": {"a": {"x": 3}, "c": {}}, "del": ["b", "nothing"]})
    assert new == {"a": {"x": 3}, "c": {}}
    assert old == {"a": {"x": 1, "y": 2}, "b": {"x": 1}}
    assert apply(old, {"type": "beat"}) is old
    assert apply(old, {"type": "snapshot", "board": {}}) == {}


def test_what_was_taken_is_acknowledged_and_a_hole_asks_for_a_snapshot() -> None:
    view = viewing({"seat:main/1": seat()})
    delta = {"type": "delta", "server_time": NOW, "set": {}, "del": []}
    assert view.take(delta | {"seq": 2}, 101.0) == '{"type":"ack","seq":2}'
    assert view.take({"type": "beat", "seq": 2, "server_time": NOW}, 101.0) is not None
    assert view.take(delta | {"seq": 4, "del": ["seat:main/1"]}, 101.0) == '{"type":"resync"}'
    assert view.take(delta | {"seq": 5}, 101.0) == '{"type":"resync"}'
    assert "seat:main/1" in view.board
    snapshot = {"type": "snapshot", "seq": 5, "server_time": NOW, "board": {}}
    assert view.take(snapshot, 101.0) == '{"type":"ack","seq":5}'
    assert view.take({"type": "from the future"}, 101.0) is None


def test_another_version_of_the_stream_is_refused_with_the_mend() -> None:
    with pytest.raises(AgentdError, match="install the same release"):
        View("ws://x", "en").take({"type": "hello", "protocol": 2, "lang": "zh"}, 0.0)


def test_the_language_is_the_servers_unless_asked_for() -> None:
    hello = {"type": "hello", "protocol": 1, "version": "1", "lang": "en"}
    asked, unasked = View("ws://x", "zh"), View("ws://x")
    for view in (asked, unasked):
        view.take(hello, 0.0)
    assert (asked.words, unasked.words) == ("zh", "en")


# --- drawing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        (
            "zh",
            ["保持", "振铃", "示忙 (午餐)", "空闲", "超时", "预警", "需要处理", "第 2 声", "排队"],
        ),
        ("en", ["on hold", "ringing", "paused (午餐)", "available", "breach", "warning", "ring 2"]),
    ],
)
def test_the_board_in_both_languages(lang: Lang, words: list[str]) -> None:
    text = drawn(viewing(busy_board(), lang))
    for word in [*words, "客户服务", "张三", "13800138000", "SL(15) 88%", "SL(20) –", "22.10.1"]:
        assert word in text, word


def test_a_seat_in_trouble_is_first_and_keeps_its_place() -> None:
    lines = [line.split()[0] for line in drawn(viewing(busy_board())).splitlines() if line.strip()]
    assert lines.index("1001") < lines.index("队列")
    assert [n for n in lines if n.isdigit()][:5] == ["1001", "1002", "1001", "1002", "1003"]
    calm = drawn(viewing({"seat:main/PJSIP/1001": seat()}))
    assert "一切正常" in calm
    assert calm.count("1001") == 1


def test_the_worst_trouble_is_first_then_the_longest() -> None:
    def troubled(n: int, level: str, since: float) -> dict[str, Any]:
        return seat(seat=f"s{n}", label=f"s{n}", trouble=level, since=since, place=n)

    seats = [
        troubled(1, "warning", NOW - 99),
        troubled(2, "breach", NOW - 5),
        troubled(3, "urgent", NOW - 1),
        troubled(4, "breach", NOW - 50),
    ]
    lines = drawn(viewing({f"seat:main/{s['seat']}": s for s in seats})).splitlines()
    first = [line.split()[0] for line in lines if re.match(r"\s+s\d", line)][:4]
    assert first == ["s3", "s4", "s2", "s1"]


def test_times_count_against_their_limit_in_the_clock_of_the_pbx() -> None:
    board = {
        "pbx:main": pbx(clock_offset_s=-10.0),
        "seat:main/1": seat(
            label="1001", state="holding", since=NOW - 20, clock=hold_clock(20), trouble="warning"
        ),
        "queue:main/q": queue(
            name="q", label="q1", waiting=[{"call": "1", "caller": None, "joined_at": NOW - 20}]
        ),
    }
    view = viewing(board, "en")
    assert "███░░░░░░░ hold 0:10/0:30" in row(drawn(view, 100.0), "1001")
    assert "· calm" in row(drawn(view, 100.0), "q1")
    view.take({"type": "beat", "seq": 1, "server_time": NOW + 6}, 106.0)
    assert "█████░░░░░ hold 0:16/0:30" in row(drawn(view, 106.5), "1001")
    assert "0:16  █████░░░░░  ▲ warning" in row(drawn(view, 106.5), "q1")
    view.take({"type": "beat", "seq": 1, "server_time": NOW + 25}, 125.0)
    assert "██████████ hold 0:35/0:30" in row(drawn(view, 125.0), "1001")
    assert "■ breach" in row(drawn(view, 125.0), "q1")


def test_the_level_of_a_seat_is_the_engines_never_our_own_guess() -> None:
    view = viewing({"seat:main/1": seat(state="holding", clock=hold_clock(31))}, "en")
    assert "· calm" in row(drawn(view), "1001")


def test_a_clock_without_limit_or_stopped_judges_nothing() -> None:
    free = hold_clock(40, warn_at=None, breach_at=None)
    text = row(drawn(viewing({"seat:main/1": seat(clock=free)}, "en")), "1001")
    assert "hold 0:40" in text
    assert "/" not in text
    stopped = hold_clock(40, stopped=True)
    text = row(drawn(viewing({"seat:main/1": seat(clock=stopped)}, "en")), "1001")
    assert "hold clock stopped" in text
    assert "0:40" not in text


def test_orders_say_when_they_are_due() -> None:
    owed = [{"id": "a", "due_at": NOW + 61}, {"id": "b", "due_at": None}]
    assert "orders owed 2, due in 1:01" in drawn(viewing({"seat:main/1": seat(owed=owed)}, "en"))
    late = [{"id": "a", "due_at": NOW - 61}]
    assert "orders owed 1, overdue 1:01" in drawn(viewing({"seat:main/1": seat(owed=late)}, "en"))


def test_alerts_are_newest_first_and_say_when_they_were_cleared() -> None:
    board = {f"alert:{n}": alert(id=str(n), at=NOW + n, seat=f"s{n}") for n in range(12)}
    board["alert:11"]["cleared_at"] = NOW + 20
    board["alert:10"] = alert(
        id="10", at=NOW + 10, seat=None, agent=None, queue=None, value=None, limit=None,
        rule="urgent", level="escalation",
    )  # fmt: skip
    lines = [line for line in drawn(viewing(board, "en")).splitlines() if "hold" in line]
    assert re.findall(r"\bs\d+", " ".join(lines)) == ["s11", "s9", "s8", "s7", "s6", "s5", "s4"]
    assert "cleared" in lines[0]
    assert "cleared" not in lines[1]


# --- the feed's health --------------------------------------------------------------------------


def test_a_feed_that_stopped_says_since_when_and_counts_no_further() -> None:
    view = viewing({"pbx:main": pbx(), "seat:main/1": seat(since=NOW)}, "en")
    assert "STALE" not in drawn(view, 102.0)
    assert "0:02" in row(drawn(view, 102.0), "1001")
    silent = drawn(view, 160.0)
    assert "STALE: nothing received from agentd since" in silent
    assert "0:00" in row(silent, "1001")
    view.lose("connection refused", 165.0)
    lost = drawn(view, 160.0)
    assert re.search(r"STALE: .*lost since \d\d:\d\d:\d\d \(connection refused\).* in 0:05", lost)
    assert "0:00" in row(lost, "1001")


def test_a_pbx_that_went_down_stops_its_own_seats_only() -> None:
    board = {
        "pbx:main": pbx(link="down", since=NOW - 30, code="auth", reason="login refused"),
        "pbx:east": pbx(id="east"),
        "seat:main/1": seat(label="1001", since=NOW - 40),
        "seat:east/2": seat(label="2001", since=NOW - 40, pbx="east"),
    }
    text = drawn(viewing(board, "en"))
    assert re.search(r"STALE: PBX main is down since .* \(login refused\)", text)
    assert "0:10" in row(text, "1001")
    assert "0:40" in row(text, "2001")
    assert "登录被拒绝" in drawn(viewing(board, "zh"))
    board["pbx:main"] |= {"code": "newer than we", "reason": None}
    assert "原因不明" in drawn(viewing(board, "zh"))


def test_syncing_and_warnings_are_said() -> None:
    warning = {"code": "no_timestamps", "text": "Set timestampevents=yes in manager.conf."}
    board = {"pbx:main": pbx(link="syncing", last_event_at=None, version=None, warnings=[warning])}
    text = drawn(viewing(board, "en"))
    assert "PBX main is syncing" in text
    assert "no event yet" in text
    assert "timestampevents=yes" in text


def test_before_the_first_board_it_says_what_it_waits_for() -> None:
    view = View("ws://localhost:1/ws", "en")
    assert "connecting to ws://localhost:1/ws" in drawn(view)
    view.connect()
    assert "waiting for the board" in drawn(view)
    view.lose("refused", 104.0)
    assert "cannot connect to agentd (refused); next try in 0:04" in drawn(view)


# --- safety and space ---------------------------------------------------------------------------


def test_text_from_callers_cannot_steer_the_terminal() -> None:
    evil = "\x1b[2J\x1b]0;pwned\x07\u202egnp\x9b31m[red]x[/red][/b]\r\n"
    board = {
        "pbx:main": pbx(version=evil, warnings=[{"code": "x", "text": evil}]),
        "seat:main/1": seat(
            label=evil, caller=evil, agent=evil, pause_reason=evil, state="paused", trouble="breach"
        ),
        "queue:main/1": queue(label=evil, service_level_name=evil),
        "alert:1": alert(seat=evil, agent=evil, queue=evil),
    }
    text = drawn(viewing(board), width=1000)
    assert all(c.isprintable() or c == "\n" for c in text)
    for key in ("label", "caller", "agent", "pause_reason"):
        one = viewing({"seat:main/1": seat(state="paused") | {key: "[red]x[/b]"}})
        assert "[red]x[/b]" in row(drawn(one), "[red]x" if key == "label" else "1001"), key
    assert clean("王 👩\u200d💻") == "王 👩\u200d💻"


@pytest.mark.parametrize("height", [24, 30, 40, 60])
@pytest.mark.parametrize("troubled", [0, 3, 80])
def test_it_fits_the_screen_and_says_what_it_left_out(height: int, troubled: int) -> None:
    board: dict[str, Any] = {"pbx:main": pbx()}
    for n in range(200):
        level = "breach" if n < troubled else "calm"
        board[f"seat:main/{n}"] = seat(seat=f"s{n}", label=f"s{n}", place=n, trouble=level)
        board[f"alert:{n}"] = alert(id=str(n))
    for n in range(30):
        board[f"queue:main/{n}"] = queue(name=f"q{n}", label=f"q{n}")
    text = drawn(viewing(board, "en"), height=height)
    assert len(text.splitlines()) <= height
    shown = len(re.findall(r"(?m)^ s\d+ ", text.split("Seats")[1]))
    assert f"… and {200 - shown} more" in text
    everything = drawn(viewing(board, "en"))
    assert "more" not in everything


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 160])
@pytest.mark.parametrize("lang", LANGS)
def test_a_narrow_terminal_leaves_columns_out_never_seats(lang: Lang, width: int) -> None:
    text = drawn(viewing(busy_board(), lang), width=width)
    assert all(cell_len(line) <= width for line in text.splitlines())
    assert sum("1003" in line for line in text.splitlines()) == 1
    breached = row(text, "1001")
    assert say(lang, "state.holding") in breached
    assert say(lang, "level.breach") in breached
    assert ("13800138000" in breached) == (width >= 100)
    assert ("0:34/0:30" in breached) == (width >= 80)
    assert "…" not in breached
    if width >= 60:
        assert "…" not in row(text, "客户服务")


def test_durations() -> None:
    cases = [(-3, "0:00"), (0, "0:00"), (7.9, "0:07"), (61, "1:01"), (3600, "1:00:00")]
    assert [duration(seconds) for seconds, _ in cases] == [text for _, text in cases]


# --- words --------------------------------------------------------------------------------------


def test_both_languages_have_the_same_words_and_names() -> None:
    for key, pair in WORDS.items():
        names = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in pair]
        assert names[0] == names[1], key
        assert all(text.strip() for text in pair), key


@pytest.mark.parametrize("lang", LANGS)
def test_every_state_level_and_rule_of_the_contract_has_a_word(lang: Lang) -> None:
    contract = (ROOT / "docs" / "live-stream.md").read_text()
    states = re.search(r"`state` \(([^)]*)\)", contract)
    rules = re.search(r"`rule` \(([^)]*)\)", contract)
    assert states is not None
    assert rules is not None
    for state in re.split(r",\s*", states[1]):
        assert say(lang, f"state.{state}")
    for rule in re.split(r",\s*", rules[1]):
        assert say(lang, f"rule.{rule}")
    for level in ("calm", "warning", "breach", "urgent", "escalation"):
        assert say(lang, f"level.{level}")
    assert not known("link.no such code")


# --- over real sockets --------------------------------------------------------------------------


@asynccontextmanager
async def following(view: View) -> AsyncIterator[asyncio.Event]:
    news = asyncio.Event()
    task = asyncio.create_task(follow(view, news.set))
    try:
        yield news
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_it_follows_the_stream_and_finds_it_again_after_a_restart() -> None:
    view = View("", "en")
    async with served() as rig:
        view.url, port = rig.ws_url, rig.port
        rig.live.publish(busy_board(), [])
        async with following(view):
            await until(lambda: view.has_board and view.seq == rig.live.seq == 1)
            assert dict(view.board) == busy_board()
            rig.live.publish({"pbx:main": pbx(link="syncing")}, ["queue:main/sales"])
            await until(lambda: view.seq == 2)
            assert view.board["pbx:main"]["link"] == "syncing"
            assert "queue:main/sales" not in view.board
            await rig.web.stop()
            await until(lambda: not view.connected)
            loop = asyncio.get_running_loop()
            assert "agentd is stopping" in drawn(view, loop.time())
            assert "STALE" in drawn(view, loop.time())
            async with served(web=WebSettings(port=port)) as again:
                again.live.publish({"pbx:main": pbx()}, [])
                await until(lambda: view.connected and set(view.board) == {"pbx:main"})
                assert "STALE" not in drawn(view, loop.time())


async def test_a_refusal_is_said_in_the_servers_own_words() -> None:
    async with served() as rig:
        await rig.live.close()
        view = View(rig.ws_url, "en")
        async with following(view):
            await until(lambda: view.lost_reason != "")
        assert "HTTP 503" in view.lost_reason
        assert "agentd is stopping" in view.lost_reason


class Locked(OpenAccounts):
    """Nobody comes in but by one token."""

    def __init__(self, *rights: str) -> None:
        super().__init__()
        self.token = ApiToken("abc", "", "wall", rights, (), 0, "9000")

    def whose_cookie(self, cookie: str) -> Person | None:
        return None

    async def by_cookie(self, cookie: str) -> Person | None:
        return None

    def whose_token(self, secret: str) -> ApiToken | None:
        return self.token if secret == "agentd_abc_right" else None

    async def by_token(self, secret: str) -> ApiToken | None:
        return self.whose_token(secret)


@pytest.mark.parametrize(
    ("token", "rights", "says"),
    [
        (None, ["board"], "AGENTD_TOKEN"),
        ("agentd_abc_wrong", ["board"], "does not accept this token"),
        ("agentd_abc_right", ["metrics"], "lacks the right board"),
    ],
)
async def test_a_missing_or_wrong_token_ends_it_with_the_mend(
    token: str | None, rights: list[str], says: str
) -> None:
    async with served(accounts=Locked(*rights)) as rig:
        with pytest.raises(ExceptionGroup) as failure:
            await watch(rig.ws_url, "en", Console(file=None), once=True, token=token)
    assert failure.group_contains(AgentdError, match=says)


async def test_with_a_token_it_sees_the_board() -> None:
    async with served(accounts=Locked("board")) as rig:
        rig.live.publish(busy_board(), [])
        view = View(rig.ws_url, "en")
        task = asyncio.create_task(follow(view, lambda: None, "agentd_abc_right"))
        await until(lambda: dict(view.board) == busy_board())
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_the_token_comes_from_a_private_file_or_the_environment(tmp_path: Path) -> None:
    assert token_from(None, {}) is None
    assert token_from(None, {"AGENTD_TOKEN": " t1\n"}) == "t1"
    file = tmp_path / "token"
    file.write_text("t2\n")
    file.chmod(0o644)
    with pytest.raises(AgentdError, match="chmod 600"):
        token_from(file, {"AGENTD_TOKEN": "t1"})
    file.chmod(0o600)
    assert token_from(file, {"AGENTD_TOKEN": "t1"}) == "t2"
    file.write_text("two words\n")
    with pytest.raises(AgentdError, match="nothing else"):
        token_from(file, {})
    with pytest.raises(AgentdError, match="cannot read"):
        token_from(tmp_path / "missing", {})


@pytest.mark.parametrize("said", ["no JSON", "[]", "{}", '{"type":"delta","seq":"x"}'])
async def test_something_else_on_the_port_is_no_live_stream(said: str) -> None:
    async with serve(lambda socket: socket.send(said), "127.0.0.1", 0) as other:
        port = other.sockets[0].getsockname()[1]
        view = View(f"ws://127.0.0.1:{port}/ws", "en")
        async with following(view):
            await until(lambda: view.lost_reason != "")
        assert "not an agentd live stream" in view.lost_reason


@pytest.mark.parametrize("url", ["http://127.0.0.1/ws", "nonsense", "ws://"])
async def test_an_address_that_is_none_ends_it_with_the_mend(url: str) -> None:
    with pytest.raises(ExceptionGroup) as failure:
        await watch(url, "en", Console(file=None), once=True)
    assert failure.group_contains(AgentdError, match="should look like http://127.0.0.1:8440")


async def command(url: str, *, terminal: int | None) -> asyncio.subprocess.Process:
    code = f"from agentd.watch import run; run({url!r}, 'zh')"
    out: Any = asyncio.subprocess.PIPE if terminal is None else terminal
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, cwd=ROOT, stdin=asyncio.subprocess.DEVNULL, stdout=out,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"TERM": "xterm-256color", "COLUMNS": "140", "LINES": "40",
                          "PYTHONUTF8": "1"},
        # Whose tests run in the background has a shell that took the interrupt away.
        preexec_fn=functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


async def test_into_a_pipe_it_prints_the_board_once() -> None:
    async with served() as rig:
        rig.live.publish(busy_board(), [])
        process = await command(rig.ws_url, terminal=None)
        out, err = await asyncio.wait_for(process.communicate(), PATIENCE_S)
        assert process.returncode == 0, err
        assert err == b""
        assert "需要处理" in out.decode()
        assert b"\x1b" not in out


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
async def test_in_a_terminal_it_moves_and_leaves_the_screen_as_it_was(ending: int) -> None:
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    screen = bytearray()

    def sees(text: str) -> bool:
        try:
            screen.extend(os.read(ours, 1 << 16))
        except BlockingIOError:
            pass
        except OSError:
            return False
        return text.encode() in screen

    try:
        async with served() as rig:
            rig.live.publish({"pbx:main": pbx(), "seat:main/1": seat()}, [])
            process = await command(rig.ws_url, terminal=theirs)
            await until(lambda: sees("空闲"))
            assert b"\x1b[?1049h" in screen
            rig.live.publish({"seat:main/1": seat(state="ringing", trouble="warning")}, [])
            await until(lambda: sees("预警"))
            process.send_signal(ending)
            _, err = await asyncio.wait_for(process.communicate(), PATIENCE_S)
            assert process.returncode == 0
            assert err == b""
            assert sees("\x1b[?1049l")
            assert sees("\x1b[?25h")
    finally:
        os.close(ours)
        os.close(theirs)
