"""A tocsin daemon as a process of its own, with its own folder, on a port that it chose."""

import http.client
import json
import os
import pathlib
import signal
import subprocess
import time
import urllib.error
import urllib.request

from .event_stream import to_ndjson
from .waiting import TooLong, wait_until

SOURCE_DIR = pathlib.Path(os.environ.get("TOCSIN_SOURCE_DIR", pathlib.Path(__file__).parents[3]))
BINARY = os.environ.get("TOCSIN_BINARY", str(SOURCE_DIR / "build/release/daemon/tocsin"))


class Answer:
    """Status, headers and body of an HTTP answer, of whatever status."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"HTTP {self.status}: {self.body[:500]!r}"


def run_tocsin(*arguments, check=True, timeout=300, **options):
    """One command to its end; its output as text."""
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, timeout=timeout,
                          stdin=subprocess.DEVNULL, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"tocsin {' '.join(map(str, arguments))} ended with {done.returncode}:\n"
                             f"{done.stdout[-1000:]}\n{done.stderr[-3000:]}")
    return done


class Daemon:
    """`configuration` is what stands in the configuration file beside folder, listener and catalogue; `data` the
    data folder when it is not to be in `folder`.

    Use as a context manager, or start() and end it by stop() or kill().
    """

    def __init__(self, folder, rules, configuration=None, data=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.data = pathlib.Path(data) if data else self.folder / "data"
        self.log = self.folder / "daemon.log"
        self.configuration_file = self.folder / "tocsin.yaml"
        settings = {
            "tocsin": "config/1",
            "data_dir": str(self.data),
            "http": {"listen": "127.0.0.1:0"},
            "catalogue": str(SOURCE_DIR / "rules/catalogue"),
            "rules": [str(each) for each in rules],
        }
        settings.update(configuration or {})
        # JSON is YAML; writing it needs no library.
        self.configuration_file.write_text(json.dumps(settings, indent=1))
        self.port = 0
        self.process = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def start(self, wait=True, ready=True, environment=None):
        """`ready=False` waits for the listener alone, `wait=False` for nothing."""
        port_file = self.data / "port"
        port_file.unlink(missing_ok=True)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([BINARY, "run", "--config", str(self.configuration_file)],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=os.environ | (environment or {}))
        if not wait:
            return self
        wait_until(lambda: port_file.exists() and port_file.read_text().strip(), "the port file",
                   alive=self._check_alive, interval=0.01)
        self.port = int(port_file.read_text())
        if not ready:
            return self
        wait_until(lambda: self.is_ready(), lambda: f"readiness: {self.get('/-/ready')}",
                   alive=self._check_alive, timeout=60, interval=0.02)
        return self

    def _check_alive(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the daemon ended with {self.process.returncode}:\n{self.log_tail()}")

    def log_tail(self):
        return self.log.read_text(errors="replace")[-4000:]

    def kill(self):
        """As a power cut does."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        """As systemd does; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def request(self, method, path, body=None, content_type="application/x-ndjson", headers=None, timeout=30):
        request = urllib.request.Request(self.url + path, data=body, method=method, headers=headers or {})
        if body is not None:
            request.add_header("Content-Type", content_type)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read())

    def get(self, path):
        return self.request("GET", path)

    def is_ready(self):
        try:
            return self.get("/-/ready").status == 200
        except (OSError, http.client.HTTPException):  # it is not there, or has died in its answer
            return False

    def post_events(self, events):
        """A list of events, or an NDJSON body made of them."""
        return self.request("POST", "/v1/events", events if isinstance(events, bytes) else to_ndjson(events))

    def alerts(self):
        """The newest transition of each alert, all pages."""
        alerts, path = [], "/v1/alerts?state=all&limit=500"
        while path:
            answer = self.get(path)
            if answer.status != 200:
                raise AssertionError(f"GET {path}: {answer}")
            page = answer.json
            alerts.extend(page["alerts"])
            path = page.get("next")
        return alerts

    def metrics(self):
        """{name with labels as written: value}"""
        samples = {}
        for line in self.get("/metrics").body.decode().splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                samples[name] = float(value)
        return samples

    def metric(self, name, **labels):
        """Sum over the samples of a metric whose labels include these."""
        total = 0.0
        for sample, value in self.metrics().items():
            if sample.split("{")[0] == name and all(f'{key}="{text}"' in sample for key, text in labels.items()):
                total += value
        return total

    def wait_for_alert(self, predicate, what, timeout=30):
        return wait_until(lambda: [alert for alert in self.alerts() if predicate(alert)], what,
                          timeout=timeout, alive=self._check_alive, interval=0.1)


def post_until_taken(daemon_of, events, deadline):
    """Sends a batch again and again until one daemon has acknowledged it, as a careful client does.

    `daemon_of()` gives the daemon as it is now. Returns how many tries it took.
    """
    tries = 0
    while time.monotonic() < deadline:
        tries += 1
        try:
            answer = daemon_of().post_events(events)
        except (OSError, http.client.HTTPException):  # it may have died in the middle of its answer
            time.sleep(0.05)
            continue
        if answer.status == 200:
            return tries
        if answer.status not in (429, 503):
            raise AssertionError(f"POST /v1/events: {answer}")
        # Not for as long as it is asked to: a test waits for many of these.
        time.sleep(min(0.1, float(answer.headers.get("Retry-After", "0.1"))))
    raise TooLong("a batch of events was not taken in time")
