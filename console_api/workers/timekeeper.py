"""Timekeeper: does what is due by the clock. The times themselves stand in the log.

request ──► reminded ──► role above ──► founder ──► expired            every morning: the digest
"""

from dataclasses import dataclass
from typing import Final

from commands.governor.approval import ExpireApproval
from commands.governor.inquiry import EscalateApproval, TellDigest
from commands.kernel.business_clock import local_hour
from commands.message import Done
from console_api.business import Business
from domain.core.principal import Actor, Role
from domain.governor.approval import APPROVAL, LADDER, Approval, Stage, step_due_at
from domain.governor.digest import DIGEST
from domain.kernel.org_unit import ORG_UNIT, ROOT
from domain.view_store import Listing, Where
from queries.waiting import PENDING, digest, digest_sentence

TIMEKEEPER: Final = Actor("timekeeper", Role.SERVICE)
SWEPT_AT_ONCE: Final = 500
WAITING: Final = (Stage.PENDING, Stage.APPROVED)
MORNING: Final = ("T09", "T10", "T11")
"""The hours of the business's clock in which the digest is told, if it was not yet."""


@dataclass(slots=True)
class Timekeeper:
    """Looks for requests whose time has run out, or is running out."""

    business: Business
    _quiet_on: str = ""

    def step(self) -> int:
        """Do what is due; return how much that was."""
        now = self.business.clock()
        due = (
            Where("status", "in", ["pending", "approved"]),
            Where("expires_at", "<=", now),
        )
        rows = self.business.views.find("approvals", Listing(due, limit=SWEPT_AT_ONCE))
        done = sum(self._expire(str(row["id"])) for row in rows)
        late = (PENDING, Where("next_step_at", "<=", now))
        rows = self.business.views.find("approvals", Listing(late, limit=SWEPT_AT_ONCE))
        return done + sum(self._escalate(str(row["id"])) for row in rows) + self._tell()

    def _expire(self, approval_id: str) -> bool:
        """Look before asking: a picture that is behind must not fill the log with refusals."""
        if self.business.state(APPROVAL, approval_id).stage not in WAITING:
            return False
        command = ExpireApproval(approval_id=approval_id)
        return isinstance(self.business.do(command, TIMEKEEPER), Done)

    def _escalate(self, approval_id: str) -> bool:
        """Take the last step that is due; nobody needs those that were slept through."""
        state: Approval = self.business.state(APPROVAL, approval_id)
        step = self._step_of(state)
        if state.stage is not Stage.PENDING or step <= state.step:
            return False
        command = EscalateApproval(approval_id=approval_id, step=step)
        return isinstance(self.business.do(command, TIMEKEEPER), Done)

    def _step_of(self, state: Approval) -> int:
        request, now = state.request, self.business.clock()
        if request is None or now >= request.expires_at:
            return 0
        due = [
            step_due_at(request.requested_at, request.expires_at, step)
            for step in range(1, len(LADDER) + 1)
        ]
        return sum(each is not None and each <= now for each in due)

    def _tell(self) -> bool:
        """Tell once a day what waits; on a day when nothing did in the morning, nothing is told."""
        now = self.business.clock()
        hour = local_hour(now, self.business.state(ORG_UNIT, ROOT).timezone)
        day = hour[:10]
        if not hour.endswith(MORNING) or day == self._quiet_on:
            return False
        self._quiet_on = day
        if self.business.state(DIGEST, day).is_told:
            return False
        told = digest(self.business.views, at=now)
        if not told["waiting"]:
            return False
        command = TellDigest(day=day, waiting=told["waiting"], text=digest_sentence(told, at=now))
        return isinstance(self.business.do(command, TIMEKEEPER), Done)
