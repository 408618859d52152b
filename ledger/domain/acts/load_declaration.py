"""A person declares what lies in the chamber, line by line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from ledger.domain.acts import rules as common
from ledger.domain.acts.vocabulary import (
    UINT32,
    Act,
    Facts,
    Field,
    Given,
    Lines,
    Message,
    Named,
    PackageNamed,
    Recorded,
    Records,
    View,
    Whole,
    Words,
    cycle_field,
    items,
    replaces_field,
    unit_field,
    word,
)
from ledger.domain.acts.words import Contract, Right
from ledger.domain.custody.lines import Deed, PackageLine, rows_of
from ledger.domain.encoding.abi import Scalar
from ledger.domain.errors import InvalidInput, Refused, VerificationFailed
from ledger.domain.subjects.states import ClassCount, CycleState, UnitState

#: The contract's bound on `LoadDeclaration.totals`.
MOST_TOTALS = 64
#: A sterilizer's chamber holds fewer packages.
MOST_LINES = 500

PACKAGE_CLASS = Whole(1, 65535, "uint16")


def complete(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The totals by class, as the message holds them; who pays is who owns unless it is said."""
    lines = [
        {
            **line,
            "payer": line.get("payer") or line["owner"],
            "description": line.get("description"),
            "package": line.get("package"),
            "programme_required": line.get("programme_required"),
        }
        for line in values["lines"]
    ]
    _require_different(lines)
    totals: dict[int, int] = {}
    for line in lines:
        totals[line["package_class"]] = totals.get(line["package_class"], 0) + line["quantity"]
    for package_class, quantity in totals.items():
        if quantity > UINT32:
            raise InvalidInput(
                f"adds up to {quantity} packages of class {package_class}",
                field="lines",
                rule=f"at most {UINT32} of a class",
            )
    ordered = [{"package_class": c, "quantity": totals[c]} for c in sorted(totals)]
    return {**values, "lines": lines, "totals": ordered}


def _require_different(lines: Sequence[Mapping[str, Any]]) -> None:
    """Two lines that nothing but a number tells apart are one line's sum, or a scan came twice."""
    seen: dict[str, int] = {}
    for place, line in enumerate(lines):
        told = repr(sorted((key, value) for key, value in line.items() if key != "quantity"))
        first = seen.setdefault(told, place)
        if first != place:
            same = line["quantity"] == lines[first]["quantity"]
            raise InvalidInput(
                f"is the same as line {first + 1}{'' if same else ' but for its quantity'}",
                field=f"lines.{place}",
                rule="each line once, so that a scan that came twice is noticed",
                remedy="leave it out; if there are so many more, say the sum in one line",
            )


def rules(message: Message, view: View) -> None:
    """As CycleLedger._declare: each class once, none left out, and what was released is covered."""
    cycle = common.named_cycle(message, view)
    common.require_current(message, cycle.load, what="a declared load")
    totals = items(message, "totals")
    if not 1 <= len(totals) <= MOST_TOTALS:
        raise InvalidInput(
            f"has {len(totals)} classes", field="lines", rule=f"1 to {MOST_TOTALS} classes"
        )
    classes = [cast("int", total["packageClass"]) for total in totals]
    if classes != sorted(set(classes)):
        raise InvalidInput(
            "classes do not ascend", field="totals", rule="each class once, ascending"
        )
    missing = sorted(set(cycle.counts) - set(classes))
    if missing:
        raise InvalidInput(
            f"leaves out class {', '.join(map(str, missing))}",
            field="lines",
            rule="an amended declaration names every class declared before, 0 if there was none",
        )
    for total in totals:
        _require_total(total, cycle)


def _require_total(total: Mapping[str, Scalar], cycle: CycleState) -> None:
    package_class, quantity = (cast("int", total[name]) for name in ("packageClass", "quantity"))
    count = cycle.counts.get(package_class)
    if quantity == 0 and count is None:
        raise InvalidInput(
            f"declares 0 of class {package_class}",
            field="lines",
            rule="a first declaration counts at least one package of each class it names",
        )
    if count is not None and quantity < count.released:
        raise Refused(
            f"declares {quantity} of class {package_class}, but {count.released} are released",
            field="lines",
            rule="released packages never exceed the declared",
        )


def record_rules(message: Message, view: View, facts: Facts, records: Records) -> None:  # noqa: ARG001
    """Owners and payers are units of the group; a line that names a package is of that one."""
    named: dict[object, int] = {}
    for index, line in rows_of(facts):
        package = line["package"]
        if package is None:
            continue
        if package in named:
            raise InvalidInput(
                f"{package} stands in line {named[package] + 1} as well",
                field=f"lines.{index}.package",
                rule="a package lies in the chamber once",
            )
        if line["quantity"] != 1:
            raise InvalidInput(
                f"counts {line['quantity']} of {package}",
                field=f"lines.{index}.quantity",
                rule="a line that names a package counts 1",
            )
        named[package] = index
    for path, value in facts.items():
        if path.startswith("lines.") and path.endswith((".owner", ".payer")):
            number = cast("int", value)
            common.require_known_unit(view.find(UnitState, number), number, field=path)


def effect(declaration: Recorded, view: View) -> None:
    """The cycle with what is declared of each class; what is released stays."""
    cycle = common.named_cycle(declaration.message, view)
    counts = dict(cycle.counts)
    for total in items(declaration.message, "totals"):
        package_class, quantity = (cast("int", total[n]) for n in ("packageClass", "quantity"))
        released = counts[package_class].released if package_class in counts else 0
        counts[package_class] = ClassCount(declared=quantity, released=released)
    view.put(replace(cycle, load=declaration.digest, counts=counts))


def agree(message: Message, facts: Facts, *, is_whole: bool) -> None:
    """The lines add up to the signed totals; where only some are shown, to no more than they."""
    sums: dict[object, int] = {}
    for path, value in facts.items():
        if path.startswith("lines.") and path.endswith(".quantity") and isinstance(value, int):
            shown = facts.get(path.removesuffix("quantity") + "package_class")
            sums[shown] = sums.get(shown, 0) + value
    signed = {row["packageClass"]: cast("int", row["quantity"]) for row in items(message, "totals")}
    for package_class in sums:
        # None: the line's class is not shown
        if package_class is not None and package_class not in signed:
            raise VerificationFailed(
                f"the shown class {package_class} is not among the signed totals", field="lines"
            )
    for package_class, total in signed.items():
        count = sums.get(package_class, 0)
        if count > total or (is_whole and count != total):
            raise VerificationFailed(
                f"the shown lines hold {count} packages of class {package_class!r}, but what was "
                f"signed says {total}",
                field="lines",
                rule="lines add up to the signed totals",
            )


def package_lines(message: Message, facts: Facts) -> Iterator[PackageLine]:
    """A row for each package that is named; what is only counted has none."""
    for index, line in rows_of(facts):
        if line["package"] is not None:
            yield PackageLine(
                package=str(line["package"]),
                line=index,
                deed=Deed.LOADED,
                thread=word(message, "cycle"),
                owner=int(str(line["owner"])),
                package_class=int(str(line["package_class"])),
            )


def says(message: Message) -> str:
    """`the load was declared: 4 of class 1, 6 of class 2`."""
    totals = ", ".join(
        f"{total['quantity']!r} of class {total['packageClass']!r}"
        for total in items(message, "totals")
    )
    return f"the load was declared: {totals}"


ACT = Act(
    name="LoadDeclaration",
    doc="A person declares what lies in the chamber, line by line.",
    about="cycle",
    contract=Contract.CYCLE_LEDGER,
    function="declareLoads",
    event="LoadDeclared",
    other_schema="cycle-load/1",
    right=Right.LOAD,
    retention="sterilisation",
    gas=75_000,
    gas_per_item=32_000,
    command="cycle load",
    shows_facts=True,
    fields=(
        cycle_field(),
        unit_field(),
        Field(
            "totals",
            Lines(
                {"package_class": PACKAGE_CLASS, "quantity": Whole(0, UINT32)},
                struct="ClassTotal",
            ),
            given=Given.NEVER,
            path="",
        ),
        replaces_field("load"),
        Field(
            "lines",
            Lines(
                {
                    "owner": Named("unit"),
                    "payer": Named("unit"),
                    "package_class": PACKAGE_CLASS,
                    "quantity": Whole(0, 2**31 - 1),
                    "description": Words(),
                    "package": PackageNamed(),
                    "programme_required": Words(60),
                },
                fewest=1,
                most=MOST_LINES,
                optional=frozenset({"description", "package", "programme_required"}),
                follows=frozenset({"payer"}),
            ),
            "OWNER:PAYER:CLASS:QUANTITY[:DESCRIPTION[:PACKAGE[:PROGRAMME_REQUIRED]]]",
            option="line",
        ),
    ),
    says=says,
    parent=common.machine_of_cycle,
    complete=complete,
    rules=rules,
    record_rules=record_rules,
    effect=effect,
    agree=agree,
    package_lines=package_lines,
    # The decision judged what is amended here, so it reaches the chain first.
    after=lambda message, view: [common.named_cycle(message, view).decision],
)
