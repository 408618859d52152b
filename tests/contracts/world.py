"""A chain in this process with the committed artifacts deployed, and actors who sign for it.

The typed data is built here from the compiled contracts' own ABI, with eth_account's encoder: an
implementation of EIP-712 that shares nothing with the contracts, nor with the service.
"""

from __future__ import annotations

import json
import secrets
from ast import literal_eval
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from eth_abi.abi import encode
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount
from eth_tester import EthereumTester
from eth_tester.exceptions import TransactionFailed
from eth_typing import Hash32
from eth_utils.crypto import keccak
from web3 import Web3
from web3.contract import Contract
from web3.contract.contract import ContractFunction
from web3.logs import DISCARD
from web3.types import TxReceipt

ARTIFACTS = Path(__file__).resolve().parents[2] / "artifacts"

#: A field of typed data: a number, bytes, or an array of structs.
Value: TypeAlias = int | bytes | list[dict[str, int]]
#: One array for each kind of proof that a function takes.
Proofs: TypeAlias = list[list[Any]]

ADMINISTER, OPEN, LOAD, RESULT, DECIDE, ERASE = 1, 2, 4, 8, 16, 512
DISPATCH, CARRY, RECEIVE, SETTLE = 32, 64, 128, 256
#: Witness kinds of this world: (kind, right, scope, mode), see IWitnesses.
STATE_OF_CYCLE, ENTRY_OF_ANYBODY = (1, RESULT, 2, 1), (2, OPEN, 1, 2)
LEDGERS = ("UnitRegistry", "CycleLedger", "CustodyLedger", "Witnesses", "ContributionLedger")


@dataclass(frozen=True, slots=True)
class Function:
    """How one struct is recorded, by the ABI."""

    contract: str
    name: str
    #: the EIP-712 types: struct → fields, the operation's own first
    types: dict[str, list[dict[str, str]]]
    #: whether each array of proofs is the authority's plain signatures
    is_plain: tuple[bool, ...]

    @property
    def members(self) -> list[str]:
        """The struct's members, in order."""
        return [field["name"] for field in next(iter(self.types.values()))]


def abi_of(name: str) -> list[dict[str, Any]]:
    """The committed ABI of a contract."""
    found: list[dict[str, Any]] = json.loads((ARTIFACTS / f"{name}.json").read_text("utf-8"))["abi"]
    return found


def struct_types(argument: dict[str, Any]) -> dict[str, list[dict[str, str]]]:
    """The EIP-712 types of an argument that is an array of structs."""
    name = argument["internalType"].split(".")[-1].removesuffix("[]")
    nested: dict[str, list[dict[str, str]]] = {}
    fields = []
    for part in argument["components"]:
        kind = part["type"]
        if "components" in part:
            inner = struct_types(part)
            nested |= inner
            kind = f"{next(iter(inner))}[]"
        fields.append({"name": part["name"], "type": kind})
    return {name: fields, **nested}


#: struct → what records it
FUNCTIONS = {
    next(iter(types)): Function(
        contract=contract,
        name=item["name"],
        types=types,
        is_plain=tuple(each["type"] == "bytes[]" for each in item["inputs"][1:]),
    )
    for contract in LEDGERS
    for item in abi_of(contract)
    if item["type"] == "function" and [i["name"] for i in item["inputs"]][:1] == ["operations"]
    for types in [struct_types(item["inputs"][0])]
}


def tagged_id(tag: str, types: Sequence[str], values: Sequence[Any]) -> bytes:
    """Return keccak256 of the ABI encoding of the tag's hash and the values."""
    return keccak(encode(["bytes32", *types], [keccak(text=tag), *values]))


def signer_id(key: LocalAccount) -> bytes:
    """Return the signer id of an account key."""
    return tagged_id("steriledger.signer.v1", ["bytes"], [bytes.fromhex(key.address[2:])])


def equipment_id(unit: int, serial: bytes) -> bytes:
    """Return the id of a unit's machine."""
    return tagged_id("steriledger.equipment.v1", ["uint32", "bytes32"], [unit, serial])


def cycle_id(equipment: bytes, epoch: int, number: int) -> bytes:
    """Return the id of a machine's cycle."""
    return tagged_id(
        "steriledger.cycle.v1", ["bytes32", "uint32", "uint64"], [equipment, epoch, number]
    )


def consignment_id(giver: int, slip: bytes) -> bytes:
    """Return the id of a unit's consignment."""
    return tagged_id("steriledger.consignment.v1", ["uint32", "bytes32"], [giver, slip])


@dataclass(frozen=True, slots=True)
class Operation:
    """A struct with its values, and its digest on one ledger."""

    struct: str
    values: dict[str, Any]
    digest: bytes


@dataclass(slots=True)
class World:
    """The ledgers on one chain, their actors, and what every test does with them."""

    w3: Web3
    tester: EthereumTester
    registry: Contract
    ledger: Contract
    custody: Contract
    witnesses: Contract
    contributions: Contract
    relayer: str
    authority: LocalAccount = field(default_factory=Account.create)
    administrator: LocalAccount = field(default_factory=Account.create)
    operator: LocalAccount = field(default_factory=Account.create)
    stranger: LocalAccount = field(default_factory=Account.create)
    #: artifact name → address of each allow-listed verifier.
    verifiers: Mapping[str, str] = field(default_factory=dict)
    #: signer id → key, for every key that may sign.
    keys: dict[bytes, LocalAccount] = field(default_factory=dict)

    # ------------------------------------------------------------------ operations

    def now(self) -> int:
        """Return the latest block's time, Unix seconds."""
        return int(self.w3.eth.get_block("latest")["timestamp"])

    def contract_of(self, struct: str) -> Contract:
        """Return the ledger that records this struct."""
        return self.ledgers[LEDGERS.index(FUNCTIONS[struct].contract)]

    @property
    def ledgers(self) -> tuple[Contract, ...]:
        """All of them, as LEDGERS names them."""
        return self.registry, self.ledger, self.custody, self.witnesses, self.contributions

    def operation(self, struct: str, **values: Value) -> Operation:
        """Return the operation; `record` and `signedAt` are made up when not given."""
        values.setdefault("record", secrets.token_bytes(32))
        values.setdefault("signedAt", self.now())
        if "replaces" in FUNCTIONS[struct].members:
            values.setdefault("replaces", bytes(32))
        return Operation(struct, values, self.digest(struct, values))

    def digest(self, struct: str, values: dict[str, Any], chain_id: int | None = None) -> bytes:
        """Return the EIP-712 digest, by eth_account's encoder."""
        message = encode_typed_data(
            domain_data={
                "name": "SteriLedger",
                "version": "1",
                "chainId": self.w3.eth.chain_id if chain_id is None else chain_id,
                "verifyingContract": self.contract_of(struct).address,
            },
            message_types=FUNCTIONS[struct].types,
            message_data=values,
        )
        return keccak(b"\x19" + message.version + message.header + message.body)

    def proof(self, key: LocalAccount, digest: bytes) -> tuple[bytes, bytes]:
        """Return the key's ERC-7913 bytes and its signature over the digest."""
        return bytes.fromhex(key.address[2:]), self.signature(key, digest)

    @staticmethod
    def signature(key: LocalAccount, digest: bytes) -> bytes:
        """Return the key's 65-byte signature over the digest."""
        return bytes(key.unsafe_sign_hash(Hash32(digest)).signature)

    def known(self, key: LocalAccount) -> bytes:
        """Remember the key as one that may sign; return its signer id."""
        self.keys[signer_id(key)] = key
        return signer_id(key)

    # ------------------------------------------------------------------ sending

    def proofs(self, operation: Operation) -> Proofs:
        """Return the proof arrays that this operation's function takes, each for a batch of one."""
        values, digest = operation.values, operation.digest
        names = ("signedBy", "countersignedBy", "administrator", "signer")
        function = FUNCTIONS[operation.struct]
        signers = iter([values[name] for name in names if name in function.members])
        return [
            [self.signature(self.authority, digest)]
            if is_plain
            else [self.proof(self.keys[next(signers)], digest)]
            for is_plain in function.is_plain
        ]

    def send(self, operation: Operation, proofs: Proofs | None = None) -> TxReceipt:
        """Relay a batch of one; return the receipt."""
        transaction = self.call(operation, proofs).transact(
            {"from": self.relayer, "gas": 5_000_000}
        )
        return self.w3.eth.wait_for_transaction_receipt(transaction)

    def call(self, operation: Operation, proofs: Proofs | None) -> ContractFunction:
        """Return the contract call that carries this operation alone."""
        proofs = self.proofs(operation) if proofs is None else proofs
        return self.call_of(operation.struct, [operation], proofs)

    def call_of(
        self, struct: str, operations: Sequence[Operation], proofs: Proofs
    ) -> ContractFunction:
        """Return the contract call that carries these operations."""
        function = FUNCTIONS[struct]
        batch = [
            tuple(self.plain(each.values[name]) for name in function.members) for each in operations
        ]
        return self.contract_of(struct).functions[function.name](batch, *proofs)

    @staticmethod
    def plain(value: Value) -> object:
        """Turn the nested structs of typed data into tuples."""
        if isinstance(value, list):
            return [tuple(item.values()) for item in value]
        return value

    def refusal(self, operation: Operation, proofs: Proofs | None = None) -> list[Any]:
        """Relay an operation that must be refused; return the error's name and its values.

        Asserts that all running heads stay.
        """
        return self.refusal_of_call(self.call(operation, proofs))

    def refusal_of_completion(self, proposal: bytes) -> list[Any]:
        """Try to complete a recovery that must be refused; return the error and its values."""
        return self.refusal_of_call(self.registry.functions.completeRecovery(proposal))

    def refusal_of_call(self, call: ContractFunction) -> list[Any]:
        """Send a call that must be refused; return the error's name and its values."""
        before = self.heads()
        with pytest.raises(TransactionFailed) as caught:
            call.call({"from": self.relayer})
        assert self.heads() == before
        # web3's adapter to eth-tester gives the revert data as the text of a bytes literal.
        return self.decode_error(literal_eval(str(caught.value).split(": ", 1)[1]))

    def decode_error(self, data: bytes) -> list[Any]:
        """Return a custom error's name followed by its values, and `what` as a text."""
        for item in [each for ledger in self.ledgers for each in ledger.abi]:
            if item["type"] != "error":
                continue
            types = [argument["type"] for argument in item["inputs"]]
            if keccak(text=f"{item['name']}({','.join(types)})")[:4] == data[:4]:
                values = list(self.w3.codec.decode(types, data[4:]))
                names = [argument["name"] for argument in item["inputs"]]
                if "what" in names:
                    at = names.index("what")
                    values[at] = values[at].rstrip(b"\0").decode()
                return [item["name"], *values]
        raise AssertionError(f"no such error: {data.hex()}")

    def heads(self) -> tuple[bytes, ...]:
        """Return the running head of each ledger."""
        return tuple(bytes(each.functions.head().call()) for each in self.ledgers)

    def event(self, contract: Contract, name: str, receipt: TxReceipt) -> dict[str, Any]:
        """Return the arguments of the only event of this name in the receipt."""
        (found,) = contract.events[name]().process_receipt(receipt, errors=DISCARD)
        return dict(found["args"])

    def wait(self, seconds: int) -> None:
        """Let this much chain time pass."""
        self.tester.time_travel(self.now() + seconds)
        self.tester.mine_block()

    # ------------------------------------------------------------------ steps on the way

    def admit(
        self, unit: int = 1, administrator: LocalAccount | None = None, **values: Value
    ) -> Operation:
        """Admit a unit with its first administrator."""
        operation = self.operation(
            "UnitAdmission",
            unit=unit,
            roles=1,
            administrator=self.known(administrator or self.administrator),
            custody=1,
            validUntil=0,
            **values,
        )
        self.send(operation)
        return operation

    def enrol(self, key: LocalAccount, rights: int, **values: Value) -> Operation:
        """Let unit 1's administrator enrol a key; the key need not be known before."""
        operation = self.operation(
            "SignerEnrolment",
            **{
                "unit": 1,
                "signer": self.known(key),
                "rights": rights,
                "custody": 2,
                "validFrom": self.now(),
                "validUntil": 0,
                "signedBy": signer_id(self.administrator),
                **values,
            },
        )
        self.send(operation)
        return operation

    def register(self, serial: bytes = b"\x07" * 32, **values: Value) -> bytes:
        """Register a sterilizer of unit 1 in epoch 1; return its id."""
        self.send(
            self.operation(
                "EquipmentRegistration",
                unit=1,
                serial=serial,
                kind=1,
                epoch=1,
                signedBy=signer_id(self.administrator),
                **values,
            )
        )
        return equipment_id(1, serial)

    def latest(self, equipment: bytes) -> bytes:
        """Return the digest that the machine's next change has to replace."""
        return bytes(self.registry.functions.getEquipment(equipment).call()[3])

    def staff(self) -> bytes:
        """Admit unit 1, enrol an operator with every right over cycles; return a machine's id."""
        self.admit()
        self.enrol(self.operator, OPEN | LOAD | RESULT | DECIDE | ERASE)
        return self.register()

    def opening(self, equipment: bytes, number: int, **values: Value) -> Operation:
        """Return an opening by the operator, not sent."""
        return self.operation(
            "CycleOpening",
            **{
                "equipment": equipment,
                "unit": 1,
                "epoch": 1,
                "number": number,
                "startedAt": 0,
                "signedBy": signer_id(self.operator),
                **values,
            },
        )

    def by_operator(self, struct: str, cycle: bytes, **values: Value) -> Operation:
        """Return an operation on a cycle by the operator, not sent."""
        values = {"cycle": cycle, "unit": 1, "signedBy": signer_id(self.operator), **values}
        return self.operation(struct, **values)


def deploy(w3: Web3, relayer: str, name: str, *arguments: object) -> Contract:
    """Deploy a committed artifact."""
    artifact = json.loads((ARTIFACTS / f"{name}.json").read_text("utf-8"))
    factory = w3.eth.contract(abi=artifact["abi"], bytecode=artifact["bytecode"])
    transaction = factory.constructor(*arguments).transact({"from": relayer})
    receipt = w3.eth.wait_for_transaction_receipt(transaction)
    return factory(receipt["contractAddress"])


def deployed(w3: Web3, tester: EthereumTester, authority: LocalAccount) -> World:
    """Deploy the ledgers and their verifiers; return the world around them."""
    relayer = w3.eth.accounts[0]
    verifiers = {
        name: deploy(w3, relayer, name).address
        for name in ("ERC7913P256Verifier", "ERC7913WebAuthnVerifier")
    }
    registry = deploy(w3, relayer, "UnitRegistry", authority.address, list(verifiers.values()))
    ledger = deploy(w3, relayer, "CycleLedger", registry.address)
    custody = deploy(w3, relayer, "CustodyLedger", registry.address)
    rows = [STATE_OF_CYCLE, ENTRY_OF_ANYBODY]
    witnesses = deploy(w3, relayer, "Witnesses", registry.address, ledger.address, rows)
    contributions = deploy(w3, relayer, "ContributionLedger", registry.address)
    return World(
        w3,
        tester,
        registry,
        ledger,
        custody,
        witnesses,
        contributions,
        relayer,
        authority=authority,
        verifiers=verifiers,
    )
