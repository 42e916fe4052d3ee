"""Trouble around the daemon: a clock that jumps, a log that nobody can write to or reads.

Run: WINDOWD=build/release/windowd FAULT_INJECTOR=build/release/tests/libwindowd_fault_injector.so \\
    python3 tests/acceptance/faults_around_test.py
"""

import fcntl
import os
import signal
import socket
import subprocess
import tempfile
import unittest

from faults_support import Client, Faults, FaultyDaemon, until
from python_client_support import DEADLINE, require_daemon

DAY = 86400

# Bytes that a pipe holds: much less than the log of a test.
PIPE = 4096


def setUpModule():
    require_daemon()


class ClockTest(unittest.TestCase):
    def test_a_clock_that_is_set_moves_no_windows_of_time_and_no_timeouts(self):
        with_faults = Faults()
        self.addCleanup(with_faults.close)
        daemon = FaultyDaemon(
            "--idle-timeout=3600", "--window-idle-expiry=3600", "--log-level=debug", faults=with_faults
        )
        self.addCleanup(daemon.kill)
        client = Client(daemon.address)
        self.addCleanup(client.close)
        client.ask(b'{"op":"open","window":"hour","span":3600,"stats":["count"]}')
        client.ask(b'{"op":"open","span":3600,"stats":["count"]}')
        days = [self.date_of_the_log(daemon)]
        for number, days_forward in enumerate((0, 1, -1, 365, 0), 1):
            with self.subTest(days_forward=days_forward):
                with_faults.set("forward", days_forward * DAY)
                self.assertEqual(client.ask(b"5"), number)
                self.assertEqual(client.ask(b'{"op":"send","window":"hour","value":5}'), {"yield": number})
                self.assertEqual(client.ask(b'{"op":"dump"}')["yield"], number)
                info = client.ask(b'{"op":"info"}')
                self.assertLess(info["uptime"], DEADLINE)
                self.assertEqual(info["counters"]["windows"], 1)
                days.append(self.date_of_the_log(daemon))
        self.assertGreaterEqual(len(set(days)), 4)  # the clock did jump
        daemon.stop()

    def date_of_the_log(self, daemon):
        """As of now: a connection makes a line."""
        Client(daemon.address).close()
        return daemon.wait_for(r"^(\d{4}-\d\d-\d\d) .* debug connection \d+ from tcp:\S+ ended")


class LogTest(unittest.TestCase):
    """Of a daemon that is told to log much, and cannot."""

    def start(self, stderr):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "socket")
        self.process = subprocess.Popen(
            [os.environ["WINDOWD"], f"--listen=unix://{self.path}", "--log-level=trace"], stderr=stderr
        )
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.kill)
        until(lambda: os.path.exists(self.path))
        until(self.answers)

    def answers(self):
        try:
            return self.ask(b"5\n") == b"5\n"
        except ConnectionRefusedError:  # it does not listen yet
            return False

    def ask(self, requests):
        """On a connection of its own, to the end."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(DEADLINE)
            client.connect(self.path)
            client.sendall(requests)
            client.shutdown(socket.SHUT_WR)
            return client.makefile("rb").read()

    def check_serves_and_stops(self):
        for _ in range(200):
            self.assertEqual(self.ask(b"[5,7]\n"), b"[5,6]\n")
        self.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.process.wait(DEADLINE), 0)

    def test_a_log_on_a_full_disk_is_lost_and_nothing_else(self):
        with open("/dev/full", "wb") as full:
            self.start(full)
        self.check_serves_and_stops()

    def test_a_log_that_nobody_can_read_any_more_is_lost_and_nothing_else(self):
        reader, writer = os.pipe()
        with os.fdopen(reader, "rb"), os.fdopen(writer, "wb") as log:
            self.start(log)
        self.check_serves_and_stops()

    def test_a_log_that_nobody_reads_makes_nobody_wait(self):
        reader, writer = os.pipe()
        with os.fdopen(reader, "rb"), os.fdopen(writer, "wb") as log:
            fcntl.fcntl(log, fcntl.F_SETPIPE_SZ, PIPE)
            self.start(log)
            self.check_serves_and_stops()


if __name__ == "__main__":
    unittest.main()
