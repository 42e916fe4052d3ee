"""Tests windowctl, the command-line client, against the built daemon, and against services that misbehave.

Run: WINDOWD=build/release/windowd /usr/bin/python3 tests/acceptance/windowctl_test.py
"""

import json
import os
import pathlib
import re
import shlex
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

import windowctl_support as ctl
from python_client_support import DEADLINE, Daemon, Puppet, require_daemon
from windowctl_support import ROOT

COMMANDS = ("send", "dump", "read", "clear", "close", "open", "windows", "follow", "top", "ping", "info")


def setUpModule():
    require_daemon()


def tcp(service):
    return "tcp://127.0.0.1:%d" % service.address[1]


class WithDaemon(unittest.TestCase):
    """Each test has a daemon of its own, which stops well at its end."""

    def setUp(self):
        self.daemon = Daemon()
        self.addCleanup(self.daemon.stop)
        self.address = f"--address={tcp(self.daemon)}"

    def run_ctl(self, *arguments, text=""):
        return ctl.run(*arguments, self.address, text=text)

    def expect(self, arguments, output, *, text="", status=0, complaint=""):
        ran = self.run_ctl(*arguments, text=text)
        self.assertEqual((ran.stdout, ran.stderr, ran.returncode), (output, complaint, status))


class Sending(WithDaemon):
    def test_each_value_gives_a_line(self):
        self.expect(["send", "5", "7", "9"], "5\n6\n7\n")
        self.expect(["send", "-5", "null", "1e3", "-0.25"], "-5\nnull\n497.5\n331.5833333333333\n")

    def test_numbers_are_never_changed(self):
        self.expect(["send", "--size=1", "100000", "0.1", "5e-324", "1"], "1e+05\n0.1\n5e-324\n1\n")

    def test_several_statistics_are_a_line_of_names_and_values(self):
        self.expect(["send", "--stats", "mean,max", "5", "9"], "mean=5 max=5\nmean=7 max=9\n")

    def test_with_json_the_daemons_lines_come_out(self):
        self.expect(["send", "--json", "--stats=mean,max", "5"], '{"mean":5,"max":5}\n')
        self.expect(["send", "--json", "--window=w", "5"], '{"yield":5}\n')

    def test_a_shared_window_is_made_and_remembers(self):
        self.expect(["send", "--window", "lab/boiler", "70", "74"], "70\n72\n")
        self.expect(["send", "--window", "lab/boiler", "75"], "73\n")
        self.expect(["send", "--window", "lab/sum", "--stats=sum,count", "1"], "sum=1 count=1\n")

    def test_lines_of_input_are_values(self):
        self.expect(["send", "-"], "5\n6\nnull\n7\n", text="5\r\n\n  7 \nnull\n9")

    def test_a_line_that_is_no_number_is_told_and_the_others_count(self):
        complaint = (
            "windowctl: line 2: 'seven' is no number\n"
            "windowctl: line 5: 'a\\x1b[31mb' is no number\n"
            "windowctl: line 6: longer than any number\n"
        )
        text = "5\nseven\n\n7\na\x1b[31mb\n" + "1" * 70000 + "\n9\n"
        self.expect(["send", "-"], "5\n6\n7\n", text=text, status=1, complaint=complaint)

    def test_what_the_daemon_refuses_is_told_with_its_line(self):
        message = "out_of_range: a number is at most 1.7976931348623157e308 in magnitude\n"
        for more in ([], ["--window=w"]):
            ran = self.run_ctl("send", *more, "-", text="5\n\n1e999\n7\n")
            self.assertEqual((ran.stdout, ran.returncode), ("5\n6\n", 1))
            self.assertEqual(ran.stderr, f"windowctl: line 3: {message}")
        self.expect(["send", "1e999"], "", status=1, complaint=f"windowctl: value 1: {message}")

    def test_any_amount_of_input_comes_back(self):
        text = "".join(f"{i}\n" for i in range(1, 300001))
        expected = "1\n1.5\n" + "".join(f"{i - 1}\n" for i in range(3, 300001))
        expected = expected.replace("\n100000\n", "\n1e+05\n").replace("\n200000\n", "\n2e+05\n")
        for more in ([], ["--window=w"]):
            ran = self.run_ctl("send", *more, "-", text=text)
            self.assertEqual(ran.returncode, 0)
            self.assertTrue(ran.stdout == expected)

    def test_a_file_and_nothing_are_inputs_too(self):
        with tempfile.TemporaryFile() as file:
            file.write(b"5\n7\n")
            file.seek(0)
            ran = subprocess.run([ctl.path(), "send", "-", self.address], stdin=file, capture_output=True, check=True)
        self.assertEqual(ran.stdout, b"5\n6\n")
        ran = subprocess.run([ctl.path(), "send", "-", self.address], stdin=subprocess.DEVNULL, capture_output=True, check=True)
        self.assertEqual(ran.stdout, b"")

    def test_a_value_typed_is_answered_at_once(self):
        process = ctl.start("send", "-", self.address)
        self.addCleanup(ctl.stop, process)
        for value, yielded in ((b"5", b"5"), (b"7", b"6")):
            process.stdin.write(value + b"\n")
            process.stdin.flush()
            self.assertEqual(process.stdout.readline(), yielded + b"\n")

    def test_standard_input_stays_blocking_for_those_who_share_it(self):
        reader, writer = os.pipe()
        process = ctl.start("send", "-", self.address, stdin=reader)
        self.addCleanup(ctl.stop, process)
        os.write(writer, b"5\n")
        self.assertEqual(process.stdout.readline(), b"5\n")
        self.assertTrue(os.get_blocking(reader))
        os.close(writer)
        os.close(reader)

    def test_a_reader_that_goes_ends_it_quietly(self):
        reader, writer = os.pipe()
        process = ctl.start("send", "-", self.address, stdout=writer)
        self.addCleanup(ctl.stop, process)
        os.close(writer)
        os.close(reader)
        process.stdin.write(b"5\n")
        process.stdin.flush()
        self.assertEqual(process.wait(timeout=DEADLINE), -signal.SIGPIPE)
        self.assertEqual(process.stderr.read(), b"")

    def test_output_that_cannot_be_written_is_told(self):
        with open("/dev/full", "wb") as full:
            ran = subprocess.run(
                [ctl.path(), "ping", self.address], stdout=full, stderr=subprocess.PIPE, timeout=DEADLINE, check=False
            )
        self.assertEqual(ran.returncode, 3)
        self.assertIn(b"cannot write the output", ran.stderr)

    def test_a_closed_standard_stream_is_no_socket(self):
        for stream, command in ((">&-", "ping"), ("<&-", "send -")):
            script = f'"$1" {command} "$2" {stream}'
            ran = subprocess.run(
                ["bash", "-c", script, "bash", ctl.path(), self.address], capture_output=True, timeout=DEADLINE, check=False
            )
            self.assertEqual((ran.stdout, ran.returncode), (b"", 3))
            self.assertIn(b"Bad file descriptor", ran.stderr)


class SharedWindows(WithDaemon):
    def test_a_window_from_its_making_to_its_end(self):
        window = ["--window", "cpu.load"]
        made = "made cpu.load stats=mean,p95 size=4 span=60 count=2 min_count=2 n=2\n"
        terms = ["--size=4", "--span=60", "--stats=mean,p95", "--min-count=2", "--data=-5,7"]
        self.expect(["open", *window, *terms], made)
        joined = made.replace("made", "joined")
        self.expect(["open", *window, "--size=4"], joined)
        self.expect(["dump", *window], "-5\n7\n")
        self.expect(["read", *window], "mean=1 p95=6.4\n")
        self.expect(["clear", *window], "")
        self.expect(["dump", *window], "")
        self.expect(["read", *window, "--json"], '{"yield":null}\n')
        self.expect(["close", *window], "")
        refused = self.run_ctl("read", *window)
        self.assertEqual((refused.stdout, refused.returncode), ("", 1))
        self.assertRegex(refused.stderr, r"^windowctl: no_such_window: .*\n$")

    def test_what_contradicts_a_window_is_refused(self):
        self.run_ctl("open", "--window=w", "--size=5")
        refused = self.run_ctl("send", "--window=w", "--size=6", "1")
        self.assertEqual((refused.stdout, refused.returncode), ("", 1))
        self.assertRegex(refused.stderr, r"^windowctl: window_mismatch: ")

    def test_windows_are_a_table_in_the_order_of_their_names(self):
        self.run_ctl("send", "--window=b", "1", "2", "3", "4")
        self.run_ctl("open", "--window=a", "--span=2.5", "--size=10", "--stats=min,max")
        table = "NAME  SIZE  SPAN  STATS    COUNT  N\na       10   2.5  min,max      0  0\nb        3     -  mean         3  4\n"
        self.expect(["windows"], table)
        self.expect(["windows", "b*", "--json"], '{"name":"b","size":3,"stats":["mean"],"count":3,"min_count":1,"n":4}\n')
        self.expect(["windows", "c*"], "NAME  SIZE  SPAN  STATS  COUNT  N\n")

    def test_windows_come_from_all_pages(self):
        names = [f"w{i:04}" for i in range(2500)]
        opened = "".join(json.dumps({"op": "send", "window": name, "value": 1}) + "\n" for name in names)
        with socket.create_connection(self.daemon.address, timeout=DEADLINE) as connection:
            writer = threading.Thread(target=connection.sendall, args=[opened.encode()])
            writer.start()
            replies = connection.makefile("rb")
            for _ in names:
                replies.readline()
            writer.join()
            replies.close()
        listed = self.run_ctl("windows").stdout.splitlines()[1:]
        self.assertEqual([line.split()[0] for line in listed], names)

    def test_other_questions(self):
        self.assertRegex(self.run_ctl("ping").stdout, r"^pong from tcp://127\.0\.0\.1:\d+: time=\d+\.\d{3} ms\n$")
        self.expect(["ping", "--json", "--count=3", "--interval=0.01"], '{"pong":true}\n' * 3)
        self.assertRegex(self.run_ctl("info").stdout, r"^version: \S+\nprotocol: 1\n")
        self.assertEqual(json.loads(self.run_ctl("info", "--json").stdout)["protocol"], 1)
        ran = ctl.run("ping", "--json", "--address", f"unix://{self.daemon.path}")
        self.assertEqual((ran.stdout, ran.returncode), ('{"pong":true}\n', 0))
        ran = ctl.run("ping", "--json", variables={"WINDOWCTL_ADDRESS": tcp(self.daemon)})
        self.assertEqual((ran.stdout, ran.returncode), ('{"pong":true}\n', 0))
        before = ctl.run(self.address, "ping", "--json", variables={"WINDOWCTL_ADDRESS": "tcp://127.0.0.1:1"})
        self.assertEqual((before.stdout, before.returncode), ('{"pong":true}\n', 0))

    def follow(self, *options):
        process = ctl.start("follow", "lab/*", *options, self.address)
        self.addCleanup(ctl.stop, process)
        while "subscriptions: 1" not in self.run_ctl("info").stdout:
            pass
        return process

    def test_follow_prints_a_line_an_event_until_ctrl_c(self):
        process = self.follow()
        self.run_ctl("send", "--window=lab/a", "5")
        self.run_ctl("send", "--window=lab/b", "--stats=mean,max", "1")
        self.run_ctl("clear", "--window=lab/a")
        self.run_ctl("close", "--window=lab/b")
        expected = (
            "open lab/a n=0\nyield lab/a n=1 value=5 yield=5\nopen lab/b n=0\n"
            "yield lab/b n=1 value=1 mean=1 max=1\nclear lab/a n=2\nclose lab/b n=2\n"
        )
        lines = [process.stdout.readline().decode() for _ in expected.splitlines()]
        self.assertEqual("".join(lines), expected)
        process.send_signal(signal.SIGINT)
        self.assertEqual((process.wait(timeout=DEADLINE), process.stderr.read()), (0, b""))

    def test_follow_has_json(self):
        process = self.follow("--json")
        self.run_ctl("send", "--window=lab/a", "5")
        self.assertEqual(process.stdout.readline(), b'{"event":"open","window":"lab/a","n":0}\n')


class Top(WithDaemon):
    def terminal(self, *options, **more):
        terminal = ctl.Terminal("top", "--interval=0.05", *options, self.address, **more)
        self.addCleanup(terminal.close)
        return terminal

    def test_it_shows_what_happens_and_q_gives_the_terminal_back(self):
        self.run_ctl("send", "--window=lab/boiler", "--stats=mean,max", "70")
        terminal = self.terminal()
        terminal.wait_for("mean=70 max=70")
        self.assertNotEqual(terminal.settings(), terminal.before)
        self.run_ctl("send", "--window=lab/boiler", "72", "77")
        terminal.wait_for("mean=73 max=77")
        self.assertIn("▁", terminal.text)
        self.assertIn("█", terminal.text)
        terminal.type("xq")
        terminal.wait_for("\x1b[?1049l")
        self.assertEqual(terminal.wait(), 0)
        self.assertEqual(terminal.settings(), terminal.before)

    def test_ctrl_c_ends_it_as_well(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            terminal = self.terminal()
            terminal.wait_for("0 windows")
            terminal.process.send_signal(number)
            terminal.wait_for("\x1b[?1049l")
            self.assertEqual(terminal.wait(), 0)
            self.assertEqual(terminal.settings(), terminal.before)

    def test_it_fits_the_terminal_and_follows_its_size(self):
        for i in range(9):
            self.run_ctl("send", f"--window=window.number.{i}", "1")
        terminal = self.terminal("--interval=100", columns=40, lines=8)
        picture = terminal.wait_for("\x1b[J")
        self.assertIn("and 5 more", picture)
        shown = re.sub(r"\x1b\[[?0-9]*[a-zA-Z]", "", picture).split("\r\n")
        self.assertLessEqual(max(len(line) for line in shown), 40, shown)
        self.assertLessEqual(len(shown), 8)
        terminal.resize(100, 30)
        terminal.process.send_signal(signal.SIGWINCH)
        self.assertIn("window.number.8", terminal.wait_for("\x1b[J"))

    def test_without_utf_8_its_curves_are_ascii(self):
        self.run_ctl("send", "--window=w", "1")
        terminal = self.terminal(variables={"LC_ALL": "C"})
        self.assertTrue(terminal.wait_for("\x1b[J").isascii())

    def test_without_a_terminal_it_prints_as_many_tables_as_told(self):
        self.run_ctl("send", "--window=w", "1", "2")
        one = self.run_ctl("top", "--interval=0.05").stdout
        self.assertRegex(one, r"\ANAME +N +RATE/S +VALUE +LAST YIELDS +STATISTICS\nw +2 +0\.0 +- +▅ +1\.5\n\Z")
        self.assertEqual(self.run_ctl("top", "--interval=0.05", "--count=3").stdout.count("NAME"), 3)
        self.assertEqual(json.loads(self.run_ctl("top", "--interval=0.05", "--json").stdout)["n"], 2)

    def test_a_lost_daemon_gives_the_terminal_back_too(self):
        puppet = Puppet()
        self.addCleanup(puppet.close)
        terminal = ctl.Terminal("top", f"--address={tcp(puppet)}")
        self.addCleanup(terminal.close)
        puppet.accept()
        puppet.lines.readline()
        puppet.write(b'{"subscribed":"*","windows":0}\n')
        puppet.lines.readline()
        puppet.write(b'{"windows":[],"more":false}\n')
        terminal.wait_for("0 windows")
        puppet.hang_up()
        terminal.wait_for("has closed the connection")
        self.assertEqual(terminal.wait(), 3)
        self.assertEqual(terminal.settings(), terminal.before)


class Usage(unittest.TestCase):
    def test_wrong_usage_is_told_and_has_status_2(self):
        for arguments, complaint in (
            ([], "a command is needed"),
            (["sned", "5"], "unknown command sned"),
            (["--sise=5", "ping"], "unknown option --sise=5"),
            (["ping", "--sise"], "unknown option --sise"),
            (["ping", "5"], "unexpected 5"),
            (["send"], "values is required"),
            (["send", "five"], "'five' is no number"),
            (["send", "+5"], "'+5' is no number"),
            (["send", "0x10"], "'0x10' is no number"),
            (["send", "nan"], "'nan' is no number"),
            (["send", "-", "5"], "- stands alone"),
            (["open", "--window=w", "--size=x"], "--size: 'x' is no number"),
            (["open", "--window=w", "--data=1,x"], "--data: 'x' is no number"),
            (["open", "--size=5"], "open needs --window NAME"),
            (["dump"], "dump needs --window NAME: without it"),
            (["read"], "a window of its own, which is always empty"),
            (["clear"], "clear needs --window"),
            (["close"], "close needs --window"),
            (["follow"], "is required"),
            (["ping", "--address=localhost:6920"], "an address is tcp://HOST:PORT, tls://HOST:PORT"),
            (["ping", "--address=tcp://localhost"], "the port is missing"),
            (["ping", "--address=tcp://localhost:0"], "no port 0"),
            (["ping", "--timeout=0"], "--timeout"),
            (["ping", "--tls-key=x"], "go together"),
            (["ping", "--token-file=/nonexistent/token"], "/nonexistent/token"),
            (["ping", "--address=tls://localhost:1", "--tls-ca=/nonexistent/ca"], "--tls-ca /nonexistent/ca"),
        ):
            with self.subTest(arguments):
                ran = ctl.run(*arguments)
                self.assertEqual((ran.stdout, ran.returncode), ("", 2))
                self.assertTrue(ran.stderr.startswith("windowctl: ") and ran.stderr.count("\n") == 1, ran.stderr)
                self.assertIn(complaint, ran.stderr)

    def test_help_and_version_are_there(self):
        self.assertRegex(ctl.run("--version").stdout, r"^windowctl \d+\.\d+\.\d+ \(protocol 1\)\n$")
        for arguments in ([], *([command] for command in COMMANDS)):
            ran = ctl.run(*arguments, "--help")
            self.assertEqual((ran.returncode, ran.stderr), (0, ""))
            self.assertIn("--address", ran.stdout)

    def test_no_option_takes_the_token_itself(self):
        self.assertEqual(ctl.run("ping", "--token=secret").returncode, 2)


class BadServices(unittest.TestCase):
    """What answers is scripted, and not always a daemon."""

    def setUp(self):
        self.puppet = Puppet()
        self.addCleanup(self.puppet.close)

    def converse(self, arguments, *replies):
        """Answers request by request; returns the requests and what windowctl did."""
        process = ctl.start(*arguments, f"--address={tcp(self.puppet)}")
        self.addCleanup(ctl.stop, process)
        self.puppet.accept()
        requests = []
        for reply in replies:
            requests.append(self.puppet.lines.readline().decode())
            self.puppet.write(reply)
        output, complaint = process.communicate(timeout=DEADLINE)
        return requests, output.decode(), complaint.decode(), process.returncode

    def test_nobody_there_has_status_3(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        for address in (f"tcp://127.0.0.1:{port}", "unix:///nonexistent/windowd.sock", f"tls://127.0.0.1:{port}"):
            ran = ctl.run("ping", f"--address={address}")
            self.assertEqual((ran.stdout, ran.returncode), ("", 3))
            self.assertIn(f"cannot connect to {address}", ran.stderr)

    def test_silence_ends_at_the_timeout(self):
        for command in (["ping"], ["send", "5"], ["windows"], ["follow", "*"], ["top"]):
            _, output, complaint, status = self.converse([*command, "--timeout=0.05"])
            self.assertEqual((output, status), ("", 3))
            self.assertIn("no answer in time", complaint)
            self.puppet.hang_up()

    def test_a_service_that_shakes_no_hands_ends_at_the_timeout(self):
        ran = ctl.run("ping", f"--address=tls://127.0.0.1:{self.puppet.address[1]}", "--timeout=0.05")
        self.assertEqual(ran.returncode, 3)
        self.assertIn("no answer in time", ran.stderr)

    def test_a_connection_that_is_lost_has_status_3_and_what_came_is_printed(self):
        process = ctl.start("send", "5", "7", f"--address={tcp(self.puppet)}")
        self.addCleanup(ctl.stop, process)
        self.puppet.accept()
        self.puppet.lines.readline()
        self.puppet.lines.readline()
        self.puppet.write(b"5\n")
        self.puppet.hang_up()
        output, complaint = process.communicate(timeout=DEADLINE)
        self.assertEqual((output, process.returncode), (b"5\n", 3))
        self.assertIn(b"has closed the connection", complaint)

    def test_what_is_no_windowd_is_told_so(self):
        for command in (["ping"], ["send", "5"], ["dump", "--window=w"]):
            _, _, complaint, status = self.converse(command, b"HTTP/1.1 400 Bad Request\r\n")
            self.assertEqual(status, 3)
            self.assertIn("no windowd", complaint)
            self.puppet.hang_up()

    def test_a_refusal_of_the_whole_connection_has_status_1(self):
        refusal = b'{"error":{"code":"limit_reached","message":"too many"}}\n'
        _, _, complaint, status = self.converse(["ping"], refusal)
        self.assertEqual((complaint, status), ("windowctl: limit_reached: too many\n", 1))

    def test_nothing_that_comes_can_steer_a_terminal(self):
        evil = "\\u001b]0;title\\u0007\\u009b31m"
        raw = "\x1b[31m\x7f".encode()
        error = f'{{"error":{{"code":"x{evil}","message":"{evil}"}}}}\n'.encode()
        listed = f'{{"windows":[{{"name":"{evil}","size":"{evil}","stats":["{evil}"]}}],"more":false}}\n'.encode()
        info = f'{{"{evil}":"{evil}","nested":{{"{evil}":[1]}}}}\n'.encode()
        yields = f'{{"yield":{{"{evil}":"{evil}"}}}}\n'.encode()
        subscribed = b'{"subscribed":"*","windows":1}\n'
        event = f'{{"event":"yield","window":"{evil}","{evil}":"{evil}"}}\n'.encode()
        for command, *replies in (
            (["ping"], error),
            (["send", "5"], error),
            (["send", "5"], yields),
            (["send", "5"], b'"' + raw + b'"\n'),
            (["windows"], listed),
            (["info"], info),
            (["read", "--window=w"], yields),
            (["dump", "--window=w"], b'{"dump":["' + evil.encode() + b'"]}\n'),
            (["top", "--interval=0.01"], subscribed, listed, listed),
            (["ping"], raw + b"\n"),
        ):
            _, output, complaint, _ = self.converse(command, *replies)
            shown = (output + complaint).replace("\n", "")
            self.assertRegex(shown, r"\A[ -~]*\Z", command)
            self.puppet.hang_up()
        process = ctl.start("follow", "*", f"--address={tcp(self.puppet)}")
        self.addCleanup(ctl.stop, process)
        self.puppet.accept()
        self.puppet.lines.readline()
        self.puppet.write(subscribed + event)
        self.assertRegex(process.stdout.readline(), rb"\Ayield \\x1b\]0;title\\x07[ -~]*\n\Z")

    def test_the_token_comes_first_and_from_a_file_of_ones_own(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "token")
            file.write_text('s3cret"token\nthe rest is not read\n', encoding="utf-8")
            for mode in (0o640, 0o604, 0o620):
                file.chmod(mode)
                ran = ctl.run("ping", f"--token-file={file}", f"--address={tcp(self.puppet)}")
                self.assertEqual(ran.returncode, 2)
                self.assertIn("others may read or change it", ran.stderr)
            file.chmod(0o600)
            arguments = ["ping", "--json", f"--token-file={file}"]
            requests, output, _, status = self.converse(arguments, b'{"authorized":"read"}\n', b'{"pong":true}\n')
            self.assertEqual(json.loads(requests[0]), {"op": "auth", "token": 's3cret"token'})
            self.assertEqual((output, status), ('{"pong":true}\n', 0))
            self.puppet.hang_up()
            wrong = b'{"error":{"code":"unauthorized","message":"no"}}\n'
            _, output, complaint, status = self.converse(arguments, wrong)
            self.assertEqual((output, complaint, status), ("", "windowctl: unauthorized: no\n", 1))
            file.write_text("write s3cret name\n", encoding="utf-8")
            self.assertIn("bare token", ctl.run("ping", f"--token-file={file}").stderr)


class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.certificates = ctl.Certificates(cls.folder.name)

    def ping(self, puppet, host, *options, fails=False):
        self.addCleanup(puppet.close)
        process = ctl.start("ping", "--json", f"--address=tls://{host}:{puppet.address[1]}", *options)
        self.addCleanup(ctl.stop, process)
        try:
            puppet.accept()
            if puppet.lines.readline():
                puppet.write(b'{"pong":true}\n')
        except OSError:
            self.assertTrue(fails)
        output, complaint = process.communicate(timeout=DEADLINE)
        return output, complaint.decode(), process.returncode

    def authority(self):
        return f"--tls-ca={self.certificates.file('ca.pem')}"

    def test_a_trusted_certificate_of_the_host_is_good(self):
        result = self.ping(ctl.TlsPuppet(self.certificates), "localhost", self.authority())
        self.assertEqual(result, (b'{"pong":true}\n', "", 0))

    def test_a_certificate_of_another_host_is_not(self):
        output, complaint, status = self.ping(
            ctl.TlsPuppet(self.certificates), "127.0.0.1", self.authority(), fails=True
        )
        self.assertEqual((output, status), (b"", 3))
        self.assertIn("certificate verify failed", complaint)

    def test_a_certificate_that_nobody_trusts_is_not(self):
        output, complaint, status = self.ping(ctl.TlsPuppet(self.certificates), "localhost", fails=True)
        self.assertEqual((output, status), (b"", 3))
        self.assertIn("certificate verify failed", complaint)

    def test_a_client_can_show_a_certificate(self):
        own = [f"--tls-{what}={self.certificates.file(name)}" for what, name in (("certificate", "client.pem"), ("key", "client.key"))]
        puppet = ctl.TlsPuppet(self.certificates, asks_for_certificate=True)
        self.assertEqual(self.ping(puppet, "localhost", self.authority(), *own)[0], b'{"pong":true}\n')
        puppet = ctl.TlsPuppet(self.certificates, asks_for_certificate=True)
        self.assertEqual(self.ping(puppet, "localhost", self.authority(), fails=True)[2], 3)


class Documents(unittest.TestCase):
    """The manual page, the completion and --help say the same."""

    page = ROOT / "docs" / "man" / "windowctl.1"
    completion = ROOT / "completions" / "windowctl"

    def options(self, *command):
        return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", ctl.run(*command, "--help").stdout.split("Exit status")[0]))

    def test_the_commands_of_this_test_are_all(self):
        listed = ctl.run("--help").stdout.split("Subcommands:\n")[1].split("\n\n")[0]
        self.assertEqual(tuple(line.split()[0] for line in listed.splitlines()), COMMANDS)

    def test_the_page_is_well_formed(self):
        for command in (["mandoc", "-Tlint", "-W", "warning", self.page], ["lexgrog", self.page]):
            subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=DEADLINE)

    def test_every_command_and_option_stands_in_the_page(self):
        source = self.page.read_text(encoding="utf-8")
        items = set(re.findall(r"^\.It Cm (\w+)", source, re.MULTILINE))
        self.assertEqual(items, set(COMMANDS))
        described = {f"--{name}" for name in re.findall(r"^\.It Fl Fl ([a-z-]+)", source, re.MULTILINE)}
        every = set().union(*(self.options(command) for command in COMMANDS)) | self.options()
        self.assertEqual(described | {"--help", "--version"}, every)
        for variable in ("WINDOWCTL_ADDRESS", "WINDOWCTL_TOKEN_FILE"):
            self.assertIn(f".It Ev {variable}\n", source)

    def test_the_examples_of_the_page_give_what_it_says(self):
        source = self.page.read_text(encoding="utf-8").split(".Sh EXAMPLES")[1]
        blocks = re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", source, re.MULTILINE | re.DOTALL)
        self.assertGreaterEqual(len(blocks), 5)
        daemon = Daemon()
        self.addCleanup(daemon.stop)
        variables = ctl.environment(WINDOWCTL_ADDRESS=tcp(daemon))
        variables["PATH"] = os.path.dirname(ctl.path()) + ":" + variables["PATH"]
        for block in blocks:
            for example in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                command, _, expected = example.partition("\n")
                ran = subprocess.run(
                    ["bash", "-c", command], env=variables, capture_output=True, text=True, timeout=DEADLINE, check=False
                )
                self.assertEqual((ran.stdout, ran.stderr), (expected, ""), command)

    def complete(self, line, **variables):
        """What bash offers for the last word of this line."""
        words = shlex.split(line) + ([""] if line.endswith(" ") else [])
        script = (
            'source /usr/share/bash-completion/bash_completion; source "$1"; shift\n'
            'COMP_LINE=$1; shift; COMP_POINT=${#COMP_LINE}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_TYPE=9\n'
            "compopt() { :; }\n"
            '_windowctl windowctl "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"\n'
            'printf "%s\\n" "${COMPREPLY[@]}"\n'
        )
        folder = os.path.dirname(ctl.path())
        path = {"PATH": folder + ":" + os.environ["PATH"]}
        command = ["bash", "-c", script, "bash", str(self.completion), line, *words]
        ran = subprocess.run(
            command, env=ctl.environment(**path, **variables), capture_output=True, text=True, timeout=DEADLINE, check=False
        )
        self.assertEqual(ran.stderr, "")
        return set(ran.stdout.split())

    def test_the_completion_offers_every_command_and_option(self):
        self.assertEqual(self.complete("windowctl "), set(COMMANDS))
        self.assertEqual(self.complete("windowctl -"), self.options())
        for command in COMMANDS:
            self.assertEqual(self.complete(f"windowctl {command} -"), self.options(command), command)
        self.assertEqual(self.complete("windowctl --timeout 5 pi"), {"ping"})

    def test_the_completion_asks_the_daemon_for_windows(self):
        daemon = Daemon()
        self.addCleanup(daemon.stop)
        for name in ("lab/boiler", "cpu", "host:load"):
            ctl.run("send", "--window", name, "1", f"--address={tcp(daemon)}")
        here = {"WINDOWCTL_ADDRESS": tcp(daemon)}
        self.assertEqual(self.complete("windowctl read --window ", **here), {"lab/boiler", "cpu", "host:load"})
        self.assertEqual(self.complete("windowctl follow lab", **here), {"lab/boiler"})
        elsewhere = {"WINDOWCTL_ADDRESS": "tcp://127.0.0.1:1"}
        self.assertEqual(self.complete("windowctl read --window ", **elsewhere), set())
        self.assertEqual(self.complete(f"windowctl --address {tcp(daemon)} top c", **elsewhere), {"cpu"})

    def test_the_completion_offers_files_where_files_are_due(self):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "token-of-mine").touch()
            for option in ("--token-file", "--tls-ca", "--tls-certificate", "--tls-key"):
                self.assertEqual(
                    self.complete(f"windowctl ping {option} {folder}/tok"), {f"{folder}/token-of-mine"}
                )


class AccessToTheDaemon(unittest.TestCase):
    """The daemon's own tokens and TLS."""

    def test_a_token_opens_the_door(self):
        with tempfile.TemporaryDirectory() as folder:
            tokens = pathlib.Path(folder, "tokens")
            own = pathlib.Path(folder, "own")
            for file, text in ((tokens, "read look-only\nwrite all-of-it me\n"), (own, "all-of-it\n")):
                file.touch(mode=0o600)
                file.write_text(text, encoding="utf-8")
            daemon = Daemon("--token-file", str(tokens))
            self.addCleanup(daemon.stop)
            address = f"--address={tcp(daemon)}"
            self.assertEqual(ctl.run("send", "5", f"--token-file={own}", address).stdout, "5\n")
            own.write_text("look-only\n", encoding="utf-8")
            self.assertEqual(ctl.run("ping", "--json", f"--token-file={own}", address).stdout, '{"pong":true}\n')
            refused = ctl.run("send", "--window=w", "5", f"--token-file={own}", address)
            self.assertEqual((refused.stdout, refused.returncode), ("", 1))
            self.assertIn("unauthorized", refused.stderr)
            self.assertEqual(ctl.run("send", "5", address).returncode, 1)

    def test_it_talks_tls(self):
        with tempfile.TemporaryDirectory() as folder:
            certificates = ctl.Certificates(folder)
            with socket.create_server(("127.0.0.1", 0)) as free:
                address = f"tls://localhost:{free.getsockname()[1]}"
            files = ["--tls-certificate", certificates.file("server.pem"), "--tls-key", certificates.file("server.key")]
            daemon = Daemon("--listen", address, *files)
            self.addCleanup(daemon.stop)
            authority = f"--tls-ca={certificates.file('ca.pem')}"
            ran = ctl.run("send", "-", f"--address={address}", authority, text="5\n7\n")
            self.assertEqual((ran.stdout, ran.stderr, ran.returncode), ("5\n6\n", "", 0))


if __name__ == "__main__":
    unittest.main()
