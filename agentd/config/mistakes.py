"""Says in plain words what is wrong with a configuration, where, and what would be right."""

from __future__ import annotations

import difflib
import ipaddress
import os
import types
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

from msgspec.structs import replace
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from agentd.config.model import (
    OFF,
    POLICY_FIELDS,
    QUEUE_ONLY,
    GroupSection,
    RuleSections,
    SeatsFile,
    rules_set,
)
from agentd.config.toml_source import KeyPath, TomlFile
from agentd.core.board_settings import is_steps
from agentd.core.policy import Policy
from agentd.core.surge import LEVELS
from agentd.errors import Problem

if TYPE_CHECKING:
    from agentd.config import Settings


def spell(path: KeyPath) -> str:
    """``("pbx", 0, "port")`` as people write it: ``pbx[0].port``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{_quoted(part)}"
    return text.removeprefix(".")


def _quoted(name: str) -> str:
    plain = name.replace("-", "").replace("_", "")
    return name if plain.isascii() and plain.isalnum() else f'"{name}"'


def _show(value: Any) -> str:
    """A value as it is written in TOML."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{value if len(value) <= 60 else value[:60] + "…"}"'
        case list() | tuple():
            return f"[{', '.join(_show(item) for item in value)}]"
        case dict():
            return "a section"
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)


# --- mistakes of form ------------------------------------------------------------------------

_WANTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "string_type": 'text in quotes ("…")',
    "list_type": "a list ([ … ])",
    "dict_type": "a section",
    "model_type": "a section",
    "model_attributes_type": "a section",
    "string_too_short": "text that is not empty",
    "greater_than": "greater than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "string_too_long": "at most {max_length} characters long",
    "literal_error": "{expected}",
}


def explain(model: type[BaseModel], source: TomlFile, error: ErrorDetails) -> Problem:
    """One finding of pydantic as a :class:`Problem`."""
    path: KeyPath = tuple(error["loc"])
    section, field = _look_up(model, path)
    may_be_off = field is not None and OFF in field.metadata
    kind = error["type"]
    if kind == "extra_forbidden":
        what, mend = "there is no such key", _did_you_mean(path, section)
    elif kind == "missing":
        what, mend = "is missing", f"add a line {path[-1]} = …"
    else:
        wanted = _WANTED.get(kind)
        context = error.get("ctx", {})
        if wanted is None:
            pattern = kind == "string_pattern_mismatch" and field is not None
            wanted = (field.description if pattern and field else None) or error["msg"]
        else:
            wanted = wanted.format(**{key: _plain(value) for key, value in context.items()})
        wanted += ' or "off"' if may_be_off else ""
        what = f"must be {wanted}, is {_show(error['input'])}"
        mend = _default(field, may_be_off=may_be_off)
    return place(source, path, what, mend)


def _plain(value: Any) -> Any:
    return _show(value) if isinstance(value, float) else value


def place(source: TomlFile, path: KeyPath, what: str, mend: str) -> Problem:
    """A problem at ``path``: in the file, or in the environment variable that set it."""
    variable = "AGENTD_" + "__".join(str(part) for part in path).upper()
    if variable in {name.upper() for name in os.environ}:
        return Problem(variable, None, spell(path), what, mend)
    return Problem(source.name, source.line(path), spell(path), what, mend)


def _default(field: FieldInfo | None, *, may_be_off: bool) -> str:
    if field is None or field.is_required():
        return "see the comments in config/agentd.toml"
    default = field.get_default()
    if default is None:
        return 'the default is "off"' if may_be_off else "leave the line out for the default"
    return f"the default is {_show(default)}"


def _look_up(
    model: type[BaseModel], path: KeyPath
) -> tuple[type[BaseModel] | None, FieldInfo | None]:
    """The section that ``path`` is a key of, and that key's field; None where there is none."""
    here: Any = model
    section: type[BaseModel] | None = None
    field: FieldInfo | None = None
    for part in path:
        section, field = None, None
        here = _bare(here)
        if isinstance(here, type) and issubclass(here, BaseModel):
            section = here
            field = here.model_fields.get(str(part))
            if field is None:
                break
            here = field.annotation
        else:
            here = (get_args(here) or (None,))[-1]
    return section, field


def _bare(annotation: Any) -> Any:
    """``X`` of ``X | None``."""
    if get_origin(annotation) in (Union, types.UnionType):
        return next(arg for arg in get_args(annotation) if arg is not type(None))
    return annotation


def _did_you_mean(path: KeyPath, section: type[BaseModel] | None) -> str:
    name = str(path[-1])
    if path[0] == "pbx" and name in {"secret", "password"}:
        return (
            "no secrets in this file: set AGENTD_PBX_<ID>_SECRET, "
            "or name a file of mode 0600 with secret_file"
        )
    if path[0] in {"mail", "mqtt"} and name in {"secret", "password"}:
        return (
            f"no secrets in this file: set AGENTD_{str(path[0]).upper()}_PASSWORD, "
            "or name a file of mode 0600 with password_file"
        )
    known = sorted(section.model_fields) if section else []
    return _suggest(name, known) or f"the keys here are {', '.join(known)}"


def _suggest(name: str, known: Iterable[str]) -> str | None:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"did you mean {_quoted(close[0])}?" if close else None


STAND_INS = {"pbx": ("id", "broken-{}"), "seat": ("device", "broken/{}")}
"""What stands for the key without which nothing about a PBX or a seat can be checked."""


def leave_out(data: dict[str, Any], path: tuple[int | str, ...]) -> KeyPath:
    """Take what cannot be used out of ``data``; its path, or () when it is not there."""
    match path:
        case ("pbx" | "seat" as section, int(index), key) if key == STAND_INS[section][0]:
            data[section][index][key] = STAND_INS[section][1].format(index)
            return path
        case ("pbx" | "seat" as section, int(index)):
            data[section][index] = {}
            return path
        case (*around, int()):
            return leave_out(data, tuple(around))
    *around, last = path
    parent: Any = data
    for part in around:
        try:
            parent = parent[part]
        except (LookupError, TypeError):
            return ()
    if not isinstance(parent, dict) or last not in parent:
        return ()
    del parent[last]
    return path


# --- mistakes of sense -----------------------------------------------------------------------

Rule = tuple[str, str]
_BELOW: tuple[tuple[Rule, Literal["<", "<="], Rule], ...] = (
    (("ring", "on_s"), "<", ("ring", "cycle_s")),
    (("hold", "warn_s"), "<", ("hold", "max_s")),
    (("hold", "max_s"), "<=", ("hold", "escalate_s")),
    (("hold", "max_s"), "<=", ("hold", "sum_max_s")),
    (("consult", "warn_s"), "<", ("consult", "max_s")),
    (("waiting", "warn_s"), "<", ("waiting", "max_s")),
)


def check_settings(settings: Settings, source: TomlFile) -> Iterator[Problem]:
    """What the types cannot say about ``agentd.toml``."""
    yield from _check_rules(settings, source)
    yield from _check_pbxs(settings, source)
    yield from _check_web(settings, source)
    yield from _check_surge(settings, source)
    engine = settings.engine
    if engine.event_lag_s >= engine.settle_s:
        yield place(
            source,
            ("engine", "event_lag_s"),
            f"{_show(engine.event_lag_s)} is not below engine.settle_s ({_show(engine.settle_s)})",
            "the default is 0.05",
        )


def _check_surge(settings: Settings, source: TomlFile) -> Iterator[Problem]:
    for name in ("waiting", "longest_wait_s", "service_level"):
        steps = getattr(settings.surge, name)
        path: KeyPath = ("surge", name)
        if steps is None or source.is_broken(path) or is_steps(name, steps):
            continue
        order = "descending" if name == "service_level" else "ascending"
        default = type(settings.surge).model_fields[name].get_default()
        yield place(
            source,
            path,
            f"{_show(steps)} are not {LEVELS} {order} numbers above 0",
            f'one for each level, such as {_show(default)}; or "off"',
        )


def _check_web(settings: Settings, source: TomlFile) -> Iterator[Problem]:
    web = settings.web
    files = {"tls_cert_file": web.tls_cert_file, "tls_key_file": web.tls_key_file}
    for name, other in (tuple(files), tuple(reversed(files))):
        if files[name] is not None and files[other] is None:
            yield place(
                source,
                ("web", name),
                f"is of no use without {other}",
                "name both in the same [web], or remove this line",
            )
    if not _is_loopback(web.host) and not all(files.values()):
        yield place(
            source,
            ("web", "host"),
            f'"{web.host}" can be reached from other machines, and without TLS passwords would '
            "cross the network in plain text",
            'name tls_cert_file and tls_key_file, or write "127.0.0.1" and publish it by a reverse '
            "proxy with https or an SSH tunnel",
        )
    if web.session_idle_s > web.session_max_s:
        yield place(
            source,
            ("web", "session_idle_s"),
            f"{_show(web.session_idle_s)} is longer than web.session_max_s "
            f"({_show(web.session_max_s)}), so it would never end a login",
            "make it shorter, or the other longer",
        )


def _check_rules(settings: Settings, source: TomlFile) -> Iterator[Problem]:
    base: KeyPath = ("rules",)
    scopes: list[list[tuple[KeyPath, RuleSections]]] = [[(base, settings.rules)]]
    groups = [(("group", name), section) for name, section in settings.group.items()]
    queues = [(("queue", name), section) for name, section in settings.queue.items()]
    scopes += [[*scopes[0], group] for group in groups]
    scopes += [[*scopes[0], queue] for queue in queues]
    scopes += [[*scopes[0], group, queue] for group in groups for queue in queues]
    seen: set[Problem] = set()
    for layers in scopes:
        for problem in _check_layers(layers, source):
            if problem not in seen:
                seen.add(problem)
                yield problem
    for name, section in settings.group.items():
        yield from _check_group(name, section, source)


def _check_layers(
    layers: list[tuple[KeyPath, RuleSections]], source: TomlFile
) -> Iterator[Problem]:
    """Numbers of one resolved policy that contradict each other, told at the last one set."""
    policy = Policy()
    origin: dict[Rule, int] = {}
    for depth, (_, sections) in enumerate(layers):
        for rule, value in rules_set(sections):
            policy = replace(policy, **{POLICY_FIELDS[rule]: value})
            origin[rule] = depth

    def path(rule: Rule) -> KeyPath:
        return *layers[origin.get(rule, 0)][0], *rule

    def is_broken(rule: Rule) -> bool:
        return any(source.is_broken((*base, *rule)) for base, _ in layers)

    for low, relation, high in _BELOW:
        low_value = getattr(policy, POLICY_FIELDS[low])
        high_value = getattr(policy, POLICY_FIELDS[high])
        if high_value is None or low_value < high_value or is_broken(low) or is_broken(high):
            continue
        if relation == "<=" and low_value == high_value:
            continue
        # Whoever set only one of the two is told about that one.
        if origin.get(high, -1) > origin.get(low, -1):
            word = "above" if relation == "<" else "at least"
            what = f"{_show(high_value)} is not {word} {spell(path(low))} ({_show(low_value)})"
            yield place(source, path(high), what, f"write more, or lower {spell(path(low))}")
        else:
            word = "below" if relation == "<" else "at most"
            what = f"{_show(low_value)} is not {word} {spell(path(high))} ({_show(high_value)})"
            yield place(source, path(low), what, f"write less, or raise {spell(path(high))}")
    remind, due = ("work_order", "remind_s"), ("work_order", "due_s")
    reminders = policy.order_remind_s
    if is_broken(remind) or is_broken(due):
        return
    if any(earlier >= later for earlier, later in pairwise(reminders)):
        yield place(
            source, path(remind), f"{_show(reminders)} does not ascend", "sort it, each once"
        )
    if reminders and max(reminders) >= policy.order_due_s:
        told = due if origin.get(due, -1) > origin.get(remind, -1) else remind
        yield place(
            source,
            path(told),
            f"a reminder at {_show(max(reminders))} s would come no earlier than the limit of "
            f"{_show(policy.order_due_s)} s",
            f"every number of {spell(path(remind))} is below {spell(path(due))}",
        )


def _check_group(name: str, section: GroupSection, source: TomlFile) -> Iterator[Problem]:
    for rule, _ in rules_set(section):
        if rule in QUEUE_ONLY:
            yield place(
                source,
                ("group", name, *rule),
                "cannot differ by seat group: it is about callers whom no seat has yet",
                f"set rules.{'.'.join(rule)}, or queue.NAME.{'.'.join(rule)}",
            )


def _check_pbxs(settings: Settings, source: TomlFile) -> Iterator[Problem]:
    if not settings.pbx:
        yield place(source, ("pbx",), "names no PBX", "add a [[pbx]] section with an id")
    seen: dict[str, str] = {}
    for index, pbx in enumerate(settings.pbx):
        # Ids that differ only here would share one environment variable for their secrets.
        key = pbx.id.upper().replace("-", "_")
        if key in seen:
            yield place(
                source,
                ("pbx", index, "id"),
                f'"{pbx.id}" is too like the id "{seen[key]}" of an earlier [[pbx]]',
                "give every PBX an id of its own",
            )
        seen.setdefault(key, pbx.id)
        for name in ("tls_ca_file", "tls_server_name"):
            if getattr(pbx, name) is not None and not pbx.tls:
                yield place(
                    source,
                    ("pbx", index, name),
                    "has no effect without TLS",
                    "set tls = true in the same [[pbx]], or remove this line",
                )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_seats(
    settings: Settings, source: TomlFile, seats: SeatsFile, seats_source: TomlFile
) -> Iterator[Problem]:
    """What the types cannot say about ``seats.toml``, alone and together with ``agentd.toml``."""
    ids = [pbx.id for pbx in settings.pbx]
    ids_known = not any(path[0] == "pbx" for path in source.broken)
    seen: set[tuple[str, str]] = set()
    for index, seat in enumerate(seats.seat):
        path: KeyPath = ("seat", index)
        if ids_known and seat.pbx is None and len(ids) > 1:
            yield place(
                seats_source, (*path, "pbx"), "is missing", f"write one of {', '.join(ids)}"
            )
        if ids_known and seat.pbx is not None and seat.pbx not in ids:
            yield place(
                seats_source,
                (*path, "pbx"),
                f'there is no PBX "{seat.pbx}" in {source.name}',
                _suggest(seat.pbx, ids) or f"write one of {', '.join(ids)}",
            )
        if "/" not in seat.device or seat.device.startswith("Local/"):
            yield place(
                seats_source,
                (*path, "device"),
                f'"{seat.device}" is not a phone',
                'write it as Asterisk does, like "PJSIP/1001"',
            )
        key = (seat.pbx or ids[0] if ids else "", seat.device)
        if key in seen:
            yield place(
                seats_source,
                (*path, "device"),
                f'"{seat.device}" stands in an earlier [[seat]] too',
                "make one of the two",
            )
        seen.add(key)
    if seats_source.broken:
        # Who is in which group may be among what cannot be read.
        return
    groups = {seat.group for seat in seats.seat if seat.group is not None}
    for name in settings.group:
        if name not in groups:
            yield place(
                source,
                ("group", name),
                f'no seat is in group "{name}", so these rules would judge nobody',
                _suggest(name, groups) or f'write group = "{name}" with its seats in seats.toml',
            )
