# Copyright: The Nix Vegas NOC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a table: `python -m … OPTIONS [--screen] [--result FILE]`.

OPTIONS: a JSON file as `options.dump` writes it. --screen: on the terminal of the standard input, else lines on the
standard output. --result: a file for what came out, as JSON. Exit status: 0 all badges ended right, 1 not all, 2 it
could not run.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from .face import Face, Lines, Screen
from .ledger import Ledger, look
from .options import Options, load
from .prepare import OptionsError, firmware_of, release, table_of
from .record import LedgerError
from .run import Run
from .slot import State
from .source import ports, usb
from .table import Table
from .worker import Worker


def main() -> int:
    """Parse the arguments and run. Returns the exit status."""
    parser = argparse.ArgumentParser(description="Flash a table of badges.")
    parser.add_argument("options", type=Path)
    parser.add_argument("--screen", action="store_true")
    parser.add_argument("--result", type=Path)
    arguments = parser.parse_args()
    try:
        table = run(load(arguments.options.read_text(encoding="utf-8")), arguments.screen)
    except (OptionsError, LedgerError, OSError) as error:
        result: dict[str, Any] = {"error": str(error)}
        sys.stderr.write(f"{error}\n")
        status = 2
    else:
        result = summary(table)
        if arguments.screen:
            sys.stdout.write("\n".join([result["msg"], *result["failures"], ""]))
        status = 1 if table.failed else 0
    if arguments.result:
        arguments.result.write_text(json.dumps(result), encoding="utf-8")
    return status


def run(options: Options, on_screen: bool) -> Table:
    """Run a table to its end. Raises OptionsError, LedgerError and OSError."""
    firmware = firmware_of(options)
    source = ports(options.ports) if options.ports else usb()
    with contextlib.ExitStack() as stack:
        ledger = None if options.check else stack.enter_context(Ledger(Path(options.ledger)))
        history, key = (ledger.history, ledger.key) if ledger else look(Path(options.ledger))
        table = table_of(options, firmware, history, key)
        face: Face = Lines(sys.stdout)
        if ledger:
            release(options, table, ledger.append)
            if ledger.torn:
                face.say(f"{ledger.path}: a line that a crash had left unfinished was removed ({ledger.torn} bytes)")
        if on_screen:
            title = f"{options.title}   {table.firmware}   {options.ledger}"
            face = Screen(sys.stdin.fileno(), title, not os.environ.get("NO_COLOR"))
        stack.callback(face.close)
        running = Run(
            table,
            new_worker=lambda: Worker(options.firmware, firmware.digest, options.baud),
            source=source,
            ledger=ledger,
            face=face,
            idle=options.idle,
        )
        signal.signal(signal.SIGINT, lambda *_: running.end())
        for number in (signal.SIGTERM, signal.SIGHUP):
            # Whoever started us is gone, or wants us gone.
            signal.signal(number, lambda *_: running.end(at_once=True))
        running.run()
    return table


def summary(table: Table) -> dict[str, Any]:
    """What came out, for people (msg) and for programs."""
    endings = table.endings.values()
    failed = [ending.text for ending in endings if ending.state is State.FAILED]
    counts = {"passed": table.count(State.PASSED), "done_before": table.count(State.DONE), "failed_badges": len(failed)}
    if table.check:
        planned = [ending.text for ending in endings if ending.state is State.DONE]
        msg = f"{len(endings)} badges are in, {sum(ending.changed for ending in endings)} would be written to"
        counts = {"passed": 0, "done_before": 0, "failed_badges": len(failed)}
    else:
        planned = []
        msg = f"{counts['passed']} badges passed, {counts['done_before']} were done before, {len(failed)} failed"
    msg += f"; {table.history.passed} have passed by the ledger"
    msg += f"; settings for {table.left} more are left" if table.left is not None else ""
    return {
        **counts,
        "changed": any(ending.changed for ending in endings),
        "failures": failed,
        "planned": planned,
        "msg": msg,
    }


if __name__ == "__main__":
    raise SystemExit(main())
