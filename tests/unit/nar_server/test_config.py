"""The configuration file and its mistakes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from nar_server import options
from nar_server.config import (
    OPTIONS,
    Config,
    PullThroughConfig,
    StoreConfig,
    UpstreamConfig,
    ViewConfig,
    load_config,
    parse_config,
)
from nar_server.key_files import check_signing_keys, load_signing_keys
from nar_server.keys import PublicKey
from nar_server.options import Address, ConfigError
from nar_server.policy import Mode, Paths

PUBLIC = "cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY="
KEY = PublicKey.parse(PUBLIC)


def test_empty_file_is_the_defaults() -> None:
    assert parse_config("") == Config()


def test_choices_are_those_of_the_policy() -> None:
    assert tuple(mode.value for mode in Mode) == options.MODES
    assert tuple(paths.value for paths in Paths) == options.PATHS


def test_everything_of_one_store() -> None:
    config = parse_config(
        f"""
        listen = ["0.0.0.0:5000", "[::1]:80"]
        title = "Cache of the camp"
        store_dir = "/gnu/store"
        real_store_dir = "/srv/gnu/store"
        database = "/srv/db.sqlite"
        log_dir = "/srv/log"
        priority = 10
        policy = "hide"
        paths = "upstream"
        signing_key_files = ["/etc/a.key"]
        trusted_public_keys = ["{PUBLIC}"]
        """
    )
    assert config == Config(
        listen=(Address("0.0.0.0", 5000), Address("::1", 80)),
        title="Cache of the camp",
        stores={"main": StoreConfig("/gnu/store", Path("/srv/gnu/store"), Path("/srv/db.sqlite"), Path("/srv/log"))},
        views=(
            ViewConfig(
                paths="upstream",
                policy="hide",
                priority=10,
                signing_key_files=(Path("/etc/a.key"),),
                trusted_public_keys=(KEY,),
            ),
        ),
    )


def test_views_stores_and_upstreams() -> None:
    config = parse_config(
        f"""
        priority = 20
        signing_key_files = ["/etc/mirror.key"]
        trusted_public_keys = ["{PUBLIC}"]
        [stores.chroot]
        real_store_dir = "/srv/root/nix/store"
        [views.mirror]
        hosts = ["cache.example"]
        paths = "upstream"
        [views.hydra]
        prefix = "/hydra"
        paths = "built"
        priority = 10
        signing_key_files = ["/etc/hydra.key"]
        [views.other]
        prefix = "/"
        store = "chroot"
        upstreams = ["near"]
        [upstreams.near]
        url = "http://10.0.0.1:5000/mirror/"
        public_keys = ["{PUBLIC}"]
        [upstreams.far]
        url = "https://cache.example.org"
        public_keys = ["{PUBLIC}"]
        stratum = 2
        [pull_through]
        folder = "/srv/spool"
        size = "5 GiB"
        import_to_store = true
        """
    )
    chroot = config.stores["chroot"]
    assert (chroot.directory, chroot.database) == ("/nix/store", Path("/srv/root/nix/var/nix/db/db.sqlite"))
    mirror, hydra, other = config.views
    mirror_key, hydra_key = (Path(f"/etc/{name}.key") for name in ("mirror", "hydra"))
    assert mirror == ViewConfig(
        "mirror",
        hosts=("cache.example",),
        paths="upstream",
        priority=20,
        signing_key_files=(mirror_key,),
        trusted_public_keys=(KEY,),
        upstreams=("near", "far"),
    )
    # A view of what was built here asks nobody, and keys that vouch for fetched paths vouch for nothing in it.
    assert hydra == ViewConfig(
        "hydra", "/hydra", paths="built", priority=10, signing_key_files=(hydra_key,), trusted_public_keys=()
    )
    assert (other.prefix, other.store, other.upstreams) == ("", "chroot", ("near",))
    assert config.upstreams == (
        UpstreamConfig("near", "http://10.0.0.1:5000/mirror", (KEY,)),
        UpstreamConfig("far", "https://cache.example.org", (KEY,), 2),
    )
    assert config.pull_through == PullThroughConfig(Path("/srv/spool"), 5 * 2**30, import_to_store=True)


def test_a_store_elsewhere_has_its_database_and_logs_beside_it() -> None:
    store = parse_config('real_store_dir = "/x/nix/store"').stores["main"]
    assert (store.database, store.logs) == (Path("/x/nix/var/nix/db/db.sqlite"), Path("/x/nix/var/log/nix"))
    assert parse_config('store_dir = "/gnu/store"').stores["main"].real == Path("/gnu/store")


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
            title = "two\\nlines"
            views.a.preffix = "/a"
            views.b.prefix = "/nar"
            views.c.hosts = ["a:80"]
            upstreams.near.url = "ftp://near"
            upstreams.near.stratum = 0
            pull_through.size = "5 GB"
            pull_through.import_to_store = "yes"
            """
        )
    assert str(error.value).splitlines() == [
        "prioriy: there is no such option; did you mean 'priority'?",
        f"colour: there is no such option; there are: {', '.join(OPTIONS)}",
        "priority: -1 is not a whole number from 0 to 2147483647",
        "listen: "
        + "; ".join(f"{text!r} is not ADDRESS:PORT, for example 0.0.0.0:5000 or [::]:5000" for text in ("5000", ":80"))
        + "; 'a:70000' has a port above 65535",
        "policy: 'some' is not one of vouched, hide, all, none",
        "store_dir: 'store/' is not an absolute path without a slash at its end",
        "database: 'db' is not an absolute path without a slash at its end",
        "signing_key_files: 'x' is not a list of strings",
        "trusted_public_keys: number 1: the public key 'cache' has 3 bytes, must have 32",
        "title: 'two\\nlines' is not a line of text",
        "upstreams.near.url: 'ftp://near' is not the address of a cache: http or https, a host, no query;"
        " for example https://cache.example.org",
        "upstreams.near.stratum: 0 is not a whole number from 1",
        "views.a.preffix: there is no such option; did you mean 'prefix'?",
        "views.b.prefix: '/nar': 'nar' is one of the server's own addresses",
        "views.c.hosts: 'a:80' is not a host name in lower case without a port",
        "pull_through.size: '5 GB' is not a size: a number of bytes, or of KiB, MiB, GiB or TiB as in \"20 GiB\"",
        "pull_through.import_to_store: 'yes' is neither true nor false",
        "upstreams.near.public_keys: it is missing",
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('views.a.store = "x"', "views.a.store: there is no [stores.x]; there are: main"),
        ('views.a.store = "mian"', "views.a.store: there is no [stores.mian]; did you mean 'main'?"),
        ('views.a.upstreams = ["x"]', "views.a.upstreams: there is no [upstreams.x]; there are none"),
        (
            'views.a.prefix = "/x"\nviews.b.prefix = "/x"',
            "views.b: /x on all hosts is views.a: give it another prefix or host",
        ),
        (
            'views.a.hosts = ["x", "y"]\nviews.b.hosts = ["y"]',
            "views.b: / on y is views.a: give it another prefix or host",
        ),
        ("views = 1", "views: write a table [views.NAME] for each"),
        ("views.a = 1", "views.a: 1 is not a table: write [views.a], and its options below"),
        ("upstreams.x = 1", "upstreams.x: 1 is not a table: write [upstreams.x], and its options below"),
        ('upstreams.x = ["url"]', "upstreams.x: ['url'] is not a table: write [upstreams.x], and its options below"),
        ("hot_tier = true", "hot_tier: true is not a table: write [hot_tier], and its options below"),
        ('stores.main.log_dir = "/l"', "stores.main: what is said of this store stands at the top of the file"),
        ('views."a b".priority = 1', "views.a b: a name has 64 letters, digits, - and _ at most"),
        (
            f'upstreams.u = {{url = "http://u", public_keys = ["{PUBLIC}"]}}\n'
            'views.a = {paths = "built", upstreams = ["u"]}',
            "views.a.upstreams: a view of what was built here asks no upstream",
        ),
    ],
)
def test_tables_that_do_not_fit_together(text: str, reason: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_config(text)
    assert str(error.value) == reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("listen = []", "listen: at least one address is needed"),
        ('priority = "1"', "priority: '1' is not a whole number from 0 to 2147483647"),
        ("priority = true", "priority: true is not a whole number from 0 to 2147483647"),
        ("priority = 2147483648", "priority: 2147483648 is not a whole number from 0 to 2147483647"),
        ("workers = 100000", "workers: 100000 is not a whole number from 1 to 256"),
        ("zstd.level = 20", "zstd.level: 20 is not a whole number from 0 to 19"),
        ('listen = ["a:1", "a:1", "b:1"]', "listen: more than once: a:1"),
        *(
            (
                f"[{table}]\n{name} = 1",
                f"{table}.{name}: there is no such option; it belongs to the top of the file, above",
            )
            for table, name in (("hot_tier", "title"), ("views.a", "listen"))
        ),
        ("policy = 1", "policy: 1 is not one of vouched, hide, all, none"),
        ("policy = true", "policy: true is not one of vouched, hide, all, none"),
        ("title = false", "title: false is not a string"),
        ("signing_key_files = [1]", "signing_key_files: 1 is not a string"),
        ("listen", "it is not valid TOML: "),
        *(
            (f"{option} = 0x{'f' * 5000}", f"{option}: a number of very many digits is not ")
            for option in ("zstd", "workers", "title")
        ),
        ("a = " + "[" * 5000, "it is nested too deep"),
        (f"views.{'v' * 65}.priority = 1", f"views.{'v' * 65}: a name has 64 letters"),
        (f'upstreams.u.url = "http://{"u" * 200}"', "upstreams.u.url: "),
        *(
            (f'upstreams.u.url = "{url}"', f"upstreams.u.url: {url!r} is not the address of a cache")
            for url in ("http://u:99999", "http://u:x", "http://u:0", "http://u /", "http://[::1", "http://u?a", "u")
        ),
        *((f'upstreams.u.url = "http://{host}"', "upstreams.u.url: ") for host in ("a..b", f"{'a' * 64}.example")),
        *(
            (
                f'upstreams.u.url = "http://{user}@host"',
                "upstreams.u.url: an address of a cache has no user and no password",
            )
            for user in ("u", "u:secret", ":secret", "")
        ),
    ],
)
def test_mistakes_name_the_file(text: str, reason: str, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as error:
        load_config(file)
    assert str(error.value).startswith(f"{file}: {reason}")


@pytest.mark.parametrize(
    "text",
    [
        'upstreams.u.url = ["http://u:SECRET@host"]',
        'upstreams.u.url = "http://u:#SECRET@host"',
        'upstreams.u.url = "http://u:SEC/RET@host"',
        'upstreams.u.url = {a = "http://u:SEC RET@host"}',
        'upstreams.u = "http://u:SE\'CRET@host"',
        'listen = "http://u:SECRET@host"',
        f'signing_key_files = ["a-1:{"SECRET" * 14}AB=="]',
        f'signing_key_files = "a-1:{"SECRET" * 14}AB=="',
        f'pull_through.folder = "a-1:{"SECRET" * 14}AB=="',
        # Addresses and keys that are not quite right themselves.
        'upstreams.u.url = "u:SECRET@host"',
        'upstreams.u.url = "https:/u:SECRET@host"',
        'upstreams.u.url = "https://u:SECRET%40host"',
        f'signing_key_files = ["{"SECRET" * 14}AB=="]',
        f'signing_key_files = ["a-1:{"SECRET" * 14}AB"]',
        f'signing_key_files = ["a-1: {"SECRET" * 7}\\n{"SECRET" * 7}AB=="]',
        f'trusted_public_keys = ["{"SECRET" * 14}AB==:a-1"]',
        # Where the name of something is expected.
        'views.main.upstreams = ["http://u:SECRET@host"]',
        'views.main.store = "http://u:SECRET@host"',
        'upstreams."http://u:SECRET@host".stratum = 1',
        'views.main."http://u:SECRET@host" = 1',
        '[views."http://u:SECRET@host"]\n[views."http://u:SECRET@host"]',
    ],
)
def test_mistakes_do_not_show_passwords_and_secret_keys(text: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_config(text)
    assert not re.search("SE|RET", str(error.value))
    assert "…" in str(error.value)


@pytest.mark.parametrize("host", ["a..b", "a" * 64])
def test_a_host_name_that_cannot_be_looked_up_is_a_mistake(host: str) -> None:
    with pytest.raises(ConfigError, match=f"listen: '{host}:5000' has no host name that can be looked up"):
        parse_config(f'listen = ["{host}:5000"]')


def test_an_integer_of_very_many_digits_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match="it is not valid TOML"):
        parse_config(f"workers = {'1' * 5000}")


def test_an_address_of_a_cache_may_have_an_at_sign_in_its_path() -> None:
    text = f'upstreams.u = {{ url = "https://h/@scope/x/", public_keys = ["{PUBLIC}"] }}'
    (upstream,) = parse_config(text).upstreams
    assert upstream.url == "https://h/@scope/x"


def test_absent_and_undecodable_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_config(tmp_path / "absent")
    (tmp_path / "latin").write_bytes(b'policy = "\xe4"')
    with pytest.raises(ConfigError, match="latin: it is not UTF-8: byte 10 is 0xe4"):
        load_config(tmp_path / "latin")


@pytest.mark.parametrize("content", [b"secret-1:AAAA", b"\xffsecret", b"secret"])
def test_bad_keys_are_named_and_not_shown(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "a.key"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as error:
        load_signing_keys((file,))
    assert str(error.value).startswith(f"signing_key_files: {file}: ")
    assert "AAAA" not in str(error.value)


def test_two_keys_of_one_name(tmp_path: Path) -> None:
    files = (tmp_path / "a", tmp_path / "b")
    for file in files:
        file.write_text("cache-1:" + "A" * 86 + "==")
    with pytest.raises(ConfigError, match=f"the keys of {files[0]} and {files[1]} are all named cache-1; "):
        load_signing_keys(files)


def test_mistakes_of_the_keys_of_all_views_are_told() -> None:
    views = [ViewConfig(name, signing_key_files=(Path(f"/nowhere/{name}"),)) for name in ("a", "b", "a")]
    with pytest.raises(ConfigError) as error:
        check_signing_keys(views)
    told = [
        f"signing_key_files: /nowhere/{name}: No such file or directory;"
        f" 'nix-store --generate-binary-cache-key NAME /nowhere/{name} /nowhere/{name}.pub' makes a key"
        for name in ("a", "b")
    ]
    assert str(error.value).splitlines() == told


@pytest.mark.parametrize("key", ["A" * 43 + "=", "A" * 86 + "==", "%"])
def test_a_public_key_is_named_by_its_number_and_not_shown(key: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_config(f'trusted_public_keys = ["{PUBLIC}", "{PUBLIC}", "cache-1{key}"]')
    assert str(error.value).startswith("trusted_public_keys: number 3: ")
    assert key not in str(error.value)


def test_a_secret_key_is_told_from_a_public_one() -> None:
    with pytest.raises(ConfigError, match="a secret key is no public key"):
        parse_config(f'trusted_public_keys = ["cache-1:{"A" * 86}=="]')
