"""Requests about outcomes: what an action turned out to be worth."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field, StrictBool

from commands.message import Command, Entry, Plan, Sender
from commands.planning import Errand, Key, Text, tagged
from domain.core.principal import DESK, Role
from domain.core.stream import Decision, Refusal
from domain.kernel import outcome
from domain.kernel.action import ACTION
from domain.kernel.outcome import OUTCOME, OutcomeRecorded
from domain.ports import Past


class RecordOutcome(Command):
    """Say what came of an action; saying something else later corrects it."""

    action_id: Key
    success: StrictBool
    reward_score: Annotated[str, Field(pattern=r"^(0(\.\d{1,6})?|1(\.0{1,6})?)$")]
    result: dict[str, Any] = Field(default_factory=dict)
    metrics: dict[str, Any] = Field(default_factory=dict)
    feedback: Text = ""


def record_outcome(cmd: RecordOutcome, sender: Sender) -> Plan:
    """Plan a measurement."""
    outcome_id = f"out-{cmd.action_id}"

    def decide(past: Past) -> Decision[Entry]:
        proposal = past.state(ACTION, cmd.action_id).proposal
        if proposal is None:
            return Refusal("action_unknown", f"no action is called {cmd.action_id}")
        measured = OutcomeRecorded(
            outcome_id=outcome_id,
            action_id=cmd.action_id,
            org_unit_id=proposal.org_unit_id,
            success=cmd.success,
            result=cmd.result,
            reward_score=Decimal(cmd.reward_score),
            metrics=cmd.metrics,
            feedback=cmd.feedback,
            evaluator=str(sender.actor),
        )
        state = past.state(OUTCOME, outcome_id)
        return tagged(OUTCOME, outcome_id, outcome.record(state, measured=measured))

    return Errand(
        command=cmd,
        sender=sender,
        permits=DESK | {Role.SERVICE},
        subject=OUTCOME.at(outcome_id),
        reads=((OUTCOME, outcome_id), (ACTION, cmd.action_id)),
        decide=decide,
    ).plan()
