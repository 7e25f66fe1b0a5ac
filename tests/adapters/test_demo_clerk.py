"""What the demo's agents write satisfies the form, whatever it is."""

from __future__ import annotations

import random

import pytest
from msgspec.structs import replace

from agentd.config import load_config
from agentd.core import workorder
from agentd.core.order_form import FormBook
from agentd.core.order_model import AddNote, Done, WorkOrder
from agentd.core.people import Person
from agentd.demo_clerk import clerk_completion, clerk_note
from tests.adapters.desk_service_rig import BOOK
from tests.adapters.store_rig import T0_US

WANG = Person("1001", "王芳", "agent")
OPEN = WorkOrder(
    id="o1", pbx="main", kind="call", call="c1", version=1, state="open", opened_us=T0_US,
    updated_us=T0_US, queue="hotline", owner="1001", agent="1001", caller="13900000000",
)  # fmt: skip


def completed(order: WorkOrder, book: FormBook, rng: random.Random) -> WorkOrder:
    done = workorder.apply(order, clerk_completion(order, book, rng), WANG, T0_US + 1, book)
    assert isinstance(done, Done), done
    return done.order


@pytest.mark.parametrize("book", [load_config(None, secrets=False).form_book, BOOK])
@pytest.mark.parametrize("caller", ["13900000000", None])
def test_every_completion_is_accepted(book: FormBook, caller: str | None) -> None:
    rng = random.Random(7)
    orders = [completed(replace(OPEN, caller=caller), book, rng) for _ in range(300)]
    assert {order.category for order in orders} == {c.key for c in book.offered("hotline")}
    assert len({order.title for order in orders}) > 20
    assert all(order.title for order in orders)


def test_where_the_citys_platform_holds_the_form() -> None:
    book = FormBook(categories=(), external=True)
    assert completed(OPEN, book, random.Random(1)).external_no.startswith("PT")


def test_a_missed_call_is_completed_with_a_word_about_it() -> None:
    book = load_config(None, secrets=False).form_book
    rng = random.Random(1)
    missed = replace(OPEN, kind="missed")
    note = clerk_note(rng)
    assert isinstance(note, AddNote)
    noted = workorder.apply(missed, note, WANG, T0_US + 1, book)
    assert isinstance(noted, Done)
    assert completed(noted.order, book, rng).completed_us is not None
