"""Builds and checks the pages in web/, with the machine's Node or, failing that, PyPI's.

    python tools/web.py build    # agentd/static, unless it is already built from these sources
    python tools/web.py check    # types, lint and format of the pages' sources
    python tools/web.py test     # the pages' unit tests

Standard library only: the packaging hook runs this too. Exit code 1 with one line on standard
error when something that is needed is missing.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "web"
STATIC = ROOT / "agentd" / "static"
STAMP = STATIC / ".built-from"
VENV_BIN = ROOT / ".venv" / "bin"

# The ranges that Vite supports.
NODE_SUPPORTED = "20.19 or newer of 20, or 22.12 and newer"


class WebError(Exception):
    """Something needed for the pages is missing or failed; the message is for people."""


def sources_digest() -> str:
    """SHA-256 (hex) over names and contents of everything the pages are built from."""
    digest = hashlib.sha256()
    for path in sorted(WEB.rglob("*")):
        relative = path.relative_to(WEB)
        generated = {"node_modules", "dist"} & set(relative.parts)
        if generated or path.suffix == ".tsbuildinfo" or not path.is_file():
            continue
        digest.update(relative.as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def is_built() -> bool:
    """True when agentd/static was built from exactly the sources that are here."""
    if not (STATIC / "index.html").is_file():
        return False
    # An unpacked sdist carries the pages that belong to it.
    unpacked = (ROOT / "PKG-INFO").is_file()
    return unpacked or (STAMP.is_file() and STAMP.read_text() == sources_digest())


def supported(version: str) -> bool:
    """Whether Vite runs on a Node that calls itself ``version`` (such as ``v20.19.2``)."""
    found = re.match(r"v(\d+)\.(\d+)", version)
    if found is None:
        return False
    major, minor = int(found[1]), int(found[2])
    return (major == 20 and minor >= 19) or (major == 22 and minor >= 12) or major > 22


def system_node() -> Path | None:
    """The directory of a usable ``node`` with its ``npm`` on PATH, else None."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    return Path(node).parent if supported(answer.stdout) else None


def node_directory() -> Path:
    """The directory to put before PATH so that ``node`` and ``npm`` are usable ones.

    Installs PyPI's Node into .venv when the machine has none; raises WebError when that fails.
    """
    found = system_node()
    if found is not None:
        return found
    if not (VENV_BIN / "npm").exists():
        if not (VENV_BIN / "python").exists():
            raise WebError(
                f"Node.js {NODE_SUPPORTED} is needed, with npm; without it run `make setup` "
                "first, then PyPI's Node is used"
            )
        say(f"no Node.js {NODE_SUPPORTED} with npm here: installing PyPI's into .venv")
        install = [str(ROOT / "tools" / "pip.sh"), "install", "--quiet", "--require-hashes"]
        lock = str(ROOT / "requirements-node.lock")
        if subprocess.run([*install, "--requirement", lock], check=False).returncode != 0:
            raise WebError("PyPI's Node could not be installed (see pip's message above)")
    return VENV_BIN


def npm(*arguments: str) -> None:
    """Run npm in web/; raises WebError when it fails (its own output says why)."""
    directory = node_directory()
    path = f"{directory}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    environment = {**os.environ, "PATH": path, "npm_config_update_notifier": "false"}
    # Node of the wheel wants a home for its cache, which a bare CI may not have set.
    environment.setdefault("HOME", str(ROOT / ".venv"))
    finished = subprocess.run(
        [str(directory / "npm"), *arguments], cwd=WEB, env=environment, check=False
    )
    if finished.returncode != 0:
        raise WebError(f"`npm {' '.join(arguments)}` failed in web/ (see its message above)")


def install() -> None:
    """Install what web/package-lock.json names, once per lock file."""
    lock = WEB / "package-lock.json"
    if not lock.is_file():
        raise WebError("web/package-lock.json is missing: this is not a full source tree")
    stamp = WEB / "node_modules" / ".installed-from"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == digest:
        return
    npm("ci", "--no-audit", "--no-fund", "--loglevel=error")
    stamp.write_text(digest)


def build() -> None:
    """Build agentd/static unless it is up to date."""
    if is_built():
        return
    digest = sources_digest()
    install()
    npm("run", "--silent", "build")
    if not (STATIC / "index.html").is_file():
        raise WebError("the build ended well but left no agentd/static/index.html")
    STAMP.write_text(digest)
    say("agentd/static is built")


def check() -> None:
    """Check the pages' sources: the `check` script of web/package.json."""
    install()
    npm("run", "--silent", "check")


def test() -> None:
    """Run the pages' unit tests: the `test` script of web/package.json."""
    install()
    npm("run", "--silent", "test")


def say(message: str) -> None:
    """Tell the person at the terminal."""
    print(f"web: {message}", file=sys.stderr)


def main(arguments: list[str]) -> int:
    commands = {"build": build, "check": check, "test": test}
    if len(arguments) != 1 or arguments[0] not in commands:
        say("usage: python tools/web.py build|check|test")
        return 2
    if not (WEB / "package.json").is_file():
        say("web/package.json is missing: this is not a full source tree")
        return 1
    try:
        commands[arguments[0]]()
    except WebError as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
