"""Recordings are found by the name that the PBX told, and never outside of their folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentd.recordings import NoRecording, OpenRecording, open_recording

SECRET = b"what must never be read"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of recordings, with a secret beside it and every kind of trap inside."""
    (tmp_path / "secret.wav").write_bytes(SECRET)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x.wav").write_bytes(SECRET)
    root = tmp_path / "monitor"
    (root / "2026" / "11").mkdir(parents=True)
    (root / "2026" / "11" / "a.wav").write_bytes(b"sound a")
    (root / "b.wav").write_bytes(b"sound b")
    (root / "notes.txt").write_bytes(SECRET)
    (root / "link.wav").symlink_to(tmp_path / "secret.wav")
    (root / "inner-link.wav").symlink_to(root / "b.wav")
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    (root / "folder.wav").mkdir()
    os.mkfifo(root / "pipe.wav")
    return root


@contextmanager
def opened(folder: Path | None, file: str) -> Iterator[OpenRecording]:
    recording = open_recording(folder, file)
    try:
        yield recording
    finally:
        recording.close()


def code(folder: Path | None, file: str) -> str:
    with pytest.raises(NoRecording) as refused, opened(folder, file):
        pass
    return refused.value.code


@pytest.mark.parametrize("name", ["2026/11/a.wav", "./2026//11/a.wav"])
def test_a_relative_name_is_below_the_folder(folder: Path, name: str) -> None:
    with opened(folder, name) as found:
        assert found.read(0, 100) == b"sound a"
        assert found.size == 7
        assert found.content_type == "audio/wav"
        assert found.read(6, 100) == b"a"


def test_an_absolute_name_is_that_file_when_it_lies_under_the_folder(folder: Path) -> None:
    with opened(folder, str(folder / "b.wav")) as found:
        assert found.read(0, 100) == b"sound b"


def test_asterisks_own_folder_may_be_mounted_here_under_another_name(folder: Path) -> None:
    with opened(folder, "/var/spool/asterisk/monitor/2026/11/a.wav") as found:
        assert found.read(0, 100) == b"sound a"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../secret.wav", "outside"),
        ("2026/../../secret.wav", "outside"),
        ("2026/11/../../../secret.wav", "outside"),
        ("/etc/passwd", "outside"),
        ("/var/spool/asterisk/monitor/../../../../etc/passwd", "outside"),
        ("/var/spool/asterisk/monitor", "outside"),
        ("//var/spool/asterisk/monitor/b.wav", "outside"),
        ("", "outside"),
        (".", "outside"),
        ("/", "outside"),
        ("b.wav\x00.wav", "outside"),
        ("\x00", "outside"),
        ("\ud800.wav", "outside"),
        ("x" * 5000, "outside"),
        ("/".join(["d"] * 40), "outside"),
        ("link.wav", "missing"),
        ("inner-link.wav", "missing"),
        ("linked/x.wav", "missing"),
        ("folder.wav", "missing"),
        ("folder.wav/x.wav", "missing"),
        ("pipe.wav", "missing"),
        ("b.wav/x.wav", "missing"),
        ("notes.txt", "missing"),
        ("gone.wav", "missing"),
        ("gone/gone.wav", "missing"),
        ("y" * 300 + ".wav", "missing"),
        ("..\\secret.wav", "missing"),
        ("%2e%2e/secret.wav", "missing"),
        ("b.wav\n", "missing"),
    ],
)
def test_a_crafted_name_reaches_nothing(folder: Path, name: str, why: str) -> None:
    assert code(folder, name) == why


def test_a_name_beside_the_folder_that_begins_like_it_is_outside(folder: Path) -> None:
    twin = folder.with_name("monitor2")
    twin.mkdir()
    (twin / "x.wav").write_bytes(SECRET)
    assert code(folder, str(twin / "x.wav")) == "outside"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(
            [
                "..",
                ".",
                "",
                "/",
                "linked",
                "x",
                "x.wav",
                "secret.wav",
                "elsewhere",
                "monitor",
                "\x00",
            ]
        ),
        max_size=8,
    ).map("/".join)
)
def test_no_name_made_of_traps_reads_the_secret(folder: Path, name: str) -> None:
    try:
        recording = open_recording(folder, name)
    except NoRecording:
        return
    try:
        assert recording.read(0, 100) != SECRET
    finally:
        recording.close()


@pytest.mark.parametrize(
    ("there", "type_"),
    [
        ("c.WAV", "audio/wav"),
        ("c.gsm", "audio/x-gsm"),
        ("c.mp3", "audio/mpeg"),
        ("c.ogg", "audio/ogg"),
    ],
)
@pytest.mark.parametrize("told", ["c.wav", "c.wav49", "c"])
def test_the_same_name_with_another_ending_is_found(
    folder: Path, there: str, type_: str, told: str
) -> None:
    (folder / there).write_bytes(b"sound c")
    with opened(folder, told) as found:
        assert found.content_type == type_
        assert found.suffix == there[1:]


def test_the_very_file_goes_before_its_variants(folder: Path) -> None:
    (folder / "b.mp3").write_bytes(b"smaller")
    with opened(folder, "b.mp3") as found:
        assert found.read(0, 100) == b"smaller"
    with opened(folder, "b.wav") as found:
        assert found.read(0, 100) == b"sound b"


def test_a_dot_in_the_name_is_no_ending(folder: Path) -> None:
    (folder / "1732320000.17.wav").write_bytes(b"sound d")
    with opened(folder, "1732320000.17") as found:
        assert found.read(0, 100) == b"sound d"


def test_without_a_folder_nothing_is_played(folder: Path) -> None:
    assert code(None, "b.wav") == "no_folder"
    assert code(folder / "not-there", "b.wav") == "no_folder"
    assert code(folder / "b.wav", "b.wav") == "no_folder"


def test_the_folder_itself_may_be_a_link(folder: Path) -> None:
    link = folder.with_name("spool")
    link.symlink_to(folder)
    for name in (link / "b.wav", folder / "b.wav"):
        with opened(link, str(name)) as found:
            assert found.read(0, 100) == b"sound b"


def test_the_folder_may_be_named_from_where_we_are(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    with opened(Path("monitor"), str(folder / "b.wav")) as found:
        assert found.read(0, 100) == b"sound b"
    assert code(Path("monitor"), str(folder.parent / "secret.wav")) == "outside"


def test_a_file_under_way_has_another_etag_when_it_has_grown(folder: Path) -> None:
    with opened(folder, "b.wav") as before:
        with (folder / "b.wav").open("ab") as growing:
            growing.write(b" and more")
        assert before.size == 7
        with opened(folder, "b.wav") as after:
            assert after.etag != before.etag
            assert after.size == 16


def test_nothing_stays_open(folder: Path) -> None:
    with opened(folder, "2026/11/a.wav"):
        before = len(list(Path("/proc/self/fd").iterdir()))
    for name in ("2026/11/a.wav", "gone/x.wav", "link.wav", "pipe.wav", "folder.wav", "../x"):
        with suppress(NoRecording):
            open_recording(folder, name).close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before - 1
