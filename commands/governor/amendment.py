"""Requests to change what waits: the old request ends, and another is asked in its place."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from commands.actions import ACTION_TYPES, checked, problems_of
from commands.governor.approval import waiting
from commands.message import Command, Entry, Plan, Reads, Sender
from commands.planning import Errand, Key, Name, tagged
from commands.record import request_of
from domain.core.principal import DESK
from domain.core.stream import Decision, Refusal
from domain.governor import approving
from domain.governor.approval import APPROVAL, ApprovalRequested
from domain.kernel import action
from domain.kernel.action import ACTION
from domain.ports import Past

Commands = Mapping[str, type[Command]]


class AmendRequest(Command):
    """Ask for something else in the place of what waits, as whoever asked for it.

    `payload` are the new arguments of an action, all of them; of any other command the fields
    that change.
    """

    approval_id: Key
    payload_hash: Name
    payload: dict[str, Any]


def amend_request(cmd: AmendRequest, sender: Sender, commands: Commands) -> Plan:
    """Plan an amendment. What is asked instead is sent as a command of its own, judged anew."""

    def then(past: Past) -> Reads:
        action_id = waiting(past, cmd.approval_id)
        return ((ACTION, action_id),) if action_id else ()

    def decide(past: Past) -> Decision[Entry]:
        state = past.state(APPROVAL, cmd.approval_id)
        wanted: dict[str, Any] | Refusal = {}
        if state.request is not None:
            wanted = _rewritten(state.request, cmd.payload, commands)
        if refusal := approving.objection_to_deciding(state, by=sender.actor):
            return refusal
        if isinstance(wanted, Refusal):
            return wanted
        decision = approving.amend(
            state,
            approval_id=cmd.approval_id,
            by=sender.actor,
            payload_hash=cmd.payload_hash,
            request=wanted,
            at=sender.at,
        )
        entries = tagged(APPROVAL, cmd.approval_id, decision)
        if isinstance(entries, Refusal):
            return entries
        return (*entries, *_withdrawn(past, cmd.approval_id, sender))

    return Errand(
        command=cmd,
        sender=sender,
        permits=DESK,
        subject=APPROVAL.at(cmd.approval_id),
        reads=((APPROVAL, cmd.approval_id),),
        then=then,
        decide=decide,
    ).plan()


def _rewritten(
    request: ApprovalRequested, payload: dict[str, Any], commands: Commands
) -> dict[str, Any] | Refusal:
    """Return the parked command with another payload, or what is wrong with it."""
    wire: dict[str, Any] = {
        name: value for name, value in request.request.items() if name != "command"
    }
    if request.command == "ProposeAction":
        arguments, problem = checked(ACTION_TYPES[request.action], payload)
        if problem:
            return Refusal("invalid_payload", problem)
        if arguments == checked(ACTION_TYPES[request.action], wire["payload"])[0]:
            return Refusal("nothing_changed", "this is what is asked already")
        wire |= {"payload": payload, "actionId": None}
    else:
        wire |= payload
    try:
        written = request_of(commands[request.command].model_validate(wire))
    except ValidationError as error:
        return Refusal("invalid_payload", f"{request.command}: {problems_of(error)}")
    if "unwritable" in written:
        return Refusal("invalid_payload", f"{request.command}: this cannot be written as JSON")
    return written


def _withdrawn(past: Past, approval_id: str, sender: Sender) -> tuple[Entry, ...]:
    """Take back the action that waited; the one that is asked instead has a name of its own."""
    action_id = waiting(past, approval_id)
    if not action_id or past.state(ACTION, action_id).approval_id != approval_id:
        return ()
    state, by = past.state(ACTION, action_id), str(sender.actor)
    ended = action.cancel(state, action_id=action_id, by=by, reason="amended")
    entries = tagged(ACTION, action_id, ended)
    return () if isinstance(entries, Refusal) else entries
