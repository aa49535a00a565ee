"""The requests of smuggling.py, each with what must come of it.

REFUSED: the gateway answers for itself, the upstream sees nothing.
BROKEN: the body breaks. In one piece the same holds; behind a head that was relayed, both connections are closed and
the upstream sees no whole request.
CUT: the client stops in the middle. The upstream sees no whole request.
RELAYED: the upstream sees `saw`, and nothing else. With `may_decline` it may also answer 4xx itself: some servers do.
"""
from dataclasses import dataclass, field

REFUSED, BROKEN, CUT, RELAYED = "refused", "broken", "cut", "relayed"

# A request that nobody means to send: it lies where one of two servers could believe a request to begin.
HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: h\r\n\r\n"


@dataclass
class Shape:
  name: str
  outcome: str
  head: bytes  # up to and with its empty line
  body: bytes = b""  # and whatever follows
  saw: list = field(default_factory=list)  # (method, path, body) of the requests that are meant, in their order
  method: str = "POST"
  answers: int = 1
  may_decline: bool = False


SHAPES = []


def add(name, outcome, fields, body=b"", meant=None, method="POST", target="/shape", version="HTTP/1.1",
        host="Host: a\r\n", then=(), may_decline=False):
  """A request with these fields. `meant`: its body, where that is not what is sent; `then`: more requests behind it."""
  text = f"{method} {target} {version}\r\n{host}"
  head = text.encode() + (fields if isinstance(fields, bytes) else fields.encode("latin-1")) + b"\r\n"
  saw = [(method, "/shape", body if meant is None else meant), *then] if outcome != REFUSED else []
  SHAPES.append(Shape(name, outcome, head, body, saw, method, max(1, len(saw)), may_decline))


def raw(name, outcome, data, saw=(), answers=1, may_decline=False, method="GET"):
  head, end, body = data.partition(b"\r\n\r\n")
  SHAPES.append(Shape(name, outcome, head + end, body, list(saw), method, answers, may_decline))


CHUNKED = "Transfer-Encoding: chunked\r\n"
HELLO = b"5\r\nhello\r\n0\r\n\r\n"
GOT_HIDDEN = ("GET", "/hidden", b"")


def length(n):
  return f"Content-Length: {n}\r\n"


# Content-Length beside Transfer-Encoding.
add("CL.TE", REFUSED, length(len(b"0\r\n\r\n" + HIDDEN)) + CHUNKED, b"0\r\n\r\n" + HIDDEN)
add("TE.CL", REFUSED, CHUNKED + length(4), b"%x\r\n" % len(HIDDEN) + HIDDEN + b"\r\n0\r\n\r\n")
add("CL.TE that agree", REFUSED, length(len(HELLO)) + CHUNKED, HELLO)
add("CL.0", REFUSED, length(0) + CHUNKED, b"0\r\n\r\n" + HIDDEN)
add("identity beside a length", REFUSED, length(5) + "Transfer-Encoding: identity\r\n", b"hello")
add("empty Transfer-Encoding beside a length", REFUSED, length(5) + "Transfer-Encoding:\r\n", b"hello")

# Transfer-Encoding that only some servers understand.
for name, value in {
    "another word": b"xchunked",
    "a list with chunked last": b"gzip, chunked",
    "a list with chunked first": b"chunked, identity",
    "chunked twice": b"chunked, chunked",
    "a comma behind": b"chunked,",
    "a comma before": b", chunked",
    "a parameter": b"chunked;q=1",
    "quotes": b'"chunked"',
    "vertical tab before": b"\x0bchunked",
    "vertical tab behind": b"chunked\x0b",
    "no-break space": b"\xa0chunked",
    "NUL behind": b"chunked\x00",
    "form feed behind": b"chunked\x0c",
    "one letter less": b"chunke",
    "nothing": b"",
}.items():
  add(f"Transfer-Encoding with {name}", REFUSED, b"Transfer-Encoding: " + value + b"\r\n", b"0\r\n\r\n" + HIDDEN)
add("TE.TE", REFUSED, CHUNKED + "Transfer-Encoding: identity\r\n", b"0\r\n\r\n" + HIDDEN)
add("TE.TE the other way", REFUSED, "Transfer-Encoding: identity\r\n" + CHUNKED, b"0\r\n\r\n" + HIDDEN)
add("TE.TE the same", REFUSED, CHUNKED + CHUNKED, HELLO)
add("TE.TE in other letters", REFUSED, CHUNKED + "transfer-encoding: cow\r\n", HELLO)
add("space before the colon of Transfer-Encoding", REFUSED, "Transfer-Encoding : chunked\r\n", HELLO)
add("tab before the colon of Transfer-Encoding", REFUSED, "Transfer-Encoding\t: chunked\r\n", HELLO)
add("space before Transfer-Encoding", REFUSED, " Transfer-Encoding: chunked\r\n" + length(5), b"hello", host="")
add("folded Transfer-Encoding", REFUSED, "Transfer-Encoding:\r\n chunked\r\n", HELLO)
add("Transfer-Encoding in a folded field", REFUSED, "X: y\r\n Transfer-Encoding: chunked\r\n" + length(5), b"hello")
add("Transfer-Encoding behind a bare LF", REFUSED, "X: y\nTransfer-Encoding: chunked\r\n" + length(5), b"hello")
add("Transfer-Encoding behind a bare CR", REFUSED, "X: y\rTransfer-Encoding: chunked\r\n" + length(5), b"hello")
add("Transfer-Encoding behind a NUL", REFUSED, "X: y\0Transfer-Encoding: chunked\r\n" + length(5), b"hello")
add("chunked in other letters", RELAYED, "tRANSFER-eNCODING: ChUnKeD\r\n", HELLO, b"hello")
add("chunked with spaces around it", RELAYED, "Transfer-Encoding: \t chunked \t\r\n", HELLO, b"hello")
add("Transfer_Encoding beside a length", RELAYED, length(5) + "Transfer_Encoding: chunked\r\n", b"hello")
add("HTTP/1.0 with chunks", REFUSED, CHUNKED, HELLO, version="HTTP/1.0")
add("HTTP/1.0 with a length", RELAYED, length(5), b"hello", version="HTTP/1.0")

# Lengths.
for name, value in {
    "a plus": b"+5",
    "a minus": b"-5",
    "hex": b"0x5",
    "a list of the same": b"5, 5",
    "a list of others": b"5, 6",
    "a list with a space": b"5 5",
    "a point": b"5.0",
    "an exponent": b"5e0",
    "a letter": b"5a",
    "an underscore": b"0_5",
    "nothing": b"",
    "twenty digits": b"99999999999999999999",
    "2^64 + 5": b"18446744073709551621",
    "a comma": b"5,",
    "NUL": b"5\x00",
    "form feed": b"\x0c5",
    "quotes": b'"5"',
    "a digit of another script": "\u0665".encode(),
}.items():
  add(f"length with {name}", REFUSED, b"Content-Length: " + value + b"\r\n", b"hello" + HIDDEN)
add("two lengths", REFUSED, length(5) + length(0), b"hello")
add("two lengths the other way", REFUSED, length(0) + length(5), b"hello")
add("two lengths that agree", REFUSED, length(5) + length(5), b"hello")
add("two lengths in other letters", REFUSED, length(5) + "content-length: 6\r\n", b"hello")
add("space before the colon of Content-Length", REFUSED, "Content-Length : 5\r\n", b"hello")
add("folded Content-Length", REFUSED, "Content-Length:\r\n 5\r\n", b"hello")
add("NUL in the name of Content-Length", REFUSED, "Content-Length\0: 5\r\n", b"hello")
add("length with zeros before", RELAYED, "Content-Length: 0005\r\n", b"hello")
add("length with spaces around it", RELAYED, "Content-Length: \t 5 \t\r\n", b"hello")
add("length without a space", RELAYED, "Content-Length:5\r\n", b"hello")
add("a request in a body with a length", RELAYED, length(len(HIDDEN)), HIDDEN)
add("a request in a GET with a length", RELAYED, length(len(HIDDEN)), HIDDEN, method="GET")
add("a request in a HEAD with a length", RELAYED, length(len(HIDDEN)), HIDDEN, method="HEAD")
add("a request in a DELETE with a length", RELAYED, length(len(HIDDEN)), HIDDEN, method="DELETE")
add("a request in a chunk", RELAYED, CHUNKED, b"%x\r\n" % len(HIDDEN) + HIDDEN + b"\r\n0\r\n\r\n", HIDDEN)
add("a request behind length 0", RELAYED, length(0), HIDDEN, b"", then=[GOT_HIDDEN])
add("a request behind no length", RELAYED, "", HIDDEN, b"", then=[GOT_HIDDEN])
add("a request behind a body", RELAYED, length(5), b"hello" + HIDDEN, b"hello", then=[GOT_HIDDEN])
add("a request behind chunks", RELAYED, CHUNKED, HELLO + HIDDEN, b"hello", then=[GOT_HIDDEN])
add("a request behind Connection: close", RELAYED, length(5) + "Connection: close\r\n", b"hello" + HIDDEN, b"hello")
add("a request behind the last of HTTP/1.0", RELAYED, length(5), b"hello" + HIDDEN, b"hello", version="HTTP/1.0")
add("Content_Length, which is no length", RELAYED, "Content_Length: 5\r\n", b"hello\r\n\r\n", b"")
add("a body that is cut", CUT, length(50), b"hello")
add("chunks that are cut", CUT, CHUNKED, b"5\r\nhel")
add("chunks without an end", CUT, CHUNKED, b"5\r\nhello\r\n0\r\n")

# Chunks.
for name, body in {
    "size with 0x": b"0x5\r\nhello\r\n0\r\n\r\n",
    "size with a plus": b"+5\r\nhello\r\n0\r\n\r\n",
    "size with a minus": b"-5\r\nhello\r\n0\r\n\r\n",
    "space before a size": b" 5\r\nhello\r\n0\r\n\r\n",
    "space behind a size": b"5 \r\nhello\r\n0\r\n\r\n",
    "tab behind a size": b"5\t\r\nhello\r\n0\r\n\r\n",
    "size with a comma": b"5,5\r\nhello\r\n0\r\n\r\n",
    "size with an underscore": b"0_5\r\nhello\r\n0\r\n\r\n",
    "no size": b"\r\nhello\r\n0\r\n\r\n",
    "extension without a size": b";a=b\r\nhello\r\n0\r\n\r\n",
    "size that is no number": b"g\r\nhello\r\n0\r\n\r\n",
    "size of 2^64 + 5": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "size of 64 bits": b"ffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    "size with many zeros": b"0" * 40 + b"5\r\nhello\r\n0\r\n\r\n",
    "size behind bare LF": b"5\nhello\r\n0\r\n\r\n",
    "size behind bare CR": b"5\rhello\r\n0\r\n\r\n",
    "CR CR LF": b"5\r\r\nhello\r\n0\r\n\r\n",
    "bare LF in an extension": b"5;a\nbcd\r\nhello\r\n0\r\n\r\n",
    "bare CR in an extension": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    "NUL in an extension": b"5;a\0b\r\nhello\r\n0\r\n\r\n",
    "long extension": b"5;" + b"a" * 2000 + b"\r\nhello\r\n0\r\n\r\n",
    "chunk longer than its size": b"5\r\nhelloo\r\n0\r\n\r\n",
    "chunk without an end": b"5\r\nhello0\r\n\r\n",
    "chunk that ends with bare LF": b"5\r\nhello\n0\r\n\r\n",
    "chunk that ends with two other bytes": b"5\r\nhelloXX0\r\n\r\n",
    "bare LF at the very end": b"5\r\nhello\r\n0\r\n\n",
    "NUL in a size": b"5\0\r\nhello\r\n0\r\n\r\n",
    "no end but a request": b"5\r\nhello\r\n" + HIDDEN,
}.items():
  add(f"chunks: {name}", BROKEN, CHUNKED, body, b"hello")
for name, body in {
    "extension": b"5;a=b\r\nhello\r\n0;c\r\n\r\n",
    "extension in quotes": b'5;a="b;c"\r\nhello\r\n0\r\n\r\n',
    "extension that looks like a size": b"5;5\r\nhello\r\n0\r\n\r\n",
    "zeros before": b"0005\r\nhello\r\n0000\r\n\r\n",
    "trailer": b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n",
}.items():
  add(f"chunks: {name}", RELAYED, CHUNKED, body, b"hello")
  add(f"chunks: {name}, and a request behind", RELAYED, CHUNKED, body + HIDDEN, b"hello", then=[GOT_HIDDEN])
add("chunks: extension with an open quote", RELAYED, CHUNKED, b'5;a="\r\nhello\r\n0\r\n\r\n' + HIDDEN, b"hello",
    then=[GOT_HIDDEN], may_decline=True)
add("chunks: letters of both cases", RELAYED, CHUNKED, b"0A\r\n0123456789\r\n0a\r\n0123456789\r\n0\r\n\r\n",
    b"01234567890123456789")

# Trailers.
for name, trailer in {
    "Expect": b"Expect: 100-continue\r\n",
    "Authorization": b"Authorization: Bearer other\r\n",
}.items():
  # Servers differ in what they do about it, none may read a body out of it.
  add(f"trailer: {name}", RELAYED, CHUNKED, b"5\r\nhello\r\n0\r\n" + trailer + b"\r\n", b"hello", may_decline=True)
for name, trailer in {
    "Content-Length": b"Content-Length: %d\r\n" % len(HIDDEN),
    "Transfer-Encoding": b"Transfer-Encoding: chunked\r\n",
    "Host": b"Host: other\r\n",
    "Connection": b"Connection: close\r\n",
    "Proxy-Connection": b"Proxy-Connection: close\r\n",
    "Upgrade": b"Connection: upgrade\r\nUpgrade: websocket\r\n",
    "no colon": b"nothing\r\n",
    "a request line": b"GET /hidden HTTP/1.1\r\nHost: h\r\n",
    "no name": b": y\r\n",
    "space before its colon": b"X : y\r\n",
    "folded": b"X: y\r\n z\r\n",
    "bare LF": b"X: y\nZ: z\r\n",
    "bare CR": b"X: y\rZ: z\r\n",
    "NUL": b"X: y\0\r\n",
    "too long": b"X: " + b"y" * 9000 + b"\r\n",
    "too many": b"X: yyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n" * 400,
}.items():
  add(f"trailer: {name}", BROKEN, CHUNKED, b"5\r\nhello\r\n0\r\n" + trailer + b"\r\n", b"hello")

# Fields.
for name, line in {
    "no name": b": y\r\n",
    "no colon": b"nothing\r\n",
    "space in a name": b"X Y: z\r\n",
    "space before a colon": b"X : y\r\n",
    "NUL in a name": b"X\0: y\r\n",
    "NUL in a value": b"X: \0\r\n",
    "DEL in a value": b"X: \x7f\r\n",
    "bell in a value": b"X: \x07\r\n",
    "a byte above ASCII in a name": b"X\xe9: y\r\n",
    "a parenthesis in a name": b"X(): y\r\n",
    "a folded value": b"X: y\r\n z\r\n",
    "a fold of tab": b"X: y\r\n\tz\r\n",
    "bare LF": b"X: y\nZ: z\r\n",
    "bare CR": b"X: y\rZ: z\r\n",
    "CR CR LF": b"X: y\r\r\n",
    "too many": b"X: y\r\n" * 250,
    "too long": b"X: " + b"y" * 70000 + b"\r\n",
}.items():
  add(f"field: {name}", REFUSED, line)
add("field: bytes above ASCII in a value", RELAYED, b"X: \xc3\xa9\xff\r\n")
add("field: empty", RELAYED, "X:\r\n")
add("field: as long as the gateway takes", RELAYED, "X: " + "y" * 60000 + "\r\n", may_decline=True)

# Hosts.
add("no Host", REFUSED, "", host="")
add("two Hosts", REFUSED, "Host: b\r\n")
add("two Hosts that agree", REFUSED, "Host: a\r\n")
add("space before the colon of Host", REFUSED, "Host : b\r\n")
add("folded Host", REFUSED, "", host="Host:\r\n a\r\n")
add("no Host in HTTP/1.0", RELAYED, "", host="", version="HTTP/1.0")
add("two Hosts in HTTP/1.0", REFUSED, "Host: b\r\n", version="HTTP/1.0")
add("Host with a path", RELAYED, "", host="Host: a/b\r\n", may_decline=True)
add("Host with a list", RELAYED, "", host="Host: a, b\r\n", may_decline=True)
add("empty Host", RELAYED, "", host="Host:\r\n", may_decline=True)

# What a connection is told.
for name in ("Content-Length", "Host", "Transfer-Encoding", "tRANSFER-eNCODING", "close, host",
             "keep-alive,Content-Length"):
  add(f"Connection names {name}", REFUSED, f"Connection: {name}\r\n" + length(5), b"hello")
add("Connection with a space in a name", REFUSED, "Connection: content length\r\n" + length(5), b"hello")
add("Connection with empty members", RELAYED, "Connection: , ,x-hop,\r\nx-hop: 1\r\n" + length(5), b"hello")
add("Connection names Content-Type", RELAYED, "Connection: content-type\r\nContent-Type: a/b\r\n" + length(5), b"hello")
add("Upgrade to websocket", RELAYED, "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", HIDDEN, b"", method="GET", then=[GOT_HIDDEN])
add("Upgrade to h2c", RELAYED, "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    "HTTP2-Settings: AAMAAABkAAQCAAAA\r\n" + length(5), b"hello" + HIDDEN, b"hello", then=[GOT_HIDDEN])
add("Upgrade that Connection does not name", RELAYED, "Upgrade: websocket\r\n" + length(5), b"hello")
add("TE and Proxy-Connection", RELAYED, "TE: trailers, chunked\r\nProxy-Connection: keep-alive\r\n" + length(5),
    b"hello")
add("Expect with a body at once", RELAYED, "Expect: 100-continue\r\n" + length(5), b"hello")
add("Expect with chunks at once", RELAYED, "Expect: 100-continue\r\n" + CHUNKED, HELLO, b"hello")
add("Expect without a body", RELAYED, "Expect: 100-continue\r\n", HIDDEN, b"", method="GET", then=[GOT_HIDDEN])
add("Expect twice", RELAYED, "Expect: 100-continue\r\nExpect: 100-continue\r\n" + length(5), b"hello", may_decline=True)
add("Expect of something else", RELAYED, "Expect: 200-ok\r\n" + length(5), b"hello", may_decline=True)
add("Expect in HTTP/1.0", RELAYED, "Expect: 100-continue\r\n" + length(5), b"hello", version="HTTP/1.0",
    may_decline=True)

# Request lines.
add("absolute form", RELAYED, length(5), b"hello", target="http://a/shape")
add("absolute form of another host", RELAYED, length(5), b"hello", target="http://other/shape")
add("CONNECT", REFUSED, "", HIDDEN, method="CONNECT", target="a:80")
add("CONNECT with a path", REFUSED, "", HIDDEN, method="CONNECT")
add("HTTP/2.0", REFUSED, "", version="HTTP/2.0")
add("HTTP/1.2", REFUSED, "", version="HTTP/1.2")
add("HTTP/01.1", REFUSED, "", version="HTTP/01.1")
add("http/1.1", REFUSED, "", version="http/1.1")
add("HTTP/1.1 with a space behind", REFUSED, "", version="HTTP/1.1 ")
add("another protocol", REFUSED, "", version="ICY/1.1")
add("two spaces", REFUSED, "", target=" /shape")
add("a space in the target", REFUSED, "", target="/sha pe")
add("a tab in the target", REFUSED, "", target="/sha\tpe")
add("a NUL in the target", REFUSED, "", target="/sha\0pe")
add("a bare CR in the target", REFUSED, "", target="/sha\rpe")
add("a bare LF in the target", REFUSED, "", target="/sha\npe")
add("a target without end", REFUSED, "", target="/" + "a" * 70000)
add("an empty target", REFUSED, "", target="")
add("a method that is no name", REFUSED, "", method="PO(ST")
add("no method", REFUSED, "", method="")
add("an unknown method", RELAYED, length(5), b"hello", method="FROB", may_decline=True)
raw("two requests in one piece", RELAYED, b"GET /shape HTTP/1.1\r\nHost: a\r\n\r\n" + HIDDEN,
    [("GET", "/shape", b""), GOT_HIDDEN], 2)
raw("empty lines before", RELAYED, b"\r\nGET /shape HTTP/1.1\r\nHost: a\r\n\r\n", [("GET", "/shape", b"")])
raw("a bare LF before", REFUSED, b"\nGET /shape HTTP/1.1\r\nHost: a\r\n\r\n")
raw("a space before", REFUSED, b" GET /shape HTTP/1.1\r\nHost: a\r\n\r\n")
raw("lines that end with bare LF", REFUSED, b"GET /shape HTTP/1.1\nHost: a\n\n" + HIDDEN)
raw("an empty line of bare LF", REFUSED, b"GET /shape HTTP/1.1\r\nHost: a\r\n\n" + HIDDEN)
raw("HTTP/0.9", REFUSED, b"GET /shape\r\n\r\n")
raw("the preface of HTTP/2", REFUSED, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
raw("TLS", REFUSED, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")
raw("OPTIONS *", RELAYED, b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", [("OPTIONS", "*", b"")],
    method="OPTIONS", may_decline=True)
