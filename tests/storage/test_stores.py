"""The smaller stores: what goes in comes out, is unique where it says so, and is found by unit."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from ledger.domain.acts.words import Custody, EquipmentKind, Right
from ledger.domain.encoding.identifiers import CycleId, EquipmentId, SignerId
from ledger.domain.errors import Conflict, NotFound
from ledger.storage import directory
from ledger.storage.drafts import (
    DraftRow,
    count_drafts,
    delete_draft,
    delete_expired_drafts,
    find_draft,
    insert_draft,
)
from ledger.storage.engine.database import Database
from ledger.storage.engine.encrypted import has_encrypted_rows
from ledger.storage.journal import (
    JournalBlockRow,
    find_block,
    find_last_block,
    get_block,
    insert_block,
    list_blocks,
    set_block_hash,
)
from ledger.storage.keys import KeyPurpose, KeyRow, find_key, insert_key, list_keys
from ledger.storage.readings import (
    ReadingCycleRow,
    ReadingHead,
    ReadingRow,
    attach_cycle,
    find_head,
    find_reading,
    find_reading_cycle,
    get_reading,
    get_reading_cycle,
    insert_reading,
    list_cycles_attached,
    list_reading_cycles,
    list_readings,
)
from ledger.storage.records import (
    erase_personal,
    get_record,
    get_secrets,
    insert_record,
    list_by_roots,
    list_records,
)
from ledger.storage.settings import find_setting, insert_setting, put_setting
from ledger.storage.tokens import (
    IdempotencyRow,
    TokenRow,
    answer_request,
    claim_request,
    find_request,
    find_token_by_hash,
    forget_requests,
    get_request,
    get_token,
    insert_token,
    list_tokens,
    revoke_token,
    settle_request,
)
from tests.storage.examples import LATER, NOON, digest, record, secrets_of, word

# --------------------------------------------------------------------------------------- records


def test_a_record_comes_back_whole_with_its_secrets(database: Database) -> None:
    row = record(1)
    with database.transaction() as tx:
        insert_record(tx, row, secrets_of(row))
    with database.reading() as tx:
        assert get_record(tx, row.id) == row
        assert list_by_roots(tx, [row.root]) == [row]
        assert get_secrets(tx, row.id) == secrets_of(row)
        assert list_by_roots(tx, [word("other")]) == []
        with pytest.raises(NotFound):
            get_secrets(tx, "0" * 32)


def test_two_records_never_share_a_root(database: Database) -> None:
    first, second = record(1), replace(record(2), root=record(1).root)
    with database.transaction() as tx:
        insert_record(tx, first, secrets_of(first))
    with pytest.raises(Conflict), database.transaction() as tx:
        insert_record(tx, second, secrets_of(second))
    with database.reading() as tx:
        assert list_records(tx) == [first]


def test_another_units_record_is_not_found(database: Database) -> None:
    with database.transaction() as tx:
        for number, unit in ((1, 1), (2, 2), (3, 1)):
            row = record(number, unit=unit)
            insert_record(tx, row, secrets_of(row))
    with database.reading() as tx:
        assert [row.id for row in list_records(tx, unit=1, after=record(1).id)] == [record(3).id]
        with pytest.raises(NotFound):
            get_record(tx, record(2).id, unit=1)


def test_erasing_forgets_personal_fields_and_their_secret_only(database: Database) -> None:
    row = record(1)
    with database.transaction() as tx:
        insert_record(tx, row, secrets_of(row))
        erase_personal(tx, row.id, LATER)
    with database.reading() as tx:
        assert get_record(tx, row.id) == replace(row, personal=None, personal_erased_at=LATER)
        assert get_secrets(tx, row.id) == replace(secrets_of(row), personal_secret=None)
    with pytest.raises(Conflict, match="erased at 2026"), database.transaction() as tx:
        erase_personal(tx, row.id, NOON)
    with pytest.raises(NotFound), database.transaction() as tx:
        erase_personal(tx, "f" * 32, NOON)
    with database.reading() as tx:
        assert get_record(tx, row.id).personal_erased_at == LATER


def test_secrets_are_never_shown() -> None:
    assert "b'" not in repr(secrets_of(record(1)))


# -------------------------------------------------------------------------------------- readings


def reading(name: str, *, unit: int = 1) -> ReadingRow:
    return ReadingRow(
        sha256=word(name),
        raw=name.encode(),
        filename="DAC.Log",
        format="dac-universal/1",
        source="uploaded",
        unit=unit,
        uploaded_at=NOON,
    )


def head(name: str, *, unit: int = 1) -> ReadingHead:
    return ReadingHead(
        sha256=word(name),
        size=len(name),
        filename="DAC.Log",
        format="dac-universal/1",
        source="uploaded",
        unit=unit,
        uploaded_at=NOON,
    )


def read_cycle(name: str, ordinal: int, content: str, *, unit: int = 1) -> ReadingCycleRow:
    return ReadingCycleRow(
        unit=unit,
        reading=word(name),
        ordinal=ordinal,
        content_sha256=word(content),
        serial=None,
        number=ordinal or None,
        cycle=None,
        began=NOON,
        ended=None,
        curve_sha256=None,
        facts=b"{}",
    )


def test_a_reading_comes_back_with_its_cycles_in_order(database: Database) -> None:
    cycles = [read_cycle("a", n, f"cycle {n}") for n in (0, 1, 2)]
    with database.transaction() as tx:
        insert_reading(tx, reading("a"), cycles)
        insert_reading(tx, reading("b", unit=2), [read_cycle("b", 0, "cycle 1", unit=2)])
    with database.reading() as tx:
        assert get_reading(tx, word("a")) == reading("a")
        assert list_reading_cycles(tx, word("a"), unit=1) == cycles
        assert get_reading_cycle(tx, word("a"), 2, unit=1) == cycles[2]


def test_a_unit_keeps_the_same_bytes_once(database: Database) -> None:
    with database.transaction() as tx:
        insert_reading(tx, reading("a"), [])
    with pytest.raises(Conflict), database.transaction() as tx:
        insert_reading(tx, reading("a"), [read_cycle("a", 0, "x")])
    with database.reading() as tx:
        assert list_readings(tx) == [head("a")]
        assert list_reading_cycles(tx, word("a"), unit=1) == []


def test_two_units_keep_the_same_bytes_each_for_itself(database: Database) -> None:
    with database.transaction() as tx:
        for unit in (2, 1):
            insert_reading(tx, reading("a", unit=unit), [read_cycle("a", 0, "x", unit=unit)])
        attach_cycle(tx, word("a"), 0, word("cycle of 2"), unit=2)
    with database.reading() as tx:
        assert get_reading(tx, word("a")) == reading("a")
        assert get_reading(tx, word("a"), unit=2) == reading("a", unit=2)
        assert find_head(tx, word("a"), unit=2) == head("a", unit=2)
        assert get_reading_cycle(tx, word("a"), 0, unit=1).cycle is None
        assert get_reading_cycle(tx, word("a"), 0, unit=2).cycle == word("cycle of 2")
        assert list_cycles_attached(tx, word("cycle of 2"), unit=1) == []


def test_a_page_of_readings_ends_with_a_whole_hash(database: Database) -> None:
    first, second = sorted(("a", "b"), key=word)
    with database.transaction() as tx:
        for name, unit in ((first, 1), (first, 2), (first, 3), (second, 1)):
            insert_reading(tx, reading(name, unit=unit), [])
    with database.reading() as tx:
        page = list_readings(tx, limit=1)
        assert page == [head(first, unit=unit) for unit in (1, 2, 3)]
        assert list_readings(tx, after=page[-1].sha256, limit=2) == [head(second)]
        assert list_readings(tx, unit=2, limit=1) == [head(first, unit=2)]


def test_another_units_reading_is_not_found(database: Database) -> None:
    with database.transaction() as tx:
        insert_reading(tx, reading("a", unit=2), [read_cycle("a", 0, "x", unit=2)])
    with database.reading() as tx:
        assert find_reading(tx, word("a"), unit=1) is None
        assert find_reading_cycle(tx, word("a"), 0, unit=1) is None
        assert find_reading_cycle(tx, word("a"), 0, unit=2) is not None
        assert find_head(tx, word("a"), unit=1) is None
        assert list_readings(tx, unit=1) == []
        assert list_readings(tx, unit=2, after=word("a")) == []
        with pytest.raises(NotFound):
            get_reading(tx, word("a"), unit=1)
        with pytest.raises(NotFound):
            get_reading_cycle(tx, word("a"), 0, unit=1)


def test_a_read_cycle_is_attached_to_one_cycle_for_good(database: Database) -> None:
    with database.transaction() as tx:
        insert_reading(tx, reading("a"), [read_cycle("a", 0, "x")])
        attach_cycle(tx, word("a"), 0, word("cycle"), unit=1)
        attach_cycle(tx, word("a"), 0, word("cycle"), unit=1)
        with pytest.raises(Conflict, match=word("cycle").hex()):
            attach_cycle(tx, word("a"), 0, word("another"), unit=1)
        with pytest.raises(NotFound):
            attach_cycle(tx, word("a"), 1, word("cycle"), unit=1)
        with pytest.raises(NotFound):
            attach_cycle(tx, word("a"), 0, word("cycle"), unit=2)
    with database.reading() as tx:
        assert [row.ordinal for row in list_cycles_attached(tx, word("cycle"))] == [0]
        assert list_cycles_attached(tx, word("another")) == []


# ----------------------------------------------------------------------------------------- keys


def key(name: str, purpose: KeyPurpose = KeyPurpose.UNIT) -> KeyRow:
    return KeyRow(
        signer_id=SignerId(word(name)),
        signer=b"a" * 20,
        algorithm="secp256k1",
        purpose=purpose,
        label=name,
        private_key=b"sealed",
        created_at=NOON,
    )


def test_keys_are_found_by_signer_and_by_purpose(database: Database) -> None:
    with database.transaction() as tx:
        assert not has_encrypted_rows(tx)
        insert_key(tx, key("station"))
        insert_key(tx, key("relayer", KeyPurpose.RELAYER))
    with pytest.raises(Conflict), database.transaction() as tx:
        insert_key(tx, key("station"))
    with database.reading() as tx:
        assert has_encrypted_rows(tx)
        assert find_key(tx, word("station")) == key("station")
        assert find_key(tx, word("elsewhere")) is None
        assert [row.label for row in list_keys(tx, purpose=KeyPurpose.RELAYER)] == ["relayer"]
        first, second = list_keys(tx)
        assert list_keys(tx, after=first.signer_id) == [second]


def test_a_key_is_never_shown() -> None:
    assert "sealed" not in repr(key("station"))


# --------------------------------------------------------------------------------------- tokens


def token(name: str, unit: int | None = 1) -> TokenRow:
    return TokenRow(
        id=name,
        token_hash=word(name),
        person="Li",
        unit=unit,
        scopes="read open",
        created_at=NOON,
        expires_at=LATER,
    )


def test_a_token_is_found_by_its_hash_and_ends_once(database: Database) -> None:
    with database.transaction() as tx:
        insert_token(tx, token("a"))
        insert_token(tx, token("b", unit=None))
        revoke_token(tx, "a", NOON)
        revoke_token(tx, "a", LATER)
        with pytest.raises(NotFound):
            revoke_token(tx, "c", NOON)
    with pytest.raises(Conflict), database.transaction() as tx:
        insert_token(tx, replace(token("c"), token_hash=word("a")))
    with database.reading() as tx:
        assert find_token_by_hash(tx, word("a")) == (replace(token("a"), revoked_at=NOON), None)
        assert find_token_by_hash(tx, word("none")) is None
        assert get_token(tx, "b") == token("b", unit=None)
        assert [row.id for row in list_tokens(tx)] == ["a", "b"]
        assert [row.id for row in list_tokens(tx, unit=1)] == ["a"]
        assert [row.id for row in list_tokens(tx, after="a")] == ["b"]


def request(key_name: str, content: str = "request") -> IdempotencyRow:
    return IdempotencyRow(key=key_name, token_id="a", request_hash=word(content), created_at=NOON)


def test_a_request_is_claimed_once_and_its_answer_is_given_again(database: Database) -> None:
    with database.transaction() as tx:
        insert_token(tx, token("a"))
        assert claim_request(tx, request("k")) is None
    with database.transaction() as tx:
        assert claim_request(tx, request("k")) == request("k")
        answer_request(tx, "k", "a", response=b"ok", status=201)
        with pytest.raises(Conflict, match="answered already"):
            answer_request(tx, "k", "a", response=b"no", status=409)
    with database.transaction() as tx:
        earlier = claim_request(tx, request("k"))
        assert settle_request(tx, "k", "a", response=b"no", status=409) == earlier
        with pytest.raises(Conflict, match="another request"):
            claim_request(tx, request("k", "other request"))
        with pytest.raises(NotFound):
            answer_request(tx, "unclaimed", "a", response=b"ok", status=200)
        with pytest.raises(NotFound):
            settle_request(tx, "unclaimed", "a", response=b"ok", status=200)
        assert find_request(tx, "k", "a") == earlier
    assert earlier == replace(request("k"), response=b"ok", status=201)


def test_old_requests_are_forgotten_and_new_ones_kept(database: Database) -> None:
    with database.transaction() as tx:
        insert_token(tx, token("a"))
        claim_request(tx, request("old"))
        claim_request(tx, replace(request("new"), created_at=LATER))
        assert forget_requests(tx, LATER) == 1
        assert get_request(tx, "new", "a").created_at == LATER
        assert find_request(tx, "old", "a") is None
        with pytest.raises(NotFound):
            get_request(tx, "old", "a")


# --------------------------------------------------------------------------------------- drafts


def test_drafts_are_counted_by_unit_and_by_token_up_to_a_limit(database: Database) -> None:
    with database.transaction() as tx:
        for number in range(4):
            insert_draft(tx, replace(draft(number), token_id="a" if number else "b"))
        insert_draft(tx, draft(9, unit=2))
        assert count_drafts(tx, unit=1, limit=10) == 4
        assert count_drafts(tx, unit=1, limit=3) == 3
        assert count_drafts(tx, unit=2, limit=10) == 1
        assert count_drafts(tx, token_id="a", limit=10) == 3
        assert count_drafts(tx, token_id="c", limit=10) == 0


def draft(number: int, *, unit: int = 1) -> DraftRow:
    return DraftRow(
        digest=digest(number),
        kind="CycleOpening",
        unit=unit,
        body=b"sealed",
        created_by="Li",
        created_at=NOON,
        expires_at=LATER,
    )


def test_a_draft_waits_until_it_is_taken_or_its_time_is_over(database: Database) -> None:
    late = replace(draft(3), expires_at=LATER + timedelta(seconds=1))
    with database.transaction() as tx:
        for row in (draft(1), draft(2, unit=2), late):
            insert_draft(tx, row)
        assert find_draft(tx, digest(1)) == draft(1)
        assert find_draft(tx, digest(2), unit=1) is None
        assert has_encrypted_rows(tx)
        delete_draft(tx, digest(1))
        with pytest.raises(NotFound):
            delete_draft(tx, digest(1))
        assert delete_expired_drafts(tx, LATER, timedelta(minutes=15)) == 1
        assert find_draft(tx, digest(2)) is None
        assert find_draft(tx, digest(3)) == late
        ahead = timedelta(minutes=14)  # as if it had been made by a clock that was ahead
        assert delete_expired_drafts(tx, late.expires_at - timedelta(minutes=15), ahead) == 1
        insert_draft(tx, late)
    with pytest.raises(Conflict), database.transaction() as tx:
        insert_draft(tx, late)


# ------------------------------------------------------------------------------------ directory


def unit_row(number: int) -> directory.UnitRow:
    return directory.UnitRow(
        number=number, code=f"U{number}", name=f"Unit {number}", digest=digest(number)
    )


def signer_row(name: str, *, unit: int = 1) -> directory.SignerRow:
    return directory.SignerRow(
        id=SignerId(word(name)),
        unit=unit,
        signer=b"a" * 20,
        name=name,
        rights=Right.OPEN | Right.LOAD,
        custody=Custody.STATION,
        valid_from=1,
        valid_until=2**64 - 1,
        digest=digest(1),
    )


def machine_row(serial: str, *, unit: int = 1) -> directory.EquipmentRow:
    return directory.EquipmentRow(
        id=EquipmentId(word(f"{unit} {serial}")),
        unit=unit,
        name="Autoclave 2",
        model=None,
        serial=serial,
        kind=EquipmentKind.STERILIZER,
        digest=digest(1),
    )


def cycle_row(number: int, *, unit: int = 1) -> directory.CycleRow:
    return directory.CycleRow(
        id=CycleId(word(f"cycle {number}")),
        equipment=EquipmentId(word("machine")),
        unit=unit,
        epoch=1,
        number=number,
        digest=digest(number % 1000),
    )


def test_units_are_found_by_number_and_code(database: Database) -> None:
    with database.transaction() as tx:
        for number in (1, 2, 3):
            directory.insert_unit(tx, unit_row(number))
    with pytest.raises(Conflict), database.transaction() as tx:
        directory.insert_unit(tx, replace(unit_row(4), code="U1"))
    with pytest.raises(Conflict), database.transaction() as tx:
        directory.insert_unit(tx, replace(unit_row(1), code="U5"))
    with database.reading() as tx:
        assert directory.get_unit(tx, 2) == unit_row(2)
        assert directory.find_unit(tx, 9) is None
        assert directory.find_unit_by_code(tx, "U3") == unit_row(3)
        assert directory.find_unit_by_code(tx, "u3") is None
        assert directory.list_units(tx, after=1, limit=1) == [unit_row(2)]
        with pytest.raises(NotFound):
            directory.get_unit(tx, 9)


def test_a_key_is_enrolled_once_and_its_name_can_be_forgotten(database: Database) -> None:
    with database.transaction() as tx:
        directory.insert_signer(tx, signer_row("Li"))
        directory.insert_signer(tx, signer_row("Wang", unit=2))
        assert directory.get_signer(tx, word("Li")) == signer_row("Li")
        directory.erase_signer_name(tx, word("Li"))
        with pytest.raises(NotFound):
            directory.erase_signer_name(tx, word("nobody"))
    with pytest.raises(Conflict), database.transaction() as tx:
        directory.insert_signer(tx, signer_row("Li", unit=2))
    with database.reading() as tx:
        assert directory.find_signer(tx, word("Wang"), unit=1) is None
        assert directory.list_signers(tx, unit=1) == [replace(signer_row("Li"), name=None)]
        assert len(directory.list_signers(tx, after=min(word("Li"), word("Wang")))) == 1
        with pytest.raises(NotFound):
            directory.get_signer(tx, word("Wang"), unit=1)


def test_a_serial_number_is_unique_within_its_unit(database: Database) -> None:
    with database.transaction() as tx:
        directory.insert_equipment(tx, machine_row("S1"))
        directory.insert_equipment(tx, machine_row("S1", unit=2))
    with pytest.raises(Conflict), database.transaction() as tx:
        directory.insert_equipment(
            tx, replace(machine_row("S1"), id=EquipmentId(word("another id")))
        )
    with database.reading() as tx:
        assert directory.list_equipment(tx, unit=1) == [machine_row("S1")]
        assert directory.find_equipment(tx, machine_row("S1", unit=2).id, unit=1) is None
        assert directory.list_equipment(tx, unit=2) == [machine_row("S1", unit=2)]
        assert directory.list_equipment(tx, after=b"\xff" * 32) == []
        with pytest.raises(NotFound):
            directory.get_equipment(tx, machine_row("S1", unit=2).id, unit=1)


def test_a_machines_number_is_one_cycle(database: Database) -> None:
    highest = 2**64 - 1
    with database.transaction() as tx:
        for row in (cycle_row(1), cycle_row(2, unit=2), cycle_row(highest)):
            directory.insert_cycle(tx, row)
    with pytest.raises(Conflict), database.transaction() as tx:
        directory.insert_cycle(tx, replace(cycle_row(1), id=CycleId(word("another id"))))
    with database.reading() as tx:
        assert directory.find_cycle_by_number(tx, word("machine"), 1, highest) == cycle_row(highest)
        assert directory.find_cycle_by_number(tx, word("machine"), 2, 1) is None
        assert directory.get_cycle(tx, cycle_row(1).id, unit=1) == cycle_row(1)
        assert directory.find_cycle(tx, cycle_row(2).id, unit=1) is None
        assert len(directory.list_cycles(tx, equipment_id=word("machine"))) == 3
        assert directory.list_cycles(tx, unit=2) == [cycle_row(2, unit=2)]
        assert directory.list_cycles(tx, after=b"\xff" * 32) == []
        with pytest.raises(NotFound):
            directory.get_cycle(tx, cycle_row(2).id, unit=1)


# ------------------------------------------------------------------------ journal and settings


def test_a_block_is_written_before_its_hash_is_known(database: Database) -> None:
    blocks = [
        JournalBlockRow(height=height, timestamp=1000 + height, transactions=b"tx")
        for height in (0, 1, 2)
    ]
    with database.transaction() as tx:
        assert find_last_block(tx) is None
        for block in blocks:
            insert_block(tx, block)
        set_block_hash(tx, 1, word("hash"))
        set_block_hash(tx, 1, word("hash"))
        with pytest.raises(Conflict, match="block 1 has the hash"):
            set_block_hash(tx, 1, word("another"))
        with pytest.raises(NotFound):
            set_block_hash(tx, 7, word("hash"))
    with pytest.raises(Conflict), database.transaction() as tx:
        insert_block(tx, replace(blocks[1], timestamp=9))
    with database.reading() as tx:
        assert find_last_block(tx) == blocks[2]
        assert get_block(tx, 1) == replace(blocks[1], hash=word("hash"))
        assert find_block(tx, 7) is None
        assert [row.height for row in list_blocks(tx, after=0)] == [1, 2]
        assert list_blocks(tx, limit=1) == blocks[:1]
        with pytest.raises(NotFound):
            get_block(tx, 7)


def test_a_setting_is_set_once_or_put_again(database: Database) -> None:
    with database.transaction() as tx:
        insert_setting(tx, "deployment", b"{}")
        put_setting(tx, "name", b"one")
        put_setting(tx, "name", b"two")
    with pytest.raises(Conflict), database.transaction() as tx:
        insert_setting(tx, "deployment", b"[]")
    with database.reading() as tx:
        assert find_setting(tx, "deployment") == b"{}"
        assert find_setting(tx, "name") == b"two"
        assert find_setting(tx, "absent") is None


def test_erased_bytes_do_not_stay_in_the_sqlite_file(
    sqlite_database: Database, sqlite_address: str
) -> None:
    row = replace(record(1), personal=b"PERSONAL-" * 50)
    with sqlite_database.transaction() as tx:
        insert_record(tx, row, secrets_of(row))
    with sqlite_database.transaction() as tx:
        erase_personal(tx, row.id, LATER)
    with sqlite_database.reading() as tx:
        assert tx.execute(text("SELECT count(*) FROM records")).scalar_one() == 1
    sqlite_database.close()  # the last connection folds the write-ahead log into the file
    path = sqlite_address.removeprefix("sqlite:///")
    with open(path, "rb") as file:  # noqa: PTH123 - a path from an address
        assert b"PERSONAL-" not in file.read()
