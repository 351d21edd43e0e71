"""Session: who is at the browser, and whether a form is one that we made for them.

link ──POST──► session cookie ──every request──► the log ──► Actor
form ──► same origin? ──► token = salt + HMAC(salt, session), by a key that dies with the process
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from fastapi import Request, Response

from console_api.access import NotAuthenticated, authenticate
from console_api.business import Business
from domain.core.principal import PEOPLE, Actor

BASE: Final = "/admin/operations-console"
SESSION: Final = "bos_session"
FLASH: Final = "bos_flash"
THEME: Final = "bos_theme"
THEMES: Final = ("light", "dark")
SESSION_SECONDS: Final = 7 * 86_400
THEME_SECONDS: Final = 366 * 86_400
FLASH_SECONDS: Final = 60
FORM_BYTES_MAX: Final = 64_000
FIELDS_MAX: Final = 40
SALT_BYTES: Final = 8


class BadForm(Exception):
    """A form that we did not make, or not for this session; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Seals:
    """What only this process can write: form tokens, and what it tells itself by cookie."""

    key: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def form_token(self, session_id: str) -> str:
        """Return a new token for the forms of a session; no two are alike."""
        salt = secrets.token_hex(SALT_BYTES)
        return salt + self._mac(salt, session_id)

    def is_ours(self, token: str, session_id: str) -> bool:
        """Say whether a form was made here for a session."""
        salt, mac = token[: 2 * SALT_BYTES], token[2 * SALT_BYTES :]
        return hmac.compare_digest(mac.encode(), self._mac(salt, session_id).encode())

    def seal(self, value: object) -> str:
        """Write a value so that a cookie can carry it here and back."""
        text = base64.urlsafe_b64encode(json.dumps(value).encode()).decode()
        return f"{text}.{self._mac('cookie', text)}"

    def open(self, sealed: str) -> object:
        """Read a sealed value; None if it is not ours."""
        text, _, mac = sealed.partition(".")
        if not hmac.compare_digest(mac.encode(), self._mac("cookie", text).encode()):
            return None
        value: object = json.loads(base64.urlsafe_b64decode(text))
        return value

    def _mac(self, salt: str, text: str) -> str:
        return hmac.new(self.key, f"{salt}:{text}".encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person with a session."""

    actor: Actor
    session_id: str


def is_https(request: Request) -> bool:
    """Say whether the browser came by HTTPS (a trusted proxy may say so for it)."""
    return request.url.scheme == "https"


def cookie_name(request: Request) -> str:
    """Return the name of the session cookie; `__Host-` binds it to this very host."""
    return f"__Host-{SESSION}" if is_https(request) else SESSION


def visitor_of(business: Business, request: Request) -> Visitor | None:
    """Return whoever is signed in. Raises `StoreUnavailable`."""
    text = request.cookies.get(cookie_name(request), "")
    try:
        actor = authenticate(business, text, kinds=("session",))
    except NotAuthenticated:
        return None
    if actor.role not in PEOPLE:
        return None
    return Visitor(actor, text.split("_", 2)[1])


def begin(request: Request, response: Response, text: str) -> None:
    """Give the browser its session."""
    _set_cookie(request, response, cookie_name(request), text, SESSION_SECONDS)


def end(request: Request, response: Response) -> None:
    """Take the session cookie away."""
    _set_cookie(request, response, cookie_name(request), "", 0)


def remember_theme(request: Request, response: Response, theme: str) -> None:
    """Let the browser keep its choice of light or dark."""
    _set_cookie(request, response, THEME, theme, THEME_SECONDS)


def tell(request: Request, response: Response, sealed: str) -> None:
    """Let the next page say something, once."""
    _set_cookie(request, response, FLASH, sealed, FLASH_SECONDS if sealed else 0)


def _set_cookie(request: Request, response: Response, name: str, text: str, seconds: int) -> None:
    response.set_cookie(
        name,
        text,
        max_age=seconds,
        path="/",
        secure=is_https(request),
        httponly=True,
        samesite="lax",
    )


def theme_of(request: Request) -> str:
    """Return the theme that the person chose, or nothing: as the system has it."""
    chosen = request.cookies.get(THEME, "")
    return chosen if chosen in THEMES else ""


def check_origin(request: Request) -> None:
    """Refuse what another site sends. Raises `BadForm`."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        ours = site == "same-origin"
    else:
        origin = urlsplit(request.headers.get("origin", "")).netloc
        ours = bool(origin) and origin == request.headers.get("host")
    if not ours:
        raise BadForm("This form came from another site, so nothing was done.")


async def posted(request: Request) -> Mapping[str, str]:
    """Return the fields of a form. Raises `BadForm`."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind != "application/x-www-form-urlencoded":
        raise BadForm("This is not a form of the console, so nothing was done.")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_BYTES_MAX:
            raise BadForm(f"A form holds at most {FORM_BYTES_MAX} bytes, so nothing was done.")
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError:
        raise BadForm("This form cannot be read, so nothing was done.") from None
    return {name: text.replace("\r\n", "\n").replace("\0", "") for name, text in pairs}


def inside(path: str) -> str:
    """Return a place of the console to go to next: the one asked for, if it is one of ours."""
    ours = path == BASE or path.startswith((f"{BASE}/", f"{BASE}?"))
    harmless = path.isprintable() and path.isascii() and "\\" not in path and "//" not in path
    return path if ours and harmless else f"{BASE}/"
