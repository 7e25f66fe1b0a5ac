"""Webhooks against real receivers on local ports: good, away, slow, refusing, in a hurry."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import random
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from agentd import clock
from agentd.config import WebhookAccess
from agentd.core.effects import SurgeChanged
from agentd.core.order_model import Notice, WorkOrder
from agentd.errors import AgentdError
from agentd.ports.desk import WebhookItem
from agentd.ticketing import Store
from agentd.webhooks import Kept as Keeper
from agentd.webhooks import Patience, Webhooks
from agentd.webhooks_messages import of_notice, robot_answer
from tests.adapters.http_receiver import Answer, Receiver
from tests.adapters.store_rig import T0_US, alert, order, said, violation
from tests.free_ports import free_port

TLS = Path(__file__).parent / "tls"
HASTE = Patience(
    answer_max_s=0.3, backoff_min_s=0.02, backoff_max_s=0.1, robot_gap_s=0.0, goodbye_max_s=0.5
)

DOCUMENT = WorkOrder(
    id="main-17323200.1",
    pbx="main",
    kind="call",
    call="17323200.1",
    version=3,
    state="open",
    opened_us=T0_US,
    updated_us=T0_US,
    queue="hotline",
    seat="PJSIP/1001",
    agent="1001",
    owner="1001",
    team="一组",
    caller="13812345678",
    category="complaint",
    title="【急件】人民路12号 水管爆裂 回电13987654321",
)
URGENT = Notice("urgent", DOCUMENT.id, T0_US, to=("2001",), role="shift_leader")


class Kept:
    """A store in memory; ``broken`` ones refuse."""

    def __init__(self, items: Sequence[WebhookItem] = ()) -> None:
        self.items = {item.id: item for item in items}
        self.broken = False

    async def put_webhooks(self, put: Sequence[WebhookItem], done: Sequence[str] = ()) -> None:
        if self.broken:
            raise AgentdError("the disk is full")
        self.items |= {item.id: item for item in put}
        for item_id in done:
            self.items.pop(item_id, None)

    async def webhooks(self) -> Sequence[WebhookItem]:
        return list(self.items.values())


def to(url: str, **changes: Any) -> WebhookAccess:
    values: dict[str, Any] = {
        "id": "leaders",
        "url": url,
        "style": "json",
        "secret": None,
        "events": frozenset({"notice"}),
        "language": "zh",
        "teams": frozenset(),
        "mask_numbers": True,
    }
    return WebhookAccess(**{**values, **changes})


@asynccontextmanager
async def running(
    receivers: Sequence[WebhookAccess], kept: Keeper | None = None, patience: Patience = HASTE
) -> AsyncIterator[Webhooks]:
    hooks = Webhooks(
        receivers,
        Kept() if kept is None else kept,
        team_of=lambda _pbx, _seat: "一组",
        patience=patience,
        rng=random.Random(1),
    )
    task = asyncio.create_task(hooks.run())
    try:
        yield hooks
    finally:
        hooks.stop()
        await task


async def until(happened: Any) -> None:
    async with asyncio.timeout(20):
        while not happened():
            await asyncio.sleep(0.005)


async def test_a_notice_arrives_signed_and_is_forgotten() -> None:
    kept = Kept()
    async with Receiver() as receiver:
        async with running([to(receiver.url, secret="s3cret")], kept) as hooks:
            hooks.notify([(URGENT, DOCUMENT)])
            await receiver.until(1)
            await until(lambda: not kept.items and hooks.health["leaders"].delivered)
        (got,) = receiver.got
    assert got.headers["content-type"].startswith("application/json")
    told = got.json
    assert told["type"] == "notice"
    assert told["at"] == T0_US / 1e6
    assert told["data"]["kind"] == "urgent"
    assert told["data"]["order"] == DOCUMENT.id
    assert told["data"]["caller"] == "138****5678"
    assert "139****4321" in told["data"]["title"]
    assert "13987654321" not in got.body.decode()
    assert DOCUMENT.id in told["text"]
    assert "急件" in told["text"]
    # As any library for Standard Webhooks would check it.
    signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
    wanted = base64.b64encode(hmac.new(b"s3cret", signed, hashlib.sha256).digest()).decode()
    assert got.headers["webhook-signature"] == f"v1,{wanted}"
    assert abs(int(got.headers["webhook-timestamp"]) - clock.wall_us() / 1e6) < 60


async def test_numbers_are_told_in_full_only_where_that_is_asked_for() -> None:
    async with Receiver() as receiver:
        about = to(receiver.url, mask_numbers=False, language="en")
        async with running([about]) as hooks:
            hooks.notify([(URGENT, DOCUMENT)])
            await receiver.until(1)
    told = receiver.got[0].json
    assert told["data"]["caller"] == "13812345678"
    assert "13987654321" in told["data"]["title"]
    assert "acknowledged by the shift leader" in told["text"]


async def test_what_is_about_ourselves_names_neither_title_nor_agent() -> None:
    async with Receiver() as receiver, running([to(receiver.url, style="wecom")]) as hooks:
        own = replace(DOCUMENT, own_service=True)
        said_aloud = replace(
            URGENT, kind="own_service", text_zh=f"涉及本中心:{own.title}", without=("2001",)
        )
        hooks.notify([(said_aloud, own)])
        await receiver.until(1)
    text = receiver.got[0].json["text"]["content"]
    assert "水管" not in text
    assert "1001" not in text, "neither the person nor the phone"
    assert DOCUMENT.id in text
    # A machine that tells people hears who must not be told.
    assert of_notice(said_aloud, own, "zh", mask=True).data["without"] == ["2001"]
    # Nor does a machine hear it in the notice's own words.
    assert "水管" not in json.dumps(
        msgspec.to_builtins(of_notice(said_aloud, own, "zh", mask=True)), ensure_ascii=False
    )


@pytest.mark.parametrize(
    ("first", "tries"),
    [
        ([Answer(500), Answer(200)], 2),
        ([Answer(503), Answer(502), Answer(200)], 3),
        ([Answer(slow=True), Answer(200)], 2),
        ([Answer(408), Answer(200)], 2),
        ([Answer(302, {"Location": "http://127.0.0.1:1/"}), Answer(200)], 2),
    ],
)
async def test_a_receiver_in_trouble_is_tried_again(first: list[Answer], tries: int) -> None:
    kept = Kept()
    async with Receiver(first) as receiver, running([to(receiver.url)], kept) as hooks:
        hooks.notify([(URGENT, DOCUMENT)])
        await receiver.until(tries)
        await until(lambda: not kept.items)
        assert hooks.health["leaders"].delivered == 1
        assert hooks.health["leaders"].error is None
    assert len(receiver.got) == tries
    assert len({got.headers["webhook-id"] for got in receiver.got}) == 1


async def test_one_who_says_when_to_come_again_is_obeyed() -> None:
    busy = Receiver([Answer(429, {"Retry-After": "1"}), Answer(200)])
    async with busy as receiver, running([to(receiver.url)]) as hooks:
        began_s = clock.monotonic()
        hooks.notify([(URGENT, DOCUMENT)])
        await receiver.until(2)
        assert clock.monotonic() - began_s >= 1.0


@pytest.mark.parametrize("status", [400, 401, 404, 410, 422])
async def test_what_a_receiver_refuses_is_given_up_and_said(status: int) -> None:
    kept = Kept()
    async with Receiver([Answer(status), Answer(200)]) as receiver:
        with capture_logs() as log:
            async with running([to(receiver.url)], kept) as hooks:
                hooks.notify([(URGENT, DOCUMENT)])
                await until(lambda: hooks.health["leaders"].given_up)
                hooks.notify([(URGENT, DOCUMENT)])
                await receiver.until(2)
                await until(lambda: not kept.items)
    (line,) = said(log, "webhook_given_up")
    assert str(status) in line["reason"]


async def test_what_is_a_day_old_is_given_up() -> None:
    old = clock.wall_us() - int(25 * 3600e6)
    item = WebhookItem("notice-1", "leaders", b"{}", old, 40, old)
    kept = Kept([item])
    async with running([to(f"http://127.0.0.1:{free_port()}/")], kept) as hooks:
        await until(lambda: hooks.health["leaders"].given_up == 1 and not kept.items)


async def test_a_dead_or_slow_receiver_delays_nobody() -> None:
    kept = Kept()
    async with Receiver() as good, Receiver([Answer(slow=True)]) as slow:
        receivers = [
            to(f"http://127.0.0.1:{free_port()}/", id="dead"),
            to(slow.url, id="slow"),
            to(good.url, id="good"),
        ]
        patience = replace(HASTE, answer_max_s=30.0)
        with capture_logs() as log:
            async with running(receivers, kept, patience) as hooks:
                for number in range(50):
                    hooks.notify([(replace(URGENT, times=number + 1), DOCUMENT)])
                # Neither of the others can have answered within this time.
                await good.until(50)
                assert len(slow.got) <= 1
                assert hooks.health["dead"].error == "it cannot be reached"
                assert hooks.health["dead"].delivered == 0
    assert [got.json["data"]["times"] for got in good.got] == list(range(1, 51))
    # Told once, not for every try.
    assert len([line for line in said(log, "webhook_away") if line["target"] == "dead"]) == 1
    assert {item.target for item in kept.items.values()} == {"dead", "slow"}
    assert len(kept.items) == 100


async def test_after_a_restart_it_goes_on_with_the_same_ids() -> None:
    kept = Kept()
    port = free_port()
    url = f"http://127.0.0.1:{port}/hook"
    async with running([to(url)], kept) as hooks:
        hooks.notify([(URGENT, DOCUMENT), (replace(URGENT, times=2), DOCUMENT)])
        await until(lambda: any(item.tries for item in kept.items.values()))
    ids = set(kept.items)
    assert len(ids) == 2
    receiver = Receiver()
    receiver.port = port
    async with receiver, running([to(url)], kept):
        await receiver.until(2)
        await until(lambda: not kept.items)
    assert {got.headers["webhook-id"] for got in receiver.got} == ids


async def test_a_real_database_keeps_them_over_a_restart(tmp_path: Path) -> None:
    port = free_port()
    about = to(f"http://127.0.0.1:{port}/hook", secret="s")
    async with Store(tmp_path / "agentd.db") as store, running([about], store) as hooks:
        hooks.notify([(URGENT, DOCUMENT)])
        await until(lambda: hooks.health["leaders"].error)
    async with Store(tmp_path / "agentd.db") as store:
        (item,) = await store.webhooks()
        assert item.tries >= 1
        receiver = Receiver()
        receiver.port = port
        async with receiver, running([about], store) as hooks:
            await until(lambda: hooks.health["leaders"].delivered)
        assert list(await store.webhooks()) == []
    assert [got.headers["webhook-id"] for got in receiver.got] == [item.id]


async def test_messages_for_a_receiver_that_is_configured_no_more_are_forgotten() -> None:
    item = WebhookItem("notice-1", "gone", b"{}", T0_US, 0, T0_US)
    kept = Kept([item])
    async with running([], kept):
        await until(lambda: not kept.items)


async def test_a_disk_that_refuses_keeps_nothing_back() -> None:
    kept = Kept()
    kept.broken = True
    async with Receiver() as receiver:
        with capture_logs() as log:
            async with running([to(receiver.url)], kept) as hooks:
                hooks.notify([(URGENT, DOCUMENT), (URGENT, DOCUMENT)])
                await receiver.until(2)
                kept.broken = False
    assert len(said(log, "webhooks_not_stored")) == 1
    assert kept.items == {}


async def test_a_surge_is_news_for_who_asked_for_it() -> None:
    begun = SurgeChanged(
        "main", 5_000_000, "热线", 2, 0, 5_000_000, ("waiting",), 11, 42_500_000, 0.625, 0
    )
    over = replace(begun, at_us=65_000_000, level=0, was=2, waiting=0, reached=(), folded=3)
    kept = Kept()
    async with Receiver() as machine, Receiver() as others:
        receivers = [
            # No team serves a queue alone.
            to(machine.url, id="m", events=frozenset({"surge"}), teams=frozenset({"二组"}),
               secret="whsec_c2VjcmV0"),
            to(others.url, id="o", events=frozenset({"alert"})),
        ]  # fmt: skip
        async with running(receivers, kept) as hooks:
            hooks.announce([begun, replace(begun, at_us=6_000_000, level=1, was=2), over])
            await machine.until(3)
        assert kept.items == {}
    first, down, last = (got.json for got in machine.got)
    assert (first["type"], first["at"], first["data"]["level"]) == ("surge", 5.0, 2)
    assert first["text"] == (
        "话务预警 2 级\n队列: 热线\n排队人数: 11\n最长等待: 42.5 s\n近 30 分钟服务水平: 62%"
    )
    assert down["text"].startswith("话务预警降为 1 级\n")
    assert last["text"] == "话务预警解除\n队列: 热线\n持续: 60.0 s\n期间折叠的小告警: 3"
    assert (last["data"]["folded"], last["data"]["began_at"]) == (3, 5.0)
    assert others.got == []


# --- alerts, violations, work orders ---------------------------------------------------------


async def test_everyone_is_told_what_they_asked_for() -> None:
    effects = [alert(1), violation(1), order(1), replace(alert(2), rule="urgent")]
    async with Receiver() as all_of_it, Receiver() as orders, Receiver() as others:
        receivers = [
            to(all_of_it.url, id="all",
               events=frozenset({"alert", "violation", "work_order", "notice"})),
            to(orders.url, id="orders", events=frozenset({"work_order"})),
            to(others.url, id="others", events=frozenset({"alert"}), teams=frozenset({"二组"})),
        ]  # fmt: skip
        async with running(receivers) as hooks:
            hooks.announce(effects)
            hooks.notify([(replace(URGENT, kind="assigned"), DOCUMENT)])
            await all_of_it.until(4)
            await orders.until(1)
    # Of an urgent order the notice says more than the alert.
    assert sorted(got.json["type"] for got in all_of_it.got) == [
        "alert", "notice", "violation", "work_order",
    ]  # fmt: skip
    told = {got.json["type"]: got.json for got in all_of_it.got}
    assert told["violation"]["data"]["rule"] == "hold"
    assert told["work_order"]["data"]["caller"] == "139****0000"
    assert [got.json["data"]["id"] for got in orders.got] == [order(1).id]
    assert others.got == []


async def test_old_alerts_are_no_news() -> None:
    kept = Kept()
    port = free_port()
    about = to(f"http://127.0.0.1:{port}/hook", events=frozenset({"alert", "notice"}))
    patience = replace(HASTE, alert_max_age_s=0.3)
    receiver = Receiver()
    receiver.port = port
    async with running([about], kept, patience) as hooks:
        hooks.announce([alert(1)])
        hooks.notify([(URGENT, DOCUMENT)])
        await until(lambda: hooks.health["leaders"].dropped == 1)
        async with receiver:
            await receiver.until(1)
            await until(lambda: not kept.items)
    assert [got.json["type"] for got in receiver.got] == ["notice"]


async def test_too_many_are_bounded_and_notices_stay_longest() -> None:
    about = to(f"http://127.0.0.1:{free_port()}/", events=frozenset({"alert", "notice"}))
    patience = replace(HASTE, queue_max=3)
    kept = Kept()
    async with running([about], kept, patience) as hooks:
        hooks.notify([(replace(URGENT, times=1), DOCUMENT), (replace(URGENT, times=2), DOCUMENT)])
        await until(lambda: len(kept.items) == 2)
        hooks.announce([alert(n) for n in range(20)])
        hooks.notify([(replace(URGENT, times=3), DOCUMENT)])
        await until(lambda: len(kept.items) == 3)
        assert hooks.health["leaders"].waiting <= 3
        assert hooks.health["leaders"].dropped >= 18
    assert len(kept.items) == 3


# --- chat robots -----------------------------------------------------------------------------


async def robot_gets(style: str, secret: str | None) -> tuple[Any, str]:
    async with Receiver() as receiver:
        about = to(receiver.url + "?key=k", style=style, secret=secret)
        async with running([about]) as hooks:
            hooks.notify([(URGENT, DOCUMENT), (replace(URGENT, kind="returned"), DOCUMENT)])
            await receiver.until(1)
    # What is for one agent's eyes does not go into the leaders' chat.
    (got,) = receiver.got
    return got.json, got.target


async def test_wecom() -> None:
    body, target = await robot_gets("wecom", None)
    assert set(body) == {"msgtype", "text"}
    assert body["msgtype"] == "text"
    assert "急件" in body["text"]["content"]
    assert target == "/hook?key=k"


async def test_dingtalk_signs_in_the_address() -> None:
    body, target = await robot_gets("dingtalk", "SECabc")
    assert body["msgtype"] == "text"
    query = parse_qs(urlsplit(target).query)
    assert query["key"] == ["k"]
    (stamp,) = query["timestamp"]
    assert abs(int(stamp) / 1000 - clock.wall_us() / 1e6) < 60
    signed = hmac.new(b"SECabc", f"{stamp}\nSECabc".encode(), hashlib.sha256).digest()
    assert query["sign"] == [base64.b64encode(signed).decode()]


async def test_feishu_signs_in_the_body() -> None:
    body, target = await robot_gets("feishu", "abc")
    assert target == "/hook?key=k"
    assert body["msg_type"] == "text"
    assert "急件" in body["content"]["text"]
    key = f"{body['timestamp']}\nabc".encode()
    signed = hmac.new(key, b"", hashlib.sha256).digest()
    assert body["sign"] == base64.b64encode(signed).decode()


async def test_a_robot_refuses_in_the_body_of_a_200() -> None:
    wrong = Answer(200, body=b'{"errcode": 93000, "errmsg": "invalid webhook url"}')
    robot = Receiver([wrong])
    async with robot as receiver, running([to(receiver.url, style="wecom")]) as hooks:
        hooks.notify([(URGENT, DOCUMENT)])
        await until(lambda: hooks.health["leaders"].given_up)
        assert "93000" in (hooks.health["leaders"].error or "")
    assert len(receiver.got) == 1


async def test_a_robot_that_wants_no_more_is_left_in_peace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agentd.webhooks.TOO_FAST_S", 0.5)
    fast = Answer(200, body=b'{"errcode": 45009, "errmsg": "api freq out of limit"}')
    robot = Receiver([fast, Answer()])
    async with robot as receiver, running([to(receiver.url, style="wecom")]) as hooks:
        began_s = clock.monotonic()
        hooks.notify([(URGENT, DOCUMENT)])
        await receiver.until(2)
        assert clock.monotonic() - began_s >= 0.5


@pytest.mark.parametrize(
    ("content", "taken", "again"),
    [
        (b'{"errcode":0,"errmsg":"ok"}', True, False),
        (b'{"StatusCode":0,"StatusMessage":"success"}', True, False),
        (b'{"code":0,"msg":"success"}', True, False),
        (b'{"code":11232,"msg":"frequency limited"}', False, True),
        (b'{"errcode":-1,"errmsg":"system busy"}', False, True),
        (b'{"code":19021,"msg":"sign match fail"}', False, False),
        (b"<html>a proxy's page</html>", False, True),
        (b"[]", False, True),
        (b"{}", False, True),
    ],
)
def test_what_robots_say(content: bytes, taken: bool, again: bool) -> None:
    said_ = robot_answer(content)
    assert (said_.taken, said_.again) == (taken, again)


async def test_long_texts_are_cut_for_robots() -> None:
    async with Receiver() as receiver, running([to(receiver.url, style="wecom")]) as hooks:
        hooks.notify([(URGENT, replace(DOCUMENT, title="长" * 5000))])
        await receiver.until(1)
    assert len(receiver.got[0].json["text"]["content"].encode()) < 2048


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"url": "http://"}, "url"),
        ({"url": "http://[::1"}, "url"),
        ({"secret": "whsec_%%%"}, "base64"),
    ],
)
def test_an_address_or_secret_that_cannot_be_used_is_told(changes: Any, words: str) -> None:
    about = to("http://127.0.0.1/", **{k: v for k, v in changes.items() if k != "url"})
    about = replace(about, url=changes.get("url", about.url))
    with pytest.raises(AgentdError, match=words):
        Webhooks([about], Kept(), team_of=lambda _pbx, _seat: None)


async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = asyncio.get_running_loop()
    # The receiver's side of a handshake that we break off is no news.
    loop.set_exception_handler(lambda _loop, _context: None)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "server.pem", TLS / "server.key")
    async with Receiver(tls=context) as receiver:
        async with running([to(receiver.url, secret="s")]) as hooks:
            hooks.notify([(URGENT, DOCUMENT)])
            await until(lambda: hooks.health["leaders"].error)
            assert "certificate" in (hooks.health["leaders"].error or "")
        # Its authority is trusted now, but the certificate is another host's.
        monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "ca.pem"))
        async with running([to(receiver.url, secret="s")]) as hooks:
            hooks.notify([(URGENT, DOCUMENT)])
            await until(lambda: hooks.health["leaders"].error)
            assert "127.0.0.1" in (hooks.health["leaders"].error or "")
    assert receiver.got == []
