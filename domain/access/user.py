"""User: a person, and what they may do here.   added ──► role changed ──► removed"""

from dataclasses import dataclass
from typing import Final, assert_never, get_args

from domain.core.event import event
from domain.core.principal import PEOPLE, Role
from domain.core.stream import Decision, Refusal, Stream


@event("user.added")
class UserAdded:
    """A person works here."""

    user_id: str
    name: str
    role: str


@event("user.role_changed")
class UserRoleChanged:
    """A person may do other things from now on."""

    user_id: str
    role: str
    by: str


@event("user.removed")
class UserRemoved:
    """A person does not work here any more."""

    user_id: str
    by: str


UserEvent = UserAdded | UserRoleChanged | UserRemoved


@dataclass(frozen=True, slots=True)
class User:
    """What the history so far amounts to; `role` is None for strangers."""

    role: Role | None = None


def evolve(state: User, fact: UserEvent) -> User:
    """Take one fact into account."""
    match fact:
        case UserAdded() | UserRoleChanged():
            return User(Role(fact.role))
        case UserRemoved():
            return User()
        case _:
            assert_never(fact)


USER: Final = Stream(
    category="user",
    initial=User(),
    evolve=evolve,
    events=get_args(UserEvent),
    remembered=True,
)

FOUNDER: Final = "founder"
"""The user that every business starts with; it can be neither demoted nor removed."""


def add(state: User, *, user_id: str, name: str, role: str) -> Decision[UserEvent]:
    """Let a person work here."""
    if state.role is not None:
        return Refusal("user_exists", f"user {user_id} exists already")
    if role not in {each.value for each in PEOPLE}:
        return Refusal("role_unknown", f"{role!r} is not a role of people")
    return (UserAdded(user_id=user_id, name=name, role=role),)


def change_role(state: User, *, user_id: str, role: str, by: str) -> Decision[UserEvent]:
    """Let a person do other things."""
    if state.role is None:
        return Refusal("user_unknown", f"no user is called {user_id}")
    if role not in {each.value for each in PEOPLE}:
        return Refusal("role_unknown", f"{role!r} is not a role of people")
    if user_id == FOUNDER:
        return Refusal("last_founder", "the founder cannot be demoted")
    return () if state.role.value == role else (UserRoleChanged(user_id=user_id, role=role, by=by),)


def remove(state: User, *, user_id: str, by: str) -> Decision[UserEvent]:
    """Let a person work here no more."""
    if state.role is None:
        return Refusal("user_unknown", f"no user is called {user_id}")
    if user_id == FOUNDER:
        return Refusal("last_founder", "the founder cannot be removed")
    return (UserRemoved(user_id=user_id, by=by),)
