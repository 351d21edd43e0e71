"""Token: a secret that stands for a user or an agent, kept only as its SHA-256.

issued ──► revoked          kinds: api (for machines), session (a browser), link (signs in once)
   └─────► used up (a link)
"""

from dataclasses import dataclass, replace
from typing import Final, assert_never, get_args

from domain.core.event import event
from domain.core.instant import DAY, MINUTE, Instant
from domain.core.stream import Decision, Refusal, Stream

KINDS: Final = ("api", "session", "link")
LIFETIME_MAX: Final = {"api": 366 * DAY, "session": 7 * DAY, "link": 60 * MINUTE}


@event("token.issued")
class TokenIssued:
    """A secret exists. `holder` is `user:<id>` or `agent:<id>`; `secret_hash` is SHA-256, hex."""

    token_id: str
    kind: str
    holder: str
    secret_hash: str
    expires_at: Instant
    by: str


@event("token.revoked")
class TokenRevoked:
    """A secret opens nothing any more."""

    token_id: str
    by: str


@event("token.used_up")
class TokenUsedUp:
    """A sign-in link was followed, and cannot be followed again."""

    token_id: str


TokenEvent = TokenIssued | TokenRevoked | TokenUsedUp


@dataclass(frozen=True, slots=True)
class Token:
    """What the history so far amounts to."""

    issued: TokenIssued | None = None
    revoked: bool = False


def evolve(state: Token, fact: TokenEvent) -> Token:
    """Take one fact into account."""
    match fact:
        case TokenIssued():
            return Token(fact)
        case TokenRevoked() | TokenUsedUp():
            return replace(state, revoked=True)
        case _:
            assert_never(fact)


TOKEN: Final = Stream(
    category="token",
    initial=Token(),
    evolve=evolve,
    events=get_args(TokenEvent),
    remembered=True,
)


def objection(state: Token, *, at: Instant) -> str:
    """Say why a token opens nothing now, or nothing if it does."""
    if state.issued is None:
        return "this token is unknown"
    if state.revoked:
        return "this token has been revoked"
    if at >= state.issued.expires_at:
        return "this token has expired"
    return ""


def issue(state: Token, *, token: TokenIssued, at: Instant) -> Decision[TokenEvent]:
    """Let a secret stand for somebody, for a while."""
    if state.issued is not None:
        return () if state.issued == token else Refusal("token_exists", "this token exists already")
    if token.kind not in KINDS:
        return Refusal("kind_unknown", f"{token.kind!r} is not one of {', '.join(KINDS)}")
    if not at < token.expires_at <= at + LIFETIME_MAX[token.kind]:
        days = LIFETIME_MAX[token.kind] / DAY
        return Refusal("lifetime_wrong", f"a token of this kind lives at most {days:g} days")
    return (token,)


def revoke(state: Token, *, token_id: str, by: str) -> Decision[TokenEvent]:
    """Let a secret open nothing any more."""
    if state.issued is None:
        return Refusal("token_unknown", f"no token is called {token_id}")
    return () if state.revoked else (TokenRevoked(token_id=token_id, by=by),)


def use_up(state: Token, *, token_id: str, at: Instant) -> Decision[TokenEvent]:
    """Follow a sign-in link, once."""
    if problem := objection(state, at=at):
        return Refusal("link_dead", problem)
    assert state.issued is not None
    if state.issued.kind != "link":
        return Refusal("not_a_link", "this token does not sign in")
    return (TokenUsedUp(token_id=token_id),)
