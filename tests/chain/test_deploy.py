from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from ledger.chain.artifacts import code_hash, expected_code, load_artifact
from ledger.chain.deploy import finish_deployment, plan_deployment, verify_deployment
from ledger.chain.node import Node
from ledger.chain.transactions import contract_address
from ledger.domain.acts.words import Contract
from ledger.domain.chain.chain_reader import BlockTag, CallReverted
from ledger.domain.chain.deployment import AuthorityKind, DeployedContract, Role
from ledger.domain.encoding.hashing import keccak256
from ledger.domain.errors import NotFound, VerificationFailed
from tests.chain.kit import AUTHORITY, PRICE, RELAYER, Home, home, secret


@pytest.fixture(scope="module")
def site() -> Iterator[Home]:
    with home() as built:
        yield built


def test_the_code_on_the_chain_is_the_code_that_we_expect_byte_for_byte(site: Home) -> None:
    for role, contract in site.deployment.contracts.items():
        code = site.node.code(contract.address)
        assert code == expected_code(site.deployment, role)
        assert code_hash(code) == contract.code_hash
    filled = [role for role in Role if load_artifact(role).immutables]
    assert filled == [Role(contract) for contract in Contract]
    verify_deployment(site.node, site.deployment)
    assert site.deployment.deployed_at == 1


def test_the_addresses_follow_from_the_relayers_nonces(site: Home) -> None:
    placed = {contract.address for contract in site.deployment.contracts.values()}
    assert placed == {contract_address(RELAYER.address, nonce) for nonce in range(len(Role))}


@pytest.mark.parametrize(
    "nonce, address",
    [
        # go-ethereum, crypto/crypto_test.go, TestNewContractAddress
        (0, "333c3310824b7c685133f2bedb2ca4b8b4df633d"),
        (1, "8bda78331c916a08481428e4b07c96d3e916d165"),
        (2, "c9ddedf451bc62ce88bf9292afb13df35b670699"),
    ],
)
def test_contract_addresses_agree_with_go_ethereum(nonce: int, address: str) -> None:
    sender = bytes.fromhex("970e8128ab834e8eac17ab8e3812f010678cf791")
    assert contract_address(sender, nonce).hex() == address


def test_a_deployment_that_is_not_mined_is_not_finished(site: Home) -> None:
    plan = plan_deployment(
        RELAYER,
        authority=AUTHORITY.signer,
        chain_id=site.deployment.chain_id,
        first_nonce=900,
        price=PRICE,
    )
    with pytest.raises(NotFound):
        finish_deployment(site.node, plan, name="x", receipt_key=secret("receipt"))


def test_every_difference_between_file_and_chain_is_said(site: Home) -> None:
    deployment = site.deployment
    ledger = deployment.contracts[Role.CYCLE_LEDGER]
    p256 = deployment.contracts[Role.P256_VERIFIER]
    elsewhere = DeployedContract(address=b"\x09" * 20, code_hash=ledger.code_hash)
    cases = [
        (replace(deployment, chain_id=1), "chain's id is"),
        (replace(deployment, genesis_hash=b"\x09" * 32), "genesis is"),
        (
            replace(deployment, contracts={**deployment.contracts, Role.CYCLE_LEDGER: elsewhere}),
            "no contract at",
        ),
        (
            replace(
                deployment,
                contracts={
                    **deployment.contracts,
                    Role.P256_VERIFIER: replace(p256, code_hash=ledger.code_hash),
                },
            ),
            "not the program",
        ),
        (replace(deployment, authority=b"\x09" * 20), "authority"),
        (replace(deployment, authority_kind=AuthorityKind.CONTRACT), "no contract stands"),
    ]
    for wrong, words in cases:
        with pytest.raises(VerificationFailed, match=words):
            verify_deployment(site.node, wrong)


@dataclass
class Miswired:
    """The chain, but one view answers something else."""

    node: Node
    selector: bytes
    answer: bytes | None

    def __getattr__(self, name: str) -> object:
        return getattr(self.node, name)

    def call(self, to: bytes, data: bytes, tag: BlockTag = "latest") -> bytes:
        if data[:4] != self.selector:
            return self.node.call(to, data, tag)
        if self.answer is None:
            raise CallReverted("no", data=b"")
        return self.answer


@pytest.mark.parametrize(
    "signature, words",
    [
        (b"authority()", "authority"),
        (b"registry()", "another registry"),
        (b"isVerifier(address)", "does not allow"),
    ],
)
@pytest.mark.parametrize("answer", [bytes(32), b"", None])
def test_wrong_wiring_is_said(
    site: Home, signature: bytes, words: str, answer: bytes | None
) -> None:
    chain = Miswired(site.node, keccak256(signature)[:4], answer)
    with pytest.raises(VerificationFailed, match=words):
        verify_deployment(chain, site.deployment)  # type: ignore[arg-type]
