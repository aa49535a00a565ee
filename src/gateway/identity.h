// Who sent a request: an account name that tells nobody the credential. In this order: a configured field that a
// trusted front end sets; the subject of a JSON Web Token sent as credential (RFC 7519), where configured; the
// credential (Authorization, x-api-key, api-key), as a hash keyed with a secret of this installation (BLAKE2b,
// libsodium); the client's network. Names may be mapped, so that keys that rotate, or are many, are one account.
//
// The token's signature is not checked: the upstream does that, and an identity that it refuses counts for nobody. The
// client's address is the socket's or, from trusted front ends only, the last one of a forwarded field that is not one
// of them. Thread rule: const methods are reentrant. No credential is kept, logged or given back.
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/yaml_map.h"
#include "wire/head.h"

namespace stillwatch::gateway {

// A block of addresses: 10.0.0.0/8, fd00::/8, or one address.
struct Network {
  std::array<unsigned char, 16> address{};  // IPv4 as ::ffff:a.b.c.d
  int prefix = 128;

  static base::Result<Network> parse(std::string_view text);
  bool contains(std::string_view other) const;
};

struct IdentitySettings {
  std::string trusted_field;                                 // "" for none
  std::string jwt_claim;                                     // usually `sub`; "" to treat tokens as keys
  std::map<std::string, std::string, std::less<>> accounts;  // a name as this class gives it, and the account's
  std::string forwarded_field = "x-forwarded-for";
  std::vector<Network> trusted_networks;  // whose forwarded_field is believed

  // From the map under `identity`; what is wrong is told to it.
  static IdentitySettings read(base::YamlMap& map);
};

class Identity {
 public:
  static constexpr size_t kSecretBytes = 32;
  using Secret = std::array<unsigned char, kSecretBytes>;

  Identity(const Secret& secret, IdentitySettings settings);

  // "acct_...", "jwt_...", "net_...", what the trusted field says, or what one of these is mapped to.
  std::string account_of(const wire::RequestHead& head, std::string_view network) const;
  // `peer` is the address of the client's socket.
  std::string network_of(const wire::RequestHead& head, std::string_view peer) const;

  // Another secret, for that purpose alone: always the same for the same installation.
  Secret derived(std::string_view purpose) const;

  // The account of a credential as it is sent, with or without `Bearer `.
  std::string account_of_key(std::string_view credential) const;

 private:
  std::string keyed(std::string_view prefix, std::string_view text) const;
  std::string mapped(std::string name) const;

  Secret secret_;
  IdentitySettings settings_;
};

// The secret kept in `path`; made, readable by its owner alone, where there is none.
base::Result<Identity::Secret> load_or_make_secret(const std::string& path);

}  // namespace stillwatch::gateway
