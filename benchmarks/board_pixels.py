"""From the PBX's event to the wallboard's pixels, in a real Chromium, with many others watching.

    python -m benchmarks.board_pixels [--seats 1000] [--calls-per-s 50] [--viewers 200]

A simulated PBX, ``agentd run``, the viewers and Chromium each run in processes of their own. A
seat's latency is the wall clock at the change of its tile in the page's DOM, less the PBX's
timestamp of the event that changed its state: it holds the watermark's 50 ms, the stream's
flush interval and the page's frame. How busy a process or the page's main thread is, is its CPU
time (Linux's /proc) against the time gone by, so that a crowded machine does not add to it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from bisect import bisect_right
from collections import defaultdict
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.async_api import async_playwright

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LIMIT_P99_MS = 250
LIMIT_MAIN_THREAD = 0.30
LIMIT_AGENTD = 1.0
PASSWORD = "bench-pixels-1"  # noqa: S105  of a database that lives as long as the benchmark
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
TEAM_SIZE = 25

# Notes every change of a seat's state as it reaches the DOM, and when the frame with it began.
WATCH = """() => {
  const noted = (window.__noted = []);
  let waiting = [];
  new MutationObserver((changes) => {
    const at = Date.now();
    if (waiting.length === 0)
      requestAnimationFrame(() => {
        const frame = Date.now();
        for (const entry of waiting) entry.push(frame);
        waiting = [];
      });
    for (const { target } of changes) {
      const entry = [target.dataset.seat, target.dataset.state, at];
      noted.push(entry);
      waiting.push(entry);
    }
  }).observe(document.querySelector(".seats"), {
    subtree: true, attributes: true, attributeFilter: ["data-state"],
  });
}"""


def cpu_s(pid: int, thread: int | None = None) -> float:
    """CPU time that a process, or one thread of it, has taken."""
    task = "" if thread is None else f"task/{thread}/"
    text = Path(f"/proc/{pid}/{task}stat").read_text(encoding="utf-8")
    fields = text.rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@asynccontextmanager
async def process(*command: str, **extra: Any) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process with its input and output piped; ended on leaving."""
    started = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 30,
        **extra,
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.terminate()
        await started.wait()


async def said(started: asyncio.subprocess.Process) -> dict[str, Any]:
    assert started.stdout is not None
    line = await started.stdout.readline()
    if not line:
        sys.exit("bench: a process ended before it was ready (see above)")
    answer: dict[str, Any] = json.loads(line)
    return answer


def configure(folder: Path, options: argparse.Namespace, pbx: dict[str, Any]) -> tuple[Path, str]:
    """Write a configuration with its seats and accounts; returns it and a token of the viewers."""
    (folder / "pbx.secret").write_text(pbx["secret"])
    (folder / "pbx.secret").chmod(0o600)
    (folder / "seats.toml").write_text(
        "".join(
            f'[[seat]]\ndevice = "PJSIP/{1001 + n}"\ngroup = "{n // TEAM_SIZE + 1:02} 组"\n'
            f"place = {n + 1}\n"
            for n in range(options.seats)
        )
    )
    config = folder / "agentd.toml"
    config.write_text(
        f'seats_file = "seats.toml"\n[[pbx]]\nid = "main"\nhost = "127.0.0.1"\n'
        f'port = {pbx["port"]}\nusername = "agentd"\nsecret_file = "pbx.secret"\n'
        f'[store]\npath = "agentd.db"\n[web]\nport = {options.port}\n[log]\nlevel = "error"\n'
    )

    def tool(*arguments: str, **extra: Any) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "agentd", *arguments, "--config", str(config)],
            capture_output=True,
            text=True,
            check=False,
            **extra,
        )
        if done.returncode:
            sys.exit(f"bench: agentd {' '.join(arguments)} failed:\n{done.stderr.strip()}")
        return str(done.stdout)

    tool("user", "add", "sup", "--name", "现场", "--role", "supervisor", input=f"{PASSWORD}\n" * 2)
    token = tool("token", "add", "viewers", "--right", "board").split()
    return config, next(word for word in token if word.startswith("agentd_"))


def latencies(noted: list[list[Any]], told: list[list[Any]]) -> tuple[list[float], list[float]]:
    """Milliseconds from the PBX's timestamp to the DOM, and to the next frame."""
    since: dict[tuple[str, str], list[float]] = defaultdict(list)
    for key, state, at, _ in told:
        since[key, state].append(at)
    to_dom, to_frame = [], []
    for key, state, at_ms, *frame in noted:
        known = since[key, state]
        # The newest that had happened by then; the PBX and this clock are one.
        found = bisect_right(known, at_ms / 1000 + 0.002) - 1
        if found < 0:
            continue
        to_dom.append(at_ms - known[found] * 1000)
        if frame:
            to_frame.append(frame[0] - known[found] * 1000)
    return to_dom, to_frame


async def measure(options: argparse.Namespace, folder: Path, stack: AsyncExitStack) -> None:
    run = (sys.executable, "-m", "benchmarks.board_pixels_run")
    load = (str(options.seats), str(options.calls_per_s), str(options.talk_scale))
    simulator = await stack.enter_async_context(process(*run, "simulator", *load))
    config, token = configure(folder, options, await said(simulator))
    daemon = await stack.enter_async_context(
        process(sys.executable, "-m", "agentd", "run", "--config", str(config))
    )
    base = f"http://127.0.0.1:{options.port}/"
    for _ in range(300):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", options.port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            break
    watching = await stack.enter_async_context(
        process(*run, "viewers", str(options.port), token, str(options.viewers))
    )
    await said(watching)
    playwright = await stack.enter_async_context(async_playwright())
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    browser = await playwright.chromium.launch(
        executable_path=os.environ.get("AGENTD_CHROMIUM", chromium), args=list(FLAGS)
    )
    stack.push_async_callback(browser.close)
    page = await browser.new_page(viewport={"width": options.width, "height": options.height})
    page.set_default_timeout(180_000)
    await page.goto(f"{base}login?next=/")
    await page.fill("#login", "sup")
    await page.fill("#password", PASSWORD)
    await page.press("#password", "Enter")
    await page.wait_for_selector("[data-seat]")
    await asyncio.sleep(options.warm_up_s)
    await page.evaluate(WATCH)
    cdp = await browser.new_browser_cdp_session()
    renderers = [
        int(entry["id"])
        for entry in (await cdp.send("SystemInfo.getProcessInfo"))["processInfo"]
        if entry["type"] == "renderer"
    ]
    renderer = max(renderers, key=cpu_s)
    if options.trace is not None:
        await browser.start_tracing(page=page, path=str(options.trace))
    watched = {"main": (renderer, renderer), "page": (renderer, None), "agentd": (daemon.pid, None)}
    watched |= {"simulator": (simulator.pid, None), "viewers": (watching.pid, None)}
    before = {name: cpu_s(*who) for name, who in watched.items()}
    began = asyncio.get_running_loop().time()
    await asyncio.sleep(options.measure_s)
    gone_s = asyncio.get_running_loop().time() - began
    busy = {name: (cpu_s(*who) - before[name]) / gone_s for name, who in watched.items()}
    if options.trace is not None:
        await browser.stop_tracing()
    noted = await page.evaluate("window.__noted")
    tiles = await page.locator("[data-seat]").count()
    if options.screenshot is not None:
        await page.screenshot(path=str(options.screenshot))
    assert watching.stdin is not None
    watching.stdin.close()
    report(options, busy, noted, await said(watching), tiles, gone_s)


def report(
    options: argparse.Namespace,
    busy: dict[str, float],
    noted: list[list[Any]],
    stream: dict[str, Any],
    tiles: int,
    gone_s: float,
) -> None:
    to_dom, to_frame = latencies(noted, stream["said"])
    if not to_dom:
        sys.exit("bench: no seat changed its state on the page")
    print(
        f"{options.seats} seats, {options.calls_per_s:g} calls/s, {options.viewers} viewers "
        f"({stream['lost']} lost), one Chromium at {options.width}x{options.height} with {tiles} "
        f"tiles; {gone_s:.0f} s, {len(to_dom)} changes seen; {platform.machine()}, "
        f"Python {platform.python_version()}, {os.cpu_count()} cores"
    )
    # Of the same time; what the first snapshot says is older.
    first_ms = min(entry[2] for entry in noted)
    heard = [
        (heard_at - since) * 1000
        for _, _, since, heard_at in stream["said"]
        if since * 1000 > first_ms
    ]
    print(f"  PBX timestamp to a viewer  p50 {quantile(heard, 0.5):5.0f} ms  "
          f"p99 {quantile(heard, 0.99):5.0f} ms")  # fmt: skip
    p50, p99 = quantile(to_dom, 0.5), quantile(to_dom, 0.99)
    print(f"  PBX timestamp to DOM       p50 {p50:5.0f} ms  p99 {p99:5.0f} ms  "
          f"{p99 / LIMIT_P99_MS:4.2f} of the limit ({LIMIT_P99_MS} ms)")  # fmt: skip
    if to_frame:
        print(f"  ... to its next frame      p50 {quantile(to_frame, 0.5):5.0f} ms  "
              f"p99 {quantile(to_frame, 0.99):5.0f} ms")  # fmt: skip
    for name, words, limit in (
        ("main", "page's main thread", LIMIT_MAIN_THREAD),
        ("agentd", "agentd", LIMIT_AGENTD),
    ):
        print(f"  {words:<26} {busy[name] * 100:5.1f} % of a core          "
              f"{busy[name] / limit:4.2f} of the limit ({limit:.0%})")  # fmt: skip
    rest = {"page": "page, all threads", "simulator": "simulated PBX", "viewers": "all viewers"}
    for name, words in rest.items():
        print(f"  {words:<26} {busy[name] * 100:5.1f} % of a core")


async def run(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="agentd-bench-") as folder:
        async with AsyncExitStack() as stack:
            await measure(options, Path(folder), stack)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.board_pixels", description=__doc__)
    parser.add_argument("--seats", type=int, default=1000)
    parser.add_argument("--calls-per-s", type=float, default=50.0)
    parser.add_argument("--talk-scale", type=float, default=0.15, help="keeps 60 %% busy")
    parser.add_argument("--viewers", type=int, default=200)
    parser.add_argument("--width", type=int, default=1920)
    parser.add_argument("--height", type=int, default=1080)
    parser.add_argument("--port", type=int, default=18447)
    parser.add_argument("--warm-up-s", type=float, default=20.0)
    parser.add_argument("--measure-s", type=float, default=30.0)
    parser.add_argument("--trace", type=Path, help="a Chrome trace of the measured time")
    parser.add_argument("--screenshot", type=Path)
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
