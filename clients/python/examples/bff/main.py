"""The backend of two front ends: the login routes in one line, and an API of its own behind the same session."""

import os
from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from pydantic import BaseModel, Field

from gatelodge import v1
from gatelodge.fastapi import Gatelodge, Session

REACT, VUE = os.environ.get("REACT_URL", "http://localhost:5173"), os.environ.get("VUE_URL", "http://localhost:5174")

gatelodge = Gatelodge()
app = FastAPI(title="A backend for front ends")

# /auth/web/login, /auth/web/callback, /auth/me, /auth/web/logout and the others.
app.include_router(gatelodge.router())

# Sessions on the routes below.
app.add_middleware(gatelodge.middleware)

# Which other origins may call them. The last one added stands before all others.
app.add_middleware(
    CORSMiddleware,
    allow_origins=[REACT, VUE],
    allow_credentials=True,
    allow_methods=["GET", "POST"],
    allow_headers=["Content-Type", "X-CSRF-Token"],
    expose_headers=["X-CSRF-Token"],
)

Signed = Annotated[Session, Depends(gatelodge.session)]


class Provider(BaseModel):
    """A way to log in."""

    name: str
    display_name: str


class Note(BaseModel):
    """Something that a user keeps here."""

    text: str = Field(min_length=1, max_length=200)


notes: dict[str, list[Note]] = {}


@app.get("/api/providers")
async def providers() -> list[Provider]:
    """The login buttons."""
    known = await gatelodge.edge.gate.client.login.list_providers(v1.LoginServiceListProvidersRequest())
    return [Provider(name=one.name, display_name=one.display_name) for one in known.providers]


@app.get("/api/notes")
async def read_notes(session: Signed) -> list[Note]:
    return notes.get(session.user_id, [])


@app.post("/api/notes", status_code=201)
async def add_note(note: Note, session: Signed) -> Note:
    """An unsafe method: without the CSRF token it is 403 before this runs."""
    notes.setdefault(session.user_id, []).append(note)
    return note
