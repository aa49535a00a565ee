"""The loop over real sockets: the lab's teacher behind the gateway, harvested by an account that simulated traffic gave
away, and by one that nothing is known of."""
import json
import os
import signal
import subprocess
import unittest
import urllib.request

import lab
import parts
import rehearsal

TEACHER = os.path.join(rehearsal.ROOT, "data/teacher")
POPULATION = """
duration_days: 10
seed: 5
groups:
  - {class: people, accounts: 60, exchanges_median: 30, exchanges_sigma: 0.3, exchanges_max: 90}
  - {class: harvest, accounts: 1, exchanges_median: 400}
"""
CONFIG = """
identity: {account_header: x-account, forwarded: {trusted: [127.0.0.1/32]}}
policy: {mode: enforce, rungs: [{rung: strip, what: [reasoning, logprobs]}]}
"""
STUDENT = """
model: {dim: 16, layers: 1, heads: 2, ffn_dim: 32, context: 256}
training: {steps: 3, step_tokens: 512, rate: 1.0e-3, warmup: 1}
"""
PROBLEMS = 12


class LoopCase(lab.LabCase):

  def write(self, name, text):
    path = os.path.join(self.folder, name)
    with open(path, "w", encoding="utf-8") as file:
      file.write(text)
    return path

  def gateway(self, upstream_port, config):
    return self.start(parts.Gateway, upstream_port, "--config", self.write("stillwatch.yaml", config), "--baseline",
                      os.path.join(self.folder, "honest.baseline"), "--false-alarms", "100", data=self.data())

  def data(self):
    return os.path.join(self.folder, "data")

  def account(self, key):
    lookup = [parts.PROGRAM, "account", "lookup", "-", "--data-dir", self.data()]
    return subprocess.run(lookup, input=key, text=True, stdout=subprocess.PIPE, check=True).stdout.strip()

  def api(self, gateway, what):
    with urllib.request.urlopen(f"http://127.0.0.1:{gateway.admin_port}/api/v1/{what}", timeout=parts.WAIT) as answer:
      return json.load(answer)["accounts"]

  def gives_itself_away(self, key):
    """Ten simulated days through a gateway, in which the account of `key` harvests and is found."""
    rehearsal.run(parts.PROGRAM, "calibrate", rehearsal.simulate(self.folder, rehearsal.HONEST, "honest"), "--quiet", "--out",
                  os.path.join(self.folder, "honest.baseline"))
    log = rehearsal.simulate(self.folder, POPULATION, "log")
    with open(os.path.join(self.folder, "log.truth"), encoding="utf-8") as rows:
      hostile, = [row["account"] for row in map(json.loads, rows) if row["label"] == "hostile"]
    tools = rehearsal.TOOLS
    model = self.start(parts.Process, "standin", [os.path.join(tools, "stillwatch_standin")])
    gateway = self.gateway(int(model.wait_for(r"port (\d+)").group(1)), CONFIG + "time_header: x-replay-time\n")
    with open(log, encoding="utf-8") as lines:
      self.write("log.jsonl", lines.read().replace(f'"{hostile}"', f'"{self.account(key)}"'))
    rehearsal.run(os.path.join(tools, "stillwatch_replay"), log, "--port", str(gateway.port), "--connections", "4")
    parts.wait_until(lambda: [f["account"] for f in self.api(gateway, "findings")] == [self.account(key)],
                     "the account is found, and no other")
    self.assertEqual(gateway.stop(), 0)

  def harvest(self, gateway, key, out):
    """The exit status, and the rows that it has now."""
    os.environ["HARVEST_KEY"] = key
    run = self.run_lab("distill", "harvest", "--teacher", f"http://127.0.0.1:{gateway.port}/v1", "--prompts", "problems.jsonl",
                       "--out", out, "--interface", "reasoning+logprobs", "--temperature", "0", "--api-key-env", "HARVEST_KEY",
                       "--attempts", "1")
    with open(os.path.join(self.folder, out), encoding="utf-8") as rows:
      return run.returncode, [json.loads(row) for row in rows]

  def train(self, data):
    """Trains a student and tells what it learnt from."""
    self.lab("distill", "train", "--student", "student.yaml", "--tokenizer", TEACHER, "--data", data, "--loss", "tokens",
             "--threads", "1", "--out", data + ".student")
    with open(os.path.join(self.folder, data + ".student", "training.json"), encoding="utf-8") as told:
      return json.load(told)

  def test_reasoning_reaches_an_account_until_it_is_found(self):
    for tool in "stillwatch_standin", "stillwatch_replay":
      if not os.access(os.path.join(rehearsal.TOOLS, tool), os.X_OK):
        raise unittest.SkipTest(f"{tool} is not built")
    self.gives_itself_away("thief")
    self.lab("problems", "--seed", "2", "--count", str(PROBLEMS), "--split", "test", "--out", "problems.jsonl")
    self.write("student.yaml", STUDENT)
    teacher = self.start(parts.Process, "teacher", [lab.LAB, "serve", "--model", TEACHER, "--listen", "127.0.0.1:0", "--threads", "1"])
    gateway = self.gateway(int(teacher.wait_for(r"on port (\d+)").group(1)), CONFIG)
    status, whole = self.harvest(gateway, "newcomer", "whole.jsonl")
    self.assertEqual((status, len(whole)), (0, PROBLEMS))
    _, stripped = self.harvest(gateway, "thief", "stripped.jsonl")
    answers = lambda rows: {row["id"]: row["messages"][-1] for row in rows}
    for problem, answer in answers(whole).items():
      self.assertRegex(answer["reasoning_content"], r"=\d+\.$")
      self.assertEqual(answers(stripped)[problem].get("reasoning_content", ""), "")
      self.assertEqual(answers(stripped)[problem]["content"], answer["content"])
    # The same exchanges, and less to learn from.
    self.assertEqual(self.train("whole.jsonl")["exchanges"], self.train("stripped.jsonl")["exchanges"])
    parts.wait_until(gateway.all_read, "everything is read")
    observed = {a["account"]: a["exchanges"] for a in self.api(gateway, "accounts?limit=1000")}
    self.assertGreater(observed[self.account("thief")], 200)
    # Refused, it buys nothing more and keeps what it has.
    self.write("stillwatch.yaml", CONFIG.replace("{rung: strip, what: [reasoning, logprobs]}", "{rung: refuse}"))
    gateway.signal(signal.SIGHUP)
    gateway.wait_for("is in force")
    self.lab("problems", "--seed", "3", "--count", "5", "--split", "test", "--out", "problems.jsonl")
    status, kept = self.harvest(gateway, "thief", "stripped.jsonl")
    self.assertEqual((status, answers(kept)), (3, answers(stripped)))
    status, more = self.harvest(gateway, "newcomer", "whole.jsonl")
    self.assertEqual((status, len(more)), (0, PROBLEMS + 5))
    self.assertEqual(gateway.stop(), 0)


if __name__ == "__main__":
  parts.main()
