"""What the tests of faults share: a daemon whose calls fail as told, and clients that check every reply."""

import json
import mmap
import os
import pathlib
import re
import socket
import ssl
import struct
import subprocess
import tempfile
import time

from python_client_support import DEADLINE, Daemon

# The kinds of calls, as tests/support/fault_injector.cpp numbers them.
RECEIVE, SEND, ACCEPT, ALLOCATE, WATCH, WAIT, TIMER, DESCRIPTOR = range(1, 9)

# What a call does, where it is not an errno: as little as it may, or what the end of the other side does.
SHORT, END = -1, -2

FIELDS = ("what", "how", "first", "times", "port", "forward", "seen", "failed", "obtained", "released")


class Faults:
    """The memory that is shared with the daemon: which calls fail, and how many there were."""

    def __init__(self):
        self.file = tempfile.NamedTemporaryFile()
        self.file.write(bytes(8 * len(FIELDS)))
        self.file.flush()
        self.memory = mmap.mmap(self.file.fileno(), 8 * len(FIELDS))

    def set(self, name, value):
        struct.pack_into("q", self.memory, 8 * FIELDS.index(name), value)

    def get(self, name):
        return struct.unpack_from("q", self.memory, 8 * FIELDS.index(name))[0]

    def arm(self, what, how=0, first=0, times=1, port=0):
        """From now on, of the calls of that kind the one of number `first` fails (from 1; 0: none), and `times` - 1 more."""
        self.disarm()
        for name, value in (("how", how), ("first", first), ("times", times), ("port", port)):
            self.set(name, value)
        self.set("seen", 0)
        self.set("failed", 0)
        self.set("what", what)

    def disarm(self):
        self.set("what", 0)

    @property
    def failed(self):
        return self.get("failed")

    @property
    def pieces_of_memory(self):
        return self.get("obtained") - self.get("released")

    def close(self):
        self.memory.close()
        self.file.close()


def sanitizer():
    """The libraries of the sanitizer that the daemon is built with, which have to be loaded before all others."""
    needs = subprocess.run(["ldd", os.environ["WINDOWD"]], check=True, capture_output=True, text=True).stdout
    return re.findall(r"=> (\S*/lib[a-z]*san\.so\S*)", needs)


def is_sanitized():
    if "WINDOWD" not in os.environ:
        return False  # the tests will say that it is missing
    return b"__asan_init" in pathlib.Path(os.environ["WINDOWD"]).read_bytes() or bool(sanitizer())


def preload():
    """The variables of a daemon into which the injector is loaded."""
    return {"LD_PRELOAD": ":".join([*sanitizer(), os.environ["FAULT_INJECTOR"]])}


class FaultyDaemon(Daemon):
    """A daemon whose calls fail as `faults` says. `environment` is added to."""

    def __init__(self, *options, faults, environment=None, **more):
        self.faults = faults
        variables = {**preload(), "FAULT_CONTROL": faults.file.name, **(environment or {})}
        super().__init__(*options, environment=variables, **more)

    @property
    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


def until(condition, what="it"):
    """What the condition gives as soon as that is true; it is asked often."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        if result := condition():
            return result
        time.sleep(0.001)  # between two questions to another process, which cannot tell us
    raise AssertionError(f"{what} did not happen")


# How a connection breaks: not by the time being over.
BROKEN = (ConnectionResetError, BrokenPipeError, ConnectionAbortedError, ssl.SSLError)


class Client:
    """A connection that tells replies from events, and notices its end. `ended` is None, "end", or "reset" where it broke."""

    def __init__(self, address):
        self.socket = socket.create_connection(address, DEADLINE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = self.socket.getsockname()[1]
        self.is_encrypted = False
        self.rest = b""
        self.replies = []
        self.events = []
        self.ended = None

    def encrypt(self, context):
        self.is_encrypted = True
        try:
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        except BROKEN:
            self.ended = "reset"

    def send(self, request):
        if self.ended is not None:
            return
        try:
            self.socket.sendall(request)
        except BROKEN:
            pass  # the next read tells, behind what had arrived

    def read_until(self, replies):
        """Until there are so many replies, or the connection has ended."""
        while self.ended is None and len(self.replies) < replies:
            self._read()

    def read_to_end(self):
        while self.ended is None:
            self._read()

    def read_until_event(self, beginning):
        """Until the last event is one that begins like that."""
        while self.ended is None and not (self.events and self.events[-1].startswith(beginning)):
            self._read()

    def _read(self):
        try:
            piece = self.socket.recv(1 << 20)
        except BROKEN:
            self.ended = "reset"
            return
        if not piece:
            self.ended = "end"
        *lines, self.rest = (self.rest + piece).split(b"\n")
        for line in lines:
            (self.events if line.startswith(b'{"event"') else self.replies).append(line)

    def ask(self, request):
        """The next reply as Python has it."""
        number = len(self.replies)
        self.send(request + b"\n")
        self.read_until(number + 1)
        if len(self.replies) <= number:
            raise AssertionError(f"no reply to {request}: the connection was over ({self.ended})")
        return json.loads(self.replies[number])

    def half_close(self):
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it has been reset

    def say_goodbye(self):
        """The end of TLS on both sides, behind the last reply."""
        if self.ended is not None:
            return
        try:
            self.socket.unwrap()
            self.ended = "end"
        except BROKEN:
            self.ended = "reset"

    def close(self):
        self.socket.close()


LONG = 9000  # values of an array that is read in several pieces, and answered in slices


def long_array():
    return b"[" + b",".join(b"%d.0625" % i for i in range(LONG)) + b"]\n"


# What a client says, a step at a time: in each step so many requests, whose replies are waited for. NAME is a shared
# window's. Each step but the last begins a window anew, so that nothing that went wrong before is seen there.
STEPS = (
    (2, b'{"op":"open","id":"a"}\n5\n'),
    (4, b'{"op":"open"}\n[7,9,null,11]\nnull\n{"op":"dump","id":1}\n'),
    (
        5,
        b'{"op":"open","size":4,"stats":["mean","std","p90"],"data":[1,2],"id":2}\n'
        b'{"op":"send","values":[3,4.5,"x"],"id":3}\n{"op":"read","id":4}\n{"op":"clear"}\n{"op":"nothing","id":5}\n',
    ),
    (2, b'{"op":"open","span":60,"id":6}\n{"op":"send","value":5,"at":1700000000,"id":7}\n'),
    (2, b'{"op":"open","stats":["last"],"id":8}\n' + long_array()),
    (1, b'{"op":"subscribe","window":"NAME*","id":9}\n'),
    (1, b'{"op":"open","window":"NAME","size":5,"stats":["mean","max"],"data":[1,2],"id":10}\n'),
    (1, b'{"op":"send","window":"NAME","values":[3,4],"id":11}\n'),
    (1, b'{"op":"dump","window":"NAME","id":12}\n'),
    (1, b'{"op":"windows","match":"NAME*","id":13}\n'),
    (1, b'{"op":"clear","window":"NAME","id":14}\n'),
    (1, b'{"op":"close","window":"NAME","id":15}\n'),
    (1, b'{"op":"unsubscribe","window":"NAME*","id":16}\n'),
    (61, b'{"op":"open","size":10,"stats":["sum"]}\n' + b"".join(b"%d\n" % i for i in range(60))),
    (2, b'{"op":"help","id":17}\nnot json\n'),
)
# Of a witness, who follows everything from the beginning to the end.
WITNESS_STEPS = tuple(step for step in STEPS if b"subscribe" not in step[1])

LAST_STEP = (2, b'{"op":"open","id":18}\n6')  # the line has no end: the connection has

ALL_REPLIES = sum(replies for replies, _ in (*STEPS, LAST_STEP))


class Conversation:
    """What a client says on a connection, and what it is answered. `name` is that of its shared window."""

    def __init__(self, client, name):
        self.client = client
        self.name = name.encode()
        self.due = len(client.replies)

    def take(self, step):
        replies, requests = step
        self.due += replies
        self.client.send(requests.replace(b"NAME", self.name))
        self.client.read_until(self.due)

    def finish(self):
        """The last step, and the end, which the client says first."""
        replies, requests = LAST_STEP
        self.due += replies
        if self.client.is_encrypted:
            self.client.send(requests + b"\n")
            self.client.read_until(self.due)
            self.client.say_goodbye()
        else:
            self.client.send(requests)
            self.client.half_close()
            self.client.read_to_end()
        self.client.close()

    def plain(self, lines):
        """The lines as they would be with any other name."""
        return [line.replace(self.name, b"NAME") for line in lines]
