"""Memory: folded states between decisions; those of long histories also between runs.

recall ──► states and their positions ──► the log is read on from there ──► learn
             └─ or a snapshot, if the log still holds the very event that it ends with
Only what was read from the log is learned, never what is about to be appended: an append that
fails leaves nothing behind. A log that was restored to an earlier day is noticed, and all is
forgotten.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from threading import Lock
from typing import Any, Final, NamedTuple

from domain.core.stream import Stream
from domain.ports import EventStore, Past, Snapshot, Snapshots, StoreUnavailable

REMEMBERED_MAX: Final = 4_096
"""States that are kept; the one that was not used for longest goes first."""
LONG_EVENTS_MIN: Final = 256
"""Events after which a history is worth remembering, whatever its stream."""
SNAPSHOT_EVENTS_MIN: Final = 10_000
"""Events after which a history gets a snapshot, or a newer one."""

Reads = Sequence[tuple[Stream[Any, Any], str]]


class Remembered(NamedTuple):
    """A state, the position of the newest event in it, and its events since the last snapshot."""

    position: int
    state: Any
    unsaved: int


class Recalled(NamedTuple):
    """What is remembered of some histories; `head` is how far the log reached at least by then."""

    states: Mapping[str, Remembered]
    head: int
    era: int


class Memory:
    """Remembers states by the names of their histories. Any thread may use it."""

    def __init__(
        self, snapshots: Snapshots | None = None, *, remembered_max: int = REMEMBERED_MAX
    ) -> None:
        """Start with nothing but what the snapshots hold."""
        self._snapshots = snapshots
        self._max = remembered_max
        self._states: OrderedDict[str, Remembered] = OrderedDict()
        self._lock = Lock()
        self._head = 0
        self._era = 0

    def recall(self, reads: Reads, store: EventStore) -> Recalled:
        """Return what is remembered of some histories."""
        found: dict[str, Remembered] = {}
        with self._lock:
            head, era = self._head, self._era
            for stream, key in reads:
                tag = stream.at(key)
                if known := self._states.get(tag):
                    self._states.move_to_end(tag)
                    found[tag] = known
        if self._snapshots is not None:
            for stream, key in reads:
                tag = stream.at(key)
                if tag not in found and (kept := self._kept(stream, key, store)):
                    found[tag] = kept
                    self._keep(tag, kept, era)
        return Recalled(found, head, era)

    def learn(self, reads: Reads, past: Past, recalled: Recalled) -> None:
        """Remember what is often read, or long, as of the newest event in it."""
        if self._era == recalled.era and past.head > self._head:
            self._head = past.head  # no lock: too high a head costs a second look, no more
        for stream, key in reads:
            tag = stream.at(key)
            newest, before = past.of(tag), recalled.states.get(tag)
            if newest and (stream.remembered or before or len(newest) >= LONG_EVENTS_MIN):
                unsaved = len(newest) + (before.unsaved if before else 0)
                state, last = past.state(stream, key), newest[-1]
                if unsaved >= SNAPSHOT_EVENTS_MIN:
                    self._save(stream, key, Snapshot(last.position, last.digest, state))
                    unsaved = 0
                self._keep(tag, Remembered(last.position, state, unsaved), recalled.era)

    def forget(self) -> None:
        """Forget everything: the log is not the one that was read."""
        with self._lock:
            self._states.clear()
            self._head = 0
            self._era += 1

    def _keep(self, tag: str, known: Remembered, era: int) -> None:
        with self._lock:
            older = self._states.get(tag)
            if era != self._era or (older is not None and older.position >= known.position):
                return
            self._states[tag] = known
            self._states.move_to_end(tag)
            while len(self._states) > self._max:
                self._states.popitem(last=False)

    def _kept(self, stream: Stream[Any, Any], key: str, store: EventStore) -> Remembered | None:
        """Return what a snapshot says, if the log holds the very event that it ends with."""
        assert self._snapshots is not None
        snapshot = None
        with suppress(StoreUnavailable):  # then it is folded from the beginning
            snapshot = self._snapshots.load(stream, key)
        if snapshot is None or snapshot.position < 1:
            return None
        position = snapshot.position
        ends = store.page(after=position - 1, limit=1, upto=position)
        if not ends or ends[0].digest != snapshot.digest or stream.at(key) not in ends[0].tags:
            return None
        return Remembered(position, snapshot.state, 0)

    def _save(self, stream: Stream[Any, Any], key: str, snapshot: Snapshot) -> None:
        if self._snapshots is not None:
            with suppress(StoreUnavailable):  # the next reader of a long history tries again
                self._snapshots.save(stream, key, snapshot)
