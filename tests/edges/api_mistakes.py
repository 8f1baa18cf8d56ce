"""Owns the mistakes with front ends that collect their session, each with the cases that must notice it.
Does not know how they are put in."""

from .broken import Broken
from .front_end_mistakes import doubt_is_refusal, take_cookies, take_it_for_the_webs, write_it_anew
from .wire import Answer


def _is_of(asked, end: bytes) -> bool:
    path = asked.target.split(b"?")[0]
    return path.startswith(b"/v1/") and path.endswith(end)


def _is_a_session(asked) -> bool:
    return _is_of(asked, b"/session")


def _is_a_refresh(asked) -> bool:
    return _is_of(asked, b"/refresh")


def _forget_the_provider(call):
    if call.method in ("StartLogin", "CompleteCallback"):
        call.request.ClearField("provider")


def _decode_the_provider(call):
    if call.method == "StartLogin":
        call.request.provider = call.request.provider.replace(b"%65", b"e")


def _forget_the_key(call):
    if call.method == "CompleteCallback":
        call.request.ClearField("idempotency_header")


def _tidy_the_key(call):
    if call.method == "CompleteCallback":
        call.request.idempotency_header = call.request.idempotency_header.replace(b" ", b"")


def _ask_by_its_own_key(call):
    if call.method == "RefreshTokens":
        call.request.ClearField("api_key")


def _take_a_key_everywhere(call):
    if call.method == "RefreshTokens" and not call.request.HasField("api_key"):
        call.request.api_key = b"k"


def _always_created(asked, got, _again):
    if _is_a_session(asked) and got.status == 200:
        return Answer(201, got.headers, got.body)
    return None


APIS: dict[str, Broken] = {
    "takes collected logins for others": Broken(
        ("api: a start passes on its query its provider and its cookies", "api: a collection is passed on as it came"),
        question=take_it_for_the_webs,
    ),
    "forgets the provider of a path": Broken(
        (
            "api: a start passes on its query its provider and its cookies",
            "api: a callback leads to the front end with code and state and no session",
        ),
        question=_forget_the_provider,
    ),
    "decodes the provider of a path": Broken(
        ("api: a start passes on its query its provider and its cookies",), question=_decode_the_provider
    ),
    "forgets the key of a collection": Broken(
        ("api: a collection is passed on as it came",),
        question=_forget_the_key,
    ),
    "tidies the key of a collection": Broken(("api: a collection is passed on as it came",), question=_tidy_the_key),
    "refreshes by its own key": Broken(
        ("api: the key and the session are passed on",),
        question=_ask_by_its_own_key,
    ),
    "takes a key at every refresh": Broken(
        ("api: a refresh of the other set brings no key",), question=_take_a_key_everywhere
    ),
    "writes anew what is collected with": Broken(
        ("api: a collection is passed on as it came",), question=write_it_anew
    ),
    "hands out no collected session": Broken(
        ("api: a session is collected once and the same again under its key",), answer=take_cookies(_is_a_session)
    ),
    "takes a repeat for something new": Broken(
        ("api: a session is collected once and the same again under its key",), answer=_always_created
    ),
    "takes doubt about a refresh for a no": Broken(
        ("api: RefreshTokens that fails is 503",), answer=doubt_is_refusal(_is_a_refresh)
    ),
}
