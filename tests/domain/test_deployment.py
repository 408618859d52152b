from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.acts.words import Contract
from ledger.domain.chain.deployment import (
    MAX_FILE_BYTES,
    MAX_SAFE_INTEGER,
    AuthorityKind,
    DeployedContract,
    Deployment,
    Role,
    deployment_to_json,
    parse_deployment,
)
from ledger.domain.errors import InvalidInput

DEPLOYMENT = Deployment(
    name="Ost 东院",
    chain_id=5_000_000_001,
    genesis_hash=b"\x01" * 32,
    contracts={
        role: DeployedContract(address=bytes([7 + n]) * 20, code_hash=bytes([77 + n]) * 32)
        for n, role in enumerate(Role)
    },
    authority=b"\x02" * 20,
    authority_kind=AuthorityKind.ACCOUNT,
    deployed_at=3,
    receipt_key=b"\x03" * 32,
)


def plain() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(deployment_to_json(DEPLOYMENT))
    return content


def parse(content: object) -> Deployment:
    return parse_deployment(json.dumps(content).encode())


hashes = st.binary(min_size=32, max_size=32)
addresses = st.lists(
    st.binary(min_size=20, max_size=20).filter(any), min_size=7, max_size=7, unique=True
)


@given(
    name=st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=100),
    chain_id=st.integers(1, MAX_SAFE_INTEGER),
    height=st.integers(0, MAX_SAFE_INTEGER),
    words=st.lists(hashes, min_size=8, max_size=8),
    places=addresses,
    predecessor=st.none() | hashes,
    kind=st.sampled_from(AuthorityKind),
)
def test_a_deployment_is_read_back_as_it_was_written(  # noqa: PLR0917 - drawn by name
    name: str,
    chain_id: int,
    height: int,
    words: list[bytes],
    places: list[bytes],
    predecessor: bytes | None,
    kind: AuthorityKind,
) -> None:
    deployment = Deployment(
        name=name,
        chain_id=chain_id,
        genesis_hash=words[0],
        contracts={
            role: DeployedContract(address=places[n], code_hash=words[n + 1])
            for n, role in enumerate(Role)
        },
        authority=places[6],
        authority_kind=kind,
        deployed_at=height,
        receipt_key=words[7],
        predecessor=predecessor,
    )
    again = parse_deployment(deployment_to_json(deployment))
    assert again == deployment
    assert again.fingerprint() == deployment.fingerprint()


def test_the_fingerprint_does_not_depend_on_order_blanks_or_letter_case() -> None:
    content = plain()
    turned = dict(reversed(content.items()))
    turned["authority"] = "0x" + turned["authority"][2:].upper()
    del turned["predecessor"]
    data = json.dumps(turned, indent=7).encode()
    assert parse_deployment(data).fingerprint() == DEPLOYMENT.fingerprint()


@pytest.mark.parametrize("kind", ["key", "", "CONTRACT", None, 1])
def test_an_authority_of_an_unknown_kind_is_refused(kind: object) -> None:
    with pytest.raises(InvalidInput, match="authorityKind is not"):
        parse(plain() | {"authorityKind": kind})


def test_every_field_changes_the_fingerprint() -> None:
    contracts = dict(DEPLOYMENT.contracts)
    role = Role.CYCLE_LEDGER
    changed = [
        replace(DEPLOYMENT, name="West"),
        replace(DEPLOYMENT, chain_id=1),
        replace(DEPLOYMENT, genesis_hash=bytes(32)),
        replace(DEPLOYMENT, authority=b"\xee" * 20),
        replace(DEPLOYMENT, authority_kind=AuthorityKind.CONTRACT),
        replace(DEPLOYMENT, deployed_at=4),
        replace(DEPLOYMENT, receipt_key=bytes(32)),
        replace(DEPLOYMENT, predecessor=bytes(32)),
        replace(
            DEPLOYMENT,
            contracts={**contracts, role: replace(contracts[role], address=b"\xee" * 20)},
        ),
        replace(
            DEPLOYMENT,
            contracts={**contracts, role: replace(contracts[role], code_hash=b"\xee" * 32)},
        ),
    ]
    prints = {deployment.fingerprint() for deployment in [DEPLOYMENT, *changed]}
    assert len(prints) == len(changed) + 1
    assert all(len(each) == 32 for each in prints)


def test_the_fingerprint_is_fixed() -> None:
    assert DEPLOYMENT.fingerprint().hex() == (
        "727de026724ff3a9a0584c58bba3c00b24fe4d3e06c2d563655352999c6e6281"
    )


def set_at(path: str, value: object) -> dict[str, Any]:
    content = plain()
    inside = content
    *way, last = path.split("/")
    for step in way:
        inside = inside[step]
    inside[last] = value
    return content


@pytest.mark.parametrize(
    "path, value, named",
    [
        ("format", "steriledger-deployment/2", "format"),
        ("name", "", "name"),
        ("name", " a", "name"),
        ("name", "a\nb", "name"),
        ("name", "\u202eabc", "name"),
        ("name", "a" * 101, "name"),
        ("name", 7, "name"),
        ("chainId", 0, "chainId"),
        ("chainId", -1, "chainId"),
        ("chainId", 2**53, "chainId"),
        ("chainId", "1", "chainId"),
        ("chainId", 1.0, "chainId"),
        ("chainId", True, "chainId"),
        ("genesisHash", "0x" + "1" * 63, "genesisHash"),
        ("genesisHash", "1" * 64, "genesisHash"),
        ("genesisHash", "0x" + "1 " * 32, "genesisHash"),
        ("genesisHash", "0x" + "\u0661" * 64, "genesisHash"),
        ("genesisHash", None, "genesisHash"),
        ("authority", "0x" + "00" * 20, "zero"),
        ("authority", "0x" + "11" * 32, "authority"),
        ("receiptKey", 5, "receiptKey"),
        ("receiptKey", "", "receiptKey"),
        ("deployedAt", -1, "deployedAt"),
        ("predecessor", "0x", "predecessor"),
        ("contracts", [], "contracts"),
        ("contracts", None, "contracts"),
        ("contracts/CycleLedger", {}, "contracts.CycleLedger.address"),
        ("contracts/CycleLedger", "x", "contracts.CycleLedger"),
        ("contracts/CycleLedger/address", "0x" + "07" * 20, "share an address"),
        ("contracts/CycleLedger/codeHash", "0x1", "contracts.CycleLedger.codeHash"),
        ("contracts/CycleLedger/abi", [], "contracts.CycleLedger.'abi'"),
        ("contracts/Token", {}, "contracts.'Token'"),
        ("surplus", 1, "surplus"),
    ],
)
def test_a_bad_field_is_named(path: str, value: object, named: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(set_at(path, value))
    assert named in caught.value.what


@pytest.mark.parametrize("key", [k for k in plain() if k != "predecessor"])
def test_a_missing_field_is_named(key: str) -> None:
    content = plain()
    del content[key]
    with pytest.raises(InvalidInput, match=f"{key} is missing"):
        parse(content)


def test_all_bad_fields_are_named_at_once() -> None:
    content = plain() | {"chainId": "x", "authority": 4, "more": 1}
    content["contracts"]["UnitRegistry"]["address"] = None
    with pytest.raises(InvalidInput) as caught:
        parse(content)
    for name in ("chainId", "authority", "'more'", "contracts.UnitRegistry.address"):
        assert name in caught.value.what


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"\xff\xfe{}",
        b"\xef\xbb\xbf" + deployment_to_json(DEPLOYMENT),
        deployment_to_json(DEPLOYMENT).replace(b'"chainId"', b'"name": "x", "chainId"'),
        deployment_to_json(DEPLOYMENT).replace(b"5000000001", b"NaN"),
        deployment_to_json(DEPLOYMENT).replace(b"5000000001", b"Infinity"),
        deployment_to_json(DEPLOYMENT).replace(b"5000000001", b"1" * 5000),
        deployment_to_json(DEPLOYMENT) + b"{}",
        b"[" * 60_000,
        deployment_to_json(DEPLOYMENT) + b" " * MAX_FILE_BYTES,
    ],
)
def test_what_is_not_one_plain_json_object_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        parse_deployment(data)


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_invalid_input(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        parse_deployment(data)


def test_a_deployment_knows_its_domains_and_its_recording_contracts() -> None:
    domain = DEPLOYMENT.domain_of(Contract.CYCLE_LEDGER)
    assert domain.chain_id == DEPLOYMENT.chain_id
    assert domain.contract == DEPLOYMENT.contracts[Role.CYCLE_LEDGER].address
    assert DEPLOYMENT.recording_contracts() == {
        DEPLOYMENT.contracts[Role.UNIT_REGISTRY].address: Contract.UNIT_REGISTRY,
        domain.contract: Contract.CYCLE_LEDGER,
        DEPLOYMENT.contracts[Role.CUSTODY_LEDGER].address: Contract.CUSTODY_LEDGER,
        DEPLOYMENT.contracts[Role.WITNESSES].address: Contract.WITNESSES,
        DEPLOYMENT.contracts[Role.CONTRIBUTION_LEDGER].address: Contract.CONTRIBUTION_LEDGER,
    }


def test_an_impossible_deployment_is_not_made() -> None:
    with pytest.raises(InvalidInput, match="genesisHash"):
        replace(DEPLOYMENT, genesis_hash=b"\x01")
    with pytest.raises(InvalidInput, match="exactly"):
        replace(DEPLOYMENT, contracts={})
