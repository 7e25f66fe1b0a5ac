"""SIPp phones and callers: what a phone does is a list of steps, composed into one SIPp scenario.

The steps' SIP is in `sipp/*.xml`; SIPp plays it. Times are seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SIPP_DIR = Path(__file__).parent / "sipp"

# However the lab ends, kill -9 included, its processes end with it.
DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")

_VARIABLES = ("peer", "peer_all", "peer_tag", "invite_via", "invite_cseq")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing a phone does: the fragment `sipp/KIND.xml` and its placeholders."""

    kind: str
    values: tuple[tuple[str, str], ...] = ()


def _step(kind: str, **values: object) -> Step:
    return Step(kind, tuple((key, str(value)) for key, value in values.items()))


def ring(seconds: float) -> Step:
    """Take a call and ring this long; when the caller gives up meanwhile, stop."""
    return _step("ring", MS=round(seconds * 1000))


def ring_on() -> Step:
    """Ring until the caller or the PBX gives up."""
    return ring(3600)


def answer() -> Step:
    return _step("answer")


def reject(code: int = 486) -> Step:
    return _step("reject", CODE=code)


def wait(seconds: float) -> Step:
    """Stay in the call this long; when the other side ends it meanwhile, stop."""
    return _step("wait", MS=round(seconds * 1000))


def until_bye() -> Step:
    return _step("until_bye")


def hold() -> Step:
    return _step("reinvite", DIRECTION="sendonly")


def unhold() -> Step:
    return _step("reinvite", DIRECTION="sendrecv")


def bye() -> Step:
    return _step("bye")


def refer(target: str) -> Step:
    """Blind transfer."""
    return _step("refer", TARGET=target)


def call(target: str, *, name: str = "") -> Step:
    """Call a number; `name` is the display name as it stands in From, quotes included."""
    return _step("call", TARGET=target, NAME=name)


def refer_with_replaces(target: str) -> Step:
    """Attended transfer: refer the phone's other call to this one. Needs keys `other_*`."""
    return _step("refer_other", TARGET=target)


@cache
def _fragment(kind: str) -> str:
    return (SIPP_DIR / f"{kind}.xml").read_text(encoding="utf-8")


def compose(user: str, steps: Sequence[Step], media: str = "[media_port]") -> str:
    """The SIPp scenario, as XML, of a phone with this SIP user; `media` is where it wants RTP."""
    parts = ['<?xml version="1.0" encoding="UTF-8" ?>\n<scenario name="lab">\n']
    cseq = 0
    for index, step in enumerate(steps):
        values = {"USER": user, "ID": str(index), "MEDIA": media, **dict(step.values)}
        if step.kind in ("call", "reinvite", "refer", "bye"):
            cseq += 1
        values["CSEQ"] = str(cseq)
        parts.append(_fill(_fragment(step.kind), values))
    parts.append('  <nop next="over" />\n')
    parts.append(_fill(_fragment("end"), {"USER": user}))
    text = "".join(parts)
    used = [name for name in _VARIABLES if re.search(rf"\b{name}\b", text)]
    return f'{text}  <Reference variables="{",".join(used)}" />\n</scenario>\n'


def _fill(text: str, values: dict[str, str]) -> str:
    return re.sub(r"@([A-Z]+)@", lambda match: values[match[1]], text)


class SippError(RuntimeError):
    """A SIPp did not start, or its call did not go as the steps say."""


class Sipp:
    """One SIPp process, listening on `host`:`port` and playing `steps` for `user`.

    A phone (`calls` None) takes calls until it is stopped; a caller makes `calls` calls, `rate`
    a second. `finished` waits for a caller's end and raises SippError when a call failed.
    `voice_port`: who speaks and listens for it (`voice.py`); SIPp itself sends no sound.
    `trace`: a file for every message that it sends and gets, with the time (`witness.py`).
    """

    def __init__(
        self,
        directory: Path,
        *,
        host: str,
        port: int,
        control_port: int,
        media_port: int,
        pbx: str,
        user: str,
        steps: Sequence[Step],
        calls: int | None = None,
        rate: float = 1.0,
        keys: dict[str, str] | None = None,
        voice_port: int | None = None,
        trace: Path | None = None,
    ) -> None:
        self.port = port
        self._media = "[media_port]" if voice_port is None else str(voice_port)
        self._dir = directory
        self._name = f"{user}-{port}-{control_port}"
        self._steps = steps
        self._user = user
        self._args = [
            *DIES_WITH_US, "sipp", "-sf", self._file("xml"), "-i", host, "-p", str(port),
            "-cp", str(control_port), "-mp", str(media_port), "-nostdin",
            "-trace_err", "-error_file", self._file("err"),
            "-trace_logs", "-log_file", self._file("log"), "-nd",
            # An @ would have to be escaped in Replaces.
            "-cid_str", "%u-%p-lab",
        ]  # fmt: skip
        if calls is not None:
            self._args += ["-m", str(calls), "-r", str(rate), "-l", "1000"]
        for key, value in (keys or {}).items():
            self._args += ["-key", key, value]
        if trace is not None:
            self._args += ["-trace_msg", "-message_file", str(trace)]
        self._args.append(pbx)
        self._process: asyncio.subprocess.Process | None = None

    def _file(self, suffix: str) -> str:
        return str(self._dir / f"{self._name}.{suffix}")

    async def start(self) -> Sipp:
        """Start SIPp and wait until its port is bound."""
        text = compose(self._user, self._steps, self._media)
        Path(self._file("xml")).write_text(text, encoding="utf-8", errors="surrogateescape")
        Path(self._file("log")).unlink(missing_ok=True)
        with Path(self._file("out")).open("ab") as out:
            self._process = await asyncio.create_subprocess_exec(
                *self._args, stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=out,
                env={**os.environ, "TERM": "dumb"}, start_new_session=True,
            )  # fmt: skip
        wanted = f":{self.port:04X} "
        for _ in range(1000):
            if self._process.returncode is not None:
                return self if self._process.returncode == 0 else self._fail("ended at once")
            if any(wanted in line.split(" rem")[0] for line in _udp_sockets()):
                return self
            await asyncio.sleep(0.01)
        return self._fail(f"did not bind port {self.port}")

    def _fail(self, what: str) -> Sipp:
        said = "".join(
            Path(self._file(suffix)).read_text(errors="replace")[-6000:]
            for suffix in ("err", "out")
            if Path(self._file(suffix)).exists()
        )
        raise SippError(f"SIPp {self._name} {what}: {said}")

    async def finished(self, timeout: float = 120.0) -> None:
        """Wait until a caller has ended all its calls."""
        assert self._process is not None
        code = await asyncio.wait_for(self._process.wait(), timeout)
        if code != 0:
            self._fail(f"ended with code {code}")

    async def dialog(self, timeout: float = 30.0) -> dict[str, str]:
        """The SIP identity of the call that this phone has answered or made."""
        for _ in range(round(timeout * 50)):
            with contextlib.suppress(FileNotFoundError):
                found = re.search(
                    r"UP call_id=(\S+) tag=(\S+) peer=(.*)", Path(self._file("log")).read_text()
                )
                if found:
                    return {"call_id": found[1], "tag": found[2], "peer": found[3].strip()}
            await asyncio.sleep(0.02)
        self._fail("has no call")
        return {}

    async def stop(self) -> None:
        """End SIPp at once: asked politely it waits for its calls and keeps its port."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()

    def discard_files(self) -> None:
        """Remove what this SIPp wrote."""
        for suffix in ("xml", "err", "log", "out"):
            Path(self._file(suffix)).unlink(missing_ok=True)


def _udp_sockets() -> list[str]:
    if sys.platform != "linux":
        return []
    return Path("/proc/net/udp").read_text().splitlines()
