from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import error_details_pb2, status_pb2

import gatelodge
from gatelodge import errors, v1

if TYPE_CHECKING:
    from google.protobuf.message import Message

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


def made(code: grpc.StatusCode, *details: Message, message: str = "no") -> errors.GatelodgeError:
    status = status_pb2.Status(code=code.value[0], message=message)
    for detail in details:
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)
    return errors.from_status(code, message, [("grpc-status-details-bin", status.SerializeToString())], "http://a:1")


def info(reason: str) -> error_details_pb2.ErrorInfo:
    return error_details_pb2.ErrorInfo(reason=reason, domain="gatelodge", metadata={"request_id": "req-9"})


@pytest.mark.parametrize("name", v1.ErrorReason.keys()[1:])
def test_every_reason_of_the_contract_has_its_class(name: str) -> None:
    reason = name.removeprefix("ERROR_REASON_")
    kind = errors.BY_REASON[reason]
    assert kind.__name__.removesuffix("Error").lower() == reason.replace("_", "").lower()
    assert getattr(gatelodge, kind.__name__) is kind, "and is exported"
    assert type(made(grpc.StatusCode.INTERNAL, info(reason))) is kind


def reasons() -> list[tuple[str, str]]:
    """Each reason of the contract, and its status, as the page of reasons has them."""
    page = (
        (Path(__file__).parents[4] / "proto/REASONS.md")
        .read_text()
        .partition("## ErrorReason")[2]
        .partition("\n## ")[0]
    )
    return re.findall(r"^\| `([A-Z_]+)` \| ([A-Z_]+)", page, flags=re.MULTILINE)


def test_the_page_of_reasons_and_the_classes_are_the_same() -> None:
    assert {reason for reason, _ in reasons()} == errors.BY_REASON.keys()


@pytest.mark.parametrize(("reason", "status"), reasons())
def test_each_reason_is_retryable_as_its_status_says(reason: str, status: str) -> None:
    code = grpc.StatusCode[status]
    retry = error_details_pb2.RetryInfo()
    error = made(code, info(reason), retry)
    assert (type(error), error.reason) == (errors.BY_REASON[reason], reason)
    assert error.is_retryable is (code in {UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED})
    assert error.retry_after == timedelta()


def test_an_error_carries_what_the_authority_said() -> None:
    retry = error_details_pb2.RetryInfo()
    retry.retry_delay.FromMilliseconds(1500)
    error = made(UNAVAILABLE, info("STORE_UNAVAILABLE"), retry, message="The session store can't be reached.")
    assert isinstance(error, gatelodge.StoreUnavailableError)
    assert (error.code, error.request_id, error.is_retryable) == (UNAVAILABLE, "req-9", True)
    assert error.retry_after == timedelta(seconds=1.5)
    assert str(error) == "The session store can't be reached. (UNAVAILABLE, STORE_UNAVAILABLE, request req-9)"


def test_a_reason_from_the_future_is_judged_by_its_code() -> None:
    bad = error_details_pb2.BadRequest()
    bad.field_violations.add(field="page_size", description="at most 200")
    error = made(grpc.StatusCode.INVALID_ARGUMENT, info("FROM_THE_FUTURE"), bad)
    assert (type(error), error.reason, error.is_retryable) == (errors.GatelodgeError, "FROM_THE_FUTURE", False)
    assert error.field_violations == (errors.FieldViolation("page_size", "at most 200"),)


def test_a_refused_key_names_the_setting() -> None:
    for code in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
        assert "GATELODGE_API_KEY" in str(made(code))


def test_an_overload_is_retryable_only_when_it_says_when() -> None:
    assert not made(grpc.StatusCode.RESOURCE_EXHAUSTED, info("OVERLOADED")).is_retryable
    retry = error_details_pb2.RetryInfo()
    assert made(grpc.StatusCode.RESOURCE_EXHAUSTED, info("OVERLOADED"), retry).is_retryable


def test_a_cancelled_call_ran_out_of_time() -> None:
    assert isinstance(made(grpc.StatusCode.CANCELLED), errors.DeadlineExceededError)


def test_details_that_are_none_are_no_trouble() -> None:
    error = errors.from_status(UNAVAILABLE, "refused", [("grpc-status-details-bin", b"\xff\xff")], "http://a:1")
    assert isinstance(error, gatelodge.UnreachableError)
    assert "http://a:1" in str(error)
    assert "GATELODGE_ADDRESS" in str(error)


def test_what_an_error_is_about_is_named() -> None:
    told = {
        ("TENANT_UNKNOWN", grpc.StatusCode.PERMISSION_DENIED): "GATELODGE_TENANT",
        ("CALLER_NOT_ALLOWED", grpc.StatusCode.PERMISSION_DENIED): "GATELODGE_API_KEY",
        ("CALLER_UNAUTHENTICATED", grpc.StatusCode.UNAUTHENTICATED): "GATELODGE_API_KEY",
    }
    for (reason, code), setting in told.items():
        assert re.findall("GATELODGE_[A-Z_]+", str(made(code, info(reason)))) == [setting]
    assert re.findall("GATELODGE_[A-Z_]+", str(made(UNAVAILABLE))) == ["GATELODGE_ADDRESS"]
    for code in (grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.INTERNAL):
        assert re.findall("GATELODGE_[A-Z_]+", str(made(code))) == ["GATELODGE_ADDRESS"], "another server"
        assert "GATELODGE" not in str(made(code, info("INTERNAL")))
