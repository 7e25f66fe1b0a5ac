"""Boards as agentd would show them, for tests and for looking at: values only, no I/O.

Every scene is built around ``now`` (seconds since the epoch, PBX time), so that its clocks stand at
known values when it is shown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Object = dict[str, Any]
Board = dict[str, Object]

PEOPLE = (
    "张三 李思雨 王伟 刘洋 陈静 杨帆 赵敏 黄磊 周婷 吴昊 "
    "徐丽 孙悦 马超 朱琳 胡军 郭佳 林涛 何雪 高峰 罗丹"
).split()
PAUSES = ("午餐", "培训", "小休")


def pbx(**changes: Any) -> Object:
    return {
        "kind": "pbx",
        "id": "main",
        "link": "up",
        "since": None,
        "reason": None,
        "code": None,
        "last_event_at": None,
        "clock_offset_s": 0.0,
        "version": "Asterisk 22.10.1",
        "warnings": [],
        **changes,
    }


def queue(name: str, label: str, **changes: Any) -> Object:
    return {
        "kind": "queue",
        "pbx": "main",
        "name": name,
        "label": label,
        "waiting": [],
        "offered": 0,
        "answered": 0,
        "abandoned": 0,
        "short_abandons": 0,
        "let_go": 0,
        "service_level": None,
        "service_level_name": "SL(15)",
        "service_level_s": 15.0,
        "wait_warn_s": 15.0,
        "wait_max_s": 60.0,
        "counted_since": None,
        "gap": False,
        **changes,
    }


def seat(number: int, **changes: Any) -> Object:
    return {
        "kind": "seat",
        "pbx": "main",
        "seat": f"PJSIP/{number}",
        "label": str(number),
        "group": "",
        "place": None,
        "agent": None,
        "state": "available",
        "since": None,
        "queues": ["hotline"],
        "pause_reason": None,
        "call": None,
        "caller": None,
        "queue": None,
        "direction": None,
        "clock": None,
        "owed": [],
        "trouble": "calm",
        "gap": False,
        **changes,
    }


def ring_clock(started: float, **changes: Any) -> Object:
    """China's cadence, two rings: warning when the second starts, breach at 10 s."""
    return {
        "rule": "ring",
        "from": started,
        "warn_at": started + 5,
        "breach_at": started + 10,
        "ring_cycle_s": 5.0,
        "stopped": False,
        **changes,
    }


def hold_clock(started: float, **changes: Any) -> Object:
    return {
        "rule": "hold",
        "from": started,
        "warn_at": started + 20,
        "breach_at": started + 30,
        "ring_cycle_s": 5.0,
        "stopped": False,
        **changes,
    }


def alert(number: int, at: float, level: str, rule: str, **changes: Any) -> Object:
    return {
        "kind": "alert",
        "id": f"spell-{number}",
        "pbx": "main",
        "at": at,
        "level": level,
        "rule": rule,
        "seat": None,
        "agent": None,
        "call": f"c{number}",
        "queue": "hotline",
        "to": ["agent"],
        "value": None,
        "limit": None,
        "cleared_at": None,
        **changes,
    }


def keyed(*objects: Object) -> Board:
    """Objects under the keys that the live stream gives them."""
    board: Board = {}
    for found in objects:
        match found["kind"]:
            case "pbx":
                board[f"pbx:{found['id']}"] = found
            case "queue":
                board[f"queue:{found['pbx']}/{found['name']}"] = found
            case "seat":
                board[f"seat:{found['pbx']}/{found['seat']}"] = found
            case "alert":
                board[f"alert:{found['pbx']}/{found['id']}"] = found
    return board


def _on_call(now: float, state: str, since: float, index: int, **changes: Any) -> Object:
    queues = ("hotline", "sales", "complaints")
    return {
        "state": state,
        "since": now - since,
        "call": f"c{index}",
        "caller": f"138{(index * 7919) % 100_000_000:08d}",
        "queue": queues[index % 3],
        "direction": "inbound",
        **changes,
    }


def _calm_seat(now: float, index: int) -> Object:
    """An ordinary shift: most talk, some are free, a few are elsewhere."""
    age = 13 + (index * 37) % 340
    kind = index % 12
    if kind in {0, 3, 8}:
        return {"state": "available", "since": now - age}
    if kind == 1:
        started = now - 1.5
        return _on_call(now, "ringing", 1.5, index, clock=ring_clock(started))
    if kind == 6:
        return _on_call(now, "holding", 6, index, clock=hold_clock(now - 6))
    if kind == 9:
        order = {"id": f"WO-{1000 + index}", "due_at": now + 840 - index}
        return {"state": "wrap_up", "since": now - index % 25, "owed": [order]}
    if kind == 10:
        reason = PAUSES[index % 3]
        return {"state": "paused", "since": now - 4 * age, "pause_reason": reason}
    if kind == 11 and index % 24 == 23:
        return {"state": "logged_out", "since": now - 20 * age, "agent": None}
    if kind == 11:
        return {"state": "unreachable", "since": now - 12 * age}
    if kind == 7:
        return _on_call(now, "talking", age, index, queue=None, direction="outbound")
    owed = [{"id": f"WO-{1000 + index}", "due_at": None}]
    return _on_call(now, "talking", age, index, owed=owed)


def _seats(now: float, count: int) -> list[Object]:
    groups = ("一组", "二组", "投诉组") if count < 100 else tuple(f"{n} 组" for n in range(1, 8))
    size = -(-count // len(groups))
    return [
        seat(
            1001 + i,
            **{
                "agent": PEOPLE[i % len(PEOPLE)] if i < 60 else f"话务员 {2000 + i}",
                "group": groups[i // size],
                "place": i,
                **_calm_seat(now, i),
            },
        )
        for i in range(count)
    ]


def _past_alerts(now: float) -> list[Object]:
    return [
        alert(
            1,
            now - 1260,
            "warning",
            "ring",
            seat="PJSIP/1004",
            agent="刘洋",
            value=5.0,
            limit=10.0,
            cleared_at=now - 1258.2,
        ),
        alert(
            2,
            now - 760,
            "breach",
            "hold",
            seat="PJSIP/1007",
            agent="赵敏",
            value=30.0,
            limit=30.0,
            cleared_at=now - 741,
        ),
        alert(
            3,
            now - 322,
            "breach",
            "hangup_order",
            seat="PJSIP/1012",
            agent="孙悦",
            cleared_at=now - 322,
        ),
    ]


def calm(now: float, seats: int = 24) -> Board:
    """Nobody needs anything."""
    since = now - 4 * 3600
    return keyed(
        pbx(last_event_at=now - 1, clock_offset_s=0.013),
        queue(
            "hotline",
            "市民热线",
            waiting=[],
            offered=312,
            answered=298,
            abandoned=11,
            short_abandons=4,
            let_go=1,
            service_level=0.934,
            counted_since=since,
        ),
        queue(
            "sales",
            "业务咨询",
            waiting=[{"call": "w1", "caller": "13700000001", "joined_at": now - 4}],
            offered=127,
            answered=121,
            abandoned=5,
            short_abandons=2,
            service_level=0.912,
            counted_since=since,
        ),
        queue(
            "complaints",
            "投诉建议",
            offered=41,
            answered=41,
            service_level=1.0,
            counted_since=since,
        ),
        *_seats(now, seats),
        *_past_alerts(now),
    )


def _trouble(now: float, board: Board) -> None:
    def change(number: int, **changes: Any) -> None:
        if (found := board.get(f"seat:main/PJSIP/{number}")) is not None:
            found.update(changes)

    change(
        1006,
        **_on_call(now, "holding", 34, 5, clock=hold_clock(now - 34), trouble="breach", owed=[]),
    )
    change(1008, **_on_call(now, "ringing", 7, 8, clock=ring_clock(now - 7), trouble="warning"))
    change(
        1015,
        state="wrap_up",
        since=now - 920,
        call=None,
        caller=None,
        clock=None,
        owed=[{"id": "WO-0977", "due_at": now - 21}, {"id": "WO-0981", "due_at": now + 130}],
        trouble="breach",
    )
    board |= keyed(
        alert(
            10, now - 4, "breach", "hold", seat="PJSIP/1006", agent="杨帆", value=30.0, limit=30.0
        ),
        alert(
            11, now - 2, "warning", "ring", seat="PJSIP/1008", agent="黄磊", value=5.0, limit=10.0
        ),
        alert(
            12,
            now - 21,
            "breach",
            "work_order",
            seat="PJSIP/1015",
            agent="胡军",
            value=900.0,
            limit=900.0,
            to=["agent", "shift_leader"],
        ),
        queue(
            "hotline",
            "市民热线",
            offered=318,
            answered=299,
            abandoned=11,
            short_abandons=4,
            let_go=1,
            service_level=0.926,
            counted_since=now - 4 * 3600,
            waiting=[
                {"call": f"w{n}", "caller": f"1370000000{n}", "joined_at": now - wait}
                for n, wait in enumerate((71, 48, 33, 12, 5))
            ],
        ),
        queue(
            "sales",
            "业务咨询",
            offered=127,
            answered=121,
            abandoned=5,
            short_abandons=2,
            service_level=0.912,
            counted_since=now - 4 * 3600,
            gap=True,
            waiting=[{"call": "w9", "caller": None, "joined_at": now - 22}],
        ),
    )


def trouble(now: float, seats: int = 24) -> Board:
    """A hold past its limit, a ring about to be, an overdue order, a queue that waits too long."""
    board = calm(now, seats)
    _trouble(now, board)
    board["pbx:main"]["warnings"] = [
        {
            "code": "no_timestamps",
            "text": "timestampevents is off: set timestampevents=yes in manager.conf.",
        },
        {"code": "old_version", "text": "Asterisk 16 gets no security fixes since October 2023."},
    ]
    return board


def storm(now: float, seats: int = 24) -> Board:
    """More trouble than the lane has room for, an urgent case among it."""
    board = trouble(now, seats)
    for n, number in enumerate(range(1001, 1001 + min(seats, 40), 2)):
        late = n % 3 == 0
        started = now - (33 + 2 * n if late else 21 + n % 8)
        board[f"seat:main/PJSIP/{number}"].update(
            _on_call(
                now,
                "holding",
                now - started,
                n,
                clock=hold_clock(started),
                trouble="breach" if late else "warning",
            )
        )
    board["seat:main/PJSIP/1002"]["trouble"] = "urgent"
    return board | keyed(
        alert(
            20,
            now - 8,
            "escalation",
            "urgent",
            seat="PJSIP/1002",
            agent="李思雨",
            to=["shift_leader"],
        )
    )


def empty(now: float, seats: int = 0) -> Board:
    """A fresh installation: linked, and nothing there yet. ``seats`` plays no part."""
    return keyed(pbx(last_event_at=now))


SCENES: dict[str, Callable[[float, int], Board]] = {
    "calm": calm,
    "trouble": trouble,
    "storm": storm,
    "empty": empty,
}
