#include "countermeasure/strip.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/random.h"

namespace stillwatch::countermeasure {
namespace {

using nlohmann::json;

std::string stripped(std::string_view text, size_t piece = 1 << 20) {
  MemberStripper stripper("logprobs");
  std::string out;
  for (size_t at = 0; at < text.size(); at += piece) stripper.pass(text.substr(at, piece), out);
  stripper.finish(out);
  return out;
}

TEST(MemberStripper, TakesTheValueOutAndNothingElse) {
  EXPECT_EQ(stripped(R"({"a":1,"logprobs": {"content":[{"token":"}\"","logprob":-1}]},"b":"logprobs"})"),
            R"({"a":1,"logprobs": null,"b":"logprobs"})");
  EXPECT_EQ(stripped(R"({"logprobs":[1,[2]],"logprob":3})"), R"({"logprobs":[],"logprob":3})");
  EXPECT_EQ(stripped(R"({"logprobs" : -1.5e3})"), R"({"logprobs" : null})");
  EXPECT_EQ(stripped(R"({"logprobs":"a\"b"})"), R"({"logprobs":null})");
  EXPECT_EQ(stripped(R"(["logprobs", "logprobs"])"), R"(["logprobs", "logprobs"])");
  EXPECT_EQ(stripped(R"({"text":"say \"logprobs\": {1}"})"), R"({"text":"say \"logprobs\": {1}"})");
  EXPECT_EQ(stripped("plain words, \"quoted"), "plain words, \"quoted");
}

TEST(MemberStripper, KnowsTheNameHoweverItIsSpelt) {
  EXPECT_EQ(stripped(R"({"log\u0070robs":[1],"\u006C\u006f\u0067probs":{"a":1}})"),
            R"({"log\u0070robs":[],"\u006C\u006f\u0067probs":null})");
  for (const char* other : {R"({"log\u0070rob\u0073x":1})", R"({"log\probs":1})", R"({"log\u00":1,"\u01":2})",
                            R"({"log\"":1})", R"({"logprobs\\":1})", R"({"log\u0170robs":1})", R"({"log\n":"\\"})"})
    EXPECT_EQ(stripped(other), other);
}

TEST(MemberStripper, WorksThroughEvents) {
  EXPECT_EQ(stripped("event: x\ndata: {\"d\":\"it\\\"s\",\"logprobs\":[{\"t\":1}]}\n\ndata: "
                     "{\"logprobs\":null}\n\ndata: [DONE]\n\n"),
            "event: x\ndata: {\"d\":\"it\\\"s\",\"logprobs\":[]}\n\ndata: {\"logprobs\":null}\n\ndata: [DONE]\n\n");
}

json tree(base::Random& random, int depth) {
  switch (random.below(depth > 3 ? 4 : 6)) {
    case 0:
      return static_cast<int64_t>(random.below(1000)) - 500;
    case 1:
      return nullptr;
    case 2:
      return std::string("\"\\{}[]:, logprobs\n").substr(random.below(10), random.below(9));
    case 3:
      return "logprobs";
    case 4: {
      json list = json::array();
      for (uint64_t i = random.below(4); i > 0; --i) list.push_back(tree(random, depth + 1));
      return list;
    }
    default: {
      json map = json::object();
      for (uint64_t i = random.below(4); i > 0; --i)
        map[random.below(2) ? "logprobs" : "logprobs" + std::to_string(i)] = tree(random, depth + 1);
      return map;
    }
  }
}

json expected(json value) {
  for (auto it = value.begin(); it != value.end(); ++it) {
    if (value.is_object() && it.key() == "logprobs") {
      *it = it->is_array() ? json::array() : json();
    } else if (it->is_structured()) {
      *it = expected(*it);
    }
  }
  return value;
}

TEST(MemberStripper, AgreesWithAParserHoweverTheBytesCome) {
  base::Random random(3);
  for (int round = 0; round < 3000; ++round) {
    const json value = json::array({tree(random, 0)});
    std::string text = value.dump(random.below(2) ? -1 : 1);
    if (random.below(2) == 0) {  // another spelling of the same
      for (size_t at = text.find("probs"); at != text.npos; at = text.find("probs", at)) text.replace(at, 1, "\\u0070");
    }
    const std::string whole = stripped(text);
    ASSERT_EQ(json::parse(whole), expected(value)) << text;
    ASSERT_EQ(stripped(text, 1 + random.below(7)), whole);
  }
}

}  // namespace
}  // namespace stillwatch::countermeasure
