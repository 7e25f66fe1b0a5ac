"""Telephone numbers: one form for each, so that the same caller is known again.

139… and +86139… and 0086139… and 9139… (behind an outside-line prefix) are one number. Withheld
numbers are nobody's, and an extension is not a caller. The form is for comparing, not for showing.
"""

from __future__ import annotations

import re
import unicodedata

from msgspec import Struct

WITHHELD = frozenset(
    {"", "anonymous", "restricted", "unknown", "unavailable", "private", "withheld", "asterisk"}
)
"""What trunks write where a caller sent no number."""

_SEPARATORS = re.compile(r"[\s\-.()/\u2010-\u2015\u00b7]+")
_SCHEME = re.compile(r"(?:tel|sips?):", re.IGNORECASE)
_AFTER = re.compile(r"[@;#,]|转|分机|ext|x", re.IGNORECASE)
"""What follows the number: a host, parameters, an extension behind a switchboard."""
_MAX_DIGITS = 24
"""E.164 has 15; the rest is room for prefixes. Longer ones are no numbers."""


class NumberRules(Struct, frozen=True):
    """How numbers are written here."""

    country: str = "86"
    """Country code without plus."""
    international: tuple[str, ...] = ("+", "00")
    trunk_zero: str = "0"
    """What stands before an area code inside the country; "" where there is nothing."""
    outside_line: tuple[str, ...] = ()
    """What phones here dial before an outside number, for example "9"."""
    area: str = ""
    """The area code (without zero) of local numbers such as 8765 4321."""
    local_digits: tuple[int, ...] = (7, 8)
    """How long local numbers are; shorter ones are extensions and service numbers."""
    mobile: str = "1"
    """What numbers that are never dialled with an area code begin with (11 digits in China)."""
    mobile_digits: int = 11


CHINA = NumberRules()


def normalise(number: str | None, rules: NumberRules = CHINA) -> str | None:
    """``number`` in the form in which equal numbers are equal: digits after a plus where the
    country is known, bare digits for short numbers; None for a withheld one or what is no number.
    """
    if number is None:
        return None
    # Chinese keyboards write full-width digits.
    text = _SCHEME.sub("", unicodedata.normalize("NFKC", number).strip(), count=1)
    text = text.partition("@")[0].strip()
    if text.lower() in WITHHELD:
        return None
    text = _SEPARATORS.sub("", _AFTER.split(text, maxsplit=1)[0])
    plus = text.startswith("+")
    digits = text[1:] if plus else text
    if not digits.isascii() or not digits.isdigit() or len(digits) > _MAX_DIGITS:
        return None
    if not digits.strip("0"):
        # Some trunks send zeros for a withheld number.
        return None
    if plus:
        return _international(digits, rules)
    # Where "0" goes outside, 0086… is still the country's own number in full.
    own = tuple(f"{p}{rules.country}" for p in rules.international if p != "+")
    prefixes = () if digits.startswith(own) else rules.outside_line
    for prefix in prefixes:
        rest = digits.removeprefix(prefix)
        if rest != digits and _looks_national(rest, rules):
            digits = rest
            break
    return _national(digits, rules)


def _international(digits: str, rules: NumberRules) -> str | None:
    """``digits`` that begin with a country code; +86 (0)10 … is written by many, and is +86 10 …"""
    digits = digits.lstrip("0")
    own = rules.country + rules.trunk_zero
    if rules.trunk_zero and digits.startswith(own):
        digits = rules.country + digits[len(own) :].lstrip(rules.trunk_zero)
    return f"+{digits}" if digits else None


def _looks_national(digits: str, rules: NumberRules) -> bool:
    zero = rules.trunk_zero
    if any(p != "+" and digits.startswith(p) and len(digits) > 10 for p in rules.international):
        return True
    if zero and digits.startswith(zero) and len(digits) >= 10:
        return True
    return _is_mobile(digits, rules) or len(digits) in rules.local_digits


def _is_mobile(digits: str, rules: NumberRules) -> bool:
    return len(digits) == rules.mobile_digits and digits.startswith(rules.mobile)


def _national(digits: str, rules: NumberRules) -> str | None:
    for prefix in rules.international:
        if prefix != "+" and digits.startswith(prefix) and len(digits) > 10:
            return _international(digits[len(prefix) :], rules)
    bare = digits
    zero = rules.trunk_zero
    if zero and bare.startswith(zero) and len(bare) > max(rules.local_digits, default=0):
        bare = bare.lstrip(zero)
        return f"+{rules.country}{bare}"
    if _is_mobile(bare, rules):
        return f"+{rules.country}{bare}"
    without_country = bare.removeprefix(rules.country)
    if bare != without_country and (
        _is_mobile(without_country, rules) or len(without_country) >= 10
    ):
        return f"+{bare}"
    if rules.area and len(bare) in rules.local_digits:
        return f"+{rules.country}{rules.area}{bare}"
    return bare
