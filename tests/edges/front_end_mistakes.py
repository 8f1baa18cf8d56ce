"""Owns the mistakes that can be made with either set of front ends. Does not know the cases that notice them."""

import json
from collections.abc import Callable

from gatelodge.v1 import login_pb2

from .wire import Answer


def take_it_for_the_webs(call) -> None:
    """A login of a front end's set is begun, or completed, as one of the web's."""
    if call.method in ("StartLogin", "CompleteCallback"):
        call.request.route_set = login_pb2.ROUTE_SET_WEB


def write_it_anew(call) -> None:
    """A body is passed on as it was understood, not as it came."""
    if call.method == "CompleteCallback" and call.request.json:
        call.request.json = json.dumps(json.loads(call.request.json)).encode()


def take_cookies(is_there: Callable) -> Callable:
    """What is answered there sets no cookie."""

    def answer(asked, got, _again):
        if is_there(asked):
            got.headers = [(name, value) for name, value in got.headers if name != "set-cookie"]

    return answer


def doubt_is_refusal(is_there: Callable, headers=()) -> Callable:
    """Whoever could not be judged there is refused."""

    def answer(asked, got, _again):
        if is_there(asked) and got.status == 503:
            return Answer(401, list(headers), got.body)
        return None

    return answer
