"""Catalog: every stream of the business, in one place. Start reading here."""

from typing import Any, Final

from domain.access.token import TOKEN
from domain.access.user import USER
from domain.core.event import stored_name
from domain.core.stream import Stream
from domain.core.upcast import Upcaster
from domain.governor.approval import APPROVAL
from domain.governor.authority import AUTHORITY
from domain.governor.claim import CLAIM
from domain.governor.digest import DIGEST
from domain.governor.incident import INCIDENT
from domain.governor.law import LAW
from domain.governor.mandate import MANDATE
from domain.governor.override import OVERRIDE
from domain.governor.verdict import VERDICT
from domain.kernel.action import ACTION
from domain.kernel.agent import AGENT
from domain.kernel.commitment import COMMITMENT
from domain.kernel.order import ORDER
from domain.kernel.org_unit import ORG_UNIT
from domain.kernel.outcome import OUTCOME

STREAMS: Final[tuple[Stream[Any, Any], ...]] = (
    ORG_UNIT,
    AGENT,
    ACTION,
    COMMITMENT,
    OUTCOME,
    ORDER,
    LAW,
    VERDICT,
    APPROVAL,
    MANDATE,
    AUTHORITY,
    OVERRIDE,
    DIGEST,
    CLAIM,
    INCIDENT,
    USER,
    TOKEN,
)

EVENTS: Final[dict[str, type]] = {
    stored_name(kind): kind for stream in STREAMS for kind in stream.events
}

UPCASTERS: Final[tuple[Upcaster, ...]] = tuple(
    upcaster for stream in STREAMS for upcaster in stream.upcasters
)
