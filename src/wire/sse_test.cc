#include "wire/sse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace stillwatch::wire {
namespace {

using testing::ElementsAre;

std::vector<std::string> events(std::string_view stream, size_t piece = SIZE_MAX, size_t max = kEventBytesMax,
                                uint64_t* dropped = nullptr) {
  std::vector<std::string> out;
  const auto emit = [&](std::string_view data) { out.emplace_back(data); };
  EventReader reader(max);
  for (size_t at = 0; at < stream.size(); at += std::min(piece, stream.size())) {
    const std::string copy(stream.substr(at, piece));  // gone before the next
    reader.feed(copy, emit);
  }
  reader.finish(emit);
  if (dropped != nullptr) *dropped = reader.dropped();
  return out;
}

TEST(Events, AreWhatTheStandardSaysHoweverTheyArrive) {
  const std::pair<std::string_view, std::vector<std::string>> cases[] = {
      {"data: one\n\ndata: two\n\n", {"one", "two"}},
      {"data:one\r\n\r\ndata:  two\r\r", {"one", " two"}},
      {"event: x\nid: 7\ndata: a\ndata: b\n\n", {"a\nb"}},
      {": comment\n\nretry: 9\n\ndata\n\n", {""}},
      {"\xEF\xBB\xBF"
       "data: marked\n\n\xEF\xBB\xBF"
       "data: not\n\n",
       {"marked"}},
      {"datas: no\n\nDATA: no\n\ndata: [DONE]\n\n", {"[DONE]"}},
      {"data: cut", {"cut"}},
      {"data: cut\ndata: twice\n", {"cut\ntwice"}},
      {"data:\ndata:\n\n", {"\n"}},
      {"data: a\r\r\ndata: b\n\n", {"a", "b"}},
      {"", {}},
      {"\n\n\r\r\n", {}},
  };
  for (const auto& [stream, expected] : cases) {
    for (const size_t piece : {size_t{1}, size_t{2}, size_t{3}, size_t{7}, SIZE_MAX})
      EXPECT_EQ(events(stream, piece), expected) << stream << " in pieces of " << piece;
  }
}

TEST(Events, ThatAreTooLongAreDroppedAndCounted) {
  const std::string stream =
      "data: 12345678901\n\ndata: short\n\n: a long comment\ndata: x\n\ndata: 1234\ndata: 5678901\n\n";
  for (const size_t piece : {size_t{1}, size_t{5}, SIZE_MAX}) {
    uint64_t dropped = 0;
    EXPECT_THAT(events(stream, piece, 11, &dropped), ElementsAre("short"));
    EXPECT_EQ(dropped, 3u);
  }
}

}  // namespace
}  // namespace stillwatch::wire
