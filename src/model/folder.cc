#include "model/folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "model/llama2c.h"

namespace stillwatch::model {
namespace {

using base::ErrorCode;
using base::Result;
using Json = nlohmann::json;

constexpr size_t kTextBytesMax = 64u << 20;

// The bytes of a file, as long as this lives.
class Mapped {
 public:
  static Result<Mapped> open(const std::string& path) {
    const auto wrong = [&] {
      return base::fail(ErrorCode::kInput, fmt::format("{} cannot be opened: {}", path, std::strerror(errno)));
    };
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return wrong();
    struct stat info {};
    const bool known = ::fstat(fd, &info) == 0;
    if (!known || !S_ISREG(info.st_mode)) {
      ::close(fd);
      return base::fail(ErrorCode::kInput, fmt::format("{} is no regular file", path));
    }
    const auto size = static_cast<size_t>(info.st_size);
    void* data = size > 0 ? ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0) : nullptr;
    const int error = errno;
    ::close(fd);
    if (data == MAP_FAILED) {
      errno = error;
      return wrong();
    }
    return Mapped(static_cast<const char*>(data), size);
  }
  Mapped(Mapped&& other) noexcept : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Mapped& operator=(Mapped&&) = delete;
  ~Mapped() {
    if (data_ != nullptr) ::munmap(const_cast<char*>(data_), size_);
  }
  std::string_view bytes() const { return {data_, size_}; }

 private:
  Mapped(const char* data, size_t size) : data_(data), size_(size) {}
  const char* data_;
  size_t size_;
};

Result<std::string> read_text(const std::string& path) {
  auto file = Mapped::open(path);
  if (!file) return tl::unexpected(file.error());
  if (file->bytes().size() > kTextBytesMax)
    return base::fail(ErrorCode::kInput, fmt::format("{} is larger than 64 MiB", path));
  return std::string(file->bytes());
}

bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

// The names of the files that hold the weights.
Result<std::set<std::string>> shards_of(const std::string& folder) {
  const std::string index = folder + "/model.safetensors.index.json";
  if (!exists(index) || exists(folder + "/model.safetensors")) return std::set<std::string>{"model.safetensors"};
  const auto text = read_text(index);
  if (!text) return tl::unexpected(text.error());
  const Json root = Json::parse(*text, nullptr, false);
  const auto map = root.is_object() ? root.find("weight_map") : root.end();
  if (!root.is_object() || map == root.end() || !map->is_object())
    return base::fail(ErrorCode::kInput, fmt::format("{}: `weight_map` is missing", index));
  std::set<std::string> names;
  for (const auto& [tensor, file] : map->items()) {
    const std::string name = file.is_string() ? file.get<std::string>() : "";
    if (name.empty() || name.find('/') != std::string::npos)
      return base::fail(ErrorCode::kInput, fmt::format("{}: `weight_map` names something that is no file here", index));
    names.insert(name);
  }
  return names;
}

// The marks that the folder names, or those that its vocabulary gives away.
Result<std::optional<ChatTemplate>> marks_of(const std::string& folder, const Tokenizer& tokenizer) {
  const std::string path = folder + "/tokenizer_config.json";
  if (exists(path)) {
    const auto text = read_text(path);
    if (!text) return tl::unexpected(text.error());
    const Json root = Json::parse(*text, nullptr, false);
    if (!root.is_object()) return base::fail(ErrorCode::kInput, fmt::format("{} is no JSON object", path));
    const auto own = root.find("stillwatch");
    if (own != root.end()) {
      auto marks = ChatTemplate::from_json(own->dump(), path);
      if (!marks) return tl::unexpected(marks.error());
      return std::optional(std::move(*marks));
    }
  }
  if (tokenizer.find_special("<|im_start|>") >= 0 && tokenizer.find_special("<|im_end|>") >= 0)
    return std::optional(ChatTemplate::chatml());
  return std::optional<ChatTemplate>();
}

Result<Model> load_llama2c(const std::string& path) {
  const auto file = Mapped::open(path);
  if (!file) return tl::unexpected(file.error());
  auto checkpoint = read_llama2c(file->bytes(), path);
  if (!checkpoint) return tl::unexpected(checkpoint.error());
  const std::string beside = path.substr(0, path.size() - 4) + "_tokenizer.bin";
  const auto text = read_text(beside);
  if (!text) return tl::unexpected(text.error());
  auto tokenizer = Tokenizer::from_llama2c(*text, static_cast<size_t>(checkpoint->config.vocab_size), beside);
  if (!tokenizer) return tl::unexpected(tokenizer.error());
  return Model{std::move(checkpoint->config), std::move(checkpoint->weights), std::move(*tokenizer), std::nullopt};
}

}  // namespace

Result<Tokenizer> load_tokenizer(const std::string& folder) {
  const std::string path = folder + "/tokenizer.json";
  const auto text = read_text(path);
  if (!text) return tl::unexpected(text.error());
  return Tokenizer::from_json(*text, path);
}

Result<Config> load_config(const std::string& folder) {
  const std::string path = folder + "/config.json";
  const auto text = read_text(path);
  if (!text) return tl::unexpected(text.error());
  return Config::from_json(*text, path);
}

Result<Model> load_model(const std::string& path) {
  if (path.ends_with(".bin")) return load_llama2c(path);
  auto config = load_config(path);
  if (!config) return tl::unexpected(config.error());
  auto tokenizer = load_tokenizer(path);
  if (!tokenizer) return tl::unexpected(tokenizer.error());
  if (tokenizer->size() > static_cast<size_t>(config->vocab_size)) {
    return base::fail(
        ErrorCode::kInput,
        fmt::format("{}: tokenizer.json has {} tokens and config.json a `vocab_size` of {}: they are not of "
                    "one model",
                    path, tokenizer->size(), config->vocab_size));
  }
  auto marks = marks_of(path, *tokenizer);
  if (!marks) return tl::unexpected(marks.error());
  const auto shards = shards_of(path);
  if (!shards) return tl::unexpected(shards.error());
  Weights weights;
  for (const std::string& shard : *shards) {
    const std::string name = path + "/" + shard;
    const auto file = Mapped::open(name);
    if (!file) return tl::unexpected(file.error());
    if (auto ok = read_safetensors(file->bytes(), name, weights); !ok) return tl::unexpected(ok.error());
  }
  if (auto ok = fit(weights, *config, path); !ok) return tl::unexpected(ok.error());
  return Model{std::move(*config), std::move(weights), std::move(*tokenizer), std::move(*marks)};
}

Result<void> save_model(const Model& model, Precision precision, const base::WriteFile& write_file) {
  const auto text = [&](const std::string& name, const std::string& content) {
    return write_file(name, [&](const base::Write& write) { write(content); });
  };
  nlohmann::ordered_json settings{{"tokenizer_class", "PreTrainedTokenizerFast"},
                                  {"clean_up_tokenization_spaces", false},
                                  {"model_max_length", model.config.context}};
  if (model.marks) {
    settings["chat_template"] = model.marks->jinja();
    settings["stillwatch"] = nlohmann::ordered_json::parse(model.marks->to_json());
  }
  if (auto ok = text("config.json", model.config.to_json()); !ok) return ok;
  if (auto ok = text("tokenizer.json", model.tokenizer.json()); !ok) return ok;
  if (auto ok = text("tokenizer_config.json", settings.dump(2) + "\n"); !ok) return ok;
  return write_file("model.safetensors",
                    [&](const base::Write& write) { write_safetensors(model.weights, precision, write); });
}

}  // namespace stillwatch::model
