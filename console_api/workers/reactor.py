"""Reactor: reads the log on and does what follows from each fact.

The position it has reached is only a convenience: every follow-up is named after the event that
caused it, so reading a stretch of the log again does nothing twice.
"""

from dataclasses import dataclass
from typing import Final

from commands.reactions import follow_ups
from console_api.business import Business
from domain.governor.approval import (
    APPROVAL,
    LADDER,
    ApprovalEscalated,
    ApprovalRequested,
    InformationRequested,
)
from domain.governor.digest import DigestTold
from domain.governor.law import KillSwitchEngaged
from domain.governor.override import OverrideGranted
from domain.kernel.action import ActionAuthorized
from domain.ports import Recorded
from domain.view_store import Column, Edition, Shape
from projections.engine.batches import belongs, continues

PAGE: Final = 500
APPROVALS: Final = "/admin/operations-console/approvals"
REACTOR: Final = Shape("reactor", "1", (Column("id"),))
"""A picture without rows: only the position that it has reached is kept."""


@dataclass(slots=True)
class Reactor:
    """One reader of the log that answers facts with commands."""

    business: Business
    _looked: bool = False

    def step(self) -> list[str]:
        """React to what is new; return the actions that were authorized meanwhile."""
        authorized: list[str] = []
        reached = self._reached()
        while events := self.business.log.page(after=reached.position, limit=PAGE):
            if not continues(reached, events):  # the log was restored, and has grown again
                reached = self._begin()
                continue
            for recorded in events:
                if isinstance(recorded.fact, ActionAuthorized):
                    authorized.append(recorded.fact.action_id)
                self._react(recorded)
            reached = self.business.views.save(reached, {}, events[-1].position, events[-1].hash)
        return authorized

    def _reached(self) -> Edition:
        """Return the bookmark, or a new one if it lies in a log that was restored since."""
        log, live = self.business.log, self.business.views.live(REACTOR.name)
        if live is None or live.position > log.head():
            return self._begin()
        if not self._looked:
            self._looked = True
            return live if belongs(live, log, log.head()) else self._begin()
        return live

    def _begin(self) -> Edition:
        views = self.business.views
        return views.swap(views.begin(REACTOR), head=0)

    def _react(self, recorded: Recorded) -> None:
        self._tell(recorded)
        for follow_up in follow_ups(recorded, self.business.state):
            self.business.follow(follow_up)

    def _about(
        self, request: ApprovalRequested | None, news: str, text: str, urgency: str = "normal"
    ) -> None:
        assert request is not None, "news of an approval that nobody requested"
        self.business.notify(
            urgency=urgency,
            title=f"{request.action} {news}",
            text=text,
            link=f"{APPROVALS}?id={request.approval_id}",
        )

    def _tell(self, recorded: Recorded) -> None:
        match recorded.fact:
            case KillSwitchEngaged(reason=reason, by=by):
                self.business.notify(
                    urgency="critical",
                    title="Kill switch engaged",
                    text=f"{by}: {reason}",
                    link="/admin/operations-console",
                )
            case ApprovalRequested() as asked:
                self._about(asked, f"waits for a {asked.approver_role}", "; ".join(asked.reasons))
            case ApprovalEscalated() as late:
                self._about(
                    self.business.state(APPROVAL, late.approval_id).request,
                    f"still waits: a {late.role} is asked",
                    "Nobody has decided yet; no answer counts as a no",
                    urgency="critical" if late.step == len(LADDER) else "normal",
                )
            case InformationRequested() as asked_more:
                request = self.business.state(APPROVAL, asked_more.approval_id).request
                text = f"{asked_more.by}: {asked_more.question}"
                self._about(request, "needs an answer before it is decided", text)
            case DigestTold(text=text):
                self.business.notify(
                    urgency="normal", title="What waits for you", text=text, link=APPROVALS
                )
            case OverrideGranted() as override:
                self.business.notify(
                    urgency="critical",
                    title=f"A denial of {override.action} was overridden",
                    text=f"{override.by}: {override.reason}",
                    link="/admin/operations-console/incidents",
                )
            case _:
                pass
