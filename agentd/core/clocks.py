"""The running clocks of R1 and R2: a phone that rings, a customer who waits.

Each begins with what an event proves, plans its deadlines, and says warning, breach and escalation
when they are due. A clock that the lost link stopped says nothing and charges nobody.
"""

from __future__ import annotations

from agentd.core.calls import Leg, OpenSpell
from agentd.core.deadlines import Deadline
from agentd.core.effects import Alert, Level, Rule, Spell, SpellKind, Violation
from agentd.core.policy import Policy
from agentd.core.state import State, us

SEAT: tuple[str, ...] = ("seat",)
SEAT_AND_SUPERVISOR: tuple[str, ...] = ("seat", "supervisor")
SHIFT_LEADER: tuple[str, ...] = ("shift_leader",)


def note(leg: Leg, what: str, at_us: int) -> None:
    """Keep a piece of evidence: event name and moment."""
    leg.evidence.append(f"{what} {at_us // 1_000_000}.{at_us % 1_000_000:06d}")


def policy_of(st: State, leg: Leg) -> Policy:
    return st.policy(leg.queue or _first_queue(st, leg), leg.seat)


def _first_queue(st: State, leg: Leg) -> str | None:
    call = st.calls.get(leg.call) if leg.call is not None else None
    return call.visits[0].queue if call is not None and call.visits else None


def _alert(
    st: State,
    leg: Leg,
    at_us: int,
    level: Level,
    rule: Rule,
    to: tuple[str, ...],
    value_us: int | None,
    limit_us: int | None,
    spell: str,
) -> None:
    st.emit(
        Alert(
            st.pbx,
            at_us,
            level,
            rule,
            leg.seat,
            leg.agent,
            leg.call or leg.uid,
            leg.queue,
            to,
            value_us,
            limit_us,
            spell,
        )
    )
    st.touched_seats.add(leg.seat)


def _violation(
    st: State, leg: Leg, at_us: int, rule: Rule, limit_us: int | None, spell: str
) -> None:
    violation = Violation(
        st.pbx,
        f"{st.pbx}-{spell}",
        at_us,
        rule,
        leg.seat,
        leg.agent,
        leg.call or leg.uid,
        leg.uid,
        limit_us,
        limit_us,
        tuple(leg.evidence),
    )
    if st.proved(at_us):
        st.emit(violation)
    else:
        st.unproved.append(violation)


def _withdraw(st: State, spell: str, ended_us: int) -> None:
    """The spell ended in time after all; the link was only slow to tell."""
    if st.unproved:
        late = f"{st.pbx}-{spell}"
        st.unproved = [v for v in st.unproved if v.id != late or v.at_us < ended_us]


# --- R1: ringing --------------------------------------------------------------------------


def judges_ring(leg: Leg) -> bool:
    """R1 is judged where a customer waits for this phone and all of it was seen."""
    return (
        not leg.consulted  # nor outbound, nor internal
        and not leg.found
        and not leg.ring_stopped
    )


def ring_started(st: State, leg: Leg, at_us: int) -> None:
    """The phone rings (its Ringing, not the dialling)."""
    if leg.ringing_us is not None or leg.ended_us is not None or leg.answered_us is not None:
        return
    leg.ringing_us = at_us
    note(leg, "Ringing", at_us)
    st.dirty.add(f"leg:{leg.uid}")
    st.touched_seats.add(leg.seat)
    if judges_ring(leg):
        policy = policy_of(st, leg)
        st.deadlines.plan(at_us + us(policy.ring_warn_s), "ring_warn", leg.uid)
        st.deadlines.plan(at_us + us(policy.ring_limit_s), "ring_limit", leg.uid)


def ring_due(st: State, deadline: Deadline) -> None:
    """The last permitted ring starts, or the limit is reached while it still rings."""
    leg = st.legs.get(deadline.key)
    if (
        leg is None
        or leg.ringing_us is None
        or leg.up_us is not None
        or leg.answered_us is not None
        or leg.ended_us is not None
        or not judges_ring(leg)
    ):
        return
    policy = policy_of(st, leg)
    limit_us = us(policy.ring_limit_s)
    at_us = deadline.due_us
    spell = _ring_spell(leg)
    leg.ring_warned = True
    st.dirty.add(f"leg:{leg.uid}")
    if deadline.kind == "ring_warn":
        _alert(st, leg, at_us, "warning", "ring", SEAT, us(policy.ring_warn_s), limit_us, spell)
        return
    leg.ring_over = True
    note(leg, "ring limit", at_us)
    _alert(st, leg, at_us, "breach", "ring", SEAT_AND_SUPERVISOR, limit_us, limit_us, spell)
    if policy.charge_ringall_losers or not _others_ring(st, leg):
        charge_ring(st, leg)


def charge_ring(st: State, leg: Leg) -> None:
    """One violation per ring that passed its limit, dated at the limit."""
    if leg.ring_charged or not leg.ring_over or leg.ringing_us is None:
        return
    leg.ring_charged = True
    st.dirty.add(f"leg:{leg.uid}")
    limit_us = us(policy_of(st, leg).ring_limit_s)
    _violation(st, leg, leg.ringing_us + limit_us, "ring", limit_us, _ring_spell(leg))


def ring_stopped(st: State, leg: Leg, at_us: int) -> None:
    """It rings no more: end the alerts of this ring, to whom they went."""
    over = leg.ring_over
    if leg.ring_over and leg.ringing_us is not None:
        moment_us = leg.up_us or at_us
        if moment_us <= leg.ringing_us + us(policy_of(st, leg).ring_limit_s):
            leg.ring_over = False
            _withdraw(st, _ring_spell(leg), moment_us)
    if leg.answered_us is not None and judges_ring(leg):
        charge_ring(st, leg)
    if not leg.ring_warned or leg.ringing_us is None:
        return
    leg.ring_warned = False
    limit_us = us(policy_of(st, leg).ring_limit_s)
    _alert(
        st,
        leg,
        at_us,
        "cleared",
        "ring",
        SEAT_AND_SUPERVISOR if over else SEAT,
        at_us - leg.ringing_us,
        limit_us,
        _ring_spell(leg),
    )


def _others_ring(st: State, leg: Leg) -> bool:
    """Another phone rings for the same customer: who is late is known when one of them answers."""
    call = st.calls.get(leg.call or "")
    open_legs = call.open_legs if call is not None else []
    others = (st.legs.get(uid) for uid in open_legs if uid != leg.uid)
    return any(
        o is not None and o.ringing_us is not None and o.answered_us is None and o.ended_us is None
        for o in others
    )


def _ring_spell(leg: Leg) -> str:
    return f"ring:{leg.uid}"


# --- R2: waiting --------------------------------------------------------------------------


def limits(policy: Policy, kind: SpellKind) -> tuple[int, int | None, int | None]:
    """(warning, breach, escalation) in microseconds."""
    if kind == "consult":
        most = policy.consult_max_s
        return us(policy.consult_warn_s), None if most is None else us(most), None
    return us(policy.hold_warn_s), us(policy.hold_max_s), us(policy.hold_escalate_s)


def spell_started(st: State, leg: Leg, kind: SpellKind, at_us: int) -> None:
    """The customer of ``leg`` waits from ``at_us``; a spell that runs already keeps its start."""
    if leg.spell is not None:
        if not leg.spell.stopped:
            return
        # A phone that holds again has taken the customer back while the link was lost.
        spell_ended(st, leg, at_us)
    leg.hold_unseen = False
    leg.spell = OpenSpell(kind, at_us, id=f"{kind}:{leg.uid}:{at_us}")
    st.dirty.add(f"leg:{leg.uid}")
    st.touched_seats.add(leg.seat)
    if leg.direction != "internal":
        _plan(st, leg, leg.spell)


def becomes_consult(st: State, leg: Leg) -> None:
    """A consultation followed the hold: the whole spell is one consultation."""
    spell = leg.spell
    if spell is None or spell.kind == "consult":
        return
    spell.kind = "consult"
    st.dirty.add(f"leg:{leg.uid}")
    st.touched_seats.add(leg.seat)
    if not spell.stopped and leg.direction != "internal":
        _plan(st, leg, spell)


def _plan(st: State, leg: Leg, spell: OpenSpell) -> None:
    policy = policy_of(st, leg)
    for stage, after_us in enumerate(limits(policy, spell.kind)):
        if after_us is not None and spell.at_us + after_us >= st.now_us:
            kind = f"{spell.kind}:{stage}"
            st.deadlines.plan(spell.at_us + after_us, "wait", leg.uid, f"{kind}:{spell.at_us}")
    if policy.hold_sum_max_s is not None and spell.kind != "consult" and not leg.sum_charged:
        left_us = us(policy.hold_sum_max_s) - _judged_us(leg)
        st.deadlines.plan(
            spell.at_us + max(left_us, 0), "hold_sum", leg.uid, f"{spell.kind}:3:{spell.at_us}"
        )


def _judged_us(leg: Leg) -> int:
    """What the limit on the sum looks at: consulting charges nobody, so it does not count."""
    return sum(s.seconds_us or 0 for s in leg.spells if s.kind != "consult")


def wait_due(st: State, deadline: Deadline) -> None:
    """A spell of waiting reached its warning, its limit, or the moment to tell the leader."""
    leg = st.legs.get(deadline.key)
    spell = leg.spell if leg is not None else None
    kind, stage, start = deadline.mark.split(":")
    if (
        leg is None
        or spell is None
        or spell.stopped
        or spell.kind != kind
        or spell.at_us != int(start)
    ):
        return
    policy = policy_of(st, leg)
    at_us = deadline.due_us
    if deadline.kind == "hold_sum":
        _hold_sum_due(st, leg, policy, at_us)
        return
    warn_us, most_us, _ = limits(policy, spell.kind)
    st.dirty.add(f"leg:{leg.uid}")
    limit_us = most_us if most_us is not None else warn_us
    if stage == "0":
        _tell(st, leg, spell, at_us, "warning", SEAT, limit_us)
    elif stage == "1":
        _tell(st, leg, spell, at_us, "breach", SEAT_AND_SUPERVISOR, limit_us)
        _violation(st, leg, at_us, spell.kind, limit_us, spell.id)
    else:
        _tell(st, leg, spell, at_us, "escalation", SHIFT_LEADER, limit_us)


def _tell(
    st: State,
    leg: Leg,
    spell: OpenSpell,
    at_us: int,
    level: Level,
    to: tuple[str, ...],
    limit_us: int,
) -> None:
    spell.told += [who for who in to if who not in spell.told]
    value_us = at_us - spell.at_us
    _alert(st, leg, at_us, level, spell.kind, to, value_us, limit_us, spell.id)


def _hold_sum_due(st: State, leg: Leg, policy: Policy, at_us: int) -> None:
    assert policy.hold_sum_max_s is not None
    leg.sum_charged = leg.sum_told = True
    st.dirty.add(f"leg:{leg.uid}")
    limit_us = us(policy.hold_sum_max_s)
    spell = f"hold_sum:{leg.uid}"
    _alert(st, leg, at_us, "breach", "hold_sum", SEAT_AND_SUPERVISOR, limit_us, limit_us, spell)
    if not leg.gap:
        _violation(st, leg, at_us, "hold_sum", limit_us, spell)


def spell_ended(st: State, leg: Leg, at_us: int) -> None:
    """The customer waits no longer. What a lost link hid is neither summed nor charged."""
    spell = leg.spell
    if spell is None:
        return
    leg.spell = None
    _withdraw(st, spell.id, at_us)
    _withdraw(st, f"hold_sum:{leg.uid}", at_us)
    seconds_us = at_us - spell.at_us if not spell.stopped else None
    leg.spells.append(Spell(spell.kind, spell.at_us, seconds_us))
    st.dirty.add(f"leg:{leg.uid}")
    st.touched_seats.add(leg.seat)
    _clear(st, leg, spell, at_us)


def spell_stopped(st: State, leg: Leg, at_us: int) -> None:
    """The link was lost: the clock of a customer who waits stops, and charges nothing."""
    spell = leg.spell
    if spell is not None:
        _clear(st, leg, spell, at_us)
        spell.stopped = True


def _clear(st: State, leg: Leg, spell: OpenSpell, at_us: int) -> None:
    """Say that the alerts of this spell are over, to whom they went."""
    policy = policy_of(st, leg)
    if spell.told:
        warn_us, most_us, _ = limits(policy, spell.kind)
        limit_us = most_us if most_us is not None else warn_us
        to, spell.told = tuple(spell.told), []
        value_us = at_us - spell.at_us
        _alert(st, leg, at_us, "cleared", spell.kind, to, value_us, limit_us, spell.id)
    if leg.sum_told and policy.hold_sum_max_s is not None:
        leg.sum_told = False
        to, limit_us = SEAT_AND_SUPERVISOR, us(policy.hold_sum_max_s)
        sum_us = _judged_us(leg)
        _alert(st, leg, at_us, "cleared", "hold_sum", to, sum_us, limit_us, f"hold_sum:{leg.uid}")


# --- R3: who hangs up ---------------------------------------------------------------------


def charge_hangup(st: State, leg: Leg, at_us: int) -> None:
    """The seat's own phone ended a normal, answered customer call. It has no length: no cleared."""
    spell = f"hangup_order:{leg.uid}"
    to = SEAT_AND_SUPERVISOR
    _alert(st, leg, at_us, "breach", "hangup_order", to, None, None, spell)
    _violation(st, leg, at_us, "hangup_order", None, spell)
