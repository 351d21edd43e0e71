"""What is stored stays readable: no name is lost, and yesterday's bytes make yesterday's facts.

stored_names.txt     every name and schema version that was ever written
golden_events.jsonl  for each of them one event, byte for byte as it was stored
SAMPLES              the facts that are written today
LIFTED               what the bytes of older versions stand for today

Both files only ever grow, and no line of them changes. For a new event, or a new version of one,
add a sample below and append what a failing test prints: docs/how-to/change-an-event.md.
"""

import json
from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from adapters.codec import Codec
from domain.access import token, user
from domain.catalog import EVENTS, STREAMS, UPCASTERS
from domain.core.event import schema_version, stored_name
from domain.core.instant import DAY
from domain.governor import (
    approval,
    authority,
    claim,
    digest,
    incident,
    law,
    mandate,
    override,
    verdict,
)
from domain.governor.demand import Demand
from domain.governor.fact import Tally
from domain.governor.parameter import Bounds
from domain.governor.policy import Case, Policy, Rule
from domain.governor.verdict import Finding, Objection, Reading
from domain.kernel import action, agent, commitment, order, org_unit, outcome

HERE: Final = Path(__file__).parent
NAMES: Final = HERE / "stored_names.txt"
GOLDEN: Final = HERE / "golden_events.jsonl"
CODEC: Final = Codec(EVENTS, UPCASTERS)
NOON: Final = 1_896_091_200_000_000

PARKED: Final[dict[str, object]] = {
    "command": "ProposeAction",
    "actionType": "process_refund",
    "payload": {"orderId": "1001", "amount": Decimal("900.50"), "currency": "USD"},
    "actionId": "a1",
    "agentId": None,
    "orgUnitId": "business",
    "reason": "größer 🙂",
}
POLICY: Final = Policy(
    id="cap",
    version=2,
    name="Cap",
    description="No large refunds.",
    rationale="They attract fraud.",
    scope="org_unit",
    scope_id="eu",
    rules=(
        Rule(
            id="r",
            condition="data.amount > params.limit",
            action="require_approval",
            message="too much",
            priority=1,
            approver_role="admin",
            approvals=2,
            expires_hours=48,
        ),
    ),
    parameters={"limit": Decimal("500.5"), "days": 30, "strict": True, "tag": "x"},
    built_in=False,
    applies_to=("process_refund",),
    actors=("agent",),
    owner="grace",
    bounds={"limit": Bounds(minimum=Decimal(0), maximum=None, unit="USD", description="each")},
    facts=(
        Tally(name="twice", measure="count", over=("process_refund",), same="agent", within="30m"),
    ),
    cases=(
        Case(
            name="too much",
            action="process_refund",
            data={"amount": Decimal("501.5"), "currency": None},
            expect="require_approval",
            facts={"twice": 1},
        ),
    ),
)

SAMPLES: Final = (
    # ── org_unit ──
    org_unit.OrgUnitCreated(
        org_unit_id="eu",
        name="Europe",
        type="department",
        parent_id="business",
        path=("business", "eu"),
        timezone="Europe/Paris",
        currency="EUR",
    ),
    org_unit.OrgUnitDisabled(org_unit_id="eu", reason="sold"),
    org_unit.OrgUnitEnabled(org_unit_id="eu"),
    # ── agent ──
    agent.AgentRegistered(
        agent_id="support",
        name="Support",
        type="support",
        capabilities=("chat", "mail"),
        tool_permissions=("process_refund",),
        org_unit_id="eu",
    ),
    agent.AgentToolsPermitted(agent_id="support", tool_permissions=(), by="user:grace"),
    agent.AgentDisabled(agent_id="support", by="user:grace", reason="misbehaves"),
    agent.AgentEnabled(agent_id="support", by="user:grace"),
    # ── action ──
    action.ActionProposed(
        action_id="a1",
        agent_id="support",
        org_unit_id="business",
        action_type="process_refund",
        arguments={"orderId": "1001", "amount": Decimal("900.50"), "requestedAt": None},
        reason="größer 🙂",
        payload_hash="00ff",
    ),
    action.ActionHeld(action_id="a1", approval_id="apr1", reasons=("amount exceeds $500",)),
    action.ActionAuthorized(action_id="a1", approval_id="apr1", lifted=("cap@2/r",)),
    action.ActionDenied(action_id="a1", reasons=("no",)),
    action.ActionExpired(action_id="a1"),
    action.ActionCancelled(action_id="a1", by="agent:support", reason="changed her mind"),
    action.ActionStarted(action_id="a1", tool_name="sandbox", attempt=2),
    action.ActionCompleted(
        action_id="a1",
        result={"reference": "refund-000001", "fees": [Decimal("0.25"), 1]},
        latency_ms=12,
        cost_usd="0.10",
        retry_count=1,
    ),
    action.ActionFailed(
        action_id="a1", error_message="bank closed", latency_ms=12, cost_usd="0", retry_count=0
    ),
    # ── commitment ──
    commitment.CommitmentMade(
        action_id="a1",
        action_type="process_refund",
        amount=Decimal("900.50"),
        currency="USD",
        at=NOON,
        keys=("action:a1", "agent:support", "org_unit:business"),
    ),
    commitment.CommitmentReleased(
        action_id="a1",
        action_type="update_price",
        amount=None,
        currency="",
        at=NOON,
        keys=("action:a1",),
    ),
    # ── outcome ──
    outcome.OutcomeRecorded(
        outcome_id="out-a1",
        action_id="a1",
        org_unit_id="business",
        success=True,
        result={"reference": "refund-000001"},
        reward_score=Decimal("0.5"),
        metrics={"latencyMs": 12, "costUsd": "0.10"},
        feedback="late",
        evaluator="user:grace",
    ),
    # ── order ──
    order.OrderRecorded(
        order_id="1001",
        org_unit_id="business",
        customer_id="c1",
        country="GB",
        currency="GBP",
        amount=Decimal("14.20"),
        lines=(order.OrderLine("MUG", "a mug", 2, Decimal("7.10")),),
        placed_at=NOON,
        day="2030-01-31",
        hour="2030-01-31T12",
        source="shop",
    ),
    order.OrderRefunded(
        order_id="1001",
        org_unit_id="business",
        action_id="a1",
        amount=Decimal("7.10"),
        currency="GBP",
        day="2030-01-31",
        hour="2030-01-31T12",
    ),
    # ── law ──
    law.LawConstituted(name="Shop"),
    law.PolicyDrafted(policy=POLICY, by="user:grace"),
    law.PolicyActivated(policy_id="cap", version=2, by="user:founder", reason="spring"),
    law.PolicyShadowed(policy_id="cap", version=3, by="user:grace", reason="a look first"),
    law.ParameterChanged(
        policy_id="cap",
        version=2,
        name="limit",
        before=Decimal("500.5"),
        after=600,
        by="user:founder",
        reason="inflation",
        backtest="bt-1",
    ),
    law.PolicyDisabled(policy_id="cap", by="user:founder", reason="summer"),
    law.KillSwitchEngaged(org_unit_id="*", engagement_id="kill-c1", by="user:olga", reason="smoke"),
    law.KillSwitchReleased(
        org_unit_id="*", engagement_id="kill-c1", by="user:founder", reason="aired"
    ),
    # ── verdict ──
    verdict.VerdictRecorded(
        command_id="c1",
        command="ProposeAction",
        action="process_refund",
        subject="action:a1",
        actor_id="agent:support",
        actor_role="agent",
        org_unit_id="business",
        payload_hash="00ff",
        law_hash="ff00",
        engine_version=1,
        as_of=41,
        effect="require_approval",
        outcome="held",
        size=4,
        code="",
        reasons=("too much",),
        findings=(Finding("cap@2/r", "true", "require_approval", "too much"),),
        objections=(Objection("invalid_payload", "amount: must be a JSON number"),),
        readings=(
            Reading("data.amount", "claim", Decimal("900.50")),
            Reading("data.color", "missing", None),
            Reading("orgUnitId", "context", "business"),
            Reading("params.days", "params", 30),
        ),
        kill_switch=("kill-c1",),
        triggers=("kill_switch:kill-c1", "cap@2/r"),
        approval_id="apr1",
        request=PARKED,
        shadows=(Finding("cap@3/r", "true", "deny", "far too much"),),
    ),
    # ── claim ──
    claim.ClaimContradicted(
        agent_id="support",
        action="process_refund",
        name="customerId",
        claimed="ben",
        found="ada",
        at=NOON,
    ),
    # ── approval ──
    approval.ApprovalRequested(
        approval_id="apr1",
        kind="action",
        entity_id="a1",
        command="ProposeAction",
        request=PARKED,
        action="process_refund",
        requested_by="agent:support",
        requester_role="agent",
        requester_org_unit_id="business",
        org_unit_id="business",
        payload_hash="00ff",
        law_hash="ff00",
        approver_role="founder",
        reasons=("too much",),
        triggers=("cap@2/r",),
        amount="900.50",
        currency="USD",
        expires_at=NOON,
        requested_at=NOON - DAY,
        demands=(Demand("founder", 1), Demand("operator", 2)),
        authors=("agent:support",),
        override_id="",
    ),
    approval.ApprovalEndorsed(
        approval_id="apr1", by="user:vera", on_behalf_of="user:grace", notes="fine"
    ),
    approval.ApprovalGranted(approval_id="apr1", by="user:founder", notes="fine"),
    approval.InformationRequested(approval_id="apr1", by="user:grace", question="which order?"),
    approval.InformationGiven(approval_id="apr1", by="agent:support", text="1001"),
    approval.ApprovalEscalated(approval_id="apr1", step=2, role="founder"),
    approval.ApprovalAmended(approval_id="apr1", by="user:grace", request=PARKED),
    approval.ApprovalRejected(approval_id="apr1", by="user:founder", reason="too much"),
    approval.ApprovalExpired(approval_id="apr1"),
    approval.ApprovalCancelled(approval_id="apr1", reason="it is asked again"),
    approval.ApprovalConsumed(approval_id="apr1", command_id="resume-c1"),
    # ── mandate, authority, override, digest ──
    mandate.LimitSet(
        role="admin",
        currency="USD",
        each=Decimal("500.50"),
        per_day=None,
        by="user:founder",
        reason="new here",
    ),
    mandate.Delegated(
        delegator="grace", delegate="vera", until=NOON, by="user:grace", reason="holidays"
    ),
    mandate.Withdrawn(delegator="grace", delegate="vera", by="user:founder", reason="back"),
    authority.AuthorityExercised(
        approval_id="apr1", user_id="grace", amount=Decimal("900.50"), currency="USD", at=NOON
    ),
    override.OverrideGranted(
        command_id="c1",
        command="ProposeAction",
        action="process_payout",
        subject="action:a1",
        payload_hash="00ff",
        findings=(Finding("cap@2/r", "true", "deny", "too much"),),
        by="user:founder",
        reason="the statement is late, the bank confirmed it by phone",
    ),
    override.OverrideUsed(command_id="c1", by_command_id="override-c1", outcome="done"),
    digest.DigestTold(day="2030-01-31", waiting=2, text="2 requests wait"),
    # ── incident ──
    incident.IncidentOpened(
        incident_id="i1",
        kind="policy_violation",
        severity="high",
        title="support was denied process_payout",
        description="reconciliation not complete",
        org_unit_id="business",
        subject="action:a1",
        detected_by="system:governor",
    ),
    incident.IncidentRepeated(incident_id="i1", description="again", subject="action:a2"),
    incident.IncidentAssigned(incident_id="i1", assigned_to="olga", by="user:grace"),
    incident.IncidentMoved(
        incident_id="i1",
        status="resolved",
        root_cause="late statement",
        resolution="imported it",
        by="user:grace",
    ),
    # ── user ──
    user.UserAdded(user_id="olga", name="Olga", role="operator"),
    user.UserRoleChanged(user_id="olga", role="admin", by="user:founder"),
    user.UserRemoved(user_id="olga", by="user:founder"),
    # ── token ──
    token.TokenIssued(
        token_id="t1",
        kind="api",
        holder="agent:support",
        secret_hash="0" * 64,
        expires_at=NOON,
        by="user:founder",
    ),
    token.TokenRevoked(token_id="t1", by="user:founder"),
    token.TokenUsedUp(token_id="t1"),
)
SAMPLE: Final[dict[tuple[str, int], Any]] = {
    (stored_name(fact), schema_version(fact)): fact for fact in SAMPLES
}


def _as_in_1(request: approval.ApprovalRequested) -> approval.ApprovalRequested:
    """The sample as it was asked when one person of one role was enough."""
    return replace(request, demands=(Demand("founder", 1),))


OLD_POLICY: Final = replace(
    POLICY,
    rules=(replace(POLICY.rules[0], approvals=1, expires_hours=24),),
    applies_to=(),
    actors=(),
    owner="",
    bounds={},
    facts=(),
    cases=(),
)
LIFTED: Final[dict[tuple[str, int], tuple[Any, ...]]] = {
    ("outcome.recorded", 1): (SAMPLE["outcome.recorded", 2],),
    ("law.policy_drafted", 1): (replace(SAMPLE["law.policy_drafted", 2], policy=OLD_POLICY),),
    ("approval.requested", 1): (_as_in_1(SAMPLE["approval.requested", 2]),),
    ("verdict.recorded", 1): (replace(SAMPLE["verdict.recorded", 2], shadows=()),),
}


class Golden(msgspec.Struct):
    """One line of the golden file; `data` stays the bytes that they are."""

    type: str
    version: int
    data: msgspec.Raw


def golden() -> dict[tuple[str, int], bytes]:
    lines = (msgspec.json.decode(line, type=Golden) for line in GOLDEN.read_bytes().splitlines())
    return {(each.type, each.version): bytes(each.data) for each in lines}


def line_of(fact: object) -> str:
    name, version, data = CODEC.encode(fact)
    return f'{{"type":{json.dumps(name)},"version":{version},"data":{data.decode()}}}'


def stored() -> set[tuple[str, int]]:
    lines = (line.split() for line in NAMES.read_text().splitlines())
    return {(name, int(version)) for name, version in lines}


def current() -> set[tuple[str, int]]:
    return {(name, schema_version(kind)) for name, kind in EVENTS.items()}


def keyed(key: tuple[str, int]) -> str:
    return f"{key[0]} {key[1]}"


# ── names ──


def test_every_name_and_version_ever_written_can_be_told_today() -> None:
    lost = [objection for key in stored() if (objection := CODEC.objection(*key))]
    assert lost == [], "a stored fact lost its name, or a version its upcaster"


def test_versions_have_no_gaps() -> None:
    for name, newest in current():
        versions = {version for each, version in stored() if each == name}
        assert versions == set(range(1, newest + 1)), name


def test_upcasters_are_of_what_was_written() -> None:
    old = {(each.stored_as, each.version) for each in UPCASTERS}
    assert old == stored() - current() == set(LIFTED), "give each old version an upcaster"


def test_every_name_and_version_is_written_down() -> None:
    missing = "\n".join(map(keyed, sorted(current() - stored())))
    assert missing == "", f"append to {NAMES.name}:\n{missing}"


def test_the_list_of_names_is_in_order_and_without_repetition() -> None:
    lines = NAMES.read_text().splitlines()
    assert lines == [keyed(key) for key in sorted(stored())]


def test_a_stored_name_begins_with_the_category_of_its_stream() -> None:
    for stream in STREAMS:
        for kind in stream.events:
            category, _, fact = stored_name(kind).partition(".")
            assert category == stream.category
            assert fact.replace("_", "").isalpha()
            assert fact == fact.lower()


def test_a_name_stands_for_one_kind_of_fact() -> None:
    names = [stored_name(kind) for stream in STREAMS for kind in stream.events]
    assert len(names) == len(set(names)) == len(EVENTS)


# ── bytes ──


def test_there_is_an_old_event_of_every_name_and_version() -> None:
    assert set(SAMPLE) >= current(), "add a sample of each new event"
    missing = sorted(current() - set(golden()))
    lines = "\n".join(line_of(SAMPLE[key]) for key in missing)
    assert lines == "", f"append to {GOLDEN.name}:\n{lines}"


def test_no_old_event_is_forgotten() -> None:
    assert set(golden()) >= stored()


@pytest.mark.parametrize("key", sorted(golden()), ids=keyed)
def test_old_bytes_still_make_the_same_facts(key: tuple[str, int]) -> None:
    found = list(CODEC.facts(*key, golden()[key]))
    assert tuple(fact for _, _, fact in found) == LIFTED.get(key, (SAMPLE.get(key),))
    for name, version, fact in found:
        assert type(fact) is EVENTS[name]
        assert version == schema_version(fact)


@pytest.mark.parametrize("key", sorted(golden()), ids=keyed)
def test_what_old_bytes_are_today_can_be_written_and_read_again(key: tuple[str, int]) -> None:
    for name, version, fact in CODEC.facts(*key, golden()[key]):
        again = CODEC.encode(fact)
        assert again[:2] == (name, version)
        assert list(CODEC.facts(*again)) == [(name, version, fact)]


@pytest.mark.parametrize("key", sorted(current()), ids=keyed)
def test_the_same_fact_still_makes_the_same_bytes(key: tuple[str, int]) -> None:
    assert CODEC.encode(SAMPLE[key])[2] == golden()[key], "fields changed: make a new version"


@pytest.mark.parametrize("key", sorted(current()), ids=keyed)
def test_a_sample_shows_every_field(key: tuple[str, int]) -> None:
    hints = [each.name for each in fields(EVENTS[key[0]])]
    assert list(msgspec.json.decode(golden()[key])) == hints, "fields changed: make a new version"
