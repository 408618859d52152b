"""The Ethereum Attestation Service, fetched for the run: deployed beside us, the same fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi import abi as eth_abi
from eth_account import Account
from web3 import Web3
from web3.contract import Contract
from web3.middleware import SignAndSendRawMiddlewareBuilder

from ledger.chain.transport import SOCKET
from ledger.domain.acts.catalogue import NESTED
from ledger.domain.acts.vocabulary import Act
from ledger.domain.encoding.abi import Value
from scripts.benchmarks.published import deploy, fetch_artifacts

PACKAGE = "@ethereum-attestation-service/eas-contracts"
VERSION = "1.9.0"
#: what the project itself publishes: its own build, by its own compiler and settings
_ARTIFACTS = {
    "EAS": "artifacts/contracts/EAS.sol/EAS.json",
    "SchemaRegistry": "artifacts/contracts/SchemaRegistry.sol/SchemaRegistry.json",
}
_NOBODY = "0x" + "00" * 20
#: between two questions for a receipt.  web3.py pauses for 0.1 s unless it is told otherwise, which
#: is longer than the node takes to mine: the figures would be those of the pause.
POLL_SECONDS = 0.001


@dataclass(slots=True, kw_only=True)
class Eas:
    """The contracts on one node, used as web3.py's documentation uses contracts, without pauses."""

    w3: Web3
    contract: Contract
    #: schema UID of each kind of operation
    schemas: Mapping[str, bytes]

    @classmethod
    def deploy(cls, url: str, private_key: bytes, kinds: Sequence[Act]) -> Eas:
        """Deploy on a node that mines at once, and register a schema for each kind."""
        account = Account.from_key(private_key)
        w3 = web3_at(url)
        w3.middleware_onion.inject(SignAndSendRawMiddlewareBuilder.build(account), layer=0)
        w3.eth.default_account = account.address
        artifacts = fetch_artifacts(PACKAGE, VERSION, _ARTIFACTS)
        registry = deploy(w3, artifacts["SchemaRegistry"])
        contract = deploy(w3, artifacts["EAS"], registry.address)
        schemas = {kind.name: _register(w3, registry, schema_of(kind)) for kind in kinds}
        return cls(w3=w3, contract=contract, schemas=schemas)

    def attest(self, kind: Act, message: Mapping[str, Value]) -> int:
        """One attestation with those fields, seen mined; the gas it used."""
        request = (self.schemas[kind.name], _data(kind, message))
        return self._mined(self.contract.functions.attest(request))

    def multi_attest(self, kind: Act, messages: Sequence[Mapping[str, Value]]) -> int:
        """All of them in one transaction, seen mined; the gas it used."""
        requests = [(self.schemas[kind.name], [_data(kind, each) for each in messages])]
        return self._mined(self.contract.functions.multiAttest(requests))

    def _mined(self, call: Any) -> int:  # noqa: ANN401 - web3 makes its type at run time
        sent = call.transact()
        receipt = self.w3.eth.wait_for_transaction_receipt(sent, poll_latency=POLL_SECONDS)
        if receipt["status"] != 1:
            raise RuntimeError("an attestation failed")
        return int(receipt["gasUsed"])


def schema_of(kind: Act) -> str:
    """The fields of an operation as a schema: `bytes32 equipment,uint32 unit,…`."""
    parts = []
    for member in kind.struct.members:
        if member.type.endswith("[]"):
            inside = ",".join(f"{m.type} {m.name}" for m in NESTED[member.type[:-2]].members)
            parts.append(f"({inside})[] {member.name}")
        else:
            parts.append(f"{member.type} {member.name}")
    return ",".join(parts)


def _data(kind: Act, message: Mapping[str, Value]) -> tuple[object, ...]:
    """AttestationRequestData: nobody in particular, for ever, referring to nothing."""
    types: list[str] = []
    values: list[object] = []
    for member in kind.struct.members:
        value = message[member.name]
        if isinstance(value, int | bytes):
            types.append(member.type)
            values.append(value)
        else:
            struct = NESTED[member.type[:-2]]
            types.append(f"({','.join(m.type for m in struct.members)})[]")
            values.append([tuple(item[m.name] for m in struct.members) for item in value])
    return (_NOBODY, 0, False, bytes(32), eth_abi.encode(types, values), 0)


def web3_at(address: str) -> Web3:
    """web3.py on the chain's process, at its socket or its port."""
    path = address.removeprefix(SOCKET).partition("#")[0]
    if path == address:
        return Web3(Web3.HTTPProvider(address))
    provider = Web3.IPCProvider(path)
    # web3.py follows the link, at whose end there is no name any more
    connection: Any = provider._socket  # noqa: SLF001
    connection.ipc_path = path
    return Web3(provider)


def _register(w3: Web3, registry: Contract, schema: str) -> bytes:
    sent = registry.functions.register(schema, _NOBODY, False).transact()
    receipt = w3.eth.wait_for_transaction_receipt(sent)
    (event,) = registry.events.Registered().process_receipt(receipt)
    return bytes(event["args"]["uid"])
