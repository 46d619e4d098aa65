"""The web application: GET and HEAD, with precomputed answers."""

import asyncio
import json
import logging
import re
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from importlib.metadata import version
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from waterbed.model.errors import WaterbedError
from waterbed.publish.api.answers import MOST, PAGE, Answers, Body, Leaf, SerializedTable, body, links
from waterbed.publish.api.guard import Access, DoorGate, Gate, Key, Rates
from waterbed.publish.api.openapi import STYLE, document, reference
from waterbed.publish.api.problems import problem
from waterbed.publish.api.server import Guard
from waterbed.publish.api.source import EVERY_S, Current, Described, Source
from waterbed.shown.layout import POLICY, media_of
from waterbed.study.condition import CONTENT_TYPE

log = logging.getLogger(__name__)
_AGAIN_S: Final = "10"
"""After how many seconds to ask again while the first answers are made."""
_BEING_MADE: Final = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>The first edition is being made</title>
<h1>The first edition is being made</h1>
<p>This server has just started and is working out what it will publish. Load this page again in a while.</p>
</html>
"""
METRICS: Final = "/metrics"
_FARTHEST: Final = 1_000_000_000
_LEAST_PACKED: Final = 1_000
"""Shorter answers are not compressed, bytes."""
_LONG: Final = 100_000
"""Longer ones are compressed in a thread of their own, bytes."""
_PACKED_ALREADY: Final = {media_of(".parquet")}
_TELL: Final = "Published tables of one study, read-only. No answer holds a reported URL or its host name."


def _digits(given: object) -> object:
    """What stands for a number, if digits alone spell it."""
    if isinstance(given, str) and not re.fullmatch("[0-9]+", given):
        raise ValueError("digits were expected")
    return given


class Wanted(BaseModel):
    """Query parameters that select rows of a table."""

    model_config = ConfigDict(extra="forbid")

    offset: Annotated[int, Field(ge=0, le=_FARTHEST, description="rows to pass over"), BeforeValidator(_digits)] = 0
    limit: Annotated[int, Field(ge=1, le=MOST, description="most rows of the page"), BeforeValidator(_digits)] = PAGE
    key: Annotated[
        str | None,
        Field(min_length=1, max_length=200, description="only rows about this: an AS, hoster, country or keyed id"),
    ] = None


def api(
    source: Source,
    access: Access,
    *,
    every_s: float = EVERY_S,
    failed: Callable[[BaseException], None] = lambda _: None,
    figures: Callable[[], bytes] | None = None,
    own: bool = False,
) -> FastAPI:
    """Build the application for one study.

    It reads the source when it starts, and every `every_s` seconds if facts have changed. Until it was read once, each
    answer says so (503); if that cannot be done, `failed` is told why. `figures` are the text of /metrics, for keys of
    that scope, or for all if only this machine can ask (`own`).
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(current.keep_fresh(every_s))
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    app = FastAPI(
        title="Waterbed",
        version=version("waterbed"),
        description=_TELL,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    current = Current(source, lambda answers: _described(app, answers, free=access.open), failed)
    rates = Rates(access)
    kept = f"max-age={every_s:.0f}"
    app.include_router(_plain(current, kept))
    app.include_router(_tables(current, Gate(access, rates, "aggregates"), kept))
    app.include_router(_cases(current, Gate(access, rates, "cases")))
    if figures:
        app.include_router(_metrics(figures, Gate(access, rates, "metrics", own=own)))
    doors = DoorGate(access, rates, "aggregates"), DoorGate(access, rates, "cases")
    app.include_router(_files(current, *doors, kept))
    for kind in (StarletteHTTPException, RequestValidationError):
        app.add_exception_handler(kind, _refused)
    app.add_middleware(FirstMade, current=current)
    app.add_middleware(Guard)
    current.require_study()
    return app


class FirstMade:
    """Answers 503 until there are answers.

    A problem for tools, a page for people.
    """

    def __init__(self, app: ASGIApp, current: Current) -> None:
        """Wrap an application."""
        self._app, self._current = app, current

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or self._current.made or scope["path"] == METRICS:
            await self._app(scope, receive, send)
            return
        headers = {"Retry-After": _AGAIN_S, "Cache-Control": "no-store"}
        if scope["path"].startswith(("/v1", "/health", "/openapi.json")):
            await problem(503, headers)(scope, receive, send)
        else:
            await HTMLResponse(_BEING_MADE, 503, headers)(scope, receive, send)


def _plain(current: Current, kept: str) -> APIRouter:
    """Routes that need no key: health and the description."""
    router = APIRouter(tags=["about"])

    @router.get("/health", summary="Whether answers are of the facts as they are", response_class=JSONResponse)
    async def health(request: Request) -> Response:
        health = {
            "status": "stale" if current.stale else "ok",
            "made_at": current.answers.made_at.isoformat(),
        }
        return await answer(request, body(json.dumps(health).encode()), "no-cache")

    @router.get("/openapi.json", summary="This description, for tools", response_class=JSONResponse)
    async def openapi(request: Request) -> Response:
        return await answer(request, current.described.document, f"public, {kept}")

    @router.get("/docs", summary="This description, for people", response_class=HTMLResponse)
    async def docs(request: Request) -> Response:
        more = {"Content-Security-Policy": _PAGE_POLICY}
        return await answer(request, current.described.page, f"public, {kept}", more, media="text/html; charset=utf-8")

    return router


def _metrics(figures: Callable[[], bytes], gate: Gate) -> APIRouter:
    """The route of what an operator watches, for Prometheus: also while the first answers are made."""
    router = APIRouter(include_in_schema=False)

    @router.get(METRICS, dependencies=[Depends(gate)])
    async def metrics(request: Request) -> Response:
        _refuse_query(request)
        try:
            text = await asyncio.to_thread(figures)
        except WaterbedError as failure:
            log.error("the study cannot be measured: %s", type(failure).__name__)
            raise HTTPException(500) from None
        return Response(text, headers={"Cache-Control": "no-store", "Content-Type": CONTENT_TYPE})

    return router


def _tables(current: Current, gate: Gate, kept: str) -> APIRouter:
    """Routes of aggregate tables."""
    router = APIRouter(prefix="/v1", tags=["aggregates"], default_response_class=JSONResponse)
    caller = Depends(gate)

    @router.get("", summary="What there is")
    async def overview(request: Request, who: Key | None = caller) -> Response:
        _refuse_query(request)
        return await answer(request, current.answers.overview, _cache(who, kept))

    @router.get("/tables", summary="The tables")
    async def tables(request: Request, who: Key | None = caller) -> Response:
        _refuse_query(request)
        return await answer(request, current.answers.table_list, _cache(who, kept))

    @router.get("/tables/{name}", summary="A page of a table")
    async def table(
        request: Request, name: str, wanted: Annotated[Wanted, Query()], who: Key | None = caller
    ) -> Response:
        return await paged(request, _one(current.answers.tables, name), wanted, _cache(who, kept))

    @router.get("/rankings/{by}", summary="A page of a ranking")
    async def ranking(
        request: Request, by: str, wanted: Annotated[Wanted, Query()], who: Key | None = caller
    ) -> Response:
        return await paged(request, _one(current.answers.rankings, by), wanted, _cache(who, kept))

    @router.get("/rankings/{by}/{key}", summary="One row of a ranking")
    async def ranked(request: Request, by: str, key: str, who: Key | None = caller) -> Response:
        row = _one(current.answers.rankings, by).row(key)
        if row is None:
            raise HTTPException(404)
        _refuse_query(request)
        return await answer(request, row, _cache(who, kept))

    return router


def _cases(current: Current, gate: Gate) -> APIRouter:
    """Routes of single episodes and hops.

    No cache may store them, because a case can be forgotten.
    """
    router = APIRouter(prefix="/v1/cases", tags=["cases"], default_response_class=JSONResponse)
    gated = [Depends(gate)]

    @router.get("", summary="The tables of single cases", dependencies=gated)
    async def cases(request: Request) -> Response:
        _refuse_query(request)
        return await answer(request, current.answers.case_list, "private, no-cache")

    @router.get("/{name}", summary="A page of cases", dependencies=gated)
    async def case(request: Request, name: str, wanted: Annotated[Wanted, Query()]) -> Response:
        return await paged(request, _one(current.answers.cases, name), wanted, "private, no-cache")

    return router


def _files(current: Current, gate: DoorGate, cases: DoorGate, kept: str) -> APIRouter:
    """Routes of all files that `publish` writes, at their paths.

    Assets hold no data of the study and need no key; files of single cases need the scope of cases. This router comes
    last, because it takes any path.
    """
    router = APIRouter(include_in_schema=False)

    @router.get("/assets/{name}")
    async def asset(request: Request, name: str) -> Response:
        return await _leaf(request, current.answers.pages, f"assets/{name}", f"public, {kept}")

    @router.get("/{path:path}")
    async def file(request: Request, path: str) -> Response:
        pages = current.answers.pages
        if path in pages and pages[path].cases:
            await cases(request)
            return await _leaf(request, pages, path, "private, no-cache")
        return await _leaf(request, pages, path, _cache(await gate(request), kept))

    return router


async def _leaf(request: Request, pages: Mapping[str, Leaf], path: str, cache: str) -> Response:
    if path not in pages:
        raise HTTPException(404)
    leaf = pages[path]
    more = {"Content-Security-Policy": f"{POLICY.format(files='')}; frame-ancestors 'none'"}
    return await answer(request, leaf.body, cache, more, media=leaf.media)


async def paged(request: Request, table: SerializedTable, wanted: Wanted, cache: str) -> Response:
    """Answer with a page of a table and its links.

    The links are relative to the page (RFC 8288). Of a parameter given twice, which one is meant is in doubt (422).
    """
    given = [name for name, _ in request.query_params.multi_items()]
    if len(set(given)) < len(given):
        raise HTTPException(422)
    page = table.page(wanted.offset, wanted.limit, wanted.key)
    key = {"key": wanted.key} if wanted.key is not None else {}
    relations = ", ".join(
        f'<?{urlencode({"offset": at.offset, "limit": at.limit, **key})}>; rel="{name}"'
        for name, at in links(page.portion)
    )
    return await answer(request, page.body, cache, {"Link": relations} if relations else {})


async def answer(
    request: Request,
    stored: Body,
    cache: str,
    more: Mapping[str, str] | None = None,
    *,
    media: str = "application/json",
) -> Response:
    """Send a precomputed answer, or 304 if unchanged.

    RFC 9110, 13.1.2. It is compressed for clients that take gzip, under an entity tag of its own (8.8.3.3). No answer
    holds both a secret and text of the request, so its length gives nothing away.
    """
    long_enough = len(stored.content) >= _LEAST_PACKED and media not in _PACKED_ALREADY
    packed = long_enough and takes_gzip(request.headers.getlist("accept-encoding"))
    etag = f'{stored.etag[:-1]}-gzip"' if packed else stored.etag
    headers = {"ETag": etag, "Cache-Control": cache, "Vary": "Authorization, Accept-Encoding", **(more or {})}
    known = {one.strip().removeprefix("W/") for one in ",".join(request.headers.getlist("if-none-match")).split(",")}
    if etag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    if not packed:
        return Response(stored.content, headers=headers, media_type=media)
    in_thread = len(stored.content) > _LONG and "gzipped" not in vars(stored)
    content = await asyncio.to_thread(lambda: stored.gzipped) if in_thread else stored.gzipped
    return Response(content, headers={**headers, "Content-Encoding": "gzip"}, media_type=media)


def takes_gzip(accepted: Sequence[str]) -> bool:
    """True if Accept-Encoding allows gzip.

    Its weight must be above zero (RFC 9110, 12.5.3).
    """
    weights = {}
    for one in ",".join(accepted).lower().split(","):
        coding, _, weight = one.partition(";")
        weights[coding.strip()] = not re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", weight)
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", False)))


def _refuse_query(request: Request) -> None:
    """HTTP 422 for any parameter, where none is known."""
    if request.url.query:
        raise HTTPException(422)


def _one(tables: Mapping[str, SerializedTable], name: str) -> SerializedTable:
    if name not in tables:
        raise HTTPException(404)
    return tables[name]


def _cache(who: Key | None, kept: str) -> str:
    return f"private, {kept}" if who else f"public, {kept}"


def _described(app: FastAPI, answers: Answers, *, free: bool) -> Described:
    text = document(app, answers, free=free)
    whole: dict[str, Any] = json.loads(text)
    return Described(document=body(text.encode()), page=body(reference(whole).encode()))


_PAGE_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


async def _refused(_: Request, failure: Exception) -> Response:
    """Answer an HTTP error of a route or the router."""
    if isinstance(failure, StarletteHTTPException):
        return problem(failure.status_code, failure.headers)
    return problem(422 if isinstance(failure, RequestValidationError) else 500)
