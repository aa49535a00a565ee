// What the model servers of these tests say: upstream.mjs sends it, clients.mjs asserts that it arrived.

const usage = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 };
const words = ['Rhine, ', 'Rhône ', 'and ', 'Elbe: ', '三条河', '.'];
export const text = words.join('');

const chat = (message, finish_reason) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1772409600,
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', refusal: null, ...message }, logprobs: null, finish_reason }],
  usage,
});
const toolCall = {
  id: 'call_1',
  type: 'function',
  function: { name: 'depth_of', arguments: '{"river":"Elbe","unit":"m"}' },
};
export const chatPlain = chat({ content: text }, 'stop');
export const chatTool = chat({ content: null, tool_calls: [toolCall] }, 'tool_calls');

const chatChunk = (delta, finish_reason = null) => ({
  id: 'chatcmpl-2',
  object: 'chat.completion.chunk',
  created: 1772409600,
  model: 'm',
  choices: [{ index: 0, delta, logprobs: null, finish_reason }],
});
export const chatStream = [
  chatChunk({ role: 'assistant', content: '' }),
  ...words.map((content) => chatChunk({ content })),
  chatChunk({}, 'stop'),
  { ...chatChunk({}), choices: [], usage },
];
export const chatToolStream = [
  chatChunk({
    role: 'assistant',
    tool_calls: [{ index: 0, ...toolCall, function: { name: 'depth_of', arguments: '' } }],
  }),
  ...['{"river":', '"Elbe",', '"unit":"m"}'].map((part) =>
    chatChunk({ tool_calls: [{ index: 0, function: { arguments: part } }] }),
  ),
  chatChunk({}, 'tool_calls'),
];

export const completion = {
  id: 'cmpl-1',
  object: 'text_completion',
  created: 1772409600,
  model: 'm',
  choices: [{ text, index: 0, logprobs: null, finish_reason: 'stop' }],
  usage,
};
export const completionStream = words.map((part) => ({
  ...completion,
  choices: [{ text: part, index: 0, logprobs: null, finish_reason: null }],
  usage: undefined,
}));

const item = (said) => ({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text: said, annotations: [] }],
});
export const response = {
  id: 'resp_1',
  object: 'response',
  created_at: 1772409600,
  status: 'completed',
  model: 'm',
  output: [item(text)],
  usage: { input_tokens: 11, output_tokens: 7, total_tokens: 18 },
};
export const responseStream = [
  { type: 'response.created', response: { ...response, status: 'in_progress', output: [] } },
  { type: 'response.output_item.added', output_index: 0, item: { ...item(''), status: 'in_progress', content: [] } },
  {
    type: 'response.content_part.added',
    item_id: 'msg_1',
    output_index: 0,
    content_index: 0,
    part: { type: 'output_text', text: '', annotations: [] },
  },
  ...words.map((delta) => ({
    type: 'response.output_text.delta',
    item_id: 'msg_1',
    output_index: 0,
    content_index: 0,
    delta,
  })),
  { type: 'response.output_text.done', item_id: 'msg_1', output_index: 0, content_index: 0, text },
  { type: 'response.output_item.done', output_index: 0, item: item(text) },
  { type: 'response.completed', response },
].map((event, sequence_number) => ({ ...event, sequence_number }));

export const batch = {
  id: 'batch_1',
  object: 'batch',
  endpoint: '/v1/chat/completions',
  input_file_id: 'file-1',
  completion_window: '24h',
  status: 'completed',
  output_file_id: 'file-2',
  created_at: 1772409600,
  request_counts: { total: 2000, completed: 2000, failed: 0 },
};
export const fileContent =
  Array.from({ length: 2000 }, (_, i) =>
    JSON.stringify({ id: `r${i}`, custom_id: `q${i}`, response: { status_code: 200, body: chatPlain } }),
  ).join('\n') + '\n';

export const noModel = {
  error: { message: 'there is no such model', type: 'invalid_request_error', param: 'model', code: 'model_not_found' },
};

const message = (content, stop_reason) => ({
  id: 'msg_2',
  type: 'message',
  role: 'assistant',
  model: 'm',
  content,
  stop_reason,
  stop_sequence: null,
  usage: { input_tokens: 11, output_tokens: 7 },
});
const toolUse = { type: 'tool_use', id: 'toolu_1', name: 'depth_of', input: { river: 'Elbe', unit: 'm' } };
export const messagePlain = message([{ type: 'text', text }], 'end_turn');
export const messageTool = message([{ type: 'text', text: 'Let me look.' }, toolUse], 'tool_use');

const started = {
  type: 'message_start',
  message: { ...message([], null), usage: { input_tokens: 11, output_tokens: 1 } },
};
const ended = (stop_reason) => [
  { type: 'message_delta', delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 7 } },
  { type: 'message_stop' },
];
const block = (index, content_block, deltas) => [
  { type: 'content_block_start', index, content_block },
  ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
  { type: 'content_block_stop', index },
];
const textDeltas = (parts) => parts.map((part) => ({ type: 'text_delta', text: part }));
export const messageStream = [
  started,
  { type: 'ping' },
  ...block(0, { type: 'text', text: '' }, textDeltas(words)),
  ...ended('end_turn'),
];
export const messageToolStream = [
  started,
  ...block(0, { type: 'text', text: '' }, textDeltas(['Let me ', 'look.'])),
  ...block(
    1,
    { ...toolUse, input: {} },
    ['{"river":', ' "Elbe", "unit"', ': "m"}'].map((partial_json) => ({ type: 'input_json_delta', partial_json })),
  ),
  ...ended('tool_use'),
];

export const messageBatch = {
  id: 'msgbatch_1',
  type: 'message_batch',
  processing_status: 'ended',
  request_counts: { processing: 0, succeeded: 300, errored: 0, canceled: 0, expired: 0 },
  created_at: '2026-03-02T00:00:00Z',
  ended_at: '2026-03-02T00:01:00Z',
  expires_at: '2026-03-03T00:00:00Z',
  archived_at: null,
  cancel_initiated_at: null,
};
export const batchResults = Array.from({ length: 300 }, (_, i) => ({
  custom_id: `q${i}`,
  result: { type: 'succeeded', message: messagePlain },
}));
