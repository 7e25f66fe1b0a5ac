"""The store's file: one process at a time, sound, of the right shape, and the owner's alone."""

# A test that spoils a file may wait for it.
# ruff: noqa: ASYNC240

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from sqlalchemy import create_engine
from structlog.testing import capture_logs

from agentd import ticketing_file, ticketing_schema, ticketing_tables
from agentd.ticketing import Store, StoreError
from agentd.ticketing_file import DaemonRunningError
from tests.adapters.store_rig import counts, ignore, order, rows, said

ROOT = Path(ticketing_file.__file__).parent


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "agentd.db"


async def refused(path: Path) -> str:
    """The words with which the store refuses to start; whatever was there is unchanged."""
    before = path.read_bytes() if path.is_file() else None
    store = Store(path)
    with pytest.raises(StoreError) as caught:
        await store.start()
    assert (path.read_bytes() if path.is_file() else None) == before
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


async def make(path: Path, *numbers: int) -> None:
    async with Store(path) as store:
        store.submit([order(number) for number in numbers], {}, ignore, pbx="main")


def shape(path: Path) -> dict[str, str]:
    """Every table, index and trigger, as SQL; columns that were added later are spaced anew."""
    made = dict(rows(path, "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
    made.pop("alembic_version", None)
    return {name: " ".join(sql.replace(",", " , ").split()) for name, sql in made.items()}


# --- shape -----------------------------------------------------------------------------------


async def test_the_migrations_make_the_tables_that_the_code_expects(
    path: Path, tmp_path: Path
) -> None:
    await make(path)
    expected = tmp_path / "expected.db"
    engine = create_engine(f"sqlite:///{expected}")
    assert ticketing_tables.audit.metadata is ticketing_schema.metadata
    ticketing_schema.metadata.create_all(engine)
    engine.dispose()
    assert shape(path) == shape(expected)


async def test_the_newest_migration_is_the_one_that_the_code_expects(path: Path) -> None:
    assert ticketing_file.known_revisions()[-1] == ticketing_schema.HEAD_REVISION
    await make(path)
    assert rows(path, "SELECT version_num FROM alembic_version") == [
        (ticketing_schema.HEAD_REVISION,)
    ]


async def test_values_of_the_wrong_type_are_refused(path: Path) -> None:
    await make(path, 1)
    with pytest.raises(sqlite3.IntegrityError, match="cannot store TEXT"):
        rows(path, "UPDATE work_order SET due_us = 'soon'")


async def test_only_the_owner_can_read_it(path: Path) -> None:
    old = os.umask(0)
    try:
        async with Store(path) as store:
            store.submit([order(1)], {}, ignore, pbx="main")
            await store.flush()
            files = sorted(path.parent.iterdir())
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in files}
    finally:
        os.umask(old)
    assert modes == dict.fromkeys(
        ("agentd.db", "agentd.db-shm", "agentd.db-wal", "agentd.db.lock"), 0o600
    )


# --- one process -----------------------------------------------------------------------------


async def test_a_second_daemon_is_told_who_was_first(path: Path) -> None:
    async with Store(path):
        second = Store(path)
        with pytest.raises(DaemonRunningError) as caught:
            await second.start()
        assert caught.value.pid == os.getpid()
        assert f"(pid {os.getpid()}) is running on {path}" in str(caught.value)
    await make(path, 1)
    assert counts(path)["work_order"] == 1


async def test_a_first_daemon_that_could_not_write_its_pid(path: Path) -> None:
    async with Store(path):
        path.with_name("agentd.db.lock").write_bytes(b"")
        assert "another agentd is running" in await refused(path)


async def test_a_killed_daemon_leaves_no_lock(path: Path) -> None:
    await make(path)
    program = """
import asyncio, sys
from pathlib import Path
from agentd.ticketing import Store
async def main():
    async with Store(Path(sys.argv[1])):
        print("running", flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""
    first = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(path), stdout=subprocess.PIPE, cwd=ROOT.parent
    )
    assert first.stdout is not None
    assert await first.stdout.readline() == b"running\n"
    assert f"(pid {first.pid})" in await refused(path)
    first.kill()
    await first.wait()
    await make(path, 1)
    assert counts(path)["work_order"] == 1


# --- files that are not what they should be --------------------------------------------------


async def test_a_file_that_is_no_database(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"Lorem ipsum dolor sit amet. " * 1_000)
    assert "not an SQLite database, or it is damaged" in await refused(path)


async def test_a_database_damaged_in_the_middle(path: Path) -> None:
    await make(path, *range(2_000))
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4_096 * 4_096
    content[middle : middle + 8_192] = os.urandom(8_192)
    path.write_bytes(content)
    assert "it is damaged" in await refused(path)


async def test_a_truncated_database(path: Path) -> None:
    await make(path, *range(2_000))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 3])
    assert "it is damaged" in await refused(path)


async def test_an_empty_file_is_a_new_database(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    await make(path, 1)
    assert counts(path)["work_order"] == 1


async def test_somebody_elses_database(path: Path) -> None:
    path.parent.mkdir()
    rows(path, "CREATE TABLE bookmarks (url TEXT)")
    assert "not one of agentd's" in await refused(path)


async def test_a_directory_in_the_files_place(path: Path) -> None:
    path.mkdir(parents=True)
    assert "cannot open the database" in await refused(path)


async def test_a_file_in_the_directorys_place(path: Path) -> None:
    path.parent.touch()
    assert "needs a directory that agentd may write to" in await refused(path)


@pytest.fixture
def locked_down() -> Iterator[Path]:
    """A directory that exists and that we may not write to, also when the tests run as root."""
    directory = Path(tempfile.mkdtemp())
    (directory / "sub").mkdir()
    directory.chmod(0o755)
    root = os.geteuid() == 0
    if root:
        os.chown(directory / "sub", 65_534, -1)
        os.seteuid(65_534)
    try:
        yield directory / "sub"
    finally:
        if root:
            os.seteuid(0)
        (directory / "sub").chmod(0o700)
        shutil.rmtree(directory)


async def test_a_read_only_directory(locked_down: Path) -> None:
    locked_down.chmod(0o555)
    message = await refused(locked_down / "agentd.db")
    assert "Permission denied" in message
    assert "needs a directory that agentd may write to" in message


async def test_a_read_only_file(locked_down: Path) -> None:
    path = locked_down / "agentd.db"
    await make(path, 1)
    path.chmod(0o444)
    assert "check the owner and mode" in await refused(path)


# --- migrations ------------------------------------------------------------------------------

NEXT = """
import sqlalchemy as sa
from alembic import op
revision = "0006"
down_revision = "0005"

def upgrade() -> None:
    op.add_column("work_order", sa.Column("category", sa.Text, nullable=True))
    {more}
"""


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An agentd with one more migration; its file."""
    migrations = tmp_path / "migrations"
    shutil.copytree(ROOT / "migrations", migrations)
    step = migrations / "versions" / "0006_next.py"
    step.write_text(NEXT.format(more=""))

    def config() -> Any:
        made = Config()
        made.set_main_option("script_location", str(migrations))
        made.set_main_option("path_separator", "os")
        return made

    monkeypatch.setattr(ticketing_file, "_migrations", config)
    monkeypatch.setattr(ticketing_file, "HEAD_REVISION", "0006")
    return step


async def test_an_older_database_is_backed_up_and_upgraded(
    path: Path, request: pytest.FixtureRequest
) -> None:
    await make(path, 1, 2)
    request.getfixturevalue("next_version")
    with capture_logs() as log:
        await make(path, 3)
    assert rows(path, "SELECT id, category FROM work_order ORDER BY id") == [
        (order(number).id, None) for number in (1, 2, 3)
    ]
    backup = path.with_name("agentd.db.0005.1.bak")
    assert counts(backup)["work_order"] == 2
    assert "category" not in shape(backup)["work_order"]
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    (upgrading,) = said(log, "store_upgrading")
    assert (upgrading["was"], upgrading["backup"]) == ("0005", str(backup))
    # Opened again there is nothing to do.
    await make(path, 4)
    assert not path.with_name("agentd.db.0006.1.bak").exists()


async def test_a_migration_that_breaks_off_has_never_been(
    path: Path, request: pytest.FixtureRequest
) -> None:
    await make(path, 1)
    step: Path = request.getfixturevalue("next_version")
    step.write_text(NEXT.format(more="raise ZeroDivisionError"))
    before = shape(path)
    store = Store(path)
    with pytest.raises(ZeroDivisionError):
        await store.start()
    assert shape(path) == before
    assert rows(path, "SELECT version_num FROM alembic_version") == [("0005",)]
    # The mended one goes through, and the earlier backup stays.
    step.write_text(NEXT.format(more=""))
    await make(path, 2)
    assert counts(path)["work_order"] == 2
    names = sorted(file.name for file in path.parent.glob("*.bak"))
    assert names == ["agentd.db.0005.1.bak", "agentd.db.0005.2.bak"]


async def test_no_upgrade_without_a_backup(
    path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make(path, 1)
    request.getfixturevalue("next_version")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ticketing_file.os, "fsync", full)
    message = await refused(path)
    assert "was not upgraded, since no backup could be made" in message
    assert "No space left on device" in message
    assert list(path.parent.glob("*.bak*")) == []
    assert rows(path, "SELECT version_num FROM alembic_version") == [("0005",)]


async def test_a_database_of_a_newer_agentd(path: Path) -> None:
    await make(path, 1)
    rows_before = rows(path, "SELECT * FROM work_order")
    connection = sqlite3.connect(path)
    connection.execute("UPDATE alembic_version SET version_num = '0099'")
    connection.commit()
    connection.close()
    message = await refused(path)
    assert "written by a newer agentd (its revision 0099, ours 0005)" in message
    assert rows(path, "SELECT * FROM work_order") == rows_before


async def test_a_database_that_does_not_say_its_version(path: Path) -> None:
    await make(path)
    connection = sqlite3.connect(path)
    connection.execute("DELETE FROM alembic_version")
    connection.commit()
    connection.close()
    assert "does not say which version" in await refused(path)
