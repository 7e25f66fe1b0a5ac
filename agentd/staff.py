"""The people's side of the daemon, put together: accounts, desk, presence, what goes out to them,
and the REST API that serves them all.

:class:`Staff` is built beside the runtime and hears what the runtime announces. Its parts start in
the order that they need one another: accounts before documents are judged by them, the desk before
anything changes, sign-ins when the engine can be told of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, structs

from agentd.accounts import AccountService
from agentd.accounts_commands import AccountCommands, AccountsRequest
from agentd.accounts_passwords import AccountSettings
from agentd.config import Config
from agentd.control import CompleteRequest, Handler, completion, form_of
from agentd.core.board_settings import surge_setting
from agentd.core.effects import Effect
from agentd.core.order_form import FormBook
from agentd.core.people import Directory, Person
from agentd.core.policy import PolicyBook
from agentd.core.report_periods import SiteDays
from agentd.core.state import us
from agentd.desk import DeskService
from agentd.exposition import Exposition
from agentd.figures import FigureService
from agentd.figures_reports import PeriodSums
from agentd.history_keeper import HistoryKeeper, KeeperSettings
from agentd.http_rest import (
    APIRouter,
    CallRecords,
    HistoryView,
    RestServices,
    Workbooks,
    my_seat_json,
    rest_routers,
)
from agentd.mail import SmtpMail
from agentd.monitor_ws import LiveStream
from agentd.order_rules import ConfiguredRules
from agentd.ports import LiveSink
from agentd.ports.telephony import Telephony
from agentd.presence import PresenceService
from agentd.presence_rules import PbxDesk
from agentd.report_files import ReportFiles
from agentd.report_mailer import MailPlan, ReportMailer
from agentd.reports import ReportService, labels
from agentd.retention import Retention, RetentionRequest
from agentd.runtime import Runtime
from agentd.supervision import SupervisionService
from agentd.supervision_rules import PbxControl
from agentd.surge_watch import SurgeWatch
from agentd.ticketing import Store
from agentd.webhooks import Webhooks

WEBHOOK_FLUSH_MAX_S = 3.0


class Rulebook(Struct, frozen=True):
    """What people are judged by: who they are, the form, and the policies of each PBX."""

    directory: Directory
    form: FormBook
    books: Mapping[str, PolicyBook]

    @property
    def orders(self) -> ConfiguredRules:
        """What the store asks when an order changes."""
        return ConfiguredRules(self.form, self.directory, self.books)


class Sizes:
    """How much waits, and who listens, for the exposition."""

    def __init__(self, runtime: Runtime, store: Store, live: LiveStream) -> None:
        self._runtime = runtime
        self._store = store
        self._live = live

    @property
    def inbox_bytes(self) -> int:
        """Read from the PBXs and not judged yet."""
        return self._runtime.inbox.held_bytes

    @property
    def live_clients(self) -> int:
        """Boards and desks that listen."""
        return self._live.clients

    @property
    def store_healthy(self) -> bool:
        """Whether the database takes what it is given."""
        return self._store.health.healthy

    @property
    def store_queued(self) -> int:
        """Effects that are not committed yet."""
        return self._store.health.queued

    @property
    def store_dropped(self) -> int:
        """Telemetry that was given up."""
        return self._store.health.dropped


class Staff:
    """See the module.

    ``boards`` shows urgent orders beside the engine's board; ``tell`` hears of the desk's alerts
    (MQTT). ``telephony``: the link of each PBX.
    """

    def __init__(
        self,
        config: Config,
        rulebook: Rulebook,
        *,
        store: Store,
        runtime: Runtime,
        live: LiveStream,
        boards: LiveSink,
        telephony: Mapping[str, Telephony],
        tell: Callable[[Sequence[Effect]], None],
    ) -> None:
        directory, books = rulebook.directory, rulebook.books
        rules = rulebook.orders
        self._store = store
        self.accounts = AccountService(
            store,
            AccountSettings(
                session_max_s=config.web.session_max_s, session_idle_s=config.web.session_idle_s
            ),
            directory=directory,
        )
        self.accounts.changed.append(live.recheck)
        self.webhooks = Webhooks(config.webhooks, store, team_of=rules.team)
        self._tell = tell

        self.desk = DeskService(
            store=store,
            engine=runtime,
            directory=directory,
            book=rulebook.form,
            pbxs=tuple(telephony),
            hints=live,
            audit=self.accounts,
            notices=self.webhooks,
            live=boards,
            announce=self._tell_out,
        )
        store.on_change(self.desk.on_changed)
        self.presence = PresenceService(
            store=store,
            engine=runtime,
            pbxs={
                pbx: PbxDesk(
                    telephony=link,
                    drive_queues=config.people_on(pbx).drive_queues,
                    dial_context=config.people_on(pbx).dial_context,
                    seats=books[pbx].seats,
                )
                for pbx, link in telephony.items()
            },
            book=rulebook.form,
            people=directory,
            hints=live,
            language=config.web.language,
        )
        self.accounts.changed.append(self.presence.account_changed)
        self.supervision = SupervisionService(
            engine=runtime,
            pbxs={
                pbx: PbxControl(
                    telephony=link,
                    drive_queues=config.people_on(pbx).drive_queues,
                    listening=config.people_on(pbx).listening,
                    redirect_context=config.people_on(pbx).redirect_context,
                    seats=books[pbx].seats,
                )
                for pbx, link in telephony.items()
            },
            pauses=rulebook.form.pauses,
            people=directory,
            accounts=self.accounts,
            presence=self.presence,
            store=store,
            hints=live,
            language=config.web.language,
        )
        hours, minutes = map(int, config.retention.runs_at.split(":"))
        self.history = HistoryKeeper(
            store,
            KeeperSettings(
                policy=config.retention_policy,
                runs_at_s=hours * 3600 + minutes * 60,
                utc_offset_s=rulebook.form.calendar.utc_offset_s,
            ),
            lambda: {
                pbx: runtime.pbx_now_us(pbx) for pbx, link in runtime.links.items() if link == "up"
            },
        )
        self.figures = FigureService(
            book=config.metric_book(books),
            pbxs=tuple(telephony),
            store=store,
            engine=runtime,
            live=live,
            directory=directory,
            team_of=rules.team,
        )
        self.reports = ReportService(
            days=SiteDays(self.figures.metrics.book, rulebook.form.calendar.utc_offset_s),
            source=PeriodSums(self.figures.held, store, self.figures.counted),
            store=store,
            sight=self.figures.sight,
            label_of=labels(directory, books),
            now_us=self.figures.now_us,
            pbxs=tuple(telephony),
        )
        self._mailer = self._report_mailer(config)
        self.surges = SurgeWatch(
            config.surge_rules,
            pbxs=tuple(telephony),
            engine=runtime,
            figures=self.figures,
            store=store,
            live=live,
            audit=self.accounts,
            tell=self._tell_out,
        )
        self.exposition = Exposition(
            pbxs=tuple(telephony),
            engine=runtime,
            sizes=Sizes(runtime, store, live),
            service_level=self.figures.service_level,
            surge_level=self.surges.level,
        )
        history = HistoryView(
            store,
            directory,
            team_of=rules.team,
            defaults={"surge": surge_setting(config.surge_rules)},
        )
        history.settings_changed += [self.surges.on_setting, lambda _: live.hint("board")]
        store.on_change(self.figures.on_changed)
        self.desk.on_judged(self.figures.on_judged)
        named = {
            pbx: there
            for pbx in telephony
            if (there := config.people_on(pbx).recordings_pbx_dir) is not None
        }
        folders: dict[str, Path] = {
            pbx: folder
            for pbx in telephony
            if (folder := config.people_on(pbx).recordings_dir) is not None
        }
        self._services = RestServices(
            desk=self.desk,
            presence=self.presence,
            supervision=self.supervision,
            accounts=self.accounts,
            store=store,
            history=history,
            figures=self.figures,
            retention=Retention(store, directory, config.retention_policy, rulebook.form.numbers),
            calls=CallRecords(store, directory, team_of=rules.team, folders=folders, named=named),
            directory=directory,
            phrases={"zh": config.phrases.zh, "en": config.phrases.en},
            policies=books,
            workbooks=Workbooks(),
            reports=self.reports,
            site=config.reports.site or "",
        )

    def _report_mailer(self, config: Config) -> ReportMailer | None:
        """Who mails reports; None where there is nothing to mail, or nothing to mail it by."""
        if config.mail_access is None or not config.mailed:
            return None
        plans = [
            MailPlan(
                id=report.id,
                period=report.period,
                by=report.by,
                shift=report.shift,
                to=tuple(report.to),
                formats=tuple(report.formats),
                details=report.details,
                lang=report.language,
                after_us=us(report.after_s),
            )
            for report in config.mailed
        ]
        return ReportMailer(
            plans,
            reports=self.reports,
            days=self.reports.days,
            files=ReportFiles(self.reports.days, config.reports.site or ""),
            mail=SmtpMail(config.mail_access),
            marks=self._store,
            now_us=self.figures.now_us,
        )

    @property
    def routers(self) -> tuple[APIRouter, ...]:
        """The REST API."""
        return rest_routers(self._services)

    def my_seat(self, who: Person) -> Mapping[str, Any] | None:
        """Where ``who`` is signed in, for ``/api/me``."""
        return my_seat_json(self.presence, who)

    @property
    def handlers(self) -> dict[str, Handler]:
        """What the control socket can be asked."""

        async def complete(request: CompleteRequest) -> object:
            return await self.desk.complete_as(request.by, request.order, form_of(request))

        return {
            "complete": completion(complete),
            "accounts": Handler(AccountsRequest, AccountCommands(self.accounts).act),
            "retention": Handler(RetentionRequest, self._services.retention.act),
        }

    @property
    def health(self) -> dict[str, Any]:
        """For ``/healthz``: the webhooks, if there are any."""
        hooks = self.webhooks.health
        if not hooks:
            return {}
        return {"webhooks": {name: structs.asdict(health) for name, health in hooks.items()}}

    def announce(self, effects: Sequence[Effect]) -> None:
        """What the engine says, obligations after their commit."""
        self.webhooks.announce(effects)
        self.desk.on_effects(effects)
        self.presence.announce(effects)
        self.figures.announce(effects)
        self.exposition.announce(effects)
        self.surges.announce(effects)

    def _tell_out(self, effects: Sequence[Effect]) -> None:
        """The desk's own alerts, and surges, for lamps and robots."""
        self._tell(effects)
        self.webhooks.announce(effects)

    # --- life ------------------------------------------------------------------------------

    async def start(self) -> None:
        """Accounts, documents and clocks, before the engine is restored. Raises ``StoreError``."""
        await self.accounts.start()
        await self._store.catch_up()
        await self.desk.start()

    async def take_seats(self) -> None:
        """Who is signed in; the pump must be running."""
        await self.presence.start()

    def works(self) -> dict[str, Callable[[], Any]]:
        """Named work for the daemon's task group."""
        mailer = {} if self._mailer is None else {"reports": self._mailer.run}
        return {
            **mailer,
            "accounts": self.accounts.run,
            "desk": self.desk.run,
            "presence": self.presence.run,
            "history": self.history.run,
            "figures": self.figures.run,
            "surges": self.surges.run,
        }

    async def stop_webhooks(self, task: asyncio.Task[None]) -> None:
        """Store what has not been delivered, for a bounded time."""
        self.webhooks.stop()
        await asyncio.wait({task}, timeout=WEBHOOK_FLUSH_MAX_S)
        task.cancel()

    async def close(self) -> None:
        """Commands on their way and the last lines of the audit log; before the store is closed."""
        await self.desk.close()
        await self.accounts.close()
