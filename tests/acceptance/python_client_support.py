"""What the tests in Python share: the daemon, and a service that does as it is told."""

import fcntl
import os
import pathlib
import queue
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "clients" / "python"))

DEADLINE = 60  # seconds, for what takes milliseconds unless it is broken


FIRST_PASSED = 3  # the number of the first descriptor that a service manager passes


def _hand_over(numbers):
    """In the child: puts the descriptors where a service manager would, whatever their numbers are."""
    out_of_the_way = [fcntl.fcntl(number, fcntl.F_DUPFD, FIRST_PASSED + len(numbers)) for number in numbers]
    for i, number in enumerate(out_of_the_way):
        os.dup2(number, FIRST_PASSED + i)


class Daemon:
    """windowd on a port and a Unix socket of its own. `address` and `path` say where.

    With `listens` false it listens where its options say, and nothing is waited for. `passed` are listening sockets with
    their names, handed to it as a service manager does. `environment` is added to; `spawn` goes to Popen.
    """

    def __init__(self, *options, listens=True, passed=(), environment=None, **spawn):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "windowd.socket")
        listeners = ["--listen", "tcp://127.0.0.1:0", "--listen", f"unix://{self.path}"]
        command = [os.environ["WINDOWD"], *(listeners if listens else []), *options]
        # WINDOWD_... are options of the daemon.
        variables = {name: text for name, text in os.environ.items() if not name.startswith("WINDOWD")}
        variables.update(environment or {})
        if passed:
            variables["LISTEN_FDS"] = str(len(passed))
            variables["LISTEN_FDNAMES"] = ":".join(name for name, _ in passed)
            command = ["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$0" "$@"', *command]
            numbers = [one.fileno() for _, one in passed]
            spawn["preexec_fn"] = lambda: _hand_over(numbers)
            spawn["pass_fds"] = range(FIRST_PASSED, FIRST_PASSED + len(passed))
        self.process = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, encoding="utf-8", env=variables, **spawn
        )
        self.log = queue.Queue()
        # Reads to the end, for a daemon whose log nobody reads would stop.
        self.reader = threading.Thread(target=self._read_log, daemon=True)
        self.reader.start()
        if not listens:
            return
        try:
            self.address = ("127.0.0.1", int(self.wait_for(r"listening on tcp://127\.0\.0\.1:(\d+)")))
            self.wait_for(r"listening on (unix://)")
        except BaseException:
            self.kill()
            raise

    def _read_log(self):
        for line in self.process.stderr:
            self.log.put(line)
        self.log.put(None)

    def wait_for(self, pattern):
        """The first group (or all) of what the pattern finds in the log, behind what was found before."""
        seen = []
        while True:
            line = self.log.get(timeout=DEADLINE)
            if line is None:
                raise AssertionError(f"the daemon ended before it wrote {pattern!r}; it wrote: {seen}")
            found = re.search(pattern, line)
            if found:
                return found.group(1) if found.re.groups else found.group()
            seen.append(line)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout=DEADLINE)
        finally:
            self.kill()
        if status != 0:
            raise AssertionError(f"the daemon ended with status {status}; its log: {list(self.log.queue)}")

    def kill(self):
        self.process.kill()
        self.process.wait(timeout=DEADLINE)
        self.reader.join(timeout=DEADLINE)
        self.process.stderr.close()
        self.folder.cleanup()


class Puppet:
    """A service of one connection that reads a line and writes what the test says, when it says."""

    def __init__(self, listener=None):
        self.listener = listener or socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(DEADLINE)
        self.address = self.listener.getsockname()
        self.connection = None

    def accept(self):
        self.connection, _ = self.listener.accept()
        self.connection.settimeout(DEADLINE)
        self.lines = self.connection.makefile("rb")

    def write(self, text):
        self.connection.sendall(text)

    def hang_up(self):
        self.lines.close()
        self.connection.close()

    def close(self):
        if self.connection is not None:
            self.hang_up()
        self.listener.close()


def require_daemon():
    """For setUpModule: nothing is tested without the daemon."""
    if "WINDOWD" not in os.environ:
        raise RuntimeError("set WINDOWD to the daemon's path, such as build/release/windowd")
