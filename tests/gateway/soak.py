"""A gateway under steady load, with everything on: memory, descriptors and the store stop growing.

STILLWATCH_SOAK_SECONDS (12) is how long; ten minutes show what a few seconds cannot. What is sampled is printed as it is
taken, so that a run that takes long can be looked at.
"""
import json
import os
import subprocess
import threading
import time

import parts

MIB = 1 << 20
ACCOUNTS = 300
TOOLS = os.path.join(os.path.dirname(parts.PROGRAM), "tools/rehearsal")


def log(path, lines):
  """Requests of many accounts; each prompt is asked by one of them."""
  words = "rivers lakes engines paper bread weather history music glass stone iron copper".split()
  with open(path, "w", encoding="utf-8") as f:
    for i in range(lines):
      text = " ".join(words[(i * k) % len(words)] for k in range(3, 40)) + f" {i}"
      f.write(json.dumps({
          "time": "2026-03-02T10:00:00Z", "account": f"acct_{i * 7919 % ACCOUNTS}", "network": "192.0.2.1",
          "request": {"model": "m", "messages": [{"role": "user", "content": text}]},
          "response": {"choices": [{"message": {"content": "x"}}], "usage": {"completion_tokens": 50 + i % 100}}
      }) + "\n")


class Soak(parts.Case):

  def size_of_store(self):
    return sum(os.path.getsize(os.path.join(self.data, name)) for name in os.listdir(self.data))

  def test_nothing_grows(self):
    for tool in ("stillwatch_standin", "stillwatch_replay"):
      if not os.access(os.path.join(TOOLS, tool), os.X_OK):
        self.skipTest(f"{tool} is not built")
    seconds = float(os.environ.get("STILLWATCH_SOAK_SECONDS", "12"))
    model = self.start(parts.Process, "standin", [os.path.join(TOOLS, "stillwatch_standin")])
    port = int(model.wait_for(r"port (\d+)").group(1))
    self.data = os.path.join(self.folder, "data")
    config = os.path.join(self.folder, "stillwatch.yaml")
    with open(config, "w", encoding="utf-8") as f:
      f.write("identity: {account_header: x-account, forwarded: {trusted: [127.0.0.1/32]}}\nkeep_exemplars: 5\n")
    gateway = self.start(parts.Gateway, port, "--config", config, data=self.data)
    path = os.path.join(self.folder, "log.jsonl")
    log(path, 5000)
    stop = threading.Event()

    def load():
      while not stop.is_set():
        subprocess.run([os.path.join(TOOLS, "stillwatch_replay"), path, "--port", str(gateway.port)], check=True,
                       stdout=subprocess.DEVNULL)

    thread = threading.Thread(target=load)
    thread.start()
    samples = []
    begun = time.monotonic()
    try:
      while time.monotonic() - begun < seconds:
        time.sleep(min(1, seconds / 12))
        metrics = gateway.metrics()
        samples.append((metrics["requests_total"], gateway.rss(), gateway.descriptors(), self.size_of_store()))
        if len(samples) % 30 == 1 or seconds < 60:
          print("%6.0f s: %9d requests, %6.1f MiB, %3d descriptors, store %6.1f MiB" %
                (time.monotonic() - begun, samples[-1][0], samples[-1][1] / MIB, samples[-1][2], samples[-1][3] / MIB),
                flush=True)
    finally:
      stop.set()
      thread.join()

    parts.wait_until(gateway.all_read, "all is read")
    metrics = gateway.metrics()
    self.assertEqual(metrics["observations_shed_total"], 0)
    self.assertEqual(metrics["exchanges_observed_total"], metrics["requests_total"])
    self.assertEqual(metrics["upstream_failures_total"], 0)
    # The last third against the one before it: by then every account has its profile.
    third = len(samples) // 3
    middle, last = samples[third:2 * third], samples[2 * third:]

    def most(part, what):
      return max(sample[what] for sample in part)

    if not parts.SANITIZED:
      self.assertLess(most(last, 1), most(middle, 1) * 1.1 + 8 * MIB, "memory grows")
    self.assertLessEqual(most(last, 2), most(middle, 2) + 20, "descriptors grow")
    # The journal grows until accounts are saved, every five minutes.
    self.assertLess(most(last, 3), most(middle, 3) + (64 + 64 + 32) * MIB, "the store grows")
    if seconds >= 600:
      self.assertLess(most(last, 3), most(middle, 3) * 1.5 + 8 * MIB, "the store grows")
    self.assertEqual(gateway.stop(), 0)


if __name__ == "__main__":
  parts.main()
