"""Small charts as inline SVG: no script, no file beside the page, readable in light and dark.

Colours come from the page's style sheet (`--mark`, `--ink`, `--line`). Each chart has a title and a
description for those who do not see it; the page puts the numbers in a table below.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

_WIDTH, _HEIGHT = 640, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 10, 34


class Series(NamedTuple):
    """A line of a chart: its name, its style class, and y from 0 to 1 at each x."""

    name: str
    style: str
    values: Sequence[float]


def histogram_chart(edges: Sequence[int], counts: Sequence[int], *, title: str, unit: str) -> str:
    """Give bars for the counts between the edges."""
    top = max(counts, default=0) or 1
    low, high = edges[0], max(edges[-1], edges[0] + 1)
    bars = []
    for left, right, count in zip(edges, edges[1:], counts, strict=False):
        x, end = _x(left, low, high), _x(right, low, high)
        y = _y(count / top)
        bars.append(
            f'<rect class="bar" x="{x:.1f}" y="{y:.1f}" width="{max(0.5, end - x - 1):.1f}" '
            f'height="{_y(0) - y:.1f}"><title>{left:,} to {right - 1:,} {escape(unit)}: '
            f"{count:,}</title></rect>"
        )
    ticks = _nice_ticks(low, high)
    axis = "".join(_tick_x(_x(tick, low, high), f"{tick:,}") for tick in ticks)
    grid = "".join(_tick_y(share, f"{round(top * share):,}") for share in (0, 0.5, 1))
    about = f"{title}: from {low:,} to {high - 1:,} {unit}; the fullest bar holds {top:,} records"
    return _svg(title, about, grid + axis + "".join(bars))


def line_chart(xs: Sequence[int], series: Sequence[Series], *, title: str, about: str) -> str:
    """Give lines over x on a logarithmic scale; y is a share."""
    low, high = math.log2(xs[0]), math.log2(max(xs[-1], xs[0] + 1))
    places = [_x(math.log2(x), low, high) for x in xs]
    step = max(1, -(-len(xs) // 9))
    parts = [_tick_y(share, f"{share:.0%}") for share in (0, 0.25, 0.5, 0.75, 1)]
    parts += [_tick_x(places[at], f"{xs[at]:,}") for at in range(0, len(xs), step)]
    for line in series:
        points = [(x, _y(y)) for x, y in zip(places, line.values, strict=True)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline class="line {line.style}" points="{path}"/>')
        parts += [
            f'<circle class="dot {line.style}" cx="{x:.1f}" cy="{y:.1f}" r="3">'
            f"<title>{escape(line.name)} at {at:,}: {value:.2%}</title></circle>"
            for (x, y), at, value in zip(points, xs, line.values, strict=True)
        ]
    return _svg(title, about, "".join(parts))


def bar_list(values: Mapping[str, int], *, title: str, total: int) -> str:
    """Give horizontal bars with their names; `total` is what a share is of."""
    row = 20
    height = row * len(values) + 4
    top = max(values.values(), default=1) or 1
    parts = []
    for number, (name, count) in enumerate(values.items()):
        y = number * row
        width = 330 * count / top
        share = f"{count / total:.1%}" if total else ""
        parts.append(
            f'<text x="214" y="{y + 15}" text-anchor="end">{escape(_short(name))}</text>'
            f'<rect class="bar" x="220" y="{y + 3}" width="{width:.1f}" height="{row - 6}"/>'
            f'<text class="count" x="{226 + width:.1f}" y="{y + 15}">{count:,} ({share})</text>'
        )
    about = "; ".join(f"{name} {count}" for name, count in values.items())
    return _svg(title, f"{title}: {about}", "".join(parts), height=height)


def _short(name: str) -> str:
    return name if len(name) <= 31 else name[:30] + "…"


def _x(value: float, low: float, high: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (value - low) / ((high - low) or 1)


def _y(share: float) -> float:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * share


def _nice_ticks(low: int, high: int) -> list[int]:
    step = max(1.0, 10 ** math.floor(math.log10(max(1, high - low))))
    for factor in (0.1, 0.2, 0.25, 0.5, 1):
        if (high - low) / (step * factor) <= 8:
            step = max(1.0, step * factor)
            break
    first = math.ceil(low / step)
    return [int(number * step) for number in range(first, int(high / step) + 1)]


def _tick_x(x: float, label: str) -> str:
    y = _HEIGHT - _BOTTOM
    return (
        f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{y}" y2="{y + 4}"/>'
        f'<text class="tick" x="{x:.1f}" y="{y + 18}" text-anchor="middle">{label}</text>'
    )


def _tick_y(share: float, label: str) -> str:
    y = _y(share)
    return (
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="tick" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{label}</text>'
    )


def _svg(title: str, about: str, body: str, *, height: int = _HEIGHT) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(about, quote=True)}">'
        f"<title>{escape(title)}</title>{body}</svg>"
    )
