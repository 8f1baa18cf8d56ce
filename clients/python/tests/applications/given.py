"""What ``clients/scenarios.schema.json`` calls "given", made so at a fake authority."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from gatelodge import v1
from gatelodge.testing import FakeAuthority, Visitor

if TYPE_CHECKING:
    from collections.abc import Mapping

_FIELDS = {"cookie": "credential", "renewed_cookie": "renewed_credential"}


class Given:
    """A fake authority in which a scenario's sessions are, by their cookies."""

    def __init__(self, given: Mapping[str, Any], authority: FakeAuthority | None = None) -> None:
        self.authority = authority or as_in_scenarios()
        self._visitors = dict[str, Visitor]()
        self._sessions = {session["cookie"]: session for session in given["sessions"]}
        self._tokens = {token["token"]: token for token in given.get("tokens", ())}
        for session in self._sessions.values():
            self._sign_in(session)
        for token in self._tokens.values():
            self._issue(token)
        self._be(given["authority"])

    def change(self, given: Mapping[str, Any]) -> None:
        """What a step of a scenario changes."""
        if "authority" in given:
            self._be(given["authority"])
        for cookie, state in given.get("states", {}).items():
            self._sign_in({**self._sessions[cookie], "state": state})
        for token, state in given.get("token_states", {}).items():
            self._issue({**self._tokens[token], "state": state})

    def _sign_in(self, session: Mapping[str, Any]) -> None:
        """Whoever is in another state now has a session of the same cookie, which is in that state."""
        fields = {_FIELDS.get(name, name): value for name, value in session.items()}
        state = fields.pop("state", "active")
        fields["login_age"] = timedelta(seconds=fields.pop("login_age_seconds", 0))
        former = self._visitors.get(session["cookie"])
        if former is not None:
            self.authority.end(former)
        visitor = self._visitors[session["cookie"]] = self.authority.sign_in(**{"provider": "fake", **fields})
        if state != "active":
            self.authority.end(visitor, v1.InactiveReason.Value(f"INACTIVE_REASON_{state.upper()}"))

    def _issue(self, token: Mapping[str, Any]) -> None:
        fields = {"user_id": "", **token}
        state = fields.pop("state", "active")
        fields["login_age"] = timedelta(seconds=fields.pop("login_age_seconds", 0))
        issued = self.authority.issue_token(**fields)
        if state != "active":
            {"expired": self.authority.expire_token, "withdrawn": self.authority.withdraw_token}[state](issued)

    def _be(self, state: str) -> None:
        {"up": self.authority.recover, "away": self.authority.away, "slow": self.authority.slow}[state]()


def as_in_scenarios() -> FakeAuthority:
    """A fake with the settings that all scenarios have."""
    return FakeAuthority(public_base_url="http://localhost:8000", allowed_origins=["http://localhost:5173"])
