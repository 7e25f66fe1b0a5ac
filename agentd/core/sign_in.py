"""Who sits where: a person signs in to a seat and leaves it.

From sign-in on, what is offered to the seat is that person's; a call that runs stays with whoever
had it, and what somebody owes stays theirs wherever they sit. Without a sign-in the queue's member
name stands for the person. One person sits at one seat of a PBX.
"""

from __future__ import annotations

from agentd.core import wrap_ups
from agentd.core.state import State


def take(st: State, device: str, person: str, name: str) -> None:
    """``person`` (a login) signs in at ``device``, in place of whoever was there. A seat that no
    queue names is a seat from now on, logged out until a queue names it."""
    seat = st.seat(device)
    before = st.signed_in.get(person)
    if before is not None and before != device:
        leave(st, before)
    if seat.person is not None and seat.person != person:
        leave(st, device)
    seat.person, seat.name = person, name
    st.signed_in[person] = device
    known(st, person, name)
    _changed(st, device)


def known(st: State, person: str, name: str) -> None:
    """``person`` (a login) is shown as ``name`` from now on."""
    if st.people.get(person) != name:
        st.people[person] = name
        st.dirty.add(f"name:{person}")


def leave(st: State, device: str) -> None:
    """Nobody is signed in at ``device`` any more."""
    seat = st.seats.get(device)
    if seat is None or seat.person is None:
        return
    wrap_ups.left(st, device)
    st.signed_in.pop(seat.person, None)
    seat.person = seat.name = None
    _changed(st, device)


def _changed(st: State, device: str) -> None:
    st.dirty.add(f"seat:{device}")
    st.somebody_moved(device)


def shown_name(st: State, agent: str | None) -> str | None:
    """The name that people see for ``agent``, which may be a login."""
    return st.people.get(agent, agent) if agent is not None else None


def login_of(st: State, agent: str | None) -> str | None:
    """``agent`` where it is somebody's login; None where it is only a name."""
    return agent if agent in st.people else None
