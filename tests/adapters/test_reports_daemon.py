"""Reports in the whole daemon beside the embedded PBX: asked for by REST, and mailed by itself."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path
from typing import Any

import httpx

from agentd import clock
from agentd.app import Daemon
from agentd.config import load_config
from agentd.http_api import WebSettings
from agentd.simulator import SimConfig, SimulatedPbx
from agentd.ticketing import Store
from tests.adapters.live_rig import PATIENCE_S
from tests.adapters.smtp_rig import smtp
from tests.adapters.test_app import TOKENS, access_to, board_until, running
from tests.adapters.test_figures_daemon import answered

PLAYED = SimConfig(seats=4, calls_per_s=3.0)
DAY_US = 86_400_000_000
CONFIG = """
[reports]
site = "示例市"
[mail]
host = "127.0.0.1"
port = {port}
tls = "none"
sender = "agentd@example.org"
[[report]]
id = "daily"
period = "day"
by = "queue"
to = ["boss@example.org"]
after_s = 0
"""


async def test_the_daemon_mails_what_is_over_and_answers_what_goes_on(tmp_path: Path) -> None:
    # Debugging makes the many small questions to the database ten times as slow.
    asyncio.get_running_loop().set_debug(False)
    async with (
        smtp() as (box, access),
        SimulatedPbx(PLAYED, lambda: clock.wall_us() / 1e6) as pbx,
    ):
        path = tmp_path / "agentd.toml"
        path.write_text(CONFIG.format(port=access.port), "utf-8")
        # It was asked for the day before yesterday, and was not there since.
        async with Store(tmp_path / "agentd.db") as store:
            before_us = clock.wall_us() - 2 * DAY_US
            await store.put_report_mark("daily", {"until_us": before_us, "owed": []})
        config = load_config(path, secrets=False, mail_only=True)
        daemon = Daemon(
            config, {"pbx": access_to(pbx)}, WebSettings(port=0), tmp_path / "agentd.db"
        )
        async with running(daemon) as url:
            async with asyncio.timeout(PATIENCE_S):
                while len(box.letters) < 2:
                    await asyncio.sleep(0.05)
            subjects = [message["Subject"] for _, message in box.letters]
            zone = dt.timezone(dt.timedelta(hours=8))
            today = dt.datetime.fromtimestamp(clock.wall_us() // 1_000_000, zone).date()
            dates = [(today - dt.timedelta(days=back)).isoformat() for back in (2, 1)]
            assert subjects == [f"示例市: 队列日报表 {date}" for date in dates]
            await board_until(url, lambda b: answered(b) >= 3)
            report = await _get(url, by="queue", period="day", at=today.isoformat())
            assert report["site"] == "示例市"
            assert report["period"]["unfinished"]
            offered = [line["figures"]["offered"]["value"] for line in report["lines"]]
            assert report["total"]["figures"]["offered"]["value"] == sum(offered) >= 3
        assert len(box.letters) == 2


async def _get(url: str, **query: str) -> Any:
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=PATIENCE_S) as client:
        headers = {"Authorization": f"Bearer {TOKENS[url]}"}
        response = await client.get("/api/reports", params=query, headers=headers)
        assert response.status_code == 200, response.text
        return response.json()
