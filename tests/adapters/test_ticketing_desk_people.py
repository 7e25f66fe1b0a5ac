"""What people do beside orders: accounts, audit, shifts, appeals, recordings, calls."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from agentd.core.effects import Violation
from agentd.core.people import Person
from agentd.ports.accounts import Account, ApiToken, AuditEntry, Session
from agentd.ports.desk import (
    Appeal,
    CallQuery,
    Duty,
    Handover,
    JudgedViolation,
    Recording,
    ViolationPage,
    ViolationQuery,
    WebhookItem,
)
from agentd.ports.presence import Fault, SignIn
from agentd.ticketing import Store
from tests.adapters.desk_rig import MINUTE_US, desk_store, legs, recording, tell
from tests.adapters.store_rig import T0_US, leg, order, rows, violation

HOUR_US = 60 * MINUTE_US


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "agentd.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    async with desk_store(path) as made:
        yield made


def line(action: str = "person.put", who: str = "admin", at_us: int = T0_US) -> AuditEntry:
    return AuditEntry(
        at_us=at_us, who=who, action=action, target="1001", address="::1", detail={"角色": ["a"]}
    )


# --- accounts --------------------------------------------------------------------------------

WANG = Person(
    login="1001", name="王芳", role="agent", queues=("hotline",), teams=("day", "夜"),
    member_names=("Wang Fang",),
)  # fmt: skip


async def test_accounts_and_their_line_in_the_audit_log(store: Store, path: Path) -> None:
    wang = Account(person=WANG, password_hash="$argon2id$x", created_us=T0_US)
    admin = Account(
        person=Person(login="0001", name="Admin", role="admin", disabled=True),
        password_hash=None,
        created_us=T0_US + 1,
        settings={"sound": False, "主题": {"a": [1]}},
    )
    await store.put_accounts([(wang, line())])
    await store.put_accounts([(admin, line("person.add"))])
    moved = replace(wang, person=replace(WANG, role="shift_leader"), settings={"x": 1})
    await store.put_accounts([(moved, line())])
    assert await store.close()
    async with desk_store(path) as again:
        assert await again.accounts() == [admin, moved]
        actions = [entry.action for entry in await again.audit()]
        assert actions == ["person.put", "person.add", "person.put"]


async def test_an_account_and_its_line_are_written_both_or_not_at_all(store: Store) -> None:
    bad = replace(line(), at_us="soon")
    with pytest.raises(Exception, match="cannot store TEXT"):
        await store.put_accounts([(Account(person=WANG, password_hash=None, created_us=1), bad)])
    assert (await store.accounts(), await store.audit()) == ([], [])
    # One mistake of ours stops nobody else.
    await store.put_accounts([(Account(person=WANG, password_hash=None, created_us=1), line())])
    assert len(await store.accounts()) == 1


def session(n: int, login: str = "1001") -> Session:
    return Session(
        id=f"s{n}", login=login, created_us=n, seen_us=n, expires_us=n + 9, address="10.0.0.1",
        browser="Chromium 90",
    )  # fmt: skip


async def test_sessions(store: Store, path: Path) -> None:
    for made in (session(1), session(2), session(3, "1002"), session(4)):
        await store.put_session(made)
    seen = replace(session(2), seen_us=100)
    await store.put_session(seen)
    assert await store.session("s2") == seen
    assert await store.session("s9") is None
    assert await store.sessions("1001") == [session(1), seen, session(4)]
    await store.end_sessions(ids=["s4", "s9"])
    assert await store.close()
    async with desk_store(path) as again:
        assert await again.sessions() == [session(1), seen, session(3, "1002")]
        await again.end_sessions(login="1001")
        assert await again.sessions() == [session(3, "1002")]
        await again.end_sessions()
        assert len(await again.sessions()) == 1


async def test_tokens(store: Store) -> None:
    token = ApiToken(
        id="t1", hash="h", name="city", rights=("orders.complete",), queues=(), created_us=2,
        created_by="0001",
    )  # fmt: skip
    older = replace(token, id="t2", created_us=1, queues=("hotline",), expires_us=77)
    await store.put_token(token, line("token.add"))
    await store.put_token(older, line("token.add"))
    revoked = replace(token, revoked_us=5, seen_us=4)
    await store.put_token(revoked, line("token.revoke"))
    assert await store.tokens() == [older, revoked]
    assert [entry.action for entry in await store.audit(action="token.add")] == ["token.add"] * 2


# --- audit -----------------------------------------------------------------------------------


async def test_the_audit_log_is_read_newest_first_and_page_by_page(store: Store) -> None:
    entries = [line("login", f"p{n % 2}", T0_US - n) for n in range(7)]
    await store.add_audit(entries)
    await store.add_audit([])
    newest = await store.audit(limit=3)
    assert [(e.seq, e.who) for e in newest] == [(7, "p0"), (6, "p1"), (5, "p0")]
    assert newest[0].detail == {"角色": ["a"]}
    rest = await store.audit(before_seq=newest[-1].seq)
    assert [replace(e, seq=0) for e in rest] == entries[3::-1]
    assert [e.seq for e in await store.audit(who="p1", limit=2)] == [6, 4]
    assert await store.audit(action="nothing") == []


async def test_the_audit_log_cannot_be_changed(store: Store, path: Path) -> None:
    await store.add_audit([line(), line()])
    before = rows(path, "SELECT * FROM audit")
    changes = (
        "UPDATE audit SET who = 'nobody'", "DELETE FROM audit", "DELETE FROM audit WHERE seq = 1",
    )  # fmt: skip
    for change in changes:
        with pytest.raises(sqlite3.IntegrityError, match="the audit log is never changed"):
            rows(path, change)
        with pytest.raises(Exception, match="the audit log is never changed"):
            await store._do(lambda t, c=change: t.connection.exec_driver_sql(c))
    assert rows(path, "SELECT * FROM audit") == before


# --- the shift -------------------------------------------------------------------------------


def duty(id_: str, from_h: int, to_h: int, **changes: object) -> Duty:
    made = Duty(
        id=id_, team="day", login="9001", role="leader", from_us=T0_US + from_h * HOUR_US,
        to_us=T0_US + to_h * HOUR_US,
    )  # fmt: skip
    return replace(made, **changes)


async def test_the_roster(store: Store) -> None:
    early, late, night = duty("a", 0, 4), duty("b", 4, 8), duty("c", 8, 16, team="", note="夜班")
    await store.put_duties([early, night, late], [])
    assert await store.duties(T0_US, T0_US + 99 * HOUR_US) == [early, late, night]
    assert await store.duties(T0_US + 4 * HOUR_US, T0_US + 8 * HOUR_US) == [late]
    changed = replace(late, login="9002", role="deputy")
    await store.put_duties([changed], ["a", "unknown"])
    assert await store.duties(T0_US, T0_US + 99 * HOUR_US) == [changed, night]
    await store.put_duties([], ["b", "c"])
    assert await store.duties(0, T0_US * 2) == []


async def test_handovers(store: Store, path: Path) -> None:
    first = Handover(
        id="h1", team="day", by="9001", at_us=1, log="平安", open_orders=("a", "b"), to="9002"
    )
    other = Handover(id="h2", team="night", by="9003", at_us=2, log="", open_orders=())
    await store.put_handover(first)
    await store.put_handover(other)
    taken = replace(first, confirmed_by="9002", confirmed_us=5)
    await store.put_handover(taken)
    assert await store.close()
    async with desk_store(path) as again:
        assert await again.handovers(None, 10) == [other, taken]
        assert await again.handovers("day", 10) == [taken]
        assert await again.handovers(None, 1) == [other]


async def test_faults(store: Store) -> None:
    fault = Fault(id="f1", pbx="main", seat="PJSIP/1001", by="1001", at_us=1, text="没有声音")
    other = replace(fault, id="f2", at_us=2)
    await store.put_fault(fault)
    await store.put_fault(other)
    mended = replace(fault, done_by="9001", done_us=9)
    await store.put_fault(mended)
    assert await store.faults(open_only=False) == [other, mended]
    assert await store.faults(open_only=True) == [other]


async def test_sign_ins(store: Store, path: Path) -> None:
    early = SignIn(id="1", login="1001", pbx="main", seat="PJSIP/1001", from_us=1)
    late = SignIn(id="2", login="1002", pbx="main", seat="PJSIP/1001", from_us=5)
    await store.put_sign_ins([early])
    ended = replace(early, to_us=5, ended_by="replaced", owed=("o1", "o2"))
    await store.put_sign_ins([late, ended])
    await store.put_sign_ins([])
    assert await store.close()
    async with desk_store(path) as again:
        assert await again.sign_ins() == [ended, late]
        assert await again.sign_ins(login="1001") == [ended]
        assert await again.sign_ins(open_only=True) == [late]
        assert await again.sign_ins(login="1001", open_only=True) == []
        assert await again.sign_ins(from_us=5) == [late]


async def test_webhooks_on_their_way(store: Store, path: Path) -> None:
    item = WebhookItem(id="w1", target="wecom", body=b"\x00\xff", created_us=2, tries=0, next_us=2)
    older = replace(item, id="w2", created_us=1)
    await store.put_webhooks([item, older])
    again_later = replace(item, tries=1, next_us=9)
    await store.put_webhooks([again_later], done=["w2"])
    assert await store.close()
    async with desk_store(path) as again:
        assert await again.webhooks() == [again_later]
        await again.put_webhooks([], done=["w1", "w1"])
        assert await again.webhooks() == []


# --- recordings and calls --------------------------------------------------------------------


async def test_recordings_of_a_call(store: Store, path: Path) -> None:
    await tell(store, recording(1), recording(2))
    await tell(store, recording(1, ended=True), recording(1))
    (found,) = await store.recordings("main", order(1).call)
    expected = Recording(
        id=found.id, pbx="main", call=order(1).call, channel="17323200.11", file="2026/1.wav",
        started_us=T0_US, ended_us=T0_US + HOUR_US,
    )  # fmt: skip
    assert found == expected
    assert ".wav" not in found.id
    assert await store.recordings("branch", order(1).call) == []
    assert await store.recording("unknown") is None
    assert await store.close()
    async with desk_store(path) as again:
        assert await again.recording(found.id) == expected


async def test_a_recording_of_which_only_the_end_was_seen(store: Store) -> None:
    await tell(store, recording(1, ended=True))
    (found,) = await store.recordings("main", order(1).call)
    assert (found.started_us, found.ended_us) == (T0_US + HOUR_US, T0_US + HOUR_US)


async def test_calls_by_the_names_of_a_person(store: Store) -> None:
    told = [
        *legs(1, 2, 3), *legs(4, 5, agent="1001"), *legs(6, agent="李雷"),
        *legs(7, agent="1001", queue=None),
    ]  # fmt: skip
    await tell(store, *told)
    by_end = sorted(told, key=lambda leg: -leg.ended_us)
    assert list((await store.calls(CallQuery())).items) == by_end

    async def numbers(**query: object) -> list[int]:
        page = await store.calls(replace(CallQuery(), **query))
        return [int(leg.call.rpartition(".")[2]) for leg in page.items]

    mine = ("1001", "王芳", "1001")
    assert await numbers(agents=mine) == [7, 5, 4, 3, 2, 1]
    assert await numbers(agents=("李雷",)) == [6]
    assert await numbers(queues=("taxes",)) == [7]
    assert await numbers(agents=mine, queues=("hotline",), limit=3) == [7, 5, 4]
    assert await numbers(pbx="main", call="17323200.3") == [3]
    assert await numbers(pbx="branch") == []
    from_us = T0_US + 3 * MINUTE_US
    assert await numbers(agents=mine, from_us=from_us, to_us=from_us + MINUTE_US) == [3]
    walked, query = [], CallQuery(agents=mine, limit=2)
    while True:
        page = await store.calls(query)
        walked += page.items
        if page.next_cursor is None:
            break
        await tell(store, *legs(100 + len(walked), agent="1001"))
        query = replace(query, cursor=page.next_cursor)
    assert walked == [leg for leg in by_end if leg.agent != "李雷"]


# --- violations and appeals ------------------------------------------------------------------


def appeal(n: int, **changes: object) -> Appeal:
    made = Appeal(id=f"a{n}", violation=violation(n).id, by="1001", at_us=n, reason="线路不清")
    return replace(made, **changes)


async def ids(store: Store, **query: object) -> list[str]:
    page: ViolationPage = await store.violations(replace(ViolationQuery(), **query))
    return [judged.violation.id.split("-")[1].rpartition(".")[2] for judged in page.items]


async def test_a_violation_knows_whose_it_was(store: Store) -> None:
    ring = replace(violation(2), rule="ring", call="17323200.2", agent="nobody", seat="PJSIP/9")
    await tell(store, order(1), violation(1), ring)
    found = await store.violation(violation(1).id)
    assert found == JudgedViolation(
        violation=violation(1), owner="1001", appeals=(), standing=True, order=order(1).id,
        queue="hotline", team="day",
    )  # fmt: skip
    unknown = await store.violation(ring.id)
    assert unknown is not None
    assert (unknown.owner, unknown.team, unknown.queue, unknown.order) == (None, None, None, None)
    # Nobody answered, so there is no order; its leg tells the queue once it is over.
    await tell(store, replace(leg(2), queue="taxes"), leg(1))
    unknown = await store.violation(ring.id)
    assert unknown is not None
    assert unknown.queue == "taxes"
    assert await store.violation(violation(1).id) == found
    assert await store.violation("unknown") is None


async def test_a_violation_of_a_leg_that_is_over_already(store: Store) -> None:
    await tell(store, replace(leg(3), queue="taxes"))
    await tell(store, violation(3))
    found = await store.violation(violation(3).id)
    assert found is not None
    assert (found.queue, found.order) == ("taxes", None)


async def test_appeals_are_put_and_decided(store: Store, path: Path) -> None:
    await tell(store, *(violation(n) for n in range(1, 5)))
    await store.put_appeals([appeal(1), appeal(2)])
    assert await ids(store, pending=True) == ["2", "1"]
    granted = appeal(1, status="granted", decided_by="9001", decided_us=50, decision="属实")
    incident = appeal(3, id="a9", kind="incident", status="granted", batch="b1", by="9001")
    await store.put_appeals([granted, appeal(2, status="refused", decided_by="9001"), incident])
    await store.put_appeals([appeal(2, id="a5", at_us=9)])
    assert await store.close()
    async with desk_store(path) as again:
        one = await again.violation(violation(1).id)
        assert one is not None
        assert (one.standing, one.appeals) == (False, (granted,))
        two = await again.violation(violation(2).id)
        assert two is not None
        assert two.standing
        assert [(a.id, a.status) for a in two.appeals] == [("a2", "refused"), ("a5", "pending")]
        assert await ids(again, standing=False) == ["3", "1"]
        assert await ids(again, standing=True) == ["4", "2"]
        assert await ids(again, pending=True) == ["2"]
        assert await ids(again, pending=False) == ["4", "3", "1"]
        assert await ids(again, pending=False, standing=True) == ["4"]


async def test_violations_by_person_and_by_everything_else(store: Store) -> None:
    def one(n: int, **changes: object) -> Violation:
        return replace(violation(n), **changes)

    await tell(
        store,
        order(1), order(2, queue="taxes"),
        one(1), one(2), one(3, agent="1001", seat="PJSIP/1002"), one(4, agent="李雷", rule="ring"),
        one(5, agent="guest", seat=None), one(6, agent=None, pbx="branch", seat=None),
    )  # fmt: skip
    assert await ids(store) == ["6", "5", "4", "3", "2", "1"]
    # Whose it was is known by login: the name alone is nobody else's.
    assert await ids(store, agents=("1001", "王芳")) == ["3", "2", "1"]
    assert await ids(store, agents=("王芳",)) == []
    assert await ids(store, agents=("guest",)) == ["5"]
    assert await ids(store, rule="ring") == ["4"]
    assert await ids(store, pbx="branch") == ["6"]
    assert await ids(store, seat="PJSIP/1002") == ["3"]
    assert await ids(store, call="17323200.2") == ["2"]
    assert await ids(store, from_us=T0_US + 2, to_us=T0_US + 4) == ["3", "2"]
    assert await ids(store, queues=("taxes",)) == ["6", "5", "4", "3", "2"]
    assert await ids(store, teams=("night",)) == ["6", "5", "3"]
    walked, query = [], ViolationQuery(limit=2)
    while True:
        page = await store.violations(query)
        walked += [judged.violation.id for judged in page.items]
        if page.next_cursor is None:
            break
        await tell(store, one(100 + len(walked)))
        query = replace(query, cursor=page.next_cursor)
    assert walked == [violation(n).id for n in (6, 5, 4, 3, 2, 1)]


# --- beside the writer -----------------------------------------------------------------------


async def test_many_questions_at_once_and_none_after_the_end(store: Store) -> None:
    await tell(store, *(order(n) for n in range(50)), *(violation(n) for n in range(50)))
    answers = await asyncio.gather(
        *(store.violations(ViolationQuery(limit=1 + n)) for n in range(40)),
        *(store.put_session(session(n)) for n in range(40)),
    )
    pages = [len(answer.items) for answer in answers if isinstance(answer, ViolationPage)]
    assert pages == list(range(1, 41))
    assert len(await store.sessions()) == 40
    assert await store.close()
    for late in (store.sessions(), store.put_session(session(1))):
        with pytest.raises(Exception, match="is closed"):
            await late


@pytest.fixture
def threads_before() -> set[threading.Thread]:
    return set(threading.enumerate())


async def test_closing_waits_for_answers_and_leaves_no_thread(
    threads_before: set[threading.Thread], store: Store
) -> None:
    await tell(store, *(violation(n) for n in range(50)))
    asked = [asyncio.create_task(store.violations(ViolationQuery())) for _ in range(30)]
    await asyncio.sleep(0)
    asked[7].cancel()
    assert await store.close()
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(answers[7], asyncio.CancelledError)
    assert [len(a.items) for a in answers if isinstance(a, ViolationPage)] == [50] * 29
    made = set(threading.enumerate()) - threads_before
    left = [t for t in made if "_connection_worker_thread" in t.name]
    # Whoever asked for the end is told a moment before the thread is gone.
    await asyncio.to_thread(lambda: [t.join(timeout=5) for t in left])
    assert [t.name for t in left if t.is_alive()] == []
