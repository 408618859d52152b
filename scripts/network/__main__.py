"""A network of four validators, running until it is interrupted.

python -m scripts.network [FOLDER]    homes in FOLDER, build/network unless said
python -m scripts.network --build     builds the node alone
"""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

from scripts.network.building import node_program
from scripts.network.founding import CHAIN_ID
from scripts.network.validators import running_network

_FOLDER = Path(__file__).resolve().parents[2] / "build" / "network"


def main(arguments: list[str]) -> None:
    """Run the network, and say where it is."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with running_network(Path(arguments[0]) if arguments else _FOLDER) as network:
        print(f"Chain {CHAIN_ID}, four validators, blocks that are final at once:")
        for validator in network.validators:
            print(f"  {validator.url}   {validator.home}")
        chosen = ",".join(network.urls)
        print("For every command of a home on it:")
        print(f"  export STERILEDGER_CHAIN_URL={chosen} STERILEDGER_FINALITY=instant")
        print("Ctrl-C ends it; the next start goes on with the same chain, on other ports.")
        sys.stdout.flush()
        while not stop.wait(1.0):
            pass


if __name__ == "__main__":
    if sys.argv[1:] == ["--build"]:
        print(node_program())
    else:
        main(sys.argv[1:])
