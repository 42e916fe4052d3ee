"""The daemon under a service manager: passed sockets, what it tells, the watchdog. systemd itself does not run here."""

import os
import pathlib
import pty
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from python_client_support import DEADLINE, Daemon, require_daemon


def setUpModule():
    require_daemon()


def listener():
    return socket.create_server(("127.0.0.1", 0))


def free_port():
    with listener() as one:
        return one.getsockname()[1]


def ask(address, text="5\n", family=socket.AF_INET):
    """What is answered until the end."""
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(DEADLINE)
        client.connect(address)
        client.sendall(text.encode())
        client.shutdown(socket.SHUT_WR)
        return client.makefile().read()


class Manager:
    """The socket that a service tells its state to."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.settimeout(DEADLINE)
        self.socket.bind(self.path)
        self.environment = {"NOTIFY_SOCKET": self.path}

    def message(self):
        return self.socket.recv(4096).decode()

    def wait_for(self, beginning):
        while not (message := self.message()).startswith(beginning):
            pass
        return message

    def close(self):
        self.socket.close()
        self.folder.cleanup()


class Notified(unittest.TestCase):
    def setUp(self):
        self.manager = Manager()
        self.addCleanup(self.manager.close)

    def start(self, *options, **more):
        more["environment"] = {**self.manager.environment, **more.get("environment", {})}
        daemon = Daemon(*options, **more)
        self.addCleanup(daemon.kill)
        return daemon

    def test_is_told_ready_once_requests_are_answered(self):
        with listener() as passed:
            self.start(listens=False, passed=[("windowd", passed)])
            self.assertEqual(self.manager.message(), "READY=1")
            self.assertEqual(ask(passed.getsockname()), "5\n")

    def test_is_not_told_ready_by_a_daemon_that_cannot_listen(self):
        with listener() as taken:
            port = taken.getsockname()[1]
            daemon = self.start("--listen", f"tcp://127.0.0.1:{port}", listens=False)
            self.assertNotEqual(daemon.process.wait(timeout=DEADLINE), 0)
        self.manager.socket.setblocking(False)
        self.assertRaises(BlockingIOError, self.manager.message)

    def test_reads_how_it_goes(self):
        daemon = self.start()
        with socket.create_connection(daemon.address, timeout=DEADLINE) as client:
            client.sendall(b"5\n")
            self.assertEqual(client.recv(10), b"5\n")
            self.assertRegex(self.manager.wait_for("STATUS="), r"^STATUS=\d+ connections, \d+ values/s$")

    def test_is_told_of_a_reload_in_one_message_with_its_time_and_then_ready(self):
        daemon = self.start()
        self.assertEqual(self.manager.message(), "READY=1")
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        daemon.process.send_signal(signal.SIGHUP)
        reloading = self.manager.wait_for("RELOADING=1").split("\n")
        after = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self.assertEqual(len(reloading), 2)
        key, value = reloading[1].split("=")
        self.assertEqual(key, "MONOTONIC_USEC")
        self.assertTrue(before <= int(value) <= after, (before, value, after))
        self.manager.wait_for("READY=1")

    def test_is_told_ready_after_a_reload_that_was_refused_too(self):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as settings:
            daemon = self.start("--config", settings.name)
            self.assertEqual(self.manager.message(), "READY=1")
            settings.write("nonsense = 1\n")
            settings.flush()
            daemon.process.send_signal(signal.SIGHUP)
            self.manager.wait_for("RELOADING=1")
            self.manager.wait_for("READY=1")
            daemon.wait_for("nonsense")

    def test_is_told_that_it_stops(self):
        daemon = self.start()
        self.manager.wait_for("READY=1")
        daemon.process.send_signal(signal.SIGTERM)
        self.manager.wait_for("STOPPING=1")
        self.assertEqual(daemon.process.wait(timeout=DEADLINE), 0)

    def test_gets_signs_of_life_while_it_serves_and_while_it_stops(self):
        daemon = self.start(
            "--shutdown-timeout=1h", "--write-timeout=0", environment={"WATCHDOG_USEC": "200000"}
        )
        for _ in range(3):
            self.manager.wait_for("WATCHDOG=1")
        with socket.create_connection(daemon.address, timeout=DEADLINE) as deaf, deaf.makefile("rb") as lines:
            # It is asked for more than the sockets hold, and reads none of it.
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.sendall(b'{"op":"open","size":1000000,"data":[' + b"0," * 500_000 + b"0]}\n")
            self.assertIn(b"created", lines.readline())
            deaf.sendall(b'{"op":"dump"}\n' * 20)
            self.assertTrue(lines.read(1))
            daemon.process.send_signal(signal.SIGTERM)
            self.manager.wait_for("STOPPING=1")
            for _ in range(3):
                self.manager.wait_for("WATCHDOG=1")
            self.assertIsNone(daemon.process.poll())
        self.assertEqual(daemon.process.wait(timeout=DEADLINE), 0)

    def test_gets_no_sign_of_life_of_a_daemon_that_hangs(self):
        daemon = self.start(environment={"WATCHDOG_USEC": "200000"})
        self.manager.wait_for("WATCHDOG=1")
        daemon.process.send_signal(signal.SIGSTOP)
        os.waitpid(daemon.process.pid, os.WUNTRACED)
        self.manager.socket.settimeout(0)
        while True:  # what was on its way
            try:
                self.manager.message()
            except BlockingIOError:
                break
        self.manager.socket.settimeout(0.4)  # two intervals
        self.assertRaises(TimeoutError, self.manager.message)
        daemon.process.send_signal(signal.SIGCONT)
        self.manager.socket.settimeout(DEADLINE)
        self.manager.wait_for("WATCHDOG=1")


class PassedSockets(unittest.TestCase):
    def start(self, *options, passed, **more):
        daemon = Daemon(*options, listens=False, passed=passed, **more)
        self.addCleanup(daemon.kill)
        return daemon

    def unix_listener(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = os.path.join(folder.name, "socket")
        one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(one.close)
        one.bind(path)
        one.listen()
        return one, path

    def test_of_several_kinds_and_names_are_all_served_and_no_other_is_opened(self):
        unix, path = self.unix_listener()
        with listener() as tcp, listener() as metrics:
            daemon = self.start(passed=[("clients", tcp), ("local", unix), ("metrics", metrics)])
            daemon.wait_for(f"listening on tcp://127.0.0.1:{tcp.getsockname()[1]}")
            daemon.wait_for(f"listening on unix://{path}")
            daemon.wait_for(f"metrics on tcp://127.0.0.1:{metrics.getsockname()[1]}/metrics")
            self.assertEqual(ask(tcp.getsockname()), "5\n")
            self.assertEqual(ask(path, family=socket.AF_UNIX), "5\n")
            self.assertIn("# EOF", ask(metrics.getsockname(), "GET /metrics HTTP/1.0\r\n\r\n"))
            daemon.stop()
            self.assertNotIn("listening", "".join(filter(None, daemon.log.queue)))
            self.assertTrue(os.path.exists(path))

    def test_are_served_beside_those_that_options_name(self):
        with listener() as tcp:
            daemon = self.start("--listen", "tcp://127.0.0.1:0", passed=[("clients", tcp)])
            daemon.wait_for(f"listening on tcp://127.0.0.1:{tcp.getsockname()[1]}")
            port = int(daemon.wait_for(r"listening on tcp://127.0.0.1:(\d+)"))
            self.assertEqual(ask(("127.0.0.1", port)), "5\n")

    def test_keep_clients_waiting_for_the_next_daemon(self):
        with listener() as tcp:
            first = self.start(passed=[("clients", tcp)])
            self.assertEqual(ask(tcp.getsockname()), "5\n")
            first.stop()
            with socket.create_connection(tcp.getsockname(), timeout=DEADLINE) as waiting:
                waiting.sendall(b"7\n")
                self.start(passed=[("clients", tcp)])
                self.assertEqual(waiting.recv(10), b"7\n")

    def test_that_are_for_tls_need_a_certificate(self):
        with listener() as tcp:
            daemon = self.start(passed=[("tls", tcp)])
            daemon.wait_for("needs a --tls-certificate and a --tls-key")
            self.assertEqual(daemon.process.wait(timeout=DEADLINE), 1)

    def test_that_do_not_listen_are_refused(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            daemon = self.start(passed=[("clients", datagrams)])
            self.assertEqual(daemon.process.wait(timeout=DEADLINE), 1)

    def test_that_others_can_reach_need_a_token_file_or_insecure(self):
        with socket.create_server(("0.0.0.0", 0)) as everywhere:
            daemon = self.start(passed=[("clients", everywhere)])
            daemon.wait_for("--insecure")
            self.assertEqual(daemon.process.wait(timeout=DEADLINE), 1)
            self.start("--insecure", passed=[("clients", everywhere)])
            self.assertEqual(ask(("127.0.0.1", everywhere.getsockname()[1])), "5\n")

    def test_by_systemd_socket_activate_wake_the_daemon_with_the_first_client(self):
        port = free_port()
        variables = {name: text for name, text in os.environ.items() if not name.startswith("WINDOWD")}
        activator = subprocess.Popen(
            ["systemd-socket-activate", f"--listen=127.0.0.1:{port}", "--fdname=clients", os.environ["WINDOWD"]],
            stderr=subprocess.PIPE,
            text=True,
            env=variables,
        )
        try:
            for line in activator.stderr:
                if "Listening on" in line:
                    break
            self.assertEqual(ask(("127.0.0.1", port), "5\n7\n"), "5\n6\n")
            activator.send_signal(signal.SIGTERM)  # it has become the daemon
            self.assertEqual(activator.wait(timeout=DEADLINE), 0)
        finally:
            activator.kill()
            activator.wait(timeout=DEADLINE)
            activator.stderr.close()


class Terminal(unittest.TestCase):
    """SIGHUP has two meanings."""

    def test_that_is_gone_ends_the_daemon_in_its_foreground(self):
        ours, its = pty.openpty()
        daemon = Daemon(stdin=its)
        self.addCleanup(daemon.kill)
        os.close(its)
        daemon.process.send_signal(signal.SIGHUP)  # by hand
        daemon.wait_for("read anew")
        os.close(ours)
        daemon.process.send_signal(signal.SIGHUP)  # as the kernel does then
        self.assertEqual(daemon.process.wait(timeout=DEADLINE), 0)


@unittest.skipUnless(os.geteuid() == 0, "a journal of one's own takes root")
class Journal(unittest.TestCase):
    """In a mount namespace of its own the test is the journal."""

    def test_gets_lines_with_their_levels_and_nothing_stands_on_standard_error(self):
        source = pathlib.Path(__file__).with_name("journal_stand_in.py")
        ended = subprocess.run(
            ["unshare", "--mount", "/usr/bin/python3", str(source), os.environ["WINDOWD"]],
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertIn("PRIORITY=6", ended.stdout)
        self.assertIn("SYSLOG_IDENTIFIER=windowd", ended.stdout)
        self.assertRegex(ended.stdout, r"MESSAGE=listening on tcp://127\.0\.0\.1:\d+\n")
        self.assertNotIn("listening", ended.stderr)
