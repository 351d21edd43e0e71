"""Laws that every decider keeps, whatever was asked before.

A history is made the only way there is: each request decides on the state so far, and what it
answers is folded in.
"""

import inspect
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import partial
from types import ModuleType
from typing import Any, Final, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.access import token, user
from domain.access.token import TOKEN, TokenIssued
from domain.access.user import USER
from domain.catalog import STREAMS
from domain.core.instant import DAY, HOUR
from domain.core.stream import Decision, Refusal, Stream
from domain.governor import (
    amendments,
    approval,
    approving,
    digest,
    incident,
    law,
    mandate,
    override,
    verdict,
)
from domain.governor.approval import (
    APPROVAL,
    LIFETIME,
    ApprovalCancelled,
    ApprovalConsumed,
    ApprovalRequested,
)
from domain.governor.authority import AUTHORITY
from domain.governor.builtin import BUILT_IN, MARGIN_FLOOR
from domain.governor.claim import CLAIM
from domain.governor.demand import Demand
from domain.governor.digest import DIGEST
from domain.governor.incident import INCIDENT
from domain.governor.law import LAW
from domain.governor.mandate import MANDATE
from domain.governor.override import OVERRIDE
from domain.governor.parameter import Bounds
from domain.governor.verdict import VERDICT, Finding, VerdictRecorded
from domain.kernel import action, agent, order, org_unit, outcome
from domain.kernel.action import ACTION, ActionProposed
from domain.kernel.agent import AGENT
from domain.kernel.commitment import COMMITMENT
from domain.kernel.order import ORDER, OrderLine, OrderRecorded
from domain.kernel.org_unit import ORG_UNIT, OrgUnit
from domain.kernel.outcome import OUTCOME, OutcomeRecorded
from tests.examples import FOUNDER, GRACE, NOON, OLGA, SUPPORT, VERA

Decide = Callable[..., Decision[Any]]
Request = tuple[Decide, dict[str, Any]]
"""A decider, and everything that it is told beside the state."""

SHOP: Final = OrgUnit(True, True, "Shop", ("business",), "UTC", "USD")
PROPOSAL: Final = ActionProposed(
    action_id="a1",
    agent_id="support",
    org_unit_id="business",
    action_type="process_refund",
    arguments={"amount": 900},
    reason="",
    payload_hash="hash",
)
OTHER: Final = replace(PROPOSAL, arguments={"amount": 9}, payload_hash="other hash")
ORDERED: Final = OrderRecorded(
    order_id="1001",
    org_unit_id="business",
    customer_id="",
    country="",
    currency="USD",
    amount=Decimal(7),
    lines=(OrderLine("MUG", "", 1, Decimal(7)),),
    placed_at=NOON,
    day="2030-01-31",
    hour="2030-01-31T12",
    source="",
)
MEASURED: Final = OutcomeRecorded(
    outcome_id="out-a1",
    action_id="a1",
    org_unit_id="business",
    success=True,
    result={},
    reward_score=Decimal(1),
    metrics={},
    feedback="",
    evaluator="system:dispatcher",
)
ISSUED: Final = TokenIssued(
    token_id="t1",
    kind="link",
    holder="user:grace",
    secret_hash="0" * 64,
    expires_at=NOON + HOUR,
    by="user:founder",
)
REQUESTED: Final = ApprovalRequested(
    approval_id="apr1",
    kind="action",
    entity_id="a1",
    command="ProposeAction",
    request={},
    action="process_refund",
    requested_by="agent:support",
    requester_role="agent",
    requester_org_unit_id="business",
    org_unit_id="business",
    payload_hash="hash",
    law_hash="law",
    approver_role="admin",
    reasons=(),
    triggers=(),
    amount="900",
    currency="USD",
    expires_at=NOON + LIFETIME,
    requested_at=NOON,
    demands=(Demand("admin", 1),),
    authors=("agent:support",),
    override_id="",
)
DENIED: Final = VerdictRecorded(
    command_id="c1",
    command="ProposeAction",
    action="process_payout",
    subject="action:a1",
    actor_id="agent:support",
    actor_role="agent",
    org_unit_id="business",
    payload_hash="hash",
    law_hash="law",
    engine_version=1,
    as_of=1,
    effect="deny",
    outcome="denied",
    size=3,
    code="policy_denied",
    reasons=("no",),
    findings=(Finding("p@1/r", "true", "deny", "no"),),
    objections=(),
    readings=(),
    kill_switch=(),
    triggers=(),
    approval_id="",
    request={"command": "ProposeAction"},
    shadows=(),
)
TIMES: Final = (NOON, NOON + LIFETIME - 1, NOON + LIFETIME)


# ── what the road writes into an approval without a decider of its own ──


def ask_for(state: approval.Approval) -> Decision[Any]:
    return (REQUESTED,) if state.request is None else ()


def consume(state: approval.Approval, *, at: int) -> Decision[Any]:
    refusal = approving.use(state, payload_hash="hash", at=at)
    return refusal or (ApprovalConsumed(approval_id="apr1", command_id="c9"),)


def overtake(state: approval.Approval) -> Decision[Any]:
    usable = state.stage is approval.Stage.APPROVED
    return (ApprovalCancelled(approval_id="apr1", reason="asked again"),) if usable else ()


# ── everything that can be asked of each stream ──

CREATE: Final = {
    "org_unit_id": "eu",
    "name": "Europe",
    "type": "department",
    "parent_id": "business",
    "timezone": "UTC",
    "currency": "EUR",
}
REGISTER: Final = {
    "agent_id": "support",
    "name": "Support",
    "type": "support",
    "capabilities": (),
    "tool_permissions": ("process_refund",),
    "org_unit_id": "business",
}
FINISH: Final = {"action_id": "a1", "latency_ms": 5, "cost_usd": "0"}
OPEN: Final = {
    "incident_id": "i1",
    "title": "t",
    "description": "d",
    "org_unit_id": "",
    "subject": "action:a1",
    "detected_by": "system:governor",
}
UPDATE: Final = {
    "incident_id": "i1",
    "status": None,
    "assigned_to": None,
    "root_cause": "c",
    "resolution": "r",
    "by": "user:grace",
}
ANSWER: Final = {"approval_id": "apr1", "payload_hash": "hash"}
FLAWED: Final = replace(MARGIN_FLOOR, rules=())
RENAMED: Final = replace(MARGIN_FLOOR, name="Floor")
AMEND: Final = {"by": "user:founder", "reason": "x"}
TURNABLE: Final = replace(
    MARGIN_FLOOR,
    id="turnable",
    parameters={"floor": Decimal(1)},
    bounds={"floor": Bounds(minimum=Decimal(0))},
)
TURN: Final = {"policy_id": TURNABLE.id, "name": "floor", "backtest": "", **AMEND}

REQUESTS: Final[dict[str, tuple[Stream[Any, Any], ModuleType, list[Request]]]] = {
    "org_unit": (
        ORG_UNIT,
        org_unit,
        [
            (org_unit.create, {"parent": SHOP, **CREATE}),
            (org_unit.create, {"parent": None, **CREATE, "type": "galaxy"}),
            (org_unit.disable, {"org_unit_id": "eu", "reason": "x"}),
            (org_unit.enable, {"org_unit_id": "eu"}),
        ],
    ),
    "agent": (
        AGENT,
        agent,
        [
            (agent.register, REGISTER),
            (agent.register, {**REGISTER, "type": "wizard"}),
            *(
                (
                    agent.permit_tools,
                    {"agent_id": "support", "tool_permissions": tools, "by": "user:grace"},
                )
                for tools in ((), ("process_refund", "update_price"))
            ),
            (agent.disable, {"agent_id": "support", **AMEND}),
            (agent.enable, {"agent_id": "support", "by": "user:grace"}),
        ],
    ),
    "action": (
        ACTION,
        action,
        [
            (action.authorize, {"proposal": PROPOSAL}),
            (action.authorize, {"proposal": PROPOSAL, "approval_id": "apr1", "lifted": ("p",)}),
            (action.hold, {"proposal": PROPOSAL, "approval_id": "apr1", "reasons": ("r",)}),
            (action.hold, {"proposal": PROPOSAL, "approval_id": "apr2", "reasons": ("r",)}),
            (action.deny, {"proposal": PROPOSAL, "reasons": ("no",)}),
            (action.authorize, {"proposal": OTHER}),
            (action.hold, {"proposal": OTHER, "approval_id": "apr3", "reasons": ("r",)}),
            (action.deny, {"proposal": OTHER, "reasons": ("no",)}),
            (action.turn_down, {"action_id": "a1", "reasons": ("no",)}),
            (action.expire, {"action_id": "a1"}),
            (action.cancel, {"action_id": "a1", "by": "agent:support", "reason": "x"}),
            *(
                (action.start, {"action_id": "a1", "tool_name": "till", "attempt": attempt})
                for attempt in (1, 2, 3)
            ),
            (action.complete, {**FINISH, "result": {}}),
            (action.fail, {**FINISH, "error_message": "x"}),
        ],
    ),
    "outcome": (
        OUTCOME,
        outcome,
        [
            (outcome.record, {"measured": MEASURED}),
            (outcome.record, {"measured": replace(MEASURED, reward_score=Decimal(0))}),
        ],
    ),
    "order": (
        ORDER,
        order,
        [
            (order.record, {"order": ORDERED}),
            (order.record, {"order": replace(ORDERED, amount=Decimal(8))}),
        ],
    ),
    "law": (
        LAW,
        law,
        [
            (law.constitute, {"name": "Shop", "policies": BUILT_IN}),
            *(
                (amendments.draft_policy, {"policy": policy, "by": "user:grace"})
                for policy in (MARGIN_FLOOR, RENAMED, FLAWED, TURNABLE)
            ),
            (amendments.activate_policy, {"policy_id": MARGIN_FLOOR.id, **AMEND}),
            (amendments.activate_policy, {"policy_id": TURNABLE.id, **AMEND}),
            (amendments.shadow_policy, {"policy_id": MARGIN_FLOOR.id, **AMEND}),
            *(
                (amendments.change_parameter, {**TURN, "value": value})
                for value in (Decimal(7), Decimal(8), Decimal(-1), "seven")
            ),
            (amendments.disable_policy, {"policy_id": MARGIN_FLOOR.id, **AMEND}),
            (amendments.disable_policy, {"policy_id": "unheard of", **AMEND}),
            *(
                (law.engage_kill_switch, {"org_unit_id": unit, "engagement_id": id, **AMEND})
                for unit in ("*", "eu")
                for id in ("k1", "k2")
            ),
            *(
                (law.release_kill_switch, {"org_unit_id": unit, **AMEND})
                for unit in ("*", "eu", "us")
            ),
        ],
    ),
    "approval": (
        APPROVAL,
        approving,
        [
            (ask_for, {}),
            *(
                (approving.grant, {**ANSWER, "by": by, "notes": "", "at": at})
                for by in (FOUNDER, GRACE, OLGA, SUPPORT)
                for at in TIMES
            ),
            *(
                (approving.reject, {**ANSWER, "by": by, "reason": "x", "at": at})
                for by in (FOUNDER, GRACE)
                for at in TIMES
            ),
            *((approving.expire, {"approval_id": "apr1", "at": at}) for at in TIMES),
            (
                approving.grant,
                {**ANSWER, "by": VERA, "notes": "", "at": NOON, "on_behalf_of": GRACE},
            ),
            (approving.reject, {**ANSWER, "by": VERA, "reason": "x", "at": NOON}),
            (
                approving.amend,
                {**ANSWER, "by": FOUNDER, "request": {"command": "ProposeAction"}, "at": NOON},
            ),
            *(
                (approving.ask, {"approval_id": "apr1", "by": by, "question": "why?", "at": NOON})
                for by in (GRACE, OLGA)
            ),
            *(
                (approving.inform, {"approval_id": "apr1", "by": by, "text": "so", "at": NOON})
                for by in (SUPPORT, VERA, OLGA)
            ),
            *(
                (approving.escalate, {"approval_id": "apr1", "step": step, "at": at})
                for step in (1, 3)
                for at in TIMES
            ),
            *((consume, {"at": at}) for at in TIMES),
            (overtake, {}),
        ],
    ),
    "mandate": (
        MANDATE,
        mandate,
        [
            *(
                (
                    mandate.set_limit,
                    {"role": role, "currency": "USD", "each": each, "per_day": None, **AMEND},
                )
                for role in ("admin", "founder")
                for each in (None, Decimal(5))
            ),
            *(
                (
                    mandate.delegate,
                    {
                        "by": GRACE,
                        "delegate_id": delegate,
                        "delegate_role": role,
                        "until": NOON + HOUR,
                        "reason": "x",
                        "at": at,
                    },
                )
                for delegate, role in (("olga", OLGA.role), ("grace", GRACE.role), ("who", None))
                for at in (NOON, NOON + DAY)
            ),
            *(
                (
                    mandate.withdraw,
                    {"delegator": "grace", "delegate_id": "olga", "by": by, "reason": "x"},
                )
                for by in (GRACE, FOUNDER, OLGA)
            ),
        ],
    ),
    "override": (
        OVERRIDE,
        override,
        [
            (override.grant, {"denial": denial, "by": by, "reason": reason})
            for denial in (DENIED, replace(DENIED, findings=()), None)
            for by, reason in ((FOUNDER, "r" * 20), (FOUNDER, "r"), (GRACE, "r" * 20))
        ],
    ),
    "digest": (
        DIGEST,
        digest,
        [
            (digest.tell, {"day": "2030-01-31", "waiting": waiting, "text": "t"})
            for waiting in (0, 2)
        ],
    ),
    "incident": (
        INCIDENT,
        incident,
        [
            (incident.open_incident, {**OPEN, "kind": "kill_switch"}),
            (incident.open_incident, {**OPEN, "kind": "mishap"}),
            *(
                (incident.update, {**UPDATE, "status": status})
                for status in ("open", "investigating", "resolved", "closed", "unknown")
            ),
            (incident.update, {**UPDATE, "assigned_to": "olga"}),
            (incident.update, {**UPDATE, "assigned_to": "grace", "status": "investigating"}),
        ],
    ),
    "user": (
        USER,
        user,
        [
            *(
                (user.add, {"user_id": "olga", "name": "Olga", "role": role})
                for role in ("operator", "founder", "agent")
            ),
            *(
                (user.change_role, {"user_id": "olga", "role": role, "by": "user:founder"})
                for role in ("operator", "admin", "service")
            ),
            (user.remove, {"user_id": "olga", "by": "user:founder"}),
            (user.remove, {"user_id": "founder", "by": "user:founder"}),
        ],
    ),
    "token": (
        TOKEN,
        token,
        [
            *((token.issue, {"token": ISSUED, "at": at}) for at in (NOON, NOON + DAY)),
            (token.issue, {"token": replace(ISSUED, kind="api"), "at": NOON}),
            (token.issue, {"token": replace(ISSUED, kind="key"), "at": NOON}),
            (token.revoke, {"token_id": "t1", "by": "user:grace"}),
            *((token.use_up, {"token_id": "t1", "at": at}) for at in (NOON, NOON + DAY)),
        ],
    ),
}
TOLD_AGAIN: Final[set[Decide]] = {incident.open_incident, action.hold}
"""What is recorded each time it is asked: an incident is counted, a request is parked anew."""

EXAMPLES: Final = settings().max_examples // 2
"""For each law and each stream."""

MADE_ELSEWHERE: Final = {"OrderRefunded", "OverrideUsed"}
"""By the completion of a refund, and by the road, without a decider."""
STATES_MAX: Final = 300

each_stream = pytest.mark.parametrize("name", REQUESTS)


def deciders_of(module: ModuleType) -> set[Decide]:
    """Every function of a module that answers a decision."""
    return {
        function
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__
        and not name.startswith("_")
        and _is_decision(get_type_hints(function).get("return"))
    }


def _is_decision(hint: object) -> bool:
    parts = get_args(hint)
    return Refusal in parts and any(get_origin(part) is tuple for part in parts)


def asked(name: str) -> st.SearchStrategy[list[Request]]:
    return st.lists(st.sampled_from(REQUESTS[name][2]), max_size=14)


def bound(request: Request) -> partial[Decision[Any]]:
    decide, told = request
    return partial(decide, **told)


# ── nothing is left out ──


def test_every_stream_with_deciders_is_asked() -> None:
    without = {each.category for each in (VERDICT, CLAIM, COMMITMENT, AUTHORITY)}
    assert set(REQUESTS) | without == {stream.category for stream in STREAMS}
    assert deciders_of(verdict) == set()


@each_stream
def test_every_decider_of_a_stream_is_asked(name: str) -> None:
    _, module, requests = REQUESTS[name]
    known = deciders_of(module) | (deciders_of(amendments) if module is law else set())
    assert known
    assert known <= {decide for decide, _ in requests}


@each_stream
def test_every_fact_of_a_stream_can_come_of_it(name: str) -> None:
    """Walk through the states that the requests above lead to, nearest first."""
    stream, _, requests = REQUESTS[name]
    seen: set[type] = set()
    states = {repr(stream.initial): stream.initial}
    for state in (nearest := list(states.values())):
        for request in requests:
            answer = bound(request)(state)
            if isinstance(answer, Refusal) or len(states) >= STATES_MAX:
                continue
            seen |= set(map(type, answer))
            following = stream.fold(answer, state)
            if repr(following) not in states:
                states[repr(following)] = following
                nearest.append(following)
    assert {kind.__name__ for kind in set(stream.events) - seen} <= MADE_ELSEWHERE


# ── the laws ──


@each_stream
def test_asking_again_changes_nothing(name: str) -> None:
    stream = REQUESTS[name][0]

    @settings(max_examples=EXAMPLES)
    @given(asked(name))
    def holds(requests: list[Request]) -> None:
        state = stream.initial
        for request in requests:
            answer = bound(request)(state)
            if isinstance(answer, Refusal):
                continue
            state = stream.fold(answer, state)
            again = bound(request)(state)
            if request[0] in TOLD_AGAIN and not isinstance(again, Refusal):
                assert stream.fold(again, state) == state
            else:
                assert again == () or isinstance(again, Refusal)

    holds()


@each_stream
def test_every_history_can_be_read_again(name: str) -> None:
    stream = REQUESTS[name][0]

    @settings(max_examples=EXAMPLES)
    @given(asked(name))
    def holds(requests: list[Request]) -> None:
        state = stream.initial
        history: list[Any] = []
        for request in requests:
            answer = bound(request)(state)
            if not isinstance(answer, Refusal):
                assert set(map(type, answer)) <= set(stream.events)
                state = stream.fold(answer, state)
                history += answer
        assert stream.fold(history) == state
        half = len(history) // 2
        assert stream.fold(history[half:], stream.fold(history[:half])) == state

    holds()


@each_stream
def test_deciding_is_pure(name: str) -> None:
    stream = REQUESTS[name][0]

    @settings(max_examples=EXAMPLES)
    @given(asked(name))
    def holds(requests: list[Request]) -> None:
        state = stream.initial
        for request in requests:
            before = repr(state)
            answer = bound(request)(state)
            assert bound(request)(state) == answer
            assert repr(state) == before
            if isinstance(answer, Refusal):
                assert answer.code.replace("_", "").isalpha()
                assert answer.because
            else:
                state = stream.fold(answer, state)

    holds()


@given(asked("action"))
def test_an_answer_is_about_the_proposal_that_will_run(requests: list[Request]) -> None:
    state = ACTION.initial
    for request in requests:
        answer = bound(request)(state)
        if isinstance(answer, Refusal):
            continue
        state = ACTION.fold(answer, state)
        if answer and "proposal" in request[1]:
            assert state.proposal == request[1]["proposal"]
