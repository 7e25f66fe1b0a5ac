"""Structs as JSON, and the pydantic models that say so in the OpenAPI document.

One rule for both directions, so that the two cannot drift: a field keeps its name, but for times.
``at_us`` is ``at``; any other moment ``x_us`` is ``x_at``; a duration of :data:`DURATIONS` is
``x_s``: seconds. A pair of labels is ``{zh, en}``. In answers every field is there, null or not.
"""

from __future__ import annotations

import functools
import re
import types
from collections.abc import Callable, Mapping, Sequence
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec
from msgspec import NODEFAULT, Struct, UnsetType
from msgspec.structs import FieldInfo
from msgspec.structs import fields as struct_fields
from pydantic import BaseModel, ConfigDict, Field, create_model

DURATIONS: Final = frozenset(
    {
        "talk_us",
        "hold_us",
        "ring_us",
        "wait_us",
        "value_us",
        "limit_us",
        "seconds_us",
        "aht_us",
        "short_us",
        "longest_us",
        "lag_us",
        "clock_offset_us",
    }
)
TEXT_MAX_CHARS: Final = 10_000
ENTRIES_MAX: Final = 500
"""Items of a list or an object in a request."""
LATEST_S: Final = 4_102_444_800.0
"""2100: no time of a request is later."""

_S = TypeVar("_S")

Mode = Literal["answer", "body"]


class Text(BaseModel):
    """The same in Chinese and English."""

    model_config = ConfigDict(extra="forbid")
    zh: str
    en: str


def json_name(name: str) -> str:
    """The name in JSON of the field ``name``."""
    if name == "at_us":
        return "at"
    if not name.endswith("_us"):
        return name
    return f"{name[:-3]}_s" if name in DURATIONS else f"{name[:-3]}_at"


# --- values ----------------------------------------------------------------------------------


def to_json(value: Any) -> Any:
    """``value`` (structs, collections, plain values) as JSON types."""
    if isinstance(value, Struct):
        return {
            name: convert(getattr(value, field)) for field, name, convert in _writers(type(value))
        }
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Mapping):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, frozenset | set):
        return [to_json(item) for item in sorted(value)]
    return [to_json(item) for item in value]


def encode(value: Any) -> bytes:
    """``value`` as JSON text. Lone surrogates, which no text should have, become ``?``."""
    plain = to_json(value)
    try:
        return msgspec.json.encode(plain)
    except UnicodeEncodeError:
        return msgspec.json.encode(_clean(plain))


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    return [_clean(item) for item in value] if isinstance(value, list) else value


def seconds(value: Any) -> Any:
    """Microseconds, or a tuple of them, or None, as seconds."""
    if value is None:
        return None
    if isinstance(value, int):
        return value / 1_000_000
    return [item / 1_000_000 for item in value]


def micros(value: float) -> int:
    """Seconds as microseconds."""
    return round(value * 1_000_000)


def _label(pair: tuple[str, str] | None) -> dict[str, str] | None:
    return None if pair is None else {"zh": pair[0], "en": pair[1]}


@functools.cache
def _writers(struct: type[Struct]) -> tuple[tuple[str, str, Callable[[Any], Any]], ...]:
    hints = get_type_hints(struct)
    writers = []
    for name in struct.__struct_fields__:
        convert: Callable[[Any], Any] = to_json
        if name.endswith("_us"):
            convert = seconds
        elif any(map(_is_label, (hints[name], *get_args(hints[name])))):
            convert = _label
        writers.append((name, json_name(name), convert))
    return tuple(writers)


def _is_label(hint: Any) -> bool:
    return get_origin(hint) is tuple and get_args(hint) == (str, str)


def from_model(model: BaseModel, target: type[_S], **more: Any) -> _S:
    """What a body of :func:`model_of` says, as the struct (or union of structs) ``target``; only
    what was sent counts, the rest is the struct's default. ``more`` goes before it."""
    sent = _renamed(model) | more
    return msgspec.convert(sent, target)


def _renamed(value: Any) -> Any:
    if isinstance(value, BaseModel):
        times = _times.get(type(value), {})
        renamed: dict[str, Any] = {}
        for name in value.model_fields_set:
            item = getattr(value, name)
            if name in times and item is not None:
                item = [micros(i) for i in item] if isinstance(item, list) else micros(item)
            renamed[times.get(name, name)] = _renamed(item)
        return renamed
    if isinstance(value, list):
        return [_renamed(item) for item in value]
    if isinstance(value, dict):
        return {key: _renamed(item) for key, item in value.items()}
    return value


# --- models ----------------------------------------------------------------------------------


_times: dict[type[BaseModel], dict[str, str]] = {}
"""Of every model of a body: its times' names, with those of the struct."""


@functools.cache
def model_of(struct: type[Struct], mode: Mode = "answer") -> type[BaseModel]:
    """The pydantic model of ``struct`` in JSON. ``answer``: every field is there; ``body``: a field
    with a default may be left out, texts and lists are bounded, nothing unknown is taken."""
    hints = get_type_hints(struct)
    members: dict[str, Any] = {}
    config = struct.__struct_config__
    if isinstance(config.tag, str) and config.tag_field is not None:
        members[config.tag_field] = (Literal[config.tag], ...)
    for field in struct_fields(struct):
        name = json_name(field.name)
        kind = _without_unset(hints[field.name])
        optional = field.default is not NODEFAULT or field.default_factory is not NODEFAULT
        is_time = field.name.endswith("_us")
        of = _time_kind(kind, mode) if is_time else _kind(kind, mode)
        members[name] = (of, ... if mode == "answer" or not optional else _default(field))
    model: type[BaseModel] = create_model(
        struct.__name__ if mode == "answer" else f"{struct.__name__}Body",
        __config__=ConfigDict(extra="forbid", strict=mode == "body"),
        __doc__=_words(struct),
        **members,
    )
    if mode == "body":
        names = struct.__struct_fields__
        _times[model] = {json_name(name): name for name in names if name.endswith("_us")}
    return model


def _default(field: FieldInfo) -> Any:
    """What the model says of a field that may be left out; its value is never used."""
    if field.default is None or isinstance(field.default, str | int):
        return field.default
    return Field(default_factory=lambda: None)


def union_of(structs: Sequence[type[Struct]], tag_field: str) -> Any:
    """The bodies of tagged ``structs`` as one annotation, told apart by ``tag_field``."""
    models = tuple(model_of(struct, "body") for struct in structs)
    return Annotated[Union[models], Field(discriminator=tag_field)]  # noqa: UP007 - made at run time


def _without_unset(hint: Any) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        rest = tuple(arg for arg in get_args(hint) if arg is not UnsetType)
        return Union[rest]  # noqa: UP007 - made at run time
    return hint


def _kind(hint: Any, mode: Mode) -> Any:
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return Union[tuple(_kind(arg, mode) for arg in args)]  # noqa: UP007 - made at run time
    if _is_label(hint):
        return Text
    bounded = Field(max_length=ENTRIES_MAX) if mode == "body" else None
    if origin in (tuple, list, frozenset, Sequence, types.GenericAlias):
        items = types.GenericAlias(list, (_kind(args[0], mode),))
        return Annotated[items, bounded] if bounded else items
    if origin in (dict, Mapping) or str(origin) == "<class 'collections.abc.Mapping'>":
        pairs = types.GenericAlias(dict, (str, _kind(args[1], mode)))
        return Annotated[pairs, bounded] if bounded else pairs
    if isinstance(hint, type) and issubclass(hint, Struct):
        return model_of(hint, mode)
    if hint is str and mode == "body":
        return Annotated[str, Field(max_length=TEXT_MAX_CHARS)]
    if hint is int and mode == "body":
        return Annotated[int, Field(ge=-1_000_000_000, le=1_000_000_000)]
    return hint


def _time_kind(hint: Any, mode: Mode) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        return Union[  # noqa: UP007 - made at run time
            tuple(None if arg is type(None) else _time_kind(arg, mode) for arg in get_args(hint))
        ]
    if get_origin(hint) is tuple:
        return types.GenericAlias(list, (_time_kind(get_args(hint)[0], mode),))
    if mode == "body":
        return Annotated[float, Field(ge=0, le=LATEST_S, allow_inf_nan=False)]
    return float


_ROLE = re.compile(r":\w+:`~?(?:[\w.]*\.)?(\w+)`")


def _words(struct: type[Struct]) -> str | None:
    """The struct's docstring without the markup of our own manual."""
    said = struct.__dict__.get("__doc__") or ""
    return _ROLE.sub(r"\1", " ".join(said.split())).replace("``", "`") or None
