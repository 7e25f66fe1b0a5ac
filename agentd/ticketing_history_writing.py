"""How facts become rows of history, inside the writer's transactions.

A call's parts come in any order: its legs, the call itself, its violations. Whatever was touched is
listed anew from all that is there, so that the order does not matter and doing it twice changes
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from agentd import ticketing_history_tables as history
from agentd import ticketing_schema as schema
from agentd.core.effects import (
    CallEnded,
    LegEnded,
    LinkSpan,
    SeatChanged,
    Violation,
    VisitEnded,
    WrapUpEnded,
)
from agentd.core.phone import CHINA, NumberRules, normalise
from agentd.ports.desk import OrderRules
from agentd.ticketing_batch import Batch
from agentd.ticketing_jobs import Transaction

_encode = msgspec.json.Encoder().encode

HEARD = "heard:"
"""Prefix of keys in ``meta``: up to when a PBX was heard."""
_LISTED = "calls_listed"
"""Key in ``meta``: up to which calls of an older agentd were listed (``seq`` of call, of leg)."""
_LIST_PIECE = 500

Numbered = tuple[str, str, str | None]
"""(call, pbx, caller)."""


# --- rows ------------------------------------------------------------------------------------


def visit_row(e: VisitEnded) -> tuple[Any, ...]:
    """One row of ``queue_visit``."""
    return (
        e.pbx, e.call, e.queue, e.caller, e.joined_us, e.left_us, e.wait_us, e.outcome, e.seat,
        e.agent, e.limit_us, e.short_us, int(e.estimated), int(e.gap),
    )  # fmt: skip


def wrap_up_row(e: WrapUpEnded) -> tuple[Any, ...]:
    """One row of ``wrap_up``."""
    return e.pbx, e.seat, e.agent, e.call, e.leg, e.queue, e.from_us, e.to_us, e.ended_by


def seat_row(e: SeatChanged) -> tuple[Any, ...]:
    """One row of ``seat_change``."""
    queues = _encode(e.queues).decode()
    return e.pbx, e.seat, e.at_us, e.agent, e.state, queues, e.pause_reason


def teams_of(rules: OrderRules | None) -> Callable[[str, str | None], str | None]:
    """What says the team of a (pbx, seat)."""
    return (lambda _pbx, _seat: None) if rules is None else rules.team


# --- one batch -------------------------------------------------------------------------------


async def write_facts(
    connection: AsyncConnection, batch: Batch, heard_us: Mapping[str, int]
) -> None:
    """Stays, wrap-ups, states of seats and links. ``heard_us``: up to when each PBX was heard
    before this process."""
    run = connection.exec_driver_sql
    if batch.visits:
        await run(history.ADD_VISIT, [visit_row(visit) for visit in batch.visits])
    if batch.wrap_ups:
        await run(history.ADD_WRAP_UP, [wrap_up_row(wrap_up) for wrap_up in batch.wrap_ups])
    if batch.seats:
        await run(history.PUT_SEAT_CHANGE, [seat_row(change) for change in batch.seats])
    if batch.links:
        await connection.run_sync(_write_links, batch.links, heard_us)


def _write_links(
    connection: Connection, links: Sequence[LinkSpan], heard_us: Mapping[str, int]
) -> None:
    for link in links:
        rows = [(link.pbx, link.at_us, int(link.up))]
        heard = heard_us.get(link.pbx)
        if link.up and heard is not None and heard < link.at_us:
            last = connection.exec_driver_sql(
                "SELECT at_us, up FROM link_span WHERE pbx = ? AND at_us < ? "
                "ORDER BY at_us DESC LIMIT 1",
                (link.pbx, link.at_us),
            ).first()
            # Nobody said that the link went down: the process itself was away.
            if last is None or (last.up and last.at_us <= heard):
                rows.insert(0, (link.pbx, heard, 0))
        connection.exec_driver_sql(history.PUT_LINK, rows)


async def list_batch(
    connection: AsyncConnection, batch: Batch, numbers: NumberRules = CHINA
) -> None:
    """List the calls that the batch touched anew."""
    parts: list[LegEnded | CallEnded | VisitEnded] = [*batch.legs, *batch.calls, *batch.visits]
    touched = {(part.call, part.pbx) for part in parts}
    touched |= {
        (o.call, o.pbx)
        for o in batch.obligations
        if isinstance(o, Violation) and o.call is not None
    }
    if touched:
        numbered = [(call.call, call.pbx, call.caller) for call in batch.calls]
        numbered += [(leg.call, leg.pbx, leg.caller) for leg in batch.legs]
        await connection.run_sync(list_calls, touched, numbered, numbers)


# --- what calls are found by -----------------------------------------------------------------

_TOUCHED = (
    "t(call, pbx) AS MATERIALIZED ("
    "SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:touched))"
)
_THEIRS = (
    f"WITH {_TOUCHED}, x AS MATERIALIZED ("  # noqa: S608 - all ours
    "SELECT l.seq, l.ended_us, l.call, l.pbx, l.queue "
    "FROM t CROSS JOIN call_listed l ON l.call = t.call AND l.pbx = t.pbx)"
)
_COLUMNS = (
    "pbx, call, ended_us, started_us, direction, queue, caller, outcome, wait_us, talk_us, "
    "hold_us, gap"
)
_REPLACE = "ON CONFLICT (call, pbx) DO UPDATE SET " + ", ".join(
    f"{name} = excluded.{name}" for name in _COLUMNS.split(", ")[2:]
)
_LIST_ENDED = (
    f"WITH {_TOUCHED} INSERT INTO call_listed ({_COLUMNS}) "  # noqa: S608 - all ours
    "SELECT c.pbx, c.call, c.ended_us, c.started_us, coalesce((SELECT g.direction FROM leg g "
    "WHERE g.call = c.call AND g.pbx = c.pbx AND c.visits = '[]' "
    "ORDER BY g.direction <> 'inbound', g.ended_us LIMIT 1), 'inbound'), "
    "c.queue, c.caller, c.outcome, c.wait_us, "
    "(SELECT coalesce(sum(g.talk_us), 0) FROM leg g WHERE g.call = c.call AND g.pbx = c.pbx), "
    "(SELECT coalesce(sum(g.hold_us), 0) FROM leg g WHERE g.call = c.call AND g.pbx = c.pbx), "
    "c.gap FROM t CROSS JOIN call c ON c.call = t.call AND c.pbx = t.pbx WHERE true " + _REPLACE
)
# Of what a seat dialled nothing but its leg is told.
_LIST_DIALLED = (
    f"WITH {_TOUCHED} INSERT INTO call_listed ({_COLUMNS}) "  # noqa: S608 - all ours
    "SELECT g.pbx, g.call, g.ended_us, coalesce(g.offered_us, g.answered_us), g.direction, "
    "g.queue, g.caller, g.outcome, NULL, coalesce(g.talk_us, 0), coalesce(g.hold_us, 0), g.gap "
    "FROM t CROSS JOIN leg g ON g.call = t.call AND g.pbx = t.pbx "
    "WHERE g.direction <> 'inbound' AND g.leg = g.call "
    "AND NOT EXISTS (SELECT 1 FROM call c WHERE c.call = g.call AND c.pbx = g.pbx) " + _REPLACE
)
_FORGET_SCOPE = f"{_THEIRS} DELETE FROM call_scope WHERE seq IN (SELECT seq FROM x)"  # noqa: S608
_FORGET_PARTIES = (
    f"{_THEIRS} DELETE FROM call_party "  # noqa: S608 - all ours
    "WHERE seq IN (SELECT seq FROM x) AND kind <> 'number'"
)
_MOVE_NUMBERS = (
    f"{_THEIRS} UPDATE OR REPLACE call_party "  # noqa: S608 - all ours
    "SET at_us = (SELECT x.ended_us FROM x WHERE x.seq = call_party.seq) "
    "WHERE kind = 'number' AND seq IN (SELECT seq FROM x) "
    "AND at_us <> (SELECT x.ended_us FROM x WHERE x.seq = call_party.seq)"
)
_LEGS = "FROM x CROSS JOIN leg g ON g.call = x.call AND g.pbx = x.pbx"
_NO_LEGS = "NOT EXISTS (SELECT 1 FROM leg g WHERE g.call = x.call AND g.pbx = x.pbx)"
_VISITS = "FROM x CROSS JOIN call c ON c.call = x.call AND c.pbx = x.pbx, json_each(c.visits) j"
_BROKEN = "FROM x CROSS JOIN violation v ON v.call = x.call AND v.pbx = x.pbx"
_ADD_PARTIES = (
    f"{_THEIRS} INSERT OR IGNORE INTO call_party (kind, name, at_us, seq) "  # noqa: S608 - all ours
    f"SELECT 'seat', g.seat, x.ended_us, x.seq {_LEGS} "
    f"UNION ALL SELECT 'agent', g.agent, x.ended_us, x.seq {_LEGS} WHERE g.agent IS NOT NULL "
    f"UNION ALL SELECT 'team', coalesce(g.team, ''), x.ended_us, x.seq {_LEGS} "
    f"UNION ALL SELECT 'team', '', x.ended_us, x.seq FROM x WHERE {_NO_LEGS} "
    f"UNION ALL SELECT 'queue', coalesce(g.queue, ''), x.ended_us, x.seq {_LEGS} "
    f"UNION ALL SELECT 'queue', j.value, x.ended_us, x.seq {_VISITS} "
    "UNION ALL SELECT 'queue', coalesce(x.queue, ''), x.ended_us, x.seq FROM x "
    f"WHERE x.queue IS NOT NULL OR {_NO_LEGS} "
    f"UNION ALL SELECT 'rule', v.rule, x.ended_us, x.seq {_BROKEN} "
    f"UNION ALL SELECT 'rule', 'any', x.ended_us, x.seq {_BROKEN}"
)
_ADD_SCOPE = (
    f"{_THEIRS} INSERT OR IGNORE INTO call_scope (seq, queue, team) "  # noqa: S608 - all ours
    f"SELECT x.seq, coalesce(g.queue, ''), coalesce(g.team, '') {_LEGS} "
    f"UNION ALL SELECT x.seq, j.value, '' {_VISITS} WHERE {_NO_LEGS} "
    f"UNION ALL SELECT x.seq, coalesce(x.queue, ''), '' FROM x WHERE {_NO_LEGS} "
    "AND NOT EXISTS (SELECT 1 FROM call c WHERE c.call = x.call AND c.pbx = x.pbx "
    "AND c.visits <> '[]')"
)
_ADD_NUMBER = (
    "INSERT OR IGNORE INTO call_party (kind, name, at_us, seq) "
    "SELECT 'number', ?, ended_us, seq FROM call_listed WHERE call = ? AND pbx = ?"
)
_STEPS = (
    _LIST_ENDED,
    _LIST_DIALLED,
    _FORGET_SCOPE,
    _FORGET_PARTIES,
    _MOVE_NUMBERS,
    _ADD_PARTIES,
    _ADD_SCOPE,
)


def list_calls(
    connection: Connection,
    touched: Iterable[tuple[str, str]],
    numbered: Iterable[Numbered],
    numbers: NumberRules,
) -> None:
    """List the (call, pbx) of ``touched`` by all that is stored of them; ``numbered`` says callers,
    whose normal form only we know."""
    names = {"touched": _encode(sorted(touched)).decode()}
    for step in _STEPS:
        connection.exec_driver_sql(step, names)
    rows = {
        (norm, call, pbx)
        for call, pbx, caller in numbered
        if (norm := normalise(caller, numbers)) is not None
    }
    if rows:
        connection.exec_driver_sql(_ADD_NUMBER, sorted(rows))


# --- what is there already -------------------------------------------------------------------

_LAST_ENDED = (
    "SELECT pbx, ended_us FROM (SELECT pbx, ended_us FROM leg ORDER BY ended_us DESC LIMIT 1000) "
    "UNION ALL "
    "SELECT pbx, ended_us FROM (SELECT pbx, ended_us FROM call ORDER BY ended_us DESC LIMIT 1000)"
)


def read_heard(connection: Connection) -> dict[str, int]:
    """Up to when each PBX was heard, by all that is stored of it."""
    found: list[tuple[str, int]] = []
    run = connection.exec_driver_sql
    for key, value in run("SELECT key, value FROM meta WHERE key GLOB ?", (HEARD + "*",)):
        found.append((key.removeprefix(HEARD), int(value)))
    found += [(row.pbx, row.at_us) for row in run(history.LATEST_CHANGES, {"before_us": 1 << 62})]
    found += [(pbx, at_us) for pbx, at_us in run(_LAST_ENDED)]
    found += [
        (pbx, at_us) for pbx, at_us in run("SELECT pbx, max(at_us) FROM link_span GROUP BY 1")
    ]
    heard: dict[str, int] = {}
    for pbx, at_us in found:
        heard[pbx] = max(at_us, heard.get(pbx, at_us))
    return heard


def put_heard(connection: Connection, heard_us: Mapping[str, int]) -> None:
    """Keep up to when PBXs were heard; it never goes back."""
    connection.exec_driver_sql(
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = "
        "CAST(max(CAST(value AS INTEGER), CAST(excluded.value AS INTEGER)) AS TEXT)",
        [(HEARD + pbx, str(at_us)) for pbx, at_us in heard_us.items()],
    )


def list_older(transaction: Transaction, rules: OrderRules | None) -> bool:
    """List some of the calls that an older agentd stored; False when there was nothing left."""
    connection = transaction.connection
    said = connection.execute(schema.META_NAMED, {"key": _LISTED}).scalar()
    after: list[int] = [0, 0] if said is None else msgspec.json.decode(said)
    legs = connection.exec_driver_sql(
        "SELECT seq, call, pbx, seat, caller, team FROM leg WHERE seq > ? ORDER BY seq LIMIT ?",
        (after[1], _LIST_PIECE),
    ).all()
    team = teams_of(rules)
    # Whose team it was then nobody knows any more; without one all teams would see it.
    teams = [(t, leg.seq) for leg in legs if leg.team is None and (t := team(leg.pbx, leg.seat))]
    if teams:
        connection.exec_driver_sql("UPDATE leg SET team = ? WHERE seq = ?", teams)
    calls: Sequence[Any] = ()
    if not legs:
        calls = connection.exec_driver_sql(
            "SELECT seq, call, pbx, caller FROM call WHERE seq > ? ORDER BY seq LIMIT ?",
            (after[0], _LIST_PIECE),
        ).all()
    found = legs or calls
    if not found:
        return False
    list_calls(
        connection,
        {(row.call, row.pbx) for row in found},
        [(row.call, row.pbx, row.caller) for row in found],
        CHINA if rules is None else rules.book.numbers,
    )
    after[1 if legs else 0] = found[-1].seq
    connection.exec_driver_sql(schema.PUT_META, [(_LISTED, _encode(after).decode())])
    return True
