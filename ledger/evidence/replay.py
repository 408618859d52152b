"""Operations in chain order → the states that they leave, by the contracts' own rules.

That a contract took an operation is only the word of whoever answers for the chain; that it would
have taken it is checked here, with acceptance's own rules and the one reducer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ledger.domain.acts.rules import require_known_words, require_rights
from ledger.domain.acts.vocabulary import Recorded, integer
from ledger.domain.acts.words import Party
from ledger.domain.encoding.identifiers import ZERO_DIGEST, Digest, SignerId
from ledger.domain.errors import Refused, SteriLedgerError, VerificationFailed
from ledger.domain.subjects.folding import Memory, apply, complete_recovery
from ledger.domain.subjects.states import ProposalState, SignerState
from ledger.evidence.belonging import Position
from ledger.evidence.shape import EvidenceOperation


@dataclass(slots=True, kw_only=True)
class Replayed:
    """What the operations of a file leave behind."""

    view: Memory = field(default_factory=Memory)
    #: recoveries that must have been completed, by proposal: where the new key first signed
    recoveries: dict[Digest, Position] = field(default_factory=dict)


def replay(ordered: Sequence[EvidenceOperation], keys: Mapping[SignerId, bytes]) -> Replayed:
    """The states after all operations; raises VerificationFailed at the first that breaks a rule.

    Nobody signs that a recovery was completed; where its key signs it must have been, and the
    chain is asked for it later.
    """
    replayed = Replayed()
    proposals: dict[SignerId, Digest] = {}
    for entry in ordered:
        try:
            _complete_recoveries(entry, proposals, replayed)
            _take(entry, keys, replayed.view)
        except SteriLedgerError as error:
            raise VerificationFailed(
                f"{entry} breaks a rule of the contracts: {error.what}",
                field=error.field,
                rule=error.rule,
            ) from None
        proposal = replayed.view.find(ProposalState, entry.digest)
        if proposal is not None:
            proposals[proposal.signer] = entry.digest
    return replayed


def _take(entry: EvidenceOperation, keys: Mapping[SignerId, bytes], view: Memory) -> None:
    message = entry.message
    if integer(message, "signedAt") <= 0:
        raise Refused("it was signed at no time", field="signedAt", rule="Unix seconds")
    require_known_words(entry.act, message)
    require_rights(entry.act, message, view)
    entry.act.rules(message, view)
    new = entry.signers.get(Party.NEW_KEY)
    new_key = b"" if new is None else keys[new]
    recorded = Recorded(digest=entry.digest, act=entry.act, message=message, new_key=new_key)
    apply(recorded, view)


def _complete_recoveries(
    entry: EvidenceOperation, proposals: Mapping[SignerId, Digest], replayed: Replayed
) -> None:
    for party, signer in entry.signers.items():
        if party is Party.NEW_KEY or replayed.view.find(SignerState, signer) is not None:
            continue
        proposal = replayed.view.find(ProposalState, proposals.get(signer, ZERO_DIGEST))
        if proposal is not None and proposal.veto == ZERO_DIGEST:
            complete_recovery(proposal.digest, replayed.view)
            replayed.recoveries[proposal.digest] = entry.position
