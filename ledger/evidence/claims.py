"""Checked evidence → sentences, each with what it rests on and what it does not prove."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from ledger.domain.acts.words import Custody
from ledger.domain.chain.deployment import Deployment, Role
from ledger.domain.encoding.identifiers import SignerId, to_hex
from ledger.domain.subjects.folding import SUBJECTS
from ledger.domain.subjects.states import AssetState, CycleState, SignerState
from ledger.evidence.belonging import by_digest
from ledger.evidence.offline import Checked
from ledger.evidence.onchain import OnChain
from ledger.evidence.report import Claim, Happening
from ledger.evidence.shape import (
    OPERATION,
    PACKAGE,
    EvidenceOperation,
    HiddenPart,
    OpenedPart,
    shown_fields,
)
from ledger.evidence.timeline import custody_of, moment, says, text_of

_CUSTODY_PROOF: Mapping[Custody, tuple[str, str]] = {
    Custody.SERVER: (
        "the key is held by the server that keeps the records",
        (
            "authorship: the server could have signed by itself. What is proven is consistency "
            "since the last checkpoint that a unit holds"
        ),
    ),
    Custody.STATION: (
        "the key is held by a work station",
        "which of the people at the station pressed the button",
    ),
    Custody.DEVICE: (
        "the key is held by a person's own device",
        "that nobody else used the device",
    ),
    Custody.HARDWARE: (
        "the key is held in hardware that does not give it out",
        "that nobody else used the hardware",
    ),
}

_SOURCES: Mapping[str, tuple[str, str]] = {
    "gateway_signed": (
        "a gateway beside the machine signed it",
        "that the machine's sensors were right",
    ),
    "uploaded": (
        "a person uploaded the machine's log",
        "that nobody changed the log before it was uploaded",
    ),
    "typed": (
        "a person typed it",
        "that it is what the machine showed",
    ),
    "photo": (
        "a person took a photo of it",
        "that the photo shows this cycle and that it was read rightly",
    ),
}


_THE_NODE = "the word of the node that was asked"


def list_node_alone(checked: Checked, deployment: Deployment) -> tuple[str, ...]:
    """The rights in the file that rest on nothing but the word of the node that was asked."""
    found = []
    if deployment.is_authority_a_contract:
        found.append("The authority is a contract: only the chain can say what it has signed.")
    found += [
        f"The recovery that the authority proposed in block {block} was completed, without a veto."
        for block in _recoveries(checked)
    ]
    return tuple(found)


def list_claims(
    checked: Checked,
    on_chain: OnChain,
    deployment: Deployment,
    happenings: Sequence[Happening],
    now: datetime,
) -> tuple[Claim, ...]:
    """All claims, in the order in which a reader asks."""
    return (
        _facts(checked),
        _recorded(checked),
        *_sources(checked),
        *_custody(checked),
        _authority(deployment),
        *_recovered(checked),
        *_lateness(happenings),
        _finality(checked, on_chain),
        _completeness(checked, on_chain, now),
        *_erasures(checked),
        *_afterwards(on_chain),
        *_hidden(checked),
    )


def _facts(checked: Checked) -> Claim:
    count = sum(len(entry.facts) for entry in checked.evidence.operations)
    return Claim(
        about="facts",
        statement=f"The {count} facts shown of its records are the ones that were signed, "
        "unchanged since.",
        rests_on="SHA-256 commitments and the signatures over them, checked here",
        does_not_prove="that a value was true when it was entered",
    )


def _recorded(checked: Checked) -> Claim:
    return Claim(
        about="chain",
        statement=f"The node says that the chain recorded the {len(checked.ordered)} operations of "
        "the file, in this order and in these blocks; each is one that the contracts take.",
        rests_on=f"{_THE_NODE}; the contracts' rules, applied here",
        does_not_prove="that it was mined, or when: ask a node that somebody else runs",
    )


def _sources(checked: Checked) -> Iterator[Claim]:
    """Where the reading of a cycle came from."""
    subject = checked.evidence.subject
    cycle = checked.view.find(CycleState, subject.id) if subject.type == "cycle" else None
    if cycle is None:
        return
    ending = by_digest(checked.evidence.operations).get(cycle.ending)
    if ending is None:
        yield _source("The cycle has no ending, and so no reading.", "the file", "anything")
        return
    sources = [
        value
        for path, value in ending.facts.items()
        if path.startswith("readings.") and path.endswith(".source")
    ]
    if not sources:
        words = (
            "The ending names no reading."
            if ending.is_whole
            else "The file does not show where the reading came from."
        )
        yield _source(words, "the record of the ending", "what the machine measured")
    for source in sources:
        how, limit = _SOURCES.get(str(source), ("its source is not known here", "its origin"))
        yield _source(f"The reading is {source}: {how}.", "the record of the ending", limit)


def _source(statement: str, rests_on: str, does_not_prove: str) -> Claim:
    return Claim(
        about="source", statement=statement, rests_on=rests_on, does_not_prove=does_not_prove
    )


# ---------------------------------------------------------------- keys


def _custody(checked: Checked) -> Iterator[Claim]:
    used: Counter[SignerId] = Counter(
        signer for entry in checked.ordered for signer in entry.signers.values()
    )
    for signer, count in used.items():
        found = custody_of(checked, signer)
        if found is None:
            continue
        how, limit = _CUSTODY_PROOF[found[0]]
        if _is_passkey(checked, signer):
            how = f"{how}, a passkey, which verified its person before each signature"
            limit = (
                f"{limit}; nor what was on the screen, since a passkey shows none of what it signs"
            )
        operations = "operation" if count == 1 else "operations"
        yield Claim(
            about="custody",
            statement=f"Key {to_hex(signer)} signed {count} {operations} of the file: {how}."
            + _revoked(checked, signer),
            rests_on="its enrolment, which its administrator and the key itself signed",
            does_not_prove=limit,
        )


def _is_passkey(checked: Checked, signer: SignerId) -> bool:
    verifier = checked.evidence.deployment.contracts[Role.WEBAUTHN_VERIFIER].address
    return checked.evidence.keys[signer].startswith(verifier)


def _revoked(checked: Checked, signer: SignerId) -> str:
    state = checked.view.find(SignerState, signer)
    ended = None if state is None else by_digest(checked.ordered).get(state.revocation)
    return "" if ended is None else f" It was revoked in block {ended.place.block}."


def _authority(deployment: Deployment) -> Claim:
    return Claim(
        about="authority",
        statement="Whoever acts here was admitted by the deployment's authority.",
        rests_on=f"{_THE_NODE}: the authority is a contract"
        if deployment.is_authority_a_contract
        else "the authority's signature, checked here",
        does_not_prove="who holds the authority's key",
    )


def _recoveries(checked: Checked) -> list[int]:
    """The blocks of the proposals whose keys signed."""
    held = by_digest(checked.ordered)
    return [held[proposal].place.block for proposal in checked.replayed.recoveries]


def _recovered(checked: Checked) -> Iterator[Claim]:
    for block in _recoveries(checked):
        yield Claim(
            about="recovery",
            statement="The node says that the new administrator whom the authority proposed in "
            f"block {block} was not vetoed for seven days.",
            rests_on=f"the authority's signature under the proposal, checked here; {_THE_NODE} "
            "for the rest",
            does_not_prove="that the unit agreed",
        )


# ---------------------------------------------------------------- time


def _lateness(happenings: Sequence[Happening]) -> Iterator[Claim]:
    for each in happenings:
        if not each.is_own:
            continue
        steps = [
            ("happened", _happened(each)),
            ("captured", each.captured_at),
            ("signed", each.signed_at),
            ("mined", each.mined_at),
        ]
        known = [(word, at) for word, at in steps if at is not None]
        gaps = [f"{word} {_gap(at - before)}" for (_, before), (word, at) in pairwise(known)]
        yield Claim(
            about="lateness",
            statement=f"Block {each.block}, {each.what}: {known[0][0]} {_stamp(known[0][1])}, "
            + ", ".join(gaps)
            + ".",
            rests_on="the block's time, as the node tells it, for mining; the signer's word for "
            "signing; the record for the rest",
            does_not_prove="that any clock was right",
        )


def _happened(each: Happening) -> datetime | None:
    text = text_of(each.facts.get("ended_utc") or each.facts.get("happened.utc"))
    return None if text is None else datetime.fromisoformat(text)


def _gap(gap: timedelta) -> str:
    seconds = int(gap.total_seconds())
    side = "later" if seconds >= 0 else "earlier"
    return f"{timedelta(seconds=abs(seconds))} {side}"


def _stamp(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _finality(checked: Checked, on_chain: OnChain) -> Claim:
    last = checked.ordered[-1].place.block
    depth = on_chain.head.number - last
    if on_chain.finalized is None:
        words = "The node names no finalized block."
    elif on_chain.finalized >= last:
        words = f"The node calls blocks up to {on_chain.finalized} finalized."
    else:
        words = f"The node calls only blocks up to {on_chain.finalized} finalized."
    return Claim(
        about="finality",
        statement=f"The newest operation of the file, in block {last}, lies {depth} blocks below "
        f"the head, block {on_chain.head.number}. {words}",
        rests_on="the node that was asked",
        does_not_prove="that the chain's validators are independent of each other, "
        "or that the node is honest",
    )


#: only records name packages, and nobody finds them on the chain
_UNNAMED = (
    "; nor that nobody reported anything else of the package: the chain tells what was recorded of "
    "its cycle and its consignments, and no report names a package there"
)


def _completeness(checked: Checked, on_chain: OnChain, now: datetime) -> Claim:
    as_of = checked.evidence.as_of.number
    return Claim(
        about="completeness",
        statement="The node names no operation on this subject that the file does not hold, up to "
        f"block {on_chain.head.number}, asked at {_stamp(now)}. The file was made at block "
        f"{as_of}, {_stamp(moment(on_chain.times[as_of]))}.",
        rests_on="the node's list of the subject's events",
        does_not_prove="that the node withheld nothing, that nothing was withheld from the chain, "
        f"or that nothing was decided after that{_unseen(checked)}",
    )


def _unseen(checked: Checked) -> str:
    """What no node lists: moves of what travels, and reports, whose records alone name packages."""
    if SUBJECTS.get(checked.evidence.subject.type) is AssetState:
        return "; nor that it travelled in no other consignment than those of the file"
    return _UNNAMED if checked.evidence.subject.type == PACKAGE else ""


_COPIES = "that copies handed out before, such as this one, were erased"


def _erasures(checked: Checked) -> Iterator[Claim]:
    for entry in checked.ordered:
        if entry.act.about == OPERATION:
            erased = to_hex(entry.act.subject_of(entry.message))
            yield Claim(
                about="erasure",
                statement=f"The unit erased the personal fields of operation {erased} in block "
                f"{entry.place.block}.",
                rests_on="two signatures of the unit, checked here",
                does_not_prove=_COPIES,
            )


def _afterwards(on_chain: OnChain) -> Iterator[Claim]:
    for event in on_chain.later:
        act = event.act
        if act is None:
            continue
        yield Claim(
            about="afterwards",
            statement=f"The node says that in block {event.log.block_number}, later than all that "
            f"the file rests on, {says(act, event.message)}: unit {event.unit}, about "
            f"{to_hex(event.about)}.",
            rests_on=_THE_NODE,
            does_not_prove=_COPIES if act.about == OPERATION else "anything about what was before",
        )


# ---------------------------------------------------------------- what is not shown


def _hidden(checked: Checked) -> Iterator[Claim]:
    for entry in checked.evidence.operations:
        hidden = _hidden_words(entry)
        if hidden:
            yield Claim(
                about="hidden",
                statement=f"Block {entry.place.block}, {entry.act.name}: {hidden}.",
                rests_on="the commitment, which binds what is not shown as well",
                does_not_prove="anything about what is not shown",
            )


def _hidden_words(entry: EvidenceOperation) -> str:
    if entry.record is None:
        return "nothing of its record is shown"
    words = []
    for name, part in (("facts", entry.record.facts), ("personal fields", entry.record.personal)):
        if isinstance(part, HiddenPart):
            words.append(f"no {name} are shown, or they were erased")
        elif not isinstance(part, OpenedPart):
            words.append(f"of the {name}, {len(shown_fields(part))} shown")
    return "; ".join(words)
