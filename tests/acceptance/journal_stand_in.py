"""A journal for one daemon: journal_stand_in.py WINDOWD, as root in a mount namespace of its own, prints what it gets."""

import os
import pathlib
import signal
import socket
import subprocess
import sys

JOURNAL = pathlib.Path("/run/systemd/journal/socket")


def main(daemon: str) -> int:
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    JOURNAL.parent.mkdir(parents=True)
    journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    journal.bind(str(JOURNAL))
    journal.settimeout(60)
    error = os.fstat(2)
    variables = {name: text for name, text in os.environ.items() if not name.startswith("WINDOWD")}
    variables["JOURNAL_STREAM"] = f"{error.st_dev}:{error.st_ino}"
    process = subprocess.Popen([daemon, "--listen", "tcp://127.0.0.1:0"], env=variables)
    told = ""
    while "MESSAGE=stopped" not in told:
        entry = journal.recv(65536).decode()
        if "listening on" in entry:
            process.send_signal(signal.SIGTERM)
        told += entry
    print(told)
    return process.wait(timeout=60)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
