"""Requests while a decision is open: questions and answers, escalations, and the daily digest."""

from functools import partial

from commands.kernel.effect import SERVICES
from commands.message import Command, Plan, Sender
from commands.planning import Key, Name, Reason, Text, amend
from domain.core.principal import DESK, EVERYONE
from domain.governor import approving, digest
from domain.governor.approval import APPROVAL
from domain.governor.digest import DIGEST


class RequestInformation(Command):
    """Ask whoever requested something for more before deciding; the clock keeps running."""

    approval_id: Key
    question: Reason


def request_information(cmd: RequestInformation, sender: Sender) -> Plan:
    """Plan a question."""
    decide = partial(
        approving.ask,
        approval_id=cmd.approval_id,
        by=sender.actor,
        question=cmd.question,
        at=sender.at,
    )
    return amend(cmd, sender, permits=DESK, stream=APPROVAL, key=cmd.approval_id, decide=decide)


class GiveInformation(Command):
    """Answer what was asked about a request."""

    approval_id: Key
    text: Reason


def give_information(cmd: GiveInformation, sender: Sender) -> Plan:
    """Plan an answer; whoever requested it may give one, and anybody at the desk."""
    decide = partial(
        approving.inform,
        approval_id=cmd.approval_id,
        by=sender.actor,
        text=cmd.text,
        at=sender.at,
    )
    return amend(cmd, sender, permits=EVERYONE, stream=APPROVAL, key=cmd.approval_id, decide=decide)


class EscalateApproval(Command):
    """Tell a role that a request waits, by a step of the ladder."""

    approval_id: Key
    step: int


def escalate_approval(cmd: EscalateApproval, sender: Sender) -> Plan:
    """Plan a step of the ladder."""
    decide = partial(approving.escalate, approval_id=cmd.approval_id, step=cmd.step, at=sender.at)
    return amend(cmd, sender, permits=SERVICES, stream=APPROVAL, key=cmd.approval_id, decide=decide)


class TellDigest(Command):
    """Tell people what waits for them, once on a day of the business's clock."""

    day: Name
    waiting: int
    text: Text


def tell_digest(cmd: TellDigest, sender: Sender) -> Plan:
    """Plan the digest of a day."""
    decide = partial(digest.tell, day=cmd.day, waiting=cmd.waiting, text=cmd.text)
    return amend(cmd, sender, permits=SERVICES, stream=DIGEST, key=cmd.day, decide=decide)
