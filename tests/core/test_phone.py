"""Numbers: equal ones are equal however they are written; withheld ones are nobody's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentd.core.phone import CHINA, NumberRules, normalise

BEIJING = NumberRules(outside_line=("9", "0"), area="10", local_digits=(8,))
MOBILE = "+8613912345678"


@pytest.mark.parametrize(
    "number",
    [
        "13912345678",
        "+8613912345678",
        "+86 139 1234 5678",
        "+86-139-1234-5678",
        "008613912345678",
        "00 86 139 1234 5678",
        "8613912345678",
        "013912345678",
        "+86 (0)139 1234 5678",
        "\uff11\uff13\uff1912345678",
        "139—1234—5678",
        "sip:13912345678@10.0.0.1",
        "SIP:+8613912345678@gw.example.org;user=phone",
        "tel:+86-139-1234-5678;ext=2",
        " 13912345678 ",
        "13912345678 ext. 12",
        "13912345678转802",
        "+008613912345678",
    ],
)
def test_one_mobile_number_in_many_clothes(number: str) -> None:
    assert normalise(number) == MOBILE


@pytest.mark.parametrize(
    ("number", "norm"),
    [
        ("913912345678", MOBILE),
        ("9013912345678", MOBILE),
        ("9008613912345678", MOBILE),
        ("013912345678", MOBILE),
        ("01087654321", "+861087654321"),
        ("901087654321", "+861087654321"),
        ("001087654321", "+861087654321"),
        ("87654321", "+861087654321"),
        ("987654321", "+861087654321"),
        ("010-87654321", "+861087654321"),
        ("+86 (0)10 8765 4321", "+861087654321"),
        ("861087654321", "+861087654321"),
        ("0755 8765 4321", "+8675587654321"),
        ("1001", "1001"),
        ("9001", "9001"),
        ("12345", "12345"),
        ("+49 30 123456", "+4930123456"),
        ("9004930123456", "+4930123456"),
        ("008613912345678", MOBILE),
    ],
)
def test_prefixes_area_codes_and_extensions(number: str, norm: str) -> None:
    assert normalise(number, BEIJING) == norm


@pytest.mark.parametrize(
    "number",
    [
        None,
        "",
        "  ",
        "anonymous",
        "Anonymous",
        "sip:anonymous@anonymous.invalid",
        "unknown",
        "Restricted",
        "0",
        "000000",
        "+",
        "+0",
        "张三",
        "1" * 25,
        "139-CALL-ME",
        "٠١٢٣",
    ],
)
def test_withheld_numbers_are_nobodys(number: str | None) -> None:
    assert normalise(number) is None


def test_without_an_area_a_local_number_stays_as_it_is() -> None:
    assert normalise("87654321") == "87654321"
    assert normalise("8601234567890123", NumberRules(trunk_zero="")) == "+8601234567890123"
    assert normalise("004930123456") == "+4930123456"
    assert normalise("+860", CHINA) == "+86"
    no_zero = NumberRules(trunk_zero="", outside_line=("9",))
    assert normalise("9087654321", no_zero) == "9087654321"
    assert normalise("913912345678", no_zero) == MOBILE


@given(st.text(max_size=30) | st.from_regex(r"\+?[0-9 ()-]{0,26}", fullmatch=True))
def test_the_form_is_stable_and_nothing_raises(number: str) -> None:
    norm = normalise(number)
    if norm is not None:
        assert normalise(norm) == norm
        assert norm.removeprefix("+").isdigit()
