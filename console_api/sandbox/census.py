"""Census: whose business is this? Only the log says.

founded, nobody has done anything ──► the sandbox may move in
its first department stands       ──► the sandbox lives here, also after a restart
anything else                     ──► somebody's own business: the sandbox stays out
"""

from typing import Final

from adapters.sandbox.company import COMMERCE
from console_api.business import Business
from domain.access.token import TOKEN
from domain.access.user import USER
from domain.core.instant import Instant
from domain.governor.verdict import VERDICT
from domain.kernel.org_unit import ORG_UNIT

FOUNDING: Final = "founding"
"""The command id under which every business is founded."""

PAGE: Final = 500
_HARMLESS: Final = (*VERDICT.events, *USER.events, *TOKEN.events)


def unit_command(department_id: str) -> str:
    """Name the command that creates a department; nobody outside can choose such a name."""
    return f"sandbox-unit-{department_id}"


def opened_at(business: Business) -> Instant | None:
    """Return when the sandbox moved into this business, or None if it never did.

    Raises `StoreUnavailable`.
    """
    events, _head = business.log.read({ORG_UNIT.at(COMMERCE.id): 0})
    opening = unit_command(COMMERCE.id)
    return next(
        (each.occurred_at for each in events if each.causation_id.startswith(opening)), None
    )


def is_sandboxed(business: Business) -> bool:
    """Say whether the sandbox lives in this business. Raises `StoreUnavailable`."""
    return opened_at(business) is not None


def is_untouched(business: Business) -> bool:
    """Say whether a business is founded and nothing but people and tokens was added since.

    A department, an agent, an order, a policy of its own: then it is somebody's business.
    """
    position = 0
    while events := business.log.page(after=position, limit=PAGE):
        for each in events:
            founded = (each.causation_id or each.id).startswith(f"{FOUNDING}:")
            if not founded and not isinstance(each.fact, _HARMLESS):
                return False
        position = events[-1].position
    return position > 0


def may_live_here(business: Business) -> bool:
    """Say whether the sandbox may act in this business. Raises `StoreUnavailable`."""
    return is_sandboxed(business) or is_untouched(business)
