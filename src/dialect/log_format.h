// Log formats to Exchanges. One physical line may hold none, one or many exchanges (exports batch spans). Fields and
// limits of every format: docs/formats/.
//
// A line that is not a record of its format is an Error naming what is missing, never its content. Views in the
// Exchange given to the sink are valid during the call. Bounds: lines up to base::kLineBytesMax, nesting up to
// base::kJsonDepthMax. Thread rule: one parser a thread.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "base/error.h"
#include "dialect/exchange.h"

namespace stillwatch::dialect {

enum class LogFormat { kExchange, kOtel, kLitellm, kLangfuse, kHelicone, kOpenaiBatch, kAnthropic, kMap };

std::string_view name_of(LogFormat format);
// exchange, otel, litellm, langfuse, helicone, openai-batch, anthropic
base::Result<LogFormat> log_format_named(std::string_view name);

using ExchangeSink = std::function<void(const Exchange&)>;

class FieldMap;       // field_map.h
class IdentityIndex;  // identity_index.h

class LogParser {
 public:
  explicit LogParser(LogFormat format, std::shared_ptr<const FieldMap> map = nullptr,
                     std::shared_ptr<const IdentityIndex> identities = nullptr);
  ~LogParser();
  LogParser(LogParser&&) noexcept;

  // How many exchanges the line held.
  base::Result<int> parse(std::string_view line, const ExchangeSink& sink);

  // The format whose marks the line bears.
  static base::Result<LogFormat> detect(std::string_view line);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace stillwatch::dialect
