"""A founder's day at the console, in a real browser. Whatever else a test is about, it fails on a
console error, a broken policy, an exception, a 5xx, or a request to anybody else.
"""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Response,
    expect,
)

from commands.access.token import RevokeToken
from commands.access.user import AddUser
from commands.governor.approval import GrantApproval
from commands.governor.law import ActivatePolicy, DraftPolicy, EngageKillSwitch
from commands.kernel.action import ProposeAction
from commands.kernel.agent import RegisterAgent
from commands.kernel.order import RecordOrder
from commands.message import Command, Done, Held, Receipt
from console_api import access
from console_api.bootstrap import BOOTSTRAP, open_business
from console_api.business import Business
from console_api.http.app import create_app
from console_api.http.server import serve
from console_api.pages.live import drawn
from console_api.settings import Settings
from console_api.workers.engine_room import EngineRoom
from domain.core.principal import Actor, Role
from domain.governor.law import LAW
from domain.kernel.action import ACTION, Stage
from queries.catalog import BY_NAME

BASE: Final = "/admin/operations-console"
SESSION: Final = "bos_session"
PAGES: Final = (
    "/", "/approvals", "/approvals?status=all", "/incidents?status=all", "/policies", "/agents",
    "/audit", "/audit?show=decisions&outcome=held", "/more", "/kill-switch", "/nowhere",
)  # fmt: skip
DESKTOP: Final = {"width": 1280, "height": 800}
PHONE: Final = {"width": 390, "height": 844}
TARGET_PIXELS_MIN: Final = 40
COLD_BYTES_MAX: Final = 40_000
SCRIPT_BYTES_MAX: Final = 20_000
REQUESTS_MAX: Final = 12
PATIENCE_MS: Final = 15_000
IMPORTER: Final = Actor("importer", Role.SERVICE)
HOSTILE: Final = (
    "<script>window.hurt=1</script><img src=x onerror=window.hurt=1>\"'><svg/onload=window.hurt=1>"
    "{{7*7}} {% raw %} javascript:window.hurt=1 \u202eknilb\u202c &amp;"
)

expect.set_options(timeout=PATIENCE_MS)


@dataclass
class Shop:
    """A running business behind a real server."""

    business: Business
    url: str

    def __post_init__(self) -> None:
        for user_id, role in (("olga", "operator"), ("vera", "viewer")):
            self.did(AddUser.model_validate({"userId": user_id, "name": user_id, "role": role}))
        tools = ("process_refund", "process_payout", "update_price", "publish_content")
        self.did(RegisterAgent(agent_id="support", name="Support", tool_permissions=tools))

    @property
    def console(self) -> str:
        return self.url + BASE

    def actor(self, who: str) -> Actor:
        return access.actor_named(self.business, who)

    def did(self, command: Command, who: str = "founder") -> Receipt:
        receipt = self.business.do(command, self.actor(who))
        assert isinstance(receipt, Done | Held), receipt
        self.shown()
        return receipt

    def shown(self) -> None:
        """Wait until the read models show everything."""
        assert drawn(self.business, self.business.log.head(), timeout_seconds=10)

    def order(self, number: int, price: str, day: str) -> None:
        command = RecordOrder.model_validate(
            {
                "orderId": f"o-{number}",
                "placedAt": f"{day}T10:00:00Z",
                "lines": [{"sku": "mug", "quantity": 2, "unitPrice": Decimal(price)}],
            }
        )
        assert isinstance(self.business.do(command, IMPORTER), Done)
        self.shown()

    def refund(self, amount: int, *, reason: str = "", **more: Any) -> Receipt:
        """Let the agent ask for a refund; above 500 it waits for the founder."""
        payload = {"orderId": "o-1", "amount": amount, "currency": "USD", **more}
        command = ProposeAction(action_type="process_refund", payload=payload, reason=reason)
        receipt = self.business.do(command, self.actor("agent:support"))
        self.shown()
        return receipt

    def held(self, amount: int = 640, **more: Any) -> str:
        """Return the id of a refund that waits."""
        receipt = self.refund(amount, **more)
        assert isinstance(receipt, Held), receipt
        return receipt.approval_id

    def denied_price(self) -> None:
        """Let the agent ask for what a policy forbids, so that there is an incident."""
        payload = {
            "productId": "mug", "newPrice": 9, "currency": "USD", "marginPercent": Decimal("0.02"),
        }  # fmt: skip
        command = ProposeAction(action_type="update_price", payload=payload)
        before = self.business.log.head()
        self.business.do(command, self.actor("agent:support"))
        for _ in range(100):
            before = self.business.log.wait(after=before, timeout_seconds=0.1)
            self.shown()
            if self.business.ask(BY_NAME["incidents"], {}).items:
                return
        raise AssertionError("no incident was opened")

    def approval(self, approval_id: str) -> dict[str, Any]:
        self.shown()
        return self.business.ask(BY_NAME["approvals"], {"id": approval_id}).items[0]

    def stage(self, approval_id: str) -> Stage:
        """How far the action that waited has come; what runs is waited for."""
        action_id = self.approval(approval_id)["entityId"]
        for _ in range(100):
            stage: Stage = self.business.state(ACTION, action_id).stage
            if stage not in (Stage.AUTHORIZED, Stage.RUNNING):
                return stage
            self.business.log.wait(after=self.business.log.head(), timeout_seconds=0.1)
        return stage

    def link(self, who: str = "founder") -> str:
        holder = who if ":" in who else f"user:{who}"
        return access.issue(self.business, holder=holder, by=BOOTSTRAP, kind="link").text


@dataclass
class Desk:
    """A browser of somebody's, and everything that went wrong in it."""

    shop: Shop
    context: BrowserContext
    expected: set[int] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    sizes: list[tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context.on("page", self._watch)
        self.context.on("weberror", lambda error: self.wrong.append(f"exception: {error.error}"))
        self.context.on("console", self._heard)
        self.context.on("response", self._answered)
        self.context.on("request", lambda request: self._asked(request.url))

    def _watch(self, page: Page) -> None:
        page.set_default_timeout(PATIENCE_MS)

    def _heard(self, message: ConsoleMessage) -> None:
        refused = re.search(r"status of (\d+)", message.text)
        if refused and int(refused[1]) in self.expected:
            return
        if message.type in ("error", "warning"):
            self.wrong.append(f"console: {message.text} {message.location}")

    def _answered(self, response: Response) -> None:
        if response.status >= 500:
            self.wrong.append(f"{response.status}: {response.url}")
        self.sizes.append((response.url, int(response.headers.get("content-length", 0))))

    def _asked(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "data" and f"{parts.scheme}://{parts.netloc}" != self.shop.url:
            self.wrong.append(f"foreign request: {url}")

    def sign_in(self, who: str = "founder") -> None:
        self.set_session(access.sign_in(self.shop.business, self.shop.link(who)).text)

    def session(self) -> str:
        return next(each["value"] for each in self.context.cookies() if each["name"] == SESSION)

    def set_session(self, text: str) -> None:
        self.context.add_cookies([{"name": SESSION, "value": text, "url": self.shop.url}])

    def open(self, path: str = "/") -> Page:
        page = self.context.new_page()
        page.goto(self.shop.console + path)
        return page


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    settings = Settings(data=tmp_path, port=0, business_name="Northwind Live")
    business = open_business(settings)
    business.draw()  # as `bos up` does with a log this short
    room = EngineRoom(business)
    room.start()
    ready, stop, port = threading.Event(), threading.Event(), 0

    def on_ready(bound: int) -> None:
        nonlocal port
        port = bound
        ready.set()

    app = create_app(business, settings)
    server = threading.Thread(target=serve, args=(app, settings, on_ready), kwargs={"stop": stop})
    server.start()
    assert ready.wait(10)
    yield Shop(business, f"http://127.0.0.1:{port}")
    stop.set()
    server.join(15)
    room.stop()
    business.close()
    assert not server.is_alive()


@pytest.fixture
def desk(request: pytest.FixtureRequest, shop: Shop, chromium: Browser) -> Iterator[Desk]:
    """The founder's browser; a test may ask for another size or theme, or for no JavaScript."""
    wishes = {"viewport": DESKTOP, **getattr(request, "param", {})}
    context = chromium.new_context(**wishes)
    opened = Desk(shop, context)
    opened.sign_in()
    yield opened
    context.close()
    assert opened.wrong == []


NO_SCRIPT: Final = pytest.mark.parametrize(
    "desk", [{"java_script_enabled": True}, {"java_script_enabled": False}],
    indirect=True, ids=["script", "no-script"],
)  # fmt: skip


def dialog(page: Page, name: str) -> Locator:
    return page.locator(f"#do-{name}")


def number(page: Page, name: str) -> Locator:
    return page.locator(f'[data-number="{name}"]')


# -- the way in and out


def test_a_link_signs_in_once_and_not_by_being_looked_at(shop: Shop, desk: Desk) -> None:
    desk.context.clear_cookies()
    desk.expected = {401, 403}  # 401: a page that looks again while it is signed out
    link = f"/sign-in?link={shop.link()}"
    for _preview in range(2):
        page = desk.open(link)
        expect(page.get_by_role("heading", level=1)).to_have_text("Welcome, founder")
    page.get_by_role("button", name="Sign in as founder").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    cookie = next(each for each in desk.context.cookies() if each["name"] == SESSION)
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"

    page.goto(shop.console + link)
    expect(page.get_by_role("alert")).to_contain_text("a link works once")

    page.goto(f"{shop.console}/")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    desk.set_session(cookie["value"])
    page.goto(f"{shop.console}/audit")
    assert "/login?next=" in page.url, "a session that was given up opens nothing"


def test_a_pasted_token_signs_a_person_in_and_goes_where_they_were_going(
    shop: Shop, desk: Desk
) -> None:
    desk.context.clear_cookies()
    desk.expected = {403}
    founder = shop.actor("founder")
    agent = access.issue(shop.business, holder="agent:support", by=founder)
    vera = access.issue(shop.business, holder="user:vera", by=founder)
    page = desk.open("/policies")
    for text in ("bos_x_y", "nonsense", agent.text):
        page.get_by_label("Link or token").fill(text)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_contain_text("does not sign anybody in")
    page.get_by_label("Link or token").fill(vera.text)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Policies")
    assert page.url == f"{shop.console}/policies"


def test_an_open_page_leaves_when_its_session_ends(shop: Shop, desk: Desk) -> None:
    desk.expected = {401}
    page = desk.open("/approvals")
    expect(page.locator("#live")).to_have_text("Live")
    shop.did(RevokeToken(token_id=desk.session().split("_")[1]))
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


# -- looking


def test_the_overview_shows_the_business_as_it_is(shop: Shop, desk: Desk) -> None:
    today = datetime.now(UTC).date()
    yesterday = today - timedelta(days=1)
    shop.order(1, "100.25", today.isoformat())
    shop.order(2, "50", yesterday.isoformat())
    shop.refund(40)
    shop.held(640)
    shop.denied_price()
    page = desk.open()
    for name, count in {"agents": 1, "pending": 1, "incidents": 1, "decisions": 3}.items():
        expect(number(page, name)).to_have_text(str(count))
    takings = page.locator("#takings")
    for text in ("USD 300.50", "USD 40.00", "USD 640.00", "2 orders"):
        expect(takings).to_contain_text(text)
    takings.get_by_text("Show as table").click()
    expect(takings.get_by_role("row", name=f"{yesterday.day} {yesterday:%b %Y}")).to_contain_text(
        "USD 100.00"
    )
    expect(page.locator("#need")).to_contain_text("Refund USD 640.00 for order o-1")
    expect(page.locator("#feed")).to_contain_text("Set the price of mug to USD 9.00")
    expect(page.locator("#lag")).to_have_text("up to date")

    chart = page.locator(".plot")
    box = chart.bounding_box()
    assert box is not None
    chart.hover(position={"x": box["width"] - 2, "y": 40})
    expect(page.locator(".chart output")).to_contain_text("USD 200.50")
    page.get_by_role("link", name="Decisions today").click()
    expect(page.locator("#inbox > li")).to_have_count(3)


def test_the_range_is_in_the_address(shop: Shop, desk: Desk) -> None:
    shop.order(1, "1", "2026-01-01")
    shop.order(2, "2", "2026-03-30")
    page = desk.open("/?range=7d")
    expect(page.locator("#takings-table tbody tr")).to_have_count(7)
    page.get_by_role("link", name="90d").click()
    expect(page.locator("#takings-table tbody tr")).to_have_count(89 + 1)
    assert page.url.endswith("?range=90d")


def test_an_empty_business_says_what_will_come(desk: Desk) -> None:
    page = desk.open()
    expect(page.locator("#need")).to_contain_text("Nothing needs you")
    expect(page.locator("#takings")).to_contain_text("Nothing was sold yet")
    page.goto(f"{desk.shop.console}/incidents")
    expect(page.locator("#inbox")).to_contain_text("No open incidents")


def test_the_audit_log_can_be_filtered_and_read_in_full(shop: Shop, desk: Desk) -> None:
    for amount in range(1, 16):
        shop.refund(amount)
    shop.held(640)
    page = desk.open("/audit")
    page.get_by_label("Actor").fill("agent:support")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="Held", exact=True).click()
    expect(page.locator("#inbox > li")).to_have_count(1)
    page.locator("#inbox a").click()
    detail = page.locator("#detail")
    expect(detail).to_contain_text("refund-approval-limits@1/amount")
    expect(detail).to_contain_text("action.proposed")
    expect(detail).to_contain_text("data.amount")
    page.goto(f"{shop.console}/audit")
    page.get_by_role("link", name="Older").click()
    expect(page.locator("#inbox")).to_contain_text("Found business")


# -- deciding


@NO_SCRIPT
def test_the_founder_approves_and_it_is_carried_out(shop: Shop, desk: Desk) -> None:
    approval_id = shop.held(640, reason="The parcel never arrived.")
    page = desk.open("/approvals")
    page.locator("#inbox a").click()
    expect(page.locator("#detail")).to_contain_text("The parcel never arrived.")
    page.get_by_role("link", name="Approve", exact=True).click()
    page.get_by_label("Notes").fill("Carrier checked.")
    page.get_by_role("button", name="Approve USD 640.00").click()
    expect(page.locator(".flash-note")).to_contain_text("Approved: Refund USD 640.00")
    expect(page.locator("#inbox")).to_contain_text("Nothing waits for you")
    assert shop.stage(approval_id) is Stage.COMPLETED
    assert shop.approval(approval_id)["notes"] == "Carrier checked."
    page.reload()
    expect(page.locator(".flash-note")).to_have_count(0)


@NO_SCRIPT
def test_a_rejection_needs_a_reason(shop: Shop, desk: Desk) -> None:
    desk.expected = {422}
    approval_id = shop.held(640)
    page = desk.open(f"/approvals?id={approval_id}")
    page.get_by_role("link", name="Reject", exact=True).click()
    dialog(page, "reject").get_by_label("Reason").fill("   ")
    page.get_by_role("button", name="Reject", exact=True).click()
    expect(page.get_by_role("alert")).to_have_text("A rejection needs a reason.")
    assert shop.approval(approval_id)["status"] == "pending"
    dialog(page, "reject").get_by_label("Reason").fill("Offer an exchange first.")
    page.get_by_role("button", name="Reject", exact=True).click()
    expect(page.locator(".flash-note")).to_contain_text("Rejected")
    assert shop.stage(approval_id) is Stage.DENIED
    page.get_by_role("link", name="Rejected", exact=True).click()
    expect(page.locator("#detail")).to_contain_text("Offer an exchange first.")


@NO_SCRIPT
def test_two_people_ask_answer_and_agree(shop: Shop, desk: Desk) -> None:
    desk.expected = {422}
    earlier = shop.held(600)
    seen = shop.approval(earlier)["payloadHash"]
    shop.did(GrantApproval(approval_id=earlier, payload_hash=seen))
    rule = {"id": "r", "condition": "data.amount > 500", "action": "require_approval"}
    two = {**rule, "message": "two people", "approverRole": "operator", "approvals": 2}
    draft = {"policyId": "two", "name": "Two", "rules": (two,)}
    shop.did(DraftPolicy.model_validate(draft))
    shop.did(ActivatePolicy(policy_id="two", reason="a test"))
    approval_id = shop.held(640)
    page = desk.open(f"/approvals?id={approval_id}")
    detail = page.locator("#detail")
    expect(detail).to_contain_text("0 of 1 person: founder")
    expect(detail).to_contain_text("0 of 2 people: operator or higher")
    expect(detail).to_contain_text("USD 600.00 consumed by user:founder")
    page.get_by_role("link", name="Ask for more").click()
    dialog(page, "ask").get_by_label("What do you want to know?").fill("  ")
    page.get_by_role("button", name="Ask for more").click()
    expect(page.get_by_role("alert")).to_have_text("A question needs words.")
    dialog(page, "ask").get_by_label("What do you want to know?").fill("Which parcel?")
    page.get_by_role("button", name="Ask for more").click()
    expect(detail).to_contain_text("Which parcel?")
    page.get_by_role("link", name="Answer", exact=True).click()
    dialog(page, "inform").get_by_label("What is there to say?").fill("The blue one.")
    page.get_by_role("button", name="Answer the question").click()
    expect(detail).to_contain_text("The blue one.")
    page.get_by_role("link", name="Approve", exact=True).click()
    page.get_by_role("button", name="Approve USD 640.00").click()
    expect(page.locator(".flash-note")).to_contain_text("Your yes counts, others must agree too")
    page.goto(f"{shop.console}/approvals?id={approval_id}")
    expect(detail).to_contain_text("1 of 1 person: founder")
    expect(detail).to_contain_text("1 of 2 people: operator or higher")
    shop.did(
        GrantApproval(
            approval_id=approval_id, payload_hash=shop.approval(approval_id)["payloadHash"]
        ),
        "olga",
    )
    page.goto(f"{shop.console}/approvals?id={approval_id}")
    expect(detail).to_contain_text("2 of 2 people: operator or higher")


@NO_SCRIPT
def test_high_risk_means_typing_the_end_of_the_id(shop: Shop, desk: Desk) -> None:
    desk.expected = {422}
    approval_id = shop.held(1_640)
    page = desk.open(f"/approvals?id={approval_id}")
    page.get_by_role("link", name="Approve", exact=True).click()
    confirm = dialog(page, "approve").get_by_label("to confirm")
    confirm.fill("yes")
    page.get_by_label("Notes").fill("Looks fine")
    page.get_by_role("button", name="Approve USD 1,640.00").click()
    expect(page.get_by_role("alert")).to_contain_text("This is not the end of the id")
    expect(page.get_by_label("Notes")).to_have_value("Looks fine")
    assert shop.approval(approval_id)["status"] == "pending"
    confirm.fill(approval_id[-6:])
    page.get_by_role("button", name="Approve USD 1,640.00").click()
    expect(page.locator(".flash-note")).to_contain_text("Approved")
    assert shop.stage(approval_id) is Stage.COMPLETED


@NO_SCRIPT
def test_a_decision_on_what_has_changed_is_refused(shop: Shop, desk: Desk) -> None:
    desk.expected = {409}
    approval_id = shop.held(640)
    page = desk.open(f"/approvals?id={approval_id}")
    page.get_by_role("link", name="Approve", exact=True).click()
    seen = shop.approval(approval_id)["payloadHash"]
    shop.did(GrantApproval(approval_id=approval_id, payload_hash=seen))
    page.get_by_role("button", name="Approve USD 640.00").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing was done: this has changed")
    expect(page.get_by_role("main")).to_contain_text("Somebody has answered this request already")
    page.get_by_role("link", name="Look at it again").click()
    expect(page.locator("#detail")).to_contain_text("approved")


def test_another_payload_than_the_one_on_screen_is_refused(shop: Shop, desk: Desk) -> None:
    desk.expected = {409}
    approval_id = shop.held(640)
    page = desk.open(f"/approvals?id={approval_id}")
    page.get_by_role("link", name="Approve", exact=True).click()
    page.evaluate("document.querySelector('#do-approve [name=hash]').value = 'f'.repeat(64)")
    page.get_by_role("button", name="Approve USD 640.00").click()
    expect(page.get_by_role("main")).to_contain_text("look at it again, then decide")
    assert shop.approval(approval_id)["status"] == "pending"


def test_keys_move_open_and_answer(shop: Shop, desk: Desk) -> None:
    first, second = shop.held(600), shop.held(700)
    page = desk.open()
    expect(page.locator("#live")).to_have_text("Live")
    page.keyboard.press("g")
    page.keyboard.press("a")
    expect(page.locator("#detail")).to_have_attribute("data-id", first)
    page.keyboard.press("j")
    expect(page.locator("#detail")).to_have_attribute("data-id", second)
    page.keyboard.press("r")
    page.keyboard.type("no")
    expect(dialog(page, "reject").get_by_label("Reason")).to_have_value("no")
    page.keyboard.press("Escape")
    page.keyboard.press("k")
    expect(page.locator("#detail")).to_have_attribute("data-id", first)
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Keys")).to_be_visible()


# -- stopping


@NO_SCRIPT
def test_the_kill_switch_stops_and_only_a_reason_releases_it(shop: Shop, desk: Desk) -> None:
    desk.expected = {422}
    page = desk.open()
    page.get_by_role("link", name="Kill switch", exact=True).click()
    page.get_by_label("Reason").fill("Refunds look wrong.")
    page.get_by_label("Type STOP").fill("stop")
    page.get_by_role("button", name="Stop everything").click()
    banner = page.get_by_role("region", name="Kill switch")
    expect(banner).to_contain_text("Everything is stopped")
    expect(banner).to_contain_text("Refunds look wrong.")
    assert shop.business.state(LAW, "business").stops
    assert isinstance(shop.refund(5), Held), "even the smallest refund waits now"

    banner.get_by_role("link", name="Release").click()
    page.get_by_label("Why is it safe").fill("   ")
    page.get_by_role("button", name="Release").click()
    expect(page.get_by_role("alert")).to_have_text("A release needs a reason.")
    page.get_by_label("Why is it safe").fill("It was a test.")
    page.get_by_role("button", name="Release").click()
    expect(banner).to_have_count(0)
    assert not shop.business.state(LAW, "business").stops


# -- incidents


@NO_SCRIPT
def test_an_incident_is_assigned_investigated_resolved_and_closed(shop: Shop, desk: Desk) -> None:
    desk.expected = {422}
    shop.denied_price()
    page = desk.open("/incidents")
    page.locator("#inbox a").click()
    detail = page.locator("#detail")
    page.get_by_label("Assign to").select_option("olga")
    page.get_by_role("button", name="Assign").click()
    expect(page.locator(".flash-note")).to_have_text("Assigned to olga")
    page.get_by_role("button", name="Investigate").click()
    expect(page.locator(".flash-note")).to_have_text("Now investigating")
    page.get_by_role("link", name="Resolve", exact=True).click()
    page.get_by_label("Root cause").fill(" ")
    page.get_by_label("Resolution").fill("Cost was corrected.")
    page.get_by_role("button", name="Resolve", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("both a root cause and a resolution")
    page.get_by_label("Root cause").fill("An old cost in the catalog.")
    page.get_by_role("button", name="Resolve", exact=True).click()
    expect(detail).to_contain_text("An old cost in the catalog.")
    page.get_by_role("button", name="Close").click()
    expect(page.locator(".flash-note")).to_have_text("Now closed")
    story = detail.locator("#story > li")
    expect(story).to_have_count(5)


# -- who may do what


@pytest.mark.slow
def test_a_viewer_sees_everything_and_no_form(shop: Shop, desk: Desk) -> None:
    approval_id = shop.held(640)
    shop.denied_price()
    shop.did(EngageKillSwitch(reason="for the test"))
    desk.sign_in("vera")
    for path in (*PAGES, f"/approvals?id={approval_id}&do=approve", "/incidents?do=resolve"):
        desk.expected = {404}
        page = desk.open(path)
        posts = page.locator("form[method=post]").evaluate_all(
            "forms => forms.map(form => new URL(form.action).pathname)"
        )
        allowed = {f"{BASE}/theme", f"{BASE}/sign-out"}
        assert set(posts) <= allowed, path
        page.close()


def test_a_viewer_who_posts_anyway_is_refused_and_recorded(shop: Shop, desk: Desk) -> None:
    approval_id = shop.held(640)
    desk.sign_in("vera")
    desk.expected = {403}
    page = desk.open("/approvals")
    seen = shop.approval(approval_id)["payloadHash"]
    forged = {"answer": "approve", "id": approval_id, "hash": seen}
    for path, fields in {
        "/approvals": forged,
        "/incidents": {"id": "inc-1", "status": "closed"},
        "/kill-switch": {"do": "release", "reason": "because"},
    }.items():
        status = page.evaluate(
            """async ([url, fields]) => {
                const token = document.querySelector('[name=token]').value;
                const body = new URLSearchParams({...fields, token});
                return (await fetch(url, {method: 'POST', body})).status;
            }""",
            [shop.console + path, fields],
        )
        assert status == 403, path
    assert shop.approval(approval_id)["status"] == "pending"
    refused = shop.business.ask(BY_NAME["audit-log"], {"actorId": "vera", "outcome": "denied"})
    assert len(refused.items) == 3


def test_any_person_may_stop_everything(shop: Shop, desk: Desk) -> None:
    desk.sign_in("vera")
    page = desk.open()
    page.get_by_role("link", name="Kill switch", exact=True).click()
    page.get_by_label("Reason").fill("I saw something.")
    page.get_by_label("Type STOP").fill("STOP")
    page.get_by_role("button", name="Stop everything").click()
    expect(page.get_by_role("region", name="Kill switch")).to_contain_text("I saw something.")
    expect(page.get_by_role("link", name="Release")).to_have_count(0)


def test_an_operator_is_told_why_they_cannot_answer(shop: Shop, desk: Desk) -> None:
    approval_id = shop.held(640)
    desk.sign_in("olga")
    page = desk.open(f"/approvals?id={approval_id}")
    expect(page.locator("#detail")).to_contain_text("this needs the role founder")
    expect(page.get_by_role("link", name="Approve", exact=True)).to_have_count(0)


def test_a_form_from_elsewhere_or_of_another_session_does_nothing(shop: Shop, desk: Desk) -> None:
    page = desk.open("/kill-switch")
    token = page.locator("[name=token]").first.input_value()
    fields: dict[str, str | float | bool] = {
        "reason": "forged", "confirm": "STOP", "token": token,
    }  # fmt: skip
    url = f"{shop.console}/kill-switch"
    origins: list[dict[str, str]] = [
        {"Origin": "http://evil.example"},
        {"Origin": shop.url, "Sec-Fetch-Site": "cross-site"},
        {"Origin": shop.url, "Sec-Fetch-Site": "same-site"},
        {},
    ]
    for headers in origins:
        answer = desk.context.request.post(url, form=fields, headers=headers)
        assert answer.status == 403, headers
    home = {"Origin": shop.url}
    for bad in ("", "x" * 80, token[::-1]):
        answer = desk.context.request.post(url, form={**fields, "token": bad}, headers=home)
        assert answer.status == 403, bad
    desk.sign_in("olga")
    assert desk.context.request.post(url, form=fields, headers=home).status == 403
    assert not shop.business.state(LAW, "business").stops


# -- alive


def test_a_new_request_appears_without_a_reload(shop: Shop, desk: Desk) -> None:
    page = desk.open()
    expect(page.locator("#live")).to_have_text("Live")
    page.evaluate("window.untouched = true")
    shop.held(640)
    expect(number(page, "pending")).to_have_text("1")
    expect(page.locator("#need")).to_contain_text("Refund USD 640.00")
    expect(page.locator("#nav-approvals")).to_have_text("1")
    expect(page).to_have_title("(1) Overview · Northwind Live")
    shop.did(EngageKillSwitch(reason="for the test"))
    expect(page.get_by_role("region", name="Kill switch")).to_be_visible()
    assert page.evaluate("window.untouched")


def test_two_tabs_share_one_stream(shop: Shop, desk: Desk) -> None:
    pages = [desk.open(), desk.open("/approvals")]
    for page in pages:
        expect(page.locator("#live")).to_have_text("Live")
    shop.held(640)
    for page in pages:
        expect(page.locator("#nav-approvals")).to_have_text("1")
    streams = [url for url, _ in desk.sizes if "/events" in url]
    assert len(streams) == 1
    pages[0].close()
    expect(pages[1].locator("#live")).to_have_text("Live")
    shop.held(700)
    expect(pages[1].locator("#nav-approvals")).to_have_text("2")


def test_news_neither_closes_a_dialog_nor_clears_what_was_typed(shop: Shop, desk: Desk) -> None:
    shop.held(640)
    page = desk.open("/approvals")
    expect(page.locator("#live")).to_have_text("Live")
    page.get_by_text("Full context").click()
    page.get_by_role("link", name="Reject", exact=True).click()
    box = dialog(page, "reject").get_by_label("Reason")
    box.fill("half a sent")
    shop.held(700)
    expect(page.locator("#inbox > li")).to_have_count(2)
    expect(box).to_have_value("half a sent")
    expect(box).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#detail details").first).to_have_attribute("open", "")


def test_the_theme_is_kept(desk: Desk) -> None:
    page = desk.open()
    with page.expect_response("**/theme"):
        page.get_by_role("button", name="Light or dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


# -- hostile, small, light


@pytest.mark.slow
def test_hostile_text_stays_text(shop: Shop, desk: Desk) -> None:
    desk.expected = {404}
    shop.did(RegisterAgent(agent_id="evil", name=HOSTILE, tool_permissions=("publish_content",)))
    approval_id = shop.held(640, reason=HOSTILE, customerId=HOSTILE)
    content = {"contentId": "c-1", "channel": "web", "title": HOSTILE, "body": HOSTILE}
    agent = shop.actor("agent:support")
    wild = ProposeAction(action_type=HOSTILE[:200], payload={HOSTILE: HOSTILE}, reason=HOSTILE)
    for command in (
        ProposeAction(action_type="publish_content", payload=content, reason=HOSTILE), wild
    ):  # fmt: skip
        shop.business.do(command, agent)
    rule = {"id": "r", "condition": "data.amount > 1", "action": "deny", "message": HOSTILE}
    policy = {"policyId": "p", "name": HOSTILE[:200], "description": HOSTILE, "rules": [rule]}
    shop.did(DraftPolicy.model_validate(policy))
    shop.did(EngageKillSwitch(reason=HOSTILE))
    entries = shop.business.ask(BY_NAME["audit-log"], {"actorId": "support"}).items
    more = [f"/audit?id={entry['id']}" for entry in entries]
    echoed = f"/audit?actor={HOSTILE}&id={HOSTILE}"
    for path in (*PAGES, f"/approvals?id={approval_id}", *more, echoed, f"/approvals?id={HOSTILE}"):
        page = desk.open(path)
        assert page.evaluate("window.hurt") is None, path
        assert page.locator("main script, main img").count() == 0, path
        page.close()
    page = desk.open(f"/approvals?id={approval_id}")
    expect(page.locator(".claim bdi").first).to_have_text(HOSTILE)


@pytest.mark.slow
@pytest.mark.parametrize(
    "desk", [{"viewport": PHONE, "has_touch": True, "is_mobile": True}], indirect=True
)
def test_everything_fits_a_phone_and_a_thumb(shop: Shop, desk: Desk) -> None:
    desk.expected = {404}
    shop.order(1, "100", "2026-03-01")
    approval_id = shop.held(1_640, reason="A long explanation. " * 12, customerId="c" * 200)
    shop.denied_price()
    incident = shop.business.ask(BY_NAME["incidents"], {}).items[0]["id"]
    entry = shop.business.ask(BY_NAME["audit-log"], {"outcome": "held"}).items[0]["id"]
    chosen = (f"/approvals?id={approval_id}", f"/incidents?id={incident}", f"/audit?id={entry}")
    for path in (*PAGES, *chosen):
        page = desk.open(path)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= PHONE["width"], path
        small = page.evaluate(
            """least => 'a,button,input,select,textarea,summary'.split(',')
                .flatMap(kind => [...document.querySelectorAll(kind)])
                .filter(each => each.checkVisibility({visibilityProperty: true}))
                .map(each => [each.getBoundingClientRect(), each.outerHTML.slice(0, 120)])
                .filter(([box]) => box.width > 1 && (box.height < least || box.width < least))
                .map(([box, html]) => `${box.width} x ${box.height}: ${html}`)""",
            TARGET_PIXELS_MIN,
        )
        assert small == [], path
        page.close()
    page = desk.open(f"/approvals?id={approval_id}")
    approve = page.get_by_role("link", name="Approve", exact=True)
    expect(approve).to_be_in_viewport()
    approve.tap()
    expect(page.get_by_role("button", name="Approve USD 1,640.00")).to_be_in_viewport()


@pytest.mark.slow
@pytest.mark.parametrize(
    "desk",
    [
        {"color_scheme": "light"},
        {"color_scheme": "dark"},
        {"color_scheme": "light", "viewport": PHONE},
    ],
    indirect=True, ids=["light", "dark", "phone"],
)  # fmt: skip
def test_everybody_can_use_it(shop: Shop, desk: Desk) -> None:
    desk.expected = {404}
    shop.order(1, "100", "2026-03-01")
    approval_id = shop.held(1_640, reason="Please.")
    shop.denied_price()
    shop.did(EngageKillSwitch(reason="for the test"))
    entry = shop.business.ask(BY_NAME["audit-log"], {"outcome": "held"}).items[0]["id"]
    opened = {f"/approvals?id={approval_id}": "do-approve", f"/audit?id={entry}": "keys"}
    for path in (*PAGES, *opened):
        page = desk.open(path)
        if path in opened:
            page.evaluate("id => document.getElementById(id).showModal()", opened[path])
        assert violations(page) == [], path
        page.close()
    desk.context.clear_cookies()
    for path in ("/login", f"/sign-in?link={shop.link()}"):
        assert violations(desk.open(path)) == [], path


def violations(page: Page) -> list[str]:
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    options = {"resultTypes": ["violations"], "runOnly": {"type": "tag", "values": tags}}
    found = Axe().run(page, options=options).response["violations"]
    return [f"{each['id']}: {node['html'][:160]}" for each in found for node in each["nodes"]]


def test_a_cold_page_is_small(shop: Shop, desk: Desk) -> None:
    for day in range(1, 29):
        shop.order(day, "12.50", f"2026-02-{day:02}")
    for amount in range(600, 608):
        shop.held(amount)
    page = desk.open("/?range=90d")
    expect(page.locator("#live")).to_have_text("Live")
    page.wait_for_load_state("load")
    cold = {urlsplit(url).path: size for url, size in desk.sizes if "/events" not in url}
    assert sum(cold.values()) <= COLD_BYTES_MAX, cold
    scripts = page.evaluate(
        """async () => {
            const loaded = performance.getEntriesByType('resource').map(each => each.name);
            const texts = loaded.filter(name => name.endsWith('.js')).map(async (name) =>
                (await (await fetch(name)).arrayBuffer()).byteLength);
            return (await Promise.all(texts)).reduce((one, other) => one + other, 0);
        }"""
    )
    assert 0 < scripts <= SCRIPT_BYTES_MAX
    assert len(cold) <= REQUESTS_MAX, cold
    assert all(size for size in cold.values()), cold


def test_what_browsers_keep_is_named_after_its_content(shop: Shop, desk: Desk) -> None:
    page = desk.open()
    style = page.locator("link[rel=stylesheet]").get_attribute("href")
    assert style is not None
    kept = desk.context.request.get(shop.url + style)
    assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
    other = desk.context.request.get(shop.url + re.sub(r"static/\w+", "static/older", style))
    assert other.headers["cache-control"] == "no-store"
    shown = desk.context.request.get(shop.console + "/")
    assert shown.headers["cache-control"] == "no-store"
    assert shown.headers["cross-origin-opener-policy"] == "same-origin"
    assert "require-trusted-types-for 'script'" in shown.headers["content-security-policy"]
    assert "unsafe" not in shown.headers["content-security-policy"]
