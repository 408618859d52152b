"""A JSON-RPC endpoint, asked by method name and answered in plain JSON, by the web3 provider alone.

For what `Node` has no shape for: the embedded chain's own commands, and the read-only door.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, cast

from ledger.chain.transport import AnswerTooLarge, Limits, NodeRefused, Transport

if TYPE_CHECKING:
    from ledger.chain.provider import BoundedProvider
    from ledger.chain.web3_library import RPCEndpoint

__all__ = ["AnswerTooLarge", "Endpoint", "Limits", "NodeRefused"]


class Endpoint:
    """One JSON-RPC endpoint; safe to use from several threads."""

    def __init__(
        self,
        url: str,
        *,
        limits: Limits | None = None,
        pause: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Raises InvalidInput for a URL that is none."""
        self._transport = Transport(url, limits=limits, pause=pause, jitter=jitter)
        self.name = self._transport.name

    @cached_property
    def _provider(self) -> BoundedProvider:
        from ledger.chain.provider import BoundedProvider  # noqa: PLC0415 - takes a second

        return BoundedProvider(self._transport)

    def close(self) -> None:
        """Closes the kept connections."""
        self._transport.close()

    def ask(self, method: str, *params: object) -> object:
        """The result of one call; raises NodeRefused or ChainUnavailable."""
        return self._provider.make_request(cast("RPCEndpoint", method), params)["result"]
