"""Compare: is a live picture what the log says? It is drawn anew beside, and never swapped.

live rows ──► digests ┐
log ──► drawn anew ───┴─► the rows that differ          memory holds digests, not rows
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from domain.ports import Clock, Conflict, EventStore
from domain.view_store import Edition, Row, ViewStore
from projections.engine.batches import Progress, silent
from projections.engine.beside import Sketch, draw_together
from projections.engine.projector import Projector
from projections.view import View

COMPARISONS_TRIED_MAX: Final = 5
DIFFERENCES_MAX: Final = 20
DIGEST_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a live picture compares with the same picture drawn anew."""

    view: str
    position: int
    rows: int
    differences: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Say whether both are the same, row by row and column by column."""
        return not self.differences


def compare(
    view: View,
    *,
    log: EventStore,
    views: ViewStore,
    clock: Clock,
    progress: Progress = silent,
) -> Comparison:
    """Draw a picture anew as of the live one's position, and say where they differ.

    Raises `Conflict` if the live one moves on each time that it is looked at.
    """
    for _ in range(COMPARISONS_TRIED_MAX):
        Projector([view], log, views, clock).draw()
        live = views.live(view.name)
        assert live is not None, "what was drawn is live"
        stored = dict(_digests(view, views.rows(live)))
        moved = views.live(view.name)
        if moved is not None and (moved.table, moved.position) == (live.table, live.position):
            sketch = Sketch(view, views.begin(view.shape), log, views, clock)
            draw_together([sketch], log=log, upto=live.position, progress=progress)
            differences = tuple(_differences(view, live, stored, sketch.edition, views))
            views.discard(sketch.edition)
            return Comparison(view.name, live.position, len(stored), differences)
    raise Conflict(f"{view.name} moved on while it was compared: compare again")


def _differences(
    view: View, live: Edition, stored: Mapping[str, bytes], fresh: Edition, views: ViewStore
) -> Iterator[str]:
    """Name the first rows that are not the same."""
    again = dict(_digests(view, views.rows(fresh)))
    differing = sorted(
        key for key in stored.keys() | again.keys() if stored.get(key) != again.get(key)
    )[:DIFFERENCES_MAX]
    before, after = views.load(live, differing), views.load(fresh, differing)
    for key in differing:
        yield f"{key}: live {before.get(key)}, rebuilt {after.get(key)}"


def _digests(view: View, rows: Iterator[Row]) -> Iterator[tuple[str, bytes]]:
    for row in rows:
        told = repr(_plain(row)).encode(errors="surrogatepass")
        digest = hashlib.blake2b(told, digest_size=DIGEST_BYTES).digest()
        yield str(row[view.shape.key]), digest


def _plain(value: Any) -> Any:
    """Return a value in a form that is the same for equal values: 1.50 is 1.5."""
    if isinstance(value, Mapping):
        return sorted((key, _plain(each)) for key, each in value.items())
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Decimal) and value.is_finite():
        return format(value.normalize(), "f") if value else "0"
    return value
