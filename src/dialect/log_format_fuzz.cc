// Any bytes in any format: the first byte chooses the format, the rest is a line.
#include "dialect/field_map.h"
#include "dialect/log_format.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace dialect = stillwatch::dialect;
  if (size == 0) return 0;
  static const auto map = std::make_shared<const dialect::FieldMap>(
      *dialect::FieldMap::parse("time: t\nmessages: m\nprompt: p[0].x\nanswer: a\nresponse: r\nrequest: q\n", "map"));
  static std::vector<dialect::LogParser> parsers = [] {
    std::vector<dialect::LogParser> all;
    for (int f = 0; f <= static_cast<int>(dialect::LogFormat::kMap); ++f) {
      all.emplace_back(static_cast<dialect::LogFormat>(f),
                       f == static_cast<int>(dialect::LogFormat::kMap) ? map : nullptr);
    }
    return all;
  }();
  const std::string_view line(reinterpret_cast<const char*>(data) + 1, size - 1);
  size_t touched = 0;
  const auto parsed = parsers[data[0] % parsers.size()].parse(line, [&](const dialect::Exchange& e) {
    touched += e.account.size() + e.answer.size() + e.system.size();
    for (const auto& turn : e.turns) {
      for (const char c : turn.text) touched += static_cast<unsigned char>(c);
    }
  });
  static_cast<void>(dialect::LogParser::detect(line));
  return parsed && touched == SIZE_MAX ? 1 : 0;
}
