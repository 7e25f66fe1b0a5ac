"""Reads ``agentd.toml`` and ``seats.toml``, and says everything that is wrong with them at once.

TOML first, environment variables over it (``AGENTD_WEB__PORT=8080`` sets ``[web] port``), secrets
only from the environment or from a file that nobody else can read.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, cast

from msgspec import Struct
from msgspec.structs import replace
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from agentd.config.access import (
    MQTT_PASSWORD_VARIABLE,
    MqttAccess,
    PbxAccess,
    WebhookAccess,
    reach_broker,
    reach_pbxs,
    reach_webhooks,
    secret_variable,
    webhook_variable,
)
from agentd.config.figures import day_starts_s, metric_book, surge_rules
from agentd.config.mail import MAIL_PASSWORD_VARIABLE, MailAccess, check_reports, reach_mail
from agentd.config.mistakes import check_seats, check_settings
from agentd.config.model import (
    POLICY_FIELDS,
    EngineSection,
    FiguresSection,
    GroupSection,
    LogSection,
    MailSection,
    MqttSection,
    PbxSection,
    QueueSection,
    ReportSection,
    ReportsSection,
    RetentionSection,
    RuleSections,
    SeatSection,
    SeatsFile,
    StoreSection,
    SurgeSection,
    WebhookSection,
    WebSection,
    rules_set,
)
from agentd.config.orders import load_form, with_teams
from agentd.config.phrases import PhraseBook, load_phrases, phrases_folder
from agentd.config.reading import ENV_PREFIX, named_file, read_named, validated
from agentd.config.toml_source import TomlFile, read_toml
from agentd.core.metric_windows import MetricBook
from agentd.core.order_form import FormBook
from agentd.core.policy import Policy, PolicyBook, SeatConfig
from agentd.core.surge import SurgeRules
from agentd.errors import ConfigError, Problem
from agentd.ports.retention import RetentionPolicy

__all__ = [
    "MAIL_PASSWORD_VARIABLE",
    "MQTT_PASSWORD_VARIABLE",
    "Config",
    "MailAccess",
    "MqttAccess",
    "PbxAccess",
    "ReportSection",
    "Settings",
    "WebhookAccess",
    "find_config",
    "load_config",
    "secret_variable",
    "webhook_variable",
]

CONFIG_PLACES = (Path("agentd.toml"), Path("config/agentd.toml"), Path("/etc/agentd/agentd.toml"))
"""Where a configuration is looked for when none is named."""
DEFAULT_PBX = "pbx"
"""The PBX's id when no file names one."""


class _Environment(EnvSettingsSource):
    """Values from the environment, read as TOML values; what is no TOML value is text."""

    def __call__(self) -> dict[str, Any]:
        return cast("dict[str, Any]", _as_toml(super().__call__()))

    def decode_complex_value(self, field_name: str, field: Any, value: Any) -> Any:
        return _as_toml(value)


def _as_toml(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_toml(child) for key, child in value.items()}
    if not isinstance(value, str):
        return value
    try:
        return tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return value


class Settings(BaseSettings):
    """The whole of ``agentd.toml``."""

    model_config = SettingsConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
        nested_model_default_partial_update=False,
    )

    seats_file: str | None = None
    orders_file: str | None = None
    phrases_dir: str | None = None
    pbx: list[PbxSection] = [PbxSection(id=DEFAULT_PBX)]
    rules: RuleSections = RuleSections()
    queue: dict[str, QueueSection] = {}
    group: dict[str, GroupSection] = {}
    engine: EngineSection = EngineSection()
    store: StoreSection = StoreSection()
    retention: RetentionSection = RetentionSection()
    figures: FiguresSection = FiguresSection()
    surge: SurgeSection = SurgeSection()
    web: WebSection = WebSection()
    mqtt: MqttSection = MqttSection()
    webhook: list[WebhookSection] = []
    mail: MailSection = MailSection()
    reports: ReportsSection = ReportsSection()
    report: list[ReportSection] = []
    log: LogSection = LogSection()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return _Environment(settings_cls), init_settings


class PeopleOn(Struct, frozen=True):
    """What people may do with one PBX from their desks."""

    drive_queues: bool
    dial_context: str | None
    recordings_dir: Path | None
    recordings_pbx_dir: PurePosixPath | None
    listening: bool
    redirect_context: str | None


class Config:
    """A configuration in which no mistake was found."""

    def __init__(
        self,
        settings: Settings,
        seats: Iterable[SeatSection],
        access: Mapping[str, PbxAccess],
        store_path: Path,
        form: FormBook,
        phrases: PhraseBook,
        mqtt_access: MqttAccess | None = None,
        webhooks: Iterable[WebhookAccess] = (),
        mail_access: MailAccess | None = None,
        *,
        base: Path = Path(),
    ) -> None:
        self.engine = settings.engine
        self.web = settings.web
        self.mqtt = settings.mqtt
        self.mqtt_access = mqtt_access
        """None when no broker is configured, or the configuration was read without secrets."""
        self.webhooks = tuple(webhooks)
        """Empty as well when the configuration was read without secrets."""
        self.mail_access = mail_access
        """None when no mail server is configured, or the configuration was read without secrets."""
        self.reports = settings.reports
        self.mailed = tuple(settings.report)
        """The reports that go out by themselves."""
        self.log = settings.log
        self.retention = settings.retention
        self.pbx_ids = tuple(pbx.id for pbx in settings.pbx)
        self.store_path = store_path
        self.base = base
        """What relative paths of the file are relative to."""
        self.phrases = phrases
        """The words by situation, in both languages."""
        self._form = form
        self._settings = settings
        self._seats = tuple(seats)
        self._access = access
        self._people: dict[str, PeopleOn] = {}

    @property
    def form_book(self) -> FormBook:
        """The form of a work order; its teams are the groups of the seats."""
        return with_teams(self._form, [seat.group for seat in self._seats if seat.group])

    @property
    def retention_policy(self) -> RetentionPolicy:
        """How many days each kind of history is kept."""
        said = self.retention.model_dump(exclude={"runs_at"})
        return RetentionPolicy(**said)

    def access(self, pbx_id: str) -> PbxAccess:
        """How to reach ``pbx_id``; KeyError when the configuration was read without secrets."""
        return self._access[pbx_id]

    def let_people(self, pbx_id: str, people: PeopleOn) -> None:
        """People may do this with ``pbx_id``, whatever the file says: a PBX of our own."""
        self._people[pbx_id] = people

    def people_on(self, pbx_id: str) -> PeopleOn:
        """What people may do with ``pbx_id``."""
        if pbx_id in self._people:
            return self._people[pbx_id]
        pbx = next(pbx for pbx in self._settings.pbx if pbx.id == pbx_id)
        folder = self.base / pbx.recordings_dir if pbx.recordings_dir else None
        named = PurePosixPath(pbx.recordings_pbx_dir) if pbx.recordings_pbx_dir else None
        return PeopleOn(
            pbx.drive_queues,
            pbx.dial_context,
            folder,
            named,
            pbx.listening,
            pbx.redirect_context,
        )

    def metric_book(self, policies: Mapping[str, PolicyBook]) -> MetricBook:
        """What the figures are made by; ``policies`` (by PBX) say which limits are on."""
        return metric_book(self._settings.figures, self._form, policies)

    @property
    def surge_rules(self) -> SurgeRules:
        """When a surge is announced, unless a supervisor sets something else."""
        return surge_rules(self._settings.surge)

    def policy_book(self, pbx_id: str) -> PolicyBook:
        """All that judges the legs of ``pbx_id``."""
        settings = self._settings
        return PolicyBook(
            default=replace(Policy(), **_changes(settings.rules)),
            groups={name: _changes(group) for name, group in settings.group.items()},
            queues={name: _changes(queue) for name, queue in settings.queue.items()},
            queue_labels={
                name: queue.label for name, queue in settings.queue.items() if queue.label
            },
            seats=tuple(
                SeatConfig(
                    device=seat.device,
                    label=seat.label,
                    group=seat.group,
                    place=seat.place,
                    agent=seat.agent,
                    queueless=seat.queueless,
                )
                for seat in self._seats
                if (seat.pbx or self.pbx_ids[0]) == pbx_id
            ),
            internal_devices=tuple(settings.engine.internal_devices),
            numbers=self._form.numbers,
            day_starts_s=day_starts_s(settings.figures, self._form.calendar),
            settle_s=settings.engine.settle_s,
            event_lag_s=settings.engine.event_lag_s,
        )


def find_config(named: Path | None) -> Path | None:
    """The configuration that is named, else the first in the usual places, else None."""
    if named is not None:
        return named
    return next((place for place in CONFIG_PLACES if place.is_file()), None)


def load_config(
    path: Path | None = None, *, secrets: bool = True, mail_only: bool = False
) -> Config:
    """Read ``path`` (None: all defaults) and the seats file that it names.

    ``secrets=False`` is for commands that talk to no PBX, with ``mail_only`` for those that send
    mail. Raises :class:`ConfigError` with every
    mistake found.
    """
    source = read_toml(path) if path else TomlFile("(built-in defaults)", {}, {})
    problems: list[Problem] = []
    settings = validated(Settings, source, problems)
    try:
        seats_source = read_named(source, path, "seats")
    except ConfigError as error:
        problems.extend(error.problems)
        seats_source = TomlFile("(no seats file)", {}, {})
        seats_source.broken.add(("seat",))
    seats = validated(SeatsFile, seats_source, problems)
    form = load_form(named_file(source, path, "orders"), problems)
    phrases = load_phrases(phrases_folder(source, path, problems), problems)
    access: dict[str, PbxAccess] = {}
    mqtt: MqttAccess | None = None
    webhooks: tuple[WebhookAccess, ...] = ()
    mail: MailAccess | None = None
    base = path.parent if path else Path()
    if settings is not None:
        problems.extend(check_settings(settings, source))
        problems.extend(check_reports(settings, source))
        if secrets:
            access = dict(reach_pbxs(settings, source, base, problems))
            mqtt = reach_broker(settings.mqtt, source, base, problems)
            webhooks = tuple(reach_webhooks(settings, source, base, problems))
        if secrets or mail_only:
            mail = reach_mail(settings.mail, source, base, problems)
        if seats is not None:
            problems.extend(check_seats(settings, source, seats, seats_source))
    if problems or settings is None or seats is None or form is None or phrases is None:
        raise ConfigError(sorted(problems, key=lambda p: (p.file != source.name, p.line or 0)))
    return Config(
        settings,
        seats.seat,
        access,
        base / settings.store.path,
        form,
        phrases,
        mqtt,
        webhooks,
        mail,
        base=base,
    )


def _changes(sections: RuleSections) -> dict[str, Any]:
    return {POLICY_FIELDS[key]: value for key, value in rules_set(sections)}
