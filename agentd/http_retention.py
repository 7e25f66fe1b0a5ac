"""REST: legal holds, the purge log, and what a purge would remove. For admins; auditors read."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Response
from msgspec.structs import replace
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import StreamingResponse

from agentd import clock
from agentd.core.people import Directory, Person
from agentd.core.phone import NumberRules, normalise
from agentd.errors import Refused
from agentd.history_columns import Columns
from agentd.history_view import HistoryView
from agentd.http_json import model_of
from agentd.http_parts import Asker, Language, Limit, Moment, answer, at_us, router_of
from agentd.http_problems import documented
from agentd.http_session import Caller, require
from agentd.http_tables import EITHER, FileKind, Tables, at_once
from agentd.ports.accounts import AuditEntry
from agentd.ports.history import HoldKind, LegalHold, Purged, RetentionPolicy

FILE_ROWS_MAX: Final = 10_000

Keeper = Annotated[Person, Depends(require("people"))]
Looker = Annotated[Person, Depends(require("people", "audit"))]

Why = Annotated[str, Field(min_length=1, max_length=2000)]


class HoldBody(BaseModel):
    """What must be kept, and why. ``target``: a call's id (with its ``pbx``), an order's id, a
    login, a number."""

    model_config = ConfigDict(extra="forbid", strict=True)
    kind: HoldKind
    target: Annotated[str, Field(min_length=1, max_length=200)]
    why: Why
    pbx: Annotated[str | None, Field(max_length=32)] = None


class LiftBody(BaseModel):
    """Why it need not be kept any longer."""

    model_config = ConfigDict(extra="forbid", strict=True)
    why: Why


class Holds(msgspec.Struct, frozen=True):
    items: tuple[LegalHold, ...]


class Purges(msgspec.Struct, frozen=True):
    items: tuple[Purged, ...]


class Retention(msgspec.Struct, frozen=True):
    """How many days each kind is kept; null: for ever, as work orders and recordings are."""

    policy: RetentionPolicy
    retained_us: int | None
    """When it was last looked through, whole."""


def retention_router(
    view: HistoryView,
    tables: Tables,
    directory: Directory,
    policy: RetentionPolicy,
    numbers: NumberRules,
    utc_offset_s: int,
    now_us: Callable[[], int] = clock.wall_us,
) -> APIRouter:
    """The routes of ``/api/retention``."""
    router = router_of("retention")
    store = view.store
    reading = documented(401, 403, 422)
    changing = documented(400, 401, 403, 404, 409, 413, 415, 422, 503)

    def line(who: Caller, action: str, hold: LegalHold) -> AuditEntry:
        return AuditEntry(
            at_us=now_us(),
            who=who.name,
            action=action,
            target=hold.id,
            address=who.address,
            detail={
                "kind": hold.kind,
                "target": hold.target,
                "pbx": hold.pbx,
                "why": hold.lifted_why or hold.why,
            },
        )

    def made(who: Person, body: HoldBody) -> LegalHold:
        target = body.target.strip()
        names: tuple[str, ...] = ()
        pbx = body.pbx if body.kind == "call" else None
        if body.kind == "call" and pbx is None:
            raise _invalid("pbx", "Say on which PBX the call was.", "请填写该通话所在的 PBX。")
        if body.kind == "number":
            norm = normalise(target, numbers)
            if norm is None:
                raise _invalid("target", "This is no telephone number.", "这不是电话号码。")
            target = norm
        if body.kind == "person":
            if directory.get(target) is None:
                raise _invalid("target", "There is no such account.", "没有这个账号。")
            names = view.names_of(target)
        return LegalHold(
            id=secrets.token_hex(8),
            kind=body.kind,
            target=target,
            why=body.why.strip(),
            by=who.login,
            at_us=now_us(),
            pbx=pbx,
            names=names,
        )

    @router.get("/retention", response_model=model_of(Retention), responses=reading)
    async def retention(_: Looker) -> Response:
        """The policy (``[retention]`` in agentd.toml)."""
        return answer(Retention(policy, await store.retained_us()))

    @router.get("/retention/holds", response_model=model_of(Holds), responses=reading)
    async def holds(
        _: Looker,
        open: Annotated[bool, Query()] = False,  # noqa: A002
    ) -> Response:
        """Legal holds, the newest first."""
        return answer(Holds(tuple(await store.holds(open_only=open))))

    @router.post(
        "/retention/holds", status_code=201, response_model=model_of(LegalHold), responses=changing
    )
    async def hold(who: Keeper, asker: Asker, body: HoldBody) -> Response:
        """Keep a call, an order's calls, a person's or a number's, whatever the policy says."""
        made_hold = made(who, body)
        await store.put_hold(made_hold, line(asker, "hold.set", made_hold))
        return answer(made_hold, status=201)

    @router.post(
        "/retention/holds/{id}/lift", response_model=model_of(LegalHold), responses=changing
    )
    async def lift(
        who: Keeper,
        asker: Asker,
        id: Annotated[str, Path(min_length=1, max_length=64)],  # noqa: A002
        body: LiftBody,
    ) -> Response:
        """It need not be kept any longer."""
        stands = next((hold for hold in await store.holds() if hold.id == id), None)
        if stands is None:
            raise Refused("There is no such hold.", code="not_found", text_zh="没有这项保留。")
        if stands.lifted_us is not None:
            raise Refused("It is lifted already.", code="wrong_state", text_zh="该保留已解除。")
        lifted = replace(
            stands, lifted_by=who.login, lifted_us=now_us(), lifted_why=body.why.strip()
        )
        await store.put_hold(lifted, line(asker, "hold.lift", lifted))
        return answer(lifted)

    @router.get("/retention/purges", response_model=model_of(Purges), responses=reading)
    async def purges(
        _: Looker,
        before: Annotated[Moment | None, Query(description="purged before")] = None,
        limit: Limit = 50,
    ) -> Response:
        """What was removed, the newest first."""
        return answer(Purges(tuple(await store.purges(limit, at_us(before)))))

    @router.get(
        "/retention/purges.{kind}",
        response_class=StreamingResponse,
        responses={**EITHER, **reading},
    )
    async def purges_file(
        _: Looker, asker: Asker, kind: FileKind, lang: Language = "zh"
    ) -> StreamingResponse:
        """The same as CSV or as an Excel workbook."""
        await tables.note(asker, "purges.export", kind, {})
        return await tables.file(
            kind,
            Columns(lang, utc_offset_s).purges(),
            at_once(await store.purges(FILE_ROWS_MAX)),
            name="purges",
            title="清除记录" if lang == "zh" else "purges",
        )

    @router.get("/retention/dry-run", response_model=model_of(Purges), responses=reading)
    async def dry_run(_: Keeper) -> Response:
        """What the policy would remove now, each kind counted for itself."""
        found = await store.retain(policy, now_us(), by="dry-run", dry=True)
        return answer(Purges(tuple(found)))

    return router


def _invalid(field: str, text_en: str, text_zh: str) -> Refused:
    return Refused(text_en, code="invalid", text_zh=text_zh, field=field)
