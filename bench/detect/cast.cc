#include "cast.h"

#include <fmt/format.h>

namespace stillwatch::bench {

using population::AnswerLength;
using population::Group;
using population::Rhythm;
using Kind = population::Class;

const std::vector<Class>& benign_classes() {
  static const std::vector<Class> classes = {
      {"people", Kind::kPeople, AnswerLength::kPeople},
      {"product_bot", Kind::kProductBot, AnswerLength::kPeople},
      {"pipeline", Kind::kPipeline, AnswerLength::kSource},
      {"pipeline, long answers", Kind::kPipeline, AnswerLength::kPeople},
      {"labelling", Kind::kLabelling, AnswerLength::kPeople},
      {"evaluator", Kind::kEvaluator, AnswerLength::kSource},
      {"evaluator, long answers", Kind::kEvaluator, AnswerLength::kPeople},
      {"coding_agent", Kind::kCodingAgent, AnswerLength::kPeople},
      {"reseller", Kind::kReseller, AnswerLength::kPeople},
      {"office", Kind::kOffice, AnswerLength::kPeople},
  };
  return classes;
}

std::vector<Group> benign_groups(uint32_t part, uint32_t people, uint32_t others,
                                 const std::vector<std::string>& globs) {
  std::vector<Group> groups;
  for (const Class& c : benign_classes()) {
    Group g;
    g.kind = c.kind;
    g.name = c.name;
    g.accounts = c.kind == Kind::kPeople ? people : others;
    g.exchanges_median = 250;
    g.exchanges_sigma = 1.1;
    g.exchanges_max = 3000;
    g.part = part;
    g.part_of = kParts;
    g.answer_length = c.answers;
    g.persons = c.kind == Kind::kOffice ? 20 : 1;
    g.templates = 24;  // or jobs run out of inputs before they are looked at often
    if (c.kind == Kind::kCodingAgent || c.kind == Kind::kOffice) g.rhythm = Rhythm::kOfficeHours;
    if (c.kind == Kind::kPipeline || c.kind == Kind::kLabelling || c.kind == Kind::kEvaluator)
      g.rhythm = Rhythm::kBursts;
    const bool talks = c.kind == Kind::kPeople || c.kind == Kind::kReseller || c.kind == Kind::kOffice;
    if (talks) g.sources = globs;
    groups.push_back(std::move(g));
  }
  return groups;
}

Group harvest(const std::string& source, double cover, double exchanges, uint32_t accounts, uint32_t part,
              Rhythm rhythm) {
  Group g;
  g.kind = Kind::kHarvest;
  g.name = fmt::format("{}, {:.0f} % cover", source, 100 * cover);
  g.accounts = accounts;
  g.campaign_size = 1;
  g.exchanges_median = exchanges;
  g.sources = {"distill/" + source};
  // The family is wholly left out of what is fitted, so all of it may be harvested; cover comes from the part.
  g.cover = cover;
  g.cover_part = part;
  g.cover_part_of = kParts;
  g.rhythm = rhythm;
  g.answer_length = AnswerLength::kPeople;
  return g;
}

}  // namespace stillwatch::bench
