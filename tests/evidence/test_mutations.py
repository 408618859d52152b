"""No damage to a real file goes unseen, whatever it is."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

import pytest
import rfc8785

from ledger.domain.chain.deployment import Deployment
from ledger.domain.errors import SteriLedgerError
from ledger.evidence.verify import verify_evidence
from ledger.keys.signers import verify_signature
from tests.evidence.conftest import NOW
from tests.evidence.world import Plain, RecordedChain, Story

SEED = 20_261_121
ZERO = "0x" + "0" * 64


def verify(data: bytes, chain: RecordedChain, deployment: Deployment | None) -> None:
    verify_evidence(data, chain, deployment, verify_signature=verify_signature, now=NOW)


def holds(data: bytes, chain: RecordedChain, deployment: Deployment | None) -> bool:
    """Whether a file verifies; any error that is not ours fails the test."""
    try:
        verify(data, chain, deployment)
    except SteriLedgerError:
        return False
    return True


def flip(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]


def cut(data: bytes, chance: random.Random) -> bytes:
    first, last = sorted(chance.sample(range(len(data) + 1), 2))
    return data[:first] + data[last:]


def repeat(data: bytes, chance: random.Random) -> bytes:
    first, last = sorted(chance.sample(range(len(data) + 1), 2))
    return data[:last] + data[first:]


def overwrite(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    noise = chance.randbytes(chance.randrange(1, 9))
    return data[:at] + noise + data[at + len(noise) :]


def digit(data: bytes, chance: random.Random) -> bytes:
    """Another hexadecimal digit: the shape stays."""
    places = [at for at, byte in enumerate(data) if byte in b"0123456789abcdef"]
    at = chance.choice(places)
    other = chance.choice([d for d in b"0123456789abcdef" if d != data[at]])
    return data[:at] + bytes([other]) + data[at + 1 :]


def node(data: bytes, chance: random.Random) -> bytes:
    """One value of the JSON replaced, removed, doubled, or taken from elsewhere in the file."""
    plain = json.loads(data)
    nodes = list(_nodes(plain))
    parent, key = chance.choice(nodes)
    act = chance.randrange(5)
    if act == 0:
        values: list[object] = [None, True, 0, -1, 2**53 - 1, "", "0x", [], {}, ZERO]
        # To show nothing of a record is anybody's right.
        parent[key] = chance.choice(values[1:] if key == "record" else values)
    elif act == 1:
        del parent[key]
    elif act == 2 and isinstance(parent, list):
        parent.insert(chance.randrange(len(parent) + 1), parent[key])
    elif isinstance(parent[key], int) and act == 3:
        parent[key] += chance.choice([-1, 1])
    else:
        other, name = chance.choice(nodes)
        parent[key], other[name] = json.loads(json.dumps([other[name], parent[key]]))
    return rfc8785.dumps(plain)


def _shows_less(mutated: bytes, data: bytes) -> bool:
    """Whoever holds a file may hand on less of it: without what is attached, without a record."""
    try:
        plain = json.loads(mutated)
        whole = json.loads(data)
        whole["attachments"] = plain["attachments"] and whole["attachments"]
        for name in ("operations", "support"):
            for less, more in zip(plain[name], whole[name], strict=True):
                more["record"] = less["record"] and more["record"]
    except (ValueError, KeyError, TypeError):
        return False
    return bool(plain == whole)


def _nodes(plain: Plain) -> list[tuple[Plain, Plain]]:
    pairs = plain.items() if isinstance(plain, dict) else enumerate(plain)
    found = []
    for key, value in list(pairs):
        found.append((plain, key))
        if isinstance(value, dict | list):
            found += _nodes(value)
    return found


@pytest.mark.parametrize("change", [flip, cut, repeat, overwrite, digit, node])
@pytest.mark.parametrize("name", ["open", "proven"])
def test_no_mutation_of_a_real_file_verifies(
    told: Story,
    recorded: RecordedChain,
    deployment: Deployment,
    change: Callable[[bytes, random.Random], bytes],
    name: str,
) -> None:
    data = told.open
    if name == "proven":
        data = told.world.build(14, told.sources, "verdict.*", "personal:*", "unit/1:name")
    chance = random.Random(f"{SEED} {change.__name__} {name}")
    assert holds(data, recorded, deployment)
    for _ in range(100):
        mutated = change(data, chance)
        if mutated != data and not _shows_less(mutated, data):
            assert not holds(mutated, recorded, deployment), mutated


def test_without_a_deployment_a_mutation_changes_the_fingerprint_or_is_refused(
    told: Story, recorded: RecordedChain, deployment: Deployment
) -> None:
    """The file's own deployment has a name, a key and a height that nothing else binds."""
    chance = random.Random(SEED)
    for _ in range(100):
        mutated = digit(told.other, chance)
        try:
            report = verify_evidence(
                mutated, recorded, None, verify_signature=verify_signature, now=NOW
            )
        except SteriLedgerError:
            continue
        assert not report.verified
        assert report.fingerprint != deployment.fingerprint()
