"""The four policies that every business starts with, word for word as they were first designed."""

from typing import Final

from domain.governor.policy import Policy, Rule

RECONCILIATION: Final = Policy(
    id="no-payouts-without-reconciliation",
    version=1,
    name="No payouts without reconciliation",
    description="Money leaves only for what has been matched with the bank.",
    rationale="A payout on unreconciled books cannot be taken back once it is wrong.",
    rules=(
        Rule(
            id="reconciled",
            condition="data.type == 'payout' && data.reconciled != true",
            action="deny",
            message="Cannot process payout: reconciliation not complete",
        ),
        Rule(
            id="risk",
            condition="data.type == 'payout' && data.riskScore > 0.7",
            action="require_approval",
            message="Payout requires approval: high risk score",
        ),
    ),
    built_in=True,
)

MARGIN_FLOOR: Final = Policy(
    id="margin-floor-protection",
    version=1,
    name="Margin floor protection",
    description="No price falls below the margin that keeps the business alive.",
    rationale="A price war is lost by whoever sells below cost the longest.",
    rules=(
        Rule(
            id="floor",
            condition="data.action == 'update_price' && data.marginPercent < 0.15",
            action="deny",
            message="Cannot set price: margin below 15% floor",
        ),
    ),
    built_in=True,
)

CASH_RUNWAY: Final = Policy(
    id="cash-runway-protection",
    version=1,
    name="Cash runway protection",
    description="Advertising never spends the money that the next month needs.",
    rationale="Growth bought with the last month of cash is not growth.",
    rules=(
        Rule(
            id="runway",
            condition="data.action == 'increase_ad_spend' && data.cashRunwayDays < 30",
            action="deny",
            message="Cannot increase ad spend: cash runway below 30 days",
        ),
        Rule(
            id="roas",
            condition="data.action == 'increase_ad_spend' && data.roas < 2.0",
            action="require_approval",
            message="Ad spend increase requires approval: ROAS below 2.0",
        ),
    ),
    built_in=True,
)

REFUND_LIMIT: Final = Policy(
    id="refund-approval-limits",
    version=1,
    name="Refund approval limits",
    description="A large refund waits for the founder.",
    rationale="Small refunds keep customers, large ones attract fraud.",
    rules=(
        Rule(
            id="amount",
            condition="data.action == 'process_refund' && data.amount > 500",
            action="require_approval",
            message="Refund requires approval: amount exceeds $500",
        ),
    ),
    built_in=True,
)

BUILT_IN: Final = (RECONCILIATION, MARGIN_FLOOR, CASH_RUNWAY, REFUND_LIMIT)
