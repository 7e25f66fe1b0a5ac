"""The wallboard in a terminal: how it is drawn. Reads no clock and no socket.

Times are drawn in the PBX's clock, and stand still when the feed does.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from agentd.watch_view import View
from agentd.words import Lang, known, notice, say

BAR_CELLS = 10
ALERTS_SHOWN = 8
# Titles, the lines above them, column heads and "more" lines of the four sections.
SECTION_ROWS = 14

# Name and side, in their order on the screen.
_Columns = tuple[tuple[str, Literal["left", "right"]], ...]
_SEAT_COLUMNS: _Columns = (
    ("seat", "left"),
    ("agent", "left"),
    ("state", "left"),
    ("time", "right"),
    ("limit", "left"),
    ("level", "left"),
    ("caller", "left"),
    ("notes", "left"),
)
_QUEUE_COLUMNS: _Columns = (
    ("queue", "left"),
    ("waiting", "right"),
    ("longest", "right"),
    ("limit", "left"),
    ("level", "left"),
    ("offered", "right"),
    ("answered", "right"),
    ("abandoned", "right"),
    ("let_go", "right"),
    ("service_level", "right"),
)
# What goes first when the screen is narrow.
_DISPENSABLE = (
    "let_go", "offered", "notes", "answered", "caller", "abandoned", "service_level", "agent",
    "limit",
)  # fmt: skip

# Okabe and Ito's palette: told apart by colour-blind eyes; icon and word say the same.
_LEVELS: dict[str, tuple[str, str]] = {
    "calm": ("·", ""),
    "warning": ("▲", "#E69F00"),
    "breach": ("■", "bold #D55E00"),
    "escalation": ("■", "bold #D55E00"),
    "urgent": ("★", "bold reverse #CC79A7"),
}
_SEVERITY = {"calm": 0, "warning": 1, "breach": 2, "escalation": 2, "urgent": 3}
_BANNER = "bold white on #8B2C00"
_ZERO_WIDTH_JOINER = "\u200d"


def render(view: View, now_s: float, *, width: int, height: int | None = None) -> RenderableType:
    """The whole board for a screen of ``width`` cells and ``height`` rows (24 at least); without
    a height, every row there is. What a narrow screen cannot show is left out, column by column."""
    lang = view.words
    parts: list[RenderableType] = [_headline(view, now_s)]
    parts += _banners(view, now_s)
    if view.seq is None:
        return Group(*parts)
    board = view.board.values()
    queues = sorted((o for o in board if o["kind"] == "queue"), key=_queue_place)
    seats = sorted((o for o in board if o["kind"] == "seat"), key=_seat_place)
    alerts = sorted((o for o in board if o["kind"] == "alert"), key=_newest_first)
    troubled = sorted(
        (s for s in seats if _SEVERITY[s["trouble"]]),
        key=lambda s: (-_SEVERITY[s["trouble"]], s["since"] or 0),
    )
    lane_rows, alert_rows, seat_rows = len(troubled), ALERTS_SHOWN, len(seats)
    if height is not None:
        free = height - len(parts) - min(len(queues), height // 4) - SECTION_ROWS
        lane_rows = max(1, min(lane_rows, free // 3))
        alert_rows = max(1, min(len(alerts), alert_rows, free // 4))
        seat_rows = max(1, free - min(lane_rows, len(troubled)) - alert_rows)
    parts.append(_title(lang, "watch.trouble"))
    if troubled:
        parts.append(_seat_table(view, troubled[:lane_rows], now_s, width))
        parts += _more(lang, len(troubled) - lane_rows)
    else:
        parts.append(Text(f"  {_icon('calm')} {say(lang, 'watch.all_calm')}", "dim"))
    parts.append(_title(lang, "watch.queues"))
    if queues:
        shown = queues if height is None else queues[: max(1, height // 4)]
        parts.append(_queue_table(view, shown, now_s, width))
        parts += _more(lang, len(queues) - len(shown))
    else:
        parts.append(Text(f"  {say(lang, 'watch.no_queues')}", "dim"))
    parts.append(_title(lang, "watch.seats"))
    if seats:
        parts.append(_seat_table(view, seats[:seat_rows], now_s, width))
        parts += _more(lang, len(seats) - seat_rows)
    else:
        parts.append(Text(f"  {say(lang, 'watch.no_seats')}", "dim"))
    parts.append(_title(lang, "watch.alerts"))
    parts += [_alert_line(lang, alert) for alert in alerts[:alert_rows]]
    if not alerts:
        parts.append(Text(f"  {say(lang, 'watch.no_alerts')}", "dim"))
    return Group(*parts)


def clean(text: object) -> str:
    """``text`` as one line that cannot steer a terminal: names and numbers come from callers."""
    return "".join(
        c if c.isprintable() or c == _ZERO_WIDTH_JOINER else "\N{REPLACEMENT CHARACTER}"
        for c in str(text)
    )


def duration(seconds: float) -> str:
    """``0:07``, ``12:03``, ``1:00:00``; a time that lies ahead is nought."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{secs:02}" if hours else f"{minutes}:{secs:02}"


def clock_time(at_s: float) -> str:
    """The time of day here."""
    return dt.datetime.fromtimestamp(at_s, dt.UTC).astimezone().strftime("%H:%M:%S")


def _headline(view: View, now_s: float) -> Text:
    lang = view.words
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(f"agentd {say(lang, 'watch.title')}", "bold")
    for link in _links(view):
        up = link["link"] == "up"
        line.append(f"   {'●' if up else '○'} {clean(link['id'])} ", "" if up else "bold")
        line.append(say(lang, f"link.{link['link']}"))
        if link["last_event_at"] is None:
            line.append(f", {say(lang, 'watch.no_event')}", "dim")
        else:
            ago = duration(view.pbx_now(link["id"], now_s) - link["last_event_at"])
            line.append(f", {say(lang, 'watch.last_event', ago=ago)}", "dim")
        if link["version"]:
            line.append(f", Asterisk {clean(link['version'])}", "dim")
    line.append(f"   {say(lang, 'watch.quit')}", "dim")
    return line


def _banners(view: View, now_s: float) -> list[RenderableType]:
    lang = view.words
    lines: list[str] = []
    since = clock_time(view.server_time)
    if not view.connected:
        retry = duration(view.retry_at_s - now_s + 0.99)
        if not view.lost_reason:
            lines.append(say(lang, "watch.connecting", url=clean(view.url)))
        elif view.seq is None:
            lines.append(say(lang, "watch.never", reason=view.lost_reason, retry=retry))
        else:
            reason = view.lost_reason
            lines.append(say(lang, "watch.lost", since=since, reason=reason, retry=retry))
    elif view.seq is None:
        lines.append(say(lang, "watch.waiting_for_board"))
    elif view.stale(now_s):
        lines.append(say(lang, "watch.stale", since=since))
    for link in _links(view):
        pbx = clean(link["id"])
        if link["link"] == "down":
            since = clock_time(link["since"] or view.server_time)
            reason = _down_reason(lang, link)
            lines.append(say(lang, "watch.pbx_down", pbx=pbx, since=since, reason=reason))
        elif link["link"] == "syncing":
            lines.append(say(lang, "watch.pbx_syncing", pbx=pbx))
    banners: list[RenderableType] = [
        Text(f" ! {line} ", _BANNER, no_wrap=True, overflow="ellipsis") for line in lines
    ]
    banners += [
        Text(
            f" ! {clean(link['id'])}: {clean(notice(lang, w['code'], w['text']))}",
            "yellow",
            no_wrap=True,
        )
        for link in _links(view)
        for w in link["warnings"]
    ]
    return banners


def _down_reason(lang: Lang, link: Mapping[str, Any]) -> str:
    code, reason = link["code"], link["reason"]
    # The sentence that comes along is English; the code has words in both languages.
    if code and known(f"link.{code}") and (lang == "zh" or not reason):
        return say(lang, f"link.{code}")
    return clean(reason) if reason else say(lang, "watch.unknown_reason")


def _queue_table(
    view: View, queues: Iterable[Mapping[str, Any]], now_s: float, width: int
) -> Table:
    lang = view.words
    table = _Table(lang, _QUEUE_COLUMNS)
    for queue in queues:
        waiting = queue["waiting"]
        cells: dict[str, str | Text] = {
            name: str(queue[name]) for name in ("offered", "answered", "abandoned", "let_go")
        }
        if waiting:
            wait_s = view.pbx_now(queue["pbx"], now_s) - waiting[0]["joined_at"]
            level = _level(wait_s, queue["wait_warn_s"], queue["wait_max_s"])
            cells |= {
                "longest": duration(wait_s),
                "limit": _bar(wait_s, queue["wait_max_s"], level),
                "level": _level_text(lang, level),
            }
        share = queue["service_level"]
        figure = "–" if share is None else f"{share:.0%}"
        table.add(
            cells
            | {
                "queue": queue["label"] or queue["name"],
                "waiting": str(len(waiting)),
                "service_level": f"{queue['service_level_name']} {figure}{_gap_mark(lang, queue)}",
            },
            _row_style(view, queue["pbx"], now_s),
        )
    return table.fitted(width)


def _seat_table(view: View, seats: Iterable[Mapping[str, Any]], now_s: float, width: int) -> Table:
    lang = view.words
    table = _Table(lang, _SEAT_COLUMNS)
    for seat in seats:
        pbx_now = view.pbx_now(seat["pbx"], now_s)
        since = seat["since"]
        table.add(
            {
                "seat": seat["label"] or seat["seat"],
                "agent": seat["agent"] or "",
                "state": _state_text(lang, seat),
                "time": "" if since is None else duration(pbx_now - since),
                "limit": _clock_text(lang, seat, pbx_now),
                "level": _level_text(lang, seat["trouble"]),
                "caller": seat["caller"] or "",
                "notes": _notes(lang, seat, pbx_now),
            },
            _row_style(view, seat["pbx"], now_s),
        )
    return table.fitted(width)


class _Table:
    """A table of the columns for which there is room. Cells are plain text, never markup."""

    def __init__(self, lang: Lang, columns: _Columns) -> None:
        self._heads = {name: say(lang, f"col.{name}") for name, _ in columns}
        self._sides = dict(columns)
        self._rows: list[tuple[dict[str, Text], str]] = []

    def add(self, cells: Mapping[str, str | Text], style: str) -> None:
        row = {name: cells.get(name, "") for name in self._heads}
        self._rows.append(
            ({n: c if isinstance(c, Text) else Text(clean(c)) for n, c in row.items()}, style)
        )

    def fitted(self, width: int) -> Table:
        wide = {
            name: 2 + max(cell_len(head), *(row[name].cell_len for row, _ in self._rows))
            for name, head in self._heads.items()
        }
        for name in _DISPENSABLE:
            if sum(wide.values()) > width:
                wide.pop(name, None)
        table = Table(box=None, pad_edge=True, padding=(0, 1), header_style="dim")
        for name in wide:
            table.add_column(self._heads[name], justify=self._sides[name], no_wrap=True)
        for row, style in self._rows:
            table.add_row(*(row[name] for name in wide), style=style)
        return table


def _row_style(view: View, pbx: str, now_s: float) -> str:
    link = view.board.get(f"pbx:{pbx}")
    present = not view.stale(now_s) and (link is None or link["link"] == "up")
    return "" if present else "dim"


def _state_text(lang: Lang, seat: Mapping[str, Any]) -> str:
    text = say(lang, f"state.{seat['state']}")
    if seat["state"] == "paused" and seat["pause_reason"]:
        text += f" ({seat['pause_reason']})"
    if seat["direction"] in ("outbound", "internal"):
        text += f" ({say(lang, 'direction.' + seat['direction'])})"
    return text


def _clock_text(lang: Lang, seat: Mapping[str, Any], pbx_now: float) -> Text:
    clock = seat["clock"]
    if clock is None:
        return Text()
    name = say(lang, f"rule.{clock['rule']}")
    if clock["stopped"]:
        return Text(f"{name} {say(lang, 'watch.stopped')}", "dim")
    begun = clock["from"]
    elapsed_s = pbx_now - begun
    limit_s = None if clock["breach_at"] is None else clock["breach_at"] - begun
    text = _bar(elapsed_s, limit_s, seat["trouble"])
    text.append(f" {name} {duration(elapsed_s)}")
    if limit_s is not None:
        text.append(f"/{duration(limit_s)}")
    return text


def _notes(lang: Lang, seat: Mapping[str, Any], pbx_now: float) -> str:
    notes: list[str] = []
    clock = seat["clock"]
    if clock and clock["rule"] == "ring" and clock["ring_cycle_s"] and not clock["stopped"]:
        count = max(0, int((pbx_now - clock["from"]) // clock["ring_cycle_s"])) + 1
        notes.append(say(lang, "watch.ring_count", count=count))
    if seat["owed"]:
        notes.append(say(lang, "watch.orders_owed", count=len(seat["owed"])))
        due_at = seat["owed"][0]["due_at"]
        if due_at is not None:
            late = pbx_now > due_at
            key = "watch.order_overdue" if late else "watch.order_due"
            notes.append(say(lang, key, time=duration(abs(due_at - pbx_now))))
    if seat["gap"]:
        notes.append(say(lang, "watch.gap"))
    return ", ".join(notes)


def _alert_line(lang: Lang, alert: Mapping[str, Any]) -> Text:
    line = Text(f"  {clock_time(alert['at'])} ", no_wrap=True, overflow="ellipsis")
    over = alert["cleared_at"] is not None
    line.append_text(_level_text(lang, alert["level"]))
    what = [say(lang, f"rule.{alert['rule']}")]
    what += [clean(alert[key]) for key in ("seat", "agent", "queue") if alert[key]]
    if alert["value"] is not None:
        limit = "" if alert["limit"] is None else f"/{duration(alert['limit'])}"
        what.append(f"{duration(alert['value'])}{limit}")
    if over:
        what.append(f"({say(lang, 'watch.cleared')} {clock_time(alert['cleared_at'])})")
    line.append(" " + " ".join(what))
    if over:
        line.stylize("dim")
    return line


def _level(elapsed_s: float, warn_s: float | None, max_s: float | None) -> str:
    if max_s is not None and elapsed_s >= max_s:
        return "breach"
    return "warning" if warn_s is not None and elapsed_s >= warn_s else "calm"


def _bar(elapsed_s: float, limit_s: float | None, level: str) -> Text:
    if not limit_s:
        return Text()
    filled = min(BAR_CELLS, max(0, int(elapsed_s / limit_s * BAR_CELLS)))
    return Text("█" * filled + "░" * (BAR_CELLS - filled), _LEVELS[level][1])


def _icon(level: str) -> str:
    return _LEVELS[level][0]


def _level_text(lang: Lang, level: str) -> Text:
    return Text(f"{_icon(level)} {say(lang, f'level.{level}')}", _LEVELS[level][1] or "dim")


def _gap_mark(lang: Lang, thing: Mapping[str, Any]) -> str:
    return f" ({say(lang, 'watch.gap')})" if thing["gap"] else ""


def _title(lang: Lang, key: str) -> Text:
    return Text(f"\n{say(lang, key)}", "bold")


def _more(lang: Lang, count: int) -> list[RenderableType]:
    return [Text(f"  {say(lang, 'watch.more', count=count)}", "dim")] if count > 0 else []


def _links(view: View) -> list[Mapping[str, Any]]:
    links = (o for o in view.board.values() if o["kind"] == "pbx")
    return sorted(links, key=lambda link: str(link["id"]))


def _queue_place(queue: Mapping[str, Any]) -> tuple[str, str]:
    return (queue["pbx"], queue["name"])


def _seat_place(seat: Mapping[str, Any]) -> tuple[str, bool, Any, str, str]:
    place = seat["place"]
    return (seat["pbx"], place is None, place or 0, seat["group"] or "", seat["seat"])


def _newest_first(alert: Mapping[str, Any]) -> tuple[float, str]:
    return (-alert["at"], alert["id"])
