"""A founder's override on the whole road: once, one payload, only what was shown is lifted."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Final

import pytest

from commands.governor.override import OverrideDenial
from commands.kernel.agent import DisableAgent
from commands.message import Done, Receipt, Refused
from commands.reactions import follow_ups
from domain.core.principal import Actor
from domain.governor.approval import ApprovalRequested
from domain.governor.incident import IncidentOpened
from domain.governor.override import OverrideGranted, OverrideUsed
from domain.kernel.action import ActionAuthorized
from domain.ports import StoreUnavailable
from tests.examples import (
    BUYER,
    FOUNDER,
    GRACE,
    IMPORTER,
    SUPPORT,
    VERA,
    Shop,
    founded,
    payout,
    price,
    refund,
)

REASON: Final = "the bank confirmed the statement by phone"
UNMATCHED: Final = payout(reconciled=False)


@pytest.fixture
def shop() -> Iterator[Shop]:
    with founded() as shop:
        yield shop


def denied(shop: Shop) -> Refused:
    return shop.denied(UNMATCHED, action_type="process_payout")


def override(shop: Shop, no: Refused, by: Actor = FOUNDER, reason: str = REASON) -> Receipt:
    return shop.do(OverrideDenial(verdict_command_id=no.command_id, reason=reason), by)


def refused(receipt: Receipt) -> str:
    assert isinstance(receipt, Refused), receipt
    return receipt.code


def outcomes(shop: Shop) -> list[str]:
    return [each.outcome for each in shop.facts(OverrideUsed)]


def test_what_was_denied_goes_on_once_under_the_same_name(shop: Shop) -> None:
    no = denied(shop)
    before = shop.head()
    assert isinstance(override(shop, no), Done)
    assert shop.types(before) == ["verdict.recorded", "override.granted", "incident.opened"]
    shop.settle()
    assert shop.status(no) == "completed"
    assert outcomes(shop) == ["done"]
    assert len(shop.till.arguments) == 1
    (review,) = [each for each in shop.facts(IncidentOpened) if each.kind == "founder_override"]
    assert (review.severity, REASON in review.description) == ("high", True)
    assert refused(override(shop, no)) == "override_used"
    assert refused(shop.propose(UNMATCHED, action_type="process_payout")) == "policy_denied"


def test_following_it_twice_is_following_it_once(shop: Shop) -> None:
    override(shop, denied(shop))
    (granted,) = [each for each in shop.log() if isinstance(each.fact, OverrideGranted)]
    (follow_up,) = follow_ups(granted, shop.business.state)
    first = shop.business.follow(follow_up)
    assert shop.business.follow(follow_up) == first
    again = replace(follow_up, command_id="another")
    assert refused(shop.business.follow(again)) == "override_used"
    assert len(shop.facts(ActionAuthorized)) == 1


def test_another_payload_does_not_go_on(shop: Shop) -> None:
    override(shop, denied(shop))
    (granted,) = [each for each in shop.log() if isinstance(each.fact, OverrideGranted)]
    (follow_up,) = follow_ups(granted, shop.business.state)
    richer = {**UNMATCHED, "amount": 10_000}
    changed = follow_up.command.model_copy(update={"payload": richer})
    assert refused(shop.business.follow(replace(follow_up, command=changed))) == "payload_changed"
    assert shop.facts(ActionAuthorized) == []


@pytest.mark.parametrize("by", [GRACE, VERA, SUPPORT, IMPORTER], ids=str)
def test_nobody_but_the_founder_overrides(shop: Shop, by: Actor) -> None:
    assert refused(override(shop, denied(shop), by)) == "role_not_permitted"


def test_a_short_reason_is_no_reason(shop: Shop) -> None:
    assert refused(override(shop, denied(shop), reason="because I say so")) == "reason_too_short"


def test_what_no_policy_denied_is_not_overridden(shop: Shop) -> None:
    unknown = shop.denied({}, action_type="print_money")
    invalid = shop.denied(refund("900"))
    stranger = shop.denied(refund(10), BUYER)
    for each in (unknown, invalid, stranger):
        assert refused(override(shop, each)) == "not_overridable"
    shop.must(DisableAgent(agent_id=SUPPORT.id, reason="misbehaves"))
    assert refused(override(shop, shop.denied(refund(10)))) == "not_overridable"
    missing = OverrideDenial(verdict_command_id="nobody", reason=REASON)
    assert refused(shop.do(missing)) == "verdict_unknown"


def test_a_denial_that_was_not_shown_still_denies(shop: Shop) -> None:
    no = denied(shop)
    override(shop, no)
    shop.enact("action == 'process_payout'", "deny")
    shop.settle()
    assert shop.status(no) == "denied"
    assert outcomes(shop) == ["denied"]
    assert shop.till.arguments == []


def test_a_new_version_of_the_rule_was_not_shown(shop: Shop) -> None:
    shop.enact("action == 'update_price' && data.marginPercent < 0.5", "deny")
    no = shop.denied(price(Decimal("0.3")), action_type="update_price")
    override(shop, no)
    shop.enact("action == 'update_price' && data.marginPercent < 0.4", "deny")
    shop.settle()
    assert outcomes(shop) == ["denied"]
    assert shop.status(no) == "denied"


def test_a_kill_switch_engaged_meanwhile_still_asks(shop: Shop) -> None:
    no = denied(shop)
    override(shop, no)
    shop.stop()
    shop.settle()
    assert (shop.status(no), outcomes(shop), shop.till.arguments) == ("awaiting_approval", [], [])
    asked = shop.facts(ApprovalRequested)[-1]
    assert asked.override_id == no.command_id
    shop.grant(asked.approval_id)
    shop.settle()
    assert (shop.status(no), outcomes(shop)) == ("completed", ["done"])


def test_an_agent_disabled_meanwhile_does_not_go_on(shop: Shop) -> None:
    no = denied(shop)
    override(shop, no)
    shop.must(DisableAgent(agent_id=SUPPORT.id, reason="misbehaves"))
    shop.settle()
    assert (outcomes(shop), shop.till.arguments) == (["denied"], [])


def test_the_founder_may_override_for_themselves_and_it_is_reviewed(shop: Shop) -> None:
    no = shop.denied(UNMATCHED, FOUNDER, action_type="process_payout")
    override(shop, no)
    shop.settle()
    assert shop.status(no) == "completed"
    assert [each.kind for each in shop.facts(IncidentOpened)] == ["founder_override"]


def test_what_cannot_be_recorded_is_not_overridden(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    no = denied(shop)

    def broken(*_args: object, **_kwargs: object) -> int:
        raise StoreUnavailable("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(type(shop.business.log), "append", broken)
        with pytest.raises(StoreUnavailable):
            override(shop, no)
    shop.settle()
    assert shop.facts(OverrideGranted) == []
    assert shop.status(no) == "denied"
