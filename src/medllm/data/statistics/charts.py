"""Small charts as inline SVG: no script, no file beside the page, readable in light and dark.

Colours come from the page's style sheet. Each chart has a description for those who do not see it;
the page puts the numbers in a table below.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

_WIDTH, _HEIGHT = 640, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 24, 14, 30
_ROW, _NAMES, _BARS = 22, 216, 310
"""Of a list of bars: the height of a row, the width of the names and of the longest bar."""
_MAX_NAME = 28
"""Characters of a name that fit beside its bar."""


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
        x, end, y = _x(left, low, high), _x(right, low, high), _y(count / top)
        bars.append(
            f'<rect class="bar" x="{x:.1f}" y="{y:.1f}" width="{max(0.5, end - x - 1):.1f}" '
            f'height="{_y(0) - y:.1f}"><title>{left:,} to {right - 1:,} {escape(unit)}: '
            f"{count:,}</title></rect>"
        )
    axis = "".join(_tick_x(_x(tick, low, high), f"{tick:,}") for tick in nice_ticks(low, high))
    rules = "".join(_tick_y(share, f"{round(top * share):,}") for share in (0, 0.5, 1))
    about = f"{title}: from {low:,} to {high - 1:,} {unit}; the fullest bar holds {top:,} records"
    return _svg(about, rules + axis + "".join(bars))


def line_chart(xs: Sequence[int], series: Sequence[Series], *, about: str) -> str:
    """Give lines over x on a logarithmic scale, with ticks at powers of two; y is a share."""
    low, high = math.log2(xs[0]), math.log2(max(xs[-1], xs[0] + 1))
    parts = [_tick_y(share, f"{share:.0%}") for share in (0, 0.25, 0.5, 0.75, 1)]
    powers = range(math.ceil(low), math.floor(high) + 1)
    parts += [_tick_x(_x(power, low, high), f"{1 << power:,}") for power in powers]
    for line in series:
        points = [
            (_x(math.log2(x), low, high), _y(y)) for x, y in zip(xs, line.values, strict=True)
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline class="line {line.style}" points="{path}"/>')
    return _svg(about, "".join(parts))


def bar_list(values: Mapping[str, int], *, title: str, total: int) -> str:
    """Give horizontal bars with their names; `total` is what a share is of."""
    top = max(values.values(), default=1) or 1
    parts = []
    for number, (name, count) in enumerate(values.items()):
        y, width = number * _ROW, _BARS * count / top
        share = f" ({count / total:.1%})" if total else ""
        parts.append(
            f'<text x="{_NAMES - 6}" y="{y + 16}" text-anchor="end">{escape(_short(name))}</text>'
            f'<rect class="bar" x="{_NAMES}" y="{y + 3}" width="{width:.1f}" height="{_ROW - 6}"/>'
            f'<text class="count" x="{_NAMES + 6 + width:.1f}" y="{y + 16}">{count:,}{share}</text>'
        )
    about = f"{title}: " + "; ".join(f"{name} {count:,}" for name, count in values.items())
    return _svg(about, "".join(parts), height=_ROW * len(values) + 4)


def nice_ticks(low: int, high: int) -> list[int]:
    """Give at most nine round numbers between two."""
    steps = (factor * 10**power for power in range(12) for factor in (1, 2, 5))
    step = next(step for step in steps if (high - low) / step <= 8)
    first = math.ceil(low / step)
    return [number * step for number in range(first, high // step + 1)]


def _short(name: str) -> str:
    return name if len(name) <= _MAX_NAME else name[: _MAX_NAME - 1] + "…"


def _x(value: float, low: float, high: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (value - low) / ((high - low) or 1)


def _y(share: float) -> float:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * share


def _tick_x(x: float, label: str) -> str:
    y = _HEIGHT - _BOTTOM
    return (
        f'<line class="rule" x1="{x:.1f}" x2="{x:.1f}" y1="{y}" y2="{y + 4}"/>'
        f'<text class="tick" x="{x:.1f}" y="{y + 18}" text-anchor="middle">{label}</text>'
    )


def _tick_y(share: float, label: str) -> str:
    y = _y(share)
    return (
        f'<line class="rule" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="tick" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{label}</text>'
    )


def _svg(about: str, body: str, *, height: int = _HEIGHT) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(about, quote=True)}">'
        f"{body}</svg>"
    )
