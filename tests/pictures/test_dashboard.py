"""Dashboard: what an org unit has sold, given back and decided, added up."""

from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from domain.core.instant import HOUR
from domain.governor.verdict import VerdictRecorded
from domain.kernel.order import OrderRecorded, OrderRefunded
from projections.dashboard import DASHBOARD, HOURS_KEPT
from tests.picture import START, at, given, stamps

SOLD: Final = OrderRecorded(
    order_id="o-1",
    org_unit_id="commerce",
    customer_id="",
    country="",
    currency="EUR",
    amount=Decimal("20.00"),
    lines=(),
    placed_at=START,
    day="2030-01-01",
    hour="2030-01-01T09",
    source="",
)
REFUNDED: Final = OrderRefunded(
    order_id="o-1",
    org_unit_id="commerce",
    action_id="act-1",
    amount=Decimal("5.50"),
    currency="EUR",
    day="2030-01-01",
    hour="2030-01-01T09",
)
JUDGED: Final = VerdictRecorded(
    command_id="c1",
    command="ProposeAction",
    action="process_refund",
    subject="action:act-1",
    actor_id="agent:support",
    actor_role="agent",
    org_unit_id="commerce",
    payload_hash="abc",
    law_hash="def",
    engine_version=1,
    as_of=0,
    effect="allow",
    outcome="done",
    size=1,
    code="",
    reasons=(),
    findings=(),
    objections=(),
    readings=(),
    kill_switch=(),
    triggers=(),
    approval_id="",
    request=None,
    shadows=(),
)

NOTHING_SOLD: Final[dict[str, Any]] = {
    "revenue": 0,
    "orders": 0,
    "refunds": 0,
    "refundAmount": 0,
    "refundRate": None,
    "currency": None,
    "otherCurrencies": {},
}
TAKINGS: Final[dict[str, Any]] = NOTHING_SOLD | {
    "revenue": Decimal("20.00"),
    "orders": 1,
    "refunds": 1,
    "refundAmount": Decimal("5.50"),
    "refundRate": Decimal(1),
    "currency": "EUR",
}
THIS_HOUR: Final = str(START // HOUR)


def test_what_an_org_unit_sells_counts_for_it_and_for_the_business() -> None:
    takings = {"totals": TAKINGS, "decisions": {}, "decisions_by_hour": {}} | stamps(updated=2)
    assert given(SOLD, REFUNDED).rows(DASHBOARD) == {
        "business": {"id": "business", **takings},
        "commerce": {"id": "commerce", **takings},
    }


def test_what_the_business_itself_sells_counts_once() -> None:
    rows = given(replace(SOLD, org_unit_id="business"), replace(SOLD, org_unit_id="")).rows(
        DASHBOARD
    )
    assert {key: row["totals"]["orders"] for key, row in rows.items()} == {"business": 2}


def test_answers_to_proposals_are_counted_by_outcome_and_by_hour() -> None:
    row = given(JUDGED, replace(JUDGED, outcome="held"), JUDGED).row(DASHBOARD, "commerce")
    assert row == {
        "id": "commerce",
        "totals": NOTHING_SOLD,
        "decisions_by_hour": {THIS_HOUR: 3},
        "decisions": {"done": 2, "held": 1},
    } | stamps(updated=3)


def test_answers_to_other_commands_are_not_decisions() -> None:
    assert given(replace(JUDGED, command="DisableAgent")).rows(DASHBOARD) == {}


def test_hours_are_forgotten_after_two_days_and_outcomes_are_not() -> None:
    told = [JUDGED] * (HOURS_KEPT + 10)
    row = given(*told, apart=HOUR).row(DASHBOARD, "commerce")
    newest = at(len(told), apart=HOUR) // HOUR
    assert row["decisions_by_hour"] == {str(newest - n): 1 for n in range(HOURS_KEPT)}
    assert row["decisions"] == {"done": len(told)}
