#include "population/timing.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

namespace stillwatch::population {
namespace {

constexpr size_t kCountsMax = 1'000'000;
constexpr uint32_t kTokensMax = 1'000'000;  // more is a broken line

std::vector<uint32_t> read_last_column(const std::string& path) {
  std::vector<uint32_t> counts;
  const gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) return counts;
  char line[256];
  while (gzgets(file, line, sizeof line) != nullptr && counts.size() < kCountsMax) {
    const std::string_view text(line);
    const size_t comma = text.rfind(',');
    if (comma == std::string_view::npos) continue;
    uint32_t tokens = 0;
    std::from_chars(text.data() + comma + 1, text.data() + text.size(), tokens);
    if (tokens > 0 && tokens < kTokensMax) counts.push_back(tokens);
  }
  gzclose(file);
  return counts;
}

uint32_t drawn(const std::vector<uint32_t>& observed, double median, double sigma, base::Random& random) {
  constexpr double kMost = 4000;
  if (observed.empty()) return lognormal_tokens(median, sigma, kMost, random);
  return observed[random.below(observed.size())];
}

}  // namespace

uint32_t lognormal_tokens(double median, double sigma, double most, base::Random& random) {
  return static_cast<uint32_t>(std::clamp(median * std::exp(sigma * random.normal()), 1.0, most));
}

uint32_t Timing::chat(base::Random& random) const {
  return drawn(chat_answer_tokens, 151, 0.86, random);
}
uint32_t Timing::code(base::Random& random) const {
  return drawn(code_answer_tokens, 16, 0.85, random);
}

base::Result<Timing> Timing::load(const std::string& directory) {
  Timing timing{read_last_column(directory + "/AzureLLMInferenceTrace_conv.csv.gz"),
                read_last_column(directory + "/AzureLLMInferenceTrace_code.csv.gz")};
  if (timing.chat_answer_tokens.empty() && timing.code_answer_tokens.empty()) {
    return base::fail(base::ErrorCode::kInput,
                      fmt::format("{} holds no token counts: AzureLLMInferenceTrace_conv.csv.gz or _code.csv.gz with a "
                                  "last column of generated tokens are looked for",
                                  directory));
  }
  return timing;
}

}  // namespace stillwatch::population
