"""Board objects as docs/live-stream.md describes them, for tests of what draws the board."""

from __future__ import annotations

from typing import Any

NOW = 1_795_000_000.0


def pbx(**values: Any) -> dict[str, Any]:
    return {
        "kind": "pbx",
        "id": "main",
        "link": "up",
        "since": NOW - 3600,
        "reason": None,
        "code": None,
        "last_event_at": NOW - 2,
        "lag_s": 0.05,
        "clock_offset_s": 0.0,
        "version": "22.10.1",
        "warnings": [],
        "clock_step": None,
    } | values


def queue(**values: Any) -> dict[str, Any]:
    return {
        "kind": "queue",
        "pbx": "main",
        "name": "service",
        "label": "客户服务",
        "waiting": [],
        "offered": 120,
        "answered": 110,
        "abandoned": 7,
        "short_abandons": 2,
        "let_go": 3,
        "service_level": 0.875,
        "service_level_name": "SL(15)",
        "service_level_s": 15.0,
        "wait_warn_s": 15.0,
        "wait_max_s": 30.0,
        "counted_since": NOW - 7200,
        "gap": False,
    } | values


def seat(**values: Any) -> dict[str, Any]:
    return {
        "kind": "seat",
        "pbx": "main",
        "seat": "PJSIP/1001",
        "label": "1001",
        "group": "A",
        "place": 1,
        "agent": "张三",
        "person": None,
        "state": "available",
        "since": NOW - 65,
        "queues": ["service"],
        "pause_reason": None,
        "call": None,
        "caller": None,
        "queue": None,
        "direction": None,
        "clock": None,
        "owed": [],
        "trouble": "calm",
        "gap": False,
    } | values


def hold_clock(elapsed_s: float, **values: Any) -> dict[str, Any]:
    begun = NOW - elapsed_s
    return {
        "rule": "hold",
        "from": begun,
        "warn_at": begun + 20,
        "breach_at": begun + 30,
        "ring_cycle_s": None,
        "stopped": False,
    } | values


def alert(**values: Any) -> dict[str, Any]:
    return {
        "kind": "alert",
        "id": "hold/1",
        "pbx": "main",
        "at": NOW - 5,
        "level": "warning",
        "rule": "hold",
        "seat": "PJSIP/1001",
        "agent": "张三",
        "person": None,
        "call": "1795000000.1",
        "queue": "service",
        "to": ["seat"],
        "value": 20.0,
        "limit": 30.0,
        "cleared_at": None,
    } | values


def busy_board() -> dict[str, Any]:
    """A shift in full swing: every kind of object, two seats in trouble."""
    board: dict[str, Any] = {
        "pbx:main": pbx(),
        "queue:main/service": queue(
            waiting=[
                {"call": "1", "caller": "13800138000", "joined_at": NOW - 17},
                {"call": "2", "caller": None, "joined_at": NOW - 3},
            ]
        ),
        "queue:main/sales": queue(
            name="sales", label="Sales", service_level=None, service_level_name="SL(20)", gap=True
        ),
        "seat:main/PJSIP/1001": seat(
            state="holding",
            caller="13800138000",
            direction="inbound",
            clock=hold_clock(34),
            trouble="breach",
            owed=[{"id": "o1", "due_at": NOW + 605}, {"id": "o2", "due_at": None}],
        ),
        "seat:main/PJSIP/1002": seat(
            seat="PJSIP/1002",
            label="1002",
            place=2,
            agent="Li Si",
            state="ringing",
            since=NOW - 7,
            caller="02122223333",
            direction="inbound",
            clock={
                "rule": "ring",
                "from": NOW - 7,
                "warn_at": NOW - 2,
                "breach_at": NOW + 3,
                "ring_cycle_s": 5.0,
                "stopped": False,
            },
            trouble="warning",
        ),
        "seat:main/PJSIP/1003": seat(
            seat="PJSIP/1003",
            label="1003",
            place=3,
            agent=None,
            state="paused",
            pause_reason="午餐",
            since=NOW - 3700,
        ),
        "alert:hold/1": alert(),
        "alert:ring/1": alert(
            id="ring/1",
            at=NOW - 90,
            level="breach",
            rule="ring",
            value=10.0,
            limit=10.0,
            cleared_at=NOW - 80,
        ),
    }
    for n in range(4, 40):
        board[f"seat:main/PJSIP/{1000 + n}"] = seat(
            seat=f"PJSIP/{1000 + n}", label=str(1000 + n), place=n, agent=f"agent {n}"
        )
    return board
