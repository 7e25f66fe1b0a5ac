"""What the store asks when an order changes: the form, whose it is, and which team's."""

from __future__ import annotations

from collections.abc import Mapping

from agentd.core.order_form import FormBook
from agentd.core.people import Directory
from agentd.core.policy import PolicyBook


class ConfiguredRules:
    """Answers from the configuration and the accounts (implements ``ports.desk.OrderRules``).

    ``books``: the policies of each PBX, whose seats have the groups that are teams.
    """

    def __init__(
        self, book: FormBook, directory: Directory, books: Mapping[str, PolicyBook]
    ) -> None:
        self._book = book
        self._directory = directory
        self._groups = {
            (pbx, seat.device): seat.group
            for pbx, policies in books.items()
            for seat in policies.seats
        }

    @property
    def book(self) -> FormBook:
        """What complete means."""
        return self._book

    def owner(self, agent: str | None) -> str | None:
        """Login of the account that ``agent`` is."""
        person = self._directory.whose(agent)
        return None if person is None else person.login

    def team(self, pbx: str, seat: str | None) -> str | None:
        """The group of the seat."""
        return self._groups.get((pbx, seat or ""))
