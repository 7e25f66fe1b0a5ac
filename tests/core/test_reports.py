"""Reports from sums: totals of sums, the longest of all, marks, and what is compared."""

from __future__ import annotations

import datetime as dt

from agentd.core.metric_figures import Sums
from agentd.core.metric_windows import MetricBook
from agentd.core.report_periods import Period
from agentd.core.reports import (
    GROUPS,
    ReportBy,
    ReportGap,
    ScopeSums,
    Wanted,
    build,
    columns_of,
    group_of,
    marked,
    merge,
)

DAY = dt.date(2026, 10, 5)
PERIOD = Period("day", DAY, DAY, ((100, 200),))
BEFORE = Period("day", DAY, DAY, ((0, 100),))
RULES = MetricBook().rules


def wanted(by: ReportBy = "queue", *, details: bool = False) -> Wanted:
    return Wanted(by, PERIOD, BEFORE, ((100, 150), (150, 200)), columns_of(by, RULES), details)


def sums(gap: bool = False, **values: int) -> Sums:
    return Sums(values, gap)


def test_a_total_is_made_of_sums_and_never_of_rates() -> None:
    small = ScopeSums(
        "a/1", "one",
        (sums(offered=1, answered=1, longest_wait_us=3_000_000), sums()),
        (sums(offered=2, answered=1),),
    )  # fmt: skip
    big = ScopeSums(
        "a/2", "two",
        (sums(offered=50, answered=10), sums(offered=49, answered=0, longest_wait_us=2_000_000)),
        (),
    )  # fmt: skip
    report = build(wanted(), (small, big), (), 7)
    assert [line.figures["connect_rate"].value for line in report.lines] == [1.0, 10 / 99]
    assert report.total.figures["connect_rate"].of == (11, 100)
    assert report.total.before["connect_rate"].of == (1, 2)
    # The longest of all, and nothing where nobody joined.
    assert report.total.figures["longest_wait"].value == 3.0
    assert report.lines[1].figures["longest_wait"].value == 2.0
    assert report.total.before["longest_wait"].value is None
    assert [piece["offered"].value for piece in report.total.pieces] == [51, 49]
    assert [line.pieces for line in report.lines] == [(), ()]
    assert report.made_us == 7
    detailed = build(wanted(details=True), (small, big), (), 7)
    assert [piece["offered"].value for piece in detailed.lines[1].pieces] == [50, 49]


def test_a_report_of_nothing_has_a_total_and_knows_its_gaps() -> None:
    report = build(wanted(), (), (ReportGap("a", 160, 170),), 7)
    assert report.lines == ()
    assert report.total.figures["offered"].value == 0
    assert [piece["offered"].gap for piece in report.total.pieces] == [False, True]
    assert report.total.figures["offered"].gap
    assert report.gaps == (ReportGap("a", 160, 170),)
    earlier = build(wanted(), (), (ReportGap("a", 50, 110), ReportGap("b", 10, 20)), 7)
    assert earlier.total.before["offered"].gap
    assert earlier.gaps == (ReportGap("a", 100, 110),)


def test_what_was_not_heard_marks_the_time_and_the_pbx() -> None:
    gaps = (ReportGap("a", 120, 130),)
    assert marked(sums(offered=1), gaps, (100, 150), "a").gap
    assert marked(sums(offered=1), gaps, (100, 150), None).gap
    assert not marked(sums(offered=1), gaps, (100, 150), "b").gap
    assert not marked(sums(offered=1), gaps, (130, 150), "a").gap
    assert not marked(sums(True, offered=1), (), (100, 150), "a").gap


def test_merging_adds_but_for_the_longest() -> None:
    both = merge((sums(offered=1, longest_wait_us=5), sums(True, offered=2, longest_wait_us=4)))
    assert (dict(both.values), both.gap) == ({"offered": 3, "longest_wait_us": 5}, True)
    assert merge(()) == sums()


def test_every_metric_of_a_kind_stands_in_one_table_but_who_waits_now() -> None:
    for by in ("queue", "team", "person"):
        columns = columns_of(by, RULES)
        keys = [row.key for row in columns]
        assert "waiting" not in keys
        assert "compliance:hold_sum" not in keys
        groups = [group_of(row) for row in columns]
        assert groups == sorted(groups, key=tuple(GROUPS).index)
    assert {group_of(row) for row in columns_of("queue", RULES)} == {*GROUPS} - {"hours"}
    assert {group_of(row) for row in columns_of("person", RULES)} == {*GROUPS} - {"waiting"}
    [longest] = [row for row in columns_of("queue", RULES) if row.key == "longest_wait"]
    assert "joined in the period" in longest.formula[1]
