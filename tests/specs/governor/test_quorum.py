"""Several people agree, each once; and what they say to each other before they do."""

from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import given as whatever
from hypothesis import strategies as st

from domain.core.principal import Actor, Role
from domain.core.stream import Refusal
from domain.governor.approval import (
    APPROVAL,
    Approval,
    ApprovalAmended,
    ApprovalCancelled,
    ApprovalEndorsed,
    ApprovalEscalated,
    ApprovalGranted,
    ApprovalRejected,
    InformationGiven,
    InformationRequested,
    Stage,
)
from domain.governor.approving import (
    QUESTIONS_MAX,
    amend,
    ask,
    escalate,
    grant,
    inform,
    is_met,
    reject,
)
from domain.governor.demand import Demand, merged, met, next_above
from tests.examples import FOUNDER, GRACE, IMPORTER, NOON, OLGA, SUPPORT, VERA
from tests.spec import spec
from tests.specs.governor.test_approval import END, NO, REQUESTED, YES

given = spec(APPROVAL)

TWO: Final = replace(REQUESTED, demands=(Demand("admin", 2),))
BOB: Final = Actor("bob", Role.ADMIN)
CARL: Final = Actor("carl", Role.OPERATOR)
ROLES: Final = {str(each): each.role for each in (FOUNDER, GRACE, OLGA, VERA, BOB, CARL)}
ASKED = InformationRequested(approval_id="apr1", by="user:grace", question="which order?")
TOLD = InformationGiven(approval_id="apr1", by="agent:support", text="1001")
QUESTION: dict[str, Any] = {"approval_id": "apr1", "question": "which order?", "at": NOON}
ANSWER: dict[str, Any] = {"approval_id": "apr1", "text": "1001", "at": NOON}


def endorsed(by: str, for_: str = "") -> ApprovalEndorsed:
    return ApprovalEndorsed(
        approval_id="apr1",
        by=f"user:{by}",
        on_behalf_of=f"user:{for_}" if for_ else "",
        notes="fine",
    )


def granted(by: str) -> ApprovalGranted:
    return ApprovalGranted(approval_id="apr1", by=f"user:{by}", notes="fine")


# ── counting ──


def test_the_first_of_two_endorses_and_the_second_grants() -> None:
    given(TWO).when(grant, by=GRACE, **YES).then(endorsed("grace"))
    given(TWO, endorsed("grace")).when(grant, by=BOB, roles=ROLES, **YES).then(granted("bob"))


def test_the_same_person_twice_is_one_person() -> None:
    given(TWO, endorsed("grace")).when(grant, by=GRACE, roles=ROLES, **YES).then_nothing()


def test_an_endorsement_of_somebody_who_has_lost_the_role_does_not_count() -> None:
    demoted = {**ROLES, "user:grace": Role.OPERATOR}
    given(TWO, endorsed("grace")).when(grant, by=BOB, roles=demoted, **YES).then(endorsed("bob"))
    gone = {name: role for name, role in ROLES.items() if name != "user:grace"}
    given(TWO, endorsed("grace")).when(grant, by=BOB, roles=gone, **YES).then(endorsed("bob"))
    history = (TWO, endorsed("grace"), endorsed("bob"))
    given(*history).when(grant, by=FOUNDER, roles=gone, **YES).then(granted("founder"))


def test_whoever_was_promoted_meanwhile_may_say_so_again() -> None:
    asked = replace(REQUESTED, demands=(Demand("admin", 1), Demand("operator", 2)))
    history = (asked, endorsed("olga"), endorsed("carl"))
    promoted = {**ROLES, "user:olga": Role.ADMIN}
    olga = Actor("olga", Role.ADMIN)
    given(*history).when(grant, by=olga, roles=promoted, **YES).then(granted("olga"))


def test_every_demand_is_met_on_its_own() -> None:
    asked = replace(REQUESTED, demands=(Demand("founder", 1), Demand("operator", 2)))
    given(asked).when(grant, by=FOUNDER, **YES).then(endorsed("founder"))
    given(asked, endorsed("olga")).when(grant, by=GRACE, roles=ROLES, **YES).then(endorsed("grace"))
    given(asked, endorsed("olga")).when(grant, by=FOUNDER, roles=ROLES, **YES).then(
        granted("founder")
    )


def test_one_no_is_enough_also_after_a_yes() -> None:
    no = ApprovalRejected(approval_id="apr1", by="user:bob", reason="too much")
    given(TWO, endorsed("grace")).when(reject, by=BOB, **NO).then(no)
    given(TWO, endorsed("grace")).when(reject, by=OLGA, **NO).then_refused("role_too_low")


def test_whoever_amended_a_request_cannot_agree_to_it() -> None:
    asked = replace(REQUESTED, authors=("agent:support", "user:grace"))
    given(asked).when(grant, by=GRACE, **YES).then_refused("own_request")
    given(asked).when(grant, by=BOB, **YES).then(granted("bob"))


# ── in another's name ──


def test_a_delegate_uses_the_role_of_the_delegator() -> None:
    given(REQUESTED).when(grant, by=VERA, on_behalf_of=GRACE, **YES).then(
        endorsed("vera", "grace"), granted("vera")
    )
    given(REQUESTED).when(grant, by=VERA, on_behalf_of=OLGA, **YES).then_refused("role_too_low")
    given(REQUESTED).when(grant, by=BOB, on_behalf_of=OLGA, **YES).then_refused("role_too_low")
    given(REQUESTED).when(grant, by=SUPPORT, on_behalf_of=GRACE, **YES).then_refused(
        "not_an_approver"
    )


@pytest.mark.parametrize("author", ["user:vera", "user:grace"])
def test_a_delegate_decides_neither_their_own_request_nor_the_delegator_s(author: str) -> None:
    asked = replace(REQUESTED, authors=(author,))
    given(asked).when(grant, by=VERA, on_behalf_of=GRACE, **YES).then_refused("own_request")
    given(asked).when(reject, by=VERA, on_behalf_of=GRACE, **NO).then_refused("own_request")


def test_delegate_and_delegator_are_one_person() -> None:
    by_vera = (TWO, endorsed("vera", "grace"))
    given(*by_vera).when(grant, by=GRACE, roles=ROLES, **YES).then_refused("same_person")
    given(TWO, endorsed("grace")).when(
        grant, by=VERA, on_behalf_of=GRACE, roles=ROLES, **YES
    ).then_refused("same_person")
    given(*by_vera).when(grant, by=VERA, on_behalf_of=BOB, roles=ROLES, **YES).then_refused(
        "same_person"
    )
    given(*by_vera).when(grant, by=BOB, roles=ROLES, **YES).then(granted("bob"))


def test_a_loop_of_delegations_is_still_one_person() -> None:
    history = (TWO, endorsed("grace", "bob"))
    given(*history).when(grant, by=BOB, on_behalf_of=GRACE, roles=ROLES, **YES).then_refused(
        "same_person"
    )


def test_the_yes_of_a_delegate_who_has_left_does_not_count() -> None:
    gone = {name: role for name, role in ROLES.items() if name != "user:vera"}
    history = (TWO, endorsed("vera", "grace"))
    given(*history).when(grant, by=BOB, roles=gone, **YES).then(endorsed("bob"))
    state = APPROVAL.fold(history)
    assert is_met(state, (Demand("admin", 1),), ROLES)
    assert not is_met(state, (Demand("admin", 1),), gone)


# ── questions and answers ──


def test_a_question_and_its_answer_keep_the_request_open() -> None:
    given(REQUESTED).when(ask, by=GRACE, **QUESTION).then(ASKED)
    given(REQUESTED, ASKED).when(ask, by=GRACE, **QUESTION).then_nothing()
    given(REQUESTED, ASKED).when(inform, by=SUPPORT, **ANSWER).then(TOLD)
    given(REQUESTED, ASKED, TOLD).when(inform, by=SUPPORT, **ANSWER).then_nothing()
    assert APPROVAL.fold((REQUESTED, ASKED, TOLD)).stage is Stage.PENDING


def test_whoever_asked_for_it_or_works_at_the_desk_answers() -> None:
    other = Actor("buyer", Role.AGENT)
    for stranger in (other, VERA, IMPORTER):
        given(REQUESTED, ASKED).when(inform, by=stranger, **ANSWER).then_refused("not_yours")
    given(REQUESTED, ASKED).when(inform, by=OLGA, **ANSWER).then(replace(TOLD, by="user:olga"))


def test_talk_ends_with_the_request() -> None:
    late = {**QUESTION, "at": END}
    given(REQUESTED).when(ask, by=GRACE, **late).then_refused("approval_expired")
    given(REQUESTED, granted("grace")).when(ask, by=GRACE, **QUESTION).then_refused(
        "approval_decided"
    )
    given().when(ask, by=GRACE, **QUESTION).then_refused("approval_unknown")
    given().when(inform, by=GRACE, **ANSWER).then_refused("approval_unknown")
    given(REQUESTED).when(inform, by=GRACE, **ANSWER).then_refused("nothing_asked")
    given(REQUESTED).when(ask, by=GRACE, **{**QUESTION, "question": " "}).then_refused(
        "question_missing"
    )
    given(REQUESTED, ASKED).when(inform, by=GRACE, **{**ANSWER, "text": " "}).then_refused(
        "answer_missing"
    )


def test_there_is_an_end_to_questions() -> None:
    asked = [replace(ASKED, question=f"{n}?") for n in range(QUESTIONS_MAX)]
    given(REQUESTED, *asked).when(ask, by=GRACE, **QUESTION).then_refused("too_many_questions")


# ── amending ──

CHANGED: Final[dict[str, object]] = {"command": "ProposeAction", "payload": {}}
AMEND: dict[str, Any] = {
    "approval_id": "apr1",
    "payload_hash": "hash of 900",
    "request": CHANGED,
    "at": NOON,
}


def test_an_approver_asks_for_something_else_instead() -> None:
    given(REQUESTED).when(amend, by=GRACE, **AMEND).then(
        ApprovalAmended(approval_id="apr1", by="user:grace", request=CHANGED),
        ApprovalCancelled(approval_id="apr1", reason="amended by grace"),
    )


def test_only_an_approver_amends_and_only_what_was_shown() -> None:
    given(REQUESTED).when(amend, by=OLGA, **AMEND).then_refused("role_too_low")
    own = replace(REQUESTED, authors=("user:grace",))
    given(own).when(amend, by=GRACE, **AMEND).then_refused("own_request")
    given(REQUESTED).when(amend, by=GRACE, **{**AMEND, "payload_hash": "x"}).then_refused(
        "payload_changed"
    )
    given(REQUESTED).when(amend, by=GRACE, **{**AMEND, "request": REQUESTED.request}).then_refused(
        "nothing_changed"
    )
    given(REQUESTED, granted("bob")).when(amend, by=GRACE, **AMEND).then_refused("approval_decided")


# ── the ladder ──


@pytest.mark.parametrize(("step", "hours"), [(1, 4), (2, 12), (3, 20)])
def test_a_step_is_due_at_its_share_of_the_time(step: int, hours: int) -> None:
    due = NOON + (END - NOON) * hours // 24
    told = {1: "admin", 2: "founder", 3: "founder"}[step]
    fact = ApprovalEscalated(approval_id="apr1", step=step, role=told)
    given(REQUESTED).when(escalate, approval_id="apr1", step=step, at=due).then(fact)
    early = given(REQUESTED).when(escalate, approval_id="apr1", step=step, at=due - 1)
    early.then_refused("not_due")
    given(REQUESTED, fact).when(escalate, approval_id="apr1", step=step, at=due).then_nothing()


def test_there_are_no_other_steps_and_none_after_the_end() -> None:
    for step in (-1, 0, 4):
        answer = escalate(Approval(Stage.PENDING, REQUESTED, step=-2), approval_id="apr1",
                          step=step, at=END - 1)  # fmt: skip
        assert isinstance(answer, Refusal)
        assert answer.code == "not_due"
    given(REQUESTED).when(escalate, approval_id="apr1", step=3, at=END).then_refused("not_due")
    given().when(escalate, approval_id="apr1", step=1, at=END).then_refused("approval_unknown")
    given(REQUESTED, granted("grace")).when(
        escalate, approval_id="apr1", step=1, at=END - 1
    ).then_nothing()


# ── laws of demands ──

ROLE: Final = st.sampled_from([Role.FOUNDER, Role.ADMIN, Role.OPERATOR, Role.VIEWER, Role.AGENT])
DEMAND: Final = st.builds(
    Demand, st.sampled_from(["founder", "admin", "operator"]), st.integers(1, 4)
)


@whatever(st.lists(DEMAND, max_size=6), st.lists(ROLE, max_size=6))
def test_merged_demands_say_what_all_of_them_said(demands: list[Demand], roles: list[Role]) -> None:
    assert met(merged(demands), roles) is met(demands, roles)
    assert merged(reversed(demands)) == merged(demands) == merged(merged(demands))


@whatever(st.lists(DEMAND, max_size=6), DEMAND, st.lists(ROLE, max_size=6))
def test_one_more_demand_never_makes_it_easier(
    demands: list[Demand], more: Demand, roles: list[Role]
) -> None:
    if met(merged([*demands, more]), roles):
        assert met(merged(demands), roles)


def test_a_role_that_nobody_knows_is_the_founder_s() -> None:
    assert merged([Demand("emperor", 2)]) == (Demand("founder", 2),)
    assert Demand("emperor", 1).met_by([Role.FOUNDER]) == 0
    assert [next_above(role) for role in ("operator", "admin", "founder", "emperor")] == [
        *("admin", "founder", "founder", "founder")
    ]
