"""Restarts behind sockets that stay, as with a service manager's socket unit: no client is refused or forgotten."""

import os
import signal
import socket
import tempfile
import time
import unittest

from load_support import Load, scaled, tell
from python_client_support import DEADLINE, Daemon, require_daemon

RESTARTS = scaled(100)
# By a daemon, before the next one takes its place: then it has served, whatever the machine is busy with.
SERVED = 50


def setUpModule():
    require_daemon()


def tcp_listener():
    return socket.create_server(("127.0.0.1", 0), backlog=4096)


def deferring_listener():
    """As DeferAcceptSec= of a socket unit: there a connection comes with its request, and never before it."""
    one = tcp_listener()
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, DEADLINE)
    return one


def unix_listener(path):
    one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    one.bind(path)
    one.listen(4096)
    return one


def serve_a_while(daemon, address):
    """Until it has answered so many visitors beside the load; returns nothing before."""
    for i in range(SERVED // 10):
        with socket.create_connection(address, timeout=DEADLINE) as client:
            client.sendall(f"{i}\n".encode())
            if client.recv(10) != f"{i}\n".encode():
                raise AssertionError("a visitor got no answer")


class Restart(unittest.TestCase):
    def run_daemon(self, passed, address):
        """One life of a daemon; returns when it was told to end, and when it had ended, in nanoseconds."""
        daemon = Daemon(listens=False, passed=passed)
        try:
            serve_a_while(daemon, address)
            told = time.monotonic_ns()
            daemon.process.send_signal(signal.SIGTERM)
            self.assertEqual(daemon.process.wait(timeout=DEADLINE), 0)
            return told, time.monotonic_ns()
        finally:
            daemon.kill()

    def test_behind_sockets_that_stay_loses_no_connection_and_no_request(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = os.path.join(folder.name, "socket")
        with tcp_listener() as tcp, deferring_listener() as deferred, unix_listener(path) as local:
            passed = [("tcp", tcp), ("deferred", deferred), ("local", local)]
            port, deferred_port = tcp.getsockname()[1], deferred.getsockname()[1]
            with Load("restart", port, path, 48, deferred_port=deferred_port) as load:
                ends = [self.run_daemon(passed, tcp.getsockname()) for _ in range(RESTARTS)]
                last = Daemon(listens=False, passed=passed)
                self.addCleanup(last.kill)
                found = load.results()
        unanswered = found.pop("unanswered")
        tell("restarts", {**found, "unanswered": len(unanswered)})
        self.assertGreater(found["counts"]["answered"], 10 * RESTARTS)
        for opened, had_it in unanswered:
            # Accepted by a daemon that was told to end before it had a request of it. All others are answered.
            self.assertTrue(any(told <= had_it and opened <= ended for told, ended in ends), (opened, had_it, ends))


if __name__ == "__main__":
    unittest.main()
