"""What importing web3 must not do to the process; each test in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

SIGN_AND_ASK = """
import sys
from ledger.chain.node import Node
from ledger.chain.transactions import Envelope, Price, Relayer
from ledger.chain.transport import Limits
from ledger.domain.errors import ChainUnavailable
relayer = Relayer(private_key=b"\\x01" * 32)
price = Price(max_fee=1, priority_fee=0)
relayer.sign(Envelope(chain_id=1, nonce=0, to=None, data=b"", gas=21000, price=price))
try:
    Node("http://127.0.0.1:9", limits=Limits(attempts=1)).chain_id()
except ChainUnavailable:
    print("py_ecc" in sys.modules, "web3" in sys.modules, sys.getrecursionlimit())
"""

ASKING_NOTHING = """
import sys
import ledger.chain.embedded, ledger.chain.gateway, ledger.chain.node, ledger.chain.transactions
ledger.chain.node.Node("http://127.0.0.1:9").close()
print({"web3", "eth_account", "py_ecc"} & set(sys.modules))
"""


def printed(program: str) -> str:
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return run.stdout.strip()


def test_signing_and_asking_leave_the_recursion_limit_alone() -> None:
    assert printed(SIGN_AND_ASK) == "True True 1000"


def test_a_limit_that_the_program_chose_is_kept() -> None:
    program = "import sys; sys.setrecursionlimit(777); import ledger.chain.web3_library"
    assert printed(f"{program}; print(sys.getrecursionlimit())") == "777"


def test_web3_is_not_imported_before_the_first_question() -> None:
    assert printed(ASKING_NOTHING) == "set()"
