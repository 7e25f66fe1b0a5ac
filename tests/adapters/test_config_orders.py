"""orders.toml and the phrases: read, checked, explained; shipped files, package and model agree."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel

from agentd.config import load_config
from agentd.config.orders import load_form
from agentd.config.orders_model import OrdersFile
from agentd.config.phrases import FILES, SITUATIONS, PhrasesFile, load_phrases
from agentd.config.reading import SHIPPED as IN_THE_PACKAGE
from agentd.core.order_form import FormBook, WorkCalendar
from agentd.core.phone import NumberRules
from agentd.errors import ConfigError, Problem

SHIPPED = Path(__file__).parents[2] / "config"
CATEGORY = """
[[category]]
key = "a"
label = { zh = "甲", en = "A" }
[[category.field]]
key = "event"
label = { zh = "事件", en = "Event" }
in_title = true
"""


def form(folder: Path, text: str) -> FormBook:
    (folder / "orders.toml").write_text(text, encoding="utf-8")
    problems: list[Problem] = []
    book = load_form(folder / "orders.toml", problems)
    assert problems == []
    assert book is not None
    return book


def mistakes(folder: Path, text: str) -> list[tuple[int | None, str, str]]:
    (folder / "orders.toml").write_text(text, encoding="utf-8")
    problems: list[Problem] = []
    assert load_form(folder / "orders.toml", problems) is None
    return [(p.line, p.key, f"{p.what}; {p.mend}") for p in problems]


# --- the shipped files -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["orders.toml", *FILES.values()])
def test_the_package_carries_the_shipped_files(name: str) -> None:
    mend = f"mend: cp config/{name} agentd/config/shipped/"
    assert (IN_THE_PACKAGE / name).read_bytes() == (SHIPPED / name).read_bytes(), mend


def test_the_shipped_form_is_the_built_in_one() -> None:
    built_in = load_form(None, [])
    assert built_in is not None
    assert load_form(SHIPPED / "orders.toml", []) == built_in
    assert [c.key for c in built_in.categories if c.forward] == ["complaint", "help", "report"]
    assert [c.key for c in built_in.categories if c.needs_reply] == ["consult"]
    # What the file says beside lists is what the core assumes where nobody says anything.
    plain = FormBook(categories=built_in.categories, pauses=built_in.pauses)
    assert plain == built_in


def _keys(model: Any, here: str = "") -> set[str]:
    for inner in (model, *get_args(model)):
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            return {
                key
                for name, field in inner.model_fields.items()
                for key in (f"{here}.{name}", *_keys(field.annotation, f"{here}.{name}"))
            }
    for inner in get_args(model):
        if get_origin(inner) is not None and (found := _keys(inner, here)):
            return found
    return set()


def _written(data: Any, here: str = "") -> set[str]:
    """Key paths of a file, queues by no name."""
    if isinstance(data, list):
        return {key for item in data for key in _written(item, here)}
    if not isinstance(data, dict):
        return set()
    found: set[str] = set()
    for name, value in data.items():
        if here == ".queue":  # its keys are the site's own names
            found |= {f".queue.{key}" for key in value}
            continue
        found |= {f"{here}.{name}"} | _written(value, f"{here}.{name}")
    return found


@pytest.mark.parametrize(
    ("name", "model"),
    [("orders.toml", OrdersFile), *((name, PhrasesFile) for name in FILES.values())],
)
def test_every_key_is_documented_and_every_key_there_is_real(
    name: str, model: type[BaseModel]
) -> None:
    text = (SHIPPED / name).read_text(encoding="utf-8")
    lines = [
        line[1:] if line[:1] == "#" and line[1:2] not in ("", " ") else line
        for line in text.split("\n")
    ]
    # An example that says a key again takes the place of the line before it.
    kept = [
        line
        for line, after in zip(lines, [*lines[1:], ""], strict=True)
        if not (" = " in line and after.startswith(line.partition(" = ")[0] + " = "))
    ]
    written = _written(tomllib.loads("\n".join(kept)))
    wanted = {key for key in _keys(model) if not key.startswith(".queue.category.")}
    assert {key for key in written if not key.startswith(".queue.category.")} == wanted


# --- what a site writes ------------------------------------------------------------------------


def test_what_is_not_said_is_built_in(tmp_path: Path) -> None:
    built_in = load_form(None, [])
    assert built_in is not None
    book = form(tmp_path, "appeal_days = 3\n")
    assert book.appeal_days == 3
    assert book.categories == built_in.categories
    assert book.pauses == built_in.pauses
    own = form(tmp_path, CATEGORY)
    assert [category.key for category in own.categories] == ["a"]


def test_numbers_calendar_and_clocks(tmp_path: Path) -> None:
    book = form(
        tmp_path,
        """
        call_back_within_s = 600
        call_back_report_s = 0
        pre_approved = ["silent_call"]
        [numbers]
        outside_line = ["9"]
        area = "10"
        [calendar]
        weekdays = [7, 1]
        holidays = ["2026-10-01"]
        extra_days = ["2026-10-10"]
        day_ends = "09:30"
        utc_offset = "-03:30"
        [urgent]
        repeat_s = 30
        """,
    )
    assert book.numbers == NumberRules(outside_line=("9",), area="10")
    assert book.calendar == WorkCalendar(
        weekdays=(0, 6),
        holidays=frozenset({"2026-10-01"}),
        extra_days=frozenset({"2026-10-10"}),
        day_ends_s=34_200,
        utc_offset_s=-12_600,
    )
    assert (book.call_back_within_s, book.call_back_report_s, book.urgent_repeat_s) == (600, 0, 30)
    assert book.pre_approved == {"silent_call"}


@pytest.mark.parametrize(
    ("text", "line", "key", "says"),
    [
        ("appeal_day = 3", 1, "appeal_day", "there is no such key; did you mean appeal_days?"),
        ("external = 1", 1, "external", "must be true or false"),
        ("pre_approved = ['silent']", 1, "pre_approved[0]", "'silent_call'"),
        ("\n[calendar]\nweekdays = []", 3, "calendar.weekdays", ""),
        ("[calendar]\nweekdays = [0]", 2, "calendar.weekdays[0]", "at least 1"),
        ("[calendar]\nholidays = ['1.10.2026']", 2, "calendar.holidays[0]", "must be a date"),
        ("[calendar]\nholidays = ['2026-02-30']", 2, "calendar.holidays[0]", "no day"),
        ("[calendar]\nday_ends = '25:00'", 2, "calendar.day_ends", "a time like"),
        (
            "[calendar]\nholidays = ['2026-10-01']\nextra_days = ['2026-10-01']",
            3,
            "calendar.extra_days",
            "2026-10-01 is a holiday too",
        ),
        ("[urgent]\nrepeat_s = 1", 2, "urgent.repeat_s", "at least 10"),
        ("[[category]]\nkey = 'a'", 1, "category[0].label", "is missing"),
        (CATEGORY + CATEGORY, 11, "category[1].key", "stands in an earlier [[category]] too"),
        (CATEGORY.replace("in_title = true", ""), 2, "category[0]", "no field for the title"),
        (CATEGORY + "kind = 'choice'\n", 5, "category[0].field[0]", "offers no choices"),
        (CATEGORY + "choices = ['x']\n", 9, "category[0].field[0].choices", "no effect"),
        (CATEGORY + "kind = 'number'\n", 9, "category[0].field[0].kind", "'text'"),
        (CATEGORY.replace('"a"', '"投诉"'), 3, "category[0].key", "small letters"),
        (
            CATEGORY.replace("[[category", "[[queue.hotline.category")
            + CATEGORY.replace("[[category", "[[queue.hotline.category"),
            11,
            "queue.hotline.category[1].key",
            "[[queue.hotline.category]]",
        ),
        (
            "[[unit]]\nkey = 'w'\nlabel = { zh = '水', en = 'W' }\ndue_days = -1",
            4,
            "unit[0].due_days",
            "at least 0",
        ),
        (
            "[[pause]]\nkey = 'p'\nlabel = { zh = '休', en = 'P' }\n" * 2,
            5,
            "pause[1].key",
            "earlier [[pause]]",
        ),
        ("appeal_days = ", 1, "", "is not TOML"),
    ],
)
def test_each_mistake_names_its_place_and_the_mend(
    tmp_path: Path, text: str, line: int, key: str, says: str
) -> None:
    found = mistakes(tmp_path, text)
    assert (line, key) in [(a, b) for a, b, _ in found], found
    assert says in " ".join(told for _, _, told in found)


def test_mistakes_of_the_form_come_with_all_the_others(tmp_path: Path) -> None:
    (tmp_path / "agentd.toml").write_text("[web]\nprot = 1\n")
    (tmp_path / "orders.toml").write_text("appeal_day = 3\n")
    (tmp_path / "phrases.en.toml").write_text("phrase = []\n")
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "agentd.toml", secrets=False)
    told = str(caught.value)
    assert "agentd.toml:2: web.prot" in told
    assert "orders.toml:1: appeal_day" in told
    assert 'no phrase is for the situation "greeting"' in told


def test_the_form_beside_the_configuration_and_the_one_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "agentd.toml").write_text("")
    (tmp_path / "orders.toml").write_text("appeal_days = 3\n")
    (tmp_path / "other.toml").write_text("appeal_days = 4\n")
    (tmp_path / "seats.toml").write_text(
        '[[seat]]\ndevice = "PJSIP/1"\ngroup = "day"\n[[seat]]\ndevice = "PJSIP/2"\n'
        '[[seat]]\ndevice = "PJSIP/3"\ngroup = "day"\n'
    )
    config = load_config(tmp_path / "agentd.toml", secrets=False)
    assert (config.form_book.appeal_days, config.form_book.teams) == (3, ("day",))
    (tmp_path / "agentd.toml").write_text('orders_file = "other.toml"\n')
    assert load_config(tmp_path / "agentd.toml", secrets=False).form_book.appeal_days == 4
    (tmp_path / "agentd.toml").write_text('orders_file = "absent.toml"\n')
    with pytest.raises(ConfigError, match="there is no such file"):
        load_config(tmp_path / "agentd.toml", secrets=False)


# --- words -------------------------------------------------------------------------------------


def test_both_languages_have_every_situation_and_the_same_phrases() -> None:
    book = load_phrases(None, [])
    assert book is not None
    assert {phrase.situation for phrase in book.zh.phrases} == set(SITUATIONS)
    assert [(p.key, p.situation, p.category) for p in book.zh.phrases] == [
        (p.key, p.situation, p.category) for p in book.en.phrases
    ]
    assert "对不起,让您久等了。" in [phrase.text for phrase in book.zh.phrases]
    assert "我不知道" in book.zh.forbidden
    assert book.zh.polite == ("您好", "请", "谢谢", "对不起", "再见")
    form_book = load_form(None, [])
    assert form_book is not None
    categories = {category.key for category in form_book.categories}
    assert {p.category for p in book.zh.phrases if p.category} <= categories


def test_a_folder_overrides_a_language_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "words").mkdir()
    text = "".join(
        f'[[phrase]]\nkey = "{situation}"\nsituation = "{situation}"\ntitle = "t"\n'
        f'text = "{{login}} of {{queue}}"\n'
        for situation in SITUATIONS
    )
    (tmp_path / "words" / FILES["en"]).write_text(text)
    (tmp_path / "agentd.toml").write_text('phrases_dir = "words"\n')
    phrases = load_config(tmp_path / "agentd.toml", secrets=False).phrases
    assert [phrase.key for phrase in phrases.en.phrases] == list(SITUATIONS)
    built_in = load_phrases(None, [])
    assert built_in is not None
    assert phrases.zh == built_in.zh
    (tmp_path / "agentd.toml").write_text('phrases_dir = "nowhere"\n')
    with pytest.raises(ConfigError, match="phrases_dir: there is no folder"):
        load_config(tmp_path / "agentd.toml", secrets=False)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('situation = "greeting"', 'situation = "greetings"'), "must be 'greeting'"),
        (('key = "silent_first"', 'key = "greeting"'), "stands in an earlier [[phrase]] too"),
        (("Thank you for waiting.", "Thank you, {name}."), "{name} means nothing here"),
        (("Thank you for waiting.", "Thank you {"), "a brace means nothing here"),
        (('situation = "after_hold"', 'situation = "before_hold"'), '"after_hold"'),
        (("[words]", "[word]"), "did you mean words?"),
        (("[words]", "[words"), "is not TOML"),
    ],
)
def test_mistakes_in_the_words(tmp_path: Path, change: tuple[str, str], says: str) -> None:
    text = (SHIPPED / FILES["en"]).read_text(encoding="utf-8").replace(*change)
    (tmp_path / FILES["en"]).write_text(text, encoding="utf-8")
    problems: list[Problem] = []
    assert load_phrases(tmp_path, problems) is None
    assert says in " ".join(str(problem) for problem in problems)
    assert all(problem.line or problem.key == "phrase" for problem in problems)
