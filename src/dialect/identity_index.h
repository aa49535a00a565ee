// Who sent a request, by request id: for logs of a model server that know ids but not accounts, joined with the log of
// the gateway that stood before it. Filled from JSON lines through the `join` section of a field map.
//
// Bounds: kEntriesMax requests. Thread rule: const methods are reentrant once filled.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "base/error.h"
#include "dialect/exchange.h"

namespace stillwatch::dialect {

class IdentityIndex {
 public:
  static constexpr size_t kEntriesMax = 20'000'000;

  struct Identity {
    std::string account;
    std::string network;
    std::string client;
    std::string organization;
  };

  base::Result<void> add(std::string_view request_id, Identity identity);
  // Fills the identity fields that are empty. Views point into this index.
  void fill(Exchange& exchange) const;
  size_t size() const { return by_request_.size(); }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
  };
  std::unordered_map<std::string, Identity, Hash, std::equal_to<>> by_request_;
};

}  // namespace stillwatch::dialect
