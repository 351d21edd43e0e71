"""How the console says things: money to the last digit, time in few words, risk never too low."""

from decimal import Decimal

import pytest

from commands.actions import ACTION_TYPES
from console_api.pages.wording import (
    ago,
    compact,
    flat,
    left,
    look_of,
    money,
    pretty,
    risk_of,
    short,
    title_of,
)
from domain.governor import approval, incident
from domain.kernel import action

DAY = 86_400


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        (600, "USD", "USD 600.00"),
        ("1234567.8", "EUR", "EUR 1,234,567.80"),
        (Decimal("10.005"), "USD", "USD 10.005"),
        (Decimal("1E+3"), "USD", "USD 1,000.00"),
        (1_500, "JPY", "JPY 1,500"),
        (Decimal("1.5"), "KWD", "KWD 1.500"),
        (-5, "USD", "USD \N{MINUS SIGN}5.00"),
        (0, "", "0.00"),
        ("not a number", "USD", "not a number"),
        ("NaN", "USD", "NaN"),
    ],
)
def test_money_is_written_exactly(amount: object, currency: str, written: str) -> None:
    assert money(amount, currency) == written


@pytest.mark.parametrize(
    ("seconds", "past", "future"),
    [
        (-5, "just now", "time is up"),
        (0, "just now", "time is up"),
        (59, "just now", "in 59 s"),
        (60, "1 min ago", "in 1 min"),
        (3_599, "59 min ago", "in 59 min"),
        (3_600, "1 h ago", "in 1 h"),
        (DAY, "1 d ago", "in 24 h"),
        (2 * DAY, "2 d ago", "in 2 d"),
    ],
)
def test_time_is_said_in_few_words(seconds: float, past: str, future: str) -> None:
    assert ago(seconds) == past
    assert left(seconds) == future


@pytest.mark.parametrize(
    ("number", "written"),
    [(0, "0"), (0.5, "0.5"), (999, "999"), (1_000, "1k"), (1_500, "1.5k"), (2_500_000, "2.5M")],
)
def test_an_axis_is_brief(number: float, written: str) -> None:
    assert compact(number) == written


@pytest.mark.parametrize(
    ("action_type", "amount", "risk"),
    [
        ("publish_content", None, "low"),
        ("process_refund", Decimal(1_000), "medium"),
        ("process_refund", Decimal("1000.01"), "high"),
        ("create_payout_batch", Decimal(5_000), "high"),
        ("process_payout", Decimal(1), "high"),
        ("release_kill_switch", None, "high"),
        ("never_heard_of", None, "high"),
    ],
)
def test_risk_is_that_of_the_action_or_of_the_amount(
    action_type: str, amount: Decimal | None, risk: str
) -> None:
    assert risk_of(action_type, amount) == risk


def test_a_title_says_what_would_be_done() -> None:
    payload = {"orderId": "o-1", "amount": Decimal("12.5"), "currency": "USD"}
    assert title_of("process_refund", payload) == "Refund USD 12.50 for order o-1"
    assert title_of("process_refund", {"amount": 1}) == "Process refund", "a part is missing"
    assert title_of("no_such_action", {}) == "No such action"
    sly = {**payload, "orderId": "{currency.__class__}" + "x" * 500}
    told = title_of("process_refund", sly)
    assert "{currency.__class__}" in told, "what an agent wrote is never a template"
    assert len(told) < 120


def test_every_action_type_has_a_title_of_its_own() -> None:
    whole = {
        "amount": 1, "newPrice": 1, "currency": "USD", "orderId": "o", "payeeId": "p",
        "productId": "m", "campaignId": "c", "quantity": 2, "supplierId": "s", "contentId": "t",
        "channel": "web", "accountRef": "a",
    }  # fmt: skip
    plain = {name.replace("_", " ").capitalize() for name in ACTION_TYPES}
    assert not {title_of(name, whole) for name in ACTION_TYPES} & plain


def test_every_status_is_a_word_a_tone_and_an_icon() -> None:
    stages = [*approval.Stage, *incident.Stage, *action.Stage]
    names = {stage.value for stage in stages if stage.value not in ("unknown", "proposed")}
    shown = {look_of(name) for name in names | set(incident.SEVERITY.values())}
    assert all(look.word and look.tone and look.icon != "dot" for look in shown)
    assert look_of("brand_new").word == "brand new"


def test_stored_values_are_written_as_they_are() -> None:
    value = {"amount": Decimal("1.50"), "name": "é <b>", "list": [1, None, True]}
    assert pretty(value) == (
        '{\n  "amount": 1.50,\n  "name": "é <b>",\n  "list": [\n    1,\n    null,\n    true\n  ]\n}'
    )
    assert [flat(each) for each in ("text", Decimal("1.4"), [1, "a"])] == [
        "text",
        "1.4",
        '[1, "a"]',
    ]


def test_a_long_id_keeps_its_beginning_and_its_end() -> None:
    assert short("apr-1") == "apr-1"
    assert short("apr-0123456789abcdef", 11) == "apr-0…bcdef"
