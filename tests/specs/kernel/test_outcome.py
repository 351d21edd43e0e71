"""What is recorded about the worth of an action."""

from dataclasses import replace
from decimal import Decimal

from domain.kernel.outcome import OUTCOME, OutcomeRecorded, record
from tests.spec import spec

given = spec(OUTCOME)

MEASURED = OutcomeRecorded(
    outcome_id="out-a1",
    action_id="a1",
    org_unit_id="business",
    success=True,
    result={"reference": "r1"},
    reward_score=Decimal(1),
    metrics={"latencyMs": 12},
    feedback="",
    evaluator="system:dispatcher",
)
CORRECTED = replace(MEASURED, reward_score=Decimal("0.5"), feedback="late", evaluator="user:grace")


def test_a_measurement_is_recorded() -> None:
    given().when(record, measured=MEASURED).then(MEASURED)


def test_the_same_measurement_twice_is_one() -> None:
    given(MEASURED).when(record, measured=MEASURED).then_nothing()


def test_a_measurement_is_corrected() -> None:
    given(MEASURED).when(record, measured=CORRECTED).then(CORRECTED)


def test_a_correction_can_be_taken_back() -> None:
    given(MEASURED, CORRECTED).when(record, measured=MEASURED).then(MEASURED)


def test_the_newest_measurement_counts() -> None:
    assert OUTCOME.fold([MEASURED, CORRECTED]).newest == CORRECTED
