"""Who tries more than they may: other people's orders, leaders' doors, crafted input."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agentd.core.people import Person
from tests.adapters.rest_rig import (
    ADMIN,
    LI,
    PASSWORD,
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


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Rest]:
    async with rest(tmp_path) as running:
        yield running


async def test_an_agent_finds_nothing_of_a_colleague(api: Rest) -> None:
    theirs = order_id(2)
    before = await api.store.order(theirs)
    async with api.as_(WANG) as wang:
        for path in ("", "/history", "/draft"):
            answer = await wang.get(f"/api/orders/{theirs}{path}")
            nothing = await wang.get(f"/api/orders/main-99.9{path}")
            assert answer.status_code == 404
            # What is not theirs looks like what does not exist.
            assert answer.json() == nothing.json()
        assert (await wang.get("/api/orders/by-call/main/2.1")).status_code == 404
        for command in ({"do": "edit"}, {"do": "note", "text": "x"}, {"do": "complete"}):
            answer = await wang.post(f"/api/orders/{theirs}/commands", json=command)
            assert answer.status_code == 404
            assert "current" not in answer.json()
        merge = await wang.post(
            f"/api/orders/{order_id(1)}/commands", json={"do": "merge", "into": theirs}
        )
        assert merge.status_code in (403, 404, 409, 422)
        assert theirs not in json.dumps(merge.json().get("current"))
        for query in ("", "?owner=1002", f"?q={theirs}", "?number=13900000002", "?queue=night"):
            listed = await wang.get(f"/api/orders{query}")
            assert {order["owner"] for order in listed.json()["items"]} <= {"1001"}, query
        assert (await wang.get("/api/callers/13900000002/orders")).json()["items"] == []
        for query in ("", "?person=1002"):
            shown = (await wang.get(f"/api/violations{query}")).json()["items"]
            assert {item["owner"] for item in shown} <= {"1001"}
    assert await api.store.order(theirs) == before


LEADERS_DOORS: list[tuple[str, str, Any]] = [
    ("GET", "/api/inbox", None),
    ("GET", "/api/orders.csv", None),
    ("GET", "/api/orders.xlsx", None),
    ("PUT", "/api/roster", {"put": []}),
    ("POST", "/api/appeals/decide", {"violations": ["v-1"], "grant": True, "reason": "x"}),
    ("POST", "/api/appeals/window", {"from": 0, "to": 4e9, "reason": "x"}),
    ("POST", "/api/handovers", {"team": "day", "log": "x"}),
    ("PUT", "/api/people/1001", {"role": "admin"}),
    ("PUT", "/api/people/6666", {"name": "x", "role": "admin", "password": "a good one 9"}),
    ("GET", "/api/people", None),
    ("GET", "/api/tokens", None),
    ("POST", "/api/tokens", {"name": "x", "rights": ["orders.read"]}),
    ("DELETE", "/api/tokens/x", None),
    ("GET", "/api/audit", None),
    ("POST", "/api/external/orders/1/complete", None),
]


@pytest.mark.parametrize(("method", "path", "body"), LEADERS_DOORS)
async def test_an_agent_is_refused_at_every_other_door(
    api: Rest, method: str, path: str, body: Any
) -> None:
    async with api.as_(WANG) as wang:
        answer = await wang.request(method, path, json=body)
        assert answer.status_code == 403, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        me = (await wang.get("/api/me")).json()
        assert me["role"] == "agent"


@pytest.mark.parametrize("person", [ZHAO, QIAN, SUN, ZHOU, WU])
@pytest.mark.parametrize(
    ("method", "path", "body"), [door for door in LEADERS_DOORS if "/tokens" in door[1]]
)
async def test_only_who_manages_accounts_makes_tokens(
    api: Rest, person: Person, method: str, path: str, body: Any
) -> None:
    async with api.as_(person) as somebody:
        assert (await somebody.request(method, path, json=body)).status_code == 403


async def test_the_auditor_reads_the_log_and_nothing_else(api: Rest) -> None:
    async with api.as_(WU) as wu:
        assert (await wu.get("/api/audit")).status_code == 200
        for path in ("/api/orders", f"/api/orders/{order_id(1)}", "/api/inbox", "/api/people"):
            assert (await wu.get(path)).status_code in (403, 404), path
        assert (await wu.get("/api/violations")).json().get("items", []) == []
        assert (await wu.get("/api/calls/main/1.1")).status_code == 404
    async with api.as_(ADMIN) as admin:
        assert (await admin.get("/api/audit")).status_code == 403


async def test_nobody_signs_a_colleague_out(api: Rest) -> None:
    async with api.as_(LI) as li, api.as_(WANG) as wang, api.as_(ZHAO) as zhao:
        await li.post("/api/seat/sign-in", json={"pbx": "main", "seat": "PJSIP/1002"})
        for other in (wang, zhao):
            answer = await other.post("/api/seat/sign-out", json={"login": "1002"})
            assert answer.status_code == 403, answer.text
        assert (await li.get("/api/me")).json()["seat"] is not None


async def test_a_leader_leads_the_own_team_only(api: Rest) -> None:
    theirs = order_id(1)
    async with api.as_(QIAN) as qian:
        assert (await qian.get(f"/api/orders/{theirs}")).status_code == 404
        assert (await qian.get("/api/inbox?team=day")).status_code == 403
        inbox = (await qian.get("/api/inbox")).json()
        shown = [order["id"] for kind in ("overdue", "forwarded") for order in inbox[kind]]
        assert order_id(3) not in shown
        decision = {"violations": ["v-1"], "grant": True, "reason": "x"}
        assert (await qian.post("/api/appeals/decide", json=decision)).status_code == 404
        began = api.t0_us / 1e6
        window = {"from": began, "to": began + 36_000, "reason": "x"}
        excused = (await qian.post("/api/appeals/window", json=window)).json()["items"]
        assert {item["owner"] for item in excused} == {"1002"}


@pytest.mark.parametrize(
    "id_",
    [
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e",
        "%00",
        "main-1.1%00",
        "'; DROP TABLE work_order; --",
        "%27%20OR%201=1",
        "x" * 5000,
        "%ff%fe",
        "main-1.1/../main-2.1",
        "😀",
        "*",
        "_",
        "%25",
    ],
)
async def test_a_crafted_id_finds_nothing(api: Rest, id_: str) -> None:
    async with api.as_(WANG) as wang:
        for path in ("orders", "recordings", "violations", "faults", "handovers"):
            method = "GET" if path in ("orders", "recordings") else "POST"
            tail = {"violations": "/appeal", "faults": "/done", "handovers": "/confirm"}
            body = {"reason": "x"} if path == "violations" else None
            answer = await wang.request(method, f"/api/{path}/{id_}{tail.get(path, '')}", json=body)
            assert answer.status_code in (403, 404, 405, 422), (path, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
        assert (await wang.get(f"/api/orders/{order_id(1)}")).status_code == 200


async def test_a_cursor_that_was_tampered_with_is_refused(api: Rest) -> None:
    async with api.as_(SUN) as sun:
        real = (await sun.get("/api/orders?limit=1")).json()["next_cursor"]
        forged = base64.urlsafe_b64encode(b"x" * 6 + b"[0,0]").decode().rstrip("=")
        for cursor in (real[:-2], real + "x", real[::-1], forged, "0", "../..", "\u00e9", "=" * 9):
            answer = await sun.get("/api/orders", params={"cursor": cursor})
            assert answer.status_code == 422, cursor
            assert answer.json()["field"] == "cursor"
        other_list = await sun.get("/api/violations", params={"cursor": real})
        assert other_list.status_code == 422
        other_order = await sun.get("/api/orders", params={"cursor": real, "sort": "due"})
        assert other_order.status_code == 422


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b'{"do":"urgent"}', "text/plain", 415),
        (b'{"do":"urgent"}', "application/x-www-form-urlencoded", 415),
        (b'{"do":"urgent"}', "text/csv", 415),
        (b'{"do":"urgent"}', "", 415),
        (b"", "application/json", 422),
        (b"{", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"[]", "application/json", 422),
        (b"null", "application/json", 422),
        (b'"urgent"', "application/json", 422),
        (b'{"do":"urgent","do":"link"}', "application/json", 422),
        (b'{"do":"link","contact":{}}', "application/json", 422),
        (b'{"do":"tick"}', "application/json", 422),
        (b'{"do":"note","text":"\\ud800"}', "application/json", 422),
        (b'{"do":"promise","text":"x","due_at":NaN}', "application/json", 422),
        (b'{"do":"promise","text":"x","due_at":1e999}', "application/json", 422),
        (
            b'{"do":"dispatch","unit":"water","due_days":' + b"9" * 4000 + b"}",
            "application/json",
            422,
        ),
        (b"[" * 100_000, "application/json", 400),
    ],
)
async def test_a_body_that_is_none_is_refused_and_changes_nothing(
    api: Rest, content: bytes, kind: str, status: int
) -> None:
    before = await api.store.order(order_id(1))
    headers = {"Content-Type": kind} if kind else {}
    async with api.as_(WANG) as wang:
        answer = await wang.post(
            f"/api/orders/{order_id(1)}/commands", content=content, headers=headers
        )
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status
    assert await api.store.order(order_id(1)) == before


async def test_a_huge_body_is_refused(api: Rest) -> None:
    async with api.as_(WANG) as wang:
        path = f"/api/orders/{order_id(1)}/draft"
        answer = await wang.put(path, json={"text": "x" * 300_000})
        assert answer.status_code == 413
        endless = await wang.put(path, json={"text": "x" * 3_000_000})
        assert endless.status_code == 413
        many = await wang.put(path, json={str(n): n for n in range(300)})
        assert many.status_code == 422
        long = await wang.put(path, json={"text": "字" * 70_000})
        assert long.status_code == 422
        assert (await wang.get(path)).json() is None


async def test_other_sites_pages_change_nothing(api: Rest) -> None:
    async with api.as_(WANG) as wang:
        answer = await wang.post(
            f"/api/orders/{order_id(1)}/commands",
            json={"do": "urgent"},
            headers={"Origin": "https://evil.example"},
        )
        assert answer.status_code == 403
        assert (await wang.get(f"/api/orders/{order_id(1)}")).json()["urgent"] is None


async def test_refusals_are_problems_whatever_was_asked(api: Rest) -> None:
    async with api.as_(WANG) as wang:
        for method, path, status in (
            ("GET", "/api/nothing", 404),
            ("GET", "/api", 404),
            ("PUT", "/api/orders", 405),
            ("OPTIONS", "/api/handovers", 405),
            ("DELETE", f"/api/orders/{order_id(1)}", 405),
        ):
            answer = await wang.request(method, path)
            assert answer.status_code == status, path
            assert answer.headers["content-type"] == "application/problem+json"
            assert {"type", "title", "status", "detail", "code", "text_zh", "text_en"} <= set(
                answer.json()
            )
        allowed = (await wang.request("OPTIONS", "/api/handovers")).headers["allow"]
        assert allowed == "GET, POST"


async def test_who_is_disabled_is_out_at_once(api: Rest) -> None:
    async with api.as_(LI) as li, api.as_(ADMIN) as admin:
        assert (await li.get("/api/me")).status_code == 200
        await admin.put("/api/people/1002", json={"disabled": True})
        assert (await li.get("/api/me")).status_code == 401
        again = await li.post("/api/session", json={"login": "1002", "password": PASSWORD})
        assert again.status_code == 403
