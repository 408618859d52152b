"""What people read of something → as JSON has it."""

from __future__ import annotations

from dataclasses import asdict


class View:
    """A dataclass whose fields are JSON values, or become them."""

    __slots__ = ()

    def to_plain(self) -> dict[str, object]:
        """The view as JSON values."""
        return asdict(self)  # type: ignore[call-overload,no-any-return]
