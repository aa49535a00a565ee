#include "population/caller.h"

#include <fmt/format.h>

#include <array>

namespace stillwatch::population {
namespace {

constexpr std::array<std::string_view, 14> kClients = {"OpenAI/Python 1.51.0",
                                                       "OpenAI/Python 1.40.6",
                                                       "OpenAI/JS 4.67.1",
                                                       "OpenAI/JS 4.52.0",
                                                       "anthropic-python/0.36.0",
                                                       "AsyncOpenAI/Python 1.47",
                                                       "langchain/0.3.1",
                                                       "litellm/1.48.2",
                                                       "python-requests/2.32.3",
                                                       "node-fetch/3.3.2",
                                                       "okhttp/4.12.0",
                                                       "Go-http-client/2.0",
                                                       "axios/1.7.7",
                                                       "curl/8.9.1"};

std::string address_of(base::Random& random) {
  return fmt::format("{}.{}.{}.{}", 11 + random.below(180), random.below(256), random.below(256),
                     1 + random.below(254));
}

// Another host of the same /24.
std::string neighbour_of(std::string_view address, base::Random& random) {
  return fmt::format("{}.{}", address.substr(0, address.rfind('.')), 1 + random.below(254));
}

std::vector<std::string> networks_of(const Group& group, base::Random& random, const base::Random& campaign) {
  constexpr uint64_t kExits = 40;  // of a mixed campaign's proxies
  const size_t count = group.kind == Class::kReseller ? 1 + random.below(40)
                       : group.kind == Class::kOffice ? 1
                                                      : 1 + random.below(3);
  base::Random same = campaign;
  std::vector<std::string> networks;
  for (size_t i = 0; i < count; ++i) {
    switch (group.network) {
      case Identity::kUnshared:
        networks.push_back(address_of(random));
        break;
      case Identity::kShared:
        networks.push_back(neighbour_of(address_of(same), random));
        break;
      case Identity::kMixed: {
        base::Random exits = campaign;
        base::Random exit = exits.fork(random.below(kExits));
        networks.push_back(neighbour_of(address_of(exit), random));
        break;
      }
    }
  }
  return networks;
}

std::string parameters_of(const Group& group, bool anthropic, base::Random& random) {
  constexpr std::array<std::string_view, 4> kTemperatures = {"0.2", "0.5", "0.7", "1"};
  const bool program =
      group.kind == Class::kEvaluator || group.kind == Class::kPipeline || group.kind == Class::kLabelling;
  std::string parameters;
  if (program && random.chance(0.7)) {
    parameters += ",\"temperature\":0";
  } else if (random.chance(0.4)) {
    parameters += fmt::format(",\"temperature\":{}", kTemperatures[random.below(kTemperatures.size())]);
  }
  // Anthropic bodies must say it.
  if (anthropic || random.chance(0.5)) parameters += fmt::format(",\"max_tokens\":{}", 512u << random.below(4));
  if (random.chance(0.5)) parameters += ",\"stream\":true";
  return parameters;
}

}  // namespace

std::string fresh_account(base::Random& random) {
  return fmt::format("acct_{:012x}", random.bits() >> 16);
}

Caller::Caller(const Group& group, base::Random& random, base::Random campaign) {
  anthropic = random.chance(0.25);
  base::Random shared_networks = campaign.fork(1);
  base::Random shared_clients = campaign.fork(2);
  networks = networks_of(group, random, shared_networks);
  const size_t programs = 1 + random.below(2);
  for (size_t i = 0; i < programs; ++i) {
    const bool own = group.client == Identity::kUnshared || (group.client == Identity::kMixed && random.chance(0.5));
    clients.emplace_back(kClients[(own ? random : shared_clients).below(kClients.size())]);
  }
  parameters = parameters_of(group, anthropic, random);
}

}  // namespace stillwatch::population
