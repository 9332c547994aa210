"""Carries out the verification of a scenario from here, and gives its verdict.

    API        the request of the definition, its redirects followed within reach, the answer judged
    TCP, UDP   the request sent as UTF-8, and what comes back judged
    others     not carried out: WEB and MODULE need a browser, ICMP a socket that only root may open

What is wrong with the other side (no such name, a refused connection, a handshake, a time-out, a wrong code) is a
verdict: failed. What keeps us from asking or judging (a host that may not be contacted, an answer beyond our limits, a
definition that is not understood, our own deadline or patience, no name service, no file left to open) is none: not
carried out.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from checkmill.api.v1 import (
    Exchange,
    Exchanged,
    Flow,
    Reach,
    Request,
    SourceError,
    attempt,
    exchange,
    now,
    send,
)
from checkmill_nhn_monitoring.blaming import Waits, is_theirs
from checkmill_nhn_monitoring.judging import judged_answer, unverified
from checkmill_nhn_monitoring.positions import Expected, expected_of
from checkmill_nhn_monitoring.reaching import MOST_HOPS, address_of, redirected
from checkmill_nhn_monitoring.scenario import Scenario
from checkmill_nhn_monitoring.settings import DEFAULT_CONNECT_S
from checkmill_nhn_monitoring.verdict import NotCarriedOut, Verdict, failed, not_carried_out, passed

T = TypeVar("T")

#: What NHN's console sets where nothing is said.
DEFAULT_TIMEOUT_S = 5.0
#: `read_timeout` where nothing is configured.
DEFAULT_SILENCE_S = 8.0

_METHODS = ("GET", "POST", "DELETE", "PUT")
#: Headers about the connection or the length of a body, which whoever sends decides, and the encodings that are read.
_NOT_OURS_TO_SEND = {
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
_UNCARRIED: Mapping[str, str] = {
    "WEB": "a WEB scenario needs a browser",
    "MODULE": "a MODULE scenario needs a browser, and is carried out as a part of a WEB scenario only",
    "ICMP": "an ICMP scenario needs a raw socket, which is for root alone",
}


def probe(
    scenario: Scenario, reach: Reach, *, silence_s: float = DEFAULT_SILENCE_S, connect_s: float = DEFAULT_CONNECT_S
) -> Flow[Verdict]:
    """Carry out a scenario's verification and give its verdict. Raises nothing.

    `reach` limits the hosts that are contacted. `silence_s` is the source's `read_timeout`, `connect_s` its
    `connect_timeout`: an answer that does not come is a failure where the scenario's own time-out ended the wait, and
    unknown where one of ours may have. The deadline of the whole fetch must leave room for the longest time-out of a
    scenario; one that it cuts off is not carried out.
    """
    waits = Waits(silence_s, connect_s)
    carry_out = _CARRIED_OUT.get(scenario.type)
    if carry_out is None:
        return not_carried_out(
            _UNCARRIED.get(scenario.type, f"scenarios of the type {scenario.type} are not known here")
        )
    outcome = yield from attempt(carry_out(scenario, reach, waits))
    if isinstance(outcome, NotCarriedOut):
        return not_carried_out(str(outcome))
    if isinstance(outcome, SourceError):
        return not_carried_out(outcome.sentence)
    unknown = unverified(scenario)
    if outcome.word == "passed" and unknown:
        return not_carried_out(f"{unknown}; all else holds: {outcome.reason}", outcome.response_time_s)
    return outcome


def _over_http(scenario: Scenario, reach: Reach, waits: Waits) -> Flow[Verdict]:
    request = _request(scenario, reach)
    timeout_s, spent_s = _timeout_s(scenario), 0.0
    for hop in range(MOST_HOPS + 1):
        via = f"after {hop} redirect{'s' if hop > 1 else ''}: " if hop else ""
        left_s = timeout_s - spent_s
        answer = yield from _answered(send(replace(request, timeout_s=left_s)), left_s, waits)
        if isinstance(answer, Verdict):
            return replace(answer, reason=via + answer.reason)
        spent_s += answer.elapsed_s
        following = redirected(request, answer, scenario.validation.response_codes)
        if following is None or spent_s >= timeout_s:
            verdict = yield from judged_answer(answer, scenario.validation, spent_s, timeout_s)
            return replace(verdict, reason=via + verdict.reason)
        request = following
    raise NotCarriedOut(f"it is still redirected after {MOST_HOPS} redirects")


def _over_tcp(scenario: Scenario, reach: Reach, waits: Waits) -> Flow[Verdict]:
    expected = expected_of(scenario.validation, scenario.request)
    timeout_s = _timeout_s(scenario)
    call = replace(_exchange(scenario, reach), read_bytes=expected.whole_length)
    answer = yield from _answered(exchange(call), timeout_s, waits)
    return _judged_message(expected, call, answer)


def _over_udp(scenario: Scenario, reach: Reach, waits: Waits) -> Flow[Verdict]:
    expected = expected_of(scenario.validation, scenario.request)
    call = replace(_exchange(scenario, reach), protocol="udp")
    answer = yield from _answered(exchange(call), _timeout_s(scenario), waits)
    return _judged_message(expected, call, answer)


_CARRIED_OUT: Mapping[str, Callable[[Scenario, Reach, Waits], Flow[Verdict]]] = {
    "API": _over_http,
    "TCP": _over_tcp,
    "UDP": _over_udp,
}


def _request(scenario: Scenario, reach: Reach) -> Request:
    """The request of an API scenario. Raises `NotCarriedOut` for one that cannot be sent."""
    url = scenario.url.strip()
    address = address_of(url)
    if address is None:
        raise NotCarriedOut("its url is not an address that begins with http:// or https://")
    _, host, _ = address
    if scenario.http_method not in _METHODS:
        given = repr(scenario.http_method) if scenario.http_method else "missing"
        raise NotCarriedOut(f"its httpMethod is {given}; documented are {', '.join(_METHODS)}")
    if _is_another_address(scenario.ip.strip(), host):
        raise NotCarriedOut(
            f"its ip {scenario.ip} is not the host of its url, and which of them to ask is not documented"
        )
    request = Request(
        method=scenario.http_method,
        path=url,
        headers={name: value for name, value in scenario.headers.items() if name.lower() not in _NOT_OURS_TO_SEND},
        content=_encoded(scenario.request_body, "requestBody") or None,
        any_status=True,
        reach=reach,
    )
    if request.refusal:
        raise NotCarriedOut(request.refusal)
    return request


def _exchange(scenario: Scenario, reach: Reach) -> Exchange:
    """The exchange of a TCP or UDP scenario. Raises `NotCarriedOut` for one that cannot be."""
    host = scenario.ip.strip().removeprefix("[").removesuffix("]")
    if not host or not scenario.port:
        raise NotCarriedOut(f"its {'port' if host else 'ip'} is missing")
    call = Exchange(
        host=host,
        port=scenario.port,
        payload=_encoded(scenario.request, "request"),
        timeout_s=_timeout_s(scenario),
        reach=reach,
    )
    if call.refusal:
        raise NotCarriedOut(call.refusal)
    return call


def _answered(asked: Flow[T], timeout_s: float, waits: Waits) -> Flow[T | Verdict]:
    """The answer, or the verdict where the other side gave none. Raises `SourceError` for what kept us from asking."""
    answer = yield from attempt(asked)
    if not isinstance(answer, SourceError):
        return answer
    if not is_theirs(answer):
        raise answer
    # Once our own deadline has passed, the clock is not told any more: then it was that, and nothing is known.
    yield from now()
    ours = waits.impatience(answer, timeout_s)
    if ours:
        raise NotCarriedOut(ours)
    return failed(answer.sentence)


def _judged_message(expected: Expected, call: Exchange, answer: Exchanged | Verdict) -> Verdict:
    if isinstance(answer, Verdict):
        return answer
    objection = expected.objection_to(answer.data)
    if objection:
        return failed(objection, answer.elapsed_s)
    length, came = expected.length_in(answer.data), len(answer.data)
    if length is not None and length != came:
        return failed(f"its length field says {length} bytes, and {came} came", answer.elapsed_s)
    if call.protocol == "tcp" and not expected.shortest:
        return passed(f"connected to {call.where}", answer.elapsed_s)
    return passed(f"{came} bytes came from {call.where}, all as they should be", answer.elapsed_s)


def _timeout_s(scenario: Scenario) -> float:
    timeout_s = scenario.validation.timeout_s
    return DEFAULT_TIMEOUT_S if timeout_s is None else timeout_s


def _encoded(text: str | None, name: str) -> bytes:
    try:
        return (text or "").encode()
    except UnicodeEncodeError:
        raise NotCarriedOut(f"its {name} holds half a character, which cannot be sent") from None


def _is_another_address(ip: str, host: str) -> bool:
    """Whether the `ip` of an API scenario is an address other than the host; a name there says nothing new."""
    address = _address_in(ip)
    return address is not None and address != _address_in(host)


def _address_in(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
