"""agentd.toml and seats.toml: read, checked, explained; the shipped files and the model agree."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from agentd.config import Config, Settings, load_config, secret_variable
from agentd.config.model import (
    POLICY_FIELDS,
    PbxSection,
    QueueSection,
    ReportSection,
    RuleSections,
    SeatSection,
)
from agentd.config.toml_source import key_lines
from agentd.core.metric_windows import DailyShift
from agentd.core.policy import Policy, SeatConfig
from agentd.core.surge import SurgeLimits, SurgeRules
from agentd.errors import ConfigError, Problem

SHIPPED = Path(__file__).parents[2] / "config"


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith("AGENTD_"):
            monkeypatch.delenv(name)


def load(folder: Path, text: str, seats: str | None = None, *, secrets: bool = False) -> Config:
    (folder / "agentd.toml").write_text(text, encoding="utf-8")
    if seats is not None:
        (folder / "seats.toml").write_text(seats, encoding="utf-8")
    return load_config(folder / "agentd.toml", secrets=secrets)


def problems(
    folder: Path, text: str, seats: str | None = None, *, secrets: bool = False
) -> list[Problem]:
    with pytest.raises(ConfigError) as caught:
        load(folder, text, seats, secrets=secrets)
    return list(caught.value.problems)


def places(found: list[Problem]) -> list[tuple[int | None, str]]:
    return [(problem.line, problem.key) for problem in found]


# --- defaults and overrides --------------------------------------------------------------------


def test_without_a_file_everything_has_its_default() -> None:
    config = load_config(secrets=False)
    assert config.pbx_ids == ("pbx",)
    assert config.policy_book("pbx").default == Policy()
    assert config.policy_book("pbx").seats == ()


def test_every_policy_field_has_exactly_one_key() -> None:
    assert sorted(POLICY_FIELDS.values()) == sorted(Policy.__struct_fields__)
    keys = [
        (section, key)
        for section, field in RuleSections.model_fields.items()
        for key in field.annotation.model_fields  # type: ignore[union-attr]
    ]
    assert sorted(keys) == sorted(POLICY_FIELDS)


def test_the_keys_defaults_are_the_policys() -> None:
    default = RuleSections()
    for (section, key), field in POLICY_FIELDS.items():
        value = getattr(getattr(default, section), key)
        assert (tuple(value) if isinstance(value, list) else value) == getattr(Policy(), field)


def test_queue_and_group_change_only_what_they_say(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        """
        [rules.hold]
        max_s = 40
        [queue.hotline]
        label = "热线"
        ring.max_rings = 3
        hold.sum_max_s = 90
        [group.newcomers]
        ring.max_rings = 4
        wrap_up.duration_s = 60
        work_order.remind_s = [100]
        """,
        '[[seat]]\ndevice = "PJSIP/1001"\ngroup = "newcomers"\nplace = 3\nlabel = "一号席"\n',
    )
    book = config.policy_book("pbx")
    assert book.queue_labels == {"hotline": "热线"}
    assert book.resolve("sales", None).hold_max_s == 40
    both = book.resolve("hotline", "newcomers")
    assert (both.ring_max, both.hold_sum_max_s, both.wrap_up_s, both.hold_max_s) == (3, 90, 60, 40)
    assert both.order_remind_s == (100.0,)
    assert book.seats == (
        SeatConfig(device="PJSIP/1001", label="一号席", group="newcomers", place=3),
    )


def test_off_takes_a_limit_away_again(tmp_path: Path) -> None:
    config = load(tmp_path, "[rules.consult]\nmax_s = 60\n[queue.hotline]\nconsult.max_s = 'off'\n")
    book = config.policy_book("pbx")
    assert book.resolve(None, None).consult_max_s == 60
    assert book.resolve("hotline", None).consult_max_s is None


def test_seats_go_to_their_own_pbx(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        '[[pbx]]\nid = "a"\n[[pbx]]\nid = "b"\n',
        '[[seat]]\npbx = "b"\ndevice = "PJSIP/1"\n[[seat]]\npbx = "a"\ndevice = "PJSIP/1"\n'
        '[[seat]]\npbx = "b"\ndevice = "PJSIP/2"\nqueueless = true\n',
    )
    assert [seat.device for seat in config.policy_book("a").seats] == ["PJSIP/1"]
    assert [seat.queueless for seat in config.policy_book("b").seats] == [False, True]


def test_the_environment_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTD_WEB__PORT", "9000")
    monkeypatch.setenv("AGENTD_RULES__HOLD__MAX_S", "25.5")
    monkeypatch.setenv("AGENTD_WEB__LANGUAGE", "en")
    config = load(tmp_path, "[web]\nport = 8000\n[rules.hold]\nwarn_s = 10\n")
    assert (config.web.port, config.web.language) == (9000, "en")
    policy = config.policy_book("pbx").default
    assert (policy.hold_warn_s, policy.hold_max_s) == (10, 25.5)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    assert load(tmp_path, '[store]\npath = "a.db"').store_path == tmp_path / "a.db"
    assert load(tmp_path, '[store]\npath = "/srv/a.db"').store_path == Path("/srv/a.db")


# --- mistakes ----------------------------------------------------------------------------------


def test_all_mistakes_are_told_at_once_with_file_line_key_and_mend(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        """\
[[pbx]]
id = "main"
prot = 5038
[rules.hold]
max_s = "30"
[rules.ring]
max_rings = 0
""",
        '[[seat]]\nplace = 1\n[[seat]]\ndevice = "PJSIP/1"\nplac = 2\n',
    )
    config, seats = str(tmp_path / "agentd.toml"), str(tmp_path / "seats.toml")
    assert [(p.file, p.line, p.key) for p in found] == [
        (config, 3, "pbx[0].prot"),
        (config, 5, "rules.hold.max_s"),
        (config, 7, "rules.ring.max_rings"),
        (seats, 1, "seat[0].device"),
        (seats, 5, "seat[1].plac"),
    ]
    assert found[0].mend == "did you mean port?"
    assert found[1].what == 'must be a number, is "30"'
    assert found[2].what == "must be at least 1, is 0"
    assert found[3].what == "is missing"
    assert found[4].mend == "did you mean place?"
    assert str(found[0]) == (f"{config}:3: pbx[0].prot: there is no such key; did you mean port?")


def test_mistakes_of_sense_are_told_beside_mistakes_of_form(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        """\
pbx = [{id = "a b"}, {id = 7}, 3]
[web]
prot = 1
host = "0.0.0.0"
[rules.hold]
warn_s = 40
[rules.consult]
warn_s = 50
max_s = "40"
[engine]
internal_devices = [1, 2]
[rules.work_order]
due_s = 700
remind_s = ["x"]
[queue.q]
id = 3
""",
        '[[seat]]\ndevice = 1\n[[seat]]\ndevice = "1001"\nlabel = 3\n[[seat]]\n',
        secrets=True,
    )
    assert places(found) == [
        (1, "pbx[0].id"),
        (1, "pbx[1].id"),
        (1, "pbx[2]"),
        (3, "web.prot"),
        (4, "web.host"),
        (6, "rules.hold.warn_s"),
        (9, "rules.consult.max_s"),
        (11, "engine.internal_devices[0]"),
        (11, "engine.internal_devices[1]"),
        (14, "rules.work_order.remind_s[0]"),
        (16, "queue.q.id"),
        (2, "seat[0].device"),
        (4, "seat[1].device"),
        (5, "seat[1].label"),
        (6, "seat[2].device"),
    ]


def test_a_number_that_cannot_be_read_is_compared_with_nothing(tmp_path: Path) -> None:
    found = problems(
        tmp_path, "[rules.hold]\nwarn_s = 40\nmax_s = '60'\n[queue.q]\nhold.warn_s = 45\n"
    )
    assert places(found) == [(3, "rules.hold.max_s")]


@pytest.mark.parametrize(
    ("text", "line", "key", "says"),
    [
        ("[rules.hold]\nwarn_s = 30", 2, "rules.hold.warn_s", "not below rules.hold.max_s (30)"),
        ("[rules.hold]\nmax_s = 15", 2, "rules.hold.max_s", "not above rules.hold.warn_s (20)"),
        (
            "[rules.hold]\nescalate_s = 25",
            2,
            "rules.hold.escalate_s",
            "not at least rules.hold.max_s (30)",
        ),
        ("[rules.hold]\nsum_max_s = 20", 2, "rules.hold.sum_max_s", "not at least"),
        ("[rules.consult]\nmax_s = 30", 2, "rules.consult.max_s", "not above"),
        ("[rules.ring]\non_s = 5", 2, "rules.ring.on_s", "not below rules.ring.cycle_s (5)"),
        ("[rules.waiting]\nmax_s = 1", 2, "rules.waiting.max_s", "not above"),
        ("[rules.work_order]\nremind_s = [5, 5]", 2, "rules.work_order.remind_s", "ascend"),
        ("[rules.work_order]\ndue_s = 700", 2, "rules.work_order.due_s", "reminder at 780 s"),
        ("[rules.work_order]\nremind_s = [900]", 2, "rules.work_order.remind_s", "900 s"),
        ("[queue.a]\nlabel='A'\nhold.warn_s = 40", 3, "queue.a.hold.warn_s", "rules.hold.max_s"),
        ('[queue."a b"]\nhold.max_s = 9', 2, 'queue."a b".hold.max_s', "not above"),
        ("[rules.ring]\nbasis = 'x'", 2, "rules.ring.basis", "'before_next_ring' or 'end_of_ring'"),
        ("[rules.ring]\ncycle_s = true", 2, "rules.ring.cycle_s", "a number, is true"),
        ("[rules.ring]\ncycle_s = inf", 2, "rules.ring.cycle_s", "is inf"),
        ("[rules.ring]\nmax_rings = 1.5", 2, "rules.ring.max_rings", "whole number, is 1.5"),
        ("[rules.hold]\nsum_max_s = 'on'", 2, "rules.hold.sum_max_s", 'a number or "off"'),
        ("[rule.hold]\nmax_s = 3", 1, "rule", "did you mean rules?"),
        ("[rules]\nhold = 3", 2, "rules.hold", "must be a section, is 3"),
        ("[web]\nport = 70000", 2, "web.port", "at most 65535"),
        ("[web]\nhost = '0.0.0.0'", 2, "web.host", "in plain text"),
        ("[web]\nhost = '192.168.1.5'", 2, "web.host", "in plain text"),
        ("[web]\nhost = 'board.example.org'", 2, "web.host", "in plain text"),
        (
            "[web]\ntls_cert_file = 'a.pem'",
            2,
            "web.tls_cert_file",
            "of no use without tls_key_file",
        ),
        ("[web]\ntls_key_file = 'a.key'", 2, "web.tls_key_file", "of no use without tls_cert_file"),
        ("[web]\nsession_idle_s = 99999", 2, "web.session_idle_s", "would never end a login"),
        ("[engine]\nevent_lag_s = 2", 2, "engine.event_lag_s", "not below engine.settle_s (2)"),
        ("[engine]\ninternal_devices = [1]", 2, "engine.internal_devices[0]", "text in quotes"),
        ("[log]\nlevel = 'loud'", 2, "log.level", "'debug', 'info', 'warning' or 'error'"),
        ("[[pbx]]\nid = 'a'\nsecret = 'x'", 3, "pbx[0].secret", "AGENTD_PBX_<ID>_SECRET"),
        ("[[pbx]]\nid = 'a b'", 2, "pbx[0].id", "letters, digits, - and _"),
        ("[[pbx]]\nid = 'a-b'\n[[pbx]]\nid = 'A_b'", 4, "pbx[1].id", "too like"),
        ("pbx = []", 1, "pbx", "names no PBX"),
        ("[[pbx]]\nid = 'a'\ntls_server_name = 'b'", 3, "pbx[0].tls_server_name", "without TLS"),
        ("[group.a]\nring.max_rings = 3", 1, "group.a", 'no seat is in group "a"'),
        ("seats_file = 3", 1, "seats_file", "must be text in quotes"),
    ],
)
def test_each_mistake_names_its_place_and_the_mend(
    tmp_path: Path, text: str, line: int, key: str, says: str
) -> None:
    found = problems(tmp_path, text)
    assert places(found) == [(line, key)]
    assert says in str(found[0])
    assert found[0].mend


def test_with_tls_other_machines_may_connect(tmp_path: Path) -> None:
    files = "tls_cert_file = 'a.pem'\ntls_key_file = 'a.key'\n"
    assert load(tmp_path, f"[web]\nhost = '0.0.0.0'\n{files}").web.host == "0.0.0.0"


def test_numbers_that_meet_only_when_group_and_queue_come_together(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        "[group.a]\nhold.warn_s = 25\n[queue.q]\nhold.max_s = 24\n",
        '[[seat]]\ndevice = "PJSIP/1"\ngroup = "a"\n',
    )
    assert places(found) == [(4, "queue.q.hold.max_s")]
    assert "group.a.hold.warn_s (25)" in found[0].what


def test_a_rule_about_callers_cannot_differ_by_group(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        "[group.a]\nwaiting.warn_s = 5\nwork_order.missed_due_s = 60\n",
        '[[seat]]\ndevice = "PJSIP/1"\ngroup = "a"\n',
    )
    assert places(found) == [(2, "group.a.waiting.warn_s"), (3, "group.a.work_order.missed_due_s")]


@pytest.mark.parametrize(
    ("seats", "line", "key", "says"),
    [
        ('[[seat]]\ndevice = "PJSIP/1"\npbx = "mian"', 3, "seat[0].pbx", "did you mean main?"),
        ('[[seat]]\ndevice = "1001"', 2, "seat[0].device", '"PJSIP/1001"'),
        ('[[seat]]\ndevice = "Local/1@agents/n"', 2, "seat[0].device", "not a phone"),
        ('[[seat]]\ndevice = "PJSIP/1"\n[[seat]]\ndevice = "PJSIP/1"\npbx = "main"', 4,
         "seat[1].device", "earlier"),
    ],
)  # fmt: skip
def test_mistakes_in_the_seats_file(
    tmp_path: Path, seats: str, line: int, key: str, says: str
) -> None:
    found = problems(tmp_path, '[[pbx]]\nid = "main"\n', seats)
    assert places(found) == [(line, key)]
    assert found[0].file == str(tmp_path / "seats.toml")
    assert says in str(found[0])


def test_with_two_pbxs_every_seat_says_which(tmp_path: Path) -> None:
    found = problems(
        tmp_path, '[[pbx]]\nid = "a"\n[[pbx]]\nid = "b"\n', '[[seat]]\ndevice = "PJSIP/1"\n'
    )
    assert places(found) == [(1, "seat[0].pbx")]


def test_a_seats_file_that_is_named_must_exist(tmp_path: Path) -> None:
    found = problems(tmp_path, 'seats_file = "people.toml"\n[web]\nprot = 1\n')
    assert {problem.file for problem in found} == {
        str(tmp_path / "people.toml"),
        str(tmp_path / "agentd.toml"),
    }


def test_a_mistake_in_the_environment_names_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTD_WEB__PORT", "many")
    found = problems(tmp_path, "[web]\nport = 8000\n")
    assert (found[0].file, found[0].line, found[0].key) == ("AGENTD_WEB__PORT", None, "web.port")


@pytest.mark.parametrize(
    ("raw", "line", "says"),
    [
        (b"[web]\nport = \n", 2, "is not TOML"),
        (b"[web]\nport = 1\nport = 2\n", 3, "is not TOML"),
        (b"a = 1\n\xff\n", 2, "not UTF-8"),
        (b'a = """\n\n', 3, "is not TOML"),
    ],
)
def test_a_file_that_is_not_toml(tmp_path: Path, raw: bytes, line: int, says: str) -> None:
    path = tmp_path / "agentd.toml"
    path.write_bytes(raw)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    (problem,) = caught.value.problems
    assert problem.line == line
    assert says in problem.what


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: there is no such file"):
        load_config(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="is a directory"):
        load_config(tmp_path)


# --- secrets -----------------------------------------------------------------------------------


def test_the_secret_comes_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTD_PBX_NORTH_2_SECRET", "s3cret")
    config = load(tmp_path, '[[pbx]]\nid = "north-2"\ntls = true\n', secrets=True)
    access = config.access("north-2")
    assert (access.secret, access.port) == ("s3cret", 5039)
    assert "s3cret" not in repr(access)


def test_the_secret_comes_from_a_private_file(tmp_path: Path) -> None:
    file = tmp_path / "main.secret"
    file.write_text("wörd\n", encoding="utf-8")
    file.chmod(0o600)
    config = load(tmp_path, '[[pbx]]\nid = "main"\nsecret_file = "main.secret"\n', secrets=True)
    assert config.access("main").secret == "wörd"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_secret_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "main.secret"
    file.write_text("word\n", encoding="utf-8")
    file.chmod(mode)
    found = problems(tmp_path, '[[pbx]]\nid = "main"\nsecret_file = "main.secret"\n', secrets=True)
    assert places(found) == [(3, "pbx[0].secret_file")]
    assert f"mode {mode:04o}" in found[0].what
    assert found[0].mend == f"run: chmod 600 {file}"


@pytest.mark.parametrize("content", [b"", b"\n", b"one\ntwo\n", b"\xff\n"])
def test_a_secret_file_holds_one_line(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "main.secret"
    file.write_bytes(content)
    file.chmod(0o600)
    found = problems(tmp_path, '[[pbx]]\nid = "main"\nsecret_file = "main.secret"\n', secrets=True)
    assert places(found) == [(3, "pbx[0].secret_file")]


def test_a_missing_secret_names_the_variable(tmp_path: Path) -> None:
    text = '[[pbx]]\nid = "main"\n[[pbx]]\nid = "b"\nsecret_file = "none"\n'
    found = problems(tmp_path, text, secrets=True)
    assert places(found) == [(1, "pbx[0].secret_file"), (5, "pbx[1].secret_file")]
    assert "AGENTD_PBX_MAIN_SECRET" in found[0].mend
    assert load(tmp_path, text).pbx_ids == ("main", "b")
    assert secret_variable("north-2") == "AGENTD_PBX_NORTH_2_SECRET"


def test_a_missing_certificate_file_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTD_PBX_MAIN_SECRET", "x")
    text = '[[pbx]]\nid = "main"\ntls = true\ntls_ca_file = "ca.pem"\n'
    assert places(problems(tmp_path, text, secrets=True)) == [(4, "pbx[0].tls_ca_file")]


# --- the broker --------------------------------------------------------------------------------

ONE_PBX = '[[pbx]]\nid = "main"\n'


@pytest.fixture
def main_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTD_PBX_MAIN_SECRET", "x")


@pytest.mark.usefixtures("main_secret")
def test_without_a_host_there_is_no_broker(tmp_path: Path) -> None:
    assert (
        load(tmp_path, ONE_PBX + "[mqtt]\nmask_numbers = false\n", secrets=True).mqtt_access is None
    )


@pytest.mark.usefixtures("main_secret")
def test_the_brokers_password_comes_from_the_environment_or_a_private_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mqtt.password"
    file.write_text("from-file\n", encoding="utf-8")
    file.chmod(0o600)
    text = (
        ONE_PBX
        + '[mqtt]\nhost = "b"\ntls = true\nusername = "u"\npassword_file = "mqtt.password"\n'
    )
    broker = load(tmp_path, text, secrets=True).mqtt_access
    assert broker is not None
    assert (broker.host, broker.port, broker.password) == ("b", 8883, "from-file")
    monkeypatch.setenv("AGENTD_MQTT_PASSWORD", "from-outside")
    broker = load(tmp_path, text, secrets=True).mqtt_access
    assert broker is not None
    assert broker.password == "from-outside"
    assert "from-outside" not in repr(broker)


@pytest.mark.usefixtures("main_secret")
def test_a_broker_without_login_and_its_default_port(tmp_path: Path) -> None:
    broker = load(tmp_path, ONE_PBX + '[mqtt]\nhost = "b"\n', secrets=True).mqtt_access
    assert broker is not None
    assert (broker.port, broker.username, broker.password) == (1883, None, None)


@pytest.mark.usefixtures("main_secret")
@pytest.mark.parametrize(
    ("text", "line", "key", "says"),
    [
        ('host = "b"\npassword = "x"', 5, "mqtt.password", "AGENTD_MQTT_PASSWORD"),
        ('host = "b"\nusername = "u"', 3, "mqtt.password_file", "AGENTD_MQTT_PASSWORD"),
        ('host = "b"\nusername = "u"\npassword_file = "no"', 6, "mqtt.password_file", "No such"),
        (
            'host = "b"\nusername = "u"\npassword_file = "open"',
            6,
            "mqtt.password_file",
            "chmod 600",
        ),
        ('host = "b"\npassword_file = "shut"', 3, "mqtt.username", "no user name"),
        ('host = "b"\ntls_ca_file = "no.pem"', 5, "mqtt.tls_ca_file", "no file"),
        ('username = "u"', 4, "mqtt.username", "no broker"),
        ('topic_prefix = "a/#"', 4, "mqtt.topic_prefix", 'levels separated by one "/"'),
        ('topic_prefix = "/a"', 4, "mqtt.topic_prefix", 'levels separated by one "/"'),
    ],
)
def test_mistakes_about_the_broker(
    tmp_path: Path, text: str, line: int, key: str, says: str
) -> None:
    for name, mode in (("open", 0o644), ("shut", 0o600)):
        (tmp_path / name).write_text("x")
        (tmp_path / name).chmod(mode)
    found = problems(tmp_path, f"{ONE_PBX}[mqtt]\n{text}\n", secrets=True)
    assert places(found) == [(line, key)]
    assert says in str(found[0])


# --- lines of keys -----------------------------------------------------------------------------


def test_every_key_has_its_line() -> None:
    text = """\
# comment = 1
a = 1
b.c = "x # y = 2"

[t]
d = [
  1, # [u]
  {e = 2},
]
f = \"\"\"
g = 3
\"\"\"
[[p]]
h = 1
[p.q]
i = 1
[[p]]
"h k" = 1
[[p.r]]
[[p.r]]
j = {k = {l = 1}}
"""
    lines = key_lines(text)
    assert lines["a",] == 2
    assert lines["b", "c"] == 3
    assert lines["t",] == 5
    assert lines["t", "d"] == lines["t", "d", 1, "e"] == 6
    assert lines["t", "f"] == 10
    assert ("t", "g") not in lines
    assert lines["p", 0, "h"] == 14
    assert lines["p", 0, "q", "i"] == 16
    assert lines["p", 1, "h k"] == 18
    assert lines["p", 1, "r", 1] == 20
    assert lines["p", 1, "r", 1, "j", "k", "l"] == 21


# --- the shipped files -------------------------------------------------------------------------


def keys_of(model: type[BaseModel]) -> set[str]:
    return set(model.model_fields)


def in_use(path: Path) -> str:
    """The file with every example line in use; one that repeats the key above it wins."""
    lines = path.read_text(encoding="utf-8").split("\n")
    for index, line in enumerate(lines):
        if re.match(r"#\S", line):
            lines[index] = line[1:]
            if lines[index - 1].startswith(f"{line[1:].partition(' = ')[0]} = "):
                lines[index - 1] = ""
    return "\n".join(lines)


def test_the_shipped_file_says_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTD_PBX_PBX_SECRET", "x")
    shipped, default = load_config(SHIPPED / "agentd.toml"), load_config()
    assert shipped.policy_book("pbx") == default.policy_book("pbx")
    assert shipped.access("pbx") == default.access("pbx")
    assert shipped.store_path == default.store_path
    assert (shipped.engine, shipped.web, shipped.log) == (default.engine, default.web, default.log)
    assert (shipped.mqtt, shipped.retention) == (default.mqtt, default.retention)
    assert shipped.mqtt_access is None


def test_every_key_is_in_the_shipped_file_and_every_key_there_is_real() -> None:
    data: dict[str, Any] = tomllib.loads(in_use(SHIPPED / "agentd.toml"))
    assert set(data) == keys_of(Settings)
    assert set(data["pbx"][0]) == keys_of(PbxSection)
    for section, field in RuleSections.model_fields.items():
        assert set(data["rules"][section]) == keys_of(field.annotation)  # type: ignore[arg-type]
    assert set(data["report"][0]) == keys_of(ReportSection)
    for section in ("engine", "store", "retention", "web", "mqtt", "mail", "reports", "log"):
        annotation = Settings.model_fields[section].annotation
        assert set(data[section]) == keys_of(annotation)  # type: ignore[arg-type]
    for queue in data["queue"].values():
        assert set(queue) <= keys_of(QueueSection)
    seats: dict[str, Any] = tomllib.loads(in_use(SHIPPED / "seats.toml"))
    assert set(seats["seat"][0]) == keys_of(SeatSection)


def test_the_shipped_examples_are_valid(tmp_path: Path) -> None:
    for name in ("agentd.toml", "seats.toml"):
        text = in_use(SHIPPED / name).replace("tls = false", "tls = true")
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "orders.toml").write_text(in_use(SHIPPED / "orders.toml"), encoding="utf-8")
    (tmp_path / "phrases").mkdir()
    for name in ("phrases.zh-CN.toml", "phrases.en.toml"):
        text = in_use(SHIPPED / name)
        (tmp_path / "phrases" / name).write_text(text, encoding="utf-8")
    for name in ("pbx.secret", "mqtt.password", "leaders.secret", "mail.password"):
        (tmp_path / name).write_text("x")
        (tmp_path / name).chmod(0o600)
    for name in ("pbx-ca.pem", "mqtt-ca.pem", "mail-ca.pem"):
        (tmp_path / name).write_text("")
    config = load_config(tmp_path / "agentd.toml")
    assert config.mqtt_access is not None
    assert config.mqtt_access.host == "broker.example.org"
    assert [hook.secret for hook in config.webhooks] == ["x"]
    assert config.mail_access is not None
    assert (config.mail_access.port, config.mail_access.password) == (587, "x")
    assert [(r.id, r.period, r.to) for r in config.mailed] == [
        ("queues-daily", "shift", ["manager@example.org"])
    ]
    assert config.policy_book("pbx").resolve("hotline", "newcomers").hold_max_s == 45
    assert config.policy_book("pbx").numbers == config.form_book.numbers
    assert config.policy_book("pbx").seats[0].agent == "张三"
    assert config.form_book.teams == ("newcomers",)
    assert [unit.key for unit in config.form_book.units] == ["water"]
    assert config.form_book.category("booking", "hotline") is not None
    assert config.form_book.category("booking", "other") is None
    assert [p.key for p in config.phrases.zh.phrases if p.queues] == ["greeting_hotline"]


# --- webhooks ----------------------------------------------------------------------------------

HOOK = ONE_PBX + '[[webhook]]\nid = "team-a"\nurl = "https://chat.example.org/robot?key=1"\n'


@pytest.mark.usefixtures("main_secret")
def test_a_webhooks_secret_comes_from_the_environment_or_a_private_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (hook,) = load(tmp_path, HOOK, secrets=True).webhooks
    assert (hook.id, hook.style, hook.secret, hook.events) == (
        "team-a", "json", None, frozenset({"notice"}),
    )  # fmt: skip
    file = tmp_path / "hook.secret"
    file.write_text("from the file\n")
    file.chmod(0o600)
    (hook,) = load(tmp_path, HOOK + 'secret_file = "hook.secret"\n', secrets=True).webhooks
    assert hook.secret == "from the file"
    # The address of a chat robot is a secret as well.
    assert "key=1" not in repr(hook)
    assert "from the file" not in repr(hook)
    monkeypatch.setenv("AGENTD_WEBHOOK_TEAM_A_SECRET", "from outside")
    (hook,) = load(tmp_path, HOOK + 'secret_file = "hook.secret"\n', secrets=True).webhooks
    assert hook.secret == "from outside"
    assert load(tmp_path, HOOK).webhooks == ()
    file.chmod(0o644)
    monkeypatch.delenv("AGENTD_WEBHOOK_TEAM_A_SECRET")
    found = problems(tmp_path, HOOK + 'secret_file = "hook.secret"\n', secrets=True)
    assert places(found) == [(6, "webhook[0].secret_file")]
    assert "chmod 600" in found[0].mend


@pytest.mark.usefixtures("main_secret")
def test_two_webhooks_are_told_apart(tmp_path: Path) -> None:
    text = HOOK + '[[webhook]]\nid = "team_a"\nurl = "https://chat.example.org/"\n'
    found = problems(tmp_path, text, secrets=True)
    assert places(found) == [(7, "webhook[1].id")]


@pytest.mark.usefixtures("main_secret")
def test_a_robot_that_knows_no_signature_is_given_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTD_WEBHOOK_TEAM_A_SECRET", "x")
    (problem,) = problems(tmp_path, HOOK + 'style = "wecom"\n', secrets=True)
    assert problem.key == "webhook[0].secret_file"
    assert "AGENTD_WEBHOOK_TEAM_A_SECRET" in problem.mend


# --- figures and surges ------------------------------------------------------------------------


def test_days_and_shifts_are_told_in_local_time(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        "[figures]\nday_starts_at = '06:00'\n"
        "shifts = ['08:00-16:00', '22:00-06:00', '16:00-24:00']\n",
    )
    policies = {"pbx": config.policy_book("pbx")}
    book = config.metric_book(policies)
    # 06:00 in China is 22:00 UTC of the day before.
    assert policies["pbx"].day_starts_s == book.day_starts_s == 22 * 3600
    assert book.shifts == (
        DailyShift(0, 8 * 3600),
        DailyShift(14 * 3600, 8 * 3600),
        DailyShift(8 * 3600, 8 * 3600),
    )


def test_metrics_know_pauses_by_every_name_and_the_rules_that_are_on(tmp_path: Path) -> None:
    config = load(tmp_path, "[rules.consult]\nmax_s = 60\n[queue.hotline]\nhold.sum_max_s = 90\n")
    book = config.metric_book({"pbx": config.policy_book("pbx")})
    assert {"consult", "hold_sum"} <= set(book.rules)
    assert not {"consult", "hold_sum"} & set(load_config(secrets=False).metric_book({}).rules)
    for pause in config.form_book.pauses:
        assert {book.pauses[name] for name in (pause.key, *pause.label)} == {pause.kind}


def test_surge_limits_are_read_and_may_be_off(tmp_path: Path) -> None:
    assert load_config(secrets=False).surge_rules == SurgeRules()
    config = load(tmp_path, "[surge]\nwaiting = [1, 2, 3]\nlongest_wait_s = 'off'\ncalm_s = 5\n")
    assert config.surge_rules.of("any") == SurgeLimits((1, 2, 3), ())
    assert config.surge_rules.calm_s == 5


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("waiting = [3, 2, 1]", "surge.waiting"),
        ("waiting = [1, 2]", "surge.waiting"),
        ("waiting = [0, 1, 2]", "surge.waiting"),
        ("service_level = [0.4, 0.6, 0.8]", "surge.service_level"),
        ("service_level = [80, 60, 40]", "surge.service_level[0]"),
        ("calm_s = -1", "surge.calm_s"),
        ("fold_level = 4", "surge.fold_level"),
        ("[figures]\nday_starts_at = '24:00'", "figures.day_starts_at"),
        ("[figures]\nshifts = ['8-16']", "figures.shifts[0]"),
    ],
)
def test_surges_and_shifts_that_are_wrong(tmp_path: Path, text: str, key: str) -> None:
    found = problems(tmp_path, f"[surge]\n{text}\n")
    assert key in [problem.key for problem in found]
    assert all(problem.mend for problem in found)


# --- mail and reports --------------------------------------------------------------------------

MAIL = ONE_PBX + '[mail]\nhost = "mail.example.org"\nsender = "agentd@example.org"\n'
REPORT = '[[report]]\nid = "a"\nperiod = "day"\nby = "queue"\nto = ["boss@example.org"]\n'


@pytest.mark.parametrize(
    ("text", "key", "what"),
    [
        (ONE_PBX + '[mail]\nsender = "a@b.org"\n', "mail.sender", "no mail server"),
        (ONE_PBX + '[mail]\nhost = "m"\n', "mail.sender", "nobody is named"),
        (MAIL + 'password = "x"\n', "mail.password", "AGENTD_MAIL_PASSWORD"),
        (MAIL + 'username = "u"\n', "mail.password_file", "has no password"),
        (MAIL + 'password_file = "p"\n', "mail.password_file", "cannot be read"),
        (MAIL + 'tls_ca_file = "p"\n', "mail.tls_ca_file", "no file"),
        (MAIL.replace("agentd@example.org", "boss"), "mail.sender", "mail address"),
        (ONE_PBX + REPORT, "report[0].to", "no mail server"),
        (MAIL + REPORT + REPORT, "report[1].id", "already"),
        (MAIL + REPORT + 'shift = "08:00-12:00"\n', "report[0].shift", "has no shift"),
        (MAIL + REPORT.replace("day", "shift") + 'shift = "25:00-12:00"\n', "report[0].shift", "s"),
        (
            MAIL + REPORT.replace("day", "shift") + 'shift = "08:00-12:00+11:00-14:00"\n',
            "report[0].shift",
            "overlap",
        ),
        (MAIL + REPORT.replace('"boss@example.org"', ""), "report[0].to", ""),
    ],
)
def test_what_is_wrong_with_mail_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, key: str, what: str
) -> None:
    monkeypatch.setenv("AGENTD_PBX_MAIN_SECRET", "x")
    monkeypatch.delenv("AGENTD_MAIL_PASSWORD", raising=False)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text, secrets=True)
    told = {p.key: f"{p.what} {p.mend}" for p in caught.value.problems}
    assert what in told[key]


def test_a_password_never_crosses_the_network_in_plain_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTD_PBX_MAIN_SECRET", "x")
    monkeypatch.setenv("AGENTD_MAIL_PASSWORD", "geheim")
    config = load(tmp_path, MAIL + 'username = "u"\n', secrets=True)
    assert config.mail_access is not None
    assert config.mail_access.password == "geheim"
    assert "geheim" not in repr(config.mail_access)
    with pytest.raises(ConfigError, match="plain text"):
        load(tmp_path, MAIL + 'username = "u"\ntls = "none"\n', secrets=True)
    monkeypatch.delenv("AGENTD_MAIL_PASSWORD")
    anonymous = load(tmp_path, MAIL + 'tls = "none"\n', secrets=True).mail_access
    assert anonymous is not None
    assert (anonymous.port, anonymous.password) == (25, None)
