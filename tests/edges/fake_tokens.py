"""Owns what the reference fake says of bearer tokens. Does not know sessions."""

from gatelodge.v1 import http_answer_pb2, token_pb2

from .fake_answers import error
from .fake_needs import Lack, lack_of, take_as_judged

STATES = {
    "withdrawn": token_pb2.TOKEN_INACTIVE_REASON_ENDED,
    "expired": token_pb2.TOKEN_INACTIVE_REASON_EXPIRED,
}


def judged_token(tokens: dict[str, dict], asked: token_pb2.ValidateTokenRequest) -> token_pb2.ValidateTokenResponse:
    """The answer about a token, one of these or none."""
    answer, needs = token_pb2.ValidateTokenResponse(), asked.requirements
    found = tokens.get(asked.token.decode("latin-1"))
    dead = _fault(found, asked)
    if dead is not None:
        answer.inactive.reason = dead
        answer.inactive.answer.CopyFrom(_refused(dead))
        return answer
    if lack := lack_of(needs, found):
        answer.denied.reason = token_pb2.TokenDeniedReason.Value(f"TOKEN_DENIED_REASON_{lack.reason.upper()}")
        answer.denied.answer.CopyFrom(_denied(lack, needs))
        return answer
    active = answer.active
    active.kind, active.client_id = token_pb2.TOKEN_KIND_JWT, found.get("client_id", "")
    active.identity.user_id = found.get("user_id", "")
    active.identity.scopes.extend(found.get("scopes", []))
    active.audiences.extend(found.get("audiences", []))
    active.permissions.extend(found.get("permissions", []))
    active.judged.SetInParent()
    take_as_judged(needs, active.judged)
    if asked.refresh and active.identity.user_id:
        active.refresh_time.GetCurrentTime()
    return answer


def _fault(found: dict | None, asked) -> int | None:
    if not asked.token:
        return token_pb2.TOKEN_INACTIVE_REASON_NONE
    if found is None:
        return token_pb2.TOKEN_INACTIVE_REASON_FORGED
    if state := STATES.get(found.get("state", "active")):
        return state
    audience = asked.requirements.audience
    if audience and audience not in found.get("audiences", []):
        return token_pb2.TOKEN_INACTIVE_REASON_OTHER_AUDIENCE
    return None


def _refused(fault: int) -> http_answer_pb2.HttpAnswer:
    is_none = fault == token_pb2.TOKEN_INACTIVE_REASON_NONE
    answer = error(401, "not_signed_in" if is_none else "invalid_token", "Could not validate credentials")
    return _challenged(answer, "Bearer" if is_none else 'Bearer error="invalid_token"')


def _denied(lack: Lack, needs) -> http_answer_pb2.HttpAnswer:
    if not lack.is_mended_by_login:
        scope = f', scope="{" ".join(lack.names)}"' if lack.reason == "scope_missing" else ""
        return _challenged(error(403, lack.reason, lack.detail), f'Bearer error="insufficient_scope"{scope}')
    classes = f', acr_values="{" ".join(needs.acr_values)}"' if needs.acr_values else ""
    age = f', max_age="{needs.max_login_age.seconds}"' if needs.HasField("max_login_age") else ""
    challenge = f'Bearer error="insufficient_user_authentication"{classes}{age}'
    return _challenged(error(401, lack.reason, lack.detail), challenge)


def _challenged(answer: http_answer_pb2.HttpAnswer, challenge: str) -> http_answer_pb2.HttpAnswer:
    answer.headers.append(http_answer_pb2.HttpHeader(name="www-authenticate", value=challenge))
    return answer
