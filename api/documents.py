"""The OpenAPI document: which problems each route answers, and how a token is sent."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.problems import MEDIA_TYPE, Problem

#: What every route may answer, whoever asks.
TO_STRANGERS = (400, 408, 413, 414, 415, 421, 429, 431, 500, 503)
#: What every route of the ledger may answer.
EVERYWHERE = (*TO_STRANGERS, 401, 403, 404, 422)
#: What a route that takes a body may answer besides.
WITH_BODY = (*EVERYWHERE, 409)

_SCHEMA = {"$ref": "#/components/schemas/Problem"}
_SECURITY = {"type": "http", "scheme": "bearer", "description": "slt_…, made on the command line"}

Responses = dict[int | str, dict[str, Any]]


def problems_for(*statuses: int) -> Responses:
    """The problems of a route, for its documentation."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": _SCHEMA}},
        }
        for status in sorted(set(statuses))
    }


def document(app: FastAPI) -> dict[str, Any]:
    """The whole document, made once."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
        )
        components = made.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        schemas["Problem"] = Problem.model_json_schema()
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        components["securitySchemes"] = {"token": _SECURITY}
        for path, operations in made["paths"].items():
            if path.startswith("/v1/"):
                for operation in operations.values():
                    operation["security"] = [{"token": []}]
        app.openapi_schema = made
    return app.openapi_schema
