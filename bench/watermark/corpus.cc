#include "corpus.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

namespace stillwatch::bench {

Corpus read_corpus(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry.path().string());
  std::sort(files.begin(), files.end());
  Corpus corpus;
  std::vector<char> line(1 << 20);
  for (const std::string& path : files) {
    const gzFile file = gzopen(path.c_str(), "rb");
    std::vector<std::string> prompts;
    std::vector<std::string> answers;
    while (file != nullptr && gzgets(file, line.data(), static_cast<int>(line.size())) != nullptr) {
      const auto object = nlohmann::json::parse(line.data(), nullptr, false);
      if (!object.is_object()) continue;
      prompts.push_back(object["messages"].back()["content"]);
      answers.push_back(object["response"]);
    }
    if (file != nullptr) gzclose(file);
    if (corpus.prompts.empty()) corpus.prompts = prompts;
    if (prompts != corpus.prompts || prompts.empty()) {
      fmt::print(stderr, "{}: not the prompts of the other files, or none\n", path);
      std::exit(3);
    }
    corpus.models.push_back(std::filesystem::path(path).stem().stem().string());
    corpus.answers.push_back(std::move(answers));
  }
  if (corpus.models.empty()) {
    fmt::print(stderr, "{} holds no *.jsonl.gz\n", folder);
    std::exit(3);
  }
  return corpus;
}

}  // namespace stillwatch::bench
