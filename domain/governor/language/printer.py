"""Printer: a tree back to text, with as few parentheses as it takes: parse(render(t)) == t.

weakest  ||  <  &&  <  comparison, in  <  !  <  everything else  strongest
"""

import re
from decimal import Decimal
from typing import Final

from domain.governor.language.tree import (
    KEYWORDS,
    Compare,
    Every,
    Has,
    In,
    ListLiteral,
    Literal,
    Node,
    Not,
    Path,
    Scalar,
    Size,
    Some,
    TextTest,
)

_SOME, _EVERY, _RELATION, _UNARY = range(4)
_STRENGTH: Final = {Some: _SOME, Every: _EVERY, Compare: _RELATION, In: _RELATION}
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORDS: Final = {None: "null", True: "true", False: "false"}
_HIDDEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_ESCAPED: Final = re.compile(rf"\\|{_HIDDEN.pattern}")
_ESCAPES: Final = {
    "\\": r"\\",
    "\a": r"\a",
    "\b": r"\b",
    "\f": r"\f",
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
    "\v": r"\v",
}


def render(node: Node) -> str:
    """Return the text of a tree."""
    match node:
        case Some(operands=operands):
            return " || ".join(_within(each, _EVERY) for each in operands)
        case Every(operands=operands):
            return " && ".join(_within(each, _RELATION) for each in operands)
        case Compare():
            return f"{_within(node.left, _UNARY)} {node.symbol} {_within(node.right, _UNARY)}"
        case In():
            return f"{_within(node.item, _UNARY)} in {render(node.container)}"
        case Not():
            return f"!{_within(node.operand, _UNARY)}"
        case _:
            return _operand(node)


def render_path(path: Path) -> str:
    """Return the one way a path is written: `data.amount`, `data['a b'].x`."""
    return path.root + "".join(map(_step, path.steps))


def _within(node: Node, strength: int) -> str:
    text = render(node)
    return f"({text})" if _STRENGTH.get(type(node), _UNARY) < strength else text


def _operand(node: Node) -> str:
    match node:
        case Literal(value=value):
            return _scalar(value)
        case Path():
            return render_path(node)
        case ListLiteral(items=items):
            return f"[{', '.join(map(render, items))}]"
        case Size(of=of):
            return f"size({render(of)})"
        case Has(path=path):
            return f"has({render_path(path)})"
        case TextTest():
            return f"{render(node.subject)}.{node.function}({render(node.argument)})"
        case _:
            raise AssertionError(f"{type(node).__name__} is no node")


def _scalar(value: Scalar) -> str:
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, int):
        return str(value)
    return _decimal(value)


def _decimal(value: Decimal) -> str:
    text = str(value).lower().replace("e+", "e")
    return text if "." in text or "e" in text else f"{text}e0"


def _quoted(text: str) -> str:
    """Quote with whichever quotes need fewer escapes, and raw where that needs none.

    No raw text ends with a backslash: not every implementation of CEL can read that.
    """
    quote = '"' if text.count("'") > text.count('"') else "'"
    if "\\" in text[:-1] and text[-1] != "\\" and quote not in text and not _HIDDEN.search(text):
        return f"r{quote}{text}{quote}"
    return quote + _ESCAPED.sub(_escape, text).replace(quote, f"\\{quote}") + quote


def _escape(found: re.Match[str]) -> str:
    character = found.group()
    code = ord(character)
    escape = f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    return _ESCAPES.get(character, escape)


def _step(name: str) -> str:
    if _NAME.fullmatch(name) and name not in KEYWORDS:
        return f".{name}"
    return f"[{_quoted(name)}]"
