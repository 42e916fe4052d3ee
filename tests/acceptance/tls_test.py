"""TLS from outside: by Python's ssl, openssl s_client and ncat."""

import os
import socket
import ssl
import subprocess
import tempfile
import unittest
import warnings

from certificates import Authority
from python_client_support import DEADLINE, Daemon, require_daemon


def setUpModule():
    require_daemon()


class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.authority = Authority()
        cls.addClassCleanup(cls.authority.close)
        cls.certificate, cls.key = cls.authority.issue("server")

    def start(self, *options):
        daemon = Daemon(
            *("--listen=tls://127.0.0.1:0", f"--tls-certificate={self.certificate}", f"--tls-key={self.key}"),
            *options,
        )
        self.addCleanup(daemon.kill)
        self.port = int(daemon.wait_for(r"listening on tls://127\.0\.0\.1:(\d+)"))
        return daemon

    def connect(self, context):
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE)
        try:
            return context.wrap_socket(plain, server_hostname="localhost")
        except BaseException:
            plain.close()
            raise

    def ask(self, context, text):
        with self.connect(context) as client:
            client.sendall(text)
            with client.makefile("rb") as lines:
                return [lines.readline() for _ in text.splitlines()]

    def test_serves_pythons_ssl_with_both_versions(self):
        self.start()
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = self.authority.client_context()
            context.minimum_version = context.maximum_version = version
            self.assertEqual(self.ask(context, b"5\n7\n9\n"), [b"5\n", b"6\n", b"7\n"])

    def test_refuses_versions_before_1_2(self):
        self.start()
        context = self.authority.client_context()
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # that is the point
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        self.assertRaises(OSError, self.connect, context)

    def test_serves_openssl_s_client_to_its_end_of_input(self):
        self.start()
        ended = subprocess.run(
            ["openssl", "s_client", "-quiet", "-no_ign_eof", "-verify_return_error", "-CAfile", self.authority.certificate,
             "-connect", f"127.0.0.1:{self.port}"],
            input="5\n7\n{\"op\":\"ping\"}\n", capture_output=True, text=True, timeout=DEADLINE, check=False,
        )
        # Where its input ends it says so, and leaves without reading on: what it was asked before that it has got.
        self.assertTrue('5\n6\n{"pong":true}\n'.startswith(ended.stdout), ended)

    def test_serves_ncat_with_all_its_replies(self):
        self.start()
        ended = subprocess.run(
            ["ncat", "--ssl-verify", "--ssl-trustfile", self.authority.certificate, "localhost", str(self.port)],
            input="5\n7\n9\n", capture_output=True, text=True, timeout=DEADLINE, check=False,
        )
        self.assertEqual(ended.stdout, "5\n6\n7\n", ended.stderr)

    def test_wants_clients_with_a_certificate_where_it_is_told_so(self):
        daemon = self.start(f"--tls-client-ca={self.authority.certificate}")
        client = self.authority.issue("client")
        self.assertEqual(self.ask(self.authority.client_context(*client), b"5\n"), [b"5\n"])
        with self.assertRaises(OSError):
            self.assertEqual(self.ask(self.authority.client_context(), b"5\n"), [b"5\n"])
        daemon.wait_for("TLS handshake with tls://127.0.0.1:")
        stranger = Authority()
        self.addCleanup(stranger.close)
        with self.assertRaises(OSError):
            self.ask(self.authority.client_context(*stranger.issue("client")), b"5\n")

    def test_survives_those_who_speak_something_else(self):
        daemon = self.start()
        for text in (b"5\n", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"x" * 70000, b""):
            with socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE) as client:
                try:
                    client.sendall(text)
                    client.shutdown(socket.SHUT_WR)
                    while client.recv(4096):
                        pass
                except ConnectionError:
                    pass
        daemon.wait_for("TLS handshake with ")
        self.assertEqual(self.ask(self.authority.client_context(), b"5\n"), [b"5\n"])

    def test_carries_a_large_dump_and_a_flood_both_ways(self):
        self.start()
        count = 200_000
        with self.connect(self.authority.client_context()) as client, client.makefile("rwb") as lines:
            lines.write(b'{"op":"open","size":%d,"data":[%s]}\n' % (count, b",".join([b"0.5"] * count)))
            lines.write(b'{"op":"dump"}\n')
            lines.flush()
            lines.readline()
            self.assertEqual(lines.readline(), b'{"yield":%d,"dump":[%s]}\n' % (count, b",".join([b"0.5"] * count)))

    def test_is_needed_by_a_listener_of_that_kind_only(self):
        daemon = self.start()
        with socket.create_connection(daemon.address, timeout=DEADLINE) as client:
            client.sendall(b"5\n")
            self.assertEqual(client.recv(10), b"5\n")

    def test_ends_orderly_where_the_daemon_stops(self):
        daemon = self.start()
        with self.connect(self.authority.client_context()) as client:
            client.sendall(b"5\n")
            self.assertEqual(client.recv(10), b"5\n")
            daemon.stop()
            self.assertEqual(client.recv(10), b"")  # and not an error: the end was announced


class Refused(unittest.TestCase):
    def complaint_of(self, *options):
        daemon = Daemon(*options, listens=False)
        self.addCleanup(daemon.kill)
        self.assertIn(daemon.process.wait(timeout=DEADLINE), (1, 2))
        daemon.reader.join(timeout=DEADLINE)
        return "".join(filter(None, daemon.log.queue))

    def test_are_a_certificate_without_a_key_and_files_that_are_none(self):
        listen = "--listen=tls://127.0.0.1:0"
        self.assertIn("--tls-certificate", self.complaint_of(listen))
        self.assertIn("--tls-key", self.complaint_of(listen, "--tls-certificate=/dev/null"))
        complaint = self.complaint_of(listen, "--tls-certificate=/nonexistent/c", "--tls-key=/nonexistent/k")
        self.assertIn("/nonexistent/c", complaint)

    def test_are_files_that_would_have_to_be_waited_for(self):
        with tempfile.TemporaryDirectory() as folder:
            fifo = os.path.join(folder, "fifo")
            os.mkfifo(fifo)
            for options in (("--tls-certificate=" + fifo, "--tls-key=/dev/null"), ("--token-file=" + fifo,)):
                self.assertIn("regular file", self.complaint_of("--listen=tcp://127.0.0.1:0", *options))

    def test_is_an_address_that_others_can_reach_without_a_token_file(self):
        for address in ("tcp://0.0.0.0:0", "tcp://[::]:0"):
            complaint = self.complaint_of(f"--listen={address}")
            self.assertIn("--token-file", complaint)
            self.assertIn("--insecure", complaint)
