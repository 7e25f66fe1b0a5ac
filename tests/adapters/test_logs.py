"""Logs: one JSON object per line, callers' numbers masked, libraries' words included."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest
import structlog

from agentd.logs import mask_number, mask_text, set_up_logs


def logged(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("13812345678", "138****5678"),
        ("+8613812345678", "+86****5678"),
        ("02112345678", "021****5678"),
        ("12345678", "****5678"),
        ("123456", "****56"),
        ("1001", "1001"),
        ("anonymous", "anonymous"),
        ("", ""),
    ],
)
def test_a_number_is_masked_and_an_extension_is_not(number: str, shown: str) -> None:
    assert mask_number(number) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("call from 13812345678 lost", "call from 138****5678 lost"),
        ("PJSIP/1001-0000002a", "PJSIP/1001-0000002a"),
        ("leg 1795313910.1", "leg 1795313910.1"),
        ("DialEnd 1795313921.880231", "DialEnd 1795313921.880231"),
        ("order pbx-1795313910.0", "order pbx-1795313910.0"),
        ("'<13812345678>'", "'<138****5678>'"),
        ("请回电13912345678谢谢", "请回电139****5678谢谢"),
        ("回电+8613912345678。", "回电+86****5678。"),
        ("电话１３９１２３４５６７８", "电话１３９****５６７８"),
        ("回电13912345678.", "回电139****5678."),
        ("工单pbx-1795313910.0", "工单pbx-1795313910.0"),
        ("通话1795313921.880231已挂断", "通话1795313921.880231已挂断"),
        ("a1795313921b and _1795313921", "a1795313921b and _1795313921"),
        ("会议号1234567890123456", "会议号1234567890123456"),
    ],
)
def test_numbers_in_sentences_are_masked_and_ids_are_not(text: str, shown: str) -> None:
    assert mask_text(text) == shown


def test_masking_reaches_into_every_value() -> None:
    stream = io.StringIO()
    set_up_logs(style="json", stream=stream)
    structlog.get_logger().warning(
        "odd",
        caller="13812345678",
        call="1795313910.1",
        frame=b"CallerIDNum: 13812345678",
        headers={"CallerIDNum": "13812345678", "Queue": "hotline"},
        callers=["13812345678", "1001"],
        count=13812345678,
    )
    (line,) = logged(stream)
    assert line["event"] == "odd"
    assert line["caller"] == "138****5678"
    assert line["call"] == "1795313910.1"
    assert line["frame"] == "CallerIDNum: 138****5678"
    assert line["headers"] == {"CallerIDNum": "138****5678", "Queue": "hotline"}
    assert line["callers"] == ["138****5678", "1001"]


def test_masking_can_be_switched_off() -> None:
    stream = io.StringIO()
    set_up_logs(style="json", stream=stream, mask_numbers=False)
    structlog.get_logger().info("call", caller="13812345678")
    assert logged(stream)[0]["caller"] == "13812345678"


def fail() -> None:
    secret = "swordfish"  # noqa: F841 - what must not be seen
    raise ValueError("no such caller 13812345678")


@pytest.mark.parametrize("style", ["json", "console"])
def test_a_failure_carries_its_traceback_without_numbers_or_variables(style: Any) -> None:
    stream = io.StringIO()
    set_up_logs(style=style, stream=stream)
    try:
        fail()
    except ValueError:
        structlog.get_logger().exception("task_died", task="pump")
    text = stream.getvalue()
    assert "ValueError" in text
    assert "138****5678" in text
    assert "13812345678" not in text
    assert "swordfish" not in text


def test_the_level_is_kept() -> None:
    stream = io.StringIO()
    set_up_logs(style="json", stream=stream, level="warning")
    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("loud")
    assert [line["event"] for line in logged(stream)] == ["loud"]


def test_what_libraries_say_comes_out_the_same_way() -> None:
    stream = io.StringIO()
    set_up_logs(style="json", stream=stream, level="debug")
    logging.getLogger("somelib").warning("lost %s", "13812345678")
    logging.getLogger("somelib").info("chatter")
    (line,) = logged(stream)
    assert (line["event"], line["logger"], line["level"]) == ("library", "somelib", "warning")
    assert line["message"] == "lost 138****5678"


def test_the_console_is_for_people() -> None:
    stream = io.StringIO()
    set_up_logs(style="console", stream=stream)
    structlog.get_logger().info("started", url="http://127.0.0.1:8440")
    assert "started" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_without_a_terminal_the_style_is_json() -> None:
    stream = io.StringIO()
    set_up_logs(stream=stream)
    structlog.get_logger().info("started")
    assert list(logged(stream)[0])[:3] == ["timestamp", "level", "event"]
