"""The columns of exported history: calls, stays in queues, states, quarters, alerts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from agentd.core.effects import VisitEnded
from agentd.core.order_form import Label
from agentd.export_columns import Column, Kind, Lang, Value, local_time
from agentd.history_view import AlertLine, CallLine
from agentd.ports.history import Quarter, SeatSpan
from agentd.ports.retention import Purged

_OUTCOMES: Mapping[str, Label] = {
    "answered": ("接通", "answered"),
    "abandoned": ("放弃", "abandoned"),
    "let_go": ("队列超时", "let go"),
    "moved": ("转走", "moved on"),
    "no_answer": ("无人接听", "no answer"),
    "rejected": ("拒接", "rejected"),
    "unreachable": ("不可达", "unreachable"),
    "unknown": ("未知", "unknown"),
}
_DIRECTIONS: Mapping[str, Label] = {
    "inbound": ("呼入", "inbound"),
    "outbound": ("外呼", "outbound"),
    "internal": ("内部", "internal"),
}
_STATES: Mapping[str | None, Label] = {
    "available": ("空闲", "available"),
    "offered": ("待振铃", "offered"),
    "ringing": ("振铃", "ringing"),
    "talking": ("通话", "talking"),
    "holding": ("保持", "on hold"),
    "wrap_up": ("事后处理", "wrap-up"),
    "paused": ("示忙", "paused"),
    "unreachable": ("不可达", "unreachable"),
    "logged_out": ("离线", "logged out"),
    None: ("未收到（断线）", "not heard (gap)"),
}
_LEVELS: Mapping[str, Label] = {
    "warning": ("预警", "warning"),
    "breach": ("超时", "breach"),
    "escalation": ("升级", "escalation"),
}
_RULES: Mapping[str, Label] = {
    "ring": ("两声接起", "answer in time"),
    "hold": ("通话保持", "hold"),
    "hold_sum": ("保持总时长", "holds of one call"),
    "consult": ("咨询等待", "consultation"),
    "park": ("驻留等待", "parking"),
    "hangup_order": ("客户先挂机", "who hangs up first"),
    "work_order": ("工单", "work order"),
    "urgent": ("急件", "urgent"),
}
_YES: Label = ("是", "yes")


class Columns:
    """The columns of each table in a language. Times are local times on site, without a zone,
    durations seconds. ``name_of`` says how a person is written."""

    def __init__(
        self, lang: Lang, utc_offset_s: int, name_of: Callable[[str], str] = lambda agent: agent
    ) -> None:
        self._pick = 0 if lang == "zh" else 1
        self._time = local_time(utc_offset_s)
        self._name_of = name_of

    def _word(self, table: Mapping[Any, Label], key: Any) -> str:
        return table[key][self._pick] if key in table else (key or "")

    def _yes(self, said: bool) -> str:
        return _YES[self._pick] if said else ""

    def _made(self, *rows: tuple[Label, Kind, Callable[[Any], Value]]) -> tuple[Column[Any], ...]:
        return tuple(Column(label[self._pick], kind, value) for label, kind, value in rows)

    def _names(self, agents: tuple[str, ...]) -> str:
        return ", ".join(self._name_of(agent) for agent in agents)

    def calls(self) -> tuple[Column[CallLine], ...]:
        """For calls."""
        word, time = self._word, self._time
        return self._made(
            (("PBX", "PBX"), "code", lambda c: c.pbx),
            (("通话编号", "call"), "code", lambda c: c.call),
            (("方向", "direction"), "text", lambda c: word(_DIRECTIONS, c.direction)),
            (("开始", "started"), "time", lambda c: time(c.started_us)),
            (("结束", "ended"), "time", lambda c: time(c.ended_us)),
            (("号码", "number"), "code", lambda c: c.caller),
            (("队列", "queue"), "text", lambda c: ", ".join(c.visits) or c.queue),
            (("座席", "seat"), "text", lambda c: ", ".join(c.seats)),
            (("话务员", "agent"), "text", lambda c: self._names(c.agents)),
            (("结果", "outcome"), "text", lambda c: word(_OUTCOMES, c.outcome)),
            (("等待(秒)", "wait (s)"), "number", lambda c: _seconds(c.wait_us)),
            (("通话(秒)", "talk (s)"), "number", lambda c: _seconds(c.talk_us)),
            (("保持(秒)", "hold (s)"), "number", lambda c: _seconds(c.hold_us)),
            (
                ("违反规则", "rules broken"),
                "text",
                lambda c: ", ".join(word(_RULES, rule) for rule in c.rules),
            ),
            (("工单", "order"), "code", lambda c: c.order),
            (("录音数", "recordings"), "number", lambda c: c.recordings),
            (("含断线", "gap"), "text", lambda c: self._yes(c.gap)),
        )

    def visits(self) -> tuple[Column[VisitEnded], ...]:
        """For stays in queues."""
        word, time = self._word, self._time
        return self._made(
            (("PBX", "PBX"), "code", lambda v: v.pbx),
            (("通话编号", "call"), "code", lambda v: v.call),
            (("队列", "queue"), "text", lambda v: v.queue),
            (("号码", "number"), "code", lambda v: v.caller),
            (("进入", "joined"), "time", lambda v: time(v.joined_us)),
            (("离开", "left"), "time", lambda v: time(v.left_us)),
            (("等待(秒)", "wait (s)"), "number", lambda v: _seconds(v.wait_us)),
            (("结果", "outcome"), "text", lambda v: word(_OUTCOMES, v.outcome)),
            (("座席", "seat"), "text", lambda v: v.seat),
            (("话务员", "agent"), "text", lambda v: v.agent and self._name_of(v.agent)),
            (("估算", "estimated"), "text", lambda v: self._yes(v.estimated)),
            (("含断线", "gap"), "text", lambda v: self._yes(v.gap)),
        )

    def spans(self) -> tuple[Column[SeatSpan], ...]:
        """For the states of a seat or of a person."""
        word, time = self._word, self._time
        return self._made(
            (("PBX", "PBX"), "code", lambda s: s.pbx),
            (("座席", "seat"), "text", lambda s: s.seat),
            (("话务员", "agent"), "text", lambda s: s.agent and self._name_of(s.agent)),
            (("状态", "state"), "text", lambda s: word(_STATES, s.state)),
            (("示忙原因", "pause reason"), "text", lambda s: s.pause_reason),
            (("开始", "from"), "time", lambda s: time(s.from_us)),
            (("结束", "to"), "time", lambda s: time(s.to_us)),
            (
                ("时长(秒)", "seconds"),
                "number",
                lambda s: None if s.to_us is None else _seconds(s.to_us - s.from_us),
            ),
            (("队列", "queues"), "text", lambda s: ", ".join(s.queues)),
        )

    def quarters(self) -> tuple[Column[Quarter], ...]:
        """For the quarters of a queue's day."""
        time = self._time
        return self._made(
            (("时段", "from"), "time", lambda q: time(q.at_us)),
            (("呼入量", "offered"), "number", lambda q: q.offered),
            (("接通", "answered"), "number", lambda q: q.answered),
            (("时限内接通", "within T"), "number", lambda q: q.within_limit),
            (("放弃", "abandoned"), "number", lambda q: q.abandoned),
            (("短放弃", "short abandons"), "number", lambda q: q.short_abandons),
            (("队列超时", "let go"), "number", lambda q: q.let_go),
            (("转走", "moved on"), "number", lambda q: q.moved),
            (("去向未知", "unknown"), "number", lambda q: q.unknown),
            (("应答等待合计(秒)", "wait of answered (s)"), "number", lambda q: _seconds(q.wait_us)),
            (("最长等待(秒)", "longest (s)"), "number", lambda q: _seconds(q.longest_us)),
            (("估算", "estimated"), "number", lambda q: q.estimated),
            (("含断线", "gap"), "text", lambda q: self._yes(q.gap)),
        )

    def alerts(self) -> tuple[Column[AlertLine], ...]:
        """For alerts."""
        word, time = self._word, self._time
        return self._made(
            (("时间", "time"), "time", lambda a: time(a.at_us)),
            (("级别", "level"), "text", lambda a: word(_LEVELS, a.level)),
            (("规则", "rule"), "text", lambda a: word(_RULES, a.rule)),
            (("PBX", "PBX"), "code", lambda a: a.pbx),
            (("队列", "queue"), "text", lambda a: a.queue),
            (("座席", "seat"), "text", lambda a: a.seat),
            (("班组", "team"), "text", lambda a: a.team),
            (("话务员", "agent"), "text", lambda a: a.agent and self._name_of(a.agent)),
            (("通话编号", "call"), "code", lambda a: a.call),
            (("数值(秒)", "value (s)"), "number", lambda a: _seconds(a.value_us)),
            (("限值(秒)", "limit (s)"), "number", lambda a: _seconds(a.limit_us)),
            (
                ("确认人", "acknowledged by"),
                "text",
                lambda a: self._name_of(a.notes[0].by) if a.notes else None,
            ),
            (
                ("确认时间", "acknowledged at"),
                "time",
                lambda a: time(a.notes[0].at_us) if a.notes else None,
            ),
            (
                ("备注", "notes"),
                "text",
                lambda a: "\n".join(note.note for note in a.notes if note.note),
            ),
        )

    def purges(self) -> tuple[Column[Purged], ...]:
        """For the purge log."""
        time = self._time
        return self._made(
            (("时间", "time"), "time", lambda p: time(p.at_us)),
            (("种类", "kind"), "text", lambda p: p.kind),
            (("早于", "older than"), "time", lambda p: time(p.before_us)),
            (("清除", "removed"), "number", lambda p: p.rows),
            (("依法保留", "held"), "number", lambda p: p.held),
            (("执行者", "by"), "text", lambda p: p.by),
        )


def _seconds(us: int | None) -> Value:
    """Seconds, exact; without a fraction where they are whole."""
    if us is None:
        return None
    return us // 1_000_000 if us % 1_000_000 == 0 else us / 1_000_000
