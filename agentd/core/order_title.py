"""The title of a work order: composed, never typed."""

from __future__ import annotations

import re

from msgspec.structs import replace

from agentd.core.order_form import CategorySpec, FormBook
from agentd.core.order_model import WorkOrder
from agentd.core.order_words import EXCEPTION_WORDS

URGENT_PREFIX = "【急件】"
"""The system's own mark of an urgent order."""
MAX_TITLE = 120
"""Characters of a title; the fields have it all."""
_TYPED = re.compile(r"[【\[〔［]\s*急\s*件\s*[】\]〕］]")


def without_prefix(text: str) -> str:
    """``text`` without any 【急件】 that somebody typed: only the system puts it there."""
    return _TYPED.sub("", text).strip()


def compose(order: WorkOrder, category: CategorySpec | None) -> str:
    """The title of ``order``: the category's title fields in their order (place, then event), else
    the exception that the call was; 【急件】 before it while the order is urgent. "" where nothing
    is known yet."""
    specs = category.fields if category is not None else ()
    parts = [without_prefix(order.fields.get(spec.key, "")) for spec in specs if spec.in_title]
    title = " ".join(part for part in parts if part)
    if not title and order.exemption is not None:
        title = EXCEPTION_WORDS[order.exemption.kind][0]
    if len(title) > MAX_TITLE:
        title = f"{title[: MAX_TITLE - 1]}…"
    return f"{URGENT_PREFIX}{title}" if order.urgent is not None else title


def titled(order: WorkOrder, book: FormBook) -> WorkOrder:
    """``order`` with the title that it should have."""
    return replace(order, title=compose(order, book.category(order.category, order.queue)))
