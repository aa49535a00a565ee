"""The gateway between real processes that die, stall, reset, dawdle and send more than memory holds."""
import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

import parts
from parts import Client, ask, wait_until

MIB = 1 << 20


class Upstream(parts.Process):

  def __init__(self, folder):
    super().__init__(folder, "upstream", [sys.executable, "-B", os.path.join(parts.HERE, "upstream.py")])
    self.port = int(self.wait_for(r"port (\d+)").group(1))


def get(target):
  return f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode()


class Faults(parts.Case):

  def setUp(self):
    super().setUp()
    self.upstream = self.start(Upstream)
    self.gateway = self.start(parts.Gateway, self.upstream.port)

  def client(self, **more):
    c = Client(self.gateway.port, **more)
    self.addCleanup(c.close)
    return c

  def serves(self, what="others are served"):
    begun = time.monotonic()
    answer = ask(self.gateway.port)
    self.assertEqual((answer.status, answer.body), (200, b"/hello"), what)
    self.assertLess(time.monotonic() - begun, 2, what)

  def grows_less_than(self, before, mib):
    if not parts.SANITIZED:
      self.assertLess(self.gateway.rss() - before, mib * MIB)

  def warm_up(self):
    """Resident bytes, with what the first requests take."""
    for _ in range(20):
      self.serves()
    return self.gateway.rss()

  def all_connections_end(self):
    wait_until(lambda: self.gateway.metrics()["connections"] == 0, "connections are closed")

  # Upstreams that fail.

  def test_killed_upstream_cuts_the_stream_and_the_next_gets_502(self):
    client = self.client()
    client.send(get("/stream"))
    self.assertIn(b"word 0", client.more() + client.more())
    self.upstream.signal(signal.SIGKILL)
    rest = client.rest()  # ends
    self.assertFalse(rest.endswith(b"0\r\n\r\n"), "a stream that was cut looks whole")
    self.assertEqual(ask(self.gateway.port).status, 502)
    self.all_connections_end()
    metrics = self.gateway.metrics()
    self.assertEqual(metrics["upstream_failures_total"], 2)
    self.assertEqual(metrics["exchanges_observed_total"], 1)  # what came before counts
    self.assertEqual(self.gateway.stop(), 0)

  def test_upstream_that_comes_back_is_used_again(self):
    self.serves()
    port = self.upstream.port
    self.upstream.kill()
    self.assertEqual(ask(self.gateway.port).status, 502)
    server = socket.create_server(("127.0.0.1", port))
    self.addCleanup(server.close)

    def once():
      s, _ = server.accept()
      with s:
        s.recv(65536)
        s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nback")

    thread = threading.Thread(target=once)
    thread.start()
    self.assertEqual(ask(self.gateway.port).body, b"back")
    thread.join()

  def test_stalling_upstream_holds_up_nobody_else(self):
    stalled = [self.client() for _ in range(50)]
    for client in stalled:
      client.send(get("/stall"))
    time.sleep(0.3)
    for _ in range(20):
      self.serves()
    for client in stalled:
      client.socket.setblocking(False)
      with self.assertRaises(BlockingIOError):
        client.socket.recv(1)
      client.close()
    wait_until(lambda: self.upstream.said().count("left /stall") == 50, "the gateway hangs up on the upstream", 5)
    self.all_connections_end()

  def test_reset_instead_of_an_answer_is_502(self):
    self.assertEqual(ask(self.gateway.port, "/reset").status, 502)
    self.serves()

  def test_reset_in_a_stream_cuts_it(self):
    client = self.client()
    client.send(get("/reset?stream"))
    answer = client.answer()
    self.assertEqual((answer.status, answer.whole), (200, False))
    self.assertIn(b"word 1", answer.body)
    self.serves()

  def test_reset_in_an_answer_until_the_end_of_the_connection_is_no_end(self):
    client = self.client()
    client.send(get("/reset?close"))
    data = b""
    with self.assertRaises(ConnectionResetError, msg="an answer that was cut looks whole"):
      while True:
        more = client.socket.recv(65536)
        if not more:
          break
        data += more
    self.serves()

  def test_garbage_is_502(self):
    self.assertEqual(ask(self.gateway.port, "/garbage").status, 502)
    self.serves()
    self.assertEqual(self.gateway.metrics()["upstream_failures_total"], 1)

  def test_garbage_in_a_stream_cuts_it(self):
    client = self.client()
    client.send(get("/garbage?later"))
    answer = client.answer()
    self.assertEqual((answer.status, answer.whole), (200, False))
    self.assertNotIn(b"no chunk", answer.body)
    self.serves()

  def test_garbage_right_behind_a_head_is_502_or_cuts_the_stream(self):
    client = self.client()
    client.send(get("/garbage?chunk"))
    answer = client.answer()
    self.assertIn((answer.status, answer.whole), ((200, False), (502, True)))

  # Clients that leave, dawdle or trickle.

  def test_half_closing_client_that_asked_before_gets_a_quick_answer(self):
    client = self.client()
    client.send(get("/hello"))
    client.half_close()
    self.assertEqual(client.answer().body, b"/hello")
    self.all_connections_end()

  def test_half_closing_client_is_left_while_the_upstream_stalls(self):
    client = self.client()
    client.send(get("/stall"))
    client.half_close()
    client.socket.settimeout(4)
    self.assertEqual(client.rest(), b"")
    wait_until(lambda: "left /stall" in self.upstream.said(), "the gateway hangs up on the upstream", 4)
    self.all_connections_end()

  def test_resetting_client_is_noticed_while_the_upstream_stalls(self):
    client = Client(self.gateway.port)
    client.send(get("/stall"))
    time.sleep(0.2)
    client.reset()
    wait_until(lambda: "left /stall" in self.upstream.said(), "the gateway hangs up on the upstream", 4)
    self.all_connections_end()

  def test_client_that_leaves_with_a_request_behind_is_noticed(self):
    client = Client(self.gateway.port)
    client.send(get("/stall"))
    time.sleep(0.2)
    client.send(get("/hello"))
    client.close()
    wait_until(lambda: self.gateway.metrics()["connections"] == 0, "the gateway notices", 4)

  def test_slow_reader_is_waited_for_in_bounded_memory(self):
    before = self.warm_up()
    client = self.client(receive_buffer=4096)
    client.send(get(f"/big?{50 * MIB}"))
    for _ in range(4):
      self.assertTrue(client.more(1024))
      time.sleep(1)
      self.grows_less_than(before, 20)
      self.serves()

  def test_trickling_heads_hold_up_nobody_else(self):
    clients = [self.client() for _ in range(100)]
    head = get("/hello")
    for i in range(len(head)):
      for client in clients:
        client.send(head[i:i + 1])
      if i % 10 == 0 and i + 1 < len(head):
        self.serves()
      time.sleep(0.01)
    for client in clients:
      self.assertEqual(client.answer().body, b"/hello")

  # Much.

  def upload(self, size, framing):
    """Sends `size` bytes to /swallow; (what it says, the most that the gateway grew by, seconds)."""
    before = self.warm_up()
    client = self.client()
    most, begun = 0, time.monotonic()
    client.send(b"POST /swallow HTTP/1.1\r\nHost: a\r\n" + framing + b"\r\n")
    piece = memoryview(bytes(MIB))
    for i in range(size // MIB):
      client.socket.sendall(piece)
      if i % 16 == 0:
        most = max(most, self.gateway.rss() - before)
    answer = client.answer()
    return answer.body, max(most, self.gateway.rss() - before), time.monotonic() - begun

  def test_upload_of_a_gibibyte_streams_through(self):
    size = 64 * MIB if parts.SANITIZED else 1024 * MIB
    length, grown, seconds = self.upload(size, b"Content-Length: %d\r\n" % size)
    print(f"{size // MIB} MiB in {seconds:.1f} s, {grown / MIB:.1f} MiB more memory")
    self.assertEqual(length, str(size).encode())
    metrics = self.gateway.metrics()
    self.assertEqual(metrics["observations_shed_total"], 1)  # longer than what is observed
    if not parts.SANITIZED:
      self.assertLess(grown, 40 * MIB)
      self.assertLess(seconds, 12)

  def test_download_of_a_gibibyte_streams_through(self):
    size = 64 * MIB if parts.SANITIZED else 1024 * MIB
    before = self.warm_up()
    client = self.client()
    client.send(get(f"/big?{size}"))
    room, got, begun = bytearray(MIB), 0, time.monotonic()
    while got < size:
      n = client.socket.recv_into(room)
      self.assertGreater(n, 0)
      got += n
    seconds = time.monotonic() - begun
    print(f"{size // MIB} MiB in {seconds:.1f} s, {(self.gateway.rss() - before) / MIB:.1f} MiB more memory")
    self.grows_less_than(before, 40)
    self.assertEqual(self.gateway.metrics()["observations_shed_total"], 1)
    if not parts.SANITIZED:
      self.assertLess(seconds, 12)

  def test_early_refusal_of_a_large_upload_reaches_a_patient_client(self):
    for _ in range(20):
      client = self.client()
      client.send(b"POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (50 * MIB))
      sent = 0
      with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        while sent < 50 * MIB:
          client.socket.sendall(bytes(MIB))
          sent += MIB
      self.assertEqual(client.answer("POST").status, 413)
      client.close()

  def early_answers(self, port):
    node = parts.wanted("node")
    script = subprocess.run([node, os.path.join(parts.HERE, "early.mjs"), f"http://127.0.0.1:{port}/early", "10"],
                            capture_output=True, text=True, timeout=15, check=True)
    return json.loads(script.stdout)

  # The connection is reset under it while it sends: it gets an error instead of the answer, or behind it.
  def test_early_refusal_of_a_large_upload_reaches_node(self):
    if self.early_answers(self.upstream.port) != {"413": 10}:
      self.skipTest("this Node does not get the answer without a gateway either")
    self.assertEqual(self.early_answers(self.gateway.port), {"413": 10})

  def test_idle_connections_that_were_busy_hold_little(self):
    if parts.SANITIZED:
      self.skipTest("sanitizers keep freed memory")
    before = self.warm_up()
    clients = []
    for _ in range(16):
      client = self.client()
      client.send(b"POST /swallow HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (12 * MIB) + bytes(12 * MIB))
      self.assertEqual(client.answer("POST").status, 200)
      clients.append(client)
    grown = self.gateway.rss() - before
    print(f"{grown / MIB:.0f} MiB more memory behind 16 idle connections")
    self.grows_less_than(before, 40)

  def test_ten_thousand_idle_connections(self):
    wanted = 10000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < wanted + 200:
      raise unittest.SkipTest(f"{hard} descriptors are allowed, {wanted + 200} are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
    before = self.warm_up()
    clients = [self.client() for _ in range(wanted)]
    wait_until(lambda: self.gateway.metrics()["connections"] == wanted, "all are accepted")
    print(f"{(self.gateway.rss() - before) / wanted / 1024:.1f} KiB a connection")
    self.grows_less_than(before, 300)
    for _ in range(20):
      self.serves()
    for client in clients[::500]:
      client.send(get("/hello"))
      self.assertEqual(client.answer().body, b"/hello")
    for client in clients:
      client.close()
    self.all_connections_end()

  def test_many_requests_in_one_piece_are_answered_in_order(self):
    client = self.client()
    client.send(b"".join(get(f"/hello?{i}") for i in range(1000)))
    for i in range(1000):
      self.assertEqual(client.answer().body, f"/hello?{i}".encode())

  def test_no_descriptors_left_is_survived(self):
    if parts.SANITIZED:
      self.skipTest("sanitizers need descriptors of their own")
    few = os.path.join(self.folder, "few")
    with open(few, "w", encoding="ascii") as f:
      f.write('#!/bin/sh\nulimit -n 40\nexec "$PROGRAM" "$@"\n')
    os.chmod(few, 0o755)
    self.gateway = self.start(parts.Gateway, self.upstream.port, program=few)
    clients = [Client(self.gateway.port) for _ in range(100)]
    time.sleep(0.3)
    for client in clients:
      client.close()
    self.serves()
    self.assertEqual(self.gateway.stop(), 0)

  # The end.

  def test_sigterm_lets_a_stream_end(self):
    streaming, idle = self.client(), self.client()
    idle.send(get("/hello"))
    self.assertEqual(idle.answer().body, b"/hello")
    streaming.send(get("/stream?100"))
    first = streaming.more()
    self.gateway.signal(signal.SIGTERM)
    self.assertEqual(idle.rest(), b"")
    wait_until(lambda: not parts.accepts(self.gateway.port), "nobody new is taken")
    rest = first + streaming.rest()
    self.assertIn(b"word 99", rest)
    self.assertTrue(rest.endswith(b"0\r\n\r\n"))
    self.assertEqual(self.gateway.wait(3), 0)

  def test_sigterm_does_not_wait_for_ever(self):
    client = self.client()
    client.send(get("/stall"))
    time.sleep(0.2)
    begun = time.monotonic()
    self.gateway.signal(signal.SIGTERM)
    client.socket.settimeout(15)
    self.assertEqual(client.rest(), b"")
    self.assertEqual(self.gateway.wait(5), 0)
    self.assertLess(time.monotonic() - begun, 14)

  # Addresses.

  def test_taken_port_is_an_error(self):
    other = self.start(parts.Process, "other", [
        parts.PROGRAM, "serve", "--upstream", "http://127.0.0.1:1", "--listen", f"127.0.0.1:{self.gateway.port}",
        "--admin", "127.0.0.1:0", "--data-dir", os.path.join(self.folder, "other")
    ])
    self.assertEqual(other.wait(2), 4)

  def test_client_that_leaves_before_the_upstream_takes_connections_is_noticed(self):
    with socket.socket() as listener, contextlib.ExitStack() as queue:
      listener.bind(("127.0.0.1", 0))
      listener.listen(0)
      for _ in range(5):  # more than it has room for: the next is not answered at all
        s = queue.enter_context(socket.socket())
        s.setblocking(False)
        s.connect_ex(listener.getsockname())
      self.gateway = self.start(parts.Gateway, listener.getsockname()[1])
      client = Client(self.gateway.port)
      client.send(get("/hello"))
      time.sleep(0.2)
      client.close()
      wait_until(lambda: self.gateway.metrics()["connections"] == 0, "the gateway notices", 3)

  def test_upstream_by_a_name_with_two_addresses(self):
    try:
      names = {a[0] for *_, a in socket.getaddrinfo("localhost", self.upstream.port, type=socket.SOCK_STREAM)}
    except OSError:
      names = set()
    if len(names) < 2:
      raise unittest.SkipTest("localhost has one address")
    self.gateway = self.start(parts.Gateway, 0, upstream=f"http://localhost:{self.upstream.port}")
    self.serves()


if __name__ == "__main__":
  parts.main()
