"""``phrases.zh-CN.toml`` and ``phrases.en.toml``: the right words, by situation (rule R5).

A language's file is taken as a whole: a site's own where ``phrases_dir`` has one, else the built-in
one, which is that of ``config/``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, get_args

from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field

from agentd.config.mistakes import place
from agentd.config.reading import SHIPPED, named, validated
from agentd.config.toml_source import TomlFile, read_toml
from agentd.errors import ConfigError, Problem

Situation = Literal[
    "greeting",
    "silent_call",
    "bad_line",
    "before_hold",
    "after_hold",
    "wrong_number",
    "angry_caller",
    "asks_for_colleague",
    "praise",
    "asks_for_name",
    "before_closing",
    "closing",
]
SITUATIONS: tuple[Situation, ...] = get_args(Situation)
"""Stable: pages and files refer to them."""
FILES: Mapping[Literal["zh", "en"], str] = {"zh": "phrases.zh-CN.toml", "en": "phrases.en.toml"}
PLACEHOLDERS = ("login", "queue")
"""What a text may name in braces; the page puts it in."""


class Phrase(Struct, frozen=True):
    """What to say in a situation. ``queues`` () is every queue, ``category`` "" every category."""

    key: str
    situation: Situation
    title: str
    text: str
    queues: tuple[str, ...] = ()
    category: str = ""


class Phrases(Struct, frozen=True):
    """All words of one language."""

    phrases: tuple[Phrase, ...]
    forbidden: tuple[str, ...] = ()
    """服务忌语."""
    polite: tuple[str, ...] = ()


class PhraseBook(Struct, frozen=True):
    """The words in both languages."""

    zh: Phrases
    en: Phrases


class Section(BaseModel):
    """A section of the file: no unknown keys, no silent conversions."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Text = Annotated[str, Field(min_length=1, max_length=1000)]


class PhraseSection(Section):
    key: Annotated[
        str,
        Field(
            pattern=r"^[a-z][a-z0-9_]{0,39}$",
            description="small letters, digits and _, beginning with a letter",
        ),
    ]
    situation: Situation
    title: Annotated[str, Field(min_length=1, max_length=60)]
    text: Text
    queues: list[Text] = []
    category: str = ""


class WordsSection(Section):
    forbidden: list[Text] = []
    polite: list[Text] = []


class PhrasesFile(Section):
    """One of the two files."""

    phrase: list[PhraseSection]
    words: WordsSection = WordsSection()


def phrases_folder(source: TomlFile, path: Path | None, problems: list[Problem]) -> Path | None:
    """The folder that ``phrases_dir`` names, else that of the configuration ``path``; None without
    either."""
    base = path.parent if path else None
    given = named(source, "phrases_dir")
    if given is None:
        return base
    folder = (base or Path()) / given
    if not folder.is_dir():
        problems.append(
            place(
                source,
                ("phrases_dir",),
                f"there is no folder {folder}",
                "name a folder, or leave the line out for the built-in phrases",
            )
        )
    return folder


def load_phrases(folder: Path | None, problems: list[Problem]) -> PhraseBook | None:
    """The words of ``folder``, a language that it does not have from the built-in file; None as
    the folder takes the built-in ones. What is wrong goes to ``problems``, and None comes back."""
    zh = _language(folder, "zh", problems)
    en = _language(folder, "en", problems)
    return PhraseBook(zh, en) if zh is not None and en is not None else None


def _language(
    folder: Path | None, language: Literal["zh", "en"], problems: list[Problem]
) -> Phrases | None:
    own = folder / FILES[language] if folder is not None else None
    try:
        source = read_toml(own if own is not None and own.exists() else SHIPPED / FILES[language])
    except ConfigError as error:
        problems.extend(error.problems)
        return None
    found: list[Problem] = []
    file = validated(PhrasesFile, source, found)
    if file is not None:
        found.extend(_check(file, source))
    problems.extend(
        Problem(p.file, p.line, p.key, p.what, p.mend.replace("agentd.toml", FILES[language]))
        for p in found
    )
    if file is None or found:
        return None
    return Phrases(
        tuple(
            Phrase(p.key, p.situation, p.title, p.text, tuple(p.queues), p.category)
            for p in file.phrase
        ),
        tuple(file.words.forbidden),
        tuple(file.words.polite),
    )


def _check(file: PhrasesFile, source: TomlFile) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, phrase in enumerate(file.phrase):
        if phrase.key in seen:
            yield place(
                source,
                ("phrase", index, "key"),
                f'"{phrase.key}" stands in an earlier [[phrase]] too',
                "give each its own",
            )
        seen.add(phrase.key)
        for name in re.findall(r"\{([^{}]*)\}|[{}]", _without_known(phrase.text)):
            shown = f"{{{name}}}" if name else "a brace"
            yield place(
                source,
                ("phrase", index, "text"),
                f"{shown} means nothing here",
                f"what can be put in is {' and '.join(f'{{{known}}}' for known in PLACEHOLDERS)}",
            )
            break
    if source.broken:
        return
    told = {phrase.situation for phrase in file.phrase}
    for situation in SITUATIONS:
        if situation not in told:
            yield place(
                source,
                ("phrase",),
                f'no phrase is for the situation "{situation}"',
                f'add a [[phrase]] with situation = "{situation}"',
            )


def _without_known(text: str) -> str:
    for name in PLACEHOLDERS:
        text = text.replace(f"{{{name}}}", "")
    return text
