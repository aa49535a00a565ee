// clients.mjs openai|anthropic URL: every kind of call that people make with the client library, and what must come
// back. Ends with 1 and says what differs, or says how many requests it made and how many of them were prompts.
import assert from 'node:assert/strict';
import { File } from 'node:buffer';
import { createHash } from 'node:crypto';
import * as said from './said.mjs';

globalThis.File ??= File; // older Node keeps it there

const [, , which, url] = process.argv;
const question = [{ role: 'user', content: 'Name three rivers of Europe, please.' }];
const river = { type: 'object', properties: { river: { type: 'string' }, unit: { type: 'string' } } };
const count = { requests: 0, prompts: 0 };

// What a library adds of its own does not count; what the server said must be there.
function same(got, expected) {
  if (expected === null || typeof expected !== 'object') return assert.equal(got, expected);
  assert.equal(typeof got, 'object');
  if (Array.isArray(expected)) assert.equal(got.length, expected.length);
  for (const key of Object.keys(expected)) if (expected[key] !== undefined) same(got[key], expected[key]);
}

async function all(stream) {
  const out = [];
  for await (const event of stream) out.push(event);
  return out;
}

async function asks(name, { prompts = 1, requests = 1 }, test) {
  try {
    await test();
  } catch (error) {
    console.error(`${which}: ${name}: ${error.stack}`);
    process.exit(1);
  }
  count.requests += requests;
  count.prompts += prompts;
}

async function openai() {
  const { default: OpenAI, toFile } = await import('openai');
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'key-of-openai', maxRetries: 0 });
  const tools = [{ type: 'function', function: { name: 'depth_of', parameters: river } }];
  const chat = { model: 'm', messages: question };

  await asks('chat', {}, async () => same(await client.chat.completions.create(chat), said.chatPlain));
  await asks('chat, streamed', {}, async () => {
    const events = await all(await client.chat.completions.create({ ...chat, stream: true }));
    same(events, said.chatStream);
    assert.equal(events.map((e) => e.choices[0]?.delta.content ?? '').join(''), said.text);
  });
  await asks('chat with a tool', {}, async () =>
    same(await client.chat.completions.create({ ...chat, tools }), said.chatTool),
  );
  await asks('chat with a tool, streamed', {}, async () => {
    const whole = await client.chat.completions.stream({ ...chat, tools, stream: true }).finalChatCompletion();
    const call = said.chatTool.choices[0].message.tool_calls[0];
    same(whole.choices[0].message.tool_calls[0].function, call.function);
  });
  await asks('chat, zipped', {}, async () =>
    same(await client.chat.completions.create({ ...chat, model: 'zipped' }), said.chatPlain),
  );
  await asks('chat, long', {}, async () => {
    const long = [{ role: 'user', content: 'Sum this up. ' + 'A river is a stream of water. '.repeat(20000) }];
    same(await client.chat.completions.create({ ...chat, messages: long }), said.chatPlain);
  });
  await asks('many chats at once', { requests: 40, prompts: 40 }, async () => {
    const answers = await Promise.all(Array.from({ length: 40 }, () => client.chat.completions.create(chat)));
    for (const answer of answers) same(answer, said.chatPlain);
  });
  await asks('an error', {}, async () => {
    const error = await client.chat.completions.create({ ...chat, model: 'none' }).catch((e) => e);
    assert.equal(error.status, 404);
    same(error.error, said.noModel.error);
  });
  await asks('a stream that the client leaves', {}, async () => {
    for await (const event of await client.chat.completions.create({ ...chat, stream: true })) {
      same(event, said.chatStream[0]);
      break;
    }
  });
  const prompt = { model: 'm', prompt: 'Three rivers of Europe are' };
  await asks('completion', {}, async () => same(await client.completions.create(prompt), said.completion));
  await asks('completion, streamed', {}, async () =>
    same(await all(await client.completions.create({ ...prompt, stream: true })), said.completionStream),
  );
  const input = { model: 'm', input: question[0].content };
  await asks('response', {}, async () => {
    const answer = await client.responses.create(input);
    same(answer, said.response);
    assert.equal(answer.output_text, said.text);
  });
  await asks('response, streamed', {}, async () =>
    same(await all(await client.responses.create({ ...input, stream: true })), said.responseStream),
  );
  await asks('upload of a file', { prompts: 0 }, async () => {
    const lines = Buffer.alloc(3 << 20, '{"custom_id":"q","body":{"messages":[]}}\n');
    const file = await client.files.create({ file: await toFile(lines, 'batch.jsonl'), purpose: 'batch' });
    same(file, { id: 'file-1', bytes: lines.length, filename: 'batch.jsonl', purpose: 'batch' });
    assert.equal(file.status_details, createHash('sha256').update(lines).digest('hex'));
  });
  await asks('batch', { prompts: 0, requests: 2 }, async () => {
    const batch = { input_file_id: 'file-1', endpoint: '/v1/chat/completions', completion_window: '24h' };
    same(await client.batches.create(batch), { ...said.batch, ...batch, status: 'validating' });
    same(await client.batches.retrieve('batch_1'), said.batch);
  });
  await asks('content of a file', { prompts: 0 }, async () =>
    assert.equal(await (await client.files.content('file-2')).text(), said.fileContent),
  );
}

async function anthropic() {
  const { default: Anthropic } = await import('@anthropic-ai/sdk');
  const client = new Anthropic({ baseURL: url, apiKey: 'key-of-anthropic', maxRetries: 0 });
  const tools = [{ name: 'depth_of', input_schema: river }];
  const ask = { model: 'm', max_tokens: 100, messages: question };

  await asks('message', {}, async () => same(await client.messages.create(ask), said.messagePlain));
  await asks('message, streamed', {}, async () => {
    const events = await all(await client.messages.create({ ...ask, stream: true }));
    same(
      events,
      said.messageStream.filter((e) => e.type !== 'ping'), // kept from callers by the library
    );
  });
  await asks('message, streamed and put together', {}, async () =>
    same(await client.messages.stream(ask).finalMessage(), said.messagePlain),
  );
  await asks('message with a tool', {}, async () =>
    same(await client.messages.create({ ...ask, tools }), said.messageTool),
  );
  await asks('message with a tool, streamed', {}, async () =>
    same(await client.messages.stream({ ...ask, tools }).finalMessage(), said.messageTool),
  );
  await asks('batch', { prompts: 1, requests: 4 }, async () => {
    const requests = [{ custom_id: 'q0', params: ask }];
    const started = { ...said.messageBatch, processing_status: 'in_progress' };
    same(await client.messages.batches.create({ requests }), started);
    same(await client.messages.batches.retrieve('msgbatch_1'), said.messageBatch);
    same(await all(await client.messages.batches.results('msgbatch_1')), said.batchResults);
  });
}

await (which === 'openai' ? openai() : anthropic());
console.log(JSON.stringify(count));
