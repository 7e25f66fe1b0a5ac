"""The roster: who is on duty, and the CSV that a leader keeps in a spreadsheet."""

from __future__ import annotations

import pytest

from agentd.core.roster import MAX_LINES, DutyLine, on_duty, parse_roster
from tests.core.order_rig import DAY, MIN, S

HOUR = 60 * MIN
MIDNIGHT = 1_772_294_400 * S
"""2026-03-01 00:00 in China."""
HEADER = "team,date,hours,login,role,note\n"


def duty(login: str, from_h: int, to_h: int, team: str = "day", role: str = "leader") -> DutyLine:
    at = MIDNIGHT + from_h * HOUR, MIDNIGHT + to_h * HOUR
    return DutyLine(team, login, role, *at)  # type: ignore[arg-type]


def read(text: str, **more: object) -> tuple[DutyLine, ...]:
    duties, problems = parse_roster(text, utc_offset_s=8 * 3600, **more)  # type: ignore[arg-type]
    assert problems == ()
    return duties


def wrong(text: str, **more: object) -> list[tuple[int, str]]:
    duties, problems = parse_roster(text, utc_offset_s=8 * 3600, **more)  # type: ignore[arg-type]
    assert duties == ()
    assert all(p.text_zh.startswith(f"第 {p.line} 行:") for p in problems)
    return [(p.line, p.text_en) for p in problems]


# --- on duty -------------------------------------------------------------------------------------


def test_leaders_and_deputies_of_a_team() -> None:
    duties = [
        duty("1", 8, 16),
        duty("2", 8, 16, "night"),
        duty("3", 8, 16, ""),
        duty("4", 8, 16, role="deputy"),
        duty("1", 8, 12, role="deputy"),
        duty("3", 9, 10),
    ]
    assert on_duty(duties, "day", MIDNIGHT + 9 * HOUR) == (("1", "3"), ("4",))
    assert on_duty(duties, "night", MIDNIGHT + 9 * HOUR) == (("2", "3"), ())
    assert on_duty(duties, None, MIDNIGHT + 9 * HOUR) == (("1", "2", "3"), ("4",))
    assert on_duty(duties, "day", MIDNIGHT + 16 * HOUR) == ((), ())
    assert on_duty(duties, "day", MIDNIGHT + 8 * HOUR)[0] == ("1", "3")


def test_a_shift_over_midnight_and_a_split_one() -> None:
    duties = read(HEADER + "day,2026-03-01,22:00-06:00,1\nday,2026-03-01,08:00-12:00 14:00-18:00,2")

    def leads(hours: int) -> tuple[str, ...]:
        return on_duty(duties, "day", MIDNIGHT + hours * HOUR)[0]

    assert [leads(h) for h in (21, 22, 24, 29, 30)] == [(), ("1",), ("1",), ("1",), ()]
    assert [leads(h) for h in (8, 12, 13, 14, 18)] == [("2",), (), (), ("2",), ()]


# --- the file ------------------------------------------------------------------------------------


def test_columns_by_their_chinese_names_in_any_order() -> None:
    text = (
        "\ufeff工号;角色;日期;时段;备注;班组\r\n"
        "2001;值班长;2026/3/1;08:00-16:00;早班;day\r\n"
        ";;;;;\r\n"
        "2002;副值班长;2026.03.02;16:00至24:00;;\r\n"
    )
    assert read(text) == (
        DutyLine("day", "2001", "leader", MIDNIGHT + 8 * HOUR, MIDNIGHT + 16 * HOUR, "早班"),
        DutyLine("", "2002", "deputy", MIDNIGHT + DAY + 16 * HOUR, MIDNIGHT + 2 * DAY),
    )


def test_only_what_is_needed_and_quotes() -> None:
    assert read('date,hours,login,extra\n2026-03-01,"08:00-12:00,14:00-18:00",2001,x\n') == (
        duty("2001", 8, 12, ""),
        duty("2001", 14, 18, ""),
    )
    same = HEADER + "day,2026-03-01,08:00-08:00,1"
    assert read(same)[0].to_us - read(same)[0].from_us == DAY
    assert read("date\thours\tlogin\tDATE\n2026-03-01\t08:00-12:00\t1\tx") == (
        duty("1", 8, 12, ""),
    )


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("day,1.3.26,08:00-12:00,1", "is no date"),
        ("day,2026-02-30,08:00-12:00,1", "is no date"),
        ("day,2026-03-01,8-12,1", "are no hours"),
        ("day,2026-03-01,08:00-25:00,1", "are no hours"),
        ("day,2026-03-01,24:00-08:00,1", "are no hours"),
        ("day,2026-03-01,08:60-09:00,1", "are no hours"),
        ("day,2026-03-01,08:00-24:30,1", "are no hours"),
        ("day,2026-03-01,08:00-09:60,1", "are no hours"),
        ("day,2026-03-01,08:00-12:00 off,1", "are no hours"),
        ("day,2026-03-01,08:00-12:00", "the login is missing"),
        ("day,2026-03-01,08:00-12:00,7", "there is no account “7”"),
        ("moon,2026-03-01,08:00-12:00,1", "there is no team “moon”"),
        ("day,2026-03-01,08:00-12:00,1,boss", "“boss” is no role"),
    ],
)
def test_a_bad_line_is_named_with_the_mend(line: str, says: str) -> None:
    text = f"{HEADER}day,2026-03-01,08:00-12:00,2\n\n{line}\n"
    ((at, told),) = wrong(text, logins={"1", "2"}, teams=("day",))
    assert at == 4
    assert says in told


def test_all_bad_lines_are_told_and_none_is_taken() -> None:
    found = wrong(HEADER + "day,x,y,,boss\nday,2026-03-01,08:00-12:00,1\nday,z,08:00-09:00,1")
    assert [line for line, _ in found] == [2, 2, 2, 2, 4]


def test_a_person_cannot_be_listed_twice_at_once_for_one_team() -> None:
    lines = "day,2026-03-01,08:00-12:00,1\nday,2026-03-01,11:00-13:00,1\n"
    assert wrong(HEADER + lines) == [
        (3, "line 3: “1” is listed for the same team at the same time already.")
    ]
    fine = "day,2026-03-01,08:00-12:00,1\nday,2026-03-01,12:00-13:00,1\n"
    elsewhere = "night,2026-03-01,08:00-12:00,1\nday,2026-03-01,07:00-08:00,1\n"
    assert len(read(HEADER + fine + elsewhere)) == 4


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("\n\n", "empty"),
        ("name,when\n", "missing in the header: date, hours, login"),
        ("login,date\n", "missing in the header: hours"),
        ("x\n" * (MAX_LINES + 1), "too long"),
    ],
)
def test_a_file_that_is_no_roster(text: str, says: str) -> None:
    ((_, told),) = wrong(text)
    assert says in told


def test_a_field_that_no_spreadsheet_writes() -> None:
    ((line, told),) = wrong(HEADER + "day,2026-03-01,08:00-12:00," + "x" * 140_000)
    assert line == 2
    assert "no CSV" in told
