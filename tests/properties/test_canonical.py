"""Laws of canonical JSON: one value, one text; two values, two texts.

The reference is the `rfc8785` package. Where we differ on purpose (a number that is no integer is
a decimal, written as a string) the laws are our own.
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

import pytest
import rfc8785
from hypothesis import assume, example, given
from hypothesis import strategies as st

from commands.actions import ACTION_TYPES, checked
from domain.core.canonical import INTEGER_MAX, canonical, digest, plain

INTEGERS: Final = st.integers(-INTEGER_MAX, INTEGER_MAX)
TEXTS: Final = st.text() | st.text(alphabet='aé€\ufb33\U0001f600\U0001d306\u0080\\"\n/\x7f')
SCALARS: Final = st.none() | st.booleans() | INTEGERS | TEXTS
JSON: Final = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
UNFIT: Final = "no canonical form|not JSON compliant|surrogates not allowed"
DECIMALS: Final = st.decimals(allow_nan=False, allow_infinity=False, places=6)


# ── what RFC 8785 says ──


@given(JSON)
@example({"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7})
@example({"\ufb33": {"\U0001f600": 1, "\ufb33": 2}, "\U0001f600": [{"\U0001d306": 1, "z": 2}]})
@example(["\u2028\u2029", "</script>", "\u0000\u001f", INTEGER_MAX, -INTEGER_MAX, 0])
def test_without_fractions_it_is_rfc_8785(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


def test_keys_beyond_the_basic_plane_are_ordered_by_utf_16() -> None:
    assert canonical({"\ufb33": 1, "\U0001f600": 2}) == '{"\U0001f600":2,"\ufb33":1}'.encode()


@given(JSON)
def test_it_is_json_that_says_the_same(value: Any) -> None:
    assert json.loads(canonical(value)) == value


@given(st.dictionaries(TEXTS, SCALARS), st.randoms(use_true_random=False))
def test_the_order_of_keys_is_nothing(value: dict[str, Any], dice: Any) -> None:
    names = list(value)
    dice.shuffle(names)
    assert canonical({name: value[name] for name in names}) == canonical(value)


@given(JSON, JSON)
def test_two_values_have_two_texts_and_two_hashes(first: Any, second: Any) -> None:
    same = json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)
    assert (canonical(first) == canonical(second)) is same
    assert (digest(first) == digest(second)) is same


@given(st.dictionaries(TEXTS, JSON, max_size=3))
def test_what_holds_a_value_makes_no_difference(value: dict[str, Any]) -> None:
    assert canonical(MappingProxyType(value)) == canonical(value)
    assert canonical((value, (1, 2))) == canonical([value, [1, 2]])


@pytest.mark.parametrize("integer", [INTEGER_MAX + 1, -INTEGER_MAX - 1, 10**40])
def test_an_integer_that_i_json_cannot_hold_is_spelled_out(integer: int) -> None:
    assert canonical([integer]) == f'["{integer}"]'.encode()
    assert canonical({"é": integer}) == f'{{"é":"{integer}"}}'.encode()


# ── decimals ──


@given(DECIMALS, st.integers(0, 4))
def test_trailing_zeros_are_nothing(number: Decimal, zeros: int) -> None:
    longer = Decimal(f"{number:f}" + ("" if "." in f"{number:f}" else ".") + "0" * zeros)
    assert longer == number
    assert canonical(longer) == canonical(number)


@given(DECIMALS, DECIMALS)
@example(Decimal("1.50"), Decimal("1.5"))
@example(Decimal("-0"), Decimal("0.000"))
@example(Decimal("1E+2"), Decimal("100"))
@example(Decimal("0.1"), Decimal("0.10000000000000000000000001"))
def test_decimals_share_a_text_exactly_where_they_are_equal(
    first: Decimal, second: Decimal
) -> None:
    assert (canonical(first) == canonical(second)) is (first == second)


@given(DECIMALS)
def test_a_decimal_is_written_plainly_and_exactly(number: Decimal) -> None:
    text = plain(number)
    assert Decimal(text) == number
    assert "E" not in text
    assert not text.endswith(".")
    assert json.loads(canonical({"amount": number}), parse_int=str) == {"amount": text}


@given(st.integers(), st.integers(0, 3))
@example(INTEGER_MAX + 1, 0)
def test_a_whole_decimal_is_the_integer_that_it_is(integer: int, zeros: int) -> None:
    whole = Decimal(f"{integer}." + "0" * zeros)
    assert canonical(whole) == canonical(integer)
    assert canonical({"é": [whole]}) == canonical({"é": [integer]})


@given(DECIMALS)
def test_a_fraction_is_never_a_binary_float(number: Decimal) -> None:
    fraction = number != number.to_integral_value()
    assert canonical(number).startswith(b'"') is (fraction or abs(number) > INTEGER_MAX)


# ── payloads ──

AMOUNTS: Final = st.decimals("0.01", 10**9, places=2) | st.integers(1, 10**6)
FRACTIONS: Final = st.decimals(0, 1, places=3)
KEYS: Final = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._/@-]{0,6}\Z")
CURRENCIES: Final = st.sampled_from(("USD", "GBP"))
WORDS: Final = st.text(max_size=5)
PAYLOADS: Final[Mapping[str, st.SearchStrategy[dict[str, Any]]]] = {
    "process_refund": st.fixed_dictionaries(
        {"orderId": KEYS, "amount": AMOUNTS, "currency": CURRENCIES},
        optional={"customerId": WORDS, "reason": WORDS, "requestedAt": st.none()},
    ),
    "process_payout": st.fixed_dictionaries(
        {"payeeId": KEYS, "amount": AMOUNTS, "currency": CURRENCIES, "riskScore": FRACTIONS},
        optional={"reconciled": st.booleans(), "reference": WORDS, "type": st.just("payout")},
    ),
    "update_price": st.fixed_dictionaries(
        {
            "productId": KEYS,
            "newPrice": AMOUNTS,
            "currency": CURRENCIES,
            "marginPercent": FRACTIONS,
        },
        optional={"oldPrice": st.none() | AMOUNTS},
    ),
    "increase_ad_spend": st.fixed_dictionaries(
        {
            "campaignId": KEYS,
            "amount": AMOUNTS,
            "currency": CURRENCIES,
            "cashRunwayDays": st.integers(0, 99),
            "roas": FRACTIONS,
        }
    ),
    "create_payout_batch": st.fixed_dictionaries(
        {
            "payeeIds": st.lists(KEYS, min_size=1, max_size=3),
            "amount": AMOUNTS,
            "currency": CURRENCIES,
        },
        optional={"period": WORDS},
    ),
    "change_payee_account": st.fixed_dictionaries(
        {"payeeId": KEYS, "accountRef": KEYS}, optional={"reason": WORDS}
    ),
    "reorder_stock": st.fixed_dictionaries(
        {
            "productId": KEYS,
            "supplierId": KEYS,
            "quantity": st.integers(1, 10_000_000),
            "unitCost": AMOUNTS,
            "currency": CURRENCIES,
        }
    ),
    "publish_content": st.fixed_dictionaries(
        {"contentId": KEYS, "channel": KEYS, "title": st.text(min_size=1, max_size=5)},
        optional={"body": WORDS},
    ),
}


def test_there_are_payloads_of_every_action_type() -> None:
    assert set(PAYLOADS) == set(ACTION_TYPES)


def arguments_of(name: str, payload: dict[str, Any]) -> dict[str, Any]:
    arguments, problem = checked(ACTION_TYPES[name], payload)
    assert problem == ""
    return arguments


@given(st.data(), st.sampled_from(sorted(PAYLOADS)))
def test_two_payloads_of_a_type_share_a_hash_exactly_where_they_say_the_same(
    data: st.DataObject, name: str
) -> None:
    first = arguments_of(name, data.draw(PAYLOADS[name]))
    second = arguments_of(name, data.draw(PAYLOADS[name]))
    assert (digest(first) == digest(second)) is (first == second)


@given(st.data(), st.sampled_from(sorted(PAYLOADS)))
def test_one_other_field_is_another_hash(data: st.DataObject, name: str) -> None:
    first, second = data.draw(PAYLOADS[name]), data.draw(PAYLOADS[name])
    field = data.draw(st.sampled_from(sorted(first)))
    assume(field in second)
    mixed = arguments_of(name, {**first, field: second[field]})
    same = mixed == arguments_of(name, first)
    assert (digest(mixed) == digest(arguments_of(name, first))) is same


@given(st.data(), st.sampled_from(sorted(PAYLOADS)))
def test_a_default_spelled_out_is_the_same_payload(data: st.DataObject, name: str) -> None:
    once = arguments_of(name, data.draw(PAYLOADS[name]))
    assert digest(arguments_of(name, once)) == digest(once)


# ── what has no canonical form ──


NO_JSON: Final[dict[str, object]] = {
    "NaN": float("nan"),
    "infinity": float("inf"),
    "minus infinity": float("-inf"),
    "decimal NaN": Decimal("NaN"),
    "signaling NaN": Decimal("sNaN"),
    "decimal infinity": Decimal("Infinity"),
    "decimal minus infinity": Decimal("-Infinity"),
    "first half": "\ud800",
    "second half": "\udfff half",
    "half a key": {"\ud800": 1},
    "set": {1, 2},
    "bytes": b"bytes",
    "object": object(),
}


@pytest.mark.parametrize("value", NO_JSON.values(), ids=NO_JSON)
@pytest.mark.parametrize(
    "wrap", [lambda x: x, lambda x: [x], lambda x: {"é": {"a": x}}], ids=["bare", "list", "object"]
)
def test_what_is_not_json_has_no_canonical_form(value: Any, wrap: Any) -> None:
    wrapped = wrap(value)
    with pytest.raises(ValueError, match=UNFIT):
        canonical(wrapped)
    with pytest.raises(ValueError, match=UNFIT):
        digest(wrapped)


@given(st.text(alphabet=st.characters(min_codepoint=0xD7F0, max_codepoint=0xE00F), min_size=1))
def test_half_a_surrogate_pair_never_has_a_hash(text: str) -> None:
    halves = any(0xD800 <= ord(character) <= 0xDFFF for character in text)
    if halves:
        with pytest.raises(ValueError, match=UNFIT):
            canonical([text])
    else:
        assert json.loads(canonical([text])) == [text]
