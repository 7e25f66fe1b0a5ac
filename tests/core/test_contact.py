"""Who hears whom: consultations, transfers, parking (:mod:`agentd.core.contact`)."""

from __future__ import annotations

import pytest

from agentd.core import events as e
from tests.core.story import Story, holds, length, s, us

# --- consultations ------------------------------------------------------------------------


def consults(story: Story, leg: str, peer: str, *, at: float, answer: float = 2) -> tuple[str, str]:
    """Asterisk dials a colleague for the agent (AMI Atxfer): over a Local channel pair."""
    one, two = f"{peer}.1", f"{peer}.2"
    phone = f"{peer}.phone"
    story.music("li", at=at)
    story.channel(one, at=at, name=f"Local/{peer}@seats-{peer};1")
    story.channel(two, at=at, name=f"Local/{peer}@seats-{peer};2")
    story.enters(one, f"ask:{peer}", at=at)
    story.leaves(leg, at=at)
    story.enters(leg, f"ask:{peer}", at=at)
    story.channel(phone, f"PJSIP/{peer}", at=at)
    story.dials(two, phone, at=at)
    story.rings(phone, at=at)
    story.picks_up(phone, at=at + answer, source=two)
    story.enters(phone, f"far:{peer}", at=at + answer)
    story.enters(two, f"far:{peer}", at=at + answer)
    return one, phone


def comes_back(story: Story, leg: str, peer: str, *, at: float) -> None:
    story.hangup(f"{peer}.1", f"{peer}.2", f"{peer}.phone", at=at)
    story.leaves(leg, at=at)
    story.music("li", at=at, on=False)
    story.enters(leg, f"b:{leg}", at=at)


def test_a_consultation_that_asterisk_dials_waits_from_the_music_on() -> None:
    story = Story()
    leg = story.talk()
    consults(story, leg, "1002", at=10)
    assert story.state("1001") == "holding"
    comes_back(story, leg, "1002", at=30)
    assert story.state("1001") == "talking"
    story.customer_ends(leg, at=40)
    story.settled()
    assert holds(story.leg(leg)) == [("consult", 10, 20)]
    assert story.leg(leg).ended_by == "caller"
    assert length(story.leg(leg).talk_us) == 37, "consulting is a part of the call"
    assert story.violations == []


def test_two_consultations_are_two_spells() -> None:
    story = Story()
    leg = story.talk()
    consults(story, leg, "1002", at=10)
    comes_back(story, leg, "1002", at=20)
    one, phone = consults(story, leg, "1003", at=30)
    story.hangup_request(leg, at=45)
    story.leaves(one, at=45)
    story.enters(one, f"b:{leg}", at=45)
    story.attended_transfer(leg, leg, at=45.001)
    story.hangup(leg, at=45.001)
    story.hangup_request("li", at=60)
    story.hangup("li", one, "1003.2", phone, at=60)
    story.settled()
    assert holds(story.leg(leg)) == [("consult", 10, 10), ("consult", 30, 15.001)]
    assert story.leg(leg).ended_by == "transfer"
    assert story.leg("1002.phone").direction == "internal"
    assert story.leg(phone).direction == "inbound"
    assert story.violations == []


def test_an_attended_transfer_blames_nobody_though_the_hang_up_comes_before_it() -> None:
    story = Story()
    leg = story.talk()
    story.holds(leg, at=10)
    one, phone = consults(story, leg, "1002", at=10.2, answer=5)
    story.hangup_request(leg, at=60)
    story.music("li", at=60, on=False)
    story.leaves(one, at=60)
    story.enters(one, f"b:{leg}", at=60)
    story.attended_transfer(leg, leg, at=60.001)
    story.leaves(leg, at=60.001)
    story.hangup(leg, at=60.001)
    story.hangup_request("li", at=90)
    story.hangup("li", one, "1002.2", phone, at=90)
    story.settled()

    first = story.leg(leg)
    assert first.ended_by == "transfer"
    assert holds(first) == [("consult", 10, 50.001)]
    assert s(first.ended_us) == 60.001
    second = story.leg(phone)
    assert (second.direction, second.call) == ("inbound", "li")
    assert s(second.ringing_us) == 10.2
    assert s(second.answered_us) == 15.2
    assert length(second.talk_us) == 74.8
    assert second.ended_by == "caller"
    assert story.violations == []


def test_the_ring_of_a_consulted_seat_is_judged_by_no_rule() -> None:
    story = Story()
    leg = story.talk()
    _, phone = consults(story, leg, "1002", at=10, answer=25)
    story.attended_transfer(leg, leg, at=50)
    story.leaves("1002.1", at=50)
    story.enters("1002.1", f"b:{leg}", at=50)
    story.hangup(leg, at=50)
    story.hangup_request("li", at=60)
    story.hangup("li", "1002.1", "1002.2", phone, at=60)
    story.settled()
    assert story.leg(phone).direction == "inbound"
    assert length(story.leg(phone).ring_us) == 25
    assert story.alerts("ring") == []
    assert story.violations == []


def test_a_colleague_who_was_only_asked_keeps_an_internal_leg() -> None:
    story = Story()
    leg = story.talk()
    _, phone = consults(story, leg, "1002", at=10)
    comes_back(story, leg, "1002", at=20)
    story.settled()
    asked = story.leg(phone)
    assert asked.direction == "internal"
    assert asked.call == phone
    assert [change for change, _, _ in story.orders()] == ["opened"]


def test_a_three_way_call_ends_the_wait_and_the_agent_stays() -> None:
    story = Story()
    leg = story.talk()
    one, phone = consults(story, leg, "1002", at=10)
    story.attended_transfer(leg, leg, at=30, dest_type="Threeway")
    for uid in (leg, one):
        story.leaves(uid, at=30.5)
        story.enters(uid, f"b:{leg}", at=30.5)
    assert story.state("1001") == "talking"
    story.until(60)
    story.hangup_request("li", at=60)
    story.hangup("li", leg, one, "1002.2", phone, at=60)
    story.settled()
    assert holds(story.leg(leg)) == [("consult", 10, 20)]
    assert s(story.leg(leg).ended_us) == 60
    assert story.leg(leg).ended_by == "caller"


def test_a_consultation_with_a_stranger_who_is_no_seat() -> None:
    story = Story()
    leg = story.talk()
    story.holds(leg, at=10)
    story.channel("second", "PJSIP/1001", at=11)
    story.channel("unit", "PJSIP/trunk", at=11)
    story.dials("second", "unit", at=11, number="02088880000")
    story.picks_up("unit", at=15, source="second")
    story.attended_transfer(leg, "second", at=70)
    story.hangup("second", leg, at=70)
    story.settled()
    assert holds(story.leg(leg)) == [("consult", 10, 60)]
    assert story.leg(leg).ended_by == "transfer"
    assert "second" not in story.legs, "the phone's second line is no call of its own"
    assert story.violations == []


def test_a_transfer_ends_no_other_call_that_the_seat_holds() -> None:
    story = Story()
    moved = story.talk()
    kept = story.talk("wang", at=5)
    story.holds(kept, at=9)
    story.holds(moved, at=10)
    story.channel("second", "PJSIP/1001", at=11)
    story.attended_transfer(moved, "second", at=20)
    story.hangup(moved, at=20)
    story.settled()
    assert story.leg(moved).ended_by == "transfer"
    assert kept in story.engine.state.seats["PJSIP/1001"].legs
    assert story.state("1001") == "holding"


def test_a_transfer_may_name_only_the_phones_second_channel() -> None:
    story = Story()
    leg = story.talk()
    story.holds(leg, at=10)
    story.channel("second", "PJSIP/1001", at=11)
    story.channel("peer", "PJSIP/1002", at=11)
    story.dials("second", "peer", at=11)
    story.attended_transfer("second", "second", at=30)
    story.hangup("second", leg, at=30)
    story.settled()
    assert story.leg(leg).ended_by == "transfer"


def test_a_seat_that_dials_while_its_customer_talks_on_consults_nobody() -> None:
    """The same channel dials on after the customer was taken in: nobody waits."""
    story = Story()
    leg = story.talk()
    story.channel("peer", "PJSIP/1002", at=10)
    story.dials(leg, "peer", at=10)
    story.until(20)
    assert story.alerts("consult") == []
    assert story.state("1001") == "talking"


# --- blind transfers ----------------------------------------------------------------------


def blind(story: Story, *, at: float = 20) -> str:
    leg = story.talk()
    story.blind_transfer(leg, at=at)
    story.leaves("li", at=at)
    story.hangup(leg, at=at)
    story.channel("li>1002", "PJSIP/1002", at=at)
    story.dials("li", "li>1002", at=at)
    story.rings("li>1002", at=at)
    return leg


def test_the_second_seats_own_ring_and_talk_are_judged_too() -> None:
    story = Story()
    leg = blind(story, at=20)
    story.answers("li>1002", at=31, queue=None)
    story.agent_ends("li>1002", at=50)
    story.settled()
    assert story.leg(leg).ended_by == "transfer"
    assert length(story.leg(leg).talk_us) == 17
    second = story.leg("li>1002")
    assert second.ended_by == "agent"
    assert second.queue is None
    assert length(second.ring_us) == 11
    assert story.violations == [("ring", "li>1002", 30), ("hangup_order", "li>1002", 50)]


def test_a_transfer_ends_the_hold_before_it() -> None:
    story = Story()
    leg = story.talk()
    story.holds(leg, at=10)
    story.blind_transfer(leg, at=18)
    story.hangup(leg, at=18)
    story.settled()
    assert holds(story.leg(leg)) == [("hold", 10, 8)]


def test_where_the_bridge_broke_before_the_transfer_the_part_ended_with_the_bridge() -> None:
    story = Story()
    leg = story.talk()
    story.leaves("li", at=19.99)
    story.blind_transfer(leg, at=20)
    story.settled()
    assert s(story.leg(leg).ended_us) == 19.99


def test_a_local_members_transfer_is_its_phones() -> None:
    story = Story()
    local_talk(story)
    story.blind_transfer("half1", at=20)
    story.settled()
    assert story.leg("phone").ended_by == "transfer"


def local_talk(story: Story) -> None:
    """A member ``Local/1001@agents``: the queue dials a Local channel, that dials the phone."""
    story.member("1001", at=-5, interface="Local/1001@agents/n", name="张三")
    story.joins("li", at=0)
    story.channel("half1", at=0, name="Local/1001@agents-0001;1")
    story.channel("half2", at=0, name="Local/1001@agents-0001;2")
    story.say(
        e.AgentCalled(
            us(0),
            "li",
            story.devices["li"],
            "half1",
            story.devices["half1"],
            "hotline",
            "Local/1001@agents/n",
            "张三",
        )
    )
    story.dials("li", "half1", at=0)
    story.channel("phone", "PJSIP/1001", at=0)
    story.dials("half2", "phone", at=0)
    story.rings("phone", at=0)
    story.picks_up("phone", at=3, source="half2")
    story.enters("phone", "far", at=3)
    story.enters("half2", "far", at=3)
    story.dial_ends("li", "half1", "ANSWER", at=3)
    story.leaves_queue("li", at=3)
    story.say(e.AgentConnect(us(3), "li", "half1", "hotline", "Local/1001@agents/n"))
    story.enters("half1", "near", at=3)
    story.enters("li", "near", at=3)


def test_a_local_member_is_judged_on_its_phone() -> None:
    story = Story()
    local_talk(story)
    story.holds("phone", at=10)
    story.unholds("phone", at=45)
    story.hangup_request("phone", at=50)
    story.hangup("phone", "half2", "half1", "li", at=50)
    story.settled()
    leg = story.leg("phone")
    assert (leg.seat, leg.agent, leg.queue, leg.call) == ("PJSIP/1001", "张三", "hotline", "li")
    assert s(leg.answered_us) == 3
    assert leg.ended_by == "agent"
    assert [rule for rule, _, _ in story.violations] == ["hold", "hangup_order"]


def test_a_break_between_the_halves_is_nobodys_leaving() -> None:
    story = Story()
    local_talk(story)
    story.hangup("half1", "half2", at=20)
    story.until(20.1)
    story.hangup("li", "phone", at=20.1)
    story.settled()
    assert story.leg("phone").ended_by == "unknown"
    assert s(story.leg("phone").ended_us) == 20


# --- parking ------------------------------------------------------------------------------


def test_parking_is_a_wait_with_the_limits_of_a_hold() -> None:
    story = Story()
    leg = story.talk()
    story.leaves("li", at=10)
    story.parks("li", at=10)
    story.hangup(leg, at=10)
    story.until(45)
    assert story.state("1001") == "holding", "who parked lets the customer wait"
    story.parking_ends("li", at=45)
    story.settled()
    assert holds(story.leg(leg)) == [("park", 10, 35)]
    assert story.alerts("park") == [("warning", 30), ("breach", 40), ("cleared", 45)]
    assert story.violations == [("park", leg, 40)]
    assert story.leg(leg).ended_by == "transfer"


def test_a_hold_before_the_parking_is_a_spell_of_its_own() -> None:
    story = Story()
    leg = story.talk()
    story.holds(leg, at=10)
    story.leaves("li", at=15)
    story.parks("li", at=15)
    story.unholds(leg, at=15)
    story.hangup(leg, at=15)
    story.parking_ends("li", at=25)
    story.settled()
    assert holds(story.leg(leg)) == [("hold", 10, 5), ("park", 15, 10)]


@pytest.mark.parametrize("transfer_first", [True, False])
def test_a_blind_transfer_into_parking_is_parking(transfer_first: bool) -> None:
    story = Story()
    leg = story.talk()
    if transfer_first:
        story.blind_transfer(leg, at=10)
        story.leaves("li", at=10)
        story.parks("li", at=10.002)
    else:
        story.leaves("li", at=10)
        story.parks("li", at=10)
        story.blind_transfer(leg, at=10.002)
    story.hangup(leg, at=10.01)
    story.parking_ends("li", at=45)
    story.settled()
    (spell,) = holds(story.leg(leg))
    assert spell[0] == "park"
    assert spell[2] == pytest.approx(35, abs=0.01)
    assert [rule for rule, _, _ in story.violations] == ["park"]
    assert story.leg(leg).ended_by == "transfer"


def test_a_customer_who_gives_up_while_parked_ended_the_call() -> None:
    story = Story()
    leg = story.talk()
    story.leaves("li", at=10)
    story.parks("li", at=10)
    story.hangup_request(leg, at=11)
    story.hangup(leg, at=11)
    story.hangup_request("li", at=30)
    story.parking_ends("li", at=30)
    story.hangup("li", at=30)
    story.settled()
    assert holds(story.leg(leg)) == [("park", 10, 20)]
    assert story.leg(leg).ended_by == "caller"
    assert story.violations == []


def test_a_parked_customers_hangup_may_overtake_the_word_that_parking_ended() -> None:
    story = Story()
    leg = story.talk()
    story.leaves("li", at=10)
    story.parks("li", at=10.001)
    story.hangup(leg, at=11)
    story.hangup_request("li", at=35)
    story.hangup("li", at=35)
    story.parking_ends("li", at=35)
    story.settled()
    assert holds(story.leg(leg)) == [("park", 10.001, 24.999)]
    assert story.leg(leg).ended_by == "caller"
    assert story.violations == []


def test_an_end_soon_after_a_transfer_into_parking_still_waits_for_its_evidence() -> None:
    story = Story()
    leg = story.talk()
    story.blind_transfer(leg, at=10)
    story.parks("li", at=10)
    story.hangup(leg, at=10)
    story.parking_ends("li", at=11)
    story.until(12.5)
    assert story.legs == {}
    story.until(13.5)
    assert story.leg(leg).ended_by == "transfer"


def test_parking_by_another_seat_or_of_a_stranger_is_not_this_seats() -> None:
    story = Story()
    leg = story.talk()
    story.parks("nobody", at=5)
    story.parking_ends("nobody", at=6)
    story.parks("li", at=10, by="PJSIP/1003")
    story.parking_ends("li", at=11)
    story.customer_ends(leg, at=20)
    story.settled()
    assert story.leg(leg).holds == ()
    assert story.leg(leg).ended_by == "caller"


def test_where_the_parker_is_not_named_it_is_the_seat_that_had_the_customer() -> None:
    story = Story()
    leg = story.talk()
    story.parks("li", at=10, by=None)
    story.parking_ends("li", at=20)
    story.settled()
    assert holds(story.leg(leg)) == [("park", 10, 10)]


@pytest.mark.parametrize("entered_first", [False, True])
def test_a_seat_that_fetches_a_parked_customer_has_a_leg_of_its_own(entered_first: bool) -> None:
    """Asterisk says UnParkedCall and the fetcher's BridgeEnter in either order."""
    story = Story()
    leg = story.talk()
    story.leaves("li", at=10)
    story.parks("li", at=10.001)
    story.hangup(leg, at=10.002)
    story.channel("fetcher", "PJSIP/1002", at=20)
    if not entered_first:
        story.parking_ends("li", at=20)
    story.enters("fetcher", "b2", at=20)
    story.enters("li", "b2", at=20)
    if entered_first:
        story.parking_ends("li", at=20)
    story.hangup_request("li", at=40)
    story.hangup("li", "fetcher", at=40)
    story.settled()
    assert story.leg(leg).ended_by == "transfer"
    (spell,) = holds(story.leg(leg))
    assert spell[2] == pytest.approx(9.999)
    fetched = story.leg("fetcher")
    assert (fetched.seat, fetched.call, fetched.direction) == ("PJSIP/1002", "li", "inbound")
    assert length(fetched.talk_us) == 20
    assert fetched.ring_us is None
    assert story.violations == []
