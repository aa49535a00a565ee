"""Simulated traffic through a gateway and through a scan of its log: the same findings."""
import json
import os
import signal
import subprocess
import time
import urllib.error
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


HONEST = """
duration_days: 10
seed: 6
groups:
  - {class: people, accounts: 400, exchanges_median: 40, exchanges_sigma: 0.3, exchanges_max: 90}
  - {class: coding_agent, accounts: 10, exchanges_median: 40}
"""
HYDRA = """
duration_days: 10
seed: 5
groups:
  - {class: people, accounts: 90, exchanges_median: 40, exchanges_sigma: 0.3, exchanges_max: 90}
  - {class: coding_agent, accounts: 5, exchanges_median: 40}
  - {class: harvest, accounts: 60, exchanges_median: 80, campaign_size: 20}
"""


def run(*argv):
  subprocess.run(argv, check=True, capture_output=True, cwd=ROOT)


def simulate(folder, population, name):
  """The log of a population, NAME.jsonl; beside it NAME.truth says who is who."""
  path = lambda suffix: os.path.join(folder, name + suffix)
  with open(path(".yaml"), "w", encoding="ascii") as f:
    f.write(population)
  run(parts.PROGRAM, "population", "--config", path(".yaml"), "--prompts", "data/prompts", "--out", path(".jsonl"), "--truth",
      path(".truth"))
  return path(".jsonl")


class Rehearsal(parts.Case):

  def findings_are_those_of_a_scan(self, *baseline, population=POPULATION, config="", also=None):
    for tool in ("stillwatch_standin", "stillwatch_replay"):
      if not os.access(os.path.join(TOOLS, tool), os.X_OK):
        self.skipTest(f"{tool} is not built")
    log, report = simulate(self.folder, population, "log"), os.path.join(self.folder, "report.json")
    run(parts.PROGRAM, "scan", log, "--quiet", "--json", report, *baseline)
    model = self.start(parts.Process, "standin", [os.path.join(TOOLS, "stillwatch_standin")])
    gateway_config = os.path.join(self.folder, "stillwatch.yaml")
    with open(gateway_config, "w", encoding="ascii") as f:
      f.write("time_header: x-replay-time\nmemory_mib: 1\n"
              "identity: {account_header: x-account, forwarded: {trusted: [127.0.0.1/32]}}\n" + config)
    port = int(model.wait_for(r"port (\d+)").group(1))
    self.begin = lambda: self.start(parts.Gateway, port, "--config", gateway_config, *baseline,
                                    data=os.path.join(self.folder, "data"))
    gateway = self.begin()
    run(os.path.join(TOOLS, "stillwatch_replay"), log, "--port", str(gateway.port), "--connections", "4")
    parts.wait_until(gateway.all_read, "everything is read")
    with open(report, encoding="utf-8") as f:
      scanned = json.load(f)

    def live(what="accounts", of=None):
      with urllib.request.urlopen(f"http://127.0.0.1:{(of or gateway).admin_port}/api/v1/{what}", timeout=parts.WAIT) as answer:
        return json.load(answer)

    parts.wait_until(lambda: live()["summary"]["exchanges"] == scanned["summary"]["exchanges"], "and ranked")
    if also:
      gateway = also(gateway, live, scanned)
    found = live()
    self.assertGreater(scanned["summary"]["accounts_judged"], 30)
    # Names of campaigns may differ: looks at the first half of the traffic may have named one after another member.
    plain = lambda findings: [{**account, "campaign": bool(account.get("campaign"))} for account in findings["accounts"]]
    self.assertEqual(plain(found), plain(scanned))
    for name in ("p_value_histogram", "accounts_flagged", "output_tokens", "from", "to"):
      self.assertEqual(found["summary"][name], scanned["summary"][name], name)
    self.assertEqual(gateway.stop(), 0)

  def campaigns_are_those_of_the_scan(self, gateway, live, scanned):
    self.assertEqual([c["flagged"] for c in scanned["campaigns"]], [True])
    plain = lambda campaign: {k: v for k, v in campaign.items() if k not in ("campaign", "flagged_at")}
    expected = scanned["campaigns"][0]

    def alike():
      names = [c["campaign"] for c in live("campaigns")["campaigns"]]
      return len(names) == 1 and plain(live("campaigns/" + names[0])) == plain(expected)

    parts.wait_until(alike, "a look has found what the scan found")
    self.assertEqual(self.status_for(gateway, expected["accounts"][0]), 200)
    config = os.path.join(self.folder, "stillwatch.yaml")
    with open(config, encoding="ascii") as f:
      text = f.read()
    with open(config, "w", encoding="ascii") as f:
      f.write(text.replace("mode: observe", "mode: enforce"))
    gateway.signal(signal.SIGHUP)
    gateway.wait_for("is in force")
    self.assertEqual(self.status_for(gateway, expected["accounts"][0]), 403)
    others = {a["account"] for a in scanned["accounts"]} - set(expected["accounts"])
    self.assertEqual(self.status_for(gateway, min(others)), 200)
    # One turn a minute for all: the first member has it, the second waits for the next, the third is told to come later.
    with open(config, "w", encoding="ascii") as f:
      f.write(text.replace("mode: observe", "mode: enforce").replace("rung: refuse", "rung: delay, per_minute: 1"))
    gateway.signal(signal.SIGHUP)
    parts.wait_until(lambda: gateway.said().count("is in force") == 2, "the policy is another")
    first, second, third = expected["accounts"][:3]
    self.assertEqual(self.status_for(gateway, first), 200)
    with self.assertRaises(TimeoutError):
      self.status_for(gateway, second, timeout=0.3)
    self.assertEqual(self.status_for(gateway, third), 429)
    self.assertEqual(self.status_for(gateway, min(others)), 200)
    # What is found outlives a kill; the next look is far.
    with open(config, "w", encoding="ascii") as f:
      f.write(text.replace("mode: observe", "mode: enforce").replace("period_s: 1", "period_s: 3600"))
    names = [c["campaign"] for c in live("campaigns")["campaigns"]]
    time.sleep(1.5)  # what was observed is in the store by then
    gateway.kill()
    gateway = self.begin()
    self.assertEqual(self.status_for(gateway, first), 403)
    self.assertEqual([c["campaign"] for c in live("campaigns", gateway)["campaigns"]], names)
    self.assertEqual(self.status_for(gateway, min(others)), 200)
    return gateway

  def status_for(self, gateway, account, timeout=parts.WAIT):
    request = urllib.request.Request(f"http://127.0.0.1:{gateway.port}/v1/models", headers={"x-account": account})
    try:
      with urllib.request.urlopen(request, timeout=timeout) as answer:
        return answer.status
    except urllib.error.HTTPError as error:
      return error.code

  def test_campaigns_are_those_of_a_scan_and_members_meet_the_rung(self):
    baseline = os.path.join(self.folder, "honest.baseline")
    run(parts.PROGRAM, "calibrate", simulate(self.folder, HONEST, "honest"), "--quiet", "--out", baseline)
    self.findings_are_those_of_a_scan(
        "--baseline", baseline, population=HYDRA, also=self.campaigns_are_those_of_the_scan,
        config="campaigns: {period_s: 1}\npolicy: {rungs: [{rung: refuse, mode: observe, when: {campaign: true}}]}\n")

  def test_findings_by_a_baseline_are_those_of_a_scan(self):
    self.findings_are_those_of_a_scan("--baseline", "reference")

  def test_findings_by_the_traffic_itself_are_those_of_a_scan(self):
    self.findings_are_those_of_a_scan()


if __name__ == "__main__":
  parts.main()
