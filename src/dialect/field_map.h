// A field map: where in a JSON record of any shape the fields of an Exchange are. YAML form: docs/formats/field-map.md.
//
//   time: ts                      a path: keys and [index] joined by dots
//   account: user.key_id
//   request: body                 a native request body, or JSON of it inside a string; or instead of it
//   prompt: inputs[0].text        a user turn, and `system`, `answer`, `reasoning`, `messages`
//   response: result
//   prompt_tokens: usage.in       and output_tokens
//   status: http.code             and network, client, organization, user, model, request_id
//   join:                         how to read the gateway's log for identities
//     request_id: rid
//     account: key
//
// A value written as {value: text} is a constant. Thread rule: const methods are reentrant.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "dialect/formats.h"
#include "dialect/identity_index.h"

namespace stillwatch::dialect {

class FieldMap {
 public:
  // Errors are `name:line:column: what`.
  static base::Result<FieldMap> parse(std::string_view yaml, std::string_view name);

  Problem read(json::Element record, ReadContext& context) const;

  bool joins() const { return !join_.empty(); }
  // One line of the gateway's log into the index; false if it has no request id or is not JSON.
  base::Result<bool> read_identity(std::string_view line, IdentityIndex& index) const;

 private:
  using Step = std::variant<std::string, size_t>;
  struct Place {
    std::vector<Step> path;
    std::string constant;  // used if the path is empty
  };
  using Places = std::map<std::string, Place, std::less<>>;

  static std::optional<std::vector<Step>> parse_path(std::string_view text);
  static std::optional<json::Element> find(const Place& place, json::Element record);
  std::optional<json::Element> element(std::string_view field, json::Element record) const;
  std::string_view text(std::string_view field, json::Element record) const;

  Places fields_;
  Places join_;
};

}  // namespace stillwatch::dialect
