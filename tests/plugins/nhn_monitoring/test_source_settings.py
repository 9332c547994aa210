"""What can be configured of a source, read the way rules are read."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, get_type_hints

import pytest
from pydantic import TypeAdapter, ValidationError

from checkmill.api.v1 import Doc, Secret
from checkmill_nhn_monitoring.settings import Settings, Watched

SETTINGS = TypeAdapter(Settings)
KEYS = {"appkey": "81713f1cc96b4eae834f7535ec4fae7a", "product_appkey": "aBcDeFgH12345678"}
ONE, TWO = "0c96cff0-edc2-11ea-9760-8d94f461e6d4", "be50d2a0-e353-11ea-a3c2-ebd9a267dbb2"


def read(**written: Any) -> Settings:
    return SETTINGS.validate_python({**KEYS, "scenarios": [], **written})


def complaint(**written: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        read(**written)
    return str(caught.value.errors()[0].get("ctx", {}).get("error", caught.value.errors()[0]["msg"]))


def test_two_appkeys_and_the_scenarios_are_all_it_takes() -> None:
    settings = read()
    assert settings.base_url == "https://api-service-monitoring.cloud.toast.com"
    assert settings.modify_method == "PUT"
    assert settings.watched == ()
    assert settings.headers() == {"TOAST_PRODUCT_APPKEY": Secret("aBcDeFgH12345678")}
    assert "81713f1c" not in repr(settings)
    assert "aBcDeFgH" not in repr(settings)


@pytest.mark.parametrize("missing", ["appkey", "product_appkey", "scenarios"])
def test_none_of_them_may_be_left_out(missing: str) -> None:
    written = {**KEYS, "scenarios": [ONE]}
    with pytest.raises(ValidationError):
        SETTINGS.validate_python({name: value for name, value in written.items() if name != missing})


def test_scenarios_of_a_list_are_known_by_their_ids() -> None:
    settings = read(scenarios=[ONE, TWO])
    assert settings.watched == (Watched(ONE, ONE), Watched(TWO, TWO))
    assert settings.watched[0].labels == {"scenario": ONE, "id": ONE}


def test_scenarios_of_a_map_are_known_by_their_names() -> None:
    settings = read(scenarios={"front": ONE, "port": TWO})
    assert [one.labels for one in settings.watched] == [
        {"scenario": "front", "id": ONE},
        {"scenario": "port", "id": TWO},
    ]
    assert (settings.id_of("port"), settings.id_of(ONE), settings.id_of("else")) == (TWO, ONE, "else")
    assert (settings.name_of(TWO), settings.name_of("else")) == ("port", "else")


@pytest.mark.parametrize(
    ("scenarios", "said"),
    [
        ([""], "the scenario '' has no name"),
        ({"a": ""}, "the scenario id is empty"),
        (["a/b"], "scenario 'a/b' is not an id"),
        ({"a": ".."}, "scenario '..' is not an id"),
        ([" a"], "scenario ' a' is not an id"),
        ({"a": "b\n"}, "scenario 'b\\n' is not an id"),
        ({" ": ONE}, f"the scenario '{ONE}' has no name"),
        ([ONE, TWO, ONE], f"the scenario '{ONE}' stands twice"),
        ({"a": ONE, "b": ONE}, f"the scenario '{ONE}' stands twice"),
    ],
)
def test_what_cannot_be_a_scenario_is_refused_with_what_to_do(scenarios: Any, said: str) -> None:
    sentence = complaint(scenarios=scenarios)
    assert sentence.startswith(said)
    assert "; " in sentence or ": " in sentence


@pytest.mark.parametrize("scenarios", [ONE, 5, [5], {"a": 5}, {"a": None}, [[ONE]]])
def test_scenarios_of_other_types_are_refused(scenarios: Any) -> None:
    with pytest.raises(ValidationError):
        read(scenarios=scenarios)


def test_by_default_only_the_sources_own_address_may_be_contacted() -> None:
    reach = read().reach
    assert reach.refusal_of_host("api-service-monitoring.cloud.toast.com", 443) == ""
    for host, port in (("api-service-monitoring.cloud.toast.com", 80), ("shop.example", 443), ("127.0.0.1", 443)):
        assert reach.refusal_of_host(host, port) != ""


@pytest.mark.parametrize(
    ("base_url", "host", "port"),
    [
        ("http://127.0.0.1:8123/nhn-monitoring", "127.0.0.1", 8123),
        ("http://[::1]:8123", "::1", 8123),
        ("http://nhn.example", "nhn.example", 80),
        ("https://NHN.example/", "nhn.example", 443),
    ],
)
def test_the_address_of_the_source_is_always_allowed(base_url: str, host: str, port: int) -> None:
    settings = replace(read(allow="10.0.0.0/8"), base_url=base_url)
    assert settings.reach.refusal_of_host(host, port) == ""
    assert settings.reach.refusal_of_host(host, port + 1) != ""
    assert settings.reach.refusal_of_host("10.1.2.3", 99) == ""


@pytest.mark.parametrize(
    "allow",
    [
        ["*.shop.example", "10.0.0.0/8", "db.example:5432"],
        "*.shop.example 10.0.0.0/8 db.example:5432",
        "*.shop.example,10.0.0.0/8, db.example:5432\n",
    ],
)
def test_allowed_hosts_are_a_list_or_a_text(allow: Any) -> None:
    reach = read(allow=allow).reach
    for host, port in (("www.shop.example", 443), ("10.9.8.7", 1), ("db.example", 5432)):
        assert reach.refusal_of_host(host, port) == ""
    for host, port in (("shop.example.org", 443), ("11.0.0.1", 1), ("db.example", 5433)):
        assert reach.refusal_of_host(host, port) != ""


@pytest.mark.parametrize("allow", ["", " , ", []])
def test_an_empty_list_of_hosts_allows_none(allow: Any) -> None:
    assert read(allow=allow).reach.hosts == ("api-service-monitoring.cloud.toast.com:443",)


@pytest.mark.parametrize("allow", ["https://shop.example", ["shop.example/path"], "10.0.0.0/99", ["a b"]])
def test_what_is_no_host_is_refused_when_rules_are_read(allow: Any) -> None:
    assert "is no host" in complaint(allow=allow)


@pytest.mark.parametrize("method", ["put", "PATCH", "", None])
def test_modify_method_is_put_or_post(method: Any) -> None:
    with pytest.raises(ValidationError):
        read(modify_method=method)
    assert read(modify_method="POST").modify_method == "POST"


def test_every_setting_says_what_it_is_for() -> None:
    hints = get_type_hints(Settings, include_extras=True)
    for field in fields(Settings):
        assert any(isinstance(extra, Doc) for extra in hints[field.name].__metadata__), field.name
