"""Settings from the environment, and the sentences about those that cannot work."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from polymem.settings import InvalidSettings, Listener, is_loopback, load_settings


def test_without_any_variable_the_defaults_hold() -> None:
    settings = load_settings()
    assert (settings.host, settings.port, settings.auth) == ("127.0.0.1", 8765, "local")
    assert settings.data_dir == Path("~/.polymem").expanduser()
    assert settings.model_dir == settings.data_dir / "models"
    assert (settings.listen, settings.allowed_hosts, settings.database_url) == ((), (), None)


def test_every_variable_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {
        "HOST": "::1",
        "PORT": "9000",
        "LISTEN": "memento:7008, all",
        "AUTH": "REQUIRED",
        "ALLOWED_HOSTS": "memory.lan, Other.LAN",
        "DATA_DIR": str(tmp_path),
        "CACHE_DIR": str(tmp_path / "cache"),
        "DATABASE_URL": "postgresql://u:secret@h/d",
        "INDEX_MEMORY_MB": "64",
        "EMBEDDER": "fastembed",
        "EMBEDDER_URL": "http://127.0.0.1:11434/v1",
        "EMBEDDER_MODEL": "nomic",
        "EMBEDDER_API_KEY": "secret",
        "EMBEDDER_PRECISION": "fp32",
        "EMBEDDER_THREADS": "2",
        "MAX_BODY_MB": "0.5",
        "LOG_LEVEL": "DEBUG",
        "LOG_FORMAT": "json",
        "ACCESS_LOG": "false",
        "NAMESPACE": "mine",
        "MEMENTO_API_KEY": "secret",
        "MEMENTO_PORT": "7009",
    }.items():
        monkeypatch.setenv(f"POLYMEM_{name}", value)
    settings = load_settings()
    assert settings.listen == (Listener("memento", 7008), Listener("all"))
    assert settings.allowed_hosts == ("memory.lan", "other.lan")
    assert (settings.host, settings.port, settings.auth) == ("::1", 9000, "required")
    assert settings.model_dir == tmp_path / "cache"
    assert (settings.embedder_url, settings.embedder_precision) == ("http://127.0.0.1:11434/v1", "fp32")
    assert (settings.max_body_mb, settings.log_level, settings.access_log) == (0.5, "debug", False)
    assert (settings.namespace, settings.memento_port) == ("mine", 7009)
    assert "secret" not in repr(settings)


def test_mementos_own_variables_count_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMENTO_API_KEY", "secret")
    monkeypatch.setenv("MEMENTO_PORT", "7010")
    settings = load_settings()
    assert settings.memento_api_key is not None
    assert settings.memento_api_key.get_secret_value() == "secret"
    assert settings.memento_port == 7010


def test_what_is_given_wins_over_the_environment_and_none_gives_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYMEM_PORT", "9000")
    assert load_settings(port=9001).port == 9001
    assert load_settings(port=None).port == 9000


def test_an_empty_variable_is_no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYMEM_DATA_DIR", "")
    monkeypatch.setenv("POLYMEM_MEMENTO_API_KEY", "")
    assert load_settings().data_dir == Path("~/.polymem").expanduser()
    assert load_settings().memento_api_key is None


def test_a_tilde_is_the_home_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLYMEM_DATA_DIR", "~/memories")
    assert load_settings().data_dir == Path.home() / "memories"


def test_settings_never_change() -> None:
    with pytest.raises(ValidationError):
        load_settings().__setattr__("port", 1)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"port": "many"}, "POLYMEM_PORT: input should be a valid integer"),
        ({"port": 70000}, "POLYMEM_PORT: input should be less than or equal to 65535"),
        ({"auth": "none"}, "POLYMEM_AUTH: input should be 'local' or 'required'"),
        ({"listen": "memento:x"}, "POLYMEM_LISTEN: 'memento:x' is not of the form DIALECT or DIALECT:PORT"),
        ({"listen": "all:80"}, "POLYMEM_LISTEN: 'all' uses each dialect's own port"),
        ({"embedder_url": "ftp://x", "embedder_model": "m"}, "POLYMEM_EMBEDDER_URL: must begin with http"),
        ({"embedder_url": "http://x"}, "needs the model's name in POLYMEM_EMBEDDER_MODEL"),
        ({"max_body_mb": 0}, "POLYMEM_MAX_BODY_MB: input should be greater than 0"),
        ({"memento_port": -1}, "POLYMEM_MEMENTO_PORT: input should be greater than or equal to 0"),
        ({"host": "0.0.0.0"}, "set POLYMEM_AUTH=required, or listen on 127.0.0.1"),
        ({"host": "memory.example"}, "set POLYMEM_AUTH=required, or listen on 127.0.0.1"),
    ],
)
def test_what_cannot_work_is_refused_with_a_sentence_that_names_the_variable(
    given: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InvalidSettings) as refused:
        load_settings(**given)
    assert sentence in str(refused.value)


def test_everything_wrong_is_said_at_once() -> None:
    with pytest.raises(InvalidSettings) as refused:
        load_settings(port="x", auth="y")
    assert len(str(refused.value).splitlines()) == 2


def test_an_address_others_can_reach_needs_keys() -> None:
    assert load_settings(host="0.0.0.0", auth="required").host == "0.0.0.0"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "localhost", "LOCALHOST", "::1", "[::1]"])
def test_only_this_machine_reaches_a_loopback_address(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "memory.lan", "localhost.evil.example", ""])
def test_other_addresses_are_not_loopback(host: str) -> None:
    assert not is_loopback(host)
