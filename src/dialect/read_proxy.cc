// Logs of proxies and observability tools: LiteLLM's standard logging payload, Langfuse observations, Helicone
// requests.
#include "dialect/formats.h"

namespace stillwatch::dialect {
namespace {

using json::Element;

// Messages, a single text, or a whole request body, wherever tools keep their input.
bool read_input(std::optional<Element> input, ReadContext& context) {
  const auto opened = context.nested.open(input);
  if (!opened) return false;
  Exchange& e = context.exchange;
  if (opened->is_object() && read_request(*opened, context.arena, e)) return true;
  if (opened->is_array()) {
    json::each(opened, [&](Element message) { read_message(message, context.arena, e); });
  } else {
    read_message(*opened, context.arena, e);
  }
  return !e.turns.empty() || !e.system.empty();
}

// A response body, an assistant message, or the text alone.
void read_output(std::optional<Element> output, ReadContext& context) {
  const auto opened = context.nested.open(output);
  if (!opened) return;
  Exchange& e = context.exchange;
  read_response(*opened, context.arena, e);
  if (e.has_response) return;
  const Content content =
      read_content(opened->is_object() ? json::first(*opened, "content", "text", "completion") : opened, context.arena);
  if (content.text.empty() && content.tool_calls == 0) return;
  e.answer = content.text;
  e.reasoning = content.reasoning;
  e.answer_tool_calls = content.tool_calls;
  e.has_response = true;
}

}  // namespace

Problem read_litellm(Element record, ReadContext& context) {
  context.clear();
  Exchange& e = context.exchange;
  if (!read_time(json::first(record, "startTime", "start_time"), e.time)) return "`startTime` is missing or not a time";
  e.model = json::text(record, "model");
  e.request_id = json::text(json::first(record, "id", "request_id", "litellm_call_id"));
  e.network = json::text(record, "requester_ip_address");
  e.user = json::text(record, "end_user");
  if (const auto metadata = context.nested.open(json::at(record, "metadata"))) {
    e.account = json::text(json::first(*metadata, "user_api_key_hash", "user_api_key"));
    e.organization = json::text(json::first(*metadata, "user_api_key_org_id", "user_api_key_team_id"));
    if (e.network.empty()) e.network = json::text(*metadata, "requester_ip_address");
    e.client = json::text(*metadata, "user_agent");
  }
  if (e.account.empty()) e.account = json::text(json::first(record, "api_key", "user"));
  if (e.organization.empty()) e.organization = json::text(json::first(record, "organization_id", "team_id"));
  if (const auto parameters = context.nested.open(json::at(record, "model_parameters"))) read_sampling(*parameters, e);
  if (!read_input(json::first(record, "messages", "proxy_server_request", "input"), context))
    return "`messages` is missing or holds no prompt";
  read_output(json::at(record, "response"), context);
  if (const auto tokens = json::integer(record, "prompt_tokens")) e.prompt_tokens = tokens;
  if (const auto tokens = json::integer(record, "completion_tokens")) e.output_tokens = tokens;
  if (json::text(record, "status") == "failure") e.status = 500;
  context.emit();
  return {};
}

Problem read_langfuse(Element record, ReadContext& context) {
  context.clear();
  Exchange& e = context.exchange;
  const std::string_view type = json::text(record, "type");
  if (!type.empty() && type != "GENERATION") return {};  // spans and events hold no exchange
  if (!read_time(json::first(record, "startTime", "start_time", "timestamp"), e.time))
    return "`startTime` is missing or not a time";
  e.model = json::text(json::first(record, "model", "providedModelName"));
  e.request_id = json::text(record, "id");
  e.account = json::text(json::first(record, "userId", "user_id"));
  e.organization = json::text(json::first(record, "projectId", "project_id"));
  if (const auto metadata = context.nested.open(json::at(record, "metadata"))) {
    if (e.account.empty()) e.account = json::text(json::first(*metadata, "user_api_key_hash", "account", "user_id"));
    e.network = json::text(json::first(*metadata, "ip", "client_ip", "requester_ip_address"));
    e.client = json::text(*metadata, "user_agent");
  }
  if (const auto parameters = context.nested.open(json::first(record, "modelParameters", "model_parameters")))
    read_sampling(*parameters, e);
  if (!read_input(json::at(record, "input"), context)) return "`input` is missing or holds no prompt";
  read_output(json::at(record, "output"), context);
  read_usage(context.nested.open(json::first(record, "usageDetails", "usage_details", "usage")), e);
  if (json::text(record, "level") == "ERROR") e.status = 500;
  context.emit();
  return {};
}

Problem read_helicone(Element record, ReadContext& context) {
  context.clear();
  Exchange& e = context.exchange;
  if (!read_time(json::first(record, "request_created_at", "created_at"), e.time))
    return "`request_created_at` is missing or not a time";
  e.request_id = json::text(record, "request_id");
  e.account = json::text(json::first(record, "auth_hash", "api_key_hash", "request_user_id", "user_id"));
  e.user = json::text(json::first(record, "request_user_id", "user_id"));
  e.organization = json::text(json::first(record, "organization_id", "helicone_org_id"));
  e.network = json::text(json::first(record, "request_ip", "ip_address"));
  if (const auto properties = context.nested.open(json::first(record, "request_properties", "properties"))) {
    e.client = json::text(json::first(*properties, "user_agent", "User-Agent"));
  }
  e.model = json::text(json::first(record, "request_model", "model"));
  e.status = static_cast<int>(json::integer(json::first(record, "response_status", "status")).value_or(200));
  if (!read_input(json::first(record, "request_body", "requestBody"), context))
    return "`request_body` is missing or holds no prompt";
  read_output(json::first(record, "response_body", "responseBody"), context);
  if (const auto tokens = json::integer(record, "prompt_tokens")) e.prompt_tokens = tokens;
  if (const auto tokens = json::integer(record, "completion_tokens")) e.output_tokens = tokens;
  context.emit();
  return {};
}

}  // namespace stillwatch::dialect
