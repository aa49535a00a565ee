#include "pipeline/traces.h"

namespace stillwatch::pipeline {

void add_traces(const Accounts& accounts, std::span<Accounts::Node* const> nodes, const verdict::Labels& labels,
                base::Time now, verdict::LabelKind without, std::vector<campaigns::Trace>& out) {
  for (const Accounts::Node* node : nodes) {
    if (node == nullptr || node->second.exchanges() < signals::kFirstLook) continue;
    const auto label = labels.find(node->first, now);
    if (label && label->kind == without) continue;
    const auto summary = accounts.lifetime(*node);
    if (!summary) continue;
    campaigns::Trace trace = campaigns::Trace::of(node->first, *summary);
    if (trace.exchanges >= signals::kFirstLook) out.push_back(std::move(trace));
  }
}

campaigns::Accounts traces_of(const Accounts& accounts, const verdict::Labels& labels, base::Time now,
                              verdict::LabelKind without) {
  campaigns::Accounts out;
  out.traces.reserve(accounts.size());  // of many accounts there is no room for a copy
  add_traces(accounts, accounts.slots(), labels, now, without, out.traces);
  std::sort(out.traces.begin(), out.traces.end(),
            [](const campaigns::Trace& a, const campaigns::Trace& b) { return a.account < b.account; });
  std::vector<const Accounts::Node*> nodes;
  for (const campaigns::Trace& t : out.traces) nodes.push_back(accounts.find(t.account));
  out.summary_of = [&accounts, nodes = std::move(nodes)](uint32_t i) {
    auto summary = accounts.lifetime(*nodes[i]);
    return summary ? std::make_shared<const profile::Summary>(std::move(*summary)) : nullptr;
  };
  return out;
}

}  // namespace stillwatch::pipeline
