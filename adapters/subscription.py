"""Subscription: an iterator over the log that is and the log that will be.

bell ──► pull a page after the last position ──► a short queue ──► next()      full? pull later
"""

from typing import TypeVar

from adapters.dcb import (
    RECHECK_SECONDS,
    DCBListenNotifySubscription,
    DCBQuery,
    LogRecorder,
    OperationalError,
)

R = TypeVar("R", bound=LogRecorder, covariant=True)


class LogSubscription(DCBListenNotifySubscription[R]):
    """A subscription that pulls whenever the recorder's bell rings."""

    def __init__(self, recorder: R, query: DCBQuery | None, after: int | None) -> None:
        """Start to pull, and listen."""
        super().__init__(recorder, query, after)
        recorder.listen(self._has_been_notified)
        self._has_been_notified.set()  # for what came between the first pull and listening

    def _pull(self) -> None:
        """Pull on from the last position; a database that is away is asked again when it is back.

        Without this its restart would end the thread, and the iteration with an error.
        """
        while not self._has_been_stopped:
            try:
                return super()._pull()
            except OperationalError:
                self._has_been_notified.clear()
                if not self._has_been_stopped:
                    self._has_been_notified.wait(RECHECK_SECONDS)

    def stop(self) -> None:
        """Stop, also while somebody waits for the next event."""
        super().stop()
        self._recorder.unlisten(self._has_been_notified)
