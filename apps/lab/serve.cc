#include <fmt/format.h>
#include <pthread.h>

#include <charconv>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <memory>
#include <random>
#include <thread>

#include "files.h"
#include "lab.h"
#include "serving/service.h"

namespace stillwatch::apps {
namespace {

struct Arguments {
  std::string model;
  std::string listen = "127.0.0.1:8090";
  std::string name;
  uint32_t tokens_max = 512;
  size_t asks_max = 256;
  unsigned threads = std::max(1u, std::thread::hardware_concurrency());
};

base::Result<net::HttpServerSettings> settings_of(const std::string& listen) {
  net::HttpServerSettings s;
  const size_t colon = listen.rfind(':');
  const std::string_view port = std::string_view(listen).substr(std::min(listen.size(), colon + 1));
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), s.port);
  if (colon == std::string::npos || port.empty() || error != std::errc() || end != port.data() + port.size()) {
    return base::fail(base::ErrorCode::kUsage,
                      fmt::format("--listen {} is not HOST:PORT, as in 127.0.0.1:8090", listen));
  }
  s.host = listen.substr(0, colon);
  if (s.host.starts_with('[') && s.host.ends_with(']')) s.host = s.host.substr(1, s.host.size() - 2);
  return s;
}

base::Result<void> serve(const Arguments& a) {
  const auto http = settings_of(a.listen);
  if (!http) return tl::unexpected(http.error());
  auto model = model::load_model(a.model);
  if (!model) return tl::unexpected(model.error());
  serving::EngineSettings engine;
  engine.threads = a.threads;
  engine.tokens_max = a.tokens_max;
  engine.asks_max = a.asks_max;
  engine.model_name = !a.name.empty() ? a.name : std::filesystem::path(a.model).lexically_normal().filename().string();
  if (engine.model_name.empty()) engine.model_name = "stillwatch";
  engine.now_seconds = [] {
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
  };
  engine.random_seed = [device = std::make_shared<std::random_device>()] {
    return static_cast<uint64_t>((*device)()) << 32 | (*device)();
  };
  // The signals that are for the program are waited for here and delivered to no other thread.
  sigset_t awaited;
  sigemptyset(&awaited);
  for (const int signal : {SIGINT, SIGTERM}) sigaddset(&awaited, signal);
  pthread_sigmask(SIG_BLOCK, &awaited, nullptr);
  const int64_t parameters = model->config.parameters();
  const std::string name = engine.model_name;
  auto service = serving::Service::start(std::move(*model), std::move(engine), *http);
  if (!service) return tl::unexpected(service.error());
  fmt::print(stderr, "serving {} ({} parameters) on port {}: /v1/chat/completions /v1/completions /v1/models\n", name,
             parameters, (*service)->port());
  int signal = 0;
  sigwait(&awaited, &signal);
  fmt::print(stderr, "stopping\n");
  return {};
}

}  // namespace

void add_serve_model(CLI::App& app, int& status) {
  auto* command = app.add_subcommand("serve", "Serve a model behind an OpenAI-compatible endpoint");
  auto arguments = std::make_shared<Arguments>();
  Arguments& a = *arguments;
  command->add_option("--model", a.model, "Folder of the model, or llama2.c's NAME.bin beside NAME_tokenizer.bin")
      ->required();
  command->add_option("--listen", a.listen, "HOST:PORT; port 0 is chosen")->capture_default_str();
  command->add_option("--name", a.name, "What the model is called (default: its folder's name)");
  command->add_option("--tokens-max", a.tokens_max, "Tokens of an answer where the request does not say")
      ->capture_default_str();
  command->add_option("--requests-max", a.asks_max, "Requests at once; more are told to come back (429)")
      ->capture_default_str();
  command->add_option("--threads", a.threads, "Cores to use")->capture_default_str()->check(CLI::Range(1, 1024));
  command->footer(
      "There is no password: listen on loopback, or behind a gateway. Example:\n"
      "  stillwatch-lab serve --model data/teacher --listen 127.0.0.1:8090\n"
      "  curl -s http://127.0.0.1:8090/v1/chat/completions -d "
      "'{\"messages\":[{\"role\":\"user\",\"content\":\"...\"}]}'\n\n"
      "Exit status: 0 ended by SIGINT or SIGTERM, 2 usage, 3 model missing or broken, 4 port taken.");
  command->callback([arguments, &status] {
    const auto done = serve(*arguments);
    status = done ? kClean : complain(done.error());
  });
}

}  // namespace stillwatch::apps
