"""Checked evidence → sentences, each with what it rests on and what it does not prove."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from ledger.domain.chain.deployment import Deployment
from ledger.domain.encoding.identifiers import SignerId, to_hex
from ledger.domain.operations import Custody
from ledger.evidence.offline import Checked
from ledger.evidence.onchain import Later, OnChain
from ledger.evidence.report import Act, Claim
from ledger.evidence.rights import signers_of
from ledger.evidence.shape import (
    EvidenceOperation,
    HiddenPart,
    OpenedPart,
    in_chain_order,
    shown_facts,
    shown_fields,
)
from ledger.evidence.timeline import moment, text_of

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


def list_node_alone(checked: Checked, deployment: Deployment) -> tuple[str, ...]:
    """The rights in the file that rest on nothing but the word of the node that was asked."""
    found = []
    if deployment.is_authority_a_contract:
        found.append("The authority is a contract: only the chain can say what it has signed.")
    found += [
        f"The recovery that the authority proposed in block {entry.place.block.number} was "
        "completed, without a veto."
        for entry in checked.evidence.support
        if entry.operation.kind.name == "RecoveryProposal"
    ]
    return tuple(found)


def list_claims(
    checked: Checked,
    on_chain: OnChain,
    deployment: Deployment,
    acts: Sequence[Act],
    now: datetime,
) -> tuple[Claim, ...]:
    """All claims, in the order in which a reader asks."""
    return (
        _facts(checked),
        _recorded(checked),
        *_sources(checked),
        *_custody(checked, on_chain),
        _authority(deployment),
        *_recoveries(checked),
        *_lateness(acts),
        _finality(checked, on_chain),
        _completeness(checked, on_chain, now),
        *_afterwards(on_chain),
        *_hidden(checked),
    )


def _facts(checked: Checked) -> Claim:
    count = sum(len(shown_facts(entry)) for entry in checked.evidence.operations)
    return Claim(
        about="facts",
        statement=f"The {count} facts shown of the cycle's records are the ones that were signed, "
        "unchanged since.",
        rests_on="SHA-256 commitments and the signatures over them, checked here",
        does_not_prove="that a value was true when it was entered",
    )


def _recorded(checked: Checked) -> Claim:
    count = len(in_chain_order(checked.evidence))
    return Claim(
        about="chain",
        statement=f"The node says that the chain recorded the {count} operations of the file, in "
        "this order and in these blocks; each is one that the contracts take.",
        rests_on="the word of the node that was asked; the contracts' rules, applied here",
        does_not_prove="that it was mined, or when: ask a node that somebody else runs",
    )


def _sources(checked: Checked) -> Iterator[Claim]:
    ending = checked.history.ending
    if ending is None:
        yield _source("The cycle has no ending, and so no reading.", "the file", "anything")
        return
    facts = shown_facts(ending)
    sources = [
        value for path, value in facts.items() if path.endswith(".source") and "readings" in path
    ]
    if not sources:
        is_whole = ending.record is not None and isinstance(ending.record.facts, OpenedPart)
        words = (
            "The ending names no reading."
            if is_whole
            else ("The file does not show where the reading came from.")
        )
        yield _source(words, "the record of the ending", "what the machine measured")
    for source in sources:
        how, limit = _SOURCES.get(str(source), ("its source is not known here", "its origin"))
        yield _source(f"The reading is {source}: {how}.", "the record of the ending", limit)


def _source(statement: str, rests_on: str, does_not_prove: str) -> Claim:
    return Claim(
        about="source", statement=statement, rests_on=rests_on, does_not_prove=does_not_prove
    )


def _custody(checked: Checked, on_chain: OnChain) -> Iterator[Claim]:
    used: Counter[SignerId] = Counter(
        signer
        for entry in in_chain_order(checked.evidence)
        for signer in signers_of(entry).values()
    )
    for signer, count in used.items():
        grant = checked.grants[signer]
        how, limit = _CUSTODY_PROOF[grant.custody]
        later = on_chain.revoked_later.get(signer)
        ended = "" if later is None else f" {_told(later, 'It was revoked')} afterwards."
        yield Claim(
            about="custody",
            statement=f"Key {to_hex(signer)} signed {count} operations of the file: {how}.{ended}",
            rests_on="its enrolment, which its administrator and the key itself signed",
            does_not_prove=limit,
        )


def _told(later: Later, what: str) -> str:
    """With the node as who says it, where no signature in the file does."""
    if later.is_signed:
        return f"{what} in block {later.block}"
    return f"The node says that {what[0].lower()}{what[1:]} in block {later.block}"


def _authority(deployment: Deployment) -> Claim:
    return Claim(
        about="authority",
        statement="The unit was admitted by the deployment's authority.",
        rests_on="the word of the node that was asked: the authority is a contract"
        if deployment.is_authority_a_contract
        else "the authority's signature, checked here",
        does_not_prove="who holds the authority's key",
    )


def _recoveries(checked: Checked) -> Iterator[Claim]:
    for entry in checked.evidence.support:
        if entry.operation.kind.name == "RecoveryProposal":
            yield Claim(
                about="recovery",
                statement="The node says that the new administrator whom the authority proposed in "
                f"block {entry.place.block.number} was not vetoed for seven days.",
                rests_on="the authority's signature under the proposal, checked here; the word of "
                "the node that was asked for the rest",
                does_not_prove="that the unit agreed",
            )


# ---------------------------------------------------------------- time


def _lateness(acts: Sequence[Act]) -> Iterator[Claim]:
    for act in acts:
        if act.kind not in {"CycleOpening", "CycleEnding", "LoadDeclaration", "CycleDecision"}:
            continue
        steps = [
            ("happened", _happened(act)),
            ("captured", act.captured_at),
            ("signed", act.signed_at),
            ("mined", act.mined_at),
        ]
        known = [(word, at) for word, at in steps if at is not None]
        gaps = [f"{word} {_gap(at - before)}" for (_, before), (word, at) in pairwise(known)]
        yield Claim(
            about="lateness",
            statement=f"Block {act.block}, {act.what}: {known[0][0]} {_stamp(known[0][1])}, "
            + ", ".join(gaps)
            + ".",
            rests_on="the block's time, as the node tells it, for mining; the signer's word for "
            "signing; the record for the rest",
            does_not_prove="that any clock was right",
        )


def _happened(act: Act) -> datetime | None:
    text = text_of(act.facts.get("ended_utc") or act.facts.get("happened.utc"))
    return None if text is None else datetime.fromisoformat(text)


def _gap(gap: timedelta) -> str:
    seconds = int(gap.total_seconds())
    side = "later" if seconds >= 0 else "earlier"
    return f"{timedelta(seconds=abs(seconds))} {side}"


def _stamp(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _finality(checked: Checked, on_chain: OnChain) -> Claim:
    last = max(entry.place.block.number for entry in in_chain_order(checked.evidence))
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


def _completeness(checked: Checked, on_chain: OnChain, now: datetime) -> Claim:
    evidence = checked.evidence
    made = _stamp(moment(on_chain.times[evidence.as_of.number]))
    return Claim(
        about="completeness",
        statement="The node names no operation of this cycle that the file does not hold, up to "
        f"block {on_chain.head.number}, asked at {_stamp(now)}. The file was made at block "
        f"{evidence.as_of.number}, {made}.",
        rests_on="the node's list of the cycle's events",
        does_not_prove="that the node withheld nothing, that nothing was withheld from the chain, "
        "or that nothing was decided after that",
    )


def _afterwards(on_chain: OnChain) -> Iterator[Claim]:
    if on_chain.closed_later is not None:
        yield Claim(
            about="afterwards",
            statement="The node says that the unit was closed afterwards, in block "
            f"{on_chain.closed_later}.",
            rests_on="the word of the node that was asked",
            does_not_prove="anything about the cycle",
        )
    for subject, later in on_chain.erased.items():
        what = f"The unit erased the personal fields of operation {to_hex(subject)}"
        yield Claim(
            about="erasure",
            statement=f"{_told(later, what)}.",
            rests_on="two signatures of the unit, checked here"
            if later.is_signed
            else "the word of the node that was asked",
            does_not_prove="that copies handed out before, such as this one, were erased",
        )


# ---------------------------------------------------------------- what is not shown


def _hidden(checked: Checked) -> Iterator[Claim]:
    for entry in checked.evidence.operations:
        hidden = _hidden_words(entry)
        block = entry.place.block.number
        if hidden:
            yield Claim(
                about="hidden",
                statement=f"Block {block}, {entry.operation.kind.name}: {hidden}.",
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
