"""How the law is amended: policies, and the kill switch."""

from dataclasses import replace

import pytest

from domain.governor.amendments import activate_policy, disable_policy, draft_policy
from domain.governor.builtin import BUILT_IN
from domain.governor.law import (
    EVERYWHERE,
    LAW,
    KillSwitchEngaged,
    KillSwitchReleased,
    Law,
    LawConstituted,
    LawEvent,
    PolicyActivated,
    PolicyDisabled,
    PolicyDrafted,
    constitute,
    engage_kill_switch,
    release_kill_switch,
)
from domain.governor.policy import Policy, Rule
from tests.spec import spec

given = spec(LAW)

CAP = Policy(
    id="cap",
    version=1,
    name="Cap",
    rules=(Rule(id="r", condition="data.amount > 100", action="deny", message="too much"),),
)
CAP_2 = replace(CAP, version=2, name="Lower cap")
CONSTITUTED = LawConstituted(name="Shop")
DRAFTED = PolicyDrafted(policy=CAP, by="user:grace")
DRAFTED_2 = PolicyDrafted(policy=CAP_2, by="user:grace")
ACTIVATED = PolicyActivated(policy_id="cap", version=1, by="user:founder", reason="spring")
ACTIVATED_2 = PolicyActivated(policy_id="cap", version=2, by="user:founder", reason="spring")
DISABLED = PolicyDisabled(policy_id="cap", by="user:founder", reason="summer")
STOPPED = KillSwitchEngaged(
    org_unit_id=EVERYWHERE, engagement_id="kill-1", by="user:olga", reason="smoke"
)
STOPPED_EU = KillSwitchEngaged(
    org_unit_id="eu", engagement_id="kill-2", by="user:olga", reason="smoke"
)
RELEASED = KillSwitchReleased(
    org_unit_id=EVERYWHERE, engagement_id="kill-1", by="user:founder", reason="aired"
)


# ── the beginning ──


def test_a_business_begins_with_its_policies_in_force() -> None:
    given().when(constitute, name="Shop", policies=(CAP,)).then(
        CONSTITUTED,
        PolicyDrafted(policy=CAP, by="founding"),
        PolicyActivated(policy_id="cap", version=1, by="founding", reason="built in"),
    )


def test_a_business_is_founded_once() -> None:
    given(CONSTITUTED).when(constitute, name="Shop", policies=()).then_refused("already_founded")


def test_before_the_founding_there_is_no_law() -> None:
    assert not Law().constituted
    assert LAW.fold([CONSTITUTED]).constituted


# ── policies ──


def test_a_draft_is_written_down_and_binds_nobody() -> None:
    given().when(draft_policy, policy=CAP, by="user:grace").then(DRAFTED)
    assert LAW.fold([DRAFTED]).active == {}


def test_the_next_draft_is_the_next_version() -> None:
    given(DRAFTED).when(draft_policy, policy=replace(CAP_2, version=1), by="user:grace").then(
        DRAFTED_2
    )


def test_drafting_the_same_twice_is_drafting_it_once() -> None:
    given(DRAFTED).when(draft_policy, policy=CAP, by="user:olga").then_nothing()
    given(DRAFTED, DRAFTED_2).when(
        draft_policy, policy=replace(CAP_2, version=1), by="user:olga"
    ).then_nothing()


def test_an_older_text_becomes_a_new_version() -> None:
    given(DRAFTED, DRAFTED_2).when(draft_policy, policy=CAP, by="user:grace").then(
        PolicyDrafted(policy=replace(CAP, version=3), by="user:grace")
    )


def test_a_flawed_draft_is_refused() -> None:
    given().when(draft_policy, policy=replace(CAP, rules=()), by="user:grace").then_refused(
        "policy_flawed"
    )


def test_a_draft_is_activated() -> None:
    given(DRAFTED).when(activate_policy, policy_id="cap", by="user:founder", reason="spring").then(
        ACTIVATED
    )


def test_the_newest_version_takes_the_place_of_the_one_before() -> None:
    given(DRAFTED, ACTIVATED, DRAFTED_2).when(
        activate_policy, policy_id="cap", by="user:founder", reason="spring"
    ).then(ACTIVATED_2)
    state = LAW.fold([DRAFTED, ACTIVATED, DRAFTED_2, ACTIVATED_2])
    assert state.active == {"cap": CAP_2}


def test_a_draft_does_not_move_the_version_in_force() -> None:
    assert LAW.fold([DRAFTED, ACTIVATED, DRAFTED_2]).active == {"cap": CAP}


def test_activating_twice_is_activating_once() -> None:
    given(DRAFTED, ACTIVATED).when(
        activate_policy, policy_id="cap", by="user:founder", reason="again"
    ).then_nothing()


def test_what_nobody_drafted_is_not_activated() -> None:
    given().when(activate_policy, policy_id="cap", by="user:founder", reason="x").then_refused(
        "policy_unknown"
    )


def test_a_policy_is_taken_out_of_force() -> None:
    given(DRAFTED, ACTIVATED).when(
        disable_policy, policy_id="cap", by="user:founder", reason="summer"
    ).then(DISABLED)
    assert LAW.fold([DRAFTED, ACTIVATED, DISABLED]).active == {}


@pytest.mark.parametrize("history", [(DRAFTED,), (DRAFTED, ACTIVATED, DISABLED)])
def test_disabling_what_is_not_in_force_changes_nothing(history: tuple[LawEvent, ...]) -> None:
    given(*history).when(
        disable_policy, policy_id="cap", by="user:founder", reason="again"
    ).then_nothing()


def test_what_nobody_drafted_is_not_disabled() -> None:
    given().when(disable_policy, policy_id="cap", by="user:founder", reason="x").then_refused(
        "policy_unknown"
    )


def test_a_disabled_policy_may_return() -> None:
    given(DRAFTED, ACTIVATED, DISABLED).when(
        activate_policy, policy_id="cap", by="user:founder", reason="spring"
    ).then(ACTIVATED)


# ── the kill switch ──


@pytest.mark.parametrize("org_unit_id", [EVERYWHERE, "eu"])
def test_a_kill_switch_is_engaged(org_unit_id: str) -> None:
    given().when(
        engage_kill_switch,
        org_unit_id=org_unit_id,
        engagement_id="kill-1",
        by="user:olga",
        reason="smoke",
    ).then(replace(STOPPED, org_unit_id=org_unit_id))


def test_engaging_twice_is_engaging_once() -> None:
    given(STOPPED).when(
        engage_kill_switch,
        org_unit_id=EVERYWHERE,
        engagement_id="kill-9",
        by="user:grace",
        reason="me too",
    ).then_nothing()


def test_a_kill_switch_is_released() -> None:
    given(STOPPED).when(
        release_kill_switch, org_unit_id=EVERYWHERE, by="user:founder", reason="aired"
    ).then(RELEASED)


def test_releasing_twice_is_releasing_once() -> None:
    given(STOPPED, RELEASED).when(
        release_kill_switch, org_unit_id=EVERYWHERE, by="user:founder", reason="again"
    ).then_nothing()


def test_releasing_everywhere_leaves_a_single_org_unit_stopped() -> None:
    state = LAW.fold([STOPPED, STOPPED_EU, RELEASED])
    assert state.engagements(("business", "eu")) == ("kill-2",)
    assert state.engagements(("business",)) == ()


@pytest.mark.parametrize(
    ("history", "path", "engaged"),
    [
        ((), ("business", "eu"), ()),
        ((STOPPED,), ("business",), ("kill-1",)),
        ((STOPPED,), (), ("kill-1",)),
        ((STOPPED_EU,), ("business",), ()),
        ((STOPPED_EU,), ("business", "eu"), ("kill-2",)),
        ((STOPPED_EU,), ("business", "eu", "paris"), ("kill-2",)),
        ((STOPPED_EU,), ("business", "us"), ()),
        ((STOPPED, STOPPED_EU), ("business", "eu"), ("kill-1", "kill-2")),
    ],
)
def test_a_stop_reaches_an_org_unit_and_all_below_it(
    history: tuple[LawEvent, ...], path: tuple[str, ...], engaged: tuple[str, ...]
) -> None:
    assert LAW.fold(history).engagements(path) == engaged


# ── what identifies a law ──


def test_the_hash_of_a_law_names_the_policies_in_force() -> None:
    empty, one = LAW.fold([DRAFTED]), LAW.fold([DRAFTED, ACTIVATED])
    two = LAW.fold([DRAFTED, ACTIVATED, DRAFTED_2, ACTIVATED_2])
    hashes = [law.book.hash for law in (empty, one, two)]
    assert len(set(hashes)) == len(hashes)
    assert LAW.fold([DRAFTED, ACTIVATED, DISABLED]).book.hash == empty.book.hash


def test_the_hash_of_a_law_does_not_depend_on_the_order_of_activation() -> None:
    forward = Law(active={policy.id: policy for policy in BUILT_IN})
    backward = Law(active={policy.id: policy for policy in reversed(BUILT_IN)})
    assert forward.book.hash == backward.book.hash


def test_the_hash_of_a_law_names_the_parameters() -> None:
    first = Law(active={"cap": replace(CAP, parameters={"limit": 1})})
    other = Law(active={"cap": replace(CAP, parameters={"limit": 2})})
    assert first.book.hash != other.book.hash
