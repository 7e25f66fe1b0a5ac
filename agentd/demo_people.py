"""The people of the demo: an account for every role, one for everybody at a simulated seat, and a
shift leader on duty."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from agentd import clock
from agentd.core.people import Person
from agentd.core.state import us
from agentd.ports.desk import Duty
from agentd.simulator import SimulatedPbx
from agentd.staff import Staff

ROLES: Final = (
    Person("agent", "林小雨", "agent", teams=("一组",), queues=("hotline",)),
    Person("leader", "周敏", "shift_leader"),
    Person("supervisor", "沈国平", "supervisor"),
    Person("qa", "方婷", "qa"),
    Person("manager", "顾海", "manager"),
    Person("admin", "系统管理员", "admin"),
    Person("auditor", "审计员", "auditor"),
)
"""Logins that the demo prints, all with one password."""
OFFICES: Final = {"leader": "PJSIP/9001", "supervisor": "PJSIP/9002"}
"""Whose phone rings when they listen: phones beside the seats."""
WATCHER: Final = "demo watch"
SHIFT_S: Final = 24 * 3600.0


class DemoAccess(Struct, frozen=True):
    """How to get into the demo: made anew at every start."""

    people: Sequence[Person]
    password: str
    token: str
    """For ``agentd watch``."""


async def populate(staff: Staff, simulated: SimulatedPbx, pbx: str) -> DemoAccess:
    """Make the accounts and the roster, or give those of an earlier run a new password."""
    accounts = staff.accounts
    by = Person("demo", "demo", "admin")
    password = f"demo-{secrets.randbelow(10**8):08d}"
    hashed = await accounts.passwords.hash(password)
    world = simulated.world
    seated = [seat.person for seat in world.seats if seat.person is not None]
    players = {
        person.number: Person(person.number, person.name, "agent", member_names=(person.label,))
        for person in (*seated, *world.off_shift)
        if person.number
    }
    # Two of one name would be nobody; their labels tell them apart.
    names = [player.name for player in players.values()]
    alone = [
        player if names.count(player.name) == 1 else _numbered(player)
        for player in players.values()
    ]
    changes: list[tuple[Person, str | None]] = [(person, hashed) for person in ROLES]
    changes += [(person, None) for person in alone]
    await accounts.put_people(by, changes, "")
    for person in ROLES:
        if person.login in OFFICES:
            kept = await accounts.settings(person)
            phone = {"pbx": pbx, "device": OFFICES[person.login]}
            await accounts.put_settings(person, {"phone": phone, **kept})
    now_us = clock.wall_us()
    leader = Person("leader", "周敏", "shift_leader")
    if not any(await staff.desk.on_duty(None, now_us)):
        await staff.desk.put_duties(
            leader,
            [
                Duty("", "", "leader", "leader", now_us, now_us + us(SHIFT_S)),
                Duty("", "", "supervisor", "deputy", now_us, now_us + us(SHIFT_S)),
            ],
            [],
        )
    for old in await accounts.tokens(by):
        if old.name == WATCHER and old.revoked_us is None:
            await accounts.revoke_token(by, old.id)
    _, token = await accounts.add_token(by, WATCHER, ["board"], [], 1)
    return DemoAccess(ROLES, password, token)


def _numbered(player: Person) -> Person:
    return Person(
        player.login, f"{player.name}{player.login}", "agent", member_names=player.member_names
    )
