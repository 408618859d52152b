"""What somebody reports of packages, line by line: washed, used, missing and so on.

What happened is never refused.  A line against which a gate spoke keeps what it said; what can
still be left undone takes a reason.  A line is taken back by another one that names it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ledger.domain.acts.vocabulary import (
    Facts,
    Field,
    Given,
    Lines,
    Message,
    Moment,
    Named,
    OneOf,
    PackageOrBasket,
    Photo,
    Records,
    SetNamed,
    View,
    Words,
    integer,
)
from ledger.domain.acts.witnessing import witness
from ledger.domain.acts.words import Right
from ledger.domain.custody.codes import is_basket, is_container
from ledger.domain.custody.gates import is_no
from ledger.domain.custody.lines import (
    BASES,
    SCANNED,
    Deed,
    PackageLine,
    day_or_none,
    rows_of,
    seconds_or_none,
    text_or_none,
)
from ledger.domain.custody.outcomes import CLOSED, OUTCOMES, find_contradiction, split_outcome
from ledger.domain.encoding.identifiers import parse_hex32
from ledger.domain.errors import InvalidInput, Refused
from ledger.domain.records.commitments import FieldValue

#: so many that the leaves of a record hold them: 16 columns a line
MOST_LINES = 240
#: What can still be left undone when it is scanned; the others have happened.
PREVENTABLE = frozenset({Deed.ISSUED.value})
#: Said of what lies in a basket or a container, whose code stands beside it.
_OF_BASKETS = frozenset({Deed.PUT_IN.value, Deed.SEALED.value})
_OF_CONTAINERS = frozenset({Deed.PUT_IN.value, Deed.TAKEN_OUT.value})
COLUMNS = {
    "act": OneOf(SCANNED),
    "package": PackageOrBasket(),
    "code": Words(120),
    "set": SetNamed(),
    "basis": OneOf(BASES),
    "happened": Moment(is_signed=False),
    "happened_text": Words(100),
    "outcome": Words(100),
    "note": Words(250),
    "against": Words(300),
    "reason": Words(500),
    "case": Words(64),
    "material": Words(40),
    "expires": Words(10),
    "photo_sha256": Photo(),
    "takes_back": Words(72),
}


def record_rules(message: Message, view: View, facts: Facts, records: Records) -> None:  # noqa: ARG001
    """A line names something; one against a gate, and one that takes back, says why."""
    for number, line in rows_of(facts):
        field = f"lines.{number}"
        if not any(line[name] for name in ("package", "code", "set", "takes_back")):
            raise InvalidInput(
                "names nothing", field=field, rule="a line names a package, a code or a set"
            )
        is_preventable = line["act"] in PREVENTABLE and is_no(text_or_none(line["against"]))
        if is_preventable and line["reason"] is None:
            raise InvalidInput(
                "is not entered",
                field=f"{field}.reason",
                rule=f"the gate said {line['against']}: what is done all the same has a reason",
            )
        if line["expires"] is not None and day_or_none(str(line["expires"])) is None:
            raise InvalidInput(
                f"{line['expires']} is no day", field=f"{field}.expires", rule="as in 2026-11-03"
            )
        if line["act"] in CLOSED:
            _require_known_outcome(line["outcome"], field)
        if (line["act"] == Deed.NOT_SO) != (line["takes_back"] is not None):
            raise InvalidInput(
                "does not fit",
                field=f"{field}.takes_back",
                rule="not_so names the line that it takes back, DIGEST:LINE, and no other act does",
            )
        if line["act"] in _OF_BASKETS and not is_basket(text_or_none(line["code"])):
            raise InvalidInput(
                "names no basket",
                field=f"{field}.code",
                rule="beside it stands the code of a basket or a container",
            )
        if is_basket(text_or_none(line["package"])):
            _require_container(line, field)
        if line["takes_back"] is not None:
            _require_own_line(str(line["takes_back"]), line["reason"], message, records, field)


def _require_known_outcome(outcome: FieldValue, field: str) -> None:
    """Raise InvalidInput unless the outcome is of the list, and says nothing twice."""
    said = text_or_none(outcome)
    _, other = split_outcome(said)
    if other is not None:
        raise InvalidInput(
            f"{other[:60]!r} is none of its words",
            field=f"{field}.outcome",
            rule=f"parts with ; between them, each N/M or one of {', '.join(OUTCOMES)}",
            remedy="put it into the note",
        )
    twice = find_contradiction(said)
    if twice is not None:
        raise InvalidInput(
            f"says {twice}", field=f"{field}.outcome", rule="an outcome says one thing of each"
        )


def _require_container(line: Mapping[str, FieldValue], field: str) -> None:
    """Raise InvalidInput unless a basket is put into a container, or taken out of one."""
    code = text_or_none(line["code"])
    is_there = is_container(str(code)) and not is_container(str(line["package"]))
    if line["act"] not in _OF_CONTAINERS or not is_there:
        raise InvalidInput(
            f"{line['package']} is a basket",
            field=f"{field}.package",
            rule="a basket is put into a container or taken out of one, whose code stands beside "
            "it; a container lies in nothing",
            remedy="name what lies in it",
        )


def _require_own_line(
    named: str, reason: object, message: Message, records: Records, field: str
) -> None:
    if reason is None:
        raise InvalidInput(
            "is not entered", field=f"{field}.reason", rule="a line is taken back with a reason"
        )
    digest, number = taken_back(named, field=f"{field}.takes_back")
    facts = records.facts_of(digest)
    if facts["record.unit"] != integer(message, "unit") or f"lines.{number}.act" not in facts:
        raise Refused(
            f"{named[:80]} is no line that your unit reported",
            field=f"{field}.takes_back",
            rule="a unit takes back its own lines",
        )


def taken_back(named: str, *, field: str = "takes_back") -> tuple[bytes, int]:
    """The operation and the line that a `not so` names; raises InvalidInput."""
    digest, separator, number = named.partition(":")
    if not separator or not number.isdigit() or len(number) > len(str(MOST_LINES)):
        raise InvalidInput(f"{named[:80]!r} names no line", field=field, rule="DIGEST:LINE")
    return parse_hex32(digest, field=field), int(number)


def package_lines(message: Message, facts: Facts) -> Iterator[PackageLine]:  # noqa: ARG001
    """A row for each line that names a package, or a basket alone."""
    for number, line in rows_of(facts):
        code = text_or_none(line["code"])
        if line["package"] is None and not is_basket(code):
            continue
        yield PackageLine(
            # what is said of a basket itself is kept under its code
            package=str(line["package"] or code),
            line=number,
            deed=Deed(str(line["act"])),
            happened=seconds_or_none(line["happened"]),
            happened_text=text_or_none(line["happened_text"]),
            basis=text_or_none(line["basis"]),
            set_name=text_or_none(line["set"]),
            material=text_or_none(line["material"]),
            expires=text_or_none(line["expires"]),
            code=code,
            outcome="; ".join(str(e) for e in (line["outcome"], line.get("note")) if e) or None,
            against=text_or_none(line["against"]),
            reason=text_or_none(line["reason"]),
            case=text_or_none(line["case"]),
        )


ACT = witness(
    name="ScanReport",
    kind=7,
    doc="What somebody reports of packages, line by line.",
    right=Right.SCAN,
    retention="sterilisation",
    command="package report",
    shows_facts=True,
    # Random: nobody reads from the chain what happened to which package.
    about=Field("report", Named("anything"), given=Given.NEVER, required=True),
    fields=(
        Field(
            "lines",
            Lines(
                COLUMNS,
                fewest=1,
                most=MOST_LINES,
                optional=frozenset(COLUMNS) - {"act", "basis"},
            ),
            ":".join(COLUMNS).upper(),
            option="line",
        ),
    ),
    says="packages were reported",
    record_rules=record_rules,
    package_lines=package_lines,
    lines_stay=True,
)
