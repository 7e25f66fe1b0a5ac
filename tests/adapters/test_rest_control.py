"""Supervision by REST: who is let in, what is told before, and in which shape; messages."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import get_args

import httpx
import pytest

from agentd.core.people import Person
from agentd.ports.supervision import Act
from tests.adapters.live_rig import PATIENCE_S
from tests.adapters.rest_rig import ADMIN, WANG, WU, ZHAO, rest

BODIES = {
    "listen": {"pbx": "main", "seat": "PJSIP/1001"},
    "whisper": {"pbx": "main", "seat": "PJSIP/1001"},
    "barge": {"pbx": "main", "seat": "PJSIP/1001"},
    "pause": {"pbx": "main", "seat": "PJSIP/1001", "reason": "lunch"},
    "unpause": {"pbx": "main", "seat": "PJSIP/1001"},
    "logout": {"pbx": "main", "seat": "PJSIP/1001"},
    "move-up": {"pbx": "main", "call": "1.1"},
    "redirect": {"pbx": "main", "call": "1.1", "to": "1002"},
    "hangup": {"pbx": "main", "call": "1.1"},
    "message": {"login": "1001", "text": "请尽快回队列", "level": "urgent"},
}


async def test_what_is_possible_is_told_with_the_reason_in_both_languages(tmp_path: Path) -> None:
    async with rest(tmp_path) as web, web.as_(ZHAO) as zhao, web.as_(WANG) as wang:
        told = (await zhao.get("/api/control?pbx=main")).json()
        assert set(told["actions"]) == set(get_args(Act))
        assert told["actions"]["message"] == {"may": True, "why_not": None}
        down = told["actions"]["listen"]
        assert down["may"] is False
        assert down["why_not"] == {
            "zh": "与 PBX main 的连接未建立。", "en": "There is no link to PBX main now."
        }  # fmt: skip
        assert told["places"] is None
        assert (await zhao.get("/api/control?pbx=other")).status_code == 404
        mine = (await wang.get("/api/control?pbx=main")).json()["actions"]
        assert {act["why_not"]["en"] for act in mine.values()} == {"You may not do this."}


@pytest.mark.parametrize("who", [WANG, ADMIN, WU])
async def test_whoever_may_not_is_refused_and_it_is_in_the_audit_log(
    tmp_path: Path, who: Person
) -> None:
    async with rest(tmp_path) as web, web.as_(who) as person, web.as_(WU) as auditor:
        for act, body in BODIES.items():
            answer = await person.post(f"/api/control/{act}", json=body)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), act
        # Written soon, not at once.
        async with asyncio.timeout(PATIENCE_S):
            while (noted := await _noted(auditor, who)).count("refused") < len(BODIES):
                await asyncio.sleep(0.02)
        assert noted == ["refused"] * len(BODIES)


async def _noted(auditor: httpx.AsyncClient, who: Person) -> list[str]:
    """What came of the acts of ``who``, by the audit log."""
    outcomes: list[str] = []
    for act in BODIES:
        name = f"control.{act.replace('-', '_')}"
        lines = (await auditor.get(f"/api/audit?action={name}")).json()["items"]
        outcomes += [line["detail"]["outcome"] for line in lines if line["who"] == who.login]
    return outcomes


async def test_bodies_are_checked(tmp_path: Path) -> None:
    async with rest(tmp_path) as web, web.as_(ZHAO) as zhao:
        for act, body in BODIES.items():
            answer = await zhao.post(f"/api/control/{act}", json={**body, "more": 1})
            assert answer.status_code == 422, act
        wrong = {"login": "1001", "text": "x" * 501}
        assert (await zhao.post("/api/control/message", json=wrong)).status_code == 422


async def test_a_message_is_kept_until_it_is_read(tmp_path: Path) -> None:
    async with rest(tmp_path) as web, web.as_(ZHAO) as zhao, web.as_(WANG) as wang:
        first = await zhao.post("/api/control/message", json={"login": "1001", "text": "一"})
        assert first.status_code == 201
        second = (await zhao.post("/api/control/message", json=BODIES["message"])).json()
        assert (second["level"], second["by"], second["read_at"]) == ("urgent", ZHAO.login, None)
        items = (await wang.get("/api/messages")).json()["items"]
        assert [item["text"] for item in items] == ["请尽快回队列", "一"]
        assert (await zhao.get("/api/messages")).json()["items"] == []
        assert (await zhao.post(f"/api/messages/{second['id']}/read")).status_code == 404
        read = (await wang.post(f"/api/messages/{second['id']}/read")).json()
        assert read["read_at"] is not None
        again = (await wang.post(f"/api/messages/{second['id']}/read")).json()
        assert again["read_at"] == read["read_at"], "the first time counts"
        items = (await wang.get("/api/messages")).json()["items"]
        assert [item["text"] for item in items] == ["一", "请尽快回队列"], "unread ones first"
        nobody = {"login": "9999", "text": "?"}
        assert (await zhao.post("/api/control/message", json=nobody)).status_code == 404


async def test_the_own_phone_is_kept_with_the_settings(tmp_path: Path) -> None:
    async with rest(tmp_path) as web, web.as_(ZHAO) as zhao:
        await zhao.put("/api/me/settings", json={"theme": "dark"})
        wrong = {"pbx": "main", "device": "PJSIP/trunk"}
        assert (await zhao.put("/api/control/phone", json=wrong)).status_code == 422
        own = {"pbx": "main", "device": "PJSIP/1001"}
        phone = (await zhao.put("/api/control/phone", json=own)).json()
        assert (phone["device"], phone["chosen"]) == ("PJSIP/1001", True)
        settings = (await zhao.get("/api/me")).json()["settings"]
        assert settings == {"theme": "dark", "phone": own}
        none = await zhao.put("/api/control/phone", json={"pbx": "main", "device": None})
        assert none.json() is None
