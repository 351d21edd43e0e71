"""General queries in SQL: from items of types and tags to the positions that match.

    item (tags)         event_tags by the rarest tag ─► its other tags, its types: one look-up each
    item (types only)   one walk along events_by_type for each type
    items               UNION, in order, cut at the limit

A broad tag never leads where a rarer one stands beside it: that is 400 ms against 1.
"""

import sqlite3
from typing import Final

from adapters.admission import legs
from adapters.dcb import DCBQuery, DCBQueryItem

PROBE_ROWS_MAX: Final = 256
NO_LIMIT: Final = -1
EVERYTHING: Final = "SELECT position FROM events WHERE position > ? ORDER BY position LIMIT ?"
BY_TYPE: Final = (
    "SELECT position FROM events WHERE type = ? AND position > ? ORDER BY position LIMIT ?"
)
PROBE: Final = (
    "SELECT count(*), -coalesce(max(position), 0) FROM"
    " (SELECT position FROM event_tags WHERE tag = ? AND position > ? ORDER BY position LIMIT ?)"
)

Statement = tuple[str, list[str | int]]


def matching(cursor: sqlite3.Cursor, query: DCBQuery, after: int, limit: int | None) -> Statement:
    """Return a SELECT of the first positions after one that match any item, ascending."""
    cut = NO_LIMIT if limit is None else limit
    if any(not item.tags and not item.types for item in query.items) or not query.items:
        return EVERYTHING, [after, cut]
    statements = [_leg(cursor, leg, after, cut) for leg in legs(query)]
    union = " UNION ".join(f"SELECT position FROM ({sql})" for sql, _ in statements)
    parameters = [parameter for _, parameters in statements for parameter in parameters]
    return f"SELECT position FROM ({union}) ORDER BY position LIMIT ?", [*parameters, cut]


def _leg(cursor: sqlite3.Cursor, item: DCBQueryItem, after: int, cut: int) -> Statement:
    if not item.tags:
        return BY_TYPE, [item.types[0], after, cut]
    first, *others = _rarest_first(cursor, item.tags, after)
    joins, parameters = "", list[str | int]()
    for nth, tag in enumerate(others):
        # CROSS JOIN: SQLite keeps this order.
        joins += f" CROSS JOIN event_tags t{nth} ON t{nth}.tag = ? AND t{nth}.position = d.position"
        parameters.append(tag)
    if item.types:
        among = ", ".join("?" * len(item.types))
        joins += f" CROSS JOIN events e ON e.position = d.position AND e.type IN ({among})"
        parameters += item.types
    return (
        f"SELECT d.position FROM event_tags d{joins}"
        " WHERE d.tag = ? AND d.position > ? ORDER BY d.position LIMIT ?",
        [*parameters, first, after, cut],
    )


def _rarest_first(cursor: sqlite3.Cursor, tags: list[str], after: int) -> list[str]:
    """Return tags by how often they stand behind a position, looking at a few rows of each.

    Of two tags that fill the probe, the one that needed more of the log to do so is rarer.
    """
    if len(tags) == 1:
        return tags

    def rarity(tag: str) -> tuple[int, int]:
        row: tuple[int, int] = cursor.execute(PROBE, (tag, after, PROBE_ROWS_MAX)).fetchone()
        return row

    return sorted(set(tags), key=rarity)
