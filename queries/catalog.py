"""Catalog: every list that can be asked for. The API and `bos ask` are made from this."""

from dataclasses import dataclass
from typing import Final

from projections.actions import ACTIONS
from projections.agents import AGENTS
from projections.approvals import APPROVALS
from projections.audit_log import AUDIT_LOG
from projections.events import EVENTS
from projections.incidents import INCIDENTS
from projections.kill_switches import KILL_SWITCHES
from projections.orders import ORDERS
from projections.org_units import ORG_UNITS
from projections.outcomes import OUTCOMES
from projections.people import TOKENS, USERS
from projections.policies import POLICIES
from projections.state_snapshots import STATE_SNAPSHOTS
from projections.view import View
from queries.listing import NEWEST_FIRST, Order


@dataclass(frozen=True, slots=True)
class Question:
    """A list: what it is called, what it is drawn from, which columns a person sees first."""

    name: str
    view: View
    order: Order = NEWEST_FIRST
    shown: tuple[str, ...] = ()


QUESTIONS: Final = (
    Question(
        "actions",
        ACTIONS,
        shown=("id", "actionType", "status", "agentId", "arguments", "updatedAt"),
    ),
    Question(
        "approvals",
        APPROVALS,
        order=Order("expires_at", descending=False),
        shown=("id", "action", "amount", "currency", "status", "requestedBy", "expiresAt"),
    ),
    Question(
        "incidents",
        INCIDENTS,
        shown=("id", "severity", "type", "title", "status", "occurrences", "updatedAt"),
    ),
    Question("policies", POLICIES, shown=("id", "name", "scope", "status", "activeVersion")),
    Question(
        "kill-switches",
        KILL_SWITCHES,
        shown=("orgUnitId", "status", "engagedBy", "reason", "engagedAt", "releasedAt"),
    ),
    Question(
        "agents", AGENTS, shown=("id", "name", "type", "orgUnitId", "status", "toolPermissions")
    ),
    Question(
        "org-units", ORG_UNITS, shown=("id", "name", "type", "parentId", "settings", "status")
    ),
    Question("outcomes", OUTCOMES, shown=("actionId", "success", "rewardScore", "evaluator")),
    Question(
        "orders",
        ORDERS,
        shown=("id", "customerId", "country", "amount", "refunded", "currency", "day"),
    ),
    Question(
        "state-history",
        STATE_SNAPSHOTS,
        order=Order("timestamp"),
        shown=("orgUnitId", "snapshotType", "timestamp", "metrics"),
    ),
    Question(
        "events",
        EVENTS,
        order=Order("position"),
        shown=("position", "type", "actor", "occurredAt", "payload"),
    ),
    Question(
        "audit-log",
        AUDIT_LOG,
        order=Order("position"),
        shown=("position", "timestamp", "actorId", "action", "entityId", "outcome", "output"),
    ),
    Question("users", USERS, shown=("id", "name", "role", "status")),
    Question("tokens", TOKENS, shown=("id", "kind", "holder", "status", "expiresAt")),
)

BY_NAME: Final = {question.name: question for question in QUESTIONS}
