"""Recordings: from the name that the PBX told to an open file, inside the configured folder only.

The name comes from outside and is trusted with nothing: every part of it is opened relative to the
folder before it, without following links, and only what is a regular file of a known sound format
is handed out. agentd reads recordings and deletes none.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from msgspec import Struct

from agentd.errors import AgentdError

TYPES: Final[dict[str, str]] = {
    ".wav": "audio/wav",
    ".WAV": "audio/wav",
    ".wav49": "audio/wav",
    ".gsm": "audio/x-gsm",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
}
"""Sound formats by the ending that Asterisk gives them. ``.WAV`` (``wav49``) is GSM in a WAV file,
which many browsers cannot play."""

PBX_FOLDER: Final = PurePosixPath("/var/spool/asterisk/monitor")
"""Where Asterisk writes when nobody told it otherwise: what that folder is called there, when it
is mounted here under another name."""

_PARTS_MAX = 32
_NAME_MAX_BYTES = 4096
_UNUSABLE = (
    errno.ENOENT,
    errno.ENOTDIR,
    errno.ELOOP,
    errno.EACCES,
    errno.EPERM,
    errno.ENAMETOOLONG,
    errno.ENXIO,
)


class NoRecording(AgentdError):
    """There is no such recording to play. ``code``: ``no_folder`` (the PBX has none configured, or
    it is not there), ``outside`` (the name leads out of it), ``missing``, ``unreadable``."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class OpenRecording(Struct, frozen=True):
    """An open file, for reading. Whoever has it calls :meth:`close`."""

    fd: int
    size: int
    """Bytes when it was opened; a recording under way grows on."""
    modified_us: int
    content_type: str
    suffix: str
    """Its ending, as ``.wav``."""
    etag: str
    """Strong: changes whenever the file does."""

    def close(self) -> None:
        """Give the file back."""
        os.close(self.fd)

    def read(self, offset: int, size: int) -> bytes:
        """At most ``size`` bytes from ``offset``; blocking (a network folder may be slow)."""
        return os.pread(self.fd, size, offset)


def open_recording(
    folder: Path | None, file: str, named: PurePosixPath = PBX_FOLDER
) -> OpenRecording:
    """The recording that the PBX named ``file``, in ``folder``; blocking.

    ``file`` is relative to the folder, or absolute: under it by its own name, by the one that it is
    a link to, or by ``named``, which is what the PBX calls it. Where that very file is not there,
    the same name with another ending of :data:`TYPES` is taken (compressed later, say). Raises
    :class:`NoRecording`.
    """
    if folder is None:
        raise NoRecording("no_folder", "This PBX has no recordings_dir in the configuration.")
    parts = _parts(folder, file, named)
    try:
        root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise NoRecording(
            "no_folder", f"The folder of recordings cannot be opened: {error.strerror}."
        ) from error
    try:
        parent = _walk(root, parts[:-1])
        try:
            for name in _candidates(parts[-1]):
                found = _open_file(parent, name)
                if found is not None:
                    return found
        finally:
            os.close(parent)
    finally:
        os.close(root)
    raise NoRecording("missing", "The recording is not in the folder of recordings (any more).")


def _parts(folder: Path, file: str, named: PurePosixPath) -> tuple[str, ...]:
    """The parts of the name below ``folder``: none of them empty, ``.``, ``..`` or absolute."""
    try:
        encoded = os.fsencode(file)
    except UnicodeEncodeError:
        encoded = b"\x00"
    path = PurePosixPath(file)
    if b"\x00" in encoded or len(encoded) > _NAME_MAX_BYTES or ".." in path.parts:
        raise NoRecording("outside", "The recording's name is not one of a file in the folder.")
    if path.is_absolute():
        for base in (*map(PurePosixPath, (folder.absolute(), folder.resolve())), named):
            if path.is_relative_to(base):
                path = path.relative_to(base)
                break
        else:
            raise NoRecording("outside", "The recording lies outside of the configured folder.")
    if not 0 < len(path.parts) <= _PARTS_MAX:
        raise NoRecording("outside", "The recording's name is not one of a file in the folder.")
    return path.parts


def _walk(root: int, parts: tuple[str, ...]) -> int:
    """The innermost folder, opened step by step; no step follows a link."""
    at = os.dup(root)
    for part in parts:
        try:
            inner = os.open(
                part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at
            )
        except OSError as error:
            if error.errno in _UNUSABLE:
                raise NoRecording("missing", "The recording's folder is not there.") from error
            raise NoRecording("unreadable", _trouble(error)) from error
        finally:
            os.close(at)
        at = inner
    return at


def _candidates(name: str) -> Iterator[str]:
    stem, dot, ending = name.rpartition(".")
    suffix = f".{ending}"
    if dot and stem and suffix in TYPES:
        yield name
    else:
        # No ending of ours: perhaps a dot in the middle of a name without one.
        stem = name
    yield from (f"{stem}{other}" for other in TYPES if f"{stem}{other}" != name)


def _open_file(parent: int, name: str) -> OpenRecording | None:
    try:
        # A pipe would wait for a writer: not even opened for that.
        fd = os.open(
            name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent
        )
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENXIO, errno.ENAMETOOLONG):
            return None
        raise NoRecording("unreadable", _trouble(error)) from error
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        os.close(fd)
        return None
    suffix = name[name.rindex(".") :]
    return OpenRecording(
        fd=fd,
        size=status.st_size,
        modified_us=status.st_mtime_ns // 1_000,
        content_type=TYPES[suffix],
        suffix=suffix,
        etag=f'"{status.st_ino:x}-{status.st_size:x}-{status.st_mtime_ns:x}"',
    )


def _trouble(error: OSError) -> str:
    return f"The recording cannot be read: {error.strerror}. Check the folder's permissions."
