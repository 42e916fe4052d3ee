"""The moving average as a Python generator, and how fast it is in its own process: generator.py --count N

This is what windowd is modelled on: values go in through send(), averages come out of yield.
"""

import argparse
import json
import random
import time
from collections import deque
from collections.abc import Generator

Service = Generator[float | None, float, None]


def moving_average(size: int) -> Service:
    """Each value sent is answered with the mean of the last `size` ones."""
    window: deque[float] = deque(maxlen=size)
    average = None
    while True:
        value = yield average
        window.append(value)
        average = sum(window) / len(window)


def started(size: int) -> Service:
    """Ready for its first value."""
    service = moving_average(size)
    next(service)
    return service


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, required=True)
    count = parser.parse_args().count
    values = random.Random(2015).choices(range(1000), k=count)
    send = started(3).send

    began, cpu_began = time.perf_counter(), time.process_time()
    averages = [send(value) for value in values]
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began

    for index, average in enumerate(averages):
        last = values[max(0, index - 2) : index + 1]
        if average != sum(last) / len(last):
            raise SystemExit(f"the mean of {last} is not {average}")
    print(json.dumps({"values": count, "seconds": seconds, "server_cpu_seconds": cpu_seconds, "checked": count}))


if __name__ == "__main__":
    main()
