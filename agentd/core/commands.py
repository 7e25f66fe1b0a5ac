"""What people want of the engine: every command is done at its moment, or refused in words.

Commands come as events (:mod:`agentd.core.events`), so that whatever changed a state stands in one
order. Their answers wait in ``State.answers``.
"""

from __future__ import annotations

from agentd.core import events as e
from agentd.core import orders, sign_in
from agentd.core.obligation import Refusal, complete
from agentd.core.state import Answer, State


def complete_order(st: State, ev: e.CompleteOrder) -> None:
    """A person completed an order."""
    owed = st.orders.get(ev.order)
    if owed is None:
        st.answers.append(Answer(ev.ticket, f"there is no open work order {ev.order}"))
        return
    done = complete(owed.order, ev.by, max(ev.at_us, owed.order.opened_us))
    if isinstance(done, Refusal):
        st.answers.append(Answer(ev.ticket, done.message, done.order))
        return
    orders.complete(st, done)
    st.answers.append(Answer(ev.ticket, None, done))


def seat_taken(st: State, ev: e.SeatTaken) -> None:
    """A person signs in."""
    person, name = ev.person.strip(), ev.name.strip()
    if not person or not ev.seat:
        st.answers.append(Answer(ev.ticket, "say who signs in, and to which seat"))
        return
    sign_in.take(st, ev.seat, person, name or person)
    st.answers.append(Answer(ev.ticket))


def seat_left(st: State, ev: e.SeatLeft) -> None:
    """Whoever is signed in leaves. Nobody there, or somebody else by now: it is as wanted."""
    seat = st.seats.get(ev.seat)
    if seat is not None and ev.person in (None, seat.person):
        sign_in.leave(st, ev.seat)
    st.answers.append(Answer(ev.ticket))


def order_assigned(st: State, ev: e.OrderAssigned) -> None:
    """A leader gave an order to somebody else."""
    person, name = ev.person.strip(), ev.name.strip()
    if not person:
        st.answers.append(Answer(ev.ticket, "say who is to finish the order"))
        return
    if not orders.assign(st, ev.order, person, name or person):
        refused = f"no work order {ev.order} is open or was completed of late"
        st.answers.append(Answer(ev.ticket, refused))
        return
    owed = st.orders.get(ev.order)
    st.answers.append(Answer(ev.ticket, None, owed.order if owed is not None else None))


def order_numbers(st: State, ev: e.OrderNumbers) -> None:
    """The numbers of an order's caller were changed."""
    normal = map(st.number_of, ev.numbers)
    numbers = tuple(dict.fromkeys(number for number in normal if number is not None))
    known = orders.renumber(st, ev.order, numbers)
    refused = None if known else f"no work order {ev.order} is open or was completed of late"
    st.answers.append(Answer(ev.ticket, refused))
