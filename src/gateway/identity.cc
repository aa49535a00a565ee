#include "gateway/identity.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <simdjson.h>
#include <sodium.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>

#include "base/descriptor.h"
#include "base/encoding.h"
#include "base/limits.h"

namespace stillwatch::gateway {
namespace {

using Bytes = std::array<unsigned char, 16>;

// AF_INET or AF_INET6, or nothing for text that is no address.
std::optional<int> read_address(const std::string& text, Bytes& out) {
  if (::inet_pton(AF_INET6, text.c_str(), out.data()) == 1) return AF_INET6;
  out = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (::inet_pton(AF_INET, text.c_str(), out.data() + 12) == 1) return AF_INET;
  return std::nullopt;
}

// A claim of a JSON Web Token that is text; "" if it is none, or has no such claim.
std::string claim_of(std::string_view token, const std::string& claim) {
  const size_t first = token.find('.');
  const size_t second = first == token.npos ? token.npos : token.find('.', first + 1);
  if (second == token.npos) return "";
  const auto json = base::from_base64(token.substr(first + 1, second - first - 1), base::Base64::kUrl);
  if (!json) return "";
  simdjson::dom::parser parser;
  std::string_view value;
  if (parser.parse(*json)[claim].get(value) != simdjson::SUCCESS) return "";
  return std::string(value);
}

std::string_view without_scheme(std::string_view credential) {
  constexpr std::string_view kBearer = "bearer ";
  if (credential.size() > kBearer.size() && wire::equal_names(credential.substr(0, kBearer.size()), kBearer))
    credential.remove_prefix(kBearer.size());
  return credential.substr(std::min(credential.find_first_not_of(' '), credential.size()));
}

}  // namespace

base::Result<Network> Network::parse(std::string_view text) {
  Network n;
  const size_t slash = text.find('/');
  const std::string host(text.substr(0, slash));
  const auto fail = [&] {
    return base::fail(base::ErrorCode::kUsage, fmt::format("`{}` is no network such as 10.0.0.0/8 or fd00::/8", text));
  };
  const auto kind = read_address(host, n.address);
  if (!kind) return fail();
  const int longest = *kind == AF_INET ? 32 : 128;
  int prefix = longest;
  if (slash != text.npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
    if (error != std::errc() || end != digits.data() + digits.size() || prefix < 0 || prefix > longest) return fail();
  }
  n.prefix = prefix + 128 - longest;
  return n;
}

bool Network::contains(std::string_view other) const {
  Bytes bytes{};
  if (!read_address(std::string(other), bytes)) return false;
  for (int bit = 0; bit < prefix; bit += 8) {
    const auto at = static_cast<size_t>(bit / 8);
    const int left = std::min(8, prefix - bit);
    if ((bytes[at] ^ address[at]) >> (8 - left) != 0) return false;
  }
  return true;
}

IdentitySettings IdentitySettings::read(base::YamlMap& map) {
  IdentitySettings s;
  map.text("account_header", s.trusted_field);
  map.text("jwt_claim", s.jwt_claim);
  const YAML::Node accounts = map.take("accounts");
  if (accounts && !accounts.IsMap()) map.fail(accounts, "`accounts` is not a map of names to names");
  if (accounts.IsMap()) {
    for (const auto& entry : accounts) {
      if (!entry.first.IsScalar() || !entry.second.IsScalar() || entry.second.Scalar().empty() ||
          entry.second.Scalar().size() > base::kIdentityBytesMax) {
        map.fail(entry.second, "an account's name has 1 to 256 bytes");
      } else {
        s.accounts[entry.first.Scalar()] = entry.second.Scalar();
      }
    }
  }
  if (const YAML::Node node = map.take("forwarded")) {
    base::YamlMap forwarded(node, map.file());
    forwarded.text("header", s.forwarded_field);
    std::vector<std::string> networks;
    forwarded.texts("trusted", networks);
    for (const std::string& text : networks) {
      auto network = Network::parse(text);
      if (!network) forwarded.fail(forwarded.take("trusted"), network.error().message);
      if (network) s.trusted_networks.push_back(*network);
    }
    map.adopt(forwarded);
  }
  return s;
}

Identity::Identity(const Secret& secret, IdentitySettings settings) : secret_(secret), settings_(std::move(settings)) {}

std::string Identity::keyed(std::string_view prefix, std::string_view text) const {
  std::array<unsigned char, 16> hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                     secret_.data(), secret_.size());
  std::array<char, 2 * hash.size() + 1> hex{};
  sodium_bin2hex(hex.data(), hex.size(), hash.data(), hash.size());
  return std::string(prefix).append(hex.data(), 2 * hash.size());
}

Identity::Secret Identity::derived(std::string_view purpose) const {
  Secret out{};
  const std::string text = "stillwatch/derived/1/" + std::string(purpose);
  crypto_generichash(out.data(), out.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                     secret_.data(), secret_.size());
  return out;
}

std::string Identity::mapped(std::string name) const {
  if (settings_.accounts.empty()) return name;
  const auto it = settings_.accounts.find(name);
  return it == settings_.accounts.end() ? name : it->second;
}

std::string Identity::account_of_key(std::string_view credential) const {
  credential = without_scheme(credential);
  if (!settings_.jwt_claim.empty()) {
    // Subjects are often addresses of people: they are hashed like keys.
    if (const std::string subject = claim_of(credential, settings_.jwt_claim); !subject.empty())
      return mapped(keyed("jwt_", subject));
  }
  return mapped(keyed("acct_", credential));
}

std::string Identity::account_of(const wire::RequestHead& head, std::string_view network) const {
  if (!settings_.trusted_field.empty()) {
    if (const std::string_view name = head.find(settings_.trusted_field); !name.empty())
      return mapped(name.size() <= base::kIdentityBytesMax ? std::string(name) : keyed("long_", name));
  }
  for (const std::string_view field : {"authorization", "x-api-key", "api-key"}) {
    if (const std::string_view credential = head.find(field); !credential.empty()) return account_of_key(credential);
  }
  return mapped(keyed("net_", network));
}

std::string Identity::network_of(const wire::RequestHead& head, std::string_view peer) const {
  const auto trusted = [&](std::string_view address) {
    return std::any_of(settings_.trusted_networks.begin(), settings_.trusted_networks.end(),
                       [&](const Network& n) { return n.contains(address); });
  };
  if (settings_.trusted_networks.empty() || !trusted(peer)) return std::string(peer);
  // From the last field and entry backwards: each was added by the one before it.
  std::string found(peer);
  for (size_t i = head.fields.size(); i-- > 0;) {
    const wire::Field& field = head.fields[i];
    if (!wire::equal_names(field.name, settings_.forwarded_field)) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const size_t comma = rest.rfind(',');
      std::string_view entry = comma == rest.npos ? rest : rest.substr(comma + 1);
      rest = comma == rest.npos ? std::string_view() : rest.substr(0, comma);
      entry.remove_prefix(std::min(entry.find_first_not_of(" \t"), entry.size()));
      entry = entry.substr(0, entry.find_last_not_of(" \t") + 1);
      Bytes ignored{};
      if (!read_address(std::string(entry), ignored)) return found;
      found = entry;
      if (!trusted(entry)) return found;
    }
  }
  return found;
}

base::Result<Identity::Secret> load_or_make_secret(const std::string& path) {
  const auto failed = [&](std::string_view what) {
    return base::fail(base::ErrorCode::kInternal, fmt::format("{}: {}: {}", path, what, std::strerror(errno)));
  };
  Identity::Secret secret{};
  auto* const bytes = reinterpret_cast<char*>(secret.data());
  if (const base::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC)); file.good()) {
    if (file.read(bytes, secret.size()) == static_cast<long>(secret.size())) return secret;
    return base::fail(base::ErrorCode::kInput,
                      path +
                          " is not a secret of this program: put the right file back, or remove it (accounts then "
                          "get new names)");
  }
  if (errno != ENOENT) return failed("cannot be read");
  randombytes_buf(secret.data(), secret.size());
  const base::Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.good()) return failed("cannot be made");
  if (!file.write_all({bytes, secret.size()}) || !file.sync()) return failed("cannot be written");
  return secret;
}

}  // namespace stillwatch::gateway
