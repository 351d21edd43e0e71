"""Writes: commands, and what people decide. The governor answers every one of them.

request ──► body, key ──► command ──► business.do ──► Done 200 | Held 202 | Refused 403, 409
"""

import inspect
from typing import Annotated, Any, Final, TypeVar

from fastapi import Depends, FastAPI, Request
from pydantic import BaseModel, ValidationError
from starlette.responses import Response

from commands.actions import problems_of
from commands.catalog import COMMANDS
from commands.governor.law import EngageKillSwitch
from commands.message import Command, Done, Held, Receipt, Refused
from console_api import access, desk, receipts
from console_api.business import Business
from console_api.http import describe, schemas
from console_api.http.answers import answer
from console_api.http.caller import Sent, Written
from console_api.http.catalog import BY_NOUN
from console_api.http.describe import ref
from console_api.http.problems import refusal
from console_api.http.reads import WAIT_SECONDS, Identify, Reading
from console_api.http.routing import API, add
from console_api.requests import BadRequest, command_named
from domain.core.instant import SECOND
from domain.core.principal import Actor
from domain.governor.law import EVERYWHERE, LAW
from domain.kernel.org_unit import ROOT
from domain.view_store import Listing, Where

STOPPED_MAX: Final = 500
_M = TypeVar("_M", bound=BaseModel)

COMMAND_ROUTES: Final = {
    "actions": ("proposeAction", "ProposeAction"),
    "kill-switch/release": ("releaseKillSwitch", "ReleaseKillSwitch"),
    "tokens/revoke": ("revokeToken", "RevokeToken"),
}
"""Commands that have a path of their own and answer with their plain receipt."""


class Writing:
    """How the API writes to a business, and what it answers."""

    def __init__(self, business: Business, reading: Reading) -> None:
        """Write to a business."""
        self.business = business
        self.reading = reading

    def do(self, name: str, actor: Actor, sent: Written) -> Receipt:
        """Carry out the command of some name."""
        return self.noted(self.business.do(self.command(name, sent), actor, key=sent.key))

    def command(self, name: str, sent: Written) -> Command:
        """Return the command that was sent. Raises `BadRequest`."""
        return command_named(name, sent.json())

    def noted(self, receipt: Receipt) -> Receipt:
        """Take note of how far the log reaches; a recorded no is raised as a problem."""
        self.reading.watermark.saw(receipt.position)
        if isinstance(receipt, Refused):
            raise refusal(receipt)
        return receipt

    def shown(self, *met: Receipt | None) -> bool:
        """Wait a while until readers see what was done; say whether they do."""
        position = max(each.position for each in met if each is not None)
        self.reading.watermark.saw(position)
        return self.business.reached(position, timeout_seconds=WAIT_SECONDS)


def checked(model: type[_M], wire: dict[str, Any]) -> _M:
    """Return a body that is not one command. Raises `BadRequest`."""
    try:
        return model.model_validate(wire)
    except ValidationError as error:
        raise BadRequest("invalid_request", problems_of(error)) from None


def plain(receipt: Receipt) -> Response:
    """Answer with a receipt alone."""
    return answer(receipts.told(receipt), 202 if isinstance(receipt, Held) else 200)


def add_writes(app: FastAPI, writing: Writing, caller: Identify) -> None:
    """Add every operation that writes."""
    _add_commands(app, writing, caller)
    for route, (operation, name) in COMMAND_ROUTES.items():
        _add_command(app, writing, caller, route, operation, name)
    _add_answer(app, writing, caller)
    _add_incident(app, writing, caller)
    _add_kill_switch(app, writing, caller)
    _add_tokens(app, writing, caller)


def _add_commands(app: FastAPI, writing: Writing, caller: Identify) -> None:
    def do_command(
        request: Request,
        actor: Annotated[Actor, Depends(caller)],
        sent: Sent,
    ) -> Response:
        return plain(writing.do(request.path_params["name"], actor, sent))

    any_command = {"anyOf": [ref(each) for each in COMMANDS.values()]}
    name = describe.path("name", "The command", {"type": "string", "enum": list(COMMANDS)})
    about = describe.write(any_command, schemas.DoneReceipt, name)
    path, summary = f"{API}/commands/{{name}}", "Send any command"
    add(app, "POST", path, do_command, operation="doCommand", summary=summary, about=about)


def _add_command(
    app: FastAPI, writing: Writing, caller: Identify, route: str, operation: str, name: str
) -> None:
    def do_one(actor: Annotated[Actor, Depends(caller)], sent: Sent) -> Response:
        return plain(writing.do(name, actor, sent))

    about = describe.write(ref(COMMANDS[name]), schemas.DoneReceipt)
    summary = inspect.cleandoc(COMMANDS[name].__doc__ or "").partition("\n")[0]
    path = f"{API}/{route}"
    add(app, "POST", path, do_one, operation=operation, summary=summary, about=about)


def _add_answer(app: FastAPI, writing: Writing, caller: Identify) -> None:
    def approve_action(actor: Annotated[Actor, Depends(caller)], sent: Sent) -> Response:
        said = checked(schemas.ApprovalAnswer, sent.json())
        if not said.approved and not (said.reason or said.notes).strip():
            raise BadRequest("reason_missing", "a rejection needs a reason")
        answered = desk.answer(writing.business, actor, key=sent.key, **said.model_dump())
        receipt = writing.noted(answered.receipt)
        if isinstance(receipt, Held):
            return plain(receipt)
        fresh = writing.shown(receipt, answered.resumed)
        row = writing.reading.row(BY_NOUN["Approval"], said.approval_id) if fresh else None
        action = None
        if row is not None and row["context"]["command"] == "ProposeAction":
            action = writing.reading.row(BY_NOUN["Action"], row["entityId"])
        resumed = answered.resumed
        return answer(
            {
                "approval": row,
                "receipt": receipts.told(receipt),
                "resumed": None if resumed is None else receipts.told(resumed),
                "action": action,
            }
        )

    about = describe.write(ref(schemas.ApprovalAnswer), schemas.ApprovalAnswered)
    path, summary = f"{API}/approvals/answer", "Approve or reject what waits for a person"
    add(app, "POST", path, approve_action, operation="approveAction", summary=summary, about=about)


def _add_incident(app: FastAPI, writing: Writing, caller: Identify) -> None:
    def update_incident(actor: Annotated[Actor, Depends(caller)], sent: Sent) -> Response:
        receipt = writing.do("UpdateIncident", actor, sent)
        if isinstance(receipt, Held):
            return plain(receipt)
        incident_id = receipt.subject.partition(":")[2]
        fresh = writing.shown(receipt)
        row = writing.reading.row(BY_NOUN["Incident"], incident_id) if fresh else None
        return answer({"incident": row, "receipt": receipts.told(receipt)})

    about = describe.write(ref(COMMANDS["UpdateIncident"]), schemas.IncidentUpdated)
    path, summary = f"{API}/incidents/update", "Assign an incident, or move it on"
    add(
        app, "POST", path, update_incident, operation="updateIncident", summary=summary, about=about
    )


def _add_kill_switch(app: FastAPI, writing: Writing, caller: Identify) -> None:
    def kill_switch(actor: Annotated[Actor, Depends(caller)], sent: Sent) -> Response:
        command = writing.command("EngageKillSwitch", sent)
        assert isinstance(command, EngageKillSwitch)
        receipt = writing.noted(writing.business.do(command, actor, key=sent.key))
        if isinstance(receipt, Held):
            return plain(receipt)
        writing.shown(receipt)
        stops = writing.business.state(LAW, ROOT).stops
        engagement = stops.get(command.org_unit_id, f"kill-{receipt.command_id}")
        return answer(
            {
                "incidentId": f"inc-{engagement}",
                "position": receipt.position,
                "stopped": _stopped(writing.business, command.org_unit_id),
                "receipt": receipts.told(receipt),
            }
        )

    about = describe.write(ref(EngageKillSwitch), schemas.KillSwitchAnswer)
    path, summary = f"{API}/kill-switch", "Stop everything autonomous"
    add(app, "POST", path, kill_switch, operation="killSwitch", summary=summary, about=about)


def _stopped(business: Business, org_unit_id: str) -> list[dict[str, str]]:
    """Return the org units below a stop, their active agents, and what was about to run."""
    everything = Listing(limit=STOPPED_MAX)
    units = [
        str(row["id"])
        for row in business.views.find("org_units", everything)
        if org_unit_id in (EVERYWHERE, *row["path"])
    ]
    here = Where("org_unit_id", "in", units)
    found = [{"kind": "org_unit", "id": unit} for unit in units]
    for kind, view, status in (("agent", "agents", "active"), ("action", "actions", "authorized")):
        listing = Listing((here, Where("status", "=", status)), limit=STOPPED_MAX)
        found += [{"kind": kind, "id": row["id"]} for row in business.views.find(view, listing)]
    return found


def _add_tokens(app: FastAPI, writing: Writing, caller: Identify) -> None:
    def issue_token(actor: Annotated[Actor, Depends(caller)], sent: Sent) -> Response:
        wanted = checked(schemas.TokenRequest, sent.json())
        minted = access.issue(
            writing.business,
            holder=wanted.holder,
            by=actor,
            kind=wanted.kind,
            lifetime=(wanted.lifetime_seconds or 0) * SECOND,
            key=sent.key,
        )
        receipt = writing.noted(minted.receipt)
        told = {"token": minted.text, "tokenId": minted.token_id, "receipt": receipts.told(receipt)}
        return answer(told, 200 if isinstance(receipt, Done) else 202)

    body = ref(schemas.TokenRequest)
    about = describe.write(body, schemas.TokenIssued, held=False)
    path, summary = f"{API}/tokens", "Issue a secret for a user or an agent"
    add(app, "POST", path, issue_token, operation="issueToken", summary=summary, about=about)
