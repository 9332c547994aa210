"""The login of generation v1: once per source and run, for a token that lasts an hour."""

from __future__ import annotations

from collections.abc import Mapping

from checkmill.api.v1 import (
    ConfigurationError,
    Flow,
    LoginError,
    ParseError,
    Secret,
    SessionExpired,
    StatusError,
    attempt,
)
from checkmill_nezha.answers import data_of
from checkmill_nezha.settings import Settings
from checkmill_nezha.wording import shape

LOGIN_PATH = "/api/v1/login"
#: A dashboard locks out an address for longer with each login that fails; so long a failure is kept and not repeated.
WAIT_AFTER_REFUSAL_S = 600.0
HTTP_NOT_FOUND = 404


def log_in(settings: Settings) -> Flow[Secret]:
    """Log in with username and password; gives the Authorization header of all further calls.

    Raises `ConfigurationError` where there is no such login, `LoginError` where it is refused.
    """
    if settings.username is None or settings.password is None:
        raise ConfigurationError("a dashboard of generation v1 is read by one of its users: add username and password")
    body = {"username": settings.username, "password": settings.password}
    answer = yield from attempt(settings.post(LOGIN_PATH, json=body))
    if isinstance(answer, StatusError) and answer.status == HTTP_NOT_FOUND:
        raise ConfigurationError(
            f"{answer}: there is no dashboard of generation v1; one of generation v0 is read with token"
        )
    if isinstance(answer, LoginError):
        raise _refused(f"{answer}: Nezha, or what stands before it, does not accept username and password")
    if isinstance(answer, Exception):
        raise answer
    try:
        data = data_of(answer)
    except SessionExpired:
        raise _refused("Nezha does not accept username and password") from None
    token = data.get("token") if isinstance(data, Mapping) else None
    if not isinstance(token, str) or not token.strip():
        raise ParseError(f"the login succeeded and gave no token: {shape(data)}")
    Secret(token.strip())  # never shown from now on, with the word before it or without
    if not (token.isascii() and token.strip().isprintable()):
        raise ParseError("the login gave a token that no header can carry")
    return Secret(f"Bearer {token.strip()}")


def _refused(what: str) -> LoginError:
    return LoginError(
        f"{what}; mend them soon, for Nezha locks an address out after several failures",
        retry_after_s=WAIT_AFTER_REFUSAL_S,
    )
