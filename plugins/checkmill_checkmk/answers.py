"""What comes instead of an answer: statuses, redirects, login pages, texts, refusals. Each becomes a sentence.

Errors come with HTTP 200 too, and in the language of the user. So what decides is whether the body is a dictionary at
all, and the result code in it; words are only looked at to tell a refused login from other failures.
"""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

from checkmill.api.v1 import (
    LoginError,
    ParseError,
    RateLimitError,
    ReadError,
    RedirectError,
    Response,
    SourceError,
    StatusError,
)
from checkmill_checkmk.names import shown

_NO_LOGIN = "is it an automation user, and is this its automation secret?"
#: What is said where the credentials of an automation user do not hold.
_LOGIN_WORDS = re.compile(r"automation secret|authentication error|permission denied", re.IGNORECASE)
_LOGIN_PAGE = re.compile(r"""login\.py|name=["']?_login|type=["']?password""", re.IGNORECASE)
_NO_RIGHTS = re.compile(r"authorization error|automation users", re.IGNORECASE)
_UNKNOWN_ACTION = re.compile(r"unknown api action", re.IGNORECASE)
_HTML = re.compile(r"\s*<")
_REDIRECTS = {301, 302, 303, 307, 308}
#: As much of a body is looked through for words.
_LOOKED_AT = 1 << 16
_SECONDS = re.compile(r"[0-9]{1,9}")

_OF_A_STATUS = {
    404: "no Web API is there; either base_url names no site, or the site is 2.2 or newer, which has only a REST API",
    502: "what stands before the site got no answer from it",
    503: "the site is stopped, or overloaded",
    504: "the site took too long for what stands before it",
}


def text_of(response: Response, username: str) -> str:
    """The text of an answer that may be one. Raises the `SourceError` that anything else stands for."""
    _refuse_status(response, username)
    text = response.text().strip()
    if text.startswith("{"):
        return text
    beginning = text[:_LOOKED_AT]
    is_html = _HTML.match(beginning) is not None
    if _LOGIN_WORDS.search(beginning):
        raise LoginError(f"Checkmk refuses the user {shown(username)!r}: {_NO_LOGIN}")
    if is_html and _LOGIN_PAGE.search(beginning):
        raise LoginError(f"a login page came instead of an answer for the user {shown(username)!r}: {_NO_LOGIN}")
    if not text:
        raise ParseError(f"the answer is empty (HTTP {response.status})")
    what = "an HTML page" if is_html else f"text of {len(text)} characters"
    raise ParseError(f"the answer should be a dictionary, but is {what}: a login, an error or another server's page")


def refusal(said: str, username: str) -> SourceError:
    """The error that a result code other than 0 stands for; `said` is the site's text, which may end in a traceback."""
    before, traceback, after = said.partition("Traceback (most recent call last)")
    if traceback:
        last = next((line for line in reversed(after.splitlines()) if line.strip()), "")
        said = f"{before.strip()} {last.strip()}"
    words = shown(said) or "without saying why"
    if _NO_RIGHTS.search(said) or _LOGIN_WORDS.search(said):
        return LoginError(f"Checkmk refuses the user {shown(username)!r}: {words}")
    if _UNKNOWN_ACTION.search(said):
        words += " (get_sla is in the Enterprise editions from 1.5.0b8 to 2.1)"
    return ParseError(f"Checkmk refuses get_sla: {words}")


def _refuse_status(response: Response, username: str) -> None:
    status, lead = response.status, f"HTTP {response.status} from {response.url}"
    if status == 206:
        raise ReadError(f"{lead}: only a part of the answer came, and the whole was asked for")
    if response.ok:
        return
    if status in _REDIRECTS:
        raise _redirected(response, lead, username)
    if status in {401, 403}:
        raise LoginError(f"{lead}: the user {shown(username)!r} may not use the Web API")
    if status == 429:
        after = response.headers.get("retry-after", "").strip()
        wait_s = float(after) if _SECONDS.fullmatch(after) else None
        raise RateLimitError(f"{lead}: too many requests", retry_after_s=wait_s)
    why = _OF_A_STATUS.get(status)
    raise StatusError(f"{lead}: {why}" if why else lead, status=status)


def _redirected(response: Response, lead: str, username: str) -> SourceError:
    """A redirect is the way to a login, unless it says that the site has another address."""
    try:
        asked = urlsplit(response.url)
        leads = urlsplit(urljoin(response.url, response.headers.get("location", "")))
    except ValueError:
        return RedirectError(f"{lead} leads to what is no address")
    moved = (leads.scheme, leads.netloc) != (asked.scheme, asked.netloc)
    if moved and leads.path.rstrip("/") == asked.path.rstrip("/"):
        # The query may hold anything; host and path are what the operator has to write.
        where = shown(f"{leads.scheme}://{leads.netloc.rpartition('@')[2]}{leads.path}")
        return RedirectError(
            f"{lead} leads to {where}, and a request with a secret is not sent elsewhere; correct base_url"
        )
    return LoginError(f"{lead} leads to a login for the user {shown(username)!r}: {_NO_LOGIN}")
