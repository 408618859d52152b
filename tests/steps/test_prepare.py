"""Two steps: prepared here, signed where the key is, submitted; and whatever goes wrong between."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.domain.acts.result_entry import Result, ResultWord
from ledger.domain.acts.words import Custody, Party, Right
from ledger.domain.callers import Caller, Scope
from ledger.domain.chain.deployment import Deployment
from ledger.domain.drafts import Draft
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    Refused,
    SteriLedgerError,
    VerificationFailed,
)
from ledger.keys.accounts import account_address, create_account, sign_with_account
from ledger.keys.p256 import create_p256_key, p256_signer, sign_with_p256
from ledger.keys.signers import P256_VERIFIER
from ledger.steps.accepting.prepare import VALID_FOR, Prepared, prepare
from ledger.steps.accepting.signing import sign_with_held_key
from ledger.steps.accepting.submit import Receipt, submit
from ledger.storage import operations
from ledger.storage.engine.database import Database
from tests import making
from tests.house import CENTRE, CYCLE_RIGHTS, MEMBER, House, build_house
from tests.steps.test_submit import enter, revoke

Sign = Callable[[bytes, bytes], bytes]

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    """A centre with a sterilizer, and a member."""
    return build_house(database, tmp_path)


def prepared(house: House, draft: Draft) -> Prepared:
    """Prepare as the house's caller."""
    with house.instance.database.transaction() as tx:
        return prepare(house.instance, tx, house.caller, draft)


def submitted(house: House, item: Prepared, signatures: dict[Party, bytes]) -> Receipt:
    """Submit as the house's caller."""
    with house.instance.database.transaction() as tx:
        return submit(house.instance, tx, house.caller, item.operation.digest, signatures)


def held(house: House, key: bytes, digest: Digest) -> bytes:
    """The signature of a key that the instance holds."""
    with house.instance.database.transaction() as tx:
        return sign_with_held_key(house.instance, tx, house.caller, Party.SIGNER, key, digest)


def enrolment(house: House, key: bytes) -> Draft:
    """The enrolment of a key that somebody brings."""
    return making.enrolment(
        CENTRE,
        key=key,
        administrator=house.administrators[CENTRE],
        rights=CYCLE_RIGHTS,
        name="Station 3",
        custody=Custody.STATION,
    )


def opening(house: House, number: int, key: bytes | None = None) -> Draft:
    """The opening of a cycle."""
    return making.opening(house.cycle(number), signer=house.operator if key is None else key)


def verifier_of(deployment: Deployment) -> bytes:
    """The deployment's P-256 verifier."""
    return next(a for a, name in deployment.verifiers.items() if name == P256_VERIFIER)


def brought(house: House, secret: bytes, signer: bytes, sign: Sign) -> Receipt:
    """Enrol a key with its own proof, then open cycle 1 with it, both in two steps."""
    item = prepared(house, enrolment(house, signer))
    digest = item.operation.digest
    admin = house.administrators[CENTRE]
    submitted(
        house,
        item,
        {Party.SIGNER: held(house, admin, digest), Party.NEW_KEY: sign(secret, digest)},
    )
    item = prepared(house, opening(house, 1, signer))
    return submitted(house, item, {Party.SIGNER: sign(secret, item.operation.digest)})


def test_an_account_held_elsewhere_enrols_itself_and_opens_a_cycle(house: House) -> None:
    secret = create_account()
    receipt = brought(house, secret, account_address(secret), sign_with_account)
    with house.instance.database.reading() as tx:
        (signed,) = operations.list_signatures(tx, [receipt.digest])
    assert signed.signer == account_address(secret)


def test_a_p256_key_held_elsewhere_enrols_itself_and_opens_a_cycle(house: House) -> None:
    secret = create_p256_key()
    signer = p256_signer(secret, verifier_of(house.instance.deployment()))
    receipt = brought(house, secret, signer, sign_with_p256)
    with house.instance.database.reading() as tx:
        (signed,) = operations.list_signatures(tx, [receipt.digest])
    assert signed.signer == signer


def test_a_p256_signature_with_a_high_s_is_refused_as_the_contract_would(house: House) -> None:
    secret = create_p256_key()
    signer = p256_signer(secret, verifier_of(house.instance.deployment()))

    def high(secret: bytes, digest: bytes) -> bytes:
        low = sign_with_p256(secret, digest)
        return low[:32] + (ORDER - int.from_bytes(low[32:], "big")).to_bytes(32, "big")

    with pytest.raises(VerificationFailed, match="upper half"):
        brought(house, secret, signer, high)


def test_a_key_under_a_verifier_of_another_deployment_is_refused(house: House) -> None:
    secret = create_p256_key()
    with pytest.raises(VerificationFailed, match="no verifier of this deployment"):
        brought(house, secret, p256_signer(secret, b"\x99" * 20), sign_with_p256)


def test_what_is_prepared_is_what_is_accepted(house: House) -> None:
    item = prepared(house, opening(house, 1))
    house.clock.advance(minutes=5)
    digest = item.operation.digest
    receipt = submitted(house, item, {Party.SIGNER: held(house, house.operator, digest)})
    assert receipt.digest == digest
    with house.instance.database.reading() as tx:
        row = operations.get_operation(tx, digest)
    assert row.record_id == item.record.id
    assert row.signed_at == item.operation.message["signedAt"]
    assert house.counts()["drafts"] == 0


def test_submitting_twice_returns_the_same_receipt(house: House) -> None:
    item = prepared(house, opening(house, 1))
    signatures = {Party.SIGNER: held(house, house.operator, item.operation.digest)}
    first = submitted(house, item, signatures)
    with house.nothing_stored():
        assert submitted(house, item, signatures) == first


def test_an_expired_draft_is_refused_and_says_what_to_do(house: House) -> None:
    item = prepared(house, opening(house, 1))
    signatures = {Party.SIGNER: held(house, house.operator, item.operation.digest)}
    house.clock.now += VALID_FOR
    with house.nothing_stored(), pytest.raises(Refused, match="prepare it again"):
        submitted(house, item, signatures)


@pytest.mark.parametrize(
    "which, error, words",
    [
        ("none", InvalidInput, "came from nobody"),
        ("surplus", InvalidInput, "signed by signer"),
        ("another key", VerificationFailed, "was made by"),
        ("another digest", VerificationFailed, "another digest"),
        ("too short", VerificationFailed, "65"),
        ("not a point", VerificationFailed, "signature"),
    ],
)
def test_a_signature_that_does_not_hold_is_refused_and_the_draft_stays(
    house: House, which: str, error: type[SteriLedgerError], words: str
) -> None:
    item = prepared(house, opening(house, 1))
    digest = item.operation.digest
    good = held(house, house.operator, digest)
    signatures = {
        "none": {},
        "surplus": {Party.SIGNER: good, Party.NEW_KEY: good},
        "another key": {Party.SIGNER: sign_with_account(create_account(), digest)},
        "another digest": {Party.SIGNER: held(house, house.operator, Digest(b"\1" * 32))},
        "too short": {Party.SIGNER: good[:-1]},
        "not a point": {Party.SIGNER: b"\xff" * 32 + b"\1" * 32 + b"\x1b"},
    }[which]
    with house.nothing_stored(), pytest.raises(error, match=words):
        submitted(house, item, signatures)
    assert submitted(house, item, {Party.SIGNER: good}).digest == digest


def test_a_draft_that_became_stale_is_refused(house: House) -> None:
    item = prepared(house, opening(house, 3))
    signatures = {Party.SIGNER: held(house, house.operator, item.operation.digest)}
    revoke(house, CENTRE, house.operator)
    with house.nothing_stored(), pytest.raises(Refused, match="revoked"):
        submitted(house, item, signatures)


def test_a_draft_of_a_number_that_comes_late_is_accepted(house: House) -> None:
    item = prepared(house, opening(house, 3))
    house.open(4)
    signatures = {Party.SIGNER: held(house, house.operator, item.operation.digest)}
    assert submitted(house, item, signatures).digest == item.operation.digest


def test_two_drafts_of_one_number_make_one_cycle(house: House) -> None:
    first, second = (prepared(house, opening(house, 1)) for _ in range(2))
    submitted(house, first, {Party.SIGNER: held(house, house.operator, first.operation.digest)})
    with house.nothing_stored(), pytest.raises(Conflict, match="open already"):
        submitted(
            house, second, {Party.SIGNER: held(house, house.operator, second.operation.digest)}
        )


def test_what_a_rule_keeps_out_is_not_even_prepared(house: House) -> None:
    stranger = account_address(create_account())
    with house.nothing_stored(), pytest.raises(NotFound):
        prepared(house, opening(house, 1, stranger))


def test_an_unknown_digest_is_not_found(house: House) -> None:
    with (
        house.nothing_stored(),
        house.instance.database.transaction() as tx,
        pytest.raises(NotFound, match="nothing is prepared"),
    ):
        submit(house.instance, tx, house.caller, Digest(b"\5" * 32), {})


def test_another_unit_neither_submits_nor_sees_a_draft(house: House) -> None:
    item = prepared(house, opening(house, 1))
    signatures = {Party.SIGNER: held(house, house.operator, item.operation.digest)}
    stranger = Caller(person="Stranger", unit=MEMBER, scopes=frozenset(Scope))
    own, house.caller = house.caller, stranger
    with house.nothing_stored(), pytest.raises(NotFound):
        submitted(house, item, signatures)
    house.caller = own
    submitted(house, item, signatures)
    house.caller = stranger
    with pytest.raises(NotFound):
        submitted(house, item, signatures)


def test_a_key_held_elsewhere_is_not_signed_for_here(house: House) -> None:
    secret = create_account()
    item = prepared(house, enrolment(house, account_address(secret)))
    digest = item.operation.digest
    submitted(
        house,
        item,
        {
            Party.SIGNER: held(house, house.administrators[CENTRE], digest),
            Party.NEW_KEY: sign_with_account(secret, digest),
        },
    )
    with house.nothing_stored(), pytest.raises(Refused, match="does not hold the key"):
        house.open(1, signer=account_address(secret))


# ------------------------------------------------------------------------------ at the same time


def at_once(*acts: Callable[[], Receipt]) -> list[Receipt | SteriLedgerError]:
    """Do all acts in threads that start together; return results and errors in order."""
    barrier = threading.Barrier(len(acts))
    results: dict[int, Receipt | SteriLedgerError] = {}

    def run(place: int) -> None:
        barrier.wait()
        try:
            results[place] = acts[place]()
        except SteriLedgerError as error:
            results[place] = error

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [results[place] for place in range(len(acts))]


@pytest.mark.parametrize("attempt", range(3))
def test_of_a_failed_result_and_a_release_at_once_the_release_is_first_or_refused(
    house: House, attempt: int
) -> None:
    house.complete(1)
    entered, released = at_once(
        lambda: enter(house, 1, Result.BIOLOGICAL, ResultWord.FAIL), lambda: house.decide(1)
    )
    assert isinstance(entered, Receipt)
    if isinstance(released, Receipt):
        with house.instance.database.reading() as tx:
            rows = operations.list_by_digests(tx, [entered.digest, released.digest])
        assert [row.digest for row in rows] == [released.digest, entered.digest]
    else:
        assert isinstance(released, Refused)
        assert "biological did not pass" in str(released)


@pytest.mark.parametrize("attempt", range(3))
def test_of_two_submits_of_one_number_exactly_one_is_accepted(house: House, attempt: int) -> None:
    items = [prepared(house, opening(house, 1)) for _ in range(4)]
    signed = [{Party.SIGNER: held(house, house.operator, item.operation.digest)} for item in items]
    acts = [
        lambda i=item, s=signatures: submitted(house, i, s)
        for item, signatures in zip(items, signed, strict=True)
    ]
    results = at_once(*acts)
    assert sum(isinstance(each, Receipt) for each in results) == 1
    assert sum(isinstance(each, Conflict) for each in results) == 3


def test_one_draft_submitted_twice_at_once_has_one_receipt(house: House) -> None:
    item = prepared(house, opening(house, 1))
    signatures = {Party.SIGNER: held(house, house.operator, item.operation.digest)}
    results = at_once(*[lambda: submitted(house, item, signatures)] * 4)
    assert len({each.payload for each in results if isinstance(each, Receipt)}) == 1
    assert all(isinstance(each, Receipt) for each in results)


def test_sixteen_at_once_record_cycles_of_one_unit_while_signers_come_and_go(house: House) -> None:
    numbers = range(1, 16)
    for number in numbers:
        house.open(number)

    def record(number: int) -> Receipt:
        house.declare(number)
        house.end(number)
        return house.decide(number)

    def come_and_go() -> Receipt:
        for name in ("Early", "Late"):
            revoke(house, CENTRE, house.enrol(CENTRE, name, Right.OPEN))
        return revoke(house, CENTRE, house.enrol(CENTRE, "Night", Right.LOAD))

    acts = [lambda n=number: record(n) for number in numbers]
    results = at_once(*acts, come_and_go)
    assert [each for each in results if not isinstance(each, Receipt)] == []


def test_what_is_signed_while_its_signer_is_revoked_comes_before_the_revocation_or_not_at_all(
    house: House,
) -> None:
    opened, revoked = at_once(lambda: house.open(1), lambda: revoke(house, CENTRE, house.operator))
    assert isinstance(revoked, Receipt)
    if isinstance(opened, Receipt):
        with house.instance.database.reading() as tx:
            waits = {row.predecessor for row in operations.list_dependencies(tx, [revoked.digest])}
        assert opened.digest in waits
    else:
        assert isinstance(opened, Refused)
