"""Laws of the codec: every fact in the catalog comes back from its bytes as it was."""

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.codec import Codec, UnknownEvent
from domain.catalog import EVENTS, UPCASTERS
from domain.core.event import schema_version
from domain.ports import StoreUnavailable

CODEC: Final = Codec(EVENTS, UPCASTERS)
NUMBERS: Final = st.decimals(
    allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15
)
INTEGERS: Final = st.integers(-(2**63), 2**63 - 1)
JSON: Final[st.SearchStrategy[Any]] = st.recursive(
    st.none() | st.booleans() | st.integers() | NUMBERS | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
PLAIN: Final[Mapping[Any, st.SearchStrategy[Any]]] = {
    str: st.text(max_size=12),
    int: INTEGERS,
    bool: st.booleans(),
    Decimal: NUMBERS,
    object: JSON,
    types.NoneType: st.none(),
}
"""How each type of a field is made; floats are not among them: a fraction is a decimal."""


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Values of the type of a field."""
    if hint in PLAIN:
        return PLAIN[hint]
    origin, parts = get_origin(hint), get_args(hint)
    if origin is tuple:
        assert parts[1] is Ellipsis
        return st.lists(values_of(parts[0]), max_size=3).map(tuple)
    if origin in (dict, Mapping):
        return st.dictionaries(st.text(max_size=5), values_of(parts[1]), max_size=3)
    if origin in (Union, types.UnionType):
        return st.one_of(*map(values_of, parts))
    assert isinstance(hint, type), f"no values for a field of type {hint}"
    return facts_of(hint)


def facts_of(kind: type) -> st.SearchStrategy[Any]:
    """Facts of one kind, each field drawn from its type."""
    assert is_dataclass(kind), f"no values for a field of type {kind}"
    hints = get_type_hints(kind)
    return st.builds(kind, **{each.name: values_of(hints[each.name]) for each in fields(kind)})


def decoded(name: str, version: int, data: bytes) -> Any:
    """The one fact that some bytes stand for."""
    ((_name, _version, fact),) = CODEC.facts(name, version, data)
    return fact


EXAMPLES: Final = settings().max_examples // 3
"""For each kind of fact; there are many kinds."""

FACTS: Final = {name: facts_of(kind) for name, kind in EVENTS.items()}


@pytest.mark.parametrize("name", EVENTS)
def test_every_fact_comes_back_from_its_bytes(name: str) -> None:
    @settings(max_examples=EXAMPLES)
    @given(FACTS[name])
    def comes_back(fact: object) -> None:
        stored, version, data = CODEC.encode(fact)
        assert (stored, version) == (name, schema_version(fact))
        again = decoded(stored, version, data)
        assert type(again) is type(fact)
        assert again == fact
        assert CODEC.encode(again)[2] == data

    comes_back()


@given(st.data(), st.sampled_from(sorted(EVENTS)))
def test_bytes_are_json_that_everybody_can_read(data: st.DataObject, name: str) -> None:
    fact = data.draw(FACTS[name])
    told = msgspec.json.decode(CODEC.encode(fact)[2])
    assert list(told) == [each.name for each in fields(EVENTS[name])]


@pytest.mark.parametrize(
    "number", ["0.1", "1.10", "500.01", "1E+5", "123456789012345678.123456789"]
)
def test_a_decimal_never_passes_through_a_float(number: str) -> None:
    fact = EVENTS["order.refunded"](
        order_id="1001",
        org_unit_id="business",
        action_id="a1",
        amount=Decimal(number),
        currency="USD",
        day="2030-01-31",
        hour="2030-01-31T09",
    )
    name, version, data = CODEC.encode(fact)
    again = decoded(name, version, data)
    assert again.amount == Decimal(number)
    assert isinstance(again.amount, Decimal)


# ── what is unknown ──


@given(st.text(max_size=20), st.integers(1, 9))
def test_a_name_that_nobody_knows_is_an_error(name: str, version: int) -> None:
    if name not in EVENTS:
        with pytest.raises(UnknownEvent):
            decoded(name, version, b"{}")


@pytest.mark.parametrize("name", EVENTS)
def test_a_version_that_never_was_is_an_error(name: str) -> None:
    with pytest.raises(UnknownEvent, match=f"{name} version 0 is unknown to this program"):
        decoded(name, 0, b"{}")


@pytest.mark.parametrize("name", EVENTS)
@pytest.mark.parametrize("beyond", [1, 98])
def test_a_version_of_newer_code_is_an_error(name: str, beyond: int) -> None:
    version = schema_version(EVENTS[name]) + beyond
    with pytest.raises(UnknownEvent, match=f"{name} version {version} is newer than this program"):
        decoded(name, version, b"{}")


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"{", b"[]", b"null", b"{}", b'{"name": 7}', b"NaN"),
        b'{"name": "\xff"}',
    ],
)
def test_bytes_that_make_no_fact_are_an_error(data: bytes) -> None:
    with pytest.raises(UnknownEvent, match=r"law\.constituted"):
        decoded("law.constituted", 1, data)


def test_what_cannot_be_read_is_never_allowed() -> None:
    assert issubclass(UnknownEvent, StoreUnavailable)


def test_a_fact_outside_the_catalog_is_not_written() -> None:
    some = {name: kind for name, kind in EVENTS.items() if name != "law.constituted"}
    fact = EVENTS["law.constituted"](name="Shop")
    with pytest.raises(AssertionError, match=r"law\.constituted"):
        Codec(some).encode(fact)
