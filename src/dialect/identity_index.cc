#include "dialect/identity_index.h"

#include <fmt/format.h>

namespace stillwatch::dialect {

base::Result<void> IdentityIndex::add(std::string_view request_id, Identity identity) {
  if (by_request_.size() >= kEntriesMax) {
    return base::fail(
        base::ErrorCode::kInput,
        fmt::format("the joined log has more than {} requests: split both logs by day and scan them apart",
                    kEntriesMax));
  }
  by_request_.insert_or_assign(std::string(request_id), std::move(identity));
  return {};
}

void IdentityIndex::fill(Exchange& exchange) const {
  const auto it = by_request_.find(exchange.request_id);
  if (it == by_request_.end()) return;
  const Identity& known = it->second;
  if (exchange.account.empty()) exchange.account = known.account;
  if (exchange.network.empty()) exchange.network = known.network;
  if (exchange.client.empty()) exchange.client = known.client;
  if (exchange.organization.empty()) exchange.organization = known.organization;
}

}  // namespace stillwatch::dialect
