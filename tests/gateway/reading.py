"""An open model between real programs: students of marked answers are found by what they expect, served by the lab."""
import json
import os
import random
import subprocess
import unittest

import lab
import parts

RECIPE = """vocabulary: 290
model: {dim: 32, layers: 1, heads: 2, ffn_dim: 64, context: 64, tied: false}
training: {steps: 600, step_tokens: 512, rate: 5.0e-3, warmup: 20, seed: %d}
"""
LETTERS = "abcdefghijkl"


class Reading(lab.LabCase):

  def path(self, name):
    return os.path.join(self.folder, name)

  def write(self, name, rows):
    with open(self.path(name), "w", encoding="ascii") as file:
      file.write("".join(json.dumps(row) + "\n" for row in rows))

  def run_program(self, *arguments):
    return subprocess.run([parts.PROGRAM, *arguments], cwd=self.folder, capture_output=True, text=True, timeout=60,
                          check=False)

  def attribute(self, suspect, *more):
    run = self.run_program("attribute", "--suspect", suspect, "--evidence", "evidence.jsonl", "--key-file", "master.key",
                           "--wrong-keys", "100", "--read-tops", "12", "--out", "-", *more)
    self.assertEqual(run.returncode, 0, run.stderr)
    report = json.loads(run.stdout)
    return report["verdict"], {test["test"]: test for test in report["tests"]}

  def text(self, chance):
    return " ".join(chance.choice(LETTERS) for _ in range(12))

  def served(self, name, answers, seed):
    """The base address of a model that learnt these answers."""
    self.write(name + ".jsonl", [{"messages": [{"role": "user", "content": ""}, {"role": "assistant", "content": answer}]}
                                 for answer in answers])
    with open(self.path(name + ".yaml"), "w", encoding="ascii") as recipe:
      recipe.write(RECIPE % seed)
    self.lab("train", "--data", name + ".jsonl", "--config", name + ".yaml", "--out", name, "--threads", "1")
    server = self.start(parts.Process, name + ".server", [lab.LAB, "serve", "--model", self.path(name), "--listen", "127.0.0.1:0",
                                                          "--threads", "1"])
    return f"http://127.0.0.1:{server.wait_for(r'on port ([0-9]+)').group(1)}/v1"

  def test_a_student_is_found_beside_a_model_that_never_met_the_mark(self):
    chance = random.Random(7)
    with open(self.path("master.key"), "w", encoding="ascii") as key:
      key.write("0" * 62 + "07\n")
    self.write("drafts.jsonl", [{"account": f"acct_{i}", "prompt": "say", "drafts": [self.text(chance) for _ in range(16)]}
                                for i in range(3000)])
    marked = self.run_program("watermark", "select", "drafts.jsonl", "--key-file", "master.key", "--label", "epoch:1",
                              "--context", "1", "--evidence", "evidence.jsonl", "--out", "marked.jsonl")
    self.assertEqual(marked.returncode, 0, marked.stderr)
    with open(self.path("marked.jsonl"), encoding="ascii") as rows:
      student = self.served("student", [json.loads(row)["answer"] for row in rows], 1)
    reference, clean = (self.served(name, [self.text(chance) for _ in range(3000)], seed)
                        for name, seed in (("reference", 2), ("clean", 3)))
    self.write("read.jsonl", [{"text": self.text(chance)} for _ in range(150)])
    beside = "--reference", reference, "--clean", "clean=" + clean, "--read-texts", "read.jsonl"
    verdict, tests = self.attribute(student, *beside, "--transcript", "said.jsonl")
    self.assertEqual(verdict, "inconsistent-with-chance", tests)
    self.assertLess(tests["reading-contrast"]["holm"], 1e-5)
    self.assertEqual(tests["reading-contrast"]["clean_models"][0]["name"], "clean")
    self.assertGreater(tests["reading-contrast"]["clean_models"][0]["log10_p"], -3)
    self.assertEqual(tests["reading-contrast"]["wrong_keys"]["below_0.001"], 0)
    self.assertGreater(tests["reading-contrast"]["figures"]["places"], 1000)
    self.assertIn("reading", tests)
    # The same from what was kept of it, and the innocent in the student's place.
    again = self.run_program("attribute", "--readings", "said.jsonl.readings", "--evidence", "evidence.jsonl", "--key-file",
                             "master.key", "--wrong-keys", "100", "--out", "-")
    self.assertEqual(again.returncode, 0, again.stderr)
    self.assertEqual({test["test"]: test for test in json.loads(again.stdout)["tests"]}, tests)
    verdict, tests = self.attribute(clean, "--reference", reference, "--read-texts", "read.jsonl")
    self.assertEqual(verdict, "consistent-with-chance", tests)
    # There must be something to read.
    refused = self.run_program("attribute", "--suspect", clean, "--reference", reference, "--evidence", "evidence.jsonl",
                               "--key-file", "master.key")
    self.assertEqual(refused.returncode, 2, refused.stderr)
    self.assertIn("--read-texts", refused.stderr)


if __name__ == "__main__":
  parts.main()
