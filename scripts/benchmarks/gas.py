"""Gas of every act of a cycle, alone and fifty at a time, beside EAS with the same fields."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from ledger.chain.calldata import encode_batch
from ledger.domain.acts.catalogue import find_act
from ledger.domain.acts.vocabulary import Act
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.operations import message_from_json
from ledger.domain.outbox.batching import Proof
from ledger.storage.operations import OperationRow, list_by_digests, list_signatures
from scripts.benchmarks.bounds import Figure, Figures, Size
from scripts.benchmarks.eas import Eas
from scripts.benchmarks.group import Group, founded_group
from scripts.benchmarks.outbox import CYCLE_KINDS, BareScript

_FIFTY = 50
_GAS = 20_000_000
_ACTS = {
    "CycleOpening": "open",
    "LoadDeclaration": "load",
    "CycleEnding": "end",
    "CycleDecision": "release",
}

#: operations of one kind with their parties' proofs
_Batches = Mapping[str, list[OperationRow]]


def measure_gas(size: Size) -> Figures:  # noqa: ARG001 - gas is the same at every size and time
    """Gas of whole transactions on the embedded chain (cancun), ours and those of EAS.

    The second cycle of a machine alone, and fifty further ones of that machine, one transaction for
    each act: both sides pay for new storage, and for their calldata.
    """
    with (
        tempfile.TemporaryDirectory(prefix="steriledger-bench-") as folder,
        founded_group(Path(folder)) as group,
    ):
        group.record_cycles(1)
        group.send()
        single = _rows(group, group.record_cycles(1))
        fifty = _rows(group, group.record_cycles(_FIFTY))
        script = BareScript(group)
        with script.mining_at_once():
            ours = _ours(group, script, single), _ours(group, script, fifty)
        with script.mining_at_once():
            eas = Eas.deploy(script.url, script.private_key, CYCLE_KINDS)
            theirs = _theirs(eas, single), _theirs(eas, fifty)
    found = _figures("single", ours[0], theirs[0]) | _figures("fifty", ours[1], theirs[1])
    return {name: Figure.once(value) for name, value in found.items()}


def _rows(group: Group, digests: Sequence[Digest]) -> _Batches:
    with group.instance.database.reading() as tx:
        rows = list_by_digests(tx, digests)
    return {kind.name: [row for row in rows if row.kind == kind.name] for kind in CYCLE_KINDS}


def _ours(group: Group, script: BareScript, batches: _Batches) -> dict[str, float]:
    """Gas of each act, per record."""
    deployment = group.instance.deployment()
    found = {}
    for kind in CYCLE_KINDS:
        rows = batches[kind.name]
        to, data = deployment.address_of(kind.contract), calldata_of(group, kind, rows)
        found[kind.name] = script.mine(to, data, gas=_GAS) / len(rows)
    return found


def calldata_of(group: Group, kind: Act, rows: Sequence[OperationRow]) -> bytes:
    """The call that records operations of one kind, with their parties' proofs."""
    with group.instance.database.reading() as tx:
        signed = list_signatures(tx, [row.digest for row in rows])
    proofs = {
        each.digest: {each.party: Proof(signer=each.signer, signature=each.signature)}
        for each in signed
    }
    messages = [message_from_json(kind, row.message) for row in rows]
    return encode_batch(kind, messages, [proofs[row.digest] for row in rows])


def _theirs(eas: Eas, batches: _Batches) -> dict[str, float]:
    found = {}
    for kind in CYCLE_KINDS:
        rows = batches[kind.name]
        messages = [message_from_json(find_act(row.kind), row.message) for row in rows]
        gas = eas.attest(kind, messages[0]) if len(rows) == 1 else eas.multi_attest(kind, messages)
        found[kind.name] = gas / len(rows)
    return found


def _figures(many: str, ours: Mapping[str, float], theirs: Mapping[str, float]) -> dict[str, float]:
    figures: dict[str, float] = {}
    for name, act in _ACTS.items():
        figures[f"gas/{act}_{many}"] = ours[name] / theirs[name]
        figures[f"gas/{act}_{many}_gas"] = ours[name]
        figures[f"gas/{act}_{many}_eas_gas"] = theirs[name]
    whole, other = sum(ours.values()), sum(theirs.values())
    figures[f"gas/cycle_{many}"] = whole / other
    figures[f"gas/cycle_{many}_gas"] = whole
    figures[f"gas/cycle_{many}_eas_gas"] = other
    return figures
