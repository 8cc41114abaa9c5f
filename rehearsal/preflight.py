"""Looks, before anything is made, whether this machine can put up a rehearsal; names all that is missing at once."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from .command import RehearsalError
from .image import base_folder

PROGRAMS = {
    "podman": "podman",
    "crun": "crun",
    "conmon": "conmon",
    "mmdebstrap": "mmdebstrap",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
}
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
ROOT = Path("/")
MOUNT_POINT = 4  # the field of mountinfo, see proc_pid_mountinfo(5)
CHROOT = "Is this a chroot? A virtual machine or a container with --privileged has all of these."
TUN = Path("/dev/net/tun")
GIB = 1 << 30
DISK_FOR_IMAGE = 3 * GIB
DISK_FOR_CHANGES = 1 * GIB
MEMORY_PER_CONTAINER = 150 << 20
INOTIFY_LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
INOTIFY_PER_CONTAINER = 8
TRY_OVERLAY = (
    'mkdir lower upper work root && mount -t overlay -o "lowerdir=lower,upperdir=upper,workdir=work" overlay root'
)


def check_machine(cache: Path, containers: int) -> None:
    """Raise RehearsalError with all that is missing for so many containers."""
    if os.geteuid() != 0:
        raise RehearsalError("not root: containers with networks of their own need it; run this with sudo")
    if unmounted := missing_mounts(ROOT):
        raise RehearsalError(f"{lacking(unmounted)}\n{CHROOT}")
    cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    problems = [
        *missing_programs(),
        *missing_kernel_features(cache),
        *missing_room(cache, containers),
        *missing_watches(int(INOTIFY_LIMIT.read_text()), count_watches(), containers),
    ]
    if problems:
        raise RehearsalError(lacking(problems))


def lacking(problems: Iterable[str]) -> str:
    """Return the text of the error about what is missing. Pure."""
    return "This machine lacks:\n" + "\n".join(f"  - {problem}" for problem in problems)


def missing_mounts(root: Path) -> list[str]:
    """Return what a chroot lacks that was not made ready: nothing else can be asked or made without it."""
    problems: list[str] = []
    mounts = root / "proc/self/mountinfo"
    if not mounts.exists():
        problems.append("/proc: it is not mounted; `mount -t proc proc /proc`")
    elif "/" not in [line.split()[MOUNT_POINT] for line in mounts.read_text().splitlines()]:
        problems.append(
            "a root folder that is a mount point, for containers to leave: "
            "`mount --bind FOLDER FOLDER` outside, then mount the rest below it and enter it again"
        )
    if not (root / "sys/fs/cgroup").is_dir():
        problems.append("/sys: it is not mounted; `mount -t sysfs sysfs /sys`")
    if not (root / "dev/shm").is_dir() or not (root / "dev/null").is_char_device():
        problems.append("/dev: it has no devices; `mount --rbind /dev FOLDER/dev` outside")
    return problems


def missing_programs() -> list[str]:
    """Return what has to be installed."""
    packages = {package for program, package in PROGRAMS.items() if not shutil.which(program)}
    if not KEYRING.exists():
        packages.add("debian-archive-keyring")
    return [f"programs: apt-get install {' '.join(sorted(packages))}"] if packages else []


def missing_kernel_features(cache: Path) -> list[str]:
    """Return what the kernel does not offer."""
    problems: list[str] = []
    if not TUN.exists():
        problems.append(f"{TUN}: the overlay network needs it; try `modprobe tun`")
    if "cgroup2" not in Path("/proc/filesystems").read_text():
        problems.append("control groups of version 2: systemd in the containers needs a kernel that has them")
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        command = ["unshare", "--mount", "--propagation=private", "sh", "-eu", "-c", TRY_OVERLAY]
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        problems.append(
            f"overlayfs in private mounts on {cache} ({result.stderr.strip()}): "
            "set NIXVEGAS_NOC_CACHE to a folder on ext4, xfs or btrfs; in a container, run that with --privileged"
        )
    return problems


def missing_room(cache: Path, containers: int) -> list[str]:
    """Return what there is too little of."""
    problems: list[str] = []
    disk = DISK_FOR_CHANGES + (0 if base_folder(cache).is_dir() else DISK_FOR_IMAGE)
    free = shutil.disk_usage(cache).free
    if free < disk:
        problems.append(f"disk: {cache} has {free / GIB:.1f} GiB free, the rehearsal needs {disk / GIB:.0f} GiB")
    lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    available = int(lines["MemAvailable"].split()[0]) << 10
    memory = containers * MEMORY_PER_CONTAINER
    if available < memory:
        problems.append(
            f"memory: {available / GIB:.1f} GiB available, {containers} containers need {memory / GIB:.1f} GiB"
        )
    return problems


def count_watches() -> int:
    """Return how many inotify instances all processes have."""
    count = 0
    for folder in Path("/proc").glob("[0-9]*/fd"):
        with contextlib.suppress(OSError):  # the process ended while we looked
            count += sum(str(entry.readlink()) == "anon_inode:inotify" for entry in folder.iterdir())
    return count


def missing_watches(limit: int, used: int, containers: int) -> list[str]:
    """Return whether systemd in the containers would run out of inotify instances, and fail in odd ways. Pure."""
    wanted = used + containers * INOTIFY_PER_CONTAINER
    if wanted <= limit:
        return []
    return [
        f"inotify instances: {used} of {limit} are in use, {containers} containers need {wanted - used}; "
        f"try `sysctl fs.inotify.max_user_instances={max(512, 2 * wanted)}`"
    ]
