#include "features/features.h"
#include "features/record.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "features/joint.h"
#include "features/network.h"

namespace stillwatch::features {
namespace {

dialect::Exchange exchange_of(std::vector<dialect::Turn> turns) {
  dialect::Exchange e;
  e.turns = std::move(turns);
  return e;
}

Features features_of(std::string_view text) {
  FeatureExtractor extractor;
  return extractor.extract(exchange_of({{dialect::Role::kUser, text, 0, 0}}));
}

double similarity(std::string_view a, std::string_view b) {
  std::vector<Token> storage;
  const Embedding x = embed(tokenize(a, storage));
  const Embedding y = embed(tokenize(b, storage));
  double dot = 0;
  for (size_t i = 0; i < x.size(); ++i) dot += static_cast<double>(x[i]) * y[i];
  return dot / kEmbeddingScale / kEmbeddingScale;
}

TEST(Tokens, SplitsEveryScript) {
  std::vector<Token> storage;
  const auto kinds = [&](std::string_view text) {
    std::string out;
    for (const Token& t : tokenize(text, storage)) out += "wni.|"[static_cast<int>(t.kind)];
    return out;
  };
  EXPECT_EQ(kinds("Hello, world 42!"), "w.wn.");
  EXPECT_EQ(kinds("Größe überall"), "ww");
  EXPECT_EQ(kinds("привет мир"), "ww");
  EXPECT_EQ(kinds("你好 世界"), "iiii");
  EXPECT_EQ(kinds("नमस्ते दुनिया"), "ww");
  EXPECT_EQ(kinds("a\n\n b"), "w|w");
  EXPECT_EQ(kinds("\xff\xfe"), "..");
  EXPECT_EQ(kinds(""), "");
}

TEST(Tokens, FoldsCase) {
  EXPECT_EQ(word_hash("STRASSE"), word_hash("strasse"));
  EXPECT_EQ(word_hash("Übung"), word_hash("übung"));
  EXPECT_EQ(word_hash("МИР"), word_hash("мир"));
  EXPECT_EQ(word_hash("ΛΟΓ"), word_hash("λογ"));
  EXPECT_NE(word_hash("word"), word_hash("work"));
  EXPECT_NE(word_hash("ab"), word_hash("ba"));
}

// Words that lie across the eights of bytes in which they are read, at the end of the text or before any other byte.
TEST(Tokens, EndWhereTheirLettersEnd) {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    for (size_t length = 1; length <= 20; ++length) {
      const std::string word(length, 'k');
      std::vector<Token> storage;
      const std::string mixed = word + c + "z";
      const std::span<const Token> tokens = tokenize(mixed, storage);
      ASSERT_EQ(tokens.front().length, letter ? length + 2 : length) << byte;
      if (!letter) {
        ASSERT_EQ(tokens.front().hash, word_hash(word)) << byte;
      }
      const std::string number(length, '7');
      ASSERT_EQ(tokenize(number + c, storage).front().length, c >= '0' && c <= '9' ? length + 1 : length) << byte;
    }
  }
}

// Long ASCII texts are read 64 bytes at a time, all else byte by byte: an ideograph at the end of a piece makes it all
// else.
TEST(Tokens, AreTheSameHoweverTheyAreRead) {
  base::Random random(7);
  constexpr std::string_view kBytes = "abcxyzABCXYZ0189  \n\n\t.,:*'\"{[\x01\x7f";
  std::vector<Token> storage, piece_storage;
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    while (text.size() < 300) text.append(1 + random.below(round % 40 + 1), kBytes[random.below(kBytes.size())]);
    const std::span<const Token> whole = tokenize(text, storage);
    size_t i = 0;
    for (size_t begin = 0; begin < text.size();) {  // pieces too short for a block, cut where a token ends
      size_t end = begin;
      for (size_t j = i; j < whole.size() && whole[j].begin + whole[j].length <= begin + 60; ++j)
        end = whole[j].begin + whole[j].length;
      if (end == begin) end = i < whole.size() ? whole[i].begin + whole[i].length : text.size();
      const std::string piece = text.substr(begin, end - begin) + "\u4e16";
      const std::span<const Token> tokens = tokenize(piece, piece_storage);
      for (const Token& t : tokens.first(tokens.size() - 1)) {
        ASSERT_LT(i, whole.size());
        EXPECT_EQ(t.hash, whole[i].hash) << text;
        EXPECT_EQ(t.begin + begin, whole[i].begin);
        EXPECT_EQ(t.length, whole[i].length);
        EXPECT_EQ(t.kind, whole[i].kind);
        EXPECT_EQ(t.script, whole[i].script);
        EXPECT_EQ(t.capital, whole[i].capital);
        ++i;
      }
      begin = end;
    }
    ASSERT_EQ(i, whole.size());
  }
}

TEST(Embedding, KnowsWordsOfLikeMeaning) {
  EXPECT_GT(similarity("a doctor treated the patient", "the nurse cured a sick man"),
            similarity("a doctor treated the patient", "the lawyer sued a rich company") + 0.1);
}

TEST(Embedding, HoldsItsPlaceForTextsOfAnyLength) {
  std::string text;
  while (text.size() < 4000) text += "volcano eruption lava ";
  EXPECT_GT(similarity(text, "volcano eruption lava"), 0.999);
}

TEST(Embedding, IsNearForSharedWordsAndTheSameEveryTime) {
  EXPECT_GT(similarity("how do I repair the chain of my bicycle", "my bicycle chain is broken, repair?"),
            similarity("how do I repair the chain of my bicycle", "quarterly revenue of the insurance sector"));
  EXPECT_NEAR(similarity("same text", "same text"), 1, 1e-3);
  // A change here is a new kEmbeddingVersion.
  std::vector<Token> storage;
  const Embedding e = embed(tokenize("The embedding of this sentence is fixed.", storage));
  const Spectrum s = spectrum_of(e);
  uint64_t mark = cell_of(e);
  for (const int8_t v : s) mark = mark * 31 + static_cast<uint8_t>(v);
  EXPECT_EQ(kEmbeddingVersion, 2u);
  EXPECT_EQ(mark, 13274291997795252506u);
}

TEST(Embedding, SpectrumPairsHaveNormOne) {
  std::vector<Token> storage;
  const Spectrum s = spectrum_of(embed(tokenize("waves on the lake at night", storage)));
  for (size_t f = 0; f < kFrequencies; ++f) {
    const double norm =
        (s[f] * s[f] + s[kFrequencies + f] * s[kFrequencies + f]) / (1.0 * kSpectrumScale * kSpectrumScale);
    EXPECT_NEAR(norm, 1, 0.02);
  }
}

double joint_similarity(const Features& a, const Features& b) {
  const Spectrum x = joint_spectrum(a);
  const Spectrum y = joint_spectrum(b);
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i];
  return sum / (kJointScale * kJointScale * kFrequencies);
}

TEST(JointSpectrum, IsNearForTheSameTopicInTheSameManner) {
  const Features asked = features_of("how do I repair the chain of my bicycle");
  const Features again = features_of("how do I repair the old chain of my bicycle");
  const Features ordered = features_of("Repair the chain of the bicycle.");
  EXPECT_NEAR(joint_similarity(asked, asked), 1, 0.05);
  EXPECT_GT(joint_similarity(asked, again), 0.8);
  EXPECT_LT(joint_similarity(asked, ordered), 0.4);
  EXPECT_LT(joint_similarity(asked, features_of("how do I insure the wine of my restaurant")), 0.7);
  Features longer = asked;
  longer.prompt_words *= 32;
  EXPECT_LT(joint_similarity(asked, longer), 0.4);
}

TEST(JointSpectrum, OfOneRecordIsTheSameEveryTime) {
  Features f;
  f.kinds = 0x111;
  f.traits = 0xffffffff;  // parameters as well, which do not count
  f.script = Script::kLatin;
  f.prompt_words = 9;
  for (size_t i = 0; i < kFrequencies; ++i) f.spectrum[i] = kSpectrumScale;
  const auto mark_of = [](const Features& of) {
    uint64_t mark = 0;
    for (const int8_t v : joint_spectrum(of)) mark = mark * 31 + static_cast<uint8_t>(v);
    return mark;
  };
  const uint64_t mark = mark_of(f);
  f.traits &= (1u << kWritingTraits) - 1;
  EXPECT_EQ(mark, mark_of(f));
  // A change here is a new version of profiles and of what baselines say of honest groups: the sums do not compare.
  EXPECT_EQ(mark, 18366085274896961815u);
}

TEST(JointSpectrum, OfASpectrumThatIsNoneStaysWithinItsScale) {
  Features f;
  f.spectrum.fill(INT8_MIN);
  for (uint32_t words = 1; words != 0; words <<= 1) {
    f.prompt_words = words;
    for (const int8_t v : joint_spectrum(f)) EXPECT_LE(std::abs(v), kJointScale);
  }
}

TEST(Features, CountOnlyTheTurnsNewToTheConversation) {
  FeatureExtractor extractor;
  using dialect::Role;
  const Features alone = features_of("and in winter?");
  const Features later = extractor.extract(exchange_of({{Role::kUser, "how do I water a fig", 0, 0},
                                                        {Role::kAssistant, "Once a week.", 0, 0},
                                                        {Role::kUser, "and in winter?", 0, 0}}));
  EXPECT_EQ(later.prompt, alone.prompt);
  EXPECT_EQ(later.depth, 1u);
  EXPECT_TRUE(later.has(Trait::kHistory));
  EXPECT_FALSE(alone.has(Trait::kHistory));
  const Features prefilled =
      extractor.extract(exchange_of({{Role::kUser, "and in winter?", 0, 0}, {Role::kAssistant, "In winter", 0, 0}}));
  EXPECT_EQ(prefilled.prompt, alone.prompt);
}

TEST(Features, KeepTheSystemPromptApart) {
  dialect::Exchange e = exchange_of({{dialect::Role::kUser, "hello there", 0, 0}});
  e.system = "Answer in rhymes.";
  FeatureExtractor extractor;
  const Features f = extractor.extract(e);
  EXPECT_NE(f.system, 0u);
  EXPECT_EQ(f.prompt, features_of("hello there").prompt);
}

TEST(Features, ReadLittleOfALongPromptButTellLongPromptsApart) {
  std::string text(1 << 20, 'x');
  for (size_t i = 0; i < text.size(); i += 7) text[i] = ' ';
  const Features a = features_of(text);
  const Features b = features_of(text.substr(1000));
  EXPECT_NE(a.prompt, b.prompt);
  EXPECT_GT(a.prompt_words, 100'000u);
  EXPECT_LE(a.shingle_count, static_cast<uint32_t>(kShinglesMax));
}

TEST(Features, AnswerAnythingWithoutWords) {
  for (const std::string_view text : {"", "...", "\n\n", "\xff\xff\xff", "\0\0"}) {
    const Features f = features_of(text);
    EXPECT_FALSE(f.meaningful);
    EXPECT_EQ(f.prompt_words, 0u);
  }
}

TEST(Features, SurviveRandomBytes) {
  base::Random random(1);
  for (int i = 0; i < 300; ++i) {
    std::string text(random.below(3000), ' ');
    for (char& c : text) c = static_cast<char>(random.below(256));
    const Features f = features_of(text);
    EXPECT_LT(f.cell, kCells);
  }
}

TEST(Kinds, AreToldInSeveralLanguagesAndWhateverTheCase) {
  const auto has = [](std::string_view text, Kind kind) { return features_of(text).has(kind); };
  EXPECT_TRUE(has("Explain it STEP BY STEP, please", Kind::kReasoning));
  EXPECT_TRUE(has("Bitte Schritt für Schritt erklären", Kind::kReasoning));
  EXPECT_TRUE(has("Rate the following answer", Kind::kGrading));
  EXPECT_TRUE(has("generate 20 questions about tides", Kind::kGeneration));
  EXPECT_TRUE(has("Act as a lighthouse keeper", Kind::kPersona));
  EXPECT_TRUE(has("Observation: the page has moved", Kind::kTrajectory));
  EXPECT_FALSE(has("my observation is that it rains", Kind::kTrajectory));
  EXPECT_TRUE(has("Describe the moon.", Kind::kInstruction));
  EXPECT_FALSE(has("can you describe the moon", Kind::kInstruction));
  EXPECT_TRUE(has("why does my bread sink", Kind::kPersonal));
  EXPECT_TRUE(has("我的花怎么了", Kind::kPersonal));
  EXPECT_TRUE(has("thanks, go on", Kind::kFollowUp));
}

TEST(Network, IsAPrefix) {
  EXPECT_EQ(network_key("192.0.2.7"), network_key("192.0.2.200"));
  EXPECT_NE(network_key("192.0.2.7"), network_key("192.0.3.7"));
  EXPECT_EQ(network_key("::ffff:192.0.2.1"), network_key("192.0.2.7"));
  EXPECT_EQ(network_key("2001:db8:1:2::1"), network_key("2001:db8:1:9::5"));
  EXPECT_EQ(network_key("nonsense"), 0u);
  EXPECT_EQ(network_key(""), 0u);
}

TEST(Record, ReadsBackWhatItWrote) {
  Features f;
  f.time = base::from_ms(1'772'409'600'123);
  f.prompt = 7;
  f.user = 8;
  f.prompt_words = 90;
  f.output_tokens = 1000;
  f.depth = 3;
  f.answered = f.meaningful = true;
  f.shingle_count = 2;
  f.shingles[1] = 9;
  f.cell = 11;
  f.spectrum[5] = -3;
  for (const auto part : {dialect::Part::kWhole, dialect::Part::kRequest, dialect::Part::kAnswer}) {
    for (const uint64_t answer : {0, 77}) {
      f.part = part;
      f.answer = answer;
      base::Writer out;
      write(f, out);
      EXPECT_LE(out.bytes().size(), kRecordBytesMax);
      base::Reader in(out.bytes());
      Features copy;
      ASSERT_TRUE(read(in, copy));
      EXPECT_TRUE(in.done());
      EXPECT_EQ(copy.time, f.time);
      EXPECT_EQ(copy.depth, 3u);
      EXPECT_EQ(copy.part, part);
      EXPECT_EQ(copy.answer, answer);
      EXPECT_EQ(copy.shingles, f.shingles);
      EXPECT_EQ(copy.spectrum, f.spectrum);
      for (size_t cut = 0; cut < out.bytes().size(); ++cut) {
        base::Reader less(std::string_view(out.bytes()).substr(0, cut));
        EXPECT_FALSE(read(less, copy)) << cut;
      }
    }
  }
}

}  // namespace
}  // namespace stillwatch::features
