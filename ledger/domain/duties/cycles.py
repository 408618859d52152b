"""Shown operations of cycles → the cycles that rules judge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ledger.domain.acts.decisions import DecisionKind
from ledger.domain.acts.result_entry import Result, ResultWord
from ledger.domain.acts.vocabulary import integer, items, word
from ledger.domain.acts.witnessing import packed_numbers
from ledger.domain.acts.words import RESULT_NAMES
from ledger.domain.duties.case import Cycle, Deed, Event, Machine
from ledger.domain.duties.pages import Page, moment_text, word_of
from ledger.domain.errors import InvalidInput
from ledger.domain.machines.profiles import HoldProfile, get_profile
from ledger.domain.records.commitments import FieldValue


def read_cycles(pages: list[Page]) -> Iterator[Cycle]:
    """Every cycle that was opened and stands."""
    machines = {p.subject: p for p in pages if p.kind == "EquipmentRegistration"}
    of: dict[bytes, list[Page]] = {}
    for page in pages:
        of.setdefault(page.subject, []).append(page)
    for opening in (p for p in pages if p.kind == "CycleOpening"):
        yield _cycle(opening, of[opening.subject], machines)


def _cycle(opening: Page, pages: list[Page], machines: Mapping[bytes, Page]) -> Cycle:
    message = opening.said.message
    equipment = word(message, "equipment")
    ended = next((p for p in reversed(pages) if p.kind == "CycleEnding"), None)
    return Cycle(
        id=opening.subject.hex(),
        epoch=integer(message, "epoch"),
        number=integer(message, "number"),
        machine=_machine(equipment, integer(message, "unit"), machines.get(equipment), opening),
        opened=opening.event(
            Deed.CYCLE_OPENED,
            "programme", "biological_indicator", "holds_implant", "flash", "machine.state",
            when=moment_text(integer(message, "startedAt")),
        ),
        ended=None if ended is None else _ending(ended),
        results=tuple(_results(pages)),
        decisions=tuple(_decided(p) for p in pages if p.kind == "CycleDecision"),
        owners=frozenset(
            each for p in pages if p.kind == "CycleDecision" for each in _owners(p)
        ),
    )  # fmt: skip


def _decided(page: Page) -> Event:
    """What was decided, and whose packages it released."""
    return page.event(
        Deed.DECIDED, "reason",
        decision=DecisionKind(integer(page.said.message, "kind")).word,
        released_to=" ".join(str(each) for each in sorted(set(_owners(page)))) or None,
    )  # fmt: skip


def _owners(page: Page) -> Iterator[int]:
    message = page.said.message
    for share in items(message, "shares") if "shares" in message else ():
        if int(share["delta"]) > 0:
            yield int(share["owner"])


def _ending(page: Page) -> Event:
    """The machine's own print where there is one, our verdict on it, and the profile."""
    printed = page.get("verdict.sample_count") is not None
    verdict = page.get("verdict.result")
    return page.event(
        Deed.CYCLE_ENDED,
        "outcome", "programme",
        when=moment_text(integer(page.said.message, "endedAt")),
        printed=printed,
        verdict=verdict,
        profile=page.get("verdict.profile"),
    )  # fmt: skip


def _results(pages: list[Page]) -> Iterator[Event]:
    """What was entered when it was read, and what a decision stated of itself."""
    for page in pages:
        if page.kind == "ResultEntry":
            result, how, *_ = packed_numbers(page.said.message)
            yield page.event(
                Deed.RESULT, "read_at", "incubated_at", "control", when=page.get("read_at"),
                result=word_of(Result, result), word=word_of(ResultWord, how),
            )  # fmt: skip
        elif page.kind == "CycleDecision":
            for name in RESULT_NAMES:
                stated = page.get(f"results.{name}")
                if stated not in {None, "not_entered"}:
                    event = page.event(Deed.RESULT)
                    yield replace(event, facts={"result": name, "word": stated})


def _machine(equipment: bytes, unit: int, registered: Page | None, opening: Page) -> Machine:
    """As it was registered; its process follows from the profile that it is judged by."""
    serial = str(opening.get("machine.serial") or equipment.hex()[:8])
    profile = None if registered is None else registered.get("profile")
    told = None if registered is None else registered.get("process")
    draws = None if registered is None else registered.get("pre_vacuum")
    return Machine(
        id=equipment.hex(), name=serial, unit=unit,
        process=_process(profile) if told is None else str(told),
        is_pre_vacuum=draws if isinstance(draws, bool) else None,
    )  # fmt: skip


def _process(profile: FieldValue) -> str | None:
    try:
        found = None if profile is None else get_profile(str(profile))
    except InvalidInput:
        return None  # a profile of the group's own
    is_steam = isinstance(found, HoldProfile) and found.saturation_tolerance_kelvin is not None
    return "steam" if is_steam else None
