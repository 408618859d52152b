"""Running an instance: up, chain up, and the two processes that up starts."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.launching import API_FILE, become_launcher, stop_on_signals
from ledger.cli.options import DEFAULT_HOME, HomeOption, opened, require_existing, settings_of
from ledger.cli.printing import say
from ledger.domain.errors import SteriLedgerError, StorageUnavailable

if TYPE_CHECKING:
    from ledger.steps.instance import Instance

chain = typer.Typer(no_args_is_help=True, help="The chain alone.")

_UNEXPECTED = 1

PortOption = Annotated[
    int | None, typer.Option("--port", min=0, max=65535, help="0: the system chooses.")
]
HostOption = Annotated[
    str | None, typer.Option("--host", help="Address to listen on; loopback unless you say so.")
]

ChainOption = Annotated[
    str | None,
    typer.Option(
        "--chain",
        help="Nodes of the group's chain, URL[,URL…], the preferred first; the embedded without.",
    ),
]
FinalityOption = Annotated[
    str | None,
    typer.Option("--finality", help="When a block of it is final: instant, finalized or depth:N."),
]


def up(
    port: PortOption = None,
    host: HostOption = None,
    chain: ChainOption = None,
    finality: FinalityOption = None,
    tls_cert: Annotated[
        Path | None, typer.Option(help="PEM file of the certificate and its chain: serve https.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM file of its private key.")] = None,
    *,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Start the chain, the worker, the API and the pages; ends with Ctrl-C.

    All state lies under the home.  The first start makes keys and deploys the contracts.
    """
    os.environ.update(overrides_chain(chain, finality))
    files = {"STERILEDGER_TLS_CERT": tls_cert, "STERILEDGER_TLS_KEY": tls_key}
    os.environ.update({name: str(file) for name, file in files.items() if file is not None})
    settings_of(home)  # what is wrong with them is said before anything starts
    become_launcher(home, environment(host=host, port=port))


@chain.command("up")
def chain_up(
    port: PortOption = None, host: HostOption = None, *, home: HomeOption = DEFAULT_HOME
) -> None:
    """Serve the chain alone, read only: enough to verify evidence; ends with Ctrl-C."""
    import uvicorn  # noqa: F401 - a missing part is said before the chain starts

    from ledger.steps.worker import serve_chain

    require_existing(home)
    stop = stop_on_signals()
    os.environ.update(_overrides("CHAIN", port))
    os.environ.update(_overrides_host(host))
    with _service(home, "chain"), opened(home) as instance:
        serve_chain(instance, stop, ready=lambda url: say(f"Ready: {url}"))


def worker(*, home: HomeOption = DEFAULT_HOME) -> None:
    """Run the chain, the writer and the follower (started by up)."""
    from ledger.running.processes import end_with_parent
    from ledger.steps.worker import run_worker

    end_with_parent()
    stop = stop_on_signals()
    with _service(home, "worker"), _opened_patiently(home, stop) as instance:
        if instance is not None:
            run_worker(instance, stop)


def serve(*, home: HomeOption = DEFAULT_HOME) -> None:
    """Run the API (started by up)."""
    from api.serve import run
    from ledger.running.processes import end_with_parent, write_ready
    from ledger.steps.asking.accounts import first_administrator

    end_with_parent()
    stop = stop_on_signals()
    settings = settings_of(home)
    with _service(home, "serve"), _opened_patiently(home, stop) as instance:
        if instance is None:
            return
        first = first_administrator(instance)
        run(
            instance,
            settings.host,
            settings.api_port,
            lambda url: write_ready(settings.run_folder / API_FILE, {"url": url, "first": first}),
        )


@contextmanager
def _opened_patiently(home: Path, stop: Event) -> Iterator[Instance | None]:
    """As `opened`, once the database's server answers; None when it was told to stop first."""
    from ledger.running.processes import is_child
    from ledger.steps.starting.opening import open_patiently

    def tell(error: StorageUnavailable) -> None:
        if is_child():
            say(json.dumps({"waits": f"{error.what} ({error.remedy})"}))

    instance = open_patiently(settings_of(home), stop, tell)
    if is_child():
        say(json.dumps({}))  # nothing is waited for any more
    try:
        yield instance
    finally:
        if instance is not None:
            instance.close()


@contextmanager
def _service(home: Path, name: str) -> Iterator[None]:
    """A service logs and prints why it ends; whoever started it reads that."""
    import structlog

    from ledger.cli.failing import exit_code_of
    from ledger.running.logs import configure_logs
    from ledger.running.processes import ENDED, is_child

    configure_logs(settings_of(home).log_level, process=name)
    log = structlog.get_logger("process")
    try:
        yield
    except SteriLedgerError as error:
        if not is_child():
            raise
        why = {
            "kind": type(error).__name__,
            "what": error.what,
            "field": error.field,
            "rule": error.rule,
            "remedy": error.remedy,
        }
        log.critical(ENDED, **why)
        say(json.dumps(why))
        raise typer.Exit(exit_code_of(error)) from None
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        log.critical(ENDED, what=what, exc_info=True)
        say(json.dumps({"what": what}))
        raise typer.Exit(_UNEXPECTED) from None


def environment(*, host: str | None = None, port: int | None = None) -> dict[str, str]:
    """The children's environment: ours, with what the command line says."""
    return {**os.environ, **_overrides("API", port), **_overrides_host(host)}


def _overrides(what: str, port: int | None) -> dict[str, str]:
    return {} if port is None else {f"STERILEDGER_{what}_PORT": str(port)}


def overrides_chain(urls: str | None, finality: str | None) -> dict[str, str]:
    """What the command line says of the chain, as settings."""
    said = {"STERILEDGER_CHAIN_URL": urls, "STERILEDGER_FINALITY": finality}
    return {name: value for name, value in said.items() if value is not None}


def _overrides_host(host: str | None) -> dict[str, str]:
    return {} if host is None else {"STERILEDGER_HOST": host}
