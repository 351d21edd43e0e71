"""Parser: tokens to a tree, by recursive descent with one token of foresight.

condition = every ("||" every)*                  every = relation ("&&" relation)*
relation  = unary [comparison unary | "in" (list | path)]
unary     = "!" unary | "(" condition ")" | constant | list | path | call
call      = "has(" path ")" | "size(" operand ")" | (path | string) ".startsWith(" … ")"

docs/reference/policy-language.md has the whole grammar, with the limits.
"""

import re
from typing import Final, TypeVar, cast

from domain.governor.language.cursor import Cursor, shown
from domain.governor.language.errors import PolicySyntaxError
from domain.governor.language.hints import no_operator, unknown_function, unknown_name
from domain.governor.language.lexer import Token
from domain.governor.language.pattern import BadPattern, matcher
from domain.governor.language.source import Source
from domain.governor.language.tree import (
    ACTOR_FIELDS,
    CONTEXT_NAMES,
    KEYWORDS,
    Compare,
    Comparison,
    Every,
    Has,
    In,
    ListLiteral,
    Literal,
    Node,
    Not,
    Path,
    Size,
    Some,
    TextFunction,
    TextTest,
)

DEPTH_MAX: Final = 40
NODES_MAX: Final = 600
LIST_ELEMENTS_MAX: Final = 64
PATH_STEPS_MAX: Final = 40

COMPARISONS: Final = frozenset({"==", "!=", "<", "<=", ">", ">="})
TEXT_FUNCTIONS: Final = ("startsWith", "endsWith", "contains", "matches")
STEPS: Final = {  # how many steps a path may take from its root: at least, at most
    "data": (1, PATH_STEPS_MAX),
    "facts": (1, PATH_STEPS_MAX),
    "params": (1, 1),
    "actor": (1, 1),
    **dict.fromkeys(CONTEXT_NAMES, (0, 0)),
}

_CONSTANTS: Final = {"null": None, "true": True, "false": False}
_CALLED: Final = re.compile(r"\s*+\(")

_AnyNode = TypeVar("_AnyNode", bound=Node)


def parse(text: str) -> Node:
    """Return the tree of a condition, or raise a PolicySyntaxError for the leftmost mistake."""
    return _Parser(Source(text)).whole()


class _Parser(Cursor):
    """The rules of the grammar, a method for each."""

    __slots__ = ("_depth", "_nodes")

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self._depth = 0
        self._nodes = 0

    def whole(self) -> Node:
        """Parse everything there is."""
        node = self._some()
        if self.token.kind != "end":
            raise self._no_operator("an operator or the end")
        return node

    # ── operators ──

    def _some(self) -> Node:
        operands = [self._every()]
        while self.accept("||"):
            operands.append(self._every())
        return operands[0] if len(operands) == 1 else self._count(Some(tuple(operands)))

    def _every(self) -> Node:
        operands = [self._relation()]
        while self.accept("&&"):
            operands.append(self._relation())
        return operands[0] if len(operands) == 1 else self._count(Every(tuple(operands)))

    def _relation(self) -> Node:
        node = self._unary()
        if not self._at_comparison():
            return node
        symbol = self.advance().text
        at = self.token
        if symbol == "in" and self.at("("):
            raise self.surprise("a list or a path", "a list is written in brackets, as in [1, 2]")
        right = self._unary()
        if symbol != "in":
            node = self._count(Compare(cast(Comparison, symbol), node, right))
        elif isinstance(right, Path | ListLiteral):
            node = self._count(In(node, right))
        else:
            raise self.error(at, "a list or a path", "in needs a list or a path on its right")
        if self._at_comparison():
            raise self.surprise("&& or ||", "comparisons do not chain, join two of them with &&")
        return node

    def _at_comparison(self) -> bool:
        token = self.token
        return token.text in COMPARISONS or (token.kind == "name" and token.text == "in")

    def _unary(self) -> Node:
        if not (self.at("!") or self.at("(")):
            return self._primary()
        if self._depth == DEPTH_MAX:
            limit = f"at most {DEPTH_MAX} levels"
            raise self.surprise(limit, f"a condition nests {limit} deep")
        self._depth += 1
        node: Node
        if self.advance().text == "!":
            node = self._count(Not(self._unary()))
        else:
            node = self._some()
            if not self.accept(")"):
                raise self._no_operator("`)` or an operator")
        self._depth -= 1
        return node

    # ── operands ──

    def _primary(self) -> Node:
        token = self.token
        if token.kind == "number":
            return self._constant()
        if token.kind == "string":
            text = self._constant()
            return self._text_test(text, self._name()) if self.accept(".") else text
        if token.kind == "name":
            return self._named()
        if self.at("["):
            return self._list()
        raise self.surprise("a value")

    def _constant(self) -> Literal:
        token = self.advance()
        value = _CONSTANTS[token.text] if token.kind == "name" else token.value
        return self._count(Literal(value))

    def _list(self) -> ListLiteral:
        self.expect("[")
        items: list[Literal] = []
        while not self.accept("]"):
            if items:
                self.expect(",", "`,` or `]`")
            if len(items) == LIST_ELEMENTS_MAX:
                limit = f"at most {LIST_ELEMENTS_MAX} elements"
                raise self.surprise(limit, f"a list has {limit}")
            if self.token.kind not in ("number", "string") and self.token.text not in _CONSTANTS:
                raise self.surprise("a constant")
            items.append(self._constant())
        return self._count(ListLiteral(tuple(items)))

    def _named(self) -> Node:
        token = self.token
        if token.text in _CONSTANTS:
            return self._constant()
        if token.text in STEPS:
            return self._reference()
        if token.text in ("has", "size"):
            return self._call()
        if _CALLED.match(self.source.text, token.offset + len(token.text)):
            raise self.error(token, *unknown_function(token.text, TEXT_FUNCTIONS))
        raise self.error(token, *unknown_name(token.text, tuple(STEPS)))

    def _call(self) -> Node:
        token = self.advance()
        self.expect("(")
        if token.text == "has":
            node: Node = Has(self._path("a path"))
        elif self.at("["):
            node = Size(self._list())
        else:
            node = Size(self._text("a path, a string or a list"))
        self.expect(")")
        return self._count(node)

    def _text(self, expected: str) -> Path | Literal:
        return self._constant() if self.token.kind == "string" else self._path(expected)

    def _path(self, expected: str) -> Path:
        token = self.token
        node = self._reference() if token.text in STEPS else None
        if isinstance(node, Path):
            return node
        raise self.error(token, expected, f"expected {expected}, found {shown(token)}")

    def _reference(self) -> Path | TextTest:
        """Parse a path, and the question about a string that may follow it."""
        root = self.advance().text
        fewest, most = STEPS[root]
        steps: list[str] = []
        while self.at(".") or self.at("["):
            if len(steps) == most and self.at("["):
                raise self._too_many(root, most)
            if self.advance().text == "[":
                steps.append(self._key())
                continue
            name = self._name()
            if self.at("(") and len(steps) >= fewest:
                return self._text_test(self._count(Path(root, tuple(steps))), name)
            if len(steps) == most:
                raise self._too_many(root, most, name)
            steps.append(name.text)
            if root == "actor" and name.text not in ACTOR_FIELDS:
                expected = ", ".join(ACTOR_FIELDS)
                raise self.error(name, expected, f"an actor has these fields: {expected}")
        if len(steps) < fewest:
            raise self.surprise("`.` or `[`", f"{root} needs a field, as in {root}.x")
        return self._count(Path(root, tuple(steps)))

    def _key(self) -> str:
        token = self.token
        if token.kind == "number":
            raise self.surprise("a string", "lists have no positions here: fields are data['x']")
        if token.kind != "string":
            raise self.surprise("a string", "a field is named by a string, as in data['x']")
        self.advance()
        self.expect("]")
        return str(token.value)

    def _name(self) -> Token:
        token = self.token
        if token.kind != "name":
            raise self.surprise("a name")
        if token.text in KEYWORDS:
            hint = f"{token.text} is a keyword: a field of this name is written ['{token.text}']"
            raise self.surprise("a name", hint)
        return self.advance()

    def _text_test(self, subject: Path | Literal, name: Token) -> TextTest:
        if name.text not in TEXT_FUNCTIONS:
            raise self.error(name, *unknown_function(name.text, TEXT_FUNCTIONS))
        self.expect("(")
        if name.text == "matches":
            argument: Path | Literal = self._pattern(name)
        else:
            argument = self._text("a string or a path")
        self.expect(")")
        return self._count(TextTest(cast(TextFunction, name.text), subject, argument))

    def _pattern(self, name: Token) -> Literal:
        token = self.token
        if token.kind != "string":
            raise self.surprise("a string", "a pattern is a string, so that it can be checked now")
        try:
            matcher(str(token.value))
        except BadPattern as problem:
            raise self.error(token, "a pattern of RE2", str(problem)) from problem
        return self._constant()

    # ── limits and errors ──

    def _count(self, node: _AnyNode) -> _AnyNode:
        self._nodes += 1
        if self._nodes > NODES_MAX:
            limit = f"at most {NODES_MAX} nodes"
            raise self.surprise(limit, f"a condition has {limit}")
        return node

    def _too_many(self, root: str, most: int, name: Token | None = None) -> PolicySyntaxError:
        message = (
            f"a path from {root} has at most {most} steps" if most else f"{root} has no fields"
        )
        return self.error(name or self.token, "an operator or the end", message)

    def _no_operator(self, expected: str) -> PolicySyntaxError:
        is_word = self.token.kind != "string"
        hint = no_operator(self.token.text, self.before, TEXT_FUNCTIONS) if is_word else None
        return self.error(self.token, *hint) if hint else self.surprise(expected)
