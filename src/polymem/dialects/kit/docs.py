"""Documentation pages that need no network."""

from pathlib import Path

import fastapi_offline
from fastapi import FastAPI
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

_DOCS_ASSETS = "/docs/assets"
# Keeps the pages' own scripts from fetching anything from elsewhere (a logo, fonts, a validator's badge).
_DOCS_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; worker-src 'self' blob:"
)


def install_docs(api: FastAPI) -> None:
    """Serve /docs (Swagger UI) and /redoc from the scripts inside the installed fastapi-offline package."""
    static = Path(fastapi_offline.__file__).parent / "static"
    api.mount(_DOCS_ASSETS, StaticFiles(directory=static), name="docs-assets")

    @api.get("/docs", include_in_schema=False)
    async def swagger(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "")
        return _docs_page(
            get_swagger_ui_html(
                openapi_url=f"{root}{api.openapi_url}",
                title=api.title,
                swagger_js_url=f"{root}{_DOCS_ASSETS}/swagger-ui-bundle.js",
                swagger_css_url=f"{root}{_DOCS_ASSETS}/swagger-ui.css",
                swagger_favicon_url=f"{root}{_DOCS_ASSETS}/favicon.png",
            )
        )

    @api.get("/redoc", include_in_schema=False)
    async def redoc(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "")
        return _docs_page(
            get_redoc_html(
                openapi_url=f"{root}{api.openapi_url}",
                title=api.title,
                redoc_js_url=f"{root}{_DOCS_ASSETS}/redoc.standalone.js",
                redoc_favicon_url=f"{root}{_DOCS_ASSETS}/favicon.png",
                with_google_fonts=False,
            )
        )


def _docs_page(page: HTMLResponse) -> HTMLResponse:
    page.headers["content-security-policy"] = _DOCS_POLICY
    return page
