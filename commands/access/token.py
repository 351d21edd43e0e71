"""Requests about tokens. The secret itself never reaches a command: only its SHA-256 does."""

from functools import partial
from typing import Annotated, Final, Literal

from pydantic import Field, StrictInt

from commands.message import Command, Entry, Plan, Sender
from commands.planning import Errand, Key, tagged
from domain.access import token
from domain.access.token import LIFETIME_MAX, TOKEN, TokenIssued
from domain.access.user import USER
from domain.core.principal import MANAGERS, PEOPLE, Role, may_stand_in_for
from domain.core.stream import Decision, Refusal
from domain.governor.verdict import Objection
from domain.kernel.agent import AGENT
from domain.ports import Past

SecretHash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Holder = Annotated[str, Field(pattern=r"^(user|agent):[A-Za-z0-9][A-Za-z0-9._/@-]{0,127}$")]

_ISSUERS: Final = MANAGERS | {Role.SERVICE}


class IssueToken(Command):
    """Let a secret stand for a user or an agent until a time (unix microseconds)."""

    token_id: Key
    kind: Literal["api", "session", "link"] = "api"
    holder: Holder
    secret_hash: SecretHash
    expires_at: StrictInt


def _stranger(past: Past, holder: str, sender: Sender) -> tuple[Objection, ...]:
    """Object to a token for nobody, and to one that stands above whoever issues it."""
    kind, _, key = holder.partition(":")
    if kind == "agent":
        if past.state(AGENT, key).exists:
            return ()
        return (Objection("holder_unknown", f"no agent is called {key}"),)
    role = past.state(USER, key).role
    if role is None:
        return (Objection("holder_unknown", f"no user is called {key}"),)
    issuer = sender.actor.role
    if issuer is Role.SERVICE or role is Role.VIEWER or may_stand_in_for(issuer, role):
        return ()
    return (Objection("role_above_own", f"{sender.actor} cannot issue a token of a {role.value}"),)


def issue_token(cmd: IssueToken, sender: Sender) -> Plan:
    """Plan a new secret."""
    kind, _, key = cmd.holder.partition(":")
    issued = TokenIssued(**cmd.model_dump(), by=str(sender.actor))

    def decide(past: Past) -> Decision[Entry]:
        state = past.state(TOKEN, cmd.token_id)
        return tagged(TOKEN, cmd.token_id, token.issue(state, token=issued, at=sender.at))

    return Errand(
        command=cmd,
        sender=sender,
        permits=_ISSUERS,
        subject=TOKEN.at(cmd.token_id),
        reads=((TOKEN, cmd.token_id), (AGENT if kind == "agent" else USER, key)),
        decide=decide,
        objections=lambda past: _stranger(past, cmd.holder, sender),
    ).plan()


class RevokeToken(Command):
    """Let a secret open nothing any more; anybody may give up their own."""

    token_id: Key


def revoke_token(cmd: RevokeToken, sender: Sender) -> Plan:
    """Plan the end of a secret."""

    def foreign(past: Past) -> tuple[Objection, ...]:
        issued = past.state(TOKEN, cmd.token_id).issued
        own = issued is not None and issued.holder == str(sender.actor)
        if own or sender.actor.role in MANAGERS:
            return ()
        return (Objection("not_yours", f"{cmd.token_id} is not a token of {sender.actor}"),)

    decide = partial(token.revoke, token_id=cmd.token_id, by=str(sender.actor))
    return Errand(
        command=cmd,
        sender=sender,
        permits=PEOPLE | {Role.AGENT},
        subject=TOKEN.at(cmd.token_id),
        reads=((TOKEN, cmd.token_id),),
        decide=lambda past: tagged(TOKEN, cmd.token_id, decide(past.state(TOKEN, cmd.token_id))),
        objections=foreign,
    ).plan()


class FollowLink(Command):
    """Trade a sign-in link, once, for a session."""

    link_id: Key
    session_id: Key
    session_hash: SecretHash


def follow_link(cmd: FollowLink, sender: Sender) -> Plan:
    """Plan a sign-in: the link is used up and the session begins in one append."""

    def decide(past: Past) -> Decision[Entry]:
        link = past.state(TOKEN, cmd.link_id)
        used = token.use_up(link, token_id=cmd.link_id, at=sender.at)
        if isinstance(used, Refusal):
            return used
        assert link.issued is not None
        session = TokenIssued(
            token_id=cmd.session_id,
            kind="session",
            holder=link.issued.holder,
            secret_hash=cmd.session_hash,
            expires_at=sender.at + LIFETIME_MAX["session"],
            by=str(sender.actor),
        )
        begun = token.issue(past.state(TOKEN, cmd.session_id), token=session, at=sender.at)
        first = tagged(TOKEN, cmd.link_id, used)
        second = tagged(TOKEN, cmd.session_id, begun)
        if isinstance(first, Refusal) or isinstance(second, Refusal):
            return second if isinstance(second, Refusal) else first
        return (*first, *second)

    return Errand(
        command=cmd,
        sender=sender,
        permits=frozenset({Role.SERVICE}),
        subject=TOKEN.at(cmd.link_id),
        reads=((TOKEN, cmd.link_id), (TOKEN, cmd.session_id)),
        decide=decide,
    ).plan()
