"""Mail out by SMTP: the only door to aiosmtplib.

Encrypted unless the configuration says that the relay is on this machine; a server that does not
offer what was asked for gets no letter.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import format_datetime

import aiosmtplib

from agentd import clock
from agentd.config import MailAccess
from agentd.errors import AgentdError
from agentd.ports.mail import Letter


class MailError(AgentdError):
    """The server took the letter for nobody."""


class SmtpMail:
    """One mail server (implements :class:`agentd.ports.mail.Mail`)."""

    def __init__(self, access: MailAccess) -> None:
        self._access = access

    async def send(self, letter: Letter) -> Mapping[str, str]:
        """See the seam. Raises :class:`MailError` with plain words."""
        access = self._access
        try:
            refused, _ = await aiosmtplib.send(
                self._message(letter),
                sender=access.sender,
                recipients=list(letter.to),
                hostname=access.host,
                port=access.port,
                username=access.username,
                password=access.password,
                # Else the library asks the resolver, and everything waits for it.
                local_hostname=access.sender.rpartition("@")[2],
                timeout=access.timeout_s,
                use_tls=access.tls == "implicit",
                start_tls=access.tls == "starttls",
                tls_context=self._tls(),
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            told = "; ".join(
                f"{one.recipient}: {one.code} {one.message}" for one in error.recipients
            )
            raise MailError(f"{self._where} refuses every recipient ({told})") from error
        except aiosmtplib.SMTPAuthenticationError as error:
            raise MailError(
                f"{self._where} refuses the user {access.username} ({error.code} {error.message}); "
                "check username and password_file in [mail]"
            ) from error
        except (aiosmtplib.SMTPException, OSError, ssl.SSLError) as error:
            words = " ".join(str(error).split()) or type(error).__name__
            raise MailError(f"{self._where} did not take the letter: {words}") from error
        return {
            address: f"{response.code} {response.message}" for address, response in refused.items()
        }

    @property
    def _where(self) -> str:
        return f"the mail server {self._access.host}:{self._access.port}"

    def _tls(self) -> ssl.SSLContext | None:
        if self._access.tls == "none":
            return None
        return ssl.create_default_context(
            cafile=str(self._access.tls_ca_file) if self._access.tls_ca_file else None
        )

    def _message(self, letter: Letter) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._access.sender
        message["To"] = ", ".join(letter.to)
        message["Subject"] = letter.subject
        message["Date"] = format_datetime(clock.utc_now())
        message["Auto-Submitted"] = "auto-generated"
        if letter.message_id is not None:
            domain = self._access.sender.rpartition("@")[2]
            message["Message-ID"] = f"<{letter.message_id}@{domain}>"
        message.set_content(letter.text)
        if letter.html is not None:
            message.add_alternative(letter.html, subtype="html")
        for enclosure in letter.enclosures:
            maintype, _, subtype = enclosure.media_type.partition("/")
            message.add_attachment(
                enclosure.data, maintype=maintype, subtype=subtype, filename=enclosure.name
            )
        return message
