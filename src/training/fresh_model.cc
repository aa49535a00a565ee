#include "training/fresh_model.h"

#include "model/bpe_trainer.h"
#include "training/induction.h"

namespace stillwatch::training {

model::Tokenizer fit_tokenizer(std::span<const model::Conversation> rows, int64_t vocabulary) {
  model::BpeTrainer trainer;
  for (const model::Conversation& row : rows) {
    for (const model::Message& m : row) {
      trainer.add(m.reasoning);
      trainer.add(m.content);
    }
  }
  return trainer.train(static_cast<size_t>(vocabulary), model::ChatTemplate::own_marks());
}

model::Model fresh_model(const Recipe& recipe, model::Tokenizer tokenizer, const model::ChatTemplate& marks) {
  model::Config config = recipe.shape;
  config.vocab_size = static_cast<int64_t>(tokenizer.size());
  config.eos = {tokenizer.find_special(marks.end)};
  model::Weights weights = initial_weights(config, recipe.plan.seed, recipe.deviation);
  if (recipe.induction) lay_out_induction(config, recipe.plan.seed, recipe.deviation, weights);
  return {std::move(config), std::move(weights), std::move(tokenizer), marks};
}

}  // namespace stillwatch::training
