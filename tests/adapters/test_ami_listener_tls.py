"""TLS is verified: certificate and name; and the words when it is not as it should be."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agentd.ami_listener import AmiListener
from agentd.errors import AgentdError
from agentd.ports import LinkChanged
from agentd.testing import FakeAmi, FakeInbox
from tests.adapters import ami_rig

TLS = Path(__file__).parent / "tls"


@pytest.fixture
async def ami() -> AsyncIterator[FakeAmi]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "server.pem", TLS / "server.key")
    async with FakeAmi(tls=context) as fake:
        yield fake


@contextlib.asynccontextmanager
async def listening(port: int, **changed: Any) -> AsyncIterator[FakeInbox]:
    inbox = FakeInbox()
    trusting = {"tls": True, "tls_ca_file": str(TLS / "ca.pem"), "tls_server_name": "pbx.test"}
    async with ami_rig.listening(port, inbox, **(trusting | changed)):
        yield inbox


@pytest.fixture
async def handshakes_may_fail() -> None:
    """The fake PBX's side of a handshake that the listener breaks off is no news."""
    loop = asyncio.get_running_loop()
    strict = loop.get_exception_handler()
    assert strict is not None

    def tolerant(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if "Error on transport creation" not in context["message"]:
            strict(loop, context)

    loop.set_exception_handler(tolerant)


def reason(inbox: FakeInbox) -> str:
    return inbox.of(LinkChanged)[0].reason or ""


async def test_a_certificate_of_our_authority(ami: FakeAmi) -> None:
    async with listening(ami.port) as inbox:
        await inbox.until_state("up")
        ami.cut()
        await inbox.until_state("up", times=2)
    assert ami.actions[-1]["Action"] == "Logoff"


@pytest.mark.usefixtures("handshakes_may_fail")
async def test_an_unknown_authority(ami: FakeAmi) -> None:
    async with listening(ami.port, tls_ca_file=None) as inbox:
        await inbox.until_state("down", "tls")
    assert "not trusted" in reason(inbox)
    assert ami.actions == []


@pytest.mark.usefixtures("handshakes_may_fail")
async def test_a_certificate_for_another_name(ami: FakeAmi) -> None:
    async with listening(ami.port, tls_server_name=None) as inbox:
        await inbox.until_state("down", "tls")
    assert "tls_server_name" in reason(inbox)
    assert ami.actions == []


async def test_no_tls_at_that_port() -> None:
    async with FakeAmi() as plain, listening(plain.port) as inbox:
        await inbox.until_state("down", "tls")
        assert "no TLS at that port" in reason(inbox)


@pytest.mark.usefixtures("handshakes_may_fail")
async def test_tls_at_a_port_that_we_take_for_plain(ami: FakeAmi) -> None:
    async with listening(ami.port, tls=False, login_timeout_s=0.1) as inbox:
        await inbox.until_state("down", "timeout")
    assert "wants TLS" in reason(inbox)


async def test_a_handshake_that_never_ends() -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with listening(port, connect_timeout_s=0.1) as inbox:
            await inbox.until_state("down", "timeout")


async def test_a_full_inbox_pauses_a_tls_socket_too(ami: FakeAmi) -> None:
    blob = b"".join(b"Event: N\r\nN: %06d\r\n\r\n" % n for n in range(50_000))
    async with listening(ami.port) as inbox:
        await inbox.until_state("up")
        inbox.high_water = inbox.undrained + 5
        sending = asyncio.create_task(ami.send(blob))
        await inbox.until(lambda: inbox.asked_to_resume > 0)
        assert inbox.asked_to_resume == 1
        while blob not in inbox.data:
            inbox.drain()
            await asyncio.sleep(0.001)
        await sending


def test_a_ca_file_without_a_certificate(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("nothing")
    with pytest.raises(AgentdError, match="no certificate in PEM form"):
        AmiListener(ami_rig.settings(1, tls=True, tls_ca_file=str(ca)), FakeInbox())
