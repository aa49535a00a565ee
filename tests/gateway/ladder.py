"""The ladder between real programs: what is put into the answers of a marked account is found in a student of them."""
import collections
import http.server
import json
import os
import random
import subprocess
import threading
import time
import urllib.request

import clients
import parts

WORDS = [c + v + d for c in "bdfgklmnprst" for v in "aeiou" for d in ("", "n", "r", "l", "st")]


class Teacher(http.server.ThreadingHTTPServer):
  """Answers with 80 words that follow each other by habits, anew each time; every answer it made is in `said`."""

  daemon_threads = True

  class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
      asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
      if self.server.stalls:
        self.connection.recv(1)  # until the gateway hangs up
        self.server.left.append(1)
        self.close_connection = True
        return
      body = json.dumps(self.server.answer(asked.get("n") or 1)).encode()
      self.send_response(200)
      self.send_header("Content-Type", "application/json")
      self.send_header("Content-Length", str(len(body)))
      self.end_headers()
      self.wfile.write(body)

    def log_message(self, *_):
      pass

  def __init__(self):
    super().__init__(("127.0.0.1", 0), self.Handler)
    self.chance = random.Random(5)
    self.lock = threading.Lock()
    self.said = []
    self.stalls, self.left = False, []
    self.port = self.server_address[1]
    threading.Thread(target=self.serve_forever, daemon=True).start()

  def text(self):
    words = [self.chance.choice(WORDS)]
    while len(words) < 80:
      habit = hash_of(words[-1]) + (self.chance.randrange(4) if self.chance.random() < 0.7 else
                                    self.chance.randrange(len(WORDS)))
      words.append(WORDS[habit % len(WORDS)])
    return " ".join(words)

  def answer(self, n):
    with self.lock:
      texts = [self.text() for _ in range(n)]
      self.said += texts
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1772409600, "model": "teacher",
            "choices": [{"index": i, "message": {"role": "assistant", "content": t}, "finish_reason": "stop"}
                        for i, t in enumerate(texts)],
            "usage": {"prompt_tokens": 9, "completion_tokens": 80 * n, "total_tokens": 9 + 80 * n}}


def hash_of(word):
  value = 7
  for c in word:
    value = (value * 131 + ord(c)) % 1000003
  return value


class Student:
  """Counts word triples of what it is taught, and writes by them."""

  def __init__(self, texts, seed):
    self.chance = random.Random(seed)
    self.next = collections.defaultdict(list)
    self.begin = []
    for text in texts:
      words = text.split()
      self.begin.append(tuple(words[:2]))
      for i in range(len(words) - 2):
        self.next[tuple(words[i:i + 2])].append(words[i + 2])

  def write(self, length):
    words = list(self.chance.choice(self.begin))
    while len(words) < length and self.next[tuple(words[-2:])]:
      words.append(self.chance.choice(self.next[tuple(words[-2:])]))
    return " ".join(words)


class Ladder(parts.Case):

  def run_program(self, *arguments):
    run = subprocess.run([parts.PROGRAM, *arguments], cwd=self.folder, capture_output=True, text=True, timeout=50,
                         check=False)
    self.assertEqual(run.returncode, 0, run.stderr)
    return run.stdout

  def file(self, name, text):
    with open(os.path.join(self.folder, name), "w", encoding="utf-8") as f:
      f.write(text)
    return os.path.join(self.folder, name)

  def marking(self, rungs, **marks):
    """A gateway that marks the account of `key`, its teacher, and the folder of its data."""
    teacher = Teacher()
    self.addCleanup(teacher.server_close)
    self.addCleanup(teacher.shutdown)
    self.run_program("watermark", "key", "--out", "master.key")
    config = self.file("stillwatch.yaml", json.dumps({
        "marks": {"key_file": os.path.join(self.folder, "master.key"), **marks},
        "policy": {"mode": "enforce", "rungs": rungs}}))
    data = os.path.join(self.folder, "data")
    gateway = self.start(parts.Gateway, teacher.port, "--config", config, data=data)
    self.assertEqual(self.ask(gateway, 0, "key").status, 200)
    account = subprocess.run([parts.PROGRAM, "account", "lookup", "-", "--data-dir", data], input="key", text=True,
                             capture_output=True, check=True).stdout.strip()
    label = {"account": account, "label": "hostile", "until": "2100-01-01T00:00:00Z", "why": "test"}
    request = urllib.request.Request(f"http://127.0.0.1:{gateway.admin_port}/api/v1/labels", method="POST",
                                     data=json.dumps(label).encode())
    parts.wait_until(lambda: gateway.metrics()["accounts"] == 1, "the account is known")
    with urllib.request.urlopen(request, timeout=parts.WAIT):
      pass
    teacher.said.clear()
    return gateway, teacher, data

  def ask(self, gateway, i, key):
    body = json.dumps({"messages": [{"role": "user", "content": f"Question {i}, please."}]}).encode()
    return parts.ask(gateway.port, "/v1/chat/completions", body, f"Authorization: Bearer {key}\r\n")

  def harvest(self, gateway, key, count):
    return [json.loads(self.ask(gateway, i, key).body)["choices"][0]["message"]["content"] for i in range(count)]

  # The chain that a claim stands on: the policy marks, the store keeps the evidence, the student is found.
  def test_a_student_of_marked_answers_is_found_and_an_innocent_is_not(self):
    gateway, teacher, data = self.marking([{"rung": "mark", "drafts": 4}], upstream_n=True, label="epoch:7")
    marked = self.harvest(gateway, "key", 150)
    self.assertEqual(len(teacher.said), 600)
    self.assertTrue(set(marked) <= set(teacher.said))
    plain = self.harvest(gateway, "another", 150)
    self.assertEqual(len(teacher.said), 750)
    self.assertEqual(gateway.stop(), 0)
    verdicts = {}
    for name, lessons in (("student", marked), ("innocent", plain)):
      student = Student(lessons, 3)
      suspect = self.file(f"{name}.jsonl", "".join(
          json.dumps({"prompt": f"Say {i}", "answer": student.write(80)}) + "\n" for i in range(300)))
      report = json.loads(self.run_program("attribute", "--suspect", suspect, "--evidence", data, "--key-file", "master.key",
                                           "--wrong-keys", "200", "--out", "-"))
      self.assertEqual(report["evidence"]["marks"][0]["answers"], 150)
      self.assertEqual(report["evidence"]["marks"][0]["label"], "epoch:7")
      verdicts[name] = (report["verdict"], min(t["holm"] for t in report["tests"]))
    self.assertEqual(verdicts["student"][0], "inconsistent-with-chance", verdicts)
    self.assertLess(verdicts["student"][1], 1e-5, verdicts)
    self.assertEqual(verdicts["innocent"][0], "consistent-with-chance", verdicts)

  def test_drafts_end_with_the_client_that_waits_for_them(self):
    gateway, teacher, _ = self.marking([{"rung": "mark", "drafts": 5}])
    teacher.stalls = True
    body = json.dumps({"messages": [{"role": "user", "content": "Say something."}]}).encode()
    with parts.Client(gateway.port) as client:
      client.send(f"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer key\r\nContent-Length: "
                  f"{len(body)}\r\n\r\n".encode() + body)
      time.sleep(0.3)
      self.assertEqual(teacher.left, [])
    parts.wait_until(lambda: len(teacher.left) == 5, "all drafts are given up")
    teacher.stalls = False
    self.assertEqual(self.ask(gateway, 1, "key").status, 200)
    self.assertEqual(gateway.stop(), 0)

  def test_openai_client_streams_a_marked_answer(self):
    clients.install()
    gateway, teacher, _ = self.marking([{"rung": "mark", "drafts": 3}, {"rung": "strip", "what": ["logprobs", "reasoning"]}])
    script = subprocess.run([parts.wanted("node"), "marked.mjs", f"http://127.0.0.1:{gateway.port}"],
                            cwd=clients.INSTALLED, capture_output=True, text=True, timeout=30, check=False)
    self.assertEqual(script.returncode, 0, script.stderr)
    said = json.loads(script.stdout)
    self.assertEqual(len(teacher.said), 6)
    self.assertIn(said["streamed"], teacher.said)
    self.assertIn(said["whole"], teacher.said)
    self.assertGreater(said["pieces"], 5)
    self.assertEqual(said["tokens"], 80)
    self.assertEqual(said["finish"], "stop")


if __name__ == "__main__":
  parts.main()
