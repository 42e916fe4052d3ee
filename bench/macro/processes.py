"""Programs that are run and servers that are started; whatever happens, none of them is left behind."""

import contextlib
import json
import os
import pathlib
import re
import resource
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

START_DEADLINE = 30.0  # seconds until a server has to be ready
STOP_DEADLINE = 10.0  # seconds until it has to have ended
RUN_DEADLINE = 900.0  # seconds that any program may run


class Failure(Exception):
    """Something did not run, or did not give the right results."""


@dataclass(frozen=True)
class Server:
    """A server that is ready at 127.0.0.1."""

    pid: int
    port: int


def environment() -> dict[str, str]:
    """The caller's, but for the settings of windowd that may be in it."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("WINDOWD_")}
    return {**kept, "LC_ALL": "C"}


def free_port() -> int:
    """Nobody listens there now: for servers that can't have the kernel choose."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cpu_seconds(pid: int) -> float:
    """What all threads of a process have used so far, by the clock that clock_getcpuclockid(3) tells of."""
    return time.clock_gettime((~pid << 3) | 2)


@contextlib.contextmanager
def running(command: Sequence[str], log: pathlib.Path, ready: re.Pattern[str], port: int = 0) -> Iterator[Server]:
    """A server, from when its output says that it is ready; the pattern's group is its port if none is given."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment()
        )
    try:
        found = wait_for_output(process, log, ready)
        yield Server(process.pid, port or int(found[1]))
    finally:
        stop(process)


def wait_for_output(process: subprocess.Popen[bytes], log: pathlib.Path, ready: re.Pattern[str]) -> re.Match[str]:
    deadline = time.monotonic() + START_DEADLINE
    while True:
        ended = process.poll() is not None
        text = log.read_text(encoding="utf-8", errors="replace")
        if found := ready.search(text):
            return found
        if ended or time.monotonic() > deadline:
            raise Failure(f"{process.args!r} is not ready; it wrote:\n{text}")
        time.sleep(0.002)


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_DEADLINE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_DEADLINE)


def output_of(command: Sequence[str], **more: Any) -> str:
    """What a program writes to its standard output; it has to succeed."""
    done: subprocess.CompletedProcess[str] = subprocess.run(
        command, capture_output=True, encoding="utf-8", timeout=RUN_DEADLINE, env=environment(), check=False, **more
    )
    if done.returncode != 0:
        raise Failure(f"{' '.join(command)} failed ({done.returncode}):\n{done.stdout}{done.stderr}")
    return done.stdout


def run_into(output: IO[str], command: Sequence[str]) -> tuple[float, float]:
    """Runs a program that has to succeed. Its seconds, and its CPU time; no other child may end meanwhile."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, stdout=output, timeout=RUN_DEADLINE, env=environment(), check=True)
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def json_of(command: Sequence[str]) -> dict[str, Any]:
    """The one JSON object that a program writes."""
    read: dict[str, Any] = json.loads(output_of(command))
    return read
