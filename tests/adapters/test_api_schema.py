"""schemathesis over the OpenAPI document, against the running app with the real services: nothing
is answered with 5xx, and nothing that the document does not say.

As a program of its own, since it may not share our warnings. Seeded and bounded here;
AGENTD_API_EXAMPLES=200 makes it a night's search, with schemathesis' coverage phase as well.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import pytest

from agentd.core.order_model import Edit
from tests.adapters.rest_rig import (
    ADMIN,
    PASSWORD,
    WANG,
    WU,
    ZHAO,
    Person,
    Rest,
    order_id,
    rest,
)

EXAMPLES = int(os.environ.get("AGENTD_API_EXAMPLES", "0"))
# The session would end with them, and with it the test.
NOT_TRIED = ("/api/session", "/api/me/password")
PEOPLE = "^/api/(people|tokens|audit)"
# What fits the document need not fit the state of things: a team that there is not is 422.
CHECKS_LEFT_OUT = "positive_data_acceptance"

CONFIG = """
[checks.negative_data_rejection]
expected-statuses = ["4xx"]

[[operations]]
include-path-regex = '^/api/orders/\\{id\\}'
parameters = { "path.id" = "main-1.1" }

[[operations]]
include-path-regex = '^/api/violations/'
parameters = { "path.id" = "v-1" }

[[operations]]
include-path-regex = '^/api/recordings/'
parameters = { "path.id" = "RECORDING" }

[[operations]]
include-path-regex = '\\{pbx\\}/\\{call\\}'
parameters = { "path.pbx" = "main", "path.call" = "1.1" }

[[operations]]
include-path-regex = '^/api/external/'
parameters = { "path.external_no" = "17" }
"""


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Rest]:
    async with rest(tmp_path) as running:
        yield running


async def search(
    api: Rest, at: Path, headers: Mapping[str, str], options: Sequence[str]
) -> tuple[int, str]:
    """Run schemathesis; how many cases it tried, and its report."""
    [recording] = await api.store.recordings("main", "1.1")
    config = at / "schemathesis.toml"
    config.write_text(CONFIG.replace("RECORDING", recording.id), "utf-8")
    sent = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "--no-color",
        "run", f"{api.url}/api/openapi.json", *sent, *options,
        "--phases", "coverage,fuzzing" if EXAMPLES else "fuzzing",
        "--max-examples", str(EXAMPLES or 8),
        "--seed", "3",
        "--request-timeout", "120",
        "--generation-database", "none",
        "--exclude-checks", CHECKS_LEFT_OUT,
        # The session is the same for all: taking it away is ignored_auth's part.
        "--generation-with-security-parameters", "false",
        "--suppress-health-check", "all",
        "--continue-on-failure",
        "--warnings", "off",
        cwd=at,
        env={**os.environ, "NO_PROXY": "*", "PYTHONWARNINGS": "ignore"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        out, _ = await program.communicate()
    finally:
        if program.returncode is None:
            program.kill()
            await program.wait()
    said = out.decode(errors="replace")
    cases = re.search(r"(\d+) generated", said)
    assert program.returncode == 0, said
    assert cases is not None, said
    return int(cases[1]), said


async def cookie_of(api: Rest, person: Person) -> dict[str, str]:
    _, cookie = await api.accounts.log_in(person.login, PASSWORD, "127.0.0.1", "a test")
    return {"Cookie": f"agentd_session={cookie}"}


@pytest.mark.timeout(3600 if EXAMPLES else 300)
@pytest.mark.parametrize("person", [ZHAO, WANG], ids=["leader", "agent"])
async def test_people_break_nothing(api: Rest, tmp_path: Path, person: Person) -> None:
    left_out = [part for path in NOT_TRIED for part in ("--exclude-path", path)]
    cases, _ = await search(
        api,
        tmp_path,
        await cookie_of(api, person),
        [*left_out, "--exclude-path-regex", PEOPLE],
    )
    assert cases > 100
    # Nobody signed the caller out, and the order is still there to be read.
    assert await api.store.order(order_id(1)) is not None


@pytest.mark.timeout(3600 if EXAMPLES else 300)
@pytest.mark.parametrize("person", [ADMIN, WU], ids=["admin", "auditor"])
async def test_who_manages_accounts_breaks_nothing(
    api: Rest, tmp_path: Path, person: Person
) -> None:
    cases, _ = await search(
        api, tmp_path, await cookie_of(api, person), ["--include-path-regex", PEOPLE]
    )
    assert cases > 10
    assert await api.audit("login")


@pytest.mark.timeout(3600 if EXAMPLES else 300)
async def test_machines_break_nothing(api: Rest, tmp_path: Path) -> None:
    await api.done(WANG, order_id(1), Edit(external_no="17"))
    headers = await api.token("orders.read", "orders.export", "orders.complete")
    cases, _ = await search(
        api, tmp_path, headers, ["--include-path-regex", "^/api/(orders|external)"]
    )
    assert cases > 30
