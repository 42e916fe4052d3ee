"""Runs windowd-load, the program that makes load, and reads what it has found."""

import json
import os
import subprocess
import sys

# No reply may take longer: far above what any takes, however busy the machine is, so that only what hangs fails.
PATIENCE = 60  # seconds


# Below 1 under a sanitizer, where a connection is several times as dear.
SCALE = float(os.environ.get("WINDOWD_LOAD_SCALE", "1"))


def scaled(count):
    return max(1, round(count * SCALE))


class Load:
    """A run of the program. `results()` waits for its end."""

    def __init__(self, kind, port, path, connections, **options):
        words = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        self.length = options.get("seconds", 0)
        self.process = subprocess.Popen(
            [os.environ["WINDOWD_LOAD"], kind, f"--port={port}", f"--path={path}"]
            + [f"--connections={connections}", f"--patience={PATIENCE}", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def runs(self):
        return self.process.poll() is None

    def results(self):
        """Ends its standard input too, which a restart round waits for."""
        printed, _ = self.process.communicate(timeout=self.length + 3 * PATIENCE)
        found = json.loads(printed) if printed else {}
        if self.process.returncode != 0 or found["failed"] != 0:
            raise AssertionError(f"status {self.process.returncode}: {json.dumps(found, indent=2)[:10_000]}")
        return found


def tell(title, found):
    """For the log of a run by hand, and of CI."""
    print(f"{title}: {json.dumps(found)}", file=sys.stderr)
