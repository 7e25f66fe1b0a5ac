"""Reads one TOML file into its model, telling everything that is wrong with it."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from agentd.config.mistakes import explain, leave_out
from agentd.config.toml_source import TomlFile, read_toml
from agentd.errors import Problem

M = TypeVar("M", bound=BaseModel)
ENV_PREFIX = "AGENTD_"
SHIPPED = Path(__file__).parent / "shipped"
"""The files of ``config/`` as the package carries them: what holds where a site has none."""


def validated(model: type[M], source: TomlFile, problems: list[Problem]) -> M | None:
    """The file's values; what cannot be used is told, and left out so that the rest is checked.
    None where too little is left."""
    data = copy.deepcopy(source.data)
    told = False
    while True:
        try:
            return model(**data)
        except ValidationError as error:
            found = error.errors()
        if not told:
            problems.extend(explain(model, source, item) for item in found)
            told = True
        left_out = [leave_out(data, item["loc"]) for item in found]
        source.broken.update(path for path in left_out if path)
        if not any(left_out):
            # Set by the environment, or a key that must be there.
            return None


def named(source: TomlFile, key: str) -> str | None:
    """The path that the environment or the configuration gives for ``key``."""
    given = os.environ.get(f"{ENV_PREFIX}{key.upper()}") or source.data.get(key)
    return given if isinstance(given, str) else None


def named_file(source: TomlFile, path: Path | None, what: str) -> Path | None:
    """The file that ``{what}_file`` names, else ``{what}.toml`` beside the configuration ``path``
    where there is one, else None. Relative paths begin at the configuration's folder."""
    base = path.parent if path else Path()
    if (given := named(source, f"{what}_file")) is not None:
        return base / given
    beside = base / f"{what}.toml"
    return beside if path and beside.exists() else None


def read_named(source: TomlFile, path: Path | None, what: str) -> TomlFile:
    """The file of :func:`named_file`, read; an empty one where there is none."""
    file = named_file(source, path, what)
    return read_toml(file) if file is not None else TomlFile(f"(no {what} file)", {}, {})
