"""stillwatch-lab as people run it: training that is cut short, and a model served to OpenAI's client library."""
import json
import os
import resource
import signal
import subprocess
import unittest

import clients
import parts

LAB = os.environ.get("STILLWATCH_LAB") or os.path.join(parts.HERE, "../../build/release/stillwatch-lab")

RECIPE = """vocabulary: 300
model: {dim: 32, layers: 2, heads: 2, ffn_dim: 64, context: 256}
training: {steps: 20, step_tokens: 2048, rate: 1.0e-2, warmup: 2}
"""


class LabCase(parts.Case):

  def run_lab(self, *arguments, **more):
    return subprocess.run([LAB, *arguments], cwd=self.folder, capture_output=True, text=True, timeout=50, check=False,
                          **more)

  def lab(self, *arguments):
    run = self.run_lab(*arguments)
    self.assertEqual(run.returncode, 0, run.stderr)


class Problems(LabCase):

  def test_have_the_parts_asked_for(self):
    written = self.run_lab("problems", "--count", "40", "--level", "2-3", "--with", "table,menu")
    self.assertEqual(written.returncode, 0, written.stderr)
    structures = [set(json.loads(line)["structure"].split()) for line in written.stdout.splitlines()]
    self.assertEqual(len(structures), 40)
    for part in "table", "menu":
      self.assertTrue(any(part in structure for structure in structures), part)
    self.assertTrue(all(structure & {"table", "menu"} for structure in structures))
    # A difference needs two persons, so two operations.
    none = self.run_lab("problems", "--count", "1", "--level", "1", "--with", "gap")
    self.assertEqual(none.returncode, 3)
    self.assertIn("only 0 different problems", none.stderr)
    self.assertEqual(self.run_lab("problems", "--with", "chair").returncode, 2)


class Training(LabCase):

  def setUp(self):
    super().setUp()
    with open(os.path.join(self.folder, "recipe.yaml"), "w", encoding="ascii") as recipe:
      recipe.write(RECIPE)
    self.lab("problems", "--count", "200", "--out", "rows.jsonl")

  def train(self, **more):
    return self.run_lab("train", "--data", "rows.jsonl", "--config", "recipe.yaml", "--out", "m", "--threads", "1",
                        "--save-every", "5", **more)

  def test_full_disk_loses_nothing_that_was_kept(self):
    whole = self.train()
    self.assertEqual(whole.returncode, 0, whole.stderr)
    kept = {}
    for name in os.listdir(os.path.join(self.folder, "m")):
      with open(os.path.join(self.folder, "m", name), "rb") as file:
        kept[name] = file.read()
    # The same training from its beginning, in a folder that holds nothing but half a state's bytes.
    os.rename(os.path.join(self.folder, "m"), os.path.join(self.folder, "first"))
    limit = len(kept["state.safetensors"]) // 2
    full = self.train(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    self.assertEqual(full.returncode, 4, full.stderr)
    self.assertRegex(full.stderr, "state.safetensors cannot be written: File too large")
    self.assertEqual(os.listdir(os.path.join(self.folder, "m")), [])  # no half of a file
    # With room again it goes through to the same bits.
    again = self.train()
    self.assertEqual(again.returncode, 0, again.stderr)
    for name in ("state.safetensors", "model.safetensors", "tokenizer.json"):
      with open(os.path.join(self.folder, "m", name), "rb") as file:
        self.assertEqual(file.read(), kept[name], name)

  def test_a_damaged_state_is_named(self):
    self.assertEqual(self.train().returncode, 0)
    state = os.path.join(self.folder, "m", "state.safetensors")
    with open(state, "r+b") as file:
      file.truncate(os.path.getsize(state) - 100)
    broken = self.train()
    self.assertEqual(broken.returncode, 3, broken.stderr)
    self.assertRegex(broken.stderr, "state.safetensors: tensor .* lies beyond the end of the file")

  def test_openai_client(self):
    clients.install()
    self.lab("train", "--data", "rows.jsonl", "--config", "recipe.yaml", "--out", "m", "--threads", "1")
    server = self.start(parts.Process, "lab", [LAB, "serve", "--model", os.path.join(self.folder, "m"), "--listen", "127.0.0.1:0"])
    port = server.wait_for(r"on port (\d+)").group(1)
    script = subprocess.run([parts.wanted("node"), "lab.mjs", f"http://127.0.0.1:{port}"], cwd=clients.INSTALLED,
                            capture_output=True, text=True, timeout=30, check=False)
    self.assertEqual(script.returncode, 0, script.stderr)
    self.assertIn("all said", script.stdout)


SMALL = """vocabulary: 272
model: {dim: 32, layers: 1, heads: 2, ffn_dim: 32, context: 64}
training: {steps: 400, step_tokens: 96, rate: 1.0e-2, warmup: 5, seed: %d}
"""


class Distilled(LabCase):
  """A teacher that knows thirty sums by heart, served, harvested and distilled."""

  def setUp(self):
    super().setUp()
    with open(self.path("sums.jsonl"), "w", encoding="ascii") as rows:
      for a in range(1, 7):
        for b in range(2, 7):
          rows.write(json.dumps({"id": f"{a}+{b}", "answer": str(a + b), "messages": [
              {"role": "user", "content": f"{a}+{b}?"},
              {"role": "assistant", "reasoning_content": f"{a}+{b}={a + b}", "content": f"It is {a + b}"}]}) + "\n")
    for name, seed in ("teacher.yaml", 1), ("student.yaml", 2):
      with open(self.path(name), "w", encoding="ascii") as recipe:
        recipe.write(SMALL % seed)
    self.lab("train", "--data", "sums.jsonl", "--config", "teacher.yaml", "--out", "teacher", "--threads", "1")

  def path(self, *names):
    return os.path.join(self.folder, *names)

  def harvest(self, *more):
    server = self.start(parts.Process, "teacher", [LAB, "serve", "--model", self.path("teacher"), "--listen",
                                                   "127.0.0.1:0", "--threads", "1"])
    port = server.wait_for(r"on port (\d+)").group(1)
    return self.run_lab("distill", "harvest", "--teacher", f"http://127.0.0.1:{port}/v1", "--prompts", "sums.jsonl",
                        "--out", "harvest.jsonl", "--temperature", "0", "--answer-tokens", "40", *more)

  def student(self, out, *more):
    return [LAB, "distill", "train", "--student", "student.yaml", "--tokenizer", "teacher", "--data", "harvest.jsonl",
            "--out", out, "--threads", "1", "--save-every", "10", *more]

  def read(self, *names):
    with open(self.path(*names), "rb") as file:
      return file.read()

  def test_distils_what_was_harvested(self):
    first = self.harvest("--interface", "reasoning+logprobs", "--max-exchanges", "10")
    self.assertEqual(first.returncode, 3, first.stderr)
    rest = self.harvest("--interface", "reasoning+logprobs")
    self.assertEqual(rest.returncode, 0, rest.stderr)
    rows = [json.loads(line) for line in self.read("harvest.jsonl").splitlines()]
    self.assertEqual(len({row["id"] for row in rows}), 30)
    self.assertEqual(len(rows), 30)
    self.assertEqual(set(rows[0]["messages"][-1]), {"role", "reasoning_content", "content"})
    # From the texts, and from the log-probabilities without a teacher at hand.
    for out, loss in ("texts", "tokens"), ("known", "jsd"):
      self.lab(*self.student(out, "--loss", loss)[1:])
      told = json.loads(self.read(out, "training.json"))
      self.assertEqual((told["method"], told["exchanges"], told["steps"]), (loss, 30, 400))
      self.assertEqual(told["completion_tokens"], sum(row["teacher"]["usage"]["completion_tokens"] for row in rows))
      losses = [json.loads(line)["loss"] for line in self.read(out, "metrics.jsonl").splitlines()]
      self.assertLess(losses[-1], 0.7 * losses[0])
    held = self.run_lab("distill", "eval", "--student", "known", "--teacher", "teacher", "--data", "sums.jsonl",
                         "--json", "eval.json", "--threads", "1")
    self.assertEqual(held.returncode, 0, held.stderr)
    self.assertRegex(held.stdout, r"bought, exchanges +30 +0")
    told = json.loads(self.read("eval.json"))
    self.assertEqual((told["questions"], told["same_tokens"], told["student"]["bought"]["exchanges"]), (30, True, 30))
    self.assertEqual(told["student"]["training"]["flop"],
                     6 * told["student"]["parameters"] * told["student"]["training"]["tokens"])
    self.assertLess(told["teacher"]["teachers_text"]["perplexity"], told["student"]["teachers_text"]["perplexity"])
    # Other tokens fit texts only.
    self.lab("problems", "--count", "50", "--out", "rows.jsonl")
    self.lab("train", "--data", "rows.jsonl", "--config", "teacher.yaml", "--out", "words", "--threads", "1", "--steps", "1")
    other = self.run_lab("distill", "train", "--student", "student.yaml", "--tokenizer", "words", "--data",
                         "harvest.jsonl", "--out", "other", "--loss", "forward-kl", "--threads", "1")
    self.assertEqual(other.returncode, 3, other.stderr)
    self.assertRegex(other.stderr, "tokens that are not the student's")

  def test_prunes_a_model_that_students_begin_from(self):
    with open(self.path("teacher.yaml"), "w", encoding="ascii") as recipe:
      recipe.write((SMALL % 1).replace("layers: 1", "layers: 2"))
    self.lab("train", "--data", "sums.jsonl", "--config", "teacher.yaml", "--out", "deep", "--threads", "1")
    prune = "distill", "prune", "--teacher", "deep", "--data", "sums.jsonl", "--threads", "1"
    self.lab(*prune, "--layers", "1", "--ffn", "24", "--out", "pruned")
    shape = json.loads(self.read("pruned", "config.json"))
    self.assertEqual((shape["num_hidden_layers"], shape["intermediate_size"], shape["hidden_size"]), (1, 24, 32))
    told = json.loads(self.read("pruned", "training.json"))
    self.assertEqual((told["method"], told["rows"], len(told["layers"])), ("prune", 30, 1))
    self.assertGreater(told["loss_after"], told["loss_before"])
    self.assertEqual(told["inherits"], json.loads(self.read("deep", "training.json")))
    # The same command leaves the same weights, and half the bytes where asked.
    self.lab(*prune, "--layers", "1", "--ffn", "24", "--out", "again")
    self.assertEqual(self.read("pruned", "model.safetensors"), self.read("again", "model.safetensors"))
    self.lab(*prune, "--layers", "1", "--ffn", "24", "--dtype", "bf16", "--out", "halved")
    self.assertLess(len(self.read("halved", "model.safetensors")), 0.6 * len(self.read("pruned", "model.safetensors")))
    # Training mends it, and tells what came before.
    self.lab("distill", "train", "--student", "pruned", "--config", "student.yaml", "--data", "sums.jsonl", "--teacher",
             "deep", "--loss", "forward-kl", "--threads", "1", "--out", "mended")
    self.assertEqual(json.loads(self.read("mended", "training.json"))["before"], told)
    right = self.run_lab("exam", "--model", "mended", "--data", "sums.jsonl", "--threads", "1").stdout
    self.assertGreaterEqual(int(right.split()[1]), 15, right)

  def test_prunes_nothing_that_is_not_there(self):
    def prune(data, *shape):
      return self.run_lab("distill", "prune", "--teacher", "teacher", "--data", data, "--threads", "1", "--out", "pruned",
                          *shape)

    for status, run, said in ((2, prune("sums.jsonl", "--layers", "2"), "the model has 1"),
                              (2, prune("sums.jsonl", "--heads", "1"), "a multiple of it"),
                              (2, prune("sums.jsonl", "--ffn", "0"), "--ffn"),
                              (3, prune("missing.jsonl"), "missing.jsonl")):
      self.assertEqual(run.returncode, status, run.stderr)
      self.assertIn(said, run.stderr)
    with open(self.path("teacher", "model.safetensors"), "r+b") as file:
      file.truncate(1000)
    cut = prune("sums.jsonl")
    self.assertEqual(cut.returncode, 3, cut.stderr)
    self.assertIn("model.safetensors", cut.stderr)
    self.assertFalse(os.path.exists(self.path("pruned")))

  def test_a_killed_student_goes_on_bit_for_bit(self):
    self.assertEqual(self.harvest("--interface", "reasoning").returncode, 0)
    more = "--teacher", "teacher", "--loss", "jsd", "--on-policy", "0.5"
    self.lab(*self.student("whole", *more)[1:])
    begun = parts.Process(self.folder, "begun", self.student("killed", *more))
    self.addCleanup(begun.kill)
    begun.wait_for("step +20 of 400")
    begun.signal(signal.SIGKILL)
    self.assertEqual(begun.wait(), -signal.SIGKILL)
    again = self.run_lab(*self.student("killed", *more)[1:])
    self.assertEqual(again.returncode, 0, again.stderr)
    self.assertRegex(again.stderr, r"going on behind step [1-9]\d{1,2}\n")
    for name in "state.safetensors", "model.safetensors":
      self.assertEqual(self.read("killed", name), self.read("whole", name))


if __name__ == "__main__":
  parts.main()
