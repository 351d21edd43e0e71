"""Tag tips: where each tag was last recorded, so that most guards need no look into the log.

    tips      tag → last position             what was written or caught up since the floor
    floor     no other tag was recorded after it, up to the tip
    tip       the end of the log up to which this is complete, with its hash: the same history

A guard is answered where that follows; else the answer is None, and the log has to be asked.
"""

from collections.abc import Iterable
from typing import Final

from adapters.admission import Guard, Tip

TIPS_MAX: Final = 50_000


class TagTips:
    """What one process knows about the newest events; only to be asked under the writer lock."""

    def __init__(self, tip: Tip, *, tips_max: int = TIPS_MAX) -> None:
        """Know nothing about what was recorded up to here."""
        self.tip = tip
        self._tips_max = tips_max
        self._forget()

    def _forget(self) -> None:
        self._floor = self.tip.position
        self._tips = dict[str, int]()

    def moved(self, guard: Guard) -> bool | None:
        """Tell whether what a guard names was recorded after its position; None: unknown here."""
        if guard.query is not None:
            return None
        answer: bool | None = False
        for tag in guard.tags:
            last = self._tips.get(tag)
            if last is not None and last > guard.after:
                return True
            if last is None and guard.after < self._floor:
                answer = None
        return answer

    def add(self, tip: Tip, tags: Iterable[str]) -> None:
        """Learn of the next event; of all there is to remember, forget it when it is too much."""
        self.tip = tip
        self._tips.update(dict.fromkeys(tags, tip.position))
        if len(self._tips) > self._tips_max:
            self._forget()
