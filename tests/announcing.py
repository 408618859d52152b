"""What a contract of ours would announce of an operation, by the declaration alone."""

from __future__ import annotations

from ledger.domain.acts.catalogue import NESTED
from ledger.domain.acts.vocabulary import Act, Message, integer
from ledger.domain.encoding.abi import WORD, Eip712Domain
from ledger.domain.encoding.events import TOPICS, Log
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.encoding.structs import encode_bytes, encode_struct, is_dynamic, number_word
from ledger.domain.operations import digest


def event_data(act: Act, message: Message, head: bytes, new_key: bytes = b"") -> bytes:
    """The data of its event: head, operation, and the key where it brings one."""
    operation = encode_struct(act.struct, NESTED, message)
    place = number_word(2 * WORD) if is_dynamic(act.struct) else b""
    if not act.key_member:
        return head + place + operation
    return head + operation + number_word(len(head + operation) + WORD) + encode_bytes(new_key)


def event_log(
    act: Act,
    message: Message,
    *,
    domain: Eip712Domain,
    head: bytes,
    new_key: bytes = b"",
    block_number: int = 7,
    log_index: int = 0,
    transaction_hash: bytes = b"\3" * 32,
) -> tuple[Digest, Log]:
    """Its digest, and the log that the contract at `domain` emits."""
    named = digest(act, message, domain)
    log = Log(
        address=domain.contract,
        topics=(
            TOPICS[act.contract][act.event],
            named,
            act.subject_of(message),
            number_word(integer(message, "unit")),
        ),
        data=event_data(act, message, head, new_key),
        block_number=block_number,
        block_hash=b"\2" * 32,
        transaction_hash=transaction_hash,
        transaction_index=0,
        log_index=log_index,
    )
    return named, log
