"""What a verdict says for itself, and how it is remembered."""

import pytest

from commands.message import Sender
from commands.record import verdict_entry
from domain.core.stream import Refusal
from domain.governor.effect import Effect, effect_of
from domain.governor.judge import Ask
from domain.governor.verdict import VERDICT, Finding, Objection, Verdict, VerdictRecorded
from tests.examples import NOON, SUPPORT

DENYING = Finding("cap@1/r", "true", "deny", "too much")
ASKING = Finding("ask@1/r", "true", "require_approval", "ask first")
SILENT = Finding("quiet@1/r", "false", "allow")
WORDLESS = Finding("mute@1/r", "true", "deny", "")
UNKNOWN_ACTION = Objection("unknown_action", "no such action")

ASK = Ask(
    command="ProposeAction",
    action="process_refund",
    actor=SUPPORT,
    subject="action:a1",
    data={},
    payload_hash="hash of 900",
    org_path=("business", "eu"),
)


def written(
    verdict: Verdict, *, outcome: str, refusal: Refusal | None = None, size: int = 1
) -> VerdictRecorded:
    tags, fact = verdict_entry(
        Sender(SUPPORT, NOON, "c1"),
        ASK,
        verdict,
        as_of=7,
        outcome=outcome,
        size=size,
        refusal=refusal,
        approval_id="",
        request=None,
    )
    assert tags == ("verdict:c1",)
    assert isinstance(fact, VerdictRecorded)
    return fact


# ── effects ──


def test_effects_are_ordered_from_the_mildest_to_the_strictest() -> None:
    words = [effect.word for effect in sorted(Effect)]
    assert words == ["allow", "warn", "require_approval", "deny"]


@pytest.mark.parametrize("effect", Effect)
def test_an_effect_is_read_back_from_its_word(effect: Effect) -> None:
    assert effect_of(effect.word) is effect


@pytest.mark.parametrize("word", ["", "Allow", "permit", "ALLOW", "allow "])
def test_a_word_that_nobody_knows_denies(word: str) -> None:
    assert effect_of(word) is Effect.DENY


# ── reasons ──


def test_a_denial_names_the_reasons_to_deny_and_no_milder_ones() -> None:
    verdict = Verdict(effect=Effect.DENY, findings=(ASKING, DENYING, SILENT))
    assert verdict.reasons == ("too much",)


def test_an_approval_names_the_reasons_to_ask() -> None:
    verdict = Verdict(effect=Effect.REQUIRE_APPROVAL, findings=(SILENT, ASKING))
    assert verdict.reasons == ("ask first",)


def test_an_objection_is_reason_enough() -> None:
    verdict = Verdict(effect=Effect.DENY, objections=(UNKNOWN_ACTION,), findings=(DENYING,))
    assert verdict.reasons == ("no such action",)


def test_the_kill_switch_is_named_before_the_policies() -> None:
    verdict = Verdict(effect=Effect.REQUIRE_APPROVAL, findings=(ASKING,), engagements=("kill-1",))
    first, second = verdict.reasons
    assert "kill switch" in first
    assert second == "ask first"


def test_a_denial_does_not_blame_the_kill_switch() -> None:
    verdict = Verdict(effect=Effect.DENY, findings=(DENYING,), engagements=("kill-1",))
    assert verdict.reasons == ("too much",)


def test_a_rule_without_a_message_gives_no_reason() -> None:
    assert Verdict(effect=Effect.DENY, findings=(WORDLESS,)).reasons == ()


def test_nothing_needs_a_reason_to_be_allowed() -> None:
    assert Verdict(effect=Effect.ALLOW, findings=(SILENT,)).reasons == ()


# ── the record ──


def test_a_verdict_is_recorded_with_all_that_it_looked_at() -> None:
    verdict = Verdict(
        effect=Effect.REQUIRE_APPROVAL,
        findings=(ASKING,),
        engagements=("kill-1",),
        triggers=("kill_switch:kill-1", "ask@1/r"),
        law_hash="hash of the law",
    )
    fact = written(verdict, outcome="held", size=4)
    assert (fact.effect, fact.outcome, fact.size) == ("require_approval", "held", 4)
    assert (fact.actor_id, fact.actor_role) == ("agent:support", "agent")
    assert (fact.org_unit_id, fact.subject) == ("eu", "action:a1")
    assert (fact.as_of, fact.law_hash) == (7, "hash of the law")
    assert (fact.findings, fact.triggers) == ((ASKING,), ("kill_switch:kill-1", "ask@1/r"))
    assert fact.kill_switch == ("kill-1",)
    assert fact.payload_hash == "hash of 900"


def test_a_denial_by_a_policy_has_a_code_of_its_own() -> None:
    fact = written(Verdict(effect=Effect.DENY, findings=(DENYING,)), outcome="denied")
    assert (fact.code, fact.reasons) == ("policy_denied", ("too much",))


def test_a_denial_by_an_objection_has_the_code_of_the_first() -> None:
    second = Objection("invalid_payload", "no amount")
    verdict = Verdict(effect=Effect.DENY, objections=(UNKNOWN_ACTION, second))
    fact = written(verdict, outcome="denied")
    assert (fact.code, fact.reasons) == ("unknown_action", ("no such action", "no amount"))


def test_a_refusal_by_the_business_has_its_code_and_its_reason() -> None:
    refusal = Refusal("order_exists", "order 1001 is already recorded")
    fact = written(Verdict(effect=Effect.ALLOW), outcome="refused", refusal=refusal)
    assert (fact.code, fact.reasons) == ("order_exists", ("order 1001 is already recorded",))


def test_what_was_done_has_no_code() -> None:
    assert written(Verdict(effect=Effect.ALLOW), outcome="done").code == ""


def test_an_answer_is_remembered_under_its_command() -> None:
    fact = written(Verdict(effect=Effect.ALLOW), outcome="done")
    assert VERDICT.fold([]) is None
    assert VERDICT.fold([fact]) == fact
