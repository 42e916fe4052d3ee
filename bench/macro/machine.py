"""On what, with what and of what a run was made."""

import datetime
import os
import pathlib
import platform
import re
from typing import Any

import bottleneck
import pandas

from processes import output_of

ROOT = pathlib.Path(__file__).resolve().parents[2]


def found_in(text: str, pattern: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    return found[1].strip() if found else "unknown"


def memory() -> str:
    kibibytes = int(found_in(pathlib.Path("/proc/meminfo").read_text(), r"^MemTotal:\s+(\d+)"))
    return f"{kibibytes / 1024**2:.1f} GiB"


def machine() -> dict[str, str]:
    lines = output_of(["lscpu"])
    caches = {name: found_in(lines, rf"^\s*{name} cache:(.*)$") for name in ("L1d", "L1i", "L2", "L3")}
    return {
        "processor": found_in(lines, r"^\s*Model name:(.*)$"),
        "cores": str(os.cpu_count()),
        "caches": ", ".join(f"{name} {size}" for name, size in caches.items()),
        "memory": memory(),
        "virtual machine": found_in(lines, r"^\s*Hypervisor vendor:(.*)$"),
        "system": found_in(pathlib.Path("/etc/os-release").read_text(), r'^PRETTY_NAME="(.*)"$'),
        "kernel": platform.release(),
        "load before": " ".join(f"{load:.2f}" for load in os.getloadavg()),
    }


def versions(build: pathlib.Path) -> dict[str, str]:
    cache = (build / "CMakeCache.txt").read_text()
    compiler = found_in(cache, r"^CMAKE_CXX_COMPILER:\w+=(.*)$")
    flags = found_in(cache, r"^CMAKE_CXX_FLAGS_RELEASE:\w+=(.*)$")
    return {
        "windowd": found_in(output_of([str(build / "windowd"), "--version"]), r"^windowd (\S+)"),
        "commit": output_of(["git", "describe", "--always", "--dirty", "--abbrev=12"], cwd=ROOT).strip(),
        "compiler": f"{output_of([compiler, '--version']).splitlines()[0]}, {flags}",
        "Boost": found_in(cache, r"^Boost_DIR:.*/Boost-([\d.]+)$"),
        "Redis": found_in(output_of(["redis-server", "--version"]), r"v=(\S+)"),
        "Miller": found_in(output_of(["mlr", "--version"]), r"(\d\S+)"),
        "Python": platform.python_version(),
        "pandas": pandas.__version__,
        "bottleneck": bottleneck.__version__,
    }


def circumstances(build: pathlib.Path) -> dict[str, Any]:
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
        "machine": machine(),
        "versions": versions(build),
    }
