"""Event time: the order of Timestamps behind a watermark (:mod:`agentd.core.timeline`)."""

from __future__ import annotations

from agentd.core.deadlines import NEVER_US
from agentd.core.events import Hold, LinkUp, QueueListDone, Unhold
from agentd.core.timeline import Timeline

LAG = 50


def come_out(timeline: Timeline) -> list[tuple[str, int]]:
    """Everything that waits, in the order in which it will be applied."""
    events = []
    while timeline.head_us < NEVER_US:
        event = timeline.pop()
        events.append((type(event).__name__, event.at_us))
    return events


def test_the_watermark_stays_behind_the_greatest_timestamp() -> None:
    timeline = Timeline(LAG)
    timeline.add(Hold(1_000, "a"))
    timeline.add(Unhold(900, "a"))
    assert (timeline.seen_us, timeline.watermark_us) == (1_000, 950)


def test_events_come_out_in_the_order_of_their_timestamps() -> None:
    timeline = Timeline(LAG)
    for at_us in (1_000, 980, 1_010, 990):
        timeline.add(Hold(at_us, "a"))
    assert [at_us for _, at_us in come_out(timeline)] == [980, 990, 1_000, 1_010]


def test_equal_timestamps_keep_the_order_of_arrival() -> None:
    timeline = Timeline(LAG)
    timeline.add(Hold(1_000, "a"))
    timeline.add(Hold(1_020, "a"))
    timeline.add(Unhold(1_000, "a"))
    assert come_out(timeline) == [("Hold", 1_000), ("Unhold", 1_000), ("Hold", 1_020)]


def test_the_head_is_the_earliest_that_waits() -> None:
    timeline = Timeline(LAG)
    assert timeline.head_us == NEVER_US
    timeline.add(Hold(1_000, "a"))
    timeline.add(Hold(980, "a"))
    assert timeline.head_us == 980
    timeline.pop()
    assert timeline.head_us == 1_000
    timeline.pop()
    assert timeline.head_us == NEVER_US


def test_before_the_first_timestamp_time_is_that_first_one() -> None:
    timeline = Timeline(LAG)
    timeline.add(LinkUp(0))
    timeline.add(QueueListDone(0))
    assert come_out(timeline) == []
    timeline.add(Hold(1_000, "a"))
    assert come_out(timeline) == [("LinkUp", 1_000), ("QueueListDone", 1_000), ("Hold", 1_000)]


def test_a_timestamp_of_an_event_that_says_nothing_counts_too() -> None:
    timeline = Timeline(LAG)
    timeline.add(LinkUp(0))
    timeline.see(1_000)
    timeline.see(900)
    assert timeline.seen_us == 1_000
    assert come_out(timeline) == [("LinkUp", 1_000)]


def test_the_clock_carries_time_on_but_is_no_timestamp() -> None:
    timeline = Timeline(LAG)
    timeline.carry_on(1_000)
    timeline.add(Hold(900, "a"))
    assert (timeline.seen_us, timeline.stamp_us) == (1_000, 900)


def test_list_items_within_a_stream_take_the_greatest_time_seen() -> None:
    timeline = Timeline(LAG)
    timeline.add(Hold(1_000, "a"))
    timeline.add(Unhold(980, "a"))
    timeline.add(QueueListDone(0))
    assert come_out(timeline)[-1] == ("QueueListDone", 1_000)


def test_after_a_banner_they_take_the_next_time_seen_not_the_last() -> None:
    timeline = Timeline(LAG)
    timeline.add(Hold(1_000, "a"))
    timeline.new_stream()
    timeline.add(LinkUp(0))
    timeline.add(Hold(9_000, "a"))
    assert come_out(timeline) == [("Hold", 1_000), ("LinkUp", 9_000), ("Hold", 9_000)]


def test_an_older_timestamp_after_a_banner_does_not_turn_time_back() -> None:
    timeline = Timeline(LAG)
    timeline.add(Hold(1_000, "a"))
    timeline.new_stream()
    timeline.add(LinkUp(0))
    timeline.add(Unhold(990, "a"))
    assert come_out(timeline) == [("Unhold", 990), ("Hold", 1_000), ("LinkUp", 1_000)]
