"""The tree's own rules, which no linter knows; part of `make check`.

- Every key of the configuration is in config/*.toml, and nothing else is.
- No lock file names a registry, and no committed file names one or a path of a build machine.
- Source files stay readable: files of agentd/ over 500 lines are listed (a warning only).

Prints one line per finding, `file:line: what`; exit code 1 when there is an error.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import BaseModel

from agentd.config import Settings
from agentd.config.model import SeatsFile

ROOT = Path(__file__).resolve().parent.parent
LINES_MAX = 500

KeyPath = tuple[str, ...]

# This machine's own paths, and whatever registries its tools are set up to use: what must not be
# committed is known where it would happen, and need not be written down here.
_HOMES = {str(Path.home()), str(ROOT), sys.base_prefix} - {"/", "/root", "/usr"}
_HOSTS = {
    host
    for name, value in os.environ.items()
    if name.lower().endswith(("index_url", "registry"))
    if (host := urlsplit(value).hostname)
}
FORBIDDEN = {
    re.compile("|".join(re.escape(home) + r"\b" for home in sorted(_HOMES))): (
        "names a path of the machine it was made on"
    ),
}
if _HOSTS:
    FORBIDDEN[re.compile("|".join(map(re.escape, sorted(_HOSTS))))] = (
        "names a package registry; where packages come from is the machine's configuration"
    )
LOCKS = ("requirements*.lock", "web/package-lock.json")
IN_LOCKS = {
    re.compile(r"^\s*(-i|--(extra-)?index-url|-f|--find-links|--trusted-host)\b"): (
        "names where packages come from"
    ),
    re.compile(r'"resolved"\s*:\s*"https?:'): "names where a package was fetched from",
    re.compile(r"@\s*https?://"): "pins a package to an address",
}

HEADER = re.compile(r"^#?\[{1,2}([^\[\]]+)\]{1,2}\s*(#.*)?$")
KEY = re.compile(r"^#?([A-Za-z_][\w.]*)\s*=")


def documented(file: Path) -> dict[KeyPath, int]:
    """Every key that ``file`` shows, commented out (``#key = …``) or not, with its first line."""
    found: dict[KeyPath, int] = {}
    section: KeyPath = ()
    for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        if header := HEADER.match(line):
            section = tuple(header[1].split("."))
            if section[0] in {"queue", "group"}:
                section = (section[0], "*", *section[2:])
        elif key := KEY.match(line):
            found.setdefault((*section, *key[1].split(".")), number)
    return found


def keys_of(model: type[BaseModel], at: KeyPath = ()) -> Iterator[tuple[KeyPath, bool]]:
    """Every key of ``model`` as a path, and whether it must be shown under that very path.

    What ``[queue.NAME]`` and ``[group.NAME]`` inherit from the rules is shown once, at the rules.
    """
    for name, field in model.model_fields.items():
        annotation: Any = field.annotation
        path = (*at, name)
        arguments = get_args(annotation)
        if get_origin(annotation) is dict:
            annotation, path = arguments[1], (*path, "*")
        elif get_origin(annotation) is list:
            annotation = arguments[0]
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            yield path, "*" not in at or name in model.__annotations__
            continue
        inherited = "*" in at and name not in model.__annotations__
        for key, must in keys_of(annotation, path):
            yield key, must and not inherited


def check_config(file: Path, model: type[BaseModel]) -> Iterator[str]:
    """What ``file`` fails to show of ``model``, and what it shows that is no key."""
    name = file.relative_to(ROOT)
    shown, keys = documented(file), dict(keys_of(model))
    for key, must in keys.items():
        if must and key not in shown:
            yield f"{name}: {'.'.join(key)} is not documented"
    for key, line in shown.items():
        if key not in keys:
            yield f"{name}:{line}: {'.'.join(key)} is no key of the configuration"


def matches(file: Path, patterns: dict[re.Pattern[str], str]) -> Iterator[str]:
    """Lines of ``file`` that hold what no committed file may hold."""
    try:
        text = file.read_text("utf-8")
    except UnicodeDecodeError:
        return
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, why in patterns.items():
            if pattern.search(line):
                yield f"{file.relative_to(ROOT)}:{number}: {why}"


def committed() -> list[Path]:
    """All files under version control that are there."""
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    files = (ROOT / name for name in listing.stdout.split("\0") if name)
    return [file for file in files if file.is_file()]


def errors() -> Iterator[str]:
    yield from check_config(ROOT / "config" / "agentd.toml", Settings)
    yield from check_config(ROOT / "config" / "seats.toml", SeatsFile)
    for pattern in LOCKS:
        for lock in ROOT.glob(pattern):
            yield from matches(lock, IN_LOCKS)
    for file in committed():
        yield from matches(file, FORBIDDEN)


def warnings() -> Iterator[str]:
    for file in sorted((ROOT / "agentd").rglob("*.py")):
        lines = len(file.read_text("utf-8").splitlines())
        if lines > LINES_MAX:
            yield f"{file.relative_to(ROOT)}: {lines} lines; split it by what changes together"


def main() -> int:
    for warning in warnings():
        print(f"warning: {warning}")
    found = list(errors())
    for error in found:
        print(error)
    print(f"check_tree: {len(found)} errors" if found else "check_tree: the tree keeps its rules")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
