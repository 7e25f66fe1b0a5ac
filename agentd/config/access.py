"""How PBXs, the broker and webhooks are reached, with their secrets: from the environment, or from
files that nobody else can read."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from agentd.config.mistakes import place
from agentd.config.model import MqttSection, PbxSection
from agentd.config.reading import ENV_PREFIX
from agentd.config.toml_source import TomlFile
from agentd.errors import Problem

if TYPE_CHECKING:
    from agentd.config import Settings


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


# --- reaching the PBX and the broker ---------------------------------------------------------

MQTT_PASSWORD_VARIABLE = f"{ENV_PREFIX}MQTT_PASSWORD"
Tell = Callable[[str, str, str], None]
"""Reports a problem: key, what is wrong, the mend."""


def secret_variable(pbx_id: str) -> str:
    """The environment variable that holds the AMI secret of ``pbx_id``."""
    return f"{ENV_PREFIX}PBX_{re.sub('[^A-Z0-9]', '_', pbx_id.upper())}_SECRET"


def reach_pbxs(
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
        return clean_secret(secret, variable, "secret_file", problem)
    if pbx.secret_file is None:
        problem(
            "secret_file",
            f"PBX {pbx.id} has no secret",
            f"set the environment variable {variable}, or name a file of mode 0600 here",
        )
        return ""
    return private_file(base / pbx.secret_file, "secret_file", variable, problem)


def reach_broker(
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
        password = clean_secret(given, variable, "password_file", problem)
    elif mqtt.password_file is not None:
        password = private_file(base / mqtt.password_file, "password_file", variable, problem)
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


def reach_webhooks(
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
                secret = clean_secret(given, variable, "secret_file", problem)
            elif hook.secret_file is not None:
                secret = private_file(base / hook.secret_file, "secret_file", variable, problem)
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


def private_file(path: Path, key: str, variable: str, problem: Tell) -> str:
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
        return clean_secret(raw.decode().rstrip("\r\n"), str(path), key, problem)
    except UnicodeDecodeError:
        problem(key, f"{path} is not UTF-8", "write the secret alone, as one line of text")
        return ""


def clean_secret(secret: str, origin: str, key: str, problem: Tell) -> str:
    """The secret, where it is one line; empty when a problem was reported."""
    if not secret or any(char in secret for char in "\r\n\0"):
        problem(
            key,
            f"the secret in {origin} is empty or has more than one line",
            "write the secret alone, as one line",
        )
        return ""
    return secret
