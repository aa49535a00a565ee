#include "scan/source.h"

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include "base/random.h"
#include "scan/test_files.h"

namespace stillwatch::scan {
namespace {

struct Content {
  std::string bytes;
  std::string error;  // empty: read to the end
};

// `piece` 0: every read asks for another number of bytes.
Content read_all(const std::string& path, size_t piece = 1 << 20) {
  auto source = Source::open(path);
  if (!source) return {"", source.error().message};
  base::Random random(3);
  Content content;
  std::string buffer(1 << 20, '\0');
  for (;;) {
    const size_t size = piece > 0 ? piece : 1 + random.below(3000);
    const auto n = (*source)->read(buffer.data(), size);
    if (!n) return {content.bytes, n.error().message};
    if (*n == 0) return content;
    EXPECT_LE(*n, size);
    content.bytes.append(buffer, 0, *n);
  }
}

std::string text_of(size_t bytes) {
  base::Random random(9);
  std::string text;
  while (text.size() < bytes) text += "word" + std::to_string(random.below(5000)) + " ";
  return text;
}

TEST(Source, ReadsEveryContainerInPiecesOfAnySize) {
  const Folder folder;
  const std::string text = text_of(400'000);
  const std::string half = text.substr(0, 123'457), rest = text.substr(123'457);
  const std::pair<const char*, std::string> files[] = {
      {"plain", text},
      {"gzip", gzip(text)},
      {"gzip members", gzip(half) + gzip("") + gzip(rest)},
      {"zstd", zstandard(text)},
      {"zstd frames", zstandard(half) + zstandard("") + zstandard(rest)},
      {"zstd after a skippable frame", std::string("\x50\x2a\x4d\x18\x04\0\0\0abcd", 12) + zstandard(text)},
  };
  for (const auto& [name, bytes] : files) {
    const std::string path = folder.write(name, bytes);
    for (const size_t piece : {size_t{0}, size_t{1000}, size_t{123'457}, size_t{1} << 20}) {
      const Content content = read_all(path, piece);
      EXPECT_EQ(content.error, "") << name;
      EXPECT_TRUE(content.bytes == text) << name << " in pieces of " << piece;
    }
  }
  EXPECT_EQ(read_all(folder.write("empty", "")).bytes, "");
  EXPECT_EQ(read_all(folder.write("short", "{}")).bytes, "{}");
}

TEST(Source, GivesWhatIsGoodOfACutOffFileThenSaysSo) {
  const Folder folder;
  const std::string text = text_of(400'000);
  for (const std::string& whole : {gzip(text), zstandard(text)}) {
    for (const size_t size : {size_t{5}, whole.size() / 2, whole.size() - 1}) {
      const Content content = read_all(folder.write("cut", whole.substr(0, size)));
      EXPECT_NE(content.error.find("cut off"), std::string::npos) << content.error;
      EXPECT_EQ(text.compare(0, content.bytes.size(), content.bytes), 0);
      EXPECT_GE(content.bytes.size() + 300'000, text.size() * size / whole.size());
    }
  }
}

TEST(Source, SaysThatDamagedDataIsDamaged) {
  const Folder folder;
  const std::string text = text_of(400'000);
  for (std::string bytes : {gzip(text), zstandard(text), gzip(text) + "garbage behind"}) {
    const size_t at = bytes.size() / 2;
    if (bytes.back() != 'd' || bytes.find("garbage behind") == std::string::npos)
      for (size_t i = at; i < at + 64; ++i) bytes[i] = static_cast<char>(~bytes[i]);
    const Content content = read_all(folder.write("damaged", bytes));
    EXPECT_NE(content.error.find("damaged"), std::string::npos) << content.error;
  }
}

TEST(Source, AsksForFilesThatItCanRead) {
  const Folder folder;
  EXPECT_NE(read_all("/nonexistent/log").error.find("cannot be opened"), std::string::npos);
  EXPECT_NE(read_all(folder.path()).error.find("is a directory"), std::string::npos);
}

TEST(Source, CountsCompressedBytesAsConsumed) {
  const Folder folder;
  const std::string bytes = gzip(text_of(300'000));
  const std::string path = folder.write("log", bytes);
  auto source = Source::open(path);
  ASSERT_TRUE(source);
  std::string buffer(1 << 20, '\0');
  while ((*source)->read(buffer.data(), buffer.size()).value_or(0) > 0) {
  }
  EXPECT_EQ((*source)->consumed(), bytes.size());
  EXPECT_EQ(size_of(path), bytes.size());
  EXPECT_EQ(size_of("/dev/null"), 0u);
}

}  // namespace
}  // namespace stillwatch::scan
