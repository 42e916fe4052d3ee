"""Each call that a connection makes of the system fails, in each way that it can: others get every reply, and so does who
can still be served.

Run: WINDOWD=build/release/windowd FAULT_INJECTOR=build/release/tests/libwindowd_fault_injector.so \\
    python3 tests/acceptance/faults_test.py
"""

import errno
import json
import time
import unittest

from certificates import Authority
from faults_support import (
    ACCEPT,
    ALL_REPLIES,
    DESCRIPTOR,
    END,
    RECEIVE,
    SEND,
    SHORT,
    STEPS,
    TIMER,
    WAIT,
    WATCH,
    WITNESS_STEPS,
    Client,
    Conversation,
    Faults,
    FaultyDaemon,
    until,
)
from python_client_support import DEADLINE, require_daemon

# More calls than a conversation makes: an end for a loop that would have none.
MANY = 1000

# What is worth another try, and what is not.
PASSING = (errno.EINTR, errno.EAGAIN, SHORT)
BROKEN_INPUT = (errno.ECONNRESET, errno.ETIMEDOUT, errno.ENOMEM, errno.EHOSTUNREACH)
ACCEPT_AGAIN = (errno.EINTR, errno.ECONNABORTED, errno.EPROTO)
ACCEPT_LATER = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EPERM, errno.ENETDOWN)
BROKEN_OUTPUT = (errno.ECONNRESET, errno.EPIPE, errno.ENOBUFS, errno.ETIMEDOUT)

TIMEOUT = 0.2  # seconds
TIMEOUTS = (f"--idle-timeout={TIMEOUT}", f"--window-idle-expiry={TIMEOUT}")


def setUpModule():
    require_daemon()


class FaultsTest(unittest.TestCase):
    def start(self, *options, faults=None, **more):
        self.faults = faults or Faults()
        self.addCleanup(self.faults.close)
        self.daemon = FaultyDaemon(*options, faults=self.faults, **more)
        self.addCleanup(self.daemon.kill)
        self.conversations = 0

    def connect(self, address=None):
        client = Client(address or self.daemon.address)
        self.addCleanup(client.close)
        return client

    def begin(self, client):
        """A conversation whose shared window nobody else has."""
        self.conversations += 1
        return Conversation(client, f"window-{self.conversations}")

    def prepare(self):
        """The replies and events of a conversation that nothing happens to; and a witness of all others."""
        undisturbed = self.begin(self.connect())
        for step in STEPS:
            undisturbed.take(step)
        undisturbed.finish()
        self.assertEqual(undisturbed.client.ended, "end")
        self.replies = undisturbed.plain(undisturbed.client.replies)
        self.events = undisturbed.plain(undisturbed.client.events)
        self.assertEqual(len(self.replies), ALL_REPLIES)
        self.assertEqual([json.loads(line)["event"] for line in self.events], ["open", "yield", "yield", "clear", "close"])
        self.witness = self.connect()
        self.witness.ask(b'{"op":"subscribe","window":"window-*"}')
        self.descriptors = self.daemon.descriptors

    def converse(self, client):
        """A conversation, a step in turn with one of the witness, which gets every reply."""
        tried, witness = self.begin(client), self.begin(self.witness)
        self.witness.replies.clear()
        witness.due = 0
        for step in STEPS:
            tried.take(step)
            if step in WITNESS_STEPS:
                witness.take(step)
        tried.finish()
        expected = [line for line in self.replies[:-2] if b"ubscribed" not in line]
        self.assertEqual(witness.plain(self.witness.replies), expected)
        return tried

    def check_witness_followed(self, tried):
        """It has been told what happened to that one's window, once and in order, up to its end."""
        self.witness.ask(b'{"op":"close","window":"%s"}' % tried.name)  # where the other one did not come so far
        self.witness.ask(b'{"op":"send","window":"window-end","value":1}')
        self.witness.ask(b'{"op":"close","window":"window-end"}')
        self.witness.read_until_event(b'{"event":"close","window":"window-end"')
        events = [json.loads(line) for line in self.witness.events if tried.name + b'"' in line]
        self.witness.events.clear()
        if not events:
            return
        self.assertEqual([event["n"] for event in events], list(range(2, 2 + len(events))))
        self.assertEqual((events[0]["event"], events[-1]["event"]), ("open", "close"))

    def check_served(self, tried):
        self.assertEqual(tried.client.ended, "end")
        self.assertEqual(tried.plain(tried.client.replies), self.replies)
        self.assertEqual(tried.plain(tried.client.events), self.events)

    def check_broken_off(self, tried):
        """What it got before is right, and nothing came behind; an input that ended in a line may have been refused."""
        replies, events = tried.plain(tried.client.replies), tried.plain(tried.client.events)
        if len(replies) < len(self.replies) and replies and b'"bad_json"' in replies[-1]:
            replies.pop()
        self.assertEqual(replies, self.replies[: len(replies)])
        self.broken_off += len(replies) < len(self.replies)
        self.assertEqual(events, self.events[: len(events)])

    def check_nothing_is_left(self):
        until(lambda: self.witness.ask(b'{"op":"info"}')["counters"]["connections"] == 1, "the end of connections")
        counters = self.witness.ask(b'{"op":"info"}')["counters"]
        self.assertEqual((counters["windows"], counters["subscriptions"], counters["events_lost"]), (0, 1, 0))
        until(lambda: self.daemon.descriptors == self.descriptors, "the end of descriptors")
        self.daemon.stop()

    def try_every_call(self, what, how, check, context=None):
        """Conversations in each of which another call fails, until there is no such call any more; how many there were."""
        for number in range(1, MANY):
            with self.subTest(what=what, how=how, number=number):
                client = self.connect(self.encrypted_address if context else None)
                self.faults.arm(what, how, first=number, port=client.port)
                if context:
                    client.encrypt(context)
                tried = self.converse(client)
                failed = self.faults.failed
                self.faults.disarm()
                (check if failed else self.check_served)(tried)
                self.check_witness_followed(tried)
            if not failed:
                return number - 1
        raise AssertionError("there is no end of calls")

    def try_connections(self, context=None):
        """Every read and write fails in every way."""
        tried = {}
        for what, broken in ((RECEIVE, (*BROKEN_INPUT, END)), (SEND, BROKEN_OUTPUT)):
            for how in PASSING:
                tried[what, how] = self.try_every_call(what, how, self.check_served, context)
            for how in broken:
                self.broken_off = 0
                tried[what, how] = self.try_every_call(what, how, self.check_broken_off, context)
                # All but what comes with the end, or behind it: how many calls that is with TLS depends on who is faster.
                self.assertGreaterEqual(self.broken_off, tried[what, how] - (6 if context else 1), (what, how))
        self.assertGreaterEqual(min(tried.values()), len(STEPS))
        self.check_nothing_is_left()
        print(f"{sum(tried.values())} faults ... ", end="")

    def test_every_read_and_write_fails_in_every_way(self):
        self.start()
        self.prepare()
        self.try_connections()

    def test_every_read_and_write_below_tls_fails_in_every_way(self):
        authority = Authority()
        self.addCleanup(authority.close)
        certificate, key = authority.issue("server")
        self.start("--listen=tls://127.0.0.1:0", f"--tls-certificate={certificate}", f"--tls-key={key}")
        self.encrypted_address = ("127.0.0.1", int(self.daemon.wait_for(r"listening on tls://127\.0\.0\.1:(\d+)")))
        self.prepare()
        self.try_connections(authority.client_context())

    def test_every_accept_fails_and_the_client_is_served_later(self):
        self.start()
        self.prepare()
        for how in (*ACCEPT_AGAIN, *ACCEPT_LATER):
            for first in (1, 2):  # the second call is the one that finds nothing more to accept
                for times in (1, 3):
                    with self.subTest(how=errno.errorcode[how], first=first, times=times):
                        self.faults.arm(ACCEPT, how, first, times)
                        self.check_served(self.converse(self.connect()))
                        self.check_served(self.converse(self.connect()))
                        self.assertEqual(self.faults.failed, times)
        self.check_nothing_is_left()

    def test_a_client_that_goes_before_it_is_accepted_is_the_only_one_that_goes(self):
        self.start()
        self.prepare()
        self.faults.arm(ACCEPT, END, first=1)
        gone, others = self.connect(), [self.connect() for _ in range(5)]
        for other in others:
            self.check_served(self.converse(other))
        gone.read_to_end()
        self.assertEqual(gone.replies, [])
        self.check_nothing_is_left()

    def test_a_connection_that_cannot_be_watched_ends_and_the_next_is_served(self):
        self.start()
        self.prepare()
        for how in (errno.ENOMEM, errno.ENOSPC):
            for times in (1, 2, 5):
                with self.subTest(how=errno.errorcode[how], times=times):
                    self.faults.arm(WATCH, how, first=1, times=times)
                    for client in [self.connect() for _ in range(times)]:
                        client.read_to_end()
                        self.assertEqual(client.replies, [])
                    self.check_served(self.converse(self.connect()))
                    self.assertEqual(self.faults.failed, times)
        self.check_nothing_is_left()

    def test_every_wait_is_interrupted_or_tells_of_one_event_only(self):
        self.start()
        self.prepare()
        for how in (errno.EINTR, SHORT):
            for first in range(1, MANY):
                with self.subTest(how=how, first=first):
                    self.faults.arm(WAIT, how, first)
                    self.check_served(self.converse(self.connect()))
                if not self.faults.failed:
                    break
            self.assertGreater(first, len(STEPS))
            self.faults.arm(WAIT, how, first=1, times=MANY)
            self.check_served(self.converse(self.connect()))
        self.check_nothing_is_left()

    def check_timeouts(self):
        """A connection and a window that nobody uses are closed, and not too early."""
        began = time.monotonic()
        idle, watcher = self.connect(), self.connect()
        idle.ask(b"5")
        watcher.ask(b'{"op":"subscribe","window":"*"}')
        watcher.ask(b'{"op":"open","window":"unused"}')
        watcher.read_until_event(b'{"event":"close"')
        idle.read_to_end()
        self.assertEqual((watcher.ended, idle.ended), (None, "end"))
        self.assertGreaterEqual(time.monotonic() - began, TIMEOUT)
        watcher.close()
        self.daemon.stop()

    def test_a_timer_that_fires_too_early_ends_nothing_too_early(self):
        for first in range(1, MANY):
            with self.subTest(first=first):
                self.start(*TIMEOUTS)
                self.faults.arm(TIMER, SHORT, first)
                self.check_timeouts()
            if not self.faults.failed:
                break
        self.assertGreater(first, 3)

    def test_a_descriptor_that_cannot_be_made_at_the_start_is_told_or_not_needed(self):
        for number in range(1, MANY):
            with self.subTest(number=number):
                faults = Faults()
                self.addCleanup(faults.close)
                faults.arm(DESCRIPTOR, errno.EMFILE, first=number)
                self.start(*TIMEOUTS, "--listen=tcp://127.0.0.1:0", listens=False, faults=faults)
                try:
                    port = self.daemon.wait_for(r"listening on tcp://127\.0\.0\.1:(\d+)")
                except AssertionError as ended:
                    self.assertEqual(self.daemon.process.wait(DEADLINE), 1)
                    self.assertRegex(str(ended), r"critical .*(Too many open files)")
                else:  # without a timer of the system, say
                    self.daemon.address = ("127.0.0.1", int(port))
                    self.check_timeouts()
            if not faults.failed:
                break
        self.assertGreater(number, 4)


if __name__ == "__main__":
    unittest.main()
