"""/metrics: what Prometheus scrapes, who may, and the dashboard that is drawn from it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from agentd import clock
from agentd.core.effects import Alert, Anomaly, Effect
from agentd.core.people import Person
from agentd.exposition import SEAT_STATES
from agentd.simulator import SimConfig, SimulatedPbx
from tests.adapters.history_rig import T0, broken, leg, visit
from tests.adapters.test_app import ADMIN, TOKENS, access_to, board_until, build, running

DASHBOARD = Path(__file__).parents[2] / "config" / "grafana" / "agentd.json"
PASSWORD = "correct horse 7"
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(text: str) -> Samples:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def total(found: Samples, name: str, **labels: str) -> float:
    wanted = set(labels.items())
    return sum(value for (n, on), value in found.items() if n == name and wanted <= set(on))


async def scrape(url: str, headers: dict[str, str]) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(f"{url}/metrics", headers=headers)


def alert(level: Any) -> Alert:
    return Alert(
        "pbx", T0, level, "hold", "PJSIP/1", "1001", "1.1", "hotline", ("seat",), 1, 1, "hold:1.1"
    )


HAPPENED: list[Effect] = [
    visit("1.1", T0, pbx="pbx"),
    visit("1.2", T0, pbx="pbx", outcome="abandoned"),
    leg("1.1", T0, pbx="pbx"),
    broken("1.1", T0, pbx="pbx"),
    alert("warning"),
    alert("breach"),
    alert("cleared"),
    Anomaly("pbx", T0, "nonsense", None),
]


async def test_it_tells_what_the_board_shows_and_what_happened(tmp_path: Path) -> None:
    async with SimulatedPbx(SimConfig(seats=6), lambda: clock.wall_us() / 1e6) as pbx:
        daemon = build(access_to(pbx), tmp_path)
        async with running(daemon) as url:
            await board_until(
                url, lambda b: any(o["kind"] == "seat" and o["owed"] for o in b.values())
            )
            made = await daemon.staff.accounts.add_token(ADMIN, "prom", ["metrics"], [], None)
            token = {"Authorization": f"Bearer {made[1]}"}
            before = samples((await scrape(url, token)).text)
            daemon.staff.exposition.announce(HAPPENED)
            response = await scrape(url, token)
            assert response.headers["Content-Type"].startswith("text/plain; version=")
            assert response.headers["Cache-Control"] == "no-store"
            found = samples(response.text)
            assert found["agentd_link_up", (("pbx", "pbx"),)] == 1
            assert total(found, "agentd_seats") == 6
            states = {dict(on)["state"] for name, on in found if name == "agentd_seats"}
            assert states == set(SEAT_STATES)
            assert total(found, "agentd_live_clients") == 0
            assert found["agentd_store_healthy", ()] == 1
            assert found["agentd_pipeline_lag_seconds", (("pbx", "pbx"),)] < 60
            board = daemon.runtime.board("pbx")
            queues = {o["name"] for o in board.values() if o["kind"] == "queue"}
            named = {dict(on)["queue"] for name, on in found if name == "agentd_queue_waiting"}
            assert named == queues

            def more(name: str, **labels: str) -> float:
                return total(found, name, **labels) - total(before, name, **labels)

            assert more("agentd_queue_visits_total", queue="hotline", outcome="abandoned") >= 1
            assert more("agentd_queue_answered_wait_seconds_total", queue="hotline") >= 6
            assert more("agentd_legs_total", outcome="answered", direction="inbound") >= 1
            assert more("agentd_violations_total", rule="hold") >= 1
            assert more("agentd_alerts_total", rule="hold", level="breach") >= 1
            assert total(found, "agentd_alerts_total", level="cleared") == 0
            assert more("agentd_anomalies_total") >= 1
            # Nobody can be recognised by it.
            people = [o for o in board.values() if o["kind"] == "seat"]
            for secret in ("13900001111", "1.1", *(o["agent"] for o in people if o["agent"])):
                assert f'"{secret}"' not in response.text


async def test_who_may_scrape(tmp_path: Path) -> None:
    async with SimulatedPbx(SimConfig(seats=2), lambda: clock.wall_us() / 1e6) as pbx:
        daemon = build(access_to(pbx), tmp_path)
        async with running(daemon) as url:
            accounts = daemon.staff.accounts

            async def by_token(rights: list[str], queues: list[str]) -> int:
                made = await accounts.add_token(ADMIN, "x", rights, queues, None)
                return (await scrape(url, {"Authorization": f"Bearer {made[1]}"})).status_code

            assert await by_token(["metrics"], ["hotline"]) == 200
            assert await by_token(["board"], []) == 200
            assert await by_token(["board"], ["hotline"]) == 403
            assert await by_token(["orders.read"], []) == 403
            # Nor from this machine without a token: a proxy makes everybody come from here.
            refused = await scrape(url, {})
            assert refused.status_code == 401
            assert refused.json()["code"] == "login"
            people = [
                Person("boss", "孙主任", "manager"),
                Person("2001", "赵班长", "shift_leader", teams=("day",)),
                Person("1001", "王芳", "agent"),
            ]
            hashed = await accounts.passwords.hash(PASSWORD)
            await accounts.put_people(ADMIN, [(person, hashed) for person in people], "")
            for person, status in zip(people, (200, 403, 403), strict=True):
                async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
                    said = {"login": person.login, "password": PASSWORD}
                    (await client.post("/api/session", json=said)).raise_for_status()
                    assert (await client.get("/metrics")).status_code == status
                    assert (await client.post("/metrics")).status_code == 405
            assert TOKENS


def expressions(node: Any) -> list[str]:
    """Every PromQL expression of the dashboard, those of its variables too."""
    if isinstance(node, dict):
        own = [node["expr"]] if "expr" in node else []
        if node.get("type") == "query" and "definition" in node:
            own.append(node["definition"])
        return own + [e for value in node.values() for e in expressions(value)]
    return [e for value in node for e in expressions(value)] if isinstance(node, list) else []


async def test_the_dashboard_names_only_what_is_there(tmp_path: Path) -> None:
    dashboard = json.loads(DASHBOARD.read_text("utf-8"))
    named: dict[str, set[str]] = {}
    for expression in expressions(dashboard):
        for name, labels in re.findall(r"\b((?:agentd|process)_[a-z_]+)(\{[^}]*\})?", expression):
            named.setdefault(name, set()).update(re.findall(r"(\w+)=", labels))
    assert len(named) >= 20
    async with SimulatedPbx(SimConfig(seats=4), lambda: clock.wall_us() / 1e6) as pbx:
        daemon = build(access_to(pbx), tmp_path)
        async with running(daemon) as url:
            await board_until(url, lambda b: any(o["kind"] == "queue" for o in b.values()))
            daemon.staff.exposition.announce(HAPPENED)
            token = {"Authorization": f"Bearer {TOKENS[url]}"}
            text = (await scrape(url, token)).text
    there: dict[str, set[str]] = {}
    for name, labels in samples(text):
        there.setdefault(name, set()).update(label for label, _ in labels)
    # It is null until there was a call to judge; its family is there all the same.
    families = {family.name for family in text_string_to_metric_families(text)}
    for name, labels in named.items():
        assert name in there or name in families, name
        if name in there:
            assert labels <= there[name], name


def test_every_panel_can_be_drawn() -> None:
    dashboard = json.loads(DASHBOARD.read_text("utf-8"))
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        assert panel["targets"], panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}"
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
