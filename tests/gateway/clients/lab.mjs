// lab.mjs URL: what people ask of a served model with the client library, and what must come back.
import assert from 'node:assert/strict';
import OpenAI from 'openai';

const client = new OpenAI({ baseURL: `${process.argv[2]}/v1`, apiKey: 'none', maxRetries: 0 });
const messages = [{ role: 'user', content: 'Tom has 3 apples. Tom finds 5 more apples. How many apples does Tom have?' }];
const ask = { model: 'm', messages, max_tokens: 24, seed: 7 };

const models = [];
for await (const model of client.models.list()) models.push(model.id);
assert.deepEqual(models, ['m']);

const whole = await client.chat.completions.create({ ...ask, n: 2, logprobs: true, top_logprobs: 3 });
assert.equal(whole.choices.length, 2);
assert.equal(whole.choices[1].message.role, 'assistant');
assert.ok(['stop', 'length'].includes(whole.choices[0].finish_reason));
assert.equal(whole.usage.total_tokens, whole.usage.prompt_tokens + whole.usage.completion_tokens);
const told = whole.choices.flatMap((c) => [...c.logprobs.content, ...(c.logprobs.reasoning_content ?? [])]);
assert.ok(told.length > 0 && told.every((t) => t.logprob <= 0 && t.top_logprobs.length === 3));

// A stream says what the whole says.
const one = await client.chat.completions.create(ask);
let content = '';
let reasoning = '';
let usage = null;
const stream = await client.chat.completions.create({ ...ask, stream: true, stream_options: { include_usage: true } });
for await (const event of stream) {
  content += event.choices[0]?.delta.content ?? '';
  reasoning += event.choices[0]?.delta.reasoning_content ?? '';
  usage = event.usage ?? usage;
}
assert.equal(content, one.choices[0].message.content);
assert.equal(reasoning, one.choices[0].message.reasoning_content ?? '');
assert.equal(usage.completion_tokens, one.usage.completion_tokens);

const text = await client.completions.create({ model: 'm', prompt: ['Tom has', 'Ann has'], max_tokens: 5, logprobs: 2 });
assert.equal(text.choices.length, 2);
assert.equal(text.choices[1].logprobs.tokens.length, text.choices[1].logprobs.token_logprobs.length);

// Many at once are answered, and the same question with the same seed in the same way.
const same = await Promise.all(Array.from({ length: 20 }, () => client.chat.completions.create(ask)));
for (const answer of same) assert.deepEqual(answer.choices, one.choices);

// One that is given up leaves room for the next.
const abort = new AbortController();
const left = await client.chat.completions.create({ ...ask, stream: true }, { signal: abort.signal });
for await (const event of left) {
  assert.equal(event.object, 'chat.completion.chunk');
  abort.abort();
  break;
}
await client.chat.completions.create(ask);

await assert.rejects(client.chat.completions.create({ ...ask, temperature: 5 }), (e) => {
  assert.ok(e instanceof OpenAI.BadRequestError);
  assert.equal(e.param, 'temperature');
  return true;
});
await assert.rejects(client.chat.completions.create({ ...ask, messages: [] }), OpenAI.BadRequestError);
console.log('all said');
