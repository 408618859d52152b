"""A cycle's curve → a drawing: every probe's values, the profile's band, the hold that is proven.

It is SVG without scripts or styles of its own, so that it is the same on screen and on paper.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from markupsafe import Markup, escape

from api.pages.words import Words
from ledger.steps.answering.curves import Curve

WIDTH, HEIGHT = 720, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 52, 28, 44
_TICKS = 6
#: steps between ticks of a time axis, seconds
_TIME_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
_MINUTE = 60


class _Scale:
    """Values → places along an axis."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low, self.high = low, high if high > low else low + 1
        self._start, self._end = start, end

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(self._start + share * (self._end - self._start), 1)


def drawing(curve: Curve, words: Words) -> Markup:
    """The drawing, with what it shows in words for who cannot see it."""
    seconds = [float(point.seconds) for series in curve.series for point in series]
    celsius = [float(point.celsius) for series in curve.series for point in series]
    bars = [float(p.bar) for p in (curve.series or [()])[0] if p.bar is not None]
    values = [*celsius, *(curve.band or ())]
    x = _Scale(min(seconds), max(seconds), _LEFT, WIDTH - _RIGHT)
    y = _Scale(min(values) - 2, max(values) + 2, HEIGHT - _BOTTOM, _TOP)
    parts = [*_band(curve, words, x, y), *_time_axis(x, words), *_celsius_axis(y)]
    if bars:
        parts += _pressure(curve, bars, x)
    for number, series in enumerate(curve.series):
        points = [(x(float(p.seconds)), y(float(p.celsius))) for p in series]
        parts.append(f'<polyline class="probe probe-{number % 6}" points="{_points(points)}"/>')
        parts += [
            f'<circle class="probe-{number % 6}" cx="{a}" cy="{b}" r="1.6"/>' for a, b in points
        ]
    parts += _legend(curve, words, has_pressure=bool(bars))
    label = escape(_told(curve, words, celsius))
    body = "".join(parts)
    return Markup(  # noqa: S704 - everything in it is a number or escaped
        f'<svg class="curve" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">'
        f"{body}</svg>"
    )


def _told(curve: Curve, words: Words, celsius: Sequence[float]) -> str:
    """In one sentence: the temperatures, and the hold that is proven and asked for."""
    text = words.say("Temperature from {} to {} °C").format(min(celsius), max(celsius))
    if curve.required_seconds is not None:
        held = 0.0 if curve.hold is None else curve.hold[1] - curve.hold[0]
        hold = words.say("proven hold {} s, required {} s")
        text += "; " + hold.format(f"{held:g}", f"{curve.required_seconds:g}")
    return text


def _band(curve: Curve, words: Words, x: _Scale, y: _Scale) -> Iterator[str]:
    if curve.band is None:
        return
    low, high = y(curve.band[0]), y(curve.band[1])
    yield _box("band", _LEFT, high, WIDTH - _RIGHT - _LEFT, low - high)
    yield _text(_LEFT + 4, high - 5, f"{curve.band[0]:g}–{curve.band[1]:g} °C", "start")
    if curve.hold is None:
        return
    begin, end = x(curve.hold[0]), x(curve.hold[1])
    yield _box("hold", begin, high, max(end - begin, 1), low - high)
    ends = f"M{begin} {low + 5}v10M{end} {low + 5}v10"
    yield f'<path class="span" d="M{begin} {low + 10}H{end}{ends}"/>'
    held = words.say("held {} s").format(f"{curve.hold[1] - curve.hold[0]:g}")
    yield _text((begin + end) / 2, low + 26, held, "middle")


def _time_axis(x: _Scale, words: Words) -> Iterator[str]:
    step = next((s for s in _TIME_STEPS if (x.high - x.low) / s <= _TICKS), _TIME_STEPS[-1])
    bottom = HEIGHT - _BOTTOM
    yield f'<path class="axis" d="M{_LEFT} {bottom}H{WIDTH - _RIGHT}"/>'
    for at in range(math.ceil(x.low / step) * step, math.floor(x.high) + 1, step):
        yield f'<path class="grid" d="M{x(at)} {_TOP}V{bottom}"/>'
        yield _text(x(at), bottom + 16, f"{at // _MINUTE}:{at % _MINUTE:02}", "middle")
    yield _text(
        WIDTH - _RIGHT, bottom + 34, words.say("minutes since the first time that it shows"), "end"
    )


def _celsius_axis(y: _Scale) -> Iterator[str]:
    step = _step(y.low, y.high)
    yield _text(8, _TOP - 12, "°C", "start")
    for at in range(math.ceil(y.low / step) * step, math.floor(y.high) + 1, step):
        yield f'<path class="grid" d="M{_LEFT} {y(at)}H{WIDTH - _RIGHT}"/>'
        yield _text(_LEFT - 6, y(at) + 4, str(at), "end")


def _pressure(curve: Curve, bars: Sequence[float], x: _Scale) -> Iterator[str]:
    scale = _Scale(min(0.0, *bars), max(bars) + 0.2, HEIGHT - _BOTTOM, _TOP)
    first = curve.series[0]
    points = [(x(float(p.seconds)), scale(float(p.bar))) for p in first if p.bar is not None]
    yield f'<polyline class="pressure" points="{_points(points)}"/>'
    yield _text(WIDTH - 8, _TOP - 12, "bar", "end")
    for at in range(math.ceil(scale.low), math.floor(scale.high) + 1):
        yield _text(WIDTH - _RIGHT + 6, scale(at) + 4, str(at), "start")


def _legend(curve: Curve, words: Words, *, has_pressure: bool) -> Iterator[str]:
    names = [*curve.probes[: len(curve.series)]]
    at = _LEFT
    for number, name in enumerate(names):
        yield f'<path class="probe probe-{number % 6}" d="M{at} 12h18"/>'
        yield _text(at + 24, 16, name, "start")
        at += 40 + 8 * len(name)
    if has_pressure and curve.pressure_basis is not None:
        name = words.say(f"pressure, {curve.pressure_basis.value}")
        yield f'<path class="pressure" d="M{at} 12h18"/>'
        yield _text(at + 24, 16, name, "start")


def _step(low: float, high: float) -> int:
    return next((s for s in (1, 2, 5, 10, 20, 50, 100) if (high - low) / s <= _TICKS), 200)


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{a},{b}" for a, b in points)


def _box(name: str, x: float, y: float, width: float, height: float) -> str:
    return f'<rect class="{name}" x="{x}" y="{y}" width="{width:.1f}" height="{height:.1f}"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
