"""The client libraries that people use, through the gateway to a server that speaks their APIs.

The libraries are installed from a registry, by the versions of clients/package-lock.json, into STILLWATCH_CLIENTS;
without a registry the tests are skipped.
"""
import fcntl
import filecmp
import json
import os
import shutil
import subprocess
import unittest
import urllib.request

import parts

SOURCE = os.path.join(parts.HERE, "clients")
INSTALLED = os.environ.get("STILLWATCH_CLIENTS") or os.path.join(parts.HERE, "../../build/gateway-clients")
LOCK = "package-lock.json"
# What npm says when the lock file, not the way to the registry, is at fault.
FAULTS_OF_OURS = ("EUSAGE", "EINTEGRITY", "EJSONPARSE", "EINVALIDPACKAGENAME")


def install():
  """Installs the libraries where they are not there yet, and copies the scripts beside them."""
  parts.wanted("node")
  npm = parts.wanted("npm")
  os.makedirs(INSTALLED, exist_ok=True)
  with open(os.path.join(INSTALLED, "lock"), "w", encoding="ascii") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    for name in os.listdir(SOURCE):
      if name.endswith(".mjs") or name == "package.json":
        shutil.copy(os.path.join(SOURCE, name), INSTALLED)
    done = os.path.join(INSTALLED, "node_modules", "done")  # the lock file that they were installed by
    wanted = os.path.join(SOURCE, LOCK)
    if os.path.exists(done) and filecmp.cmp(done, wanted, shallow=False):
      return
    shutil.copy(wanted, INSTALLED)
    try:
      npm_ci = subprocess.run(
          [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0", "--fetch-timeout=10000"],
          cwd=INSTALLED, capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired as e:
      raise unittest.SkipTest("npm could not install the libraries within a minute") from e
    if npm_ci.returncode != 0:
      if any(code in npm_ci.stderr for code in FAULTS_OF_OURS):
        raise AssertionError(npm_ci.stderr)
      code = [line.split()[-1] for line in npm_ci.stderr.splitlines() if " code " in line]
      raise unittest.SkipTest(f"npm cannot install the libraries: {' '.join(code) or 'no reason given'}")
    shutil.copy(wanted, done)


class Clients(parts.Case):

  @classmethod
  def setUpClass(cls):
    install()

  def setUp(self):
    super().setUp()
    self.upstream = self.start(parts.Node, os.path.join(INSTALLED, "upstream.mjs"))

  def works(self, which, *arguments):
    gateway = self.start(parts.Gateway, self.upstream.port, *arguments)
    script = subprocess.run([parts.wanted("node"), "clients.mjs", which, f"http://127.0.0.1:{gateway.port}"],
                            cwd=INSTALLED, capture_output=True, text=True, timeout=60, check=False)
    self.assertEqual(script.returncode, 0, script.stderr)
    made = json.loads(script.stdout)
    with urllib.request.urlopen(f"http://127.0.0.1:{self.upstream.port}/count", timeout=parts.WAIT) as answer:
      self.assertEqual(int(answer.read()), made["requests"])

    def observed():
      metrics = gateway.metrics()
      return metrics["exchanges_observed_total"] >= made["requests"] and metrics

    metrics = parts.wait_until(observed, "everything is observed")
    self.assertEqual(metrics["requests_total"], made["requests"])
    self.assertEqual(metrics["exchanges_observed_total"], made["requests"])
    self.assertEqual(metrics["prompts_observed_total"], made["prompts"])
    for none in ("requests_refused_total", "upstream_failures_total", "observations_shed_total",
                 "observations_waiting"):
      self.assertEqual(metrics[none], 0, none)
    self.assertEqual(metrics["accounts"], 1)
    self.assertEqual(gateway.stop(), 0)

  def test_openai(self):
    self.works("openai")

  def test_openai_on_two_threads(self):
    self.works("openai", "--threads", "2")

  def test_anthropic(self):
    self.works("anthropic")


if __name__ == "__main__":
  parts.main()
