"""Charts: SVG drawn here, so that a chart is there without any script.

Widths are fluid (percent, or a stretched view box), text keeps its size, and no style attribute
is used: the policy would not allow one. Two panels share one time axis:

revenue ───  refunds ┄┄┄     money, on a scale from zero
orders  ▁▃▂▅▁                a count, so it has a panel of its own
"""

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from markupsafe import Markup, escape

from console_api.pages.takings import Point, Series
from console_api.pages.wording import compact, money

HEIGHT: Final = 168
ORDERS_HEIGHT: Final = 44
TOP: Final = 8
AXIS: Final = 46
TICKS: Final = 4
LABELS_MAX: Final = 5
DOTS_MAX: Final = 31
BAR_SHARE: Final = 0.62
BAR_MIN: Final = 1.5


def _path(values: Sequence[float], high: float) -> str:
    """Draw values, each in the middle of its band, in a view box of 1000 by 100."""
    count = len(values)
    spots = (
        f"{(n + 0.5) * 1000 / count:.1f} {100 - value / high * 100:.2f}"
        for n, value in enumerate(values)
    )
    return "M" + "L".join(spots)


def _scale(highest: float) -> list[float]:
    """Return round numbers from zero to the highest value or just above."""
    if highest <= 0:
        return [0.0, 1.0]
    raw = highest / TICKS
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(each * size for each in (1, 2, 2.5, 5, 10) if each * size >= raw * 0.999)
    return [step * n for n in range(math.ceil(highest / step * 0.999) + 1)]


def _grid(ticks: Sequence[float]) -> tuple[str, str]:
    lines, labels = [], []
    for tick in ticks:
        y = TOP + HEIGHT - tick / ticks[-1] * HEIGHT
        lines.append(f'<line class="grid" x1="0" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>')
        text = compact(tick)
        labels.append(f'<text x="{AXIS - 8}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
    return "".join(lines), "".join(labels)


def _dots(values: Sequence[float], high: float) -> str:
    if len(values) > DOTS_MAX:
        return ""
    return "".join(
        f'<circle cx="{(n + 0.5) * 100 / len(values):.2f}%" '
        f'cy="{TOP + HEIGHT - value / high * HEIGHT:.1f}" r="2.5"/>'
        for n, value in enumerate(values)
    )


def _bars(counts: Sequence[int], height: float, top: float = 0) -> str:
    high, band = max([*counts, 1]), 100 / len(counts)
    width = band * BAR_SHARE
    bars = []
    for n, count in enumerate(counts):
        tall, x = max(count / high * height, BAR_MIN), n * band + (band - width) / 2
        nothing = "" if count else ' class="none"'
        bars.append(
            f'<rect{nothing} x="{x:.2f}%" width="{width:.2f}%" y="{top + height - tall:.1f}" '
            f'height="{tall:.1f}" rx="1"/>'
        )
    return "".join(bars)


def _time_axis(points: Sequence[Point]) -> str:
    """Label a few bands: the first, the last, and some between, never two at one place."""
    count = min(LABELS_MAX, len(points))
    at = sorted({round(n * (len(points) - 1) / max(count - 1, 1)) for n in range(count)})
    in_one_year = points[0].begins.year == points[-1].begins.year
    year = f" {points[0].begins.year}" if in_one_year else ""
    return "".join(f"<span>{points[n].label.removesuffix(year)}</span>" for n in at)


def _summary(drawn: Series) -> str:
    points, currency = drawn.points, drawn.currency
    revenue = sum((point.revenue for point in points), Decimal(0))
    refunded = sum((point.refunded for point in points), Decimal(0))
    orders = sum(point.orders for point in points)
    return (
        f"From {points[0].label} to {points[-1].label}, by {drawn.step}: "
        f"revenue {money(revenue, currency)} from {orders:,} orders, "
        f"refunds {money(refunded, currency)}"
    )


def takings_chart(drawn: Series) -> Markup:
    """Draw revenue, refunds and orders. Everything in it is a number or a date of ours."""
    points = drawn.points
    revenue = [float(max(point.revenue, Decimal(0))) for point in points]
    refunded = [float(max(point.refunded, Decimal(0))) for point in points]
    ticks = _scale(max(*revenue, *refunded))
    high = ticks[-1]
    lines, labels = _grid(ticks)
    line, dashes = _path(revenue, high), _path(refunded, high)
    first, last = 500 / len(points), 1000 - 500 / len(points)
    area = f"{line}L{last:.1f} 100L{first:.1f} 100Z" if len(points) > 1 else ""
    top = TOP + HEIGHT + 14
    full = top + ORDERS_HEIGHT + 1
    most = max(point.orders for point in points)
    labels += f'<text x="{AXIS - 8}" y="{top + 9}" text-anchor="end">{compact(most)}</text>'
    return Markup(
        f'<figure class="chart" data-chart=""><svg class="axis" aria-hidden="true" width="{AXIS}" '
        f'height="{full}">{labels}</svg>'
        f'<svg class="plot" role="img" aria-label="{escape(_summary(drawn))}" width="100%" '
        f'height="{full}">{lines}'
        f'<svg y="{TOP}" width="100%" height="{HEIGHT}" viewBox="0 0 1000 100" '
        f'preserveAspectRatio="none" overflow="visible">'
        f'<path class="area" d="{area}"/><path class="one" d="{line}"/>'
        f'<path class="two" d="{dashes}"/></svg>'
        f'<g class="dots">{_dots(revenue, high)}</g>'
        f'<g class="bars">{_bars([p.orders for p in points], ORDERS_HEIGHT, top)}</g>'
        f'<line class="grid" x1="0" x2="100%" y1="{full - 0.5}" y2="{full - 0.5}"/></svg>'
        f'<div class="times" aria-hidden="true">{_time_axis(points)}</div></figure>'
    )


def hours_chart(counts: Sequence[int]) -> Markup:
    """Draw a few counts as bars, small; the number beside them says what they are."""
    bars = _bars(counts, 28)
    return Markup(f'<svg class="hours" aria-hidden="true">{bars}</svg>')
