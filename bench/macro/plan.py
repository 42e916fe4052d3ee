"""What scripts/bench measures: the rows, who takes part in each, and what is to be reached. Data alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from contestants import (
    Amount,
    Contestant,
    InProcess,
    Loaded,
    Miller,
    Option,
    PythonProgram,
    RedisIncrement,
    RedisScript,
    Rolling,
    SideBySide,
    Starting,
)


@dataclass(frozen=True)
class Column:
    """A figure that is shown: its name in the results, its heading, what it is multiplied by, and its decimals."""

    figure: str
    heading: str
    scale: float = 1
    decimals: int = 0


@dataclass(frozen=True)
class Target:
    """One bound, for `contestant`'s figure divided by that of `against`, or, without it, for the figure itself."""

    what: str
    figure: Column
    contestant: str
    against: str | None
    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True)
class Row:
    """Contestants that take turns. A ratio in its table is the first one's first figure divided by each one's."""

    key: str
    title: str
    note: str
    columns: Sequence[Column]
    contestants: Sequence[Contestant]
    targets: Sequence[Target] = ()


RATE = Column("values_per_second", "values/s")
CPU = Column("cpu_ns_per_value", "CPU ns/value", decimals=1)
P50 = Column("p50_us", "p50, µs", decimals=1)
P99 = Column("p99_us", "p99, µs", decimals=1)
MAXIMUM = Column("max_us", "max, µs", decimals=1)
PER_CONNECTION = Column("bytes_per_connection", "KiB each", scale=1 / 1024, decimals=2)
START = Column("seconds", "ms to the first answer", scale=1000, decimals=2)
RESIDENT = Column("rss_bytes", "resident MiB", scale=1 / 1024**2, decimals=2)

THROUGHPUT = (RATE, CPU)
LATENCY = (P50, P99, MAXIMUM)

VALUES = ("--count", Amount(5_000_000, 50_000), "--warmup", Amount(500_000, 5_000))
FEWER_VALUES = ("--count", Amount(2_000_000, 20_000), "--warmup", Amount(200_000, 2_000))
SLOW_VALUES = ("--count", Amount(200_000, 5_000), "--warmup", Amount(20_000, 500))
ROUND_TRIPS = ("--count", Amount(30_000, 1_000), "--warmup", Amount(3_000, 100))
BUSY = ("--busy", "1000", "--busy-rate", "20000")
STATISTICS = {"mean": 2, "std": 2, "median": 2, "min": 2, "max": 2, "skew": 1}  # and how many libraries have them
WINDOW_SIZES = (10, 1_000, 1_000_000)

BARE = "windowd"
ONE_THREAD = "windowd --threads 1"
ARRAYS = "windowd, arrays of 1,000"
SENDS = 'windowd, {"op":"send","value":…}'
NAMED = 'windowd, {"op":"send","window":…,"value":…}'
CONVERSATION = "windowd's conversation, in-process"
LOOP = "plain loop of read, exact mean, write"
NAIVE = "naive Asio server"
ECHO = "bare Asio echo server"
INCR = "Redis INCR, -P 100"
SCRIPT = "Redis, moving average in Lua, -P 100"
GENERATOR = "Python generator, in-process"
ASYNCIO = "Python asyncio server around it"
MILLER = "Miller, step -a slwin_2_0, a file"


def one_connection(kind: str) -> list[Contestant]:
    values = ("values", "--kind", kind, *VALUES)
    return [
        Loaded(BARE, values),
        Loaded(ECHO, values, server="echo", expect="echo"),
        Loaded(NAIVE, values, server="naive", expect="naive"),
        InProcess(CONVERSATION, ("conversation", "--kind", kind, *VALUES)),
        InProcess(LOOP, ("loop", "--kind", kind, *VALUES)),
    ]


def latency(key: str, title: str, note: str, load: Sequence[str], targets: Sequence[Target]) -> Row:
    scenario: Sequence[Option] = ["latency", *ROUND_TRIPS, *load]
    contestants = [
        Loaded(BARE, scenario),
        Loaded(ONE_THREAD, scenario, server_options=("--threads", "1")),
        Loaded(ECHO, scenario, server="echo", expect="echo"),
    ]
    return Row(key, title, note, LATENCY, contestants, targets)


def sized(statistic: str, size: int) -> str:
    return f"{statistic} of {size:,}"


def sized_target(statistic: str, at_most: float) -> Target:
    small, large = sized(statistic, WINDOW_SIZES[0]), sized(statistic, WINDOW_SIZES[-1])
    what = f"{statistic}, window of {WINDOW_SIZES[0]:,} against one of {WINDOW_SIZES[-1]:,}: values/s"
    return Target(what, RATE, small, large, at_most=at_most)


def statistic_row(statistic: str, libraries: int) -> Row:
    size = 1_000
    scenario = ("sized", "--kind", "decimals", "--stat", statistic, "--window-size", str(size), *FEWER_VALUES)
    contestants: list[Contestant] = [Loaded(BARE, scenario)]
    for package in ("pandas", "bottleneck")[:libraries]:
        contestants.append(Rolling(package, package, statistic, size, Amount(1_000_000, 50_000)))
    note = (
        "windowd is sent values as text through a socket and answers each as soon as it comes; the libraries compute "
        "from an array in memory to an array in memory. Their first 20,000 results agree with windowd's to 1e-7."
    )
    return Row(f"statistic-{statistic}", f"Rolling {statistic} of 1,000 values", note, THROUGHPUT, contestants)


ROWS: Sequence[Row] = (
    Row(
        "one-connection",
        "One connection, bare integers, mean of 3",
        "Integers from 0 to 999, pipelined. redis-benchmark does not look at replies; Redis's own counts are checked.",
        THROUGHPUT,
        [
            *one_connection("integers"),
            RedisIncrement(INCR, Amount(2_000_000, 20_000)),
            RedisScript(SCRIPT, Amount(200_000, 5_000)),
            PythonProgram(GENERATOR, ("generator.py", "--count", Amount(2_000_000, 20_000))),
            Loaded(ASYNCIO, ("values", "--kind", "integers", *SLOW_VALUES), server="asyncio"),
            Miller(MILLER, Amount(1_000_000, 20_000)),
        ],
        [
            Target("bare values against the naive server: values/s", RATE, BARE, NAIVE, at_least=1.3),
            Target("bare values against Redis INCR -P 100: values/s", RATE, BARE, INCR, at_least=10),
            Target("bare values against the in-process generator: values/s", RATE, BARE, GENERATOR, at_least=2.5),
            Target("bare values against the conversation: values/s", RATE, BARE, CONVERSATION, at_least=0.85),
            Target("the conversation against the plain loop: values/s", RATE, CONVERSATION, LOOP, at_least=0.85),
        ],
    ),
    Row(
        "decimals",
        "One connection, bare decimals, mean of 3",
        "Numbers from 16.00 to 999.99, pipelined.",
        THROUGHPUT,
        one_connection("decimals"),
    ),
    Row(
        "requests",
        "One connection, other requests",
        "The same integers in other requests. Of the 10,000 shared windows, each value goes to one at random.",
        THROUGHPUT,
        [
            Loaded(BARE, ("values", *VALUES)),
            Loaded(ARRAYS, ("arrays", "--array-size", "1000", *VALUES)),
            Loaded(SENDS, ("send", *FEWER_VALUES)),
            Loaded(NAMED, ("named", "--windows", "10000", *FEWER_VALUES)),
        ],
        [
            Target("arrays of 1,000 against bare values: values/s", RATE, ARRAYS, BARE, at_least=1.2),
            Target("op send against bare values: values/s", RATE, SENDS, BARE, at_least=0.4),
            Target("op send over 10,000 windows against bare values: values/s", RATE, NAMED, BARE, at_least=0.25),
        ],
    ),
    latency(
        "latency",
        "One value at a time, latency",
        "The next value is sent when the answer to the last has come.",
        (),
        [
            Target("latency p50 against the echo's", P50, BARE, ECHO, at_most=1.05),
            Target("latency p99 against the echo's", P99, BARE, ECHO, at_most=1.15),
        ],
    ),
    latency(
        "busy",
        "The same while 1,000 other connections are busy",
        "Those send 20,000 values a second together, the same to both servers.",
        BUSY,
        [
            Target("latency p99 among 1,000 busy connections against the echo's", P99, BARE, ECHO, at_most=1.3),
            Target("the same with one thread, as the echo", P99, ONE_THREAD, ECHO, at_most=1.3),
        ],
    ),
    Row(
        "sizes",
        "The window's size",
        "Bare integers; the window is full when the time begins.",
        THROUGHPUT,
        [
            Loaded(
                sized(statistic, size), ("sized", "--stat", statistic, "--window-size", str(size), *FEWER_VALUES)
            )
            for statistic in ("mean", "p99")
            for size in WINDOW_SIZES
        ],
        [sized_target("mean", 1.5), sized_target("p99", 4)],
    ),
    Row(
        "shared",
        "Eight connections on one shared window",
        "Bare integers from eight connections of one client; each reply is the mean of the window's last 3.",
        THROUGHPUT,
        [
            Loaded("one connection on its own", ("values", *FEWER_VALUES)),
            Loaded("8 connections, one window", ("shared", "--connections", "8", *FEWER_VALUES)),
        ],
        [
            Target(
                "8 connections on a shared window against one on its own: values/s",
                RATE,
                "8 connections, one window",
                "one connection on its own",
                at_least=0.7,
            )
        ],
    ),
    Row(
        "threads",
        "Two threads",
        "Two connections, each with a window of its own and a client process of its own.",
        (CPU, RATE),
        [
            SideBySide(f"--threads {threads}", 2, ("values", *FEWER_VALUES), ("--threads", threads))
            for threads in ("1", "2")
        ],
    ),
    Row(
        "idle",
        "Idle connections",
        "Resident memory that 10,000 of them add: new ones, and ones that have sent a value before.",
        (PER_CONNECTION, RESIDENT),
        [
            Loaded("new", ("idle", "--connections", Amount(10_000, 500))),
            Loaded("used before", ("idle", "--used", "--connections", Amount(10_000, 500))),
        ],
        [
            Target("an idle connection, new: KiB", PER_CONNECTION, "new", None, at_most=3),
            Target("an idle connection, used before: KiB", PER_CONNECTION, "used before", None, at_most=3),
        ],
    ),
    Row(
        "start",
        "Start",
        "From the start of the process to its first answer, and its resident memory then.",
        (START, RESIDENT),
        [Starting(BARE)],
        [
            Target("start to the first answer: ms", START, BARE, None, at_most=20),
            Target("resident memory when idle: MiB", RESIDENT, BARE, None, at_most=12),
        ],
    ),
    *(statistic_row(statistic, libraries) for statistic, libraries in STATISTICS.items()),
)
