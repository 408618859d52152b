"""Assembly: a set's count sheet, n of n, a second person's badge, and the label that follows."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from sqlalchemy import Connection
from starlette.responses import Response

from api.pages.acting import circumstances, door_of, once, seconded
from api.pages.asking import Asking, go_to
from api.pages.screens import screen
from api.pages.shots import own_unit
from api.pages.using import SCANS
from api.pages.words import N_
from ledger.domain.acts.package_lines import lines_in
from ledger.domain.custody.codes import read_shot
from ledger.domain.custody.expiry import STORAGE_CLASSES
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import InvalidInput
from ledger.domain.names import plain_name
from ledger.domain.records.commitments import Fields
from ledger.steps.accepting.assembling import Assembly, assemble, get_definition, set_scanned
from ledger.steps.accepting.printing import next_reserved, sent
from ledger.storage import labels

#: digits of the most that a line of a count sheet counts
_DIGITS = 5


def show_assembly(asking: Asking) -> Mapping[str, object]:
    """What is packed is scanned; then the set's count sheet, and the serial that is next."""
    unit, said = own_unit(asking), asking.filled.get("q")
    values: dict[str, object] = {
        "set": None, "storages": STORAGE_CLASSES, "done": asking.recorded, "told": "",
        "packed": asking.filled.get("packed") if asking.recorded else "",
    }  # fmt: skip
    if said:
        try:
            with asking.instance.database.reading() as tx:
                name = set_scanned(tx, unit, said)
                sheet = get_definition(tx, name)
                serial = next_reserved(tx, unit)
        except InvalidInput as error:
            parts = (error.what, error.remedy or "")
            values["told"] = "; ".join(asking.words.sentence(each) for each in parts if each)
        else:
            lines = list(lines_in(sheet))
            values |= {"set": name, "sheet": sheet, "lines": lines, "serial": serial or ""}
    return values


def do_assembly(asking: Asking) -> Response:
    """One package packed by its count sheet, and its label sent to be printed."""
    unit, filled = own_unit(asking), asking.filled
    with asking.instance.database.reading() as tx:
        name = set_scanned(tx, unit, filled.get("q"))
        sheet = get_definition(tx, name)
    told = {**circumstances(asking), **seconded(asking)}
    if filled.get("checker"):
        told.setdefault("checker", filled.get("checker"))
    outcome, note = _counted(asking, sheet)
    package = read_shot(filled.raw("serial")).package
    serial = plain_name(filled.get("serial")) if package is None else package.partition("/")[2]
    if package is not None and package.partition("/")[0] != str(unit):
        raise InvalidInput(
            f"{package} is another unit's", field="serial", rule="a serial of your unit's own"
        )
    storage = filled.get("storage")
    packed = Assembly(
        set=name,
        serials=[serial],
        storages=[storage] if storage else STORAGE_CLASSES,
        expires=filled.get("expires") or None,
        zone=asking.words.zone,
        outcome=f"{outcome}; second person" if "checker" in told else outcome,
        note=note or None,
        happened=None if asking.captured is None else asking.captured.at,
    )

    def work(tx: Connection) -> str:
        instance, caller = asking.instance, asking.caller
        receipts, made = assemble(instance, tx, caller, unit, packed, door_of(asking), told)
        names = [each.package for each in made]
        # a label that was printed beforehand is on it already
        if not labels.list_prints_of(tx, names).get(names[0]):
            sent(instance, tx, caller, unit, names)
        return to_hex(receipts[0].digest)

    digest = once(asking, (packed, told), work)
    kept = {"done": digest, "packed": f"{unit}/{serial}", "storage": storage}
    return go_to(f"/bench/assemble?{urlencode(kept)}")


def _counted(asking: Asking, sheet: Fields) -> tuple[str, str]:
    """What was counted, of what the sheet says: `36/37`; and where it differs, in words.

    A line that is not filled in is as the sheet has it, which whoever presses the button says.
    """
    whole, missing, note = int(str(sheet["instruments"])), 0, []
    lines = list(lines_in(sheet)) or [{"count": whole, "instrument": ""}]
    for at, line in enumerate(lines):
        text, expected = asking.filled.get(f"count.{at}"), int(line["count"])
        if not text:
            continue
        if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS):
            raise InvalidInput(
                f"{text[:20]!r} is no number", field=f"count.{at}", rule="a whole number"
            )
        missing += expected - int(text)
        if int(text) != expected and line["instrument"]:
            note.append(f"{line['instrument']} {int(text)}/{expected}")
    return f"{whole - missing}/{whole}", "; ".join(note)


SCREENS = (
    screen(
        "/bench/assemble", N_("Assemble"), "assembly.html", show_assembly, do_assembly,
        scopes=SCANS, is_scanned=True,
    ),
)  # fmt: skip
