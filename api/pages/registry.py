"""All screens, in the order in which addresses are looked for and the menu has them."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.guard import OWN_HEADERS
from api.pages import (
    acting,
    answers,
    assembly,
    bench,
    boxes,
    catalogues,
    custody,
    cycles,
    directory,
    inbox,
    incidents,
    labels,
    offices,
    offline,
    opening,
    paper_log,
    people,
    photos,
    providing,
    recalls,
    returns,
    signing,
    signing_in,
    statements,
    terms,
    using,
)
from api.pages.rendering import ASSET_HEADERS, PAGE_HEADERS, STATIC, assets
from api.pages.screens import Pages, Screen
from ledger.steps.instance import Instance

SCREENS: tuple[Screen, ...] = tuple(
    screen
    for module in (
        assembly,
        bench,
        opening,
        cycles,
        boxes,
        returns,
        using,
        paper_log,
        labels,
        recalls,
        custody,
        offices,
        inbox,
        answers,
        incidents,
        statements,
        directory,
        terms,
        catalogues,
        people,
        photos,
        acting,
        signing,
        signing_in,
        offline,
        providing,
    )
    for screen in module.SCREENS
)


async def static(request: Request) -> Response:
    """A file that pages load; it may be kept, since its address changes with its content."""
    found = assets().get(request.path_params["name"])
    if found is None:
        raise HTTPException(404)
    request.scope["state"][OWN_HEADERS] = ASSET_HEADERS
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(found.content, media_type=found.media)
    packed = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return Response(found.packed, media_type=found.media, headers=packed)


async def service_worker(request: Request) -> Response:
    """What answers on a device while we do not; it lies above all the pages that it speaks for."""
    request.scope["state"][OWN_HEADERS] = PAGE_HEADERS
    return Response((STATIC / "sw.js").read_bytes(), media_type="text/javascript; charset=utf-8")


def add_pages(app: FastAPI, instance: Instance) -> None:
    """Serve the screens of an instance beside its API."""
    pages = Pages(instance=instance, screens=SCREENS)
    app.router.routes.extend(pages.routes())
    app.state.missing_page = pages.missing
    app.state.refused_page = pages.refused
    app.router.routes.append(Route("/sw.js", service_worker, include_in_schema=False))
    app.router.routes.append(Route("/static/{name:path}", static, include_in_schema=False))
