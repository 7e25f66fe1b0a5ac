"""AMI frames for tests, written the way Asterisk writes them."""

from __future__ import annotations

from tests.core.story import T0

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
LOGIN = b"Response: Success\r\nMessage: Authentication accepted\r\n\r\n"


def stamp(at: float) -> str:
    """Seconds of a story as a Timestamp."""
    return f"{T0 + round(at * 1e6) // 1_000_000}.{round(at * 1e6) % 1_000_000:06d}"


def frame(event: str, at: float | None = None, /, **headers: object) -> bytes:
    """One event without its blank line; ``at`` None: it carries no Timestamp."""
    lines = [f"Event: {event}", "Privilege: call,all"]
    if at is not None:
        lines.append(f"Timestamp: {stamp(at)}")
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode()


def event(name: str, at: float | None = None, /, **headers: object) -> bytes:
    """One event with its blank line."""
    return frame(name, at, **headers) + b"\r\n\r\n"
