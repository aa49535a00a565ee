"""The client library of OpenAI's API with a model that stillwatch-lab trained a moment ago and serves."""
import os
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

  @classmethod
  def setUpClass(cls):
    clients.install()

  def lab(self, *arguments):
    run = subprocess.run([LAB, *arguments], cwd=self.folder, capture_output=True, text=True, timeout=50, check=False)
    self.assertEqual(run.returncode, 0, run.stderr)

  def test_openai_client(self):
    with open(os.path.join(self.folder, "recipe.yaml"), "w", encoding="ascii") as recipe:
      recipe.write(RECIPE)
    self.lab("problems", "--count", "200", "--out", "rows.jsonl")
    self.lab("train", "--data", "rows.jsonl", "--config", "recipe.yaml", "--out", "m", "--threads", "1")
    server = self.start(parts.Process, "lab", [LAB, "serve", "--model", os.path.join(self.folder, "m"), "--listen", "127.0.0.1:0"])
    port = server.wait_for(r"on port (\d+)").group(1)
    script = subprocess.run([parts.wanted("node"), "lab.mjs", f"http://127.0.0.1:{port}"], cwd=clients.INSTALLED,
                            capture_output=True, text=True, timeout=30, check=False)
    self.assertEqual(script.returncode, 0, script.stderr)
    self.assertIn("all said", script.stdout)


if __name__ == "__main__":
  parts.main()
