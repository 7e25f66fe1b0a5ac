"""`python -m asterisk_lab up`: endless traffic on a real Asterisk, in Docker or natively."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from . import traffic
from .config import SUPERVISED
from .container import CONFIG
from .daemon import Daemon, DaemonFailed
from .native import NativePbx, missing_parts
from .people import PeopleFailed, add_people
from .phones import DIES_WITH_US
from .ports import PortBlock

LAB_DIR = Path(__file__).parent


def docker_missing() -> str | None:
    """Why Docker cannot be used here, or None."""
    if shutil.which("docker") is None:
        return "no docker program"
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode != 0:
        return "no Docker engine answers"
    if subprocess.run(
        ["docker", "compose", "version"], capture_output=True, check=False
    ).returncode:
        return "docker has no compose plugin"
    return None


def up(*, how: str, seats: int, minutes: float | None) -> int:
    """Run the lab until Ctrl-C, SIGTERM or `minutes`; returns the exit code."""
    no_docker = docker_missing() if how in ("auto", "docker") else "not asked for"
    if no_docker is None:
        print("lab: using Docker Compose", flush=True)
        return _docker(seats, minutes)
    if how == "docker":
        print(f"lab: {no_docker}", file=sys.stderr)
        return 1
    lacks = missing_parts()
    if lacks:
        why = f"{no_docker}; and natively it lacks: " if how == "auto" else "missing here: "
        print(f"lab: {why}{'; '.join(lacks)}", file=sys.stderr)
        return 1
    print(f"lab: using a native Asterisk ({no_docker})", flush=True)
    return asyncio.run(_native(seats, minutes))


async def _native(count: int, minutes: float | None) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if minutes is not None:
        loop.call_later(minutes * 60, stop.set)
    with tempfile.TemporaryDirectory(prefix="agentd-lab-run-") as work:
        pbx = NativePbx(traffic.seats(count), traffic.queues(count), callers=30 + 4 * count)
        async with pbx:
            broker = await _mosquitto(pbx.ports.take())
            daemon = Daemon(
                Path(work) / "agentd", ami_port=pbx.config.ami_port,
                secret=pbx.secrets["control"], web_port=pbx.ports.take(), account="control",
                pbx=SUPERVISED,
                extra=f'[mqtt]\nhost = "127.0.0.1"\nport = {broker[0]}\n' if broker else "",
            )  # fmt: skip
            (Path(work) / "sipp").mkdir()
            world = traffic.World(
                sip_port=pbx.config.sip_port, seats=pbx.seats, queues=pbx.config.queues,
                ami=pbx.ami, take_ports=pbx.ports.take,
            )  # fmt: skip
            player = traffic.Traffic(world, Path(work) / "sipp")
            playing = None
            try:
                await daemon.start()
                agentd = [sys.executable, "-m", "agentd"]
                people = [(seat.number, seat.person) for seat in pbx.config.seats]
                told = await asyncio.to_thread(add_people, agentd, str(daemon.config), people)
                print(f"lab: AMI on 127.0.0.1:{pbx.config.ami_port}, Asterisk in {pbx.directory}")
                if broker:
                    print(
                        f"lab: Mosquitto on 127.0.0.1:{broker[0]}"
                        f"   (mosquitto_sub -p {broker[0]} -v -t 'agentd/#')"
                    )
                for line in told:
                    print(f"lab: {line.replace('URL', daemon.url)}")
                print(f"lab: wallboard {daemon.url}/   (Ctrl-C ends)", flush=True)
                playing = asyncio.create_task(player.run(), name="traffic")
                stopping = asyncio.create_task(stop.wait(), name="stop")
                await asyncio.wait({playing, stopping}, return_when=asyncio.FIRST_COMPLETED)
                stopping.cancel()
                if playing.done():
                    playing.result()
            except (DaemonFailed, PeopleFailed) as exc:
                print(f"lab: {exc}", file=sys.stderr)
                return 1
            finally:
                if playing is not None:
                    playing.cancel()
                    await asyncio.gather(playing, return_exceptions=True)
                code = await daemon.stop()
                if broker:
                    broker[1].terminate()
                    await broker[1].wait()
    print(f"lab: ended after {player.calls} calls; agentd's exit code {code}", flush=True)
    return code


async def _mosquitto(port: int) -> tuple[int, asyncio.subprocess.Process] | None:
    program = shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")
    if program is None:
        print("lab: without a broker (Mosquitto is not installed)")
        return None
    process = await asyncio.create_subprocess_exec(
        *DIES_WITH_US, program, "-p", str(port), start_new_session=True,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    return port, process


def _docker(count: int, minutes: float | None) -> int:
    """Build the image, start the composition, and take it down again at the end."""
    with PortBlock(50) as ports:
        port = ports.take()
        environment = {
            **os.environ,
            "LAB_SEATS": str(count),
            "LAB_WEB_PORT": str(port),
            "LAB_SECRET": secrets.token_hex(8),
            "AGENTD_SECRET": secrets.token_hex(8),
        }
        compose = [
            "docker", "compose", "-f", str(LAB_DIR / "compose.yaml"), "-p", f"agentd-lab-{port}",
        ]  # fmt: skip

        def run(*args: str) -> int:
            return subprocess.run([*compose, *args], env=environment, check=False).returncode

        def end(*_: object) -> None:
            raise KeyboardInterrupt

        for certificate in Path("/usr/local/share/ca-certificates").glob("**/*.crt"):
            shutil.copy(certificate, LAB_DIR / "ca")
        before = signal.signal(signal.SIGTERM, end)
        try:
            if run("build", "--quiet") or run("up", "--detach", "--wait"):
                run("logs", "--tail", "20")
                return 1
            url = f"http://127.0.0.1:{port}"
            inside = [*compose, "exec", "--no-TTY", "agentd", "python3", "-m", "agentd"]
            for line in add_people(inside, CONFIG, traffic.seats(count), environment):
                print(f"lab: {line.replace('URL', url)}")
            print(f"lab: wallboard {url}/   (Ctrl-C ends)", flush=True)
            with contextlib.suppress(KeyboardInterrupt, subprocess.TimeoutExpired):
                subprocess.run(
                    [*compose, "logs", "--follow", "--tail", "0", "--no-log-prefix", "agentd"],
                    env=environment, check=False, timeout=minutes and minutes * 60,
                )  # fmt: skip
        except PeopleFailed as exc:
            print(f"lab: {exc}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            pass
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            run("down", "--volumes", "--timeout", "10")
            signal.signal(signal.SIGTERM, before)
            signal.signal(signal.SIGINT, signal.default_int_handler)
    return 0
