"""Tests that windowd's Python client behaves as the generator that it stands for, against the built daemon.

Run: WINDOWD=build/release/windowd python3 tests/acceptance/python_client_test.py
"""

import collections
import collections.abc
import contextlib
import decimal
import fractions
import gc
import math
import numbers
import os
import pathlib
import random
import socket
import sys
import tempfile
import threading
import traceback
import unittest
import warnings

from python_client_support import DEADLINE, Daemon, Puppet, require_daemon

import windowd
from windowd import ClearWindow, DumpData, WindowdError


# --- What the client is compared with


def original(data=(), window_size=3):
    """The generator as Python programs have it. A signal or a value inside a dump is the end of it."""
    window = collections.deque(data, maxlen=window_size)
    average = None
    while True:
        try:
            value = yield average
        except DumpData:
            yield len(window)
            yield from window
            average = None
        except ClearWindow:
            window.clear()
            average = None
        else:
            if isinstance(value, numbers.Number):
                window.append(value)
                average = math.fsum(window) / len(window)
            else:
                average = None


def reference(data=(), window_size=3):
    """The same as windowd keeps it: values are doubles, what interrupts a dump is handled as usual."""
    window = collections.deque((float(value) for value in data), maxlen=window_size)
    dump = collections.deque()
    result = None
    while True:
        try:
            value = yield result
        except DumpData:
            dump = collections.deque(window)
            result = len(window)
        except ClearWindow:
            window.clear()
            dump.clear()
            result = None
        else:
            if value is None:
                result = dump.popleft() if dump else None
                continue
            dump.clear()
            number = finite_double(value)
            if number is not None:
                window.append(number)
            result = None if number is None else mean(window)


def finite_double(value):
    try:
        number = float(value) if isinstance(value, numbers.Number) else math.nan
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def mean(values):
    """math.fsum(values) / len(values), or the exact quotient where the sum has no finite double."""
    total = sum(map(fractions.Fraction, values))
    try:
        return float(total) / len(values)
    except OverflowError:
        return float(total / len(values))


# --- What the tests share

OPENED = b'{"window":{"size":3,"count":0},"created":true}\n'
LIMIT = b'{"error":{"code":"limit_reached","message":"too many connections"}}\n'


class ClientTest(unittest.TestCase):
    """A test with a daemon of its class, and the client that talks to it."""

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()
        cls.addClassCleanup(cls.daemon.stop)

    def generator(self, *arguments, **options):
        address = options.pop("address", None) or self.daemon.address
        result = windowd.moving_window_average_gen(*arguments, address=address, **options)
        self.addCleanup(result.close)
        return result

    def started(self, *arguments, **options):
        result = self.generator(*arguments, **options)
        self.assertIsNone(next(result))
        return result

    def assert_ended(self, generator):
        self.assertRaises(StopIteration, next, generator)
        self.assertRaises(StopIteration, generator.send, 1)

    def assert_same_bits(self, left, right):
        self.assertEqual([value.hex() for value in left], [value.hex() for value in right])


# --- Programs: each runs on the original generator and on the client and must do the same


def averages(make):
    gen = make()
    return [next(gen), *(gen.send(value) for value in (5, 7, 9, 11, 13))]


def prefilled(make):
    gen = make([1, 2, 3, 4], window_size=3)
    return [next(gen), gen.throw(DumpData), next(gen), next(gen), next(gen), next(gen), gen.send(6)]


def lazy_data(make):
    read = []
    gen = make((read.append(value) or value for value in (1, 2)), 2)
    before = list(read)
    return [before, next(gen), read, gen.send(3)]


def dumped_and_cleared(make):
    gen = make(window_size=2)
    found = [next(gen), gen.send(1), gen.send(2.5), gen.throw(DumpData)]
    found += [next(gen) for _ in range(found[-1])]
    found += [next(gen), gen.throw(ClearWindow), gen.send(40), gen.throw(DumpData("with", "reasons"))]
    return [*found, next(gen), next(gen), next(gen)]


def rejected(make):
    gen = make()
    found = [next(gen), gen.send(4)]
    found += [gen.send(value) for value in ("5", "unexpected", [1], {"op": "close"}, b"6", object, (), {})]
    return [*found, gen.send(6)]


def closed(make):
    gen = make()
    found = [next(gen), gen.send(1), gen.close(), gen.close()]
    for call in (lambda: next(gen), lambda: gen.send(2), lambda: gen.send(None)):
        try:
            call()
        except StopIteration as stop:
            found.append(("StopIteration", stop.value))
    return found


def iterated(make):
    gen = make([1, 2])
    found = []
    for index, value in enumerate(gen):
        found.append(value)
        if index == 0:
            found.append(gen.throw(DumpData))
        if index == 4:
            gen.close()
    return [*found, list(gen), iter(gen) is gen]


def delegated(make):
    def outer():
        try:
            yield "first"
            yield from make()
        finally:
            found.append("outer left")

    found = []
    gen = outer()
    found += [next(gen), next(gen), gen.send(3), gen.throw(DumpData), next(gen), next(gen)]
    found += [gen.throw(ClearWindow), gen.send(4)]
    gen.close()
    return found


def with_closing(make):
    with contextlib.closing(make()) as gen:
        found = [next(gen), gen.send(8)]
    return [*found, next(gen, "ended")]


def booleans_are_numbers(make):
    gen = make()
    return [next(gen), gen.send(True), gen.send(False)]


def other_numbers(make):
    gen = make()
    values = (fractions.Fraction(1, 3), decimal.Decimal("0.1"), 2**70)
    return [next(gen), *(gen.send(value) for value in values)]


PROGRAMS = [
    averages, prefilled, lazy_data, dumped_and_cleared, rejected, closed, iterated, delegated, with_closing,
    booleans_are_numbers, other_numbers,
]  # fmt: skip


class ProgramsWrittenForTheOriginal(ClientTest):
    def test_each_does_the_same_on_the_client(self):
        for program in PROGRAMS:
            with self.subTest(program.__name__):
                self.assertEqual(program(self.generator), program(original))


# --- Steps: single resumptions, compared one by one with the reference generator


def outcome(generator, step):
    """What a step gives: its value with its type and bits, or the exception's type and words."""
    method, arguments = step
    try:
        value = next(generator) if method == "next" else getattr(generator, method)(*arguments)
    except BaseException as error:
        return ("raised", type(error), str(error), type(error.__cause__))
    return ("gave", type(value), repr(value))


NEXT, CLOSE = ("next", ()), ("close", ())
DUMP, CLEAR = ("throw", (DumpData,)), ("throw", (ClearWindow,))


def send(value):
    return ("send", (value,))


def throw(*arguments):
    return ("throw", arguments)


def a_traceback():
    try:
        raise KeyError("elsewhere")
    except KeyError as error:
        return error.__traceback__


class SubclassOfDumpData(DumpData):
    pass


class NeedsArguments(Exception):
    def __init__(self, first, second):
        super().__init__(first, second)


MISUSE = [
    throw(5), throw(int), throw("DumpData"), throw(None), throw(DumpData(), 1),
    throw(DumpData, None, "traceback"), throw(ValueError("a"), ValueError("b")),
]  # fmt: skip

ENDINGS = [
    throw(ValueError), throw(ValueError("a", 1)), throw(ValueError, "words"), throw(ValueError, ("a", 2)),
    throw(Exception, KeyError("k")), throw(ValueError, "words", a_traceback()), throw(NeedsArguments),
    throw(NeedsArguments, (1, 2)), throw(GeneratorExit), throw(GeneratorExit()), throw(StopIteration),
    throw(StopIteration(5)), throw(KeyboardInterrupt), throw(SystemExit, 3), throw(StopAsyncIteration), CLOSE,
]  # fmt: skip

HARMLESS = [
    NEXT, send(None), send(1), send(-2.5), DUMP, CLEAR, throw(DumpData()), throw(DumpData, "why"),
    throw(DumpData, ("a", "b"), a_traceback()), throw(DumpData, None, None),
    throw(Exception, DumpData("is one")), throw(SubclassOfDumpData), throw(ClearWindow("now")), *MISUSE,
]  # fmt: skip


class SteppedBesideTheReference(ClientTest):
    def compare(self, steps, *arguments):
        client, model = self.generator(*arguments), reference(*arguments)
        for index, step in enumerate(steps):
            self.assertEqual(outcome(client, step), outcome(model, step), f"step {index}, {step[0]}")

    def setUp(self):
        # From Python 3.12 on the older form of throw() warns.
        caught = warnings.catch_warnings()
        caught.__enter__()
        self.addCleanup(caught.__exit__)
        warnings.simplefilter("ignore", DeprecationWarning)

    def test_every_step_before_the_first_next(self):
        for step in HARMLESS + ENDINGS:
            with self.subTest(step=step):
                self.compare([step, NEXT, send(4), DUMP, NEXT, NEXT], [1, 2])

    def test_every_step_on_a_suspended_one(self):
        for step in HARMLESS + ENDINGS:
            with self.subTest(step=step):
                self.compare([NEXT, send(3), step, NEXT, send(4), DUMP, NEXT, NEXT, CLOSE, NEXT], [1, 2])

    def test_every_step_inside_a_dump(self):
        for step in HARMLESS + ENDINGS + [send("no number"), send(math.nan)]:
            with self.subTest(step=step):
                self.compare([NEXT, DUMP, NEXT, step, NEXT, NEXT, NEXT, send(9), DUMP, NEXT], [1, 2, 3])

    def test_every_step_on_a_closed_one(self):
        for step in HARMLESS + ENDINGS:
            with self.subTest(step=step):
                self.compare([NEXT, CLOSE, step, NEXT, send(1), CLOSE], [1, 2])

    def test_an_empty_window_dumps_as_zero_and_then_nothing(self):
        self.compare([NEXT, DUMP, NEXT, NEXT, send(2), CLEAR, DUMP, NEXT, send(3), DUMP, NEXT, NEXT])

    def test_sizes_and_data(self):
        steps = [NEXT, send(4), DUMP, NEXT, NEXT, NEXT, NEXT, send(8)]
        for size in (1, 2, 3, 10):
            for data in ((), [1], (1, 2, 3, 4, 5), range(20), {2: "two"}):
                with self.subTest(size=size, data=data):
                    self.compare(steps, data, size)

    def test_numbers_at_the_ends_of_the_doubles(self):
        big, small = sys.float_info.max, 5e-324
        for values in (
            [big, big, big], [big, -big, 1.0], [small, small, small], [-small, 0.0, 0.0], [1e16, 1, 1, 1],
            [1e220, 45, -1e220], [0.1, 0.2, 0.3], [2**53 + 1, 10**308, 123456789012345678901234567890],
            [sys.float_info.min, -small, 1 / 3],
        ):  # fmt: skip
            with self.subTest(values=values):
                self.compare([NEXT, *map(send, values), DUMP, NEXT, NEXT, NEXT, NEXT])

    def test_what_is_no_finite_number_gives_none_and_leaves_the_window(self):
        refused = [
            math.nan, math.inf, -math.inf, 10**400, -(10**5000), 1j, decimal.Decimal("NaN"),
            decimal.Decimal("sNaN"), decimal.Decimal("1e999"), fractions.Fraction(10**400), "5", "null",
            "1\n2", "\ud800", b"1", [1], [], {}, {"op": "clear"}, object(), int, ..., NotImplemented, {1, 2},
            lambda: 1, DumpData, DumpData(),
        ]  # fmt: skip
        for index, value in enumerate(refused):
            with self.subTest(index=index, kind=type(value)):
                self.compare([NEXT, send(5), send(value), send(7), DUMP, NEXT, NEXT, NEXT])

    def test_random_programs(self):
        rng = random.Random(20260)
        for number in range(300):
            arguments = (random_data(rng), rng.choice((1, 2, 3, 5, 17)))
            steps = [NEXT] * (rng.random() < 0.9) + [random_step(rng) for _ in range(rng.randrange(60))]
            with self.subTest(program=number):
                self.compare([*steps, NEXT, CLOSE, NEXT, send(1)], *arguments)


def random_number(rng):
    return rng.choice(
        [
            lambda: rng.randrange(-1000, 1000),
            lambda: rng.uniform(-1, 1) * 10.0 ** rng.randrange(-300, 300),
            lambda: rng.gauss(0, 1),
            lambda: rng.randrange(-(2**80), 2**80),
            lambda: fractions.Fraction(rng.randrange(-99, 99), rng.randrange(1, 99)),
            lambda: rng.random() < 0.5,
        ]
    )()


def random_data(rng):
    return [random_number(rng) for _ in range(rng.choice((0, 0, 1, 2, 5, 30)))]


def random_step(rng):
    kinds = [
        lambda: send(random_number(rng)), lambda: NEXT, lambda: DUMP, lambda: CLEAR,
        lambda: rng.choice(HARMLESS), lambda: rng.choice(ENDINGS),
        lambda: send(rng.choice(("text", math.nan, math.inf, None, [1], 10**400))),
    ]  # fmt: skip
    return rng.choices(kinds, weights=(40, 30, 12, 4, 6, 1, 8))[0]()


# --- What the client alone has


class AsAPythonObject(ClientTest):
    @contextlib.contextmanager
    def assert_quiet(self):
        """Nothing inside warns, such as of a socket left open, or fails where nobody can catch it."""
        unraisable = []
        hook, sys.unraisablehook = sys.unraisablehook, lambda found: unraisable.append(str(found.exc_value))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                yield
        finally:
            sys.unraisablehook = hook
        self.assertEqual(unraisable, [])

    def test_it_is_a_generator_to_the_abstract_base_class(self):
        self.assertIsInstance(self.generator(), collections.abc.Generator)

    def test_nothing_happens_before_the_first_next(self):
        gen = windowd.moving_window_average_gen(None, "no size", address=("127.0.0.1", "no port"))
        self.assertRaises(TypeError, next, gen)
        self.assert_ended(gen)

    def test_a_thrown_instance_comes_out_itself_with_its_traceback(self):
        for prepare in (lambda gen: None, next, lambda gen: gen.close()):
            gen, error, tb = self.generator(), ValueError("mine"), a_traceback()
            prepare(gen)
            try:
                gen.throw(ValueError, error, tb)
            except ValueError as caught:
                self.assertIs(caught, error)
                functions = [frame.name for frame in traceback.extract_tb(caught.__traceback__)]
                self.assertEqual(functions[-1], "a_traceback")
            else:
                self.fail("nothing was raised")

    def test_kinds_of_results(self):
        gen = self.started([1, 2])
        self.assertIs(type(gen.send(3)), float)
        self.assertIs(type(gen.throw(DumpData)), int)
        self.assertIs(type(next(gen)), float)

    def test_a_forgotten_one_hangs_up_quietly(self):
        puppet = Puppet()
        self.addCleanup(puppet.close)
        gen, thread = start_in_thread(puppet)
        puppet.write(OPENED)
        thread.join(DEADLINE)
        with self.assert_quiet():
            del gen, thread
            gc.collect()
        self.assertEqual(puppet.lines.readline(), b"")

    def test_a_badly_made_one_is_forgotten_quietly(self):
        with self.assert_quiet():
            self.assertRaises(TypeError, windowd.MovingWindowAverage)
            gc.collect()

    def test_closing_hangs_up(self):
        puppet = Puppet()
        self.addCleanup(puppet.close)
        gen, thread = start_in_thread(puppet)
        puppet.write(OPENED)
        thread.join(DEADLINE)
        gen.close()
        self.assertEqual(puppet.lines.readline(), b"")


class WithTheDaemon(ClientTest):
    def test_two_of_them_are_independent(self):
        first, second = self.started(window_size=2), self.started([10], window_size=5)
        self.assertEqual([first.send(1), second.send(20), first.send(3), second.send(30)], [1, 15, 2, 20])
        first.throw(ClearWindow)
        self.assertEqual([first.throw(DumpData), second.throw(DumpData)], [0, 3])
        first.close()
        self.assertEqual([next(second) for _ in range(4)], [10, 20, 30, None])

    def test_a_new_one_starts_empty_after_another_was_closed(self):
        first = self.started([1, 2, 3])
        first.close()
        self.assertEqual(self.started().throw(DumpData), 0)

    def test_over_a_unix_socket(self):
        for path in (self.daemon.path, pathlib.Path(self.daemon.path)):
            gen = self.started([1], address=path)
            self.assertEqual([gen.send(3), gen.throw(DumpData), next(gen), next(gen)], [2, 2, 1, 3])

    def test_a_hundred_thousand_values_come_back_bit_for_bit(self):
        rng = random.Random(7)
        values = [rng.uniform(-1, 1) * 10.0 ** rng.randrange(-300, 300) for _ in range(100_000)]
        values[5] = -0.0
        gen = self.started(values, 100_000)
        self.assertEqual(gen.throw(DumpData), 100_000)
        self.assert_same_bits([next(gen) for _ in range(100_000)], values)
        self.assertIsNone(next(gen))
        self.assertEqual(gen.send(1.5), mean([*values[1:], 1.5]))

    def test_data_beyond_the_size_keeps_its_end(self):
        gen = self.started(range(250_000), 25_000)
        self.assertEqual(gen.throw(DumpData), 25_000)
        self.assert_same_bits([next(gen) for _ in range(25_000)], map(float, range(225_000, 250_000)))

    def test_ten_thousand_values_sent_one_by_one(self):
        rng, window = random.Random(8), collections.deque(maxlen=50)
        gen = self.started(window_size=50)
        for _ in range(10_000):
            window.append(rng.gauss(0, 1e3))
            self.assertEqual(gen.send(window[-1]), mean(window))

    def test_a_size_that_the_service_refuses(self):
        gen = self.generator(window_size=0)
        with self.assertRaises(WindowdError) as caught:
            next(gen)
        self.assertEqual(caught.exception.code, "bad_member")
        self.assertIn(caught.exception.message, str(caught.exception))
        self.assertNotEqual(caught.exception.message, "")
        self.assert_ended(gen)

    def test_a_size_that_the_original_refuses_is_refused_alike(self):
        for size in (-1, 2.0, "3", 10**30):
            with self.subTest(size=size):
                self.assertEqual(
                    outcome(self.generator((), size), NEXT)[:2], outcome(original((), size), NEXT)[:2]
                )

    def test_data_that_is_no_finite_number_is_refused(self):
        for element in ("5", math.nan, 10**400, None):
            gen = self.generator([1, element, 2])
            with self.subTest(element=str(element)[:9]), self.assertRaisesRegex(ValueError, "finite numbers"):
                next(gen)
            self.assert_ended(gen)

    def test_what_iterating_the_data_raises_comes_out(self):
        def data():
            yield 1
            raise LookupError("no more")

        gen = self.generator(data())
        self.assertRaisesRegex(LookupError, "no more", next, gen)
        self.assert_ended(gen)

    def test_an_error_in_a_numbers_own_conversion_comes_out(self):
        class Broken(float):
            def __float__(self):
                raise LookupError("no value today")

        gen = self.started()
        self.assertRaisesRegex(LookupError, "no value today", gen.send, Broken(1))
        self.assert_ended(gen)


class WhenTheServiceFails(ClientTest):
    @classmethod
    def setUpClass(cls):
        """Each test here has its own service."""

    def puppet(self):
        result = Puppet()
        self.addCleanup(result.close)
        return result

    def opened(self, puppet):
        gen, thread = start_in_thread(puppet)
        self.addCleanup(gen.close)
        puppet.write(OPENED)
        thread.join(DEADLINE)
        return gen

    def test_a_killed_daemon_is_a_connection_error_and_then_the_end(self):
        for step in (NEXT, send(1), DUMP, CLEAR):
            with self.subTest(step=step):
                daemon = Daemon()
                gen = self.started([1, 2], address=daemon.address)
                daemon.kill()
                self.assertTrue(issubclass(outcome(gen, step)[1], ConnectionError))
                self.assert_ended(gen)
                self.assertRaises(DumpData, gen.throw, DumpData)
                gen.close()

    def test_a_dump_under_way_outlives_the_daemon(self):
        daemon = Daemon()
        gen = self.started([1, 2], address=daemon.address)
        gen.throw(DumpData)
        daemon.kill()
        self.assertEqual([next(gen), next(gen)], [1, 2])
        self.assertRaises(ConnectionError, next, gen)

    def test_closing_after_the_daemon_was_killed_is_quiet(self):
        daemon = Daemon()
        gen = self.started(address=daemon.address)
        daemon.kill()
        self.assertIsNone(gen.close())
        self.assert_ended(gen)

    def test_nobody_listens(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = listener.getsockname()
        gen = self.generator(address=address)
        self.assertRaises(ConnectionRefusedError, next, gen)
        self.assert_ended(gen)

    def test_no_such_unix_socket(self):
        with tempfile.TemporaryDirectory() as folder:
            gen = self.generator(address=os.path.join(folder, "absent"))
            self.assertRaises(FileNotFoundError, next, gen)
        self.assert_ended(gen)

    def test_too_many_connections_is_an_error_with_its_code(self):
        daemon = Daemon("--max-connections", "1")
        self.addCleanup(daemon.stop)
        first = self.started(address=daemon.address)
        second = self.generator(address=daemon.address)
        with self.assertRaises(WindowdError) as caught:
            next(second)
        self.assertEqual(caught.exception.code, "limit_reached")
        self.assertEqual(first.send(2), 2)

    def test_last_words_of_a_service_that_hung_up_are_heard(self):
        puppet = self.puppet()
        gen = self.opened(puppet)
        puppet.write(LIMIT)
        puppet.hang_up()
        self.assertRaisesRegex(WindowdError, "limit_reached: too many connections", gen.send, 1)
        self.assert_ended(gen)

    def test_last_words_are_heard_even_if_the_request_could_not_be_sent(self):
        puppet = self.puppet()
        gen, thread = start_in_thread(puppet, read=False)
        puppet.connection.recv(1, socket.MSG_PEEK)
        puppet.write(OPENED)
        thread.join(DEADLINE)
        puppet.write(LIMIT)
        puppet.hang_up()  # with the open request unread, which resets the connection
        self.assertRaisesRegex(WindowdError, "limit_reached: too many connections", gen.send, 1)
        self.assert_ended(gen)

    def test_half_a_reply_is_a_connection_error(self):
        puppet = self.puppet()
        gen = self.opened(puppet)
        puppet.write(b"12")
        puppet.hang_up()
        self.assertRaises(ConnectionError, gen.send, 123)
        self.assert_ended(gen)

    def test_a_reply_in_pieces_is_put_together(self):
        puppet = self.puppet()
        gen = self.opened(puppet)
        puppet.write(b"12")
        found = []
        thread = threading.Thread(target=lambda: found.append(gen.send(123)), daemon=True)
        thread.start()
        self.assertEqual(puppet.lines.readline(), b"123.0\n")
        puppet.write(b"3")
        puppet.write(b"\n")
        thread.join(DEADLINE)
        self.assertEqual(found, [123])

    def test_what_windowd_would_not_say_is_a_connection_error(self):
        for reply in (
            b"HTTP/1.1 400 Bad Request\r\n", b"\xff\n", b"\n", b"[1]\n", b"true\n", b"{}\n", b'{"error":5}\n',
            b'{"yield":"text"}\n', b'{"error":{"code":"internal"}}\n',
        ):  # fmt: skip
            with self.subTest(reply=reply):
                puppet = self.puppet()
                gen = self.opened(puppet)
                puppet.write(reply)
                self.assertRaisesRegex(ConnectionError, "another service", gen.send, 1)
                self.assert_ended(gen)

    def test_a_value_that_the_service_refuses_gives_none(self):
        puppet = self.puppet()
        gen = self.opened(puppet)
        puppet.write(b'{"yield":null,"error":{"code":"out_of_range","message":"too large"}}\n5\n')
        self.assertEqual([gen.send(1), gen.send(5)], [None, 5])

    def test_minus_zero_keeps_its_sign(self):
        for reply in (b"-0\n", b"-0.0\n"):
            puppet = self.puppet()
            gen = self.opened(puppet)
            puppet.write(reply)
            self.assertEqual(gen.send(1).hex(), "-0x0.0p+0")

    def test_a_timeout_ends_it(self):
        puppet = self.puppet()
        gen = self.generator(address=puppet.address, timeout=0.01)
        self.assertRaises(socket.timeout, next, gen)
        self.assert_ended(gen)

    def test_a_timeout_ends_it_over_a_unix_socket_too(self):
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
            listener.bind(os.path.join(folder, "silent"))
            listener.listen()
            gen = self.generator(address=listener.getsockname(), timeout=0.01)
            self.assertRaises(socket.timeout, next, gen)
            self.assert_ended(gen)

    def test_what_stands_on_the_wire(self):
        puppet = self.puppet()
        gen, thread = start_in_thread(puppet, [1, True, 0.1], 2, read=False)
        self.assertEqual(puppet.lines.readline(), b'{"op":"open","size":2,"data":[1.0,0.1]}\n')
        puppet.write(OPENED + b"null\n0.5\n" + b'{"yield":2,"dump":[1,0.1]}\n{"yield":null}\n')
        thread.join(DEADLINE)
        found = [next(gen), gen.send(True), gen.throw(DumpData), gen.throw(ClearWindow)]
        self.assertEqual(found, [None, 0.5, 2, None])
        sent = [puppet.lines.readline() for _ in range(4)]
        signals = [b'{"op":"throw","exception":"%s"}\n' % name for name in (b"DumpData", b"ClearWindow")]
        self.assertEqual(sent, [b"null\n", b"1.0\n", *signals])


def start_in_thread(puppet, *arguments, read=True):
    """A generator whose first next() is under way in a thread, waiting for the puppet's reply."""
    gen = windowd.moving_window_average_gen(*arguments, address=puppet.address, timeout=DEADLINE)
    thread = threading.Thread(target=next, args=(gen,), daemon=True)
    thread.start()
    puppet.accept()
    if read:
        puppet.lines.readline()
    return gen, thread


class ReEntry(ClientTest):
    def assert_executing(self, call, *arguments):
        with self.assertRaisesRegex(ValueError, "^generator already executing$"):
            call(*arguments)

    def test_a_second_thread_is_refused_while_the_first_runs(self):
        puppet = Puppet()
        self.addCleanup(puppet.close)
        gen, thread = start_in_thread(puppet)
        self.addCleanup(gen.close)
        for call in (gen.__next__, lambda: gen.send(1), lambda: gen.throw(ValueError), gen.close):
            self.assert_executing(call)
        puppet.write(OPENED + b"7\n")
        thread.join(DEADLINE)
        self.assertEqual(gen.send(7), 7)

    def test_the_data_cannot_resume_the_generator_that_reads_it(self):
        def data():
            self.assert_executing(next, gen)
            self.assert_executing(gen.close)
            yield 4

        gen = self.generator(data())
        self.assertIsNone(next(gen))
        self.assertEqual(gen.send(6), 5)

    def test_threads_that_take_turns_lose_nothing(self):
        gen, turn, found = self.started(window_size=1000), threading.Lock(), []

        def work():
            for _ in range(100):
                with turn:
                    found.append(gen.send(1))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(DEADLINE)
        self.assertEqual(found, [1] * 400)
        self.assertEqual(gen.throw(DumpData), 400)


setUpModule = require_daemon


if __name__ == "__main__":
    unittest.main()
