"""REST: history, alerts, board settings and retention, each by whoever may, as the API says."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from openpyxl import load_workbook

from agentd.core.effects import Alert, CallEnded, SeatChanged, VisitEnded
from agentd.http_history import Days, Opened
from agentd.ports.history import alert_id
from agentd.ports.retention import RetentionPolicy
from tests.adapters.rest_rig import (
    ADMIN,
    HOUR_US,
    LI,
    MINUTE_US,
    QIAN,
    SUN,
    WANG,
    WU,
    ZHAO,
    ZHOU,
    Rest,
    order_id,
    rest,
)
from tests.adapters.store_rig import ignore

S = 1_000_000


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Rest]:
    async with rest(tmp_path) as running:
        running.store.submit(_more(running.t0_us), {}, ignore, pbx="main")
        await running.store.flush()
        yield running


def _alert(t0_us: int, call: str, agent: str, seat: str, queue: str) -> Alert:
    return Alert(
        pbx="main",
        at_us=t0_us + 11 * MINUTE_US,
        level="breach",
        rule="hold",
        seat=seat,
        agent=agent,
        call=call,
        queue=queue,
        to=("seat",),
        value_us=31 * S,
        limit_us=30 * S,
        spell=f"{call}:hold:1",
    )


def _more(t0_us: int) -> list[Any]:
    """The calls of the rig are over; one caller gave up; two people had alerts."""
    told: list[Any] = []
    for number, queue in ((1, "hotline"), (2, "night"), (3, "hotline")):
        began_us = t0_us + number * 10 * MINUTE_US
        told.append(
            CallEnded(
                pbx="main",
                call=f"{number}.1",
                queue=queue,
                visits=(queue,),
                caller=f"1390000{number:04}",
                started_us=began_us - 9 * S,
                ended_us=began_us + 5 * MINUTE_US,
                wait_us=8 * S,
                outcome="answered",
                legs=(f"{number}.1-leg",),
                gap=False,
            )
        )
    night = VisitEnded(
        "main", "9.1", "night", "=1+1", t0_us, t0_us + 40 * S, 40 * S, "abandoned", None, None,
        15 * S, 5 * S, False, False,
    )  # fmt: skip
    gone = CallEnded(
        "main", "9.1", "night", ("night",), "=1+1", t0_us, t0_us + 40 * S, 40 * S, "abandoned",
        (), False,
    )  # fmt: skip
    told += [night, gone]
    for at_us, state in ((t0_us, "available"), (t0_us + HOUR_US, "talking")):
        told.append(SeatChanged("main", at_us, "PJSIP/1001", "1001", state, ("hotline",), None))  # type: ignore[arg-type]
        told.append(SeatChanged("main", at_us, "PJSIP/1002", "1002", state, ("night",), None))  # type: ignore[arg-type]
    told.append(_alert(t0_us, "1.1", "1001", "PJSIP/1001", "hotline"))
    told.append(_alert(t0_us, "2.1", "1002", "PJSIP/1002", "night"))
    return told


def calls(answer: httpx.Response) -> list[str]:
    answer.raise_for_status()
    return [item["call"] for item in answer.json()["items"]]


# --- calls -----------------------------------------------------------------------------------


async def test_everybody_finds_the_calls_of_the_own_scope(api: Rest) -> None:
    expected = {
        SUN: ["3.1", "2.1", "1.1", "9.1"],
        ZHOU: ["3.1", "2.1", "1.1", "9.1"],
        ZHAO: ["3.1", "1.1", "9.1"],
        QIAN: ["2.1", "9.1"],
        WANG: ["3.1", "1.1"],
        LI: ["2.1"],
    }
    for person, theirs in expected.items():
        async with api.as_(person) as client:
            assert calls(await client.get("/api/history/calls")) == theirs, person.name
    async with api.as_(WU) as auditor:
        assert (await auditor.get("/api/history/calls")).status_code == 403
    async with api.as_(None) as nobody:
        assert (await nobody.get("/api/history/calls")).status_code == 401


async def test_filters_narrow_and_mistyped_ones_are_refused(api: Rest) -> None:
    async with api.as_(SUN) as sun:
        for query, theirs in (
            ("number=%2B86+139+0000+0002", ["2.1"]),
            ("queue=hotline&talk_min_s=300", ["3.1", "1.1"]),
            ("talk_min_s=300.000001", []),
            ("person=1002", ["2.1"]),
            ("person=9999", []),
            ("seat=PJSIP/1001&rule=hold", ["3.1", "1.1"]),
            ("outcome=abandoned&wait_min_s=40", ["9.1"]),
            ("direction=outbound", []),
            ("pbx=main&limit=1", ["3.1"]),
            (f"to={(api.t0_us + 41 * S) / 1e6}", ["9.1"]),
        ):
            assert calls(await sun.get(f"/api/history/calls?{query}")) == theirs, query
        first = (await sun.get("/api/history/calls?limit=3")).json()
        rest_of = f"/api/history/calls?limit=3&cursor={first['next_cursor']}"
        assert calls(await sun.get(rest_of)) == ["9.1"]
        for query in ("nummer=1", "talk_min_s=-1", "direction=up", "cursor=AAAA", "limit=201"):
            assert (await sun.get(f"/api/history/calls?{query}")).status_code == 422, query


async def test_an_agent_cannot_look_at_others(api: Rest) -> None:
    async with api.as_(WANG) as wang:
        for query in ("person=1002", "number=13900000002", "seat=PJSIP/1002", "queue=night"):
            assert calls(await wang.get(f"/api/history/calls?{query}")) == [], query
        assert (await wang.get("/api/history/calls/main/2.1")).status_code == 404
        assert (await wang.get("/api/history/calls/main/9.1")).status_code == 404
        day = "queues/hotline/day?date=2026-11-23"
        for path in ("calls.csv", "calls.xlsx", "visits", "visits.csv", day):
            assert (await wang.get(f"/api/history/{path}")).status_code == 403, path
        assert (await wang.get("/api/history/people/1002/spans?from=0&to=1")).status_code == 403


async def test_a_story_is_told_to_who_may_hear_it(api: Rest) -> None:
    async with api.as_(ZHAO) as zhao:
        story = (await zhao.get("/api/history/calls/main/1.1")).json()
        assert story["own"] is False
        assert story["line"]["talk_s"] == 300.0
        assert [leg["seat"] for leg in story["legs"]] == ["PJSIP/1001"]
        assert [v["violation"]["id"] for v in story["violations"]] == ["v-1"]
        assert story["order"] == order_id(1)
        assert [a["notes"] for a in story["alerts"]] == [[]]
        [file] = story["recordings"]
        assert "file" not in file
        assert (await zhao.get("/api/history/calls/main/2.1")).status_code == 404
        await zhao.get("/api/history/calls/main/1.1")
    async with api.as_(WANG) as wang:
        own = (await wang.get("/api/history/calls/main/1.1")).json()
        assert (own["own"], own["order"], own["contacts"]) == (True, order_id(1), [])
        assert (await wang.get("/api/history/calls/main/none")).status_code == 404
    opened = await api.audit("call.open")
    assert [(line.who, line.target) for line in opened] == [(ZHAO.login, "main/1.1")]


async def test_of_a_transferred_call_an_agent_sees_the_own_part(api: Rest) -> None:
    before = await api.store.call_story("main", "1.1")
    assert before is not None
    [leg] = before.legs
    other = replace(leg, leg="1.1-b", seat="PJSIP/1002", agent="1002", queue="night")
    api.store.submit([other], {}, ignore, pbx="main")
    await api.store.flush()
    async with api.as_(LI) as li:
        story = (await li.get("/api/history/calls/main/1.1")).json()
        assert [part["leg"] for part in story["legs"]] == ["1.1-b"]
        assert (story["violations"], story["order"], story["own"]) == ([], None, True)
        assert story["line"]["seats"] == ["PJSIP/1002"]
        assert (story["line"]["talk_s"], story["line"]["rules"]) == (300.0, [])
    async with api.as_(QIAN) as qian:
        whole = (await qian.get("/api/history/calls/main/1.1")).json()
        assert len(whole["legs"]) == 2


async def test_looking_for_a_number_and_every_file_is_noted(api: Rest) -> None:
    async with api.as_(SUN) as sun:
        await sun.get("/api/history/calls?number=13900000002")
        await sun.get("/api/history/calls?number=13900000002&limit=1")
        answer = await sun.get("/api/history/calls.csv?lang=en&number=13900000002")
    assert [line.who for line in await api.audit("calls.search")] == [SUN.login]
    [line] = await api.audit("calls.export")
    assert (line.target, line.detail) == ("csv", {"number": "13900000002"})
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [(row["call"], row["number"], row["talk (s)"]) for row in rows] == [
        ("'2.1", "'13900000002", "300")
    ]


async def test_files_of_every_table(api: Rest) -> None:
    span = f"from={api.t0_us / 1e6}&to={(api.t0_us + 2 * HOUR_US) / 1e6}"
    today = _date_of(api.t0_us)
    tables = {
        "/api/history/calls.{}": "",
        "/api/history/visits.{}": "",
        "/api/history/people/1001/spans.{}": span,
        "/api/history/seats/main/PJSIP%2F1001/spans.{}": span,
        "/api/history/queues/night/day.{}": f"date={today}",
        "/api/alerts.{}": "",
    }
    async with api.as_(SUN) as sun:
        for path, query in tables.items():
            for lang in ("zh", "en"):
                sent = await sun.get(f"{path.format('csv')}?{query}&lang={lang}".replace("?&", "?"))
                assert sent.status_code == 200, (path, sent.text)
                text = sent.content.decode("utf-8-sig")
                assert len(text.splitlines()) > 1, path
            book = await sun.get(f"{path.format('xlsx')}?{query}")
            sheet = load_workbook(io.BytesIO(book.content)).worksheets[0]
            assert sheet.max_row > 1, path
            assert (await sun.get(f"{path.format('pdf')}?{query}")).status_code in (404, 422), path
        hostile = (await sun.get("/api/history/visits.csv?lang=en")).content.decode("utf-8-sig")
        [row] = csv.DictReader(io.StringIO(hostile))
        assert row["number"] == "'=1+1"


def _date_of(us: int) -> str:
    zone = dt.timezone(dt.timedelta(hours=8))
    return f"{dt.datetime.fromtimestamp(us // S, zone):%Y-%m-%d}"


async def test_machines_read_lists_with_the_rights_they_have(api: Rest) -> None:
    reads = await api.token("orders.read", queues=("night",))
    exports = await api.token("orders.export")
    board = await api.token("board")
    async with api.as_(None) as machine:
        found = await machine.get("/api/history/calls", headers=reads)
        assert calls(found) == ["2.1", "9.1"]
        assert (await machine.get("/api/history/calls", headers=exports)).status_code == 403
        assert (await machine.get("/api/history/calls.csv", headers=exports)).status_code == 200
        assert (await machine.get("/api/history/calls.csv", headers=reads)).status_code == 403
        assert (await machine.get("/api/history/visits", headers=reads)).status_code == 200
        assert (await machine.get("/api/history/visits", headers=board)).status_code == 403
        assert len(calls(await machine.get("/api/alerts", headers=board))) == 2
        story = await machine.get("/api/history/calls/main/1.1", headers=reads)
        assert story.status_code == 403


# --- spans and days --------------------------------------------------------------------------


async def test_states_of_people_and_seats(api: Rest) -> None:
    span = f"from={api.t0_us / 1e6}&to={(api.t0_us + 2 * HOUR_US) / 1e6}"
    async with api.as_(WANG) as wang:
        own = (await wang.get(f"/api/history/people/1001/spans?{span}")).json()
        assert [item["state"] for item in own["items"]] == ["available", "talking"]
        assert own["items"][0]["to_at"] == (api.t0_us + HOUR_US) / 1e6
        seat = await wang.get(f"/api/history/seats/main/PJSIP%2F1001/spans?{span}")
        assert seat.status_code == 403
    async with api.as_(ZHAO) as zhao:
        theirs = (await zhao.get(f"/api/history/people/1001/spans?{span}")).json()
        assert len(theirs["items"]) == 2
        others = (await zhao.get(f"/api/history/people/1002/spans?{span}")).json()
        assert others["items"] == []
        seat = await zhao.get(f"/api/history/seats/main/PJSIP/1001/spans?{span}")
        assert [item["agent"] for item in seat.json()["items"]] == ["1001", "1001"]
        for wrong in ("from=5&to=5", "from=0&to=3000000", "from=0", "from=x&to=1"):
            answer = await zhao.get(f"/api/history/people/1001/spans?{wrong}")
            assert answer.status_code == 422, wrong


async def test_a_queues_day(api: Rest) -> None:
    date = _date_of(api.t0_us)
    async with api.as_(SUN) as sun:
        day = (await sun.get(f"/api/history/queues/night/day?date={date}")).json()
        [quarter] = day["quarters"]
        assert (quarter["offered"], quarter["abandoned"], quarter["longest_s"]) == (1, 1, 40.0)
        for wrong in ("2026-02-30", "yesterday", "1969-12-31"):
            answer = await sun.get(f"/api/history/queues/night/day?date={wrong}")
            assert answer.status_code == 422, wrong


def test_a_day_begins_when_the_shift_does() -> None:
    at_two = 18 * 3600  # 02:00 at UTC+8
    from_us, to_us = Days(8 * 3600, at_two).of("2026-11-23")
    assert from_us // S == 1_795_370_400  # 2026-11-22T18:00Z
    assert to_us - from_us == 24 * HOUR_US


def test_what_is_opened_again_soon_is_no_new_opening() -> None:
    now = [0]
    opened = Opened(lambda: now[0])
    assert opened.is_new("a", "call")
    assert not opened.is_new("a", "call")
    assert opened.is_new("b", "call")
    now[0] += 300 * S
    assert opened.is_new("a", "call")


# --- alerts and settings ---------------------------------------------------------------------


async def test_alerts_are_read_by_scope_and_acknowledged_by_leaders(api: Rest) -> None:
    mine = alert_id(_alert(api.t0_us, "1.1", "1001", "PJSIP/1001", "hotline"))
    theirs = alert_id(_alert(api.t0_us, "2.1", "1002", "PJSIP/1002", "night"))
    async with api.as_(WANG) as wang:
        assert calls(await wang.get("/api/alerts")) == ["1.1"]
        assert calls(await wang.get("/api/alerts?person=1002")) == []
        refused = await wang.post(f"/api/alerts/{mine}/acknowledge", json={})
        assert refused.status_code == 403
    async with api.as_(ZHAO) as zhao:
        assert calls(await zhao.get("/api/alerts?level=breach&rule=hold")) == ["1.1"]
        done = await zhao.post(f"/api/alerts/{mine}/acknowledge", json={"note": " 已处理 "})
        [note] = done.json()["notes"]
        assert (note["by"], note["note"]) == (ZHAO.login, "已处理")
        again = await zhao.post(f"/api/alerts/{mine}/acknowledge", json={"note": "done"})
        assert len(again.json()["notes"]) == 2
        assert calls(await zhao.get("/api/alerts?acknowledged=true")) == ["1.1"]
        assert calls(await zhao.get("/api/alerts?acknowledged=false")) == []
        assert (await zhao.post(f"/api/alerts/{theirs}/acknowledge", json={})).status_code == 404
        assert (await zhao.post("/api/alerts/none/acknowledge", json={})).status_code == 404
        span = f"from={api.t0_us / 1e6}&to={(api.t0_us + HOUR_US) / 1e6}"
        [load] = (await zhao.get(f"/api/alerts/load?{span}")).json()["items"]
        assert (load["seat"], load["level"], load["count"]) == ("PJSIP/1001", "breach", 1)
    async with api.as_(ZHOU) as reads_only:
        assert len(calls(await reads_only.get("/api/alerts"))) == 2
        refused = await reads_only.post(f"/api/alerts/{mine}/acknowledge", json={})
        assert refused.status_code == 403


async def test_board_settings_are_set_by_who_may_and_on_the_version_that_stands(
    api: Rest,
) -> None:
    path, body = "/api/board/settings/floor.day", {"value": {"PJSIP/1001": [1, 2]}}
    async with api.as_(ZHAO) as zhao:
        assert (await zhao.get(path)).status_code == 404
        none = await zhao.get("/api/board/settings/floor_plan")
        assert (none.status_code, none.headers["etag"]) == (200, '"v0"')
        assert none.json() == {
            "key": "floor_plan",
            "value": None,
            "version": 0,
            "by": None,
            "at": None,
            "defaults": None,
        }
        same = await zhao.get(
            "/api/board/settings/floor_plan", headers={"If-None-Match": none.headers["etag"]}
        )
        assert same.status_code == 304
        assert (await zhao.put(path, json=body, headers={"If-Match": '"v0"'})).status_code == 403
    async with api.as_(ADMIN) as admin:
        assert (await admin.put(path, json=body)).status_code == 428
        put = await admin.put(path, json=body, headers={"If-Match": '"v0"'})
        assert (put.status_code, put.headers["etag"]) == (200, '"v1"')
        late = await admin.put(path, json=body, headers={"If-Match": '"v0"'})
        assert (late.status_code, late.json()["code"]) == (412, "conflict")
        big = {"value": "x" * (64 << 10)}
        assert (await admin.put(path, json=big, headers={"If-Match": "*"})).status_code == 422
        bad = await admin.put("/api/board/settings/No", json=body, headers={"If-Match": "*"})
        assert bad.status_code == 422
    async with api.as_(WANG) as wang:
        got = await wang.get(path)
        assert got.json()["value"] == body["value"]
        same = await wang.get(path, headers={"If-None-Match": got.headers["etag"]})
        assert same.status_code == 304
    async with api.as_(WU) as auditor:
        assert (await auditor.get(path)).status_code == 403


# --- retention -------------------------------------------------------------------------------


async def test_holds_are_set_and_lifted_by_admins_and_noted(api: Rest) -> None:
    holds = "/api/retention/holds"
    body = {"kind": "number", "target": "139 0000 0001", "why": "法院调取"}
    for person in (WANG, ZHAO, SUN, WU):
        async with api.as_(person) as client:
            assert (await client.post(holds, json=body)).status_code == 403, person.name
    async with api.as_(ADMIN) as admin:
        made = await admin.post(holds, json=body)
        assert (made.status_code, made.json()["target"]) == (201, "+8613900000001")
        person = {"kind": "person", "target": "1001", "why": "x"}
        assert (await admin.post(holds, json=person)).json()["names"] == ["1001", "王芳"]
        for wrong in (
            {"kind": "number", "target": "anonymous", "why": "x"},
            {"kind": "person", "target": "nobody", "why": "x"},
            {"kind": "call", "target": "1.1", "why": "x"},
            {"kind": "call", "target": "1.1", "pbx": "main", "why": ""},
            {"kind": "queue", "target": "hotline", "why": "x"},
        ):
            assert (await admin.post(holds, json=wrong)).status_code == 422, wrong
        story = (await admin.get("/api/history/calls/main/1.1")).json()
        assert story["held"] is True
        lift = f"{holds}/{made.json()['id']}/lift"
        lifted = await admin.post(lift, json={"why": "结案"})
        assert (lifted.json()["lifted_by"], lifted.json()["lifted_why"]) == (ADMIN.login, "结案")
        assert (await admin.post(lift, json={"why": "again"})).status_code == 409
        assert (await admin.post(f"{holds}/none/lift", json={"why": "x"})).status_code == 404
    async with api.as_(WU) as auditor:
        listed = (await auditor.get(holds)).json()["items"]
        assert [hold["kind"] for hold in listed] == ["person", "number"]
        still = (await auditor.get(f"{holds}?open=true")).json()["items"]
        assert [hold["kind"] for hold in still] == ["person"]
    assert len(await api.audit("hold.set")) == 2
    [line] = await api.audit("hold.lift")
    assert line.detail["why"] == "结案"


async def test_the_policy_a_dry_run_and_the_purge_log(api: Rest) -> None:
    async with api.as_(ADMIN) as admin:
        told = (await admin.get("/api/retention")).json()
        assert (told["policy"]["calls_days"], told["policy"]["audit_days"]) == (30, None)
        assert told["retained_at"] is None
        assert (await admin.get("/api/retention/dry-run")).json() == {"items": []}
    now_us = api.t0_us + 40 * 24 * HOUR_US
    policy_days = told["policy"]["calls_days"]
    await api.store.retain(RetentionPolicy(calls_days=policy_days), now_us)
    async with api.as_(WU) as auditor:
        [line] = (await auditor.get("/api/retention/purges")).json()["items"]
        assert (line["kind"], line["rows"], line["at"]) == ("calls", 4, now_us / 1e6)
        assert (await auditor.get(f"/api/retention/purges?before={now_us / 1e6}")).json() == {
            "items": []
        }
        sent = await auditor.get("/api/retention/purges.csv?lang=en")
        assert b"calls" in sent.content
        assert (await auditor.get("/api/retention")).json()["retained_at"] == now_us / 1e6
        assert (await auditor.get("/api/retention/dry-run")).status_code == 403
    for person in (WANG, ZHAO, SUN, ZHOU):
        async with api.as_(person) as client:
            for path in ("", "/holds", "/purges", "/dry-run", "/purges.csv"):
                assert (await client.get(f"/api/retention{path}")).status_code == 403
