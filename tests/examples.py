"""Example values that tests share: people, a founded business in memory, what agents ask for."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from adapters.clock import HandClock
from adapters.ids import CountedIds
from commands.access.user import AddUser
from commands.actions import ACTION_TYPES
from commands.governor.approval import GrantApproval, RejectApproval
from commands.governor.law import (
    ActivatePolicy,
    DisablePolicy,
    DraftPolicy,
    EngageKillSwitch,
    ReleaseKillSwitch,
)
from commands.kernel.action import ProposeAction
from commands.kernel.agent import RegisterAgent
from commands.message import Command, Done, Held, Receipt, Refused
from console_api.bootstrap import in_memory
from console_api.business import Business
from console_api.workers.engine_room import settle
from domain.core.instant import instant
from domain.core.principal import Actor, Role
from domain.governor.approval import APPROVAL, ApprovalRequested
from domain.kernel.action import ACTION, Action
from domain.kernel.org_unit import ROOT
from domain.ports import Recorded, ToolCall, ToolResult

F = TypeVar("F")

NOON: Final = instant(datetime(2030, 1, 31, 12, tzinfo=UTC))

FOUNDER: Final = Actor("founder", Role.FOUNDER)
GRACE: Final = Actor("grace", Role.ADMIN)
OLGA: Final = Actor("olga", Role.OPERATOR)
VERA: Final = Actor("vera", Role.VIEWER)
IMPORTER: Final = Actor("importer", Role.SERVICE)
DISPATCHER: Final = Actor("dispatcher", Role.SERVICE)
SUPPORT: Final = Actor("support", Role.AGENT, ROOT)
BUYER: Final = Actor("buyer", Role.AGENT, ROOT)

EVERY_TOOL: Final = tuple(ACTION_TYPES)
LOG_EVENTS_MAX: Final = 100_000


def refund(amount: object = 10, **more: object) -> dict[str, Any]:
    """Money back for an order; above 500 it waits for the founder."""
    return {"orderId": "1001", "amount": amount, "currency": "USD", **more}


def payout(**more: object) -> dict[str, Any]:
    """A payout that no policy minds, unless told otherwise."""
    sound = {"payeeId": "maya", "amount": 100, "currency": "USD"}
    return {**sound, "reconciled": True, "riskScore": 0, **more}


def price(margin: object, **more: object) -> dict[str, Any]:
    """A new price with a margin."""
    return {
        "productId": "mug",
        "newPrice": 12,
        "currency": "USD",
        "marginPercent": margin,
        **more,
    }


def ads(runway: object = 90, roas: object = 3, **more: object) -> dict[str, Any]:
    """More money for a campaign."""
    sound = {"campaignId": "spring", "amount": 50, "currency": "USD"}
    return {**sound, "cashRunwayDays": runway, "roas": roas, **more}


def house_rule(
    condition: str,
    action: str = "require_approval",
    *,
    policy_id: str = "house-rule",
    scope: str = "global",
    scope_id: str = "",
    approver_role: str = "founder",
    approvals: int = 1,
    expires_hours: int = 24,
    parameters: object = None,
) -> DraftPolicy:
    """A draft of a policy with one rule, whose message is its condition."""
    rule = {
        "id": "r",
        "condition": condition,
        "action": action,
        "message": condition,
        "approverRole": approver_role,
        "approvals": approvals,
        "expiresHours": expires_hours,
    }
    return DraftPolicy.model_validate(
        {
            "policyId": policy_id,
            "name": policy_id,
            "scope": scope,
            "scopeId": scope_id,
            "rules": (rule,),
            "parameters": parameters or {},
        }
    )


@dataclass(slots=True)
class Till:
    """A world that does as it is asked, once for each key, and keeps what it was asked."""

    name: str = "till"
    calls: dict[str, ToolCall] = field(default_factory=dict)

    def execute(self, call: ToolCall) -> ToolResult:
        """Do it."""
        self.calls.setdefault(call.idempotency_key, call)
        return ToolResult({"reference": f"till-{call.idempotency_key}"})

    @property
    def arguments(self) -> list[Mapping[str, object]]:
        """What was done, in order."""
        return [call.arguments for call in self.calls.values()]


@dataclass(slots=True)
class Shop:
    """A founded business in memory, with a clock that stands still and ids that count."""

    business: Business
    clock: HandClock
    till: Till

    # ── asking ──

    def do(self, command: Command, actor: Actor = FOUNDER, **how: str) -> Receipt:
        """Carry out a command, by default the founder's."""
        return self.business.do(command, actor, **how)

    def must(self, command: Command, actor: Actor = FOUNDER, **how: str) -> Done:
        """Carry out a command that nothing should speak against."""
        receipt = self.do(command, actor, **how)
        assert isinstance(receipt, Done), receipt
        return receipt

    def hire(
        self, actor: Actor = SUPPORT, tools: tuple[str, ...] = EVERY_TOOL, org_unit_id: str = ROOT
    ) -> None:
        """Register an agent."""
        self.must(
            RegisterAgent(
                agent_id=actor.id,
                name=actor.id.title(),
                type="support",
                tool_permissions=tools,
                org_unit_id=org_unit_id,
            )
        )

    def propose(
        self,
        payload: dict[str, Any],
        actor: Actor = SUPPORT,
        *,
        action_type: str = "process_refund",
        key: str = "",
        **more: str,
    ) -> Receipt:
        """Ask to act, by default for a refund and as the support agent."""
        wire = {"action_type": action_type, "payload": payload, **more}
        return self.do(ProposeAction.model_validate(wire), actor, key=key)

    def held(self, payload: dict[str, Any], actor: Actor = SUPPORT, **more: str) -> Held:
        """Ask for something that a person must agree to."""
        receipt = self.propose(payload, actor, **more)
        assert isinstance(receipt, Held), receipt
        return receipt

    def denied(self, payload: dict[str, Any], actor: Actor = SUPPORT, **more: str) -> Refused:
        """Ask for something that the governor denies."""
        receipt = self.propose(payload, actor, **more)
        assert isinstance(receipt, Refused), receipt
        assert receipt.denied
        return receipt

    def enact(self, condition: str, action: str = "require_approval", **more: Any) -> None:
        """Draft and activate a policy with one rule."""
        draft = house_rule(condition, action, **more)
        self.must(draft)
        self.must(ActivatePolicy(policy_id=draft.policy_id, reason="a test needs it"))

    def repeal(self, policy_id: str = "house-rule") -> None:
        """Take a policy out of force."""
        self.must(DisablePolicy(policy_id=policy_id, reason="a test needs it"))

    def stop(self, org_unit_id: str = "*") -> Done:
        """Engage the kill switch."""
        return self.must(EngageKillSwitch(reason="smoke", org_unit_id=org_unit_id))

    def resume(self, org_unit_id: str = "*") -> Done:
        """Release the kill switch."""
        return self.must(ReleaseKillSwitch(reason="aired", org_unit_id=org_unit_id))

    def request(self, approval_id: str) -> ApprovalRequested:
        """What an approver is shown."""
        request = self.business.state(APPROVAL, approval_id).request
        assert isinstance(request, ApprovalRequested)
        return request

    def grant(self, approval_id: str, by: Actor = FOUNDER) -> Receipt:
        """Agree to what is shown."""
        shown = self.request(approval_id).payload_hash
        return self.do(GrantApproval(approval_id=approval_id, payload_hash=shown), by)

    def reject(self, approval_id: str, by: Actor = FOUNDER) -> Receipt:
        """Say no to what is shown."""
        shown = self.request(approval_id).payload_hash
        command = RejectApproval(approval_id=approval_id, payload_hash=shown, reason="too much")
        return self.do(command, by)

    def settle(self) -> None:
        """Let the workers do all there is to do."""
        settle(self.business)

    # ── looking ──

    def head(self) -> int:
        """The position of the newest event."""
        return self.business.log.head()

    def log(self, after: int = 0) -> list[Recorded]:
        """Everything that happened after a position."""
        return list(self.business.log.page(after=after, limit=LOG_EVENTS_MAX))

    def types(self, after: int = 0) -> list[str]:
        """The stored names of what happened after a position."""
        return [recorded.type for recorded in self.log(after)]

    def facts(self, kind: type[F], after: int = 0) -> list[F]:
        """The facts of one kind that happened after a position."""
        facts = (recorded.fact for recorded in self.log(after))
        return [fact for fact in facts if isinstance(fact, kind)]

    def action(self, receipt: Receipt) -> Action:
        """The action that a receipt is about, as it stands."""
        state = self.business.state(ACTION, action_id(receipt))
        assert isinstance(state, Action)
        return state

    def status(self, receipt: Receipt) -> str:
        """How far that action has come."""
        return self.action(receipt).stage.value

    def approval_status(self, approval_id: str) -> str:
        """How far an approval has come."""
        return str(self.business.state(APPROVAL, approval_id).stage.value)


def action_id(receipt: Receipt) -> str:
    """The id of the action that a receipt is about."""
    return receipt.subject.removeprefix("action:")


@contextmanager
def founded() -> Iterator[Shop]:
    """A business that was founded at noon: Grace, Olga and Vera, and the support agent."""
    clock, till = HandClock(NOON), Till()
    business = in_memory(
        clock=clock, ids=CountedIds(), connectors=dict.fromkeys(ACTION_TYPES, till)
    )
    shop = Shop(business, clock, till)
    try:
        for each in (GRACE, OLGA, VERA):
            wire = {"userId": each.id, "name": each.id.title(), "role": each.role.value}
            shop.must(AddUser.model_validate(wire))
        shop.hire()
        yield shop
    finally:
        business.close()
