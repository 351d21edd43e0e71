"""Users and tokens: who works here, and which secrets open the door. Never the secrets."""

from typing import Any, Final

from domain.access.token import TOKEN, TokenIssued
from domain.access.user import USER, UserAdded, UserRemoved, UserRoleChanged
from domain.ports import Recorded
from domain.view_store import Column, Kind, Row
from projections.view import View, one_key

USER_COLUMNS: Final = (
    Column("id"),
    Column("name"),
    Column("role", indexed=True),
    Column("status", indexed=True),
)

TOKEN_COLUMNS: Final = (
    Column("id"),
    Column("kind", indexed=True),
    Column("holder", indexed=True),
    Column("status", indexed=True),
    Column("expires_at", Kind.INSTANT),
    Column("issued_by"),
)


def draw_user(row: Row | None, recorded: Recorded, _key: str) -> dict[str, Any] | None:
    """Draw a person as they stand."""
    fact = recorded.fact
    if isinstance(fact, UserAdded):
        return {"id": fact.user_id, "name": fact.name, "role": fact.role, "status": "active"}
    assert row is not None, f"{recorded.type} of a user whom nobody added"
    if isinstance(fact, UserRoleChanged):
        return {**row, "role": fact.role}
    assert isinstance(fact, UserRemoved)
    return {**row, "status": "removed"}


def draw_token(row: Row | None, recorded: Recorded, _key: str) -> dict[str, Any] | None:
    """Draw a token as it stands; whether it has expired is a question of the time of asking."""
    fact = recorded.fact
    if isinstance(fact, TokenIssued):
        return {
            "id": fact.token_id,
            "kind": fact.kind,
            "holder": fact.holder,
            "status": "active",
            "expires_at": fact.expires_at,
            "issued_by": fact.by,
        }
    assert row is not None, f"{recorded.type} of a token that nobody issued"
    return {**row, "status": "revoked"}


USERS: Final = View(
    name="users",
    version=1,
    columns=USER_COLUMNS,
    facts=USER.events,
    keys=one_key("user_id"),
    draw=draw_user,
)

TOKENS: Final = View(
    name="tokens",
    version=1,
    columns=TOKEN_COLUMNS,
    facts=TOKEN.events,
    keys=one_key("token_id"),
    draw=draw_token,
)
