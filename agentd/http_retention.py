"""REST: legal holds, the purge log, and what a purge would remove. For admins; auditors read."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import StreamingResponse

from agentd.core.people import Person
from agentd.history_columns import Columns
from agentd.http_json import model_of
from agentd.http_parts import Asker, Language, Limit, Moment, answer, at_us, router_of
from agentd.http_problems import documented
from agentd.http_session import require
from agentd.http_tables import EITHER, FileKind, Tables, at_once
from agentd.ports.retention import HoldKind, LegalHold, Purged, RetentionPolicy
from agentd.retention import Retention

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


class Policy(msgspec.Struct, frozen=True):
    """How many days each kind is kept; null: for ever, as work orders and recordings are."""

    policy: RetentionPolicy
    retained_us: int | None
    """When it was last looked through, whole."""


def retention_router(retention: Retention, tables: Tables, utc_offset_s: int) -> APIRouter:
    """The routes of ``/api/retention``."""
    router = router_of("retention")
    store = retention.store
    reading = documented(401, 403, 422)
    changing = documented(400, 401, 403, 404, 409, 413, 415, 422, 503)

    @router.get("/retention", response_model=model_of(Policy), responses=reading)
    async def policy(_: Looker) -> Response:
        """The policy (``[retention]`` in agentd.toml)."""
        return answer(Policy(retention.policy, await store.retained_us()))

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
        made = await retention.hold(
            body.kind, body.target, body.why, by=who.login, pbx=body.pbx, address=asker.address
        )
        return answer(made, status=201)

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
        lifted = await retention.lift(id, body.why, by=who.login, address=asker.address)
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
        return answer(Purges(await retention.dry_run()))

    return router
