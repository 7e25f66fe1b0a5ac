"""Calls and recordings as one person may know them.

Everybody may know the own calls; who has the right ``orders.read`` (calls) or ``recordings`` (their
sound) those of the own scope as well. What is not in one's scope does not exist for one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from msgspec import Struct

from agentd.core.effects import LegEnded
from agentd.core.order_model import WorkOrder
from agentd.core.people import Directory, Person, Right
from agentd.errors import Refused
from agentd.ports.desk import CallQuery, DeskStore, Recording
from agentd.ports.presence import SignIn

SHIFT_GAP_US: Final = 6 * 3_600_000_000
"""Sign-ins that lie closer together are one shift, split or not."""
SHIFT_MAX_US: Final = 24 * 3_600_000_000
_PIECE = 200


class Leg(LegEnded, frozen=True, gc=False):
    """A leg with what belongs to its call."""

    recordings: tuple[RecordingRef, ...] = ()
    order: str | None = None


class RecordingRef(Struct, frozen=True):
    """A recording that the person may play; its file's name is nobody's business."""

    id: str
    started_us: int
    ended_us: int | None


class LegPage(Struct, frozen=True):
    items: tuple[Leg, ...]
    next_cursor: str | None


class CallDetail(Struct, frozen=True):
    """A call as far as the person may know it."""

    legs: tuple[Leg, ...]
    recordings: tuple[RecordingRef, ...]
    order: str | None


class CallRecords:
    """What people may know of calls (see the module).

    ``team_of``: the group of (pbx, seat). ``folders``: the recordings of each PBX, by its id;
    ``named``: what a PBX itself calls that folder, where not as usual.
    """

    def __init__(
        self,
        store: DeskStore,
        directory: Directory,
        *,
        team_of: Callable[[str, str], str | None],
        folders: Mapping[str, Path],
        named: Mapping[str, PurePosixPath] | None = None,
    ) -> None:
        self._store = store
        self._directory = directory
        self._team_of = team_of
        self.folders = folders
        self.named = dict(named or {})

    def names_of(self, who: Person) -> tuple[str, ...]:
        """The names under which calls are ``who``'s and nobody else's."""
        names = dict.fromkeys((who.login, who.name, *who.member_names))
        return tuple(name for name in names if self._is(name, who))

    def _is(self, agent: str | None, who: Person) -> bool:
        known = self._directory.whose(agent)
        return known is not None and known.login == who.login

    def _leads(self, who: Person, right: Right, legs: Sequence[LegEnded]) -> bool:
        return who.may(right) and any(
            who.in_scope(leg.queue, self._team_of(leg.pbx, leg.seat)) for leg in legs
        )

    # --- one's own ------------------------------------------------------------------------

    async def mine(
        self, who: Person, from_us: int | None, to_us: int | None, cursor: str | None, limit: int
    ) -> LegPage:
        """The own legs, the newest first, with their recordings and orders."""
        page = await self._store.calls(
            CallQuery(
                agents=self.names_of(who), from_us=from_us, to_us=to_us, cursor=cursor, limit=limit
            )
        )
        calls: dict[tuple[str, str], tuple[Sequence[Recording], WorkOrder | None]] = {}
        for leg in page.items:
            if (key := (leg.pbx, leg.call)) not in calls:
                calls[key] = (
                    await self._store.recordings(*key),
                    await self._store.order_of_call(*key),
                )
        return LegPage(
            tuple(_leg(leg, *calls[leg.pbx, leg.call]) for leg in page.items), page.next_cursor
        )

    async def shift_began(self, who: Person, now_us: int) -> int:
        """When the person's shift began: days are shift days, never cut at midnight."""
        sign_ins = await self._store.sign_ins(login=who.login, from_us=now_us - SHIFT_MAX_US)
        return shift_began(sign_ins, now_us)

    async def _legs(self, query: CallQuery) -> list[LegEnded]:
        """All legs, the earliest first."""
        legs: list[LegEnded] = []
        cursor: str | None = None
        while True:
            page = await self._store.calls(_at(query, cursor))
            legs += page.items
            cursor = page.next_cursor
            if cursor is None:
                return sorted(legs, key=lambda leg: leg.ended_us)

    # --- any call -------------------------------------------------------------------------

    async def call(self, who: Person, pbx: str, call: str) -> CallDetail:
        """The call ``call``. Raises :class:`Refused` (``not_found``) where it is not ``who``'s to
        know. Who does not lead sees the own legs, and the recordings made meanwhile."""
        legs = await self._legs(CallQuery(pbx=pbx, call=call))
        own = [leg for leg in legs if self._is(leg.agent, who)]
        order = await self._store.order_of_call(pbx, call)
        recordings = await self._store.recordings(pbx, call)
        if self._leads(who, "orders.read", legs):
            seen = legs
        elif own:
            seen = own
        else:
            raise _unknown("call", "通话")
        if not self._leads(who, "recordings", legs):
            recordings = [found for found in recordings if _during(found, own)]
        if order is not None and seen is own and order.owner != who.login:
            order = None
        return CallDetail(
            tuple(_leg(leg, recordings, order) for leg in seen),
            tuple(_ref(found) for found in recordings),
            None if order is None else order.id,
        )

    async def recording(self, who: Person, recording_id: str) -> Recording:
        """The recording, if ``who`` may listen to it. Raises :class:`Refused` (``not_found``)."""
        found = await self._store.recording(recording_id)
        if found is not None:
            legs = await self._legs(CallQuery(pbx=found.pbx, call=found.call))
            own = [leg for leg in legs if self._is(leg.agent, who)]
            if self._leads(who, "recordings", legs) or (not who.disabled and _during(found, own)):
                return found
        raise _unknown("recording", "录音")


def shift_began(sign_ins: Sequence[SignIn], now_us: int) -> int:
    """When the shift began that goes on at ``now_us``: the first of the sign-ins that follow one
    another with less than :data:`SHIFT_GAP_US` between; where there is none, that long ago."""
    began_us: int | None = None
    for sign_in in sorted(sign_ins, key=lambda s: s.from_us, reverse=True):
        ended_us = sign_in.to_us if sign_in.to_us is not None else now_us
        if (now_us if began_us is None else began_us) - ended_us >= SHIFT_GAP_US:
            break
        began_us = sign_in.from_us
    return now_us - SHIFT_GAP_US if began_us is None else began_us


def _at(query: CallQuery, cursor: str | None) -> CallQuery:
    return CallQuery(
        agents=query.agents,
        pbx=query.pbx,
        call=query.call,
        from_us=query.from_us,
        cursor=cursor,
        limit=_PIECE,
    )


def _during(recording: Recording, legs: Sequence[LegEnded]) -> bool:
    """Whether the recording was made, at least in part, while one of ``legs`` talked."""
    return any(
        leg.answered_us is not None
        and recording.started_us <= leg.ended_us
        and (recording.ended_us is None or recording.ended_us >= leg.answered_us)
        for leg in legs
    )


def _leg(leg: LegEnded, recordings: Sequence[Recording], order: WorkOrder | None) -> Leg:
    own = tuple(_ref(found) for found in recordings if _during(found, [leg]))
    values = {name: getattr(leg, name) for name in leg.__struct_fields__}
    return Leg(**values, recordings=own, order=None if order is None else order.id)


def _ref(recording: Recording) -> RecordingRef:
    return RecordingRef(recording.id, recording.started_us, recording.ended_us)


def _unknown(what_en: str, what_zh: str) -> Refused:
    return Refused(
        f"There is no such {what_en} in what you may see.",
        code="not_found",
        text_zh=f"没有这个{what_zh}，或不在您的查看范围内。",
    )
