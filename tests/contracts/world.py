"""A chain in this process with the committed artifacts deployed, and actors who sign for it.

The typed data is built here from its own tables, with eth_account's encoder: an implementation of
EIP-712 that shares nothing with the contracts.
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

#: Struct name → its EIP-712 fields, "type name" each.
TYPES = {
    "UnitAdmission": (
        "uint32 unit,uint16 roles,bytes32 administrator,uint8 custody,uint64 validUntil,"
        "bytes32 record,uint64 signedAt"
    ),
    "UnitClosure": "uint32 unit,bytes32 record,uint64 signedAt",
    "SignerEnrolment": (
        "uint32 unit,bytes32 signer,uint32 duties,uint8 custody,uint64 validFrom,"
        "uint64 validUntil,bytes32 record,bytes32 signedBy,uint64 signedAt"
    ),
    "SignerRevocation": (
        "uint32 unit,bytes32 signer,bytes32 record,bytes32 signedBy,uint64 signedAt"
    ),
    "EquipmentRegistration": (
        "uint32 unit,bytes32 serial,uint8 kind,uint32 epoch,bytes32 record,bytes32 signedBy,"
        "uint64 signedAt"
    ),
    "EquipmentChange": (
        "bytes32 equipment,uint32 unit,uint8 state,uint32 epoch,bytes32 replaces,bytes32 record,"
        "bytes32 signedBy,uint64 signedAt"
    ),
    "RecoveryProposal": (
        "uint32 unit,bytes32 signer,uint8 custody,uint64 validUntil,bytes32 record,uint64 signedAt"
    ),
    "RecoveryVeto": (
        "uint32 unit,bytes32 proposal,bytes32 record,bytes32 signedBy,uint64 signedAt"
    ),
    "RecordErasure": (
        "uint32 unit,bytes32 subject,bytes32 record,bytes32 signedBy,bytes32 countersignedBy,"
        "uint64 signedAt"
    ),
    "CycleOpening": (
        "bytes32 equipment,uint32 unit,uint32 epoch,uint64 number,uint64 startedAt,bytes32 record,"
        "bytes32 signedBy,uint64 signedAt"
    ),
    "CycleEnding": (
        "bytes32 cycle,uint32 unit,uint8 outcome,uint8 verdict,uint64 endedAt,bytes32 replaces,"
        "bytes32 record,bytes32 signedBy,uint64 signedAt"
    ),
    "ClassTotal": "uint16 packageClass,uint32 quantity",
    "LoadDeclaration": (
        "bytes32 cycle,uint32 unit,ClassTotal[] totals,bytes32 replaces,bytes32 record,"
        "bytes32 signedBy,uint64 signedAt"
    ),
    "Share": "uint32 owner,uint32 payer,uint16 packageClass,int32 delta",
    "CycleDecision": (
        "bytes32 cycle,uint32 unit,uint8 kind,bytes32 ending,bytes32 load,bytes32 replaces,"
        "Share[] shares,bytes32 record,bytes32 signedBy,uint64 signedAt"
    ),
}

NESTED = {"LoadDeclaration": ["ClassTotal"], "CycleDecision": ["Share"]}

#: Struct name → the function that records a batch of it.
FUNCTIONS = {
    "UnitAdmission": "admitUnits",
    "UnitClosure": "closeUnits",
    "SignerEnrolment": "enrolSigners",
    "SignerRevocation": "revokeSigners",
    "EquipmentRegistration": "registerEquipment",
    "EquipmentChange": "changeEquipment",
    "RecoveryProposal": "proposeRecoveries",
    "RecoveryVeto": "vetoRecoveries",
    "RecordErasure": "eraseRecords",
    "CycleOpening": "openCycles",
    "CycleEnding": "endCycles",
    "LoadDeclaration": "declareLoads",
    "CycleDecision": "decideCycles",
}


OF_THE_LEDGER = {"CycleOpening", "CycleEnding", "LoadDeclaration", "CycleDecision"}


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


def fields_of(struct: str) -> list[dict[str, str]]:
    """Return a struct's fields as EIP-712 JSON lists them."""
    pairs = (pair.split(" ") for pair in TYPES[struct].split(","))
    return [{"name": name, "type": kind} for kind, name in pairs]


@dataclass(frozen=True, slots=True)
class Operation:
    """A struct with its values, and its digest on one ledger."""

    struct: str
    values: dict[str, Any]
    digest: bytes


@dataclass(slots=True)
class World:
    """Two ledgers on one chain, their actors, and what every test does with them."""

    w3: Web3
    tester: EthereumTester
    registry: Contract
    ledger: Contract
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
        return self.ledger if struct in OF_THE_LEDGER else self.registry

    def operation(self, struct: str, **values: Value) -> Operation:
        """Return the operation; `record` and `signedAt` are made up when not given."""
        values.setdefault("record", secrets.token_bytes(32))
        values.setdefault("signedAt", self.now())
        if "replaces" in TYPES[struct]:
            values.setdefault("replaces", bytes(32))
        return Operation(struct, values, self.digest(struct, values))

    def digest(self, struct: str, values: dict[str, Any], chain_id: int | None = None) -> bytes:
        """Return the EIP-712 digest, by eth_account's encoder."""
        names = [struct, *NESTED.get(struct, [])]
        message = encode_typed_data(
            domain_data={
                "name": "SteriLedger",
                "version": "1",
                "chainId": self.w3.eth.chain_id if chain_id is None else chain_id,
                "verifyingContract": self.contract_of(struct).address,
            },
            message_types={name: fields_of(name) for name in names},
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
        if operation.struct == "UnitClosure":
            return [[self.signature(self.authority, digest)]]
        if operation.struct in {"UnitAdmission", "RecoveryProposal"}:
            new = values["administrator" if "administrator" in values else "signer"]
            return [
                [self.signature(self.authority, digest)],
                [self.proof(self.keys[new], digest)],
            ]
        signers = [values["signedBy"]]
        if operation.struct == "SignerEnrolment":
            signers.append(values["signer"])
        if operation.struct == "RecordErasure":
            signers.append(values["countersignedBy"])
        return [[self.proof(self.keys[signer], digest)] for signer in signers]

    def send(self, operation: Operation, proofs: Proofs | None = None) -> TxReceipt:
        """Relay a batch of one; return the receipt."""
        transaction = self.call(operation, proofs).transact(
            {"from": self.relayer, "gas": 5_000_000}
        )
        return self.w3.eth.wait_for_transaction_receipt(transaction)

    def call(self, operation: Operation, proofs: Proofs | None) -> ContractFunction:
        """Return the contract call that carries this operation alone."""
        function = self.contract_of(operation.struct).functions[FUNCTIONS[operation.struct]]
        names = [item["name"] for item in fields_of(operation.struct)]
        arguments = [tuple(self.plain(operation.values[name]) for name in names)]
        return function(arguments, *(self.proofs(operation) if proofs is None else proofs))

    @staticmethod
    def plain(value: Value) -> object:
        """Turn the nested structs of typed data into tuples."""
        if isinstance(value, list):
            return [tuple(item.values()) for item in value]
        return value

    def refusal(self, operation: Operation, proofs: Proofs | None = None) -> list[Any]:
        """Relay an operation that must be refused; return the error's name and its values.

        Asserts that both running heads stay.
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
        """Return a custom error's name followed by its values."""
        for item in [*self.ledger.abi, *self.registry.abi]:
            if item["type"] != "error":
                continue
            types = [argument["type"] for argument in item["inputs"]]
            if keccak(text=f"{item['name']}({','.join(types)})")[:4] == data[:4]:
                return [item["name"], *self.w3.codec.decode(types, data[4:])]
        raise AssertionError(f"no such error: {data.hex()}")

    def heads(self) -> tuple[bytes, bytes]:
        """Return the registry's and the ledger's running head."""
        return bytes(self.registry.functions.head().call()), bytes(
            self.ledger.functions.head().call()
        )

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

    def enrol(self, key: LocalAccount, duties: int, **values: Value) -> Operation:
        """Let unit 1's administrator enrol a key; the key need not be known before."""
        operation = self.operation(
            "SignerEnrolment",
            **{
                "unit": 1,
                "signer": self.known(key),
                "duties": duties,
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
        """Admit unit 1, enrol an operator with every cycle duty; return a sterilizer's id."""
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
    """Deploy both ledgers and their verifiers; return the world around them."""
    relayer = w3.eth.accounts[0]
    verifiers = {
        name: deploy(w3, relayer, name).address
        for name in ("ERC7913P256Verifier", "ERC7913WebAuthnVerifier")
    }
    registry = deploy(w3, relayer, "UnitRegistry", authority.address, list(verifiers.values()))
    ledger = deploy(w3, relayer, "CycleLedger", registry.address)
    return World(w3, tester, registry, ledger, relayer, authority=authority, verifiers=verifiers)
