"""Simulated traffic through a gateway and through a scan of its log: the same findings."""
import json
import os
import subprocess
import urllib.request

import parts

ROOT = os.path.join(parts.HERE, "../..")
TOOLS = os.path.join(os.path.dirname(parts.PROGRAM), "tools/rehearsal")
POPULATION = """
duration_days: 10
seed: 5
groups:
  - {class: people, accounts: 90, exchanges_median: 30, exchanges_sigma: 0.3, exchanges_max: 90}
  - {class: coding_agent, accounts: 5, exchanges_median: 40}
  - {class: harvest, accounts: 3, exchanges_median: 90}
"""


class Rehearsal(parts.Case):

  def findings_are_those_of_a_scan(self, *baseline):
    for tool in ("stillwatch_standin", "stillwatch_replay"):
      if not os.access(os.path.join(TOOLS, tool), os.X_OK):
        self.skipTest(f"{tool} is not built")
    config, log, report = (os.path.join(self.folder, name) for name in ("population.yaml", "log.jsonl", "report.json"))
    with open(config, "w", encoding="ascii") as f:
      f.write(POPULATION)
    run = lambda *argv: subprocess.run(argv, check=True, capture_output=True, cwd=ROOT)
    run(parts.PROGRAM, "population", "--config", config, "--prompts", "data/prompts", "--out", log, "--truth",
        os.path.join(self.folder, "truth"))
    run(parts.PROGRAM, "scan", log, "--quiet", "--json", report, *baseline)
    model = self.start(parts.Process, "standin", [os.path.join(TOOLS, "stillwatch_standin")])
    gateway_config = os.path.join(self.folder, "stillwatch.yaml")
    with open(gateway_config, "w", encoding="ascii") as f:
      f.write("time_header: x-replay-time\nmemory_mib: 1\n"
              "identity: {account_header: x-account, forwarded: {trusted: [127.0.0.1/32]}}\n")
    gateway = self.start(parts.Gateway, int(model.wait_for(r"port (\d+)").group(1)), "--config", gateway_config, *baseline)
    run(os.path.join(TOOLS, "stillwatch_replay"), log, "--port", str(gateway.port), "--connections", "4")
    parts.wait_until(gateway.all_read, "everything is read")
    with open(report, encoding="utf-8") as f:
      scanned = json.load(f)

    def live():
      with urllib.request.urlopen(f"http://127.0.0.1:{gateway.admin_port}/api/v1/accounts", timeout=parts.WAIT) as answer:
        return json.load(answer)

    parts.wait_until(lambda: live()["summary"]["exchanges"] == scanned["summary"]["exchanges"], "and ranked")
    found = live()
    self.assertGreater(scanned["summary"]["accounts_judged"], 30)
    self.assertEqual(found["accounts"], scanned["accounts"])
    for name in ("p_value_histogram", "accounts_flagged", "output_tokens", "from", "to"):
      self.assertEqual(found["summary"][name], scanned["summary"][name], name)
    self.assertEqual(gateway.stop(), 0)

  def test_findings_by_a_baseline_are_those_of_a_scan(self):
    self.findings_are_those_of_a_scan("--baseline", "reference")

  def test_findings_by_the_traffic_itself_are_those_of_a_scan(self):
    self.findings_are_those_of_a_scan()


if __name__ == "__main__":
  parts.main()
