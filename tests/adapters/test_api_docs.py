"""docs/api.md is true: its examples run, its table names every route, its lists are complete."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from pathlib import Path
from typing import Any, get_args

import pytest
from msgspec.structs import replace

from agentd.accounts_rules import TOKEN_RIGHTS
from agentd.core.order_model import Edit, PersonCommand
from agentd.http_orders import filters
from agentd.webhooks_messages import post
from tests.adapters.rest_rig import BOOK, PASSWORD, WANG, ZHAO, order_id, rest

DOC = (Path(__file__).parents[2] / "docs" / "api.md").read_text("utf-8")
SHELL = "\n".join(re.findall(r"^```sh\n(.*?)^```", DOC, re.MULTILINE | re.DOTALL))
PYTHON = "\n".join(re.findall(r"^```python\n(.*?)^```", DOC, re.MULTILINE | re.DOTALL))


async def test_the_examples_run(tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        reason = "curl is not installed (apt-get install curl)"
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    async with rest(tmp_path, book=replace(BOOK, external=True)) as api:
        await api.done(WANG, order_id(3), Edit(external_no="SZ-2026-0017"))
        token = await api.token("orders.read", "orders.export", "orders.complete")
        given = {
            "AGENTD": api.url,
            "LOGIN": ZHAO.login,
            "PASSWORD": PASSWORD,
            "TOKEN": token["Authorization"].removeprefix("Bearer "),
            "ORDER": order_id(1),
            "PATH": os.environ["PATH"],
            "NO_PROXY": "*",
        }
        at = tmp_path / "shell"
        at.mkdir()
        shell = await asyncio.create_subprocess_exec(
            "bash", "-euxo", "pipefail", "-c", SHELL,
            cwd=at, env=given, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await shell.communicate()
        assert shell.returncode == 0, err.decode() + out.decode()
        assert SHELL.count("curl ") == len(re.findall(r"^\++ curl ", err.decode(), re.MULTILINE))
        assert (at / "orders.csv").read_bytes().startswith(b"\xef\xbb\xbf")
        assert (at / "orders.xlsx").read_bytes().startswith(b"PK")
        assert (at / "head.wav").stat().st_size == 44
        done = await api.store.order(order_id(3))
        assert done is not None
        assert done.state == "completed"


async def test_the_table_names_every_route_and_no_other(tmp_path: Path) -> None:
    async with rest(tmp_path) as api, api.as_(WANG) as wang:
        document = (await wang.get("/api/openapi.json")).json()
    served = {
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method in methods
    }
    told = set(re.findall(r"^\| `((?:GET|POST|PUT|DELETE) [^`]+)` \|", DOC, re.MULTILINE))
    assert told == served


def test_commands_filters_and_rights_are_all_named() -> None:
    table = DOC.partition("| `do` |")[2].partition("`allowed` is what counts")[0]
    told = {
        name
        for row in re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }
    assert told == {command.__struct_config__.tag for command in get_args(PersonCommand)}
    rights = set(
        re.findall(r"^\| `([\w.]+)` \| (?:`GET`|`orders|`POST|the live|`/metr)", DOC, re.M)
    )
    assert rights == set(TOKEN_RIGHTS)
    listed = DOC.partition("A list takes")[2].partition("One order comes")[0]
    names = {name.rstrip("_") for name in filters.__annotations__} - {"request", "return"}
    assert names <= set(re.findall(r"`(\w+)`", listed))


@pytest.mark.parametrize("secret", ["whsec_c2VjcmV0IGtleSBvZiAzMiBieXRlcw==", "plain secret"])
def test_the_receiver_in_the_docs_knows_our_signature_and_no_other(secret: str) -> None:
    namespace: dict[str, Any] = {}
    exec(PYTHON, namespace)  # noqa: S102 - the example of our own docs
    is_genuine = namespace["is_genuine"]
    body = '{"text":"【急件】"}'.encode()
    sent = post("json", "http://127.0.0.1/", secret, "notice-1", body, 1_700_000_000_000_000)
    assert is_genuine(secret, sent.headers, body, 1_700_000_010.0)
    assert not is_genuine(secret, sent.headers, body + b" ", 1_700_000_010.0)
    assert not is_genuine(secret, sent.headers, body, 1_700_001_000.0)
    assert not is_genuine("whsec_eHh4", sent.headers, body, 1_700_000_010.0)
