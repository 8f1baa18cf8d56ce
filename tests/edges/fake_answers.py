"""Owns the finished answers of the reference fake. Does not know what they are given for."""

import json

from gatelodge.v1 import http_answer_pb2


def error(status: int, reason: str, detail: str, **more) -> http_answer_pb2.HttpAnswer:
    """An error as JSON."""
    return as_json(status, {"detail": detail, "reason": reason, "request_id": "fake", **more})


def as_json(status: int, body: dict) -> http_answer_pb2.HttpAnswer:
    """An answer of JSON."""
    encoded = json.dumps(body).encode()
    return http_answer_pb2.HttpAnswer(status=status, content_type="application/json", body=encoded)
