#include "wire/body.h"

#include <gtest/gtest.h>

#include <string>

namespace stillwatch::wire {
namespace {

Head framed(Framing framing, uint64_t length = 0) {
  Head head;
  head.framing = framing;
  head.length = length;
  return head;
}

struct Outcome {
  std::string payload;
  size_t consumed = 0;
  bool done = false;
  bool refused = false;
  bool operator==(const Outcome&) const = default;
};

// Feeds pieces of at most `piece` bytes.
Outcome read(const Head& head, std::string_view bytes, size_t piece) {
  BodyReader reader(head);
  Outcome out;
  while (!reader.done() && out.consumed < bytes.size()) {
    const auto step = reader.next(bytes.substr(out.consumed, piece));
    if (!step) {
      out.refused = true;
      out.consumed = 0;  // where it is refused depends on the pieces
      return out;
    }
    out.payload += step->payload;
    out.consumed += step->consumed;
  }
  out.done = reader.done();
  return out;
}

Outcome chunked(std::string_view bytes) {
  const Outcome whole = read(framed(Framing::kChunked), bytes, bytes.size());
  for (size_t piece = 1; piece < bytes.size(); ++piece)
    EXPECT_EQ(read(framed(Framing::kChunked), bytes, piece).payload, whole.payload) << piece;
  return whole;
}

TEST(Body, EndsAfterItsLength) {
  EXPECT_EQ(read(framed(Framing::kLength, 5), "hellorest", 100), (Outcome{"hello", 5, true, false}));
  EXPECT_EQ(read(framed(Framing::kLength, 5), "hellorest", 1), (Outcome{"hello", 5, true, false}));
  EXPECT_EQ(read(framed(Framing::kLength, 9), "hello", 2), (Outcome{"hello", 5, false, false}));
  EXPECT_TRUE(BodyReader(framed(Framing::kLength, 0)).done());
  EXPECT_TRUE(BodyReader(framed(Framing::kNone)).done());
}

TEST(Body, EndsWithItsConnection) {
  BodyReader reader(framed(Framing::kUntilClose));
  EXPECT_EQ(reader.next("anything")->payload, "anything");
  EXPECT_FALSE(reader.done());
  EXPECT_TRUE(reader.until_close());
}

TEST(Body, EndsAfterItsLastChunk) {
  EXPECT_EQ(chunked("5\r\nhello\r\n0\r\n\r\nrest"), (Outcome{"hello", 15, true, false}));
  EXPECT_EQ(chunked("00A;name=\"v\"\r\n0123456789\r\n1\r\nx\r\n0\r\nX-Marks: y\r\n\r\n"),
            (Outcome{"0123456789x", 49, true, false}));
  EXPECT_EQ(chunked("0\r\n\r\n"), (Outcome{"", 5, true, false}));
  EXPECT_FALSE(chunked("5\r\nhello\r\n0\r\n").done);
}

TEST(Body, RefusesBadChunks) {
  for (const char* bytes : {"\r\n\r\n", "x\r\n", "+5\r\nhello", "-1\r\n", "0x5\r\nhello", " 5\r\nhello", "5\nhello",
                            "5\r\nhelloX\r\n", "5\r\nhello\n0", "5\r\nhello\r0", "1000000000000000\r\n",
                            "5;a\x01\r\nhello", "5 5\r\nhello", "0\r\nX: y\x01\r\n\r\n", "0\r\nX: y\n\n", "5\rhello"}) {
    for (const size_t piece : {size_t{1}, size_t{100}})
      EXPECT_TRUE(read(framed(Framing::kChunked), bytes, piece).refused) << bytes;
  }
}

TEST(Body, RefusesFramingWithoutEnd) {
  EXPECT_TRUE(read(framed(Framing::kChunked), "1;" + std::string(kFramingLineBytesMax, 'x'), 100).refused);
  std::string trailers = "0\r\n";
  while (trailers.size() < kTrailerBytesMax + 10) trailers += "X-Trailer: yes\r\n";
  EXPECT_TRUE(read(framed(Framing::kChunked), trailers, 100).refused);
}

TEST(Body, RefusesTrailersThatAServerBehindMightBelieve) {
  for (const char* trailer : {"Connection: close", "proxy-connection: close", "Content-Length: 3", "HOST: b", "TE: x",
                              "Transfer-Encoding: chunked", "no colon", ": no name", "space : x", " folded: x"}) {
    for (const size_t piece : {size_t{1}, size_t{100}})
      EXPECT_TRUE(read(framed(Framing::kChunked), std::string("0\r\n") + trailer + "\r\n\r\n", piece).refused)
          << trailer;
  }
  EXPECT_FALSE(read(framed(Framing::kChunked), "0\r\nTransfer-Encoding-Hint: x\r\nHosts: \r\n\r\n", 1).refused);
}

}  // namespace
}  // namespace stillwatch::wire
