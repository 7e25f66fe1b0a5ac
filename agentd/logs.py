"""What agentd says about itself: structlog on standard error, with callers' numbers masked.

Every line has a stable ``event`` key. Libraries that log through the standard library come out
the same way, as ``event`` "library".
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

import msgspec
import structlog
from structlog.processors import ExceptionRenderer
from structlog.tracebacks import ExceptionDictTransformer

from agentd import clock

NUMBER_KEYS = frozenset({"caller", "callers", "number", "connected"})
"""Keys whose values are people's numbers, however short."""

KEPT_KEYS = frozenset(
    {"event", "call", "leg", "order", "order_id", "id", "level", "timestamp", "logger", "violation"}
)
"""Keys whose values look like numbers but identify things of ours (a Uniqueid is 1700000000.12)."""

EXTENSION_MAX_DIGITS = 4

# Not inside a longer word, a Uniqueid or a timestamp with its fraction; but Chinese stands right
# beside a number.
_NUMBER = re.compile(r"(?<![A-Za-z_.\d])\+?\d{7,15}(?![A-Za-z_\d]|\.\d)")

_Event = MutableMapping[str, Any]


def mask_number(number: str) -> str:
    """``13812345678`` as ``138****5678``: enough to recognise a caller, too little to call one.

    An extension (four digits and fewer) is no person's number and stays.
    """
    digits = sum(char.isdigit() for char in number)
    if digits <= EXTENSION_MAX_DIGITS:
        return number
    if digits < 7:
        return f"****{number[-2:]}"
    if digits < 11:
        return f"****{number[-4:]}"
    return f"{number[:3]}****{number[-4:]}"


def mask_text(text: str) -> str:
    """``text`` with every run of digits in it that may be a phone number masked."""
    return _NUMBER.sub(lambda found: mask_number(found[0]), text)


def _masked(key: str, value: Any) -> Any:
    if key in KEPT_KEYS:
        return value
    match value:
        case str():
            return mask_number(value) if key in NUMBER_KEYS else mask_text(value)
        case bytes():
            return mask_text(value.decode("utf-8", "replace"))
        case dict():
            return {inner: _masked(inner, child) for inner, child in value.items()}
        case list() | tuple():
            return [_masked(key, child) for child in value]
        case _:
            return value


def mask_event(_logger: Any, _method: str, event: _Event) -> _Event:
    """A structlog processor: phone numbers in every value are masked."""
    return {key: _masked(key, value) for key, value in event.items()}


def _stamp(_logger: Any, _method: str, event: _Event) -> _Event:
    now = datetime.fromtimestamp(clock.wall_us() / 1e6, UTC)
    stamp = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"timestamp": stamp, "level": event.pop("level"), "event": event.pop("event"), **event}


class _LibraryHandler(logging.Handler):
    """Passes on what libraries log."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().log(
            record.levelno,
            "library",
            logger=record.name,
            message=record.getMessage(),
            exc_info=record.exc_info or None,
        )


def set_up_logs(
    *,
    level: Literal["debug", "info", "warning", "error"] = "info",
    style: Literal["auto", "console", "json"] = "auto",
    mask_numbers: bool = True,
    stream: TextIO | None = None,
) -> None:
    """Configure all logging of this process; ``stream`` is standard error when None."""
    out = stream or sys.stderr
    minimum = getattr(logging, level.upper())
    console = style == "console" or (style == "auto" and out.isatty())
    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _stamp,
    ]
    processors.append(
        structlog.processors.format_exc_info
        if console
        # Local variables may hold a password.
        else ExceptionRenderer(ExceptionDictTransformer(show_locals=False))
    )
    if mask_numbers:
        processors.append(mask_event)
    if console:
        plain = structlog.dev.plain_traceback
        processors.append(
            structlog.dev.ConsoleRenderer(colors=out.isatty(), exception_formatter=plain)
        )
    else:
        processors.append(structlog.processors.JSONRenderer(serializer=_to_json))
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(minimum),
        logger_factory=structlog.PrintLoggerFactory(out),
        # Tests and `agentd demo` configure more than once in one process.
        cache_logger_on_first_use=False,
    )
    # Libraries' chatter below a warning says nothing about agentd.
    logging.basicConfig(
        handlers=[_LibraryHandler()], level=max(minimum, logging.WARNING), force=True
    )


def _to_json(event: _Event, **_options: Any) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()
