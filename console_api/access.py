"""Access: who somebody is, from the secret they show.

bos_<token id>_<secret> ──► the token's history in the log ──► still good? ──► Actor
A token is 256 random bits, kept as SHA-256; roles are read from the log at every request, so a
change of role, a removal or a revocation counts from the next request on.
"""

from dataclasses import dataclass
from typing import Final

from adapters.ids import new_secret, same_hash, secret_hash
from commands.access.token import FollowLink, IssueToken
from commands.message import Done, Receipt, Refused
from console_api.business import Business
from domain.access import token
from domain.access.token import LIFETIME_MAX, TOKEN
from domain.access.user import USER
from domain.core.instant import Instant
from domain.core.principal import Actor, Role
from domain.kernel.agent import AGENT

PREFIX: Final = "bos"
TEXT_MAX: Final = 256
CATEGORIES: Final = frozenset({TOKEN.category, USER.category})
"""What happens to these may change what a secret opens: whoever is inside is looked at again."""
DOORKEEPER: Final = Actor("doorkeeper", Role.SERVICE)


class NotAuthenticated(Exception):
    """Nobody is known by this secret; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Minted:
    """A new secret, shown once, and what became of the request for it."""

    text: str
    token_id: str
    receipt: Receipt


def authenticate(business: Business, text: str, *, kinds: tuple[str, ...] = ("api",)) -> Actor:
    """Return whoever a secret stands for. Raises `NotAuthenticated`, `StoreUnavailable`."""
    token_id, secret = _parts(text)
    state = business.state(TOKEN, token_id)
    issued = state.issued
    expected = issued.secret_hash if issued is not None else secret_hash("")
    genuine = same_hash(secret_hash(secret), expected)
    if issued is None or not genuine or issued.kind not in kinds:
        raise NotAuthenticated("this token is not valid: issue one with `bos tokens issue`")
    if problem := token.objection(state, at=business.clock()):
        raise NotAuthenticated(f"{problem}: issue a new one with `bos tokens issue`")
    return actor_named(business, issued.holder)


def _parts(text: str) -> tuple[str, str]:
    prefix, _, rest = text.partition("_")
    token_id, _, secret = rest.partition("_")
    if prefix != PREFIX or not token_id or not secret or len(text) > TEXT_MAX:
        raise NotAuthenticated("this is not a token: a token looks like bos_<id>_<secret>")
    if not text.isascii() or not text.isprintable():
        raise NotAuthenticated("a token has only letters, digits, - and _")
    return token_id, secret


def actor_named(business: Business, name: str) -> Actor:
    """Return a known principal: `user:ada`, `agent:support`, or just `ada`.

    Raises `NotAuthenticated` for strangers; a disabled agent is known, and refused later on.
    """
    kind, _, key = name.rpartition(":")
    if not key or len(name) > TEXT_MAX:
        raise NotAuthenticated("a principal is named user:<id> or agent:<id>")
    if kind == "agent":
        agent = business.state(AGENT, key)
        if agent.exists:
            return Actor(key, Role.AGENT, agent.org_unit_id)
    elif kind in ("user", ""):
        role = business.state(USER, key).role
        if role is not None:
            return Actor(key, role)
    raise NotAuthenticated(f"nobody here is called {name!r}: see `bos ask users` or `agents`")


def issue(
    business: Business,
    *,
    holder: str,
    by: Actor,
    kind: str = "api",
    lifetime: Instant = 0,
    key: str = "",
) -> Minted:
    """Make a secret for somebody, one for each key. It is shown once and kept nowhere."""
    token_id, secret = business.ids(), new_secret()
    command = IssueToken.model_validate(
        {
            "tokenId": token_id,
            "kind": kind,
            "holder": holder,
            "secretHash": secret_hash(secret),
            "expiresAt": business.clock() + (lifetime or LIFETIME_MAX[kind]),
        }
    )
    return Minted(f"{PREFIX}_{token_id}_{secret}", token_id, business.do(command, by, key=key))


def sign_in(business: Business, link: str) -> Minted:
    """Trade a sign-in link, once, for a session. Raises `NotAuthenticated`."""
    authenticate(business, link, kinds=("link",))
    link_id, _secret = _parts(link)
    session_id, secret = business.ids(), new_secret()
    command = FollowLink(link_id=link_id, session_id=session_id, session_hash=secret_hash(secret))
    receipt = business.do(command, DOORKEEPER)
    if not isinstance(receipt, Done):
        reasons = receipt.reasons if isinstance(receipt, Refused) else ("it was held",)
        raise NotAuthenticated("; ".join(reasons))
    return Minted(f"{PREFIX}_{session_id}_{secret}", session_id, receipt)
