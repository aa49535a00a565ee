// The gateway's configuration file: YAML, docs/gateway.md has every key. What is wrong in it is told with line and
// column. Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "gateway/gateway.h"

namespace stillwatch::gateway {

constexpr size_t kBytesAProfile = 20u << 10;  // a full one with its looks

struct Config {
  std::string listen, upstream, admin, data_dir, baseline;  // "" where the file does not say
  double false_alarms = 0;                                  // 0 likewise
  unsigned threads = 0;
  size_t memory_mib = 2048;  // for profiles
  size_t profiles_max() const { return (memory_mib << 20) / kBytesAProfile; }
  Settings settings;  // its certificate, upstream_ca, days, policy and alerts
  std::string admin_token_file, approver_token_file, webhook_secret_file, mark_key_file, summary_credential_file;
  IdentitySettings identity;

  static base::Result<Config> parse(std::string_view yaml, std::string_view file);
};

}  // namespace stillwatch::gateway
