"""How mail is sent, and which reports go out by themselves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

from agentd.config.access import clean_secret, private_file
from agentd.config.mistakes import place
from agentd.config.model import MailSection
from agentd.config.reading import ENV_PREFIX
from agentd.config.toml_source import TomlFile
from agentd.core.metric_windows import MetricBook
from agentd.core.report_periods import PeriodAsk, PeriodProblem, SiteDays
from agentd.errors import Problem

if TYPE_CHECKING:
    from agentd.config import Settings

MAIL_PASSWORD_VARIABLE: Final = f"{ENV_PREFIX}MAIL_PASSWORD"
_PORTS: Final = {"starttls": 587, "implicit": 465, "none": 25}


class MailAccess(Struct, frozen=True):
    """How to reach the mail server, and in whose name."""

    host: str
    port: int
    tls: Literal["starttls", "implicit", "none"]
    tls_ca_file: Path | None
    username: str | None
    password: str | None
    sender: str
    timeout_s: float

    def __repr__(self) -> str:
        return f"MailAccess({self.username or 'anonymous'}@{self.host}:{self.port}, {self.tls})"


def reach_mail(
    mail: MailSection, source: TomlFile, base: Path, problems: list[Problem]
) -> MailAccess | None:
    """The mail server and its password; None when there is none to reach."""

    def problem(key: str, what: str, mend: str) -> None:
        problems.append(place(source, ("mail", key), what, mend))

    if mail.host is None:
        if mail.model_fields_set and not source.is_broken(("mail", "host")):
            for key in ("username", "password_file", "tls_ca_file", "sender"):
                if getattr(mail, key) is not None:
                    problem(
                        key, "there is no mail server for it", 'add host = "…", or leave this out'
                    )
        return None
    if mail.sender is None:
        if not source.is_broken(("mail", "sender")):
            problem("sender", "nobody is named as the sender", 'add sender = "agentd@example.org"')
        return None
    password: str | None = None
    if given := os.environ.get(MAIL_PASSWORD_VARIABLE):
        password = clean_secret(given, MAIL_PASSWORD_VARIABLE, "password_file", problem)
    elif mail.password_file is not None:
        password = private_file(
            base / mail.password_file, "password_file", MAIL_PASSWORD_VARIABLE, problem
        )
    if mail.username is None and password is not None:
        problem("username", "there is a password and no user name", 'add username = "…"')
    if mail.username is not None and password is None:
        problem(
            "password_file",
            f"the user {mail.username} has no password",
            f"set the environment variable {MAIL_PASSWORD_VARIABLE}, or name a file of mode 0600 "
            "here",
        )
    if mail.username is not None and mail.tls == "none":
        problem(
            "tls",
            "the password would cross the network in plain text",
            'write "starttls" or "implicit", or leave username out',
        )
    ca_file = base / mail.tls_ca_file if mail.tls_ca_file else None
    if ca_file and not ca_file.is_file():
        problem("tls_ca_file", f"there is no file {ca_file}", "name a PEM file of CA certificates")
    return MailAccess(
        host=mail.host,
        port=mail.port or _PORTS[mail.tls],
        tls=mail.tls,
        tls_ca_file=ca_file,
        username=mail.username,
        password=password,
        sender=mail.sender,
        timeout_s=mail.timeout_s,
    )


def check_reports(settings: Settings, source: TomlFile) -> Iterator[Problem]:
    """What the types cannot say about ``[[report]]``."""
    seen: dict[str, int] = {}
    for index, report in enumerate(settings.report):
        other = seen.setdefault(report.id, index)
        if other != index:
            # What was sent of one could not be told from the other's.
            yield place(
                source,
                ("report", index, "id"),
                f'"{report.id}" is report[{other}] already',
                "write another id",
            )
        if report.shift is not None and report.period != "shift":
            yield place(
                source,
                ("report", index, "shift"),
                f"a {report.period} has no shift",
                'write period = "shift", or leave this out',
            )
        elif report.shift is not None:
            days = SiteDays(MetricBook(), 0)
            ask = PeriodAsk("shift", at="2026-01-01", shift=report.shift)
            found = days.period(ask, days.day_us(days.day_of(1 << 51)))
            if isinstance(found, PeriodProblem):
                yield place(
                    source,
                    ("report", index, "shift"),
                    found.text[1].removesuffix("."),
                    "write hours as 08:00-16:00",
                )
    if settings.report and settings.mail.host is None:
        yield place(
            source,
            ("report", 0, "to"),
            "there is no mail server to send it by",
            "add a section [mail] with host and sender",
        )
