"""What is kept how long, and legal holds: what admins ask by REST and by the command line."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from agentd import clock
from agentd.core.people import Directory
from agentd.core.phone import NumberRules, normalise
from agentd.errors import Refused
from agentd.ports.accounts import AuditEntry
from agentd.ports.history import HistoryStore
from agentd.ports.retention import HoldKind, LegalHold, Purged, RetentionPolicy

NAME = "retention"


class RetentionRequest(
    Struct, frozen=True, tag_field="do", tag=NAME, omit_defaults=True, kw_only=True
):
    """One command of the command line. ``by``: as the audit log shows it, ``cli:USER``."""

    verb: Literal["show", "dry_run", "holds", "hold", "lift", "purges"]
    by: str
    kind: HoldKind = "call"
    target: str = ""
    """What is to be held, or the id of the hold to lift."""
    pbx: str | None = None
    why: str = ""


class Retention:
    """See the module. ``policy`` and ``numbers`` are the configuration's."""

    def __init__(
        self,
        store: HistoryStore,
        directory: Directory,
        policy: RetentionPolicy,
        numbers: NumberRules,
        now_us: Callable[[], int] = clock.wall_us,
    ) -> None:
        self.store = store
        self.policy = policy
        self._directory = directory
        self._numbers = numbers
        self._now_us = now_us

    async def hold(
        self,
        kind: HoldKind,
        target: str,
        why: str,
        *,
        by: str,
        pbx: str | None = None,
        address: str = "",
    ) -> LegalHold:
        """Keep it from now on, whatever the policy says. Raises :class:`Refused` (``invalid``)."""
        hold = LegalHold(
            id=secrets.token_hex(8),
            kind=kind,
            target=self._checked(kind, target.strip(), pbx),
            why=_reason(why),
            by=by,
            at_us=self._now_us(),
            pbx=pbx if kind == "call" else None,
            names=self._names(target.strip()) if kind == "person" else (),
        )
        await self.store.put_hold(hold, self._line("hold.set", hold, by, address))
        return hold

    async def lift(self, hold_id: str, why: str, *, by: str, address: str = "") -> LegalHold:
        """It need not be kept any longer. Raises :class:`Refused`."""
        stands = next((hold for hold in await self.store.holds() if hold.id == hold_id), None)
        if stands is None:
            raise Refused(
                f"there is no hold {hold_id!r}", code="not_found", text_zh="没有这项保留。"
            )
        if stands.lifted_us is not None:
            raise Refused("it is lifted already", code="wrong_state", text_zh="该保留已解除。")
        lifted = replace(stands, lifted_by=by, lifted_us=self._now_us(), lifted_why=_reason(why))
        await self.store.put_hold(lifted, self._line("hold.lift", lifted, by, address))
        return lifted

    async def dry_run(self) -> tuple[Purged, ...]:
        """What the policy would remove now, each kind counted for itself."""
        found = await self.store.retain(self.policy, self._now_us(), by="dry-run", dry=True)
        return tuple(found)

    async def act(self, request: RetentionRequest) -> Mapping[str, Any]:
        """Do what the command line asks; the members of the answer, plain JSON. Raises
        :class:`Refused`."""
        match request.verb:
            case "show":
                retained_us = await self.store.retained_us()
                shown: dict[str, Any] = {"policy": self.policy, "retained_us": retained_us}
            case "dry_run":
                shown = {"purges": await self.dry_run()}
            case "holds":
                shown = {"holds": await self.store.holds()}
            case "purges":
                shown = {"purges": await self.store.purges()}
            case "hold":
                kind, target = request.kind, request.target
                made = await self.hold(kind, target, request.why, by=request.by, pbx=request.pbx)
                shown = {"hold": made}
            case "lift":
                shown = {"hold": await self.lift(request.target, request.why, by=request.by)}
        answer: Mapping[str, Any] = msgspec.to_builtins(shown)
        return answer

    def _checked(self, kind: HoldKind, target: str, pbx: str | None) -> str:
        """The target in the form in which it is compared."""
        if not target:
            raise _invalid("target", "say what is to be kept", "请填写要保留的对象。")
        if kind == "call" and not pbx:
            raise _invalid("pbx", "say on which PBX the call was", "请填写该通话所在的 PBX。")
        if kind == "person" and self._directory.get(target) is None:
            raise _invalid("target", f"there is no account {target!r}", "没有这个账号。")
        if kind != "number":
            return target
        norm = normalise(target, self._numbers)
        if norm is None:
            raise _invalid("target", "this is no telephone number", "这不是电话号码。")
        return norm

    def _names(self, login: str) -> tuple[str, ...]:
        """The names under which calls are this person's and nobody else's."""
        person = self._directory.get(login)
        if person is None:
            return (login,)
        names = dict.fromkeys((person.login, person.name, *person.member_names))
        return tuple(name for name in names if self._directory.whose(name) == person)

    def _line(self, action: str, hold: LegalHold, by: str, address: str) -> AuditEntry:
        return AuditEntry(
            at_us=self._now_us(),
            who=by,
            action=action,
            target=hold.id,
            address=address,
            detail={
                "kind": hold.kind,
                "target": hold.target,
                "pbx": hold.pbx,
                "why": hold.lifted_why or hold.why,
            },
        )


def _reason(why: str) -> str:
    if not why.strip():
        raise _invalid("why", "say why", "请填写原因。")
    return why.strip()


def _invalid(field: str, text_en: str, text_zh: str) -> Refused:
    return Refused(text_en, code="invalid", text_zh=text_zh, field=field)
