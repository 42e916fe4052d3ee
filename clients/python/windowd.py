"""Client of windowd: moving windows that live in a service.

One of your own is used as a Python generator is:

    from windowd import ClearWindow, DumpData, moving_window_average_gen

    averages = moving_window_average_gen(window_size=3)
    next(averages)                        # connects, opens the window; gives None
    averages.send(5)                      # 5.0
    averages.send(7)                      # 6.0
    averages.throw(DumpData)              # 2, the number of values in the window; then
    next(averages)                        # 5.0
    next(averages)                        # 7.0
    averages.throw(ClearWindow)           # None, and the window is empty
    averages.close()

Those that have a name are shared by whoever opens them, with any statistics, and can be followed:

    from windowd import follow, open_window

    with open_window("cpu.load", size=60, stats=["mean", "p95"]) as load:
        load.send(0.7)                    # {'mean': 0.7, 'p95': 0.7}

    with follow("cpu.*") as events:       # in another program
        for event in events:
            print(event)                  # Yield(window='cpu.load', n=2, value=0.9, yielded={...})

Python 3.9 or later, standard library alone. How a generator behaves: PEP 255, 342, 380 and 479.
"""

from __future__ import annotations

import collections
import collections.abc
import contextlib
import dataclasses
import enum
import itertools
import json
import math
import numbers
import operator
import os
import socket
import ssl
import threading
from types import TracebackType
from typing import Any, Deque, Dict, Iterable, Iterator, List, Optional, SupportsFloat, Tuple, Type, Union

__all__ = [
    "BadJsonError", "BadMemberError", "Clear", "ClearWindow", "Close", "ClosedError", "DumpData", "Event",
    "Events", "InternalError", "LimitReachedError", "LineTooLongError", "Lost", "MissingMemberError",
    "MovingWindowAverage", "NoSuchWindowError", "NotANumberError", "Open", "OutOfOrderError",
    "OutOfRangeError", "ShuttingDownError", "UnauthorizedError", "UnknownExceptionError",
    "UnknownMemberError", "UnknownOpError", "Window", "WindowInfo", "WindowMismatchError", "WindowdError",
    "Yield", "Yielded", "follow", "moving_window_average_gen", "open_window", "windows",
]  # fmt: skip

Address = Union[Tuple[str, int], str, "os.PathLike[str]"]
"""Where windowd listens: `(host, port)` for TCP, or the path of a Unix socket."""

Yielded = Union[float, Dict[str, Optional[float]], None]
"""What a window yields: a number if it has one statistic, a dict of several, in the order asked. None stands
for a statistic that is undefined, and for all where the window has fewer than `min_count` values."""

_YIELDED = (float, dict, type(None))

_DEFAULT_ADDRESS = ("127.0.0.1", 6920)

_VALUES_PER_LINE = 1_000
"""How many values a line carries: 26 KB at most, so that a service with a `--max-line` of 32 KiB takes it."""

_LINES_AHEAD = 64
"""How many lines go ahead of their replies: enough for a far service; a refusal is noticed that late."""

_PACKET = 1_400
"""How many bytes of short lines are sent at a time: what a packet of a network holds."""

_PIECE = 65_536
"""How many bytes are asked of the system at a time."""


class DumpData(Exception):
    """Thrown in, asks for the length of the window; each `next()` after it gives an element, oldest first."""


class ClearWindow(Exception):
    """Thrown in, empties the window."""


class WindowdError(Exception):
    """An error that windowd replied with. The request has changed nothing.

    `code` is one of the protocol's error codes, such as `bad_member`; `message` says what was wrong; `index`
    is the place, from 0, of the first refused value where several were sent, otherwise None. Each code has a
    class of its own: `bad_member` has BadMemberError. This one is for all, and for codes of a newer windowd.
    """

    def __init__(self, code: str, message: str, index: Optional[int] = None) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.index = index

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class BadJsonError(WindowdError):
    """`bad_json`: the line is not one JSON text. This client writes none such."""


class LineTooLongError(WindowdError):
    """`line_too_long`: the line is longer than the service's `--max-line`, such as one with much `data`."""


class NotANumberError(WindowdError):
    """`not_a_number`: the window was sent something that is no number. This client sends none such."""


class OutOfRangeError(WindowdError):
    """`out_of_range`: a number is beyond the finite range of a double, or of what the service accepts."""


class UnknownOpError(WindowdError):
    """`unknown_op`: the service does not know this request; it is older than this client."""


class UnknownMemberError(WindowdError):
    """`unknown_member`: the service does not know a part of this request; it is older than this client."""


class MissingMemberError(WindowdError):
    """`missing_member`: the request lacks something. This client forgets nothing."""


class BadMemberError(WindowdError):
    """`bad_member`: an argument that the service does not accept, such as a size of 0."""


class UnknownExceptionError(WindowdError):
    """`unknown_exception`: the window does not declare what was thrown in. This client throws none such."""


class ClosedError(WindowdError):
    """`closed`: the window was closed, by this program or by another."""


class NoSuchWindowError(WindowdError):
    """`no_such_window`: there is no shared window of that name."""


class WindowMismatchError(WindowdError):
    """`window_mismatch`: the shared window is there already, and is not as the arguments say."""


class OutOfOrderError(WindowdError):
    """`out_of_order`: the time `at` of a value is before that of the window's newest value."""


class LimitReachedError(WindowdError):
    """`limit_reached`: the service has as many connections, windows or followers as it may."""


class UnauthorizedError(WindowdError):
    """`unauthorized`: the service asks for a token, and this one, or none, does not allow what was asked."""


class ShuttingDownError(WindowdError):
    """`shutting_down`: the service is about to end."""


class InternalError(WindowdError):
    """`internal`: the service's own fault, such as a lack of memory."""


_ERRORS: Dict[str, Type[WindowdError]] = {
    "bad_json": BadJsonError,
    "line_too_long": LineTooLongError,
    "not_a_number": NotANumberError,
    "out_of_range": OutOfRangeError,
    "unknown_op": UnknownOpError,
    "unknown_member": UnknownMemberError,
    "missing_member": MissingMemberError,
    "bad_member": BadMemberError,
    "unknown_exception": UnknownExceptionError,
    "closed": ClosedError,
    "no_such_window": NoSuchWindowError,
    "window_mismatch": WindowMismatchError,
    "out_of_order": OutOfOrderError,
    "limit_reached": LimitReachedError,
    "unauthorized": UnauthorizedError,
    "shutting_down": ShuttingDownError,
    "internal": InternalError,
}


# --- A window of one's own, as a generator


def moving_window_average_gen(
    data: Iterable[Any] = (),
    window_size: int = 3,
    *,
    address: Address = _DEFAULT_ADDRESS,
    timeout: Optional[float] = None,
    token: Optional[str] = None,
    tls: Optional[ssl.SSLContext] = None,
) -> MovingWindowAverage:
    """Return a generator-like object: send it numbers, it yields the mean of the last `window_size` of them.

    `data` fills the window beforehand, oldest first; what is more than `window_size` keeps its last elements.
    `timeout` is in seconds, for connecting and for each wait for the service; None leaves the default of
    `socket`. `token` and `tls` are those of `open_window`.

    As with a generator nothing happens before the first `next()`: that one reads `data`, connects and opens
    a window. So it raises OSError (mostly ConnectionError) where the service cannot be reached, ValueError
    for an element of `data` that is no finite number, WindowdError for a window size that windowd refuses.
    """
    return MovingWindowAverage(data, window_size, _Service(address, timeout, token, tls))


class _State(enum.Enum):
    CREATED = "created"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class MovingWindowAverage(collections.abc.Generator[Optional[float], Any, None]):
    """A private window of windowd, driven as a generator is. Made by `moving_window_average_gen`.

    As in a generator, an exception that comes out of a resumption ends it: a broken connection
    (ConnectionError), a timeout, a WindowdError, KeyboardInterrupt too. Only misuse leaves it as it was:
    `send` of a value before the first `next()`, a malformed `throw`, a call while another is under way.
    """

    def __init__(self, data: Iterable[Any], window_size: int, service: _Service) -> None:
        self._data = data
        self._window_size = window_size
        self._service = service
        self._state = _State.CREATED
        self._connection: Optional[_Connection] = None
        # What is left of a dump: the service gives the window in one reply, next() one element at a time.
        self._dump: Deque[float] = collections.deque()
        self._execution = _Execution()

    def __next__(self) -> Optional[float]:
        """Resume with nothing: the next element of a dump under way, otherwise None."""
        return self.send(None)

    def send(self, value: Any, /) -> Optional[float]:
        """Resume with a value and return the mean; None for what is no finite number, which is left out.

        The mean is exact: the window's correctly rounded sum divided by its count. `send(None)` is `next()`.
        """
        with self._execution:
            if self._state is _State.CLOSED:
                raise StopIteration
            if self._state is _State.CREATED and value is not None:
                raise TypeError("can't send non-None value to a just-started generator")
            try:
                if self._state is _State.CREATED:
                    self._start()
                    return None
                return self._advance() if value is None else self._take(value)
            except BaseException as error:
                self._fail(error)
                raise

    def throw(self, typ: Any, val: Any = None, tb: Optional[TracebackType] = None, /) -> Optional[float]:
        """Resume with an exception: an instance, a class, or the older form of class, value and traceback.

        `DumpData` returns the window's length (an int), `ClearWindow` returns None. Any other exception comes
        out again and ends this, as it does in a generator that does not catch it.
        """
        exception = _as_exception(typ, val, tb)
        with self._execution:
            if self._state is _State.CLOSED:
                raise exception
            try:
                return self._receive(exception)
            except BaseException as error:
                self._fail(error)
                raise

    def close(self) -> None:
        """End it and hang up, which ends the window in the service. May be called at any time, and again."""
        with self._execution:
            self._end()

    def __del__(self) -> None:
        # There is nothing to hang up where __init__ itself was called wrongly.
        if hasattr(self, "_execution"):
            self._end()

    def _start(self) -> None:
        size = int(operator.index(self._window_size))
        kept = [_checked(element) for element in collections.deque(self._data, maxlen=size)]
        self._data = ()
        self._connection = _Connection(self._service)
        _open(self._connection, {"size": size}, kept)
        self._state = _State.SUSPENDED

    def _advance(self) -> Optional[float]:
        return self._dump.popleft() if self._dump else self._resume(None)

    def _take(self, value: Any) -> Optional[float]:
        self._dump.clear()
        number = _as_double(value)
        return None if number is None else self._resume(number)

    def _resume(self, number: Optional[float]) -> Optional[float]:
        reply = self._request(number)
        if isinstance(reply, dict):  # a value that the service refused: what it yielded, and why
            _member(reply, "yield", type(None))
            return None
        if reply is not None and not isinstance(reply, float):
            raise _not_windowd()
        return reply

    def _receive(self, exception: BaseException) -> Optional[float]:
        if self._state is _State.CREATED or not isinstance(exception, (DumpData, ClearWindow)):
            raise exception
        self._dump.clear()
        if isinstance(exception, ClearWindow):
            _member(self._request({"op": "throw", "exception": "ClearWindow"}), "yield", type(None))
            return None
        reply = self._request({"op": "throw", "exception": "DumpData"})
        self._dump.extend(_member(reply, "dump", list))
        return int(_member(reply, "yield", float))

    def _request(self, request: Any) -> Any:
        assert self._connection is not None, "a suspended generator has its connection"
        return self._connection.request(request)

    def _fail(self, error: BaseException) -> None:
        self._end()
        if isinstance(error, StopIteration):
            raise RuntimeError("generator raised StopIteration") from error  # PEP 479

    def _end(self) -> None:
        self._state = _State.CLOSED
        self._data = ()
        self._dump.clear()
        if self._connection is not None:
            self._connection.close()
            self._connection = None


# --- Windows of any kind, shared ones among them


def open_window(
    name: Optional[str] = None,
    *,
    size: Optional[int] = None,
    span: Optional[float] = None,
    stats: Union[str, Iterable[str], None] = None,
    data: Iterable[SupportsFloat] = (),
    min_count: Optional[int] = None,
    address: Address = _DEFAULT_ADDRESS,
    timeout: Optional[float] = None,
    token: Optional[str] = None,
    tls: Optional[ssl.SSLContext] = None,
) -> Window:
    """Connect, and make or join the shared window of that name; without a name open a private one.

    What is given must not contradict a shared window that is there: WindowMismatchError. What is left out is
    as it is there; if the window is made, as the service's defaults are (mostly size 3 and the mean).

    `size` is how many values it keeps at most. `span` makes it a window of time, which keeps the values of so
    many seconds. `stats` is what it yields, one name or several of: count sum mean min max range first last
    var std pvar pstd median pNN (a percentile, such as p95 or p99.9) skew kurt slope zscore. It yields None
    for fewer values than `min_count`. `data`, oldest first, fills a window that is made; a shared one is
    filled by one line, which with the service's default limits holds some 40,000 values.

    `timeout` is in seconds, for connecting and for each wait for the service; None leaves the default of
    `socket`. `token` is for a service that asks for one; without `tls` it goes over the network as it is.
    `tls` is for a listener of TLS: mostly `ssl.create_default_context()`, which wants a certificate for
    `address`'s host.

    Raises OSError (mostly ConnectionError) where the service cannot be reached, ssl.SSLError (an OSError too)
    for a certificate that is not trusted, ValueError for an element of `data` that is no finite number,
    WindowdError for what the service refuses: UnauthorizedError for a token that it does not know or that
    does not allow this, BadMemberError for a name or a number that it does not accept, LimitReachedError
    where it has windows or connections enough.
    """
    terms: Dict[str, Any] = {
        "window": name,
        "size": None if size is None else operator.index(size),
        "span": None if span is None else float(span),
        "stats": [stats] if isinstance(stats, str) else None if stats is None else list(stats),
        "min_count": None if min_count is None else operator.index(min_count),
    }
    given = {member: value for member, value in terms.items() if value is not None}
    values = [_checked(value) for value in data]
    service = _Service(address, timeout, token, tls)
    connection = _Connection(service)
    try:
        return Window(connection, service, _open(connection, given, values))
    except BaseException:
        connection.close()
        raise


class Window:
    """A window of windowd and a connection to it. Made by `open_window`; `with` disconnects at its end.

    `name` (None: it is private), `size`, `span` (in seconds; None: it is no window of time), `stats` (a tuple
    of names) and `min_count` stay as they are. `count` (values in it) and `n` (changes since it was made;
    None: it is private) are of the moment when it was opened; `created` tells whether it was made then.

    A call blocks until the service has replied. It raises WindowdError for what the service refuses, which
    changes nothing: ClosedError once the window has been closed, by whomever. It raises OSError where the
    connection breaks (ConnectionError) or the timeout is over (socket.timeout, from Python 3.10 on the same
    as TimeoutError). After that, as after KeyboardInterrupt, nobody knows whether the request was carried
    out; the connection has been ended and further calls raise ConnectionError: open it again.

    Threads may share a Window: their calls wait for each other.
    """

    def __init__(self, connection: _Connection, service: _Service, reply: Any) -> None:
        info = _window_info(_member(reply, "window", dict))
        self.name = info.name
        self.size = info.size
        self.span = info.span
        self.stats = info.stats
        self.min_count = info.min_count
        self.count = info.count
        self.n = info.n
        self.created: bool = _member(reply, "created", bool)
        self._service = service
        self._connection: Optional[_Connection] = connection
        self._closed = False
        self._turn = _Turn()

    def __repr__(self) -> str:
        kind = "private" if self.name is None else repr(self.name)
        return f"<windowd.Window {kind}, size {self.size}, stats {' '.join(self.stats)}>"

    def __enter__(self) -> Window:
        return self

    def __exit__(self, *unused: object) -> None:
        self.disconnect()

    def send(self, value: SupportsFloat, *, at: Optional[SupportsFloat] = None) -> Yielded:
        """Add a value and return what the window then yields. ValueError for what is no finite number.

        `at`, for windows of time alone, is the value's time in seconds since 1970, as `time.time()` has it;
        without it that is when it arrives. It must not be before that of the newest value: OutOfOrderError.
        In a window that is not one of time: BadMemberError.
        """
        request = {"op": "send", "value": _checked(value)}
        if at is not None:
            request["at"] = _checked(at)
        return self._ask_yield(request)

    def send_many(
        self, values: Iterable[SupportsFloat], *, at: Optional[Iterable[SupportsFloat]] = None
    ) -> List[Yielded]:
        """Add values, oldest first, and return what the window yielded after each.

        Faster than `send` for each: a thousand go as one indivisible request, without waiting for the reply
        to those before. `at` gives each value its time, as in `send`; then each is a request.

        ValueError for what is no finite number, and whatever iterating raises, comes out when all requests
        before it have been carried out; that with the bad value is not sent. Of a WindowdError `index` is the
        place of the first value that was refused; some hundred requests after it were on the way and may have
        been carried out. For values that come slowly `send` is better: here they wait for each other.
        """
        requests = _batches(values) if at is None else _timed(values, at)
        yields: List[Yielded] = []
        failures: List[BaseException] = []
        with self._exchange() as connection:
            for reply in connection.pipeline(_until_failure(requests, failures)):
                refusal = _refusal(reply)
                if refusal is not None:
                    refusal.index = len(yields) + (refusal.index or 0)
                    failures.append(refusal)
                else:
                    yields.extend(_member(reply, "yield", list))
        if failures:
            raise failures[0]
        return yields

    def read(self) -> Yielded:
        """Return what the window yields now. Nothing changes, except that values leave a window of time."""
        return self._ask_yield({"op": "read"})

    def dump(self) -> List[float]:
        """Return the values in the window, oldest first: all at one moment, whoever else sends."""
        values: List[float] = self._ask({"op": "dump"}, "dump", list)
        return values

    def clear(self) -> None:
        """Empty the window, for all who share it."""
        self._ask({"op": "clear"}, "yield", type(None))

    def close(self) -> None:
        """End the window, a shared one for everyone, and hang up.

        Does nothing where it is closed already; ConnectionError where a shared one cannot be reached any
        more. To leave a shared window to the others, use `disconnect` or `with`.
        """
        if not self._closed and self.name is not None:
            with contextlib.suppress(ClosedError):
                self._ask({"op": "close"}, "closed", bool)
        self._closed = True
        self.disconnect()

    def disconnect(self) -> None:
        """Hang up, which ends a private window; a shared one stays for the others. May be called again."""
        with self._turn:
            self._hang_up()

    def follow(self, *, timeout: Optional[float] = None) -> Events:
        """Return an iterator of what happens to this window from now on, whoever does it: see `follow`.

        It has a connection of its own, and goes on where this one ends. ValueError for a private window.
        """
        if self.name is None:
            raise ValueError("a private window cannot be followed: it has no name")
        service = self._service
        return follow(
            self.name, address=service.address, timeout=timeout, token=service.token, tls=service.tls
        )

    def _ask_yield(self, request: Any) -> Yielded:
        result: Yielded = self._ask(request, "yield", *_YIELDED)
        return result

    def _ask(self, request: Any, wanted: str, *kinds: type) -> Any:
        """Send a request and return the member of the reply that is wanted."""
        with self._exchange() as connection:
            reply = connection.request(request)
            refusal = _refusal(reply)
            if refusal is not None:
                raise refusal
            return _member(reply, wanted, *kinds)

    @contextlib.contextmanager
    def _exchange(self) -> Iterator[_Connection]:
        """The connection, for one call. An interrupted one ends it: the next would get the reply to this."""
        with self._turn:
            if self._closed:
                raise ClosedError("closed", "this window was closed")
            if self._connection is None:
                raise ConnectionError("this Window is not connected any more")
            try:
                yield self._connection
            except WindowdError:
                raise
            except BaseException:
                self._hang_up()
                raise

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@dataclasses.dataclass(frozen=True)
class WindowInfo:
    """A window as `windows` lists it."""

    name: Optional[str]
    size: int
    """How many values it keeps at most."""
    span: Optional[float]
    """Of a window of time: the values of how many seconds it keeps."""
    stats: Tuple[str, ...]
    """What it yields."""
    min_count: int
    """It yields None for fewer values."""
    count: int
    """How many values are in it."""
    n: Optional[int]
    """How many times it has changed since it was made: values taken, and clears."""


def windows(
    match: str = "*",
    *,
    address: Address = _DEFAULT_ADDRESS,
    timeout: Optional[float] = None,
    token: Optional[str] = None,
    tls: Optional[ssl.SSLContext] = None,
) -> Iterator[WindowInfo]:
    """Iterate over the shared windows whose names match, in name order; `*` stands for any text, or none.

    A generator: it connects at the first `next()`, and asks for a page at a time, so that of windows which
    come or go meanwhile some are seen. `timeout`, `token`, `tls` and errors are those of `open_window`.
    """
    connection = _Connection(_Service(address, timeout, token, tls))
    try:
        request = {"op": "windows", "match": match}
        while True:
            reply = connection.request(request)
            page = [_window_info(window) for window in _member(reply, "windows", list)]
            yield from page
            if not _member(reply, "more", bool) or not page:
                return
            request["after"] = str(page[-1].name)
    finally:
        connection.close()


# --- What happens to windows


@dataclasses.dataclass(frozen=True)
class Yield:
    """A value was taken, the window's n-th change; `yielded` is what its sender got."""

    window: str
    n: int
    value: float
    yielded: Yielded


@dataclasses.dataclass(frozen=True)
class Clear:
    """The window was emptied, its n-th change."""

    window: str
    n: int


@dataclasses.dataclass(frozen=True)
class Open:
    """The window was made, with n values in it."""

    window: str
    n: int


@dataclasses.dataclass(frozen=True)
class Close:
    """The window was ended, its n-th change and last. A new one may take the name, and is followed too."""

    window: str
    n: int


@dataclasses.dataclass(frozen=True)
class Lost:
    """This program read too slowly: so many events, which would have come here, were dropped."""

    count: int


Event = Union[Yield, Clear, Open, Close, Lost]


def follow(
    pattern: str,
    *more: str,
    address: Address = _DEFAULT_ADDRESS,
    timeout: Optional[float] = None,
    token: Optional[str] = None,
    tls: Optional[ssl.SSLContext] = None,
) -> Events:
    """Return an iterator of what happens, from now on, to the shared windows whose names match a pattern.

    `*` stands for any text, or none; windows that do not exist yet are followed once they do. `timeout` is in
    seconds, for connecting and for each event; None leaves the default of `socket`, mostly to wait for ever.
    `token` and `tls` are those of `open_window`, and so is what it raises: BadMemberError for what is no
    pattern, LimitReachedError for too many.
    """
    connection = _Connection(_Service(address, timeout, token, tls))
    try:
        matching = 0
        for one in (pattern, *more):
            reply = connection.request({"op": "subscribe", "window": one})
            matching += int(_member(reply, "windows", float))
        return Events(connection, matching)
    except BaseException:
        connection.close()
        raise


class Events(collections.abc.Iterator[Event]):
    """An iterator of events, as they happened. Made by `follow`; `with` closes it at its end.

    `windows` is how many windows matched at the beginning; one that several patterns match counts for each.

    `next()` blocks until there is an event. If none comes within the timeout it raises socket.timeout, from
    Python 3.10 on the same as TimeoutError; no event is lost by that, and the next call goes on. Any other
    exception is the end: ConnectionError where the service is gone, WindowdError where it says why.
    """

    def __init__(self, connection: _Connection, matching: int) -> None:
        self.windows = matching
        self._connection = connection
        self._closed = False
        self._reading = threading.RLock()

    def __next__(self) -> Event:
        with self._reading:
            while not self._closed:
                try:
                    event = _event(self._connection.event())
                except BaseException as error:
                    if self._closed and isinstance(error, OSError):
                        break
                    if not isinstance(error, socket.timeout):
                        self.close()
                    raise
                if event is not None:
                    return event
            raise StopIteration

    def __enter__(self) -> Events:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    def close(self) -> None:
        """End the iteration and hang up. A `next()` that waits in another thread raises StopIteration."""
        self._closed = True
        self._connection.shut_down()
        # Not before that next() has let go: the system may soon give the number of the socket to another.
        with self._reading:
            self._connection.close()


# --- What they are made of


class _Execution:
    """Held while a generator runs; whoever comes meanwhile is refused at once, as with a generator."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            raise ValueError("generator already executing")

    def __exit__(self, *unused: object) -> None:
        self._lock.release()


class _Turn:
    """Held during a call. Other threads wait for it; a call from inside a call cannot, and is refused."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._taken = False

    def __enter__(self) -> None:
        self._lock.acquire()
        if self._taken:
            self._lock.release()
            raise ValueError("this window is in the middle of another call")
        self._taken = True

    def __exit__(self, *unused: object) -> None:
        self._taken = False
        self._lock.release()


# Made once, as making them takes longer than using them. An integer read as int would lose the sign of -0.
_encoder = json.JSONEncoder(allow_nan=False, separators=(",", ":"))
_decoder = json.JSONDecoder(parse_int=float)


@dataclasses.dataclass(frozen=True)
class _Service:
    """Where windowd is, and what it takes to be let in."""

    address: Address
    timeout: Optional[float]
    token: Optional[str] = dataclasses.field(repr=False)
    tls: Optional[ssl.SSLContext]


class _Connection:
    """One connection to windowd: requests, their replies, and events. Numbers that arrive are all float.

    Its methods raise ConnectionError where the connection is broken, OSError (of which a timeout is one)
    where the system reports another failure. After a timeout the next reply is still to the request that
    timed out.
    """

    def __init__(self, service: _Service) -> None:
        self._socket = _secured(_connected(service.address, service.timeout), service)
        self._timeout = self._socket.gettimeout()
        self._received = bytearray()
        # Those that came before the reply to a request.
        self._events: Deque[Any] = collections.deque()
        if service.token is not None:
            try:
                _member(self.request({"op": "auth", "token": service.token}), "authorized", str)
            except BaseException:
                self.close()
                raise

    def request(self, request: Any) -> Any:
        """Send one request and return its reply; WindowdError if it is an error and nothing was yielded."""
        try:
            self._socket.sendall(_line_of(request))
        except ConnectionError:
            # A service that hung up may have said why, for instance that it has too many connections.
            self._answer()
            raise
        return self._answer()

    def pipeline(self, requests: Iterable[Any]) -> Iterator[Any]:
        """Send requests ahead of their replies, and give these, errors too. To be iterated to its end."""
        awaited = 0
        for lines, count in _packets(requests):
            replies = self._write(memoryview(lines), awaited)
            while awaited + count - len(replies) > _LINES_AHEAD:
                replies.append(self._reply())
            awaited += count - len(replies)
            yield from replies
        for _ in range(awaited):
            yield self._reply()

    def event(self) -> Dict[str, Any]:
        """The next event. A timeout, and it alone, leaves everything as it was."""
        message = self._events.popleft() if self._events else self._message()
        refusal = _refusal(message)
        if refusal is not None:
            raise refusal
        if not _is_event(message):
            raise _not_windowd()
        return dict(message)

    def shut_down(self) -> None:
        """Make whoever waits for the service, in another thread, see the connection as ended."""
        with contextlib.suppress(OSError):  # it is no longer connected
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._socket.close()

    def _write(self, lines: memoryview, awaited: int) -> List[Any]:
        """Write lines. Return the replies, of those awaited, that had to be read before all were taken.

        For a service whose replies are not read does not go on reading either.
        """
        replies: List[Any] = []
        while lines and len(replies) < awaited:
            lines = lines[self._write_some(lines) :]
            if lines:
                replies.append(self._reply())
        if lines:
            self._socket.sendall(lines)
        return replies

    def _write_some(self, lines: memoryview) -> int:
        self._socket.settimeout(0)
        try:
            return self._socket.send(lines)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0
        finally:
            self._socket.settimeout(self._timeout)

    def _answer(self) -> Any:
        reply = self._reply()
        refusal = _refusal(reply)
        if refusal is not None and "yield" not in reply:
            raise refusal
        return reply

    def _reply(self) -> Any:
        while True:
            message = self._message()
            if not _is_event(message):
                return message
            self._events.append(message)

    def _message(self) -> Any:
        try:
            return _decoder.decode(self._line().decode("utf-8"))
        except ValueError as unreadable:
            raise _not_windowd() from unreadable

    def _line(self) -> bytearray:
        searched = 0
        while True:
            end = self._received.find(b"\n", searched)
            if end >= 0:
                line = self._received[:end]
                del self._received[: end + 1]
                return line
            searched = len(self._received)
            piece = self._socket.recv(_PIECE)
            if not piece:
                raise ConnectionError("windowd closed the connection")
            self._received += piece


def _line_of(request: Any) -> bytes:
    return _encoder.encode(request).encode("ascii") + b"\n"


def _packets(requests: Iterable[Any]) -> Iterator[Tuple[bytes, int]]:
    """The requests as lines, short ones several at a time, and how many lines that is."""
    lines: List[bytes] = []
    size = 0
    for request in requests:
        lines.append(_line_of(request))
        size += len(lines[-1])
        if size >= _PACKET:
            yield b"".join(lines), len(lines)
            lines, size = [], 0
    if lines:
        yield b"".join(lines), len(lines)


def _open(connection: _Connection, terms: Dict[str, Any], data: List[float]) -> Any:
    """Open the connection's own window, fill it, and return the reply to `open`.

    A shared window is filled by the one request, so that nobody meets it half full.
    """
    first = len(data) if "window" in terms else _VALUES_PER_LINE
    filled = {"data": data[:first]} if data else {}
    reply = connection.request({"op": "open", **terms, **filled})
    _member(reply, "window", dict)
    for more in _batches(data[first:]):
        _member(connection.request(more), "yield", list)
    return reply


def _batches(values: Iterable[Any]) -> Iterator[Any]:
    """The requests that send these values."""
    rest = iter(values)
    while True:
        batch = [_checked(value) for value in itertools.islice(rest, _VALUES_PER_LINE)]
        if not batch:
            return
        yield {"op": "send", "values": batch}


def _timed(values: Iterable[Any], times: Iterable[Any]) -> Iterator[Any]:
    """The requests that send these values, each with its time."""
    none = object()
    for value, time in itertools.zip_longest(values, times, fillvalue=none):
        if value is none or time is none:
            raise ValueError("there have to be as many times as values")
        yield {"op": "send", "values": [_checked(value)], "at": _checked(time)}


def _until_failure(requests: Iterable[Any], failures: List[BaseException]) -> Iterator[Any]:
    """The requests up to the first failure, of which one that making a request ends in is one."""
    try:
        for request in requests:
            if failures:
                return
            yield request
    except BaseException as error:
        failures.append(error)


def _connected(address: Address, timeout: Optional[float]) -> socket.socket:
    seconds = socket.getdefaulttimeout() if timeout is None else timeout
    if isinstance(address, (str, os.PathLike)):
        result = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            result.settimeout(seconds)
            result.connect(os.fspath(address))
        except BaseException:
            result.close()
            raise
        return result
    host, port = address
    result = socket.create_connection((host, port), seconds)
    # Otherwise the end of a long line waits for the acknowledgement of its beginning, some 40 ms.
    result.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return result


def _secured(connected: socket.socket, service: _Service) -> socket.socket:
    if service.tls is None:
        return connected
    try:
        host = None if isinstance(service.address, (str, os.PathLike)) else service.address[0]
        return service.tls.wrap_socket(connected, server_hostname=host)
    except BaseException:
        connected.close()
        raise


def _member(message: Any, name: str, *kinds: type) -> Any:
    if not isinstance(message, dict) or not isinstance(message.get(name, ...), kinds):
        raise _not_windowd()
    return message[name]


def _refusal(message: Any) -> Optional[WindowdError]:
    if not isinstance(message, dict) or "error" not in message:
        return None
    error = _member(message, "error", dict)
    code = _member(error, "code", str)
    index = int(_member(error, "index", float)) if "index" in error else None
    return _ERRORS.get(code, WindowdError)(code, _member(error, "message", str), index)


def _window_info(window: Any) -> WindowInfo:
    return WindowInfo(
        name=_member(window, "name", str, type(None)),
        size=int(_member(window, "size", float)),
        span=_member(window, "span", float) if "span" in window else None,
        stats=tuple(_member(window, "stats", list)),
        min_count=int(_member(window, "min_count", float)),
        count=int(_member(window, "count", float)),
        n=int(_member(window, "n", float)) if "n" in window else None,
    )


def _is_event(message: Any) -> bool:
    return isinstance(message, dict) and "event" in message


def _event(message: Dict[str, Any]) -> Optional[Event]:
    """The event that a message tells of; None for one that only a newer windowd knows."""
    kind = _member(message, "event", str)
    if kind == "lost":
        return Lost(int(_member(message, "count", float)))
    if kind not in ("yield", "clear", "open", "close"):
        return None
    window, n = _member(message, "window", str), int(_member(message, "n", float))
    if kind == "yield":
        return Yield(window, n, _member(message, "value", float), _member(message, "yield", *_YIELDED))
    return Clear(window, n) if kind == "clear" else Open(window, n) if kind == "open" else Close(window, n)


def _not_windowd() -> ConnectionError:
    return ConnectionError("the reply is not one that windowd gives: is another service listening there?")


def _as_double(value: Any) -> Optional[float]:
    """Return the nearest double of a number, None for what is no number or has no finite double."""
    if not isinstance(value, numbers.Number):
        return None
    try:
        result = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        # In this order: complex, a signalling NaN of Decimal, an int beyond the range of a double.
        return None
    return result if math.isfinite(result) else None


def _checked(element: Any) -> float:
    result = _as_double(element)
    if result is None:
        raise ValueError(f"windows hold finite numbers alone, not {element!r}")
    return result


def _as_exception(typ: Any, val: Any, tb: Optional[TracebackType]) -> BaseException:
    """Return the exception that a generator's throw() with these arguments raises in its body."""
    if tb is not None and not isinstance(tb, TracebackType):
        raise TypeError("throw() third argument must be a traceback object")
    if isinstance(typ, BaseException):
        if val is not None:
            raise TypeError("instance exception may not have a separate value")
        exception = typ
    elif isinstance(typ, type) and issubclass(typ, BaseException):
        exception = _instance(typ, val)
    else:
        kind = type(typ).__name__
        raise TypeError(f"exceptions must be classes or instances deriving from BaseException, not {kind}")
    return exception if tb is None else exception.with_traceback(tb)


def _instance(kind: Type[BaseException], val: Any) -> BaseException:
    if isinstance(val, kind):
        return val
    arguments: List[Any] = [] if val is None else list(val) if isinstance(val, tuple) else [val]
    try:
        return kind(*arguments)
    except BaseException as error:
        # As raise does: what goes wrong while an exception is made is raised in its place.
        return error
