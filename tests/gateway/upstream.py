"""A server of its own that misbehaves as its path says; says `port N` when it listens.

/hello          answers at once
/stall          takes the request and never answers
/stream         sends an event every 20 ms, for ever; /stream?N: N of them, and the end
/reset          resets the connection instead of an answer; /reset?stream: after some events; /reset?close: in an
                answer that ends with its connection
/garbage        answers with something that is no HTTP; /garbage?chunk: breaks a chunk after a good one, at once;
                /garbage?later: after a while
/big?N          answers with N bytes
/swallow        reads the whole body and answers how long it was
/unread         never reads what is behind the first 64 KiB
/early          answers 413 before it reads the body
"""
import contextlib
import re
import socket
import threading
import time

RESET = b"\1\0\0\0\0\0\0\0"
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def answer(body, status="200 OK"):
  return f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def chunk(data):
  return b"%x\r\n%s\r\n" % (len(data), data)


def event(i):
  return b'data: {"choices":[{"delta":{"content":"word %d "}}]}\n\n' % i


def reset(s):
  s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
  s.close()


def stream(s, count):
  s.sendall(STREAM)
  i = 0
  while count is None or i < count:
    s.sendall(chunk(event(i)))
    time.sleep(0.02)
    i += 1
  s.sendall(b"0\r\n\r\n")


def swallow(s, room, left, length, answers=True):
  view = memoryview(room)
  while left < length:
    n = s.recv_into(view)
    if n == 0:
      return
    left += n
  if answers:
    s.sendall(answer(str(left).encode()))


def big(s, size):
  s.sendall(f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {size}\r\n\r\n".encode())
  piece = b"x" * (1 << 20)
  for at in range(0, size, len(piece)):
    s.sendall(piece[:size - at])


def serve(s):
  s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
  room = bytearray(1 << 20)
  data = b""
  while True:
    while b"\r\n\r\n" not in data:
      more = s.recv(65536)
      if not more:
        return
      data += more
    head, _, data = data.partition(b"\r\n\r\n")
    target = head.split(b" ")[1].decode()
    path, _, argument = target.partition("?")
    found = re.search(rb"(?i)^content-length: *(\d+)", head, re.MULTILINE)
    length = int(found.group(1)) if found else 0
    if path == "/swallow":
      swallow(s, room, len(data), length)
      data = b""
      continue
    if path == "/early":
      s.sendall(answer(b"too large", "413 Content Too Large"))
      swallow(s, room, len(data), length, answers=False)
      data = b""
      continue
    if path == "/unread":
      time.sleep(3600)
    while len(data) < length:
      more = s.recv(65536)
      if not more:
        return
      data += more
    data = data[length:]
    if path == "/stall":
      if s.recv(1) == b"":  # until the gateway hangs up
        print("left /stall", flush=True)
      return
    if path == "/stream":
      stream(s, int(argument) if argument else None)
    elif path == "/reset":
      if argument == "stream":
        s.sendall(STREAM + chunk(event(0)) + chunk(event(1)))
        time.sleep(0.1)
      if argument == "close":
        s.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nthe begin")
        time.sleep(0.1)
      return reset(s)
    elif path == "/garbage":
      if argument:
        s.sendall(STREAM + chunk(event(0)) + (b"this is no chunk\r\n" if argument == "chunk" else b""))
        time.sleep(0.1)
        s.sendall(b"this is no chunk\r\n")
      else:
        s.sendall(b"\0\1\2 what is this?\r\n\r\n" * 10)
    elif path == "/big":
      big(s, int(argument))
    else:
      s.sendall(answer(target.encode()))


def guarded(s):
  with s, contextlib.suppress(OSError):
    serve(s)


def main():
  listener = socket.socket()
  listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
  listener.bind(("127.0.0.1", 0))
  listener.listen(4096)
  print(f"port {listener.getsockname()[1]}", flush=True)
  while True:
    s, _ = listener.accept()
    threading.Thread(target=guarded, args=(s,), daemon=True).start()


main()
