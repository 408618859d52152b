"""What only repeats is left to `make soak`; each promise is asked in every run.

A parametrised test in one of these files holds one promise for many kinds, points or values; and
elsewhere what runs on both databases is asked of PostgreSQL for a third.  Which third follows from
the cases' names, so that it is the same everywhere.  `STERILEDGER_EVERY_CASE=1` asks all.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable

import pytest

#: path → of how many cases one is asked
_ONE_OF = {
    "tests/chain/test_calldata.py": 3,
    "tests/contracts/test_custody_table.py": 2,
    "tests/domain/test_events.py": 3,
    "tests/domain/test_operations.py": 3,
    "tests/faults/test_crash_points.py": 3,
    "tests/faults/test_torn_journal.py": 3,
    "tests/faults_chain/test_killed_rebuild.py": 3,
    "tests/security/test_contract_forgeries.py": 3,
    "tests/steps/test_audit.py": 3,
    "tests/steps/test_placing_and_contracts.py": 5,
    "tests/tampering/": 3,
}
#: where a database's own behaviour is what is tested
_OF_DATABASES = ("tests/storage/", "tests/faults/")
#: so few cases are all asked
_FEW = 3


def _repeated(items: Iterable[pytest.Item]) -> set[pytest.Item]:
    cases: defaultdict[tuple[str, bool], list[pytest.Item]] = defaultdict(list)
    for item in items:
        name, _, case = item.nodeid.partition("[")
        is_postgresql = "postgresql" in case and not name.startswith(_OF_DATABASES)
        if is_postgresql:
            # all tests of a file together, since each has only one or two such cases
            cases[name.split("::")[0], True].append(item)
        elif case:
            cases[name, False].append(item)
    left: set[pytest.Item] = set()
    for (name, is_postgresql), same in cases.items():
        ordered = sorted(same, key=lambda item: item.nodeid)
        one_of = next((n for path, n in _ONE_OF.items() if name.startswith(path)), 1)
        if is_postgresql:
            left.update(item for at, item in enumerate(ordered) if at % 3)
        elif len(ordered) > _FEW:
            left.update(item for at, item in enumerate(ordered) if at % one_of)
    return left


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what repeats, unless all is asked for or cases are named."""
    named = any("::" in each for each in config.args) or config.getoption("keyword")
    if os.environ.get("STERILEDGER_EVERY_CASE") or named:
        return
    left = _repeated(items)
    config.hook.pytest_deselected(items=list(left))
    items[:] = [item for item in items if item not in left]
