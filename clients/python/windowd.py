"""Client of windowd: a moving window's average that lives in a service and is used as a Python generator is.

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

Python 3.9 or later, standard library alone. How a generator behaves: PEP 255, 342, 380 and 479.
"""

from __future__ import annotations

import collections
import collections.abc
import enum
import json
import math
import numbers
import operator
import os
import socket
import threading
from types import TracebackType
from typing import Any, Deque, Iterable, List, Optional, Tuple, Type, Union

__all__ = ["ClearWindow", "DumpData", "MovingWindowAverage", "WindowdError", "moving_window_average_gen"]

Address = Union[Tuple[str, int], str, "os.PathLike[str]"]
"""Where windowd listens: `(host, port)` for TCP, or the path of a Unix socket."""

_VALUES_PER_LINE = 1_000
"""How many values a line carries: 26 KB at most, so that a server with a `--max-line` of 32 KiB takes them too."""


class DumpData(Exception):
    """Thrown in, asks for the length of the window; each `next()` after it gives an element, oldest first."""


class ClearWindow(Exception):
    """Thrown in, empties the window."""


class WindowdError(Exception):
    """An error that windowd replied with.

    `code` is one of the protocol's error codes, such as `bad_member`; `message` says what was wrong.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def moving_window_average_gen(
    data: Iterable[Any] = (),
    window_size: int = 3,
    *,
    address: Address = ("127.0.0.1", 6920),
    timeout: Optional[float] = None,
) -> MovingWindowAverage:
    """Return a generator-like object: send it numbers, it yields the mean of the last `window_size` of them.

    `data` fills the window beforehand, oldest first; what is more than `window_size` keeps its last elements.
    `timeout` is in seconds, for connecting and for each wait for the service; None leaves the default of
    `socket`.

    As with a generator nothing happens before the first `next()`: that one reads `data`, connects and opens
    a window. So it raises OSError (mostly ConnectionError) where the service cannot be reached, ValueError
    for an element of `data` that is no finite number, WindowdError for a window size that windowd refuses.
    """
    return MovingWindowAverage(data, window_size, address, timeout)


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

    def __init__(
        self, data: Iterable[Any], window_size: int, address: Address, timeout: Optional[float]
    ) -> None:
        self._data = data
        self._window_size = window_size
        self._address = address
        self._timeout = timeout
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
        self._connection = _Connection(self._address, self._timeout)
        opening = {"op": "open", "size": size, "data": kept[:_VALUES_PER_LINE]}
        _member(self._connection.request(opening), "window", dict)
        for begin in range(_VALUES_PER_LINE, len(kept), _VALUES_PER_LINE):
            more = {"op": "send", "values": kept[begin : begin + _VALUES_PER_LINE]}
            _member(self._connection.request(more), "yield", list)
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


class _Execution:
    """Held while a generator runs; whoever comes meanwhile is refused at once, as with a generator."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            raise ValueError("generator already executing")

    def __exit__(self, *unused: object) -> None:
        self._lock.release()


class _Connection:
    """One connection to windowd: a request, its reply, and so on. Numbers in replies are all float."""

    def __init__(self, address: Address, timeout: Optional[float]) -> None:
        self._socket = _connected(address, timeout)
        self._replies = self._socket.makefile("rb")

    def request(self, request: Any) -> Any:
        """Send one request and return its reply.

        Raises WindowdError where the reply is an error and nothing was yielded, ConnectionError where the
        connection is broken, OSError (of which a timeout is one) where the system reports another failure.
        """
        line = json.dumps(request, allow_nan=False, separators=(",", ":")).encode("ascii") + b"\n"
        try:
            self._socket.sendall(line)
        except ConnectionError:
            # A service that hung up may have said why, for instance that it has too many connections.
            self._reply()
            raise
        return self._reply()

    def close(self) -> None:
        self._replies.close()
        self._socket.close()

    def _reply(self) -> Any:
        line = self._replies.readline()
        if not line.endswith(b"\n"):
            raise ConnectionError("windowd closed the connection")
        try:
            # An integer read as int would lose the sign of -0.
            reply = json.loads(line, parse_int=float)
        except ValueError as unreadable:
            raise _not_windowd() from unreadable
        if isinstance(reply, dict) and "error" in reply and "yield" not in reply:
            error = _member(reply, "error", dict)
            raise WindowdError(_member(error, "code", str), _member(error, "message", str))
        return reply


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


def _member(reply: Any, name: str, kind: type) -> Any:
    if not isinstance(reply, dict) or not isinstance(reply.get(name, ...), kind):
        raise _not_windowd()
    return reply[name]


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
        raise ValueError(f"data may hold finite numbers alone, not {element!r}")
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
