"""Error → words on the error stream, and the exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

from ledger.domain.errors import (
    ChainUnavailable,
    ClockWrong,
    Conflict,
    Inconsistent,
    InvalidInput,
    NotFound,
    Refused,
    SteriLedgerError,
    StorageUnavailable,
    VerificationFailed,
)
from ledger.domain.visible import visible, visible_json

#: Something that was asked about does not hold: a verification, an audit, part of an import.
DOES_NOT_HOLD = 1

EXIT_CODES: Mapping[type[SteriLedgerError], int] = {
    VerificationFailed: DOES_NOT_HOLD,
    InvalidInput: 2,
    NotFound: 3,
    Conflict: 4,
    Refused: 5,
    ChainUnavailable: 6,
    StorageUnavailable: 6,
    ClockWrong: 6,
    Inconsistent: 70,
}


def exit_code_of(error: SteriLedgerError) -> int:
    """The exit code of an error's kind."""
    return next(code for kind, code in EXIT_CODES.items() if isinstance(error, kind))


def report_failure(error: SteriLedgerError, *, as_json: bool) -> int:
    """Say what went wrong on the error stream; returns the exit code."""
    if as_json:
        problem = {
            "type": type(error).__name__,
            "what": error.what,
            "field": error.field,
            "rule": error.rule,
            "remedy": error.remedy,
        }
        print(visible_json(json.dumps(problem, ensure_ascii=False)), file=sys.stderr)
        return exit_code_of(error)
    subject = "" if error.field is None else f"{error.field}: "
    lines = [f"error: {subject}{error.what}"]
    if error.rule is not None:
        lines.append(f"  rule: {error.rule}")
    if error.remedy is not None:
        lines.append(f"  what to do: {error.remedy}")
    for line in lines:
        print(visible(line), file=sys.stderr)
    return exit_code_of(error)
