"""Whatever people try, nothing goes on but what enough of the right people agreed to.

random people, roles that change, delegations, clocks ──► the road ──► an auditor of the log
The auditor reads the log alone, and knows the rules in words of its own.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import pytest

from commands.access.user import AddUser, ChangeUserRole
from commands.governor.amendment import AmendRequest
from commands.governor.approval import GrantApproval, RejectApproval
from commands.governor.mandate import DelegateApprovals, SetApprovalLimit, WithdrawDelegation
from commands.message import Held
from domain.access.user import USER, UserAdded, UserRemoved, UserRoleChanged
from domain.core.instant import DAY, HOUR, Instant, written
from domain.core.principal import Actor, Role
from domain.governor.approval import (
    ApprovalConsumed,
    ApprovalEndorsed,
    ApprovalGranted,
    ApprovalRequested,
)
from domain.governor.authority import AuthorityExercised
from domain.governor.mandate import Delegated, LimitSet, Withdrawn
from domain.ports import Recorded
from tests.examples import FOUNDER, SUPPORT, Shop, founded, refund

PEOPLE: Final = ("ann", "ben", "cid")
RANK: Final = {"operator": 1, "admin": 2, "founder": 3}
AMOUNTS: Final = (150, 150, 250, 600)
SEEDS: Final = 6
STEPS: Final = 80


@dataclass
class Auditor:
    """Reads the log from its beginning, and says what was not legal."""

    roles: dict[str, str] = field(default_factory=dict)
    requests: dict[str, ApprovalRequested] = field(default_factory=dict)
    yeses: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    delegations: dict[tuple[str, str], Instant] = field(default_factory=dict)
    limit: Decimal | None = None
    used: list[tuple[str, Instant, Decimal]] = field(default_factory=list)
    consumed: set[str] = field(default_factory=set)

    def read(self, log: Iterable[Recorded]) -> None:
        for recorded in log:
            self._note_people(recorded.fact)
            self._note_approvals(recorded.fact, recorded)

    def _note_people(self, fact: object) -> None:
        match fact:
            case UserAdded() | UserRoleChanged():
                self.roles[fact.user_id] = fact.role
            case UserRemoved():
                del self.roles[fact.user_id]
            case Delegated():
                self.delegations[fact.delegator, fact.delegate] = fact.until
            case Withdrawn():
                del self.delegations[fact.delegator, fact.delegate]
            case LimitSet():
                self.limit = fact.per_day
            case AuthorityExercised():
                self._exercised(fact)
            case _:
                pass

    def _note_approvals(self, fact: object, recorded: Recorded) -> None:
        match fact:
            case ApprovalRequested():
                self.requests[fact.approval_id] = fact
            case ApprovalEndorsed():
                self._agreed(fact.approval_id, fact.by, fact.on_behalf_of, recorded)
            case ApprovalGranted():
                said = self.yeses.get(fact.approval_id, [])
                if all(by != fact.by for by, _ in said):
                    self._agreed(fact.approval_id, fact.by, "", recorded)
            case ApprovalConsumed():
                self._went_on(fact.approval_id, recorded)
            case _:
                pass

    def _exercised(self, fact: AuthorityExercised) -> None:
        self.used.append((fact.user_id, fact.at, fact.amount))
        lately = [
            amount for who, at, amount in self.used if who == fact.user_id and at >= fact.at - DAY
        ]
        if self.limit is not None and self.roles[fact.user_id] != "founder":
            assert sum(lately) <= self.limit, f"{fact.user_id} went beyond the limit"

    def _agreed(self, approval_id: str, by: str, for_: str, recorded: Recorded) -> None:
        request, principal = self.requests[approval_id], for_ or by
        assert recorded.occurred_at < request.expires_at
        assert {by, principal}.isdisjoint(request.authors), "somebody agreed with themselves"
        for earlier in self.yeses.get(approval_id, []):
            assert {by, principal}.isdisjoint(filter(None, earlier)), "somebody agreed twice"
        if for_:
            pair = (for_.removeprefix("user:"), by.removeprefix("user:"))
            assert recorded.occurred_at < self.delegations[pair], "nobody delegated this"
        role = self.roles[principal.removeprefix("user:")]
        assert RANK.get(role, 0) >= min(RANK[each.role] for each in request.demands)
        self.yeses.setdefault(approval_id, []).append((by, for_))

    def _went_on(self, approval_id: str, recorded: Recorded) -> None:
        request = self.requests[approval_id]
        assert approval_id not in self.consumed, "an approval was used twice"
        assert recorded.occurred_at < request.expires_at, "an approval was used too late"
        self.consumed.add(approval_id)
        ranks = [
            RANK.get(self.roles.get((for_ or by).removeprefix("user:"), ""), 0)
            for by, for_ in self.yeses[approval_id]
        ]
        for demand in request.demands:
            enough = sum(rank >= RANK[demand.role] for rank in ranks)
            assert enough >= demand.count, f"{enough} of {demand.count} x {demand.role}"


@dataclass
class Office:
    """People who agree, delegate, get promoted and demoted, while an agent keeps asking."""

    shop: Shop
    dice: random.Random
    auditor: Auditor = field(default_factory=Auditor)
    audited: int = 0
    waiting: list[str] = field(default_factory=list)

    def begin(self) -> None:
        for each in PEOPLE:
            self.shop.must(AddUser(user_id=each, name=each, role="admin"))
        self.shop.enact(
            "action == 'process_refund' && data.amount > 100",
            approver_role="operator",
            approvals=self.dice.choice((1, 2, 2)),
            expires_hours=self.dice.choice((3, 24)),
        )
        self.shop.enact("data.amount > 200", policy_id="admins", approver_role="admin")
        for delegator, to in zip(PEOPLE, (*PEOPLE[1:], PEOPLE[0]), strict=True):
            self.delegate(delegator, to)

    def step(self) -> None:
        """Do one of the things that people do."""
        self.dice.choice(
            (self.convene, self.convene, self.convene, self.amend, self.refuse, self.limit)
        )()
        if self.dice.random() < 0.4:
            who, to = self.dice.sample(PEOPLE, 2)
            self.dice.choice((self.delegate, self.withdraw))(who, to)
        self.auditor.read(self.shop.log(self.audited))
        self.audited = self.shop.head()
        paid = set(self.shop.till.calls)
        allowed = {self.auditor.requests[each].entity_id for each in self.auditor.consumed}
        assert paid <= allowed, "something was paid that nobody agreed to"

    def _as(self, who: str) -> Actor:
        role = self.shop.business.state(USER, who).role
        return Actor(who, role or Role.VIEWER)

    def convene(self) -> None:
        """Somebody asks, some speak, one is demoted, time passes, and only then it goes on."""
        asks = self.dice.choice((SUPPORT, SUPPORT, self._as(self.dice.choice(PEOPLE))))
        held = self.shop.propose(refund(self.dice.choice(AMOUNTS)), asks)
        if isinstance(held, Held):
            self.waiting.append(held.approval_id)
        self._speak()
        demoted = self.dice.choice((*PEOPLE, "", "", ""))
        if demoted:
            self._change(demoted, self.dice.choice(("viewer", "operator")))
        if self.dice.random() < 0.3:
            self.shop.clock.forward(self.dice.choice((1, 2, 20)) * HOUR)
        self.shop.settle()
        if demoted:
            self._change(demoted, "admin")

    def _speak(self) -> None:
        for _ in range(self.dice.randint(1, 5)):
            for_ = self.dice.choice((None, None, *PEOPLE))
            self._answer(GrantApproval, self.dice.choice((*PEOPLE, "founder")), for_, {})

    def _change(self, who: str, role: str) -> None:
        wire = {"userId": who, "role": role}
        self.shop.must(ChangeUserRole.model_validate(wire), FOUNDER)

    def refuse(self) -> None:
        if self.waiting:
            self._answer(RejectApproval, self.dice.choice(PEOPLE), None, {"reason": "no"})

    def _answer(
        self, kind: Callable[..., Any], who: str, for_: str | None, more: dict[str, str]
    ) -> None:
        approval_id = self.waiting[-1 - self.dice.choice((0, 0, 0, 1)) % len(self.waiting)]
        shown = self.shop.request(approval_id).payload_hash
        told = {"approval_id": approval_id, "payload_hash": shown, "on_behalf_of": for_}
        self.shop.do(kind(**told, **more), self._as(who))

    def amend(self) -> None:
        """Somebody changes what is asked, and tries to agree to that."""
        held = self.shop.propose(refund(250), SUPPORT)
        assert isinstance(held, Held)
        who = self.dice.choice(PEOPLE)
        command = AmendRequest(
            approval_id=held.approval_id,
            payload_hash=self.shop.request(held.approval_id).payload_hash,
            payload=refund(150, reason=f"as {who} wants it"),
        )
        self.shop.do(command, self._as(who))
        self.shop.settle()
        self.waiting.append(self.shop.facts(ApprovalRequested)[-1].approval_id)
        self._answer(GrantApproval, who, None, {})
        self._speak()
        self.shop.settle()

    def delegate(self, who: str, to: str) -> None:
        until = written(self.shop.clock() + self.dice.choice((2, 30, 300)) * HOUR)
        self.shop.do(DelegateApprovals(delegate=to, until=until, reason="r"), self._as(who))

    def withdraw(self, who: str, to: str) -> None:
        self.shop.do(WithdrawDelegation(delegate=to, reason="r"), self._as(who))

    def limit(self) -> None:
        amount = self.dice.choice((None, Decimal(400), Decimal(1_000), None))
        self.shop.must(SetApprovalLimit(role="admin", currency="USD", per_day=amount, reason="r"))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_nothing_goes_on_but_what_enough_of_the_right_people_agreed_to(seed: int) -> None:
    with founded() as shop:
        office = Office(shop, random.Random(seed))
        office.begin()
        for _ in range(STEPS):
            office.step()
        assert len(office.auditor.consumed) >= 5, "hardly anything was agreed to"
