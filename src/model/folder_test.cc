#include "model/folder.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "model/bpe_trainer.h"
#include "model/test_reference.h"

namespace stillwatch::model {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Folder : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() /
              fmt::format("stillwatch-model-{}-{}", ::getpid(), testing::UnitTest::GetInstance()->random_seed());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  static Model small() {
    BpeTrainer trainer;
    trainer.add("the cat sat on the mat, the cat sat");
    Tokenizer tokenizer = trainer.train(270, ChatTemplate::own_marks());
    Config c = tiny_config(false, true);
    c.vocab_size = static_cast<int64_t>(tokenizer.size());
    c.eos = {tokenizer.find_special("<|end|>")};
    Weights w = random_weights(c, 2);
    return {c, std::move(w), std::move(tokenizer), ChatTemplate::own()};
  }
  void save(const Model& m, Precision precision = Precision::kF32) {
    ASSERT_TRUE(save_model(m, precision, [&](const std::string& name, const auto& produce) {
      std::ofstream file(folder_ / name, std::ios::binary);
      produce([&](std::string_view s) { file << s; });
      return base::Result<void>();
    }));
  }
  void write(const std::string& name, std::string_view text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  std::string read(const std::string& name) {
    std::ifstream file(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::string error() { return load_model(folder_.string()).error().message; }

  fs::path folder_;
};

TEST_F(Folder, HoldsBf16InHalfTheBytesAndKeepsThem) {
  const Model m = small();
  save(m);
  const auto whole = fs::file_size(folder_ / "model.safetensors");
  save(m, Precision::kBf16);
  const std::string bytes = read("model.safetensors");
  EXPECT_LT(bytes.size(), whole * 2 / 3);  // the header is as long
  const auto again = load_model(folder_.string());
  ASSERT_TRUE(again) << again.error().message;
  for (const auto& [name, tensor] : m.weights) {
    const std::vector<float>& values = again->weights.find(name)->second.values;
    for (size_t i = 0; i < values.size(); ++i) ASSERT_EQ(values[i], from_bf16(to_bf16(tensor.values[i]))) << name;
  }
  save(*again, Precision::kBf16);
  EXPECT_EQ(read("model.safetensors"), bytes);
}

TEST_F(Folder, ReadsWhatItWrites) {
  const Model m = small();
  save(m);
  const auto again = load_model(folder_.string());
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->config.to_json(), m.config.to_json());
  EXPECT_EQ(again->tokenizer.fingerprint(), m.tokenizer.fingerprint());
  EXPECT_EQ(*again->marks, *m.marks);
  for (const auto& [name, tensor] : m.weights) EXPECT_EQ(again->weights.at(name).values, tensor.values) << name;
}

TEST_F(Folder, ReadsSeveralFilesOfWeights) {
  const Model m = small();
  save(m);
  fs::remove(folder_ / "model.safetensors");
  Weights parts[2];
  std::string map;
  int n = 0;
  for (const auto& [name, tensor] : m.weights) {
    map += fmt::format("{}\"{}\":\"part-{}.safetensors\"", map.empty() ? "" : ",", name, n % 2);
    parts[n++ % 2][name] = tensor;
  }
  for (int i = 0; i < 2; ++i) {
    std::string bytes;
    write_safetensors(parts[i], Precision::kF32, [&](std::string_view s) { bytes += s; });
    write(fmt::format("part-{}.safetensors", i), bytes);
  }
  write("model.safetensors.index.json", "{\"weight_map\":{" + map + "}}");
  const auto again = load_model(folder_.string());
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->weights.size(), m.weights.size());
  write("model.safetensors.index.json", R"({"weight_map":{"a":"../../etc/passwd"}})");
  EXPECT_THAT(error(), HasSubstr("`weight_map` names something that is no file here"));
}

TEST_F(Folder, NamesWhatIsWrong) {
  const Model m = small();
  save(m);
  const std::string whole = read("model.safetensors");
  write("model.safetensors", whole.substr(0, whole.size() / 2));
  EXPECT_THAT(error(), HasSubstr("lies beyond the end of the file"));
  Model lacks = m;
  lacks.weights.erase("model.norm.weight");
  save(lacks);
  EXPECT_THAT(error(), HasSubstr("tensor model.norm.weight is missing"));
  Model wrong = m;
  wrong.weights["model.norm.weight"] = {{3}, {1, 2, 3}};
  save(wrong);
  EXPECT_THAT(error(), HasSubstr("tensor model.norm.weight is [3], config.json asks for [24]"));
  Model odd = m;
  odd.weights["model.layers.0.extra"] = {{1}, {1}};
  save(odd);
  EXPECT_THAT(error(), HasSubstr("model.layers.0.extra has no place"));
  // A vocabulary that is not the model's.
  Model other = m;
  other.config.vocab_size = 100;
  other.config.eos = {};
  other.weights = random_weights(other.config, 1);
  save(other);
  EXPECT_THAT(error(), HasSubstr("`vocab_size` of 100"));
  save(m);
  fs::remove(folder_ / "tokenizer.json");
  EXPECT_THAT(error(), HasSubstr("tokenizer.json cannot be opened"));
}

TEST_F(Folder, KnowsChatMlByItsTokens) {
  Model m = small();
  BpeTrainer trainer;
  trainer.add("a");
  m.tokenizer = trainer.train(258, {"<|im_start|>", "<|im_end|>"});
  m.config.vocab_size = 258;
  m.config.eos = {257};
  m.marks.reset();
  m.weights = random_weights(m.config, 1);
  save(m);
  const auto again = load_model(folder_.string());
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again->marks, ChatTemplate::chatml());
}

TEST(Config, ReadsWhatFamiliesSay) {
  const auto qwen =
      Config::from_json(R"({"model_type":"qwen2","vocab_size":151936,"hidden_size":896,"num_hidden_layers":24,
      "num_attention_heads":14,"num_key_value_heads":2,"intermediate_size":4864,"max_position_embeddings":32768,
      "rope_theta":1000000.0,"rms_norm_eps":1e-06,"tie_word_embeddings":true,"use_sliding_window":false,"eos_token_id":151645,
      "bos_token_id":151643,"hidden_act":"silu","attention_dropout":0.0})",
                        "c");
  ASSERT_TRUE(qwen) << qwen.error().message;
  EXPECT_TRUE(qwen->attention_bias);
  EXPECT_EQ(qwen->head_dim, 64);
  EXPECT_EQ(qwen->parameters(), 494'032'768);  // as its makers count
  const auto smol =
      Config::from_json(R"({"model_type":"llama","vocab_size":49152,"hidden_size":576,"num_hidden_layers":30,
      "num_attention_heads":9,"num_key_value_heads":3,"intermediate_size":1536,"max_position_embeddings":2048,
      "rms_norm_eps":1e-05,"tie_word_embeddings":true,"rope_scaling":null,"attention_bias":false,"mlp_bias":false})",
                        "c");
  ASSERT_TRUE(smol) << smol.error().message;
  EXPECT_EQ(smol->parameters(), 134'515'008);
}

TEST(Config, RefusesByField) {
  const auto error = [](const std::string& more) {
    return Config::from_json(
               R"({"model_type":"llama","vocab_size":8,"hidden_size":4,"num_hidden_layers":1,"num_attention_heads":2,
        "intermediate_size":4,"max_position_embeddings":16)" +
                   more + "}",
               "c.json")
        .error()
        .message;
  };
  EXPECT_THAT(error(R"(,"rope_scaling":{"type":"linear"})"), HasSubstr("c.json: `rope_scaling`"));
  EXPECT_THAT(error(R"(,"hidden_act":"gelu")"), HasSubstr("`hidden_act`"));
  EXPECT_THAT(error(R"(,"num_key_value_heads":3)"), HasSubstr("`num_key_value_heads`"));
  EXPECT_THAT(error(R"(,"num_key_value_heads":0)"), HasSubstr("`num_key_value_heads` is 0"));
  EXPECT_THAT(error(R"(,"head_dim":3)"), HasSubstr("`head_dim` is odd"));
  EXPECT_THAT(error(R"(,"eos_token_id":9)"), HasSubstr("`eos_token_id`"));
  EXPECT_THAT(error(R"(,"rope_parameters":{"rope_type":"yarn"})"), HasSubstr("`rope_parameters`"));
  EXPECT_THAT(Config::from_json(R"({"model_type":"gpt2"})", "c").error().message, HasSubstr("`model_type`"));
}

}  // namespace
}  // namespace stillwatch::model
