"""Amounts of an account → bars to both sides of a line, and months beside each other, as drawings.

They are SVG without scripts or styles of their own, so that they are the same on screen and paper;
the lengths come from amounts, and what is written beside them from the account's own form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

_WIDTH, _ROW, _LONGEST, _GAP = 360, 36, 96, 4
_MONTH_HEIGHT, _HIGHEST = 120, 84
Plain = Mapping[str, Any]


def both_sides(bars: Sequence[Plain], left: str, right: str) -> Markup:
    """What was used to the left and what was contributed to the right, a row for each."""
    most = max((max(each["left"], each["right"]) for each in bars), default=0) or 1
    middle, parts = _WIDTH / 2, [_text(_WIDTH / 2 - _GAP, 12, left, "end takes")]
    parts.append(_text(middle + _GAP, 12, right, "start gives"))
    for place, each in enumerate(bars):
        top = 22 + place * _ROW
        parts.append(_text(0, top + 10, each["label"], "start"))
        for side, name, sign in (("left", "takes", -1), ("right", "gives", 1)):
            long = _LONGEST * each[side] / most
            start = middle - long if sign < 0 else middle
            parts.append(_bar(name, start, top + 14, long, 13))
            at = middle + sign * (long + _GAP)
            parts.append(_text(at, top + 25, each[f"{side}_text"], "end" if sign < 0 else "start"))
    height = 26 + len(bars) * _ROW
    parts.append(f'<path class="axis" d="M{middle} 20V{height - 4}"/>')
    told = "; ".join(
        f"{b['label']}: {left} {b['left_text'] or 0}, {right} {b['right_text'] or 0}" for b in bars
    )
    return _drawing(parts, height, told)


def months(trend: Sequence[Plain], given: str, used: str) -> Markup:
    """What was contributed and used in each month."""
    most = max((max(each["contributed"], each["used"]) for each in trend), default=0) or 1
    step = _WIDTH / max(len(trend), 6)
    return _drawing(
        [part for n, each in enumerate(trend) for part in _month(each, n * step, step, most)],
        _MONTH_HEIGHT,
        "; ".join(
            f"{e['period']}: {given} {e['given_text']}, {used} {e['used_text']}" for e in trend
        ),
    )


def _month(each: Plain, left: float, step: float, most: int) -> Iterator[str]:
    for place, name in enumerate(("contributed", "used")):
        high = max(_HIGHEST * each[name] / most, 0)
        kind = "gives" if name == "contributed" else "takes"
        start = left + step * (0.12 + 0.38 * place)
        yield _bar(kind, start, _HIGHEST + 6 - high, step * 0.34, max(high, 0.5))
    yield _text(left + step / 2, _HIGHEST + 20, each["period"][5:], "middle")
    yield _text(left + step / 2, _HIGHEST + 33, each["period"][2:4], "middle")


def _drawing(parts: Sequence[str], height: float, told: str) -> Markup:
    return Markup(  # noqa: S704 - everything in it is a number or escaped
        f'<svg class="bars" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(told)}">'
        f"{''.join(parts)}</svg>"
    )


def _bar(name: str, x: float, y: float, width: float, height: float) -> str:
    return (
        f'<rect class="{name}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'
    )


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'
