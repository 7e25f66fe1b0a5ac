"""What each container of compose.yaml runs: `asterisk`, `agentd` or `traffic`.

The containers share one network of their own, so all ports are fixed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from pathlib import Path

from . import traffic
from .ami import AmiClient, AmiError
from .config import PHONE_HOST, SUPERVISED, PbxConfig, Seat
from .daemon import Link

SIP_PORT, AMI_PORT, TRUNK_PORT = 5060, 5038, 5090
RTP_FIRST, RTP_LAST = 10000, 11999
FIRST_PHONE_PORT, FIRST_SLOT_PORT = 20000, 21000
WEB_PORT, PUBLISHED_PORT = 8440, 8441
CONFIG = "/var/lib/agentd/agentd.toml"


def config() -> PbxConfig:
    """The composition's PBX; seats and secrets come from the environment."""
    count = int(os.environ.get("LAB_SEATS", "12"))
    return PbxConfig(
        sip_port=SIP_PORT,
        ami_port=AMI_PORT,
        rtp_first=RTP_FIRST,
        rtp_last=RTP_LAST,
        trunk_port=TRUNK_PORT,
        seats=[
            Seat(number, person, FIRST_PHONE_PORT + n)
            for n, (number, person) in enumerate(traffic.seats(count))
        ],
        queues=traffic.queues(count),
        secrets={
            "control": os.environ["AGENTD_PBX_PBX_SECRET"],
            "lab": os.environ["LAB_SECRET"],
        },
        module_dir=_module_dir(),
    )


def _module_dir() -> str:
    found = sorted(Path("/usr/lib").glob("**/asterisk/modules/app_queue.so"))
    return str(found[0].parent) if found else "/usr/lib/asterisk/modules"


def asterisk() -> None:
    config().write(Path("/lab"), "/lab")
    os.execvp("asterisk", ["asterisk", "-f", "-C", "/lab/etc/asterisk.conf"])


def agentd() -> None:
    path = Path(CONFIG)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f'[[pbx]]\nid = "pbx"\nhost = "{PHONE_HOST}"\nport = {AMI_PORT}\nusername = "control"\n'
        f'{SUPERVISED}[store]\npath = "/var/lib/agentd/agentd.db"\n[web]\nport = {WEB_PORT}\n',
        encoding="utf-8",
    )
    os.execv(sys.executable, [sys.executable, "-m", "agentd", "run", "--config", str(path)])


async def play() -> None:
    """Forward the published port to agentd's loopback, and play traffic until told to end."""
    pbx = config()
    me = asyncio.current_task()
    assert me
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, me.cancel)
    board = Link(PUBLISHED_PORT, WEB_PORT, host="0.0.0.0")
    await board.mend()
    ami = AmiClient()
    await ami.connect(PHONE_HOST, AMI_PORT, "lab", os.environ["LAB_SECRET"], events=False)
    ports = iter(range(FIRST_SLOT_PORT, 65000))

    def take(count: int) -> int:
        return min(next(ports) for _ in range(count))

    with tempfile.TemporaryDirectory() as work:
        world = traffic.World(
            sip_port=SIP_PORT, seats={s.number: s for s in pbx.seats}, queues=pbx.queues, ami=ami,
            take_ports=take,
        )  # fmt: skip
        try:
            await traffic.Traffic(world, Path(work)).run()
        finally:
            await ami.close()
            await board.cut()


def main() -> int:
    role = sys.argv[1] if len(sys.argv) > 1 else ""
    if role == "asterisk":
        asterisk()
    elif role == "agentd":
        agentd()
    elif role == "traffic":
        try:
            asyncio.run(play())
        except asyncio.CancelledError:
            return 0
        except AmiError as exc:
            print(f"lab: {exc}", file=sys.stderr)
            return 1
    else:
        print("lab: one of asterisk, agentd, traffic", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
