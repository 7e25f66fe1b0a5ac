"""The REST API over real sockets, with the real services behind it."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from openpyxl import load_workbook

from agentd.core.order_model import Complete, Edit, KeepPromise, MakePromise
from tests.adapters.rest_rig import (
    ADMIN,
    BOOK,
    LI,
    QIAN,
    SUN,
    WANG,
    WU,
    ZHAO,
    Rest,
    order_id,
    rest,
)

COMPLAINT = {"do": "complete", "category": "complaint", "fields": {"event": "路灯不亮"}}


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Rest]:
    async with rest(tmp_path) as running:
        yield running


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


# --- the form, seats ----------------------------------------------------------------------------


async def test_the_form_is_told_once_and_kept_by_its_etag(api: Rest) -> None:
    async with api.as_(WANG) as wang:
        form = await wang.get("/api/form")
        said = form.json()
        assert [c["key"] for c in said["categories"][""]] == ["consult", "complaint"]
        assert [c["key"] for c in said["categories"]["night"]] == ["consult", "complaint", "lost"]
        assert said["units"][0]["label"] == {"zh": "供水公司", "en": "Water works"}
        assert said["phrases"]["zh"][0]["text"] == "对不起，请您稍等一下"
        assert said["exceptions"] == ["silent_call", "bad_line", "wrong_number", "harassment"]
        clocks = {
            (c["queue"], c["group"]): (c["due_s"], c["remind_s"]) for c in said["order_clocks"]
        }
        assert clocks == {("", ""): (900.0, [600.0, 780.0]), ("night", ""): (60.0, [20.0, 40.0])}
        # Days begin at 16:00 UTC where nobody says otherwise: midnight in China.
        assert said["day_starts_s"] == (57_600 + said["utc_offset_s"]) % 86_400
        again = await wang.get("/api/form", headers={"If-None-Match": form.headers["etag"]})
        assert again.status_code == 304
        assert again.content == b""


async def test_a_person_signs_in_pauses_and_signs_out(api: Rest) -> None:
    async with api.as_(WANG) as wang:
        seats = (await wang.get("/api/seats")).json()
        assert [seat["seat"] for seat in seats] == ["PJSIP/1001", "PJSIP/1002"]
        seat = {"pbx": "main", "seat": "PJSIP/1001"}
        mine = (await wang.post("/api/seat/sign-in", json=seat)).json()
        assert mine["seat"] == "PJSIP/1001"
        assert (await wang.get("/api/me")).json()["seat"]["since_at"] == mine["since_at"]
        paused = await wang.post("/api/seat/pause", json={"reason": "lunch"})
        assert paused.json()["ready"] is False
        assert (await wang.post("/api/seat/pause", json={"reason": "?"})).status_code == 422
        assert (await wang.post("/api/seat/ready")).json()["ready"] is True
        dialled = await wang.post("/api/seat/dial", json={"number": "13900000001"})
        assert dialled.json() == {"how": "link", "number": "13900000001"}
        fault = await wang.post("/api/seat/faults", json={**seat, "text": "听筒没有声音"})
        assert fault.status_code == 201
        assert set((await wang.post("/api/seat/sign-out", json={})).json()["owed"]) == {
            order_id(1),
            order_id(3),
        }
        assert (await wang.get("/api/me")).json()["seat"] is None
    async with api.as_(ZHAO) as zhao:
        assert ids(await zhao.get("/api/faults")) == [fault.json()["id"]]
        done = await zhao.post(f"/api/faults/{fault.json()['id']}/done")
        assert done.json()["done_by"] == "2001"


# --- orders -------------------------------------------------------------------------------------


async def test_an_order_is_completed_forwarded_and_acknowledged(api: Rest) -> None:
    path = f"/api/orders/{order_id(1)}"
    async with api.as_(WANG) as wang:
        before = await wang.get(path)
        assert before.headers["etag"] == f'"v{before.json()["version"]}"'
        lacking = await wang.post(f"{path}/commands", json={"do": "complete"})
        assert lacking.status_code == 422
        assert lacking.headers["content-type"] == "application/problem+json"
        assert lacking.json()["missing"][0]["field"] == "category"
        assert lacking.json()["field"] == "category"
        done = await wang.post(
            f"{path}/commands", json=COMPLAINT, headers={"If-Match": before.headers["etag"]}
        )
        assert done.status_code == 200, done.text
        assert done.json()["state"] == "forwarded"
        assert done.headers["etag"] == f'"v{done.json()["version"]}"'
        again = await wang.post(f"{path}/commands", json=COMPLAINT)
        assert again.status_code == 409
        assert again.json()["code"] == "wrong_state"
        history = (await wang.get(f"{path}/history")).json()["items"]
        assert history[0]["do"] == "opened"
        assert history[-1]["by"] == "1001"
    async with api.as_(ZHAO) as zhao:
        inbox = (await zhao.get("/api/inbox")).json()
        assert [order["id"] for order in inbox["forwarded"]] == [order_id(1)]
        assert [order["id"] for order in inbox["overdue"]] == [order_id(3)]
        seen = await zhao.post(f"{path}/commands", json={"do": "acknowledge"})
        assert seen.json()["forwarded"]["acknowledged_by"] == "2001"


async def test_the_second_of_two_editors_is_shown_the_difference(api: Rest) -> None:
    path = f"/api/orders/{order_id(1)}"
    async with api.as_(WANG) as wang, api.as_(ZHAO) as zhao:
        etag = (await wang.get(path)).headers["etag"]
        first = await zhao.post(f"{path}/commands", json={"do": "note", "text": "请尽快"})
        assert first.status_code == 200, first.text
        second = await wang.post(
            f"{path}/commands",
            json={"do": "edit", "fields": {"event": "x"}},
            headers={"If-Match": etag},
        )
        assert second.status_code == 412
        assert second.json()["code"] == "conflict"
        assert second.json()["current"]["version"] == first.json()["version"]
        assert second.json()["current"]["notes"][0]["text"] == "请尽快"
        assert "allowed" in second.json()["current"]
        mended = await wang.post(
            f"{path}/commands",
            json={"do": "edit", "fields": {"event": "x"}},
            headers={"If-Match": first.headers["etag"]},
        )
        assert mended.status_code == 200
        unchanged = await wang.get(path, headers={"If-None-Match": mended.headers["etag"]})
        assert unchanged.status_code == 304


async def test_lists_are_filtered_paged_and_strict(api: Rest) -> None:
    async with api.as_(SUN) as sun:
        everything = await sun.get("/api/orders")
        assert ids(everything) == [order_id(n) for n in (4, 3, 2, 1)]
        assert ids(await sun.get("/api/orders?owner=1001")) == [order_id(3), order_id(1)]
        assert ids(await sun.get("/api/orders?kind=missed")) == [order_id(4)]
        assert ids(await sun.get("/api/orders?number=%2B86+139+0000+0002")) == [order_id(2)]
        assert ids(await sun.get("/api/orders?state=completed,closed")) == []
        assert ids(await sun.get("/api/orders?queue=night&urgent=false")) == [order_id(2)]
        from_at = api.t0_us / 1_000_000 + 25 * 60
        assert ids(await sun.get(f"/api/orders?from={from_at}&sort=due&kind=call")) == [order_id(3)]
        pages: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            query = {"limit": "3", **({"cursor": cursor} if cursor else {})}
            page = await sun.get("/api/orders", params=query)
            pages += ids(page)
            cursor = page.json()["next_cursor"]
        assert pages == ids(everything)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("ownr=me", "ownr"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("state=opened", "state"),
        ("state=", "state"),
        ("state=open,", "state"),
        ("urgent=perhaps", "urgent"),
        ("from=yesterday", "from"),
        ("from=nan", "from"),
        ("from=1e300", "from"),
        ("sort=random", "sort"),
        ("limit=1&limit=2", "limit"),
        ("number=" + "1" * 100, "number"),
        ("%00=1", "?"),
    ],
)
async def test_a_mistyped_filter_is_refused_by_name(api: Rest, query: str, field: str) -> None:
    async with api.as_(SUN) as sun:
        answer = await sun.get(f"/api/orders?{query}")
        assert answer.status_code == 422, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["field"] == field
        assert answer.json()["text_zh"]


async def test_search_finds_chinese_words_and_is_no_language(api: Rest) -> None:
    edit = Edit(category="consult", fields={"place": "人民路", "event": '路灯 50% "坏了"_'})
    await api.done(WANG, order_id(1), edit)
    async with api.as_(SUN) as sun:
        for words in ("路灯", "人民路 路灯", "50%"):
            found = await sun.get("/api/orders", params={"q": words})
            assert ids(found) == [order_id(1)], words
        for words in (
            "'; DROP TABLE order_document; --",
            '" OR 1=1',
            "a* NOT b",
            "NEAR(",
            "%",
            "^",
        ):
            answer = await sun.get("/api/orders", params={"q": words})
            assert answer.status_code == 200, answer.text
        assert len(ids(await sun.get("/api/orders"))) == 4


async def test_a_draft_is_kept_replaced_and_forgotten(api: Rest) -> None:
    path = f"/api/orders/{order_id(1)}/draft"
    async with api.as_(WANG) as wang:
        assert (await wang.get(path)).json() is None
        assert (await wang.put(path, json={"fields": {"place": "人"}})).status_code == 204
        assert (await wang.get(path)).json() == {"fields": {"place": "人"}}
        assert (await wang.delete(path)).status_code == 204
        assert (await wang.get(path)).json() is None
    async with api.as_(LI) as li:
        assert (await li.get(path)).status_code == 404
        assert (await li.put(path, json={})).status_code == 404
        assert (await li.delete(path)).status_code == 404


async def test_earlier_orders_of_a_caller(api: Rest) -> None:
    async with api.as_(ZHAO) as zhao:
        assert ids(await zhao.get("/api/callers/+8613900000001/orders")) == [order_id(1)]
        assert ids(await zhao.get("/api/callers/anonymous/orders")) == []


# --- exports ------------------------------------------------------------------------------------


async def test_orders_leave_as_files_and_the_audit_log_knows(api: Rest) -> None:
    await api.done(WANG, order_id(1), Edit(fields={"event": "=1+1"}, category="consult"))
    async with api.as_(SUN) as sun:
        sent = await sun.get("/api/orders.csv?kind=call&lang=en")
        assert sent.headers["content-type"] == "text/csv; charset=utf-8"
        assert "attachment" in sent.headers["content-disposition"]
        rows = list(csv.DictReader(io.StringIO(sent.content.decode("utf-8-sig"), newline="")))
        assert [row["order"] for row in rows] == [order_id(n) for n in (3, 2, 1)]
        assert rows[-1]["Event"] == "'=1+1"
        assert rows[-1]["agent"] == "王芳 (1001)"
        book = await sun.get("/api/orders.xlsx?owner=1001")
        sheet = load_workbook(io.BytesIO(book.content)).active
        assert [cell.value for cell in next(sheet.columns)] == [
            "工单编号",
            order_id(3),
            order_id(1),
        ]
        assert (await sun.get("/api/orders.csv?knd=call")).status_code == 422
        assert (await sun.get("/api/orders.csv?limit=5")).status_code == 422
    lines = await api.audit("orders.export")
    assert [(line.who, line.target, dict(line.detail)) for line in lines] == [
        ("3001", "xlsx", {"owner": "1001"}),
        ("3001", "csv", {"kind": "call"}),
    ]
    async with api.as_(ZHAO) as zhao:
        sent = await zhao.get("/api/orders.csv")
        assert order_id(1) in sent.text
        assert order_id(2) not in sent.text


# --- violations, shift --------------------------------------------------------------------------


async def test_a_violation_is_appealed_and_decided(api: Rest) -> None:
    async with api.as_(WANG) as wang, api.as_(ZHAO) as zhao, api.as_(LI) as li:
        mine = (await wang.get("/api/violations?person=me")).json()["items"]
        assert {v["violation"]["id"] for v in mine} == {"v-1", "v-3"}
        assert (
            await li.post("/api/violations/v-1/appeal", json={"reason": "x"})
        ).status_code == 404
        assert (await wang.post("/api/violations/v-1/appeal", json={})).status_code == 422
        said = await wang.post("/api/violations/v-1/appeal", json={"reason": "线路故障"})
        assert said.json()["appeals"][0]["status"] == "pending"
        inbox = (await zhao.get("/api/inbox?team=day")).json()
        assert [a["violation"]["id"] for a in inbox["appeals"]] == ["v-1"]
        decision = {"violations": ["v-1"], "grant": True, "reason": "属实"}
        assert (await wang.post("/api/appeals/decide", json=decision)).status_code == 403
        decided = await zhao.post("/api/appeals/decide", json=decision)
        assert decided.json()["items"][0]["standing"] is False
        figures = (await wang.get(f"/api/me/figures?from={api.t0_us / 1e6}")).json()
        assert (figures["violations"], figures["answered"], figures["orders_owed"]) == (1, 2, 2)
        window = {"from": api.t0_us / 1e6, "to": api.t0_us / 1e6 + 36_000, "reason": "线路中断"}
        assert (await wang.post("/api/appeals/window", json=window)).status_code == 403
        excused = await zhao.post("/api/appeals/window", json=window)
        assert [v["violation"]["id"] for v in excused.json()["items"]] == ["v-3"]
        backwards = {**window, "to": 0.0}
        assert (await zhao.post("/api/appeals/window", json=backwards)).json()["field"] == "to"


async def test_the_roster_and_the_handover(api: Rest) -> None:
    now = api.t0_us / 1e6 + 6 * 3600
    line = {
        "id": "",
        "team": "day",
        "login": "2001",
        "role": "leader",
        "from_at": now - 3600,
        "to_at": now + 3600,
        "note": "",
    }
    async with api.as_(ZHAO) as zhao:
        [put] = (await zhao.put("/api/roster", json={"put": [line]})).json()["items"]
        assert put == {**line, "id": put["id"]}
        assert ids(await zhao.get("/api/roster")) == [put["id"]]
        on_duty = (await zhao.get("/api/inbox?team=day")).json()["on_duty"]
        assert on_duty == {"leaders": [{"login": "2001", "name": "赵班长"}], "deputies": []}
        assert (await zhao.put("/api/roster", json={"delete": [put["id"]]})).status_code == 200
        assert ids(await zhao.get("/api/roster")) == []
        text = "乱七八糟".encode("gb18030")
        bad = await zhao.post(
            "/api/roster/import", content=text, headers={"Content-Type": "text/csv"}
        )
        assert bad.status_code == 422
        assert bad.json()["text_zh"]
        wrong = await zhao.post("/api/roster/import", json={"put": []})
        assert wrong.status_code == 415
        given = await zhao.post("/api/handovers", json={"team": "day", "log": "一切正常"})
        assert given.status_code == 201
        assert order_id(1) in given.json()["open_orders"]
        assert ids(await zhao.get("/api/handovers?team=day")) == [given.json()["id"]]


async def test_promises_to_keep_can_be_asked_for(api: Rest) -> None:
    now = api.t0_us / 1e6 + 6 * 3600
    async with api.as_(ZHAO) as zhao:
        for number, due_s in ((1, 3600), (3, 600)):
            await api.done(ZHAO, order_id(number), MakePromise("回电", int((now + due_s) * 1e6)))
        assert ids(await zhao.get("/api/orders?sort=promise")) == [order_id(3), order_id(1)]
        soon = f"/api/orders?promised=true&promise_due_to={now + 3600}"
        assert ids(await zhao.get(soon)) == [order_id(3)]
        await api.done(ZHAO, order_id(3), KeepPromise())
        assert ids(await zhao.get("/api/orders?promised=true")) == [order_id(1)]
        kept = ids(await zhao.get("/api/orders?promised=false"))
        assert order_id(3) in kept
        assert order_id(1) not in kept


# --- people -------------------------------------------------------------------------------------


async def test_accounts_are_made_and_what_is_left_out_stays(api: Rest) -> None:
    async with api.as_(ADMIN) as admin:
        made = await admin.put(
            "/api/people/1003",
            json={
                "name": "韩梅",
                "role": "agent",
                "queues": ["hotline"],
                "password": "a good one 9",
            },
        )
        assert made.status_code == 200, made.text
        changed = await admin.put("/api/people/1003", json={"teams": ["day"]})
        assert changed.json()["queues"] == ["hotline"]
        assert changed.json()["teams"] == ["day"]
        assert changed.json()["name"] == "韩梅"
        assert (await admin.put("/api/people/1004", json={"name": "x"})).json()["field"] == "role"
        assert (await admin.put("/api/people/1003", json={"rights": []})).status_code == 422
        everybody = (await admin.get("/api/people")).json()["items"]
        assert {p["login"] for p in everybody} >= {"1001", "1003", "4001"}
        assert "password_hash" not in str(everybody)
    async with api.as_(ZHAO) as zhao:
        people = (await zhao.get("/api/people")).json()["items"]
        assert {"login": "1001", "name": "王芳"}.items() <= people[0].items()
        assert people[0]["role"] is None
        assert "1002" not in {p["login"] for p in people}
    async with api.as_(WU) as wu:
        lines = (await wu.get("/api/audit?action=person.put&who=4001")).json()
        assert lines["items"][0]["target"] == "1003"
        before = lines["items"][0]["seq"]
        older = (await wu.get(f"/api/audit?before={before}")).json()["items"]
        assert all(line["seq"] < before for line in older)


async def test_tokens_are_made_shown_once_and_revoked(api: Rest) -> None:
    async with api.as_(ADMIN) as admin:
        made = await admin.post(
            "/api/tokens", json={"name": "台账", "rights": ["orders.read"], "queues": ["hotline"]}
        )
        assert made.status_code == 201
        secret = made.json()["secret"]
        listed = await admin.get("/api/tokens")
        assert ids(listed) == [made.json()["token"]["id"]]
        assert secret not in listed.text
        assert "hash" not in listed.text
        bad = await admin.post("/api/tokens", json={"name": "x", "rights": ["everything"]})
        assert bad.json()["field"] == "rights"
        async with api.as_(None) as machine:
            headers = {"Authorization": f"Bearer {secret}"}
            seen = await machine.get("/api/orders", headers=headers)
            assert ids(seen) == [order_id(n) for n in (4, 3, 1)]
            for path in ("/api/orders.csv", "/api/people", "/api/me/calls", "/api/inbox"):
                assert (await machine.get(path, headers=headers)).status_code == 403, path
            revoked = await admin.delete(f"/api/tokens/{made.json()['token']['id']}")
            assert revoked.status_code == 204
            assert (await machine.get("/api/orders", headers=headers)).status_code == 401


# --- the city's platform ------------------------------------------------------------------------


async def test_the_platform_completes_what_carries_its_number(tmp_path: Path) -> None:
    async with rest(tmp_path, book=replace(BOOK, external=True)) as api:
        for number in (1, 3):
            await api.done(WANG, order_id(number), Edit(external_no="SZ-2026/0017"))
        await api.done(LI, order_id(2), Edit(external_no="SZ-2026/0018"))
        path = "/api/external/orders/SZ-2026%2F0017/complete"
        headers = await api.token("orders.complete")
        async with api.as_(None) as platform, api.as_(WANG) as wang:
            other = await platform.post("/api/external/orders/SZ-2026/complete", headers=headers)
            assert other.status_code == 404
            told = await platform.post(path, headers=headers)
            assert told.status_code == 200, told.text
            assert {(o["id"], o["state"]) for o in told.json()["items"]} == {
                (order_id(1), "completed"),
                (order_id(3), "completed"),
            }
            assert all(o["completed_by"].startswith("token:") for o in told.json()["items"])
            again = await platform.post(path, headers=headers)
            assert again.json() == told.json()
            assert (await wang.post(path)).status_code == 403
            reader = await api.token("orders.read")
            assert (await platform.post(path, headers=reader)).status_code == 403


async def test_outside_of_that_mode_the_platform_cannot_skip_the_form(api: Rest) -> None:
    await api.done(WANG, order_id(1), Edit(external_no="17"))
    async with api.as_(None) as platform:
        headers = await api.token("orders.complete")
        told = await platform.post("/api/external/orders/17/complete", headers=headers)
        assert told.status_code == 422
        assert told.json()["missing"][0]["field"] == "category"
    assert (await api.store.order(order_id(1))).state == "open"  # type: ignore[union-attr]


# --- the document -------------------------------------------------------------------------------


async def test_the_openapi_document_names_every_route_and_needs_a_login(api: Rest) -> None:
    async with api.as_(None) as nobody:
        assert (await nobody.get("/api/openapi.json")).status_code == 401
    async with api.as_(WANG) as wang:
        document = (await wang.get("/api/openapi.json")).json()
    assert {
        "/api/session",
        "/api/form",
        "/api/orders/{id}/commands",
        "/api/recordings/{id}",
        "/api/external/orders/{external_no}/complete",
    } <= set(document["paths"])
    body = document["paths"]["/api/orders/{id}/commands"]["post"]["requestBody"]
    schema = body["content"]["application/json"]["schema"]
    assert schema["discriminator"]["propertyName"] == "do"
    assert "link" not in schema["discriminator"]["mapping"]


async def test_complete_leaves_nothing_half_done_when_it_is_refused(api: Rest) -> None:
    before = await api.store.order(order_id(1))
    refused = await api.desk.command(
        WANG, order_id(1), Complete(category="consult", fields={"place": "x"})
    )
    assert "event" in str(refused)
    assert await api.store.order(order_id(1)) == before
    async with api.as_(QIAN) as qian:
        assert (await qian.get(f"/api/orders/{order_id(1)}")).status_code == 404
