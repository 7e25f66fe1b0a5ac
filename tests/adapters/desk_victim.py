"""A process that completes orders, the engine's word and the person's in one transaction, until
it is killed.

``python -m tests.adapters.desk_victim FILE FIRST``: for every number from FIRST on it prints the
order's id once that was told as done.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from agentd.core.obligation import complete
from agentd.core.order_model import Complete, Done
from tests.adapters.desk_rig import MINUTE_US, WANG, contact, desk_store, due
from tests.adapters.store_rig import T0_US, ignore, order

FORM = Complete(category="consult", fields={"place": "中山路", "event": "路灯不亮"})


async def main(path: Path, number: int) -> None:
    async with desk_store(path) as store:
        while True:
            opened = order(number)
            store.submit([opened, due(opened)], {}, ignore, pbx="main")
            job, result = store.apply_job(opened.id, FORM, WANG)
            ended = complete(due(opened), WANG.login, T0_US + 20 * MINUTE_US)
            memory = {"number": b"%d" % number}
            effects = [ended, contact(number)]
            store.submit(effects, memory, ignore, pbx="main", jobs=[job])  # type: ignore[arg-type]
            draft = store.put_draft(opened.id, WANG.login, {"n": number})
            if number % 3:
                await draft
            else:
                await asyncio.gather(draft, store.flush())
            await job.ended.wait()
            assert isinstance(result(), Done)
            os.write(1, f"{opened.id}\n".encode())
            number += 1


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
