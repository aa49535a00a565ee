// Asks for one answer as a stream and for one whole, as an account whose answers are marked.
import OpenAI from 'openai';

const client = new OpenAI({ baseURL: `${process.argv[2]}/v1`, apiKey: 'key', maxRetries: 0 });
const messages = [{ role: 'user', content: 'Say something long.' }];
const asked = { model: 'teacher', messages, stream: true, stream_options: { include_usage: true } };
const said = { streamed: '', pieces: 0 };
for await (const chunk of await client.chat.completions.create(asked)) {
  const choice = chunk.choices[0];
  if (choice?.delta.content) {
    said.streamed += choice.delta.content;
    said.pieces += 1;
  }
  said.finish = choice?.finish_reason ?? said.finish;
  if (chunk.usage) said.tokens = chunk.usage.completion_tokens;
}
const whole = await client.chat.completions.create({ model: 'teacher', messages });
said.whole = whole.choices[0].message.content;
console.log(JSON.stringify(said));
