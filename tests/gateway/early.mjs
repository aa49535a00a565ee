// early.mjs URL TIMES: posts 50 MiB so many times, by the client of Node, to a server that answers 413 before it has
// read them. Says what came of it, as counts by status or error.
import http from 'node:http';

const [, , url, times] = process.argv;
const bytes = Buffer.alloc(50 << 20);
const counts = {};
const add = (outcome) => (counts[outcome] = (counts[outcome] ?? 0) + 1);
process.on('uncaughtException', (error) => add(error.code)); // of a connection whose answer was read

function post(done) {
  const request = http.request(url, { method: 'POST', headers: { 'Content-Length': bytes.length } }, (response) => {
    response.resume();
    response.on('close', () => done(add(response.statusCode)));
  });
  request.on('error', (error) => done(add(error.code)));
  request.end(bytes);
}

for (let i = 0; i < times; i += 1) {
  await new Promise((done) => {
    post(done);
    setTimeout(done, 1000).unref();
  });
}
console.log(JSON.stringify(counts));
process.exit(0);
