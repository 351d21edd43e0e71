"""Requests about people."""

from functools import partial
from typing import Literal

from commands.message import Command, Plan, Sender
from commands.planning import Errand, Key, Name, amend, as_objection, tagged
from domain.access import user
from domain.access.user import USER
from domain.core.principal import MANAGERS, Role, may_stand_in_for
from domain.core.stream import Refusal
from domain.governor.verdict import Objection

RoleName = Literal["founder", "admin", "operator", "viewer"]


class AddUser(Command):
    """Let a person work here; nobody gives a role above their own."""

    user_id: Key
    name: Name
    role: RoleName


def _above(sender: Sender, role: str) -> tuple[Objection, ...]:
    asked = Role(role)
    if asked is Role.VIEWER or may_stand_in_for(sender.actor.role, asked):
        return ()
    because = f"{sender.actor} is {sender.actor.role.value} and cannot make a {role}"
    return as_objection(Refusal("role_above_own", because))


def add_user(cmd: AddUser, sender: Sender) -> Plan:
    """Plan a new person."""
    decide = partial(user.add, user_id=cmd.user_id, name=cmd.name, role=cmd.role)
    return Errand(
        command=cmd,
        sender=sender,
        permits=MANAGERS,
        subject=USER.at(cmd.user_id),
        reads=((USER, cmd.user_id),),
        decide=lambda past: tagged(USER, cmd.user_id, decide(past.state(USER, cmd.user_id))),
        objections=lambda _past: _above(sender, cmd.role),
    ).plan()


class ChangeUserRole(Command):
    """Let a person do other things. Only a founder may."""

    user_id: Key
    role: RoleName


def change_user_role(cmd: ChangeUserRole, sender: Sender) -> Plan:
    """Plan a new role."""
    decide = partial(user.change_role, user_id=cmd.user_id, role=cmd.role, by=str(sender.actor))
    permits = frozenset({Role.FOUNDER})
    return amend(cmd, sender, permits=permits, stream=USER, key=cmd.user_id, decide=decide)


class RemoveUser(Command):
    """Let a person work here no more. Only a founder may."""

    user_id: Key


def remove_user(cmd: RemoveUser, sender: Sender) -> Plan:
    """Plan a farewell."""
    decide = partial(user.remove, user_id=cmd.user_id, by=str(sender.actor))
    permits = frozenset({Role.FOUNDER})
    return amend(cmd, sender, permits=permits, stream=USER, key=cmd.user_id, decide=decide)
