#include "fragments.h"

namespace stillwatch::prompts {
namespace {

constexpr Subject kSubjects[] = {{"sourdough", "starter", "crumb", "oven"},
                                 {"beekeeping", "hive", "queen", "honey"},
                                 {"road cycling", "derailleur", "tyre pressure", "cassette"},
                                 {"home wiring", "breaker", "socket", "earth wire"},
                                 {"tomato plants", "leaves", "blossom end", "watering"},
                                 {"mortgage rates", "fixed term", "deposit", "lender"},
                                 {"spreadsheets", "pivot table", "lookup", "column"},
                                 {"Python packaging", "wheel", "virtual environment", "import"},
                                 {"piano practice", "left hand", "scales", "sight reading"},
                                 {"knee pain", "stairs", "meniscus", "stretching"},
                                 {"rental contracts", "deposit", "notice period", "landlord"},
                                 {"wedding speeches", "groom", "toast", "anecdote"},
                                 {"aquariums", "nitrate", "filter", "guppies"},
                                 {"sailing", "jib", "mooring", "tide"},
                                 {"watercolour", "wash", "paper", "pigment"},
                                 {"SQL queries", "join", "index", "subquery"},
                                 {"tax returns", "deduction", "receipt", "refund"},
                                 {"toddler sleep", "nap", "bedtime", "night waking"},
                                 {"espresso", "grinder", "crema", "puck"},
                                 {"marathon training", "long run", "taper", "cadence"},
                                 {"bird watching", "binoculars", "finch", "migration"},
                                 {"roof repair", "gutter", "shingle", "leak"},
                                 {"chess openings", "bishop", "pawn structure", "castling"},
                                 {"job interviews", "salary", "panel", "references"},
                                 {"houseplants", "repotting", "humidity", "root rot"},
                                 {"astronomy", "telescope", "nebula", "eyepiece"},
                                 {"Linux servers", "systemd", "disk space", "ssh key"},
                                 {"French grammar", "subjunctive", "article", "verb ending"},
                                 {"bicycle law", "helmet", "lane", "fine"},
                                 {"solar panels", "inverter", "roof angle", "battery"},
                                 {"cat behaviour", "litter box", "scratching", "vet"},
                                 {"camping", "tent", "stove", "sleeping bag"},
                                 {"divorce", "custody", "mediator", "settlement"},
                                 {"history essays", "source", "thesis", "footnote"},
                                 {"guitar pedals", "reverb", "amp", "signal chain"},
                                 {"web design", "margin", "flexbox", "contrast"},
                                 {"statistics homework", "variance", "sample", "confidence interval"},
                                 {"car engines", "coolant", "timing belt", "misfire"},
                                 {"allergies", "pollen", "antihistamine", "rash"},
                                 {"knitting", "purl", "gauge", "cable"},
                                 {"startup funding", "valuation", "pitch", "equity"},
                                 {"poetry", "metre", "stanza", "image"},
                                 {"board games", "dice", "expansion", "strategy"},
                                 {"hiking", "blister", "trail", "altitude"},
                                 {"pottery", "glaze", "kiln", "clay"},
                                 {"train travel", "connection", "seat", "delay"},
                                 {"fermentation", "brine", "cabbage", "jar"},
                                 {"photography", "aperture", "tripod", "backlight"},
                                 {"machine sewing", "bobbin", "seam", "zip"},
                                 {"retirement", "pension", "savings", "index fund"},
                                 {"wood stoves", "chimney", "soot", "kindling"},
                                 {"language exams", "listening", "essay part", "vocabulary"},
                                 {"dog training", "recall", "leash", "treat"},
                                 {"insurance claims", "adjuster", "policy", "damage"},
                                 {"podcasts", "microphone", "editing", "intro"},
                                 {"organic chemistry", "ester", "catalyst", "yield"},
                                 {"medieval towns", "guild", "wall", "market"},
                                 {"coral reefs", "bleaching", "polyp", "temperature"},
                                 {"night shifts", "sleep", "caffeine", "light"},
                                 {"3D printing", "nozzle", "layer", "filament"},
                                 {"moving house", "boxes", "address", "van"},
                                 {"gluten", "flour", "label", "symptom"},
                                 {"model railways", "gauge", "points", "scenery"},
                                 {"volcanoes", "magma", "ash", "eruption"},
                                 {"public speaking", "nerves", "slides", "pause"},
                                 {"bread machines", "yeast", "crust", "cycle"},
                                 {"JavaScript", "promise", "callback", "array"},
                                 {"opera", "aria", "libretto", "soprano"},
                                 {"school lunches", "sandwich", "fruit", "budget"},
                                 {"urban trees", "pavement", "shade", "roots"}};

constexpr std::string_view kOpeners[] = {
    "hi, my {a} looks wrong and i think it has to do with the {b}, any idea?",
    "I've been into {s} for {n} years but never understood the {a}. Can somebody explain it to me like to a friend",
    "what's the difference between {a} and {b} when it comes to {s}?",
    "is it ok if the {a} is about {n} and the {b} {m}? my brother says no",
    "quick question about {s}: how often do I have to check the {c}",
    "my neighbour told me that {s} without a {b} is useless. is he right??",
    "I need help, tomorrow I have to talk about {s} at work and all I know is {a} and {c}",
    "so I bought a new {a} yesterday (cost me {n} euros) and now the {c} does not fit. what would you do",
    "we are {n} people and want to start with {s}, where do we begin?",
    "why is {s} so hard for beginners",
    "can you check this for me: \"The {a} must always come before the {b}, unless the {c} is {n}.\" I am not sure it's "
    "true",
    "my mother is {m} and she would like to try {s}. anything we should watch out for with the {a}?",
    "best {a} under {n}$ ?",
    "I messed up the {b} again, third time this week. I do exactly what the book says about {a}",
    "does {c} even matter for {s}",
    "I'm writing a short note to my colleague about {s}, could you make this sound friendlier: the {a} is late, the "
    "{b} is broken, fix it",
    "Ideas for a birthday present for someone who loves {s}? around {n} dollars",
    "how long does the {b} usually take? we waited {n} days now",
    "help me decide between two options: {a} now and {b} later, or the other way round. My budget is {m}",
    "I read somewhere that {n}% of people get the {a} wrong. Where could that number come from?",
    "ok weird question. can {s} be bad for your health? asking because of my {b}",
    "what do you call the thing between the {a} and the {b} in {s}? it's on the tip of my tongue",
    "My daughter ({n}) has a project on {s} and asked me about {c}. I had no clue :( help",
    "The {a} makes a strange noise since Monday, we already changed the {c}",
    "could you look over my plan: first the {a}, then {n} days nothing, then the {b}. does this make sense to you?",
    "are there any good books on {s} that are not boring",
    "I feel stuck with {s}. Tell me honestly, is it worth going on after {n} months?",
    "{s} {a} {b} problem",
    "how do I explain {c} to my boss without sounding stupid",
    "we had an argument at dinner: is the {a} part of {s} or not?"};

constexpr std::string_view kFollowUps[] = {"hm, and the {b}?",
                                           "ok that helped, but my {a} is older than that",
                                           "I don't get the part with the {c}",
                                           "could it be shorter please, I only have {n} minutes",
                                           "and if it rains?",
                                           "my wife disagrees, she says the {b} comes first",
                                           "no, I meant the other {a}",
                                           "great!! one more: where do I buy it",
                                           "is that also true in winter",
                                           "I tried it, now the {c} is worse",
                                           "why {n} though",
                                           "can we do it without a {b}",
                                           "ah I see. so I was wrong about the {a}",
                                           "put it in a message I can send to my sister",
                                           "what would you do in my place?"};

constexpr std::string_view kReplies[] = {
    "It depends mostly on the {a}. With a careful look at the {b} you will usually find the cause within a day.",
    "Many people start with the {c}. Give it about {n} days, keep a note of what changes, and adjust the {a} "
    "afterwards.",
    "There are two common views. One puts the {a} first, the other the {b}; for {s} at home the first is simpler.",
    "That is a fair worry. The {b} seldom fails alone, so check the {c} as well before you spend money.",
    "In short: less {a}, more patience, and somebody who knows {s} to look at the {b} once."};

// No task begins with an order or uses a phrase that detection looks for (a test holds this): what gives the demo's
// harvesters away must be their breadth, novelty and distance from the crowd.
constexpr std::string_view kTasks[] = {
    "The influence of the {a} on the {b} in {s}, in one paragraph.",
    "A short paragraph that introduces {s} to newcomers.",
    "{n} common mistakes in {s}, with a remedy for each.",
    "Similarities and differences between the {a} and the {b} with regard to {s}.",
    "The role of the {c} in {s}, in two sentences.",
    "A haiku about {s}.",
    "The main risks of neglecting the {a} in {s}.",
    "A checklist for the first week of {s}.",
    "The meaning of the term \"{a}\" as used in {s}.",
    "Which of these words is unrelated to {s}: {a}, {b}, {c}, pencil?",
    "The passive form of the sentence: The {a} changes the {b}.",
    "A title for an article on {s} and the {c}.",
    "A dialogue between an expert and a novice in {s}.",
    "What is the total if each {a} costs {n} and {m} of them are needed for {s}?",
    "The phrase \"the {a} of the {b}\" in Spanish.",
    "An experiment that tests whether the {c} matters for {s}.",
    "A version without grammar errors: the {a} were not ready and the {b} are late because of {s}.",
    "Structure of an essay that argues against {s}.",
    "Three inventions that changed {s}.",
    "An analogy that makes the {b} in {s} understandable.",
    "What are the historical origins of {s}?",
    "How would the absence of the {a} affect {s}?",
    "In what ways do {s} and economics interact?",
    "The parts of {s} in order of importance: {a}, {b}, {c}.",
    "A logo concept for a club devoted to {s}.",
    "An invitation to a workshop on {s} that mentions the {a}.",
    "A new proverb based on the {b}.",
    "The likely future of {s} over the next {n} years.",
    "A synonym of \"{c}\", used in a sentence about {s}.",
    "An example of a conflict between the {a} and the {c}.",
    "A research hypothesis concerning {s} and the {b}.",
    "The handling of the {a} as a numbered procedure.",
    "Which skills does {s} require?",
    "A scoring scheme for beginners in {s} based on the {b}.",
    "A function that returns the average {a} of a list of records about {s}.",
    "Is it accurate that {s} depends on the {c} alone?",
    "A fable in which the {a} and the {b} learn from each other.",
    "A table of the {a}, the {b} and the {c} with a remark for each.",
    "The ethics of {s} in modern society.",
    "The nouns of this sentence: The {a} fell on the {b} near the {c}."};

constexpr std::string_view kTemplates[] = {
    "Product name and defect as two fields.\nReport: {sentence}\nFields:",
    "Customer note ({n}): {sentence} {sentence}\nRoute to: sales, service or billing?",
    "At most ten words:\n{sentence} {sentence} {sentence}",
    "Meeting minutes, item {n}. {sentence} {sentence}\nAction owner:",
    "In German, with names kept:\n\n{sentence}",
    "Invoice line: {a} x {n}, {b} x {m}. Normalised description:",
    "Keywords for the catalogue entry \"{s}: {sentence}\":",
    "Document: {sentence} {sentence} {sentence}\nQuestion: what happened to the {a}?\nShort answer:"};

constexpr std::string_view kIntents[] = {
    "where is my parcel|my parcel has not come|track order {n}|when does order {n} arrive|still waiting for delivery",
    "I want to return it|how do returns work|return label please|can I send the {a} back|refund for order {n}",
    "reset my password|cannot log in|locked out of my account|login code never comes|forgot password",
    "my address has changed|I moved, new address|deliver to another street|new delivery address please|wrong postcode "
    "on order {n}",
    "cancel order {n}|please cancel|I ordered twice, cancel one|stop the order|how to cancel",
    "opening hours|are you open on sunday|when do you close|open on holidays?|shop hours today",
    "talk to a human|agent please|call me back|phone number?|real person",
    "invoice for order {n}|need a receipt|send the bill again|invoice with tax number|where is my invoice",
    "do you have the {a} in blue|is the {a} in stock|when will {b} be back|sizes for {a}|stock of {c}",
    "discount code does not work|coupon {n}|any vouchers?|student discount|why no discount",
    "card declined|payment failed|pay later possible?|charged twice for {n}|which cards do you take",
    "warranty for {a}|{a} broke after {n} weeks|is it still under warranty|repair my {b}|send it in for repair"};

constexpr Subject kGerman[] = {
    {"Sauerteig", "Ansatz", "Kruste", "Ofen"},   {"Steuererklärung", "Beleg", "Frist", "Rückzahlung"},
    {"Fahrrad", "Kette", "Bremse", "Reifen"},    {"Mietvertrag", "Kaution", "Kündigung", "Vermieter"},
    {"Garten", "Hecke", "Kompost", "Schnecken"}, {"Klavier", "Tonleiter", "Pedal", "Fingersatz"}};
constexpr std::string_view kGermanOpeners[] = {"ich habe ein Problem mit {a} beim Thema {s}, was kann ich tun?",
                                               "wie oft muss man {b} prüfen? Mein Vater sagt alle {n} Tage",
                                               "kann mir jemand {c} erklären, ich verstehe das nicht",
                                               "lohnt sich {s} für {n} Euro", "Was ist wichtiger, {a} oder {b}?"};
constexpr std::string_view kGermanMore[] = {"und {b}?", "das hat nicht geklappt", "geht das auch ohne {c}",
                                            "kürzer bitte"};
constexpr Subject kFrench[] = {{"le jardin", "la haie", "le sol", "l'arrosage"},
                               {"la guitare", "l'accord", "la corde", "le rythme"},
                               {"le loyer", "la caution", "le bail", "le propriétaire"},
                               {"la randonnée", "le sac", "la carte", "les chaussures"}};
constexpr std::string_view kFrenchOpeners[] = {"bonjour, j'ai un souci avec {a}, c'est normal pour {s} ?",
                                               "combien de temps faut-il pour {b} ? j'attends depuis {n} jours",
                                               "je débute avec {s}, par où commencer",
                                               "mon voisin dit que {c} ne sert à rien, il a raison ?"};
constexpr std::string_view kFrenchMore[] = {"et pour {b} ?", "je n'ai pas compris", "c'est trop cher pour moi"};
constexpr Subject kSpanish[] = {{"la huerta", "el riego", "la tierra", "las hojas"},
                                {"el alquiler", "la fianza", "el contrato", "el dueño"},
                                {"la cocina", "el horno", "la masa", "la sal"},
                                {"la moto", "el aceite", "la cadena", "el freno"}};
constexpr std::string_view kSpanishOpeners[] = {
    "hola, tengo un problema con {a}, ¿qué hago?", "¿cuánto cuesta {b}? tengo {n} euros",
    "mi hijo de {n} años pregunta por {s}", "¿es mejor {a} o {c} para {s}?"};
constexpr std::string_view kSpanishMore[] = {"¿y {b}?", "no me sirve, otra idea", "vale, y sin {c}"};
constexpr Subject kRussian[] = {{"дача", "забор", "колодец", "теплица"},
                                {"машина", "масло", "фара", "тормоз"},
                                {"экзамен", "билет", "задача", "оценка"}};
constexpr std::string_view kRussianOpeners[] = {"у меня проблема: {a}, что делать?",
                                                "сколько стоит {b}? есть {n} рублей", "как лучше: {a} или {c}",
                                                "помогите с темой {s}, завтра надо сдавать"};
constexpr std::string_view kRussianMore[] = {"а {b}?", "не понял", "а если без {c}"};
constexpr Subject kArabic[] = {{"الطبخ", "الأرز", "الفرن", "البهارات"}, {"السيارة", "الزيت", "البطارية", "الفرامل"}};
constexpr std::string_view kArabicOpeners[] = {"عندي مشكلة مع {a} ماذا أفعل؟", "كم سعر {b}؟ معي {n} دينار",
                                               "ما الفرق بين {a} و {c}"};
constexpr std::string_view kArabicMore[] = {"و {b}؟", "لم أفهم"};
constexpr Subject kHindi[] = {{"खेती", "बीज", "पानी", "खाद"}, {"मोबाइल", "बैटरी", "स्क्रीन", "चार्जर"}};
constexpr std::string_view kHindiOpeners[] = {"मेरे {a} में दिक्कत है, क्या करूँ?", "{b} कितने का आता है? मेरे पास {n} रुपये हैं",
                                              "{s} के लिए {a} ज़रूरी है क्या"};
constexpr std::string_view kHindiMore[] = {"और {b}?", "समझ नहीं आया"};
constexpr Subject kChinese[] = {
    {"种花", "浇水", "花盆", "阳光"}, {"租房", "押金", "合同", "房东"}, {"做菜", "酱油", "火候", "锅"}};
constexpr std::string_view kChineseOpeners[] = {"我的{a}有问题，怎么办？", "{b}要多少钱，我只有{n}块",
                                                "{s}的时候{c}重要吗", "请问{a}和{b}有什么不同"};
constexpr std::string_view kChineseMore[] = {"那{b}呢", "没看懂", "不用{c}可以吗"};
constexpr Subject kJapanese[] = {{"料理", "火加減", "塩", "鍋"}, {"自転車", "タイヤ", "ブレーキ", "鍵"}};
constexpr std::string_view kJapaneseOpeners[] = {"私の{a}の調子が悪いのですが、どうしたらいいですか",
                                                 "{b}はいくらくらいですか？予算は{n}円です",
                                                 "{s}を始めたいけど{c}は必要？"};
constexpr std::string_view kJapaneseMore[] = {"{b}は？", "よく分かりません"};

constexpr Language kLanguages[] = {
    {"de", kGerman, kGermanOpeners, kGermanMore},    {"fr", kFrench, kFrenchOpeners, kFrenchMore},
    {"es", kSpanish, kSpanishOpeners, kSpanishMore}, {"ru", kRussian, kRussianOpeners, kRussianMore},
    {"ar", kArabic, kArabicOpeners, kArabicMore},    {"hi", kHindi, kHindiOpeners, kHindiMore},
    {"zh", kChinese, kChineseOpeners, kChineseMore}, {"ja", kJapanese, kJapaneseOpeners, kJapaneseMore}};

}  // namespace

std::span<const Subject> subjects() {
  return kSubjects;
}
std::span<const std::string_view> openers() {
  return kOpeners;
}
std::span<const std::string_view> follow_ups() {
  return kFollowUps;
}
std::span<const std::string_view> replies() {
  return kReplies;
}
std::span<const std::string_view> tasks() {
  return kTasks;
}
std::span<const std::string_view> templates() {
  return kTemplates;
}
std::span<const std::string_view> intents() {
  return kIntents;
}
std::span<const Language> languages() {
  return kLanguages;
}

}  // namespace stillwatch::prompts
