"""Certificates for tests, made by the openssl command: an authority, and what it vouches for."""

import pathlib
import ssl
import subprocess
import tempfile


class Authority:
    """In a folder of its own: `certificate` is what clients have to trust, issue() makes others."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)
        self.certificate, self.key = self._make("authority", "-addext", "basicConstraints=critical,CA:TRUE")

    def issue(self, name, serial=1):
        """The files of a certificate and its key, for the host localhost and 127.0.0.1."""
        return self._make(
            name,
            *("-CA", self.certificate, "-CAkey", self.key, "-set_serial", str(serial)),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
        )

    def _make(self, name, *more):
        certificate, key = str(self.path / f"{name}.crt"), str(self.path / f"{name}.key")
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        command += ["-days", "2", "-subj", f"/CN={name}", "-keyout", key, "-out", certificate, *more]
        subprocess.run(command, check=True, capture_output=True)
        return certificate, key

    def client_context(self, certificate=None, key=None):
        """What a client trusts, and who it says it is."""
        context = ssl.create_default_context(cafile=self.certificate)
        if certificate:
            context.load_cert_chain(certificate, key)
        return context

    def close(self):
        self.folder.cleanup()
