"""The table of metrics is whole, and the page about them shows it as it is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from agentd.core.metric_figures import Sums, figure_of
from agentd.core.metric_row import Metric
from agentd.core.metric_table import BY_KEY, RULES, TABLE, rows_for

ROOT = Path(__file__).parent.parent.parent
SECTION_3 = (
    "offered answered abandoned short_abandons let_go connect_rate service_level within_rings asa "
    "longest_wait talk hold net_talk acw aht occupancy calls_per_hour dialled connected fcr "
    "complaints complaints_us complaint_timeliness"
).split()
MINUTE = 60_000_000


def test_the_page_shows_the_table_as_it_is() -> None:
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        from metric_docs import PAGE, rendered
    finally:
        sys.path.pop(0)
    page = PAGE.read_text(encoding="utf-8")
    assert rendered(page) == page, "mend: python tools/metric_docs.py"


def test_every_metric_of_the_product_rules_has_its_row() -> None:
    assert set(SECTION_3) <= set(BY_KEY)
    assert {f"compliance:{rule}" for rule in RULES if rule != "urgent"} <= set(BY_KEY)
    assert len(BY_KEY) == len(TABLE)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: str(row.key))
def test_every_row_is_said_whole_in_both_languages(row: Metric) -> None:
    for pair in (row.name, row.formula, row.example):
        assert all(pair), row.key
    assert bool(row.left_out[0]) == bool(row.left_out[1])
    assert row.num
    assert row.kinds
    assert (row.unit == "count") <= (not row.den)
    assert row.unit not in ("share", "per_hour") or row.den


def test_hours_belong_to_no_queue_and_waiting_to_no_seat() -> None:
    assert "occupancy" not in {row.key for row in rows_for("queue")}
    assert "service_level" not in {row.key for row in rows_for("seat")}
    assert {row.key for row in rows_for("site")} == set(BY_KEY)


@pytest.mark.parametrize(
    ("key", "sums", "value"),
    [
        ("offered", {"offered": 40}, 40),
        ("connect_rate", {"answered": 35, "offered": 40}, 0.875),
        ("service_level", {"in_time": 30, "sl_of": 37}, 30 / 37),
        ("asa", {"wait_us": 7 * MINUTE, "answered": 35}, 12.0),
        ("longest_wait", {"longest_wait_us": 31_000_000}, 31.0),
        ("within_rings", {"rings_in_time": 19, "rings_of": 23}, 19 / 23),
        ("talk", {"talk_us": 5 * MINUTE, "legs_timed": 2}, 150.0),
        ("hold", {"hold_us": MINUTE // 2, "legs_timed": 2}, 15.0),
        ("net_talk", {"talk_us": 5 * MINUTE, "hold_us": MINUTE // 2, "legs_timed": 2}, 135.0),
        ("acw", {"acw_us": MINUTE // 2, "legs_timed": 2}, 15.0),
        ("aht", {"talk_us": 5 * MINUTE, "acw_us": MINUTE // 2, "legs_timed": 2}, 165.0),
        (
            "occupancy",
            {"work_us": 335 * MINUTE, "signed_in_us": 480 * MINUTE, "rest_us": 60 * MINUTE},
            335 / 420,
        ),
        ("calls_per_hour", {"legs_answered": 48, "signed_in_us": 240 * MINUTE}, 12.0),
        ("dialled_per_hour", {"dialled": 10, "signed_in_us": 240 * MINUTE}, 2.5),
        ("reach_rate", {"connected": 6, "dialled": 10}, 0.6),
        ("fcr", {"fcr": 8, "fcr_of": 10}, 0.8),
        ("complaints_us", {"complaints_us": 1, "answered": 350}, 1 / 350),
        ("complaint_timeliness", {"timely": 3, "timely_of": 4}, 0.75),
        ("compliance:hold", {"judged:hold": 50, "broken:hold": 1}, 0.98),
    ],
)
def test_the_examples_are_true(key: str, sums: dict[str, int], value: float) -> None:
    figure = figure_of(BY_KEY[key], Sums(sums, False))
    assert figure.value == value
    assert (figure.gap, figure.estimated) == (False, 0)


def test_nothing_counts_yet_is_no_figure_and_not_naught() -> None:
    nothing = Sums({}, False)
    assert figure_of(BY_KEY["offered"], nothing).value == 0
    for key in ("service_level", "asa", "longest_wait", "occupancy", "compliance:ring"):
        assert figure_of(BY_KEY[key], nothing).value is None


def test_a_figure_is_marked_by_what_it_rests_on() -> None:
    sums = Sums({"legs_gap": 1, "legs_estimated": 2, "stays_estimated": 3}, False)
    talk, offered = figure_of(BY_KEY["talk"], sums), figure_of(BY_KEY["offered"], sums)
    assert (talk.gap, talk.estimated) == (True, 2)
    assert (offered.gap, offered.estimated) == (False, 3)
    assert figure_of(BY_KEY["orders"], Sums({}, True)).gap
