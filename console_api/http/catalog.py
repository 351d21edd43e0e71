"""Catalog of the API: every list, what generated clients call it, and who may read what.

Commands are not listed here: the governor answers those, by role, policy and kill switch.
"""

from dataclasses import dataclass
from typing import Final

from domain.core.principal import EVERYONE, Role
from queries.catalog import BY_NAME, Question

NOT_AGENTS: Final = EVERYONE - {Role.AGENT}
STATE_HISTORY: Final = "state-history"


@dataclass(frozen=True, slots=True)
class Shelf:
    """One list: `noun` names a row, `own` the column by which an agent's own rows are known."""

    question: str
    noun: str
    many: str
    one: str
    readers: frozenset[Role] = NOT_AGENTS
    own: str = ""

    @property
    def asked(self) -> Question:
        """Return the question that it answers."""
        return BY_NAME[self.question]

    @property
    def words(self) -> str:
        """Return what a person calls it."""
        return self.question.replace("-", " ")


SHELVES: Final = (
    Shelf("actions", "Action", "listActions", "getAction", EVERYONE, own="agent_id"),
    Shelf("approvals", "Approval", "listApprovals", "getApproval", EVERYONE, own="requested_by"),
    Shelf("incidents", "Incident", "listIncidents", "getIncident"),
    Shelf("policies", "Policy", "listPolicies", "getPolicy"),
    Shelf("kill-switches", "KillSwitch", "listKillSwitches", "getKillSwitch"),
    Shelf("agents", "Agent", "listAgents", "getAgent"),
    Shelf("org-units", "OrgUnit", "listOrgUnits", "getOrgUnit"),
    Shelf("outcomes", "Outcome", "listOutcomes", "getOutcome"),
    Shelf("orders", "Order", "listOrders", "getOrder"),
    Shelf(STATE_HISTORY, "StateSnapshot", "getStateHistory", "getStateSnapshot"),
    Shelf("events", "Event", "listEvents", "getEvent"),
    Shelf("audit-log", "AuditEntry", "listAuditLog", "getAuditEntry"),
    Shelf("users", "User", "listUsers", "getUser"),
    Shelf("tokens", "Token", "listTokens", "getToken"),
)

BY_NOUN: Final = {shelf.noun: shelf for shelf in SHELVES}

READERS: Final[dict[str, frozenset[Role]]] = {
    **{shelf.many: shelf.readers for shelf in SHELVES},
    **{shelf.one: shelf.readers for shelf in SHELVES},
    "getDashboard": NOT_AGENTS,
    "getState": NOT_AGENTS,
    "streamEvents": NOT_AGENTS,
    "getApprovalsDigest": NOT_AGENTS,
    "listSimilarApprovals": NOT_AGENTS,
    "listActionTypes": EVERYONE,
    "getActionType": EVERYONE,
}
"""Who may read what. Of a list with `own` an agent sees its own rows and no others."""
