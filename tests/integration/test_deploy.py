"""What an operator installs: the systemd unit, and the script that fetches packages."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from harness.daemon import BINARY, SOURCE_DIR

DEPLOY = SOURCE_DIR / "deploy"


class SystemdUnit(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tocsin-deploy-")
        self.addCleanup(folder.cleanup)
        # `verify` wants programs that are there.
        self.unit = pathlib.Path(folder.name) / "tocsin.service"
        self.unit.write_text((DEPLOY / "tocsin.service").read_text().replace("/usr/bin/tocsin", BINARY))

    def test_systemd_understands_every_line(self):
        done = subprocess.run(["systemd-analyze", "verify", self.unit], capture_output=True, text=True)
        self.assertEqual((0, ""), (done.returncode, done.stdout + done.stderr))

    def test_exposure_is_at_most_one_and_a_half(self):
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", self.unit],
                              capture_output=True, text=True)
        self.assertEqual(0, done.returncode, done.stdout[-300:] + done.stderr)


class InstallScript(unittest.TestCase):
    """The script with every program that it runs replaced, so that nothing is installed."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tocsin-install-")
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        self.units = self.path / "units"
        self.units.mkdir()
        self.told = self.path / "systemctl.log"
        programs = {
            "dpkg-query": "true",  # nothing is installed
            "id": "echo 0",
            "apt-get": f"touch {self.units}/prometheus.service {self.units}/prometheus-alertmanager.service",
            "tee": "cat >/dev/null", "chmod": "true", "rm": "true",
            "systemctl": f'echo "$@" >>{self.told}; [ "$1" != cat ] || [ -e {self.units}/"$2" ]',
        }
        for name, does in programs.items():
            program = self.path / name
            program.write_text(f"#!/bin/sh\n{does}\n")
            program.chmod(0o755)

    def disabled(self):
        done = subprocess.run([DEPLOY / "install-deps.sh", "--tests"], capture_output=True, text=True,
                              env={**os.environ, "PATH": f"{self.path}:{os.environ['PATH']}"})
        self.assertEqual(0, done.returncode, done.stderr)
        return re.findall(r"^disable --now (\S+)$", self.told.read_text(), re.MULTILINE)

    def test_services_that_came_along_do_not_start(self):
        self.assertEqual(["prometheus.service", "prometheus-alertmanager.service"], self.disabled())

    def test_a_service_that_was_there_stays_as_it_is(self):
        (self.units / "prometheus.service").touch()
        (self.units / "prometheus-node-exporter.service").touch()
        self.assertEqual(["prometheus-alertmanager.service"], self.disabled())


if __name__ == "__main__":
    unittest.main()
