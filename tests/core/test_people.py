"""People: what each role may do, whose scope something is in, and whose name is meant."""

from __future__ import annotations

from msgspec.structs import replace

from agentd.core.people import RIGHTS, ROLES, Directory, Person

AGENT = Person("1001", "张三", "agent", member_names=("三哥",))
LEADER = Person("2001", "王班长", "shift_leader", queues=("hotline",), teams=("day",))


def test_rights_come_with_the_role_and_go_when_disabled() -> None:
    assert set(RIGHTS) == set(ROLES)
    assert AGENT.may("desk")
    assert not AGENT.may("orders.read")
    assert LEADER.may("appeals.decide")
    assert not replace(LEADER, disabled=True).may("board")
    assert RIGHTS["auditor"] == {"audit"}


def test_scope_is_by_queue_and_team() -> None:
    assert LEADER.in_scope("hotline", "day")
    assert not LEADER.in_scope("sales", "day")
    assert not LEADER.in_scope("hotline", "night")
    assert LEADER.in_scope(None, None)
    assert AGENT.in_scope("sales", "night")


def test_whose_a_name_is() -> None:
    people = Directory((LEADER, AGENT))
    assert people.all() == (AGENT, LEADER)
    assert people.get("1001") == AGENT
    assert people.get(None) is None
    assert people.whose("1001") == AGENT
    assert people.whose("张三") == AGENT
    assert people.whose("三哥") == AGENT
    assert people.whose("某人") is None
    assert people.whose(None) is None
    people.put(Person("1002", "张三", "agent"))
    assert people.whose("张三") is None, "a name that two people share says nothing"
    people.put(Person("1002", "李四", "agent"))
    assert people.whose("张三") == AGENT


def test_who_may_act_on_others_calls_and_seats() -> None:
    matrix = {
        "control.listen": {"shift_leader", "supervisor"},
        "control.seats": {"shift_leader", "supervisor"},
        "control.calls": {"shift_leader", "supervisor"},
        "message": {"shift_leader", "supervisor"},
    }
    for right, roles in matrix.items():
        assert {role for role in ROLES if right in RIGHTS[role]} == roles, right
