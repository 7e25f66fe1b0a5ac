"""Bytes to frames (:mod:`agentd.core.wire`)."""

from __future__ import annotations

import pytest

from agentd.core.wire import Banner, Frame, Framer, Oversized

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
LOGIN = b"Response: Success\r\nMessage: Authentication accepted\r\n\r\n"
HANGUP = b"Event: Hangup\r\nUniqueid: 1.2"
LIMIT = 600


def frames(*pieces: bytes, limit: int = LIMIT) -> list[Frame]:
    framer = Framer(limit)
    return [frame for piece in pieces for frame in framer.feed(piece)]


def test_a_stream_begins_with_its_banner() -> None:
    assert frames(BANNER + LOGIN + HANGUP + b"\r\n\r\n") == [
        Banner("11.0.0"),
        LOGIN.removesuffix(b"\r\n\r\n"),
        HANGUP,
    ]


def test_a_frame_is_given_when_its_blank_line_came() -> None:
    framer = Framer()
    assert framer.feed(HANGUP + b"\r\n\r") == []
    assert framer.buffered_bytes == len(HANGUP) + 3
    assert framer.feed(b"\n") == [HANGUP]
    assert framer.buffered_bytes == 0


def test_a_character_that_tcp_cut_in_two_is_whole_again() -> None:
    frame = "Event: Newstate\r\nCallerIDName: 李雷".encode()
    cut = frame.index("李".encode()) + 1
    assert frames(frame[:cut], frame[cut:] + b"\r\n\r\n") == [frame]


def test_empty_frames_are_left_out() -> None:
    assert frames(HANGUP + b"\r\n\r\n\r\n\r\n\r\n\r\n", HANGUP + b"\r\n\r\n") == [HANGUP, HANGUP]


def test_every_split_gives_the_same_frames() -> None:
    stream = BANNER + LOGIN + HANGUP + b"\r\n\r\n" + b"x" * 700 + b"\r\n\r\n" + BANNER + LOGIN
    whole = frames(stream)
    for size in (1, 2, 3, 7, 100, 601):
        pieces = [stream[i : i + size] for i in range(0, len(stream), size)]
        assert frames(*pieces) == whole


# --- banners ------------------------------------------------------------------------------


def test_a_second_banner_between_frames_begins_a_new_stream() -> None:
    assert frames(BANNER + LOGIN, BANNER + LOGIN)[2:] == [
        Banner("11.0.0"),
        LOGIN.removesuffix(b"\r\n\r\n"),
    ]


def test_a_banner_in_mid_frame_throws_away_what_the_lost_link_cut() -> None:
    cut = b"Event: Hangup\r\nUniqueid: 1"
    assert frames(HANGUP + b"\r\n\r\n" + cut + BANNER + LOGIN + HANGUP + b"\r\n\r\n") == [
        HANGUP,
        Banner("11.0.0"),
        LOGIN.removesuffix(b"\r\n\r\n"),
        HANGUP,
    ]


def test_only_the_last_of_two_banners_counts_when_nothing_was_whole_between() -> None:
    cut = BANNER + b"Response: Succ"
    assert frames(HANGUP + b"\r\n\r\n" + cut + BANNER + LOGIN)[1:] == [
        Banner("11.0.0"),
        LOGIN.removesuffix(b"\r\n\r\n"),
    ]


def test_a_caller_who_calls_himself_like_a_banner_is_a_caller() -> None:
    frame = b"Event: Newchannel\r\nCallerIDName: Asterisk Call Manager/9.9\r\nUniqueid: 1.2"
    assert frames(HANGUP + b"\r\n\r\n", frame + b"\r\n\r\n") == [HANGUP, frame]


def test_a_caller_who_calls_himself_a_banner_after_the_real_one() -> None:
    """The login's answer and the event arrive in one piece, framed with the stream still fresh."""
    frame = b"Event: Newchannel\r\nCallerIDName: Asterisk Call Manager/9.9\r\nUniqueid: 1.2"
    assert frames(BANNER + LOGIN + frame + b"\r\n\r\n")[-1] == frame


def test_a_stream_that_is_a_banner_and_nothing_else() -> None:
    assert frames(BANNER + b"\r\n") == [Banner("11.0.0")]


def test_a_version_that_is_no_ascii_is_told_apart() -> None:
    assert frames(b"Asterisk Call Manager/\xff\r\n\r\n") == [Banner("\ufffd")]


# --- limits -------------------------------------------------------------------------------


def test_an_oversized_frame_is_skipped_and_the_next_is_whole() -> None:
    monster = b"Event: Monster\r\nData: " + b"x" * 10_000
    seen = frames(BANNER + LOGIN, monster + b"\r\n\r\n" + HANGUP + b"\r\n\r\n")
    assert seen[2:] == [Oversized(monster[:80]), HANGUP]


def test_an_oversized_frame_in_small_pieces_is_not_kept() -> None:
    framer = Framer(LIMIT)
    for _ in range(100):
        assert framer.feed(b"y" * 100) == []
        assert framer.buffered_bytes <= LIMIT + 3
    assert framer.feed(b"\r\n\r\n" + HANGUP + b"\r\n\r\n") == [Oversized(b"y" * 80), HANGUP]


def test_a_banner_after_the_cut_oversized_frame_is_found() -> None:
    seen = frames(HANGUP + b"\r\n\r\n", b"z" * 5_000, BANNER + LOGIN)
    assert seen[1:] == [Oversized(b"z" * 80), Banner("11.0.0"), LOGIN.removesuffix(b"\r\n\r\n")]


def test_a_frame_of_exactly_the_limit_is_taken() -> None:
    fits = b"Event: X\r\n".ljust(LIMIT, b"y")
    assert frames(HANGUP + b"\r\n\r\n", fits + b"\r\n\r\n")[1:] == [fits]
    assert frames(HANGUP + b"\r\n\r\n", fits + b"y\r\n\r\n")[1:] == [Oversized(fits[:80])]


def test_a_limit_that_could_not_hold_a_banner_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 512, not 100"):
        Framer(100)


def test_reset_forgets_the_unfinished_frame() -> None:
    framer = Framer(LIMIT)
    framer.feed(BANNER + LOGIN + b"Event: Han")
    framer.reset()
    assert framer.buffered_bytes == 0
    assert framer.feed(BANNER + LOGIN)[0] == Banner("11.0.0")
