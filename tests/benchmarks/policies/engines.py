"""Engines: the governor and its peers, each asked for the same policies in its own language.

policies  deny where action is X and amount is above a limit       payload  what an agent claims
engine    denies(payload) ─► true | false       an error of an engine counts as a denial: its
                                                host is taken to be careful
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

from domain.core.principal import Actor, Role
from domain.governor.effect import Effect
from domain.governor.judge import Ask, judge
from domain.governor.law import Law
from domain.governor.policy import Policy, Rule

Payload: TypeAlias = Mapping[str, Any]

REFUND: Final = "process_refund"
AGENT: Final = Actor("support", Role.AGENT, "business")


@dataclass(frozen=True, slots=True)
class Limit:
    """One policy: this action is denied above this amount."""

    action: str
    amount: int


class Engine(Protocol):
    """A set of policies, ready to be asked."""

    def denies(self, payload: Payload) -> bool: ...


class Governor:
    """Ours: a law of policies, judged as every command is."""

    def __init__(self, limits: Sequence[Limit]) -> None:
        policies = (policy_of(limit, f"p{n}") for n, limit in enumerate(limits))
        self.law: Final = Law(name="Shop", active={policy.id: policy for policy in policies})

    def denies(self, payload: Payload) -> bool:
        return judge(ask_of(payload), self.law).effect is Effect.DENY


def policy_of(limit: Limit, id: str) -> Policy:
    condition = f"action == '{limit.action}' && data.amount > {limit.amount}"
    rule = Rule(id="r", condition=condition, action="deny", message="too much")
    return Policy(id=id, version=1, name=id, rules=(rule,))


def ask_of(payload: Payload, payload_hash: str = "") -> Ask:
    return Ask(
        command="ProposeAction",
        action=payload["action"],
        actor=AGENT,
        subject="action:a1",
        data=payload,
        payload_hash=payload_hash,
        org_path=("business",),
        agent_id="support",
        worldly=True,
    )


class OfficialCel:
    """cel-expr-python, on cel-cpp: unchecked expressions, one activation for a decision."""

    def __init__(self, limits: Sequence[Limit]) -> None:
        from cel_expr_python import cel  # type: ignore[import-untyped]

        types = {"action": cel.Type.DYN, "data": cel.Type.DYN}
        self._environment = cel.NewEnv(variables=types)
        self._bool = cel.Type.BOOL
        self._expressions = [
            self._environment.compile(f"action == '{each.action}' && data.amount > {each.amount}")
            for each in limits
        ]

    def denies(self, payload: Payload) -> bool:
        bindings = {"action": payload["action"], "data": payload}
        activation = self._environment.Activation(bindings)
        for expression in self._expressions:
            result = expression.eval(activation)
            if result.type() != self._bool or result.value():
                return True
        return False


class Cedar:
    """cedarpy, on Amazon's Cedar: all are permitted, and a forbid for each policy."""

    def __init__(self, limits: Sequence[Limit]) -> None:
        import cedarpy

        forbids = (
            "forbid(principal, action, resource) when "
            f'{{ context.action == "{each.action}" && context.amount > {each.amount} }};'
            for each in limits
        )
        texts = "\n".join(("permit(principal, action, resource);", *forbids))
        self._ask: Callable[..., Any] = cedarpy.is_authorized
        self._allow = cedarpy.Decision.Allow
        self._policies = cedarpy.PolicySet.from_str(texts)
        self._entities = cedarpy.Entities.from_json_str("[]")

    def denies(self, payload: Payload) -> bool:
        request = {
            "principal": 'Agent::"support"',
            "action": 'Action::"propose"',
            "resource": 'Action::"a1"',
            "context": payload,
        }
        answer = self._ask(request, self._policies, self._entities)
        return bool(answer.decision != self._allow)


class SimpleEval:
    """simpleeval: Python's own expressions, parsed once."""

    def __init__(self, limits: Sequence[Limit]) -> None:
        import simpleeval  # type: ignore[import-untyped]

        self._evaluator = simpleeval.SimpleEval()
        texts = [f"action == '{each.action}' and data['amount'] > {each.amount}" for each in limits]
        self._parsed = [(text, self._evaluator.parse(text)) for text in texts]

    def denies(self, payload: Payload) -> bool:
        self._evaluator.names = {"action": payload["action"], "data": payload}
        try:
            return any(
                self._evaluator.eval(text, previously_parsed=parsed)
                for text, parsed in self._parsed
            )
        except Exception:
            return True


MakeEngine: TypeAlias = Callable[[Sequence[Limit]], Engine]

OURS: Final = "this governor"
PEERS: Final[Mapping[str, MakeEngine]] = {
    "cel-expr-python": OfficialCel,
    "cedarpy": Cedar,
    "simpleeval": SimpleEval,
}


def engines(limits: Sequence[Limit]) -> Iterator[tuple[str, Engine]]:
    """Yield ours, then each peer that is installed; say loudly which is not."""
    yield OURS, Governor(limits)
    for name, make in PEERS.items():
        try:
            yield name, make(limits)
        except ImportError:
            print(f"NOT MEASURED, {name} is not here: pip install {name}", file=sys.stderr)


# ── broken data ──

BROKEN: Final[Mapping[str, Payload]] = {
    "missing": {"action": REFUND},
    '"900"': {"action": REFUND, "amount": "900"},
    "null": {"action": REFUND, "amount": None},
    "NaN": {"action": REFUND, "amount": float("nan")},
    "[900]": {"action": REFUND, "amount": [900]},
    "true": {"action": REFUND, "amount": True},
}
SOUND: Final[Mapping[str, tuple[Payload, bool]]] = {
    "900": ({"action": REFUND, "amount": 900}, True),
    "100": ({"action": REFUND, "amount": 100}, False),
}


def matrix() -> dict[str, dict[str, bool]]:
    """Return for each engine and each broken payload whether it denies.

    Every engine has to tell sound payloads apart first: one that denies all would prove nothing.
    """
    found = {}
    for name, engine in engines([Limit(REFUND, 500)]):
        for what, (payload, denied) in SOUND.items():
            assert engine.denies(payload) is denied, (name, what)
        found[name] = {what: engine.denies(payload) for what, payload in BROKEN.items()}
    return found
