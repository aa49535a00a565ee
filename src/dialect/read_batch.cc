// Batch files of both APIs, and plain pairs of their bodies.
#include "dialect/formats.h"

namespace stillwatch::dialect {
namespace {

// A record of a batch may name its time and account in fields that exporters add; without a time it is the start of
// 1970, which puts all of a batch into one hour: right for a batch.
void read_identity(json::Element record, Exchange& e) {
  read_time(json::first(record, "time", "timestamp", "created_at"), e.time);
  e.account = json::text(json::first(record, "account", "account_id", "api_key_id"));
  e.organization = json::text(json::first(record, "organization", "workspace_id"));
  e.request_id = json::text(record, "custom_id");
}

}  // namespace

Problem read_openai_batch(json::Element record, ReadContext& context) {
  context.clear();
  Exchange& e = context.exchange;
  read_identity(record, e);
  bool prompt = false;
  if (const auto body = json::at(record, "body")) prompt = read_request(*body, context.arena, e);
  if (const auto request = json::at(record, "request"); request && !prompt) {
    prompt = read_request(json::first(*request, "body").value_or(*request), context.arena, e);
  }
  if (const auto response = json::at(record, "response")) {
    e.status = static_cast<int>(json::integer(*response, "status_code").value_or(e.status));
    if (const auto body = json::first(*response, "body")) {
      read_response(*body, context.arena, e);
      if (e.time == base::Time{}) read_time(json::at(*body, "created"), e.time);
    }
  }
  if (json::at(record, "error") && e.status < 400) e.status = 400;
  if (!prompt && !e.has_response && e.status < 400)
    return "neither a request `body` with a prompt nor a `response` with an answer";
  context.emit();
  return {};
}

Problem read_anthropic(json::Element record, ReadContext& context) {
  context.clear();
  Exchange& e = context.exchange;
  read_identity(record, e);
  bool prompt = false;
  if (const auto params = json::first(record, "params", "request")) {
    const auto body = context.nested.open(params);
    prompt = body && read_request(*body, context.arena, e);
  }
  if (const auto result = json::at(record, "result")) {
    const std::string_view type = json::text(*result, "type");
    if (type == "errored" || type == "canceled" || type == "expired") e.status = 400;
    if (const auto message = json::at(*result, "message")) read_response(*message, context.arena, e);
  }
  if (const auto response = context.nested.open(json::at(record, "response")))
    read_response(*response, context.arena, e);
  if (!prompt && !e.has_response && e.status < 400) return "neither `params` or `request` with a prompt nor a `result`";
  context.emit();
  return {};
}

}  // namespace stillwatch::dialect
