// A model server as two APIs describe it, with the answers of said.mjs. Says `port N` when it listens; GET /count on it
// tells how many requests came otherwise. Streams come by half events, other answers with a length or in chunks by
// turns.
import { createHash } from 'node:crypto';
import http from 'node:http';
import { gzipSync } from 'node:zlib';
import * as said from './said.mjs';

let count = 0;

async function bytesOf(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces);
}

function sendText(response, text, type, status = 200) {
  const bytes = Buffer.from(text);
  response.writeHead(status, { 'Content-Type': type, ...(count % 2 ? { 'Content-Length': bytes.length } : {}) });
  for (let at = 0; at < bytes.length; at += 5000) response.write(bytes.subarray(at, at + 5000));
  response.end();
}

function sendJson(response, value, status = 200) {
  sendText(response, JSON.stringify(value), 'application/json', status);
}

// Half of each event by itself, so that events do not come whole.
async function sendEvents(response, events, named, done) {
  response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8', 'Cache-Control': 'no-cache' });
  const write = async (text) => {
    const bytes = Buffer.from(text);
    for (const half of [bytes.subarray(0, bytes.length / 2), bytes.subarray(bytes.length / 2)]) {
      response.write(half);
      await new Promise((later) => setTimeout(later, 1));
    }
  };
  for (const event of events) await write(`${named ? `event: ${event.type}\n` : ''}data: ${JSON.stringify(event)}\n\n`);
  if (done) await write('data: [DONE]\n\n');
  response.end();
}

// The parts of a multipart body by name.
function partsOf(bytes, type) {
  const boundary = `--${/boundary="?([^";]+)/.exec(type)[1]}`;
  const parts = {};
  for (let at = bytes.indexOf(boundary); ; ) {
    const next = bytes.indexOf(boundary, at + boundary.length);
    if (next < 0) return parts;
    const part = bytes.subarray(at + boundary.length + 2, next - 2);
    const end = part.indexOf('\r\n\r\n');
    const head = part.subarray(0, end).toString();
    parts[/name="([^"]+)"/.exec(head)[1]] = { head, content: part.subarray(end + 4) };
    at = next;
  }
}

function sendFile(response, bytes, type) {
  const { file, purpose } = partsOf(bytes, type);
  sendJson(response, {
    id: 'file-1',
    object: 'file',
    bytes: file.content.length,
    created_at: 1772409600,
    filename: /filename="([^"]+)"/.exec(file.head)[1],
    purpose: purpose.content.toString(),
    status: 'processed',
    status_details: createHash('sha256').update(file.content).digest('hex'),
  });
}

const routes = {
  'POST /v1/chat/completions': (response, asked) => {
    if (asked.model === 'none') return sendJson(response, said.noModel, 404);
    if (asked.model === 'zipped') {
      response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' });
      return response.end(gzipSync(JSON.stringify(said.chatPlain)));
    }
    if (asked.stream) return sendEvents(response, asked.tools ? said.chatToolStream : said.chatStream, false, true);
    return sendJson(response, asked.tools ? said.chatTool : said.chatPlain);
  },
  'POST /v1/completions': (response, asked) =>
    asked.stream ? sendEvents(response, said.completionStream, false, true) : sendJson(response, said.completion),
  'POST /v1/responses': (response, asked) =>
    asked.stream ? sendEvents(response, said.responseStream, true, false) : sendJson(response, said.response),
  'POST /v1/batches': (response, asked) => sendJson(response, { ...said.batch, ...asked, status: 'validating' }),
  'GET /v1/batches/batch_1': (response) => sendJson(response, said.batch),
  'GET /v1/files/file-2/content': (response) => sendText(response, said.fileContent, 'application/octet-stream'),
  'POST /v1/messages': (response, asked) => {
    if (asked.stream) {
      return sendEvents(response, asked.tools ? said.messageToolStream : said.messageStream, true, false);
    }
    return sendJson(response, asked.tools ? said.messageTool : said.messagePlain);
  },
  'POST /v1/messages/batches': (response) =>
    sendJson(response, { ...said.messageBatch, processing_status: 'in_progress', results_url: null }),
  // Where a client finds the results is what it called this server.
  'GET /v1/messages/batches/msgbatch_1': (response, asked, host) =>
    sendJson(response, { ...said.messageBatch, results_url: `http://${host}/v1/messages/batches/msgbatch_1/results` }),
  'GET /v1/messages/batches/msgbatch_1/results': (response) =>
    sendText(response, said.batchResults.map((r) => JSON.stringify(r) + '\n').join(''), 'application/x-jsonl'),
};

const server = http.createServer(async (request, response) => {
  if (request.url === '/count') return response.end(String(count));
  count += 1;
  const bytes = await bytesOf(request);
  const type = request.headers['content-type'] ?? '';
  const route = `${request.method} ${request.url.split('?')[0]}`;
  if (route === 'POST /v1/files') return sendFile(response, bytes, type);
  if (!routes[route]) return sendJson(response, { error: { message: `no ${route}`, type: 'not_found' } }, 404);
  return routes[route](response, type.startsWith('application/json') ? JSON.parse(bytes) : {}, request.headers.host);
});
server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
