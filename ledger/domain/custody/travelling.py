"""A consignment's steps → what they say of each package that was sent in it.

The giver's list names the packages; a later step names only what it has to say something of, and
moves all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ledger.domain.custody.lines import Deed, PackageLine, rows_of, text_or_none
from ledger.domain.records.commitments import Fields, FieldValue

#: what a receipt that only counts says of a package that was sent
COUNTED_ONLY = "counted only"
#: where a step stands that was written where nobody could ask which comes next
LAST_STEP = 65_535


def name_of(line: Mapping[str, FieldValue]) -> str | None:
    """The package that a line names by its assembler and that unit's own text; None for none."""
    if line.get("package") is None or line.get("assembler") is None:
        return None
    return f"{line['assembler']}/{line['package']}"


def sent_lines(
    facts: Fields, *, consignment: bytes, receiver: int, taker: int
) -> Iterator[PackageLine]:
    """What a dispatch says: a row for each package that its list names."""
    for number, line in rows_of(facts):
        name = name_of(line)
        if name is not None:
            yield PackageLine(
                package=name,
                line=number,
                deed=Deed.DISPATCHED,
                thread=consignment,
                to_unit=taker,
                destination=receiver,
                basis=text_or_none(line["basis"]),
                against=text_or_none(line.get("against")),
                reason=text_or_none(facts["reason"]),
            )


def all_of(
    sent: Sequence[PackageLine], deed: Deed, *, step: int, reason: FieldValue = None, **more: object
) -> Iterator[PackageLine]:
    """The same said of every package that was sent."""
    for line in sent:
        yield PackageLine(
            package=line.package,
            line=line.line,
            deed=deed,
            thread=line.thread,
            step=step or LAST_STEP,
            reason=text_or_none(reason),
            **more,  # type: ignore[arg-type]
        )


def taken_lines(
    facts: Fields, sent: Sequence[PackageLine], *, consignment: bytes, deed: Deed, step: int
) -> Iterator[PackageLine]:
    """What a take-over says of what was sent, of what was not in it, and of what was too much.

    `deed`: what becomes of what is accepted; who carries a sealed box names nothing, and has all.
    Who counts, or names sets and baskets, says of no package that it was not there.
    """
    named: set[str] = set()
    number, counts = 0, False
    for number, line in rows_of(facts):
        name = name_of(line)
        if name is None:
            counts = counts or line["outcome"] in {"accepted", "refused"}
            continue
        named.add(name)
        outcome = str(line["outcome"])
        yield PackageLine(
            package=name,
            line=number,
            # What is refused in part stays with the receiver until it is dispatched back.
            deed=Deed.SHORT if outcome == "missing" else deed,
            thread=consignment,
            step=step or LAST_STEP,
            basis=text_or_none(line["basis"]),
            outcome=outcome,
            reason=text_or_none(line["reason"]),
        )
    unnamed = [line for line in sent if line.package not in named]
    is_short = deed in {Deed.RECEIVED, Deed.RETURNED} and not counts
    for place, row in enumerate(
        all_of(
            unnamed,
            Deed.SHORT if is_short else deed,
            step=step,
            basis=None if is_short else "inferred",
            outcome="missing" if is_short else COUNTED_ONLY if counts else None,
        ),
        start=number + 1,
    ):
        yield replace(row, line=place)
