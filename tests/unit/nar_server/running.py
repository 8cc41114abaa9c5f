"""The server as a process of its own, as systemd runs it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from http.client import HTTPConnection
from pathlib import Path
from urllib.request import Request, urlopen

LIBRARY = Path(__file__).parents[3] / "roles/nar_server/files"


def command(*arguments: str) -> list[str]:
    """A command line of the server."""
    return [sys.executable, "-P", "-m", "nar_server", *arguments]


class Running:
    """A server in a process of its own, as systemd would run it."""

    def __init__(
        self,
        config: Path,
        folder: Path,
        passed: socket.socket | None = None,
        prefix: Sequence[str] = (),
        **environment: str,
    ) -> None:
        """Start it; ``prefix``: words before its command line. READY=1 has come when this returns."""
        notify = folder / "notify"
        self._notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notified.bind(str(notify))
        self._notified.settimeout(20)
        variables = os.environ | {"PYTHONPATH": str(LIBRARY), "NOTIFY_SOCKET": str(notify)} | environment

        def as_systemd_does() -> None:
            if passed is not None:
                os.dup2(passed.fileno(), 3)

        started = [*prefix, *command("serve", "--config", str(config))]
        if passed is not None:
            # The number of the process is known only in it.
            started = ["sh", "-c", 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"', "sh", *started]
        log = folder / "server.log"
        with log.open("w") as written:
            self.process = subprocess.Popen(
                started,
                env=variables,
                stderr=written,
                pass_fds=() if passed is None else (3,),
                preexec_fn=None if passed is None else as_systemd_does,  # noqa: PLW1509
                start_new_session=True,
            )
        self._log = log.open()
        self.wait_for_state("READY=1")
        self.address = self.log_line("serving ").split(" on ")[1].split(",")[0].strip()

    def silent(self, seconds: float, messages: int) -> bool:
        """Whether nothing is told to systemd any more, for so long, after at most so many messages."""
        self._notified.settimeout(seconds)
        try:
            return not all(self._notified.recv(100) for _ in range(messages))
        except TimeoutError:
            return True
        finally:
            self._notified.settimeout(20)

    def wait_for_state(self, state: str) -> None:
        while state not in self._notified.recv(100).decode().split("\n"):
            pass

    def log_line(self, beginning: str) -> str:
        line = ""
        while not (line.startswith(beginning) and line.endswith("\n")):
            if line.endswith("\n"):
                line = ""
            if more := self._log.readline():
                line += more
            else:
                assert self.process.poll() is None, f"the log ended before {beginning!r}"
                time.sleep(0.01)
        return line

    def rest_of_log(self) -> str:
        """What has been logged since the last line that was asked for."""
        return self._log.read()

    def processes(self) -> list[Path]:
        """Folders in /proc of the server and of all that it started."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if os.getsid(int(folder.name)) == self.process.pid:
                    found.append(folder)
        return found

    def workers(self) -> list[int]:
        """The processes that answer requests now."""
        main = self.process.pid
        return [int(child) for child in Path(f"/proc/{main}/task/{main}/children").read_text().split()]

    def connections(self) -> list[HTTPConnection]:
        """A connection to each worker, in the order of ``workers``: the others stand still while one is made."""
        workers, made = self.workers(), []
        for chosen in workers:
            others = [worker for worker in workers if worker != chosen]
            for worker in others:
                os.kill(worker, signal.SIGSTOP)
                while "T (stopped)" not in Path(f"/proc/{worker}/status").read_text():
                    time.sleep(0.01)
            connection = HTTPConnection(self.address, timeout=20)
            connection.request("GET", "/version")
            connection.getresponse().read()
            # It stays the same from now on.
            connection.auto_open = 0
            made.append(connection)
            for worker in others:
                os.kill(worker, signal.SIGCONT)
        return made

    def memory(self) -> int:
        """Bytes that all its processes together have in memory now; what several of them share counts once."""
        shares = [
            next(line for line in (folder / "smaps_rollup").read_text().splitlines() if line.startswith("Pss:"))
            for folder in self.processes()
        ]
        return sum(int(line.split()[1]) * 1024 for line in shares)

    def get(self, target: str, **headers: str) -> bytes:
        """The body of an answer; urllib's HTTPError when it is none."""
        with urlopen(Request(f"http://{self.address}{target}", headers=headers)) as answer:
            body: bytes = answer.read()
            return body

    def connect(self) -> socket.socket:
        """A connection to it."""
        host, _, port = self.address.rpartition(":")
        return socket.create_connection((host, int(port)), timeout=20)

    def head(self, target: str) -> int:
        """The length an answer would have."""
        with urlopen(Request(f"http://{self.address}{target}", method="HEAD")) as answer:
            return int(answer.headers["Content-Length"])

    def close(self) -> None:
        """Kill it, and all that it started, as systemd would."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._log.close()
        self._notified.close()
