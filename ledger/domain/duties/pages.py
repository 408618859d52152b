"""One operation while a case is read from it; it remembers which of its fields were looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum

from ledger.domain.acts.vocabulary import Act, Facts, Message, integer, word
from ledger.domain.custody.lines import rows_of
from ledger.domain.duties.case import Deed, Event, How, Source, When
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.encoding.moments import instant_text
from ledger.domain.records.commitments import FieldValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One final operation, with as much of its record as is shown."""

    digest: bytes
    act: Act
    message: Message
    facts: Facts
    block: int
    log: int
    #: Unix seconds of its block
    mined_at: int


@dataclass(slots=True)
class Page:
    """An operation while it is read; it remembers which fields were looked at."""

    said: Said
    custody: str
    used: set[str] = field(default_factory=set)
    _lines: dict[int, dict[str, FieldValue]] | None = None

    def get(self, path: str) -> FieldValue:
        """A fact; None where it was not entered or is not shown."""
        if path in self.said.facts:
            self.used.add(path)
        return self.said.facts.get(path)

    def facts(self, *paths: str) -> dict[str, FieldValue]:
        """Several of them, by the last part of their names."""
        return {path: self.get(path) for path in paths}

    @property
    def kind(self) -> str:
        """Its act's name."""
        return self.said.act.name

    @property
    def subject(self) -> bytes:
        """What it is about."""
        return self.said.act.subject_of(self.said.message)

    @property
    def known(self) -> datetime:
        """Since when it could be known."""
        return datetime.fromtimestamp(self.said.mined_at, UTC)

    @property
    def signed(self) -> datetime:
        """When it was signed."""
        return datetime.fromtimestamp(integer(self.said.message, "signedAt"), UTC)

    def source(self) -> Source:
        """Who says it, and since when it could be known."""
        message = self.said.message
        return Source(
            operation=to_hex(self.said.digest),
            kind=self.kind,
            unit=integer(message, "unit"),
            block=self.said.block,
            log=self.said.log,
            known=self.known,
            signed=self.signed,
            signer=to_hex(word(message, "signedBy")),
            custody=self.custody,
        )

    def event(
        self,
        deed: Deed,
        *paths: str,
        when: FieldValue = None,
        printed: bool = False,
        **more: FieldValue,
    ) -> Event:
        """The event that it tells; without a time of its own, when it was signed.

        `about 13:05` alone is no moment: nobody says when.
        """
        how = How.PRINTED if printed else How.TYPED
        if self.get("authenticated_by") == "paper":
            how = How.PAPER
        told = when or self.get("happened.utc")
        is_in_words = told is None and self.get("happened.text") is not None
        moment = self.signed if told is None else datetime.fromisoformat(str(told))
        return Event(
            deed=deed,
            unit=integer(self.said.message, "unit"),
            when=None if is_in_words else When(first=moment, last=moment, how=how),
            source=self.source(),
            facts={**self.facts(*paths), **more},
            how=how,
        )

    def lines(self) -> dict[int, dict[str, FieldValue]]:
        """The lines of its list by number, as far as they are shown; nothing counts as read yet."""
        if self._lines is None:
            self._lines = {}
            for number, line in rows_of(self.said.facts):
                named = {column: value for column, value in line.items() if column}
                if named:
                    self._lines[number] = named
        return self._lines

    def read_line(self, number: int, *columns: str) -> dict[str, FieldValue]:
        """Some columns of one line."""
        return {name: self.get(f"lines.{number}.{name}") for name in columns}


def word_of(kind: type[IntEnum], number: int) -> str | None:
    """A packed number as records spell it; None for one that stands for nothing."""
    return next((each.name.lower() for each in kind if each == number), None)


def moment_text(seconds: int) -> str | None:
    """Unix seconds as a record holds a moment; None for 0, which says nothing."""
    return instant_text(datetime.fromtimestamp(seconds, UTC)) if seconds else None
