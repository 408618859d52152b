"""What becomes anvil: run as a program of its own, it gives up the network and then is replaced.

`python -I -S anvil_child.py PARENT NAME PROGRAM ARGUMENT…` prints one line, `alone` or `open: why`,
and executes PROGRAM. With a NAME, it first leaves the machine's network for an empty one (Linux
network namespaces, within a user namespace where that is needed): a port that PROGRAM opens is
nobody's, and the socket NAME in this folder is the only way to it. Where that is not allowed,
PROGRAM runs without the socket, and its port is everybody's on this machine.

The kernel kills it when the thread that started it ends: prctl PR_SET_PDEATHSIG, which survives
execve and is set after the namespaces, since a change of rights clears it. Not preexec_fn, which
forks with threads. It imports nothing of ours: it is started for every chain.

Sources: unshare(2), prctl(2), unix(7).
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
from pathlib import Path

_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_SET_DEATH_SIGNAL = 1


def _leave_network(libc: ctypes.CDLL, name: str) -> str | None:
    """Why the machine's network could not be left; None when it is."""
    if not name:
        return "it was not asked to leave it"
    try:
        place = Path(name)
        place.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as tried:
            tried.bind(name)
        place.unlink()
    except OSError as error:
        return f"no socket can stand in the folder run of the home ({error.strerror or error})"
    if libc.unshare(_NEW_USER | _NEW_NETWORK) and libc.unshare(_NEW_NETWORK):
        why = os.strerror(ctypes.get_errno())
        return f"this system gives a process no network of its own ({why})"
    return None


def main() -> None:
    """Become PROGRAM."""
    parent, name, *command = sys.argv[1:]
    libc = ctypes.CDLL(None, use_errno=True)
    problem = _leave_network(libc, name)
    libc.prctl(_SET_DEATH_SIGNAL, int(signal.SIGKILL))
    if os.getppid() != int(parent):
        os._exit(1)
    sys.stdout.write("alone\n" if problem is None else f"open: {problem}\n")
    sys.stdout.flush()
    os.umask(0o077)
    os.execv(command[0], command if problem else [*command, "--ipc", name])  # noqa: S606 - our own


if __name__ == "__main__":
    main()
