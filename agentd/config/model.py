"""The configuration's shape: every key of ``agentd.toml`` and ``seats.toml``, with its default.

Sections and names are those of the files; durations are seconds (``*_s``). ``config/agentd.toml``
documents every key, and a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

DAY_S = 86_400.0

Seconds = Annotated[float, Field(gt=0, le=30 * DAY_S, allow_inf_nan=False)]
SecondsOrNone = Annotated[float, Field(ge=0, le=30 * DAY_S, allow_inf_nan=False)]


def _off(value: object) -> object:
    return None if value == "off" else value


OFF = BeforeValidator(_off)
Limit = Annotated[Seconds | None, OFF]
"""Seconds, or ``"off"`` (None here)."""

Share = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Port = Annotated[int, Field(ge=1, le=65_535)]


class Section(BaseModel):
    """A section of the file: no unknown keys, no silent conversions."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class RingRules(Section):
    cycle_s: Seconds = 5.0
    on_s: Seconds = 1.0
    max_rings: Annotated[int, Field(ge=1, le=100)] = 2
    basis: Literal["before_next_ring", "end_of_ring"] = "before_next_ring"
    charge_ringall_losers: bool = False


class HoldRules(Section):
    warn_s: Seconds = 20.0
    max_s: Seconds = 30.0
    escalate_s: Seconds = 60.0
    sum_max_s: Limit = None


class ConsultRules(Section):
    warn_s: Seconds = 30.0
    max_s: Limit = None


class HangupOrderRules(Section):
    agent_may_end: bool = False


class WorkOrderRules(Section):
    due_s: Seconds = 900.0
    remind_s: list[Seconds] = [600.0, 780.0]
    missed_due_s: Seconds = 900.0
    outbound_opens_order: bool = False
    callback_grace_s: SecondsOrNone = 120.0


class WrapUpRules(Section):
    duration_s: SecondsOrNone = 30.0


class ServiceLevelRules(Section):
    answered_within_s: Seconds = 15.0
    short_abandon_s: SecondsOrNone = 5.0


class WaitingRules(Section):
    warn_s: Seconds = 15.0
    max_s: Seconds = 60.0


class RuleSections(Section):
    """The rules, each in a section of its own; what ``[rules.*]`` and ``[queue.NAME.*]`` hold."""

    ring: RingRules = RingRules()
    hold: HoldRules = HoldRules()
    consult: ConsultRules = ConsultRules()
    hangup_order: HangupOrderRules = HangupOrderRules()
    work_order: WorkOrderRules = WorkOrderRules()
    wrap_up: WrapUpRules = WrapUpRules()
    service_level: ServiceLevelRules = ServiceLevelRules()
    waiting: WaitingRules = WaitingRules()


class QueueSection(RuleSections):
    label: Name | None = None


class GroupSection(RuleSections):
    """What one seat group does differently."""


class PbxSection(Section):
    id: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$",
            description="letters, digits, - and _, 32 at most",
        ),
    ]
    host: Name = "127.0.0.1"
    port: Port | None = None
    username: Name = "agentd"
    secret_file: Name | None = None
    tls: bool = False
    tls_ca_file: Name | None = None
    tls_server_name: Name | None = None
    drive_queues: bool = True
    dial_context: Annotated[
        str | None,
        Field(
            pattern=r"^[A-Za-z0-9_.-]{1,80}$",
            description="the name of a dialplan context: letters, digits, - _ .",
        ),
    ] = None
    listening: bool = False
    redirect_context: Annotated[
        str | None,
        Field(
            pattern=r"^[A-Za-z0-9_.-]{1,80}$",
            description="the name of a dialplan context: letters, digits, - _ .",
        ),
    ] = None
    recordings_dir: Name | None = None
    recordings_pbx_dir: Name | None = None


class EngineSection(Section):
    settle_s: Annotated[float, Field(gt=0, le=60, allow_inf_nan=False)] = 2.0
    event_lag_s: Annotated[float, Field(ge=0, le=5, allow_inf_nan=False)] = 0.05
    internal_devices: list[Name] = []


class StoreSection(Section):
    path: Name = "/var/lib/agentd/agentd.db"


Days = Annotated[int, Field(ge=1, le=36_500)]
DaysOrOff = Annotated[Days | None, OFF]
"""Days, or ``"off"``: for ever (None here)."""
KeptDays = Annotated[Annotated[int, Field(ge=14, le=36_500)] | None, OFF]
"""The same, of what figures are compared with last week's by."""
ProofDays = Annotated[Annotated[int, Field(ge=30, le=36_500)] | None, OFF]
"""The same, of what an appeal may still need."""


class RetentionSection(Section):
    calls_days: KeptDays = 1095
    legs_days: KeptDays = 1095
    alerts_days: DaysOrOff = 365
    spans_days: KeptDays = 400
    intervals_days: KeptDays = 1095
    violations_days: ProofDays = None
    evidence_days: ProofDays = 400
    messages_days: DaysOrOff = 90
    audit_days: ProofDays = None
    mask_numbers_days: DaysOrOff = None
    runs_at: Annotated[
        str,
        Field(
            pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$",
            description="a time of day as 03:30",
        ),
    ] = "03:30"


Hours = Annotated[
    str,
    Field(
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$",
        description="from and to as 08:00-16:00",
    ),
]


class FiguresSection(Section):
    day_starts_at: Annotated[
        str,
        Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="a time of day as 00:00"),
    ] = "00:00"
    shifts: list[Hours] = []


class SurgeSection(Section):
    waiting: Annotated[list[int] | None, OFF] = [5, 10, 20]
    longest_wait_s: Annotated[list[Seconds] | None, OFF] = [30.0, 60.0, 120.0]
    service_level: Annotated[list[Share] | None, OFF] = [0.8, 0.6, 0.4]
    service_level_min_calls: Annotated[int, Field(ge=0, le=100_000)] = 10
    calm_s: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] = 60.0
    fold_level: Annotated[int, Field(ge=0, le=3)] = 1


class WebSection(Section):
    host: Name = "127.0.0.1"
    port: Port = 8440
    language: Literal["zh", "en"] = "zh"
    allowed_hosts: list[Name] = []
    allowed_origins: list[Name] = []
    tls_cert_file: Name | None = None
    tls_key_file: Name | None = None
    behind_proxy: bool = False
    session_max_s: Seconds = 12 * 3600.0
    session_idle_s: Seconds = 2 * 3600.0


class MqttSection(Section):
    host: Name | None = None
    port: Port | None = None
    username: Name | None = None
    password_file: Name | None = None
    tls: bool = False
    tls_ca_file: Name | None = None
    topic_prefix: Annotated[
        str,
        Field(
            max_length=100,
            pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$",
            description='letters, digits, - and _, levels separated by one "/"',
        ),
    ] = "agentd"
    mask_numbers: bool = True


class WebhookSection(Section):
    id: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$",
            description="letters, digits, - and _, 32 at most",
        ),
    ]
    url: Annotated[
        str,
        Field(
            pattern=r"^https?://[^\s]+$",
            max_length=2000,
            description="an address that begins with https:// or http://",
        ),
    ]
    style: Literal["json", "wecom", "dingtalk", "feishu"] = "json"
    secret_file: Name | None = None
    events: list[Literal["alert", "violation", "work_order", "notice", "surge"]] = ["notice"]
    language: Literal["zh", "en"] = "zh"
    teams: list[Name] = []
    mask_numbers: bool = True


ADDRESS = Field(
    max_length=254,
    pattern=r"^[^@\s<>,;]+@[^@\s<>,;]+$",
    description="a mail address as manager@example.org",
)


class ReportsSection(Section):
    site: Name | None = None


class ReportSection(Section):
    id: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$",
            description="letters, digits, - and _, 32 at most",
        ),
    ]
    period: Literal["shift", "day", "month"]
    by: Literal["queue", "team", "person"]
    shift: Annotated[
        str | None,
        Field(
            pattern=r"^[0-9:+-]{11,100}$",
            description="hours as 08:00-16:00, a split shift as 08:00-12:00+14:00-18:00",
        ),
    ] = None
    to: Annotated[
        list[Annotated[str, ADDRESS]],
        Field(min_length=1, max_length=100, description="mail addresses as manager@example.org"),
    ]
    formats: Annotated[list[Literal["html", "xlsx", "csv"]], Field(min_length=1)] = ["html"]
    details: bool = False
    language: Literal["zh", "en"] = "zh"
    after_s: SecondsOrNone = 900.0


class MailSection(Section):
    host: Name | None = None
    port: Port | None = None
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    tls_ca_file: Name | None = None
    username: Name | None = None
    password_file: Name | None = None
    sender: Annotated[str | None, ADDRESS] = None
    timeout_s: Seconds = 30.0


class LogSection(Section):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "console", "json"] = "auto"
    mask_numbers: bool = True


class SeatSection(Section):
    device: Name
    pbx: Name | None = None
    label: Name | None = None
    group: Name | None = None
    place: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    agent: Name | None = None
    queueless: bool = False


class SeatsFile(Section):
    """``seats.toml``."""

    seat: list[SeatSection] = []


POLICY_FIELDS: dict[tuple[str, str], str] = {
    ("ring", "cycle_s"): "ring_cycle_s",
    ("ring", "on_s"): "ring_on_s",
    ("ring", "max_rings"): "ring_max",
    ("ring", "basis"): "ring_basis",
    ("ring", "charge_ringall_losers"): "charge_ringall_losers",
    ("hold", "warn_s"): "hold_warn_s",
    ("hold", "max_s"): "hold_max_s",
    ("hold", "escalate_s"): "hold_escalate_s",
    ("hold", "sum_max_s"): "hold_sum_max_s",
    ("consult", "warn_s"): "consult_warn_s",
    ("consult", "max_s"): "consult_max_s",
    ("hangup_order", "agent_may_end"): "agent_may_end",
    ("work_order", "due_s"): "order_due_s",
    ("work_order", "remind_s"): "order_remind_s",
    ("work_order", "missed_due_s"): "missed_order_due_s",
    ("work_order", "outbound_opens_order"): "outbound_opens_order",
    ("work_order", "callback_grace_s"): "order_callback_grace_s",
    ("wrap_up", "duration_s"): "wrap_up_s",
    ("service_level", "answered_within_s"): "service_level_s",
    ("service_level", "short_abandon_s"): "short_abandon_s",
    ("waiting", "warn_s"): "wait_warn_s",
    ("waiting", "max_s"): "wait_max_s",
}
"""(section, key) of a rule to the field of :class:`agentd.core.policy.Policy` that it sets."""

QUEUE_ONLY = frozenset(
    {
        ("work_order", "missed_due_s"),
        ("service_level", "answered_within_s"),
        ("service_level", "short_abandon_s"),
        ("waiting", "warn_s"),
        ("waiting", "max_s"),
    }
)
"""Rules about callers before a seat has them: a seat group cannot change them."""


def rules_set(sections: RuleSections) -> Iterator[tuple[tuple[str, str], Any]]:
    """The rule keys that the file sets in ``sections``, with their values; no defaults."""
    for section, key in POLICY_FIELDS:
        if section in sections.model_fields_set:
            values = getattr(sections, section)
            if key in values.model_fields_set:
                value = getattr(values, key)
                yield (section, key), tuple(value) if isinstance(value, list) else value
