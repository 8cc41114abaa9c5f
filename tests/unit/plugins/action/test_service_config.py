# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half, as a play uses it: rendering, trees, vaults and error texts, in check mode on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).resolve().parents[4]


def play(folder: Path, options: dict[str, Any], *, fails: bool = False) -> dict[str, Any]:
    """Run one task in check mode and return its result."""
    task = {"name": "Configure", "nixvegas.noc.service_config": {"name": "unit-test", **options}}
    book = {"hosts": "localhost", "gather_facts": False, "tasks": [task], "vars": {"items": ["a", "b"]}}
    (folder / "play.yml").write_text(json.dumps([book]))
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "-i", "localhost,", "-c", "local", "-CD", "play.yml"],
        cwd=folder,
        env=os.environ
        | {
            "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / ".cache/collections"),
            "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
            "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
            "ANSIBLE_VAULT_PASSWORD_FILE": str(folder / "password"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    text = done.stdout[done.stdout.index("{") :]
    result: dict[str, Any] = json.loads(text)["plays"][0]["tasks"][0]["hosts"]["localhost"]
    assert bool(result.get("failed")) is fails, result
    return result


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of a play with a template, a tree and a vault."""
    (tmp_path / "password").write_text("password\n")
    (tmp_path / "templates" / "parts").mkdir(parents=True)
    (tmp_path / "templates" / "conf.j2").write_text(
        "{% for item in items %}\nitem {{ item }} {{ extra }}\n{% endfor %}\n{% include 'parts/end.j2' %}\n\n\\1\n"
    )
    (tmp_path / "templates" / "parts" / "end.j2").write_text("end of {{ template_destpath }}\n")
    (tmp_path / "templates" / "one.j2").write_text("{{ items }}\n")
    (tmp_path / "files" / "tree" / "sub" / "__pycache__").mkdir(parents=True)
    (tmp_path / "files" / "tree" / "sub" / "__pycache__" / "x.pyc").write_bytes(b"")
    (tmp_path / "files" / "tree" / "sub" / "x.py").write_text("x\n")
    (tmp_path / "files" / "tree" / "run").write_text("#!/bin/sh\n")
    (tmp_path / "files" / "tree" / "run").chmod(0o755)
    (tmp_path / "files" / "vault").write_text("from the vault\n")
    subprocess.run(
        [
            Path(sys.executable).with_name("ansible-vault"),
            "encrypt",
            f"--vault-password-file={tmp_path}/password",
            tmp_path / "files" / "vault",
        ],
        check=True,
        capture_output=True,
    )
    return tmp_path


def test_files_are_rendered_as_ansible_renders_templates(folder: Path) -> None:
    destination = str(folder / "etc")
    result = play(
        folder,
        {
            "files": [
                {"dest": f"{destination}/conf", "template": "conf.j2", "vars": {"extra": "{{ items | length }}"}},
                {"dest": f"{destination}/one", "template": "one.j2"},
                {"dest": f"{destination}/vault", "src": "vault", "mode": "0640"},
                {"dest": f"{destination}/key", "src": "vault", "secret": True},
                {"dest": f"{destination}/link", "link": "conf"},
            ],
            "trees": [{"src": "tree", "dest": f"{destination}/tree", "purge": True}],
        },
    )
    shown = {item["after_header"].removeprefix(f"{destination}/"): item["after"] for item in result["diff"]}
    assert shown == {
        f"{destination} (folder root:root 0755)": "folder\n",
        "tree (folder root:root 0755)": "folder\n",
        "tree/sub (folder root:root 0755)": "folder\n",
        "conf (root:root 0644)": f"item a 2\nitem b 2\nend of {destination}/conf\n\\1\n",
        "one (root:root 0644)": "['a', 'b']\n",
        "vault (root:root 0640)": "from the vault\n",
        "key (root:root 0600)": "(secret, new)\n",
        "link (link)": "link to conf\n",
        "tree/run (root:root 0755)": "#!/bin/sh\n",
        "tree/sub/x.py (root:root 0644)": "x\n",
    }
    assert result["files_changed"][0] == destination
    assert "payload" not in str(result["invocation"]).replace("_payload", "").lower()
    assert not Path(destination).exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"files": [{"dest": "/etc/x"}]}, "/etc/x: give one of template, src, content, link, or state: absent"),
        ({"files": [{"dest": "/etc/x", "content": "", "state": "absent"}]}, "exclude each other"),
        ({"files": [{"dest": "/etc/x", "content": "", "mode": "420"}]}, "mode '420' is not an octal mode"),
        ({"files": [{"dest": "/etc/x", "template": "missing.j2"}]}, "/etc/x: Could not find or access"),
        ({"files": [{"dest": "/etc/x", "content": "", "owners": "x"}]}, "owners"),
        ({"files": [{"dest": "/etc/x", "template": "conf.j2"}]}, "'extra' is undefined"),
    ],
)
def test_mistakes_stop_before_the_host_is_asked(folder: Path, options: dict[str, Any], message: str) -> None:
    assert message in play(folder, options, fails=True)["msg"]
