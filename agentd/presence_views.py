"""Seats as people see them: the engine's board, the queues, and the phone itself, in one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agentd.core.order_form import PauseReason
from agentd.core.policy import SeatConfig
from agentd.ports.presence import MySeat, SeatView, SignIn
from agentd.presence_queues import QueueDriver
from agentd.presence_rules import Engine, PbxDesk

Place = tuple[str, str]
"""PBX and seat."""


class SeatViews:
    """See the module. Reads only."""

    def __init__(
        self,
        engine: Engine,
        pbxs: Mapping[str, PbxDesk],
        drivers: Mapping[str, QueueDriver],
        pauses: Sequence[PauseReason],
    ) -> None:
        self._engine = engine
        self._pbxs = pbxs
        self._drivers = drivers
        self._pauses = pauses

    def seats(self, signed_in: Mapping[Place, SignIn]) -> Sequence[SeatView]:
        """Every seat there is, in the board's order."""
        rows = []
        for pbx, desk in self._pbxs.items():
            shown = self._shown(pbx)
            configured = {seat.device: seat for seat in desk.seats}
            for device in dict.fromkeys([*configured, *shown]):
                config = configured.get(device)
                sign_in = signed_in.get((pbx, device))
                view = self._seat(pbx, device, shown.get(device), config, sign_in)
                place = config.place if config is not None else None
                rows.append(((place is None, place or 0, view.label), view))
        return [view for _, view in sorted(rows, key=lambda row: row[0])]

    def _shown(self, pbx: str) -> dict[str, Mapping[str, Any]]:
        board = self._engine.board(pbx)
        return {obj["seat"]: obj for obj in board.values() if obj.get("kind") == "seat"}

    def _seat(
        self,
        pbx: str,
        device: str,
        shown: Mapping[str, Any] | None,
        config: SeatConfig | None,
        sign_in: SignIn | None,
    ) -> SeatView:
        reachable, rang_us = self._phone(pbx, device, shown)
        return SeatView(
            pbx=pbx,
            seat=device,
            label=_label(device, shown, config),
            group=shown["group"] if shown else config.group if config else None,
            state=shown["state"] if shown else "logged_out",
            signed_in=sign_in.login if sign_in is not None else None,
            agent=shown.get("agent") if shown else None,
            reachable=reachable,
            rang_us=rang_us,
        )

    def mine(self, sign_in: SignIn) -> MySeat:
        """The seat of a sign-in, as who sits there sees it."""
        pbx, device = sign_in.pbx, sign_in.seat
        desk = self._pbxs[pbx]
        shown = self._engine.board(pbx).get(f"seat:{pbx}/{device}")
        config = next((seat for seat in desk.seats if seat.device == device), None)
        members = desk.telephony.members(device)
        paused = bool(members) and all(member.paused for member in members)
        reason = next((member.reason for member in members if member.reason), None)
        reachable, rang_us = self._phone(pbx, device, shown)
        return MySeat(
            pbx=pbx,
            seat=device,
            label=_label(device, shown, config),
            since_us=sign_in.from_us,
            state=shown["state"] if shown else "logged_out",
            ready=bool(members) and not paused,
            pause_reason=self._reason_key(reason) if paused and reason else None,
            drives=self._drivers[pbx].drives,
            dials=self._dials(pbx),
            reachable=reachable,
            rang_us=rang_us,
        )

    def _phone(
        self, pbx: str, device: str, shown: Mapping[str, Any] | None
    ) -> tuple[bool, int | None]:
        phone = self._pbxs[pbx].telephony.phone(device)
        if phone is None:
            # Nothing is known of it: a phone that no PBX names cannot be rung.
            return shown is not None and shown["state"] != "unreachable", None
        return phone.reachable, phone.rang_us

    def _dials(self, pbx: str) -> bool:
        desk = self._pbxs[pbx]
        return desk.dial_context is not None and desk.telephony.may("Originate")

    def _reason_key(self, told: str) -> str:
        """The key of what the PBX tells as a reason; what people paused with by other ways stays
        as it is."""
        known = next((p for p in self._pauses if told in (p.key, *p.label)), None)
        return told if known is None else known.key


def _label(device: str, shown: Mapping[str, Any] | None, config: SeatConfig | None) -> str:
    if shown is not None:
        return str(shown["label"])
    return (config.label if config is not None else None) or device.rpartition("/")[2]
