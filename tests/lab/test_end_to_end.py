"""One call, from the ring to the appeal, through everything that is real: Asterisk and SIPp, the
daemon as a process, the desk and the shift leader's page in Chromium, and Mosquitto.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Page, async_playwright

from asterisk_lab.daemon import Daemon
from asterisk_lab.native import NativePbx
from asterisk_lab.phones import Step, answer, bye, hold, ring, unhold, until_bye, wait
from asterisk_lab.stage import Cast, Numbers, QueueSpec, Scenario, Stage
from asterisk_lab.truth import Truth
from tests.adapters.mqtt_rig import Broker, Ear, listening
from tests.browser.conftest import FLAGS

pytestmark = [
    pytest.mark.lab,
    pytest.mark.browser,
    pytest.mark.broker,
    pytest.mark.timeout(600),
]

PATIENCE_S = 60.0
PASSWORD = "long enough for 3"
JOIN_S = 0.5
"""From the caller's answer by the dialplan to the queue."""
AIM_S = 0.2

# Notes every change of the call strip's strength, with the page's clock after the next painting.
WATCH_THE_STRIP = """
() => {
  window.shown = [];
  let last = null;
  const look = () => {
    const strip = document.querySelector('.strip');
    const now = strip?.dataset.strength ?? null;
    if (now === last) return;
    last = now;
    requestAnimationFrame(() => requestAnimationFrame(
      () => window.shown.push([now, Date.now() / 1000])));
  };
  new MutationObserver(look).observe(
    document.body, {subtree: true, childList: true, attributes: true});
}
"""


async def eventually(holds: Callable[[], Awaitable[Any]], why: str) -> Any:
    """What ``holds()`` gives as soon as it is something."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not (value := await holds()):
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(f"never came true: {why}")
    return value


@dataclass
class Site:
    """A call centre of one seat."""

    pbx: NativePbx
    stage: Stage
    daemon: Daemon
    ear: Ear
    browser: Any
    complaints: list[str] = field(default_factory=list)

    async def person(self, login: str, path: str) -> Page:
        """The page ``path`` of somebody who has just logged in there."""
        context: BrowserContext = await self.browser.new_context(
            viewport={"width": 1366, "height": 768}, locale="zh-CN"
        )
        page: Page = await context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        await page.goto(f"{self.daemon.url}{path}")
        await page.fill("#login", login)
        await page.fill("#password", PASSWORD)
        await page.press("#password", "Enter")
        await page.wait_for_url(f"{self.daemon.url}{path}")
        return page

    async def get(self, page: Page, path: str) -> Any:
        answer = await page.request.get(f"{self.daemon.url}{path}")
        assert answer.ok, await answer.text()
        return await answer.json()

    async def post(self, page: Page, path: str, body: dict[str, Any]) -> Any:
        answer = await page.request.post(f"{self.daemon.url}{path}", data=body)
        assert answer.ok, await answer.text()
        return await answer.json()


async def _nothing(stage: Stage) -> Truth:
    return Truth()


async def _add_person(config: Path, login: str, *options: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "agentd", "user", "add", login, *options, "--config", str(config),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate(PASSWORD.encode() + b"\n")
    assert process.returncode == 0, said.decode()


@asynccontextmanager
async def site(folder: Path, programs: tuple[Path, Path], rules: str = "") -> AsyncIterator[Site]:
    """Everything running; an agent (8001) and a shift leader (2001) have accounts."""
    mosquitto, chromium = programs
    queues = (QueueSpec("hotline", "A", recorded=True),)
    cast = Cast(Scenario("end_to_end", "", _nothing, queues=queues), Numbers())
    async with AsyncExitStack() as stack:
        pbx = await stack.enter_async_context(NativePbx(cast.pbx_seats(), cast.pbx_queues()))
        broker = await stack.enter_async_context(Broker(mosquitto, folder))
        ear = await stack.enter_async_context(listening(broker.port))
        stage = Stage(cast, pbx, folder)
        stack.push_async_callback(stage.close)
        daemon = Daemon(
            folder / "agentd",
            ami_port=pbx.config.ami_port,
            secret=pbx.secrets["desk"],
            web_port=pbx.ports.take(),
            account="desk",
            pbx=(
                f'dial_context = "agentd-dial"\n'
                f'recordings_dir = "{pbx.directory}/spool/monitor"\n'
                f'recordings_pbx_dir = "/lab/spool/monitor"\n'
            ),
            extra=f'[mqtt]\nhost = "127.0.0.1"\nport = {broker.port}\n{rules}',
        )
        queue = cast.queue_names["hotline"]
        await _add_person(daemon.config, "8001", "--name", cast.people["A"], "--queue", queue)
        await _add_person(daemon.config, "2001", "--name", "王班长", "--role", "shift_leader")
        await daemon.start()
        stack.push_async_callback(daemon.stop)
        playwright = await stack.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(
            executable_path=str(chromium),
            args=[*FLAGS, "--autoplay-policy=no-user-gesture-required"],
        )
        stack.push_async_callback(browser.close)
        made = Site(pbx, stage, daemon, ear, browser)
        yield made
        assert made.complaints == []


async def _sit_down(made: Site, desk: Page) -> None:
    seat = made.stage.device("A")
    await made.post(desk, "/api/seat/sign-in", {"pbx": "pbx", "seat": seat})
    await made.post(desk, "/api/seat/ready", {})
    await desk.wait_for_selector(".strip .strip-state", timeout=PATIENCE_S * 1000)


@pytest.fixture
def programs(mosquitto_path: Path, chromium_path: Path) -> tuple[Path, Path]:
    return mosquitto_path, chromium_path


async def test_from_the_ring_to_the_appeal(tmp_path: Path, programs: tuple[Path, Path]) -> None:
    async with site(tmp_path, programs) as made:
        stage = made.stage
        # A phone that is not there cannot be signed in to.
        steps: list[Step] = [ring(2), answer(), wait(3), hold(), wait(33), unhold(), until_bye()]
        await stage.phone("A", *steps)
        desk = await made.person("8001", "/desk")
        shift = await made.person("2001", "/shift")
        now = (await made.get(shift, "/api/me"))["login"]
        assert now == "2001"
        await _sit_down(made, desk)

        # It rings, and the desk shows who calls.
        caller = await stage.caller("c", "hotline", wait(JOIN_S + 2 + 3 + 33 + 4), bye())
        await desk.wait_for_selector('.strip[data-state="ringing"]', timeout=PATIENCE_S * 1000)
        assert stage.callers["c"] in await desk.inner_text(".strip-caller")

        # It is answered: the order is open by itself; the agent begins to fill it in.
        await desk.wait_for_selector('.strip[data-state="talking"]', timeout=PATIENCE_S * 1000)
        await desk.wait_for_selector(".choices [data-category=complaint]")
        await desk.click(".choices [data-category=complaint]")

        # On hold past 30 s: warned, then told.
        await desk.wait_for_selector('.strip[data-state="holding"]', timeout=PATIENCE_S * 1000)
        await desk.wait_for_selector('.strip[data-strength="warning"]', timeout=PATIENCE_S * 1000)
        assert await desk.locator('.strip[data-strength="breach"]').count() == 0
        await desk.wait_for_selector('.strip[data-strength="breach"]', timeout=PATIENCE_S * 1000)
        assert "让您久等" in await desk.inner_text(".strip")
        await desk.wait_for_selector('.strip[data-state="talking"]', timeout=PATIENCE_S * 1000)
        await caller.finished()
        await desk.wait_for_selector('.strip[data-state="wrap_up"]', timeout=PATIENCE_S * 1000)

        # The order is completed at the desk, by hand; what is missing is named first.
        await desk.keyboard.press("Control+Enter")
        await desk.wait_for_selector(".order-missing", timeout=PATIENCE_S * 1000)
        form = await made.get(desk, "/api/form")
        spec = next(c for c in form["categories"][""] if c["key"] == "complaint")
        texts = {"place": "人民路12号", "event": "夜间施工噪音扰民"}
        for one in spec["fields"]:
            if not one["required"]:
                continue
            place = f'[data-field="fields.{one["key"]}"] :is(input, textarea, select)'
            if one["kind"] == "choice":
                await desk.select_option(place, one["choices"][0])
            else:
                await desk.fill(place, texts.get(one["key"], "某施工单位"))
        await desk.keyboard.press("Control+Enter")
        owed = await eventually(
            lambda: _orders(made, desk, "/api/orders?owner=me&state=forwarded"),
            "the complaint is completed and goes on to the shift leader",
        )
        order = owed[0]
        assert order["title"].startswith("人民路12号")
        assert order["category"] == "complaint"
        assert not order["overdue"]

        # It stands in the shift leader's inbox, and is acknowledged there.
        inbox = await made.get(shift, "/api/inbox")
        assert [one["id"] for one in inbox["forwarded"]] == [order["id"]]
        row = f'[data-row="{order["id"]}"]'
        await shift.wait_for_selector(row, timeout=PATIENCE_S * 1000)
        await shift.click(f"{row} [data-row-main]")
        await shift.wait_for_selector(f'.sl-panel[data-order="{order["id"]}"] [data-step]')
        await shift.evaluate("document.activeElement.blur()")
        await shift.keyboard.press("a")
        await eventually(
            lambda: _acknowledged(made, shift, order["id"]), "the leader's key acknowledges it"
        )

        # The violation is appealed by the agent and decided by the leader.
        violations = await eventually(
            lambda: _items(made, desk, "/api/violations?person=me&rule=hold"),
            "the hold's violation is the agent's",
        )
        assert len(violations) == 1
        violation = violations[0]["violation"]
        assert violation["agent"] == "8001"
        await made.post(
            desk, f"/api/violations/{violation['id']}/appeal", {"reason": "客户同意等待查询"}
        )
        decided = await made.post(
            shift,
            "/api/appeals/decide",
            {"violations": [violation["id"]], "grant": True, "reason": "录音属实"},
        )
        assert decided is not None
        judged = (await made.get(desk, "/api/violations?person=me&rule=hold"))["items"][0]
        assert judged["standing"] is False
        assert judged["appeals"][0]["reason"] == "客户同意等待查询"

        # The recording of the call can be heard from the order.
        calls = await eventually(
            lambda: _items(made, desk, "/api/me/calls"), "the call is among the agent's own"
        )
        recording = calls[0]["recordings"][0]["id"]
        heard = await desk.request.get(
            f"{made.daemon.url}/api/recordings/{recording}", headers={"Range": "bytes=0-3"}
        )
        assert heard.status == 206
        assert await heard.body() == b"RIFF"

        _mosquitto_saw_all_of_it(made, order["id"])


async def _items(made: Site, page: Page, path: str) -> Any:
    return (await made.get(page, path))["items"]


async def _orders(made: Site, page: Page, path: str) -> Any:
    return (await made.get(page, path))["items"]


async def _acknowledged(made: Site, page: Page, order_id: str) -> bool:
    order = await made.get(page, f"/api/orders/{order_id}")
    return order["forwarded"]["acknowledged_at"] is not None


def _mosquitto_saw_all_of_it(made: Site, order_id: str) -> None:
    topics = made.ear.topics()
    for what in ("alert/warning", "alert/breach", "alert/cleared", "violation/hold"):
        assert f"agentd/pbx/{what}" in topics
    told = [
        json.loads(heard.payload)
        for heard in made.ear.heard
        if heard.topic.startswith("agentd/pbx/work_order/")
    ]
    changes = [one["change"] for one in told if one["id"] == order_id]
    assert changes[0] == "opened"
    assert changes[-1] == "completed"


async def test_how_late_an_alert_is_on_the_agents_screen(
    tmp_path: Path, programs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Many short holds against short limits: from the moment that the limit passed, by the PBX's
    clock, to the painted page. Measured and printed; no limit is asserted, the machine is shared.
    """
    calls, holds = 3, 8
    rules = "[rules.hold]\nwarn_s = 0.6\nmax_s = 1.2\nescalate_s = 60\n"
    async with site(tmp_path, programs, rules) as made:
        steps: list[Step] = [ring(0.5), answer(), wait(1)]
        for _ in range(holds):
            steps += [hold(), wait(1.7), unhold(), wait(0.7)]
        await made.stage.phone("A", *steps, until_bye())
        desk = await made.person("8001", "/desk")
        await _sit_down(made, desk)
        await desk.evaluate(WATCH_THE_STRIP)
        for nth in range(calls):
            talks_s = JOIN_S + 1.5 + holds * 2.4 + 1
            caller = await made.stage.caller(f"c{nth}", "hotline", wait(talks_s), bye())
            await caller.finished()
        await eventually(
            lambda: desk.evaluate(
                f"window.shown.filter(s => s[0] === 'breach').length >= {calls * holds} || null"
            ),
            "every hold's breach was shown",
        )
        shown = await desk.evaluate("window.shown")
        alerts = [
            json.loads(heard.payload)
            for heard in made.ear.heard
            if heard.topic in ("agentd/pbx/alert/warning", "agentd/pbx/alert/breach")
        ]
    wanted = [(a["level"], a["at"]) for a in alerts if a["rule"] == "hold"]
    painted = [(level, at) for level, at in shown if level in ("warning", "breach")]
    lateness = [
        min(at - due for other, at in painted if other == level and at >= due - 0.05)
        for level, due in wanted
    ]
    assert len(lateness) == 2 * calls * holds
    lateness.sort()
    p99 = lateness[min(len(lateness) - 1, round(0.99 * len(lateness)))]
    with capsys.disabled():
        print(  # noqa: T201
            f"\nalerts on the agent's screen: {len(lateness)}, late by "
            f"median {statistics.median(lateness) * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms "
            f"(the aim is {AIM_S * 1000:.0f} ms)"
        )
