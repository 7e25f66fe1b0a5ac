"""The phone that rings when a supervisor listens: the person's own, by choice or by sign-in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from agentd.core.order_form import Label
from agentd.core.people import Person
from agentd.ports.supervision import OwnPhone
from agentd.supervision_rules import Engine, PbxControl, Seated, Settings, refusal

KEY: Final = "phone"
"""Of the person's settings: ``{"pbx": …, "device": …}``."""
_IN_USE: Final = ("INUSE", "BUSY", "RINGING", "RINGINUSE", "ONHOLD")


class OwnPhones:
    """See the module."""

    def __init__(
        self,
        engine: Engine,
        pbxs: Mapping[str, PbxControl],
        accounts: Settings,
        presence: Seated,
    ) -> None:
        self._engine = engine
        self._pbxs = pbxs
        self._accounts = accounts
        self._presence = presence

    def choices(self, pbx: str) -> tuple[str, ...]:
        """What may be somebody's own phone: seats, and devices that are named by a number."""
        control = self._pbxs[pbx]
        board = self._engine.board(pbx)
        seats = {obj["seat"] for obj in board.values() if obj.get("kind") == "seat"}
        seats |= {seat.device for seat in control.seats}
        numbered = {
            phone.device
            for phone in control.telephony.phones()
            if phone.device.rpartition("/")[2].isdigit()
        }
        return tuple(sorted(seats | numbered))

    async def choose(self, who: Person, pbx: str, device: str | None) -> None:
        """Keep ``device`` in the settings; None: forget what was kept."""
        if device is not None and device not in self.choices(pbx):
            raise refusal(
                "invalid",
                ("没有这部话机，请从列表中选择。", "There is no such phone: choose a listed one."),
                field="device",
            )
        settings = dict(await self._accounts.settings(who))
        settings.pop(KEY, None)
        if device is not None:
            settings[KEY] = {"pbx": pbx, "device": device}
        await self._accounts.put_settings(who, settings)

    async def of(self, who: Person, pbx: str) -> OwnPhone | None:
        """The chosen one, else the seat where ``who`` is signed in; None: neither is there."""
        chosen = (await self._accounts.settings(who)).get(KEY)
        if isinstance(chosen, Mapping) and chosen.get("pbx") == pbx:
            device = chosen.get("device")
            # What is in the settings is the browser's word.
            if isinstance(device, str) and device in self.choices(pbx):
                return self._own(pbx, device, chosen=True)
        seat = self._presence.my_seat(who)
        if seat is not None and seat.pbx == pbx:
            return self._own(pbx, seat.seat, chosen=False)
        return None

    def must_be_free(self, own: OwnPhone) -> None:
        """Raise :class:`~agentd.errors.Refused` where the phone is in use."""
        phone = self._pbxs[own.pbx].telephony.phone(own.device)
        if phone is not None and phone.state in _IN_USE:
            raise refusal("wrong_state", ("您的话机正在使用中。", "Your own phone is in use."))

    def must_be_nobody_elses(self, who: Person, own: OwnPhone) -> None:
        """Raise :class:`~agentd.errors.Refused` where somebody else is signed in at the phone, who
        would be the one to hear the call."""
        shown = self._engine.board(own.pbx).get(f"seat:{own.pbx}/{own.device}", {})
        if shown.get("person") not in (None, who.login):
            raise refusal(
                "wrong_state",
                (
                    f"话机 {own.device} 上现在签入的是别人，请另选您自己的话机。",
                    f"Somebody else is signed in at {own.device} now: choose another phone.",
                ),
            )

    def _own(self, pbx: str, device: str, *, chosen: bool) -> OwnPhone:
        phone = self._pbxs[pbx].telephony.phone(device)
        return OwnPhone(pbx, device, chosen, phone is not None and phone.reachable)


def why_none(phone: OwnPhone | None) -> Label | None:
    """Why nobody can be rung there, in words; None: the phone is there."""
    if phone is None:
        return (
            "请先在设置中选择您自己的话机，或签入一个座席。",
            "Choose your own phone in the settings first, or sign in at a seat.",
        )
    if not phone.reachable:
        return (
            f"您的话机 {phone.device} 不在线。",
            f"Your phone {phone.device} is off the network.",
        )
    return None
