"""Recordings over HTTP: parts, ETags, a file that grows, who may listen, and what the log keeps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agentd.core.effects import RecordingSeen
from agentd.http_files import byte_range
from tests.adapters.rest_rig import (
    ADMIN,
    LI,
    QIAN,
    SOUND,
    WANG,
    WU,
    ZHAO,
    ZHOU,
    Rest,
    a_call,
    rest,
)
from tests.adapters.store_rig import ignore

SIZE = len(SOUND)


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Rest]:
    async with rest(tmp_path) as running:
        yield running


async def path_of(client: httpx.AsyncClient, call: str) -> str:
    detail = (await client.get(f"/api/calls/main/{call}")).json()
    [recording] = detail["recordings"]
    return f"/api/recordings/{recording['id']}"


async def test_a_recording_is_played_whole_and_in_part(api: Rest) -> None:
    async with api.as_(WANG) as wang:
        [leg, _] = (await wang.get("/api/me/calls")).json()["items"]
        assert leg["recordings"][0]["started_at"] == leg["answered_at"]
        path = f"/api/recordings/{leg['recordings'][0]['id']}"
        whole = await wang.get(path)
        assert whole.status_code == 200
        assert whole.content == SOUND
        assert whole.headers["content-type"] == "audio/wav"
        assert whole.headers["accept-ranges"] == "bytes"
        assert whole.headers["cache-control"] == "private, no-cache"
        assert whole.headers["content-disposition"].startswith("inline")
        etag = whole.headers["etag"]
        assert etag.startswith('"')
        head = await wang.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(SIZE)
        for asked, first, last in (
            ("bytes=0-", 0, SIZE - 1),
            ("bytes=0-0", 0, 0),
            ("bytes=100-299", 100, 299),
            ("bytes=-10", SIZE - 10, SIZE - 1),
            (f"bytes=-{SIZE * 2}", 0, SIZE - 1),
            (f"bytes=5-{SIZE * 2}", 5, SIZE - 1),
            ("Bytes = 5-6", 5, 6),
        ):
            part = await wang.get(path, headers={"Range": asked})
            assert part.status_code == 206, asked
            assert part.content == SOUND[first : last + 1]
            assert part.headers["content-range"] == f"bytes {first}-{last}/{SIZE}"
            assert part.headers["content-length"] == str(last - first + 1)
        for asked in ("bytes=a-b", "items=0-1", "bytes=5-2", "bytes=-", "bytes=0-1,3-4", "0-1"):
            assert (await wang.get(path, headers={"Range": asked})).status_code == 200, asked
        for asked in (f"bytes={SIZE}-", "bytes=-0", f"bytes={10**17}-"):
            beyond = await wang.get(path, headers={"Range": asked})
            assert beyond.status_code == 416, asked
            assert beyond.headers["content-range"] == f"bytes */{SIZE}"
            assert beyond.headers["content-type"] == "application/problem+json"
        same = {"Range": "bytes=0-1", "If-Range": etag}
        assert (await wang.get(path, headers=same)).status_code == 206
        for other in ('"x"', f"W/{etag}", "Mon, 23 Nov 2026 00:00:00 GMT"):
            answer = await wang.get(path, headers={"Range": "bytes=0-1", "If-Range": other})
            assert answer.status_code == 200
        assert (await wang.get(path, headers={"If-None-Match": etag})).status_code == 304


async def test_a_recording_under_way_is_sent_as_long_as_it_is(api: Rest) -> None:
    [_, started, *_] = a_call(5, "1001", api.t0_us)
    assert isinstance(started, RecordingSeen)
    leg = a_call(5, "1001", api.t0_us)[4]
    api.store.submit([started, leg], {}, ignore, pbx="main")
    await api.store.flush()
    file = api.folder / "2026" / "5.wav"
    file.write_bytes(b"first ")
    async with api.as_(WANG) as wang:
        path = await path_of(wang, "5.1")
        first = await wang.get(path)
        assert first.content == b"first "
        assert first.headers["etag"].startswith("W/")
        file.write_bytes(b"first second")
        joined = {"Range": "bytes=6-", "If-Range": first.headers["etag"]}
        again = await wang.get(path, headers=joined)
        assert (again.status_code, again.content) == (200, b"first second")
        part = await wang.get(path, headers={"Range": "bytes=6-"})
        assert part.content == b"second"
        file.write_bytes(b"")
        assert (await wang.get(path)).content == b""
        assert (await wang.get(path, headers={"Range": "bytes=0-"})).status_code == 416


async def test_every_play_is_in_the_audit_log_once(api: Rest) -> None:
    async with api.as_(WANG) as wang, api.as_(ZHOU) as zhou:
        path = await path_of(wang, "1.1")
        for start in (5000, 0, 100):
            await wang.get(path, headers={"Range": f"bytes={start}-"})
        await zhou.get(path)
        await zhou.get(path.replace("/recordings/", "/recordings/x"))
    lines = await api.audit("recording.play")
    assert [line.who for line in lines] == ["3002", "1001"]
    assert lines[0].target == path.rsplit("/", 1)[1]
    assert lines[0].detail == {"pbx": "main", "call": "1.1"}
    assert lines[0].address == "127.0.0.1"


async def test_nobody_hears_what_is_not_theirs_to_hear(api: Rest) -> None:
    async with api.as_(WANG) as wang, api.as_(LI) as li:
        path, other = await path_of(wang, "1.1"), await path_of(li, "2.1")
        assert (await wang.get(other)).status_code == 404
        assert (await wang.head(other)).status_code == 404
        assert (await wang.get("/api/calls/main/2.1")).status_code == 404
        assert (await li.get(path)).status_code == 404
    for person, heard in ((ZHAO, 200), (ZHOU, 200), (QIAN, 404), (ADMIN, 404), (WU, 404)):
        async with api.as_(person) as somebody:
            assert (await somebody.get(path)).status_code == heard, person
            assert (await somebody.get(path, headers={"Range": "bytes=0-1"})).status_code in (
                206 if heard == 200 else 404,
            )
    async with api.as_(None) as nobody:
        assert (await nobody.get(path)).status_code == 401
        headers = await api.token("orders.read", "orders.export", "board")
        assert (await nobody.get(path, headers=headers)).status_code == 403
    assert {line.who for line in await api.audit("recording.play")} == {"2001", "3002"}


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("/etc/passwd", "outside"),
        ("../../etc/passwd", "outside"),
        ("2026/../../secret.wav", "outside"),
        ("link.wav", "missing"),
        ("deleted.wav", "missing"),
    ],
)
async def test_what_the_pbx_named_cannot_lead_outside_of_the_folder(
    api: Rest, file: str, code: str
) -> None:
    (api.folder.parent / "secret.wav").write_bytes(b"secret")
    (api.folder / "link.wav").symlink_to(api.folder.parent / "secret.wav")
    effects: list[Any] = a_call(6, "1001", api.t0_us)
    effects[1] = replace(effects[1], file=file)
    effects[3] = replace(effects[3], file=file)
    api.store.submit(effects, {}, ignore, pbx="main")
    await api.store.flush()
    async with api.as_(WANG) as wang:
        detail = await wang.get("/api/calls/main/6.1")
        assert file not in detail.text
        answer = await wang.get(await path_of(wang, "6.1"))
        assert answer.status_code == 404
        assert answer.json()["code"] == code
        assert "secret" not in answer.text
        assert str(api.folder) not in answer.text


@given(st.integers(0, 50), st.integers(0, 60) | st.none(), st.integers(0, 60) | st.none())
def test_a_range_is_inside_of_the_file(size: int, first: int | None, last: int | None) -> None:
    if first is None and last is None:
        return
    if first is not None and last is not None and first > last:
        return
    told = ["" if n is None else str(n) for n in (first, last)]
    found = byte_range(told[0], told[1], size)
    data = bytes(range(size))
    if first is None:
        expected = data[-last:] if last else b""
    else:
        expected = data[first : None if last is None else last + 1]
    assert (b"" if found is None else data[found[0] : found[1] + 1]) == expected
