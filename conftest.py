"""Loads the suite's own rules; fixtures stand in tests/conftest.py."""

import os
import sys

import eth  # noqa: F401  # raises the recursion limit, as py_ecc does below eth_account
from hypothesis import settings

# Put back, or JSON that nests deeply would crash the test process (ledger/domain/encoding/nesting).
sys.setrecursionlimit(1000)

pytest_plugins = ("tests.socket_guard", "tests.no_skips", "tests.repetition")

# How long an example takes says something about the machine, nothing about the code.
settings.register_profile(
    "steriledger",
    parent=settings.get_profile(settings.get_current_profile_name()),
    deadline=None,
    # Each property is asked with few examples in every run, and with many in `make soak`.
    max_examples=int(os.environ.get("STERILEDGER_PROPERTY_EXAMPLES", "15")),
)
settings.load_profile("steriledger")
