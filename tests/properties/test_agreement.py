"""Two ways to know how things stand agree: folded from their history, drawn as a picture.

A business lives through random days, by its commands only. Then, at any position of its log, each
thing's own history says what its row says; each live picture is what a rebuild would draw; and
the audit log accounts for every event, once. A failure names the seed and the number of steps.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.sandbox.bank import SandboxBank
from commands.access.token import IssueToken, RevokeToken
from commands.access.user import AddUser, ChangeUserRole, RemoveUser
from commands.actions import ACTION_TYPES
from commands.governor.approval import GrantApproval, RejectApproval
from commands.governor.incident import OpenIncident, UpdateIncident
from commands.governor.law import (
    ActivatePolicy,
    ChangeParameter,
    DisablePolicy,
    DraftPolicy,
    EngageKillSwitch,
    ReleaseKillSwitch,
    ShadowPolicy,
)
from commands.kernel.action import CancelAction, ProposeAction
from commands.kernel.agent import DisableAgent, EnableAgent, PermitTools
from commands.kernel.effect import StartAction
from commands.kernel.order import RecordOrder
from commands.kernel.org_unit import CreateOrgUnit, DisableOrgUnit, EnableOrgUnit
from commands.kernel.outcome import RecordOutcome
from commands.message import Held
from domain.access.token import TOKEN, Token
from domain.access.user import USER, User
from domain.core.canonical import canonical
from domain.core.event import stored_name
from domain.core.instant import DAY, HOUR, MINUTE, written
from domain.core.principal import Actor, Role
from domain.core.stream import Stream
from domain.governor.approval import APPROVAL, Approval
from domain.governor.incident import INCIDENT, Incident
from domain.governor.law import LAW, Law
from domain.kernel.action import ACTION, Action
from domain.kernel.agent import AGENT, Agent
from domain.kernel.order import ORDER, Order
from domain.kernel.org_unit import ORG_UNIT, OrgUnit
from domain.kernel.outcome import OUTCOME, Outcome
from domain.ports import Connector, ConnectorFailed, Recorded, ToolCall, ToolResult
from domain.view_store import Listing, Row
from projections.catalog import BY_NAME, VIEWS
from projections.engine import compare, draw_all
from replays.state import state_at, stream_named
from tests.examples import (
    DISPATCHER,
    FOUNDER,
    GRACE,
    IMPORTER,
    OLGA,
    VERA,
    Shop,
    ads,
    founded,
    payout,
    price,
    refund,
)

POSITIONS_LOOKED_AT: Final = 4
AMOUNTS: Final = ("0.01", "10", "499.99", "500", "500.01", "612.50", "99999999")
UNITS: Final = ("business", "commerce", "commerce/eu", "marketing")
AGENTS: Final = tuple(Actor(f"bot-{n}", Role.AGENT, UNITS[n % 4]) for n in range(4))
PEOPLE: Final = (FOUNDER, GRACE, OLGA, VERA)
ZONES: Final = ("UTC", "America/New_York", "Asia/Kolkata")
STATUSES: Final = ("open", "investigating", "resolved", "closed")


@dataclass(slots=True)
class Moody:
    """A world that says no to some."""

    dice: random.Random
    bank: SandboxBank = field(default_factory=lambda: SandboxBank(None))
    name: str = "moody"

    def execute(self, call: ToolCall) -> ToolResult:
        """Do it, or not."""
        if self.dice.random() < 0.2:
            raise ConnectorFailed("not today")
        return self.bank.execute(call)


@dataclass(slots=True)
class Life:
    """A business, and the dice that say what happens next."""

    shop: Shop
    dice: random.Random
    approvals: list[str] = field(default_factory=list)

    # ── what may happen; most of it may also be refused ──

    def propose(self) -> None:
        """Somebody asks to act."""
        dice = self.dice
        actor = dice.choice((*AGENTS, *AGENTS, FOUNDER, OLGA, VERA))
        amount = Decimal(dice.choice(AMOUNTS))
        action_type, payload = dice.choice(
            (
                ("process_refund", refund(amount, orderId=self.order_id())),
                ("process_refund", refund(amount, orderId=self.order_id())),
                ("process_payout", payout(reconciled=dice.random() < 0.7, amount=amount)),
                ("increase_ad_spend", ads(runway=dice.choice((10, 90)), roas=dice.choice((1, 3)))),
                ("update_price", price(margin=Decimal(dice.choice(("0.10", "0.40"))))),
                ("launch_rocket", {}),
            )
        )
        command = ProposeAction(
            action_type=action_type,
            payload=payload,
            action_id=f"act-{dice.randrange(30)}" if dice.random() < 0.2 else None,
        )
        receipt = self.shop.do(command, actor)
        if isinstance(receipt, Held):
            self.approvals.append(receipt.approval_id)

    def answer(self) -> None:
        """A person answers what waits, or tries to."""
        if not self.approvals:
            return
        approval_id, by = self.dice.choice(self.approvals), self.dice.choice(PEOPLE)
        shown = self.shop.request(approval_id).payload_hash
        said: dict[str, str] = {"approval_id": approval_id, "payload_hash": shown}
        yes = GrantApproval(**said), RejectApproval(**said, reason="no")
        self.shop.do(self.dice.choice(yes), by)

    def stop(self) -> None:
        """Somebody engages a kill switch."""
        where = self.dice.choice(("*", *UNITS))
        by = self.dice.choice((FOUNDER, GRACE, VERA))
        self.shop.do(EngageKillSwitch(org_unit_id=where, reason="r"), by)

    def resume(self) -> None:
        """Somebody releases every kill switch, or tries to."""
        by = self.dice.choice((FOUNDER, FOUNDER, GRACE))
        for where in ("*", *UNITS):
            self.shop.do(ReleaseKillSwitch(org_unit_id=where, reason="r"), by)

    def staff(self) -> None:
        """An agent is disabled, or gets other tools; or all are back with most tools."""
        agent, tools = self.dice.choice(AGENTS).id, sorted(ACTION_TYPES)
        if self.dice.random() < 0.5:
            some = tuple(self.dice.sample(tools, 3))
            commands = (
                DisableAgent(agent_id=agent, reason="r"),
                PermitTools(agent_id=agent, tool_permissions=some),
            )
            self.shop.do(self.dice.choice(commands))
            return
        for each in AGENTS:
            self.shop.do(EnableAgent(agent_id=each.id))
            self.shop.do(PermitTools(agent_id=each.id, tool_permissions=tuple(tools)))

    def reorganize(self) -> None:
        """Parts of the business are closed and opened."""
        unit = self.dice.choice(UNITS[1:])
        close = DisableOrgUnit(org_unit_id=unit, reason="r")
        reopen = EnableOrgUnit(org_unit_id=unit)
        self.shop.do(self.dice.choice((close, reopen, reopen)))

    def sell(self) -> None:
        """An order is recorded, perhaps for the second time."""
        lines = (
            {"sku": "mug", "quantity": self.dice.randrange(1, 9), "unitPrice": Decimal("4.95")},
        )
        wire = {
            "orderId": self.order_id(),
            "orgUnitId": self.dice.choice(UNITS),
            "placedAt": written(self.shop.clock() - self.dice.randrange(3) * HOUR),
            "currency": self.dice.choice(("USD", "USD", "EUR")),
            "lines": lines,
        }
        self.shop.do(RecordOrder.model_validate(wire), IMPORTER)

    def order_id(self) -> str:
        """One of few, so that orders and refunds meet."""
        return f"o-{self.dice.randrange(12)}"

    def meddle(self) -> None:
        """Actions are canceled, judged, or found running with nobody at it."""
        rows = self.shop.business.views.find("actions", Listing(limit=200))
        if not rows:
            return
        row = self.dice.choice(rows)
        started = StartAction(
            action_id=row["id"],
            org_unit_id=row["org_unit_id"],
            tool_name="moody",
            attempt=row["attempts"] + 1,
        )
        reward = self.dice.choice(("0", "0.5", "1"))
        self.dice.choice(
            (
                lambda: self.shop.do(CancelAction(action_id=row["id"], reason="r")),
                lambda: self.shop.do(started, DISPATCHER),
                lambda: self.shop.do(
                    RecordOutcome(action_id=row["id"], success=True, reward_score=reward)
                ),
            )
        )()

    def hire_and_fire(self) -> None:
        """People come, change and go."""
        user = self.dice.choice(("ada", "bob"))
        role = self.dice.choice(("admin", "operator", "viewer"))
        commands = (
            AddUser.model_validate({"userId": user, "name": user, "role": role}),
            ChangeUserRole.model_validate({"userId": user, "role": role}),
            RemoveUser(user_id=user),
        )
        self.shop.do(self.dice.choice(commands))

    def let_in(self) -> None:
        """Tokens are issued and revoked."""
        token = f"t-{self.dice.randrange(4)}"
        issued = IssueToken(
            token_id=token,
            holder=self.dice.choice(("user:founder", "user:ada", "agent:bot-1")),
            secret_hash="5e" * 32,
            expires_at=self.shop.clock() + DAY,
        )
        self.shop.do(self.dice.choice((issued, RevokeToken(token_id=token))))

    def amend(self) -> None:
        """The law changes."""
        policy = self.dice.choice(("small", "tiny"))
        limit = Decimal(self.dice.choice(AMOUNTS))
        rule = {
            "id": "r",
            "condition": "data.amount > params.limit",
            "action": self.dice.choice(("deny", "require_approval")),
            "message": "m",
        }
        draft = {"policyId": policy, "name": policy, "rules": (rule,)}
        commands = (
            DraftPolicy.model_validate({**draft, "parameters": {"limit": limit}}),
            ActivatePolicy(policy_id=policy, reason="r"),
            ShadowPolicy(policy_id=policy, reason="r"),
            ChangeParameter(policy_id=policy, name="limit", value=limit, reason="r"),
            DisablePolicy(policy_id=policy, reason="r"),
        )
        self.shop.do(self.dice.choice(commands))

    def worry(self) -> None:
        """Incidents are opened and worked on."""
        incident = f"inc-{self.dice.randrange(3)}"
        opened = OpenIncident(incident_id=incident, kind="anomaly_detected", title="odd")
        moved = {
            "incidentId": incident,
            "status": self.dice.choice((None, *STATUSES)),
            "assignedTo": self.dice.choice((None, "ada", "bob")),
            "rootCause": "c",
            "resolution": "s",
        }
        self.shop.do(self.dice.choice((opened, UpdateIncident.model_validate(moved))))

    def wait(self) -> None:
        """Time passes; sometimes so much that approvals run out."""
        self.shop.clock.forward(self.dice.choice((MINUTE, MINUTE, HOUR, 25 * HOUR)))

    def settle(self) -> None:
        """The workers do all there is to do."""
        self.shop.settle()

    def live(self, steps: int) -> None:
        """Let so much happen."""
        often = (self.propose, self.propose, self.propose, self.answer, self.answer, self.wait)
        settling = (self.settle, self.settle, self.resume, self.resume, self.staff)
        sometimes = (self.sell, self.meddle, self.stop, self.amend, self.worry, self.let_in)
        rarely = (self.hire_and_fire, self.reorganize)
        happenings: tuple[Callable[[], None], ...] = (*often, *settling, *sometimes, *rarely)
        for _ in range(steps):
            self.dice.choice(happenings)()


def lived(shop: Shop, seed: int, steps: int) -> None:
    """Open departments, hire agents, and live."""
    dice = random.Random(seed)
    world: dict[str, Connector] = dict.fromkeys(ACTION_TYPES, Moody(dice))
    del world["publish_content"]  # a tool that nobody has connected
    shop.business.connectors = world
    for unit, parent in (("commerce", "business"), ("commerce/eu", "commerce"), ("marketing", "")):
        shop.must(
            CreateOrgUnit(
                org_unit_id=unit,
                name=unit,
                parent_id=parent or "business",
                timezone=dice.choice(ZONES),
            )
        )
    for agent in AGENTS:
        shop.hire(agent, org_unit_id=agent.org_unit_id)
    Life(shop, dice).live(steps)


# ── the same thing, said by a state and by a row ──

Told = dict[str, Any]


def plain(value: object) -> bytes:
    """JSON as it is, however it was kept."""
    return canonical(value)


def action_told(state: Action, row: Row) -> tuple[Told, Told]:
    proposal = state.proposal
    assert proposal is not None
    return {
        "stage": state.stage.value,
        "attempts": state.attempts,
        "approval": state.approval_id,
        "agent": proposal.agent_id,
        "type": proposal.action_type,
        "arguments": plain(proposal.arguments),
        "hash": proposal.payload_hash,
    }, {
        "stage": row["status"],
        "attempts": row["attempts"],
        "approval": row["approval_id"] or "",
        "agent": row["agent_id"],
        "type": row["action_type"],
        "arguments": plain(row["arguments"]),
        "hash": row["payload_hash"],
    }


def approval_told(state: Approval, row: Row) -> tuple[Told, Told]:
    request = state.request
    assert request is not None
    names = ("approval_id", "entity_id", "payload_hash", "approver_role", "expires_at")
    told = {name: getattr(request, name) for name in names}
    return told | {"stage": state.stage.value, "by": state.decided_by}, {
        name: row["id" if name == "approval_id" else name] for name in names
    } | {"stage": row["status"], "by": row["decided_by"] or ""}


def incident_told(state: Incident, row: Row) -> tuple[Told, Told]:
    return (
        {"stage": state.stage.value, "assigned": state.assigned_to},
        {"stage": row["status"], "assigned": row["assigned_to"] or ""},
    )


def agent_told(state: Agent, row: Row) -> tuple[Told, Told]:
    return (
        {"active": state.active, "tools": state.tools, "unit": state.org_unit_id},
        {
            "active": row["status"] == "active",
            "tools": frozenset(row["tool_permissions"]),
            "unit": row["org_unit_id"],
        },
    )


def org_unit_told(state: OrgUnit, row: Row) -> tuple[Told, Told]:
    clock = {"timezone": state.timezone, "currency": state.currency}
    return (
        {"active": state.active, "path": state.path, "settings": clock},
        {
            "active": row["status"] == "active",
            "path": tuple(row["path"]),
            "settings": row["settings"],
        },
    )


def user_told(state: User, row: Row) -> tuple[Told, Told]:
    role = state.role.value if state.role is not None else None
    return {"role": role}, {"role": row["role"] if row["status"] == "active" else None}


def token_told(state: Token, row: Row) -> tuple[Told, Told]:
    assert state.issued is not None
    return (
        {"holder": state.issued.holder, "revoked": state.revoked},
        {"holder": row["holder"], "revoked": row["status"] == "revoked"},
    )


def order_told(state: Order, row: Row) -> tuple[Told, Told]:
    return (
        {"known": state.exists, "amount": state.amount, "refunded": state.refunded},
        {
            "known": row["placed_at"] is not None,
            "amount": row["amount"],
            "refunded": row["refunded"],
        },
    )


def outcome_told(state: Outcome, row: Row) -> tuple[Told, Told]:
    assert state.newest is not None
    names = ("action_id", "success", "feedback", "evaluator")
    told = {name: getattr(state.newest, name) for name in names}
    return (
        told | {"reward": state.newest.reward_score},
        {name: row[name] for name in names} | {"reward": Decimal(row["reward_score"])},
    )


SAID: Final[Mapping[Stream[Any, Any], tuple[str, Callable[[Any, Row], tuple[Told, Told]]]]] = {
    ACTION: ("actions", action_told),
    APPROVAL: ("approvals", approval_told),
    INCIDENT: ("incidents", incident_told),
    AGENT: ("agents", agent_told),
    ORG_UNIT: ("org_units", org_unit_told),
    USER: ("users", user_told),
    TOKEN: ("tokens", token_told),
    ORDER: ("orders", order_told),
    OUTCOME: ("outcomes", outcome_told),
}


def assert_agreement(shop: Shop, upto: int) -> None:
    """Everything that has a history by then has a row that says the same, and nothing else has."""
    log = shop.business.log
    things: dict[str, set[str]] = defaultdict(set)
    for recorded in log.page(after=0, limit=upto, upto=upto):
        for tag in recorded.tags:
            things[tag.partition(":")[0]].add(tag)
    for stream, (view, told) in SAID.items():
        rows = draw_all(BY_NAME[view], log=log, upto=upto)
        names = things[stream.category]
        assert {stream.at(key) for key in rows} == names, f"{view} at {upto}"
        for name in sorted(names):
            found = stream_named(name)
            assert found is not None
            state = state_at(log, *found, upto=upto).state
            folded, seen = told(state, rows[found[1]])
            assert folded == seen, f"{name} at {upto}"
    assert_law_agrees(shop, upto)


def assert_law_agrees(shop: Shop, upto: int) -> None:
    log = shop.business.log
    law: Law = state_at(log, LAW, "business", upto=upto).state
    policies = draw_all(BY_NAME["policies"], log=log, upto=upto)
    active = {
        key: row["active_version"] for key, row in policies.items() if row["status"] == "active"
    }
    assert active == {key: policy.version for key, policy in law.active.items()}
    assert {key: row["version"] for key, row in policies.items()} == {
        key: policy.version for key, policy in law.drafts.items()
    }
    switches = draw_all(BY_NAME["kill_switches"], log=log, upto=upto)
    engaged = {row["org_unit_id"]: key for key, row in switches.items() if not row["released_by"]}
    assert engaged == dict(law.stops)


def assert_everything_is_accounted_for(shop: Shop) -> None:
    """Each event is the verdict of one row of the audit log, or one change of one row."""
    views, log = shop.business.views, shop.log()
    live = views.live("audit_log")
    assert live is not None
    accounted: list[tuple[int, str, str]] = []
    for row in views.rows(live):
        accounted.append((row["position"], "verdict.recorded", row["id"]))
        accounted += [(each["position"], each["type"], row["id"]) for each in row["changes"]]
    assert sorted(accounted) == [(each.position, each.type, _command(each)) for each in log]
    assert views.count("events") == len(log)


def _command(recorded: Recorded) -> str:
    """The command that an event came from: what caused it, or for a verdict, itself."""
    return (recorded.causation_id or recorded.id).removesuffix(":0")


def assert_two_ways_agree(seed: int, steps: int) -> None:
    with founded() as shop:
        lived(shop, seed, steps)
        business, dice = shop.business, random.Random(seed)
        business.draw()
        head = shop.head()
        for upto in sorted({head, *(dice.randrange(head + 1) for _ in range(POSITIONS_LOOKED_AT))}):
            assert_agreement(shop, upto)
        for view in VIEWS:
            told = compare(view, log=business.log, views=business.views)
            assert told.equal, told.differences
        assert_everything_is_accounted_for(shop)


@settings(max_examples=6, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32 - 1), steps=st.integers(0, 50))
def test_states_and_pictures_agree(seed: int, steps: int) -> None:
    assert_two_ways_agree(seed, steps)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 4))
def test_states_and_pictures_agree_after_long_lives(seed: int) -> None:
    assert_two_ways_agree(seed, steps=250)


def test_a_life_is_eventful_and_the_same_seed_is_the_same_life() -> None:
    """Else these properties would say little, or could not be repeated."""
    logs = []
    for _ in range(2):
        with founded() as shop:
            lived(shop, seed=7, steps=400)
            logs.append([(each.type, each.id, each.occurred_at) for each in shop.log()])
    assert logs[0] == logs[1]
    seen = {kind for kind, _id, _at in logs[0]}
    known = {stored_name(kind) for stream in (LAW, *SAID) for kind in stream.events}
    assert len(known - seen) <= 5, known - seen
