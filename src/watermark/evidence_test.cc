#include "watermark/evidence.h"

#include <gmock/gmock.h>

#include "watermark/select.h"
#include "watermark/windows.h"

namespace stillwatch::watermark {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const base::Time kTime = base::from_ms(1'772'445'600'000);
constexpr Mark kMark{Scheme::kGreen, 2, 0.5};
const std::string kHash(64, 'a');

Selection select(const Key& key, std::vector<std::string_view> drafts) {
  GivenWindows given;
  return DraftSelector(key, kMark).select(drafts, given);
}

TEST(Evidence, RemembersWhatWasWritten) {
  const Key key = control_key(1);
  const Key tokens = control_key(2);
  const std::vector<Unit> answer = {5, 6, 7, 8};
  const std::string text =
      mark_line(kTime, "campaign:7", key, kMark, Units::kWords) +
      answer_line(kTime, "acct_1", key, select(key, {"it rained all day long", "the sun shone on it"}).sketch) +
      answer_line(base::from_ms(base::to_ms(kTime) + 5), "acct_2", key, select(key, {"always", "always"}).sketch) +
      mark_line(kTime, "epoch:1", tokens, {Scheme::kGumbel, 1, 0.5, 2, 30}, Units::kTokens) +
      answer_line(kTime, "acct_3", tokens, ContextSketch(1, answer)) + pool_line(kTime, "pool", 10, kHash) +
      canary_line(kTime, "acct_1", kHash, 3) + canary_line(kTime, "acct_2", kHash, 3);
  Evidence e;
  const auto ok = e.read(text, "evidence");
  ASSERT_TRUE(ok) << ok.error().message;
  ASSERT_EQ(e.marks.size(), 2u);
  const MarkEvidence& m = *e.find_mark(key.id());
  EXPECT_EQ(m.label, "campaign:7");
  EXPECT_EQ(m.answers, 2u);
  EXPECT_EQ(m.unmarked, 1u);
  EXPECT_THAT(m.accounts, ElementsAre("acct_1", "acct_2"));
  EXPECT_EQ(base::to_ms(m.last) - base::to_ms(m.first), 5);
  EXPECT_TRUE(m.filter.passes(words_of("rained all day")));
  EXPECT_TRUE(m.filter.passes(words_of("sun shone on")));  // of every draft, chosen or not
  EXPECT_FALSE(m.filter.passes(words_of("all day rained")));
  EXPECT_FALSE(m.filter.passes(words_of("always always always")));
  EXPECT_EQ(e.marks[1].units, Units::kTokens);
  EXPECT_EQ(e.marks[1].mark.scheme, Scheme::kGumbel);
  EXPECT_TRUE(e.marks[1].filter.passes(std::vector<Unit>{6, 99}));
  EXPECT_FALSE(e.marks[1].filter.passes(std::vector<Unit>{8, 5}));  // nothing follows the last unit
  ASSERT_EQ(e.pools.size(), 1u);
  EXPECT_THAT(e.pools[0].issued.at(3), ElementsAre("acct_1", "acct_2"));
}

TEST(Evidence, IsWrittenByteForByteAsDocumented) {
  EXPECT_EQ(mark_line(kTime, "campaign:7", control_key(1), kMark, Units::kWords),
            "{\"evidence\":1,\"record\":\"mark\",\"time\":\"2026-03-02T10:00:00.000Z\",\"key\":\"" +
                id_text(control_key(1).id()) +
                "\",\"label\":\"campaign:7\",\"units\":\"words\",\"scheme\":\"green\",\"context\":2,\"gamma\":0.5,"
                "\"layers\":30}\n");
  const auto low = [](std::string_view words) { return static_cast<uint32_t>(hash_of(words_of(words))); };
  HashList one;
  one.add(low("a b c"));
  EXPECT_EQ(one.bytes().size(), 4u);
  EXPECT_THAT(answer_line(kTime, "x\xff", control_key(1), select(control_key(1), {"a b c", "a b d"}).sketch),
              AllOf(HasSubstr("\"account\":\"x\xef\xbf\xbd\""), HasSubstr("\"drafts\":2,\"windows\":\"")));
}

TEST(Evidence, LeavesALineThatWasCutOff) {
  Evidence e;
  const std::string whole = mark_line(kTime, "a", control_key(1), kMark, Units::kWords);
  EXPECT_TRUE(e.read(whole + whole.substr(0, 40), "evidence"));
  EXPECT_EQ(e.marks.size(), 1u);
}

TEST(Evidence, SaysWhichLineIsWrongAndWhy) {
  const Key key = control_key(1);
  const std::string mark = mark_line(kTime, "a", key, kMark, Units::kWords);
  const auto answer = [&](std::string_view rest) {
    return mark +
           "{\"evidence\":1,\"record\":\"answer\",\"time\":\"2026-03-02T10:00:00Z\",\"account\":\"a\",\"key\":\"" +
           id_text(key.id()) + "\"," + std::string(rest) + "}\n";
  };
  const std::pair<std::string, const char*> cases[] = {
      {"nonsense\n", "evidence:1: not a JSON object"},
      {"{}\n", "evidence:1: it is no record of evidence"},
      {"\n{\"evidence\":1,\"record\":\"x\",\"time\":\"2026-03-02T10:00:00Z\"}\n", "evidence:2: `record` is none of"},
      {answer_line(kTime, "a", key, ContextSketch()), "evidence:1: an answer's `key` was not announced"},
      {answer("\"drafts\":2,\"windows\":\"!\""), "evidence:2: its hashes are not base64"},
      {answer("\"drafts\":2,\"windows\":\"AAAAAA==\""), ""},  // one hash, zero
      {answer("\"drafts\":2,\"windows\":\"AAAAAAAAAAA=\""), "evidence:2: the hashes are not increasing"},
      {answer("\"windows\":\"AAAAAA==\""), "evidence:2: an answer with `windows` says of how many `drafts`"},
      {answer("\"drafts\":2"), ""},  // contexts, none
      {mark + mark_line(kTime, "b", key, kMark, Units::kWords), "evidence:2: the same key was used"},
      {mark + mark, ""},
      {canary_line(kTime, "a", kHash, 3), "evidence:1: a canary's `pool` was not committed to"},
      {pool_line(kTime, "p", 10, kHash) + canary_line(kTime, "a", kHash, 10), "evidence:2: a canary's `index`"},
      {pool_line(kTime, "p", 10, kHash) + canary_line(base::from_ms(1000), "a", kHash, 1),
       "evidence:2: a canary was given before its pool"},
      {pool_line(kTime, "p", 10, "short"), "evidence:1: a pool has"},
      {std::string(kEvidenceLineBytesMax + 1, 'x') + "\n", "evidence:1: the line is longer than 4 MiB"},
  };
  for (const auto& [text, message] : cases) {
    Evidence e;
    const auto ok = e.read(text, "evidence");
    EXPECT_THAT(ok ? "" : ok.error().message, testing::StartsWith(message)) << text.substr(0, 300);
    EXPECT_EQ(ok.has_value(), *message == '\0');
  }
}

}  // namespace
}  // namespace stillwatch::watermark
