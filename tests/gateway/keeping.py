"""What outlives a gateway, and what it says over TLS: kills under load, a store without room, a policy read again."""
import contextlib
import gzip
import http.server
import json
import os
import pathlib
import random
import resource
import signal
import sqlite3
import ssl
import subprocess
import threading
import time
import urllib.request

import parts

ANSWER = {"choices": [{"message": {"content": "The Rhine, for one."}}], "usage": {"completion_tokens": 41}}


def prompt(i):
  return json.dumps({"messages": [{"role": "user", "content": f"Question {i} about the rivers of Europe"}]}).encode()


class Model(http.server.ThreadingHTTPServer):
  """Answers every prompt, encoded with gzip where that is accepted."""

  daemon_threads = True

  class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
      self.rfile.read(int(self.headers["Content-Length"]))
      body = json.dumps(self.server.answer).encode()
      self.send_response(200)
      self.send_header("Content-Type", "application/json")
      if "gzip" in self.headers.get("Accept-Encoding", ""):
        body = gzip.compress(body)
        self.send_header("Content-Encoding", "gzip")
      self.send_header("Content-Length", str(len(body)))
      self.end_headers()
      self.wfile.write(body)

    def log_message(self, *_):
      pass

  def __init__(self, tls=None):
    super().__init__(("127.0.0.1", 0), self.Handler)
    self.answer = ANSWER
    if tls:
      self.socket = tls.wrap_socket(self.socket, server_side=True)
    self.port = self.server_address[1]
    threading.Thread(target=self.serve_forever, daemon=True).start()

  def handle_error(self, *_):
    pass


def account_of(data):
  return subprocess.run([parts.PROGRAM, "account", "lookup", "-", "--data-dir", data], input="key", text=True,
                        capture_output=True, check=True).stdout.strip()


class Keeping(parts.Case):

  def model(self, tls=None):
    model = Model(tls)
    self.addCleanup(model.server_close)
    self.addCleanup(model.shutdown)
    return model

  def configure(self, text):
    """The path of a configuration that says `text` now."""
    path = os.path.join(self.folder, "stillwatch.yaml")
    with open(path, "w", encoding="utf-8") as f:
      f.write(text)
    return path

  def api(self, gateway, path, method="GET", body=None):
    request = urllib.request.Request(f"http://127.0.0.1:{gateway.admin_port}{path}", method=method, data=body)
    with urllib.request.urlopen(request, timeout=parts.WAIT) as answer:
      return json.load(answer)

  def exchanges(self, gateway):
    return sum(a["exchanges"] for a in self.api(gateway, "/api/v1/accounts")["accounts"])

  def ask(self, gateway, i, fields="Authorization: Bearer key\r\n"):
    return parts.ask(gateway.port, "/v1/chat/completions", prompt(i), fields)

  def kills_lose_a_second_at_most(self, keys, *arguments):
    """After each kill the store opens, is sound, and holds all that was observed a second before the kill."""
    model = self.model()
    data = os.path.join(self.folder, "data")
    kills = int(os.environ.get("STILLWATCH_KILLS", "6"))
    chance = random.Random(7)
    known = 0
    gateway = self.start(parts.Gateway, model.port, *arguments, data=data)
    for key in range(keys):
      self.ask(gateway, key, f"Authorization: Bearer key{key}\r\n")
    self.assertEqual(gateway.stop(), 0)
    for _ in range(kills):
      gateway = self.start(parts.Gateway, model.port, *arguments, data=data)
      self.assertGreaterEqual(self.exchanges(gateway), known)
      stop = threading.Event()

      def load():
        i = 0
        while not stop.is_set():
          i += 1
          try:
            self.ask(gateway, i, f"Authorization: Bearer key{i % keys}\r\n")
          except OSError:
            return

      threads = [threading.Thread(target=load, daemon=True) for _ in range(2)]
      for thread in threads:
        thread.start()
      time.sleep(0.3 + chance.random() * 0.3)
      seen = self.exchanges(gateway)
      time.sleep(1 + chance.random() * 0.1)
      gateway.kill()
      stop.set()
      for thread in threads:
        thread.join()
      known = max(known, seen)
      with contextlib.closing(sqlite3.connect(os.path.join(data, "stillwatch.db"))) as store:
        self.assertEqual(store.execute("PRAGMA integrity_check").fetchone()[0], "ok")
    gateway = self.start(parts.Gateway, model.port, *arguments, data=data)
    self.assertGreaterEqual(self.exchanges(gateway), known)
    self.assertGreater(known, 50)
    return gateway

  def test_kills_under_load_lose_a_second_at_most(self):
    self.assertEqual(self.kills_lose_a_second_at_most(5).stop(), 0)

  def test_kills_where_profiles_leave_memory_lose_a_second_at_most(self):
    gateway = self.kills_lose_a_second_at_most(150, "--config", self.configure("memory_mib: 1"))
    parts.wait_until(lambda: gateway.metrics()["profiles_in_memory"] <= 52, "profiles leave memory")
    self.assertEqual(gateway.metrics()["accounts"], 150)
    self.assertEqual(gateway.stop(), 0)

  # An account that a person called hostile is no finding; one that the evidence flags is told of, if need be later.
  def test_alerts_that_wait_survive_the_end(self):
    port = parts.free_port()
    secret = os.path.join(self.folder, "secret")
    with open(secret, "w", encoding="ascii") as f:
      f.write("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")
    path = os.path.join(self.folder, "findings.jsonl")
    config = self.configure(f"alerts: {{webhook: {{url: 'http://127.0.0.1:{port}/', secret_file: {secret}}}, "
                            f"json_log: {path}}}\nfalse_alarms: 5000\n")
    data = os.path.join(self.folder, "data")
    model = self.model()
    model.answer = {**ANSWER, "usage": {"completion_tokens": 400}}
    gateway = self.start(parts.Gateway, model.port, "--config", config, "--baseline", "reference", data=data)
    # Of all honest accounts half may be flagged; one that takes what it can get is among them.
    with open(os.path.join(parts.HERE, "../../data/prompts/distill/tasks.jsonl"), encoding="utf-8") as f:
      for line, _ in zip(f, range(80)):
        request = json.dumps({"messages": json.loads(line)["messages"]}).encode()
        parts.ask(gateway.port, "/v1/chat/completions", request, "Authorization: Bearer key\r\n")
    told = parts.wait_until(lambda: gateway.metrics()["findings_total"], "the account is flagged")
    parts.wait_until(lambda: pathlib.Path(path).read_text(encoding="utf-8").count("\n") == told, "the log has them")
    parts.wait_until(lambda: gateway.metrics()["alert_failures_total"] >= told, "nobody answers the webhook")
    self.assertEqual(gateway.stop(), 0)
    got = []

    class Hook(http.server.BaseHTTPRequestHandler):

      def do_POST(self):
        got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

      def log_message(self, *_):
        pass

    with http.server.HTTPServer(("127.0.0.1", port), Hook) as hook:
      threading.Thread(target=hook.serve_forever, daemon=True).start()
      gateway = self.start(parts.Gateway, 1, "--config", config, "--baseline", "reference", data=data)
      parts.wait_until(lambda: gateway.metrics()["alerts_delivered_total"] == told, "they are told")
      self.assertEqual(gateway.stop(), 0)
      hook.shutdown()
    self.assertEqual(len(got), told)
    with open(path, encoding="utf-8") as f:
      lines = [json.loads(line) for line in f]
    self.assertEqual(sorted(a["finding"]["account"] for a in got), sorted(a["finding"]["account"] for a in lines))
    with contextlib.closing(sqlite3.connect(os.path.join(data, "stillwatch.db"))) as store:
      self.assertEqual(store.execute("SELECT count(*) FROM alerts").fetchone()[0], 0)

  def test_store_without_room_is_told_and_stops_nothing(self):
    model = self.model()
    data = os.path.join(self.folder, "data")
    gateway = self.start(parts.Gateway, model.port, data=data)
    self.ask(gateway, 1)
    parts.wait_until(lambda: gateway.metrics()["prompts_observed_total"] == 1, "it is observed")
    # No file of the process may grow: to it that is a disk without room.
    resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    for i in range(40):
      self.assertEqual(self.ask(gateway, i).status, 200)
    parts.wait_until(lambda: gateway.metrics()["store_suspended"] == 1, "it says so")
    self.assertIn("would not outlive the process", gateway.said())
    resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    parts.wait_until(lambda: gateway.metrics()["store_suspended"] == 0, "it works again")
    gateway.kill()
    gateway = self.start(parts.Gateway, model.port, data=data)
    self.assertEqual(self.exchanges(gateway), 41)
    self.assertEqual(gateway.stop(), 0)

  def test_policy_is_read_again_and_a_fault_changes_nothing(self):
    model = self.model()
    data = os.path.join(self.folder, "data")
    config = self.configure("policy: {mode: enforce, rungs: [{rung: refuse}]}")
    gateway = self.start(parts.Gateway, model.port, "--config", config, data=data)
    account = account_of(data)
    label = {"account": account, "label": "hostile", "until": "2100-01-01T00:00:00Z", "why": "test"}
    self.assertEqual(self.ask(gateway, 1).status, 200)
    parts.wait_until(lambda: gateway.metrics()["accounts"] == 1, "the account is known")
    self.api(gateway, "/api/v1/labels", "POST", json.dumps(label).encode())
    self.assertEqual(self.ask(gateway, 2).status, 403)
    self.configure("policy: {mode: enforce, rungs: [{rung: refuse}, {rung: shout}]}")
    gateway.signal(signal.SIGHUP)
    gateway.wait_for(r"the old policy stays: .*stillwatch.yaml:1:\d+: `rung` is none of")
    self.assertEqual(self.ask(gateway, 3).status, 403)
    self.configure(f"policy: {{mode: enforce, allow: [{account}], rungs: [{{rung: refuse}}]}}")
    gateway.signal(signal.SIGHUP)
    gateway.wait_for(r"policy [0-9a-f]{16} is in force")
    self.assertEqual(self.ask(gateway, 4).status, 200)
    self.assertEqual(gateway.stop(), 0)
    subprocess.run([parts.PROGRAM, "forget", account, "--data-dir", data], check=True)
    with open(os.path.join(data, "stillwatch.db"), "rb") as f:
      self.assertNotIn(account.encode(), f.read())

  def test_encoded_answers_are_relayed_as_they_are_and_read(self):
    gateway = self.start(parts.Gateway, self.model().port)
    answer = self.ask(gateway, 1, "Accept-Encoding: gzip\r\n")
    self.assertEqual(json.loads(gzip.decompress(answer.body)), ANSWER)
    parts.wait_until(lambda: gateway.metrics()["prompts_observed_total"] == 1, "it is observed")
    self.assertEqual(self.api(gateway, "/api/v1/accounts")["summary"]["output_tokens"], 41)

  def tls_model(self, name):
    """A model that proves to be `name`, and the files of its certificate and key."""
    pem, key = (os.path.join(self.folder, f"{name}.{kind}") for kind in ("pem", "key"))
    subprocess.run([parts.wanted("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout",
                    key, "-out", pem], check=True, capture_output=True)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem, key)
    return self.model(server), pem, key

  def test_tls_on_both_sides(self):
    model, pem, key = self.tls_model("localhost")
    config = self.configure(f"upstream_ca: {pem}\ntls: {{certificate: {pem}, key: {key}}}\n")
    gateway = self.start(parts.Gateway, 0, "--config", config, upstream=f"https://localhost:{model.port}")
    trusting = ssl.create_default_context(cafile=pem)
    for i in range(3):
      request = urllib.request.Request(f"https://localhost:{gateway.port}/v1/chat/completions", data=prompt(i))
      with urllib.request.urlopen(request, timeout=parts.WAIT, context=trusting) as answer:
        self.assertEqual(json.load(answer), ANSWER)
    parts.wait_until(lambda: gateway.metrics()["prompts_observed_total"] == 3, "all are observed")
    self.assertEqual(gateway.stop(), 0)

  def test_upstream_that_cannot_prove_its_name_is_not_asked(self):
    model, pem, _ = self.tls_model("elsewhere")
    config = self.configure(f"upstream_ca: {pem}\n")
    gateway = self.start(parts.Gateway, 0, "--config", config, upstream=f"https://localhost:{model.port}")
    self.assertEqual(self.ask(gateway, 1).status, 502)


if __name__ == "__main__":
  parts.main()
