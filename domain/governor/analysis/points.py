"""Points: of the numbers and of the strings, enough to stand for all of them.

numbers    c1 - 1 · c1 · (c1 + c2)/2 · c2 · c2 + 1            one in every gap between constants
strings    every constant, one in every gap if they are ordered, else one that is no constant;
           with prefixes, suffixes and parts: one for every state of the automaton that reads them
"""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal, localcontext
from itertools import chain, count, islice, pairwise
from typing import Final, TypeAlias

NUMBER_PRECISION: Final = 13_000
"""Digits: the sum of the largest and the smallest number that can be written is still exact."""
TEXT_STATES_MAX: Final = 5_000
_SURROGATES: Final = (0xD800, 0xE000)
_LETTERS: Final = "xyzabcdefghijklmnopqrstuvw0123456789"

Number: TypeAlias = int | Decimal


class TooMany(Exception):
    """There are more points than anybody wants to try."""


@dataclass(slots=True)
class Marks:
    """The constants that the values of some fields are held against; `sizes` are lengths."""

    numbers: set[Decimal] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    ordered: set[str] = field(default_factory=set)
    prefixes: set[str] = field(default_factory=set)
    suffixes: set[str] = field(default_factory=set)
    parts: set[str] = field(default_factory=set)
    sizes: set[int] = field(default_factory=set)
    lists: list[list[object]] = field(default_factory=list)
    members: list[object] = field(default_factory=list)

    @property
    def is_textual(self) -> bool:
        """Say whether strings are read letter by letter."""
        return bool(self.prefixes or self.suffixes or self.parts)


# ── numbers ──


def numbers(constants: Iterable[Decimal], each: int) -> list[Number]:
    """Return every constant, and in every gap `each` numbers: whole ones where there are any."""
    marks = sorted(set(constants))
    with localcontext(prec=NUMBER_PRECISION):
        found: Iterator[Number] = chain[Number](
            marks or [Decimal(0)],
            *(_inside(low, high, each) for low, high in pairwise(marks)),
            (_whole_below(marks[-1]) + 1 + i for i in range(each)) if marks else range(1, each + 1),
            (-_whole_below(-marks[0]) - 1 - i for i in range(each)) if marks else (),
        )
        return [_plain(value) for value in found]


def _inside(low: Decimal, high: Decimal, wanted: int) -> Iterator[Decimal]:
    middle = ((low + high) / 2).to_integral_value()
    first = _whole_below(low) + 1
    whole = [middle] if wanted == 1 and low < middle < high else []
    whole = whole or [v for v in (first + i for i in range(wanted)) if v < high]
    yield from whole
    halves = 1 << wanted.bit_length()
    step = (high - low) / halves
    fresh = (low + step * i for i in range(1, halves))
    yield from islice((v for v in fresh if v not in whole), wanted - len(whole))


def _whole_below(value: Decimal) -> Decimal:
    return value.to_integral_value(ROUND_FLOOR)


def _plain(value: Number) -> Number:
    if isinstance(value, Decimal) and abs(value) < 10**18 and value == value.to_integral_value():
        return int(value)
    return value


# ── strings ──


def strings(marks: Marks, each: int) -> list[str]:
    """Return every constant, and enough others to have each kind of string; may be TooMany."""
    if marks.is_textual or (marks.sizes and marks.ordered):
        return _by_automaton(marks)
    constants = sorted(marks.words | marks.ordered)
    if marks.sizes:
        lengths = (_of_length(size, constants, each) for size in sorted(marks.sizes))
        return [*constants, *chain.from_iterable(lengths)]
    if not marks.ordered:
        fresh = (f"other-{i}" if i else "other" for i in count())
        return [*constants, *islice((w for w in fresh if w not in marks.words), each)]
    bounds: list[str | None] = [*constants, None]
    gaps = (_between(low, high, each) for low, high in pairwise(bounds))
    return [*constants, *_first(constants, each), *chain.from_iterable(gaps)]


def _of_length(size: int, taken: Sequence[str], wanted: int) -> Iterator[str]:
    if size == 0:
        return iter([""])
    fillers = (letter * size for letter in chain(_LETTERS, map(chr, count(0x100))))
    return islice((word for word in fillers if word not in taken), wanted)


def _first(constants: Sequence[str], wanted: int) -> list[str]:
    """Return strings before every constant: the empty one is the first of all strings."""
    if constants[0] == "":
        return []
    return ["", *_between("", constants[0], wanted - 1)]


def _between(low: str | None, high: str | None, wanted: int) -> Iterator[str]:
    """Yield strings in a gap; after `low` comes `low` with a null character, and so on."""
    assert low is not None, "only the last bound is open"
    nice = (low + letter for letter in "0ax")
    ladder = (low + "\0" * i for i in range(1, wanted + 1))
    seen: set[str] = set()
    for word in chain(nice, ladder):
        if len(seen) < wanted and word not in seen and (high is None or word < high):
            seen.add(word)
            yield word


def _by_automaton(marks: Marks) -> list[str]:
    """Return a shortest string for every state that the constants can be told apart by."""
    letters = _alphabet(marks)
    reach = max(marks.sizes, default=0) + 1 if marks.sizes else 0
    tell = _Teller(marks, reach)
    seen = {tell.state(""): ""}
    ahead = deque([""])
    while ahead:
        word = ahead.popleft()
        for letter in letters:
            longer = word + letter
            state = tell.state(longer)
            if state not in seen:
                seen[state] = longer
                ahead.append(longer)
        if len(seen) > TEXT_STATES_MAX:
            raise TooMany
    return list(seen.values())


def _alphabet(marks: Marks) -> list[str]:
    """Return every letter of the constants, and one for each gap between them."""
    constants = (marks.words, marks.ordered, marks.prefixes, marks.suffixes, marks.parts)
    letters = sorted(set("".join(chain.from_iterable(constants))))
    if not marks.ordered:
        other = next(c for c in chain(_LETTERS, map(chr, count(0x100))) if c not in letters)
        return [other, *letters]
    gaps = [_after(letter) for letter in letters if ord(letter) < 0x10FFFF]
    return sorted({*letters, "\0", *gaps})


def _after(letter: str) -> str:
    code = ord(letter) + 1
    return chr(_SURROGATES[1] if _SURROGATES[0] <= code < _SURROGATES[1] else code)


class _Teller:
    """Tells strings apart as far as any continuation of theirs can be told apart."""

    __slots__ = ("_anchored", "_loose", "_marks", "_ordered", "_prefixes", "_reach")

    def __init__(self, marks: Marks, reach: int) -> None:
        self._marks = marks
        self._anchored = sorted(marks.words | marks.ordered | marks.prefixes)
        self._ordered = sorted(marks.ordered)
        self._prefixes = sorted(marks.prefixes)
        self._loose = sorted(marks.suffixes | marks.parts)
        self._reach = reach

    def state(self, word: str) -> object:
        """Return where the automaton stands after a word."""
        anchored = any(each.startswith(word) for each in self._anchored)
        begun: object = word if anchored else self._fallen(word)
        inside = tuple(part in word for part in self._marks.parts)
        return begun, self._tail(word), inside, min(len(word), self._reach)

    def _fallen(self, word: str) -> object:
        rank = bisect_left(self._ordered, word) + bisect_right(self._ordered, word)
        return tuple(word.startswith(each) for each in self._prefixes), rank

    def _tail(self, word: str) -> str:
        longest = max(map(len, self._loose), default=0)
        tails = (word[start:] for start in range(max(0, len(word) - longest), len(word)))
        return next((t for t in tails if any(each.startswith(t) for each in self._loose)), "")
