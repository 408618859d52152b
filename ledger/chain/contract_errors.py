"""Revert data → what a contract refused, which operation it means, and whether to try again.

The errors come from the compiled contracts; `RETRY_CLASSES` says what to do about each, as the
interfaces' own NatSpec does.  Source: Solidity ABI specification, "Errors".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TypeAlias

from ledger.chain.artifacts import load_artifact
from ledger.domain.acts.words import Contract
from ledger.domain.chain.deployment import Role
from ledger.domain.encoding.abi import WORD, Scalar, from_word
from ledger.domain.encoding.hashing import keccak256
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.errors import InvalidInput

_SELECTOR_BYTES = 4
#: an error that is none of ours
FOREIGN = "Foreign"


class Retry(StrEnum):
    """What a refusal means for the operation."""

    #: a predecessor, or time, is missing
    WAIT = "wait"
    #: it will never be accepted
    REFUSE = "refuse"
    #: our own deployment, encoding or signature is wrong: a person has to look
    STOP = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractError:
    """A decoded revert."""

    #: the error's name; "Panic", "Error", or "Foreign" for what is none of ours
    name: str
    fields: Mapping[str, Scalar]
    retry: Retry
    #: the operation that is refused; None when the error names none
    digest: Digest | None
    #: as the node gave it
    data: bytes

    @property
    def what(self) -> str:
        """The thing or member that is wrong, as the contract names it; empty when it does not."""
        named = self.fields.get("what")
        return named.rstrip(b"\0").decode("ascii", "replace") if isinstance(named, bytes) else ""


#: What to do about every error of our contracts, as contracts/interfaces/IErrors.sol says.
RETRY_CLASSES: Mapping[str, Retry] = {
    **dict.fromkeys(("Unknown", "NotYetRecorded", "TooEarly"), Retry.WAIT),
    **dict.fromkeys(
        (
            "OfAnotherUnit",
            "AlreadyRecorded",
            "NotCurrent",
            "OutOfRange",
            "OutOfOrder",
            "NotAllowed",
            "RightMissing",
            "SignatureInvalid",
            "KeyNotAllowed",
        ),
        Retry.REFUSE,
    ),
    # OpenZeppelin's own two come with EIP712; a constructor alone can raise them.
    **dict.fromkeys(
        ("BatchInvalid", "DeploymentInvalid", "InvalidShortString", "StringTooLong"), Retry.STOP
    ),
}

#: name and the columns (type, name); None for an error with a dynamic argument
_Layout: TypeAlias = tuple[str, tuple[tuple[str, str], ...] | None]
_STATIC = {"bytes32", "address"}


@cache
def _layouts() -> Mapping[bytes, _Layout]:
    found: dict[bytes, _Layout] = {
        _selector("Panic(uint256)"): ("Panic", (("uint256", "code"),)),
        _selector("Error(string)"): ("Error", None),
    }
    for role in map(Role, Contract):
        for entry in load_artifact(role).entries("error"):
            columns = tuple((i["type"], i["name"]) for i in entry["inputs"])
            signature = f"{entry['name']}({','.join(kind for kind, _ in columns)})"
            static = all(kind in _STATIC or "int" in kind for kind, _ in columns)
            found[_selector(signature)] = (entry["name"], columns if static else None)
    return found


def _selector(signature: str) -> bytes:
    return keccak256(signature.encode())[:_SELECTOR_BYTES]


def revert_error(data: bytes) -> ContractError:
    """What a contract reverted with; whatever is none of ours is "Foreign", and stops."""
    layout = _layouts().get(data[:_SELECTOR_BYTES])
    if layout is None:
        return _stop(FOREIGN, data)
    name, columns = layout
    words = data[_SELECTOR_BYTES:]
    retry = RETRY_CLASSES.get(name, Retry.STOP)
    if columns is None:
        return _stop(name, data)
    if len(words) != WORD * len(columns):
        return _stop(FOREIGN, data)
    try:
        fields = {
            column: from_word(kind, words[WORD * at : WORD * (at + 1)])
            for at, (kind, column) in enumerate(columns)
        }
    except InvalidInput:
        return _stop(FOREIGN, data)
    digest = fields.get("digest")
    return ContractError(
        name=name,
        fields=fields,
        retry=retry,
        digest=Digest(digest) if isinstance(digest, bytes) else None,
        data=data,
    )


def _stop(name: str, data: bytes) -> ContractError:
    return ContractError(name=name, fields={}, retry=Retry.STOP, digest=None, data=data)
