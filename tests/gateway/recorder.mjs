// A server that answers every request with its own URL and keeps what it saw. Any request to the second port tells, and
// forgets: a list of {method, url, body (base64), whole} in the order of arrival, and how many connections sent what is
// no request.
import http from 'node:http';

let seen = [];
let broken = 0;

const server = http.createServer((request, response) => {
  const entry = { method: request.method, url: request.url, body: '', whole: false };
  seen.push(entry);
  const pieces = [];
  request.on('data', (piece) => pieces.push(piece));
  request.on('error', () => {});
  request.on('close', () => (entry.body = Buffer.concat(pieces).toString('base64')));
  request.on('end', () => {
    entry.body = Buffer.concat(pieces).toString('base64');
    entry.whole = true;
    response.end(`${request.method} ${request.url}\n`);
  });
});
server.on('clientError', (error, socket) => {
  broken += 1;
  if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
});
for (const event of ['connect', 'upgrade']) {
  server.on(event, (request, socket) => {
    seen.push({ method: request.method, url: request.url, body: event, whole: true });
    socket.destroy();
  });
}

const teller = http.createServer((request, response) => {
  response.end(JSON.stringify({ seen, broken }));
  seen = [];
  broken = 0;
});

server.listen(0, '127.0.0.1', () =>
  teller.listen(0, '127.0.0.1', () => console.log(`tells on ${teller.address().port}, port ${server.address().port}`)),
);
