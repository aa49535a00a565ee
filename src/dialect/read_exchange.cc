#include "dialect/formats.h"

namespace stillwatch::dialect {

Problem read_exchange(json::Element record, ReadContext& context) {
  context.clear();
  Exchange& e = context.exchange;
  if (!read_time(json::at(record, "time"), e.time)) return "`time` is missing or not a time";
  e.account = json::text(record, "account");
  e.network = json::text(record, "network");
  e.client = json::text(record, "client");
  e.organization = json::text(record, "organization");
  e.user = json::text(record, "user");
  e.model = json::text(record, "model");
  e.request_id = json::text(record, "request_id");
  e.status = static_cast<int>(json::integer(record, "status").value_or(200));
  const auto request = context.nested.open(json::at(record, "request"));
  if (!request || !read_request(*request, context.arena, e)) return "`request` is missing or holds no prompt";
  if (const auto response = context.nested.open(json::at(record, "response")))
    read_response(*response, context.arena, e);
  context.emit();
  return {};
}

}  // namespace stillwatch::dialect
