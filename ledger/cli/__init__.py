"""The command line: parses, calls one step, prints."""

from __future__ import annotations

import sys

from ledger.domain.errors import SteriLedgerError


def main() -> None:
    """Run the command line; every error that we raise on purpose ends in words and an exit code."""
    from ledger.cli.app import app
    from ledger.cli.failing import report_failure

    try:
        app()
    except SteriLedgerError as error:
        sys.exit(report_failure(error, as_json="--json" in sys.argv))
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
