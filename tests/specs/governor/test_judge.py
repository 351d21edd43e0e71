"""How one request is weighed: the strictest answer wins, and whatever is unclear denies."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import product
from typing import Any, Final

import pytest

from commands.kernel.action import CancelAction
from commands.kernel.agent import RegisterAgent
from commands.message import Done, Held, Refused
from console_api.requests import BadRequest, parse_json
from domain.core.principal import Actor
from domain.governor.builtin import BUILT_IN
from domain.governor.effect import Effect
from domain.governor.judge import Ask, judge
from domain.governor.law import Law
from domain.governor.policy import Policy, Rule
from domain.governor.verdict import Objection, Reading, Verdict, VerdictRecorded
from tests.examples import FOUNDER, OLGA, SUPPORT, Shop, action_id, founded, payout, refund

NAN: Final = Decimal("NaN")
EFFECTS: Final = {
    "allow": Effect.ALLOW,
    "require_approval": Effect.REQUIRE_APPROVAL,
    "deny": Effect.DENY,
}
ASK: Final = Ask(
    command="ProposeAction",
    action="process_refund",
    actor=SUPPORT,
    subject="action:a1",
    data={"amount": 900},
    payload_hash="hash",
    org_path=("business", "eu", "paris"),
    agent_id="support",
    workflow_id="returns",
    worldly=True,
)


def policy(
    condition: str,
    action: str = "deny",
    *,
    id: str = "p",
    scope: str = "global",
    scope_id: str = "",
    approver_role: str = "founder",
    parameters: Mapping[str, object] | None = None,
) -> Policy:
    """A policy of one rule, as the log might hold it: nobody checked it."""
    rule = Rule(
        id="r", condition=condition, action=action, message=f"{id}!", approver_role=approver_role
    )
    return Policy(
        id=id,
        version=1,
        name=id,
        scope=scope,
        scope_id=scope_id,
        rules=(rule,),
        parameters=parameters or {},
    )


def law(*policies: Policy, stops: Mapping[str, str] | None = None) -> Law:
    return Law(name="Shop", active={each.id: each for each in policies}, stops=stops or {})


def judged(*policies: Policy, ask: Ask = ASK, stops: Mapping[str, str] | None = None) -> Verdict:
    return judge(ask, law(*policies, stops=stops))


def source_of(verdict: Verdict, path: str) -> tuple[str, object]:
    (found,) = [reading for reading in verdict.readings if reading.path == path]
    return found.source, found.value


@pytest.fixture
def shop() -> Iterator[Shop]:
    with founded() as shop:
        yield shop


# ── the lattice ──


def test_where_no_rule_holds_the_answer_is_yes() -> None:
    verdict = judged(policy("data.amount > 1000"))
    assert verdict.effect is Effect.ALLOW
    assert (verdict.reasons, verdict.triggers, verdict.approver_role) == ((), (), "")


@pytest.mark.parametrize(("first", "second"), [*product(EFFECTS, EFFECTS)])
def test_the_stricter_of_two_rules_wins_in_either_order(first: str, second: str) -> None:
    forward = judged(policy("true", first, id="a"), policy("true", second, id="b"))
    backward = judged(policy("true", second, id="a"), policy("true", first, id="b"))
    assert forward.effect is backward.effect is max(EFFECTS[first], EFFECTS[second])


def test_a_rule_that_allows_lifts_nothing() -> None:
    assert judged(policy("true", "allow", id="z"), policy("true")).effect is Effect.DENY


def test_all_rules_of_a_policy_are_heard() -> None:
    mild = policy("true", "allow")
    strict = replace(mild.rules[0], id="s", condition="data.amount > 500", action="deny")
    verdict = judged(replace(mild, rules=(*mild.rules, strict)))
    assert verdict.effect is Effect.DENY
    assert [finding.rule for finding in verdict.findings] == ["p@1/r", "p@1/s"]


def test_a_warning_does_not_stop_anything() -> None:
    assert judged(policy("true", "warn")).effect is Effect.WARN


def test_only_demands_for_an_approval_are_triggers() -> None:
    verdict = judged(
        policy("true", "require_approval", id="b"),
        policy("true", "require_approval", id="a"),
        policy("true", "allow", id="c"),
        policy("false", "require_approval", id="d"),
    )
    assert verdict.triggers == ("a@1/r", "b@1/r")


def test_a_denial_has_nothing_to_approve() -> None:
    verdict = judged(policy("true", "require_approval", id="a"), policy("true", "deny", id="b"))
    assert (verdict.triggers, verdict.approver_role) == ((), "")


# ── objections, and the absence of a law ──


def test_an_objection_denies_whatever_the_rules_say() -> None:
    objections = (Objection("one", "first"), Objection("two", "second"))
    verdict = judged(policy("true", "allow"), ask=replace(ASK, objections=objections))
    assert verdict.effect is Effect.DENY
    assert verdict.objections == objections
    assert verdict.reasons == ("first", "second")


def test_without_a_law_everything_is_denied() -> None:
    verdict = judge(ASK, Law())
    assert verdict.effect is Effect.DENY
    assert verdict.objections[0].code == "no_law"


def test_policies_alone_are_no_law() -> None:
    verdict = judge(ASK, Law(active={"p": policy("true", "allow")}))
    assert verdict.effect is Effect.DENY


def test_without_a_law_only_the_founding_is_heard() -> None:
    assert judge(replace(ASK, founding=True), Law()).effect is Effect.ALLOW


def test_the_founding_is_denied_like_anything_else_where_somebody_objects() -> None:
    objections = (Objection("role_not_permitted", "an agent cannot"),)
    founding = replace(ASK, founding=True, objections=objections)
    assert judge(founding, Law()).effect is Effect.DENY


# ── what is unclear denies ──


@pytest.mark.parametrize("action", ["allow", "warn", "require_approval", "deny", "explode"])
@pytest.mark.parametrize(
    "condition",
    ["data.amount > 'much'", "data.color", "data.amount.cents > 1 && data.size > 1", "1"],
)
def test_a_rule_that_cannot_be_answered_denies_whatever_its_action(
    condition: str, action: str
) -> None:
    verdict = judged(policy(condition, action))
    assert verdict.effect is Effect.DENY
    (finding,) = verdict.findings
    assert (finding.result, finding.effect) == ("error", "deny")
    assert verdict.reasons == (finding.message,)


@pytest.mark.parametrize("action", ["allow", "require_approval", "deny"])
@pytest.mark.parametrize("action_type", ["process_refund", "publish_content"])
def test_a_stored_rule_that_does_not_compile_denies_everything(
    action: str, action_type: str
) -> None:
    broken = policy("action == 'process_refund' && data.amount >", action)
    verdict = judged(broken, ask=replace(ASK, action=action_type))
    assert verdict.effect is Effect.DENY
    assert verdict.findings[0].result == "error"
    assert "line 1" in verdict.reasons[0]


def test_an_effect_that_nobody_knows_denies_where_its_rule_holds() -> None:
    assert judged(policy("data.amount > 500", "explode")).effect is Effect.DENY
    assert judged(policy("data.amount > 5000", "explode")).effect is Effect.ALLOW


def test_a_parameter_that_is_missing_denies() -> None:
    verdict = judged(policy("data.amount > params.limit", "allow"))
    assert verdict.effect is Effect.DENY
    assert "params.limit is missing" in verdict.reasons[0]


@pytest.mark.parametrize(("limit", "effect"), [(899, Effect.DENY), (900, Effect.ALLOW)])
def test_a_parameter_moves_the_boundary(limit: int, effect: Effect) -> None:
    ruled = policy("data.amount > params.limit", parameters={"limit": limit})
    assert judged(ruled).effect is effect


def test_each_policy_reads_its_own_parameters() -> None:
    strict = policy("data.amount > params.limit", id="a", parameters={"limit": 100})
    lax = policy("data.amount > params.limit", "require_approval", id="b", parameters={})
    assert judged(strict).effect is Effect.DENY
    verdict = judged(strict, lax)
    assert [finding.result for finding in verdict.findings] == ["true", "error"]


# ── broken data ──

BROKEN: Final[dict[str, dict[str, Any]]] = {
    "missing": {},
    "text": {"amount": "900"},
    "null": {"amount": None},
    "NaN": {"amount": NAN},
    "list": {"amount": [900]},
    "true": {"amount": True},
}
broken = pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)


@broken
@pytest.mark.parametrize("action", ["allow", "require_approval", "deny"])
def test_broken_data_denies_whatever_the_rule_would_answer(
    data: dict[str, Any], action: str
) -> None:
    ruled = policy("action == 'process_refund' && data.amount > 500", action)
    assert judged(ruled, ask=replace(ASK, data=data)).effect is Effect.DENY


@broken
def test_broken_data_denies_under_the_built_in_law(data: dict[str, Any]) -> None:
    assert judged(*BUILT_IN, ask=replace(ASK, data=data)).effect is Effect.DENY


@broken
def test_broken_data_does_not_matter_to_a_rule_about_another_action(data: dict[str, Any]) -> None:
    ask = replace(ASK, action="publish_content", data=data)
    assert judged(*BUILT_IN, ask=ask).effect is Effect.ALLOW


def test_a_float_that_is_not_a_number_denies_as_well() -> None:
    ask = replace(ASK, data={"amount": float("nan")})
    assert judged(*BUILT_IN, ask=ask).effect is Effect.DENY


@pytest.mark.parametrize(
    "payload",
    [pytest.param(data, id=name) for name, data in BROKEN.items()],
)
def test_broken_data_is_denied_on_the_road_and_recorded(
    shop: Shop, payload: dict[str, Any]
) -> None:
    before = shop.head()
    receipt = shop.propose({"orderId": "1001", "currency": "USD", **payload})
    assert isinstance(receipt, Refused)
    assert (receipt.denied, receipt.code) == (True, "invalid_payload")
    assert "amount" in receipt.reasons[0]
    assert shop.types(before) == ["verdict.recorded"]


@pytest.mark.parametrize("amount", [NAN, float("nan"), float("inf"), "\ud800"], ids=repr)
def test_what_cannot_be_written_down_does_not_get_through(shop: Shop, amount: object) -> None:
    before = shop.head()
    try:
        receipt = shop.propose(refund(amount))
    except ValueError:
        receipt = None
    assert not isinstance(receipt, Done | Held)
    assert set(shop.types(before)) <= {"verdict.recorded"}


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_nan_is_refused_at_the_door(constant: str) -> None:
    with pytest.raises(BadRequest) as refused:
        parse_json(f'{{"actionType": "process_refund", "payload": {{"amount": {constant}}}}}')
    assert refused.value.code == "not_a_number"


# ── scopes ──


@pytest.mark.parametrize("org_unit_id", ["business", "eu", "paris"])
def test_a_rule_of_an_org_unit_binds_what_is_below_it(org_unit_id: str) -> None:
    ruled = policy("true", scope="org_unit", scope_id=org_unit_id)
    assert judged(ruled).effect is Effect.DENY


@pytest.mark.parametrize(
    ("org_unit_id", "path"),
    [
        ("us", ("business", "eu", "paris")),
        ("eu", ("business",)),
        ("eu", ()),
        ("eu", ("business", "europe")),
    ],
)
def test_a_rule_of_an_org_unit_binds_nobody_else(org_unit_id: str, path: tuple[str, ...]) -> None:
    ruled = policy("true", scope="org_unit", scope_id=org_unit_id)
    assert judged(ruled, ask=replace(ASK, org_path=path)).effect is Effect.ALLOW


@pytest.mark.parametrize(
    ("agent_id", "effect"), [("support", Effect.DENY), ("buyer", Effect.ALLOW)]
)
def test_a_rule_of_an_agent_binds_that_agent(agent_id: str, effect: Effect) -> None:
    assert judged(policy("true", scope="agent", scope_id=agent_id)).effect is effect


@pytest.mark.parametrize(
    ("workflow_id", "effect"), [("returns", Effect.DENY), ("payouts", Effect.ALLOW)]
)
def test_a_rule_of_a_workflow_binds_that_workflow(workflow_id: str, effect: Effect) -> None:
    assert judged(policy("true", scope="workflow", scope_id=workflow_id)).effect is effect


@pytest.mark.parametrize("scope", ["galaxy", "", "Org_unit"])
def test_a_scope_that_nobody_knows_binds_everybody(scope: str) -> None:
    assert judged(policy("true", scope=scope, scope_id="elsewhere")).effect is Effect.DENY


def test_a_narrow_scope_only_tightens() -> None:
    wide = policy("true", "require_approval", id="a")
    narrow = policy("true", "allow", id="b", scope="agent", scope_id="support")
    assert judged(wide, narrow).effect is Effect.REQUIRE_APPROVAL


def test_a_rule_that_does_not_concern_a_request_is_not_asked() -> None:
    elsewhere = policy("data.color", scope="agent", scope_id="buyer")
    verdict = judged(elsewhere)
    assert (verdict.effect, verdict.findings) == (Effect.ALLOW, ())


def test_a_rule_that_is_not_asked_reads_nothing() -> None:
    assert judged(policy("data.color", scope="agent", scope_id="buyer")).readings == ()


# ── who has to agree ──


@pytest.mark.parametrize(
    ("roles", "needed"),
    [
        (["operator"], "operator"),
        (["admin"], "admin"),
        (["founder"], "founder"),
        (["operator", "admin"], "admin"),
        (["admin", "operator", "admin"], "admin"),
        (["operator", "founder", "admin"], "founder"),
        (["viewer"], "founder"),
        (["agent", "operator"], "founder"),
    ],
)
def test_the_highest_role_that_any_rule_asks_for_has_to_agree(
    roles: list[str], needed: str
) -> None:
    asking = [
        policy("true", "require_approval", id=f"p{n}", approver_role=role)
        for n, role in enumerate(roles)
    ]
    assert judged(*asking).approver_role == needed
    assert judged(*reversed(asking)).approver_role == needed


def test_a_rule_that_does_not_hold_asks_for_nobody() -> None:
    lax = policy("true", "require_approval", id="a", approver_role="operator")
    strict = policy("false", "require_approval", id="b", approver_role="founder")
    assert judged(lax, strict).approver_role == "operator"


def test_a_role_that_nobody_knows_is_asked_of_the_founder() -> None:
    verdict = judged(policy("true", "require_approval", approver_role="emperor"))
    assert verdict.approver_role == "founder"


# ── the kill switch ──


@pytest.mark.parametrize("org_unit_id", ["*", "business", "eu", "paris"])
def test_a_stop_above_an_org_unit_makes_everything_wait(org_unit_id: str) -> None:
    verdict = judged(stops={org_unit_id: "kill-1"})
    assert verdict.effect is Effect.REQUIRE_APPROVAL
    assert verdict.engagements == ("kill-1",)
    assert verdict.triggers == ("kill_switch:kill-1",)
    assert verdict.approver_role == "founder"
    assert "kill switch" in verdict.reasons[0]


@pytest.mark.parametrize("org_unit_id", ["us", "lyon"])
def test_a_stop_elsewhere_changes_nothing(org_unit_id: str) -> None:
    assert judged(stops={org_unit_id: "kill-1"}).effect is Effect.ALLOW


def test_a_stop_does_not_soften_a_denial() -> None:
    verdict = judged(policy("true"), stops={"*": "kill-1"})
    assert (verdict.effect, verdict.triggers) == (Effect.DENY, ())


def test_a_stop_adds_to_what_a_policy_asks() -> None:
    asking = policy("true", "require_approval", approver_role="operator")
    verdict = judged(asking, stops={"*": "kill-1", "eu": "kill-2"})
    assert verdict.triggers == ("kill_switch:kill-1", "kill_switch:kill-2", "p@1/r")
    assert verdict.approver_role == "founder"


def test_a_rule_that_allows_does_not_lift_a_stop() -> None:
    verdict = judged(policy("true", "allow"), stops={"*": "kill-1"})
    assert verdict.effect is Effect.REQUIRE_APPROVAL


def test_what_is_no_action_on_the_world_is_not_held_by_a_stop() -> None:
    verdict = judged(ask=replace(ASK, worldly=False), stops={"*": "kill-1"})
    assert (verdict.effect, verdict.engagements) == (Effect.ALLOW, ())


# ── what conditions see ──


def test_the_action_type_is_the_governors_word_and_never_a_claim() -> None:
    ruled = policy("data.action == 'process_refund' && action == 'process_refund'")
    spoofed = replace(ASK, data={"amount": 900, "action": "publish_content"})
    assert judged(ruled, ask=spoofed).effect is Effect.DENY
    assert judged(policy("data.action == 'publish_content'"), ask=spoofed).effect is Effect.ALLOW


def test_a_payload_with_an_action_of_its_own_is_denied_on_the_road(shop: Shop) -> None:
    receipt = shop.denied(refund(900, action="publish_content"))
    assert receipt.code == "invalid_payload"


@pytest.mark.parametrize(
    "condition",
    [
        "orgUnitId == 'paris'",
        "agentId == 'support'",
        "workflowId == 'returns'",
        "actor.id == 'support' && actor.kind == 'agent' && actor.role == 'agent'",
        "action == 'process_refund'",
    ],
)
def test_conditions_see_who_asks_and_where(condition: str) -> None:
    assert judged(policy(condition)).effect is Effect.DENY


@pytest.mark.parametrize(
    ("actor", "kind", "role"),
    [(FOUNDER, "user", "founder"), (OLGA, "user", "operator"), (SUPPORT, "agent", "agent")],
    ids=str,
)
def test_conditions_see_what_an_actor_is(actor: Actor, kind: str, role: str) -> None:
    ruled = policy(f"actor.kind == '{kind}' && actor.role == '{role}'")
    assert judged(ruled, ask=replace(ASK, actor=actor)).effect is Effect.DENY


def test_payload_names_do_not_shadow_the_context() -> None:
    ask = replace(ASK, data={"orgUnitId": "business", "actor": {"role": "founder"}})
    assert judged(policy("orgUnitId == 'paris' && actor.role == 'agent'"), ask=ask).effect is (
        Effect.DENY
    )


def test_conditions_see_lists_of_a_payload(shop: Shop) -> None:
    shop.enact("action == 'create_payout_batch' && size(data.payeeIds) > 2")
    batch = {"payeeIds": ["maya", "noor"], "amount": 10, "currency": "USD"}
    assert isinstance(shop.propose(batch, action_type="create_payout_batch"), Done)
    batch["payeeIds"] = ["maya", "noor", "otis"]
    assert isinstance(shop.propose(batch, action_type="create_payout_batch"), Held)


# ── every command is weighed, not only proposals ──

ERRAND: Final = replace(ASK, action="register_agent", worldly=False)
BRAKE: Final = replace(ASK, action="engage_kill_switch", worldly=False, brake=True)


@pytest.mark.parametrize(
    "condition",
    [
        "action == 'register_agent'",
        "data.action == 'register_agent' && data.amount > 500",
        "action in ['register_agent', 'process_refund']",
        "action == 'register_agent' && data.color",
    ],
)
def test_a_rule_that_names_a_command_binds_it(condition: str) -> None:
    assert judged(policy(condition), ask=ERRAND).effect is Effect.DENY


@pytest.mark.parametrize(
    "condition", ["true", "data.color", "data.amount >", "action != 'process_refund'"]
)
def test_a_rule_that_names_no_command_binds_actions_on_the_world_only(condition: str) -> None:
    assert judged(policy(condition), ask=ERRAND).effect is Effect.ALLOW
    assert judged(policy(condition), ask=replace(ERRAND, worldly=True)).effect is Effect.DENY


def test_nothing_stands_between_a_person_and_the_brake() -> None:
    ruled = policy("action == 'engage_kill_switch'")
    assert judged(ruled, ask=BRAKE).effect is Effect.ALLOW


def test_an_objection_stands_before_the_brake_too() -> None:
    barred = replace(BRAKE, objections=(Objection("role_not_permitted", "an agent cannot"),))
    assert judged(ask=barred).effect is Effect.DENY
    assert judge(BRAKE, Law()).effect is Effect.DENY


def test_a_rule_may_be_about_any_command(shop: Shop) -> None:
    shop.enact("action == 'register_agent' && data.agentId == 'buyer'", "deny")
    receipt = shop.do(RegisterAgent(agent_id="buyer", name="Buyer"))
    assert isinstance(receipt, Refused)
    assert receipt.code == "policy_denied"


def test_a_rule_of_an_agent_binds_every_command_of_that_agent(shop: Shop) -> None:
    shop.enact("action == 'cancel_action'", "deny", scope="agent", scope_id="support")
    held = shop.held(refund(900))
    receipt = shop.do(CancelAction(action_id=action_id(held), reason="x"), SUPPORT)
    assert isinstance(receipt, Refused)


def test_a_rule_of_an_org_unit_binds_every_command_about_it(shop: Shop) -> None:
    shop.enact("action == 'register_agent'", "deny", scope="org_unit", scope_id="business")
    receipt = shop.do(RegisterAgent(agent_id="buyer", name="Buyer", org_unit_id="business"))
    assert isinstance(receipt, Refused)


# ── readings ──


def test_a_reading_names_where_a_value_came_from() -> None:
    ruled = policy(
        "data.amount > params.limit && orgUnitId == 'paris' && actor.role == 'agent'"
        " && data.color != 'red' && data.note == null",
        parameters={"limit": 100},
    )
    verdict = judged(ruled, ask=replace(ASK, data={"amount": 900, "note": None}))
    assert verdict.effect is Effect.DENY
    assert verdict.readings == (
        Reading("actor.role", "context", "agent"),
        Reading("data.amount", "claim", 900),
        Reading("data.color", "missing"),
        Reading("data.note", "claim", None),
        Reading("orgUnitId", "context", "paris"),
        Reading("params.limit", "params", 100),
    )


def test_a_reading_of_something_long_or_deep_keeps_only_its_kind() -> None:
    ruled = policy("size(data.text) > 1 && size(data.list) > 1 && has(data.map)")
    data = {"text": "x" * 257, "list": [1, 2], "map": {"a": 1}}
    verdict = judged(ruled, ask=replace(ASK, data=data))
    assert source_of(verdict, "data.text") == ("claim", "(str, not recorded)")
    assert source_of(verdict, "data.list") == ("claim", "(list, not recorded)")
    assert source_of(verdict, "data.map") == ("claim", "(dict, not recorded)")


@pytest.mark.parametrize("amount", [900, Decimal("900.01"), True, None, "x" * 256])
def test_a_reading_keeps_what_is_short_as_it_is(amount: object) -> None:
    verdict = judged(policy("data.amount == 1"), ask=replace(ASK, data={"amount": amount}))
    assert source_of(verdict, "data.amount") == ("claim", amount)


def test_a_reading_of_nan_can_still_be_recorded() -> None:
    verdict = judged(policy("data.amount > 1"), ask=replace(ASK, data={"amount": NAN}))
    assert source_of(verdict, "data.amount") == ("claim", "(Decimal, not recorded)")


def test_a_value_that_two_rules_read_is_listed_once() -> None:
    verdict = judged(policy("data.amount > 1", id="a"), policy("data.amount < 1", id="b"))
    assert [reading.path for reading in verdict.readings] == ["data.amount"]


def test_the_action_type_is_not_listed_among_the_claims() -> None:
    assert judged(policy("data.action == 'process_refund'")).readings == ()


def test_a_reading_of_a_quoted_name_is_a_claim_too() -> None:
    verdict = judged(policy("data['order-id'] == '7'"), ask=replace(ASK, data={"order-id": "7"}))
    assert source_of(verdict, "data['order-id']") == ("claim", "7")


def test_readings_tell_the_parameters_of_every_policy() -> None:
    first = policy("data.amount > params.limit", id="a", parameters={"limit": 100})
    other = policy("data.amount > params.limit", id="b", parameters={"limit": 200})
    values = {each.value for each in judged(first, other).readings if "limit" in each.path}
    assert values == {100, 200}


def test_the_road_records_claims_as_claims(shop: Shop) -> None:
    shop.propose(payout(riskScore=Decimal("0.4")), action_type="process_payout")
    readings = {each.path: each for each in shop.facts(VerdictRecorded)[-1].readings}
    assert readings["data.riskScore"] == Reading("data.riskScore", "claim", Decimal("0.4"))
    assert readings["data.reconciled"] == Reading("data.reconciled", "claim", True)
    assert readings["data.type"] == Reading("data.type", "claim", "payout")
