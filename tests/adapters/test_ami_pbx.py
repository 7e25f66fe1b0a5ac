"""What is concluded about a PBX and an account, and above all what is not."""

from __future__ import annotations

import datetime as dt

import pytest

from agentd.ami_actions import AmiAction
from agentd.ami_pbx import (
    ClockOffset,
    EventWatch,
    answered_version,
    asterisk_series,
    permission_warnings,
    read_permissions,
    timestamp_us,
    version_warnings,
)

NOW = dt.date(2026, 11, 23)


# --- versions ---


@pytest.mark.parametrize(
    ("version", "ami", "series"),
    [
        ("22.10.1", "11.0.0", 22),
        ("16.28.0~dfsg-0+deb11u4", "5.0.4", 16),
        ("certified/20.7-cert5", "9.0.0", 20),
        ("18.9-cert4", "7.0.3", 18),
        (None, "11.0.0", 22),
        (None, "5.0.5", 16),
        (None, "12.0.0", 23),
        (None, "2.10.6", 15),
        ("GIT-master-abc", "13.0.0", 24),
        (None, None, None),
        (None, "nonsense", None),
    ],
)
def test_series(version: str | None, ami: str | None, series: int | None) -> None:
    assert asterisk_series(version, ami) == series


@pytest.mark.parametrize(
    ("series", "codes"),
    [
        (13, ["pbx_too_old"]),
        (16, ["pbx_out_of_support"]),
        (18, ["pbx_out_of_support"]),
        (20, []),
        (21, ["pbx_out_of_support"]),
        (22, []),
        (24, []),
        (None, []),
    ],
)
def test_support(series: int | None, codes: list[str]) -> None:
    assert list(version_warnings(series, None, NOW)) == codes


def test_support_ends_by_date_and_certified_releases_have_other_dates() -> None:
    assert not version_warnings(20, "20.20.1", dt.date(2027, 10, 19))
    assert version_warnings(20, "20.20.1", dt.date(2027, 10, 20))
    assert not version_warnings(18, "18.9-cert4", NOW)


def test_version_without_the_packagers_tail() -> None:
    assert answered_version({"asteriskversion": "16.28.0~dfsg-0+deb11u4"}) == "16.28.0"
    assert answered_version({"asteriskversion": "22.10.1+dfsg+~cs6.17.60671434-1"}) == "22.10.1"
    assert answered_version({"asteriskversion": "certified/22.8-cert1"}) == "certified/22.8-cert1"
    assert answered_version({}) is None


# --- permissions ---


def test_only_an_action_with_a_single_class_proves_it() -> None:
    found = read_permissions(
        [
            ("response", "Success"),
            ("ping", "Keepalive command. (Priv: <none>)"),
            ("coreshowchannels", "List currently active channels. (Priv: system,reporting,all)"),
            ("getconfig", "Retrieve configuration. (Priv: system,config,all)"),
            ("updateconfig", "Update basic configuration. (Priv: config,all)"),
            ("originate", "Originate a call. (Priv: originate,all)"),
        ]
    )
    assert found.write_classes == {"config", "originate"}
    assert found.allows(AmiAction.CORE_SHOW_CHANNELS)
    assert not found.allows(AmiAction.DEVICE_STATE_LIST)
    (text,) = permission_warnings(found).values()
    assert "write=originate,config" in text


def test_least_privilege_warns_of_nothing() -> None:
    found = read_permissions([("coreshowchannels", "x (Priv: system,reporting,all)")])
    assert not permission_warnings(found)


def test_placing_calls_is_no_power_too_much_where_it_is_wanted() -> None:
    answer = [("Originate", "Originate a call. (Priv: originate,all)")]
    found = read_permissions(answer)
    (text,) = permission_warnings(found).values()
    assert "write=originate" in text
    assert not permission_warnings(found, dials=True)
    found = read_permissions([*answer, ("Command", "Run a command. (Priv: command,all)")])
    (text,) = permission_warnings(found, dials=True).values()
    assert "write=command:" in text


# --- events ---


def event(name: str, privilege: str = "call,all", *, stamped: bool = True) -> bytes:
    stamp = "\r\nTimestamp: 1790000000.000001" if stamped else ""
    return f"Event: {name}\r\nPrivilege: {privilege}{stamp}\r\nChannel: x".encode()


def channel(uniqueid: str) -> bytes:
    return f"Event: CoreShowChannel\r\nActionID: a\r\nUniqueid: {uniqueid}\r\nState: 6".encode()


def queue(calls: int, completed: int, abandoned: int = 0, *, name: str = "q") -> bytes:
    return (
        f"Event: QueueParams\r\nQueue: {name}\r\nCalls: {calls}\r\nCompleted: {completed}"
        f"\r\nAbandoned: {abandoned}\r\nActionID: a"
    ).encode()


def snapshot(watch: EventWatch, *items: bytes, whole: bool = True) -> None:
    watch.snapshot_begins()
    for item in items:
        watch.saw_list_item(item)
    watch.snapshot_ended(whole=whole)


def linked(mask: str = "system,call,agent") -> EventWatch:
    watch = EventWatch(mask)
    watch.link_begins()
    watch.saw_event(b"Event: FullyBooted\r\nPrivilege: system,all\r\nUptime: 6")
    watch.login_answered()
    return watch


def test_nothing_is_concluded_from_silence() -> None:
    watch = linked()
    for _ in range(3):
        snapshot(watch, channel("1.1"))
        watch.settle()
    assert not watch.warnings()
    assert watch.waiting_for == {"call", "agent"}


def test_channels_that_change_without_an_event_prove_that_the_class_is_missing() -> None:
    watch = linked()
    snapshot(watch, channel("1.1"))
    watch.settle()
    snapshot(watch, channel("1.1"), channel("1.2"))
    # The event about the second channel may still be under way.
    assert not watch.warnings()
    watch.settle()
    assert list(watch.warnings()) == ["no_call_events"]
    watch.saw_event(event("Newchannel"))
    assert not watch.warnings()


def test_an_event_that_comes_before_the_next_ping_clears_the_suspicion() -> None:
    watch = linked()
    snapshot(watch, channel("1.1"))
    snapshot(watch)
    watch.saw_event(event("Hangup"))
    watch.settle()
    assert not watch.warnings()


@pytest.mark.parametrize(
    ("before", "after"),
    [(queue(0, 5), queue(1, 5)), (queue(0, 5), queue(0, 6)), (queue(0, 5), queue(0, 5, 1))],
)
def test_queues_that_change_without_an_event(before: bytes, after: bytes) -> None:
    watch = linked()
    snapshot(watch, before)
    snapshot(watch, after)
    watch.settle()
    assert list(watch.warnings()) == ["no_agent_events"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([], [queue(0, 0)]),
        ([queue(0, 5)], []),
        ([queue(0, 5)], [queue(0, 0, name="other")]),
        # Counters that were reset.
        ([queue(2, 5)], [queue(0, 0)]),
    ],
)
def test_what_a_reload_does_proves_nothing(before: list[bytes], after: list[bytes]) -> None:
    watch = linked()
    snapshot(watch, *before)
    snapshot(watch, *after)
    watch.settle()
    assert not watch.warnings()


def test_a_list_that_was_refused_proves_nothing() -> None:
    watch = linked()
    snapshot(watch, whole=False)
    snapshot(watch, channel("1.1"))
    snapshot(watch, whole=False)
    snapshot(watch)
    watch.settle()
    assert not watch.warnings()


def test_no_fully_booted() -> None:
    watch = EventWatch("system,call,agent")
    watch.link_begins()
    watch.login_answered()
    assert list(watch.warnings()) == ["no_system_events"]
    # Asterisk was still starting.
    watch.saw_event(event("FullyBooted", "system,all"))
    assert not watch.warnings()


def test_what_was_not_asked_for_is_not_missed() -> None:
    watch = EventWatch("call")
    watch.link_begins()
    watch.login_answered()
    assert not watch.warnings()
    assert watch.waiting_for == {"call"}


def test_a_warning_outlives_a_lost_link_until_it_is_disproved() -> None:
    watch = EventWatch("system,call,agent")
    watch.link_begins()
    watch.login_answered()
    watch.saw_event(event("Newchannel", stamped=False))
    watch.link_begins()
    assert list(watch.warnings()) == ["no_timestamps", "no_system_events"]
    watch.saw_event(event("FullyBooted", "system,all"))
    assert list(watch.warnings()) == ["no_timestamps"]
    watch.saw_event(event("Newchannel"))
    assert not watch.warnings()


def test_timestamps() -> None:
    watch = linked()
    watch.saw_event(event("Newchannel", stamped=False))
    assert list(watch.warnings()) == ["no_timestamps"]
    watch.saw_event(event("Newchannel"))
    assert not watch.warnings()
    # List items never have one; neither has what follows a login.
    snapshot(watch, channel("1.1"))
    assert not linked().warnings()


def test_dialplan_events() -> None:
    watch = linked("all")
    watch.saw_event(event("VarSet", "dialplan,all"))
    assert list(watch.warnings()) == ["dialplan_events"]


def test_content_once_everything_was_seen() -> None:
    watch = linked()
    watch.saw_event(event("Newchannel"))
    assert not watch.content
    watch.saw_event(event("QueueCallerJoin", "agent,all"))
    assert watch.content


# --- the clock ---


def test_offset_is_measured_at_the_middle_of_the_round_trip() -> None:
    clock = ClockOffset()
    assert clock.offset_us() is None
    clock.add(1_000, 3_000, 502_000)
    assert clock.offset_us() == 500_000


def test_slow_answers_do_not_count() -> None:
    clock = ClockOffset()
    for n in range(4):
        sent = n * 1_000_000
        clock.add(sent, sent + 200, sent + 100 + 5_000)
    for n in range(4, 8):
        sent = n * 1_000_000
        # Held up on the way back: the middle is 40 ms late.
        clock.add(sent, sent + 80_200, sent + 100 + 5_000)
    assert clock.offset_us() == 5_000


def test_of_small_differences_three_alike_are_a_new_clock() -> None:
    clock = ClockOffset()
    for n in range(6):
        clock.add(n, n + 200, n + 100)
    clock.add(7, 207, 107 + 60_000)
    assert clock.offset_us() == 0
    clock.add(8, 208, 108)
    assert clock.offset_us() == 0
    for n in range(9, 12):
        clock.add(n, n + 200, n + 100 + 60_000)
    assert (clock.offset_us(), clock.since_us()) == (60_000, 9)


@pytest.mark.parametrize("step_us", [3_600_000_000, -3_600_000_000, 260_000])
def test_what_no_delay_explains_is_a_new_clock_at_once(step_us: int) -> None:
    clock = ClockOffset()
    assert (clock.since_us(), clock.uncertain_us()) == (None, 0)
    for n in range(6):
        clock.add(n, n + 200, n + 100)
    assert (clock.since_us(), clock.uncertain_us()) == (0, 100)
    clock.add(7, 207, 107 + step_us)
    assert (clock.offset_us(), clock.since_us()) == (step_us, 7)


def test_an_answer_that_was_long_under_way_is_no_new_clock() -> None:
    """The link was held up for an hour, one way: the middle of the round trip is far off."""
    clock = ClockOffset()
    for n in range(6):
        clock.add(n, n + 200, n + 100)
    clock.add(7, 7 + 3_600_000_000, 107)
    assert (clock.offset_us(), clock.since_us()) == (0, 0)


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("1790000000.123456", 1_790_000_000_123_456),
        ("1790000000.5", 1_790_000_000_500_000),
        ("1790000000", None),
        ("-1.5", None),
        ("", None),
        (None, None),
    ],
)
def test_timestamp(text: str | None, us: int | None) -> None:
    assert timestamp_us(text) == us
