"""A founder lets one denied command go on, once; never what no policy denied."""

from dataclasses import replace
from typing import Any

import pytest

from domain.core.principal import Actor
from domain.governor.override import (
    OVERRIDE,
    REASON_CHARACTERS_MIN,
    OverrideGranted,
    OverrideUsed,
    grant,
    use,
)
from domain.governor.verdict import Finding, Objection, VerdictRecorded
from tests.examples import FOUNDER, GRACE, IMPORTER, SUPPORT
from tests.properties.test_deciders import DENIED
from tests.spec import spec

given = spec(OVERRIDE)

REASON = "the bank confirmed it by phone"
SILENT = Finding("q@1/r", "false", "allow")
SHOWN = Finding("p@1/r", "true", "deny", "no")
DENIAL = replace(DENIED, findings=(SILENT, SHOWN))
GRANTED = OverrideGranted(
    command_id="c1",
    command="ProposeAction",
    action="process_payout",
    subject="action:a1",
    payload_hash="hash",
    findings=(SHOWN,),
    by="user:founder",
    reason=REASON,
)
USED = OverrideUsed(command_id="c1", by_command_id="override-c1", outcome="done")


def test_a_founder_lifts_the_denials_that_were_shown() -> None:
    given().when(grant, DENIAL, by=FOUNDER, reason=REASON).then(GRANTED)
    given(GRANTED).when(grant, DENIAL, by=FOUNDER, reason=REASON).then_nothing()
    given(GRANTED, USED).when(grant, DENIAL, by=FOUNDER, reason=REASON).then_refused(
        "override_used"
    )


@pytest.mark.parametrize("by", [GRACE, SUPPORT, IMPORTER], ids=str)
def test_nobody_else_does(by: Actor) -> None:
    given().when(grant, DENIAL, by=by, reason=REASON).then_refused("not_the_founder")


@pytest.mark.parametrize("reason", ["", "x" * (REASON_CHARACTERS_MIN - 1), " " * 40])
def test_a_founder_says_why(reason: str) -> None:
    given().when(grant, DENIAL, by=FOUNDER, reason=reason).then_refused("reason_too_short")


OBJECTED = Objection("unknown_action", "'print_money' is not an action type")


@pytest.mark.parametrize(
    ("denial", "code"),
    [
        (None, "verdict_unknown"),
        (replace(DENIAL, outcome="done"), "not_denied"),
        (replace(DENIAL, outcome="held"), "not_denied"),
        (replace(DENIAL, outcome="refused"), "not_denied"),
        (replace(DENIAL, objections=(OBJECTED,)), "not_overridable"),
        (replace(DENIAL, findings=(SILENT,)), "not_overridable"),
        (replace(DENIAL, request=None), "not_overridable"),
    ],
)
def test_only_what_policies_denied_is_overridden(denial: VerdictRecorded | None, code: str) -> None:
    given().when(grant, denial, by=FOUNDER, reason=REASON).then_refused(code)


def test_an_override_is_for_one_payload_and_once() -> None:
    def code(*history: Any, payload_hash: str = "hash") -> str:
        refusal = use(OVERRIDE.fold(history), payload_hash=payload_hash)
        return refusal.code if refusal is not None else ""

    assert code(GRANTED) == ""
    assert code() == "override_unknown"
    assert code(GRANTED, USED) == "override_used"
    assert code(GRANTED, payload_hash="other") == "payload_changed"
