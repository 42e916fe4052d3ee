"""What the tests of windowd's Python client share: the daemon, and a service that does as it is told."""

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


class Daemon:
    """windowd on a port and a Unix socket of its own. `address` and `path` say where."""

    def __init__(self, *options):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "windowd.socket")
        listeners = ["--listen", "tcp://127.0.0.1:0", "--listen", f"unix://{self.path}"]
        command = [os.environ["WINDOWD"], *listeners]
        # WINDOWD_... are options of the daemon.
        environment = {name: text for name, text in os.environ.items() if not name.startswith("WINDOWD")}
        self.process = subprocess.Popen(
            [*command, *options], stderr=subprocess.PIPE, text=True, encoding="utf-8", env=environment
        )
        self.log = queue.Queue()
        # Reads to the end, for a daemon whose log nobody reads would stop.
        self.reader = threading.Thread(target=self._read_log, daemon=True)
        self.reader.start()
        try:
            self.address = ("127.0.0.1", int(self._wait_for(r"listening on tcp://127\.0\.0\.1:(\d+)")))
            self._wait_for(r"listening on (unix://)")
        except BaseException:
            self.kill()
            raise

    def _read_log(self):
        for line in self.process.stderr:
            self.log.put(line)
        self.log.put(None)

    def _wait_for(self, pattern):
        seen = []
        while True:
            line = self.log.get(timeout=DEADLINE)
            if line is None:
                raise AssertionError(f"the daemon ended before it wrote {pattern!r}; it wrote: {seen}")
            found = re.search(pattern, line)
            if found:
                return found.group(1)
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
