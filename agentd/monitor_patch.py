"""What changed in a long queue: the callers who came and who went, instead of all who wait.

A queue's object is sent at every change of it, and with 200 callers in it that is 15 KB each time.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

LONG_BYTES: Final = 1024
"""Shorter objects are sent whole."""

_decode = msgspec.json.Decoder(dict[str, Any]).decode


def patch_of(before: msgspec.Raw, after: msgspec.Raw) -> msgspec.Raw | None:
    """What makes ``after`` of ``before``, both encoded queues: ``{set, gone, came}`` as
    docs/live-stream.md says. None where it is not much shorter than ``after``."""
    if len(bytes(after)) < LONG_BYTES:
        return None
    old, new = _decode(before), _decode(after)
    waited, waiting = old["waiting"], new.pop("waiting")
    there = {caller["call"]: caller for caller in waiting}
    stay = [caller for caller in waited if there.get(caller["call"]) == caller]
    if waiting[: len(stay)] != stay:
        # Somebody's place in the queue changed.
        return None
    stayed = {caller["call"] for caller in stay}
    gone = [caller["call"] for caller in waited if caller["call"] not in stayed]
    patch = msgspec.json.encode({"set": new, "gone": gone, "came": waiting[len(stay) :]})
    return msgspec.Raw(patch) if 2 * len(patch) < len(bytes(after)) else None


class Patches:
    """The patches of one delta, each made once for all audiences that have the same objects."""

    def __init__(self) -> None:
        self._made: dict[tuple[int, int], tuple[Any, msgspec.Raw | None]] = {}

    def of(self, key: str, before: msgspec.Raw | None, after: msgspec.Raw) -> msgspec.Raw | None:
        """How a client comes from ``before`` to ``after``; None: by the whole object."""
        if before is None or not key.startswith("queue:"):
            return None
        place = id(before), id(after)
        if place not in self._made:
            # What is kept here keeps its id.
            self._made[place] = ((before, after), patch_of(before, after))
        return self._made[place][1]
