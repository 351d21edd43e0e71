"""Catalog: every picture that is drawn from the log."""

from typing import Final

from projections.actions import ACTIONS
from projections.agents import AGENTS
from projections.approvals import APPROVALS
from projections.audit_log import AUDIT_LOG
from projections.dashboard import DASHBOARD
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

VIEWS: Final[tuple[View, ...]] = (
    ACTIONS,
    APPROVALS,
    INCIDENTS,
    POLICIES,
    KILL_SWITCHES,
    AGENTS,
    ORG_UNITS,
    OUTCOMES,
    ORDERS,
    STATE_SNAPSHOTS,
    DASHBOARD,
    EVENTS,
    AUDIT_LOG,
    USERS,
    TOKENS,
)

BY_NAME: Final = {view.name: view for view in VIEWS}
