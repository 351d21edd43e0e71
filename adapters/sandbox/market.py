"""Market: what happens next in the sandbox business.

(seed, tick, time, World) ──► (Sale, …, Proposal, …)      the same again, on every machine
"""

from adapters.sandbox.customers import sales
from adapters.sandbox.desks import proposals
from adapters.sandbox.intents import Intent
from adapters.sandbox.world import World
from domain.core.instant import Instant


def intents(world: World, tick: int, at: Instant) -> tuple[Intent, ...]:
    """Return what customers and agents want in one tick. The world is not changed by asking."""
    return (*sales(world, tick, at), *proposals(world, tick, at))
