"""Surges are announced on the board and in the audit log, by the limits that people set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from agentd import clock
from agentd.config import load_config
from agentd.core.board_settings import surge_rules
from agentd.core.effects import Alert, Effect, SurgeChanged
from agentd.core.people import Person
from agentd.core.surge import SurgeLimits, SurgeRules
from agentd.errors import AgentdError
from agentd.ports.accounts import AuditEntry
from agentd.ports.history import BoardSetting
from agentd.simulator import SimConfig, SimulatedPbx
from agentd.surge_watch import SurgeWatch
from tests.adapters.rest_rig import ADMIN, PASSWORD, SUN, WANG, ZHAO, rest
from tests.adapters.test_app import access_to, board_until, build, running

S = 1_000_000
RULES = SurgeRules(SurgeLimits((1, 2, 3), (10.0, 20.0, 30.0), ()), calm_s=60.0)

BOSS = Person("2009", "郑主管", "supervisor")


class World:
    """One queue as the board shows it, and what is heard of it."""

    def __init__(self, setting: Any = None) -> None:
        self.now_us = 1_000 * S
        self.joined_us: list[int] = []
        self.level: tuple[float | None, int] = (None, 0)
        self.value = setting
        self.published: list[dict[str, Any]] = []
        self.noted: list[AuditEntry] = []
        self.told: list[Effect] = []
        self.failures = 0

    def pbx_now_us(self, pbx: str) -> int:
        return self.now_us

    def board(self, pbx: str) -> Mapping[str, Any]:
        waiting = [{"call": str(n), "joined_at": us / S} for n, us in enumerate(self.joined_us)]
        return {
            f"pbx:{pbx}": {"kind": "pbx"},
            f"queue:{pbx}/hotline": {"kind": "queue", "name": "hotline", "waiting": waiting},
        }

    def service_level(self, pbx: str, queue: str) -> tuple[float | None, int]:
        return self.level

    async def setting(self, key: str) -> BoardSetting | None:
        if self.failures:
            self.failures -= 1
            raise AgentdError("the disk is away")
        return None if self.value is None else BoardSetting(key, self.value, 1, "2001", 0)

    def publish(self, changed: Mapping[str, Any], removed: Sequence[str]) -> None:
        self.published.append(dict(changed))

    async def note(self, entry: AuditEntry) -> None:
        self.noted.append(entry)

    def watch(self) -> SurgeWatch:
        return SurgeWatch(
            RULES, pbxs=("main",), engine=self, figures=self, store=self, live=self, audit=self,
            tell=self.told.extend, wall_us=lambda: self.now_us,
        )  # fmt: skip

    @property
    def shown(self) -> dict[str, Any]:
        found: dict[str, Any] = self.published[-1]["surge:main/hotline"]
        return found


async def test_a_surge_is_shown_once_and_noted() -> None:
    world = World()
    watch = world.watch()
    await watch.tick()
    assert not world.published
    world.joined_us = [world.now_us - 4 * S]
    await watch.tick()
    assert world.shown == {
        "kind": "surge",
        "pbx": "main",
        "name": "hotline",
        "level": 1,
        "since": 1000.0,
        "reached": ["waiting"],
        "limits": {"waiting": 2, "longest_wait_s": 20.0},
        "folds": True,
        "waiting": 1,
        "longest_wait_s": 4.0,
        "service_level": None,
    }
    await watch.tick()
    assert len(world.published) == 1
    [line] = world.noted
    assert (line.who, line.action, line.target) == ("system", "surge", "main/hotline")
    assert line.detail["level"] == 1
    world.now_us += 30 * S
    await watch.tick()
    assert (world.shown["level"], world.shown["reached"]) == (3, ["longest_wait"])
    assert world.shown["limits"] is None
    world.joined_us = []
    for _ in range(4):
        world.now_us += 30 * S
        await watch.tick()
    assert (world.shown["level"], world.shown["folds"]) == (0, False)
    assert [line.detail["level"] for line in world.noted] == [1, 3, 0]


async def test_the_boards_setting_goes_before_the_configuration() -> None:
    world = World({"default": {"waiting": [7, 8, 9]}, "fold_level": 3})
    watch = world.watch()
    await watch._load()
    world.joined_us = [world.now_us] * 7
    await watch.tick()
    assert (world.shown["level"], world.shown["folds"]) == (1, False)
    watch.on_setting(BoardSetting("surge", {"default": {"waiting": None}}, 2, "2001", 0))
    # An older one that comes late, and others' settings, change nothing.
    watch.on_setting(BoardSetting("surge", {}, 1, "2001", 0))
    watch.on_setting(BoardSetting("thresholds", {"metrics": {}}, 9, "2001", 0))
    assert watch.rules.of("hotline").waiting == ()


def warning(queue: str | None = "hotline", level: Any = "warning") -> Alert:
    return Alert(
        "main", 1, level, "hold", "PJSIP/1", "1001", "c", queue, ("seat",), None, None, "s"
    )  # fmt: skip


async def test_a_surge_and_its_end_are_told_with_what_was_folded_meanwhile() -> None:
    world = World()
    watch = world.watch()
    watch.announce([warning()])
    world.joined_us = [world.now_us - 4 * S]
    await watch.tick()
    watch.announce([warning(), warning("sales"), warning(level="breach"), warning(None)])
    world.joined_us *= 2
    await watch.tick()
    watch.announce([warning()])
    # A second of it is no news.
    await watch.tick()
    began_us, world.joined_us = world.now_us, []
    await watch.tick()
    world.now_us += 60 * S
    await watch.tick()
    assert world.told == [
        SurgeChanged(
            "main", began_us, "hotline", 1, 0, began_us, ("waiting",), 1, 4 * S, None, 0
        ),
        SurgeChanged(
            "main", began_us, "hotline", 2, 1, began_us, ("waiting",), 2, 4 * S, None, 1
        ),
        SurgeChanged(
            "main", world.now_us, "hotline", 0, 2, began_us, (), 0, 0, None, 2
        ),
    ]  # fmt: skip
    # The next one begins with nothing.
    watch.announce([warning()])
    world.joined_us = [world.now_us]
    await watch.tick()
    last = world.told[-1]
    assert isinstance(last, SurgeChanged)
    assert (last.level, last.was, last.began_us, last.folded) == (1, 0, world.now_us, 0)


async def test_what_is_not_folded_is_not_counted() -> None:
    world = World({"fold_level": 2})
    watch = world.watch()
    await watch._load()
    world.joined_us = [world.now_us]
    await watch.tick()
    watch.announce([warning()])
    world.joined_us *= 2
    await watch.tick()
    watch.announce([warning()])
    world.joined_us *= 2
    await watch.tick()
    assert [(told.level, told.folded) for told in world.told if isinstance(told, SurgeChanged)] == [
        (1, 0), (2, 0), (3, 1),
    ]  # fmt: skip


async def test_a_setting_that_nobody_understands_is_left_alone() -> None:
    world = World({"default": {"waiting": "many"}})
    watch = world.watch()
    await watch._load()
    assert watch.rules == RULES


@pytest.mark.parametrize("who", [WANG, SUN, ZHAO])
async def test_only_supervisors_set_limits(tmp_path: Path, who: Person) -> None:
    async with rest(tmp_path) as api, api.as_(who) as client:
        put = await client.put(
            "/api/board/settings/surge", json={"value": {}}, headers={"If-Match": '"v0"'}
        )
        assert put.status_code == 403


async def test_wrong_limits_are_refused_with_their_place(tmp_path: Path) -> None:
    async with rest(tmp_path) as api, AsyncExitStack() as stack:
        hashed = await api.accounts.passwords.hash(PASSWORD)
        await api.accounts.put_people(ADMIN, [(BOSS, hashed)], "")
        client = await stack.enter_async_context(api.as_(BOSS))

        async def put(key: str, value: Any, version: int = 0) -> httpx.Response:
            etag = {"If-Match": f'"v{version}"'}
            return await client.put(
                f"/api/board/settings/{key}", json={"value": value}, headers=etag
            )

        refused = await put("surge", {"default": {"waiting": [3, 2, 1]}, "calm": 1})
        assert refused.status_code == 422
        body = refused.json()
        assert body["code"] == "invalid"
        assert [m["field"] for m in body["missing"]] == ["value.calm", "value.default.waiting"]
        assert (await put("thresholds", {"metrics": {"luck": {}}})).status_code == 422
        good = {"metrics": {"service_level": {"warn": 0.9, "breach": 0.8}}}
        assert (await put("thresholds", good)).status_code == 200
        assert (await put("surge", {"default": {"waiting": [1, 2, 3]}})).status_code == 200
        assert (await put("surge", {}, 0)).status_code == 412


async def test_a_real_queue_surges_and_calms_down(tmp_path: Path) -> None:
    played = SimConfig(seats=2, calls_per_s=3.0)
    async with SimulatedPbx(played, lambda: clock.wall_us() / 1e6) as pbx:
        daemon = build(access_to(pbx), tmp_path)
        async with running(daemon) as url:
            accounts = daemon.staff.accounts
            admin = Person("admin", "admin", "admin")
            leader = Person("2001", "赵班长", "supervisor")
            hashed = await accounts.passwords.hash("correct horse 7")
            await accounts.put_people(admin, [(leader, hashed)], "")
            async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
                said = {"login": "2001", "password": "correct horse 7"}
                (await client.post("/api/session", json=said)).raise_for_status()
                unset = (await client.get("/api/board/settings/surge")).json()
                assert (unset["version"], unset["value"]) == (0, None)
                configured = load_config(secrets=False).surge_rules
                assert surge_rules(unset["defaults"], SurgeRules()) == configured
                limits = {"waiting": [2, 3, 1000], "longest_wait_s": None, "service_level": None}
                put = await client.put(
                    "/api/board/settings/surge",
                    json={"value": {"default": limits, "calm_s": 0.5}},
                    headers={"If-Match": '"v0"'},
                )
                assert put.status_code == 200, put.text

                def surged(board: dict[str, Any]) -> bool:
                    return any(o["kind"] == "surge" and o["level"] == 2 for o in board.values())

                board = await board_until(url, surged)
                surge = next(o for o in board.values() if o["kind"] == "surge" and o["level"] == 2)
                assert surge["reached"] == ["waiting"]
                assert surge["waiting"] >= 3
                off = {"waiting": None, "longest_wait_s": None, "service_level": None}
                put = await client.put(
                    "/api/board/settings/surge",
                    json={"value": {"default": off, "calm_s": 0.5}},
                    headers={"If-Match": '"v1"'},
                )
                assert put.status_code == 200, put.text
                key = f"surge:{surge['pbx']}/{surge['name']}"
                await board_until(url, lambda b: b[key]["level"] == 0)
            noted = await accounts.audit(
                Person("5001", "吴审计", "auditor"), by="system", action="surge", before_seq=None
            )
            assert {line.detail["level"] for line in noted} >= {0, 2}
