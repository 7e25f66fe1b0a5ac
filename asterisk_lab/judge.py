"""Asks agentd, as a user would: `agentd replay FILE --run-out`."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any


class JudgeFailed(RuntimeError):
    """agentd did not replay the recording."""


async def judge(path: Path) -> list[dict[str, Any]]:
    """Every record that `agentd replay --run-out` prints for a recording."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "agentd", "replay", str(path), "--run-out",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    if process.returncode != 0:
        raise JudgeFailed(f"agentd replay {path}: {err.decode(errors='replace')[-800:]}")
    return [json.loads(line) for line in out.splitlines()]
