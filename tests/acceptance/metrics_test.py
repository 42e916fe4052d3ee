"""Tests the daemon's metrics as those who watch it get them: with a strict parser, and with a real Prometheus.

Run: WINDOWD=build/release/windowd python3 tests/acceptance/metrics_test.py
"""

import http.client
import json
import pathlib
import re
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

from prometheus_client.openmetrics import parser
from python_client_support import DEADLINE, Daemon, require_daemon

import windowd

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")

CONFIGURATION = """
global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}
scrape_configs:
  - job_name: windowd
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


def setUpModule():
    require_daemon()


def until(condition):
    """What the condition gives as soon as that is true; it is asked often."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        if result := condition():
            return result
        time.sleep(0.02)  # between two questions to another process, which cannot tell us
    raise AssertionError("the time is over")


def get(url, **options):
    return urllib.request.urlopen(urllib.request.Request(url, **options), timeout=DEADLINE)


class MetricsTest(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon("--metrics=tcp://127.0.0.1:0")
        self.addCleanup(self.daemon.kill)
        self.port = int(self.daemon.wait_for(r"metrics on tcp://127\.0\.0\.1:(\d+)/metrics$"))
        self.url = f"http://127.0.0.1:{self.port}/metrics"

    def scrape(self):
        """The families by name, and the samples by name and labels."""
        with get(self.url) as answer:
            text = answer.read().decode("utf-8")
        families = {family.name: family for family in parser.text_string_to_metric_families(text)}
        samples = {
            (sample.name, *sample.labels.values()): sample.value
            for family in families.values()
            for sample in family.samples
        }
        return families, samples

    def ask(self, *lines):
        """Sends lines on a connection of its own; returns the replies."""
        with socket.create_connection(self.daemon.address, DEADLINE) as connection:
            connection.sendall("".join(line + "\n" for line in lines).encode("utf-8"))
            connection.shutdown(socket.SHUT_WR)
            return connection.makefile("rb").read()

    def test_a_strict_parser_takes_all_and_all_is_documented(self):
        families, _ = self.scrape()
        documented = set(re.findall(r"^\| `([a-z_]+?)(?:_total)?(?:\{[a-z]+\})?` \|", DOCUMENT, re.MULTILINE))
        self.assertEqual(set(families), documented)
        for family in families.values():
            self.assertNotEqual(family.documentation, "")
            self.assertIn(family.unit, ("", "seconds", "bytes"))

    def test_traffic_is_counted(self):
        _, before = self.scrape()
        lines = ("5", "[7,9]", '{"op":"open","window":"w","size":3}', '{"op":"nothing"}', "{")
        replies = self.ask(*lines)
        until(lambda: self.scrape()[1][("windowd_connections",)] == 0)
        _, after = self.scrape()
        expected = {
            "windowd_connections_accepted_total": 1,
            "windowd_requests_total": len(lines),
            "windowd_values_total": 3,
            "windowd_received_bytes_total": sum(len(line) + 1 for line in lines),
            "windowd_sent_bytes_total": len(replies),
            "windowd_windows": 1,
            "windowd_resumption_latency_seconds_count": len(lines),
        }
        for name, increase in expected.items():
            with self.subTest(name=name):
                self.assertEqual(after[(name,)] - before[(name,)], increase)
        self.assertGreaterEqual(after[("windowd_reply_latency_seconds_count",)], 1)
        self.assertGreater(after[("windowd_reply_latency_seconds_sum",)], 0)
        refused = {key[1]: value for key, value in after.items() if key[0] == "windowd_requests_refused_total"}
        self.assertEqual({code for code, times in refused.items() if times}, {"unknown_op", "bad_json"})

    def test_followers_are_counted_while_they_are_there(self):
        with windowd.follow("a*", "b", address=self.daemon.address, timeout=DEADLINE):
            _, samples = self.scrape()
            self.assertEqual(samples[("windowd_subscriptions",)], 2)
            self.assertEqual(samples[("windowd_connections",)], 1)
        until(lambda: self.scrape()[1][("windowd_subscriptions",)] == 0)

    def test_the_loop_and_the_process_are_told(self):
        until(lambda: self.scrape()[1][("windowd_loop_lag_seconds_count",)] >= 2)
        _, samples = self.scrape()
        self.assertAlmostEqual(samples[("windowd_start_time_seconds",)], time.time(), delta=2 * DEADLINE)
        status = pathlib.Path(f"/proc/{self.daemon.process.pid}/status").read_text(encoding="ascii")
        resident = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024
        self.assertAlmostEqual(samples[("process_resident_memory_bytes",)] / resident, 1, delta=0.2)
        descriptors = len(list(pathlib.Path(f"/proc/{self.daemon.process.pid}/fd").iterdir()))
        self.assertAlmostEqual(samples[("process_open_fds",)], descriptors, delta=2)

    def test_other_requests_are_refused_and_harm_nothing(self):
        for path, options, status in (("/other", {}, 404), ("", {"data": b"x"}, 405), ("", {"method": "DELETE"}, 405)):
            with self.subTest(path=path, **options), self.assertRaises(urllib.error.HTTPError) as refused:
                get(self.url + path, **options)
            with refused.exception as answer:
                self.assertEqual(answer.code, status)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        self.addCleanup(connection.close)
        for _ in range(3):
            connection.request("HEAD", "/metrics")
            with connection.getresponse() as answer:
                self.assertEqual(answer.status, 200)
                self.assertEqual(answer.read(), b"")
        self.daemon.stop()  # also with a connection that is kept

    def test_prometheus_scrapes_it(self):
        prometheus = self.start_prometheus()
        until(lambda: self.query(prometheus, "up") == 1)
        self.ask(*map(str, range(100)))
        until(lambda: self.query(prometheus, "windowd_values_total") == 100)
        until(lambda: self.query(prometheus, 'windowd_requests_refused_total{code="bad_json"}') == 0)
        until(lambda: self.query(prometheus, "windowd_resumption_latency_seconds_count") == 100)
        quantile = "histogram_quantile(1, windowd_resumption_latency_seconds_bucket)"
        self.assertGreater(until(lambda: self.query(prometheus, quantile)), 0)
        kinds = self.api(prometheus, "targets/metadata")
        told = {kind["metric"]: (kind["type"], kind["unit"]) for kind in kinds}
        self.assertEqual(told["windowd_values"], ("counter", ""))
        self.assertEqual(told["windowd_loop_lag_seconds"], ("histogram", "seconds"))

    def test_the_documented_queries_are_queries(self):
        prometheus = self.start_prometheus()
        until(lambda: self.query(prometheus, "up") == 1)
        blocks = re.findall(r"^```promql\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
        queries = [line for block in blocks for line in block.splitlines() if line and not line.startswith("#")]
        self.assertGreater(len(queries), 5)
        families, _ = self.scrape()
        known = {sample.name for family in families.values() for sample in family.samples} | {"up"}
        for query in queries:
            with self.subTest(query=query):
                self.api(prometheus, "query", query=query)
                self.assertLessEqual(set(re.findall(r"\b(?:windowd|process)_[a-z_]+", query)), known)

    def start_prometheus(self):
        """The address of a Prometheus that scrapes the daemon."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        configuration = pathlib.Path(folder.name) / "prometheus.yml"
        configuration.write_text(CONFIGURATION.format(port=self.port), encoding="utf-8")
        with socket.create_server(("127.0.0.1", 0)) as probe:  # it cannot tell which port it was given
            address = f"127.0.0.1:{probe.getsockname()[1]}"
        with open(f"{folder.name}/log", "wb") as log:
            process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={configuration}",
                    f"--storage.tsdb.path={folder.name}/data",
                    f"--web.listen-address={address}",
                ],
                stdout=log,
                stderr=log,
            )
        self.addCleanup(process.wait, DEADLINE)
        self.addCleanup(process.kill)

        def ready():
            if process.poll() is not None:
                raise AssertionError(pathlib.Path(f"{folder.name}/log").read_text(encoding="utf-8"))
            try:
                with get(f"http://{address}/-/ready") as answer:
                    return answer.status == 200
            except OSError:
                return False

        until(ready)
        return address

    def api(self, prometheus, what, **parameters):
        with get(f"http://{prometheus}/api/v1/{what}?{urllib.parse.urlencode(parameters)}") as answer:
            return json.load(answer)["data"]

    def query(self, prometheus, query):
        """The value of the only series there is, or None if there is none yet."""
        result = self.api(prometheus, "query", query=query)["result"]
        return float(result[0]["value"][1]) if result else None


if __name__ == "__main__":
    unittest.main()
