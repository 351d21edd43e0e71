"""Group commit: appends that come while another one is written are written together, next.

    append ─► queue ─► nobody leads?  lead: take the queue ─► one transaction ─► tell each its own
                       somebody does  sleep until told, or until the lead is handed over

    leader:  … commit ─► let go of the lead ─► wake the next leader ─► wake its followers

Only two kinds of threads are ever woken: those that are done, and the one at the queue's head. So
there is no convoy behind a lock, and the log never waits for somebody to notice his turn.

If a group fails, each of its requests is written in a transaction of its own: a bad one harms
nobody else. If the world fails (OperationalError), each caller hears so, and its ids tell what
happened. Nobody depends on a leader's health: the lead is a lock that the interpreter itself lets
go of, and who sleeps looks up now and then. What an interrupted leader had in hand is asked again
if it has ids, so that it is written once in any case; else it is told as unknown.
"""

from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Lock
from time import monotonic
from typing import Final

from adapters.admission import GroupRecorder, Request, admit
from adapters.dcb import (
    RECHECK_SECONDS,
    DCBAppendCondition,
    DCBEvent,
    IntegrityError,
    InterfaceError,
    OperationalError,
)

GROUP_EVENTS_MAX: Final = 1_000  # a single request may be as large as it likes, but then alone
GROUP_BYTES_MAX: Final = 4_000_000

Settle = Callable[[Sequence[Request]], Sequence[int | IntegrityError]]


class QueuedRecorder(GroupRecorder):
    """A recorder whose appends share transactions."""

    def __init__(self, *, patience_seconds: float) -> None:
        """Start with an empty queue, in which nobody waits for longer than this."""
        super().__init__()
        self._commits = GroupCommit(self.append_group, patience_seconds)

    def append(
        self, events: Sequence[DCBEvent], condition: DCBAppendCondition | None = None
    ) -> int:
        """Add events together, or raise what stands against it."""
        return self._commits.append(admit(events, condition))

    @abstractmethod
    def append_group(self, requests: Sequence[Request]) -> list[int | IntegrityError]:
        """Settle some requests in order, in one transaction: a position or a refusal for each."""


class Caller:
    """A thread with a request, and how it is told."""

    __slots__ = ("bell", "outcome", "request", "taken")

    def __init__(self, request: Request) -> None:
        """Start with a request that nobody has in hand."""
        self.request = request
        self.taken = False
        self.outcome: int | Exception | None = None
        self.bell = SimpleQueue[None]()  # whatever it holds means: look again


class GroupCommit:
    """The queue before a log, led by whoever comes while nobody leads."""

    def __init__(self, settle: Settle, patience_seconds: float) -> None:
        """Start empty; `settle` writes one group in one transaction."""
        self._settle = settle
        self._patience_seconds = patience_seconds
        self._queue = deque[Caller]()
        self._leading = Lock()

    def append(self, request: Request) -> int:
        """Return the position where a request ended, or raise what stands against it."""
        mine = Caller(request)
        until = monotonic() + self._patience_seconds
        try:
            self._queue.append(mine)
            while mine.outcome is None:
                if self._leading.locked():
                    self._sleep(mine, until)
                else:
                    self._lead(mine)
        except BaseException:
            self._withdrawn(mine)
            self._wake([])
            raise
        if isinstance(mine.outcome, int):
            return mine.outcome
        try:
            raise mine.outcome
        finally:
            del mine  # else the error, its trace and this frame would hold each other

    def _sleep(self, mine: Caller, until: float) -> None:
        """Wait to be told or to lead; after all patience, only for what is being written."""
        left = until - monotonic()
        if left <= 0 and self._withdrawn(mine):
            raise OperationalError(f"no turn to write within {self._patience_seconds} seconds")
        with suppress(Empty):
            mine.bell.get(timeout=min(left, RECHECK_SECONDS) if left > 0 else RECHECK_SECONDS)

    def _lead(self, mine: Caller) -> None:
        group: list[Caller] = []
        try:
            with self._leading:  # in C: no interruption can come between taking and minding it
                if mine.taken:
                    self._ask_again(mine)
                if mine.outcome is None:
                    self._take(group)
                    self._tell(group)
        finally:
            self._wake(group)

    def _ask_again(self, mine: Caller) -> None:
        """Nobody leads, so whoever took this request and told nothing was interrupted."""
        if mine.outcome is not None:
            return
        if mine.request.ids:
            mine.taken = False
            if mine not in self._queue:
                self._queue.append(mine)
        else:
            mine.outcome = OperationalError(
                "the thread that wrote this append was interrupted: whether it happened is unknown"
            )

    def _take(self, group: list[Caller]) -> None:
        events = size = 0
        for caller in self._queue.copy():
            request, alone = caller.request, _stands_alone(caller.request)
            events += len(request.events)
            size += sum(len(event.data) for event in request.events)
            if group and (alone or events > GROUP_EVENTS_MAX or size > GROUP_BYTES_MAX):
                return
            caller.taken = True
            if self._withdrawn(caller):  # else it has just withdrawn itself
                group.append(caller)
                if alone:
                    return

    def _tell(self, group: Sequence[Caller]) -> None:
        """Settle a group, and say to each how its own request ended."""
        if not group:
            return
        try:
            outcomes = self._settle([caller.request for caller in group])
        except (InterfaceError, OperationalError) as broken:
            for caller in group:
                caller.outcome = _own(broken)
        except Exception as failure:
            if len(group) == 1:
                group[0].outcome = failure
            else:
                self._tell_one_by_one(group)
        else:
            for caller, outcome in zip(group, outcomes, strict=True):
                caller.outcome = outcome

    def _tell_one_by_one(self, group: Sequence[Caller]) -> None:
        for nth, caller in enumerate(group):
            self._tell([caller])
            if isinstance(caller.outcome, InterfaceError | OperationalError):
                for other in group[nth + 1 :]:
                    other.outcome = _own(caller.outcome)
                return

    def _withdrawn(self, caller: Caller) -> bool:
        """Take a request out of the queue, if it is still there: of two who try, one succeeds."""
        try:
            self._queue.remove(caller)
        except ValueError:
            return False
        return True

    def _wake(self, told: Sequence[Caller]) -> None:
        with suppress(IndexError):
            if not self._leading.locked():
                self._queue[0].bell.put(None)
        for caller in told:
            caller.bell.put(None)


def _stands_alone(request: Request) -> bool:
    """Whether its guard may take long: nobody else should wait for that, or time out with it."""
    return request.guard is not None and request.guard.query is not None


def _own(error: Exception) -> Exception:
    """Return an error like this one; threads that raise the same one would mix their traces."""
    own = type(error)(*error.args)
    own.__cause__ = error
    return own
