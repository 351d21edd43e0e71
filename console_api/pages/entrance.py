"""Entrance: a one-time link or a person's own token opens a session, which can be given up.

GET /sign-in?link=… ──► a button (so that no preview of a message uses the link up)
POST ──► link used up, or token checked ──► session cookie ──► /
"""

from typing import Final
from urllib.parse import parse_qs, urlsplit

from fastapi import Response

from commands.access.token import RevokeToken
from commands.message import Done
from console_api import access
from console_api.access import DOORKEEPER, Minted, NotAuthenticated
from console_api.business import Business
from console_api.pages import render, session
from console_api.pages.session import BASE, THEMES
from console_api.pages.visit import Visit
from domain.access.token import TOKEN
from domain.core.instant import HOUR
from domain.core.principal import PEOPLE

LINK: Final = ("link",)
TOKEN_SESSION_MAX: Final = 8 * HOUR
DEAD: Final = (
    "This does not sign anybody in: a link works once and within the hour, and a token may have "
    "been revoked. Check that no part is missing, or ask for a new one."
)


def login(visit: Visit) -> Response:
    """Explain how to sign in."""
    if visit.visitor is not None:
        return render.elsewhere(session.inside(visit.asked("next")))
    return _login(visit, next_=visit.asked("next"))


def _login(visit: Visit, *, wrong: str = "", next_: str = "", status: int = 200) -> Response:
    return _door(visit, status=status, wrong=wrong, next_=next_)


def _door(visit: Visit, *, status: int = 200, **words: str) -> Response:
    """Show the door as strangers see it, whoever stands before it."""
    told = {"wrong": "", "next_": "", "link": "", "holder": "", **words}
    return visit.page("login.html", status=status, visitor=None, **told)


def sign_in_page(visit: Visit) -> Response:
    """Show whom a link signs in, without using it up."""
    link = _token_in(visit.asked("link"))
    try:
        actor = access.authenticate(visit.business, link, kinds=LINK)
    except NotAuthenticated:
        return _login(visit, wrong=DEAD, status=403)
    return _door(visit, link=link, holder=actor.id)


def sign_in(visit: Visit) -> Response:
    """Trade a link or a token for a session."""
    secret, next_ = _token_in(visit.form.get("link", "")), visit.form.get("next", "")
    try:
        minted = _session_for(visit.business, secret)
    except NotAuthenticated:
        return _login(visit, wrong=DEAD, next_=next_, status=403)
    response = render.elsewhere(session.inside(next_))
    session.begin(visit.request, response, minted.text)
    return response


def _session_for(business: Business, secret: str) -> Minted:
    """Return a new session: of a link, which is used up, or of a person's API token.

    A token may be revoked while its session goes on, so that session is short.
    """
    actor = access.authenticate(business, secret, kinds=("link", "api"))
    issued = business.state(TOKEN, secret.split("_", 2)[1]).issued
    if actor.role not in PEOPLE:
        raise NotAuthenticated("only people sign in here")
    if issued.kind == "link":
        return access.sign_in(business, secret)
    lifetime = min(TOKEN_SESSION_MAX, issued.expires_at - business.clock())
    minted = access.issue(
        business, holder=str(actor), by=DOORKEEPER, kind="session", lifetime=lifetime
    )
    if not isinstance(minted.receipt, Done):
        raise NotAuthenticated("this token opens no session")
    return minted


def _token_in(text: str) -> str:
    """Return the token in what somebody pasted: the whole link, or only its end."""
    text = text.strip()
    found = parse_qs(urlsplit(text).query).get("link") if "link=" in text else None
    return found[0].strip() if found else text


def sign_out(visit: Visit) -> Response:
    """Give the session up, here and in the log."""
    assert visit.visitor is not None
    visit.business.do(RevokeToken(token_id=visit.visitor.session_id), visit.actor)
    response = render.elsewhere(f"{BASE}/login")
    session.end(visit.request, response)
    return response


def choose_theme(visit: Visit) -> Response:
    """Remember light or dark."""
    chosen = visit.form.get("theme", "")
    response = render.elsewhere(session.inside(visit.form.get("next", "")))
    session.remember_theme(visit.request, response, chosen if chosen in THEMES else "")
    return response
