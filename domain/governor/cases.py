"""Cases: the tests that a policy carries, run as the judge would, before it binds anybody.

Case(payload, facts, expected effect) ──judge, this policy alone──► met | not met, and why
A policy whose case is not met stays a draft.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from domain.core.principal import Actor, Role
from domain.governor.fact import FactUse, Standing
from domain.governor.judge import Ask, facts_needed, judge
from domain.governor.law import Law
from domain.governor.policy import Case, Policy
from domain.governor.verdict import Verdict

_NAME: Final = "cases"


@dataclass(frozen=True, slots=True)
class Result:
    """What a policy answered to one of its cases."""

    case: Case
    verdict: Verdict

    @property
    def met(self) -> bool:
        """Say whether the policy means what its author thinks."""
        return self.verdict.effect.word == self.case.expect

    @property
    def told(self) -> str:
        """Say in one sentence what came out."""
        got = self.verdict.effect.word
        if self.met:
            return f"{got}, as expected"
        why = "; ".join(self.verdict.reasons) or "no rule answered"
        return f"{got} instead of {self.case.expect}: {why}"


def run(policy: Policy) -> tuple[Result, ...]:
    """Ask a policy about each of its cases; of all the law, it alone is in force."""
    law = Law(name=_NAME, active={policy.id: policy})
    return tuple(_result(policy, law, case) for case in policy.cases)


def unproven(policy: Policy) -> str:
    """Say which test keeps a policy from coming into force, in one sentence, or nothing."""
    unmet = next((result for result in run(policy) if not result.met), None)
    return "" if unmet is None else f"test {unmet.case.name!r} of {policy.id} answers {unmet.told}"


def _result(policy: Policy, law: Law, case: Case) -> Result:
    ask = asked(policy, law, case)
    return Result(case, judge(ask, law))


def asked(policy: Policy, law: Law, case: Case) -> Ask:
    """Return the request of a case; what it leaves unsaid is as the policy's scope has it."""
    unit = policy.scope_id if policy.scope == "org_unit" else ""
    ask = Ask(
        command="ProposeAction",
        action=case.action,
        actor=_actor(policy),
        subject="action:case",
        data=case.data,
        payload_hash="",
        org_path=(unit,) if unit else (),
        agent_id=policy.scope_id if policy.scope == "agent" else "",
        workflow_id=policy.scope_id if policy.scope == "workflow" else "",
        worldly=True,
    )
    return replace(ask, facts=_facts(case, facts_needed(ask, law)))


def _actor(policy: Policy) -> Actor:
    if policy.actors and "agent" not in policy.actors:
        role = Role.FOUNDER if "user" in policy.actors else Role.SERVICE
        return Actor("case", role)
    return Actor("case", Role.AGENT)


def _facts(case: Case, uses: Iterable[FactUse]) -> dict[FactUse, Standing]:
    return {
        use: Standing(use.name, case.facts[use.name])
        if use.name in case.facts
        else Standing(use.name, missing=True)
        for use in uses
    }
