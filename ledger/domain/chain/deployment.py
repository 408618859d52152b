"""The deployment: the trust root that a verifier brings, and its fingerprint.

Source: RFC 8259 (the file), RFC 8785 (the bytes that are fingerprinted).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NoReturn, TypeVar

import rfc8785

from ledger.domain.acts.words import Contract
from ledger.domain.encoding.abi import Eip712Domain
from ledger.domain.encoding.hashing import sha256
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.encoding.nesting import require_nesting
from ledger.domain.errors import InvalidInput

FORMAT = "steriledger-deployment/1"
MAX_FILE_BYTES = 64 * 1024
#: what JSON numbers carry without loss (RFC 7493 §2.2)
MAX_SAFE_INTEGER = (1 << 53) - 1
MAX_NAME_CHARACTERS = 100

_FINGERPRINT_TAG = b"steriledger.deployment.v1\0"
_ADDRESS_BYTES = 20
_HASH_BYTES = 32
_DEEPEST = 8


class Role(StrEnum):
    """The contracts of one deployment, by the names of their artifacts."""

    UNIT_REGISTRY = "UnitRegistry"
    CYCLE_LEDGER = "CycleLedger"
    CUSTODY_LEDGER = "CustodyLedger"
    CONTRIBUTION_LEDGER = "ContributionLedger"
    WITNESSES = "Witnesses"
    P256_VERIFIER = "ERC7913P256Verifier"
    WEBAUTHN_VERIFIER = "ERC7913WebAuthnVerifier"


class AuthorityKind(StrEnum):
    """What stands at the authority's address, and so who can check its signatures."""

    #: a plain key: anybody checks its signatures, without asking a chain
    ACCOUNT = "account"
    #: a contract (ERC-1271): only the chain can say whether it signed
    CONTRACT = "contract"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedContract:
    """Where one contract stands and what it must be."""

    #: 20 bytes
    address: bytes
    #: Keccak-256 of the deployed runtime code, immutables filled in
    code_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One installation's contracts on one chain."""

    #: what people call it; not part of any digest but the fingerprint
    name: str
    chain_id: int
    #: 32 bytes
    genesis_hash: bytes
    #: exactly one entry per `Role`
    contracts: Mapping[Role, DeployedContract]
    #: 20 bytes; the consortium's own signer
    authority: bytes
    #: said here, since whoever answers for the chain must not decide how signatures are checked
    authority_kind: AuthorityKind
    #: height of the block in which the last contract was created
    deployed_at: int
    #: Ed25519 public key (RFC 8032) of the receipts; 32 bytes
    receipt_key: bytes
    #: fingerprint of the deployment that this one continues
    predecessor: bytes | None = None
    #: computed when it is first asked for
    _fingerprint: list[bytes] = field(default_factory=list, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuses what no deployment can be; raises InvalidInput that names every bad field."""
        problems = _find_problems(self)
        if problems:
            raise InvalidInput("; ".join(problems), field="deployment")

    def fingerprint(self) -> bytes:
        """SHA-256 over a type tag and the RFC 8785 bytes of the file's content; 32 bytes."""
        if not self._fingerprint:
            self._fingerprint.append(
                sha256(_FINGERPRINT_TAG + rfc8785.dumps(_to_plain(self)))  # type: ignore[arg-type]
            )
        return self._fingerprint[0]

    def domain_of(self, contract: Contract) -> Eip712Domain:
        """Where the operations of a contract are valid."""
        return Eip712Domain(chain_id=self.chain_id, contract=self.address_of(contract))

    @property
    def is_authority_a_contract(self) -> bool:
        """Whether only the chain can say what the authority has signed."""
        return self.authority_kind is AuthorityKind.CONTRACT

    def address_of(self, contract: Contract) -> bytes:
        """A recording contract's address; 20 bytes."""
        return self.contracts[Role(contract.value)].address

    @property
    def verifiers(self) -> dict[bytes, str]:
        """The verifiers that a signer may name (ERC-7913), address → role."""
        return {
            self.contracts[role].address: role.value
            for role in (Role.P256_VERIFIER, Role.WEBAUTHN_VERIFIER)
        }

    def recording_contracts(self) -> dict[bytes, Contract]:
        """The contracts that emit our events, by address: what `parse_event` takes."""
        return {self.address_of(contract): contract for contract in Contract}


def _find_problems(deployment: Deployment) -> list[str]:
    lengths = [
        ("genesisHash", deployment.genesis_hash, _HASH_BYTES),
        ("authority", deployment.authority, _ADDRESS_BYTES),
        ("receiptKey", deployment.receipt_key, _HASH_BYTES),
    ]
    if deployment.predecessor is not None:
        lengths.append(("predecessor", deployment.predecessor, _HASH_BYTES))
    for role, contract in deployment.contracts.items():
        lengths.append((f"contracts.{role}.address", contract.address, _ADDRESS_BYTES))
        lengths.append((f"contracts.{role}.codeHash", contract.code_hash, _HASH_BYTES))
    problems = [f"{name} is not {n} bytes" for name, value, n in lengths if len(value) != n]
    if set(deployment.contracts) != set(Role):
        problems.append(f"contracts must be exactly {', '.join(Role)}")
    addresses = [contract.address for contract in deployment.contracts.values()]
    if len(set(addresses)) != len(addresses):
        problems.append("contracts share an address")
    if bytes(_ADDRESS_BYTES) in {*addresses, deployment.authority}:
        problems.append("an address is zero")
    if not 1 <= deployment.chain_id <= MAX_SAFE_INTEGER:
        problems.append(f"chainId is not within 1 to {MAX_SAFE_INTEGER}")
    if not 0 <= deployment.deployed_at <= MAX_SAFE_INTEGER:
        problems.append(f"deployedAt is not within 0 to {MAX_SAFE_INTEGER}")
    if not _is_name(deployment.name):
        problems.append(f"name is not 1 to {MAX_NAME_CHARACTERS} printable characters")
    return problems


def _is_name(text: str) -> bool:
    return 0 < len(text) <= MAX_NAME_CHARACTERS and text.isprintable() and text.strip() == text


# ---------------------------------------------------------------- the file


def deployment_to_json(deployment: Deployment) -> bytes:
    """The deployment file: indented JSON with a newline at its end."""
    return json.dumps(_to_plain(deployment), indent=2, ensure_ascii=False).encode() + b"\n"


def _to_plain(deployment: Deployment) -> dict[str, object]:
    predecessor = deployment.predecessor
    return {
        "format": FORMAT,
        "name": deployment.name,
        "chainId": deployment.chain_id,
        "genesisHash": to_hex(deployment.genesis_hash),
        "deployedAt": deployment.deployed_at,
        "authority": to_hex(deployment.authority),
        "authorityKind": deployment.authority_kind.value,
        "receiptKey": to_hex(deployment.receipt_key),
        "predecessor": None if predecessor is None else to_hex(predecessor),
        "contracts": {
            role.value: {
                "address": to_hex(deployment.contracts[role].address),
                "codeHash": to_hex(deployment.contracts[role].code_hash),
            }
            for role in Role
        },
    }


def parse_deployment(data: bytes) -> Deployment:
    """A deployment from its file; raises InvalidInput that names every bad field at once.

    Addresses and hashes are 0x and hexadecimal digits in either case; nothing else is lenient.
    `predecessor` may be absent or null.
    """
    plain = _parse_object(data)
    top = _Reader("", plain, [])
    top.only(_TOP_KEYS, optional={"predecessor"})
    if plain.get("format", FORMAT) != FORMAT:
        top.problems.append(f"format is not {FORMAT}")
    name, chain_id, height = top.text("name"), top.integer("chainId"), top.integer("deployedAt")
    genesis, receipt_key = top.hex("genesisHash", _HASH_BYTES), top.hex("receiptKey", _HASH_BYTES)
    authority = top.hex("authority", _ADDRESS_BYTES)
    kind = _read_authority_kind(top)
    has_predecessor = plain.get("predecessor") is not None
    predecessor = top.hex("predecessor", _HASH_BYTES) if has_predecessor else None
    contracts = _read_contracts(top)
    if top.problems:
        raise InvalidInput("; ".join(top.problems), field="deployment")
    return Deployment(
        name=name,
        chain_id=chain_id,
        genesis_hash=genesis,
        contracts=contracts,
        authority=authority,
        authority_kind=kind,
        deployed_at=height,
        receipt_key=receipt_key,
        predecessor=predecessor,
    )


# fmt: off
_TOP_KEYS = {
    "format", "name", "chainId", "genesisHash", "deployedAt", "authority", "authorityKind",
    "receiptKey", "predecessor", "contracts",
}
# fmt: on


class _Reader:
    """Reads an object's members and remembers what was wrong with each.

    A member that is absent or wrong is answered with an empty value, which nobody uses: the caller
    raises when there are problems.
    """

    def __init__(self, prefix: str, plain: Mapping[str, object], problems: list[str]) -> None:
        self.prefix = prefix
        self.plain = plain
        self.problems = problems

    def only(self, known: set[str], *, optional: AbstractSet[str] = frozenset()) -> None:
        """Names unknown and missing members."""
        unknown = sorted(set(self.plain) - known)
        missing = sorted(known - set(self.plain) - optional)
        self.problems += [f"{self.prefix}{key!r:.60} is unknown" for key in unknown]
        self.problems += [f"{self.prefix}{key} is missing" for key in missing]

    def text(self, key: str) -> str:
        """A string."""
        value = self.plain.get(key, "")
        return value if isinstance(value, str) else self._wrong(key, "a string", "")

    def integer(self, key: str) -> int:
        """An integer; true and false are none."""
        value = self.plain.get(key, 0)
        if isinstance(value, bool) or not isinstance(value, int):
            return self._wrong(key, "an integer", 0)
        return value

    def hex(self, key: str, size: int) -> bytes:
        """`size` bytes from 0x and digits."""
        value = self.plain.get(key, b"")
        if value == b"":
            return b""
        if isinstance(value, str) and _HEX.fullmatch(value) and len(value) == 2 + 2 * size:
            return bytes.fromhex(value[2:])
        return self._wrong(key, f"0x and {2 * size} hexadecimal digits", b"")

    def object(self, key: str) -> _Reader:
        """A member that is itself an object."""
        value = self.plain.get(key, {})
        inside = value if isinstance(value, dict) else self._wrong(key, "an object", {})
        return _Reader(f"{self.prefix}{key}.", inside, self.problems)

    def _wrong(self, key: str, wanted: str, empty: _T) -> _T:
        self.problems.append(f"{self.prefix}{key} is not {wanted}")
        return empty


_T = TypeVar("_T")
_HEX = re.compile(r"0x[0-9a-fA-F]*")


def _read_authority_kind(top: _Reader) -> AuthorityKind:
    kinds = {kind.value: kind for kind in AuthorityKind}
    kind = kinds.get(top.text("authorityKind"))
    if kind is None and "authorityKind" in top.plain:
        top.problems.append(f"authorityKind is not {' or '.join(kinds)}")
    return kind or AuthorityKind.ACCOUNT


def _read_contracts(top: _Reader) -> dict[Role, DeployedContract]:
    contracts = top.object("contracts")
    contracts.only({role.value for role in Role})
    found = {}
    for role in Role:
        entry = contracts.object(role.value)
        if role.value in contracts.plain:
            entry.only({"address", "codeHash"})
        found[role] = DeployedContract(
            address=entry.hex("address", _ADDRESS_BYTES),
            code_hash=entry.hex("codeHash", _HASH_BYTES),
        )
    return found


def _parse_object(data: bytes) -> dict[str, object]:
    """One JSON object as RFC 8259 has it, in UTF-8 without a mark, and without doubled names."""
    if len(data) > MAX_FILE_BYTES:
        raise InvalidInput(
            f"has {len(data)} bytes", field="deployment", rule=f"at most {MAX_FILE_BYTES} bytes"
        )
    require_nesting(data, deepest=_DEEPEST, field="deployment")
    try:
        plain = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_without_doubles,
            parse_constant=_refuse_constant,
        )
    except (ValueError, RecursionError):
        raise InvalidInput(
            "is not JSON without doubled names", field="deployment", rule="RFC 8259"
        ) from None
    if not isinstance(plain, dict):
        raise InvalidInput("is not a JSON object", field="deployment")
    return plain


def _without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError
