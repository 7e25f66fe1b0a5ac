"""A process that stores and says what was announced, until it is killed.

``python -m tests.adapters.store_victim FILE FIRST``: for every number from FIRST on it submits an
order, its violation and its leg, with the number as memory, and prints the ids that it is told.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from agentd.core.effects import Effect
from agentd.ticketing import Store
from tests.adapters.store_rig import ids, leg, order, violation


def say(effects: Sequence[Effect]) -> None:
    os.write(1, "".join(f"{id_}\n" for id_ in ids(effects)).encode())


async def main(path: Path, number: int) -> None:
    async with Store(path) as store:
        while True:
            memory = {"number": b"%d" % number}
            effects = [order(number), violation(number), leg(number)]
            store.submit(effects, memory, say, pbx="main")
            number += 1
            await asyncio.sleep(0)
            if store.health.queued > 500:
                await store.flush()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
