"""Into which file a channel is recorded: MixMonitorStart does not say, so the PBX is asked.

Seen on Asterisk 22.10.1 and 16.28: the event carries the channel and nothing else, and the channel
variable MIXMONITOR_FILENAME holds the file's whole name from before the event on; Getvar gives it
to an account with write=reporting or write=call. MixMonitorStop comes only where the recording is
stopped before the channel's end: mostly the channel's Hangup is the end of the recording.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from agentd.errors import Refused
from agentd.ports import Inbox, RecordingFile

_EVENT = b"Event: MixMonitorStart\r\n"
MAX_OUTSTANDING = 32
"""A busy second of a large site. More at once, and the PBX has other worries than our question."""

AskFile = Callable[[str], Awaitable[Mapping[str, str]]]
"""Asks the PBX for the file of the channel with this name; the answer's headers."""


class RecordingNames:
    """Asks for each recording that begins, once, and puts the answer into ``inbox``."""

    def __init__(self, pbx: str, inbox: Inbox, ask: AskFile) -> None:
        self._pbx = pbx
        self._inbox = inbox
        self._ask = ask
        self._tasks: set[asyncio.Task[None]] = set()
        self.missed = 0
        """Recordings whose file stayed unknown: too many at once, or no answer."""

    def saw_event(self, frame: bytes, *, may: bool) -> None:
        """Any event; ``may``: the account may ask."""
        if not frame.startswith(_EVENT):
            return
        headers: dict[str, str] = {}
        for line in frame.decode("utf-8", "replace").split("\r\n"):
            name, _, value = line.partition(": ")
            headers.setdefault(name, value)
        channel, uid = headers.get("Channel"), headers.get("Uniqueid")
        if not may or not channel or not uid or len(self._tasks) >= MAX_OUTSTANDING:
            self.missed += 1
            return
        task = asyncio.get_running_loop().create_task(
            self._find(channel, uid), name=f"ami-recording-{self._pbx}"
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Ask no more; nothing is left running."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _find(self, channel: str, uid: str) -> None:
        try:
            answer = await self._ask(channel)
        except Refused:
            # The channel is gone already, or the link is: the call goes on without its recording.
            self.missed += 1
            return
        file = answer.get("value", "")
        if file:
            self._inbox.put_nowait(RecordingFile(self._pbx, uid, file))
        else:
            self.missed += 1
