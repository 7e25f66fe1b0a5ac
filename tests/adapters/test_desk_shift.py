"""The roster, the handover and how one stands: on a real database file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from agentd.errors import Refused
from agentd.ports.desk import Duty, Standing
from tests.adapters.desk_service_rig import (
    ADMIN,
    DAY_US,
    HOUR_US,
    MANAGER,
    MINUTE_US,
    QA,
    QIAN,
    SUN,
    WANG,
    ZHAO,
    desk,
)
from tests.adapters.store_rig import T0_US, order, violation

CSV = """班组,日期,时段,工号,角色,备注
day,2024-11-23,08:00-12:00 14:00-18:00,9001,值班长,两头班
day,2024-11-23,22:00-06:00,9003,值班长,
day,2024-11-23,08:00-18:00,9003,副值班长,
"""
NOON_US = 1_732_334_400_000_000
"""2024-11-23 12:00 in China."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "agentd.db"


async def refusal(doing: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        await doing
    assert caught.value.text_zh
    return caught.value


def duty(**changes: Any) -> Duty:
    values: dict[str, Any] = {
        "id": "",
        "team": "day",
        "login": "9001",
        "role": "leader",
        "from_us": T0_US,
        "to_us": T0_US + 8 * HOUR_US,
    }
    return Duty(**{**values, **changes})


# --- the roster --------------------------------------------------------------------------------


async def test_a_file_with_split_shifts_and_a_night(path: Path) -> None:
    async with desk(path) as rig:
        made = await rig.service.import_duties(ZHAO, CSV)
        assert len(made) == 4
        on_duty = rig.service.on_duty

        async def leaders(at_us: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
            return await on_duty("day", at_us)

        assert await leaders(NOON_US - 1) == (("9001",), ("9003",))
        # Between the two halves only the deputy is there.
        assert await leaders(NOON_US) == ((), ("9003",))
        assert await leaders(NOON_US + 2 * HOUR_US) == (("9001",), ("9003",))
        # Over midnight.
        assert await leaders(NOON_US + 12 * HOUR_US) == (("9003",), ())
        assert await leaders(NOON_US + 18 * HOUR_US) == ((), ())
        assert await on_duty("night", NOON_US - 1) == ((), ())
        assert rig.hints == ["roster"]
        # The same file again adds nothing.
        assert await rig.service.import_duties(ZHAO, CSV) == []
        assert len(await rig.service.duties(ZHAO, 0, NOON_US + 10 * DAY_US)) == 4


async def test_a_file_with_mistakes_changes_nothing_and_names_the_lines(path: Path) -> None:
    async with desk(path) as rig:
        wrong = CSV + "day,2024-11-31,08:00-12:00,9001,值班长,\nday,2024-11-24,8-12,7777,,\n"
        refused = await refusal(rig.service.import_duties(ZHAO, wrong))
        assert refused.code == "invalid"
        assert {lacking.field for lacking in refused.missing} == {"line.5", "line.6"}
        assert "line 5" in str(refused)
        assert await rig.service.duties(SUN, 0, NOON_US + 10 * DAY_US) == []
        # Another team's roster is not hers to write.
        assert (await refusal(rig.service.import_duties(QIAN, CSV))).code == "forbidden"
        assert (await refusal(rig.service.import_duties(WANG, CSV))).code == "forbidden"


async def test_lines_are_added_changed_and_taken_out(path: Path) -> None:
    async with desk(path) as rig:
        service = rig.service
        (made,) = await service.put_duties(ZHAO, [duty()], [])
        assert made.id
        (changed,) = await service.put_duties(ZHAO, [replace(made, login="9003")], [])
        assert changed.id == made.id
        assert [d.login for d in await service.duties(ZHAO, T0_US, T0_US + 1)] == ["9003"]
        assert await service.duties(QIAN, T0_US, T0_US + 1) == []
        assert (await refusal(service.put_duties(QIAN, [], [made.id]))).code == "not_found"
        assert (await refusal(service.put_duties(ZHAO, [duty(id="none")], []))).code == "not_found"
        await service.put_duties(ZHAO, [], [made.id])
        assert await service.duties(SUN, T0_US, T0_US + 1) == []
        assert [line.action for line in rig.audit] == ["roster.put"] * 3


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"login": "7777"}, "invalid", "put.1.login"),
        ({"team": "night"}, "forbidden", "put.1.team"),
        ({"team": ""}, "forbidden", "put.1.team"),
        ({"to_us": T0_US}, "invalid", "put.1.to"),
        ({"to_us": T0_US + 3 * DAY_US}, "invalid", "put.1.to"),
    ],
)
async def test_a_line_that_cannot_stand_names_itself(
    path: Path, changes: Any, code: str, field: str
) -> None:
    async with desk(path) as rig:
        refused = await refusal(rig.service.put_duties(ZHAO, [duty(), duty(**changes)], []))
        assert (refused.code, refused.field) == (code, field)
        assert await rig.service.duties(SUN, 0, T0_US + DAY_US) == []


# --- the handover ------------------------------------------------------------------------------


async def test_a_handover_lists_what_is_open_and_is_confirmed_by_another(path: Path) -> None:
    async with desk(path) as rig:
        service = rig.service
        open_, done, elsewhere = await rig.opened(1), await rig.opened(2), None
        elsewhere = await rig.opened(3, seat="PJSIP/1002", agent="李雷")
        await rig.completed(WANG, done, category="consult")
        given = await service.hand_over(ZHAO, "day", "水管爆裂待跟进", "9003")
        assert given.open_orders == (open_,)
        assert elsewhere not in given.open_orders
        assert (given.by, given.to, given.confirmed_by) == ("9001", "9003", None)
        assert (await refusal(service.confirm_handover(ZHAO, given.id))).code == "forbidden"
        assert (await refusal(service.confirm_handover(QIAN, given.id))).code == "not_found"
        for nobody in (WANG, QA, MANAGER, ADMIN):
            refused = await refusal(service.confirm_handover(nobody, given.id))
            assert refused.code == "forbidden", nobody.role
            refused = await refusal(service.hand_over(nobody, "day", "", None))
            assert refused.code == "forbidden", nobody.role
        # Whoever looks after the roster may read what was handed over.
        assert list(await service.handovers(ADMIN, None)) == [given]
        rig.pass_time(MINUTE_US)
        taken = await service.confirm_handover(SUN, given.id)
        assert (taken.confirmed_by, taken.confirmed_us) == ("9003", rig.engine.time_us)
        assert (await refusal(service.confirm_handover(SUN, given.id))).code == "wrong_state"
        assert list(await service.handovers(ZHAO, None)) == [taken]
        assert list(await service.handovers(QIAN, None)) == []
        for to in ("9001", "1001", "7777", ADMIN.login):
            refused = await refusal(service.hand_over(ZHAO, "day", "", to))
            assert refused.field == "to"
        assert (await refusal(service.hand_over(ZHAO, "night", "", None))).code == "forbidden"


# --- how one stands ----------------------------------------------------------------------------


async def test_how_one_stands(path: Path) -> None:
    async with desk(path) as rig:
        await rig.engine_says(order(1), order(2), violation(1), violation(2))
        standing = await rig.service.standing(WANG, T0_US)
        assert standing == Standing(violations=2, appeals_pending=0, orders_owed=2)
        later = await rig.service.standing(WANG, T0_US + DAY_US)
        assert (later.violations, later.orders_owed) == (0, 2)
        assert await rig.service.standing(QIAN, 0) == Standing(0, 0, 0)
        auditor = replace(WANG, role="auditor")
        assert (await refusal(rig.service.standing(auditor, 0))).code == "forbidden"
