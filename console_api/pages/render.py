"""Render: templates to pages, with the headers that keep a hostile page harmless.

Everything is escaped unless the template says otherwise, and no template does; the policy lets
no script and no style run that is not a file of ours.
"""

import gzip
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from console_api.pages import wording
from domain.core.instant import SECOND, Instant, moment, written

FOLDER: Final = Path(__file__).parent / "templates"
PACK_BYTES_MIN: Final = 1_000
PACK_LEVEL: Final = 4

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; manifest-src 'self'; require-trusted-types-for 'script'; "
    "trusted-types console-fragment"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
FRESH: Final = {**HEADERS, "Cache-Control": "no-store", "Vary": "Accept-Encoding"}
KEPT: Final = {
    **HEADERS,
    "Cache-Control": "public, max-age=31536000, immutable",
    "Vary": "Accept-Encoding",
}


def html(request: Request, text: str, *, status: int = 200) -> Response:
    """Answer with a page, packed if the browser takes it so."""
    headers, body = dict(FRESH), text.encode()
    if len(body) >= PACK_BYTES_MIN and takes_packed(request):
        headers["Content-Encoding"] = "gzip"
        body = gzip.compress(body, PACK_LEVEL, mtime=0)
    return Response(body, status, headers, media_type="text/html")


def takes_packed(request: Request) -> bool:
    """Say whether a browser takes gzip."""
    return "gzip" in request.headers.get("accept-encoding", "")


def elsewhere(path: str) -> Response:
    """Send the browser to a page by GET, whatever it came with."""
    return RedirectResponse(path, 303, FRESH)


@pass_context
def _seconds(context: Context, text: str) -> float:
    at: Instant = context["at"]
    return (moment(at) - wording.moment_of(text)).total_seconds()


@pass_context
def _ago(context: Context, text: str) -> str:
    return wording.ago(_seconds(context, text))


@pass_context
def _left(context: Context, text: str) -> str:
    return wording.left(-_seconds(context, text))


@pass_context
def _when(context: Context, text: str) -> str:
    """Write an instant on the business's own clock."""
    zone: ZoneInfo = context["zone"]
    return f"{wording.moment_of(text).astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"


def _counted(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def environment() -> Environment:
    """Return the templates, with the words that they may use."""
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "ago": _ago,
        "counted": _counted,
        "flat": wording.flat,
        "iso": written,
        "left": _left,
        "look": wording.look_of,
        "money": wording.money,
        "pretty": wording.pretty,
        "short": wording.short,
        "when": _when,
        "words": wording.words,
    }
    return made


def zone_of(unit: Mapping[str, Any] | None) -> ZoneInfo:
    """Return the clock of the business."""
    return ZoneInfo(unit["settings"]["timezone"]) if unit is not None else ZoneInfo("UTC")


def day_began(at: Instant, zone: ZoneInfo) -> datetime:
    """Return when the day began on the business's clock, as UTC."""
    here = moment(at - at % SECOND).astimezone(zone)
    return here.replace(hour=0, minute=0, second=0).astimezone(UTC)
