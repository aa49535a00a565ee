#include "gateway_config.h"

#include "files.h"

namespace stillwatch::apps {

base::Result<gateway::Config> read_gateway_config(const std::string& path) {
  if (path.empty()) return gateway::Config();
  const auto text = read_file(path);
  if (!text) return tl::unexpected(text.error());
  return gateway::Config::parse(*text, path);
}

}  // namespace stillwatch::apps
