"""web3 and eth_account, imported in this one place and without their side effect.

py_ecc, below both, raises the interpreter's recursion limit to 100,000 when it is imported. With
that limit JSON that nests deeply crashes the process where Python would have raised RecursionError
(see `ledger.domain.encoding.nesting`), so the limit is put back here. Importing both takes more
than a second: whoever needs this module imports it when the first question is asked.
"""

from __future__ import annotations

import sys

_limit = sys.getrecursionlimit()

from eth_account import Account  # noqa: E402 - between the two halves of the remedy
from web3 import Web3  # noqa: E402 - the same
from web3.eth import Eth  # noqa: E402 - the same
from web3.exceptions import Web3Exception  # noqa: E402 - the same
from web3.middleware import Web3Middleware  # noqa: E402 - the same
from web3.providers.base import JSONBaseProvider  # noqa: E402 - the same
from web3.types import RPCEndpoint, RPCResponse, TxParams  # noqa: E402 - the same

sys.setrecursionlimit(_limit)

__all__ = [
    "Account",
    "Eth",
    "JSONBaseProvider",
    "RPCEndpoint",
    "RPCResponse",
    "TxParams",
    "Web3",
    "Web3Exception",
    "Web3Middleware",
]
