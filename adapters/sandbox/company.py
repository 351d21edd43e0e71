"""Company: the departments of the sandbox business, and the agents that work in them.

commerce   support, pricing, stock        marketing   ads, content
creators   creator relations              finance     payouts
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Department:
    """A part of the business."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Worker:
    """An agent: what it is called, where it works, and the one tool that it needs there."""

    id: str
    name: str
    type: str
    department: str
    tool: str
    capabilities: tuple[str, ...]


COMMERCE: Final = Department("commerce", "Commerce")
DEPARTMENTS: Final = (
    COMMERCE,
    Department("marketing", "Marketing"),
    Department("creators", "Creators"),
    Department("finance", "Finance"),
)

SUPPORT: Final = Worker(
    "support-agent", "Support", "support", "commerce", "process_refund",
    ("answers customers", "refunds orders"),
)  # fmt: skip
PRICING: Final = Worker(
    "pricing-agent", "Pricing", "coo", "commerce", "update_price",
    ("watches demand", "sets prices"),
)  # fmt: skip
STOCK: Final = Worker(
    "stock-agent", "Stock", "coo", "commerce", "reorder_stock",
    ("watches stock cover", "orders from suppliers"),
)  # fmt: skip
ADS: Final = Worker(
    "ads-agent", "Advertising", "cmo", "marketing", "increase_ad_spend",
    ("watches campaigns", "moves ad budgets"),
)  # fmt: skip
CONTENT: Final = Worker(
    "content-agent", "Content", "worker", "marketing", "publish_content",
    ("writes announcements", "cuts clips"),
)  # fmt: skip
CREATORS: Final = Worker(
    "creator-agent", "Creator relations", "creator_ops", "creators", "create_payout_batch",
    ("keeps creators happy", "collects what is due to them"),
)  # fmt: skip
PAYOUT: Final = Worker(
    "payout-agent", "Payouts", "cfo", "finance", "process_payout",
    ("pays creators",),
)  # fmt: skip

WORKERS: Final = (SUPPORT, PRICING, STOCK, ADS, CONTENT, CREATORS, PAYOUT)
BY_ID: Final = {worker.id: worker for worker in WORKERS}
