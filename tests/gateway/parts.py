"""What the tests of this folder share: a gateway, real servers behind it, and a client that sends bytes as they are.

Everything is started in a temporary folder, listens on a free port of 127.0.0.1, and ends with the test that started
it; a test that is killed takes its processes with it. A test that lacks a part says so and is skipped: the program then
ends with 77, which ctest shows as skipped.
"""
import atexit
import contextlib
import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.environ.get("STILLWATCH_PROGRAM") or os.path.join(HERE, "../../build/release/stillwatch")
# Sanitizers keep freed memory and slow everything down: figures of memory and time do not hold under them.
SANITIZED = os.environ.get("STILLWATCH_SANITIZED", "") == "1"
SKIPPED = 77
WAIT = 10.0  # seconds; for whatever is due at once


def wait_until(done, what, seconds=WAIT):
  """Asks until `done` says something true, and returns that."""
  end = time.monotonic() + seconds
  while True:
    answer = done()
    if answer:
      return answer
    if time.monotonic() > end:
      raise AssertionError(f"not within {seconds} s: {what}")
    time.sleep(0.01)


def free_port():
  with socket.socket() as s:
    s.bind(("127.0.0.1", 0))
    return s.getsockname()[1]


def accepts(port):
  with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
    return True
  return False


def wanted(name):
  """The path of a program that a test needs."""
  path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
  if not path:
    raise unittest.SkipTest(f"{name} is not installed")
  return path


def die_with_parent():
  PR_SET_PDEATHSIG = 1
  ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
  """A program that runs in `folder` until stop(). What it writes goes to the file `name`.log there."""

  def __init__(self, folder, name, argv, env=None):
    self.log = os.path.join(folder, f"{name}.log")
    with open(self.log, "wb") as log:
      self._process = subprocess.Popen(argv, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       env={**os.environ, **(env or {})}, preexec_fn=die_with_parent)
    self.pid = self._process.pid
    atexit.register(self.kill)

  def said(self):
    with open(self.log, "r", encoding="utf-8", errors="replace") as log:
      return log.read()

  def wait_for(self, pattern):
    """The match of `pattern` in what it says."""

    def found():
      match = re.search(pattern, self.said())
      if not match and self._process.poll() is not None:
        raise AssertionError(f"ended with {self._process.returncode}: {self.said()}")
      return match

    return wait_until(found, f"{pattern} in {self.log}")

  def signal(self, which):
    self._process.send_signal(which)

  def wait(self, seconds=WAIT):
    return self._process.wait(seconds)

  def alive(self):
    return self._process.poll() is None

  def kill(self):
    if self.alive():
      self._process.kill()
    self._process.wait()
    atexit.unregister(self.kill)

  def descriptors(self):
    """How many are open."""
    return len(os.listdir(f"/proc/{self.pid}/fd"))

  def rss(self):
    """Resident bytes."""
    with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
      return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1)) * 1024


class Gateway(Process):
  """`stillwatch serve` in front of a port."""

  def __init__(self, folder, upstream_port, *arguments, upstream=None, program=PROGRAM, data=None):
    super().__init__(folder, "gateway", [
        program, "serve", "--upstream", upstream or f"http://127.0.0.1:{upstream_port}", "--listen", "127.0.0.1:0",
        "--admin", "127.0.0.1:0", "--data-dir", data or os.path.join(folder, "data"), *arguments
    ], {"PROGRAM": PROGRAM})
    ports = self.wait_for(r"\(port (\d+)\).*admin on port (\d+)")
    self.port, self.admin_port = int(ports.group(1)), int(ports.group(2))

  def metrics(self):
    """The value of each metric, by its name without `stillwatch_`."""
    with urllib.request.urlopen(f"http://127.0.0.1:{self.admin_port}/metrics", timeout=WAIT) as answer:
      text = answer.read().decode()
    return {m.group(1): int(m.group(2)) for m in re.finditer(r"^stillwatch_(\w+) (\d+)$", text, re.MULTILINE)}

  def all_read(self):
    """Whether every request is observed or shed: what the observer has in hand waits no longer, and is not counted yet."""
    m = self.metrics()
    return m["exchanges_observed_total"] + m["observations_shed_total"] >= m["requests_total"]

  def stop(self):
    """Ends it as an operator does; its exit status."""
    if self.alive():
      self.signal(signal.SIGTERM)
    try:
      return self.wait(15)
    finally:
      self.kill()


class Nginx(Process):
  """nginx that answers 200 to everything and writes a line for every request that it saw."""

  def __init__(self, folder):
    program = wanted("nginx")
    self.port = free_port()
    self.access_log = os.path.join(folder, "access.log")
    configuration = os.path.join(folder, "nginx.conf")
    temporary = "".join(f"  {kind}_temp_path {folder}/{kind};\n"
                        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    with open(configuration, "w", encoding="utf-8") as f:
      f.write(f"""
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
events {{ worker_connections 256; }}
http {{
{temporary}
  log_format seen "$status $request_method $request_uri";
  access_log {self.access_log} seen;
  server {{
    listen 127.0.0.1:{self.port};
    location / {{ return 200 "$request_method $request_uri\\n"; }}
  }}
}}
""")
    super().__init__(folder, "nginx", [program, "-p", folder, "-c", configuration, "-e", f"{folder}/nginx-error.log"])
    wait_until(lambda: accepts(self.port), "nginx listens")

  def seen(self):
    """(status, method, target) of every request so far."""
    with open(self.access_log, encoding="utf-8", errors="replace") as f:
      return [tuple(line.split(" ", 2)) for line in f.read().splitlines()]


class Node(Process):
  """A script of Node that says `port N` when it listens."""

  def __init__(self, folder, script, name="node"):
    super().__init__(folder, name, [wanted("node"), script])
    self.port = int(self.wait_for(r"port (\d+)").group(1))


class Answer:
  """What came back: status 0 if nothing did. `whole` is false if it ended before its end."""

  def __init__(self):
    self.status, self.fields, self.body, self.whole = 0, {}, b"", False


class Client:
  """One connection that sends bytes as they are."""

  def __init__(self, port, receive_buffer=None):
    self.socket = socket.socket()
    if receive_buffer:
      self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    self.socket.settimeout(WAIT)
    self.socket.connect(("127.0.0.1", port))
    self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    self._left = b""

  def __enter__(self):
    return self

  def __exit__(self, *_):
    self.close()

  def send(self, data):
    self.socket.sendall(data)

  def reset(self):
    """Closes with RST instead of FIN."""
    self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    self.socket.close()

  def half_close(self):
    with contextlib.suppress(OSError):
      self.socket.shutdown(socket.SHUT_WR)

  def close(self):
    self.socket.close()

  def more(self, size=65536):
    """The next bytes, b"" at the end, however the connection ended."""
    if self._left:
      data, self._left = self._left[:size], self._left[size:]
      return data
    try:
      return self.socket.recv(size)
    except (ConnectionResetError, BrokenPipeError):
      return b""

  def rest(self):
    """Everything up to the end of the connection."""
    out = b""
    while True:
      data = self.more()
      if not data:
        return out
      out += data

  def _until(self, end):
    data = b""
    while end not in data:
      more = self.more()
      if not more:
        return data, False
      data += more
    data, self._left = data[:data.index(end) + len(end)], data[data.index(end) + len(end):] + self._left
    return data, True

  def _exactly(self, n):
    data = b""
    while len(data) < n:
      more = self.more(min(65536, n - len(data)))
      if not more:
        return data, False
      data += more
    return data, True

  def answer(self, method="GET"):
    """The next final answer."""
    a = Answer()
    head, good = self._until(b"\r\n\r\n")
    if not good:
      return a
    lines = head.decode("latin-1").split("\r\n")
    a.status = int(lines[0].split(" ")[1])
    a.fields = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:] if line)}
    if 100 <= a.status < 200:
      return self.answer(method)
    if method == "HEAD" or a.status in (204, 304):
      a.whole = True
    elif a.fields.get("transfer-encoding") == "chunked":
      while True:
        line, good = self._until(b"\r\n")
        size = int(line.split(b";")[0], 16) if good else 0
        data, good = self._exactly(size) if good else (b"", False)
        a.body += data
        if not good:
          break
        _, good = self._until(b"\r\n")  # behind the chunk, or the empty line behind the last
        if not good or size == 0:
          a.whole = good
          break
    elif "content-length" in a.fields:
      a.body, a.whole = self._exactly(int(a.fields["content-length"]))
    else:
      a.body, a.whole = self.rest(), True
    return a


def ask(port, target="/hello", body=None, fields="", seconds=WAIT):
  """One request on a connection of its own, that may take so long."""
  method = "GET" if body is None else "POST"
  length = "" if body is None else f"Content-Length: {len(body)}\r\n"
  with Client(port) as client:
    client.socket.settimeout(seconds)
    client.send(f"{method} {target} HTTP/1.1\r\nHost: a\r\n{fields}{length}Connection: close\r\n\r\n".encode() +
                (body or b""))
    return client.answer(method)


class Case(unittest.TestCase):
  """A test with a folder of its own, which goes with it; start() ends what it starts."""

  def setUp(self):
    if not os.access(PROGRAM, os.X_OK):
      self.fail(f"{PROGRAM} is no program: build it, or name it in STILLWATCH_PROGRAM")
    self.folder = tempfile.mkdtemp(prefix="stillwatch-gateway-")
    self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

  def start(self, kind, *arguments, **more):
    folder = tempfile.mkdtemp(dir=self.folder)
    process = kind(folder, *arguments, **more)
    self.addCleanup(process.kill)
    return process


def main():
  """Runs the tests that the command line names; 77 if nothing failed and something was skipped."""
  program = unittest.main(module="__main__", exit=False, verbosity=2)
  if not program.result.wasSuccessful():
    sys.exit(1)
  for test, reason in program.result.skipped:
    print(f"skipped: {test.id()}: {reason}")
  sys.exit(SKIPPED if program.result.skipped else 0)
