"""What a listener tells the inbox and the log about its link: every change once."""

from __future__ import annotations

from structlog.stdlib import BoundLogger

from agentd.ami_link import LinkError
from agentd.ami_pbx import ClockOffset, Warnings
from agentd.ports import Inbox, LinkChanged, LinkInfo

_OFFSET_CHANGE_US = 1_000

_DOWN_EVENTS = {
    "auth": "ami.login_refused",
    "not_ami": "ami.not_ami",
    "silent": "ami.peer_silent",
}


class LinkReports:
    """See the module. ``pbx`` is what everything told is about."""

    def __init__(self, pbx: str, inbox: Inbox, logger: BoundLogger) -> None:
        self._pbx = pbx
        self._inbox = inbox
        self._log = logger
        self._state: LinkChanged | None = None
        self._failure_said: tuple[str, str] | None = None
        self._info: LinkInfo | None = None

    def syncing(self) -> None:
        """Logged in; the snapshot is under way."""
        self._say(LinkChanged(self._pbx, "syncing"))

    def up(self, *, version: str | None, ami_version: str | None, offset_us: int | None) -> None:
        """The snapshot is complete."""
        self._failure_said = None
        self._say(LinkChanged(self._pbx, "up"))
        self._log.info(
            "ami.link_up", version=version, ami_version=ami_version, clock_offset_us=offset_us
        )

    def down(self, error: LinkError) -> None:
        """The link ended, or did not come about. One line in the log per change, not per try."""
        # Also when this was said before: a stream has begun since, and its login was refused.
        self._state = LinkChanged(self._pbx, "down", error.code, error.reason)
        self._inbox.put_nowait(self._state)
        if self._failure_said == (error.code, error.reason):
            self._log.debug("ami.still_down", code=error.code)
            return
        self._failure_said = (error.code, error.reason)
        event = _DOWN_EVENTS.get(error.code, "ami.link_down")
        self._log.warning(event, code=error.code, reason=error.reason)

    def info(self, offset: ClockOffset, version: str | None, warnings: Warnings) -> None:
        """What is known of the PBX now: its clock, its version, warnings."""
        before = self._info or LinkInfo(self._pbx)
        known_us, offset_us = before.clock_offset_us, offset.offset_us()
        since_us, uncertain_us = offset.since_us(), offset.uncertain_us()
        if offset_us is None or (
            known_us is not None and abs(offset_us - known_us) <= _OFFSET_CHANGE_US
        ):
            offset_us = known_us
            since_us, uncertain_us = before.measured_since_us, before.uncertain_us
        told = tuple(warnings.items())
        info = LinkInfo(self._pbx, offset_us, since_us, uncertain_us, version, told)
        if info == self._info:
            return
        known = dict(before.warnings)
        for code in warnings.keys() - known.keys():
            self._log.warning("ami.warning", code=code, text=warnings[code])
        for code in known.keys() - warnings.keys():
            self._log.info("ami.warning_gone", code=code)
        self._info = info
        self._inbox.put_nowait(info)

    def _say(self, state: LinkChanged) -> None:
        if state != self._state:
            self._state = state
            self._inbox.put_nowait(state)
