// A model behind an OpenAI-compatible HTTP endpoint: POST /v1/chat/completions, POST /v1/completions, GET /v1/models,
// GET /healthz. docs/model.md says what of the API is served.
//
// Thread rule: start and stop by one thread. Bounds: those of net/http_server.h and engine.h.
#pragma once

#include "net/http_server.h"
#include "serving/engine.h"

namespace stillwatch::serving {

class Service {
 public:
  static base::Result<std::unique_ptr<Service>> start(model::Model model, EngineSettings engine,
                                                      net::HttpServerSettings http);
  ~Service();

  uint16_t port() const;
  const Engine& engine() const;

 private:
  struct Impl;
  explicit Service(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace stillwatch::serving
