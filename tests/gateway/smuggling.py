"""Requests that two servers could read differently, through the gateway to nginx and to Node.

Each shape is sent in one piece, and again byte by byte behind its head. Either the gateway answers that it refuses and
the upstream sees nothing, or the upstream sees exactly the requests that the client meant, with their bodies. After
each, a request on a connection of its own gets its own answer.
"""
import base64
import json
import os
import time
import urllib.request
from dataclasses import dataclass, field

import parts
from shapes import BROKEN, CUT, RELAYED, REFUSED, SHAPES, Shape


@dataclass
class Observed:
  statuses: list = field(default_factory=list)
  ours: bool = False  # the last answer was the gateway's own
  seen: list = field(default_factory=list)  # (method, path, body or None, whole)
  marked: bool = False  # the request behind it got its own answer
  hung: bool = False  # nothing happened any more


def path_of(url):
  return url[url.index("/", 7):] if url.startswith("http://") else url


class ToNginx:
  """The gateway before nginx, which tells no bodies, and here answers as soon as it has a head."""

  answers_early = True

  def __init__(self, case):
    self.server = case.start(parts.Nginx)
    self.told = 0

  def seen(self, marker):
    lines = parts.wait_until(
        lambda: [l for l in [self.server.seen()] if any(target == marker for _, _, target in l[self.told:])],
        "nginx writes its log")[0]
    new, self.told = lines[self.told:], len(lines)
    return [(method, target, None, True) for status, method, target in new if status == "200" and target != marker]


class ToNode:
  """The gateway before a server of Node, which tells everything."""

  answers_early = False
  def __init__(self, case):
    self.server = case.start(parts.Node, os.path.join(parts.HERE, "recorder.mjs"))
    self.teller = int(self.server.wait_for(r"tells on (\d+)").group(1))

  def seen(self, marker):
    with urllib.request.urlopen(f"http://127.0.0.1:{self.teller}/", timeout=parts.WAIT) as answer:
      told = json.load(answer)["seen"]
    return [(r["method"], path_of(r["url"]), base64.b64decode(r["body"]), r["whole"])
            for r in told
            if r["url"] != marker]


def is_ours(answer):
  return b'"stillwatch: ' in answer.body or (answer.status >= 400 and b'"gateway_error"' in answer.body)


class Smuggling(parts.Case):

  def try_shape(self, upstream, gateway, shape, in_pieces, marker):
    o = Observed()
    with parts.Client(gateway.port) as client:
      client.socket.settimeout(3)
      try:
        self.exchange(client, shape, in_pieces, o)
      except TimeoutError:
        o.hung = True
    try:
      answer = parts.ask(gateway.port, marker, seconds=2)
      o.marked = answer.status == 200 and answer.body == f"GET {marker}\n".encode()
    except TimeoutError:
      pass
    o.seen = upstream.seen(marker)
    return o

  def exchange(self, client, shape, in_pieces, o):
    try:
      if in_pieces:
        client.send(shape.head)
        time.sleep(0.01)  # so that the gateway relays the head by itself
        for i in range(len(shape.body[:400])):
          client.send(shape.body[i:i + 1])
        client.send(shape.body[400:])
      else:
        client.send(shape.head + shape.body)
    except (BrokenPipeError, ConnectionResetError):
      pass  # refused before all of it was sent
    if shape.outcome == CUT:
      client.half_close()
    for _ in range(shape.answers):
      answer = client.answer(shape.method)
      if answer.status == 0:
        break
      o.statuses.append(answer.status)
      o.ours = is_ours(answer)
    if o.ours or shape.outcome == BROKEN:
      client.rest()  # ends without a word from the client
    client.half_close()
    client.rest()

  def fault_of(self, upstream, shape, o, in_pieces):
    """Why this may not be; nothing if it may."""
    if o.hung:
      return "nothing happened any more"
    if not o.marked:
      return "the request behind it did not get its own answer"
    meant = [(m, p) for m, p, _ in shape.saw]
    seen = [(m, p) for m, p, _, _ in o.seen]
    if seen != meant[:len(seen)]:
      return "the upstream saw a request that was not meant"
    refused = o.statuses and o.ours and 400 <= o.statuses[-1] < 600
    if shape.outcome == REFUSED or (shape.outcome == BROKEN and not in_pieces):
      return None if refused and not seen and o.statuses[-1] != 502 else "it was not refused"
    if shape.outcome in (BROKEN, CUT):  # its head may be relayed before its body breaks
      if any(whole and body is not None for _, _, body, whole in o.seen):
        return "the upstream saw a whole request"
      return None
    if shape.may_decline and 400 <= max(o.statuses, default=0) < 500 and not any(whole for *_, whole in o.seen):
      return None
    if upstream.answers_early and in_pieces and shape.body and seen == meant[:1] and o.statuses == [200]:
      return None  # an answer before the end of a body ends the connection
    if seen != meant:
      return "the upstream did not see what was meant"
    for (_, _, body, whole), (_, _, wanted) in zip(o.seen, shape.saw):
      if not whole or (body is not None and body != wanted):
        return "the upstream saw another body"
    if o.statuses[:len(meant)] != [200] * len(meant):
      return "the client did not get its answer"
    return None

  def hold(self, upstream):
    gateway = self.start(parts.Gateway, upstream.server.port)
    faults = []
    for number, shape in enumerate(SHAPES):
      for in_pieces in (False, True):
        o = self.try_shape(upstream, gateway, shape, in_pieces, f"/marker/{number}/{int(in_pieces)}")
        fault = self.fault_of(upstream, shape, o, in_pieces)
        if fault:
          faults.append(f"{shape.name}{' (in pieces)' if in_pieces else ''}: {fault}: {o}")
    self.assertFalse(faults, "\n" + "\n".join(faults))
    parts.wait_until(lambda: gateway.metrics()["connections"] == 0, "all connections end")
    self.assertLess(gateway.descriptors(), 32)  # idle connections to the upstream among them
    self.assertEqual(gateway.stop(), 0)

  def test_before_nginx(self):
    self.hold(ToNginx(self))

  def test_before_node(self):
    self.hold(ToNode(self))

  def test_table_names_each_shape_once(self):
    self.assertEqual(len({s.name for s in SHAPES}), len(SHAPES))
    self.assertGreaterEqual(len(SHAPES), 100)


if __name__ == "__main__":
  parts.main()
