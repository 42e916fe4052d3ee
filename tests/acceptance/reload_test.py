"""SIGHUP: settings, tokens and certificates change, and no connection is dropped."""

import json
import os
import pathlib
import signal
import socket
import tempfile
import unittest

from certificates import Authority
from python_client_support import DEADLINE, Daemon, require_daemon


def setUpModule():
    require_daemon()


class Client:
    def __init__(self, address, context=None):
        self.socket = socket.create_connection(address, timeout=DEADLINE)
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self.lines = self.socket.makefile("rw", newline="\n")

    def ask(self, line):
        self.lines.write(line + "\n")
        self.lines.flush()
        return self.lines.readline().rstrip("\n")

    def ask_object(self, **request):
        return json.loads(self.ask(json.dumps(request)))

    def close(self):
        self.lines.close()
        self.socket.close()


class Reload(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.settings = self.folder / "windowd.toml"

    def start(self, settings, *options):
        self.settings.write_text(settings, encoding="utf-8")
        self.daemon = Daemon("--config", str(self.settings), *options)
        self.addCleanup(self.daemon.kill)

    def client(self, context=None, address=None):
        one = Client(address or self.daemon.address, context)
        self.addCleanup(one.close)
        return one

    def reload(self, settings=None, expected="read anew"):
        if settings is not None:
            self.settings.write_text(settings, encoding="utf-8")
        self.daemon.process.send_signal(signal.SIGHUP)
        return self.daemon.wait_for(r"SIGHUP: (.*)" if expected is None else expected)

    def write_tokens(self, text):
        path = self.folder / "tokens"
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        return str(path)

    def test_changes_limits_and_defaults_under_connections_that_go_on(self):
        self.start("max-line = 100\nwindow-size = 2\nmax-windows = 1\n")
        one = self.client()
        self.assertEqual(one.ask("[5,7]"), "[5,6]")
        self.assertEqual(one.ask_object(op="send", window="a", value=1), {"yield": 1})
        self.assertEqual(one.ask_object(op="send", window="b", value=1)["error"]["code"], "limit_reached")
        self.assertEqual(json.loads(one.ask("[" + "1," * 60 + "1]"))["error"]["code"], "line_too_long")
        self.reload("max-line = 1000\nwindow-size = 4\nmax-windows = 2\nmax-connections = 1\n")
        self.assertEqual(one.ask("9"), "8")  # its own window is as it was
        self.assertEqual(one.ask_object(op="send", window="b", value=1), {"yield": 1})
        self.assertEqual(len(json.loads(one.ask("[" + "1," * 60 + "1]"))), 61)
        limits = one.ask_object(op="info")["limits"]
        self.assertEqual((limits["max_line"], limits["max_windows"], limits["max_connections"]), (1000, 2, 1))
        self.assertEqual(one.ask_object(op="open")["window"]["size"], 4)
        self.assertIn("limit_reached", self.client().lines.readline())

    def test_shortens_timeouts(self):
        self.start("idle-timeout = 0\n")
        idle = self.client()
        self.assertEqual(idle.ask("5"), "5")
        self.reload("idle-timeout = 0.05\n")
        self.assertEqual(idle.ask("5"), "5")
        self.assertEqual(idle.lines.readline(), "")

    def test_changes_the_level_of_the_log(self):
        self.start('log-level = "info"\n')
        self.reload('log-level = "debug"\n')
        one = self.client()
        one.ask("5")
        one.socket.shutdown(socket.SHUT_RDWR)
        self.daemon.wait_for("debug connection")

    def test_of_a_bad_file_changes_nothing_and_says_why(self):
        self.start("max-line = 100\n")
        one = self.client()
        for bad in ("max-line = 1000\nmax-lime = 3\n", "max-line = [", "max-line = 5\n", "max-line = 1000\ntoken-file = '/nonexistent/t'\n"):
            with self.subTest(bad):
                told = self.reload(bad, None)
                self.assertRegex(told, "the settings stay as they were")
                self.assertEqual(one.ask_object(op="info")["limits"]["max_line"], 100)
        self.settings.unlink()
        self.assertRegex(self.reload(None, None), "the settings stay as they were")
        self.reload("max-line = 1000\n")
        self.assertEqual(one.ask_object(op="info")["limits"]["max_line"], 1000)

    def test_keeps_what_the_command_line_says(self):
        self.start("max-line = 100\n", "--max-line=200")
        self.reload("max-line = 300\n")
        self.assertEqual(self.client().ask_object(op="info")["limits"]["max_line"], 200)

    def test_says_what_has_to_wait_for_the_next_start(self):
        self.start("")
        self.reload('metrics = "tcp://127.0.0.1:0"\n', "has to wait for the next one")

    def test_adds_and_takes_tokens(self):
        tokens = self.write_tokens("write first-token-of-the-test\n")
        self.start("", f"--token-file={tokens}")
        one, other = self.client(), self.client()
        self.assertEqual(one.ask_object(op="auth", token="first-token-of-the-test"), {"authorized": "write"})
        self.assertEqual(one.ask_object(op="subscribe", window="*")["subscribed"], "*")
        self.write_tokens("read second-token-of-the-test\n")
        self.reload()
        self.assertEqual(one.ask_object(op="ping")["error"]["code"], "unauthorized")
        self.assertEqual(other.ask_object(op="auth", token="second-token-of-the-test"), {"authorized": "read"})
        self.assertEqual(one.ask_object(op="auth", token="second-token-of-the-test"), {"authorized": "read"})

    def test_of_a_bad_token_file_keeps_the_tokens(self):
        tokens = self.write_tokens("write first-token-of-the-test\n")
        self.start("", f"--token-file={tokens}")
        for spoil in (lambda: os.chmod(tokens, 0o644), lambda: self.write_tokens("admin first-token-of-the-test\n")):
            spoil()
            self.assertRegex(self.reload(None, None), "the settings stay as they were")
            self.assertEqual(
                self.client().ask_object(op="auth", token="first-token-of-the-test"), {"authorized": "write"}
            )

    def test_never_opens_to_everyone_what_asked_for_a_token(self):
        tokens = self.write_tokens("write first-token-of-the-test\n")
        self.start(f"token-file = '{tokens}'\n")
        self.assertRegex(self.reload("", None), "cannot be taken away")
        self.assertEqual(self.client().ask_object(op="ping")["error"]["code"], "unauthorized")

    def test_asks_for_a_token_from_then_on(self):
        self.start("")
        one = self.client()
        self.assertEqual(one.ask("5"), "5")
        tokens = self.write_tokens("write first-token-of-the-test\n")
        self.reload(f"token-file = '{tokens}'\n")
        self.assertEqual(one.ask_object(op="ping")["error"]["code"], "unauthorized")
        self.assertEqual(one.ask_object(op="auth", token="first-token-of-the-test"), {"authorized": "write"})
        self.assertEqual(one.ask("7"), "6")  # its window has waited

    def test_changes_the_certificate_for_new_connections(self):
        authority = Authority()
        self.addCleanup(authority.close)
        certificate, key = authority.issue("server", serial=1)
        self.start("", f"--tls-certificate={certificate}", f"--tls-key={key}", "--listen=tls://127.0.0.1:0")
        address = ("127.0.0.1", int(self.daemon.wait_for(r"listening on tls://127\.0\.0\.1:(\d+)")))
        old = self.client(authority.client_context(), address)
        self.assertEqual(old.socket.getpeercert()["serialNumber"], "01")
        self.assertEqual(old.ask("5"), "5")
        authority.issue("server", serial=2)
        self.reload()
        self.assertEqual(self.client(authority.client_context(), address).socket.getpeercert()["serialNumber"], "02")
        self.assertEqual(old.ask("7"), "6")
        pathlib.Path(key).write_text("nonsense", encoding="utf-8")
        self.assertRegex(self.reload(None, None), "the settings stay as they were")
        self.assertEqual(self.client(authority.client_context(), address).ask("5"), "5")
