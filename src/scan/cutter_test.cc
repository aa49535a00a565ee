#include "scan/cutter.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"
#include "scan/test_files.h"

namespace stillwatch::scan {
namespace {

using dialect::LogFormat;

TEST(Cutter, PiecesAreWholeLinesThatMakeUpTheFileWhateverTheirSize) {
  const Folder folder;
  base::Random random(2);
  std::string text;
  for (int i = 0; i < 2000; ++i) text += std::string(random.below(300), 'x') + (i == 1999 ? "" : "\n");
  text += "end";
  const std::string path = folder.write("log", text);
  for (const size_t bytes : {1u, 100u, 4096u, 1u << 20}) {
    Cutter cutter(path, LogFormat::kExchange);
    std::string all;
    uint64_t line = 1;
    while (const auto piece = cutter.next(bytes)) {
      ASSERT_EQ(piece->error, "");
      EXPECT_EQ(piece->first_line, line);
      ASSERT_TRUE(all.empty() || all.back() == '\n') << "a piece ended inside a line";
      line += static_cast<uint64_t>(std::count(piece->text.begin(), piece->text.end(), '\n'));
      all += piece->text;
    }
    EXPECT_TRUE(all == text);
    EXPECT_EQ(cutter.consumed(), text.size());
    EXPECT_FALSE(cutter.next(bytes)) << "the end stays the end";
  }
}

TEST(Cutter, TellsTheFormatFromTheFirstLineThatShowsIt) {
  const Folder folder;
  Cutter cutter(folder.write("log", "half a line\"}\n\n{\"other\":1}\n{\"time\":1,\"request\":{}}\n"), std::nullopt);
  const auto piece = cutter.next(1000);
  ASSERT_TRUE(piece);
  EXPECT_EQ(piece->error, "");
  EXPECT_EQ(piece->format, LogFormat::kExchange);
}

TEST(Cutter, GivesUpAFileThatIsNoLogAfterItsFirstLines) {
  const Folder folder;
  std::string noise;
  for (int i = 0; i < 60; ++i) noise += "noise\n";
  Cutter cutter(folder.write("log", noise + "{\"time\":1,\"request\":{}}\n"), std::nullopt);
  const auto piece = cutter.next(1 << 20);
  ASSERT_TRUE(piece);
  EXPECT_NE(piece->error.find("--format"), std::string::npos);
  EXPECT_FALSE(cutter.next(1 << 20));
}

TEST(Cutter, TellsOfACutAfterTheWholeLinesBeforeIt) {
  const Folder folder;
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "line " + std::to_string(i) + "\n";
  const std::string whole = gzip(text);
  Cutter cutter(folder.write("cut", whole.substr(0, whole.size() / 2)), LogFormat::kExchange);
  std::string all, error;
  while (const auto piece = cutter.next(1 << 20)) {
    EXPECT_EQ(error, "") << "the error comes last";
    all += piece->text;
    error = piece->error;
  }
  EXPECT_NE(error.find("cut off"), std::string::npos);
  ASSERT_FALSE(all.empty());
  EXPECT_EQ(all.back(), '\n');
  EXPECT_EQ(text.compare(0, all.size(), all), 0);
}

TEST(Lines, AreVisitedUnlessBlankAndAllCounted) {
  std::vector<std::pair<std::string, uint64_t>> seen;
  const auto lines =
      for_each_line("a\n\n \r\nb", 7, [&](std::string_view line, uint64_t number) { seen.emplace_back(line, number); });
  EXPECT_EQ(lines, 4u);
  EXPECT_EQ(seen, (std::vector<std::pair<std::string, uint64_t>>{{"a", 7}, {"b", 10}}));
}

}  // namespace
}  // namespace stillwatch::scan
