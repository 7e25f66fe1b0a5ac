"""Ports of this machine that no other test is given, however many processes run tests."""

from __future__ import annotations

from asterisk_lab.ports import PortBlock

BLOCK_PORTS = 50

# Held until the process ends: a test counts on the silence of its ports for as long as it lasts.
_blocks: list[PortBlock] = []
_left = 0


def free_port(in_a_row: int = 1) -> int:
    """A port where nobody listens and that no other test is given, or the first of several.

    A port that the system chooses is free as well, but only for now: any other process may be
    given it for a connection of its own.
    """
    global _left  # noqa: PLW0603
    if _left < in_a_row:
        _left = max(BLOCK_PORTS, in_a_row)
        _blocks.append(PortBlock(_left, pinnable=False))
    _left -= in_a_row
    return _blocks[-1].take(in_a_row)
