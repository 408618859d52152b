"""Whether the program answers and can take requests: the only routes without a token."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from api.access import StrangerRoute, instance_of
from api.answers import Health, give
from api.documents import TO_STRANGERS, problems_for
from ledger.domain.errors import SteriLedgerError, StorageUnavailable
from ledger.steps.answering.readiness import require_ready
from ledger.steps.instance import Instance

router = APIRouter(prefix="/health", tags=["health"], route_class=StrangerRoute)


@router.get("/live", response_model=Health, responses=problems_for(*TO_STRANGERS))
def live() -> Response:
    """Whether the program answers at all."""
    return give(Health(status="live"))


@router.get("/ready", response_model=Health, responses=problems_for(*TO_STRANGERS))
def ready(instance: Annotated[Instance, Depends(instance_of)]) -> Response:
    """Whether the database answers and has this version's schema."""
    try:
        require_ready(instance)
    except SteriLedgerError:
        # Whoever asks has no token: not even why is theirs to know.
        raise StorageUnavailable("not ready", remedy="look into the log") from None
    return give(Health(status="ready"))
