"""Artifacts → signed transactions → deployment, and the check of a deployment against its chain."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi import abi as eth_abi

from ledger.chain.artifacts import code_hash, expected_code, load_artifact
from ledger.chain.transactions import Envelope, Price, Relayer, SignedTransaction, contract_address
from ledger.domain.acts.catalogue import ACTS
from ledger.domain.chain.chain_reader import CallReverted, ChainReader, Receipt
from ledger.domain.chain.deployment import AuthorityKind, DeployedContract, Deployment, Role
from ledger.domain.encoding.hashing import keccak256
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import Inconsistent, NotFound, VerificationFailed

#: Gas for a creation, from above: the code deposit (EIP-170: 200 a byte), calldata and initcode
#: (EIP-2028, EIP-3860: at most 17 a byte), and a generous rest for the constructor itself.
_GAS_PER_RUNTIME_BYTE = 200
_GAS_PER_CREATION_BYTE = 17
_GAS_PER_CONSTRUCTOR = 1_000_000

_VERIFIERS = (Role.P256_VERIFIER, Role.WEBAUTHN_VERIFIER)
#: Each contract, after those that its constructor names → the constructor's arguments, from the
#: authority and from where the contracts stand.
_CONSTRUCTORS: Mapping[Role, Callable[[str, Mapping[Role, str]], Sequence[object]]] = {
    Role.P256_VERIFIER: lambda _, __: (),
    Role.WEBAUTHN_VERIFIER: lambda _, __: (),
    Role.UNIT_REGISTRY: lambda authority, at: (authority, [at[each] for each in _VERIFIERS]),
    Role.CYCLE_LEDGER: lambda _, at: (at[Role.UNIT_REGISTRY],),
    Role.CUSTODY_LEDGER: lambda _, at: (at[Role.UNIT_REGISTRY],),
    Role.CONTRIBUTION_LEDGER: lambda _, at: (at[Role.UNIT_REGISTRY],),
    Role.WITNESSES: lambda _, at: (at[Role.UNIT_REGISTRY], at[Role.CYCLE_LEDGER], kind_rows()),
}
_WORD = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentPlan:
    """The transactions that create the contracts, in order, and where each will stand."""

    #: 20 bytes; the consortium's own signer
    authority: bytes
    transactions: tuple[SignedTransaction, ...]
    addresses: Mapping[Role, bytes]


def plan_deployment(
    relayer: Relayer,
    *,
    authority: bytes,
    chain_id: int,
    first_nonce: int,
    price: Price,
) -> DeploymentPlan:
    """The creations, signed; the addresses follow from the relayer's nonces."""
    nonces = {role: first_nonce + place for place, role in enumerate(_CONSTRUCTORS)}
    sender = relayer.address
    addresses = {role: contract_address(sender, nonce) for role, nonce in nonces.items()}
    at = {role: to_hex(address) for role, address in addresses.items()}
    transactions = tuple(
        relayer.sign(
            Envelope(
                chain_id=chain_id,
                nonce=nonces[role],
                to=None,
                data=_creation_code(role, arguments(to_hex(authority), at)),
                gas=_creation_gas(role),
                price=price,
            )
        )
        for role, arguments in _CONSTRUCTORS.items()
    )
    return DeploymentPlan(authority=authority, transactions=transactions, addresses=addresses)


def _creation_code(role: Role, arguments: Sequence[object]) -> bytes:
    artifact = load_artifact(role)
    inputs = [each for entry in artifact.entries("constructor") for each in entry["inputs"]]
    types = [_abi_type(each) for each in inputs]
    return artifact.creation_code + eth_abi.encode(types, arguments)


def _abi_type(parameter: Mapping[str, Any]) -> str:
    """Its type as the ABI spells it, a struct by its members."""
    kind: str = parameter["type"]
    if not kind.startswith("tuple"):
        return kind
    members = ",".join(_abi_type(each) for each in parameter["components"])
    return f"({members}){kind.removeprefix('tuple')}"


def _creation_gas(role: Role) -> int:
    artifact = load_artifact(role)
    deposit = _GAS_PER_RUNTIME_BYTE * len(artifact.runtime_code)
    return deposit + _GAS_PER_CREATION_BYTE * len(artifact.creation_code) + _GAS_PER_CONSTRUCTOR


def kind_rows() -> list[tuple[int, int, int, int]]:
    """The rows of Witnesses.sol, as the acts declare them: kind, right, scope, mode."""
    rows = [(act.witness, int(act.right or 0)) for act in ACTS.values() if act.witness is not None]
    return sorted((row.kind, right, int(row.scope), int(row.mode)) for row, right in rows)


def finish_deployment(
    node: ChainReader,
    plan: DeploymentPlan,
    *,
    name: str,
    receipt_key: bytes,
    predecessor: bytes | None = None,
) -> Deployment:
    """The deployment, once all creations are mined, checked against the chain and this release.

    Raises NotFound while one is not mined, Inconsistent when one failed or left other code.
    """
    receipts = [_creation_receipt(node, transaction) for transaction in plan.transactions]
    contracts = {
        role: DeployedContract(address=address, code_hash=code_hash(node.code(address)))
        for role, address in plan.addresses.items()
    }
    deployment = Deployment(
        name=name,
        chain_id=node.chain_id(),
        genesis_hash=node.genesis_hash(),
        contracts=contracts,
        authority=plan.authority,
        authority_kind=AuthorityKind.ACCOUNT,  # a home's authority is one of its own keys
        deployed_at=max(receipt.block_number for receipt in receipts),
        receipt_key=receipt_key,
        predecessor=predecessor,
    )
    for role, contract in contracts.items():
        if code_hash(expected_code(deployment, role)) != contract.code_hash:
            raise Inconsistent(
                f"{role} was created with other code than this release's",
                field="deployment",
                rule="a contract has the code that this release was compiled to",
                remedy="do not use this chain; ask whoever runs it why it changes code",
            )
    verify_deployment(node, deployment)
    return deployment


def _creation_receipt(node: ChainReader, transaction: SignedTransaction) -> Receipt:
    receipt = node.receipt(transaction.hash)
    if receipt is None:
        raise NotFound(
            f"{to_hex(transaction.hash)} is not mined yet",
            field="deployment",
            rule="a deployment is finished when all its contracts are in blocks",
            remedy="send the creations, and ask again",
        )
    if not receipt.succeeded:
        raise Inconsistent(
            f"creation {to_hex(transaction.hash)} was mined and reverted",
            field="deployment",
            rule="a creation of ours does not revert",
            remedy="ask whoever runs the chain whether it has the hard fork cancun; "
            "then start with a new home",
        )
    return receipt


# ---------------------------------------------------------------- checking


def verify_deployment(node: ChainReader, deployment: Deployment) -> None:
    """The chain at hand is the deployment's, and its contracts are wired as it says.

    Raises VerificationFailed naming everything that differs.
    """
    problems = _chain_problems(node, deployment)
    if not problems:
        problems = _code_problems(node, deployment) or _wiring_problems(node, deployment)
    if problems:
        raise VerificationFailed(
            "; ".join(problems),
            field=f"deployment {deployment.name!r}",
            remedy="let STERILEDGER_CHAIN_URL and the deployment file be of the same chain",
            rule="the chain at hand has this deployment's contracts, wired as it says",
        )


def _chain_problems(node: ChainReader, deployment: Deployment) -> list[str]:
    problems = []
    chain_id = node.chain_id()
    if chain_id != deployment.chain_id:
        problems.append(f"the chain's id is {chain_id}, not {deployment.chain_id}")
    genesis = node.genesis_hash()
    if genesis != deployment.genesis_hash:
        expected = to_hex(deployment.genesis_hash)
        problems.append(f"the chain's genesis is {to_hex(genesis)}, not {expected}")
    return problems


def _code_problems(node: ChainReader, deployment: Deployment) -> list[str]:
    problems = []
    for role, contract in deployment.contracts.items():
        code = node.code(contract.address)
        where = to_hex(contract.address)
        if not code:
            problems.append(f"there is no contract at {where}, where {role} should be")
        elif code_hash(code) != contract.code_hash:
            problems.append(f"the contract at {where} is not the program that {role} was")
    return problems


def _wiring_problems(node: ChainReader, deployment: Deployment) -> list[str]:
    registry = deployment.contracts[Role.UNIT_REGISTRY].address
    ledger = deployment.contracts[Role.CYCLE_LEDGER].address
    witnesses = deployment.contracts[Role.WITNESSES].address
    problems = []
    has_code = bool(node.code(deployment.authority))
    if has_code != deployment.is_authority_a_contract:
        stands = "a contract" if has_code else "no contract"
        problems.append(f"{stands} stands at the authority; the deployment says otherwise")
    if _word(node, registry, "authority()") != _padded(deployment.authority):
        problems.append("the registry's authority is another than the deployment's")
    problems += [
        f"{role} trusts another registry than the deployment's"
        for role in (Role.CYCLE_LEDGER, Role.CONTRIBUTION_LEDGER, Role.WITNESSES)
        if _word(node, deployment.contracts[role].address, "registry()") != _padded(registry)
    ]
    if _word(node, witnesses, "cycles()") != _padded(ledger):
        problems.append("the witnesses trust another cycle ledger than the deployment's")
    for row in kind_rows():
        words = b"".join(_padded(value.to_bytes(4, "big")) for value in row)
        if _word(node, witnesses, "getKind(uint16)", row[0].to_bytes(2, "big")) != words:
            problems.append(f"kind {row[0]} of the witnesses has another row than this release's")
    for role in _VERIFIERS:
        verifier = deployment.contracts[role].address
        if _word(node, registry, "isVerifier(address)", verifier) != _padded(b"\x01"):
            problems.append(f"the registry does not allow {role} of the deployment")
    return problems


def _word(node: ChainReader, contract: bytes, signature: str, argument: bytes = b"") -> bytes:
    data = keccak256(signature.encode())[:4] + (_padded(argument) if argument else b"")
    try:
        return node.call(contract, data)
    except CallReverted:
        return b""


def _padded(value: bytes) -> bytes:
    return value.rjust(_WORD, b"\0")
