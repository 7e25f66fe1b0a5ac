"""Reads one TOML file into its model, telling everything that is wrong with it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from agentd.config.mistakes import explain, leave_out
from agentd.config.toml_source import TomlFile
from agentd.errors import Problem

M = TypeVar("M", bound=BaseModel)
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
