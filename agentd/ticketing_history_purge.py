"""Retention: what is too old is removed or masked, piece by piece, but for what is held.

A piece is a few hundred rows of one table, in the order of their time; it goes on after the last
row that the piece before looked at, so that what is held is passed over once a run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, select

from agentd import ticketing_history_tables as history
from agentd import ticketing_schema as schema
from agentd.core.phone import NumberRules, normalise
from agentd.logs import mask_number
from agentd.ports.retention import HoldKind, LegalHold, Purged, PurgeKind
from agentd.ticketing_people import Shelf

PIECE: Final = 500
DAY_US: Final = 86_400_000_000

_encode = msgspec.json.Encoder().encode
holds = Shelf(history.legal_hold, LegalHold, json=("names",))
_hold = history.legal_hold.c

Run = Callable[..., Any]


# --- legal holds -----------------------------------------------------------------------------


def read_holds(connection: Connection, *, open_only: bool) -> list[LegalHold]:
    """The newest first."""
    where = [_hold.lifted_us.is_(None)] if open_only else []
    return holds.all(connection, *where, by=[_hold.at_us.desc()])


def put_hold(connection: Connection, hold: LegalHold) -> None:
    """Add it, or lift it. What was passed over because of it is looked at again then."""
    holds.put(connection, [hold])
    if hold.lifted_us is not None:
        connection.exec_driver_sql("DELETE FROM meta WHERE key GLOB ?", (f"{_PASSED}*",))


class Held:
    """What the open holds keep, as of this transaction."""

    def __init__(self, connection: Connection, numbers: NumberRules) -> None:
        self._connection = connection
        self._numbers = numbers
        of: dict[HoldKind, list[LegalHold]] = {}
        for hold in read_holds(connection, open_only=True):
            of.setdefault(hold.kind, []).append(hold)
        self._any = bool(of)
        self._calls = {(hold.target, hold.pbx) for hold in of.get("call", ())}
        orders = schema.json_list(hold.target for hold in of.get("order", ()))
        for table, column in (("work_order", "id"), ("order_contact", "order_id")):
            self._calls |= {
                (row.call, row.pbx)
                for row in connection.exec_driver_sql(
                    f"SELECT call, pbx FROM {table} "  # noqa: S608 - all ours
                    f"WHERE {column} IN (SELECT value FROM json_each(?))",
                    (orders,),
                )
            }
        self._names = {name for hold in of.get("person", ()) for name in (hold.target, *hold.names)}
        self._norms = {hold.target for hold in of.get("number", ())}

    def of(self, rows: Sequence[Any]) -> set[int]:
        """Which of ``rows`` are held, by index. They say, as far as their table knows, ``call`` and
        ``pbx``, ``agent`` and ``caller``."""
        if not self._any:
            return set()
        parties = self._by_parties(rows) | self._calls
        return {
            index
            for index, row in enumerate(rows)
            if (getattr(row, "call", None), row.pbx) in parties
            or getattr(row, "agent", None) in self._names
            or getattr(row, "owner", None) in self._names
            or (
                self._norms
                and normalise(getattr(row, "caller", None), self._numbers) in self._norms
            )
        }

    def _by_parties(self, rows: Iterable[Any]) -> set[tuple[Any, Any]]:
        """Calls in which a held person or number had a part."""
        calls = {(row.call, row.pbx) for row in rows if getattr(row, "call", None) is not None}
        if not calls or not (self._names or self._norms):
            return set()
        found = self._connection.exec_driver_sql(
            "SELECT DISTINCT l.call, l.pbx FROM json_each(:calls) j CROSS JOIN call_listed l "
            "ON l.call = json_extract(j.value, '$[0]') AND l.pbx = json_extract(j.value, '$[1]') "
            "CROSS JOIN call_party p ON p.seq = l.seq "
            "WHERE (p.kind = 'agent' AND p.name IN (SELECT value FROM json_each(:names))) "
            "OR (p.kind = 'number' AND p.name IN (SELECT value FROM json_each(:norms)))",
            {
                "calls": _encode(sorted(calls)).decode(),
                "names": schema.json_list(self._names),
                "norms": schema.json_list(self._norms),
            },
        )
        return {(row.call, row.pbx) for row in found}


def is_held(connection: Connection, pbx: str, call: str, numbers: NumberRules) -> bool:
    """Whether a hold keeps this call."""
    held = Held(connection, numbers)
    legs = connection.execute(
        select(schema.leg.c.call, schema.leg.c.pbx, schema.leg.c.agent, schema.leg.c.caller).where(
            schema.leg.c.call == call, schema.leg.c.pbx == pbx
        )
    ).all()
    alone = connection.exec_driver_sql(
        "SELECT ? AS call, ? AS pbx, "
        "(SELECT caller FROM call WHERE call = ? AND pbx = ?) AS caller",
        (call, pbx, call, pbx),
    ).all()
    return bool(held.of([*legs, *alone]))


# --- what is removed -------------------------------------------------------------------------


class Source(Struct, frozen=True):
    """One table of a kind: which rows are candidates, and what is done with them."""

    name: str
    columns: str
    time: str
    keys: tuple[str, ...]
    """Columns of the place after a row, beside its time."""
    remove: Callable[[Run, Sequence[Any]], int]
    """Told the rows; returns how many it changed."""
    where: str = "true"
    passes: bool = False
    """What was looked at once needs no second look (it stays, emptied or masked)."""


_PASSED = "passed:"
"""Prefix of keys in ``meta``: up to which row a source that passes was done with."""


def _each(statement: str, *names: str) -> Callable[[Run, Sequence[Any]], int]:
    def remove(run: Run, rows: Sequence[Any]) -> int:
        run(statement, [tuple(getattr(row, name) for name in names) for row in rows])
        return len(rows)

    return remove


def _remove_calls(run: Run, rows: Sequence[Any]) -> int:
    calls = [(row.call, row.pbx) for row in rows]
    run("DELETE FROM queue_visit WHERE call = ? AND pbx = ?", calls)
    run("DELETE FROM call WHERE call = ? AND pbx = ?", calls)
    seqs = [(row.seq,) for row in rows]
    for table in ("call_party", "call_scope", "call_listed"):
        run(f"DELETE FROM {table} WHERE seq = ?", seqs)  # noqa: S608 - all ours
    return len(rows)


def _remove_alerts(run: Run, rows: Sequence[Any]) -> int:
    run("DELETE FROM alert_note WHERE alert = ?", [(row.id,) for row in rows])
    run("DELETE FROM alert WHERE seq = ?", [(row.seq,) for row in rows])
    return len(rows)


def _remove_violations(run: Run, rows: Sequence[Any]) -> int:
    ids = [(row.id,) for row in rows]
    run("DELETE FROM appeal WHERE violation = ?", ids)
    run("DELETE FROM violation WHERE id = ?", ids)
    return len(rows)


def _remove_audit(run: Run, rows: Sequence[Any]) -> int:
    key = history.AUDIT_PURGED_BEFORE
    before_us = max(row.at_us for row in rows) + 1
    run(schema.PUT_META, [(key, str(before_us))])
    run("DELETE FROM audit WHERE seq = ?", [(row.seq,) for row in rows])
    run("DELETE FROM meta WHERE key = ?", (key,))
    return len(rows)


def _mask(*statements: str) -> Callable[[Run, Sequence[Any]], int]:
    """Have the caller of each row masked by ``statements`` (masked number, seq)."""

    def mask(run: Run, rows: Sequence[Any]) -> int:
        masked = []
        for row in rows:
            if row.caller is not None and "*" not in row.caller:
                shown = mask_number(row.caller)
                if shown != row.caller:
                    masked.append((shown, row.seq))
        if masked:
            for statement in statements:
                run(statement, masked)
        return len(masked)

    return mask


_IN_USE = (
    "EXISTS (SELECT 1 FROM seat_change n WHERE n.pbx = seat_change.pbx "
    "AND n.seat = seat_change.seat AND n.at_us > seat_change.at_us AND n.at_us < :before_us)"
)
_LINK_IN_USE = (
    "EXISTS (SELECT 1 FROM link_span n WHERE n.pbx = link_span.pbx "
    "AND n.at_us > link_span.at_us AND n.at_us < :before_us)"
)
_seq = ("seq",)
SOURCES: Final[Mapping[PurgeKind, tuple[Source, ...]]] = {
    # Before what they belong to: a hold on a number knows a call by its list.
    "evidence": (
        Source(
            "leg", "seq, pbx, call, agent, caller, ended_us", "ended_us", _seq,
            _each("UPDATE leg SET evidence = '[]' WHERE seq = ?", "seq"),
            where="evidence <> '[]'", passes=True,
        ),
        Source(
            "violation", "id, pbx, call, agent, owner, at_us", "at_us", ("id",),
            _each("UPDATE violation SET evidence = '[]' WHERE id = ?", "id"),
            where="evidence <> '[]'", passes=True,
        ),
    ),
    "legs": (
        Source(
            "leg", "seq, pbx, call, agent, caller, ended_us", "ended_us", _seq,
            _each("DELETE FROM leg WHERE seq = ?", "seq"),
        ),
        Source(
            "wrap_up", "seq, pbx, call, agent, from_us", "from_us", _seq,
            _each("DELETE FROM wrap_up WHERE seq = ?", "seq"),
        ),
    ),
    "alerts": (
        Source("alert", "seq, id, pbx, call, agent, at_us", "at_us", _seq, _remove_alerts),
    ),
    "violations": (
        Source("violation", "id, pbx, call, agent, owner, at_us", "at_us", ("id",),
               _remove_violations),
    ),
    "spans": (
        Source(
            "seat_change", "pbx, seat, agent, at_us", "at_us", ("pbx", "seat"),
            _each(
                "DELETE FROM seat_change WHERE pbx = ? AND seat = ? AND at_us = ?",
                "pbx", "seat", "at_us",
            ),
            where=_IN_USE,
        ),
        Source(
            "link_span", "pbx, at_us", "at_us", ("pbx",),
            _each("DELETE FROM link_span WHERE pbx = ? AND at_us = ?", "pbx", "at_us"),
            where=_LINK_IN_USE,
        ),
    ),
    "intervals": (
        Source(
            "metric_interval", "kind, name, at_us, '' AS pbx", "at_us", ("kind", "name"),
            _each(
                "DELETE FROM metric_interval WHERE kind = ? AND name = ? AND at_us = ?",
                "kind", "name", "at_us",
            ),
        ),
    ),
    "numbers": (
        Source(
            "queue_visit", "seq, pbx, call, caller, joined_us", "joined_us", _seq,
            _mask("UPDATE queue_visit SET caller = ? WHERE seq = ?"), passes=True,
        ),
        Source(
            "leg", "seq, pbx, call, agent, caller, ended_us", "ended_us", _seq,
            _mask("UPDATE leg SET caller = ? WHERE seq = ?"), passes=True,
        ),
        Source(
            "call_listed", "seq, pbx, call, caller, ended_us", "ended_us", _seq,
            _mask(
                "UPDATE call SET caller = ?1 WHERE call = (SELECT l.call FROM call_listed l "
                "WHERE l.seq = ?2) AND pbx = (SELECT l.pbx FROM call_listed l WHERE l.seq = ?2)",
                "DELETE FROM call_party WHERE seq = ?2 AND kind = 'number' AND ?1 = ?1",
                "UPDATE call_listed SET caller = ?1 WHERE seq = ?2",
            ),
            passes=True,
        ),
    ),
    "calls": (
        Source("call_listed", "seq, pbx, call, caller, ended_us", "ended_us", _seq, _remove_calls),
        Source(
            "queue_visit", "seq, pbx, call, agent, caller, joined_us", "joined_us", _seq,
            _each("DELETE FROM queue_visit WHERE seq = ?", "seq"),
            where="NOT EXISTS (SELECT 1 FROM call_listed l "
            "WHERE l.call = queue_visit.call AND l.pbx = queue_visit.pbx)",
        ),
    ),
    "messages": (
        # A hold on a person keeps what was written to them, and by them.
        Source(
            "desk_message", """id, '' AS pbx, "to" AS agent, "by" AS owner, at_us""", "at_us",
            ("id",), _each("DELETE FROM desk_message WHERE id = ?", "id"),
        ),
    ),
    "audit": (Source("audit", "seq, at_us, '' AS pbx", "at_us", _seq, _remove_audit),),
}  # fmt: skip
"""In the order in which they are done."""


class Piece(Struct, frozen=True):
    """What was done with one piece. ``after`` None: there is no more."""

    after: tuple[Any, ...] | None
    rows: int
    held: int


def begin_after(connection: Connection, kind: PurgeKind, source: Source) -> tuple[Any, ...]:
    """Where a run begins: the place before the first row that needs a look."""
    if source.passes:
        key = f"{_PASSED}{kind}:{source.name}"
        said = connection.execute(schema.META_NAMED, {"key": key}).scalar()
        if said is not None:
            return tuple(msgspec.json.decode(said))
    return (-1, *(("" if key != "seq" else 0) for key in source.keys))


def purge_piece(
    connection: Connection,
    kind: PurgeKind,
    source: Source,
    log: Purged,
    after: Sequence[Any],
    numbers: NumberRules,
    *,
    dry: bool,
) -> Piece:
    """Do one piece: what is older than ``log.before_us``, after the place ``after``."""
    places = (source.time, *source.keys)
    marks = ", ".join(f":after{index}" for index in range(len(places)))
    order = ", ".join(places)
    names = {f"after{index}": value for index, value in enumerate(after)}
    rows = connection.exec_driver_sql(
        f"SELECT {source.columns} FROM {source.name} "  # noqa: S608 - all ours
        f"WHERE {source.time} < :before_us AND ({order}) > ({marks}) AND {source.where} "
        f"ORDER BY {order} LIMIT {PIECE}",
        {**names, "before_us": log.before_us},
    ).all()
    if not rows:
        return Piece(None, 0, 0)
    held = Held(connection, numbers).of(rows) if kind not in ("audit", "intervals") else set()
    free = [row for index, row in enumerate(rows) if index not in held]
    done = len(free)
    last = tuple(getattr(rows[-1], name) for name in places)
    if not dry:
        run = connection.exec_driver_sql
        done = source.remove(run, free) if free else 0
        run(_LOG, (log.run, log.at_us, kind, log.before_us, done, len(held), log.by))
        if source.passes:
            key = f"{_PASSED}{kind}:{source.name}"
            run(schema.PUT_META, [(key, _encode(last).decode())])
    elif kind == "numbers":
        done = source.remove(lambda *_: None, free)
    return Piece(last if len(rows) == PIECE else None, done, len(held))


_LOG = (
    "INSERT INTO purge_log (run, at_us, kind, before_us, rows, held, by) "
    "SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE ?5 > 0 OR ?6 > 0 ON CONFLICT (run, kind) "
    "DO UPDATE SET rows = rows + excluded.rows, held = held + excluded.held"
)


def read_purges(connection: Connection, limit: int, before_us: int | None) -> list[Purged]:
    """The purge log, the newest first."""
    line = history.purge_log.c
    query = select(*tuple(line)[1:]).order_by(line.seq.desc()).limit(max(0, limit))
    if before_us is not None:
        query = query.where(line.at_us < before_us)
    return [Purged(*row) for row in connection.execute(query)]
