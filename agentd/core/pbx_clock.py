"""The PBX's clock beside ours: what it says now, and whether somebody set it.

Our clock never jumps and does not stand still while the machine sleeps; the PBX's clock is set by
people and by NTP. What tells one from the other:

* Nothing comes from the future. A Timestamp later than the PBX's clock can be by our own says that
  the PBX's clock was set forward. A slow link cannot do that: it makes Timestamps old.
* A stream keeps its order. A Timestamp well before one that came earlier in the same stream, or
  before the stream began, says that the clock was set back. A stalled link cannot do that either.
* A ping's answer was written between its question and its arrival. An offset that changed by more
  than the round trip explains says that a clock was set, ours cannot have been.

After a restart of agentd the same is asked of what was remembered. Within one boot of our machine
that is as sure; after another boot our own clock may have been wrong, and then only the reading
that gives people more time counts.
"""

from __future__ import annotations

from msgspec import Struct

AHEAD_US = 250_000
"""How far beyond the uncertainty of the measurement a clock is before it counts as set."""
BEHIND_US = 1_000_000
"""How far a stream's Timestamps may be out of order; Asterisk's are by milliseconds."""
DRIFT_PPM = 200
"""How far two clocks may drift apart that nobody sets."""


class OurClock(Struct, frozen=True):
    """What our clock is, so that a later process can tell the same moment."""

    boot: str = ""
    """Which boot of the machine this is; "" where that is not known."""
    zero_us: int = 0
    """What our clock said when this boot began."""


class Reference(Struct, frozen=True):
    """The PBX's clock as it is remembered over a restart of agentd."""

    boot: str
    since_boot_us: int
    """The PBX's clock minus the time since that boot."""
    offset_us: int
    """The PBX's clock minus ours."""


class Step(Struct, frozen=True):
    """The PBX's clock was set by ``step_us``, negative: back. ``certain``: by so much, to within
    the time that the news took; otherwise that is the best guess for the people concerned."""

    step_us: int
    certain: bool


class PbxClock:
    """One PBX's clock by ours; all times in microseconds. ``our_us`` is our clock throughout."""

    def __init__(self, ours: OurClock | None = None) -> None:
        self.offset_us: int | None = None
        """The PBX's clock minus ours; None until this process has measured it."""
        self.earliest_us = 0
        """No Timestamp of this stream can be before this moment; 0: nothing is known."""
        self._ours = OurClock() if ours is None else ours
        self._best_us: int | None = None
        self._measured_us: int | None = None
        self._sure = False
        """``_best_us`` is comparable: no other boot lies between."""
        self._uncertain_us = 0
        self._known_us = 0
        """When, by our clock, ``_best_us`` was true."""
        self._stepped_us = 0
        """When, by our clock, the last step was noticed; measurements from before are void."""

    def now_us(self, our_us: int) -> int | None:
        """The PBX's clock; None until it was measured."""
        return None if self.offset_us is None else our_us + self.offset_us

    # --- over a restart -------------------------------------------------------------------

    def reference(self) -> Reference | None:
        """What to remember; None while nothing is known."""
        best_us = self._best_us
        if best_us is None:
            return None
        return Reference(self._ours.boot, best_us + self._ours.zero_us, best_us)

    def recall(self, known: Reference, pbx_us: int) -> None:
        """Take up what was remembered when the PBX's clock said ``pbx_us``."""
        self._sure = known.boot != "" and known.boot == self._ours.boot
        self._best_us = known.since_boot_us - self._ours.zero_us if self._sure else known.offset_us
        self._known_us = pbx_us - self._best_us

    # --- evidence -------------------------------------------------------------------------

    def latest_us(self, our_us: int | None) -> int | None:
        """What no Timestamp that has arrived by ``our_us`` can be after; None: not known."""
        if our_us is None or self._best_us is None:
            return None
        return our_us + self._best_us + self._slack_us(our_us)

    def began(self, our_us: int | None) -> None:
        """A stream begins: what it tells happens from now on."""
        if our_us is not None and self._best_us is not None and self._sure:
            now_us = our_us + self._best_us - self._slack_us(our_us)
            self.earliest_us = max(self.earliest_us, now_us - BEHIND_US)

    def stamped(self, at_us: int, our_us: int | None, greatest_us: int) -> Step:
        """A Timestamp that cannot be, unless the clock was set: by how much.

        ``greatest_us`` is the greatest Timestamp before it; ``our_us`` None: nobody knows when it
        arrived (a recording).
        """
        behind = at_us < self.earliest_us
        self.earliest_us = at_us - BEHIND_US
        if our_us is None or self._best_us is None or (behind and not self._sure):
            # How long it was silent before is not known: as if not at all.
            self._moved(at_us - greatest_us, our_us)
            return Step(at_us - greatest_us, certain=False)
        offset_us = at_us - our_us
        measured_us = self._measured_us
        if measured_us is not None and abs(offset_us - measured_us) <= self._slack_us(our_us):
            # Back to where it was: the measurement is better than one event's word.
            offset_us = measured_us
        step_us = offset_us - self._best_us
        self._moved(step_us, our_us)
        return Step(step_us, certain=self._sure)

    def measured(
        self, offset_us: int, our_us: int, *, since_us: int | None = None, uncertain_us: int = 0
    ) -> Step | None:
        """The offset as the pings from ``since_us`` on tell it, right to ``uncertain_us``. The
        step that it betrays, if any."""
        if since_us is not None and since_us <= self._stepped_us:
            return None
        best_us, step = self._best_us, None
        if best_us is not None:
            step_us = offset_us - best_us
            set_ = abs(step_us) > self._slack_us(our_us) + uncertain_us
            # Of an earlier boot's clock only what gives people more time is believed.
            if set_ and (self._sure or step_us > 0):
                step = Step(step_us, certain=self._sure)
                self._moved(step_us, our_us)
                # The stream was read by the old clock so far.
                self.earliest_us = max(0, self.earliest_us + step_us)
        self.offset_us = self._best_us = self._measured_us = offset_us
        self._sure = True
        self._uncertain_us = uncertain_us
        self._known_us = our_us
        return step

    def _slack_us(self, our_us: int) -> int:
        drift_us = max(0, our_us - self._known_us) * DRIFT_PPM // 1_000_000
        return AHEAD_US + self._uncertain_us + drift_us

    def _moved(self, step_us: int, our_us: int | None) -> None:
        if self.offset_us is not None:
            self.offset_us += step_us
        if self._best_us is not None:
            self._best_us += step_us
        if our_us is not None:
            self._known_us = self._stepped_us = our_us
