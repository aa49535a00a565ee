#include "watermark/units.h"

#include <gmock/gmock.h>

#include "base/hash.h"

namespace stillwatch::watermark {
namespace {

using base::hash64;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(Words, AreRunsOfLettersAndDigitsInLowerCase) {
  EXPECT_THAT(words_of("The cat's 3rd HAT."),
              ElementsAre(hash64("the"), hash64("cat"), hash64("s"), hash64("3rd"), hash64("hat")));
  EXPECT_EQ(words_of("don't -- stop"), words_of("DON\xe2\x80\x99T\n\n* stop!"));
  EXPECT_THAT(words_of(""), IsEmpty());
  EXPECT_THAT(words_of(" .,;\n"), IsEmpty());
}

TEST(Words, OfOtherScripts) {
  EXPECT_THAT(words_of("gr\xc3\xbc\xc3\x9f dich"), ElementsAre(hash64("gr\xc3\xbc\xc3\x9f"), hash64("dich")));
  EXPECT_THAT(words_of("\xe6\x97\xa5\xe6\x9c\xac go"),
              ElementsAre(hash64("\xe6\x97\xa5"), hash64("\xe6\x9c\xac"), hash64("go")));
  EXPECT_THAT(words_of("a\xf0\x9f\x98\x80z"), ElementsAre(hash64("a"), hash64("z")));  // an emoji separates
}

TEST(Words, TolerateBytesThatAreNoText) {
  EXPECT_THAT(words_of("a\xff\xc3z\xe2\x82"), ElementsAre(hash64("a"), hash64("z")));
  EXPECT_THAT(words_of("a\xc0\xafz"), ElementsAre(hash64("a"), hash64("z")));      // overlong
  EXPECT_THAT(words_of("a\xed\xa0\x80z"), ElementsAre(hash64("a"), hash64("z")));  // a surrogate
}

TEST(SentenceEnd, IsBehindTheStopAndItsQuotes) {
  const auto first = [](std::string_view text) { return text.substr(0, sentence_end(text)); };
  EXPECT_EQ(first("It rained for three days. Then it stopped."), "It rained for three days.");
  EXPECT_EQ(first(" She said \"I will not go there.\" He did."), " She said \"I will not go there.\"");
  EXPECT_EQ(first("1. Dr. Brown paid 3.50 dollars for it! Really"), "1. Dr. Brown paid 3.50 dollars for it!");
  EXPECT_EQ(first("A line that ends here without\nanother"), "A line that ends here without");
  EXPECT_EQ(first("no end"), "no end");
  EXPECT_EQ(first(""), "");
  EXPECT_EQ(first("\xe5\xa4\xa9\xe6\xb0\x94\xe5\xbe\x88\xe5\xa5\xbd\xe6\x88\x91\xe4\xbb\xac\xe8\xb5\xb0\xe3\x80\x82\xe8"
                  "\xb5\xb0"),
            "\xe5\xa4\xa9\xe6\xb0\x94\xe5\xbe\x88\xe5\xa5\xbd\xe6\x88\x91\xe4\xbb\xac\xe8\xb5\xb0\xe3\x80\x82");
}

}  // namespace
}  // namespace stillwatch::watermark
