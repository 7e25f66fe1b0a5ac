"""The outbox, the topics and the payloads, and a broker that is not there or says nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from agentd.alerts import (
    NAME_MAX_BYTES,
    OFFLINE,
    ONLINE,
    MqttOut,
    MqttSettings,
    topic_name,
)
from agentd.alerts_outbox import MqttHealth, Outbox
from agentd.core.board import Board
from agentd.core.effects import (
    Alert,
    Direction,
    Level,
    OrderChanged,
    Rule,
    SeatChanged,
    SeatState,
    SurgeChanged,
    Violation,
)
from agentd.errors import AgentdError
from tests.adapters import board_samples as samples
from tests.adapters.mqtt_rig import HOST, SCHEMA, check_against_the_manual, until
from tests.core.story import Story
from tests.free_ports import free_port


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def outbox(clock: Clock, records_max: int = 100) -> tuple[Outbox, MqttHealth]:
    health = MqttHealth()
    box = Outbox(health, alert_max_age_s=5.0, records_max=records_max, monotonic=clock)
    return box, health


def alert(**values: Any) -> Alert:
    return Alert(
        **{
            "pbx": "main", "at_us": 1_000_000, "level": "breach", "rule": "hold",
            "seat": "PJSIP/1001", "agent": "张三", "call": "c1", "queue": "service",
            "to": ("seat",), "value_us": 30_000_000, "limit_us": 30_000_000, "spell": "s1",
        }
        | values
    )  # fmt: skip


def order(**values: Any) -> OrderChanged:
    return OrderChanged(
        **{
            "pbx": "main", "at_us": 2_500_000, "id": "main-c1", "kind": "call", "call": "c1",
            "seat": "PJSIP/1001", "agent": "张三", "queue": "service", "caller": "13812345678",
            "status": "open", "opened_us": 2_500_000, "due_us": None,
        }
        | values
    )  # fmt: skip


VIOLATION = Violation(
    pbx="main", id="v1", at_us=1, rule="hold", seat="PJSIP/1001", agent="张三", call="c1",
    leg="l1", value_us=31_000_000, limit_us=30_000_000, evidence=("Hold", "Unhold"),
)  # fmt: skip


SURGE = SurgeChanged("main", 9_000_000, "热/线", 0, 2, 1_000_000, (), 0, 0, None, 7)


# --- the outbox --------------------------------------------------------------------------------


def test_of_a_state_only_the_newest_waits() -> None:
    box, health = outbox(Clock())
    for number in range(1000):
        box.put_state("a", b"%d" % number)
    box.put_state("b", b"x")
    assert [(m.topic, m.payload, m.retain) for m in box.take(10)] == [
        ("a", b"999", True),
        ("b", b"x", True),
    ]
    assert (len(box), health.dropped) == (0, 0)


def test_a_state_that_did_not_change_is_not_sent() -> None:
    box, _ = outbox(Clock())
    box.put_state("a", b"1")
    box.take(10)
    box.put_state("a", b"1")
    assert box.take(10) == []


def test_a_new_connection_is_told_every_state_again() -> None:
    box, _ = outbox(Clock())
    box.put_state("a", b"1")
    for message in box.take(10):
        box.sent(message)
    box.begin()
    assert [m.payload for m in box.take(10)] == [b"1"]


def test_a_state_that_went_away_is_taken_from_the_broker_and_then_forgotten() -> None:
    box, _ = outbox(Clock())
    box.put_state("a", b"1")
    box.take(10)
    box.put_state("a", b"")
    (gone,) = box.take(10)
    assert (gone.payload, gone.retain) == (b"", True)
    box.put_back([gone])
    (gone,) = box.take(10)
    box.sent(gone)
    box.begin()
    assert box.take(10) == []


def test_a_state_that_came_again_while_its_end_was_sent_is_kept() -> None:
    box, _ = outbox(Clock())
    box.put_state("a", b"")
    (gone,) = box.take(10)
    box.put_state("a", b"2")
    box.sent(gone)
    assert [m.payload for m in box.take(10)] == [b"2"]


def test_an_alert_is_dropped_when_it_is_no_news_any_more_and_counted() -> None:
    clock = Clock()
    box, health = outbox(clock)
    box.put_alert("alert", b"old")
    box.put_record("order", b"kept")
    clock.now_s += 4.9
    box.put_alert("alert", b"new")
    clock.now_s += 0.1
    assert [m.payload for m in box.take(10)] == [b"kept", b"new"]
    assert health.expired_alerts == 1


def test_an_alert_that_the_broker_did_not_confirm_expires_all_the_same() -> None:
    clock = Clock()
    box, health = outbox(clock)
    box.put_alert("alert", b"1")
    box.put_record("order", b"2")
    box.put_back(box.take(10))
    clock.now_s += 5
    assert [m.payload for m in box.take(10)] == [b"2"]
    assert health.expired_alerts == 1


def test_records_are_bounded_and_the_oldest_go_first() -> None:
    box, health = outbox(Clock(), records_max=3)
    for number in range(3):
        box.put_record("order", b"%d" % number)
    taken = box.take(10)
    for number in range(3, 5):
        box.put_record("order", b"%d" % number)
    box.put_back(taken)
    assert [m.payload for m in box.take(10)] == [b"2", b"3", b"4"]
    assert health.dropped == 2


def test_neither_states_nor_records_starve_the_others() -> None:
    box, _ = outbox(Clock())
    for number in range(50):
        box.put_state(f"seat/{number}", b"x")
        box.put_record("order", b"%d" % number)
    assert [m.retain for m in box.take(6)].count(True) == 3
    box, _ = outbox(Clock())
    for number in range(50):
        box.put_record("order", b"%d" % number)
    assert len(box.take(6)) == 6


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("put"), st.sampled_from("abc"), st.binary(max_size=1)),
            st.tuples(st.sampled_from(["sent", "lost"]), st.just(""), st.just(b"")),
        )
    )
)
def test_whatever_is_lost_on_the_way_the_broker_ends_with_the_newest_states(
    steps: list[tuple[str, str, bytes]],
) -> None:
    box, _ = outbox(Clock())
    broker: dict[str, bytes] = {}
    wanted: dict[str, bytes] = {}
    for what, topic, payload in [*steps, *[("sent", "", b"")] * 3]:
        if what == "put":
            box.put_state(topic, payload)
            wanted[topic] = payload
            continue
        taken = box.take(2)
        if what == "lost":
            box.put_back(taken)
            broker.clear()
            box.begin()
            continue
        for message in taken:
            broker[message.topic] = message.payload
            box.sent(message)
    assert {t: p for t, p in broker.items() if p} == {t: p for t, p in wanted.items() if p}


# --- topics and payloads -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("service", "service"),
        ("PJSIP/1001", "PJSIP%2F1001"),
        ("投诉 热线", "投诉 热线"),
        ("a+b#c%2F", "a%2Bb%23c%252F"),
        ("a\0b\nc\x80", "a%00b%0Ac%C2%80"),
        ("$SYS", "$SYS"),
    ],
)
def test_names_in_topics(name: str, safe: str) -> None:
    assert topic_name(name) == safe


def test_a_name_without_end_is_cut_and_stays_its_own() -> None:
    one, two = (topic_name("席" * 1000 + end) for end in "ab")
    assert one != two
    assert max(len(one.encode()), len(two.encode())) <= NAME_MAX_BYTES


@given(st.text(), st.text())
def test_different_names_have_different_topics_and_none_is_a_pattern(one: str, two: str) -> None:
    assert (topic_name(one) == topic_name(two)) == (one == two)
    assert not set(topic_name(one)) & set("/+#\0")


async def published(settings: MqttSettings | None = None) -> list[tuple[str, Any, bool]]:
    out = MqttOut(settings or MqttSettings("nowhere"))
    out.publish(
        {
            "pbx:main": samples.pbx(),
            "queue:main/service": samples.queue(
                waiting=[{"call": "c2", "caller": "13987654321", "joined_at": 1.5}]
            ),
            "seat:main/PJSIP/1001": samples.seat(caller="13812345678"),
            "alert:main/s1": {"kind": "alert"},
        },
        ["seat:main/PJSIP/1002", "alert:main/s0"],
    )
    seat = SeatChanged(
        pbx="main", at_us=1, seat="x", agent=None, state="paused", queues=(), pause_reason=None
    )
    out.announce([alert(), SURGE, VIOLATION, order(), seat])
    return [(m.topic, json.loads(m.payload or b"null"), m.retain) for m in out.outbox.take(100)]


async def test_the_board_becomes_retained_states_and_effects_become_messages() -> None:
    found = {topic: (payload, retain) for topic, payload, retain in await published()}
    assert {topic for topic, (_, retain) in found.items() if retain} == {
        "agentd/main/link",
        "agentd/main/queue/service",
        "agentd/main/seat/PJSIP%2F1001",
        "agentd/main/seat/PJSIP%2F1002",
    }
    assert {topic for topic, (_, retain) in found.items() if not retain} == {
        "agentd/main/alert/breach",
        "agentd/main/surge/热%2F线",
        "agentd/main/violation/hold",
        "agentd/main/work_order/opened",
    }
    assert found["agentd/main/seat/PJSIP%2F1002"][0] is None
    raised = found["agentd/main/alert/breach"][0]
    assert (raised["at"], raised["limit"], raised["to"]) == (1.0, 30.0, ["seat"])
    assert found["agentd/main/violation/hold"][0]["id"] == "v1"
    over = found["agentd/main/surge/热%2F线"][0]
    assert (over["queue"], over["level"], over["began_at"], over["folded"]) == ("热/线", 0, 1.0, 7)
    opened = found["agentd/main/work_order/opened"][0]
    assert (opened["opened_at"], opened["completed_at"], opened["status"]) == (2.5, None, "open")


async def test_the_manual_says_what_is_published() -> None:
    checked = set()
    for topic, payload, _ in await published():
        if payload is not None:
            kind = topic.split("/")[2]
            check_against_the_manual(kind, payload)
            checked.add(kind)
    for payload in (ONLINE, OFFLINE):
        check_against_the_manual("status", json.loads(payload))
    named = {name for name, schema in SCHEMA["$defs"].items() if "properties" in schema}
    assert named == checked | {"status"}


def test_the_samples_have_the_keys_that_the_board_sends() -> None:
    state = Story().engine.state
    board = Board("main", state.book, state)
    state.touched_queues.update(state.queues)
    state.shown_seats.update(state.seats)
    board.note([alert()])
    board.take(0)
    sent = {value["kind"]: set(value) for value in board.whole().values()}
    assert sent == {
        kind: set(sample())
        for kind, sample in {
            "pbx": samples.pbx,
            "queue": samples.queue,
            "seat": samples.seat,
            "alert": samples.alert,
        }.items()
    }


@pytest.mark.parametrize(
    ("kind", "key", "words"),
    [
        ("seat", "state", SeatState),
        ("seat", "direction", Direction),
        ("alert", "level", Level),
        ("work_order", "kind", get_type_hints(OrderChanged)["kind"]),
        ("work_order", "status", get_type_hints(OrderChanged)["status"]),
    ],
)
def test_the_manual_knows_every_word(kind: str, key: str, words: Any) -> None:
    said = set(SCHEMA["$defs"][kind]["properties"][key]["enum"]) - {None}
    assert said == set(get_args(words))
    assert set(SCHEMA["$defs"]["rule"]["enum"]) == set(get_args(Rule))


@pytest.mark.parametrize("change", [{"level": "loud"}, {"at": "noon"}, {"extra": 1}])
async def test_the_manual_tells_wrong_payloads(change: dict[str, Any]) -> None:
    (raised,) = (payload for topic, payload, _ in await published() if "/alert/" in topic)
    with pytest.raises((AssertionError, jsonschema.ValidationError)):
        check_against_the_manual("alert", raised | change)


async def test_callers_numbers_are_masked_unless_wanted() -> None:
    text = json.dumps(await published())
    assert "13812345678" not in text
    assert "13987654321" not in text
    assert "138****5678" in text
    text = json.dumps(await published(MqttSettings("nowhere", mask_numbers=False)))
    assert text.count("13812345678") == 2
    assert text.count("13987654321") == 1


async def test_an_event_of_the_pbx_alone_is_no_news() -> None:
    out = MqttOut(MqttSettings("nowhere"))
    out.publish({"pbx:main": samples.pbx()}, ())
    out.outbox.take(10)
    out.publish({"pbx:main": samples.pbx(last_event_at=samples.NOW)}, ())
    assert len(out.outbox) == 0


def test_the_password_shows_nowhere() -> None:
    assert "s3cret" not in repr(MqttSettings("h", username="u", password="s3cret"))


# --- a broker that is none ---------------------------------------------------------------------


@contextlib.asynccontextmanager
async def trying(out: MqttOut) -> AsyncIterator[None]:
    task = asyncio.create_task(out.run())
    try:
        yield
    finally:
        out.stop()
        await task


def impatient(port: int, **values: Any) -> MqttSettings:
    defaults = {"backoff_min_s": 0.02, "backoff_max_s": 0.05, "answer_max_s": 0.2}
    return MqttSettings(HOST, port, **(defaults | values))


class Counted(MqttOut):
    tries = 0

    def _client(self) -> Any:
        self.tries += 1
        return super()._client()


async def test_no_broker_is_said_once_and_tried_again() -> None:
    out = Counted(impatient(free_port()))
    with capture_logs() as logs:
        async with trying(out):
            await until(lambda: out.tries >= 4)
    assert [(log["event"], log["code"]) for log in logs] == [("mqtt_away", "unreachable")]
    assert out.health.error


async def test_a_host_that_cannot_be_a_name_is_no_crash() -> None:
    out = Counted(MqttSettings("a..b", backoff_min_s=0.02))
    async with trying(out):
        await until(lambda: out.tries >= 2)
    assert out.health.error


async def test_a_server_that_says_nothing_is_left_and_no_socket_stays() -> None:
    opened = closed = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened, closed
        opened += 1
        while await reader.read(1000):
            pass
        closed += 1
        writer.close()

    server = await asyncio.start_server(serve, HOST, 0)
    out = MqttOut(impatient(server.sockets[0].getsockname()[1]))
    async with server:
        with capture_logs() as logs:
            async with trying(out):
                await until(lambda: opened >= 2)
            await until(lambda: closed == opened)
    assert [(log["event"], log["code"]) for log in logs] == [("mqtt_away", "unreachable")]


CONNACK = b"\x20\x02\x00\x00"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x20\x00",
        b"\x20\xff\xff\xff\xff\xff",
        b"\x30\x05\x00\x03\xff\xfe\xfd",
        CONNACK + b"\x40\x00",
        CONNACK + b"\x40\x02\x77\x77" + b"\x30\x05\x00\x03\xff\xfe\xfd",
        CONNACK + b"\xf0\xff\xff\xff\xff\xff",
        CONNACK + b"\x90\x03\x00\x01\x00",
    ],
)
async def test_a_server_that_speaks_nonsense_is_left_and_tried_again(answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(answer)
        with contextlib.suppress(ConnectionError):
            while await reader.read(1000):
                pass
        writer.close()

    server = await asyncio.start_server(serve, HOST, 0)
    out = Counted(impatient(server.sockets[0].getsockname()[1], goodbye_max_s=0.1))
    out.publish({"seat:main/PJSIP/1001": samples.seat()}, ())
    async with server, trying(out):
        await until(lambda: out.tries >= 3)
    assert out.health.error


async def test_a_ca_file_without_certificates_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(AgentdError, match=r"tls_ca_file.*ca\.pem"):
        MqttOut(MqttSettings("h", tls=True, tls_ca_file=str(tmp_path / "ca.pem")))
