"""Instance → a process that listens, until it is told to stop."""

from __future__ import annotations

import contextlib
import gc
import signal
import socket
import threading
from collections.abc import Callable, Iterator

import uvicorn

from api.app import create_app
from api.pages.rendering import prepare
from ledger.domain.errors import Conflict, InvalidInput
from ledger.doors.connections import configuration
from ledger.steps.instance import Instance

#: Connections at once; then whoever comes is let in for one that showed no token.
MAX_CONCURRENT = 256
KEEP_ALIVE_SECONDS = 15
#: How long requests under way may take to finish after the word to stop.
STOP_SECONDS = 20
_BACKLOG = 128


def run(instance: Instance, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; `ready` gets the address once requests are taken.

    Port 0 lets the system choose.  Raises Conflict when the address cannot be had.
    """
    config = _config(instance)
    scheme = "https" if config.is_ssl else "http"
    with _listening(host, port) as listener:
        number = listener.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        server = _Server(config, lambda: ready(f"{scheme}://{shown}:{number}"))
        server.run(sockets=[listener])


class _Server(uvicorn.Server):
    """Says when it takes requests, and returns when it is told to stop."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets=sockets)
        # What is loaded by now stays: Python need not look through it for garbage, which takes
        # a fifth of a second and keeps every caller waiting.
        gc.freeze()
        if self.started:
            self._ready()
            threading.Thread(target=prepare, name="pages", daemon=True).start()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on a signal and return; the framework's own would raise it once more at the end."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {
            number: signal.signal(number, self.handle_exit)
            for number in (signal.SIGTERM, signal.SIGINT)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _config(instance: Instance) -> uvicorn.Config:
    """Raises InvalidInput for a certificate or key that is none."""
    settings = instance.settings
    config = configuration(
        create_app(instance),
        most=MAX_CONCURRENT,
        backlog=_BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
    )
    try:
        config.load()
    except OSError as error:
        raise InvalidInput(
            f"cannot be used: {error.strerror or error}",
            field="tls_cert",
            rule="a certificate with its chain, and the key that belongs to it, each a PEM file",
        ) from error
    return config


@contextlib.contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise Conflict(
                f"cannot listen on {host} port {port}: {error.strerror}",
                field="api_port",
                remedy="choose another port, or 0 to let the system choose",
            ) from error
        listener.listen(_BACKLOG)
        yield listener
