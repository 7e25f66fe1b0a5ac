"""What the engine must remember over a restart of the daemon, by key.

``call:``, ``leg:`` and ``queue:`` hold those structs, ``order:`` how far the clock of an open order
has come, ``done:`` a completed order whose call-back may come yet, ``recording:`` the recordings of
a channel, ``wrap:`` after-call work that goes on, ``seat:`` who is signed in there, ``name:`` a
person's name by login, ``clock`` when the engine lived last and the PBX's uptime then. The store
keeps the bytes; what they mean is known only here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from agentd.core import order_clock, orders, recordings, sign_in, wrap_ups
from agentd.core.calls import Call, Leg, Recording, WrapUp
from agentd.core.effects import OrderChanged
from agentd.core.pbx_clock import Reference
from agentd.core.queues import Queue
from agentd.core.state import Done, Owed, State


class Clock(msgspec.Struct):
    """The last moment that the engine lived, and (uptime in seconds, PBX time) as told last."""

    now_us: int
    uptime: tuple[int, int] | None = None
    pbx: Reference | None = None
    """The PBX's clock beside ours."""


class Sitting(msgspec.Struct):
    """Who is signed in at a seat: login and name."""

    person: str
    name: str


class OrderClock(msgspec.Struct):
    """How far the clock of an open order has come (core.state.Owed)."""

    alerts_sent: int
    told: bool
    first_due_us: int | None = None
    charge_waits: bool = False
    """It is overdue, and the PBX was not heard since."""
    assigned: bool = False
    charged: bool = False


_CALL = msgspec.json.Decoder(Call)
_LEG = msgspec.json.Decoder(Leg)
_QUEUE = msgspec.json.Decoder(Queue)
_DONE = msgspec.json.Decoder(Done)
_ORDER_CLOCK = msgspec.json.Decoder(OrderClock | int)
"""A number alone: how earlier versions remembered it."""
_RECORDINGS = msgspec.json.Decoder(list[Recording])
_WRAP_UP = msgspec.json.Decoder(WrapUp)
_SITTING = msgspec.json.Decoder(Sitting)
_NAME = msgspec.json.Decoder(str)
_CLOCK = msgspec.json.Decoder(Clock)
_ENCODE = msgspec.json.Encoder().encode


def take(st: State) -> dict[str, bytes | None]:
    """What changed since the last call, by key; None where it is over and can be forgotten."""
    if not st.dirty:
        return {}
    memory: dict[str, bytes | None] = {"clock": _ENCODE(Clock(st.now_us, st.uptime, st.reference))}
    for key in st.dirty:
        kind, _, name = key.partition(":")
        value: (
            Call | Leg | Queue | Sitting | list[Recording] | Done | OrderClock | WrapUp | str | None
        )
        if kind == "clock":
            continue
        if kind == "call":
            value = st.calls.get(name)
        elif kind == "leg":
            value = st.legs.get(name)
        elif kind == "queue":
            value = st.queues.get(name)
        elif kind == "seat":
            person, shown = st.seats[name].person, st.seats[name].name
            value = Sitting(person, shown or person) if person is not None else None
        elif kind == "name":
            value = st.people[name]
        elif kind == "recording":
            value = st.recordings.get(name)
        elif kind == "wrap":
            value = st.wrap_ups.get(name)
        elif kind == "done":
            value = st.done.get(name)
        else:
            owed = st.orders.get(name)
            if owed is not None:
                waits = order_clock.charge_waits(st, name)
                value = OrderClock(
                    owed.alerts_sent,
                    owed.told,
                    owed.first_due_us,
                    waits,
                    owed.assigned,
                    owed.charged,
                )
            else:
                value = None
        memory[key] = None if value is None else _ENCODE(value)
    st.dirty.clear()
    return memory


def restore(
    st: State,
    memory: Mapping[str, bytes],
    open_orders: Sequence[OrderChanged],
    completed_orders: Sequence[OrderChanged] = (),
) -> None:
    """Take up what was remembered. An entry that cannot be read is left out, with an anomaly.

    The caller declares the link down afterwards: the time since then is a gap.
    """
    st.completed.update(order.id for order in completed_orders)
    clock_of: dict[str, OrderClock | int] = {}
    for key, blob in memory.items():
        kind, _, name = key.partition(":")
        try:
            if kind == "call":
                st.calls[name] = _CALL.decode(blob)
            elif kind == "leg":
                st.legs[name] = _LEG.decode(blob)
            elif kind == "queue":
                st.queues[name] = _QUEUE.decode(blob)
                st.touched_queues.add(name)
            elif kind == "seat":
                sitting = _SITTING.decode(blob)
                sign_in.take(st, name, sitting.person, sitting.name)
            elif kind == "name":
                st.people[name] = _NAME.decode(blob)
            elif kind == "recording":
                st.recordings[name] = _RECORDINGS.decode(blob)
            elif kind == "done":
                orders.remember(st, name, _DONE.decode(blob))
            elif kind == "wrap":
                wrap_ups.restored(st, _WRAP_UP.decode(blob))
            elif kind == "order":
                clock_of[name] = _ORDER_CLOCK.decode(blob)
            else:
                clock = _CLOCK.decode(blob)
                st.now_us, st.uptime, st.reference = clock.now_us, clock.uptime, clock.pbx
        except (msgspec.DecodeError, ValueError) as error:
            st.anomaly(f"memory {key} cannot be read: {error}", None)
    for leg in st.legs.values():
        seat = st.seat(leg.seat)
        if leg.ended_us is None:
            seat.legs[leg.uid] = leg
        elif not leg.settled:
            st.deadlines.plan(leg.ended_us + st.settle_us, "settle", leg.uid)
        if leg.far is not None:
            st.far_ends[leg.far] = leg.uid
    for call in st.calls.values():
        # A leg that could not be read must not keep its call open for ever.
        call.open_legs = [uid for uid in call.open_legs if uid in st.legs]
        if call.ended_us is not None:
            st.deadlines.plan(call.ended_us + st.settle_us + 1, "call", call.uid)
    for uid in st.recordings:
        st.deadlines.plan(st.now_us + recordings.UNKNOWN_KEPT_US, "recording", uid)
    for order in open_orders:
        known = clock_of.get(order.id)
        if isinstance(known, int):
            known = OrderClock(known, known > 0)
        owed = None
        if known is not None:
            owed = Owed(
                order,
                known.alerts_sent,
                known.told,
                known.first_due_us,
                known.assigned,
                known.charged and not known.charge_waits,
            )
        waits = known is not None and known.charge_waits
        orders.restore(st, order, owed, charge_waits=waits)
