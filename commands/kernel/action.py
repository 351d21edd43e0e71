"""Requests about actions: agents propose them, the governor answers, people take them back."""

from dataclasses import dataclass
from typing import Any, Final

from commands.actions import ACTION_TYPES, checked, matter_of
from commands.facts.fact import commitment_keys
from commands.message import Command, Entry, Plan, Sender
from commands.planning import (
    Errand,
    Key,
    Name,
    Reason,
    Text,
    as_objection,
    safe_hash,
    tagged,
)
from domain.core.principal import DESK, Actor, Role
from domain.core.stream import Decision, Refusal, Stream
from domain.governor.approval import APPROVAL
from domain.governor.fact import Matter
from domain.governor.judge import Ask
from domain.governor.verdict import Objection, Verdict
from domain.kernel import action, agent
from domain.kernel.action import ACTION, Action, ActionProposed
from domain.kernel.agent import AGENT
from domain.kernel.commitment import COMMITMENT, RESERVATION, CommitmentMade, release
from domain.kernel.order import ORDER
from domain.kernel.org_unit import ORG_UNIT, ROOT
from domain.ports import Past

TAGS_MAX: Final = 16
"""Tags on one event, as many as the log takes."""

_AGENTS: Final = frozenset({Role.AGENT})
_PROPOSERS: Final = DESK | _AGENTS


class ProposeAction(Command):
    """Ask to act. An agent proposes as itself; a person may propose without an agent."""

    action_type: Name
    payload: dict[str, Any]
    action_id: Key | None = None
    agent_id: Key | None = None
    org_unit_id: Key | None = None
    reason: Text = ""


@dataclass(frozen=True, slots=True)
class _Proposal:
    """One proposal, with what was settled about it before anything was read."""

    sender: Sender
    fact: ActionProposed
    flaws: tuple[Objection, ...]

    def ask(self, past: Past) -> Ask:
        """Put the proposal to the governor, with whatever speaks against it already."""
        fact, actor = self.fact, self.sender.actor
        unit = past.state(ORG_UNIT, fact.org_unit_id)
        objections = list(self.flaws)
        if not unit.active:
            because = f"org unit {fact.org_unit_id} does not exist or is disabled"
            objections.append(Objection("org_unit_unknown", because))
        if actor.role is Role.AGENT or fact.agent_id:
            state = past.state(AGENT, fact.agent_id or actor.id)
            objections += as_objection(
                agent.objection(
                    state,
                    agent_id=fact.agent_id,
                    tool=fact.action_type,
                    org_unit_id=fact.org_unit_id,
                )
            )
        return Ask(
            command="ProposeAction",
            action=fact.action_type,
            actor=actor,
            subject=ACTION.at(fact.action_id),
            data=fact.arguments,
            payload_hash=fact.payload_hash,
            org_path=unit.path,
            agent_id=fact.agent_id,
            objections=tuple(objections),
            matter=self._matter(past, unit.timezone),
            worldly=True,
        )

    def _matter(self, past: Past, timezone: str) -> Matter | None:
        """Say what facts about the proposal are about; whose order it is, the log knows best."""
        kind, arguments = ACTION_TYPES.get(self.fact.action_type), self.fact.arguments
        if kind is None or self.flaws:
            return None
        subjects = {name: str(arguments.get(at) or "") for name, at in kind.subjects.items()}
        if order_id := subjects.get("order"):
            subjects["customer"] = past.state(ORDER, order_id).customer_id or subjects.get(
                "customer", ""
            )
        return Matter(
            at=self.sender.at,
            timezone=timezone,
            subjects=subjects,
            amount=kind.amount_of(arguments),
            currency=str(arguments.get("currency") or ""),
        )

    def _tagged(self, decision: Decision[Any]) -> Decision[Entry]:
        return tagged(ACTION, self.fact.action_id, decision)

    def decide(self, past: Past) -> Decision[Entry]:
        """Authorize it; an approval that was needed is named, with the triggers it lifted."""
        state = past.state(ACTION, self.fact.action_id)
        approval_id = self.sender.approval_id
        lifted = past.state(APPROVAL, approval_id).request if approval_id else None
        entries = self._tagged(
            action.authorize(
                self._open(state),
                proposal=self.fact,
                approval_id=approval_id,
                lifted=lifted.triggers if lifted is not None else (),
            )
        )
        return entries if isinstance(entries, Refusal) else (*entries, *self._committed(past))

    def _open(self, state: Action) -> Action:
        return action.reopened(state) if self.sender.override_id else state

    def _committed(self, past: Past) -> tuple[Entry, ...]:
        """Count it under every name that it goes by; more names than fit need another event."""
        fact, unit = self.fact, past.state(ORG_UNIT, self.fact.org_unit_id)
        matter = self._matter(past, unit.timezone)
        assert matter is not None, "an unsound proposal is never authorized"
        keys = commitment_keys(fact.action_id, fact.agent_id, unit.path, matter.subjects)
        shares = [keys[start : start + TAGS_MAX] for start in range(0, len(keys), TAGS_MAX)]
        return tuple(self._commitment(matter, share) for share in shares)

    def _commitment(self, matter: Matter, keys: tuple[str, ...]) -> Entry:
        made = CommitmentMade(
            action_id=self.fact.action_id,
            action_type=self.fact.action_type,
            amount=matter.amount,
            currency=matter.currency,
            at=self.sender.at,
            keys=keys,
        )
        return tuple(map(COMMITMENT.at, keys)), made

    def held(self, past: Past, verdict: Verdict, approval_id: str) -> Decision[Entry]:
        """Park it; what waits already waits on, unless its approval was given and is not enough."""
        state = past.state(ACTION, self.fact.action_id)
        decision = action.hold(
            self._open(state), proposal=self.fact, approval_id=approval_id, reasons=verdict.reasons
        )
        waits = state.stage is action.Stage.AWAITING_APPROVAL and not self.sender.approval_id
        if waits and not isinstance(decision, Refusal):
            because = f"action {self.fact.action_id} waits for approval {state.approval_id}"
            return Refusal("already_held", because)
        return self._tagged(decision)

    def denied(self, past: Past, verdict: Verdict) -> tuple[Entry, ...]:
        """Record a sound proposal that was denied; of an unsound one only the refusal is kept."""
        state = past.state(ACTION, self.fact.action_id)
        if verdict.objections and state.stage is not action.Stage.AWAITING_APPROVAL:
            return ()
        return _facts(self._tagged(action.deny(state, proposal=self.fact, reasons=verdict.reasons)))


def _facts(decision: Decision[Entry]) -> tuple[Entry, ...]:
    return () if isinstance(decision, Refusal) else decision


def _spokesman(actor: Actor, agent_id: str) -> tuple[Objection, ...]:
    if actor.role is Role.AGENT and agent_id != actor.id:
        return (Objection("not_yourself", f"agent {actor.id} cannot propose as {agent_id}"),)
    if actor.role not in _PROPOSERS:
        because = f"{actor} is {actor.role.value}, which does not include proposing actions"
        return (Objection("role_not_permitted", because),)
    return ()


def _payload_of(cmd: ProposeAction) -> tuple[dict[str, Any], tuple[Objection, ...]]:
    """Return the arguments with their defaults spelled out, and what is wrong with them."""
    action_type = ACTION_TYPES.get(cmd.action_type)
    if action_type is None:
        because = f"{cmd.action_type!r} is not an action type: see `bos ask action-types`"
        return cmd.payload, (Objection("unknown_action", because),)
    arguments, problem = checked(action_type, cmd.payload)
    return arguments, (Objection("invalid_payload", problem),) if problem else ()


def _proposal(cmd: ProposeAction, sender: Sender) -> _Proposal:
    """Settle all there is to a proposal before anything is read."""
    actor = sender.actor
    agent_id = cmd.agent_id or (actor.id if actor.role is Role.AGENT else "")
    org_unit_id = cmd.org_unit_id or actor.org_unit_id or ROOT
    action_id = cmd.action_id or sender.new_id("act")
    arguments, flaws = _payload_of(cmd)
    hashed, unwritable = safe_hash(
        action=cmd.action_type,
        payload={
            "payload": arguments,
            "orgUnitId": org_unit_id,
            "agentId": agent_id,
            "reason": cmd.reason,
        },
        actor=actor,
        subject=ACTION.at(action_id),
    )
    fact = ActionProposed(
        action_id=action_id,
        agent_id=agent_id,
        org_unit_id=org_unit_id,
        action_type=cmd.action_type,
        arguments={} if unwritable else arguments,
        reason=cmd.reason,
        payload_hash=hashed,
    )
    return _Proposal(sender, fact, (*_spokesman(actor, agent_id), *flaws, *unwritable))


def _order_of(fact: ActionProposed) -> str:
    kind = ACTION_TYPES.get(fact.action_type)
    return str(fact.arguments.get(kind.subjects.get("order", ""), "")) if kind else ""


def propose_action(cmd: ProposeAction, sender: Sender) -> Plan:
    """Plan a proposal."""
    proposal = _proposal(cmd, sender)
    fact = proposal.fact
    reads: list[tuple[Stream[Any, Any], str]] = [
        (ACTION, fact.action_id),
        (ORG_UNIT, fact.org_unit_id),
    ]
    if fact.agent_id:
        reads.append((AGENT, fact.agent_id))
    if order_id := _order_of(fact):
        reads.append((ORDER, order_id))
    action_type = ACTION_TYPES.get(cmd.action_type)
    return Plan(
        reads=tuple(reads),
        ask=proposal.ask,
        decide=proposal.decide,
        held=proposal.held,
        denied=proposal.denied,
        matter=matter_of(action_type, fact.arguments, is_sound=not proposal.flaws),
        settled=lambda: cmd.model_copy(
            update={
                "action_id": fact.action_id,
                "agent_id": fact.agent_id or None,
                "org_unit_id": fact.org_unit_id,
            }
        ),
    )


class CancelAction(Command):
    """Take an action back before it runs."""

    action_id: Key
    reason: Reason


def cancel_action(cmd: CancelAction, sender: Sender) -> Plan:
    """Plan a withdrawal; an agent may withdraw only what it proposed itself."""

    def foreign(past: Past) -> tuple[Objection, ...]:
        proposal = past.state(ACTION, cmd.action_id).proposal
        actor = sender.actor
        if actor.role is Role.AGENT and (proposal is None or proposal.agent_id != actor.id):
            return (Objection("not_yours", f"{cmd.action_id} is not an action of {actor.id}"),)
        return ()

    key = f"action:{cmd.action_id}"

    def decide(past: Past) -> Decision[Entry]:
        state = past.state(ACTION, cmd.action_id)
        cancelled = tagged(
            ACTION,
            cmd.action_id,
            action.cancel(state, action_id=cmd.action_id, by=str(sender.actor), reason=cmd.reason),
        )
        if isinstance(cancelled, Refusal) or not cancelled:
            return cancelled
        made: tuple[CommitmentMade, ...] = past.state(RESERVATION, key)
        released = ((tuple(map(COMMITMENT.at, each.keys)), release(each)) for each in made)
        return (*cancelled, *released)

    return Errand(
        command=cmd,
        sender=sender,
        permits=_PROPOSERS,
        subject=ACTION.at(cmd.action_id),
        reads=((ACTION, cmd.action_id), (RESERVATION, key)),
        decide=decide,
        objections=foreign,
    ).plan()
