"""Timekeeper: closes what nobody answered in time. The times themselves stand in the log."""

from dataclasses import dataclass
from typing import Final

from commands.governor.approval import ExpireApproval
from commands.message import Done
from console_api.business import Business
from domain.core.principal import Actor, Role
from domain.governor.approval import APPROVAL, Stage
from domain.view_store import Listing, Where

TIMEKEEPER: Final = Actor("timekeeper", Role.SERVICE)
SWEPT_AT_ONCE: Final = 500
WAITING: Final = (Stage.PENDING, Stage.APPROVED)


@dataclass(slots=True)
class Timekeeper:
    """Looks for requests whose time has run out."""

    business: Business

    def step(self) -> int:
        """Expire what is due; return how many."""
        due = (
            Where("status", "in", ["pending", "approved"]),
            Where("expires_at", "<=", self.business.clock()),
        )
        rows = self.business.views.find("approvals", Listing(due, limit=SWEPT_AT_ONCE))
        return sum(self._expire(str(row["id"])) for row in rows)

    def _expire(self, approval_id: str) -> bool:
        """Look before asking: a picture that is behind must not fill the log with refusals."""
        if self.business.state(APPROVAL, approval_id).stage not in WAITING:
            return False
        command = ExpireApproval(approval_id=approval_id)
        return isinstance(self.business.do(command, TIMEKEEPER), Done)
