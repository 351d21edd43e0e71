"""Requests about actions under way: the dispatcher starts them, and reports what came of it."""

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import Field

from commands.kernel.consequences import consequences
from commands.message import Command, Entry, Plan, Reads, Sender
from commands.planning import Errand, Key, Name, Reason, tagged
from domain.core.principal import Role
from domain.core.stream import Decision, Refusal
from domain.governor.law import LAW
from domain.governor.verdict import Objection
from domain.kernel import action
from domain.kernel.action import ACTION
from domain.kernel.agent import AGENT
from domain.kernel.org_unit import ORG_UNIT, ROOT
from domain.kernel.outcome import OUTCOME, OutcomeRecorded
from domain.ports import Past

SERVICES: Final = frozenset({Role.SERVICE})

CostUsd = Annotated[str, Field(pattern=r"^\d{1,12}(\.\d{1,6})?$")]
Milliseconds = Annotated[int, Field(strict=True, ge=0)]


class StartAction(Command):
    """Claim an authorized action for an attempt to carry it out."""

    action_id: Key
    org_unit_id: Key
    tool_name: Name
    attempt: Annotated[int, Field(strict=True, ge=1, le=100)]


def start_action(cmd: StartAction, sender: Sender) -> Plan:
    """Plan an attempt; under a kill switch only what was approved under it may start.

    What a disabled agent asked for does not start, though it was authorized before.
    """

    def agent(past: Past) -> Reads:
        proposal = past.state(ACTION, cmd.action_id).proposal
        return ((AGENT, proposal.agent_id),) if proposal is not None and proposal.agent_id else ()

    def stopped(past: Past) -> tuple[Objection, ...]:
        state = past.state(ACTION, cmd.action_id)
        path = past.state(ORG_UNIT, cmd.org_unit_id).path
        proposal = state.proposal
        if proposal is None or proposal.org_unit_id != cmd.org_unit_id or not path:
            return (Objection("action_unknown", f"no action {cmd.action_id} of this org unit"),)
        if proposal.agent_id and not past.state(AGENT, proposal.agent_id).active:
            return (Objection("agent_disabled", f"agent {proposal.agent_id} is disabled"),)
        engaged = past.state(LAW, ROOT).engagements(path)
        if all(f"kill_switch:{each}" in state.lifted for each in engaged):
            return ()
        return (Objection("kill_switch_engaged", "The kill switch holds this action back"),)

    def decide(past: Past) -> Decision[Entry]:
        return tagged(
            ACTION,
            cmd.action_id,
            action.start(
                past.state(ACTION, cmd.action_id),
                action_id=cmd.action_id,
                tool_name=cmd.tool_name,
                attempt=cmd.attempt,
            ),
        )

    return Errand(
        command=cmd,
        sender=sender,
        permits=SERVICES,
        subject=ACTION.at(cmd.action_id),
        reads=((ACTION, cmd.action_id), (ORG_UNIT, cmd.org_unit_id)),
        decide=decide,
        org_path=lambda past: past.state(ORG_UNIT, cmd.org_unit_id).path,
        then=agent,
        objections=stopped,
    ).plan()


class CompleteAction(Command):
    """Report that the world changed as intended."""

    action_id: Key
    org_unit_id: Key
    result: dict[str, Any]
    latency_ms: Milliseconds
    cost_usd: CostUsd = "0"


class FailAction(Command):
    """Report that the world did not change, or not as intended."""

    action_id: Key
    org_unit_id: Key
    error_message: Reason
    latency_ms: Milliseconds
    cost_usd: CostUsd = "0"


def complete_action(cmd: CompleteAction, sender: Sender) -> Plan:
    """Plan a success, with what it means to the business and a first outcome."""

    def finish(state: action.Action) -> Decision[Any]:
        return action.complete(
            state,
            action_id=cmd.action_id,
            result=cmd.result,
            latency_ms=cmd.latency_ms,
            cost_usd=cmd.cost_usd,
        )

    return _report(cmd, sender, finish=finish, success=True, result=cmd.result)


def fail_action(cmd: FailAction, sender: Sender) -> Plan:
    """Plan a failure, with a first outcome."""

    def finish(state: action.Action) -> Decision[Any]:
        return action.fail(
            state,
            action_id=cmd.action_id,
            error_message=cmd.error_message,
            latency_ms=cmd.latency_ms,
            cost_usd=cmd.cost_usd,
        )

    result: dict[str, Any] = {"error": cmd.error_message}
    return _report(cmd, sender, finish=finish, success=False, result=result)


def _report(
    cmd: CompleteAction | FailAction,
    sender: Sender,
    *,
    finish: Callable[[action.Action], Decision[Any]],
    success: bool,
    result: dict[str, Any],
) -> Plan:
    def decide(past: Past) -> Decision[Entry]:
        state = past.state(ACTION, cmd.action_id)
        entries = tagged(ACTION, cmd.action_id, finish(state))
        if isinstance(entries, Refusal) or not entries:
            return entries
        assert state.proposal is not None
        outcome_id = f"out-{cmd.action_id}"
        measured = OutcomeRecorded(
            outcome_id=outcome_id,
            action_id=cmd.action_id,
            org_unit_id=state.proposal.org_unit_id,
            success=success,
            result=result,
            reward_score=Decimal(1 if success else 0),
            metrics={"latencyMs": cmd.latency_ms, "costUsd": cmd.cost_usd},
            feedback="",
            evaluator=str(sender.actor),
        )
        unit = past.state(ORG_UNIT, cmd.org_unit_id)
        follow = consequences(state.proposal, unit, at=sender.at) if success else ()
        return (*entries, ((OUTCOME.at(outcome_id),), measured), *follow)

    return Errand(
        command=cmd,
        sender=sender,
        permits=SERVICES,
        subject=ACTION.at(cmd.action_id),
        reads=((ACTION, cmd.action_id), (ORG_UNIT, cmd.org_unit_id)),
        decide=decide,
        org_path=lambda past: past.state(ORG_UNIT, cmd.org_unit_id).path,
    ).plan()
