"""Reports without the daemon's help: from the stored facts, beside a running daemon or without one.

The database is only read. What the daemon has heard and not stored yet (a fraction of a second) is
not in it, nor what still goes on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from agentd import clock
from agentd.config import Config
from agentd.core.people import Directory, Person
from agentd.core.report_periods import SiteDays
from agentd.figures_restore import Whose
from agentd.order_rules import ConfiguredRules
from agentd.reports import ReportService, labels
from agentd.reports_facts import FactSums
from agentd.ticketing_past import PastStore

SILENT_US: Final = 5 * 60_000_000
"""A PBX that was not heard for so long is not heard: agentd notes every minute that it is."""
EVERYTHING: Final = Person("agentd", "agentd", "manager")
"""Whoever may read the database may see all of it."""


class _AllSeeing:
    def scope_for(self, who: object, kind: object, name: str) -> object:
        return kind, name


@asynccontextmanager
async def offline_reports(config: Config, path: Path) -> AsyncIterator[ReportService]:
    """Reports of the database ``path``. Raises ``StoreError``."""
    books = {pbx: config.policy_book(pbx) for pbx in config.pbx_ids}
    directory = Directory()
    rules = ConfiguredRules(config.form_book, directory, books)
    store = PastStore(path, rules)
    try:
        directory.put(*(account.person for account in await store.accounts()))
        now_us = clock.wall_us()
        heard = await store.heard_us()
        unheard = {
            pbx: at_us
            for pbx, at_us in heard.items()
            if pbx in books and at_us < now_us - SILENT_US
        }
        book = config.metric_book(books)
        # Each fact is counted by the time of its PBX, which may be ahead of ours.
        whose = Whose(rules.team, directory)
        yield ReportService(
            days=SiteDays(book, config.form_book.calendar.utc_offset_s),
            source=FactSums(store, book, whose, clock.wall_us, unheard_us=unheard),
            store=store,
            sight=_AllSeeing(),
            label_of=labels(directory, books),
            now_us=clock.wall_us,
            pbxs=config.pbx_ids,
            unheard_us=unheard,
        )
    finally:
        await store.close()
