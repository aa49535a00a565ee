// Any bytes as a field map, and what it then makes of a record.
#include "dialect/field_map.h"
#include "dialect/log_format.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace dialect = stillwatch::dialect;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto map = dialect::FieldMap::parse(text, "map.yaml");
  if (!map) return 0;
  dialect::LogParser parser(dialect::LogFormat::kMap, std::make_shared<const dialect::FieldMap>(std::move(*map)));
  static_cast<void>(
      parser.parse(R"({"t":1772445600,"p":"x","a":{"b":[1,"y",{"c":"z"}]},"m":[{"role":"user","content":"w"}]})",
                   [](const dialect::Exchange&) {}));
  return 0;
}
