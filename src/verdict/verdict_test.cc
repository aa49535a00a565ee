#include <gtest/gtest.h>

#include "verdict/labels.h"
#include "verdict/verdict.h"

namespace stillwatch::verdict {
namespace {

const base::Time kMarch = *base::parse_rfc3339("2026-03-01T00:00:00Z");
const base::Time kJune = *base::parse_rfc3339("2026-06-01T00:00:00Z");

TEST(Labels, ReadBackWhatTheyWriteAndTheLastOneCounts) {
  const std::string text = Labels::format("a \"1\"", {LabelKind::kBenign, kJune, "ours\n"}) + "\n" +
                           Labels::format("b", {LabelKind::kBenign, kJune, ""}) +
                           Labels::format("b", {LabelKind::kHostile, kJune, "no"});
  const auto labels = Labels::parse(text, "labels");
  ASSERT_TRUE(labels) << labels.error().message;
  EXPECT_EQ(labels->size(), 2u);
  EXPECT_EQ(labels->find("a \"1\"", kMarch)->why, "ours\n");
  EXPECT_EQ(labels->find("b", kMarch)->kind, LabelKind::kHostile);
  EXPECT_FALSE(labels->find("c", kMarch));
}

TEST(Labels, RunOut) {
  Labels labels;
  labels.set("a", {LabelKind::kHostile, kMarch, ""});
  EXPECT_TRUE(labels.find("a", kMarch - std::chrono::milliseconds(1)));
  EXPECT_FALSE(labels.find("a", kMarch));
}

TEST(Labels, MistakesAreLocated) {
  const auto problem = [](std::string_view text) {
    const auto labels = Labels::parse(text, "l.jsonl");
    return labels ? std::string() : labels.error().message;
  };
  EXPECT_EQ(problem("\n{}").substr(0, 10), "l.jsonl:2:");
  EXPECT_NE(problem("nonsense").find("not a JSON object"), std::string::npos);
  EXPECT_NE(problem(R"({"account":"a","label":"odd","until":"2026-12-31T00:00:00Z"})").find("neither"),
            std::string::npos);
  EXPECT_NE(problem(R"({"account":"a","label":"benign","until":"later"})").find("`until`"), std::string::npos);
  EXPECT_EQ(problem(""), "");
}

TEST(Verdicts, HaveNames) {
  EXPECT_EQ(name_of(Verdict::kHarvest), "harvest");
  EXPECT_EQ(name_of(Verdict::kLabelledBenign), "labelled-benign");
}

}  // namespace
}  // namespace stillwatch::verdict
