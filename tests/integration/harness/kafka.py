"""A real single-node Apache Kafka, through deploy/kafka/kafka.sh."""

import json
import os
import pathlib
import subprocess

from .waiting import free_ports

SOURCE_DIR = pathlib.Path(os.environ.get("TOCSIN_SOURCE_DIR", pathlib.Path(__file__).parents[3]))


class Broker:
    """One broker with its own data; use as a context manager.

    With a `password` it has one more listener, where the user `tocsin` logs in with it.
    """

    def __init__(self, folder, password=None):
        self.folder = pathlib.Path(folder)
        self.port = 0
        self._password = password
        self._login_port = 0
        self._controller_port = 0

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    @property
    def login_address(self):
        return f"127.0.0.1:{self._login_port}"

    def _run(self, *arguments):
        command = [SOURCE_DIR / "deploy/kafka/kafka.sh", *arguments,
                   "--dir", self.folder, "--port", self.port, "--controller-port", self._controller_port]
        if self._password is not None:
            command += ["--login-port", self._login_port, "--login-password-file", self.folder / "password"]
        # Output goes to a file: the broker outlives this command and would hold a pipe open.
        with open(self.folder / "kafka.sh.out", "ab") as output:
            done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL,
                                  stdout=output, stderr=subprocess.STDOUT, timeout=180)
        if done.returncode != 0:
            raise AssertionError(f"kafka.sh {arguments[0]} ended with {done.returncode}:\n"
                                 + (self.folder / "kafka.sh.out").read_text()[-2000:])

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port, self._controller_port, self._login_port = free_ports(3)
        if self._password is not None:
            (self.folder / "password").write_text(self._password + "\n")
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()

    def start(self):
        self._run("start")

    def stop(self):
        self._run("stop")

    def kill(self):
        self._run("kill")

    def create_topic(self, name, partitions=1):
        self._run("create-topic", name, "--partitions", str(partitions))

    def produce(self, topic, events):
        """Sends events in order; returns when the broker has acknowledged every one."""
        lines = "".join(json.dumps(event) + "\n" for event in events)
        # One message in flight: a retry must not change the order that event time relies on.
        subprocess.run(["kcat", "-P", "-b", self.address, "-t", topic, "-q", "-X", "acks=all",
                        "-X", "enable.idempotence=true", "-X", "linger.ms=5"],
                       input=lines.encode(), check=True, timeout=120)

    def consume(self, topic):
        """All messages of a topic up to its present end, as JSON values."""
        done = subprocess.run(["kcat", "-C", "-b", self.address, "-t", topic, "-o", "beginning", "-e", "-q"],
                              capture_output=True, timeout=60)
        if done.returncode != 0:
            raise AssertionError(f"kcat -C {topic}: {done.stderr.decode(errors='replace')}")
        return [json.loads(line) for line in done.stdout.splitlines() if line]
