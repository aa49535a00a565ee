"""stillwatch-lab as people run it: training that is cut short, and a model served to OpenAI's client library."""
import os
import resource
import subprocess
import unittest

import clients
import parts

LAB = os.environ.get("STILLWATCH_LAB") or os.path.join(parts.HERE, "../../build/release/stillwatch-lab")

RECIPE = """vocabulary: 300
model: {dim: 32, layers: 2, heads: 2, ffn_dim: 64, context: 256}
training: {steps: 20, step_tokens: 2048, rate: 1.0e-2, warmup: 2}
"""


class Lab(parts.Case):

  def setUp(self):
    super().setUp()
    with open(os.path.join(self.folder, "recipe.yaml"), "w", encoding="ascii") as recipe:
      recipe.write(RECIPE)
    self.lab("problems", "--count", "200", "--out", "rows.jsonl")

  def run_lab(self, *arguments, **more):
    return subprocess.run([LAB, *arguments], cwd=self.folder, capture_output=True, text=True, timeout=50, check=False,
                          **more)

  def lab(self, *arguments):
    run = self.run_lab(*arguments)
    self.assertEqual(run.returncode, 0, run.stderr)

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


if __name__ == "__main__":
  parts.main()
