from __future__ import annotations

import json
from datetime import timedelta

import grpc
import pytest

from gatelodge import answer, errors, v1
from gatelodge.presented import RawRequest

GET = RawRequest(method=b"GET", target=b"/", query=b"", headers=[(b"x-request-id", b"r-1")], peer=None)
HEAD = RawRequest(method=b"HEAD", target=b"/", query=b"", headers=[], peer=None)
SPLIT = "a\r\nSet-Cookie: evil=1"


def http(**fields: object) -> v1.HttpAnswer:
    given = {"status": 200, "content_type": "text/plain", "body": b"yes", "set_cookies": ["session=s"], **fields}
    return v1.HttpAnswer(**given)  # type: ignore[arg-type]


def header(name: str, value: str) -> list[v1.HttpHeader]:
    return [v1.HttpHeader(name=name, value=value)]


def test_an_answer_is_copied_whole() -> None:
    finished = http(set_cookies=["a=1", "b=2"], location="/x?y=%20", headers=header("Cache-Control", "private"))
    made = answer.copy(GET, finished)
    assert (made.status, made.body) == (200, b"yes")
    for line in [
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
        ("location", "/x?y=%20"),
        ("content-type", "text/plain"),
    ]:
        assert line in made.headers
    assert [value for name, value in made.headers if name == "cache-control"] == ["private"], "the authority's stands"
    assert ("vary", "Cookie") in made.headers


def test_head_has_everything_but_the_body() -> None:
    made = answer.copy(HEAD, http())
    assert (made.body, dict(made.headers)["content-length"]) == (b"", "3")


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        http(status=0),
        http(status=101),
        http(status=600),
        http(status=70_000),
        http(location=SPLIT),
        http(location="/ä"),
        http(content_type=SPLIT),
        http(set_cookies=["session=s", SPLIT]),
        http(headers=header("x-a", SPLIT)),
        http(headers=header("x-a: b\r\nx-c", "d")),
        http(headers=header("", "d")),
        http(headers=header("Content-Length", "1")),
        http(headers=header("transfer-encoding", "chunked")),
    ],
)
def test_an_answer_that_is_no_http_is_not_copied_in_part(wrong: v1.HttpAnswer | None) -> None:
    made = answer.copy(GET, wrong)
    assert made.status == 503
    assert "set-cookie" not in dict(made.headers)
    assert json.loads(made.body)["reason"] == "AUTHORITY_UNAVAILABLE"


def test_could_not_say_carries_the_request_id_and_when_to_come_back() -> None:
    cause = errors.StoreUnavailableError("no", code=grpc.StatusCode.UNAVAILABLE, retry_after=timedelta(seconds=5.2))
    made = answer.unavailable(GET, cause)
    assert json.loads(made.body)["request_id"] == "r-1"
    assert dict(made.headers)["retry-after"] == "6"
    assert dict(answer.unavailable(GET).headers)["retry-after"] == "1"
    for name, value in answer._DEFAULTS:
        assert dict(made.headers)[name] == value


def test_a_refused_key_is_an_error_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    answer.failed(GET, errors.CallerUnauthenticatedError("no", code=grpc.StatusCode.UNAUTHENTICATED))
    (record,) = caplog.records
    assert (record.levelname, "GATELODGE_API_KEY" in record.getMessage()) == ("ERROR", True)
