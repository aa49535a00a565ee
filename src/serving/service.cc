#include "serving/service.h"

#include "wire/head.h"

namespace stillwatch::serving {
namespace {

constexpr std::string_view kJson = "application/json";

// An answer that goes to a client's connection.
class HttpOutput final : public Output {
 public:
  explicit HttpOutput(net::HttpReply reply) : reply_(std::move(reply)) {}
  void whole(std::string json) override { reply_.send(200, kJson, json); }
  void event(std::string text) override {
    if (!begun_) reply_.begin(200, "text/event-stream");
    begun_ = true;
    reply_.write(text);
  }
  void end() override { reply_.end(); }
  void refuse(int status, const std::string& json) override {
    if (begun_) return;  // the stream is cut off, which no client takes for its end
    reply_.send(status, kJson, json);
  }
  bool gone() const override { return reply_.gone(); }

 private:
  net::HttpReply reply_;
  bool begun_ = false;
};

}  // namespace

struct Service::Impl {
  Impl(model::Model model, EngineSettings settings) : engine(std::move(model), std::move(settings)) {}

  void handle(const net::HttpRequest& request, net::HttpReply reply) {
    const std::string_view target = wire::path_of(request.target);
    const bool chat = target == "/v1/chat/completions";
    if (chat || target == "/v1/completions") {
      if (request.method != "POST")
        return reply.send(405, kJson, error_json("POST is served here", "", "invalid_request_error"));
      auto ask = parse_ask(request.body, chat);
      if (!ask)
        return reply.send(400, kJson, error_json(ask.error().message, ask.error().field, "invalid_request_error"));
      return engine.submit(std::move(*ask), std::make_unique<HttpOutput>(std::move(reply)));
    }
    if (target == "/v1/models") {
      const nlohmann::ordered_json list{
          {"object", "list"},
          {"data",
           {{{"id", engine.model_name()}, {"object", "model"}, {"created", 0}, {"owned_by", "stillwatch-lab"}}}}};
      return reply.send(200, kJson, list.dump());
    }
    if (target == "/healthz") return reply.send(200, "text/plain", "ok\n");
    reply.send(404, kJson,
               error_json("there is nothing here: POST /v1/chat/completions, POST /v1/completions, GET /v1/models", "",
                          "invalid_request_error"));
  }

  Engine engine;
  std::unique_ptr<net::HttpServer> server;
};

base::Result<std::unique_ptr<Service>> Service::start(model::Model model, EngineSettings engine,
                                                      net::HttpServerSettings http) {
  auto impl = std::make_unique<Impl>(std::move(model), std::move(engine));
  auto server = net::HttpServer::start(
      std::move(http),
      [raw = impl.get()](net::HttpRequest request, net::HttpReply reply) { raw->handle(request, std::move(reply)); });
  if (!server) return tl::unexpected(server.error());
  impl->server = std::move(*server);
  return std::unique_ptr<Service>(new Service(std::move(impl)));
}

Service::Service(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

// The engine lets go of all replies while the server still lives; what comes after that is refused.
Service::~Service() {
  impl_->engine.finish();
  impl_->server.reset();
}

uint16_t Service::port() const {
  return impl_->server->port();
}
const Engine& Service::engine() const {
  return impl_->engine;
}

}  // namespace stillwatch::serving
