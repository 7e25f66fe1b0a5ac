"""The lab's accounts: one for every role and one for everybody at a seat, made by agentd's own
commands as an admin would make them."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence

ROLES = (
    ("leader", "周敏", "shift_leader"),
    ("supervisor", "沈国平", "supervisor"),
    ("qa", "方婷", "qa"),
    ("manager", "顾海", "manager"),
    ("admin", "系统管理员", "admin"),
    ("auditor", "审计员", "auditor"),
)


class PeopleFailed(RuntimeError):
    """agentd did not make the accounts."""


def add_people(
    agentd: Sequence[str],
    config: str,
    seats: Iterable[tuple[str, str]],
    environment: Mapping[str, str] | None = None,
) -> list[str]:
    """Make the accounts by `agentd` (the command's argv); what to print: how to log in.

    `seats`: extension and person of each; the extension is the login. All have one password.
    `environment` is the commands'; None: ours.
    """
    password = f"lab-{secrets.randbelow(10**8):08d}"
    rows = [("login", "name", "role", "password")]
    rows += [(*row, password) for row in ROLES]
    rows += [(number, person, "agent", password) for number, person in seats]
    table = "\n".join(",".join(row) for row in rows)
    _run([*agentd, "user", "import", "/dev/stdin", "--config", config], environment, table)
    token = _run(
        [*agentd, "token", "add", "watch", "--right", "board", "--days", "1", "--config", config],
        environment,
    )
    logins = ", ".join(login for login, _, _ in ROLES)
    python = os.path.relpath(sys.executable)
    secret = token.strip().splitlines()[-1].split()[-1]
    return [
        f"log in with the password {password}",
        f"  as {logins}, or an extension (agent)",
        f"in a terminal: AGENTD_TOKEN={secret} {python} -m agentd watch URL",
    ]


def _run(command: Sequence[str], environment: Mapping[str, str] | None, stdin: str = "") -> str:
    done = subprocess.run(
        command, env=environment, input=stdin, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise PeopleFailed(f"{' '.join(command[-6:-2])}: {done.stderr.strip()}")
    return done.stdout
