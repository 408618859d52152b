"""The fixtures of the contract tests, for the forgeries here."""

from __future__ import annotations

from tests.contracts.conftest import fresh_world, world

__all__ = ["fresh_world", "world"]
