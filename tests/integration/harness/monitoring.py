"""Debian's own Prometheus and Alertmanager, each on a free port with its own folder."""

import json
import pathlib
import re
import signal
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from .waiting import wait_until


class _Server:
    """A Go program that logs the address it got for port 0; use as a context manager."""

    program = ""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / "server.log"
        self.port = 0
        self._process = None

    def arguments(self):
        raise NotImplementedError

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        with open(self.log, "wb") as log:
            self._process = subprocess.Popen([self.program, *map(str, self.arguments())], cwd=self.folder,
                                             stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        address = wait_until(lambda: re.search(rb"address=127\.0\.0\.1:([1-9]\d*)", self.log.read_bytes()),
                             f"{self.program} to listen", alive=self._check_alive)
        self.port = int(address.group(1))
        wait_until(self._is_ready, f"{self.program} to be ready", alive=self._check_alive)
        return self

    def __exit__(self, *_):
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _check_alive(self):
        if self._process.poll() is not None:
            raise AssertionError(f"{self.program} has ended:\n{self.log.read_text()[-2000:]}")

    def _is_ready(self):
        try:
            with urllib.request.urlopen(self.url + "/-/ready", timeout=2) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def get(self, path, **parameters):
        query = "?" + urllib.parse.urlencode(parameters, doseq=True) if parameters else ""
        with urllib.request.urlopen(self.url + path + query, timeout=10) as answer:
            return json.load(answer)


class Alertmanager(_Server):
    program = "prometheus-alertmanager"

    def __init__(self, folder, configuration="route: {receiver: none}\nreceivers: [{name: none}]\n"):
        super().__init__(folder)
        self.configuration = configuration

    def arguments(self):
        configuration = self.folder / "alertmanager.yml"
        configuration.write_text(self.configuration)
        return ["--web.listen-address=127.0.0.1:0", f"--config.file={configuration}",
                f"--storage.path={self.folder / 'data'}", "--cluster.listen-address="]

    def alerts(self):
        return self.get("/api/v2/alerts")


class Prometheus(_Server):
    program = "prometheus"

    def __init__(self, folder, configuration):
        super().__init__(folder)
        self.configuration = pathlib.Path(configuration)

    def arguments(self):
        return ["--web.listen-address=127.0.0.1:0", f"--config.file={self.configuration}",
                f"--storage.tsdb.path={self.folder / 'data'}"]

    def query(self, expression):
        """Result of an instant query: a list of series."""
        return self.get("/api/v1/query", query=expression)["data"]["result"]

    def targets(self):
        return self.get("/api/v1/targets")["data"]["activeTargets"]
