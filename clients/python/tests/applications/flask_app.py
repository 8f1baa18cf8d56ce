"""The small application in Flask."""

from __future__ import annotations

import os
from datetime import timedelta

from flask import Flask

from gatelodge.flask import Gatelodge
from tests.applications.strict import SESSION_NEEDS, STRICT, TOKEN_NEEDS

app = Flask(__name__)
gatelodge = Gatelodge(app, mount_prefix=os.environ.get("MOUNT_PREFIX", ""))
start = gatelodge.start


@app.get("/open")
def open_() -> str:
    return "open"


@app.route("/private", methods=["GET", "POST"])
@gatelodge.session_required
def private() -> dict[str, str]:
    return {"user_id": gatelodge.session.user_id}


# Flask knows a rule for WebSockets apart from all others, as its extensions for them add it.
app.add_url_rule("/private", "private_by_websocket", private, websocket=True)


@app.route("/any", methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@gatelodge.session_required
def any_() -> dict[str, str | None]:
    return _whoever()


@app.get("/scoped")
@gatelodge.require(scopes=["admin"])
def scoped() -> dict[str, str]:
    return {"user_id": gatelodge.session.user_id}


@app.route("/both", methods=["GET", "OPTIONS"])
@gatelodge.session_required
@gatelodge.token_required
def both() -> dict[str, str]:
    return {"user_id": gatelodge.session.user_id}


@app.route("/twice", methods=["GET", "OPTIONS"])
@gatelodge.session_required
@gatelodge.require(scopes=["admin"])
def twice() -> dict[str, str]:
    return {"user_id": gatelodge.session.user_id}


@app.get("/fresh")
@gatelodge.require(max_login_age=timedelta(seconds=1))
def fresh() -> dict[str, str]:
    return {"user_id": gatelodge.session.user_id}


def needing() -> dict[str, str]:
    return {"user_id": gatelodge.session.user_id}


def api_needing() -> dict[str, str | None]:
    return {"user_id": gatelodge.token.user_id}


for at, needs in SESSION_NEEDS.items():
    app.add_url_rule(at, at, gatelodge.require(**needs)(needing))
for at, token_needs in TOKEN_NEEDS.items():
    app.add_url_rule(at, at, gatelodge.require_token(**token_needs)(api_needing))


@app.get("/strict")
@gatelodge.require(**STRICT)
def strict() -> dict[str, str]:
    return {"user_id": gatelodge.session.user_id}


@app.get("/optional")
@gatelodge.session_optional
def optional() -> dict[str, str | None]:
    return _whoever()


def _whoever() -> dict[str, str | None]:
    session = gatelodge.optional_session
    return {"user_id": session.user_id if session else None}


@app.route("/api", methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@gatelodge.token_required
def api() -> dict[str, str | None]:
    return {"user_id": gatelodge.token.user_id}


@app.get("/api/scoped")
@gatelodge.require_token(scopes=["admin"])
def api_scoped() -> dict[str, str | None]:
    return {"user_id": gatelodge.token.user_id}


@app.get("/api/admin")
@gatelodge.require_token(scopes=["admin"], permissions=["write"])
def api_admin() -> dict[str, str | None]:
    return {"user_id": gatelodge.token.user_id}


@app.get("/api/strict")
@gatelodge.require_token(**STRICT)
def api_strict() -> dict[str, str | None]:
    return {"user_id": gatelodge.token.user_id}
