"""The configuration file and its mistakes."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
from nar_server.config import (
    _READERS,
    MODES,
    Address,
    Config,
    ConfigError,
    load_config,
    load_signing_keys,
    parse_config,
)
from nar_server.policy import Mode

PUBLIC = "cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY="


def test_empty_file_is_the_defaults() -> None:
    assert parse_config("") == Config()


def test_every_option_has_a_reader() -> None:
    assert list(_READERS) == [option.name for option in fields(Config)]
    assert {mode.value for mode in Mode} == set(MODES)


def test_everything() -> None:
    config = parse_config(
        f"""
        listen = ["0.0.0.0:5000", "[::1]:80"]
        store_dir = "/gnu/store"
        real_store_dir = "/srv/gnu/store"
        database = "/srv/db.sqlite"
        priority = 10
        policy = "hide"
        signing_key_files = ["/etc/a.key"]
        trusted_public_keys = ["{PUBLIC}"]
        """
    )
    assert config.listen == (Address("0.0.0.0", 5000), Address("::1", 80))
    assert (config.store_dir, config.real_store_dir) == ("/gnu/store", Path("/srv/gnu/store"))
    assert (config.priority, config.policy, config.database) == (10, "hide", Path("/srv/db.sqlite"))
    assert [str(key) for key in config.trusted_public_keys] == [PUBLIC]


def test_a_store_elsewhere_has_its_database_beside_it() -> None:
    assert parse_config('real_store_dir = "/x/nix/store"').database == Path("/x/nix/var/nix/db/db.sqlite")
    assert parse_config('store_dir = "/gnu/store"').real_store_dir == Path("/gnu/store")


def test_all_mistakes_at_once() -> None:
    with pytest.raises(ConfigError) as error:
        parse_config(
            """
            prioriy = 10
            colour = "red"
            priority = -1
            listen = ["5000", ":80", "a:70000"]
            policy = "some"
            store_dir = "store/"
            database = "db"
            signing_key_files = "x"
            trusted_public_keys = ["cache:AAAA"]
            """
        )
    assert str(error.value).splitlines() == [
        "prioriy: there is no such option; did you mean 'priority'?",
        "colour: there is no such option; there are: listen, store_dir, real_store_dir, database, priority, policy,"
        " signing_key_files, trusted_public_keys",
        "priority: -1 is not a number from 0",
        "listen: '5000' is not ADDRESS:PORT, for example 0.0.0.0:5000 or [::]:5000",
        "policy: 'some' is not one of vouched, hide, all, none",
        "store_dir: 'store/' is not an absolute path without a slash at its end",
        "database: 'db' is not an absolute path without a slash at its end",
        "signing_key_files: 'x' is not a list of strings",
        "trusted_public_keys: the public key 'cache' has 3 bytes, must have 32",
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("listen = []", "listen: at least one address is needed"),
        ('priority = "1"', "priority: '1' is not a number from 0"),
        ("priority = true", "priority: True is not a number from 0"),
        ("policy = 1", "policy: 1 is not one of vouched, hide, all, none"),
        ("signing_key_files = [1]", "signing_key_files: 1 is not a string"),
        ("listen", "it is not valid TOML: "),
    ],
)
def test_mistakes_name_the_file(text: str, reason: str, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as error:
        load_config(file)
    assert str(error.value).startswith(f"{file}: {reason}")


def test_absent_and_undecodable_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_config(tmp_path / "absent")
    (tmp_path / "latin").write_bytes(b'policy = "\xe4"')
    with pytest.raises(ConfigError, match="can't decode"):
        load_config(tmp_path / "latin")


@pytest.mark.parametrize("content", [b"secret-1:AAAA", b"\xffsecret", b"secret"])
def test_bad_keys_are_named_and_not_shown(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "a.key"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as error:
        load_signing_keys(Config(signing_key_files=(file,)))
    assert str(error.value).startswith(f"signing_key_files: {file}: ")
    assert "AAAA" not in str(error.value)


def test_two_keys_of_one_name(tmp_path: Path) -> None:
    files = (tmp_path / "a", tmp_path / "b")
    for file in files:
        file.write_text("cache-1:" + "A" * 86 + "==")
    with pytest.raises(ConfigError, match="two keys are named cache-1"):
        load_signing_keys(Config(signing_key_files=files))
