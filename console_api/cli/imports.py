"""bos import: real orders become events; each cancellation becomes a refund that is governed.

Every order is one command named after the order, so an import that was killed is simply run
again, and the same file twice adds nothing.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import click

from adapters.imports.layout import Layout, guess_layout
from adapters.imports.orders_csv import ImportedOrder, LineProblem, read_orders
from console_api.cli.client import Client
from console_api.cli.options import Target, targeted
from console_api.cli.output import NO, Quit, out, print_facts, print_json, print_table, progress

Json = dict[str, Any]
SUPPORT_AGENT: Final = "support-agent"
PROBLEMS_SHOWN: Final = 20


@dataclass(slots=True)
class Report:
    """What an import did."""

    counts: Counter[str] = field(default_factory=Counter)
    problems: list[LineProblem] = field(default_factory=list)
    refused: list[Json] = field(default_factory=list)

    def told(self) -> Json:
        """Return the report as JSON."""
        return {
            **self.counts,
            "malformedLines": len(self.problems),
            "problems": [
                {"line": each.line_number, "reason": each.reason, "text": each.text}
                for each in self.problems
            ],
            "refused": self.refused,
        }


@click.group("import")
def import_() -> None:
    """Bring in what happened elsewhere: orders."""


def _mapping(pairs: tuple[str, ...]) -> dict[str, str]:
    found = dict(pair.partition("=")[::2] for pair in pairs)
    if any(not column for column in found.values()):
        raise click.UsageError("--map is FIELD=COLUMN, such as order=InvoiceNo")
    return found


@import_.command("orders")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--map", "mapping", multiple=True, help="FIELD=COLUMN where the guess is wrong.")
@click.option("--delimiter", help="comma, semicolon, tab or pipe.")
@click.option("--encoding", help="Encoding of the file.")
@click.option("--date-format", help="ISO, d/m/Y, m/d/Y or Y/m/d.")
@click.option("--decimal-mark", type=click.Choice([".", ","]), help="Mark before the cents.")
@click.option("--cancellation-prefix", default="C", help="How cancelled order numbers begin.")
@click.option("--currency", help="ISO 4217; by default the org unit's.")
@click.option("--org-unit", default="business", help="Whose orders these are.")
@click.option("--agent", default=SUPPORT_AGENT, help="The agent that proposes the refunds.")
@targeted
def orders(
    target: Target,
    file: Path,
    mapping: tuple[str, ...],
    delimiter: str | None,
    encoding: str | None,
    date_format: str | None,
    decimal_mark: str | None,
    cancellation_prefix: str,
    currency: str | None,
    org_unit: str,
    agent: str,
) -> None:
    """Import an order export (CSV). Columns are guessed and shown; run it again to resume."""
    layout = guess_layout(
        file,
        columns=_mapping(mapping),
        encoding=encoding,
        delimiter=delimiter,
        date_format=date_format,
        decimal_mark=decimal_mark,
        cancellation_prefix=cancellation_prefix,
    )
    if not target.json:
        _show_layout(layout)
    with progress("read", quiet=target.json) as show:
        read = read_orders(file, layout, on_progress=lambda lines: show(lines, lines))
    report = Report(problems=list(read.problems))
    with target.client() as client:
        importer = Importer(client, agent, org_unit, currency, file.name, report)
        importer.run(read.orders, quiet=target.json)
    _show_report(report, json=target.json)


def _show_layout(layout: Layout) -> None:
    rows = [dict(zip(("field", "column", "note"), row, strict=True)) for row in layout.describe()]
    print_table(rows, ("field", "column", "note"))


def _show_report(report: Report, *, json: bool) -> None:
    if json:
        print_json(report.told())
    else:
        print_facts({**report.counts, "malformedLines": len(report.problems)})
        for each in report.problems[:PROBLEMS_SHOWN]:
            out().print(f"line {each.line_number}: {each.reason}: {each.text}", markup=False)
        if (more := len(report.problems) - PROBLEMS_SHOWN) > 0:
            out().print(f"and {more} more (--json lists them all)")
        print_table(report.refused, ("order", "code", "reasons"), empty=" ")
    if report.refused:
        raise Quit(NO, f"{len(report.refused)} orders were refused; everything else is in")


@dataclass(slots=True)
class Importer:
    """Sends what was read, one command an order."""

    client: Client
    agent: str
    org_unit: str
    currency: str | None
    source: str
    report: Report
    head: int = 0

    def run(self, orders: tuple[ImportedOrder, ...], *, quiet: bool) -> None:
        """Send everything; refunds are proposed by the agent, and run as far as they may."""
        if any(order.cancellation for order in orders):
            self._have_agent()
        told = self.client.dashboard("business")
        self.head = told["head"]
        currency = self.currency or self._currency_of_unit()
        agent = self.client.as_agent(self.agent)
        with progress("import", quiet=quiet) as show:
            for number, order in enumerate(orders, 1):
                if order.cancellation:
                    self._count("refunds", order, self._propose(agent, order, currency))
                else:
                    self._count("orders", order, self._record(order, currency))
                show(number, len(orders))
        with progress("refunds", quiet=quiet) as show:
            self.client.settle(show)

    def _have_agent(self) -> None:
        if self.client.ask("agents", {"id": self.agent}, 1, None)["items"]:
            return
        wire = {
            "agentId": self.agent,
            "name": "Support agent",
            "type": "support",
            "toolPermissions": ["process_refund"],
            "orgUnitId": self.org_unit,
        }
        receipt = self.client.do("RegisterAgent", wire)
        if receipt["status"] != "done":
            raise Quit(NO, f"{self.agent} could not be registered: {receipt}")

    def _currency_of_unit(self) -> str:
        rows = self.client.ask("org-units", {"id": self.org_unit}, 1, None)["items"]
        if not rows:
            raise Quit(NO, f"no org unit is called {self.org_unit}: see `bos ask org-units`")
        return str(rows[0]["settings"]["currency"])

    def _record(self, order: ImportedOrder, currency: str) -> Json:
        wire = {
            "orderId": order.order_id,
            "orgUnitId": self.org_unit,
            "customerId": order.customer_id or "",
            "country": order.country or "",
            "currency": order.currency or currency,
            "placedAt": order.placed_at.isoformat(),
            "lines": [
                {
                    "sku": line.sku,
                    "description": line.description,
                    "quantity": line.quantity,
                    "unitPrice": line.unit_price,
                }
                for line in order.lines
            ],
            "source": self.source,
        }
        return self._sent(self.client, "RecordOrder", wire, f"import-order-{order.order_id}")

    def _propose(self, agent: Client, order: ImportedOrder, currency: str) -> Json:
        wire = {
            "actionType": "process_refund",
            "agentId": self.agent,
            "orgUnitId": self.org_unit,
            "payload": {
                "orderId": order.order_id,
                "amount": -order.amount,
                "currency": order.currency or currency,
                "customerId": order.customer_id or "",
                "reason": "cancelled order",
                "requestedAt": order.placed_at.isoformat(),
            },
            "reason": f"{order.order_id} was cancelled",
        }
        return self._sent(agent, "ProposeAction", wire, f"import-refund-{order.order_id}")

    def _sent(self, client: Client, name: str, wire: Json, key: str) -> Json:
        from console_api.requests import BadRequest

        try:
            return client.do(name, wire, key=key)
        except BadRequest as error:
            return {"status": "refused", "position": 0, "code": error.code, "reasons": [str(error)]}

    def _count(self, what: str, order: ImportedOrder, receipt: Json) -> None:
        status = str(receipt["status"])
        if status in ("denied", "refused"):
            told = {"order": order.order_id, "code": receipt["code"]}
            self.report.refused.append({**told, "reasons": receipt["reasons"]})
        elif receipt["position"] <= self.head:
            status = "already there"
        self.report.counts[f"{what} {status}"] += 1
