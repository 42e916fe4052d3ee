"""What the tests of windowctl share: running it, a terminal for it, certificates."""

import fcntl
import os
import pathlib
import pty
import select
import ssl
import struct
import subprocess
import termios

from python_client_support import DEADLINE, Puppet

ROOT = pathlib.Path(__file__).resolve().parents[2]


def path():
    """windowctl is built beside the daemon."""
    return os.path.join(os.path.dirname(os.environ["WINDOWD"]), "windowctl")


def environment(**more):
    kept = {name: text for name, text in os.environ.items() if not name.startswith("WINDOWCTL_")}
    return {**kept, "LC_ALL": "C.UTF-8", "TERM": "xterm", **more}


def run(*arguments, text="", variables=None):
    """Runs it to its end, with this text as its standard input."""
    return subprocess.run(
        [path(), *arguments],
        input=text,
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE,
        env=environment(**(variables or {})),
        check=False,
    )


def start(*arguments, **more):
    """Starts it with pipes for its standard streams; stop() ends it."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
    return subprocess.Popen([path(), *arguments], env=environment(), **pipes)


def stop(process):
    process.kill()
    process.wait(timeout=DEADLINE)
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()


class Terminal:
    """windowctl on a terminal of so many columns and lines; everything it writes is in `text`."""

    def __init__(self, *arguments, columns=80, lines=24, variables=None):
        self.master, self.slave = pty.openpty()
        self.resize(columns, lines)
        self.before = termios.tcgetattr(self.slave)
        self.text = ""
        streams = {"stdin": self.slave, "stdout": self.slave, "stderr": self.slave}
        self.process = subprocess.Popen([path(), *arguments], env=environment(**(variables or {})), **streams)

    def resize(self, columns, lines):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def type(self, keys):
        os.write(self.master, keys.encode())

    def wait_for(self, part):
        """Reads until what has come since the call has this part, and returns that."""
        come = b""
        while part.encode() not in come:
            ready, _, _ = select.select([self.master], [], [], DEADLINE)
            if not ready:
                raise AssertionError(f"{part!r} did not come; this did: {come!r}")
            come += os.read(self.master, 65536)
        self.text += come.decode()
        return come.decode()

    def wait(self):
        return self.process.wait(timeout=DEADLINE)

    def settings(self):
        return termios.tcgetattr(self.slave)

    def close(self):
        self.process.kill()
        self.process.wait(timeout=DEADLINE)
        os.close(self.master)
        os.close(self.slave)


class Certificates:
    """An authority, and what it has signed for `localhost`: files in a folder."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self._make("ca", "-x509", "-subj", "/CN=authority of the test")
        for name in ("server", "client"):
            signed = ("-x509", "-CA", self.file("ca.pem"), "-CAkey", self.file("ca.key"))
            host = "localhost" if name == "server" else "a client"
            more = ("-addext", "subjectAltName=DNS:localhost") if name == "server" else ()
            self._make(name, *signed, "-subj", f"/CN={host}", *more, "-addext", "basicConstraints=critical,CA:FALSE")

    def file(self, name):
        return str(self.folder / name)

    def _make(self, name, *options):
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.file(f"{name}.key"))
        command = ["openssl", "req", "-new", *key, "-out", self.file(f"{name}.pem"), "-days", "2", *options]
        subprocess.run(command, check=True, capture_output=True, timeout=DEADLINE)


class TlsPuppet(Puppet):
    """A service that speaks TLS, with the certificate of `server`."""

    def __init__(self, certificates, *, asks_for_certificate=False):
        super().__init__()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificates.file("server.pem"), certificates.file("server.key"))
        if asks_for_certificate:
            self.context.verify_mode = ssl.CERT_REQUIRED
            self.context.load_verify_locations(certificates.file("ca.pem"))

    def accept(self):
        connection, _ = self.listener.accept()
        connection.settimeout(DEADLINE)
        self.connection = connection
        self.lines = connection.makefile("rb")
        self.connection = self.context.wrap_socket(connection, server_side=True)
        self.lines.close()
        self.lines = self.connection.makefile("rb")
