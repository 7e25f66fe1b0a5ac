"""What is sent and what the OpenAPI document says are made from the same structs."""

from __future__ import annotations

import json
from typing import Any, get_args, get_type_hints

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET, Struct, UnsetType
from pydantic import TypeAdapter, ValidationError

from agentd.call_records import Leg
from agentd.core.order_model import (
    Complete,
    Edit,
    MakePromise,
    PersonCommand,
    Reply,
    SystemCommand,
    WorkOrder,
)
from agentd.http_form import Form
from agentd.http_json import encode, from_model, json_name, micros, model_of, to_json, union_of
from agentd.http_shift import Inbox
from agentd.ports.desk import Duty, JudgedViolation

COMMANDS: tuple[type[Struct], ...] = get_args(PersonCommand)
BODIES: TypeAdapter[Any] = TypeAdapter(union_of(COMMANDS, "do"))

US = st.integers(0, 4_102_444_800_000_000)


def values(hint: Any, name: str = "") -> st.SearchStrategy[Any]:
    """Anything that fits ``hint``; what is named ``*_us`` is a time."""
    if hint is int and name.endswith("_us"):
        return US
    if hint is int:
        return st.integers(-1_000_000_000, 1_000_000_000)
    if hint is str:
        return st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
    if hint is Any:
        return st.none() | st.integers(0, 9) | st.just("x")
    if isinstance(hint, type) and issubclass(hint, Struct):
        return st.builds(
            hint,
            **{
                field: values(inner, field)
                for field, inner in get_type_hints(hint).items()
                if field in hint.__struct_fields__
            },
        )
    args = get_args(hint)
    origin = getattr(hint, "__origin__", None)
    if origin is tuple and args[-1] is Ellipsis:
        return st.lists(values(args[0], name), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*(values(arg, name) for arg in args))
    if origin is dict:
        return st.dictionaries(st.sampled_from("abc"), values(args[1], name), max_size=2)
    if origin is list:
        return st.lists(values(args[0], name), max_size=2)
    if args and origin is None:
        return st.one_of(*(values(arg, name) for arg in args if arg is not UnsetType))
    return st.from_type(hint)


@pytest.mark.parametrize("struct", [WorkOrder, Leg, JudgedViolation, Duty, Inbox])
@settings(max_examples=20)
@given(data=st.data())
def test_what_is_sent_is_what_the_model_says(struct: type[Struct], data: st.DataObject) -> None:
    value = data.draw(values(struct))
    plain = json.loads(encode(value))
    assert plain == json.loads(json.dumps(to_json(value)))
    model_of(struct).model_validate(plain, strict=True)
    assert set(plain) == {json_name(name) for name in struct.__struct_fields__}


def test_times_are_seconds_and_labels_are_pairs_by_language() -> None:
    assert json_name("opened_us") == "opened_at"
    assert json_name("at_us") == "at"
    assert json_name("talk_us") == "talk_s"
    assert json_name("call_back_within_s") == "call_back_within_s"
    order = to_json(
        WorkOrder("o", "main", "call", "c", 1, "open", 1_500_000, 2_000_000, due_us=None)
    )
    assert order["opened_at"] == 1.5
    assert order["due_at"] is None
    assert order["fields"] == {}
    assert "opened_us" not in order
    label = model_of(Form).model_json_schema()["$defs"]["Unit"]["properties"]["label"]
    assert label == {"$ref": "#/$defs/Text"}


# --- commands -----------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_the_body_of_every_command_has_the_commands_own_fields(command: type[Struct]) -> None:
    """The model cannot drift from the core: same tag, same fields, same ones required."""
    schema = model_of(command, "body").model_json_schema()
    info = msgspec.inspect.type_info(command)
    assert isinstance(info, msgspec.inspect.StructType)
    assert schema["properties"]["do"]["const"] == info.tag
    assert set(schema["properties"]) == {"do", *(json_name(field.name) for field in info.fields)}
    assert set(schema["required"]) == {
        "do",
        *(json_name(field.name) for field in info.fields if field.required),
    }
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize("command", COMMANDS)
@settings(max_examples=20)
@given(data=st.data())
def test_a_command_comes_through_as_it_was_meant(
    command: type[Struct], data: st.DataObject
) -> None:
    meant = data.draw(values(command))
    body = {
        json_name(name): item
        for name, item in ((name, getattr(meant, name)) for name in command.__struct_fields__)
        if item is not UNSET
    }
    sent = {"do": command.__struct_config__.tag} | {
        name: to_json(value) if not name.endswith("_at") or value is None else value / 1_000_000
        for name, value in body.items()
    }
    came: Any = from_model(BODIES.validate_json(json.dumps(sent)), PersonCommand)
    assert came == meant


def test_what_is_left_out_of_an_edit_is_left_alone() -> None:
    edit: Any = from_model(BODIES.validate_python({"do": "edit"}), PersonCommand)
    assert edit == Edit()
    assert edit.category is UNSET
    emptied: Any = from_model(
        BODIES.validate_python({"do": "complete", "category": None, "reply": None}), PersonCommand
    )
    assert emptied == Complete(category=None, reply=None)
    reply: Any = from_model(
        BODIES.validate_python({"do": "edit", "reply": {"mode": "direct"}}), PersonCommand
    )
    assert reply.reply == Reply("direct")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"do": "nothing"},
        {"do": "urgent", "by": "somebody else"},
        {"do": "edit", "version": 1},
        {"do": "edit", "own_service": "yes"},
        {"do": "edit", "own_service": None},
        {"do": "edit", "fields": {"place": 1}},
        {"do": "edit", "fields": {str(n): "" for n in range(501)}},
        {"do": "edit", "reply": {"mode": "shout"}},
        {"do": "note"},
        {"do": "note", "text": "x" * 10_001},
        {"do": "promise", "text": "", "due_us": 1},
        {"do": "promise", "text": "", "due_at": "soon"},
        {"do": "promise", "text": "", "due_at": float("inf")},
        {"do": "promise", "text": "", "due_at": float("nan")},
        {"do": "promise", "text": "", "due_at": -1},
        {"do": "promise", "text": "", "due_at": 1e300},
        {"do": "revisit", "satisfaction": 10**30},
        {"do": "revisit", "satisfaction": 4.5},
        {"do": "revisit", "satisfaction": True},
        *({"do": c.__struct_config__.tag} for c in get_args(SystemCommand)),
    ],
)
def test_other_bodies_are_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        BODIES.validate_python(body)


def test_a_moment_is_exact_to_the_microsecond() -> None:
    promised: Any = from_model(
        BODIES.validate_python({"do": "promise", "text": "t", "due_at": 1_795_404_847.123457}),
        PersonCommand,
    )
    assert promised == MakePromise("t", 1_795_404_847_123_457)


@given(US)
def test_times_survive_the_way_out_and_back(us: int) -> None:
    assert micros(json.loads(json.dumps(us / 1_000_000))) == us


def test_text_that_cannot_be_sent_becomes_question_marks() -> None:
    assert json.loads(encode({"a\ud800": ["b\udfff"]})) == {"a?": ["b?"]}
