"""Who ended the seat's part, first that fits (:func:`agentd.core.verdict.ended_by`), and R3."""

from __future__ import annotations

import pytest

from agentd.core import events as e
from agentd.core.effects import Violation
from agentd.core.policy import Policy, PolicyBook
from tests.core.story import Story, length, restarted, us


def ended_by(story: Story, leg: str = "li>1001") -> str | None:
    return story.settled().leg(leg).ended_by


# --- caller and agent ---------------------------------------------------------------------


def test_the_customer_hung_up_first() -> None:
    story = Story()
    leg = story.talk()
    story.customer_ends(leg, at=20)
    assert ended_by(story) == "caller"
    assert story.violations == []
    assert length(story.leg(leg).talk_us) == 17


def test_the_agent_hung_up_first_and_is_charged_once_the_evidence_is_in() -> None:
    story = Story()
    leg = story.talk()
    story.agent_ends(leg, at=20)
    story.until(21.9)
    assert story.violations == [], "the event that explains a hang-up may come after it"
    assert ended_by(story) == "agent"
    assert story.violations == [("hangup_order", leg, 20)]
    assert story.alerts("hangup_order") == [("breach", 20)]
    assert story.told("hangup_order", "breach") == ("seat", "supervisor")
    violation = story.said(Violation)[0]
    assert violation.value_us is violation.limit_us is None
    assert any(part.startswith("HangupRequest PJSIP/1001") for part in violation.evidence)


def test_the_evidence_is_every_event_that_was_weighed_with_its_moment() -> None:
    story = Story()
    leg = story.talk()
    story.holds(leg, at=10)
    story.unholds(leg, at=12)
    story.agent_ends(leg, at=20.5)
    story.settled()
    assert story.leg(leg).evidence == (
        "AgentCalled 1790000000.000000",
        "DialBegin 1790000000.000000",
        "Ringing 1790000000.000000",
        "DialEnd ANSWER 1790000003.000000",
        "Hold 1790000010.000000",
        "Unhold 1790000012.000000",
        "HangupRequest PJSIP/1001 1790000020.500000",
        "SoftHangupRequest 16 PJSIP/trunk 1790000020.500000",
        "BridgeLeave PJSIP/1001 1790000020.500000",
    )
    assert story.said(Violation)[0].evidence == story.leg(leg).evidence


def test_where_the_policy_lets_the_agent_end_the_call_nobody_is_charged() -> None:
    book = PolicyBook(Policy(), queues={"hotline": {"agent_may_end": True}})
    story = Story(book=book)
    leg = story.talk()
    story.agent_ends(leg, at=20)
    assert ended_by(story) == "agent"
    assert story.violations == []


@pytest.mark.parametrize("first", ["agent", "caller"])
@pytest.mark.parametrize(("apart", "unknown"), [(0, True), (0.1, True), (0.100001, False)])
def test_opposing_requests_within_a_tenth_of_a_second_prove_nothing(
    first: str, apart: float, unknown: bool
) -> None:
    story = Story()
    leg = story.talk()
    one, other = (leg, "li") if first == "agent" else ("li", leg)
    story.hangup_request(one, at=20)
    story.hangup_request(other, at=20 + apart)
    story.hangup(leg, "li", at=20.2)
    assert ended_by(story) == ("unknown" if unknown else first)
    assert bool(story.violations) == (first == "agent" and not unknown)


def test_the_opposing_request_counts_though_the_bridge_broke_between_the_two() -> None:
    """Both hang up; ours was processed first, the customer's came 80 ms later over the network."""
    story = Story()
    leg = story.talk()
    story.hangup_request(leg, at=20)
    story.leaves(leg, at=20.001)
    story.hangup_request("li", at=20.08)
    story.hangup("li", leg, at=20.09)
    assert ended_by(story) == "unknown"
    assert story.violations == []


def test_only_the_first_request_of_a_phone_counts() -> None:
    story = Story()
    leg = story.talk()
    story.hangup_request("li", at=20)
    story.hangup_request(leg, at=20.3)
    story.hangup_request("li", at=20.5)
    story.hangup(leg, "li", at=20.5)
    assert ended_by(story) == "caller"


@pytest.mark.parametrize("cause", [38, 44, 102])
def test_a_cause_that_is_not_normal_says_nothing_of_the_person(cause: int) -> None:
    story = Story()
    leg = story.talk()
    story.hangup_request(leg, at=20, cause=cause)
    story.hangup(leg, "li", at=20)
    assert ended_by(story) == "unknown"
    assert story.violations == []


def test_the_same_goes_for_the_customer() -> None:
    story = Story()
    leg = story.talk()
    story.hangup_request("li", at=20, cause=38)
    story.hangup("li", leg, at=20)
    assert ended_by(story) == "unknown"


def test_a_phone_that_fell_off_the_network_hung_up_nothing() -> None:
    story = Story()
    leg = story.talk()
    story.agent_ends(leg, at=20)
    story.say(e.DeviceState(us(20.5), "PJSIP/1001", "UNAVAILABLE"))
    assert ended_by(story) == "unknown"
    assert story.violations == []


def test_a_phone_that_was_gone_long_before_and_came_back_is_no_excuse() -> None:
    story = Story()
    story.say(e.DeviceState(us(-5), "PJSIP/1001", "UNAVAILABLE"))
    story.say(e.DeviceState(us(-4), "PJSIP/1001", "NOT_INUSE"))
    leg = story.talk()
    story.agent_ends(leg, at=20)
    assert ended_by(story) == "agent"


def test_without_any_request_it_is_unknown() -> None:
    story = Story()
    leg = story.talk()
    story.hangup(leg, "li", at=20)
    assert ended_by(story) == "unknown"
    assert story.violations == []


def test_agent_complete_alone_decides_nothing() -> None:
    story = Story()
    leg = story.talk()
    story.say(e.AgentComplete(us(20), leg, "hotline", "agent"))
    story.hangup(leg, "li", at=20)
    assert ended_by(story) == "unknown"
    assert "AgentComplete agent 1790000020.000000" in story.leg(leg).evidence


def test_a_request_after_the_part_was_over_ended_nothing() -> None:
    """The customer is taken away; seconds later the idle phone hangs up."""
    story = Story()
    leg = story.talk()
    story.leaves("li", at=20)
    story.hangup_request(leg, at=21)
    story.hangup(leg, at=21)
    story.channel("li>1002", "PJSIP/1002", at=21)
    story.dials("li", "li>1002", at=21)
    assert ended_by(story) == "supervisor"
    assert story.violations == []


@pytest.mark.parametrize(("late", "by"), [(0.05, "caller"), (0.050001, "unknown")])
def test_a_request_that_races_with_the_bridge_still_counts(late: float, by: str) -> None:
    story = Story()
    leg = story.talk()
    story.leaves("li", at=20)
    story.hangup_request("li", at=20 + late)
    story.hangup("li", leg, at=20.1)
    assert ended_by(story) == by


# --- system -------------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["li", "li>1001"])
@pytest.mark.parametrize("flag", [1, 2, 32])
def test_a_command_of_the_pbx_or_an_rtp_timeout_on_either_leg(side: str, flag: int) -> None:
    story = Story()
    leg = story.talk()
    story.soft_hangup(side, at=20, flag=flag)
    story.hangup(side, *({"li", leg} - {side}), at=20)
    assert ended_by(story) == "system"


def test_flag_16_is_only_the_end_of_the_dialplan() -> None:
    story = Story()
    leg = story.talk()
    story.soft_hangup(leg, at=20, flag=16)
    story.agent_ends(leg, at=20)
    assert ended_by(story) == "agent"


def test_agent_complete_does_not_overrule_the_command_of_the_pbx() -> None:
    story = Story()
    leg = story.talk()
    story.soft_hangup(leg, at=20)
    story.say(e.AgentComplete(us(20), leg, "hotline", "agent"))
    story.hangup(leg, "li", at=20)
    assert ended_by(story) == "system"


def test_system_comes_before_the_persons() -> None:
    story = Story()
    leg = story.talk()
    story.soft_hangup(leg, at=19.99)
    story.agent_ends(leg, at=20)
    assert ended_by(story) == "system"
    assert story.violations == []


def test_a_soft_hangup_after_the_part_was_over_is_somebody_elses() -> None:
    story = Story()
    leg = story.talk()
    story.hangup_request("li", at=20)
    story.leaves("li", at=20)
    story.soft_hangup(leg, at=20.2)
    story.hangup("li", leg, at=20.3)
    assert ended_by(story) == "caller"


# --- supervisor ---------------------------------------------------------------------------


def redirected(story: Story) -> str:
    """A supervisor moves the customer to another seat in mid-call."""
    leg = story.talk()
    story.leaves("li", at=20)
    story.leaves(leg, at=20)
    story.hangup(leg, at=20)
    story.channel("li>1002", "PJSIP/1002", at=20)
    story.dials("li", "li>1002", at=20)
    story.rings("li>1002", at=20)
    story.answers("li>1002", at=24, queue=None)
    return leg


def test_the_customer_left_first_without_hanging_up_and_lives_on() -> None:
    story = Story()
    leg = redirected(story)
    story.customer_ends("li>1002", at=50)
    story.say(e.AgentComplete(us(50), None, "hotline", "caller"))
    assert ended_by(story, leg) == "supervisor"
    assert length(story.leg(leg).talk_us) == 17, "not until AgentComplete, which comes at 50"
    assert ended_by(story, "li>1002") == "caller"
    assert story.violations == []


def test_supervisor_comes_before_system() -> None:
    story = Story()
    leg = story.talk()
    story.leaves("li", at=20)
    story.soft_hangup(leg, at=20)
    story.hangup(leg, at=20)
    story.channel("li>1002", "PJSIP/1002", at=20)
    story.dials("li", "li>1002", at=20)
    assert ended_by(story, leg) == "supervisor"


def test_a_customer_who_lives_on_in_an_announcement_was_moved_too() -> None:
    """No dial, no bridge: the channel is simply still there a second later."""
    story = Story()
    leg = story.talk()
    story.leaves("li", at=20)
    story.leaves(leg, at=20)
    story.hangup(leg, at=20)
    assert ended_by(story, leg) == "supervisor"


def test_whether_the_customer_lived_on_is_unknown_after_a_restart() -> None:
    story = Story()
    leg = story.talk()
    story.leaves("li", at=20)
    story.leaves(leg, at=20)
    story.hangup(leg, at=20)
    again = restarted(story, at=20.5)
    assert ended_by(again, leg) == "unknown"


def test_a_customer_who_is_gone_at_once_was_moved_nowhere() -> None:
    story = Story()
    leg = story.talk()
    story.leaves("li", at=20)
    story.leaves(leg, at=20)
    story.hangup(leg, "li", at=20.4)
    assert ended_by(story, leg) == "unknown"


# --- transfer -----------------------------------------------------------------------------


def test_a_blind_transfer() -> None:
    story = Story()
    leg = story.talk()
    story.unholds(leg, at=20)
    story.blind_transfer(leg, at=20)
    story.leaves("li", at=20)
    story.hangup(leg, at=20)
    assert ended_by(story) == "transfer"


def test_a_transfer_seen_within_the_settle_time_after_the_hang_up() -> None:
    story = Story()
    leg = story.talk()
    story.hangup_request(leg, at=20)
    story.leaves(leg, at=20)
    story.hangup(leg, at=20)
    story.attended_transfer(leg, leg, at=21.9)
    assert ended_by(story) == "transfer"
    assert story.violations == []


def test_a_transfer_that_failed_excuses_nobody() -> None:
    story = Story()
    leg = story.talk()
    story.blind_transfer(leg, at=19, result="Fail")
    story.attended_transfer(leg, leg, at=19, result="Invalid")
    story.agent_ends(leg, at=20)
    assert ended_by(story) == "agent"


def test_transfer_comes_before_system() -> None:
    story = Story()
    leg = story.talk()
    story.soft_hangup(leg, at=20)
    story.blind_transfer(leg, at=20)
    story.hangup(leg, at=20)
    assert ended_by(story) == "transfer"


def test_an_agent_who_leaves_a_conference_leaves_nobody_alone() -> None:
    story = Story()
    leg = story.talk()
    story.channel("expert", "PJSIP/expert", at=10)
    story.enters("expert", f"b:{leg}", at=10)
    story.hangup_request(leg, at=20)
    story.hangup(leg, at=20)
    assert ended_by(story) == "transfer"
    assert story.violations == []


def test_music_and_a_local_channel_are_no_company() -> None:
    story = Story()
    leg = story.talk()
    story.channel("half", at=10, name="Local/record@x-0001;1")
    story.enters("half", f"b:{leg}", at=10)
    story.hangup_request(leg, at=20)
    story.hangup(leg, at=20)
    assert ended_by(story) == "agent"


# --- R3 is about whole, seen customer calls -----------------------------------------------


def test_an_internal_call_may_end_as_it_likes() -> None:
    story = Story()
    story.channel("own", "PJSIP/1001", at=0)
    story.channel("peer", "PJSIP/1002", at=0)
    story.dials("own", "peer", at=0)
    story.picks_up("peer", at=2, source="own")
    story.enters("peer", "b", at=2)
    story.enters("own", "b", at=2)
    story.hangup_request("peer", at=20)
    story.hangup("peer", "own", at=20)
    assert ended_by(story, "peer") == "agent"
    assert story.violations == []


def test_on_an_outbound_call_caller_means_the_customers_side() -> None:
    story = Story()
    story.channel("own", "PJSIP/1001", at=0)
    story.channel("far", at=0)
    story.dials("own", "far", at=0, number="13900139000")
    story.picks_up("far", at=5, source="own")
    story.enters("far", "b", at=5)
    story.enters("own", "b", at=5)
    story.hangup_request("far", at=20)
    story.hangup("far", "own", at=20)
    assert ended_by(story, "own") == "caller"


def test_a_gap_after_which_nothing_showed_them_connected_accuses_nobody() -> None:
    story = Story()
    leg = story.talk()
    story.link_down(at=10)
    story.link_up(at=15)
    story.agent_ends(leg, at=20)
    assert ended_by(story) == "unknown"
    assert story.violations == []


def test_a_gap_after_which_a_snapshot_showed_them_connected_does_not_hide_the_end() -> None:
    story = Story()
    leg = story.talk()
    story.link_down(at=10)
    story.link_up(at=15)
    bridge = story.bridge_of[leg]
    story.lists(
        at=15,
        channels=[
            story.listed("li", at=15, bridge=bridge),
            story.listed(leg, at=15, bridge=bridge),
        ],
    )
    story.agent_ends(leg, at=20)
    assert ended_by(story) == "agent"
    assert story.violations == [("hangup_order", leg, 20)]
