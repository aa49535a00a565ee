#include "model/llama2c.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/bytes.h"
#include "model/folder.h"
#include "model/generator.h"

namespace stillwatch::model {
namespace {

using testing::HasSubstr;

std::string weights_folder() {
  const char* named = std::getenv("STILLWATCH_WEIGHTS");
  return named != nullptr ? named : STILLWATCH_SOURCE_DIR "/../shared/data/weights";
}

// What llama2.c (commit 350e04f, gcc -O2) makes of stories260K.bin: run stories260K.bin -z stories260K_tokenizer.bin
// -t 0 -n 200, with the number of each token printed.
constexpr int32_t kStory[] = {
    403, 407, 261, 378, 432, 383, 286, 261, 376, 298, 315, 421, 395, 317, 426, 338, 401, 396, 267, 337, 410, 408, 419,
    292, 411, 322, 265, 282, 295, 433, 426, 385, 328, 432, 358, 394, 261, 370, 432, 352, 266, 268, 388, 426, 338, 391,
    266, 267, 337, 335, 312, 432, 398, 312, 286, 267, 414, 270, 333, 415, 426, 13,  438, 310, 439, 419, 357, 336, 432,
    313, 438, 310, 432, 278, 316, 439, 419, 298, 414, 267, 265, 282, 295, 433, 426, 436, 317, 286, 296, 418, 269, 279,
    292, 416, 439, 413, 409, 416, 327, 263, 415, 294, 267, 400, 426, 338, 336, 432, 313, 442, 391, 267, 337, 335, 364,
    420, 268, 388, 432, 398, 359, 280, 303, 439, 413, 272, 417, 264, 312, 426, 436, 13,  438, 310, 286, 296, 418, 269,
    279, 292, 416, 439, 413, 409, 416, 327, 263, 415, 294, 267, 400, 426, 338, 336, 432, 313, 442, 439, 423, 262, 304,
    420, 422, 432, 317, 426, 359, 279, 292, 416, 439, 413, 409, 416, 327, 263, 415, 294, 267, 400, 426, 436, 13,  438,
    310, 279, 292, 416, 439, 413, 391, 267, 281, 421, 427, 311, 357, 432, 384, 358};
// And with -i "Tom had a red cat", what it goes on with.
constexpr int32_t kTom[] = {274, 287, 381, 261, 352, 266, 280, 294, 395, 392, 412, 444, 426, 346,
                            401, 396, 267, 337, 335, 345, 267, 422, 419, 269, 352, 379, 261, 420,
                            277, 264, 265, 352, 414, 287, 426, 385, 328, 432, 281, 394};

std::vector<int32_t> greedy(const Transformer& transformer, std::vector<int32_t> prompt, size_t tokens) {
  GenerationRequest request;
  request.prompt = std::move(prompt);
  request.tokens_max = static_cast<uint32_t>(tokens);
  request.sampling.temperature = 0;
  std::vector<int32_t> out;
  const auto choices = generate(transformer, std::move(request));
  for (const Choice& c : *choices) out.push_back(c.token);
  return out;
}

TEST(Stories260K, GreedyTokensAreThoseOfLlama2c) {
  const std::string path = weights_folder() + "/stories260K.bin";
  if (!std::ifstream(path)) GTEST_SKIP() << path << " is not there; STILLWATCH_WEIGHTS names its folder";
  auto model = load_model(path);
  ASSERT_TRUE(model) << model.error().message;
  const Transformer transformer(model->config, model->weights);
  EXPECT_THAT(greedy(transformer, {1}, std::size(kStory)), testing::ElementsAreArray(kStory));
  std::vector<int32_t> prompt{1};
  model->tokenizer.encode("Tom had a red cat", Marks::kText, prompt);
  const auto read = std::vector<int32_t>(prompt.begin() + 1, prompt.end());
  ASSERT_LT(read.size(), std::size(kTom));
  EXPECT_THAT(read, testing::ElementsAreArray(kTom, read.size()));
  EXPECT_THAT(greedy(transformer, prompt, std::size(kTom) - read.size()),
              testing::ElementsAreArray(kTom + read.size(), std::size(kTom) - read.size()));
  EXPECT_THAT(model->tokenizer.decode(kStory),
              testing::StartsWith("Once upon a time, there was a little girl named Lily."));
}

TEST(Stories260K, TokenizerGivesBackAllBytes) {
  std::ifstream file(weights_folder() + "/stories260K_tokenizer.bin", std::ios::binary);
  if (!file) GTEST_SKIP() << "no weights";
  std::stringstream text;
  text << file.rdbuf();
  const auto tokenizer = Tokenizer::from_llama2c(text.str(), 512, "t");
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  const auto again = Tokenizer::from_json(tokenizer->json(), "t.json");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->fingerprint(), tokenizer->fingerprint());
  for (const std::string said :
       {"Lily and Tom", " two  spaces ", "caf\xc3\xa9 \xf0\x9f\x98\x80\n\t", "\xff\xfe\x00 odd", "<s> </s>"}) {
    std::vector<int32_t> tokens;
    tokenizer->encode(said, Marks::kText, tokens);
    EXPECT_EQ(tokenizer->decode(tokens), said);
    std::vector<int32_t> same;
    again->encode(said, Marks::kText, same);
    EXPECT_EQ(tokens, same) << said;
  }
}

std::string small_checkpoint(int32_t vocab, size_t floats) {
  base::Writer w;
  for (const int32_t n : {8, 16, 1, 2, 1, vocab, 4}) w.u32(static_cast<uint32_t>(n));
  std::string bytes = w.take();
  for (size_t i = 0; i < floats; ++i) {
    const float f = static_cast<float>(i % 7) * 0.1F;
    bytes.append(reinterpret_cast<const char*>(&f), sizeof f);
  }
  return bytes;
}

TEST(Llama2c, ReadsTiedAndUntied) {
  Config c;
  c.vocab_size = 10, c.dim = 8, c.layers = 1, c.heads = 2, c.kv_heads = 1, c.head_dim = 4, c.ffn_dim = 16,
  c.context = 4;
  const auto tied = read_llama2c(small_checkpoint(10, static_cast<size_t>(c.parameters()) + 16), "c.bin");
  ASSERT_TRUE(tied) << tied.error().message;
  EXPECT_TRUE(tied->config.tied);
  Weights weights = tied->weights;
  EXPECT_TRUE(fit(weights, tied->config, "c.bin"));
  c.tied = false;
  const auto untied = read_llama2c(small_checkpoint(-10, static_cast<size_t>(c.parameters()) + 16), "c.bin");
  ASSERT_TRUE(untied) << untied.error().message;
  EXPECT_FALSE(untied->config.tied);
}

TEST(Llama2c, RefusesTokensThatAreNoText) {
  const auto tokenizer_of = [](std::string_view last) {
    base::Writer w;
    w.u32(1);
    std::string bytes = w.bytes();
    for (int i = 0; i < 260; ++i) {
      const std::string_view piece = i == 259 ? last : "";
      base::Writer token;
      token.u32(0);
      token.u32(static_cast<uint32_t>(piece.size()));
      bytes.append(token.bytes()).append(piece);
    }
    return Tokenizer::from_llama2c(bytes, 260, "t.bin");
  };
  EXPECT_TRUE(tokenizer_of("caf\xc3\xa9"));
  const auto broken = tokenizer_of("a\x9a");
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().message, "t.bin: token 259 is no UTF-8");
}

TEST(Llama2c, RefusesWhatIsCutOffOrAnotherVersion) {
  const auto cut = read_llama2c(small_checkpoint(10, 100), "c.bin");
  ASSERT_FALSE(cut);
  EXPECT_THAT(cut.error().message, HasSubstr("is it cut off"));
  base::Writer w;
  w.u32(0x616b3432);
  for (int i = 0; i < 10; ++i) w.u32(1);
  EXPECT_THAT(read_llama2c(w.bytes(), "c.bin").error().message, HasSubstr("--version 0"));
  EXPECT_FALSE(read_llama2c("", "c.bin"));
}

}  // namespace
}  // namespace stillwatch::model
