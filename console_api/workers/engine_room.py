"""Engine room: the workers of one process, as threads, or one round of them by hand.

projector    draws whenever the log grows            reactor     follows up each fact
redrawer     draws anew what has changed, beside     timekeeper  looks every second
effects      run what was authorized
Of several processes that draw, one has the shift; the others stand by.
settle       all of them in turn until nothing is left to do: for the command line and for tests
"""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from console_api import interpreter
from console_api.business import Business
from console_api.workers.dispatcher import Dispatcher
from console_api.workers.reactor import Reactor
from console_api.workers.shift import Shift, in_turn
from console_api.workers.timekeeper import Timekeeper
from domain.ports import BrokenWorld

TICK_SECONDS: Final = 1.0
BREATH_SECONDS: Final = 0.05
"""Between two draws, so that a burst of commands is drawn together and not one by one."""
ROUNDS_MAX: Final = 1_000
_log = logging.getLogger(__name__)


class Stopping(BrokenWorld):
    """The process is asked to end, in the middle of long work."""


@dataclass(slots=True)
class EngineRoom:
    """The workers that belong to a running business."""

    business: Business
    effect_threads: int = 4
    lease_seconds: int = 60
    _stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _shifts: list[Shift] = field(default_factory=list)
    _pool: ThreadPoolExecutor | None = None

    def start(self, *, draw: bool = True, work: bool = True) -> None:
        """Start workers as threads of this process: those that draw, those that act, or both."""
        interpreter.tune()
        if draw:
            self._start_drawing()
        if work:
            self._start_work()

    def _start_drawing(self) -> None:
        business = self.business
        drawing = Shift(business.views, business.clock, "drawing")
        self._shifts.append(drawing)
        self._guarded(business.projector.due)  # what is ours is known from the start on

        def draw() -> None:
            while not self._stopping.is_set() and drawing.hold() and business.draw_batch():
                pass

        def redraw() -> None:
            if drawing.hold() and business.projector.due():
                self._redraw()

        self._spawn("projector", self._on_growth(draw, also_every_tick=True))
        self._spawn("redrawer", self._every_tick(redraw, at_once=True))

    def _redraw(self) -> None:
        with in_turn(self.business.views, self.business.clock) as turn:

            def progress(_reached: int, _aim: int) -> None:
                turn.hold()
                if self._stopping.is_set():
                    raise Stopping("what is being drawn anew goes on at the next start")

            if turn.hold():
                self.business.redraw(progress)

    def _start_work(self) -> None:
        self._pool = ThreadPoolExecutor(self.effect_threads, thread_name_prefix="effect")
        reactor = Reactor(self.business)
        dispatcher = Dispatcher(self.business, self.lease_seconds)
        timekeeper = Timekeeper(self.business)

        def react() -> None:
            for action_id in reactor.step():
                self._submit(dispatcher, action_id)

        def sweep() -> None:
            timekeeper.step()
            for action_id in dispatcher.waiting():
                self._submit(dispatcher, action_id)

        self._spawn("reactor", self._on_growth(react))
        self._spawn("timekeeper", self._every_tick(sweep))

    def _submit(self, dispatcher: Dispatcher, action_id: str) -> None:
        if self._pool is not None and not self._stopping.is_set():
            self._pool.submit(self._guarded, lambda: dispatcher.run(action_id))

    def _guarded(self, step: Callable[[], object]) -> bool:
        """Run one step; a broken world is told and tried again, never the end of a worker."""
        try:
            step()
        except BrokenWorld as error:
            _log.warning("%s", error)
            return False
        except Exception:
            _log.exception("a worker met a bug; what it was at stays to be done")
            return False
        return True

    def _on_growth(
        self, step: Callable[[], object], *, also_every_tick: bool = False
    ) -> Callable[[], None]:
        log = self.business.log

        def once(seen: int) -> int:
            """Wait for the log to grow, then take the step; return the position it was taken at."""
            reached = [seen]

            def wait() -> None:
                reached[0] = log.wait(after=seen, timeout_seconds=TICK_SECONDS)

            if not self._guarded(wait):
                self._stopping.wait(TICK_SECONDS)
            head = reached[0]
            if head <= seen and not also_every_tick:
                return head
            if self._guarded(step):
                self._stopping.wait(BREATH_SECONDS)
                return head
            self._stopping.wait(TICK_SECONDS)
            return seen

        def loop() -> None:
            seen = -1
            while not self._stopping.is_set():
                seen = once(seen)

        return loop

    def _every_tick(
        self, step: Callable[[], object], *, at_once: bool = False
    ) -> Callable[[], None]:
        def loop() -> None:
            if at_once:
                self._guarded(step)
            while not self._stopping.wait(TICK_SECONDS):
                self._guarded(step)

        return loop

    def _spawn(self, name: str, loop: Callable[[], None]) -> None:
        thread = threading.Thread(target=loop, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def stop(self) -> None:
        """Let every worker finish what it is at, and no more."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(timeout=10)
        for shift in self._shifts:
            self._guarded(shift.end)
        if self._pool is not None:
            self._pool.shutdown(wait=True)


def settle(business: Business, progress: Callable[[int, int], None] | None = None) -> int:
    """Draw, react, run and expire in turn until nothing is left to do; return the position.

    `progress` is told how many of a round's effects have run, and how many there are.
    """
    reactor, dispatcher, timekeeper = Reactor(business), Dispatcher(business), Timekeeper(business)
    for _ in range(ROUNDS_MAX):
        reactor.step()
        reached = business.draw()
        waiting, done = dispatcher.waiting(), 0
        for number, action_id in enumerate(waiting, 1):
            done += dispatcher.run(action_id)
            if progress is not None:
                progress(number, len(waiting))
        if not done and not timekeeper.step() and business.log.head() == reached:
            return reached
    return business.draw()
