"""Owns the list of cases and what they check with. Does not know what they are about."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from .stage import Stage
from .wire import Answer


@dataclass(frozen=True)
class Case:
    """Something that must hold."""

    name: str
    run: Callable[[Stage], None]
    is_asked_each_time: bool


CASES: list[Case] = []


def asked_each_time(function: Callable) -> Callable:
    """Marks a case that counts questions, or changes what the authority says of a session between them: an edge that
    keeps answers need not pass it. Stands below `case` or `each`."""
    function.is_asked_each_time = True
    return function


def case(function: Callable[[Stage], None]) -> Callable[[Stage], None]:
    """A case. Its name is the function's, in words, after the name of its file."""
    _add(function, function.__name__.replace("_", " "), function)
    return function


def each(rows: dict[str, object]):
    """A case for each row; the function gets the row, and its label takes the place of the word `x`
    in the function's name."""

    def decorate(function):
        words = function.__name__.replace("_", " ")
        for label, row in rows.items():
            name = f" {words} ".replace(" x ", f" {label} ").strip() if " x " in f" {words} " else f"{words}: {label}"
            _add(function, name, lambda stage, row=row: function(stage, row))
        return function

    return decorate


def _add(function, name: str, run) -> None:
    area = inspect.getmodule(function).__name__.rsplit(".", 1)[-1].replace("_", " ")
    full = f"{area}: {name}"
    assert full not in {known.name for known in CASES}, f"two cases are named {full}"
    CASES.append(Case(full, run, getattr(function, "is_asked_each_time", False)))


# What to check with.


def equal(got, expected, what: str = "") -> None:
    """They are the same."""
    if got != expected:
        raise AssertionError(f"{what + ': ' if what else ''}expected {expected!r}, got {got!r}")


def true(holds, what: str) -> None:
    """It holds."""
    if not holds:
        raise AssertionError(what)


def status(answer: Answer, *expected: int) -> Answer:
    """The answer has one of these statuses."""
    if answer.status not in expected:
        raise AssertionError(f"expected {' or '.join(map(str, expected))}, got {answer}")
    return answer


def no_cookie(answer: Answer) -> Answer:
    """The answer leaves the browser's cookies alone."""
    true(not answer.all("set-cookie"), f"no cookie was expected: {answer}")
    return answer


def error(answer: Answer, code: int, reason: str) -> Answer:
    """A JSON error that says what is wrong, why, and which request it was."""
    body = status(answer, code).json()
    equal(body["reason"], reason)
    true(body["detail"] and body["request_id"], f"detail and request_id: {answer}")
    return answer


def could_not_say(answer: Answer) -> Answer:
    """503 as the contract words it: the browser keeps its cookies and may come back."""
    error(no_cookie(answer), 503, "AUTHORITY_UNAVAILABLE")
    after = answer.header("retry-after")
    true(after is not None and after.isdigit() and int(after) >= 1, f"Retry-After in whole seconds: {answer}")
    return guarded(answer)


def guarded(answer: Answer) -> Answer:
    """The headers of every answer of an edge's routes."""
    true("no-store" in answer.words("cache-control"), f"Cache-Control: no-store: {answer}")
    equal(answer.header("x-content-type-options"), "nosniff", str(answer))
    equal(answer.header("referrer-policy"), "no-referrer", str(answer))
    policy = answer.header("content-security-policy") or ""
    true("frame-ancestors 'none'" in policy, f"Content-Security-Policy: {answer}")
    true("cookie" in answer.words("vary"), f"Vary: Cookie: {answer}")
    equal(len(answer.listed("vary")), len(answer.words("vary")), f"Vary names each once: {answer}")
    return answer


def body_is(answer: Answer, expected: dict) -> Answer:
    """A JSON body, exactly."""
    equal(answer.json(), expected)
    return answer
