"""What can take part in a row: each kind starts what it needs, measures once, checks, and stops what it started."""

import contextlib
import csv
import io
import pathlib
import random
import re
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

from processes import Failure, Server, cpu_seconds, free_port, json_of, output_of, run_into, running

HERE = pathlib.Path(__file__).resolve().parent
PORT_IN_OUTPUT = re.compile(r"^(?:.* listening on tcp://127\.0\.0\.1:)?(\d+)\n", re.MULTILINE)
REDIS_IS_READY = re.compile(r"Ready to accept connections")

Figures = dict[str, float]


@dataclass(frozen=True)
class Amount:
    """How much of something: in a full run, and where only that it works is asked."""

    full: int
    quick: int


Option = str | Amount


@dataclass(frozen=True)
class Bench:
    """Where a run takes place."""

    build: pathlib.Path  # the folder of the CMake preset "bench"
    temporary: pathlib.Path
    quick: bool

    def amount(self, amount: Amount) -> int:
        return amount.quick if self.quick else amount.full

    def words(self, options: Sequence[Option]) -> list[str]:
        return [str(self.amount(each)) if isinstance(each, Amount) else each for each in options]

    def windowd(self) -> str:
        return str(self.build / "windowd")

    def measure(self, *options: Option) -> list[str]:
        return [str(self.build / "bench" / "macro" / "measure"), *self.words(options)]

    def server(self, name: str, options: Sequence[str] = ()) -> contextlib.AbstractContextManager[Server]:
        """One of those that `measure` knows how to talk to."""
        yardstick = str(self.build / "bench" / "macro" / "yardstick")
        commands = {
            "windowd": [self.windowd(), "--listen", "tcp://127.0.0.1:0"],
            "echo": [yardstick, "echo"],
            "naive": [yardstick, "naive"],
            "asyncio": [sys.executable, str(HERE / "asyncio_server.py")],
        }
        return running([*commands[name], *options], self.temporary / f"{name}.log", PORT_IN_OUTPUT)


class Contestant(Protocol):
    """What each kind below is."""

    @property
    def name(self) -> str: ...

    def run(self, bench: Bench) -> Figures: ...


def figures_of(measured: dict[str, Any]) -> Figures:
    """The numbers of what `measure` prints, and what follows from them."""
    found = {name: float(value) for name, value in measured.items() if type(value) in (int, float)}
    values = found["values"]
    if values > 0:
        found["values_per_second"] = values / found["seconds"]
        if "server_cpu_seconds" in found:
            found["cpu_ns_per_value"] = found["server_cpu_seconds"] * 1e9 / values
    return found


@dataclass(frozen=True)
class Loaded:
    """A server that `measure` loads with a scenario."""

    name: str
    scenario: Sequence[Option]
    server: str = "windowd"
    expect: str = "windowd"
    server_options: Sequence[str] = ()

    def run(self, bench: Bench) -> Figures:
        with bench.server(self.server, self.server_options) as server:
            options = ["--port", str(server.port), "--server-pid", str(server.pid), "--expect", self.expect]
            return figures_of(json_of(bench.measure(*self.scenario, *options)))


@dataclass(frozen=True)
class InProcess:
    """What `measure` does without a server."""

    name: str
    scenario: Sequence[Option]

    def run(self, bench: Bench) -> Figures:
        return figures_of(json_of(bench.measure(*self.scenario)))


@dataclass(frozen=True)
class Starting:
    """windowd from its start to its first answer."""

    name: str

    def run(self, bench: Bench) -> Figures:
        port = str(free_port())
        command = [bench.windowd(), "--listen", f"tcp://127.0.0.1:{port}"]
        return figures_of(json_of(bench.measure("start", "--port", port, "--", *command)))


@dataclass(frozen=True)
class SideBySide:
    """windowd with several clients at once, each a process with a window of its own."""

    name: str
    clients: int
    scenario: Sequence[Option]
    server_options: Sequence[str]

    def run(self, bench: Bench) -> Figures:
        with bench.server("windowd", self.server_options) as server, ThreadPoolExecutor(self.clients) as pool:
            before = cpu_seconds(server.pid)
            command = bench.measure(*self.scenario, "--port", str(server.port))
            clients = list(pool.map(json_of, [command] * self.clients))
            used = cpu_seconds(server.pid) - before
        values = sum(client["values"] for client in clients)
        return {
            "values": values,
            "values_per_second": sum(client["values_per_second"] for client in clients),
            "cpu_ns_per_value": used * 1e9 / values,
            "checked": sum(client["checked"] for client in clients),
        }


@dataclass(frozen=True)
class PythonProgram:
    """A program beside this file that measures itself."""

    name: str
    words: Sequence[Option]

    def run(self, bench: Bench) -> Figures:
        program, *options = bench.words(self.words)
        return figures_of(json_of([sys.executable, str(HERE / program), *options]))


@dataclass(frozen=True)
class Rolling:
    """rolling.py, whose results are compared with windowd's."""

    name: str
    package: str
    statistic: str
    size: int
    count: Amount

    def run(self, bench: Bench) -> Figures:
        options: list[Option] = [self.package, "--stat", self.statistic, "--window-size", str(self.size)]
        with bench.server("windowd") as server:
            asked = [*options, "--count", self.count, "--port", str(server.port)]
            return PythonProgram(self.name, ["rolling.py", *asked]).run(bench)


@contextlib.contextmanager
def redis(bench: Bench) -> Iterator[Server]:
    """A Redis that keeps nothing on disk."""
    port = free_port()
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    command = ["redis-server", *options, "--dir", str(bench.temporary)]
    with running(command, bench.temporary / "redis.log", REDIS_IS_READY, port) as server:
        yield server


def ask_redis(server: Server, *words: str) -> str:
    return output_of(["redis-cli", "-e", "-p", str(server.port), *words]).strip()


def redis_benchmark(server: Server, requests: int, command: Sequence[str]) -> Figures:
    """One connection that sends pipelines of 100."""
    load = ["redis-benchmark", "-p", str(server.port), "-c", "1", "-P", "100", "--csv", "-n", str(requests)]
    before = cpu_seconds(server.pid)
    (line,) = csv.DictReader(io.StringIO(output_of([*load, *command])))
    used = cpu_seconds(server.pid) - before
    return {
        "values": requests,
        "values_per_second": float(line["rps"]),
        "cpu_ns_per_value": used * 1e9 / requests,
    }


def require_calls(server: Server, command: str, calls: int) -> None:
    """redis-benchmark looks at no reply, but Redis counts its calls, and those that failed."""
    line = next((each for each in ask_redis(server, "INFO", "commandstats").split() if f"_{command}:" in each), "")
    counts = dict(pair.split("=") for pair in line.partition(":")[2].split(",") if pair)
    if (counts.get("calls"), counts.get("rejected_calls"), counts.get("failed_calls")) != (str(calls), "0", "0"):
        raise Failure(f"Redis did not call {command} {calls} times: {line!r}")


@dataclass(frozen=True)
class RedisIncrement:
    """INCR, about the least that Redis can do with a number."""

    name: str
    requests: Amount

    def run(self, bench: Bench) -> Figures:
        requests = bench.amount(self.requests)
        with redis(bench) as server:
            figures = redis_benchmark(server, requests, ["-t", "incr"])
            require_calls(server, "incr", requests)
            if (counted := ask_redis(server, "GET", "counter:__rand_int__")) != str(requests):
                raise Failure(f"Redis counted {counted}, not {requests}")
        return {**figures, "checked": 1}


@dataclass(frozen=True)
class RedisScript:
    """The moving average as a script."""

    name: str
    requests: Amount

    def run(self, bench: Bench) -> Figures:
        requests = bench.amount(self.requests)
        with redis(bench) as server:
            digest = ask_redis(server, "SCRIPT", "LOAD", (HERE / "moving_average.lua").read_text())
            said = [ask_redis(server, "EVALSHA", digest, "1", "tried", "3", value) for value in "5 7 9 11.5".split()]
            if said != ["5", "6", "7", "9.1666666666666661"]:
                raise Failure(f"the script says {said}")
            call = ["-r", "1000", "EVALSHA", digest, "1", "window", "3", "__rand_int__"]
            figures = redis_benchmark(server, requests, call)
            require_calls(server, "evalsha", len(said) + requests)
        return {**figures, "checked": len(said)}


@dataclass(frozen=True)
class Miller:
    """A column of a file, from its start to its end."""

    name: str
    count: Amount
    command: Sequence[str] = field(default=("mlr", "--icsv", "--ocsv", "step", "-a", "slwin_2_0", "-f", "x"))

    def run(self, bench: Bench) -> Figures:
        values = random.Random(2015).choices(range(1000), k=bench.amount(self.count))
        source = bench.temporary / "miller.csv"
        source.write_text("\n".join(["x", *map(str, values), ""]))
        with (bench.temporary / "miller.out").open("w+") as output:
            seconds, used = run_into(output, [*self.command, str(source)])
            output.seek(0)
            self.require_means(values, output.read().split()[1:])
        return figures_of(
            {"values": len(values), "seconds": seconds, "server_cpu_seconds": used, "checked": len(values)}
        )

    @staticmethod
    def require_means(values: list[int], lines: list[str]) -> None:
        if len(lines) != len(values):
            raise Failure(f"Miller wrote {len(lines)} lines for {len(values)} values")
        for index, line in enumerate(lines):
            last = values[max(0, index - 2) : index + 1]
            value, mean = line.split(",")
            if int(value) != values[index] or abs(float(mean) - sum(last) / len(last)) > 1e-9:
                raise Failure(f"Miller's mean of {last} is {mean}")
