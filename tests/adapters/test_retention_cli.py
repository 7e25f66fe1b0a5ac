"""``agentd retention``, beside a running daemon and without one; and who sees to it at night."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from agentd.control import ControlServer, Handler, socket_path
from agentd.core.people import Directory, Person
from agentd.core.phone import CHINA
from agentd.history_keeper import HistoryKeeper, KeeperSettings
from agentd.ports.history import Gap
from agentd.ports.retention import Purged, RetentionPolicy
from agentd.retention import Retention, RetentionRequest
from agentd.ticketing import Store, StoreError
from tests.adapters.history_rig import DAY, HOUR, T0, S, link, whole
from tests.adapters.store_rig import ignore, said

ROOT = Path(__file__).parents[2]
POLICY = RetentionPolicy(legs_days=30)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose database is beside it."""
    path = tmp_path / "agentd.toml"
    path.write_text('[store]\npath = "a.db"\n[retention]\nlegs_days = 30\naudit_days = "off"\n')
    return path


async def agentd(config: Path, *words: str) -> tuple[int, str, str]:
    """(exit code, what it printed, what it complained of)."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "agentd", "retention", *words, "--config", str(config), cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONUTF8": "1", "LOGNAME": "tester"},
    )  # fmt: skip
    out, err = await process.communicate()
    assert b"Traceback" not in err, err.decode()
    return process.returncode or 0, out.decode(), err.decode()


async def test_without_a_daemon_the_database_is_asked_itself(config: Path) -> None:
    database = config.with_name("a.db")
    async with Store(database) as store:
        store.submit(whole("1", T0), {}, ignore, pbx="main")
    code, out, _ = await agentd(config, "show")
    assert (code, "legs_days = 30" in out, "audit_days = off" in out) == (0, True, True)
    _, out, _ = await agentd(config, "dry-run", "--json")
    assert {line["kind"]: line["rows"] for line in map(json.loads, out.splitlines())}["legs"] == 2
    code, out, _ = await agentd(config, "hold", "number", "139 0000 1111", "--why", "法院")
    assert code == 0
    hold = out.partition(":")[0]
    _, out, _ = await agentd(config, "dry-run", "--json")
    assert all(line["rows"] == 0 for line in map(json.loads, out.splitlines()))
    _, out, _ = await agentd(config, "holds")
    assert "+8613900001111" in out
    assert (await agentd(config, "lift", hold, "--why", "done"))[0] == 0
    code, _, err = await agentd(config, "lift", hold, "--why", "again")
    assert (code, err) == (1, "it is lifted already\n")
    code, _, err = await agentd(config, "hold", "queue", "x", "--why", "y")
    assert (code, "call, order, person, number" in err) == (1, True)
    async with Store(database) as store:
        lines = await store.audit()
        assert [(line.action, line.who) for line in lines] == [
            ("hold.lift", "cli:tester"),
            ("hold.set", "cli:tester"),
        ]


async def test_beside_a_running_daemon_it_is_asked(config: Path) -> None:
    database = config.with_name("a.db")
    people = Directory((Person("1001", "王芳", "agent"),))
    async with Store(database) as store:
        handler = Handler(RetentionRequest, Retention(store, people, POLICY, CHINA).act)
        async with ControlServer(socket_path(database), {"retention": handler}):
            code, _, err = await agentd(config, "hold", "person", "1002", "--why", "x")
            assert (code, "no account" in err) == (1, True)
            assert (await agentd(config, "hold", "person", "1001", "--why", "x"))[0] == 0
            [hold] = await store.holds()
            assert hold.names == ("1001", "王芳")
            await store.retain(POLICY, T0)
            code, out, _ = await agentd(config, "purges")
            assert (code, out.split()) == (0, ["at", "kind", "before", "rows", "held", "by"])


# --- the keeper ------------------------------------------------------------------------------


def keeper(store: Store, now_us: list[int], heard: Mapping[str, int] = {}) -> HistoryKeeper:
    settings = KeeperSettings(policy=POLICY, runs_at_s=3 * 3600, utc_offset_s=8 * 3600)
    return HistoryKeeper(store, settings, lambda: heard, now_us=lambda: now_us[0], tick_s=0.001)


async def until_retained(store: Store, at_us: int) -> None:
    while await store.retained_us() != at_us:
        await asyncio.sleep(0.001)


async def test_what_is_too_old_goes_once_a_day_after_the_hour(tmp_path: Path) -> None:
    async with Store(tmp_path / "a.db") as store:
        store.submit(whole("1", T0), {}, ignore, pbx="main")
        now_us = [T0 + 40 * DAY]
        looking_after = keeper(store, now_us)
        due_us = looking_after.due_us(now_us[0])
        assert due_us <= now_us[0] < due_us + DAY
        assert (due_us // S) % 86_400 == 19 * 3600  # 03:00 at UTC+8
        with capture_logs() as log:
            task = asyncio.create_task(looking_after.run())
            await until_retained(store, now_us[0])
            [told] = said(log, "history_purged")
            assert (told["kind"], told["rows"]) == ("legs", 2)
            first_us, now_us[0] = now_us[0], due_us + DAY - 1
            await asyncio.sleep(0.05)
            assert await store.retained_us() == first_us
            now_us[0] = due_us + DAY
            await until_retained(store, now_us[0])
            task.cancel()
        assert len(await store.purges()) == 1


async def test_it_is_kept_up_to_when_each_pbx_was_heard(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    async with Store(path) as store:
        store.submit([link(T0, True)], {}, ignore, pbx="main")
        task = asyncio.create_task(keeper(store, [T0 + HOUR], {"main": T0 + HOUR}).run())
        await until_retained(store, T0 + HOUR)
        task.cancel()
    async with Store(path) as store:
        store.submit([link(T0 + DAY, True)], {}, ignore, pbx="main")
        await store.flush()
        assert await store.gaps(T0, T0 + DAY + 1) == [Gap("main", T0 + HOUR, T0 + DAY)]


async def test_a_disk_that_refuses_is_told_of_once_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Store(tmp_path / "a.db") as store:
        tries = 0
        kept = store.retain

        async def retain(policy: RetentionPolicy, now_us: int) -> list[Purged]:
            nonlocal tries
            tries += 1
            if tries < 4:
                raise StoreError("the disk is full")
            return list(await kept(policy, now_us))

        monkeypatch.setattr(store, "retain", retain)
        with capture_logs() as log:
            task = asyncio.create_task(keeper(store, [T0]).run())
            await until_retained(store, T0)
            task.cancel()
        assert (tries, len(said(log, "history_not_kept"))) == (4, 1)
