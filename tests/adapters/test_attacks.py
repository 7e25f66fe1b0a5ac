"""Every way in, for everybody: who gets what at each route of the OpenAPI document."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from agentd.core.effects import Alert, CallEnded, OrderChanged
from agentd.core.order_model import Edit
from agentd.ports.history import alert_id
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
    a_call,
    order_id,
    rest,
)
from tests.adapters.store_rig import ignore

PEOPLE = {
    "owner": WANG,
    "agent": LI,
    "leader": ZHAO,
    "elsewhere": QIAN,
    "qa": ZHOU,
    "manager": SUN,
    "admin": ADMIN,
    "auditor": WU,
}
TOKENS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "t-board": (("board",), ()),
    "t-metrics": (("metrics",), ()),
    "t-complete": (("orders.complete",), ()),
    "t-export": (("orders.export",), ()),
    "t-read": (("orders.read",), ()),
    "t-night": (("orders.read", "orders.export", "orders.complete"), ("night",)),
}
COLUMNS = (*PEOPLE, *TOKENS, "nobody")
SECRET = "机密的地址一号"

# o: done   +: done, and it holds what only some may know   0: an empty list   x: forbidden
# -: not found   l: log in first   s: not in this state (allowed)   i: not as it must be (allowed)
# Agents (whose it is, another), shift leaders (of the team, of another), qa, manager, admin,
# auditor; tokens: board, metrics, complete, export, read, of another queue; nobody.
ROWS = """
GET me                                        o o o o o o o o x x x x x x l
PUT me/settings                               o o o o o o o o x x x x x x l
GET form                                      o o o o o o o x x x x x x x l
GET seats                                     o o o o o o o x x x x x x x l
POST seat/sign-in                             o o o o x x x x x x x x x x l
POST seat/ready                               o o s s x x x x x x x x x x l
POST seat/pause                               o o s s x x x x x x x x x x l
POST seat/dial                                o o o o x x x x x x x x x x l
POST seat/sign-out                            o o o o s s s s x x x x x x l
POST seat/faults                              o o o o x x o x x x x x x x l
GET faults                                    + o + o x x + x x x x x x x l
POST faults/{id}/done                         x x + - x x + x x x x x x x l
GET orders.csv                                x x + o x + x x x x x + x o l
GET orders.xlsx                               x x o o x o x x x x x o x o l
GET orders                                    + 0 + 0 + + + x x x x x + 0 l
GET orders/by-call/{pbx}/{call}               + - + - + + + x x x x x + - l
GET orders/{id}                               + - + - + + + x x x x x + - l
GET orders/{id}/history                       + - + - + + + x x x x x + - l
GET orders/{id}/draft                         + - o - o o o - x x x x x x l
PUT orders/{id}/draft                         o - o - o o o - x x x x x x l
DELETE orders/{id}/draft                      o - o - o o o - x x x x x x l
GET callers/{number}/orders                   + 0 + 0 + + + 0 x x x x x x l
POST orders/{id}/commands                     + - + - + + x - x x x x x x l
GET me/calls                                  o o 0 0 0 0 0 0 x x x x x x l
GET me/figures                                o o o o x x x x x x x x x x l
GET calls/{pbx}/{call}                        o - o - o o o - x x x x x x l
GET recordings/{id}                           o - o - o o - - x x x x x x l
GET history/calls                             + 0 + 0 + + + x x x x x + 0 l
GET history/calls.csv                         x x + o x + x x x x x + x o l
GET history/calls.xlsx                        x x o o x o x x x x x o x o l
GET history/calls/{pbx}/{call}                + - + - + + + - x x x x x x l
GET history/people/{login}/spans              0 x 0 0 0 0 0 x x x x x x x l
GET history/people/{login}/spans.{kind}       x x o o x o x x x x x o x o l
GET history/seats/{pbx}/{seat}/spans          x x 0 0 0 0 0 x x x x x x x l
GET history/seats/{pbx}/{seat}/spans.{kind}   x x o o x o x x x x x o x o l
GET history/queues/{name}/day                 x x o o o o o x x x x x x x l
GET history/queues/{name}/day.{kind}          x x o o x o x x x x x o x - l
GET history/visits                            x x 0 0 0 0 0 x x x x x 0 0 l
GET history/visits.{kind}                     x x o o x o x x x x x o x o l
GET alerts                                    + 0 + 0 + + + x + x x x x x l
GET alerts.{kind}                             x x o o x o x x x x x o x o l
GET alerts/load                               x x 0 0 0 0 0 x x x x x x x l
POST alerts/{id}/acknowledge                  x x + - x x x x x x x x x x l
GET board/settings/{key}                      - - - - - - - x x x x x x x l
PUT board/settings/{key}                      x x x x x x o x x x x x x x l
GET retention                                 x x x x x x o o x x x x x x l
GET retention/holds                           x x x x x x 0 0 x x x x x x l
POST retention/holds                          x x x x x x o x x x x x x x l
POST retention/holds/{id}/lift                x x x x x x - x x x x x x x l
GET retention/purges                          x x x x x x 0 0 x x x x x x l
GET retention/purges.{kind}                   x x x x x x o o x x x x x x l
GET retention/dry-run                         x x x x x x 0 x x x x x x x l
GET control                                   o o o o o o o o x x x x x x l
PUT control/phone                             x x o o x x x x x x x x x x l
POST control/listen                           x x - - x x x x x x x x x x l
POST control/whisper                          x x - - x x x x x x x x x x l
POST control/barge                            x x - - x x x x x x x x x x l
POST control/pause                            x x - - x x x x x x x x x x l
POST control/unpause                          x x - - x x x x x x x x x x l
POST control/logout                           x x - - x x x x x x x x x x l
POST control/move-up                          x x - - x x x x x x x x x x l
POST control/redirect                         x x - - x x x x x x x x x x l
POST control/hangup                           x x - - x x x x x x x x x x l
POST control/message                          x x o - x x x x x x x x x x l
POST wall/session                             l l l l l l l l l l l l l l l
DELETE wall/session                           o o o o o o o o o o o o o o o
POST wall/keep                                o o o o o o o o o o o o o o l
GET wall                                      x x o o o o o x o x x x x x l
GET wall/intervals                            x x o o o o o x o x x x x x l
GET messages                                  0 0 0 0 0 0 0 0 x x x x x x l
POST messages/{id}/read                       - - - - - - - - x x x x x x l
GET figures                                   x x o o o o o x o x x x x x l
GET figures/intervals                         x x o o o o o x o x x x x x l
GET figures/calls                             x x 0 0 0 0 0 x 0 x x x x x l
GET reports                                   x x o o o o o x o x x x x x l
GET reports.{kind}                            x x o o o o o x o x x x x x l
GET metrics                                   o o o o o o o x o x x x x x l
GET health/feed                               x x o o o o o x o x x x x x l
GET violations                                + 0 + 0 + + + 0 x x x x x x l
POST violations/{id}/appeal                   o - x - x x x - x x x x x x l
POST appeals/decide                           x x + - x x x x x x x x x x l
POST appeals/window                           x x + o x x x x x x x x x x l
GET inbox                                     x x o o x x x x x x x x x x l
GET roster                                    x x 0 0 x x 0 x x x x x x x l
PUT roster                                    x x o x x x o x x x x x x x l
POST roster/import                            x x i i x x i x x x x x x x l
GET handovers                                 x x + 0 x x + x x x x x x x l
POST handovers                                x x o x x x x x x x x x x x l
POST handovers/{id}/confirm                   x x x - x x x x x x x x x x l
GET people                                    x x o o o o o x x x x x x x l
PUT people/{login}                            x x x x x x o x x x x x x x l
GET tokens                                    x x x x x x o x x x x x x x l
POST tokens                                   x x x x x x o x x x x x x x l
DELETE tokens/{id}                            x x x x x x o x x x x x x x l
GET audit                                     x x x x x x x o x x x x x x l
POST external/orders/{external_no}/complete   x x x x x x x x x x i x x - l
PUT me/password                               o o o o o o o o x x x x x x l
DELETE session                                o o o o o o o o o o o o o o l
POST session                                  l l l l l l l l l l l l l l l
"""


@asynccontextmanager
async def asking(api: Rest, who: str) -> AsyncIterator[httpx.AsyncClient]:
    if who in TOKENS:
        rights, queues = TOKENS[who]
        async with api.as_(None) as client:
            client.headers.update(await api.token(*rights, queues=queues))
            yield client
    else:
        async with api.as_(PEOPLE.get(who)) as client:
            yield client


async def furnish(api: Rest) -> dict[str, str]:
    """WANG's order with everything around it; ids for the paths."""
    await api.done(WANG, order_id(1), Edit(external_no="E-1", fields={"place": SECRET}))
    async with api.as_(WANG) as wang, api.as_(ZHAO) as zhao, api.as_(ADMIN) as admin:
        seat = {"pbx": "main", "seat": "PJSIP/1001"}
        fault = await wang.post("/api/seat/faults", json={**seat, "text": SECRET})
        (await wang.put(f"/api/orders/{order_id(1)}/draft", json={"x": SECRET})).raise_for_status()
        (await wang.post("/api/violations/v-1/appeal", json={"reason": SECRET})).raise_for_status()
        handed = await zhao.post("/api/handovers", json={"team": "day", "log": SECRET})
        token = await admin.post("/api/tokens", json={"name": "x", "rights": ["board"]})
        heard = (await wang.get("/api/me/calls")).json()["items"]
        recording = next(leg["recordings"][0]["id"] for leg in heard if leg["call"] == "1.1")
    over = CallEnded(
        "main", "1.1", "hotline", ("hotline",), "13900000001", api.t0_us, api.t0_us, 0, SECRET,
        ("1.1-leg",), False,
    )  # fmt: skip
    said = Alert(
        "main", api.t0_us, "breach", "hold", "PJSIP/1001", "1001", "1.1", "hotline", ("seat",),
        None, None, SECRET,
    )  # fmt: skip
    api.store.submit([over, said], {}, ignore, pbx="main")
    await api.store.flush()
    return {
        "alert": alert_id(said),
        "order": order_id(1),
        "recording": recording,
        "fault": fault.json()["id"],
        "handover": handed.json()["id"],
        "token": token.json()["token"]["id"],
    }


def requests(api: Rest, ids: dict[str, str], who: str) -> list[tuple[str, str, dict[str, Any]]]:
    """(route of the document, path, arguments), in an order in which none spoils the next."""
    began = api.t0_us / 1e6
    mine = PEOPLE.get(who)
    seat = {"pbx": "main", "seat": "PJSIP/1002"}
    decision = {"violations": ["v-1"], "grant": False, "reason": "x"}
    window = {"from": began, "to": began + 36_000, "reason": "x"}
    duty = {"id": "", "team": "day", "login": "2001", "role": "leader"}
    duty |= {"from_at": began, "to_at": began + 3600}
    order = f"/api/orders/{ids['order']}"
    note, why = {"json": {"do": "note", "text": "x"}}, {"json": {"reason": "x"}}
    rows: list[tuple[str, str, dict[str, Any]]] = [
        ("GET /api/me", "/api/me", {}),
        ("PUT /api/me/settings", "/api/me/settings", {"json": {}}),
        ("GET /api/form", "/api/form", {}),
        ("GET /api/seats", "/api/seats", {}),
        ("POST /api/seat/sign-in", "/api/seat/sign-in", {"json": seat}),
        ("POST /api/seat/ready", "/api/seat/ready", {}),
        ("POST /api/seat/pause", "/api/seat/pause", {"json": {"reason": "lunch"}}),
        ("POST /api/seat/dial", "/api/seat/dial", {"json": {"number": "13900000001"}}),
        ("POST /api/seat/sign-out", "/api/seat/sign-out", {"json": {}}),
        ("POST /api/seat/faults", "/api/seat/faults", {"json": {**seat, "text": "x"}}),
        ("GET /api/faults", "/api/faults", {}),
        ("POST /api/faults/{id}/done", f"/api/faults/{ids['fault']}/done", {}),
        ("GET /api/orders.csv", "/api/orders.csv", {}),
        ("GET /api/orders.xlsx", "/api/orders.xlsx", {}),
        ("GET /api/orders", "/api/orders?owner=1001", {}),
        ("GET /api/orders/by-call/{pbx}/{call}", "/api/orders/by-call/main/1.1", {}),
        ("GET /api/orders/{id}", order, {}),
        ("GET /api/orders/{id}/history", f"{order}/history", {}),
        ("GET /api/orders/{id}/draft", f"{order}/draft", {}),
        ("PUT /api/orders/{id}/draft", f"{order}/draft", {"json": {}}),
        ("DELETE /api/orders/{id}/draft", f"{order}/draft", {}),
        ("GET /api/callers/{number}/orders", "/api/callers/13900000001/orders", {}),
        (
            "POST /api/orders/{id}/commands",
            f"{order}/commands",
            note,
        ),
        ("GET /api/me/calls", "/api/me/calls", {}),
        ("GET /api/me/figures", "/api/me/figures", {}),
        ("GET /api/calls/{pbx}/{call}", "/api/calls/main/1.1", {}),
        ("GET /api/recordings/{id}", f"/api/recordings/{ids['recording']}", {}),
        *_of_the_past(ids),
        *_of_the_moment(),
        ("GET /api/violations", "/api/violations?person=1001", {}),
        (
            "POST /api/violations/{id}/appeal",
            "/api/violations/v-3/appeal",
            why,
        ),
        ("POST /api/appeals/decide", "/api/appeals/decide", {"json": decision}),
        ("POST /api/appeals/window", "/api/appeals/window", {"json": window}),
        ("GET /api/inbox", "/api/inbox", {}),
        ("GET /api/roster", "/api/roster", {}),
        ("PUT /api/roster", "/api/roster", {"json": {"put": [duty]}}),
        (
            "POST /api/roster/import",
            "/api/roster/import",
            {"content": "x", "headers": {"Content-Type": "text/csv"}},
        ),
        ("GET /api/handovers", "/api/handovers", {}),
        ("POST /api/handovers", "/api/handovers", {"json": {"team": "day", "log": "x"}}),
        ("POST /api/handovers/{id}/confirm", f"/api/handovers/{ids['handover']}/confirm", {}),
        ("GET /api/people", "/api/people", {}),
        ("PUT /api/people/{login}", "/api/people/1001", {"json": {"name": "王芳"}}),
        ("GET /api/tokens", "/api/tokens", {}),
        ("POST /api/tokens", "/api/tokens", {"json": {"name": "x", "rights": ["board"]}}),
        ("DELETE /api/tokens/{id}", f"/api/tokens/{ids['token']}", {}),
        ("GET /api/audit", "/api/audit", {}),
        (
            "POST /api/external/orders/{external_no}/complete",
            "/api/external/orders/E-1/complete",
            {},
        ),
        (
            "PUT /api/me/password",
            "/api/me/password",
            {"json": {"old": PASSWORD, "new": "another one 8"}},
        ),
        ("DELETE /api/session", "/api/session", {}),
        (
            "POST /api/session",
            "/api/session",
            {"json": {"login": mine.login if mine else "1001", "password": "wrong"}},
        ),
    ]
    return rows


def _of_the_past(ids: dict[str, str]) -> list[tuple[str, str, dict[str, Any]]]:
    long_ago, past = "from=0&to=1", "/api/history"
    any_version = {"json": {"value": 1}, "headers": {"If-Match": "*"}}
    hold = {"json": {"kind": "order", "target": "x", "why": "x"}}
    return [
        (f"GET {past}/calls", f"{past}/calls", {}),
        (f"GET {past}/calls.csv", f"{past}/calls.csv", {}),
        (f"GET {past}/calls.xlsx", f"{past}/calls.xlsx", {}),
        (f"GET {past}/calls/{{pbx}}/{{call}}", f"{past}/calls/main/1.1", {}),
        (f"GET {past}/people/{{login}}/spans", f"{past}/people/1001/spans?{long_ago}", {}),
        (
            f"GET {past}/people/{{login}}/spans.{{kind}}",
            f"{past}/people/1001/spans.csv?{long_ago}",
            {},
        ),
        (
            f"GET {past}/seats/{{pbx}}/{{seat}}/spans",
            f"{past}/seats/main/PJSIP/1001/spans?{long_ago}",
            {},
        ),
        (
            f"GET {past}/seats/{{pbx}}/{{seat}}/spans.{{kind}}",
            f"{past}/seats/main/PJSIP/1001/spans.csv?{long_ago}",
            {},
        ),
        (f"GET {past}/queues/{{name}}/day", f"{past}/queues/hotline/day?date=2020-02-02", {}),
        (
            f"GET {past}/queues/{{name}}/day.{{kind}}",
            f"{past}/queues/hotline/day.csv?date=2020-02-02",
            {},
        ),
        (f"GET {past}/visits", f"{past}/visits", {}),
        (f"GET {past}/visits.{{kind}}", f"{past}/visits.csv", {}),
        ("GET /api/alerts", "/api/alerts", {}),
        ("GET /api/alerts.{kind}", "/api/alerts.csv", {}),
        ("GET /api/alerts/load", f"/api/alerts/load?{long_ago}", {}),
        (
            "POST /api/alerts/{id}/acknowledge",
            f"/api/alerts/{ids['alert']}/acknowledge",
            {"json": {}},
        ),
        ("GET /api/board/settings/{key}", "/api/board/settings/floor", {}),
        ("PUT /api/board/settings/{key}", "/api/board/settings/floor", any_version),
        ("GET /api/retention", "/api/retention", {}),
        ("GET /api/retention/holds", "/api/retention/holds", {}),
        ("POST /api/retention/holds", "/api/retention/holds", hold),
        (
            "POST /api/retention/holds/{id}/lift",
            "/api/retention/holds/x/lift",
            {"json": {"why": "x"}},
        ),
        ("GET /api/retention/purges", "/api/retention/purges", {}),
        ("GET /api/retention/purges.{kind}", "/api/retention/purges.csv", {}),
        ("GET /api/retention/dry-run", "/api/retention/dry-run", {}),
    ]


def _of_the_moment() -> list[tuple[str, str, dict[str, Any]]]:
    """Supervision, figures and walls. What has no body asks for what there is not."""
    seat, call = {"pbx": "main", "seat": "PJSIP/1001"}, {"pbx": "main", "call": "1.1"}
    bodies: dict[str, dict[str, Any]] = {
        "control/listen": seat,
        "control/whisper": seat,
        "control/barge": seat,
        "control/pause": {**seat, "reason": "lunch"},
        "control/unpause": seat,
        "control/logout": seat,
        "control/move-up": call,
        "control/redirect": {**call, "to": "8001"},
        "control/hangup": call,
        "control/message": {"login": "1001", "text": "x"},
        "wall/session": {"token": "x"},
    }
    phone = {"json": {"pbx": "main", "device": None}}
    return [
        ("GET /api/control", "/api/control?pbx=main", {}),
        ("PUT /api/control/phone", "/api/control/phone", phone),
        *((f"POST /api/{way}", f"/api/{way}", {"json": body}) for way, body in bodies.items()),
        ("DELETE /api/wall/session", "/api/wall/session", {}),
        ("POST /api/wall/keep", "/api/wall/keep", {}),
        ("GET /api/wall", "/api/wall", {}),
        ("GET /api/wall/intervals", "/api/wall/intervals?queue=main/hotline", {}),
        ("GET /api/messages", "/api/messages", {}),
        ("POST /api/messages/{id}/read", "/api/messages/none/read", {}),
        ("GET /api/figures", "/api/figures?kind=queue&name=main/hotline", {}),
        (
            "GET /api/figures/intervals",
            "/api/figures/intervals?kind=queue&name=main/hotline&from=0&to=900",
            {},
        ),
        (
            "GET /api/figures/calls",
            "/api/figures/calls?kind=queue&name=main/hotline&metric=offered",
            {},
        ),
        ("GET /api/reports", "/api/reports?by=queue", {}),
        ("GET /api/reports.{kind}", "/api/reports.csv?by=queue", {}),
        ("GET /api/metrics", "/api/metrics", {}),
        ("GET /api/health/feed", "/api/health/feed", {}),
    ]


MARKS = {200: "o", 201: "o", 204: "o", 401: "l", 403: "x", 404: "-", 409: "s", 422: "i"}


def seen(answer: httpx.Response) -> str:
    """What somebody got, as in the table."""
    if SECRET in answer.text:
        return "+"
    kind = answer.headers.get("content-type", "")
    empty = answer.status_code == 200 and "json" in kind and not _items(answer.json())
    return "0" if empty else MARKS.get(answer.status_code, str(answer.status_code))


def _items(body: Any) -> bool:
    return not isinstance(body, dict) or body.get("items", True) != []


@pytest.mark.parametrize("who", COLUMNS)
async def test_everybody_gets_at_every_route_what_is_theirs(tmp_path: Path, who: str) -> None:
    column = COLUMNS.index(who)
    wanted = {row[:46].strip(): row[46:].split()[column] for row in ROWS.strip().splitlines()}
    async with rest(tmp_path) as api:
        ids = await furnish(api)
        async with asking(api, who) as client:
            got = {
                route.replace("/api/", ""): seen(
                    await client.request(route.split()[0], path, **arguments)
                )
                for route, path, arguments in requests(api, ids, who)
            }
        assert got == wanted
        # Whoever asked has another password by now.
        async with api.as_(ZHOU if who == "admin" else ADMIN) as somebody:
            paths = (await somebody.get("/api/openapi.json")).json()["paths"]
    routes = [(method.upper(), path) for path, methods in paths.items() for method in methods]
    assert set(wanted) == {f"{method} {path.removeprefix('/api/')}" for method, path in routes}


WALLS = {"GET wall", "GET wall/intervals", "POST wall/keep", "DELETE wall/session"}


async def test_a_walls_token_opens_the_walls_routes_and_no_other(tmp_path: Path) -> None:
    async with rest(tmp_path) as api:
        ids = await furnish(api)
        async with api.as_(None) as client:
            client.headers.update(await api.token("wall"))
            told = []
            for route, path, arguments in requests(api, ids, "t-board"):
                answer = await client.request(route.split()[0], path, **arguments)
                mark, name = seen(answer), route.replace("/api/", "")
                told.append(answer.text)
                if name in WALLS | {"DELETE session"}:
                    assert mark == "o", name
                else:
                    assert mark in "xl", name
        # Not in an error's words either.
        for secret in (SECRET, "13900000001", WANG.name, "PJSIP/1001"):
            assert not [text for text in told if secret in text], secret


async def test_every_line_of_the_audit_log_tells_from_where(tmp_path: Path) -> None:
    async with rest(tmp_path) as api:
        ids = await furnish(api)
        for who in ("owner", "leader", "t-read"):
            async with asking(api, who) as client:
                for route, path, arguments in requests(api, ids, who)[:-3]:
                    await client.request(route.split()[0], path, **arguments)
        lines = []
        before: int | None = None
        while page := await api.accounts.audit(WU, by=None, action=None, before_seq=before):
            lines += page
            before = page[-1].seq
    # What the rig itself did before there was a server.
    inside = {line.target for line in lines if line.action in ("person.put", "token.add")}
    asked = [line for line in lines if line.who != ADMIN.login or line.target not in inside]
    told = {line.action: line.address for line in asked if line.action != "order.edit"}
    assert {"order.note", "appeal.decide", "handover.give", "roster.put", "token.use"} <= set(told)
    assert set(told.values()) == {"127.0.0.1"}, told


async def test_lists_stay_bounded_with_ten_thousand_orders(tmp_path: Path) -> None:
    async with rest(tmp_path) as api:
        opened, *_ = a_call(5, "1001", api.t0_us)
        assert isinstance(opened, OrderChanged)
        for start in range(0, 10_000, 1_000):
            orders = [
                replace(
                    opened,
                    id=f"main-9{number:05}.1",
                    call=f"9{number:05}.1",
                    kind="missed" if number % 2 else "call",
                    opened_us=opened.opened_us + number,
                )
                for number in range(start, start + 1_000)
            ]
            api.store.submit(orders, {}, ignore, pbx="main")
        await api.store.flush()
        async with api.as_(SUN) as sun, api.as_(ZHAO) as zhao:
            for path, rows in (
                ("/api/orders", 50),
                ("/api/orders?limit=200", 200),
                ("/api/orders?limit=200&number=13900000005", 200),
                ("/api/orders?limit=200&sort=due", 200),
                ("/api/callers/13900000005/orders?limit=200", 200),
            ):
                answer = await sun.get(path)
                items = answer.json()["items"]
                assert 0 < len(items) <= rows, path
                assert len(answer.content) < 4_000 * rows, path
            assert (await sun.get("/api/orders?limit=201")).status_code == 422
            inbox = await zhao.get("/api/inbox")
            assert len(inbox.content) < 4_000 * 1_000
            assert len(inbox.json()["missed"]) < 1_000
            # Page by page one comes to the end, with everything once.
            found: list[str] = []
            cursor: str | None = ""
            while cursor is not None:
                query = {"limit": 200, "kind": "missed"} | ({"cursor": cursor} if cursor else {})
                page = (await zhao.get("/api/orders", params=query)).json()
                found += [order["id"] for order in page["items"]]
                cursor = page["next_cursor"]
        assert len(found) == len(set(found)) == 5_001
