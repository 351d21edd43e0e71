"""given(facts).when(decider, …).then(facts): the shape of every test of a decider."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Concatenate, Generic, ParamSpec, TypeVar

from domain.core.stream import Decision, Refusal, Stream

S = TypeVar("S")
E = TypeVar("E")
P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Answer(Generic[E]):
    """What a decider answered, to be compared with what it should have."""

    decision: Decision[E]

    def then(self, *facts: E) -> None:
        """These facts, in this order, and no more."""
        assert facts, "use then_nothing() to say that nothing follows"
        assert self.decision == facts

    def then_nothing(self) -> None:
        """It is so already."""
        assert self.decision == ()

    def then_refused(self, code: str) -> None:
        """No, for this reason, in a sentence that a person can read."""
        assert isinstance(self.decision, Refusal), self.decision
        assert self.decision.code == code
        assert self.decision.because


@dataclass(frozen=True, slots=True)
class Given(Generic[S, E]):
    """A history, before anything is asked."""

    stream: Stream[S, E]
    history: tuple[E, ...]

    def when(
        self,
        decide: Callable[Concatenate[S, P], Decision[E]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Answer[E]:
        """Ask a decider about what the history amounts to."""
        return Answer(decide(self.stream.fold(self.history), *args, **kwargs))


def spec(stream: Stream[S, E]) -> Callable[..., Given[S, E]]:
    """Return `given` for the histories of one stream."""

    def given(*history: E) -> Given[S, E]:
        return Given(stream, history)

    return given
