"""`python -m ledger` is `steriledger`."""

from ledger.cli import main

main()
