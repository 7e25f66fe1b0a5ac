"""Reads ``agentd.toml`` and ``seats.toml``, and says everything that is wrong with them at once.

TOML first, environment variables over it (``AGENTD_WEB__PORT=8080`` sets ``[web] port``), secrets
only from the environment or from a file that nobody else can read.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Literal, cast

from msgspec import Struct
from msgspec.structs import replace
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from agentd.config.figures import day_starts_s, metric_book, surge_rules
from agentd.config.mistakes import check_seats, check_settings, place
from agentd.config.model import (
    POLICY_FIELDS,
    EngineSection,
    FiguresSection,
    GroupSection,
    LogSection,
    MqttSection,
    PbxSection,
    QueueSection,
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
from agentd.ports.history import RetentionPolicy

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


class PbxAccess(Struct, frozen=True):
    """How to reach one PBX's manager interface."""

    pbx: str
    host: str
    port: int
    username: str
    secret: str
    tls: bool = False
    tls_ca_file: Path | None = None
    tls_server_name: str | None = None

    def __repr__(self) -> str:
        return f"PbxAccess({self.pbx}: {self.username}@{self.host}:{self.port})"


class PeopleOn(Struct, frozen=True):
    """What people may do with one PBX from their desks."""

    drive_queues: bool
    dial_context: str | None
    recordings_dir: Path | None
    recordings_pbx_dir: PurePosixPath | None
    listening: bool
    redirect_context: str | None


class MqttAccess(Struct, frozen=True):
    """How to reach the MQTT broker."""

    host: str
    port: int
    username: str | None
    password: str | None
    tls: bool = False
    tls_ca_file: Path | None = None

    def __repr__(self) -> str:
        return f"MqttAccess({self.username or 'anonymous'}@{self.host}:{self.port})"


class WebhookAccess(Struct, frozen=True):
    """One address that is told by HTTP POST, with its signing secret (None: unsigned)."""

    id: str
    url: str
    style: Literal["json", "wecom", "dingtalk", "feishu"]
    secret: str | None
    events: frozenset[str]
    language: Literal["zh", "en"]
    teams: frozenset[str]
    mask_numbers: bool

    def __repr__(self) -> str:
        # A chat robot's address is a secret itself.
        return f"WebhookAccess({self.id}, {self.style})"


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


def load_config(path: Path | None = None, *, secrets: bool = True) -> Config:
    """Read ``path`` (None: all defaults) and the seats file that it names.

    ``secrets=False`` is for commands that talk to no PBX. Raises :class:`ConfigError` with every
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
    base = path.parent if path else Path()
    if settings is not None:
        problems.extend(check_settings(settings, source))
        if secrets:
            access = dict(_reach(settings, source, base, problems))
            mqtt = _reach_broker(settings.mqtt, source, base, problems)
            webhooks = tuple(_reach_webhooks(settings, source, base, problems))
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
        base=base,
    )


def _changes(sections: RuleSections) -> dict[str, Any]:
    return {POLICY_FIELDS[key]: value for key, value in rules_set(sections)}


# --- reaching the PBX and the broker ---------------------------------------------------------

MQTT_PASSWORD_VARIABLE = f"{ENV_PREFIX}MQTT_PASSWORD"
Tell = Callable[[str, str, str], None]
"""Reports a problem: key, what is wrong, the mend."""


def secret_variable(pbx_id: str) -> str:
    """The environment variable that holds the AMI secret of ``pbx_id``."""
    return f"{ENV_PREFIX}PBX_{re.sub('[^A-Z0-9]', '_', pbx_id.upper())}_SECRET"


def _reach(
    settings: Settings, source: TomlFile, base: Path, problems: list[Problem]
) -> Iterator[tuple[str, PbxAccess]]:
    for index, pbx in enumerate(settings.pbx):

        def problem(key: str, what: str, mend: str, index: int = index) -> None:
            line = source.line(("pbx", index, key))
            problems.append(Problem(source.name, line, f"pbx[{index}].{key}", what, mend))

        # Without its id nobody knows which secret is meant.
        known = not source.is_broken(("pbx", index, "id"))
        secret = _secret(pbx, base, problem) if known else ""
        ca_file = base / pbx.tls_ca_file if pbx.tls_ca_file else None
        if ca_file and not ca_file.is_file():
            problem(
                "tls_ca_file", f"there is no file {ca_file}", "name a PEM file of CA certificates"
            )
        yield (
            pbx.id,
            PbxAccess(
                pbx=pbx.id,
                host=pbx.host,
                port=pbx.port or (5039 if pbx.tls else 5038),
                username=pbx.username,
                secret=secret,
                tls=pbx.tls,
                tls_ca_file=ca_file,
                tls_server_name=pbx.tls_server_name,
            ),
        )


def _secret(pbx: PbxSection, base: Path, problem: Tell) -> str:
    """The AMI secret of ``pbx``; empty when a problem was reported."""
    variable = secret_variable(pbx.id)
    if secret := os.environ.get(variable):
        return _clean(secret, variable, "secret_file", problem)
    if pbx.secret_file is None:
        problem(
            "secret_file",
            f"PBX {pbx.id} has no secret",
            f"set the environment variable {variable}, or name a file of mode 0600 here",
        )
        return ""
    return _private_file(base / pbx.secret_file, "secret_file", variable, problem)


def _reach_broker(
    mqtt: MqttSection, source: TomlFile, base: Path, problems: list[Problem]
) -> MqttAccess | None:
    """The broker and its password; None when there is none to reach."""

    def problem(key: str, what: str, mend: str) -> None:
        problems.append(place(source, ("mqtt", key), what, mend))

    if mqtt.host is None:
        if mqtt.model_fields_set and not source.is_broken(("mqtt", "host")):
            told = {key: getattr(mqtt, key) for key in ("username", "password_file", "tls_ca_file")}
            for key in (key for key, value in told.items() if value is not None):
                problem(key, "there is no broker for it", 'add host = "…", or leave this out')
        return None
    variable = MQTT_PASSWORD_VARIABLE
    password: str | None = None
    given = os.environ.get(variable)
    if given:
        password = _clean(given, variable, "password_file", problem)
    elif mqtt.password_file is not None:
        password = _private_file(base / mqtt.password_file, "password_file", variable, problem)
    if (
        mqtt.username is None
        and password is not None
        and not source.is_broken(("mqtt", "username"))
    ):
        problem("username", "there is a password and no user name", 'add username = "…"')
    if mqtt.username is not None and password is None:
        problem(
            "password_file",
            f"the user {mqtt.username} has no password",
            f"set the environment variable {variable}, or name a file of mode 0600 here",
        )
    ca_file = base / mqtt.tls_ca_file if mqtt.tls_ca_file else None
    if ca_file and not ca_file.is_file():
        problem("tls_ca_file", f"there is no file {ca_file}", "name a PEM file of CA certificates")
    return MqttAccess(
        host=mqtt.host,
        port=mqtt.port or (8883 if mqtt.tls else 1883),
        username=mqtt.username,
        password=password,
        tls=mqtt.tls,
        tls_ca_file=ca_file,
    )


def webhook_variable(webhook_id: str) -> str:
    """The environment variable that holds the signing secret of ``webhook_id``."""
    return f"{ENV_PREFIX}WEBHOOK_{re.sub('[^A-Z0-9]', '_', webhook_id.upper())}_SECRET"


def _reach_webhooks(
    settings: Settings, source: TomlFile, base: Path, problems: list[Problem]
) -> Iterator[WebhookAccess]:
    variables: dict[str, int] = {}
    for index, hook in enumerate(settings.webhook):

        def problem(key: str, what: str, mend: str, index: int = index) -> None:
            problems.append(place(source, ("webhook", index, key), what, mend))

        variable = webhook_variable(hook.id)
        secret: str | None = None
        if not source.is_broken(("webhook", index, "id")):
            other = variables.setdefault(variable, index)
            if other != index:
                # Its deliveries and its secret could not be told from the other's.
                problem("id", f'"{hook.id}" is webhook[{other}] already', "write another id")
            elif given := os.environ.get(variable):
                secret = _clean(given, variable, "secret_file", problem)
            elif hook.secret_file is not None:
                secret = _private_file(base / hook.secret_file, "secret_file", variable, problem)
        if secret and hook.style == "wecom":
            problem(
                "secret_file",
                "robots of WeCom know no signature: the key in their address is the secret",
                f"leave it out, and {variable} too",
            )
        yield WebhookAccess(
            id=hook.id,
            url=hook.url,
            style=hook.style,
            secret=secret or None,
            events=frozenset(hook.events),
            language=hook.language,
            teams=frozenset(hook.teams),
            mask_numbers=hook.mask_numbers,
        )


def _private_file(path: Path, key: str, variable: str, problem: Tell) -> str:
    """The one line of a file that nobody else may read; empty when a problem was reported."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode):
                problem(key, f"{path} is not a plain file", "name a plain file")
                return ""
            if mode & 0o077:
                problem(
                    key,
                    f"others may read {path} (mode {stat.S_IMODE(mode):04o})",
                    f"run: chmod 600 {path}",
                )
                return ""
            raw = file.read(4096)
    except OSError as error:
        problem(
            key,
            f"{path} cannot be read ({error.strerror})",
            f"check the path and the owner, or set {variable}",
        )
        return ""
    try:
        return _clean(raw.decode().rstrip("\r\n"), str(path), key, problem)
    except UnicodeDecodeError:
        problem(key, f"{path} is not UTF-8", "write the secret alone, as one line of text")
        return ""


def _clean(secret: str, origin: str, key: str, problem: Tell) -> str:
    if not secret or any(char in secret for char in "\r\n\0"):
        problem(
            key,
            f"the secret in {origin} is empty or has more than one line",
            "write the secret alone, as one line",
        )
        return ""
    return secret
