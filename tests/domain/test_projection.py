"""Facts about what events change in the index, without a chain or a database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.words import Contract, Custody, EquipmentState, Right, UnitRole
from ledger.domain.encoding.abi import Scalar
from ledger.domain.encoding.events import Event, Log
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.errors import Inconsistent
from ledger.domain.subjects.indexed import (
    IndexedCycle,
    IndexedEquipment,
    IndexedGap,
    IndexedShare,
    IndexedSigner,
    IndexedTotal,
    IndexedUnit,
)
from ledger.domain.subjects.projection import (
    _CHANGES,
    event_fields,
    indexed_event,
    indexed_operation,
    project,
    touched,
)

KEYS: dict[type[object], tuple[str, ...]] = {
    IndexedUnit: ("number",),
    IndexedSigner: ("id",),
    IndexedEquipment: ("id",),
    IndexedCycle: ("id",),
    IndexedTotal: ("cycle", "package_class"),
    IndexedShare: ("digest", "line"),
    IndexedGap: ("equipment", "epoch", "first"),
}
MACHINE, CYCLE, KEY = bytes([1]) * 32, bytes([2]) * 32, bytes([3]) * 32


@dataclass
class Tables:
    """The index as a dictionary."""

    rows: dict[tuple[object, ...], Any] = field(default_factory=dict)
    #: every row that was looked for
    asked: set[tuple[object, ...]] = field(default_factory=set)
    proposals: dict[Digest, Mapping[str, Scalar]] = field(default_factory=dict)

    def find(self, cls: type[Any], *key: object) -> Any:  # noqa: ANN401 - a row of whichever class
        self.asked.add((cls, *key))
        return self.rows.get((cls, *key))

    def put(self, row: object) -> None:
        key = tuple(getattr(row, name) for name in KEYS[type(row)])
        self.rows[type(row), *key] = row

    def add(self, row: object) -> None:
        self.put(row)

    def proposal(self, digest: Digest) -> Mapping[str, Scalar]:
        return self.proposals[digest]


def digest(number: int) -> Digest:
    return Digest(number.to_bytes(32, "big"))


def event(name: str, place: int, /, **fields: Scalar) -> Event:
    registry = name.startswith(("Unit", "Signer", "Equipment", "Recovery", "Record"))
    return Event(
        name=name,
        contract=Contract.UNIT_REGISTRY if registry else Contract.CYCLE_LEDGER,
        fields={"digest": digest(place), **fields},
        log=Log(
            address=bytes(20),
            topics=(),
            data=b"",
            block_number=1,
            block_hash=bytes(32),
            transaction_hash=digest(place),
            transaction_index=0,
            log_index=place,
        ),
    )


def admitted(number: int = 1) -> Event:
    return event(
        "UnitAdmitted", number, unit=7, administrator=KEY, roles=3, custody=1, validUntil=0,
        record=bytes(32), signedAt=5, head=bytes(32),
    )  # fmt: skip


def registered(number: int = 2) -> Event:
    return event(
        "EquipmentRegistered", number, unit=7, equipment=MACHINE, serial=bytes(32), kind=1, epoch=1
    )


def opened(number: int, cycle_number: int) -> Event:
    return event(
        "CycleOpened", number, cycle=CYCLE, equipment=MACHINE, unit=7, epoch=1,
        number=cycle_number, startedAt=9,
    )  # fmt: skip


EVERY_CHANGE = [
    admitted(),
    event(
        "SignerEnrolled", 10, unit=7, signer=KEY, key=b"k" * 20, duties=2, custody=1, validFrom=0,
        validUntil=0,
    ),
    event("SignerRevoked", 11, unit=7, signer=KEY),
    registered(),
    opened(3, 12),
    event("NumbersSkipped", 3, equipment=MACHINE, epoch=1, first=1, last=11),
    event("LoadDeclared", 4, cycle=CYCLE),
    event("LoadTotalDeclared", 4, cycle=CYCLE, packageClass=1, quantity=9),
    event("CycleEnded", 5, cycle=CYCLE, outcome=1, verdict=1, endedAt=0),
    event("CycleDecided", 6, cycle=CYCLE, state=1),
    event("ShareRecorded", 6, cycle=CYCLE, owner=7, payer=7, packageClass=1, delta=4),
    event("EquipmentChanged", 7, equipment=MACHINE, state=2, epoch=1),
    event("RecoveryCompleted", 8, unit=7, signer=KEY),
    event("UnitClosed", 9, unit=7),
]  # fmt: skip


def test_every_row_that_an_event_looks_for_or_changes_is_known_beforehand() -> None:
    tables = Tables()
    tables.proposals[digest(8)] = {
        "unit": 7, "signer": KEY, "custody": 3, "validUntil": 9, "signedAt": 1, "key": b"k" * 20,
    }  # fmt: skip
    for each in EVERY_CHANGE:
        tables.asked.clear()
        before = dict(tables.rows)
        project([each], tables)
        known = {(cls, *key) for cls, keys in touched([each]).items() for key in keys}
        changed = {place for place, row in tables.rows.items() if before.get(place) is not row}
        only_added = {place for place in changed if place[0] in {IndexedShare, IndexedGap}}
        assert tables.asked <= known, each.name
        assert changed - only_added <= known, each.name
    assert {each.name for each in EVERY_CHANGE} == set(_CHANGES)


def test_a_unit_is_admitted_and_closed() -> None:
    tables = Tables()
    project([admitted()], tables)
    assert tables.find(IndexedUnit, 7) == IndexedUnit(
        number=7, roles=UnitRole.PROCESSOR | UnitRole.USER, state=1, digest=digest(1)
    )
    project([event("UnitClosed", 2, unit=7)], tables)
    assert tables.find(IndexedUnit, 7).state == 2
    assert tables.find(IndexedUnit, 7).digest == digest(2)


def test_an_opening_moves_the_machines_counter_and_a_new_epoch_clears_it() -> None:
    tables = Tables()
    project([registered(), opened(3, 12)], tables)
    assert tables.find(IndexedEquipment, MACHINE).last_number == 12
    project([event("EquipmentChanged", 4, equipment=MACHINE, state=2, epoch=1)], tables)
    assert tables.find(IndexedEquipment, MACHINE).last_number == 12
    assert tables.find(IndexedEquipment, MACHINE).state is EquipmentState.OUT_OF_SERVICE
    project([event("EquipmentChanged", 5, equipment=MACHINE, state=1, epoch=2)], tables)
    assert tables.find(IndexedEquipment, MACHINE).last_number is None


def test_shares_are_numbered_within_their_decision_and_summed_by_class() -> None:
    tables = Tables()
    total = event("LoadTotalDeclared", 4, cycle=CYCLE, packageClass=1, quantity=9)
    shares = [
        event("ShareRecorded", 5, cycle=CYCLE, owner=7, payer=7, packageClass=1, delta=delta)
        for delta in (5, 3, -2)
    ]
    project([registered(), opened(3, 1), total, *shares], tables)
    assert [tables.find(IndexedShare, digest(5), line).delta for line in (0, 1, 2)] == [5, 3, -2]
    assert tables.find(IndexedTotal, CYCLE, 1).released == 6


def test_an_amended_load_keeps_what_is_released() -> None:
    tables = Tables()
    events = [
        registered(),
        opened(3, 1),
        event("LoadTotalDeclared", 4, cycle=CYCLE, packageClass=1, quantity=9),
        event("ShareRecorded", 5, cycle=CYCLE, owner=7, payer=7, packageClass=1, delta=4),
        event("LoadTotalDeclared", 6, cycle=CYCLE, packageClass=1, quantity=20),
    ]
    project(events, tables)
    total = tables.find(IndexedTotal, CYCLE, 1)
    assert (total.declared, total.released) == (20, 4)


def test_a_completed_recovery_enrols_an_administrator_from_its_proposal() -> None:
    tables = Tables()
    tables.proposals[digest(8)] = {
        "unit": 7, "signer": KEY, "custody": 3, "validUntil": 99, "signedAt": 11,
        "key": b"k" * 20,
    }  # fmt: skip
    project([event("RecoveryCompleted", 8, unit=7, signer=KEY, head=bytes(32))], tables)
    signer = tables.find(IndexedSigner, KEY)
    assert (signer.duties, signer.custody) == (Right.ADMINISTER, Custody.DEVICE)
    assert (signer.valid_from, signer.valid_until, signer.signer) == (11, 99, b"k" * 20)


@pytest.mark.parametrize(
    "orphan",
    [
        event("UnitClosed", 1, unit=7),
        event("SignerRevoked", 1, signer=KEY),
        event("EquipmentChanged", 1, equipment=MACHINE, state=1, epoch=1),
        opened(1, 1),
        event("CycleEnded", 1, cycle=CYCLE, outcome=1, verdict=1, endedAt=0),
        event("LoadDeclared", 1, cycle=CYCLE),
        event("CycleDecided", 1, cycle=CYCLE, state=1),
        event("ShareRecorded", 1, cycle=CYCLE, packageClass=1, delta=1),
    ],
    ids=lambda value: value.name,
)
def test_an_event_without_what_it_follows_from_is_our_own_fault(orphan: Event) -> None:
    tables = Tables()
    with pytest.raises(Inconsistent):
        project([orphan], tables)
    assert tables.rows == {}


@given(
    st.dictionaries(
        st.text("abcdefghij", min_size=1),
        st.one_of(st.binary(max_size=40), st.integers(-(2**255), 2**256 - 1)),
        max_size=8,
    )
)
def test_the_body_of_an_event_gives_its_fields_back(fields: dict[str, Scalar]) -> None:
    whole = event("CycleOpened", 1, **fields)
    assert event_fields(indexed_event(whole)) == whole.fields


def test_a_number_beyond_what_json_carries_exactly_is_indexed_all_the_same() -> None:
    kind = ACTS["UnitAdmission"]
    message = {m.name: bytes(32) if m.type == "bytes32" else 1 for m in kind.struct.members}
    row = indexed_operation(kind, {**message, "validUntil": 2**64 - 1}, admitted(), timestamp=1)
    assert b'"validUntil":18446744073709551615' in row.message
    assert row.subject == (7).to_bytes(32, "big")
