"""What changed between two versions of a work order, by field path."""

from __future__ import annotations

from functools import cache
from typing import Any

from msgspec import Struct, json
from msgspec.structs import fields as _look_up

from agentd.core.order_model import WorkOrder

_NOT_TOLD = frozenset({"version", "updated_us"})
"""They change every time, and the line of history says them itself."""

# A look-up evaluates every annotation anew, which takes longer than all the rest of a change.
fields = cache(_look_up)


def differences(before: WorkOrder | None, after: WorkOrder) -> dict[str, list[Any]]:
    """Field path → [before, after], as plain JSON values. Paths of parts and entries are joined by
    dots (``reply.mode``, ``notes.2.text``, ``fields.place``); what was not there is None. Without
    ``before``: everything that is not a default."""
    found: dict[str, list[Any]] = {}
    for field in fields(WorkOrder):
        if field.name in _NOT_TOLD:
            continue
        new = getattr(after, field.name)
        if before is not None:
            _compare(field.name, getattr(before, field.name), new, found)
        elif field.required or (new != field.default and new != {}):
            found[field.name] = [None, _plain(new)]
    return found


def _compare(path: str, old: Any, new: Any, found: dict[str, list[Any]]) -> None:
    if old == new:
        return
    if isinstance(old, Struct) and isinstance(new, Struct):
        for field in fields(type(old)):
            _compare(
                f"{path}.{field.name}", getattr(old, field.name), getattr(new, field.name), found
            )
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            _compare(f"{path}.{key}", old.get(key), new.get(key), found)
    elif isinstance(old, tuple) and isinstance(new, tuple):
        for n in range(max(len(old), len(new))):
            was, now = (x[n] if n < len(x) else None for x in (old, new))
            _compare(f"{path}.{n}", was, now, found)
    else:
        found[path] = [_plain(old), _plain(new)]


def _plain(value: Any) -> Any:
    return json.decode(json.encode(value))
