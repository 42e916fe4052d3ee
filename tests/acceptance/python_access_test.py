"""Tests the tokens and the TLS of windowd's Python client, against the built daemon and a service that is not it.

Run: WINDOWD=build/release/windowd python3 tests/acceptance/python_access_test.py
"""

import contextlib
import os
import ssl
import subprocess
import tempfile
import threading
import unittest

from python_client_support import DEADLINE, Daemon, Puppet, require_daemon

import windowd

READER, WRITER = "lantern-harbour-52", "quiet-meadow-1871"

OPENED = b'{"window":{"name":null,"size":3,"stats":["mean"],"count":0,"min_count":1},"created":true}\n'


def setUpModule():
    require_daemon()


class ATokenTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        path = os.path.join(folder.name, "tokens")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
            file.write(f"read {READER}\nwrite {WRITER}\n")
        cls.daemon = Daemon(f"--token-file={path}")
        cls.addClassCleanup(cls.daemon.stop)

    def open(self, *arguments, **options):
        result = windowd.open_window(*arguments, **{"address": self.daemon.address, **options})
        self.addCleanup(result.disconnect)
        return result

    def test_it_opens_windows_over_tcp_and_unix_sockets(self):
        for address in (self.daemon.address, self.daemon.path):
            self.assertEqual(self.open(address=address, token=WRITER).send(5), 5.0)

    def test_it_opens_a_generator(self):
        averages = windowd.moving_window_average_gen([5], address=self.daemon.address, token=WRITER)
        next(averages)
        self.assertEqual(averages.send(7), 6.0)
        averages.close()

    def test_one_that_reads_lists_and_follows_and_changes_nothing(self):
        shared = self.open("shared", token=WRITER)
        names = [one.name for one in windowd.windows(address=self.daemon.address, token=READER)]
        self.assertEqual(names, ["shared"])
        with windowd.follow("shared", address=self.daemon.address, token=READER, timeout=DEADLINE) as events:
            shared.send(5)
            self.assertEqual(next(events), windowd.Yield("shared", 1, 5.0, 5.0))
        with shared.follow(timeout=DEADLINE) as events:  # with the token of the window
            shared.clear()
            self.assertEqual(next(events), windowd.Clear("shared", 2))
        with self.assertRaises(windowd.UnauthorizedError):
            self.open("shared", token=READER)
        shared.close()

    def test_none_and_a_wrong_one_are_refused_and_nothing_is_left_open(self):
        address = self.daemon.address
        for token in (None, "guess"):
            for call in (
                lambda: windowd.open_window(address=address, token=token),
                lambda: next(windowd.moving_window_average_gen(address=address, token=token)),
                lambda: next(windowd.windows(address=address, token=token)),
                lambda: windowd.follow("*", address=address, token=token),
            ):
                with self.assertRaises(windowd.UnauthorizedError) as caught:
                    call()
                self.assertNotIn("guess", str(caught.exception))


class ATokenWithoutNeedTest(unittest.TestCase):
    def test_it_does_no_harm_and_is_shown_by_no_repr(self):
        daemon = Daemon()
        self.addCleanup(daemon.stop)
        with windowd.open_window(address=daemon.address, token="secret") as window:
            self.assertEqual(window.send(5), 5.0)
            self.assertNotIn("secret", repr(window) + repr(vars(window)))

    def test_it_goes_first(self):
        puppet = Puppet()
        self.addCleanup(puppet.close)
        opened = []
        thread = threading.Thread(
            target=lambda: opened.append(windowd.open_window(address=puppet.address, token='a"b'))
        )
        thread.start()
        puppet.accept()
        self.assertEqual(puppet.lines.readline(), b'{"op":"auth","token":"a\\"b"}\n')
        puppet.write(b'{"authorized":"write"}\n')
        self.assertEqual(puppet.lines.readline(), b'{"op":"open"}\n')
        puppet.write(OPENED)
        thread.join(timeout=DEADLINE)
        opened[0].disconnect()


class TlsTest(unittest.TestCase):
    """Against a service that sends back what it is sent, as a window of one value would."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.certificate = os.path.join(folder.name, "certificate.pem")
        key = os.path.join(folder.name, "key.pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-keyout", key, "-out", cls.certificate, "-days", "2", "-subj", "/CN=localhost",
             "-addext", "subjectAltName=DNS:localhost"],
            check=True, capture_output=True, timeout=DEADLINE,
        )  # fmt: skip
        cls.server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        cls.server_side.load_cert_chain(cls.certificate, key)

    def serve(self):
        """A service of one connection. Returns its port."""
        puppet = Puppet()
        thread = threading.Thread(target=self._serve, args=(puppet,))
        thread.start()
        self.addCleanup(puppet.close)
        self.addCleanup(thread.join, DEADLINE)
        return puppet.address[1]

    def _serve(self, puppet):
        puppet.accept()
        # A client may refuse the certificate, and hangs up without a word at its end.
        with contextlib.suppress(OSError):
            puppet.connection = self.server_side.wrap_socket(puppet.connection, server_side=True)
            for line in puppet.connection.makefile("rb"):
                puppet.write(OPENED if b'"open"' in line else b'{"yield":' + _values_in(line) + b"}\n")

    def test_values_go_through(self):
        context = ssl.create_default_context(cafile=self.certificate)
        with windowd.open_window(address=("localhost", self.serve()), tls=context, timeout=DEADLINE) as window:
            self.assertEqual(window.send(5), 5.0)
            many = [float(number) for number in range(200_000)]
            self.assertEqual(window.send_many(many), many)

    def test_a_certificate_that_is_not_trusted_is_refused(self):
        with self.assertRaises(ssl.SSLError):
            windowd.open_window(
                address=("localhost", self.serve()), tls=ssl.create_default_context(), timeout=DEADLINE
            )

    def test_a_certificate_of_another_host_is_refused(self):
        context = ssl.create_default_context(cafile=self.certificate)
        with self.assertRaises(ssl.SSLCertVerificationError):
            windowd.open_window(address=("127.0.0.1", self.serve()), tls=context, timeout=DEADLINE)


def _values_in(line):
    return line.partition(b':"send",')[2].partition(b":")[2].rpartition(b"}")[0]


if __name__ == "__main__":
    unittest.main()
