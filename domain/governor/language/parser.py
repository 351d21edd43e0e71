"""Parser: tokens to a tree, by recursive descent with one token of foresight.

condition = every ("||" every)*                  every = relation ("&&" relation)*
relation  = unary [comparison unary | "in" (list | path)]
unary     = "!" unary | "(" condition ")" | constant | list | path | call
call      = "has(" path ")" | "size(" operand ")" | (path | string) ".startsWith(" … ")"
"""

from typing import Final, TypeVar, cast

from domain.governor.language.errors import PolicySyntaxError
from domain.governor.language.lexer import Source, Token, tokens
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
TEXT_FUNCTIONS: Final = ("startsWith", "endsWith", "contains")
STEPS: Final = {  # how many steps a path may take from its root: at least, at most
    "data": (1, PATH_STEPS_MAX),
    "facts": (1, PATH_STEPS_MAX),
    "params": (1, 1),
    "actor": (1, 1),
    **dict.fromkeys(CONTEXT_NAMES, (0, 0)),
}

_CONSTANTS: Final = {"null": None, "true": True, "false": False}
_FUNCTIONS: Final = ", ".join(TEXT_FUNCTIONS)
_ROOTS: Final = ", ".join(STEPS)

_AnyNode = TypeVar("_AnyNode", bound=Node)


def parse(text: str) -> Node:
    """Return the tree of a condition, or raise a PolicySyntaxError for the leftmost mistake."""
    return _Parser(Source(text)).whole()


class _Parser:
    """One run over one text."""

    __slots__ = ("_depth", "_nodes", "_source", "_stream", "_token")

    def __init__(self, source: Source) -> None:
        self._source = source
        self._stream = tokens(source)
        self._token = next(self._stream)
        self._depth = 0
        self._nodes = 0

    def whole(self) -> Node:
        """Parse everything there is."""
        node = self._some()
        if self._token.kind != "end":
            raise self._surprise("an operator or the end")
        return node

    # ── operators ──

    def _some(self) -> Node:
        operands = [self._every()]
        while self._accept("||"):
            operands.append(self._every())
        return operands[0] if len(operands) == 1 else self._count(Some(tuple(operands)))

    def _every(self) -> Node:
        operands = [self._relation()]
        while self._accept("&&"):
            operands.append(self._relation())
        return operands[0] if len(operands) == 1 else self._count(Every(tuple(operands)))

    def _relation(self) -> Node:
        node = self._unary()
        if not self._at_comparison():
            return node
        symbol = self._advance().text
        at = self._token
        right = self._unary()
        if symbol != "in":
            node = self._count(Compare(cast(Comparison, symbol), node, right))
        elif isinstance(right, Path | ListLiteral):
            node = self._count(In(node, right))
        else:
            raise self._error(at, "a list or a path", "in needs a list or a path on its right")
        if self._at_comparison():
            raise self._surprise("&& or ||", "comparisons do not chain, join two of them with &&")
        return node

    def _at_comparison(self) -> bool:
        token = self._token
        return token.text in COMPARISONS or (token.kind == "name" and token.text == "in")

    def _unary(self) -> Node:
        if not (self._at("!") or self._at("(")):
            return self._primary()
        if self._depth == DEPTH_MAX:
            limit = f"at most {DEPTH_MAX} levels"
            raise self._surprise(limit, f"a condition nests {limit} deep")
        self._depth += 1
        node: Node
        if self._advance().text == "!":
            node = self._count(Not(self._unary()))
        else:
            node = self._some()
            self._expect(")", "`)` or an operator")
        self._depth -= 1
        return node

    # ── operands ──

    def _primary(self) -> Node:
        token = self._token
        if token.kind == "number":
            return self._constant()
        if token.kind == "string":
            text = self._constant()
            return self._text_test(text, self._name()) if self._accept(".") else text
        if token.kind == "name":
            return self._named()
        if self._at("["):
            return self._list()
        raise self._surprise("a value")

    def _constant(self) -> Literal:
        token = self._advance()
        value = _CONSTANTS[token.text] if token.kind == "name" else token.value
        return self._count(Literal(value))

    def _list(self) -> ListLiteral:
        self._expect("[")
        items: list[Literal] = []
        while not self._accept("]"):
            if items:
                self._expect(",", "`,` or `]`")
            if len(items) == LIST_ELEMENTS_MAX:
                limit = f"at most {LIST_ELEMENTS_MAX} elements"
                raise self._surprise(limit, f"a list has {limit}")
            if self._token.kind not in ("number", "string") and self._token.text not in _CONSTANTS:
                raise self._surprise("a constant")
            items.append(self._constant())
        return self._count(ListLiteral(tuple(items)))

    def _named(self) -> Node:
        token = self._token
        if token.text in _CONSTANTS:
            return self._constant()
        if token.text in STEPS:
            return self._reference()
        if token.text in ("has", "size", "matches"):
            return self._call()
        hint = f"unknown name {token.text}: a field of the payload is written data.{token.text}"
        raise self._surprise(f"one of {_ROOTS}, has, size", hint)

    def _call(self) -> Node:
        token = self._advance()
        if token.text == "matches":
            raise self._no_function(token)
        self._expect("(")
        if token.text == "has":
            node: Node = Has(self._path("a path"))
        elif self._at("["):
            node = Size(self._list())
        else:
            node = Size(self._text("a path, a string or a list"))
        self._expect(")")
        return self._count(node)

    def _text(self, expected: str) -> Path | Literal:
        return self._constant() if self._token.kind == "string" else self._path(expected)

    def _path(self, expected: str) -> Path:
        token = self._token
        node = self._reference() if token.text in STEPS else None
        if isinstance(node, Path):
            return node
        raise self._error(token, expected, f"expected {expected}, found {_shown(token)}")

    def _reference(self) -> Path | TextTest:
        """Parse a path, and the question about a string that may follow it."""
        root = self._advance().text
        fewest, most = STEPS[root]
        steps: list[str] = []
        while self._at(".") or self._at("["):
            if len(steps) == most and self._at("["):
                raise self._too_many(root, most)
            if self._advance().text == "[":
                steps.append(self._key())
                continue
            name = self._name()
            if self._at("(") and len(steps) >= fewest:
                return self._text_test(self._count(Path(root, tuple(steps))), name)
            if len(steps) == most:
                raise self._too_many(root, most, name)
            steps.append(name.text)
            if root == "actor" and name.text not in ACTOR_FIELDS:
                expected = ", ".join(ACTOR_FIELDS)
                raise self._error(name, expected, f"an actor has these fields: {expected}")
        if len(steps) < fewest:
            raise self._surprise("`.` or `[`", f"{root} needs a field, as in {root}.x")
        return self._count(Path(root, tuple(steps)))

    def _key(self) -> str:
        token = self._token
        if token.kind != "string":
            raise self._surprise("a string", "a field is named by a string, as in data['x']")
        self._advance()
        self._expect("]")
        return str(token.value)

    def _name(self) -> Token:
        token = self._token
        if token.kind != "name":
            raise self._surprise("a name")
        if token.text in KEYWORDS:
            hint = f"{token.text} is a keyword: a field of this name is written ['{token.text}']"
            raise self._surprise("a name", hint)
        return self._advance()

    def _text_test(self, subject: Path | Literal, name: Token) -> TextTest:
        if name.text not in TEXT_FUNCTIONS:
            raise self._no_function(name)
        self._expect("(")
        argument = self._text("a string or a path")
        self._expect(")")
        return self._count(TextTest(cast(TextFunction, name.text), subject, argument))

    # ── tokens and errors ──

    def _at(self, symbol: str) -> bool:
        return self._token.kind == "symbol" and self._token.text == symbol

    def _advance(self) -> Token:
        token = self._token
        self._token = next(self._stream)
        return token

    def _accept(self, symbol: str) -> bool:
        if not self._at(symbol):
            return False
        self._advance()
        return True

    def _expect(self, symbol: str, expected: str = "") -> None:
        if not self._accept(symbol):
            raise self._surprise(expected or f"`{symbol}`")

    def _count(self, node: _AnyNode) -> _AnyNode:
        self._nodes += 1
        if self._nodes > NODES_MAX:
            limit = f"at most {NODES_MAX} nodes"
            raise self._surprise(limit, f"a condition has {limit}")
        return node

    def _error(self, at: Token, expected: str, message: str) -> PolicySyntaxError:
        return self._source.error(at.offset, expected, message)

    def _surprise(self, expected: str, message: str = "") -> PolicySyntaxError:
        found = f"expected {expected}, found {_shown(self._token)}"
        return self._error(self._token, expected, message or found)

    def _too_many(self, root: str, most: int, name: Token | None = None) -> PolicySyntaxError:
        message = (
            f"a path from {root} has at most {most} steps" if most else f"{root} has no fields"
        )
        return self._error(name or self._token, "an operator or the end", message)

    def _no_function(self, name: Token) -> PolicySyntaxError:
        message = f"{name.text} is not available"
        if name.text == "size":
            message = "size is written size(x)"
        return self._error(name, f"one of {_FUNCTIONS}", message)


def _shown(token: Token) -> str:
    """Return a token as an error message shows it."""
    return "the end" if token.kind == "end" else f"`{ascii(token.text)[1:-1][:40]}`"
