"""``agentd replay``: exact output, twice the same, nothing printed for what is no recording."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from agentd.replay import CHUNK_BYTES, GIVE_UP_BYTES
from agentd.simulator import SimConfig, render_with_truth

BANNER = b"Asterisk Call Manager/11.0.0\r\n"


def frame(*headers: str) -> bytes:
    return "\r\n".join([*headers, "", ""]).encode()


def replay(path: Path, *options: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "agentd", "replay", str(path), *options],
        capture_output=True,
        check=False,
        env={key: value for key, value in os.environ.items() if not key.startswith("AGENTD_")},
    )


def records(output: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some ten minutes of a dozen seats; several chunks long."""
    data, _ = render_with_truth(SimConfig(seats=12, seed=7), 600)
    assert len(data) > 4 * CHUNK_BYTES
    path = tmp_path_factory.mktemp("recording") / "floor.ami"
    path.write_bytes(data)
    return path


@pytest.fixture(scope="module")
def printed(recording: Path) -> bytes:
    """What ``agentd replay`` prints for it."""
    done = replay(recording)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout


def test_the_same_file_gives_the_same_bytes(recording: Path) -> None:
    first, second = replay(recording, "--run-out"), replay(recording, "--run-out")
    assert (first.returncode, first.stderr) == (0, b"")
    assert first.stdout == second.stdout
    kinds = {record["type"] for record in records(first.stdout)}
    assert kinds >= {"seat", "leg", "call", "alert", "violation", "work_order"}


def test_a_packed_recording_gives_the_same(recording: Path, printed: bytes, tmp_path: Path) -> None:
    packed = tmp_path / "floor.ami.gz"
    packed.write_bytes(gzip.compress(recording.read_bytes(), 1))
    assert replay(packed).stdout == printed


def test_running_out_only_adds_what_falls_due_later(recording: Path, printed: bytes) -> None:
    short, long = records(printed), records(replay(recording, "--run-out").stdout)
    assert long[: len(short)] == short
    added = long[len(short) :]
    assert any(record.get("rule") == "work_order" for record in added)
    assert {record["type"] for record in added} <= {"alert", "violation", "work_order", "seat"}


def test_another_rule_flags_something_else(recording: Path, printed: bytes, tmp_path: Path) -> None:
    """What would this rule change have flagged yesterday?"""
    config = tmp_path / "strict.toml"
    config.write_text('[[pbx]]\nid = "south"\n[rules.ring]\nmax_rings = 1\n', encoding="utf-8")

    def late(output: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        return [r for r in output if r["type"] == "violation" and r["rule"] == "ring"]

    lenient = late(records(printed))
    strict = late(records(replay(recording, "--config", str(config)).stdout))
    assert {record["limit"] for record in lenient} == {10.0}
    assert {record["limit"] for record in strict} == {5.0}
    assert {record["pbx"] for record in strict} == {"south"}
    assert {r["leg"] for r in lenient} < {r["leg"] for r in strict}


def test_times_are_seconds_with_microseconds(printed: bytes) -> None:
    for record in records(printed):
        for key, value in record.items():
            if (key == "at" or key.endswith(("_at", "_s"))) and value is not None:
                assert isinstance(value, float)
                assert round(value, 6) == value


def test_a_reader_that_has_enough_is_no_error(recording: Path) -> None:
    command = f'"{sys.executable}" -m agentd replay "{recording}" | head -n 1'
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=False)
    assert done.stderr == b""
    assert len(done.stdout.splitlines()) == 1


NOT_AMI = {
    "empty": (b"", "empty"),
    "text": (b"Hello, world\r\n\r\n" * 100, "not an AMI stream"),
    "zeros": (bytes(GIVE_UP_BYTES + CHUNK_BYTES), "not an AMI stream"),
    "http": (b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n<html>", "not an AMI stream"),
    "no_timestamp": (
        BANNER
        + frame("Event: FullyBooted", "Privilege: system,all", "Uptime: 6", "Status: Fully Booted")
        + frame("Event: Hold", "Privilege: call,all", "Channel: PJSIP/1-1", "Uniqueid: 1.1"),
        "timestampevents = yes",
    ),
}


@pytest.mark.parametrize("name", NOT_AMI)
def test_what_cannot_be_replayed_exits_2_with_one_line(tmp_path: Path, name: str) -> None:
    content, says = NOT_AMI[name]
    path = tmp_path / f"{name}.ami"
    path.write_bytes(content)
    done = replay(path, "--run-out")
    assert done.returncode == 2
    assert done.stdout == b""
    assert len(done.stderr.splitlines()) == 1
    assert says in done.stderr.decode()
    assert str(path) in done.stderr.decode()


def test_a_packed_file_that_is_cut_off_is_told(recording: Path, tmp_path: Path) -> None:
    packed = tmp_path / "cut.ami.gz"
    packed.write_bytes(gzip.compress(recording.read_bytes(), 1)[:-2000])
    done = replay(packed)
    assert done.returncode == 2
    assert b"damaged or cut off" in done.stderr


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for path, says in ((tmp_path / "none.ami", b"no such file"), (tmp_path, b"is a directory")):
        done = replay(path)
        assert (done.returncode, done.stdout) == (2, b"")
        assert len(done.stderr.splitlines()) == 1
        assert says in done.stderr


def test_a_wrong_configuration_is_told_before_anything_is_printed(
    recording: Path, tmp_path: Path
) -> None:
    config = tmp_path / "wrong.toml"
    config.write_text("[rules.ring]\nmax_ring = 1\n", encoding="utf-8")
    done = replay(recording, "--config", str(config))
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"wrong.toml:2: rules.ring.max_ring" in done.stderr
