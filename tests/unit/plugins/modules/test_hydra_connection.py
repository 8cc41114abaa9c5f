# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the modules reach a Hydra and sign in, and what of that nobody sees."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible_collections.nixvegas.noc.plugins.modules import hydra_jobset
from ansible_collections.nixvegas.noc.tests.hydra_stand_in.server import StandIn, running

from .conftest import FLAKE, LEGACY, PASSWORD, Run, database

pytestmark = pytest.mark.usefixtures("demo")


WRONG_URLS = [
    "ftp://x",
    "hydra.example.org",
    "http://u:never-shown@x",
    "http://[::1",
    "http://h:x/",
    "http://h:0",
    "http://a b",
]
WRONG_URLS += ["http://h\0", "http://h/\x1b[2J", "http://h/?a=b", "http:///x", " http://h", ""]


@pytest.mark.parametrize("url", WRONG_URLS)
def test_addresses_that_are_none(run: Run, url: str) -> None:
    failed = run("info", url=url)["msg"]
    assert failed.startswith("url: ")
    assert "never-shown" not in failed


@pytest.mark.parametrize("private", [False, True])
def test_one_session_for_a_whole_run(hydra: StandIn, run: Run, private: bool) -> None:
    hydra.database.private = private
    jobsets = [{"name": f"j{number}", "flake": "a:b"} for number in range(5)]
    assert len(run("project", name="demo", description="x", jobsets=jobsets)["changes"]) == 6
    assert hydra.requests.count("POST /login") == 1
    assert hydra.requests.count("GET /project/demo") == 3 + private  # the first of a private one is refused


def test_wrong_password(hydra: StandIn, run: Run) -> None:
    for check in (True, False):
        failed = run("jobset", check=check, **(FLAKE | {"password": "wrong"}))["msg"]
        assert failed == (
            f"POST {hydra.url}/login was answered 403: Bad username or password. Check username and password;"
            " hydra-create-user on Hydra's host sets a new one."
        )


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for localhost of its own, with its key."""
    file = tmp_path / "hydra.pem"
    key, crt = tmp_path / "key", tmp_path / "ca.crt"
    new = ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*new, *names, "-keyout", key, "-out", crt], check=True, capture_output=True)
    file.write_text(key.read_text() + crt.read_text())
    return file


@pytest.fixture
def prefixed(certificate: Path) -> Iterator[StandIn]:
    """A Hydra below a path, behind TLS of a private CA."""
    with running(database(), prefix="/ci", certificate=certificate) as stand_in:
        yield stand_in


def test_prefix_and_private_ca(prefixed: StandIn, certificate: Path, run: Run) -> None:
    ours = {"url": prefixed.url, "ca_path": str(certificate.parent / "ca.crt")}
    assert run("project", name="demo", **ours)["changed"]
    assert run("evaluation", project="demo", jobset="fl", **ours)["msg"].startswith("jobset demo:fl: does not exist")
    refused = run("project", name="demo", url=prefixed.url)["msg"]
    assert "CERTIFICATE_VERIFY_FAILED" in refused
    assert "for a private CA, give its certificate as ca_path" in refused
    assert run("info", url=prefixed.url, validate_certs=False)["projects"]
    assert "ca_path: " in run("info", url=prefixed.url, ca_path="/nonexistent/ca.crt")["msg"]


def test_address_hydra_does_not_know_itself_by(prefixed: StandIn, run: Run) -> None:
    """Signing in needs the address that Hydra believes to have."""
    other = prefixed.url.replace("localhost", "127.0.0.1")
    failed = run("project", name="demo", url=other, validate_certs=False)["msg"]
    assert f"POST requests should come from ‘{prefixed.url}/’. Write the url as Hydra itself calls it there" in failed


def test_user_and_password_from_the_environment(hydra: StandIn, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYDRA_USERNAME", "alice")
    monkeypatch.setenv("HYDRA_PASSWORD", PASSWORD)
    assert run("jobset", user=None, **FLAKE)["changed"]
    assert hydra_jobset.ARGUMENTS["password"]["no_log"]


def test_nothing_is_logged(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the log of the host, where Ansible's modules write their options."""
    logged: list[object] = []
    monkeypatch.setattr(basic, "has_journal", False)
    monkeypatch.setattr(basic.syslog, "syslog", lambda *message: logged.append(message))
    secret = FLAKE | {"flake": "git+https://bot:hunter2@x.org/a"}
    assert run("jobset", **secret, _ansible_no_log=False)["changed"]
    assert logged == []


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("https://bot:hunter2@x.org/a.git", "https://bot:hunter3@x.org/a.git", "https://***@x.org/a.git"),
        ("https://hunter2@x.org/a.git", "https://hunter3@x.org/a.git", "https://***@x.org/a.git"),
        ("https://b:hunt/er2@x.org/a.git", "https://b:hunt/er3@x.org/a.git", "https://***@x.org/a.git"),
        ("https://b:hunt@er2@x.org/a.git", "https://b:hunt@er3@x.org/a.git", "https://***@x.org/a.git"),
        (
            "git+https://x.org/a?token=hunter2&b=c",
            "git+https://x.org/a?token=hunter3&b=c",
            "git+https://x.org/a?token=***&b=c",
        ),
    ],
)
def test_credentials_in_a_url_are_not_shown(run: Run, before: str, after: str, shown: str) -> None:
    """Not in the diff, which says that they change, nor in the invocation that -vvv prints."""
    first = run("jobset", **(LEGACY | {"inputs": {"src": {"type": "git", "value": before}}}))
    assert f"inputs.src.value: {shown}\n" in first["diff"][0]["after"]
    second = run("jobset", project="demo", name="leg", inputs={"src": {"value": after}})
    assert second["diff"][0]["after"] == f"inputs.src.value: {shown} (credentials after)\n"
    refused = run("jobset", project="demo", name="leg", inputs={"src": {"value": f"{after} "}}, flake=f"{after} ")
    assert shown in refused["msg"]
    mistaken = run("jobset", project="demo", name="leg", nosuch=1, flake=after)
    assert mistaken["msg"].startswith("Unsupported parameters")
    for result in (first, second, refused, mistaken):
        assert "unt" not in str(result)


@pytest.mark.parametrize(
    ("module", "options", "words"),
    [
        ("evaluation", {"project": "..", "jobset": "fl"}, 'project: ".." is not a project identifier; use letters'),
        ("evaluation", {"project": "demo", "jobset": "a/b"}, 'jobset: "a/b" is not a jobset identifier; use letters'),
        ("evaluation", {"project": "%2e", "jobset": "fl"}, 'project: "%2e" is not a project identifier'),
        ("evaluation", {"project": "demo", "jobset": ""}, 'jobset: "" is not a jobset identifier'),
        ("evaluation", {"project": "demo", "jobset": 5}, "jobset: 5 is not a text; write it in quotes"),
        ("evaluation", {"project": "demo", "jobset": "fl", "timeout": 0}, "timeout: "),
        ("evaluation", {"project": "demo", "jobset": "fl", "interval": "0s"}, "interval: "),
        ("info", {"projects": ["demo", "../x"]}, 'projects: "../x" is not a project identifier'),
        ("info", {"request_timeout": 0}, 'request_timeout: "0" is no time to wait; write one from 1s to 1d'),
        ("info", {"request_timeout": -1}, 'request_timeout: "-1" is not a duration'),
        ("info", {"request_timeout": "2d"}, 'request_timeout: "2d" is no time to wait'),
        ("info", {"ca_path": "/a\0b"}, "ca_path: "),
    ],
)
def test_options_are_read_before_a_request(
    hydra: StandIn, run: Run, module: str, options: dict[str, Any], words: str
) -> None:
    url = {"url": "https://127.0.0.1:1"} if "ca_path" in options else {}
    assert run(module, **options, **url)["msg"].startswith(words)
    assert hydra.requests == []
