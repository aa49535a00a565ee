// Questions about one account of the gateway's store: which account is a key, and forget it.
#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <memory>

#include "commands.h"
#include "files.h"
#include "gateway/archive.h"
#include "gateway/identity.h"
#include "gateway_config.h"

namespace stillwatch::apps {
namespace {

struct Arguments {
  std::string name;
  std::string data = "stillwatch-data";
  std::string config;
};

int lookup(const Arguments& a) {
  std::string key = a.name;
  if (key == "-") std::getline(std::cin, key);
  const auto config = read_gateway_config(a.config);
  if (!config) return complain(config.error());
  // Not made where there is none: a name by a new secret would be nobody's.
  if (auto there = read_file(a.data + "/secret"); !there) return complain(there.error());
  const auto secret = gateway::load_or_make_secret(a.data + "/secret");
  if (!secret) return complain(secret.error());
  fmt::print("{}\n", gateway::Identity(*secret, config->identity).account_of_key(key));
  return kClean;
}

int forget(const Arguments& a) {
  const std::string path = a.data + "/stillwatch.db";
  // Not made where there is none, and not read to see that: it may be large.
  if (!std::filesystem::exists(path)) return complain({base::ErrorCode::kInput, path + " is not there"});
  auto archive = gateway::Archive::open(path);
  if (!archive) return complain(archive.error());
  const auto forgotten = (*archive)->forget(a.name);
  if (!forgotten) return complain(forgotten.error());
  if (!*forgotten) return complain({base::ErrorCode::kInput, "there is no trace of such an account"});
  return kClean;
}

}  // namespace

void add_account(CLI::App& app, int& status) {
  auto* account = app.add_subcommand("account", "Which account a key is");
  account->require_subcommand(1);
  auto arguments = std::make_shared<Arguments>();
  auto* command = account->add_subcommand("lookup", "Print the name that the gateway gives to the owner of a key");
  command->add_option("KEY", arguments->name, "The key; - reads it from standard input, out of the shell's history")
      ->required();
  command->add_option("--data-dir", arguments->data, "The gateway's folder")->capture_default_str();
  command->add_option("--config", arguments->config, "The gateway's configuration, for accounts that it maps");
  command->callback([arguments, &status] { status = lookup(*arguments); });

  auto* remove = app.add_subcommand("forget", "Remove every trace of an account from the gateway's store");
  auto of_forget = std::make_shared<Arguments>();
  remove->add_option("ACCOUNT", of_forget->name, "The account as reports name it")->required();
  remove->add_option("--data-dir", of_forget->data, "The gateway's folder")->capture_default_str();
  remove->footer(
      "For a gateway that does not run; of a running one ask its admin port:\n"
      "  curl -X DELETE http://127.0.0.1:8081/api/v1/accounts/ACCOUNT");
  remove->callback([of_forget, &status] { status = forget(*of_forget); });
}

}  // namespace stillwatch::apps
