"""TCP and UDP scenarios: the exchanges as they are asked for, and the verdict on what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from checkmill.api.v1 import ConnectError, DeadlineError, Exchange, Exchanged, Reach, ReadError, Secret, SourceError
from checkmill.testing import play
from checkmill_nhn_monitoring.probing import probe
from checkmill_nhn_monitoring.scenario import scenario_from
from checkmill_nhn_monitoring.verdict import Verdict
from support.secrets import own_secrets

REACH = Reach(("10.0.0.0/8", "db.example"))
PASSED, FAILED, NOT_CARRIED_OUT = "passed", "failed", "not_carried_out"
BANNER = {"responseValidation": [{"position": 0, "validationText": "OK "}, {"position": 5, "validationText": "ready"}]}
#: A header of four bytes, the length of what follows in two, and that.
FRAME = {"lengthValidation": {"ENDIAN": "BIG", "POS": "4", "TYPE": "SHORT", "BASE": "6"}}


def definition(kind: str = "TCP", validation: Mapping[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    return {
        "scenarioId": "s",
        "scenarioType": kind,
        "ip": "10.0.0.5",
        "port": 8080,
        "request": "Hello, 세계!\\r\\n",
        "validation": {"timeout": 2000} if validation is None else {"timeout": 2000, **validation},
        **members,
    }


def carried_out(
    scenario: Mapping[str, Any], *answers: bytes | SourceError, silence_s: float = 8.0
) -> tuple[Verdict, list[Exchange]]:
    asked: list[Exchange] = []

    def converse(call: Exchange) -> Exchanged:
        asked.append(call)
        answer = answers[len(asked) - 1]
        if isinstance(answer, SourceError):
            raise answer
        return Exchanged(answer, elapsed_s=0.125, address="10.0.0.5:8080")

    def respond(_: object) -> Any:
        raise AssertionError("nothing is asked over HTTP")

    return play(probe(scenario_from(dict(scenario)), REACH, silence_s=silence_s), respond, converse=converse), asked


@pytest.mark.parametrize(
    ("kind", "validation", "read"),
    [("TCP", {}, 0), ("TCP", BANNER, 10), ("TCP", FRAME, 6), ("UDP", {}, None), ("UDP", BANNER, None)],
)
def test_the_request_is_sent_as_it_is_written(kind: str, validation: dict[str, Any], read: int | None) -> None:
    answer = b"HEAD\0\0" if validation is FRAME else b"OK - ready"
    _, asked = carried_out(definition(kind, validation), answer)
    assert asked[0].whole_length(answer) == read
    assert replace(asked[0], read_bytes=None) == Exchange(
        host="10.0.0.5",
        port=8080,
        protocol=kind.lower(),  # type: ignore[arg-type]
        payload="Hello, 세계!\\r\\n".encode(),
        timeout_s=2.0,
        reach=REACH,
    )
    assert asked[0].payload == b"Hello, \xec\x84\xb8\xea\xb3\x84!\\r\\n"


@pytest.mark.parametrize("kind", ["TCP", "UDP"])
def test_an_echo_of_a_credential_is_not_shown(kind: str) -> None:
    with own_secrets():
        for answer in (b"AUTH supersecretpw", b"AUTH super"):
            scenario = definition(kind, BANNER, request="AUTH supersecretpw\r\n")
            assert carried_out(scenario, answer)[0].reason == 'at position 0 there is another text, not "OK "'
        Secret("geheim-1")
        verdict, _ = carried_out(definition(kind, BANNER), b"geheim-1..")
        assert verdict.reason == 'at position 0 there is another text, not "OK "'


@pytest.mark.parametrize("kind", ["TCP", "UDP"])
def test_without_a_request_nothing_is_sent(kind: str) -> None:
    assert carried_out(definition(kind, request=None), b"x")[1][0].payload == b""


def test_without_a_timeout_it_is_the_consoles() -> None:
    assert carried_out(definition(validation={"timeout": None}), b"")[1][0].timeout_s == 5.0


@pytest.mark.parametrize(
    ("kind", "validation", "answer", "word", "reason"),
    [
        ("TCP", {}, b"", PASSED, "connected to 10.0.0.5:8080"),
        ("TCP", BANNER, b"OK - ready or not", PASSED, "10 bytes came from 10.0.0.5:8080, all as they should be"),
        ("TCP", BANNER, b"ERR - ready", FAILED, 'at position 0 there is "ERR", not "OK "'),
        ("TCP", BANNER, b"OK - resting", FAILED, 'at position 5 there is "resti", not "ready"'),
        ("TCP", BANNER, b"OK", FAILED, "read: 10.0.0.5:8080 closed after 2 bytes, without its end"),
        ("UDP", {}, b"", PASSED, "0 bytes came from 10.0.0.5:8080, all as they should be"),
        ("UDP", {}, b"pong", PASSED, "4 bytes came from 10.0.0.5:8080, all as they should be"),
        ("UDP", BANNER, b"OK - ready", PASSED, "10 bytes came from 10.0.0.5:8080, all as they should be"),
        ("UDP", BANNER, b"OK - rea", FAILED, 'at position 5 there is "rea", not "ready"'),
        ("UDP", FRAME, b"HEAD\0\x04body", PASSED, "10 bytes came from 10.0.0.5:8080, all as they should be"),
        ("UDP", FRAME, b"HEAD\0\x05body", FAILED, "its length field says 11 bytes, and 10 came"),
        ("UDP", FRAME, b"HEAD\0\x03body", FAILED, "its length field says 9 bytes, and 10 came"),
        ("UDP", FRAME, b"HEAD\xff\xffbody", FAILED, "its length field says 5 bytes, and 10 came"),
        ("UDP", FRAME, b"HEA", FAILED, "the answer has 3 bytes, and its length field would end at 6"),
        ("UDP", FRAME, b"", FAILED, "the answer has 0 bytes, and its length field would end at 6"),
        ("TCP", FRAME, b"HEAD\0\0", PASSED, "6 bytes came from 10.0.0.5:8080, all as they should be"),
        ("TCP", FRAME, b"HEAD\xff\xff", FAILED, "its length field says 5 bytes, and 6 came"),
    ],
)
def test_the_answer_must_be_as_demanded(
    kind: str, validation: dict[str, Any], answer: bytes, word: str, reason: str
) -> None:
    verdict, asked = carried_out(definition(kind, validation), answer)
    assert (verdict.word, verdict.reason) == (word, reason)
    assert verdict.response_time_s == (None if reason.startswith("read: ") else 0.125)
    assert len(asked) == 1


def test_a_message_that_is_longer_than_its_checks_is_read_whole() -> None:
    message = b"HEAD\0\x0bhello world"
    verdict, asked = carried_out(definition(validation=FRAME), message)
    assert verdict == Verdict("passed", "17 bytes came from 10.0.0.5:8080, all as they should be", 0.125)
    assert [asked[0].whole_length(message[:length]) for length in (0, 5, 6, 17)] == [None, None, 17, 17]


def test_a_message_that_is_shorter_than_it_says_fails() -> None:
    message = b"HEAD\0\x0bhello"
    verdict, asked = carried_out(definition(validation=FRAME), message)
    assert verdict == Verdict("failed", "read: 10.0.0.5:8080 closed after 11 bytes, without 17 bytes")
    assert len(asked) == 1


def test_a_wrong_text_fails_before_the_rest_is_read() -> None:
    validation = {**FRAME, "responseValidation": [{"position": 0, "validationText": "TAIL"}]}
    verdict, asked = carried_out(definition(validation=validation), b"HEAD\x7f\xffbody")
    assert verdict == Verdict("failed", 'at position 0 there is "HEAD", not "TAIL"', 0.125)
    assert len(asked) == 1


@pytest.mark.parametrize("kind", ["TCP", "UDP"])
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ConnectError("no connection: connection refused"), "connect: no connection: connection refused"),
        (DeadlineError("no whole answer within 2 s"), "read: no whole answer within 2 s"),
        (ReadError("reset"), "read: reset"),
    ],
)
def test_no_answer_is_a_failure(kind: str, error: SourceError, reason: str) -> None:
    assert carried_out(definition(kind, BANNER), error)[0] == Verdict("failed", reason)


def test_our_own_patience_is_no_failure() -> None:
    verdict, _ = carried_out(definition("UDP"), DeadlineError("silent for 1 s"), silence_s=1.0)
    assert verdict == Verdict(
        "not_carried_out", "silent for 1 s; its own time-out, 2 s, is longer than read_timeout, 1 s"
    )


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"ip": None}, "its ip is missing"),
        ({"ip": " "}, "its ip is missing"),
        ({"port": None}, "its port is missing"),
        ({"port": 0}, "its port is missing"),
        ({"request": "\ud800"}, "its request holds half a character, which cannot be sent"),
        ({"ip": "192.168.0.1"}, "192.168.0.1:8080 is not in the list of hosts that may be contacted"),
        ({"ip": "evil.example"}, "evil.example:8080 is not in the list of hosts that may be contacted"),
        ({"ip": "[::1]"}, "[::1]:8080 is not in the list of hosts that may be contacted"),
        ({"ip": "0x7f000001"}, "0x7f000001 means 127.0.0.1, and 127.0.0.1:8080 is not in the list"),
        ({"ip": "http://10.0.0.5/"}, "'http://10.0.0.5/' is neither a host name nor an address"),
        ({"ip": "\ud800"}, "'?' is neither a host name nor an address"),
        (
            {"validation": {"lengthValidation": {"ENDIAN": "BIG", "POS": "0", "TYPE": "TEXT", "BASE": "0"}}},
            "lengthValidation is of the TYPE 'TEXT', which is not known",
        ),
        (
            {"validation": {"responseValidation": [{"position": 0, "validationText": "\ud800"}]}},
            "a validationText holds half a character, which cannot be compared",
        ),
    ],
)
@pytest.mark.parametrize("kind", ["TCP", "UDP"])
def test_what_cannot_be_asked_is_not_carried_out(kind: str, members: dict[str, Any], reason: str) -> None:
    verdict, asked = carried_out({**definition(kind), **members}, b"OK - ready")
    assert verdict.word == NOT_CARRIED_OUT
    assert verdict.reason.startswith(reason)
    assert not asked


@pytest.mark.parametrize("ip", ["10.0.0.5", " 10.0.0.5 ", "db.example", "[10.0.0.5]"])
def test_a_host_may_be_written_in_several_ways(ip: str) -> None:
    assert carried_out(definition(ip=ip), b"")[0].word == PASSED


@pytest.mark.parametrize("kind", ["TCP", "UDP"])
def test_what_nobody_verifies_never_passes(kind: str) -> None:
    text = {
        "textValidationType": "JSON",
        "textValidationInfos": [{"operator": "EQ", "expression": "$", "operand": "1"}],
    }
    verdict, _ = carried_out(definition(kind, {"textValidation": text, "banner": "x"}), b"")
    assert verdict.word == NOT_CARRIED_OUT
    assert verdict.reason.startswith(
        f"textValidation, validation.banner is not verified for {kind} scenarios; all else holds: "
    )


def test_codes_of_http_say_nothing_here() -> None:
    assert carried_out(definition(validation={"responseCodes": ["200"]}), b"")[0].word == PASSED
