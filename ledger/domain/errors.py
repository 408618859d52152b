"""Every error that SteriLedger raises on purpose, split by whose fault it is.

SteriLedgerError
├── InvalidInput        the caller's data is wrong: correct it and send it again
├── NotFound            nothing of that name exists, or the caller may not know of it
├── Conflict            it exists already with other content, or somebody was faster
├── Refused             the rules say no, whatever is sent again
├── VerificationFailed  a proof does not hold: do not rely on what it claims
├── ChainUnavailable    the chain does not answer: wait, nothing is lost
├── StorageUnavailable  the database does not take or give data: nothing was accepted
├── ClockWrong          the clock of this machine cannot be right: nothing was accepted
└── Inconsistent        we are wrong: stop and call a person
"""

from __future__ import annotations

#: what to do when stored data is damaged or gone
RESTORE_BACKUP = (
    "restore the newest backup into an empty folder: "
    "steriledger restore FILE --home FOLDER --key-file KEY"
)


class SteriLedgerError(Exception):
    """The root of the tree; never raised itself.

    `what` says what went wrong in one sentence; `field` names the input that it concerns; `rule` is
    the rule that was broken; `remedy` is what the reader can do about it.
    """

    def __init__(
        self,
        what: str,
        *,
        field: str | None = None,
        rule: str | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.field = field
        self.rule = rule
        self.remedy = remedy

    def __str__(self) -> str:
        parts = [self.what if self.field is None else f"{self.field}: {self.what}"]
        if self.rule is not None:
            parts.append(f"Rule: {self.rule}")
        if self.remedy is not None:
            parts.append(f"What to do: {self.remedy}")
        return " ".join(part if part.endswith((".", "!", "?")) else f"{part}." for part in parts)


class InvalidInput(SteriLedgerError):
    """The caller's data is wrong; nothing was stored."""


class NotFound(SteriLedgerError):
    """Nothing of that name exists, or the caller may not know that it does."""


class Conflict(SteriLedgerError):
    """The same thing exists already with other content, or somebody was faster."""


class Refused(SteriLedgerError):
    """The rules say no, whatever is sent again."""


class VerificationFailed(SteriLedgerError):
    """A proof does not hold."""


class ChainUnavailable(SteriLedgerError):
    """The chain does not answer; what was accepted stays owed to it."""


class StorageUnavailable(SteriLedgerError):
    """The database cannot be read or written now; whatever was under way was not stored."""


class ClockWrong(SteriLedgerError):
    """This machine's clock cannot be right; nothing was accepted, and the same is true later."""


class Inconsistent(SteriLedgerError):
    """Two things that must agree do not: we are wrong, and a person has to look."""
