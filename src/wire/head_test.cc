#include "wire/head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stillwatch::wire {
namespace {

using testing::ElementsAre;

constexpr std::string_view kGood =
    "POST /v1/chat/completions?x=1 HTTP/1.1\r\nHost: a.example\r\nContent-Length: 12\r\nX-Odd:\t two  words \r\n\r\n";

int refused(std::string_view head) {
  RequestHead out;
  const auto ok = parse_request(head, out);
  return ok ? 0 : ok.error().status;
}

int refused_response(std::string_view head) {
  ResponseHead out;
  const auto ok = parse_response(head, "GET", out);
  return ok ? 0 : ok.error().status;
}

TEST(Head, IsReadAsItWasWritten) {
  RequestHead r;
  ASSERT_TRUE(parse_request(kGood, r));
  EXPECT_EQ(r.method, "POST");
  EXPECT_EQ(r.target, "/v1/chat/completions?x=1");
  EXPECT_EQ(r.framing, Framing::kLength);
  EXPECT_EQ(r.length, 12u);
  EXPECT_TRUE(r.keep_alive);
  EXPECT_EQ(r.find("x-odd"), "two  words");
  EXPECT_EQ(r.find("absent"), "");
}

TEST(Head, EndsAtTheEmptyLineHoweverItArrives) {
  EXPECT_EQ(find_head_end(kGood, 0), kGood.size());
  size_t seen = 0;
  for (size_t n = 0; n < kGood.size(); ++n) {
    ASSERT_EQ(find_head_end(kGood.substr(0, n), seen), std::string_view::npos) << n;
    seen = n;
  }
  EXPECT_EQ(find_head_end(kGood, seen), kGood.size());
  EXPECT_EQ(find_head_end("GET / HTTP/1.1\nHost: a\n\nrest", 0), 24u);  // to be refused at once, not waited for
}

TEST(Head, RefusesWhatTwoServersCouldReadDifferently) {
  const auto with = [](std::string_view fields) {
    return refused(std::string("POST / HTTP/1.1\r\n").append(fields).append("\r\n"));
  };
  EXPECT_EQ(with("Host: a\r\n"), 0);
  EXPECT_EQ(with("Host: a\r\nTransfer-Encoding: chunked\r\n"), 0);
  EXPECT_EQ(with("Host: a\r\nTransfer-Encoding: Chunked\r\n"), 0);

  EXPECT_EQ(with("Host: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400);
  EXPECT_EQ(with("Host: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400);
  EXPECT_EQ(with("Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400);
  EXPECT_EQ(with("Host: a\r\nTransfer-Encoding: xchunked\r\n"), 501);
  EXPECT_EQ(with("Host: a\r\nTransfer-Encoding: chunked, identity\r\n"), 501);
  EXPECT_EQ(with("Host: a\r\nTransfer-Encoding: gzip, chunked\r\n"), 501);
  EXPECT_EQ(with("Host: a\r\nTransfer-Encoding: \"chunked\"\r\n"), 501);
  EXPECT_EQ(with("Host: a\r\nTransfer-Encoding:\r\n"), 501);
  EXPECT_EQ(with("Host: a\r\nTransfer-Encoding : chunked\r\n"), 400);
  EXPECT_EQ(with("Host: a\r\nTransfer-Encoding\x0b: chunked\r\n"), 400);
  EXPECT_EQ(with("Host: a\r\n Transfer-Encoding: chunked\r\n"), 400);
  EXPECT_EQ(with("Host: a\r\nX: y\r\n\tchunked\r\n"), 400);
  for (const char* length : {"5, 5", "+5", "-5", "0x5", "5 5", "", "5;", "1234567890123456789"})
    EXPECT_EQ(with(std::string("Host: a\r\nContent-Length: ") + length + "\r\n"), 400) << length;
  EXPECT_EQ(with("Host: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n"), 400);
  EXPECT_EQ(with("Host: a\r\nContent-Length: 5\r\ncontent-length: 6\r\n"), 400);
  EXPECT_EQ(with(""), 400);
  EXPECT_EQ(with("Host: a\r\nHost: b\r\n"), 400);
  EXPECT_EQ(with("Host: a\r\n: nameless\r\n"), 400);
  EXPECT_EQ(with("Host: a\r\nno colon\r\n"), 400);
  EXPECT_EQ(with("Host: a\r\nX: a\rb\r\n"), 400);
  EXPECT_EQ(with("Host: a\nX: y\r\n"), 400);
  EXPECT_EQ(with(std::string_view("Host: a\r\nX: a\0b\r\n", 17)), 400);
  EXPECT_EQ(with("Host: a\r\nConnection: close, Content-Length\r\n"), 400);
  EXPECT_EQ(with("Host: a\r\nConnection: transfer-encoding\r\n"), 400);
  EXPECT_EQ(refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
}

TEST(Head, RefusesBrokenRequestLines) {
  for (const char* line : {"GET /", "GET  / HTTP/1.1", "GET / a HTTP/1.1", "G(T / HTTP/1.1", " GET / HTTP/1.1",
                           "GET / http/1.1", "GET /\x01 HTTP/1.1", "GET\t/ HTTP/1.1", "", "GET HTTP/1.1"})
    EXPECT_EQ(refused(std::string(line) + "\r\nHost: a\r\n\r\n"), 400) << line;
  EXPECT_EQ(refused("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), 505);
  EXPECT_EQ(refused("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"), 501);
  std::string many = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (size_t i = 0; i < kFieldsMax; ++i) many += "X: y\r\n";
  EXPECT_EQ(refused(many + "\r\n"), 431);
}

TEST(Head, KnowsWhetherTheConnectionStays) {
  const auto stays = [](std::string_view text) {
    RequestHead r;
    EXPECT_TRUE(parse_request(text, r));
    return r.keep_alive;
  };
  EXPECT_TRUE(stays("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_FALSE(stays("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n"));
  EXPECT_FALSE(stays("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_TRUE(stays("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
}

TEST(Head, KnowsWhereAResponseEnds) {
  const auto framing = [](std::string_view text, std::string_view method = "GET") {
    ResponseHead r;
    EXPECT_TRUE(parse_response(text, method, r));
    return r.framing;
  };
  EXPECT_EQ(framing("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), Framing::kLength);
  EXPECT_EQ(framing("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD"), Framing::kNone);
  EXPECT_EQ(framing("HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n"), Framing::kChunked);
  EXPECT_EQ(framing("HTTP/1.1 200 \r\n\r\n"), Framing::kUntilClose);
  EXPECT_EQ(framing("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"), Framing::kNone);
  EXPECT_EQ(framing("HTTP/1.1 100 Continue\r\n\r\n"), Framing::kNone);
  for (const char* text : {"HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n",
                           "ICY 200 OK\r\n\r\n", "HTTP/1.1 099 x\r\n\r\n"})
    EXPECT_EQ(refused_response(text), 400) << text;
}

TEST(Head, PassesOnWhatIsMeantForTheOtherEnd) {
  RequestHead r;
  ASSERT_TRUE(parse_request(
      "GET / HTTP/1.1\r\nhost: a\r\nX-Twice: 1\r\nConnection: X-Hop, close\r\nx-hop: 1\r\nTE: trailers\r\n"
      "Upgrade: h2c\r\nKeep-Alive: timeout=5\r\nX-Twice: 2\r\n\r\n",
      r));
  EXPECT_THAT(r.connection, ElementsAre("X-Hop", "close"));
  std::string out;
  append_end_to_end(r, out);
  EXPECT_EQ(out, "host: a\r\nX-Twice: 1\r\nX-Twice: 2\r\n");
}

}  // namespace
}  // namespace stillwatch::wire
