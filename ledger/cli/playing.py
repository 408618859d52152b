"""Whoever plays the day: sets the clock, says each act as its unit, and lets the chain have it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from ledger.cli.day import CODES, LEAD, Moment, moment, terms
from ledger.cli.findings import print_findings
from ledger.cli.options import local_caller, opened
from ledger.cli.printing import say
from ledger.domain.acts.asking import Door
from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.terms import parts_of
from ledger.domain.callers import Caller
from ledger.domain.custody.gates import Gate
from ledger.domain.custody.lines import Deed
from ledger.domain.duties.terms import parse_terms
from ledger.domain.encoding.canonical import canonical
from ledger.domain.encoding.identifiers import Digest, parse_hex32, to_hex
from ledger.domain.errors import Refused
from ledger.steps.accepting.drafting import make_draft
from ledger.steps.accepting.recalling import RecallRequest, order_recall
from ledger.steps.accepting.scanning import Scan, report
from ledger.steps.accepting.submit import record_with_held_keys
from ledger.steps.answering.duties import find_duties
from ledger.steps.answering.packages import gate
from ledger.steps.answering.recalls import show_recall
from ledger.steps.following.follow import follow
from ledger.steps.instance import Instance, PlayedClock
from ledger.steps.reading.scan_lists import parse_list
from ledger.steps.sending.writer import Writer
from ledger.steps.starting.leasing import writer_lease
from ledger.steps.starting.link import Link, open_link
from ledger.steps.starting.playing import set_played

_DOOR = Door(authenticated_by="local", takes_what_stands=True)
#: whose key signs for the lead where more than one may
_SIGNS = dict.fromkeys(("ResultEntry", "CycleEnding"), "Operator Li")


@dataclass(slots=True, kw_only=True)
class Player:
    """Plays moments on a home that nobody else runs meanwhile."""

    instance: Instance
    link: Link
    writer: Writer
    clock: PlayedClock
    caller: Caller = field(default_factory=local_caller)
    #: the newest operation of each kind, and of some of `day`'s own words
    last: dict[str, Digest] = field(default_factory=dict)

    def play(self, moments: Sequence[Moment]) -> None:
        """One after the other; what has no words is not told."""
        for each in moments:
            self.clock.at = now = moment(each.at)
            if each.words:
                say(f"{now:%a %d %b %H:%M}  {each.words}")
            with_words = [line for kind, values in each.said for line in self.tell(kind, values)]
            for line in with_words:
                say(f"                  {line}")
            self.settle()

    def settle(self) -> None:
        """Send what is owed, and follow until the index has it."""
        while not self.writer.step().is_idle:
            pass
        while True:
            progress = follow(self.instance, self.link.node)
            if progress.height >= progress.final:
                return

    def tell(self, kind: str, values: Mapping[str, Any]) -> Iterator[str]:
        """Say one act; what a reader should hear of it."""
        own = getattr(self, f"_{kind}", None)
        if own is not None:
            yield from own(**values)
        else:
            self.say(kind, **values)

    def say(self, kind: str, /, **values: Any) -> Digest:  # noqa: ANN401 - an act's values
        """An ordinary act, accepted with the unit's own key."""
        door = replace(_DOOR, authenticated_by=values.pop("authenticated_by", "local"))
        if kind in _SIGNS:
            values["signer"] = _SIGNS[kind]
        with self.instance.database.transaction() as tx:
            draft = make_draft(self.instance, tx, self.caller, ACTS[kind], values, door)
            self.last[kind] = record_with_held_keys(self.instance, tx, self.caller, draft).digest
        return self.last[kind]

    # ------------------------------------------------------------ the words of `day`

    def _terms(self) -> Iterator[str]:
        version = parse_terms(canonical(terms()))
        self.say("Terms", document=version.sha256, lines=parts_of(version))
        yield from ()

    def _scan(self, unit: int, lines: Sequence[Mapping[str, Any]]) -> Iterator[str]:
        yield from self._report(
            unit, [Scan(**{**line, "act": Deed(line["act"])}) for line in lines]
        )

    def _paper(self, unit: int, form: str, day: str) -> Iterator[str]:
        lines = parse_list(form.encode(), zone="Asia/Shanghai", basis="imported", day=day)
        yield from self._report(unit, lines, by="paper")

    def _report(self, unit: int, lines: Sequence[Scan], *, by: str = "local") -> Iterator[str]:
        with self.instance.database.transaction() as tx:
            door = replace(_DOOR, authenticated_by=by)
            _, looks = report(self.instance, tx, self.caller, unit, lines, door)
        for look in looks:
            if look.gate is not None and not look.gate.startswith("yes"):
                yield look.text()

    def _gate(self, of: str, package: str, unit: int) -> Iterator[str]:
        with self.instance.database.reading() as tx:
            found = gate(self.instance, tx, self.caller, Gate(of), f"{LEAD}/{package}", unit=unit)
        yield f"gate: may {package} be {_DONE[of]}? {found.text()}"

    def _ask(self, package: str) -> Iterator[str]:
        with self.instance.database.reading() as tx:
            found = find_duties(
                self.instance, tx, self.caller, "package", f"{LEAD}/{package}",
            )  # fmt: skip
        print_findings(found.answer, "en")
        yield from ()

    def _comment(self, about: str, **values: Any) -> Iterator[str]:  # noqa: ANN401
        self.say("Comment", about=to_hex(self.last[about]), **values)
        yield from ()

    def _recall(self, equipment: str, first: int, last: int) -> Iterator[str]:
        wanted = RecallRequest(
            equipment=equipment, first=first, last=last, cause="biological",
            reason="the biological indicator of 2241 grew / 生物监测阳性", notifies=False,
        )  # fmt: skip
        with self.instance.database.transaction() as tx:
            done = order_recall(self.instance, tx, self.caller, wanted, _DOOR)
        view = done.view
        self.last["recall"] = Digest(parse_hex32(view.order or "", field="recall"))
        yield f"{view.packages} packages: {view.used} used, {view.to_find} to find"

    def _notices(self) -> Iterator[str]:
        order = to_hex(self.last["recall"])
        for unit, packages in sorted(self._to_find().items()):
            self.last[f"notice to {unit}"] = self.say(
                "RecallNotice", equipment="S2", order=order, to=unit, reached_by="sent",
                lines=[{"package": each} for each in packages],
            )  # fmt: skip
            yield f"{CODES[unit]}: {len(packages)} packages"

    def _answer(self, unit: int, found: int, asked: int, missing: Sequence[str]) -> Iterator[str]:
        lines = [
            {"package": each, "outcome": "not_found" if each[2:] in missing else "found"}
            for each in self._to_find()[unit]
        ]
        order = to_hex(self.last["recall"])
        self.say("RecallAnswer", unit=unit, order=order, found=found, asked=asked, lines=lines)
        yield from ()

    def _found(self) -> Iterator[str]:
        with self.instance.database.reading() as tx:
            view = show_recall(tx, self.caller, to_hex(self.last["recall"]))
        never_seen = ", ".join(view.cannot_be_excluded)
        yield f"found {view.found} of {view.to_find}; cannot be excluded: {never_seen}"

    def _to_find(self) -> dict[int, list[str]]:
        """What each holder is asked for."""
        with self.instance.database.reading() as tx:
            view = show_recall(tx, self.caller, to_hex(self.last["recall"]))
        found: dict[int, list[str]] = {}
        for each in view.reached:
            if each.holder is not None and each.found in {"to_find", "in_transit"}:
                found.setdefault(each.holder, []).append(each.package)
        return found


_DONE = {"dispatch": "sent", "issue": "issued", "use": "used"}


@contextmanager
def playing(home: Path, until: datetime) -> Iterator[Player]:
    """A player on a home with a played clock, which goes on from `until` afterwards."""
    with opened(home) as instance, writer_lease(instance, threading.Event()) as held:
        clock = instance.clock
        if held is None or not isinstance(clock, PlayedClock):
            raise Refused("its clock is not played", field="home", remedy="begin a new home")
        link = open_link(instance)
        try:
            yield Player(
                instance=instance, link=link, writer=Writer.open(instance, link, held), clock=clock
            )
        finally:
            link.stop()
        set_played(instance, until)
