"""Tests the windows, lists and events of windowd's Python client, against the built daemon.

Run: WINDOWD=build/release/windowd python3 tests/acceptance/python_windows_test.py
"""

import collections
import concurrent.futures
import contextlib
import dataclasses
import decimal
import doctest
import fractions
import gc
import itertools
import math
import os
import pathlib
import random
import re
import socket
import statistics
import tempfile
import threading
import time
import unittest
import unittest.mock
import warnings

from python_client_support import DEADLINE, Daemon, Puppet, require_daemon

import windowd
from windowd import Clear, Close, Lost, Open, Yield

ROOT = pathlib.Path(__file__).resolve().parents[2]
ERRORS_HEADER = (ROOT / "src" / "protocol" / "error.hpp").read_text(encoding="utf-8")

EVERY_CODE = (
    "bad_json line_too_long not_a_number out_of_range unknown_op unknown_member missing_member bad_member "
    "unknown_exception closed no_such_window window_mismatch out_of_order limit_reached unauthorized "
    "shutting_down internal"
).split()

SHORT = 0.5  # seconds: a timeout that is to be over, but not before a connection is made

PRIVATE = b'{"window":{"name":null,"size":3,"stats":["mean"],"count":0,"min_count":1},"created":true}\n'
SHARED = b'{"window":{"name":"w","size":3,"stats":["mean"],"count":0,"min_count":1,"n":0},"created":true}\n'
SUBSCRIBED = b'{"subscribed":"w","windows":1}\n'
BROKEN_OFF = (ConnectionError, "not connected any more")


class WindowTest(unittest.TestCase):
    """A test with a daemon of its class, and names of windows that no other test has."""

    numbers = itertools.count()

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()
        cls.addClassCleanup(cls.daemon.stop)

    def name(self):
        return f"test:{next(self.numbers)}"

    def open(self, *arguments, address=None, **options):
        result = windowd.open_window(*arguments, address=address or self.daemon.address, **options)
        self.addCleanup(result.disconnect)
        return result

    def follow(self, *patterns, address=None, timeout=DEADLINE):
        result = windowd.follow(*patterns, address=address or self.daemon.address, timeout=timeout)
        self.addCleanup(result.close)
        return result

    def listed(self, match):
        return list(windowd.windows(match, address=self.daemon.address))

    def assert_same_bits(self, left, right):
        self.assertEqual([value.hex() for value in left], [value.hex() for value in right])

    @contextlib.contextmanager
    def assert_refused(self, kind, index=None):
        with self.assertRaises(kind) as caught:
            yield
        self.assertIs(type(caught.exception), kind)
        self.assertEqual(caught.exception.index, index)


@contextlib.contextmanager
def assert_all_closed():
    """Nothing inside forgets to close a socket."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
        gc.collect()
    if caught:
        raise AssertionError(str(caught[0].message))


def in_thread(call):
    """Runs a call beside the test. Returns what waits for it, and returns or raises what it does."""
    future = concurrent.futures.Future()

    def run():
        try:
            future.set_result(call())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return lambda: future.result(DEADLINE)


def means(values, size):
    window = collections.deque(maxlen=size)
    for value in values:
        window.append(value)
        yield math.fsum(window) / len(window)


# --- One program


class APrivateWindow(WindowTest):
    def test_it_has_no_name_and_is_made_with_the_defaults(self):
        window = self.open()
        self.assertEqual((window.name, window.size, window.span, window.stats), (None, 3, None, ("mean",)))
        self.assertEqual((window.min_count, window.count, window.n, window.created), (1, 0, None, True))

    def test_it_yields_the_mean_of_its_last_values(self):
        window = self.open(size=3)
        self.assertEqual([window.send(value) for value in (5, 7, 9, 11, 13)], [5, 6, 7, 9, 11])
        self.assertEqual([window.read(), window.dump(), window.clear()], [11, [9, 11, 13], None])
        self.assertEqual([window.read(), window.dump(), window.send(4)], [None, [], 4])

    def test_two_are_independent(self):
        first, second = self.open(), self.open()
        first.send(1)
        self.assertEqual(second.send(5), 5)

    def test_with_ends_it(self):
        with self.open() as window:
            window.send(1)
        with self.assertRaisesRegex(*BROKEN_OFF):
            window.send(2)

    def test_closing_ends_it(self):
        window = self.open()
        window.close()
        window.close()
        sends = (lambda: window.send(1), lambda: window.send_many([1]))
        for call in (window.read, window.dump, window.clear, *sends):
            with self.assert_refused(windowd.ClosedError):
                call()

    def test_it_can_be_closed_after_it_was_disconnected(self):
        window = self.open()
        window.disconnect()
        window.disconnect()
        window.close()
        with self.assert_refused(windowd.ClosedError):
            window.read()

    def test_it_cannot_be_followed(self):
        self.assertRaisesRegex(ValueError, "no name", self.open().follow)

    def test_over_a_unix_socket(self):
        for path in (self.daemon.path, pathlib.Path(self.daemon.path)):
            self.assertEqual(self.open(address=path).send(2), 2)

    def test_what_it_says_of_itself(self):
        window = self.open(size=4, stats=["max", "p99.9"])
        self.assertEqual(repr(window), "<windowd.Window private, size 4, stats max p99.9>")
        self.assertEqual(repr(self.open("repr")), "<windowd.Window 'repr', size 3, stats mean>")


class Statistics(WindowTest):
    def test_one_yields_a_number_and_several_a_dict_in_the_order_asked(self):
        for stats in ("max", ["max"], ("max",)):
            self.assertEqual([self.open(stats=stats).send(value) for value in (5, 3)], [5, 3])
        window = self.open(size=5, stats=iter(["std", "mean", "p50", "count"]))
        self.assertEqual(window.stats, ("std", "mean", "p50", "count"))
        self.assertEqual(window.send(5), {"std": None, "mean": 5, "p50": 5, "count": 1})
        found = window.send(8)
        self.assertEqual(list(found), ["std", "mean", "p50", "count"])
        self.assertAlmostEqual(found.pop("std"), statistics.stdev([5, 8]))
        self.assertEqual(found, {"mean": 6.5, "p50": 6.5, "count": 2})

    def test_fewer_values_than_min_count_yield_none(self):
        self.assertEqual(self.open(size=3, min_count=2).send_many([5, 7]), [None, 6])
        window = self.open(size=3, min_count=2, stats=["min", "max"])
        self.assertEqual(window.send_many([5, 7]), [None, {"min": 5, "max": 7}])

    def test_minus_zero_keeps_its_sign(self):
        window = self.open(size=1, stats=["last", "min"])
        yielded = window.send(-0.0)
        self.assertEqual([value.hex() for value in (*yielded.values(), *window.dump())], ["-0x0.0p+0"] * 3)


class Arguments(WindowTest):
    def test_data_fills_a_private_window_of_any_length(self):
        values = [float(value) for value in range(10**15, 10**15 + 100_000)]  # more than a line holds
        window = self.open(size=80_000, data=iter(values))
        self.assert_same_bits(window.dump(), values[20_000:])
        self.assertEqual(self.open(data=[1, 2]).count, 2)

    def test_what_the_service_does_not_accept(self):
        for options in (
            {"size": 0}, {"size": -1}, {"size": 10**30}, {"min_count": 0}, {"size": 3, "min_count": 4},
            {"span": 0}, {"span": -1}, {"stats": []}, {"stats": "median mean"}, {"stats": ["mean", "mean"]},
            {"name": ""}, {"name": "two words"}, {"name": "x" * 129}, {"name": "a*"}, {"name": "\u00e9"},
        ):  # fmt: skip
            with self.subTest(options=options), self.assertRaises(windowd.BadMemberError) as caught:
                self.open(**options)
            self.assertEqual(caught.exception.code, "bad_member")
            self.assertEqual(str(caught.exception), f"bad_member: {caught.exception.message}")

    def test_what_no_service_would_accept(self):
        for kind, options in (
            (ValueError, {"data": [1, math.nan]}), (ValueError, {"data": ["1"]}), (TypeError, {"size": 2.5}),
            (ValueError, {"span": math.inf}), (TypeError, {"min_count": "1"}),
            (TypeError, {"name": object()}), (TypeError, {"stats": 5}),
        ):  # fmt: skip
            with self.subTest(options=options):
                self.assertRaises(kind, self.open, **options)

    def test_numbers_of_every_kind_are_sent_as_doubles(self):
        window = self.open(size=10)
        values = [5, True, 0.1, fractions.Fraction(1, 3), decimal.Decimal("0.1"), 2**70, 5e-324, -1.7e308]
        for value in values:
            window.send(value)
        self.assert_same_bits(window.dump(), map(float, values))

    def test_what_is_no_finite_number_is_not_sent(self):
        window = self.open(data=[4])
        for value in (math.nan, math.inf, 10**400, "5", None, [1], 1j, decimal.Decimal("NaN")):
            with self.subTest(value=str(value)[:9]):
                self.assertRaisesRegex(ValueError, "finite numbers", window.send, value)
        self.assertRaisesRegex(ValueError, "finite numbers", window.send, 1, at=math.nan)
        self.assertEqual([window.dump(), window.send(6)], [[4], 5])


class SendingMany(WindowTest):
    def test_a_hundred_thousand_values_yield_what_they_do_one_by_one(self):
        values = [random.Random(2).gauss(0, 1e3) for _ in range(100_000)]
        window = self.open(size=50)
        self.assert_same_bits(window.send_many(iter(values)), means(values, 50))
        self.assert_same_bits(window.dump(), values[-50:])

    def test_of_nothing(self):
        self.assertEqual(self.open().send_many([]), [])

    def test_replies_that_are_much_longer_than_their_requests(self):
        stats = [f"p{percent}" for percent in range(70, 100)]
        found = self.open(size=1, stats=stats).send_many(range(30_000))
        self.assertEqual(len(found), 30_000)
        self.assertEqual(found[-1], dict.fromkeys(stats, 29_999))

    def test_a_value_that_is_no_finite_number_comes_out_after_those_before_its_thousand(self):
        for bad in (math.nan, "5"):
            window = self.open(size=10_000)
            values = [1.0] * 2_500 + [bad] + [2.0] * 5_000
            self.assertRaisesRegex(ValueError, "finite numbers", window.send_many, values)
            self.assertEqual(window.dump(), [1.0] * 2_000)

    def test_what_iterating_raises_comes_out_and_the_window_lives_on(self):
        for kind in (LookupError, KeyboardInterrupt):
            window = self.open(size=10_000)
            with self.subTest(kind=kind):
                self.assertRaises(kind, window.send_many, failing_after(1_500, kind))
                self.assertEqual(len(window.dump()), 1_000)

    def test_the_values_cannot_ask_the_window_that_they_are_sent_to(self):
        window = self.open(size=10)
        values = (window.read() for _ in range(3))
        self.assertRaisesRegex(ValueError, "another call", window.send_many, values)
        self.assertEqual(window.send(3), 3)


def failing_after(count, kind):
    yield from range(count)
    raise kind


class WindowsOfTime(WindowTest):
    def test_values_leave_when_their_time_is_over(self):
        window = self.open(span=10)
        self.assertEqual(window.span, 10)
        found = [window.send(value, at=time) for value, time in ((4, 100), (8, 100), (9, 109.5), (1, 110))]
        self.assertEqual([*found, window.dump(), window.read()], [4, 6, 7, 5, [9, 1], 5])

    def test_size_is_a_cap(self):
        window = self.open(span=10, size=2)
        self.assertEqual([window.send(value, at=5) for value in (1, 2, 3)], [1, 1.5, 2.5])

    def test_arrival_times_empty_it_as_time_passes(self):
        window = self.open(span=0.05)
        window.send(1)
        deadline = time.monotonic() + DEADLINE
        while window.dump() and time.monotonic() < deadline:
            pass
        self.assertEqual([window.dump(), window.read()], [[], None])

    def test_a_time_that_goes_back_is_refused(self):
        window = self.open(span=10)
        window.send(4, at=100)
        with self.assert_refused(windowd.OutOfOrderError):
            window.send(5, at=99)
        self.assertEqual([window.dump(), window.send(6, at=100)], [[4], 5])

    def test_a_time_in_another_window_is_refused(self):
        with self.assert_refused(windowd.BadMemberError):
            self.open().send(5, at=100)

    def test_many_values_each_with_its_time(self):
        window, times = self.open(span=10, size=1_000_000), range(0, 5_000, 5)
        self.assertEqual(window.send_many(range(1_000), at=times)[-3:], [996.5, 997.5, 998.5])
        self.assertEqual(window.dump(), [998, 999])

    def test_the_index_of_the_first_of_many_that_is_refused(self):
        window = self.open(span=1_000)
        times = [*range(500), 3, *range(500, 1_000)]
        with self.assert_refused(windowd.OutOfOrderError, index=500):
            window.send_many(itertools.repeat(1, 1_001), at=times)
        self.assertIn(len(window.dump()), range(500, 500 + 200))

    def test_as_many_times_as_values_are_needed(self):
        window = self.open(span=10)
        for values, times in (([1, 2], [1]), ([1], [1, 2])):
            self.assertRaisesRegex(ValueError, "as many times", window.send_many, values, at=times)


# --- Several programs


class ASharedWindow(WindowTest):
    def test_the_first_makes_it_and_the_second_joins_it_as_it_is(self):
        name = self.name()
        first = self.open(name, size=5, stats=["mean", "max"], min_count=2, data=[1, 2])
        second = self.open(name)
        for window, created in ((first, True), (second, False)):
            self.assertEqual((window.name, window.size, window.span), (name, 5, None))
            self.assertEqual((window.stats, window.min_count), (("mean", "max"), 2))
            self.assertEqual((window.count, window.n, window.created), (2, 2, created))
        self.assertEqual(first.send(6), {"mean": 3, "max": 6})
        self.assertEqual([second.read(), second.dump()], [{"mean": 3, "max": 6}, [1, 2, 6]])
        second.clear()
        self.assertEqual([first.dump(), self.open(name).n], [[], 4])

    def test_two_programs_that_say_the_same_open_the_same(self):
        name = self.name()
        made = [self.open(name, size=4, span=30, stats="p95", min_count=1).created for _ in range(2)]
        self.assertEqual(made, [True, False])

    def test_joining_it_with_other_terms_is_refused(self):
        name = self.name()
        window = self.open(name, size=4)
        for terms in ({"size": 5}, {"stats": "max"}, {"span": 1}, {"min_count": 2}, {"data": [1]}):
            with self.subTest(terms=terms), self.assert_refused(windowd.WindowMismatchError):
                self.open(name, **terms)
        self.assertEqual(window.send(3), 3)

    def test_more_data_than_a_line_holds_is_refused(self):
        with self.assert_refused(windowd.LineTooLongError):
            self.open(self.name(), size=200_000, data=range(10**15, 10**15 + 100_000))

    def test_much_data_fills_it_at_once(self):
        name = self.name()
        with self.follow(name) as events:
            window = self.open(name, size=20_000, data=range(15_000))
            window.send(1)
            self.assertEqual(next(events), Open(name, 15_000))
            self.assertEqual(next(events).n, 15_001)

    def test_it_outlives_those_who_use_it(self):
        name = self.name()
        with self.open(name) as window:
            window.send(5)
        self.assertEqual(self.open(name).dump(), [5])

    def test_closing_ends_it_for_everyone(self):
        name = self.name()
        first, second = self.open(name), self.open(name)
        first.close()
        for window in (first, second):
            for call in (window.read, lambda: window.send(1), lambda: window.send_many([1])):
                with self.assertRaises(windowd.ClosedError):
                    call()
        again = self.open(name)
        self.assertTrue(again.created)
        with self.assertRaises(windowd.ClosedError):
            second.read()
        second.close()
        first.close()
        self.assertEqual(again.send(2), 2)

    def test_closing_it_after_a_disconnection_is_an_error_for_it_lives_on(self):
        window = self.open(self.name())
        window.disconnect()
        self.assertRaisesRegex(*BROKEN_OFF, window.close)

    def test_threads_may_share_one_and_each_value_is_taken_once(self):
        window = self.open(self.name(), size=10_000, stats=["count", "last"])

        def work(number):
            return [window.send(number * 1_000 + i) for i in range(300)] + window.send_many(range(500))

        found = [result() for result in [in_thread(lambda n=n: work(n)) for n in range(4)]]
        self.assertEqual(
            sorted(yielded["count"] for one in found for yielded in one), list(range(1, 4 * 800 + 1))
        )
        for number, one in enumerate(found):
            last = [yielded["last"] for yielded in one[:300]]
            self.assertEqual(last, [number * 1_000 + i for i in range(300)])

    def test_many_connections_send_to_one_and_each_value_is_taken_once(self):
        name = self.name()
        windows = [self.open(name, size=10_000, stats="count") for _ in range(8)]
        work = [in_thread(lambda w=window: [w.send(1) for _ in range(200)]) for window in windows]
        counts = sorted(count for result in work for count in result())
        self.assertEqual(counts, list(range(1, 8 * 200 + 1)))
        self.assertEqual(self.listed(name)[0].n, 8 * 200)


class Listing(WindowTest):
    def test_windows_as_they_are(self):
        name = self.name()
        self.open(f"{name}.b", size=4, stats=["min", "max"], data=[1, 2, 3]).clear()
        self.open(f"{name}.a", size=4, span=2.5, min_count=3)
        self.assertEqual(
            self.listed(f"{name}.*"),
            [
                windowd.WindowInfo(f"{name}.a", 4, 2.5, ("mean",), 3, 0, 0),
                windowd.WindowInfo(f"{name}.b", 4, None, ("min", "max"), 1, 0, 4),
            ],
        )

    def test_more_than_a_page_of_them_in_name_order(self):
        prefix = self.name()
        names = [f"{prefix}.{number:04}" for number in range(2_345)]
        for name in random.Random(3).sample(names, len(names)):
            self.open(name).disconnect()
        self.assertEqual([one.name for one in self.listed(f"{prefix}.*")], names)
        self.assertEqual([one.name for one in self.listed(f"{prefix}.*7")], names[7::10])

    def test_none_match(self):
        self.assertEqual(self.listed("there.is.none"), [])

    def test_a_pattern_that_is_none_is_refused(self):
        with self.assert_refused(windowd.BadMemberError):
            self.listed("two words")

    def test_nothing_happens_before_the_first_next(self):
        found = windowd.windows(address=("127.0.0.1", "no port"))
        self.assertRaises(OSError, next, found)

    def test_an_iteration_that_is_given_up_hangs_up(self):
        puppet = Puppet()
        self.addCleanup(puppet.close)
        found = windowd.windows("w*", address=puppet.address, timeout=DEADLINE)
        first = in_thread(lambda: next(found))
        puppet.accept()
        self.assertEqual(puppet.lines.readline(), b'{"op":"windows","match":"w*"}\n')
        window = b'{"name":"w","size":3,"stats":["mean"],"count":0,"min_count":1,"n":0}'
        puppet.write(b'{"windows":[%s],"more":true}\n' % window)
        self.assertEqual(first().name, "w")
        with assert_all_closed():
            found.close()
        self.assertEqual(puppet.lines.readline(), b"")


class Following(WindowTest):
    def test_what_happens_to_a_window_by_whomever(self):
        name = self.name()
        with self.follow(name) as events:
            self.assertEqual(events.windows, 0)
            window = self.open(name, data=[1], stats=["mean", "std"])
            window.send(3)
            self.open(name).clear()
            window.send_many([5, -0.0])
            window.close()
            self.open(name)
            found = list(itertools.islice(events, 6))
        self.assertEqual(
            found,
            [
                Open(name, 1),
                Yield(name, 2, 3, {"mean": 2, "std": math.sqrt(2)}),
                Clear(name, 3),
                Yield(name, 4, 5, {"mean": 5, "std": None}),
                Yield(name, 5, 0, {"mean": 2.5, "std": math.sqrt(12.5)}),
                Close(name, 6),
            ],
        )
        self.assertEqual(found[4].value.hex(), "-0x0.0p+0")
        self.assertIs(type(found[0].n), int)

    def test_events_of_different_kinds_are_never_equal(self):
        self.assertEqual(len({Open("w", 1), Clear("w", 1), Close("w", 1)}), 3)
        self.assertRaises(dataclasses.FrozenInstanceError, setattr, Open("w", 1), "n", 2)

    def test_a_window_follows_itself_alone(self):
        window, other = self.open(self.name()), self.open(self.name())
        with window.follow(timeout=DEADLINE) as events:
            self.assertEqual(events.windows, 1)
            other.send(1)
            window.send(2)
            self.assertEqual(next(events), Yield(window.name, 1, 2, 2))
            window.disconnect()
            self.open(window.name).send(4)
            self.assertEqual(next(events), Yield(window.name, 2, 4, 3))

    def test_windows_that_match_one_of_several_patterns_in_the_order_of_events(self):
        prefix = self.name()
        before = self.open(f"{prefix}.cpu.1")
        events = self.follow(f"{prefix}.cpu.*", f"{prefix}.mem", f"{prefix}.*.1")
        self.assertEqual(events.windows, 2)
        later, other = self.open(f"{prefix}.mem"), self.open(f"{prefix}.disk")
        other.send(1)
        before.send(2)
        later.send(3)
        self.assertEqual(
            list(itertools.islice(events, 3)),
            [Open(later.name, 0), Yield(before.name, 1, 2, 2), Yield(later.name, 1, 3, 3)],
        )

    def test_what_is_no_pattern_is_refused(self):
        with self.assert_refused(windowd.BadMemberError):
            self.follow("two words")

    def test_who_is_refused_leaves_no_connection_behind(self):
        for call in (self.open, self.follow, self.listed):
            with assert_all_closed(), self.assertRaises(windowd.BadMemberError):
                call("two words")

    def test_a_timeout_loses_nothing(self):
        window = self.open(self.name())
        events = window.follow(timeout=SHORT)
        self.addCleanup(events.close)
        for value in range(2):
            self.assertRaises(socket.timeout, next, events)
            window.send(value)
            self.assertEqual(next_in_time(events).value, value)

    def test_closing_in_another_thread_ends_it(self):
        for address in (self.daemon.address, self.daemon.path):
            window = self.open(self.name(), address=address)
            events = window.follow()
            found, waiting = [], threading.Event()

            def follow(events=events, found=found, waiting=waiting):
                for event in events:
                    found.append(event)
                    waiting.set()

            end = in_thread(follow)
            window.send(1)
            self.assertTrue(waiting.wait(DEADLINE))
            events.close()
            self.assertIsNone(end())
            self.assertEqual(found, [Yield(window.name, 1, 1, 1)])
            self.assertEqual(list(events), [])

    def test_closing_in_the_middle_of_a_loop_ends_it(self):
        window = self.open(self.name())
        with window.follow(timeout=DEADLINE) as events:
            window.send_many([1, 2, 3])
            found = []
            for event in events:
                found.append(event.n)
                if event.n == 2:
                    events.close()
        self.assertEqual(found, [1, 2])

    def test_one_who_reads_too_slowly_is_told_how_much_is_lost(self):
        window = self.open(self.name(), size=1)
        events = window.follow(timeout=DEADLINE)
        self.addCleanup(events.close)
        total = 500_000
        window.send_many(range(total))
        window.clear()
        expected, lost = 1, 0
        for event in events:
            if isinstance(event, Lost):
                self.assertGreater(event.count, 0)
                expected += event.count
                lost += event.count
                continue
            self.assertEqual(event.n, expected)
            expected += 1
            if isinstance(event, Clear):
                break
            self.assertEqual((event.value, event.yielded), (event.n - 1, event.n - 1))
        self.assertEqual(expected, total + 2)
        self.assertGreater(lost, 0)


def next_in_time(events):
    """The next event, for which the timeout may be over several times on a busy machine."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        with contextlib.suppress(socket.timeout):
            return next(events)
    raise AssertionError("there was no event")


# --- Misfortunes


def follow_w(**options):
    return windowd.follow("w", **options)


class WhenTheServiceFails(unittest.TestCase):
    def puppet(self, listener=None):
        result = Puppet(listener)
        self.addCleanup(result.close)
        return result

    def opened(self, puppet, reply=PRIVATE, **options):
        """A window that the puppet plays."""
        options = {"timeout": DEADLINE, **options}
        opening = in_thread(lambda: windowd.open_window(address=puppet.address, **options))
        puppet.accept()
        puppet.opening = puppet.lines.readline()
        puppet.write(reply)
        window = opening()
        self.addCleanup(window.disconnect)
        return window

    def following(self, puppet, *patterns, replies=SUBSCRIBED, timeout=DEADLINE):
        opening = in_thread(lambda: windowd.follow(*patterns, address=puppet.address, timeout=timeout))
        puppet.accept()
        puppet.opening = puppet.lines.readline()
        puppet.write(replies)
        events = opening()
        self.addCleanup(events.close)
        return events

    def test_what_stands_on_the_wire(self):
        puppet = self.puppet()
        window = self.opened(
            puppet, SHARED, name="w", size=3, span=2, stats="mean", min_count=1, data=[1, 0.1]
        )
        self.assertEqual(
            puppet.opening,
            b'{"op":"open","window":"w","size":3,"span":2.0,"stats":["mean"],"min_count":1,'
            b'"data":[1.0,0.1]}\n',
        )
        puppet.write(b'{"yield":1}\n{"yield":2}\n{"yield":[3,4]}\n{"yield":4}\n{"yield":0,"dump":[]}\n')
        puppet.write(b'{"yield":null}\n{"closed":true}\n')
        found = [window.send(1), window.send(2, at=5), window.send_many([3, 4]), window.read(), window.dump()]
        self.assertEqual([*found, window.clear(), window.close()], [1, 2, [3, 4], 4, [], None, None])
        self.assertEqual(
            puppet.lines.read(),
            b'{"op":"send","value":1.0}\n{"op":"send","value":2.0,"at":5.0}\n'
            b'{"op":"send","values":[3.0,4.0]}\n{"op":"read"}\n{"op":"dump"}\n'
            b'{"op":"clear"}\n{"op":"close"}\n',
        )

    def test_what_is_left_out_does_not_stand_on_the_wire(self):
        puppet = self.puppet()
        self.opened(puppet)
        self.assertEqual(puppet.opening, b'{"op":"open"}\n')

    def test_every_error_code_has_its_exception(self):
        kinds = {kind.__name__: kind for kind in windowd.WindowdError.__subclasses__()}
        self.assertEqual(len(kinds), len(EVERY_CODE))
        puppet = self.puppet()
        window = self.opened(puppet)
        for code in EVERY_CODE:
            name = "".join(map(str.capitalize, code.split("_"))) + "Error"
            with self.subTest(code=code), self.assertRaises(kinds[name]) as caught:
                puppet.write(b'{"error":{"code":"%s","index":7,"message":"because"}}\n' % code.encode())
                window.read()
            self.assertIn(name, windowd.__all__)
            error = caught.exception
            self.assertEqual((error.code, error.index, error.message), (code, 7, "because"))
            self.assertEqual(str(error), f"{code}: because")

    def test_every_code_that_the_daemon_knows_is_known_here(self):
        enumeration = re.search(r"enum class error_code[^{]*\{(.*?)\};", ERRORS_HEADER, re.DOTALL).group(1)
        codes = re.findall(r"^\s*(\w+),", enumeration, re.MULTILINE)
        self.assertGreater(len(codes), 10)
        self.assertLessEqual(set(codes), set(EVERY_CODE))

    def test_a_code_of_a_newer_service_is_an_error_too(self):
        puppet = self.puppet()
        window = self.opened(puppet)
        puppet.write(b'{"error":{"code":"too_late","message":"go home"}}\n5\n')
        with self.assertRaises(windowd.WindowdError) as caught:
            window.read()
        self.assertIs(type(caught.exception), windowd.WindowdError)
        self.assertEqual((caught.exception.code, caught.exception.index), ("too_late", None))

    def test_the_place_of_a_refusal_among_many_is_told_and_the_replies_stay_in_step(self):
        puppet = self.puppet()
        window = self.opened(puppet)
        replies = [b'{"yield":[%s]}\n' % b",".join([b"1"] * 1_000)] * 4
        replies[2] = b'{"yield":[null],"error":{"code":"internal","index":4,"message":"no memory"}}\n'
        puppet.write(b"".join(replies) + b'{"yield":8}\n')
        with self.assertRaises(windowd.InternalError) as caught:
            window.send_many(range(4_000))
        self.assertEqual(caught.exception.index, 2_004)
        self.assertEqual(window.read(), 8)

    def test_a_window_closed_by_another_while_many_are_sent(self):
        puppet = self.puppet()
        window = self.opened(puppet)
        puppet.write(b'{"yield":[%s]}\n' % b",".join([b"1"] * 1_000))
        puppet.write(b'{"error":{"code":"closed","message":"it is closed"}}\n' * 3)
        with self.assertRaises(windowd.ClosedError) as caught:
            window.send_many(range(4_000))
        self.assertEqual(caught.exception.index, 1_000)

    def test_after_a_refusal_no_more_than_what_was_on_its_way_is_sent(self):
        puppet = self.puppet()
        window = self.opened(puppet)
        taken = itertools.count()
        received = []

        def refuse_all():
            for line in puppet.lines:
                received.append(line)
                puppet.write(b'{"yield":[null],"error":{"code":"out_of_order","index":0,"message":"late"}}\n')

        refusing = in_thread(refuse_all)
        with self.assertRaises(windowd.OutOfOrderError) as caught:
            window.send_many((next(taken) for _ in range(10_000)), at=range(10_000))
        self.assertEqual(caught.exception.index, 0)
        window.disconnect()
        refusing()
        self.assertEqual(received[1], b'{"op":"send","values":[1.0],"at":1.0}\n')
        self.assertLess(len(received), 200)
        self.assertLess(next(taken), 250)

    def test_a_service_that_does_not_read_before_its_replies_are_read_is_no_dead_end(self):
        # A Unix socket, for its buffers do not grow.
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(os.path.join(folder.name, "socket"))
        listener.listen()
        puppet = self.puppet(listener)
        window = self.opened(puppet)
        count, number = 200, b"1.2345678901234567e-100"
        sending = in_thread(lambda: window.send_many([float(number)] * (1_000 * count)))
        for _ in range(count):
            self.assertTrue(puppet.lines.readline())
            puppet.write(b'{"yield":[%s]}\n' % b",".join([number] * 1_000))
        self.assertEqual(sending(), [float(number)] * (1_000 * count))

    def test_a_timeout_ends_the_connection_for_the_reply_may_still_come(self):
        puppet = self.puppet()
        window = self.opened(puppet, SHARED, timeout=SHORT)
        self.assertRaises(socket.timeout, window.read)
        for call in (window.read, lambda: window.send(1), lambda: window.send_many([1]), window.close):
            self.assertRaisesRegex(*BROKEN_OFF, call)
        window.disconnect()
        self.assertEqual(puppet.lines.read(), b'{"op":"read"}\n')

    def test_a_timeout_while_it_is_opened(self):
        for call in (windowd.open_window, follow_w):
            puppet = self.puppet()
            self.assertRaises(socket.timeout, call, address=puppet.address, timeout=0.01)
            puppet.accept()
            self.assertTrue(puppet.lines.readline())
            self.assertEqual(puppet.lines.readline(), b"")

    def test_a_killed_daemon_is_a_connection_error(self):
        daemon = Daemon()
        try:
            window = windowd.open_window("w", address=daemon.address, timeout=DEADLINE)
            events = window.follow(timeout=DEADLINE)
            window.send(1)
            self.assertEqual(next(events).n, 1)
        finally:
            daemon.kill()
        self.assertRaises(ConnectionError, window.send_many, range(5_000))
        self.assertRaisesRegex(*BROKEN_OFF, window.read)
        self.assertRaises(ConnectionError, next, events)
        self.assertRaises(StopIteration, next, events)
        events.close()

    def test_nobody_listens(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = listener.getsockname()
        for call in (windowd.open_window, follow_w, lambda **at: next(windowd.windows(**at))):
            self.assertRaises(ConnectionRefusedError, call, address=address)
        with tempfile.TemporaryDirectory() as folder:
            self.assertRaises(FileNotFoundError, windowd.open_window, address=os.path.join(folder, "absent"))

    def test_too_many_connections(self):
        daemon = Daemon("--max-connections", "1")
        self.addCleanup(daemon.stop)
        with windowd.open_window(address=daemon.address) as window:
            self.assertRaises(windowd.LimitReachedError, windowd.open_window, address=daemon.address)
            self.assertRaises(windowd.LimitReachedError, windowd.follow, "w", address=daemon.address)
            self.assertEqual(window.send(2), 2)

    def test_what_windowd_would_not_say_is_a_connection_error(self):
        for reply in (b"HTTP/1.1 400 Bad Request\r\n", b"1\n", b"{}\n", b'{"error":5}\n', b'{"yield":"x"}\n'):
            with self.subTest(reply=reply):
                puppet = self.puppet()
                window = self.opened(puppet)
                puppet.write(reply)
                self.assertRaisesRegex(ConnectionError, "another service", window.send, 1)
                self.assertRaisesRegex(*BROKEN_OFF, window.read)
        no_size, no_truth = PRIVATE.replace(b'"size":3,', b""), PRIVATE.replace(b"true", b"1")
        for reply in (b"5\n", b'{"window":{}}\n', no_size, no_truth):
            with self.subTest(reply=reply):
                self.assertRaisesRegex(ConnectionError, "another service", self.opened, self.puppet(), reply)

    def test_events_before_the_reply_to_a_second_pattern_are_kept(self):
        puppet = self.puppet()
        clear = b'{"event":"clear","window":"a","n":1}\n'
        replies = b'{"subscribed":"a","windows":1}\n' + clear + b'{"subscribed":"b","windows":2}\n' + clear
        events = self.following(puppet, "a", "b", replies=replies)
        self.assertEqual([events.windows, next(events), next(events)], [3, Clear("a", 1), Clear("a", 1)])
        self.assertEqual(puppet.opening, b'{"op":"subscribe","window":"a"}\n')

    def test_an_event_in_pieces_outlasts_timeouts(self):
        puppet = self.puppet()
        events = self.following(puppet, "w", timeout=SHORT)
        for piece in (b'{"event":"yie', b'ld","window":"w","n":1,"value":5,"yield":null}'):
            puppet.write(piece)
            self.assertRaises(socket.timeout, next, events)
        puppet.write(b"\n")
        self.assertEqual(next(events), Yield("w", 1, 5, None))

    def test_what_is_lost_is_told_in_its_place(self):
        puppet = self.puppet()
        events = self.following(puppet, "w")
        puppet.write(b'{"event":"open","window":"w","n":0}\n{"event":"lost","count":17}\n')
        puppet.write(b'{"event":"close","window":"w","n":18}\n')
        self.assertEqual(list(itertools.islice(events, 3)), [Open("w", 0), Lost(17), Close("w", 18)])

    def test_an_event_of_a_newer_service_is_passed_over(self):
        puppet = self.puppet()
        events = self.following(puppet, "w")
        puppet.write(b'{"event":"grow","window":"w","to":9}\n{"event":"lost","count":1}\n')
        self.assertEqual(next(events), Lost(1))

    def test_last_words_to_a_follower_are_an_error_with_its_code(self):
        puppet = self.puppet()
        events = self.following(puppet, "w")
        puppet.write(b'{"error":{"code":"shutting_down","message":"goodbye"}}\n')
        puppet.hang_up()
        self.assertRaisesRegex(windowd.ShuttingDownError, "goodbye", next, events)
        self.assertRaises(StopIteration, next, events)

    def test_what_is_no_event_is_a_connection_error(self):
        no_yield = b'{"event":"yield","window":"w","n":1,"value":5}\n'
        for text in (b"5\n", b"what?\n", b'{"yield":5}\n', no_yield):
            with self.subTest(text=text):
                puppet = self.puppet()
                events = self.following(puppet, "w")
                puppet.write(text)
                self.assertRaisesRegex(ConnectionError, "another service", next, events)
                self.assertRaises(StopIteration, next, events)

    def test_hanging_up_ends_the_connection(self):
        puppet, other = self.puppet(), self.puppet()
        self.opened(puppet, SHARED).disconnect()
        self.assertEqual(puppet.lines.readline(), b"")
        self.following(other, "w").close()
        self.assertEqual(other.lines.readline(), b"")


class Readme(WindowTest):
    def test_every_example_gives_what_it_shows(self):
        text = (ROOT / "clients" / "python" / "README.md").read_text(encoding="utf-8")
        code = "\n".join(re.findall(r"^```pycon\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
        test = doctest.DocTestParser().get_doctest(code, {}, "README.md", "README.md", 0)
        self.assertGreater(len(test.examples), 20)
        report = []
        with self.daemon_at_the_default_address():
            results = doctest.DocTestRunner(verbose=False).run(test, out=report.append)
        self.assertEqual((results.failed, results.attempted), (0, len(test.examples)), "".join(report))
        self.assertEqual(set(re.findall(r"^```(\w+)$", text, re.MULTILINE)), {"pycon"})

    @contextlib.contextmanager
    def daemon_at_the_default_address(self):
        with contextlib.ExitStack() as patches:
            generator = windowd.moving_window_average_gen
            for function in (generator, windowd.open_window, windowd.windows, windowd.follow):
                defaults = {**function.__kwdefaults__, "address": self.daemon.address, "timeout": DEADLINE}
                patches.enter_context(unittest.mock.patch.object(function, "__kwdefaults__", defaults))
            yield


setUpModule = require_daemon


if __name__ == "__main__":
    unittest.main()
