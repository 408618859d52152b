"""Instance → the application that answers over HTTP."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from api import documents, problems
from api.access import Doorkeeper
from api.guard import Guard
from api.pages.registry import add_pages
from api.routes import (
    custody,
    cycles,
    directory,
    document,
    evidence,
    findings,
    health,
    labels,
    metrics,
    operations,
    packages,
    photos,
    readings,
    statements,
)
from api.routes import instance as instance_routes
from ledger.domain.errors import SteriLedgerError
from ledger.running.metrics import Metrics
from ledger.steps.asking.provider import find_provider
from ledger.steps.instance import Instance

_DESCRIPTION = """\
A ledger for a shared sterile supply centre.  Every call but health needs a token, which belongs to
one person at one unit.  Errors are problem details (RFC 9457).  docs/api.md tells the rest."""


class LedgerApp(FastAPI):
    """The framework's application with our own document, and without pages from elsewhere."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        return documents.document(self)


def create_app(instance: Instance) -> FastAPI:
    """The application of one instance; it owns nothing that has to be closed."""
    app = LedgerApp(
        title="SteriLedger",
        version="1",
        description=_DESCRIPTION,
        # Ours counts who asks for it.
        openapi_url=None,
        # Both load a script from another host.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.instance = instance
    # what is wrong with its secret is said at the start, not to the first who signs in
    find_provider(instance)
    app.state.doorkeeper = Doorkeeper(instance)
    app.state.metrics = Metrics(instance)
    # Addresses are looked for in this order: the busiest first.
    for module in (
        operations,
        document,
        health,
        metrics,
        packages,
        labels,
        readings,
        photos,
        custody,
        cycles,
        evidence,
        findings,
        statements,
        directory,
        instance_routes,
    ):
        app.include_router(module.router)
    add_pages(app, instance)
    app.add_exception_handler(SteriLedgerError, problems.on_ledger_error)
    app.add_exception_handler(RequestValidationError, problems.on_validation_error)
    app.add_exception_handler(HTTPException, problems.on_http_error)
    app.add_middleware(
        Guard, allowed_hosts=instance.settings.allowed_hosts, is_played=instance.is_played
    )
    app.add_middleware(metrics.Timed, metrics=app.state.metrics)
    return app
