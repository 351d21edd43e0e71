"""Amendments: how policies come into force, are watched, turned and taken out again.

drafted ──► shadowed ──► active ──► disabled
   └───────────────────────▲ └─ parameter changed, within its bounds
"""

from dataclasses import replace

from domain.core.stream import Decision, Refusal
from domain.governor.law import (
    Law,
    LawEvent,
    ParameterChanged,
    PolicyActivated,
    PolicyDisabled,
    PolicyDrafted,
    PolicyShadowed,
)
from domain.governor.policy import Policy, flaw, parameter_flaw


def draft_policy(state: Law, *, policy: Policy, by: str) -> Decision[LawEvent]:
    """Write down the next version of a policy."""
    if problem := flaw(policy):
        return Refusal("policy_flawed", problem)
    before = state.drafts.get(policy.id)
    if before is not None and replace(policy, version=before.version) == before:
        return ()
    version = before.version + 1 if before is not None else 1
    return (PolicyDrafted(policy=replace(policy, version=version), by=by),)


def activate_policy(state: Law, *, policy_id: str, by: str, reason: str) -> Decision[LawEvent]:
    """Put the newest version of a policy in force."""
    policy = state.drafts.get(policy_id)
    if policy is None:
        return Refusal("policy_unknown", f"no policy is called {policy_id}")
    if state.active.get(policy_id) == policy:
        return ()
    return (PolicyActivated(policy_id=policy_id, version=policy.version, by=by, reason=reason),)


def shadow_policy(state: Law, *, policy_id: str, by: str, reason: str) -> Decision[LawEvent]:
    """Ask the newest version of a policy about everything, and let it decide nothing."""
    policy = state.drafts.get(policy_id)
    if policy is None:
        return Refusal("policy_unknown", f"no policy is called {policy_id}")
    if state.shadows.get(policy_id) == policy:
        return ()
    if state.active.get(policy_id) == policy:
        return Refusal("policy_active", f"{policy_id} version {policy.version} is in force already")
    return (PolicyShadowed(policy_id=policy_id, version=policy.version, by=by, reason=reason),)


def change_parameter(
    state: Law, *, policy_id: str, name: str, value: object, by: str, reason: str, backtest: str
) -> Decision[LawEvent]:
    """Turn a number of an active policy, within its bounds."""
    policy = state.active.get(policy_id)
    if policy is None:
        return Refusal("policy_unknown", f"no active policy is called {policy_id}")
    if name not in policy.parameters:
        known = ", ".join(sorted(policy.parameters)) or "none"
        return Refusal("parameter_unknown", f"{policy_id} has no parameter {name}: it has {known}")
    before = policy.parameters[name]
    if before == value and type(before) is type(value):
        return ()
    turned = replace(policy, parameters={**policy.parameters, name: value})
    if problem := parameter_flaw(turned, name):
        return Refusal("parameter_unfit", problem)
    return (
        ParameterChanged(
            policy_id=policy_id,
            version=policy.version,
            name=name,
            before=before,
            after=value,
            by=by,
            reason=reason,
            backtest=backtest,
        ),
    )


def disable_policy(state: Law, *, policy_id: str, by: str, reason: str) -> Decision[LawEvent]:
    """Take a policy out of force."""
    if policy_id not in state.drafts:
        return Refusal("policy_unknown", f"no policy is called {policy_id}")
    if policy_id not in state.active and policy_id not in state.shadows:
        return ()
    return (PolicyDisabled(policy_id=policy_id, by=by, reason=reason),)
