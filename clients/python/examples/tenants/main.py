"""An application of many tenants: the session API, a route of its own behind it, and a small front end."""

from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from fastapi.responses import FileResponse

from gatelodge import API, WEB
from gatelodge.fastapi import Gatelodge, Session

PAGE = Path(__file__).parent / "page"

# Under /v1 the session API; of `web` it takes /auth/me and the logout.
gatelodge = Gatelodge(route_sets=[WEB, API])
app = FastAPI(title="A multi-tenant application")
gatelodge.install(app)

ORDERS = {"acme": ["anvils", "rockets"], "globex": ["a hammock district"]}


@app.get("/orders")
async def orders(session: Annotated[Session, Depends(gatelodge.session)]) -> dict[str, Any]:
    """What the user's own tenant has ordered: the session says which that is, and no header."""
    tenant = session.identity.tenant
    return {"tenant": tenant, "orders": ORDERS.get(tenant, [])}


@app.get("/", include_in_schema=False)
@app.get("/signed-in", include_in_schema=False)
async def page() -> FileResponse:
    """The front end: where it begins, and where a login comes back to."""
    return FileResponse(PAGE / "index.html")


@app.get("/page.js", include_in_schema=False)
async def script() -> FileResponse:
    return FileResponse(PAGE / "page.js")
