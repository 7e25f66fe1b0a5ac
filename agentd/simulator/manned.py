"""Phones with a person at them: they ring until they are answered, and hold when they are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from agentd.simulator.legs import Call, Leg, finish, hold_for, unhold
from agentd.simulator.model import Seat
from agentd.simulator.pbx import Steps, World

CUSTOMER_TALKS_S: Final = (60.0, 150.0)
"""How long a customer stays who is talked to by a person, at `talk_scale` 1."""

End = Callable[[Literal["caller", "agent"]], int]
"""Ends the conversation from one side; when, in µs."""


def talk(world: World, call: Call, leg: Leg, end: End) -> Steps:
    """The conversation of a manned seat, until one of the two hangs up."""
    stays_s = world.rng.uniform(*CUSTOMER_TALKS_S) * world.config.talk_scale
    leaves_us = world.last_us + round(stays_s * 1e6)
    while True:
        woken = yield max(0.0, (leaves_us - world.clock_us) / 1e6)
        match "customer" if woken is None else woken[0]:
            case "hold" if not call.customer.held:
                hold_for(world, call, leg)
            case "unhold" if call.customer.held:
                unhold(world, call, leg)
            case "hang_up":
                finish(world, call, leg, end("agent"), "agent")
                return
            case "customer":
                finish(world, call, leg, end("caller"), "caller")
                return


class Phone:
    """The phone of a manned seat. Every key does nothing where it makes no sense, as on a real one,
    and tells whether it did something."""

    def __init__(self, seat: Seat, press: Callable[[Seat, str], None]) -> None:
        self._seat = seat
        self._press = press

    @property
    def state(self) -> Literal["idle", "ringing", "talking", "holding"]:
        """What the phone does now."""
        line = self._seat.line
        if line is None:
            return "idle"
        if self._seat.device_state == "RINGING":
            return "ringing"
        return "holding" if line.channel is not None and line.channel.held else "talking"

    @property
    def number(self) -> str | None:
        """Who calls, or is called."""
        return self._seat.line.caller if self._seat.line is not None else None

    def answer(self) -> bool:
        """Take the call that rings."""
        return self._do("answer", "ringing")

    def hold(self) -> bool:
        """Let the customer wait."""
        return self._do("hold", "talking")

    def unhold(self) -> bool:
        """Take the customer back."""
        return self._do("unhold", "holding")

    def hang_up(self) -> bool:
        """End the call; one that rings is refused."""
        return self._do("hang_up", "ringing", "talking", "holding")

    def customer_hangs_up(self) -> bool:
        """Let the customer end the conversation now."""
        return self._do("customer", "talking", "holding")

    def _do(self, key: str, *states: str) -> bool:
        if self.state not in states:
            return False
        self._press(self._seat, key)
        return True
