"""The command line of the rehearsal."""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ansible_collections.nixvegas.noc.plugins.plugin_utils.event import EventError

from . import boot, summary
from .command import RehearsalError
from .lab import lab_state, put_lab_up
from .lock import locked
from .namespaces import find_holder
from .paths import CHECKOUT, State, cache_folder
from .rehearse import REWIRED, Rehearsal, open_rehearsal

PODMAN_FAILED = 125  # podman's own failure (podman-exec(1)); other exit codes are the command's
DEFAULT_EVENT = CHECKOUT / "inventories" / "dc33"


def state_of(source: Path) -> State:
    """Return the state of the rehearsal of an inventory: by its path, so that a broken file can be taken down."""
    folder = source.resolve() if source.suffix not in (".yml", ".yaml") else source.resolve().parent
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", folder.name)
    if folder.parent != CHECKOUT / "inventories" or name != folder.name:
        name += "-" + hashlib.sha256(str(folder).encode()).hexdigest()[:6]
    return State(cache_folder(), name)


def up(arguments: argparse.Namespace) -> None:
    """Put the event up, configure it, prove it, and leave it standing."""
    rehearsal = open_event(arguments)
    with locked(rehearsal.state):
        rehearsal.put_up(bare=arguments.bare)
        if not (arguments.no_site or arguments.bare):
            rehearsal.configure()
            if not arguments.no_verify:
                rehearsal.prove()
    print_summary(rehearsal, arguments)


def down(arguments: argparse.Namespace) -> None:
    """Remove every trace of the rehearsal."""
    states = [state_of(arguments.event)]
    if arguments.all:
        states = [State(cache_folder(), folder.name) for folder in sorted((cache_folder() / "events").glob("*"))]
    for state in states:
        with locked(state):
            boot.take_down(state)


def site(arguments: argparse.Namespace) -> None:
    """Run playbooks/site.yml, with further options of ansible-playbook if there are any."""
    rehearsal = open_event(arguments)
    with locked(rehearsal.state):
        rehearsal.configure(arguments.options)


def verify(arguments: argparse.Namespace) -> None:
    """Run playbooks/verify.yml, with further options of ansible-playbook if there are any."""
    rehearsal = open_event(arguments)
    with locked(rehearsal.state):
        rehearsal.prove(arguments.options)


def run(arguments: argparse.Namespace) -> None:
    """Run any program of Ansible with the rehearsal's inventory and secrets."""
    open_event(arguments).ansible(arguments.options)


def reboot(arguments: argparse.Namespace) -> None:
    """Shut a container down and boot it again."""
    rehearsal = open_event(arguments)
    host = known(rehearsal, arguments.host)
    rehearsal.require_whole()
    if rehearsal.is_rewired:
        raise RehearsalError(f"{host} is not booted again, because {REWIRED}")
    with locked(rehearsal.state), rehearsal.steps.step(f"Shut {host} down and boot it again"):
        boot.reboot(rehearsal.state, rehearsal.plan, host)
    print(f"{host} runs; `make verify{selector(arguments)}` asks whether all is as it was")


def shell(arguments: argparse.Namespace) -> None:
    """Open a root shell in a container, or run a command there."""
    rehearsal = open_event(arguments)
    podman = boot.standing(rehearsal.state).podman
    terminal = ["--tty"] if sys.stdin.isatty() else []
    host = known(rehearsal, arguments.host or next((c.name for c in rehearsal.plan.of_kind("client")), ""))
    words = [*podman, "exec", "--interactive", *terminal, host]
    if arguments.options or not terminal:
        os.execvp(words[0], [*words, *(arguments.options or ["bash", "--login"])])
    # How a person's last command ended is nothing to complain of, unlike a shell that could not be opened.
    if subprocess.run([*words, "bash", "--login"], check=False).returncode == PODMAN_FAILED:
        raise RehearsalError(f"no shell could be opened on {host}; see above")


def lab_up(arguments: argparse.Namespace) -> None:
    """Boot containers without an event, each HOST or HOST=PORT,PORT:NETWORK; write their inventory."""
    state = lab_state(cache_folder(), arguments.name)
    with locked(state):
        put_lab_up(state, arguments.hosts, bare=arguments.bare)
    print(state.inventory)


def lab_down(arguments: argparse.Namespace) -> None:
    """Remove every trace of a lab."""
    state = lab_state(cache_folder(), arguments.name)
    with locked(state):
        boot.take_down(state)


def status(arguments: argparse.Namespace) -> None:
    """Say whether the rehearsal of an event stands, or which ones do."""
    folders = sorted((cache_folder() / "events").glob("*"))
    if arguments.event:
        folders = [folder for folder in folders if folder.name == state_of(arguments.event).name]
    for folder in folders:
        state = State(cache_folder(), folder.name)
        holder = find_holder(state)
        if holder:
            names = sorted(boot.standing(state).running())
            print(f"{state.name}: {len(names)} containers run: {' '.join(names)}")
        else:
            print(f"{state.name}: does not stand, but left files in {folder}; `down` removes them")
    if not folders:
        print("no such rehearsal stands")


def show_summary(arguments: argparse.Namespace) -> None:
    """Print the summary of a standing rehearsal."""
    print_summary(open_event(arguments), arguments)


def print_summary(rehearsal: Rehearsal, arguments: argparse.Namespace) -> None:
    """Print what stands, what to try, what was replaced, what took how long."""
    rehearsal.require_whole()
    lines = summary.read_lines(boot.standing(rehearsal.state), rehearsal.plan, rehearsal.event, rehearsal.pages())
    seconds = rehearsal.steps.seconds
    print("\n" + summary.render(rehearsal.event, lines, rehearsal.replacements(), seconds, selector(arguments)))


def selector(arguments: argparse.Namespace) -> str:
    """Return what `make` needs to find the event: what the user typed, if that means the same to `make`."""
    if arguments.event.resolve() == DEFAULT_EVENT:
        return ""
    typed = arguments.event if Path.cwd() == CHECKOUT else arguments.event.absolute()
    return f" EVENT={shlex.quote(str(typed))}"


def open_event(arguments: argparse.Namespace) -> Rehearsal:
    """Return the rehearsal the command line names."""
    return open_rehearsal(state_of(arguments.event), arguments.event.resolve())


def known(rehearsal: Rehearsal, host: str) -> str:
    """Return a container's name, or raise RehearsalError with those there are."""
    names = [container.name for container in rehearsal.plan.containers]
    if host not in names:
        what = f"{host}: no such container" if host else "no container is named: give HOST="
        raise RehearsalError(f"{what}; there are {', '.join(names)}")
    return host


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(prog="rehearsal", description="Rehearse an event on one machine.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, action: Callable[[argparse.Namespace], None]) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=action.__doc__, description=action.__doc__)
        added.set_defaults(action=action)
        default = None if name == "status" else DEFAULT_EVENT
        added.add_argument("event", type=Path, nargs="?", default=default, help="inventory folder or event file")
        return added

    putting_up = command("up", up)
    putting_up.add_argument("--no-site", action="store_true", help="leave the hosts unconfigured")
    putting_up.add_argument("--no-verify", action="store_true", help="configure the hosts, but do not prove anything")
    putting_up.add_argument(
        "--bare", action="store_true", help="hosts without the packages of our services; implies --no-site"
    )
    command("down", down).add_argument("--all", action="store_true", help="all rehearsals of this checkout")
    command("site", site)
    command("verify", verify)
    command("run", run)
    command("reboot", reboot).add_argument("host")
    command("shell", shell).add_argument("host")
    command("status", status)
    labs = commands.add_parser("lab", help="Containers without an event, to test a role on").add_subparsers(
        required=True
    )
    putting_up = labs.add_parser("up", help=lab_up.__doc__)
    putting_up.set_defaults(action=lab_up)
    putting_up.add_argument("name")
    putting_up.add_argument("hosts", nargs="+", metavar="HOST[=PORT[:NETWORK],…]")
    putting_up.add_argument("--bare", action="store_true", help="without the packages of our services")
    taking_down = labs.add_parser("down", help=lab_down.__doc__)
    taking_down.set_defaults(action=lab_down)
    taking_down.add_argument("name")
    command("summary", show_summary)
    return parser


def main(words: Sequence[str] | None = None) -> int:
    """Run a command; return the exit code. What follows `--` is for the program that the command runs."""
    given = list(sys.argv[1:] if words is None else words)
    split = given.index("--") if "--" in given else len(given)
    arguments = make_parser().parse_args(given[:split])
    arguments.options = given[split + 1 :]
    try:
        arguments.action(arguments)
    except EventError as error:
        print(error.report, file=sys.stderr)
        return 1
    except RehearsalError as error:
        print(f"rehearsal: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("rehearsal: interrupted; what stands is left as it is", file=sys.stderr)
        return 130
    return 0
