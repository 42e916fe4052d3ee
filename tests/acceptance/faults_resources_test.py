"""A daemon without memory or descriptors, from each allocation on: a request is refused or its connection ends, and others
notice nothing.

Run: WINDOWD=build/release/windowd FAULT_INJECTOR=build/release/tests/libwindowd_fault_injector.so \\
    python3 tests/acceptance/faults_resources_test.py
"""

import errno
import json
import os
import pathlib
import resource
import unittest

from faults_support import (
    ALL_REPLIES,
    ALLOCATE,
    STEPS,
    WITNESS_STEPS,
    Client,
    Conversation,
    Faults,
    FaultyDaemon,
    is_sanitized,
    until,
)
from python_client_support import DEADLINE, Daemon, require_daemon

MANY = 1_000_000

# A fault that is tried so often again leaks if there is more memory in use after each of them.
TRIES = 6

# How many allocations of the start fail; the exit status where it was one of the dynamic loader's.
SAMPLE = 40
LOADER_FAILED = 127
BEFORE_MAIN = 32  # at least as many allocations as there are before main()

# What the values of a line take in a window of many statistics; some such lines are more than the room that is left.
ROOM = 32 << 20
VALUES = 50_000


def setUpModule():
    require_daemon()


def id_of(reply):
    told = json.loads(reply)
    return told.get("id") if isinstance(told, dict) else None


@unittest.skipIf(is_sanitized(), "a sanitizer has an allocator of its own, before which no injector stands")
class MemoryTest(unittest.TestCase):
    def setUp(self):
        self.faults = Faults()
        self.addCleanup(self.faults.close)
        self.conversations = 0

    def start(self):
        self.daemon = FaultyDaemon(faults=self.faults)
        self.addCleanup(self.daemon.kill)
        self.replies = self.converse(self.connect())
        self.assertEqual(len(self.replies), ALL_REPLIES)
        self.witness = self.connect()
        self.witness.ask(b"1")
        self.follow()
        self.descriptors = self.daemon.descriptors

    def connect(self):
        client = Client(self.daemon.address)
        self.addCleanup(client.close)
        return client

    def follow(self):
        self.follower = self.connect()
        self.follower.ask(b'{"op":"subscribe","window":"window-*"}')

    def converse(self, client):
        """What it is told from beginning to end, in a conversation whose shared window nobody else has."""
        self.conversations += 1
        conversation = Conversation(client, f"window-{self.conversations}")
        for step in STEPS:
            conversation.take(step)
        conversation.finish()
        return conversation.plain(client.replies)

    def check_replies(self, replies):
        """One to each request, in order; other ones than usual only since one was refused, in the same window."""
        self.assertLessEqual(len(replies), ALL_REPLIES)
        disturbed = False
        for reply, usual in zip(replies, self.replies):
            refused = b'"internal"' in reply  # without an id, where the memory was wanted for reading the request
            if not refused or id_of(reply) is not None:
                self.assertEqual(id_of(reply), id_of(usual))
            if reply != usual:
                disturbed = disturbed or refused
                self.assertTrue(disturbed, reply)
            elif b'"name":null' in reply:
                disturbed = False

    def check_witness(self):
        """It is served as ever."""
        self.witness.replies.clear()
        conversation = Conversation(self.witness, "witness")
        for step in WITNESS_STEPS:
            conversation.take(step)
        usual = [line for line in self.replies[:-2] if b"ubscribed" not in line]
        self.assertEqual(conversation.plain(self.witness.replies), usual)
        self.witness.ask(b'{"op":"close","window":"window-%d"}' % self.conversations)

    def check_follower(self):
        """It has been told of changes in their order, once each. The allocation that failed may have been for it."""
        self.follower.send(b'{"op":"ping"}\n')
        self.follower.read_until(len(self.follower.replies) + 1)
        events = [json.loads(line) for line in self.follower.events]
        numbers = [event["n"] for event in events if event["event"] in ("open", "yield", "clear")]
        self.assertEqual(numbers, sorted(set(numbers)))
        self.follower.events.clear()
        if self.follower.ended is not None:
            self.follower.close()
            self.follow()

    def counters(self):
        return self.witness.ask(b'{"op":"info"}')["counters"]

    def check_nothing_is_left(self):
        until(lambda: self.counters()["connections"] == 2, "the end of connections")
        counters = self.counters()
        self.assertEqual((counters["windows"], counters["subscriptions"]), (0, 1))
        until(lambda: self.daemon.descriptors == self.descriptors, "the end of descriptors")

    def converse_with_a_fault(self, first, times, after_accept):
        """A conversation with an allocation that fails; whether there was one."""
        client = None
        if after_accept:
            client = self.connect()
            client.ask(b"1")
            client.replies.clear()
        self.faults.arm(ALLOCATE, errno.ENOMEM, first, times)
        try:
            replies = self.converse(client or self.connect())
        finally:
            failed = self.faults.failed
            self.faults.disarm()
        self.assertIsNone(self.daemon.process.poll())
        self.check_replies(replies)
        self.check_witness()
        self.check_follower()
        self.check_nothing_is_left()
        return failed != 0

    def leaks(self, *fault):
        used = [self.faults.pieces_of_memory]
        for _ in range(TRIES):
            self.converse_with_a_fault(*fault)
            used.append(self.faults.pieces_of_memory)
        return all(before < after for before, after in zip(used, used[1:]))

    def try_every_allocation(self, times, after_accept):
        for first in range(1, MANY):
            with self.subTest(first=first, times=times, after_accept=after_accept):
                used = self.faults.pieces_of_memory
                if not self.converse_with_a_fault(first, times, after_accept):
                    self.assertGreater(first, 20)
                    return first - 1
                if self.faults.pieces_of_memory > used:
                    self.assertFalse(self.leaks(first, times, after_accept))
        raise AssertionError("there is no end of allocations")

    def test_every_allocation_fails_also_those_of_accepting(self):
        self.start()
        tried = [self.try_every_allocation(times, after_accept=False) for times in (1, 2, 5)]
        self.daemon.stop()
        print(f"{tried} faults ... ", end="")

    def test_memory_is_out_from_every_allocation_on(self):
        self.start()
        tried = self.try_every_allocation(MANY, after_accept=True)
        self.daemon.stop()
        print(f"{tried} faults ... ", end="")

    def check_start(self):
        """It serves, or has said what it lacks and ended."""
        daemon = FaultyDaemon("--listen=tcp://127.0.0.1:0", listens=False, faults=self.faults)
        self.addCleanup(daemon.kill)
        try:
            port = int(daemon.wait_for(r"listening on tcp://127\.0\.0\.1:(\d+)"))
            self.faults.disarm()
            client = Client(("127.0.0.1", port))
            self.addCleanup(client.close)
            self.assertEqual(client.ask(b"5"), 5)
            client.close()
            daemon.stop()
        except (AssertionError, ConnectionError) as ended:
            status = daemon.process.wait(DEADLINE)
            daemon.reader.join(DEADLINE)
            self.assertRegex(f"{ended}{list(daemon.log.queue)}", "memory|bad_alloc")
            self.assertIn(status, (1, LOADER_FAILED))

    def test_an_allocation_that_fails_at_the_start_is_told_or_does_no_harm(self):
        """A sample: most of these many belong to the reading of options. What comes before main() cannot be told."""
        self.faults.arm(ALLOCATE)
        self.check_start()
        allocations = self.faults.get("seen")
        for first in range(BEFORE_MAIN + 1, allocations, max(1, allocations // SAMPLE)):
            with self.subTest(first=first, of=allocations):
                self.faults.arm(ALLOCATE, errno.ENOMEM, first)
                self.check_start()


def set_limit(process, what, soft):
    _, hard = resource.prlimit(process.pid, what)
    resource.prlimit(process.pid, what, (soft, hard))


def memory_of(process):
    """In bytes: all that is mapped."""
    pages = pathlib.Path(f"/proc/{process.pid}/statm").read_text(encoding="ascii").split()[0]
    return int(pages) * resource.getpagesize()


class LimitsTest(unittest.TestCase):
    def start(self, *options):
        self.daemon = Daemon(*options)
        self.addCleanup(self.daemon.kill)

    def connect(self):
        client = Client(self.daemon.address)
        self.addCleanup(client.close)
        return client

    def test_without_descriptors_those_who_are_there_are_served_and_the_others_later(self):
        self.start()
        there = self.connect()
        self.assertEqual(there.ask(b"5"), 5)
        open_now = os.listdir(f"/proc/{self.daemon.process.pid}/fd")
        set_limit(self.daemon.process, resource.RLIMIT_NOFILE, max(map(int, open_now)) + 1)
        waiting = [self.connect() for _ in range(20)]
        for one in waiting:
            one.send(b"1\n")
        self.daemon.wait_for(r"warning cannot accept on tcp://\S+: Too many open files; will try again")
        self.assertEqual(there.ask(b"[7,9]"), [6, 7])
        self.assertEqual(there.ask(b'{"op":"info"}')["counters"]["accepted"], 1)
        set_limit(self.daemon.process, resource.RLIMIT_NOFILE, 1000)
        for one in waiting:
            one.read_until(1)
            self.assertEqual(one.replies, [b"1"])
        self.daemon.wait_for(r"info accepting on tcp://\S+ again")
        for one in waiting:
            one.close()
        until(lambda: len(os.listdir(f"/proc/{self.daemon.process.pid}/fd")) == len(open_now))
        self.assertEqual(there.ask(b"11"), 9)
        self.daemon.stop()

    @unittest.skipIf(is_sanitized(), "a sanitizer maps terabytes of addresses, and ends what gets no more memory")
    def test_without_memory_what_takes_much_is_refused_and_the_others_are_served(self):
        self.start()
        small, huge = self.connect(), [self.connect() for _ in range(3)]
        self.assertEqual(small.ask(b"5"), 5)
        for one in huge:
            self.assertTrue(one.ask(b'{"op":"open","size":10000000,"stats":["median","min","max"]}')["created"])
        line = b"[" + b",".join(b"%d" % i for i in range(VALUES)) + b"]"
        before = huge[0].ask(line)
        self.assertEqual(len(before), VALUES)
        set_limit(self.daemon.process, resource.RLIMIT_AS, memory_of(self.daemon.process) + ROOM)
        refused = self.fill(huge, line, small)
        self.assertEqual({reply["error"]["code"] for reply in refused}, {"internal"})
        self.assertEqual(small.ask(b'{"op":"open"}')["created"], True)
        set_limit(self.daemon.process, resource.RLIMIT_AS, resource.RLIM_INFINITY)
        for one in huge:
            self.assertTrue(one.ask(b'{"op":"clear"}')["yield"] is None)
            self.assertEqual(len(one.ask(line)), VALUES)
        self.assertEqual(self.connect().ask(b"1"), 1)
        self.daemon.stop()

    def fill(self, huge, line, small):
        """Until each of the huge windows has been refused more values; the refusals. Small ones are served meanwhile."""
        refused = []
        for one in huge:
            for _ in range(100):
                reply = one.ask(line)
                self.assertEqual(small.ask(b"[7,7,7]")[-1], 7)
                if isinstance(reply, dict):
                    refused.append(reply)
                    break
        self.assertEqual(len(refused), len(huge))
        return refused


if __name__ == "__main__":
    unittest.main()
