"""How to reach a PBX, and in which words to say that it failed."""

from __future__ import annotations

import ipaddress
import random
import socket
import ssl
from dataclasses import dataclass, field

from agentd.ami_actions import AmiAction
from agentd.ami_pbx import Warnings
from agentd.errors import AgentdError


@dataclass(frozen=True, slots=True, kw_only=True)
class AmiSettings:
    """How to reach one PBX. The secret is in no ``repr``."""

    pbx: str
    username: str
    secret: str = field(repr=False)
    host: str = "127.0.0.1"
    port: int = 5038
    tls: bool = False
    tls_ca_file: str | None = None
    """PEM file with the authority that signed the PBX's certificate; None: the system's."""
    tls_server_name: str | None = None
    """The name in the PBX's certificate, where it is not ``host``."""
    dials: bool = False
    """Calls are placed over this account: its right to do so is no cause for a warning."""
    event_mask: str = "system,call,agent"
    ping_every_s: float = 4.0
    ping_timeout_s: float = 5.0
    connect_timeout_s: float = 5.0
    login_timeout_s: float = 10.0
    action_timeout_s: float = 10.0
    """How long an answer, or the next item of a list, may take."""
    backoff_min_s: float = 1.0
    backoff_max_s: float = 30.0
    max_frame_bytes: int = 1 << 20
    """A longer frame is skipped; no more than this is kept of an unfinished one."""


class LinkError(Exception):
    """Why a link ended, or did not come about: a stable code, and a sentence without secrets."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Backoff:
    """Waiting times between tries, each drawn from the upper half of a span that doubles."""

    def __init__(self, min_s: float, max_s: float, rng: random.Random) -> None:
        self._min_s = min_s
        self._max_s = max_s
        self._rng = rng
        self.reset()

    def reset(self) -> None:
        """The last link was a good one: begin with the short waits again."""
        self._span_s = 2 * self._min_s

    def next_s(self) -> float:
        """Seconds to wait now, within the two limits. Daemons that fell together spread out."""
        span_s = min(self._span_s, self._max_s)
        self._span_s = span_s * 2
        return self._rng.uniform(max(self._min_s, span_s / 2), max(self._min_s, span_s))


def tls_context(settings: AmiSettings) -> ssl.SSLContext | None:
    """What TLS to use: certificate and name are always verified. Raises AgentdError for a
    ``tls_ca_file`` that cannot be used."""
    if not settings.tls:
        return None
    try:
        return ssl.create_default_context(cafile=settings.tls_ca_file)
    except OSError as exc:
        if isinstance(exc, ssl.SSLError):
            why = "it holds no certificate in PEM form"
        else:
            why = exc.strerror or "it cannot be read"
        raise AgentdError(
            f"pbx {settings.pbx}: tls_ca_file {settings.tls_ca_file} cannot be used: {why}"
        ) from exc


def is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


# --- words -------------------------------------------------------------------------------------


def connect_error(settings: AmiSettings, exc: OSError) -> LinkError:
    """Why there is no connection."""
    place = f"{settings.host}:{settings.port}"
    match exc:
        case TimeoutError():
            return LinkError(
                "timeout", f"no connection to {place} within {settings.connect_timeout_s:g} s"
            )
        case ssl.SSLError():
            return tls_error(exc)
        case socket.gaierror():
            return LinkError("dns", f"the name {settings.host} cannot be resolved")
    # asyncio gives no errno when a name has several addresses and none answers.
    if exc.strerror is None or isinstance(exc, ConnectionRefusedError):
        return LinkError(
            "refused",
            f"nothing listens at {place}: is Asterisk running, with enabled=yes in manager.conf?",
        )
    return LinkError("refused", f"no connection to {place}: {exc.strerror}")


def tls_error(exc: ssl.SSLError) -> LinkError:
    if isinstance(exc, ssl.SSLCertVerificationError):
        return LinkError(
            "tls",
            f"the PBX's certificate is not trusted ({exc.verify_message}): set tls_ca_file to the"
            " authority that signed it, tls_server_name to the name in it",
        )
    return LinkError(
        "tls", "no TLS at that port: use Asterisk's TLS port (tlsbindaddr, usually 5039)"
    )


def not_ami_error(settings: AmiSettings) -> LinkError:
    return LinkError(
        "not_ami",
        f"what answers at {settings.host}:{settings.port} is not the Asterisk Manager Interface:"
        " check host, port and tls (AMI listens on 5038, with TLS on 5039)",
    )


def no_greeting_error(settings: AmiSettings, patience_s: float) -> LinkError:
    return LinkError(
        "timeout",
        f"connected to {settings.host}:{settings.port}, but nothing greets there within"
        f" {patience_s:g} s: Asterisk hangs, or the port wants TLS, or it is another service's",
    )


def login_error(settings: AmiSettings, message: str) -> LinkError:
    """The PBX said no; ``message`` is its own word for it."""
    if "in use" in message.lower():
        return LinkError(
            "auth",
            f"the AMI user {settings.username!r} is logged in already: set allowmultiplelogin=yes"
            " or give agentd a user of its own (manager.conf)",
        )
    return LinkError(
        "auth",
        f"the PBX refused the login of AMI user {settings.username!r}: wrong user name or"
        " password, or manager.conf does not permit this machine's address",
    )


def lost_error(exc: Exception | None, *, logged_in: bool, shutdown_seen: bool) -> LinkError:
    """The connection ended although nobody here wanted it to."""
    if isinstance(exc, ssl.SSLError):
        return LinkError("tls", "the TLS connection to the PBX broke")
    if shutdown_seen:
        return LinkError("closed", "Asterisk is shutting down or restarting")
    if not logged_in:
        return LinkError(
            "closed",
            "the PBX closed the connection before the login: Asterisk is restarting, or"
            " permit/deny or authlimit in manager.conf keep us out",
        )
    if exc is None:
        return LinkError("closed", "the PBX closed the connection")
    return LinkError("closed", "the connection to the PBX was cut off")


def no_list_warning(action: AmiAction, message: str) -> Warnings:
    """The PBX would not give one of the snapshot's lists."""
    why = message or "no reason given"
    if action is AmiAction.QUEUE_STATUS:
        return {
            "no_queue_list": f"The PBX does not list its queues ({why}): load app_queue, or wait"
            " until Asterisk has started."
        }
    return {
        "no_channel_list": f"The PBX does not list its channels ({why}), so calls in progress are"
        " not found when agentd connects: give the AMI account write=reporting (manager.conf)."
    }


def plain_text_warning() -> Warnings:
    return {
        "plain_text_login": "The AMI password and every caller's number cross the network in the"
        " clear: set tls = true for this PBX (manager.conf: tlsenable=yes, port 5039)."
    }
