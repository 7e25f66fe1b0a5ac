"""One Asterisk on this machine, started by chroot into a root file system of install.sh."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import socket
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from .ami import AmiClient, AmiError, Frame, Recorder
from .config import PHONE_HOST, USERS, PbxConfig, Queue, Seat
from .phones import DIES_WITH_US
from .ports import PortBlock

SUITE_OF_VERSION = {"22": "sid", "16": "bullseye"}

ROOT = "a.root-servers.net"

# Mounts live in a mount namespace of the PBX's own, so that nothing is left when it ends, however
# it ends; every PBX sees its own directory as /lab.
_START = """
set -e
mount --bind "$1" "$2/lab"
mount --bind "$1/hosts" "$2/etc/hosts"
mount --bind "$1/resolv.conf" "$2/etc/resolv.conf"
mount -t proc proc "$2/proc"
mount --rbind /dev "$2/dev"
exec chroot "$2" /usr/sbin/asterisk -f -C /lab/etc/asterisk.conf
"""


def lab_home() -> Path:
    return Path(os.environ.get("AGENTD_LAB_HOME") or Path.home() / ".cache" / "agentd-lab")


def rootfs(version: str = "22") -> Path:
    return lab_home() / SUITE_OF_VERSION[version]


def module_dir(version: str) -> str:
    """Where that version's modules lie, as Asterisk sees it: Debian moved them in between."""
    root = rootfs(version)
    found = sorted((root / "usr/lib").glob("**/asterisk/modules/app_queue.so"))
    return f"/{found[0].parent.relative_to(root)}"


def missing_parts(versions: Sequence[str] = ("22",)) -> list[str]:
    """What the native lab lacks on this machine, in words; empty when it can run."""
    lacks = []
    if os.geteuid() != 0:
        lacks.append("root (the native lab runs Asterisk by chroot)")
    wanted = [
        f"the program {program}"
        for program in ("sipp", "unshare", "chroot", "setpriv")
        if shutil.which(program) is None
    ]
    wanted += [
        f"Asterisk {version} below {lab_home()}"
        for version in versions
        if not (rootfs(version) / "usr/sbin/asterisk").exists()
    ]
    return lacks + [f"{what} (run asterisk_lab/install.sh as root)" for what in wanted]


class NativePbx:
    """One Asterisk with its own directories and ports.

    `seats` are pairs of extension and person. With `shared_phone` one SIPp plays all phones on one
    port. `keep` names a directory that outlives the PBX. With `cel` Asterisk itself writes down
    what becomes of its channels (`witness.py`). Use as an async context manager; the lab's own AMI
    session is `ami`.
    """

    def __init__(
        self,
        seats: Sequence[tuple[str, str]],
        queues: Sequence[Queue],
        *,
        version: str = "22",
        callers: int = 30,
        keep: Path | None = None,
        shared_phone: bool = False,
        cel: bool = False,
    ) -> None:
        self.version = version
        self._cel = cel
        self._seats = seats
        self._queues = queues
        self._keep = keep
        self._shared_phone = shared_phone
        # A call has two channels and each an RTP and an RTCP port.
        self._rtp_count = max(100, 12 * len(seats))
        self.ports = PortBlock(10 + len(seats) + 6 * callers + self._rtp_count)
        self.secrets = {user: secrets.token_hex(8) for user in USERS}
        self._process: asyncio.subprocess.Process | None = None
        self.ami = AmiClient()
        self._earlier: list[Frame] = []

    @property
    def history(self) -> list[Frame]:
        """Every event since the first start, restarts included."""
        return self._earlier + self.ami.events

    async def __aenter__(self) -> Self:
        sip, ami, trunk = (self.ports.take() for _ in range(3))
        rtp = self.ports.take(self._rtp_count)
        shared = self.ports.take()
        self.seats = {
            number: Seat(number, person, shared if self._shared_phone else self.ports.take())
            for number, person in self._seats
        }
        self.config = PbxConfig(
            sip_port=sip,
            ami_port=ami,
            rtp_first=rtp + rtp % 2,
            rtp_last=rtp + self._rtp_count - 1,
            trunk_port=trunk,
            seats=list(self.seats.values()),
            queues=self._queues,
            secrets=self.secrets,
            module_dir=module_dir(self.version),
            cel=self._cel,
        )
        self.directory = self._keep or Path(tempfile.mkdtemp(prefix="agentd-lab-"))
        self.config.write(self.directory, "/lab")
        # pjlib looks up a.root-servers.net for its own address, again and again: with a slow or
        # dead name server every lookup stops all SIP for 5 s.
        (self.directory / "hosts").write_text(
            f"127.0.0.1 localhost {socket.gethostname()} {ROOT}\n"
        )
        (self.directory / "resolv.conf").write_text(
            "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"
        )
        try:
            await self.start()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.ami.close()
        await self.kill()
        self.ports.close()
        if self._keep is None:
            shutil.rmtree(self.directory, ignore_errors=True)

    async def start(self) -> None:
        """Start Asterisk and log in; raises AmiError with the end of its log when it does not."""
        log = (self.directory / "console.log").open("ab")
        with log:
            self._process = await asyncio.create_subprocess_exec(
                *DIES_WITH_US, "unshare", "--mount", "--propagation", "private",
                "sh", "-c", _START, "lab", str(self.directory), str(rootfs(self.version)),
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.ami = await self.login("lab", events=True)
        await self.ami.wait_for(lambda e: e["Event"] == "FullyBooted")

    async def login(self, user: str, *, events: bool, timeout: float = 60.0) -> AmiClient:
        """A new AMI session, waiting for the PBX to come up."""
        assert self._process is not None
        deadline = asyncio.get_running_loop().time() + timeout
        while True:
            client = AmiClient()
            try:
                await client.connect(
                    PHONE_HOST, self.config.ami_port, user, self.secrets[user], events=events
                )
                return client
            except (OSError, AmiError) as exc:
                await client.close()
                if self._process.returncode is not None:
                    tail = (self.directory / "console.log").read_text(errors="replace")[-800:]
                    raise AmiError(f"Asterisk ended at once: {tail}") from exc
                if asyncio.get_running_loop().time() > deadline:
                    raise AmiError(f"Asterisk did not come up in {timeout:.0f} s") from exc
            await asyncio.sleep(0.1)

    def recorder(self, path: Path) -> Recorder:
        return Recorder(path, PHONE_HOST, self.config.ami_port, "lab", self.secrets["lab"])

    async def kill(self) -> None:
        """End Asterisk at once, as a power cut would."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()

    async def restart(self) -> None:
        """Kill Asterisk and start it again with the same configuration."""
        self._earlier += self.ami.events
        await self.ami.close()
        await self.kill()
        await self.start()
