from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gatelodge import AsyncClient, Client, ClientOptions, OptionsError

if TYPE_CHECKING:
    from pathlib import Path

HERE = {"GATELODGE_ADDRESS": "http://127.0.0.1:1", "GATELODGE_API_KEY": "k"}
SECURE = {**HERE, "GATELODGE_ADDRESS": "https://auth.example.com"}


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({**HERE, "GATELODGE_ADDRESS": ""}, "GATELODGE_ADDRESS"),
        ({**HERE, "GATELODGE_API_KEY": " "}, "GATELODGE_API_KEY"),
        ({**HERE, "GATELODGE_API_KEY": "a\nb"}, "GATELODGE_API_KEY"),
        ({**HERE, "GATELODGE_ADDRESS": "127.0.0.1:50051"}, "GATELODGE_ADDRESS"),
        ({**HERE, "GATELODGE_ADDRESS": "ftp://a.example"}, "GATELODGE_ADDRESS"),
        ({**HERE, "GATELODGE_ADDRESS": "http://a.example/path"}, "GATELODGE_ADDRESS"),
        ({**HERE, "GATELODGE_ADDRESS": "http://a.example:port"}, "GATELODGE_ADDRESS"),
        ({**HERE, "GATELODGE_ADDRESS": "http://user@a.example"}, "GATELODGE_ADDRESS"),
        ({**HERE, "GATELODGE_CA_FILE": "ca.pem"}, "GATELODGE_CA_FILE"),
        ({**SECURE, "GATELODGE_CA_FILE": "/nowhere/ca.pem"}, "GATELODGE_CA_FILE"),
        ({**SECURE, "GATELODGE_CERT_FILE": "c.pem"}, "GATELODGE_CERT_FILE"),
        ({**SECURE, "GATELODGE_KEY_FILE": "k.pem"}, "GATELODGE_KEY_FILE"),
        ({**HERE, "GATELODGE_TENANT": "a\nb"}, "GATELODGE_TENANT"),
        ({**HERE, "GATELODGE_KEEP_ANSWERS": "many"}, "GATELODGE_KEEP_ANSWERS"),
        ({**HERE, "GATELODGE_KEEP_ANSWERS": "-1"}, "GATELODGE_KEEP_ANSWERS"),
    ],
)
def test_a_fault_names_its_variable(variables: dict[str, str], named: str) -> None:
    with pytest.raises(OptionsError, match=named):
        ClientOptions.from_env(variables)


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("http://127.0.0.1:50051", "dns:///127.0.0.1:50051"),
        ("http://gatelodge", "dns:///gatelodge:80"),
        ("https://auth.example.com/", "dns:///auth.example.com:443"),
        ("http://[::1]:5", "dns:///[::1]:5"),
    ],
)
def test_the_scheme_gives_the_port(address: str, target: str) -> None:
    assert ClientOptions(address, "k").target == target


def test_the_scheme_alone_decides_tls(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("")
    assert ClientOptions("http://auth.example.com", "k").credentials() is None
    assert ClientOptions("https://127.0.0.1", "k", ca_file=ca).credentials() is not None


def test_nothing_set_is_no_fault_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GATELODGE_ADDRESS", raising=False)
    monkeypatch.delenv("GATELODGE_API_KEY", raising=False)
    assert ClientOptions.from_env_if_any() is None
    monkeypatch.setenv("GATELODGE_API_KEY", "k")
    with pytest.raises(OptionsError, match="GATELODGE_ADDRESS"):
        ClientOptions.from_env_if_any()


@pytest.mark.parametrize(
    ("address", "is_in_clear"),
    [
        ("http://auth.example.com", True),
        ("http://10.0.0.7:50051", True),
        ("http://[2001:db8::1]:1", True),
        ("http://localhost.example", True),
        ("http://127.0.0.1:1", False),
        ("http://127.9.9.9", False),
        ("http://[::1]:1", False),
        ("http://[::ffff:127.0.0.1]:1", False),
        ("http://localhost:1", False),
        ("http://a.LOCALHOST", False),
        ("https://auth.example.com", False),
    ],
)
@pytest.mark.parametrize("flavour", [Client, AsyncClient])
def test_plaintext_to_another_machine_is_said_in_the_log(
    address: str, flavour: type[Client | AsyncClient], caplog: pytest.LogCaptureFixture, *, is_in_clear: bool
) -> None:
    flavour(ClientOptions(address, "canary"))
    assert ("GATELODGE_ADDRESS" in caplog.text) is is_in_clear
    assert "canary" not in caplog.text


def test_repr_hides_the_key() -> None:
    assert "canary" not in repr(ClientOptions("http://a", "canary"))


@pytest.mark.parametrize(("given", "most"), [(None, 16_384), ("", 16_384), ("0", 0), ("7", 7)])
def test_a_variable_says_how_many_answers_are_kept(given: str | None, most: int) -> None:
    variables = HERE if given is None else {**HERE, "GATELODGE_KEEP_ANSWERS": given}
    assert ClientOptions.from_env(variables).keep_answers == most
