"""Pictures of a report as SVG, drawn here: no library, no script, no request, fit for the dark.

Colours are classes that the page's style sheet fills. Each picture has a title and a description
for those who do not see it; the numbers stand in a table besides.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from medllm.ask.page.markup import Child, Html, element

Facts = Mapping[str, Any]
WIDTH = 680
_ROW, _LEFT, _RIGHT, _CELL = 26, 190, 20, 38
_MOST_LEFT, _LETTER = 330, 7.2
"""The most room for labels, and what a letter takes of it."""


def figure(
    title: str, description: str, height: float, *parts: Child, width: float = WIDTH
) -> Html:
    """Give a picture that shrinks with the page; one that is wider scrolls."""
    return element(
        "svg",
        element("title", title),
        element("desc", description),
        *parts,
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
        class_="chart" if width == WIDTH else "chart wide",
        aria_label=f"{title}. {description}",
    )


def forest(rows: Sequence[Facts], title: str) -> Html:
    """Draw paired differences with their intervals around zero; a shown one is filled."""
    low = min(0.0, *(row["difference"]["low"] for row in rows))
    high = max(0.0, *(row["difference"]["high"] for row in rows))
    labels = _labels(rows)
    left = min(_MOST_LEFT, max(_LEFT, _LETTER * max(map(len, labels)) + 20))
    scale = _Scale(low, high, left, WIDTH - _RIGHT)
    height = _ROW * len(rows) + 34
    parts: list[Child] = [*_grid(scale, height)]
    parts.append(_line(scale(0), 4, scale(0), height - 28, "zero"))
    for at, (row, label) in enumerate(zip(rows, labels, strict=True)):
        y = _ROW * at + 18
        d = row["difference"]
        kind = "mark shown" if row["is_shown"] else "mark"
        parts += [
            _text(left - 12, y + 4, label, "end"),
            _line(scale(d["low"]), y, scale(d["high"]), y, "whisker"),
            element("circle", cx=f"{scale(d['mean']):.1f}", cy=y, r=5, class_=kind),
        ]
    said = "; ".join(
        f"{r['metric']} of {r['system']} {r['difference']['mean']:+.3g} "
        f"from {r['difference']['low']:+.3g} to {r['difference']['high']:+.3g}"
        for r in rows
    )
    return figure(title, said, height, *parts)


def _labels(rows: Sequence[Facts]) -> list[str]:
    """Name the rows: by their measure, and by their system where there are several."""
    is_one = len({row["system"] for row in rows}) == 1
    named = [row["metric"] if is_one else f"{row['metric']}, {row['system']}" for row in rows]
    most = int((_MOST_LEFT - 20) / _LETTER)
    return [name if len(name) <= most else f"{name[: most - 1]}…" for name in named]


def distribution(name: str, facts: Facts, order: Sequence[str]) -> Html:
    """Draw how many items scored how much, a line of steps for each system."""
    edges, counts = facts["edges"], facts["counts"]
    most = max(max(row) for row in counts.values()) or 1
    scale = _Scale(edges[0], edges[-1], 40, WIDTH - _RIGHT)
    height, base = 150, 118
    parts: list[Child] = [*_grid(scale, height)]
    for system in (name for name in order if name in counts):
        points = []
        for count, left, right in zip(counts[system], edges, edges[1:], strict=False):
            y = base - 100 * count / most
            points += [f"{scale(left):.1f},{y:.1f}", f"{scale(right):.1f},{y:.1f}"]
        line = f"{scale(edges[0]):.1f},{base} {' '.join(points)} {scale(edges[-1]):.1f},{base}"
        parts.append(element("polyline", points=line, class_=f"steps s{order.index(system) % 6}"))
    parts.append(_text(34, 24, str(most), "end"))
    parts.append(_text(34, base, "0", "end"))
    said = f"Numbers of items by score from {edges[0]:.3g} to {edges[-1]:.3g}, {', '.join(counts)}"
    return figure(f"Distribution of {name}", said, height, *parts)


def heat_map(names: Sequence[str], values: Sequence[Sequence[float | None]], title: str) -> Html:
    """Draw a square of correlations, from -1 to 1; what has no value stays empty.

    Rows have names and numbers, columns the numbers only: twenty names do not fit above columns.
    """
    top, left = 30, _LEFT + 60
    parts: list[Child] = []
    for row, name in enumerate(names):
        y = top + _CELL * row
        parts.append(_text(left - 10, y + _CELL / 2 + 4, f"{name} · {row + 1}", "end"))
        parts.append(_text(left + _CELL * (row + 0.5), top - 8, str(row + 1), "middle"))
        for column, value in enumerate(values[row]):
            if value is not None and row != column:
                parts += _cell(left + _CELL * column, y, value)
    said = "Correlations of every two of " + ", ".join(names)
    width = left + _CELL * len(names) + _RIGHT
    return figure(title, said, top + _CELL * len(names) + 10, *parts, width=max(WIDTH, width))


def _cell(x: float, y: float, value: float) -> list[Html]:
    """Draw one correlation: its strength as colour, its digits above it."""
    box = element(
        "rect",
        x=f"{x:.1f}",
        y=f"{y:.1f}",
        width=_CELL - 2,
        height=_CELL - 2,
        class_="warm" if value < 0 else "cool",
        fill_opacity=f"{min(1.0, abs(value)):.2f}",
    )
    digits = f"{value:.2f}".replace("0.", ".")
    kind = "cell strong" if abs(value) > 0.55 else "cell"
    return [box, _text(x + _CELL / 2 - 1, y + _CELL / 2 + 4, digits, "middle", kind)]


def curve(points: Sequence[Mapping[str, float]]) -> Html:
    """Draw the loss of a training run over its steps, and on the validation data."""
    lines = {
        name: [(p["step"], p[name]) for p in points if name in p]
        for name in ("loss", "validation_loss")
    }
    losses = [loss for line in lines.values() for _, loss in line]
    steps = [p["step"] for p in points]
    across = _Scale(min(steps), max(steps), 56, WIDTH - _RIGHT)
    low, high = min(losses), max(losses)
    spread = (high - low) or 1.0
    height, base, top = 220, 186, 14

    def y(loss: float) -> float:
        return base - (base - top) * (loss - low) / spread

    parts: list[Child] = [*_grid(across, height)]
    for at, line in enumerate(lines.values()):
        path = " ".join(f"{across(step):.1f},{y(loss):.1f}" for step, loss in line)
        if len(line) > 1:
            parts.append(element("polyline", points=path, class_=f"steps s{at}"))
    parts += [_text(50, top + 4, f"{high:.3g}", "end"), _text(50, base, f"{low:.3g}", "end")]
    said = f"Loss from {losses[0]:.3g} to {lines['loss'][-1][1] if lines['loss'] else low:.3g}"
    return figure("Training curve", said, height, *parts)


class _Scale:
    """Places numbers between two ends of a picture, with a little room."""

    def __init__(self, low: float, high: float, left: float, right: float) -> None:
        room = 0.04 * (high - low) or 0.5
        self.low, self.high = low - room, high + room
        self._left, self._width = left, right - left

    def __call__(self, value: float) -> float:
        return self._left + self._width * (value - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """Give four to eight round numbers."""
        raw = (self.high - self.low) / 5
        power = 10 ** math.floor(math.log10(raw))
        step = next(power * m for m in (1, 2, 5, 10) if power * m >= raw)
        first = math.ceil(self.low / step)
        last = math.floor(self.high / step)
        return [at * step for at in range(first, last + 1)]


def _grid(scale: _Scale, height: float) -> list[Html]:
    parts = []
    for tick in scale.ticks():
        x = scale(tick)
        parts.append(_line(x, 4, x, height - 28, "grid"))
        parts.append(_text(x, height - 10, f"{tick:.6g}", "middle"))
    return parts


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Html:
    return element(
        "line", x1=f"{x1:.1f}", y1=f"{y1:.1f}", x2=f"{x2:.1f}", y2=f"{y2:.1f}", class_=kind
    )


def _text(x: float, y: float, words: str, anchor: str, kind: str = "label") -> Html:
    return element("text", words, x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor, class_=kind)
