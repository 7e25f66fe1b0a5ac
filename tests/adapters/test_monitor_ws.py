"""The live stream over real sockets, and its bookkeeping for every order of things."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from agentd.monitor_audience import EVERYTHING
from agentd.monitor_audience import Listener as Who
from agentd.monitor_feed import Client
from agentd.monitor_mailbox import Mailbox, Message, Misbehaved, StreamSettings
from agentd.monitor_ws import LiveStream
from agentd.watch_view import apply
from tests.adapters.live_rig import (
    PATIENCE_S,
    Listener,
    Rig,
    drain,
    frame,
    listening,
    served,
    silent_socket,
    until,
)

# For tests in which nobody is to be cut, however slow the machine is.
PATIENT = StreamSettings(stall_s=10 * PATIENCE_S, beat_interval_s=0.05)


def seat(n: int, **values: Any) -> dict[str, Any]:
    return {"kind": "seat", "seat": f"PJSIP/{n}", "agent": "张三", **values}


async def listen_from_start(rig: Rig, client: Listener) -> None:
    await until(lambda: rig.live.clients > 0)
    assert (await client.next())["type"] == "hello"
    assert (await client.next())["type"] == "snapshot"
    await client.ack()


# --- what a client hears ------------------------------------------------------------------------


async def test_hello_then_snapshot_then_numbered_deltas_then_beats() -> None:
    async with served(PATIENT) as rig:
        rig.live.publish({"seat:a/1": seat(1), "seat:a/2": seat(2)}, [])
        await until(lambda: rig.live.seq == 1)
        async with listening(rig) as client:
            assert await client.next() == {
                "type": "hello",
                "protocol": 1,
                "version": "0.0.test",
                "lang": "zh",
            }
            snapshot = await client.next()
            assert snapshot["type"] == "snapshot"
            assert snapshot["seq"] == 1
            assert snapshot["board"] == {"seat:a/1": seat(1), "seat:a/2": seat(2)}
            await client.ack()

            rig.live.publish({"seat:a/1": seat(1, state="ringing")}, ["seat:a/2"])
            delta = await client.next_of("delta")
            assert delta["seq"] == 2
            assert delta["set"] == {"seat:a/1": seat(1, state="ringing")}
            assert delta["del"] == ["seat:a/2"]
            assert delta["server_time"] >= snapshot["server_time"]

            beat = await client.next_of("beat")
            assert beat["seq"] == 2
            assert beat["server_time"] > delta["server_time"]


async def test_the_time_in_a_snapshot_is_now_even_when_the_board_is_old() -> None:
    async with served(PATIENT) as rig:
        rig.live.publish({"seat:a/1": seat(1)}, [])
        async with listening(rig) as first:
            before = (await first.next_of("snapshot"))["server_time"]
            await first.ack()
            await first.next_of("beat")
            async with listening(rig) as second:
                assert (await second.next_of("snapshot"))["server_time"] > before
        assert rig.live.snapshots_encoded == 1


async def test_what_does_not_change_is_not_sent() -> None:
    async with served(PATIENT) as rig, listening(rig) as client:
        rig.live.publish({"seat:a/1": seat(1)}, [])
        await until(lambda: rig.live.seq == 1)
        rig.live.publish({"seat:a/1": seat(1)}, ["seat:a/9"])
        assert not rig.live.flush()
        rig.live.publish({"seat:a/1": seat(1, state="ringing")}, [])
        rig.live.publish({"seat:a/1": seat(1)}, [])
        rig.live.publish({"seat:a/2": seat(2)}, [])
        rig.live.publish({}, ["seat:a/2"])
        assert not rig.live.flush()
        rig.live.publish({"seat:a/1": seat(1, state="holding")}, [])
        await client.follow(2)
        assert client.board == {"seat:a/1": seat(1, state="holding")}


async def test_changes_close_together_travel_as_one_delta() -> None:
    settings = StreamSettings(stall_s=PATIENCE_S, flush_interval_s=0.5)
    async with served(settings) as rig, listening(rig) as client:
        await listen_from_start(rig, client)
        for n in range(20):
            rig.live.publish({f"seat:a/{n}": seat(n)}, [])
        delta = await client.next_of("delta")
        assert len(delta["set"]) == 20
        await client.ack()
        for n in range(20):
            rig.live.publish({f"seat:a/{n}": seat(n, state="ringing")}, [])
            await asyncio.sleep(0)
        assert len((await client.next_of("delta"))["set"]) == 20
        assert rig.live.seq == 2


async def test_the_publisher_may_go_on_changing_its_objects() -> None:
    async with served(PATIENT) as rig, listening(rig) as client:
        mine = seat(1, state="ringing")
        rig.live.publish({"seat:a/1": mine}, [])
        mine["state"] = "talking"
        await client.follow(1)
        assert client.board["seat:a/1"]["state"] == "ringing"
        rig.live.publish({"seat:a/1": mine}, [])
        await client.follow(2)
        assert client.board["seat:a/1"]["state"] == "talking"


async def test_a_client_may_ask_for_a_fresh_snapshot() -> None:
    async with served(PATIENT) as rig, listening(rig) as client:
        rig.live.publish({"seat:a/1": seat(1)}, [])
        await client.follow(1)
        await client.websocket.send('{"type":"resync"}')
        snapshot = await client.next_of("snapshot")
        assert snapshot["board"] == {"seat:a/1": seat(1)}


async def test_asking_for_snapshots_in_a_loop_gets_one_a_beat() -> None:
    settings = StreamSettings(beat_interval_s=1000.0, stall_s=2000.0)
    async with served(settings) as rig, listening(rig) as client:
        await listen_from_start(rig, client)
        for _ in range(50):
            await client.websocket.send('{"type":"resync"}')
        await client.websocket.send('{"type":"ack","seq":0}')
        # The answer to what comes last proves that all before it was read.
        await client.websocket.send("no JSON")
        await client.until_closed()
        assert client.count("snapshot") == 1


# --- clients that lag, stall or crowd -----------------------------------------------------------


async def test_a_lagging_client_gets_a_snapshot_in_place_of_what_it_missed() -> None:
    settings = StreamSettings(
        window_messages=2,
        mailbox_max_messages=3,
        flush_interval_s=0.001,
        beat_interval_s=1000.0,
        stall_s=2000.0,
    )
    async with served(settings) as rig, listening(rig) as client:
        await listen_from_start(rig, client)
        published: dict[str, Any] = {}
        for n in range(20):
            published[f"seat:a/{n % 4}"] = seat(n)
            rig.live.publish({f"seat:a/{n % 4}": seat(n)}, [])
            await until(lambda n=n: rig.live.seq == n + 1)
        # Without acknowledgements it hears what fits its window, and no more.
        assert (await client.next())["seq"] == 1
        assert (await client.next())["seq"] == 2
        await client.ack()
        snapshot = await client.next()
        assert snapshot["type"] == "snapshot"
        assert snapshot["seq"] == 20
        assert client.board == published
        await client.ack()
        rig.live.publish({}, ["seat:a/0"])
        assert (await client.next())["del"] == ["seat:a/0"]


async def test_a_stalled_client_is_cut_and_slows_nobody() -> None:
    settings = StreamSettings(
        stall_s=4.0, beat_interval_s=0.5, window_bytes=1 << 30, mailbox_max_bytes=1 << 20
    )
    wide = {f"seat:a/{n}": seat(n, note="x" * 500) for n in range(300)}
    async with served(settings) as rig, silent_socket(rig) as stalled:
        await until(lambda: rig.live.clients == 1)
        async with listening(rig) as client:
            await until(lambda: rig.live.clients == 2)

            async def publish() -> None:
                turn = 0
                while rig.live.clients_cut == 0:
                    turn += 1
                    rig.live.publish({key: v | {"turn": turn} for key, v in wide.items()}, [])
                    await asyncio.sleep(0.05)

            async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
                publishing = group.create_task(publish())
                while not publishing.done():
                    await client.next()
                    await client.ack()
            await until(lambda: rig.live.clients == 1)
            # The one that reads was shown every change, one by one, all the while.
            assert client.count("snapshot") == 1
            assert client.count("delta") >= 5
            await client.follow(rig.live.seq)
            assert rig.live.clients_cut == 1
            # Of the flood, the other's connection held no more than buffers, and went at once.
            received, reset = await drain(stalled)
            assert reset
            flood = sum(len(json.dumps(m)) for m in client.seen)
            assert received < flood / 2


async def test_many_clients_see_one_board_that_is_encoded_once() -> None:
    async with served(PATIENT) as rig:
        rig.live.publish({f"seat:a/{n}": seat(n) for n in range(100)}, [])
        await until(lambda: rig.live.seq == 1)

        async def visit() -> Listener:
            async with listening(rig, open_timeout=PATIENCE_S) as client:
                await client.next_of("snapshot")
                await client.ack()
                connected.append(client)
                await client.follow(3)
                return client

        connected: list[Listener] = []
        async with asyncio.TaskGroup() as group:
            visits = [group.create_task(visit()) for _ in range(200)]
            await until(lambda: len(connected) == 200)
            assert rig.live.clients == 200
            assert rig.live.snapshots_encoded == 1
            rig.live.publish({"seat:a/7": seat(7, state="holding")}, [])
            await until(lambda: rig.live.seq == 2)
            rig.live.publish({}, ["seat:a/8"])
        boards = [task.result().board for task in visits]
        assert all(board == boards[0] for board in boards)
        assert boards[0]["seat:a/7"]["state"] == "holding"
        assert len(boards[0]) == 99
        await until(lambda: rig.live.clients == 0)
        assert rig.live.snapshots_encoded == 1


async def test_one_client_too_many_is_told_so() -> None:
    async with served(StreamSettings(clients_max=1)) as rig, listening(rig) as client:
        await listen_from_start(rig, client)
        with pytest.raises(InvalidStatus) as refused:
            async with connect(rig.ws_url):
                pass
        assert refused.value.response.status_code == 503
        assert b"limit" in refused.value.response.body


# --- clients that misbehave ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "code", "reason"),
    [
        ("{garbage", 1007, "not JSON"),
        ("", 1007, "not JSON"),
        ('{"type":"ack"}', 1008, "missing required field `seq`"),
        ('{"type":"ack","seq":"7"}', 1008, "Expected `int`"),
        ('{"type":"' + "x" * 500 + '"}', 1008, "not understood"),
        ("[]", 1008, "not understood"),
        ('{"type":"ack","seq":99}', 1008, "never sent"),
        (b"\x00\x01", 1003, "binary"),
        ("x" * 5000, 1009, "4096"),
    ],
)
async def test_what_is_not_understood_closes_with_a_reason(
    sent: str | bytes, code: int, reason: str
) -> None:
    async with served(PATIENT) as rig, listening(rig) as bystander, listening(rig) as client:
        await bystander.next_of("snapshot")
        await client.next_of("snapshot")
        await client.websocket.send(sent)
        closed = await client.until_closed()
        assert closed.code == code
        assert reason in closed.reason
        await until(lambda: rig.live.clients == 1)
        rig.live.publish({"seat:a/1": seat(1)}, [])
        await bystander.follow(1)


async def test_faults_that_arrive_together_end_one_connection_only() -> None:
    async with served(PATIENT) as rig, listening(rig) as bystander:
        await bystander.next_of("snapshot")
        async with silent_socket(rig) as sock:
            await until(lambda: rig.live.clients == 2)
            rig.live.publish({"seat:a/1": seat(1)}, [])
            flood = frame("{garbage") + frame("x" * 5000) + frame("{garbage")
            await asyncio.get_running_loop().sock_sendall(sock, flood)
            await until(lambda: rig.live.clients == 1)
        await bystander.follow(1)


async def test_a_client_that_does_not_even_read_its_dismissal_is_cut() -> None:
    settings = StreamSettings(stall_s=10 * PATIENCE_S, close_grace_s=0.2)
    async with served(settings) as rig:
        rig.live.publish({f"seat:a/{n}": seat(n, note="x" * 1000) for n in range(5000)}, [])
        await until(lambda: rig.live.seq == 1)
        async with silent_socket(rig) as sock:
            await until(lambda: rig.live.clients == 1)
            await asyncio.get_running_loop().sock_sendall(sock, frame("{garbage"))
            await until(lambda: rig.live.clients == 0)
            _, reset = await drain(sock)
            assert reset


@pytest.mark.parametrize(
    ("origin", "welcome"),
    [
        (None, True),
        ("http://127.0.0.1:{port}", True),
        ("https://127.0.0.1:{port}", True),
        ("https://wall.example.com", True),
        ("https://evil.example.com", False),
        ("http://127.0.0.1:1", False),
        ("http://127.0.0.1", False),
        ("null", False),
    ],
)
async def test_only_our_own_pages_may_listen(origin: str | None, welcome: bool) -> None:
    settings = StreamSettings(allowed_origins=("https://wall.example.com",))
    async with served(settings) as rig:
        header = None if origin is None else origin.format(port=rig.port)
        if welcome:
            async with listening(rig, origin=header) as client:
                assert (await client.next())["type"] == "hello"
            return
        with pytest.raises(InvalidStatus) as refused:
            async with listening(rig, origin=header):
                pass
        assert refused.value.response.status_code == 403
        assert b"allowed_origins" in refused.value.response.body
        assert rig.live.clients == 0


# --- ending -------------------------------------------------------------------------------------


async def test_stopping_sends_everybody_away_even_who_does_not_read() -> None:
    settings = StreamSettings(stall_s=10 * PATIENCE_S, close_grace_s=0.3, window_bytes=1 << 30)
    wide = {f"seat:a/{n}": seat(n, note="x" * 1000) for n in range(2000)}
    async with served(settings) as rig, silent_socket(rig) as stalled:
        rig.live.publish(wide, [])
        await until(lambda: rig.live.clients == 1)
        async with listening(rig) as client:
            await client.next_of("snapshot")
            stopping = asyncio.create_task(rig.web.stop())
            assert (await client.until_closed()).code == 1001
            await asyncio.wait_for(stopping, PATIENCE_S)
        assert rig.live.clients == 0
        await drain(stalled)
        await rig.serving


async def test_who_comes_while_it_stops_is_turned_away() -> None:
    async with served(PATIENT) as rig:
        await rig.live.close()
        with pytest.raises(InvalidStatus) as refused:
            async with listening(rig):
                pass
        assert refused.value.response.status_code == 503


async def test_a_visit_leaves_nothing_behind() -> None:
    async with served(StreamSettings(close_grace_s=0.1, beat_interval_s=0.05)) as rig:
        async with listening(rig) as client:
            await listen_from_start(rig, client)
            await client.next_of("beat")
            during = {task.get_name() for task in asyncio.all_tasks()}
            assert any(name.startswith("live-writer-") for name in during)
        await until(lambda: rig.live.clients == 0 and not rig.live._parting)
        await until(
            lambda: not any(t.get_name().startswith("live-writer-") for t in asyncio.all_tasks())
        )


# --- the bookkeeping, for every order of things -------------------------------------------------

keys = st.sampled_from([f"seat:a/{n}" for n in range(5)])
changes = st.dictionaries(keys, st.integers(0, 3), max_size=3)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), changes, st.lists(keys, max_size=2)),
        st.tuples(st.sampled_from(["flush", "beat", "take", "ack", "resync", "join"])),
    ),
    max_size=60,
)
tight = st.builds(
    StreamSettings,
    window_messages=st.integers(1, 4),
    window_bytes=st.integers(1, 400),
    mailbox_max_messages=st.integers(1, 4),
    mailbox_max_bytes=st.integers(1, 400),
)


class Reader:
    """What a client makes of its mailbox: it must always be able to follow."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.mailbox = client.mailbox
        self.board: Any = {}
        self.seq: Any = None

    def check_bounds(self, settings: StreamSettings) -> None:
        waiting = [message.size for message in self.mailbox._waiting]
        assert len(waiting) <= settings.mailbox_max_messages
        assert sum(waiting) <= settings.mailbox_max_bytes
        unacked = [message.size for message, _ in self.mailbox._unacked]
        assert len(unacked) <= settings.window_messages
        assert sum(unacked[:-1]) < settings.window_bytes
        assert self.mailbox.held_bytes == sum(waiting) + sum(unacked)

    def take(self, live: LiveStream) -> bool:
        message = self.mailbox.take(0.0, lambda: live._snapshot(self.client.feed))
        if message is None:
            return False
        assert message.size == len(message.text.encode())
        content = msgspec.json.decode(message.text)
        assert content["seq"] == message.seq
        if content["type"] == "delta":
            assert self.seq is not None
            assert content["seq"] == self.seq + 1
            assert content["set"] or content["del"]
        elif content["type"] == "beat":
            assert content["seq"] == self.seq
        self.board = apply(self.board, content)
        self.seq = content["seq"]
        return True


@given(settings=tight, steps=steps)
def test_snapshot_and_deltas_always_make_the_board(
    settings: StreamSettings, steps: list[tuple[Any, ...]]
) -> None:
    async def play() -> None:
        live = LiveStream(settings, now=lambda: 1.5, version="x")
        truth: dict[str, Any] = {}
        readers: list[Reader] = []

        def join() -> None:
            websocket = WebSocket({"type": "websocket"}, None, None)  # type: ignore[arg-type]
            client = live._join(websocket, None, lambda: Who(EVERYTHING))  # type: ignore[arg-type]
            readers.append(Reader(client))

        join()
        for step in steps:
            match step:
                case ("publish", changed, removed):
                    for key in removed:
                        truth.pop(key, None)
                    truth |= {key: {"n": n} for key, n in changed.items()}
                    live.publish({key: {"n": n} for key, n in changed.items()}, removed)
                case ("flush",):
                    live.flush()
                case ("beat",):
                    live._whole.beat(0.0, 1.5)
                case ("join",):
                    join()
                case ("take",):
                    for reader in readers:
                        reader.take(live)
                case ("ack",):
                    for reader in readers:
                        if reader.seq is not None:
                            reader.mailbox.ack(reader.seq)
                case ("resync",):
                    for reader in readers:
                        reader.mailbox.resync()
            for reader in readers:
                reader.check_bounds(settings)
        live.flush()
        for reader in readers:
            reader.mailbox._snapshot_not_before_s = 0.0
            if reader.seq is not None:
                reader.mailbox.ack(reader.seq)
            while reader.take(live):
                reader.mailbox.ack(reader.seq)
            assert reader.board == truth
            assert reader.seq == live.seq
            assert reader.mailbox.held_bytes == 0

    asyncio.run(play())


def delta(seq: int, size: int) -> Message:
    return Message(seq, "x" * size, size)


def test_a_mailbox_holds_no_more_than_its_bytes() -> None:
    mailbox = Mailbox(StreamSettings(mailbox_max_bytes=100))
    assert mailbox.take(0.0, lambda: delta(0, 10)) == delta(0, 10)
    mailbox.offer(delta(1, 60))
    mailbox.offer(delta(2, 40))
    assert mailbox.held_bytes == 110
    mailbox.offer(delta(3, 1))
    assert mailbox.held_bytes == 10
    mailbox.offer(delta(4, 1))
    assert mailbox.take(0.0, lambda: delta(4, 10)) == delta(4, 10)
    assert mailbox.take(0.0, lambda: delta(4, 10)) is None


def test_a_mailbox_sends_no_more_than_its_window_ahead() -> None:
    mailbox = Mailbox(StreamSettings(window_bytes=100))
    assert mailbox.take(0.0, lambda: delta(0, 99)) is not None
    for seq in (1, 2, 3):
        mailbox.offer(delta(seq, 50))
    assert mailbox.take(0.0, lambda: delta(0, 99)) == delta(1, 50)
    assert mailbox.take(0.0, lambda: delta(0, 99)) is None
    mailbox.ack(0)
    assert mailbox.take(0.0, lambda: delta(0, 99)) == delta(2, 50)
    assert mailbox.take(0.0, lambda: delta(0, 99)) is None


def test_a_mailbox_never_takes_an_ack_of_what_was_not_sent() -> None:
    mailbox = Mailbox(StreamSettings())
    with pytest.raises(Misbehaved):
        mailbox.ack(0)
    assert mailbox.take(0.0, lambda: Message(5, "{}", 2)) is not None
    with pytest.raises(Misbehaved):
        mailbox.ack(6)
    mailbox.ack(-3)
    assert mailbox.unacked_since_s() == 0.0
    mailbox.ack(5)
    assert mailbox.unacked_since_s() is None
