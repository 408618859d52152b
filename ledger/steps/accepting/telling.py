"""Accepted operation → what it says of packages, and how each of them stands after it.

The rows follow from messages and records alone: they can be refilled, and the audit asks for them
again.  What the chain refuses later did not stand; but what happened did, and its lines stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.scan_report import taken_back
from ledger.domain.acts.vocabulary import Act, Facts, Message, Recorded, integer, word
from ledger.domain.custody.fold import Package, fold
from ledger.domain.custody.lines import (
    PackageLine,
    is_package,
    package_lock,
    package_subject,
    seconds_or_none,
)
from ledger.domain.custody.stretches import node_of
from ledger.domain.outbox.operation_states import GIVEN_UP
from ledger.domain.records.records import fields_from_bytes
from ledger.steps.accepting.reading_back import read_operation
from ledger.steps.accepting.resolving import parties_named_by
from ledger.storage import operations, packages, records
from ledger.storage.engine.database import lock_subjects

_PAGE = 200
#: The kinds whose records name packages.
TELLING = frozenset(
    act.name
    for act in ACTS.values()
    if act.package_lines is not None or act.moved_lines is not None
)


def parties_in(recorded: Recorded) -> set[operations.PartyRow]:
    """The parts in a consignment that an operation gives, whatever became of it."""
    act, message = recorded.act, recorded.message
    if act.about != "consignment":
        return set()
    subject = act.subject_of(message)
    return {
        operations.PartyRow(unit=unit, consignment=subject) for unit in parties_named_by(recorded)
    }


def subjects_told(tx: Connection, act: Act, message: Message, facts: Facts) -> set[bytes]:
    """What nobody else may tell anything of until the operation is stored: its packages.

    Those of the lines that it takes back are among them, since they are folded anew too.
    Empty on SQLite, whose transactions keep everybody else out.
    """
    if tx.dialect.name == "sqlite":
        return set()
    said = _said(act, message, facts, sent_in(tx, act, message))
    ended = packages.list_lines_by_digests(tx, {digest for digest, _ in ends(act, facts)})
    return {package_lock(line.package) for line in (*said, *ended)}


def hold(
    tx: Connection, names: Iterable[str], *subjects: bytes, shared: Iterable[bytes] = ()
) -> None:
    """Hold some packages, and subjects that are changed or read, until the transaction ends.

    Who accepts several operations in one transaction holds in one call what any of them is about:
    two who took the same locks one after the other would wait for each other.
    """
    lock_subjects(tx, {*map(package_lock, names), *subjects}, shared=shared)


def sent_in(
    tx: Connection, act: Act, message: Message, *, before: int | None = None
) -> list[PackageLine]:
    """The lines of the dispatch of a consignment whose step this is; empty for all other acts.

    `before`: the step's own sequence, once it has one.
    """
    if act.moved_lines is None:
        return []
    return packages.list_sent(tx, word(message, "consignment"), before=before)


def _said(
    act: Act, message: Message, facts: Facts, sent: Sequence[PackageLine]
) -> Iterator[PackageLine]:
    if act.package_lines is not None:
        yield from act.package_lines(message, facts)
    if act.moved_lines is not None:
        yield from act.moved_lines(message, facts, sent)


def lines_of(
    recorded: Recorded, facts: Facts, sequence: int, sent: Sequence[PackageLine] = ()
) -> Iterator[PackageLine]:
    """The rows of an operation; what a line does not say of its time, its record says."""
    act, message = recorded.act, recorded.message
    happened = seconds_or_none(facts["happened.utc"])
    text = facts["happened.text"]
    for line in _said(act, message, facts, sent):
        yield replace(
            line,
            sequence=sequence,
            digest=recorded.digest,
            kind=act.name,
            unit=integer(message, "unit"),
            signed_at=integer(message, "signedAt"),
            happened=happened if line.happened is None else line.happened,
            happened_text=line.happened_text or (None if text is None else str(text)),
        )


def tell(tx: Connection, recorded: Recorded, facts: Facts) -> None:
    """Keep what an accepted operation says of packages, and how they stand now."""
    operations.put_parties(tx, parties_in(recorded))
    if recorded.act.name not in TELLING:
        return
    sequence = operations.get_operation(tx, recorded.digest).sequence
    sent = sent_in(tx, recorded.act, recorded.message, before=sequence)
    lines = list(lines_of(recorded, facts, sequence, sent))
    if recorded.act.lines_stay and packages.list_lines_by_digests(tx, [recorded.digest]):
        # it was refused, and the chain has it all the same
        return
    packages.insert_lines(tx, lines)
    refold(tx, {line.package for line in lines} | _end(tx, recorded, facts, sequence))


def _end(tx: Connection, recorded: Recorded, facts: Facts, sequence: int) -> set[str]:
    """Let what it amends, withdraws or takes back count no longer."""
    names: set[str] = set()
    for digest, line in ends(recorded.act, facts):
        names |= packages.end_lines(tx, digest, sequence, line=line)
    return names


def ends(act: Act, facts: Facts) -> Iterator[tuple[bytes, int | None]]:
    """What an operation takes back: operations, or one line of them."""
    amended = facts["supersedes"]
    # A cycle's decision follows the one before it, and takes back nothing of what that left out.
    if act.amendment_needs_reason and amended is not None:
        yield bytes.fromhex(str(amended)), None
    for path, value in facts.items():
        if path.startswith("lines.") and path.endswith(".takes_back") and value is not None:
            yield taken_back(str(value))


def untell(tx: Connection, row: operations.OperationRow) -> None:
    """Take out what a refused operation said, unless it says what happened."""
    if row.kind not in TELLING or ACTS[row.kind].lines_stay:
        return
    names = packages.names_touched(tx, row.digest, row.sequence)
    hold(tx, names)
    packages.remove_lines(tx, row.digest)
    packages.restore_lines(tx, row.sequence)
    refold(tx, names)


# ---------------------------------------------------------------- how each stands


def refold(tx: Connection, names: Iterable[str]) -> None:
    """Write how some packages stand, by all that is said of them."""
    wanted = sorted(filter(is_package, set(names)))
    lines = packages.list_lines_of(tx, wanted)
    folded = [fold(name, lines[name]) for name in wanted if name in lines]
    packages.put_packages(
        tx,
        [row_of(each) for each in folded],
        [label for each in folded for label in labels_of(each)],
        [holding for each in folded for holding in holdings_of(each)],
    )
    packages.remove_packages(tx, [name for name in wanted if name not in lines])


def row_of(package: Package) -> packages.PackageRow:
    """How a package stands, as its row has it."""
    return packages.PackageRow(
        name=package.name,
        subject=package_subject(package.name),
        stage=package.stage,
        holder=package.holder,
        since=package.since,
        basis=package.basis,
        next_unit=package.next_unit,
        destination=package.destination,
        consignment=package.consignment,
        owner=package.owner,
        package_class=package.package_class,
        set_name=package.set_name,
        expires=package.expires,
        cycle=package.cycle,
        basket=package.basket,
        overlays=",".join(sorted(package.overlays)),
        sequence=package.sequence,
    )


def labels_of(package: Package) -> list[packages.CodeRow]:
    """Its codes, standing and voided."""
    return [
        packages.CodeRow(code=code, package=package.name, voided=int(code not in package.codes))
        for code in sorted(package.codes | package.voided)
    ]


def holdings_of(package: Package) -> list[packages.ReaderRow]:
    """Who had it, from when to when."""
    return [
        packages.ReaderRow(
            package=package.name,
            place=place,
            unit=each.unit,
            since=each.since,
            until=each.until,
            basis=each.basis,
            node=None if each.until is None else node_of(each.since, each.until),
        )
        for place, each in enumerate(package.holdings)
    ]


# ---------------------------------------------------------------- from records


def refill(tx: Connection) -> int:
    """Empty the tables, and fill them from records; says how many lines there are."""
    packages.clear_packages(tx)
    operations.clear_parties(tx)
    count, after, names = 0, 0, set()
    while rows := operations.list_operations(tx, after=after, limit=_PAGE):
        after = rows[-1].sequence
        for row in rows:
            operations.put_parties(tx, parties_in(read_operation(row)))
        told = [row for row in rows if row.kind in TELLING and counts(row)]
        stored = {
            each.id: each for each in records.list_by_ids(tx, [row.record_id for row in told])
        }
        for row in told:
            facts = fields_from_bytes(stored[row.record_id].facts)
            recorded = read_operation(row)
            sent = sent_in(tx, recorded.act, recorded.message, before=row.sequence)
            lines = list(lines_of(recorded, facts, row.sequence, sent))
            packages.insert_lines(tx, lines)
            names |= {line.package for line in lines}
            count += len(lines)
            _end(tx, recorded, facts, row.sequence)
    touched = sorted(names)
    for start in range(0, len(touched), _PAGE):
        refold(tx, touched[start : start + _PAGE])
    return count


def counts(row: operations.OperationRow) -> bool:
    """Whether an operation's lines count: it stands, or it says what happened."""
    return row.state not in GIVEN_UP or ACTS[row.kind].lines_stay
