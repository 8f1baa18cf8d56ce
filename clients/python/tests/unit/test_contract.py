"""The package against the contract's own descriptors: what is new there can't be forgotten here."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gatelodge import AsyncClient, Client, ClientOptions, _methods, v1
from gatelodge._methods import Method, StreamMethod
from gatelodge.v1 import admin_pb2, login_pb2, session_pb2, token_pb2

if TYPE_CHECKING:
    from google.protobuf.descriptor import MethodDescriptor

PROTO = Path(__file__).parents[4] / "proto"
TABLE: dict[str, Method[Any, Any] | StreamMethod[Any, Any]] = {
    value.path: value for value in vars(_methods).values() if isinstance(value, Method | StreamMethod)
}
RPCS = [
    method
    for file in (login_pb2, session_pb2, token_pb2, admin_pb2)
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]
CALLS = {"LoginService": "login", "SessionService": "sessions", "TokenService": "tokens", "AdminService": "admin"}


@pytest.mark.parametrize("rpc", RPCS, ids=lambda rpc: rpc.full_name)
def test_every_rpc_has_its_row_and_its_call_in_both_clients(rpc: MethodDescriptor) -> None:
    row = TABLE[f"/{rpc.containing_service.full_name}/{rpc.name}"]
    assert row.question.DESCRIPTOR is rpc.input_type
    assert row.answer.DESCRIPTOR is rpc.output_type
    assert isinstance(row, StreamMethod) is rpc.server_streaming
    assert getattr(row, "asks_many", False) is rpc.client_streaming
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", rpc.name).lower()
    calls = CALLS[rpc.containing_service.name]
    options = ClientOptions("http://127.0.0.1:1", "k")
    assert callable(getattr(getattr(Client(options), calls), name))
    asynchronous = getattr(getattr(AsyncClient(options), calls), name)
    assert inspect.iscoroutinefunction(asynchronous) is not rpc.server_streaming


@pytest.mark.parametrize("rpc", RPCS, ids=lambda rpc: rpc.full_name)
def test_only_what_the_contract_calls_safe_is_repeated(rpc: MethodDescriptor) -> None:
    row = TABLE[f"/{rpc.containing_service.full_name}/{rpc.name}"]
    text = (PROTO / rpc.containing_service.file.name).read_text()
    comment = text[: text.index(f"  rpc {rpc.name}(")].rpartition("\n\n")[2]
    if isinstance(row, Method) and row.repeats:
        assert "Safe to retry" in comment


def test_messages_hide_their_secrets() -> None:
    secret = b"canary"
    context = v1.RequestContext(method=b"GET", target=secret, csrf_token=secret)
    cookies = [v1.Cookie(name="session", value=secret)]
    http = v1.HttpAnswer(status=200, location="canary", set_cookies=["canary"], body=secret)
    messages = [
        v1.CompleteCallbackRequest(query=secret, cookies=cookies, context=context),
        v1.StartLoginResponse(answer=http),
        v1.ValidateSessionResponse(active=v1.ActiveSession(csrf_token="canary", set_cookies=["canary"])),
        v1.GetAccessTokenResponse(access_token=v1.AccessToken(value="canary", type="Bearer")),
    ]
    shown = f"{messages} {messages[0]} {messages[3]!r}"
    assert "canary" not in shown
    assert "'session'" in shown
    assert "Bearer" in shown
