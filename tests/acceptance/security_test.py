"""Defences of the daemon as strangers at several addresses meet them; and that docs/security.md names tests that there are.

Run: WINDOWD=build/release/windowd python3 tests/acceptance/security_test.py
"""

import functools
import http.client
import json
import os
import pathlib
import re
import socket
import tempfile
import time
import unittest
import urllib.request

from python_client_support import DEADLINE, Daemon, require_daemon

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def setUpModule():
    require_daemon()


class Client:
    """A connection from one of this machine's own addresses, 127.0.0.x."""

    def __init__(self, daemon, host=2):
        self.socket = socket.create_connection(daemon.address, timeout=DEADLINE, source_address=(f"127.0.0.{host}", 0))
        self.lines = self.socket.makefile("r", encoding="utf-8", newline="\n")

    def send(self, text):
        self.socket.sendall(text.encode())

    def read(self, count=1):
        return [self.lines.readline() for _ in range(count)]

    def ask(self, line):
        self.send(line + "\n")
        return self.read()[0].rstrip("\n")

    def code(self):
        """Of the error in the next line."""
        return json.loads(self.read()[0])["error"]["code"]

    def close(self):
        self.lines.close()
        self.socket.close()


class WithDaemon(unittest.TestCase):
    OPTIONS = ()

    def setUp(self):
        self.daemon = Daemon(*self.OPTIONS)
        self.addCleanup(self.daemon.kill)

    def client(self, host=2):
        one = Client(self.daemon, host)
        self.addCleanup(one.close)
        return one

    @functools.cached_property
    def watcher(self):
        return self.client(1)

    def counters(self):
        return json.loads(self.watcher.ask('{"op":"info"}'))["counters"]


class Crowds(WithDaemon):
    OPTIONS = ("--max-connections=20", "--max-connections-per-peer=5")

    def test_of_one_address_leave_room_for_others(self):
        crowd = [self.client(2) for _ in range(50)]
        for one in crowd[:5]:
            self.assertEqual(one.ask("7"), "7")
        for one in crowd[5:]:
            self.assertEqual(one.code(), "limit_reached")
            self.assertEqual(one.read(), [""])
        for host in (3, 4):
            for _ in range(5):
                self.assertEqual(self.client(host).ask("9"), "9")
        self.daemon.wait_for("too many connections of one peer: 1 turned away, the last from tcp://127.0.0.2:")
        self.assertEqual(self.counters()["turned_away"], 45)

    def test_have_their_places_back_when_they_go(self):
        for _ in range(10):
            crowd = [self.client(2) for _ in range(5)]
            for one in crowd:
                self.assertEqual(one.ask("7"), "7")
            for one in crowd:
                one.socket.shutdown(socket.SHUT_WR)
                self.assertEqual(one.read(), [""])  # it is gone now, there too
            deadline = time.monotonic() + DEADLINE
            while self.counters()["connections"] > 1 and time.monotonic() < deadline:
                pass

    def test_at_a_unix_socket_are_one_user(self):
        crowd = []
        for _ in range(6):
            one = socket.socket(socket.AF_UNIX)
            self.addCleanup(one.close)
            one.settimeout(DEADLINE)
            one.connect(self.daemon.path)
            crowd.append(one)
        self.assertEqual(json.loads(crowd[-1].recv(4096))["error"]["code"], "limit_reached")
        crowd[0].sendall(b"7\n")
        self.assertEqual(crowd[0].recv(4096), b"7\n")
        self.assertEqual(self.client(2).ask("7"), "7")


class Nonsense(WithDaemon):
    OPTIONS = ("--max-refused-per-peer=100",)

    def test_of_one_address_is_slowed_and_others_are_served(self):
        good, bad, other = self.client(2), self.client(2), self.client(3)
        self.assertEqual(good.ask("4"), "4")
        began = time.monotonic()
        bad.send("nonsense\n" * 102)
        for _ in range(102):
            self.assertEqual(bad.code(), "bad_json")
        bad.send("5\n")
        self.daemon.wait_for("too many refused requests of one peer: tcp://127.0.0.2:\\d+ waits")
        late = self.client(2)
        self.assertEqual(late.code(), "limit_reached")
        self.assertEqual(late.read(), [""])
        self.assertEqual(other.ask("4"), "4")
        self.assertEqual(good.ask("6"), "5")
        self.assertEqual(bad.read(), ["5\n"])  # nothing is lost
        self.assertGreaterEqual(time.monotonic() - began, 1)

    def test_is_told_by_the_limit_in_force(self):
        settings = tempfile.NamedTemporaryFile("w", suffix=".toml")
        self.addCleanup(settings.close)
        settings.write("max-refused-per-peer = 1\n")
        settings.flush()
        daemon = Daemon("--config", settings.name)
        self.addCleanup(daemon.kill)
        bad = Client(daemon)
        self.addCleanup(bad.close)
        bad.send("a\nb\n")
        self.assertEqual([bad.code(), bad.code()], ["bad_json", "bad_json"])
        late = Client(daemon)
        self.addCleanup(late.close)
        self.assertEqual(late.code(), "limit_reached")
        settings.truncate(0)
        settings.seek(0)
        settings.write("max-refused-per-peer = 0\n")
        settings.flush()
        daemon.process.send_signal(1)
        daemon.wait_for("read anew")
        free = Client(daemon)
        self.addCleanup(free.close)
        self.assertEqual(free.ask("5"), "5")


class Guessers(unittest.TestCase):
    def test_are_held_back_on_all_their_connections_together(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        tokens = os.path.join(folder.name, "tokens")
        with open(os.open(tokens, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
            file.write("write quiet-meadow-1871\n")
        daemon = Daemon(f"--token-file={tokens}", "--max-refused-per-peer=3")
        self.addCleanup(daemon.kill)
        guessers = [Client(daemon) for _ in range(6)]
        for i, one in enumerate(guessers):
            self.addCleanup(one.close)
            one.send(f'{{"op":"auth","token":"guess-{i}"}}\n')
        for one in guessers:
            self.assertEqual(one.code(), "unauthorized")
        late = Client(daemon)
        self.addCleanup(late.close)
        self.assertEqual(late.code(), "limit_reached")
        friend = Client(daemon, 3)
        self.addCleanup(friend.close)
        self.assertEqual(friend.ask('{"op":"auth","token":"quiet-meadow-1871"}'), '{"authorized":"write"}')


class Browsers(WithDaemon):
    REQUESTS = '{"op":"send","window":"w","value":5}\n5\n'

    def test_no_request_of_a_page_is_executed(self):
        """As fetch() in mode no-cors, a form of type text/plain, and a WebSocket send them."""
        url = "http://{}:{}/".format(*self.daemon.address)
        for body, method in ((self.REQUESTS, "POST"), (self.REQUESTS, "PUT"), (None, "GET"), (None, "OPTIONS")):
            with self.subTest(method):
                data = body.encode() if body else None
                asked = urllib.request.Request(url + "?" + "x" * 5000, data, {"Content-Type": "text/plain"}, method=method)
                with self.assertRaises((http.client.BadStatusLine, OSError)):
                    urllib.request.urlopen(asked, timeout=DEADLINE)
        page = self.client()
        page.send(
            "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n" + self.REQUESTS
        )
        self.assertEqual(page.code(), "bad_json")
        self.assertEqual(page.read(), [""])
        counters = self.counters()
        self.assertEqual((counters["values"], counters["windows"]), (0, 0))


class Document(unittest.TestCase):
    def test_every_test_that_the_page_names_is_there(self):
        cases, methods = set(), set()
        for path in (ROOT / "tests").rglob("*_test.cpp"):
            suite = None
            for kind, name in re.findall(r"BOOST_(?:AUTO|FIXTURE)_TEST_(SUITE|CASE)\((\w+)", path.read_text(encoding="utf-8")):
                if kind == "SUITE":
                    suite = name
                else:
                    cases.add(f"{suite}/{name}")
        for path in (ROOT / "tests").rglob("*_test.py"):
            group = None
            for kind, name in re.findall(r"^(class|    def) (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE):
                if kind == "class":
                    group = name
                else:
                    methods.add(f"{group}.{name}")
        named = re.findall(r"`(\w+/\w+|\w+\.test_\w+)`", PAGE)
        self.assertGreater(len(named), 40)
        self.assertEqual(set(named) - cases - methods, set())

    def test_every_defence_names_a_test(self):
        tables = re.findall(r"^\| attempt \| defence \| tests \|\n\|[-| ]+\|\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
        defences = [row.strip("| ").split(" | ") for table in tables for row in table.splitlines()]
        self.assertGreater(len(defences), 25)
        for attempt, _, tests in defences:
            self.assertRegex(tests, r"`(\w+/\w+|\w+\.test_\w+)`", attempt)


if __name__ == "__main__":
    unittest.main()
