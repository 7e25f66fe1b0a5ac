"""A real SMTP server (aiosmtpd) on a local port: TLS, log-in, addresses that it refuses."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, Literal, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from agentd.config import MailAccess

TLS = Path(__file__).parent / "tls"
NAME = "pbx.test"
"""Whom the certificate is for; tests have it found on the loopback."""


class Postbox:
    """What came, and to whom. ``refuses`` by address; ``down``: everything for now."""

    def __init__(self) -> None:
        self.letters: list[tuple[tuple[str, ...], EmailMessage]] = []
        self.refuses: dict[str, str] = {}
        self.down = ""
        self.encrypted: list[bool] = []
        self.users: list[str | None] = []

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if address in self.refuses:
            return self.refuses[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.down:
            return self.down
        message = message_from_bytes(cast("bytes", envelope.content), policy=default)
        self.letters.append((tuple(envelope.rcpt_tos), cast("EmailMessage", message)))
        self.encrypted.append(server.transport.get_extra_info("sslcontext") is not None)
        self.users.append(session.auth_data)
        return "250 OK"


@asynccontextmanager
async def smtp(
    tls: Literal["starttls", "implicit", "none"] = "none", password: str | None = None
) -> AsyncIterator[tuple[Postbox, MailAccess]]:
    """(the box, how to reach it); with ``password`` the user ``agentd`` must log in."""
    box = Postbox()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(TLS / "server.pem", TLS / "server.key")

    def log_in(
        _server: SMTP, _session: Session, _envelope: Envelope, _how: str, said: Any
    ) -> AuthResult:
        assert isinstance(said, LoginPassword)
        right = (said.login, said.password) == (b"agentd", (password or "").encode())
        return AuthResult(success=right, handled=False, auth_data=said.login.decode())

    def serve() -> SMTP:
        with warnings.catch_warnings():
            # It does not know that its port is encrypted from the first byte.
            warnings.simplefilter("ignore")
            return SMTP(
                box,
                hostname="mail.test",
                tls_context=context if tls == "starttls" else None,
                require_starttls=tls == "starttls",
                authenticator=log_in if password is not None else None,
                auth_required=password is not None,
                auth_require_tls=tls == "starttls",
            )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        serve, "127.0.0.1", 0, ssl=context if tls == "implicit" else None
    )
    port = server.sockets[0].getsockname()[1]
    access = MailAccess(
        host="127.0.0.1" if tls == "none" else NAME, port=port, tls=tls, tls_ca_file=TLS / "ca.pem",
        username=None if password is None else "agentd", password=password,
        sender="agentd@example.org", timeout_s=10.0,
    )  # fmt: skip
    try:
        yield box, access
    finally:
        server.close()
        await server.wait_closed()
