"""Thousands of connections of all manners, and signals under full load.

The whole load by hand: WINDOWD=… WINDOWD_LOAD=… WINDOWD_LOAD_CONNECTIONS=10000 WINDOWD_LOAD_SECONDS=60 python3 load_test.py
"""

import json
import os
import pathlib
import resource
import signal
import socket
import time
import unittest

from load_support import SCALE, Load, scaled, tell
from python_client_support import DEADLINE, Daemon, require_daemon

CONNECTIONS = int(os.environ.get("WINDOWD_LOAD_CONNECTIONS", scaled(2000)))
SECONDS = float(os.environ.get("WINDOWD_LOAD_SECONDS", "6"))


def setUpModule():
    require_daemon()


def children_time():
    """In seconds of a processor: what the programs took that have run to their end."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Watched(Daemon):
    """A daemon that is looked at from outside, through one connection that stays and the system's books."""

    def __init__(self, *options):
        super().__init__(*options)
        self.connection = socket.create_connection(self.address, timeout=DEADLINE)
        self.lines = self.connection.makefile("rw")

    def counters(self):
        self.lines.write('{"op":"info"}\n')
        self.lines.flush()
        return json.loads(self.lines.readline())["counters"]

    def wait_until_alone(self):
        give_up = time.monotonic() + DEADLINE
        while (left := self.counters()["connections"]) != 1:
            if time.monotonic() > give_up:
                raise AssertionError(f"{left} connections are still there")

    def descriptors(self):
        return sorted(os.readlink(one).split(":")[0] for one in pathlib.Path(f"/proc/{self.process.pid}/fd").iterdir())

    def memory(self, kind="VmRSS"):
        """In MiB: what it has now, or (VmHWM) what it had at most."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(status.split(kind + ":")[1].split()[0]) / 1024

    def processor_time(self):
        """In seconds."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").split(")")[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def load(self, kind, connections, **options):
        return Load(kind, self.address[1], self.path, connections, daemon=self.process.pid, **options)

    def kill(self):
        if hasattr(self, "lines"):
            self.lines.close()
            self.connection.close()
        super().kill()


class Mixed(unittest.TestCase):
    # In MiB, of the memory that the system counts for the daemon: what the allocator keeps of it, free but in small
    # pieces, counts too. What a round may leave above the start for 1,000 connections, and what a second one may add.
    LEFT = 8
    GROWTH = 4

    def start(self, *options):
        daemon = Watched(
            "--max-connections=15000",
            "--max-line=64KiB",
            "--max-event-buffer=64KiB",
            # Longer than a follower stops reading, so that it cuts off the deaf alone.
            f"--write-timeout={0.7 * SECONDS}s",
            *options,
        )
        self.addCleanup(daemon.kill)
        return daemon

    def round(self, daemon):
        used_by_daemon, used_by_load = daemon.processor_time(), children_time()
        with daemon.load("mixed", CONNECTIONS, seconds=SECONDS) as load:
            found = load.results()
        daemon.wait_until_alone()
        # Where these do not add up to the processors' time, the reply times are those of a machine that is busy with else.
        found["processor_s_of_daemon"] = round(daemon.processor_time() - used_by_daemon, 1)
        found["processor_s_of_load"] = round(children_time() - used_by_load, 1)
        found["memory_after_mib"] = round(daemon.memory(), 1)
        found["memory_at_most_mib"] = round(daemon.memory("VmHWM"), 1)
        found["descriptors_after"] = len(daemon.descriptors())
        return found

    def test_clients_get_every_reply_right_and_leave_nothing_behind(self):
        daemon = self.start()
        daemon.counters()
        descriptors, memory = daemon.descriptors(), daemon.memory()
        tell("before", {"memory_mib": round(memory, 1), "descriptors": len(descriptors)})
        rounds = []
        for i in (1, 2):
            rounds.append(self.round(daemon))
            tell(f"round {i}", rounds[-1])
            self.assertEqual(daemon.descriptors(), descriptors)
        if SCALE == 1:  # a sanitizer's allocator keeps what is freed; its search for leaks counts in place of this
            first, second = (found["memory_after_mib"] for found in rounds)
            self.assertLess(first, memory + self.LEFT * CONNECTIONS / 1000)
            self.assertLess(second, first + self.GROWTH * CONNECTIONS / 1000)
        for found in rounds:
            for kind in ("values_checked", "operations_checked", "events_checked", "events_told_lost", "resets", "visits"):
                self.assertGreater(found["counts"][kind], 0, kind)
            self.assertEqual(found["counts"]["clients"], CONNECTIONS)
        self.assertGreater(daemon.counters()["accepted"], 2 * CONNECTIONS)
        daemon.stop()

    def test_clients_notice_nothing_of_settings_that_are_read_anew_all_the_time(self):
        daemon = self.start()
        reloads = 0
        with daemon.load("mixed", scaled(500), seconds=3) as load:
            while load.runs():
                daemon.process.send_signal(signal.SIGHUP)
                daemon.wait_for("read anew")
                reloads += 1
            load.results()
        daemon.wait_until_alone()
        tell("reloads", reloads)
        self.assertGreater(reloads, 20)


class Shutdown(unittest.TestCase):
    def stop_under_load(self, connections, **options):
        daemon = Watched("--shutdown-timeout=60s")
        self.addCleanup(daemon.kill)
        with daemon.load("shutdown", connections, seconds=1, **options) as load:
            found = load.results()
        self.assertEqual(daemon.process.wait(timeout=DEADLINE), 0)
        tell("shutdown", found["counts"])
        # Or there was no load.
        self.assertGreater(found["counts"]["unanswered_by_the_signal"], 0)

    def test_at_full_load_answers_all_that_the_daemon_had_and_ends_cleanly(self):
        for _ in range(2):
            self.stop_under_load(scaled(300))

    def test_waits_for_clients_that_read_slowly_as_long_as_they_read(self):
        self.stop_under_load(4, slow=True)


if __name__ == "__main__":
    unittest.main()
