"""A package's holdings → the custody bar: who had it from when to when, and where nobody says so.

One lane below the other, so that it can be read on a phone and on paper: solid where whoever took
it saw it, open where it came in a sealed box, hatched while it was on its way or missed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from markupsafe import Markup, escape

from api.pages.words import Words
from ledger.domain.custody.lines import SEEN
from ledger.steps.answering.packages import TraceView

_WIDTH, _LANE, _TOP, _THICK = 300, 62, 2, 16
_NARROWEST = 6.0
#: deeds with which it is offered to somebody, missed, and there again
_OFFERED = frozenset({"dispatched", "handed_over"})
_MISSED = frozenset({"missing", "short", "lost"})
_THERE = frozenset({"carried", "received", "returned", "cancelled", "found", "found_again"})


@dataclass(slots=True, kw_only=True)
class _Lane:
    """Two lines of words, and what is drawn below them."""

    told: str
    when: str
    #: begin, end and class
    spans: list[tuple[datetime, datetime, str]] = field(default_factory=list)


def custody_bar(view: TraceView, words: Words, until: datetime) -> Markup:
    """The drawing, with the same in words for who cannot see it; empty where nobody had it."""
    lanes = sorted(_lanes(view, words, until), key=lambda lane: lane.spans[0][0])
    if not lanes:
        return Markup("")
    first = min(begin for lane in lanes for begin, _, _ in lane.spans)
    last = max(end for lane in lanes for _, end, _ in lane.spans)
    whole = max((last - first).total_seconds(), 1.0)

    def x(moment: datetime) -> float:
        return round((moment - first).total_seconds() / whole * (_WIDTH - _NARROWEST), 1)

    parts: list[str] = []
    for number, lane in enumerate(lanes):
        top = _TOP + number * _LANE
        parts.append(f'<text class="who" x="0" y="{top + 13}">{escape(lane.told)}</text>')
        parts.append(f'<text x="0" y="{top + 28}">{escape(lane.when)}</text>')
        parts.append(f'<path class="grid" d="M0 {top + 34 + _THICK / 2}H{_WIDTH}"/>')
        for begin, end, kind in lane.spans:
            width = max(x(end) - x(begin), _NARROWEST)
            parts.append(
                f'<rect class="{kind}" x="{x(begin)}" y="{top + 34}" '
                f'width="{width:.1f}" height="{_THICK}"/>'
            )
    label = escape("; ".join(f"{lane.told}: {lane.when}" for lane in lanes))
    height = _TOP + len(lanes) * _LANE
    return Markup(  # noqa: S704 - everything in it is a number or escaped
        f'<svg class="custody-bar" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{label}">'
        '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><path class="hatch" d="M0 0V6"/></pattern></defs>'
        f"{''.join(parts)}</svg>"
    )


def _lanes(view: TraceView, words: Words, until: datetime) -> Iterator[_Lane]:
    offers = list(_spans(view, _OFFERED, _THERE | _MISSED, until))
    for each in view.holdings:
        begin, end = _moment(each.since), until if each.until is None else _moment(each.until)
        shown = words.say("still") if each.until is None else words.moment(end)
        known = words.say((each.basis or "as it was said").replace("_", " "))
        lane = _Lane(told=f"{each.unit} · {known}", when=f"{words.moment(begin)} – {shown}")
        lane.spans.append((begin, max(begin, end), "seen" if each.basis in SEEN else "unseen"))
        lane.spans += [(a, min(b, end), "hatched") for a, b in offers if begin <= a < end]
        yield lane
    for begin, end in _spans(view, _MISSED, _THERE, until):
        told = words.say("nobody says where it is")
        when = f"{words.moment(begin)} – {words.moment(end)}"
        yield _Lane(told=told, when=when, spans=[(begin, end, "hatched")])
    for said in view.contradictions:
        at = _moment(said.at)
        deed = words.say(said.deed.replace("_", " "))
        told = words.say("{} says otherwise: {}").format(said.unit, deed)
        yield _Lane(told=told, when=words.moment(at), spans=[(at, at, "overlap")])


def _spans(
    view: TraceView, begins: frozenset[str], ends: frozenset[str], until: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """From each deed of some to the next of others; to the end where none followed."""
    begun: datetime | None = None
    for line in view.lines:
        if line.taken_back:
            continue
        if begun is not None and line.deed in ends:
            yield begun, _moment(line.at)
            begun = None
        if begun is None and line.deed in begins:
            begun = _moment(line.at)
    if begun is not None:
        yield begun, max(begun, until)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
