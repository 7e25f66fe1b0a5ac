"""Every figure on the wallboard against what really happened: a real Asterisk with SIPp's phones
and callers, agentd as a process on a store of its own, the board in Chromium.

The truth comes from the phones' messages and Asterisk's own account (asterisk_lab/witness.py), by
the formulas of docs/metrics.md written anew (board_truth.py); agentd, its store and AMI have no
part in it. `MINUTES=10` (`make board-truth`) plays for so long; without it a
minute.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

from asterisk_lab.config import SUPERVISED
from asterisk_lab.daemon import Daemon
from asterisk_lab.native import NativePbx
from tests.browser.conftest import FLAGS
from tests.lab import board_play as play
from tests.lab.board_page import UTC_OFFSET_S, Compare, compare_figures, compare_now, compare_wall
from tests.lab.board_read import READ, READ_WALL
from tests.lab.board_truth import Counted, Figure, Scope, Span, spans
from tests.lab.board_world import Instant, Range, World
from tests.lab.test_end_to_end import PASSWORD, _add_person

MINUTES = float(os.environ.get("MINUTES") or 1.0)
SEED = int(os.environ.get("SEED") or 20261123)
QUIET_S = 4.0
"""Nothing has happened for so long: every verdict is settled, and shown."""
PATIENCE_S = 90.0
WINDOWS = ("last_30_min", "shift", "today")
METRICS = Path(__file__).parents[2] / "docs" / "metrics.md"

pytestmark = [pytest.mark.lab, pytest.mark.browser, pytest.mark.timeout(600 + 120 * MINUTES)]


def local(at: float) -> str:
    """The time of day on site, as configuration has it."""
    return datetime.fromtimestamp(at + UTC_OFFSET_S, UTC).strftime("%H:%M")


@dataclass
class Site:
    """Everything running. The day begins at ``day_at``, and the only shift at ``shift_at``."""

    pbx: NativePbx
    daemon: Daemon
    page: Page
    wall: Page
    play: play.Play
    day_at: float
    shift_at: float
    heard_at: Instant
    complaints: list[str] = field(default_factory=list)

    async def get(self, path: str) -> Any:
        answer = await self.page.request.get(f"{self.daemon.url}{path}")
        assert answer.ok, await answer.text()
        return await answer.json()

    def world(self) -> World:
        did = self.play
        return World(
            play.RULES, did.seen(),
            people={play.device(n): name for n, (name, _) in play.PEOPLE.items()},
            teams={play.device(n): team for n, (_, team) in play.PEOPLE.items()},
            heard_at=self.heard_at, static=frozenset(map(play.device, play.STATIC)),
            rest=frozenset(play.REST), words=play.REASONS_SHOWN,
            pauses=list(did.pauses), members=list(did.members),
            completed=list(did.completed), ended_by_us=set(did.ended_by_us),
        )  # fmt: skip

    def spans(self, now: float) -> dict[str, Span]:
        day_at = self.day_at if now >= self.day_at else self.day_at - 86_400
        found = spans(now, day_at, self.shift_at)
        if now < self.shift_at:
            # Yesterday's shift began last, and is over since long.
            for name in [name for name in found if name.startswith("shift")]:
                back = now - found[name].until
                since = self.shift_at - 86_400 - back
                found[name] = Span(since, since + 8 * 3600, now, found[name].past)
        return found


def _seats_toml() -> str:
    return "".join(
        f'[[seat]]\ndevice = "{play.device(number)}"\nlabel = "{number}"\ngroup = "{team}"\n'
        f"place = {place}\n"
        for place, (number, (_, team)) in enumerate(play.PEOPLE.items())
    )


@asynccontextmanager
async def site(folder: Path, chromium: Path) -> AsyncIterator[Site]:
    minute = time.time() // 60 * 60
    # A short run begins within the day, a long one goes over the day's beginning; a shift begins
    # in the middle of both.
    day_at, shift_at = (minute, minute + 60) if MINUTES < 4 else (minute + 180, minute + 300)
    async with AsyncExitStack() as stack:
        seats = [(number, person) for number, (person, _) in play.PEOPLE.items()]
        pbx = await stack.enter_async_context(NativePbx(seats, play.QUEUES, callers=80, cel=True))
        # What tells who is right, when the two differ.
        stack.callback(shutil.copytree, pbx.directory / "log", folder / "asterisk")
        home = folder / "agentd"
        home.mkdir()
        (home / "seats.toml").write_text(_seats_toml(), encoding="utf-8")
        daemon = Daemon(
            home, ami_port=pbx.config.ami_port, secret=pbx.secrets["control"],
            web_port=pbx.ports.take(), account="control", pbx=SUPERVISED,
            extra=(
                f'language = "en"\n[figures]\nday_starts_at = "{local(day_at)}"\n'
                f'shifts = ["{local(shift_at)}-{local(shift_at + 8 * 3600)}"]\n{play.TOML}'
            ),
        )  # fmt: skip
        text = daemon.config.read_text(encoding="utf-8")
        daemon.config.write_text(f'seats_file = "seats.toml"\n{text}', encoding="utf-8")
        await _add_person(daemon.config, "7001", "--name", "沈国平", "--role", "supervisor")
        started_at = time.time()
        await daemon.start()
        stack.push_async_callback(daemon.stop)
        heard_at = started_at, time.time()
        playwright = await stack.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(executable_path=str(chromium), args=list(FLAGS))
        stack.push_async_callback(browser.close)
        context = await browser.new_context(viewport={"width": 1920, "height": 1400}, locale="en")
        page = await context.new_page()

        async def ask(method: str, path: str, body: dict[str, Any] | None) -> tuple[int, Any]:
            answer = await page.request.fetch(f"{daemon.url}{path}", method=method, data=body)
            return answer.status, await answer.json()

        sipp = folder / "sipp"
        sipp.mkdir()
        traffic = play.Play(pbx, sipp, play.Plan(SEED), ask)
        wall = await context.new_page()
        made = Site(pbx, daemon, page, wall, traffic, day_at, shift_at, heard_at)
        page.on("pageerror", lambda error: made.complaints.append(str(error)))
        await page.goto(f"{daemon.url}/login")
        await page.fill("#login", "7001")
        await page.fill("#password", PASSWORD)
        await page.press("#password", "Enter")
        await page.wait_for_selector(".seats", timeout=PATIENCE_S * 1000)
        try:
            yield made
        finally:
            _write_down(made, folder / "truth.txt")
        assert made.complaints == []


def _write_down(made: Site, path: Path) -> None:
    """What was seen and done, a line each: to find out who is right, when the two differ."""
    world = made.world()
    told = [
        made.spans(time.time()), world.seen.visits, world.seen.parts, world.pauses, world.members,
        world.completed, sorted(world.ended_by_us),
    ]  # fmt: skip
    lines = [
        str(one) for some in told for one in (some.items() if isinstance(some, dict) else some)
    ]
    path.write_text("\n".join([f"heard {made.heard_at}", *lines]), encoding="utf-8")


# --- the board -----------------------------------------------------------------------------------


def queue_truth(world: World, windows: dict[str, Span]) -> dict[str, dict[str, dict[str, Figure]]]:
    return {
        queue.name: {
            name: Counted(world, Scope("queue", queue.name), span).figures()
            for name, span in windows.items()
        }
        for queue in play.QUEUES
    }


async def read(made: Site, window: str) -> dict[str, Any]:
    """The page with that window chosen."""
    choice = made.page.locator(".queues-top .segments button").nth(WINDOWS.index(window))
    await choice.click()
    await made.page.mouse.move(2, 2)
    earlier = made.page.locator('.alert-more[aria-expanded="false"]')
    if await earlier.count():
        await earlier.click()
    found: dict[str, Any] = await made.page.evaluate(READ)
    return found


async def read_wall(made: Site, window: str) -> dict[str, Any]:
    """The big screen with that period; its first picture is of all queues."""
    await made.wall.goto(f"{made.daemon.url}/wall?period={window}&seconds=600&lang=en")
    await made.wall.wait_for_selector(".wall-table tbody tr", timeout=PATIENCE_S * 1000)
    found: dict[str, Any] = await made.wall.evaluate(READ_WALL)
    return found


async def board_is_true(made: Site, shown: Sequence[str] = WINDOWS) -> Compare:
    """Wait for a quiet moment, and hold all that the page shows, with each of these windows,
    against the truth of it. A moment that was not quiet to its end is no moment."""
    deadline = time.monotonic() + PATIENCE_S
    wrong = ["there was no quiet moment"]
    while time.monotonic() < deadline:
        if made.play.quiet_s() < QUIET_S:
            await asyncio.sleep(0.2)
            continue
        check = Compare()
        world = made.world()
        for window in shown:
            page = await read(made, window)
            windows = made.spans(page["at"])
            gaps = {name: span.since < made.heard_at[1] for name, span in windows.items()}
            compare_figures(page, window, queue_truth(world, windows), gaps, world, check)
            compare_now(page, world, made.play.quiet_s(), check)
            wall = await read_wall(made, window)
            windows = made.spans(wall["at"])
            compare_wall(wall, window, queue_truth(world, windows), gaps, world, check)
        if made.play.quiet_s() < QUIET_S:
            continue
        if not check.wrong:
            return check
        wrong = check.wrong
        await asyncio.sleep(0.3)
    (made.daemon.config.parent / "wrong.txt").write_text("\n".join(wrong), encoding="utf-8")
    pytest.fail("the board is not true:\n" + "\n".join(wrong[:60]), pytrace=False)


async def busy_moment(made: Site, moments: list[Compare]) -> None:
    """A moment while some wait and some talk; again, where they had all gone before it was quiet
    for long enough."""
    for window in (*WINDOWS, *WINDOWS):
        made.play.linger()
        # One window: those who wait do not wait for ever.
        moments.append(await board_is_true(made, (window,)))
        await made.play.drained()
        if {"waiting", "talking"} <= moments[-1].met:
            return


# --- the API -------------------------------------------------------------------------------------


def table() -> dict[str, tuple[str, frozenset[str]]]:
    """Unit and scopes of each metric, from docs/metrics.md."""
    found = {}
    words = {"a count": "count", "a share": "share", "seconds": "seconds", "per hour": "per_hour"}
    line = re.compile(r"^`([\w:]+)` · \S+ (a count|a share|seconds|per hour) · (.*)$", re.MULTILINE)
    for key, unit, kinds in line.findall(METRICS.read_text(encoding="utf-8")):
        found[key] = words[unit], frozenset(kind.split()[-1] for kind in kinds.split(", "))
    return found


OFF = frozenset({"compliance:hold_sum", "compliance:consult"})
"""Of rules whose limit is off."""


def scopes() -> list[tuple[Scope, str]]:
    """Every scope, and its name in the API."""
    found = [(Scope("site"), "*")]
    found += [(Scope("queue", queue.name), f"pbx/{queue.name}") for queue in play.QUEUES]
    for number, (person, _) in play.PEOPLE.items():
        found.append((Scope("seat", play.device(number)), f"pbx/{play.device(number)}"))
        found.append((Scope("person", person), person))
    teams = dict.fromkeys(team for _, team in play.PEOPLE.values())
    return found + [(Scope("team", team), team) for team in teams]


async def api_is_true(made: Site) -> int:
    """Every figure of every scope in every window, against the truth."""
    world, check, rows = made.world(), Compare(), table()
    assert len(rows) > 30
    for scope, name in scopes():
        windows = made.spans(time.time())
        answer = await made.page.request.get(
            f"{made.daemon.url}/api/figures",
            params={"kind": scope.kind, "name": name, "window": ",".join(windows)},
        )
        assert answer.ok, await answer.text()
        told = await answer.json()
        windows = made.spans(told["as_of_at"])
        check.same(f"windows of {scope}", set(told["figures"]), set(windows))
        expected = {key for key, (_, kinds) in rows.items() if scope.kind in kinds} - OFF
        for window, figures in told["figures"].items():
            what = f"{scope.kind} {scope.name} {window}"
            check.same(f"{what}: its figures", set(figures), expected)
            truth = Counted(world, scope, windows[window]).figures()
            gap = windows[window].since < made.heard_at[1]
            for key in sorted(expected & set(figures)):
                _figure(f"{what} {key}", figures[key], truth[key], rows[key][0], gap, check)
    if check.wrong:
        (made.daemon.config.parent / "wrong.txt").write_text("\n".join(check.wrong), "utf-8")
        pytest.fail("/api/figures is not true:\n" + "\n".join(check.wrong[:80]), pytrace=False)
    return check.checked


def _figure(
    what: str, shown: dict[str, Any], true: Figure, unit: str, gap: bool, check: Compare
) -> None:
    check.same(f"{what} unit", true.unit, unit)
    check.same(f"{what} gap", shown["gap"], gap)
    check.same(f"{what} estimated", shown["estimated"], 0)
    if true.value is None:
        check.same(what, shown["value"], None)
        return
    if shown["value"] is None:
        # May be so only where perhaps nothing counts.
        check.same(what, None, None if true.den is None or true.den.lo <= 0 else true.value)
        return
    check.within(what, shown["value"], true.value)
    check.within(f"{what} numerator", shown["num"], true.num)
    if true.den is not None:
        check.within(f"{what} denominator", shown["den"], true.den)
        scale = 3600 if unit == "per_hour" else 1
        quotient = scale * shown["num"] / shown["den"]
        check.within(f"{what} quotient", shown["value"], Range(quotient - 1e-6, quotient + 1e-6))


# --- Asterisk's third opinion ---------------------------------------------------------------------


def queue_log(pbx: NativePbx) -> Counter[tuple[str, str]]:
    """How often what happened in which queue, as app_queue itself wrote it down."""
    events = {"ENTERQUEUE": "offered", "CONNECT": "answered", "ABANDON": "abandoned",
              "EXITWITHTIMEOUT": "let_go"}  # fmt: skip
    found: Counter[tuple[str, str]] = Counter()
    for line in (pbx.directory / "log" / "queue_log").read_text("utf-8").splitlines():
        _, _, queue, _, event, *_ = line.split("|")
        if event in events:
            found[queue, events[event]] += 1
    return found


def witness_agrees(made: Site, world: World) -> None:
    """app_queue counts the same stays as the truth does: else the truth is not one."""
    counted: Counter[tuple[str, str]] = Counter()
    for visit in world.seen.visits:
        counted[visit.queue, "offered"] += 1
        counted[visit.queue, visit.outcome] += 1
    assert counted == queue_log(made.pbx)


async def test_every_figure_is_what_happened(
    tmp_path: Path, chromium_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with site(tmp_path, chromium_path) as made:
        moments: list[Compare] = []
        async with made.play.running():
            rounds = max(1, round(MINUTES / 5))
            for _ in range(rounds):
                await made.play.traffic(MINUTES * 60 / rounds)
                await made.play.drained()
                await busy_moment(made, moments)
            moments.append(await board_is_true(made))
            compared = await api_is_true(made) + sum(moment.checked for moment in moments)
            world = made.world()
        assert made.play.problems == []
        witness_agrees(made, world)
        outcomes = Counter(visit.outcome for visit in world.seen.visits)
        parts = Counter(part.outcome for part in world.seen.parts)
        # A run in which little happened proves little.
        met = set.union(*(moment.met for moment in moments))
        assert {"waiting", "talking", "paused", "available"} <= met
        assert outcomes["answered"] >= 15 * MINUTES
        assert {"abandoned", "let_go"} <= set(outcomes)
        assert any(part.ended_by == "transfer" for part in world.seen.parts)
    with capsys.disabled():
        print(  # noqa: T201
            f"\nboard truth: {MINUTES:g} min, seed {SEED}: {compared} comparisons; stays "
            f"{dict(outcomes)}, seats' parts {dict(parts)}, orders completed "
            f"{len(world.completed)}; states met {sorted(met)}"
        )
