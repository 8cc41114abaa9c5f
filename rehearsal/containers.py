"""Starts and stops containers that boot systemd, with podman in the holder's namespaces."""

from __future__ import annotations

import resource
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .command import run
from .layers import stack
from .namespaces import Holder, cgroup
from .paths import State

# What comes before systemd. Podman mounts files over two of the image's, which our roles replace; a machine's own are
# plain files. A read-only /sys tells systemd that devices are not its business; a read-only /proc/sys keeps it from
# setting what is the machine's: only its network's settings are its own.
START = """
umount /etc/hostname /etc/resolv.conf 2>/dev/null
mount -o remount,ro /sys
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
mount --bind /proc/sys/net /proc/sys/net
mount -o remount,bind,rw /proc/sys/net
exec /sbin/init
"""
# A container answers nothing at first, then "starting"; it fails if it has not booted after two minutes.
WAIT = """
until systemctl is-system-running --wait 2>/dev/null | grep -Eqx 'running|degraded'; do sleep 0.2; done
systemctl list-units --failed --plain --no-legend
"""
BOOT_SECONDS = 120


@dataclass(frozen=True)
class File:
    """A file to put into a container before it boots; `link` makes it a symbolic link."""

    content: str = ""
    mode: int = 0o644
    link: str | None = None


@dataclass(frozen=True)
class Containers:
    """The containers of one rehearsal."""

    state: State
    holder: Holder

    @property
    def podman(self) -> list[str]:
        """The command that runs podman; its records live and die with the holder."""
        return [
            *self.holder.enter,
            "podman",
            "--root",
            "/run/podman/root",
            "--runroot",
            "/run/podman/run",
            "--cgroup-manager=cgroupfs",
        ]

    def root(self, name: str) -> Path:
        """Return the root folder of a container, as seen in the holder's mount namespace."""
        return self.state.hosts / name / "root"

    def prepare(self, name: str, layers: Sequence[Path], files: Mapping[str, File]) -> None:
        """Make a container's file system: layers (topmost first), and files over them."""
        folder = self.state.hosts / name
        for part in ("root", "changes", "work"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        # Nothing of a container outlives its rehearsal, so nothing has to reach the disk: "volatile" skips every fsync.
        options = f"lowerdir={stack(layers)},upperdir={folder}/changes,workdir={folder}/work,volatile"
        mount = ["mount", "-t", "overlay", "-o", options, "overlay", self.root(name)]
        run([*self.holder.enter, *map(str, mount)])
        for path, file in files.items():
            write_file(self.holder.path(self.root(name)) / path.lstrip("/"), file)

    def start(self, name: str) -> None:
        """Boot a container for the first time."""
        options = ["--name", name, "--hostname", name, "--network", f"ns:/run/netns/{name}"]
        options += ["--privileged", "--systemd", "always", "--cgroup-parent", f"/{cgroup(self.state)}"]
        options += ["--no-hosts", "--pids-limit", "-1", "--log-driver", "none", *limits()]
        run([*self.podman, "run", "--detach", *options, "--rootfs", str(self.root(name)), "/bin/sh", "-c", START])

    def running(self) -> set[str]:
        """Return the names of the containers that run."""
        return set(run([*self.podman, "ps", "--format", "{{.Names}}"]).split())

    def execute(self, name: str, command: Sequence[str], *, stdin: str | None = None) -> str:
        """Run a command in a container and return its output."""
        return run([*self.podman, "exec", "--interactive", name, *command], stdin=stdin)

    def wait(self, name: str) -> list[str]:
        """Wait until a container has booted; return the units that failed."""
        failed = self.execute(name, ["timeout", str(BOOT_SECONDS), "sh", "-c", WAIT])
        return [line.split()[0] for line in failed.splitlines()]

    def stop(self, name: str) -> None:
        """Shut a container down."""
        run([*self.podman, "stop", "--time", "20", name])

    def restart(self, name: str) -> None:
        """Boot a container that was stopped."""
        run([*self.podman, "start", name])


def limits() -> list[str]:
    """Return podman's options for resource limits: it may not raise them where we lack the capability to."""
    options: list[str] = []
    _unused, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    _unused, processes = resource.getrlimit(resource.RLIMIT_NPROC)
    for name, hard in (("nofile", files), ("nproc", min(files, processes) if processes > 0 else files)):
        options += ["--ulimit", f"{name}={hard}:{hard}"]
    return options


def write_file(target: Path, file: File) -> None:
    """Write a file of a container: a link that is in its place is replaced, never followed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    if file.link is not None:
        target.symlink_to(file.link)
    else:
        target.write_text(file.content)
        target.chmod(file.mode)
