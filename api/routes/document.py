"""The description of this API that programs read; it says nothing of what the ledger holds."""

from __future__ import annotations

import json

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.access import StrangerRoute

router = APIRouter(route_class=StrangerRoute, include_in_schema=False)


@router.get("/openapi.json")
def read_document(request: Request) -> Response:
    """The OpenAPI document."""
    body = json.dumps(request.app.openapi(), ensure_ascii=False).encode("utf-8")
    return Response(content=body, media_type="application/json")
