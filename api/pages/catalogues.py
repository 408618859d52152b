"""Catalogues: sets with their versions and what differs, materials and how long they keep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.pages.asking import Asking
from api.pages.custody import codes_of
from api.pages.screens import screen
from api.pages.terms import differences
from api.pages.words import N_
from ledger.domain.acts.package_lines import lines_in
from ledger.domain.custody.expiry import STORAGE_CLASSES, days, materials, source
from ledger.domain.errors import NotFound
from ledger.steps.answering.declared import Declared, list_declared

_SAID = (
    "version", "title", "instruments", "owned_by", "package_class", "material", "gtin",
    "holds_implant",
)  # fmt: skip


def _sets(asking: Asking) -> tuple[dict[str, list[Declared]], dict[int, str]]:
    """Each set's versions, newest first; and the units' codes."""
    found: dict[str, list[Declared]] = {}
    with asking.instance.database.reading() as tx:
        for each in list_declared(tx, asking.caller, "SetDefinition"):
            found.setdefault(str(each.facts["set"]), []).append(each)
        return found, codes_of(tx)


def show_catalogue(asking: Asking) -> Mapping[str, object]:
    """All sets by their newest version; materials and storage classes with their source."""
    sets, codes = _sets(asking)
    return {
        "sets": dict(sorted(sets.items())),
        "codes": codes,
        "materials": {each: days(each) for each in materials()},
        "storages": STORAGE_CLASSES,
        "source": source(),
        "done": asking.recorded,
    }


def show_set(asking: Asking) -> Mapping[str, object]:
    """One set: its count sheet, its versions, and what each changed."""
    name = f"{asking.path('unit')}/{asking.path('name')}"
    sets, codes = _sets(asking)
    versions = sets.get(name)
    if versions is None:
        raise NotFound(f"there is no set {name}", field="set")
    pairs = zip(versions, [*versions[1:], None], strict=True)
    return {
        "title": name,
        "newest": versions[0],
        "document": _document(versions[0]),
        "codes": codes,
        "versions": [
            (each, [] if before is None else list(differences(_document(before), _document(each))))
            for each, before in pairs
        ],
    }


def _document(each: Declared) -> dict[str, Any]:
    """A set's definition by names, its sheet by instrument."""
    facts = each.facts
    lines: dict[str, int] = {}
    for line in lines_in(facts):
        name = str(line["instrument"])
        lines[name] = lines.get(name, 0) + int(line["count"])
    said = {name: facts[name] for name in _SAID if facts.get(name) is not None}
    return {**said, "lines": lines}


SCREENS = (
    screen(
        "/catalogue", N_("Sets and materials"), "catalogue.html", show_catalogue, menu=N_("Group")
    ),
    screen("/sets/{unit}/{name}", N_("Set"), "set.html", show_set),
)
