// What node's server makes of requests, as judge.c says it of ours.
'use strict';
const http = require('http');
const { Duplex } = require('stream');
const readline = require('readline');

// Both directions of a connection, in memory.
class Wire extends Duplex {
  constructor() {
    super({ allowHalfOpen: true });
    this.out = [];
    this.ended = false;
  }
  _read() {}
  _write(chunk, encoding, done) {
    this.out.push(chunk);
    done();
  }
  _final(done) {
    this.ended = true;
    done();
  }
  _destroy(error, done) {
    this.ended = true;
    done();
  }
  setTimeout() { return this; }
  setNoDelay() { return this; }
  setKeepAlive() { return this; }
  ref() { return this; }
  unref() { return this; }
}

const server = http.createServer({ insecureHTTPParser: false, requireHostHeader: true }, (request, response) => {
  const parts = [];
  let length = 0;
  request.on('data', (part) => {
    parts.push(part);
    length += part.length;
  });
  request.on('error', () => {});
  request.on('end', () => {
    const text = `${request.method}:${Buffer.concat(parts).toString('hex')}`;
    response.writeHead(length > 1000 ? 413 : 200, { 'Content-Length': length > 1000 ? 0 : text.length });
    response.end(length > 1000 ? '' : text);
  });
});
server.timeout = server.headersTimeout = server.requestTimeout = server.keepAliveTimeout = 0;

// The answers in short. Those without a length are node's own.
function brief(wire) {
  let rest = Buffer.concat(wire.out).toString('latin1');
  const answers = [];
  while (rest) {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0)
      return `?${rest}`;
    const head = rest.slice(0, end + 2);
    const length = /\r\nContent-Length: (\d+)\r\n/i.exec(head);
    const status = head.slice(9, 12);
    rest = rest.slice(end + 4);
    if (status !== '200') {
      answers.push(status);
      if (length)
        rest = rest.slice(Number(length[1]));
      else if (rest.startsWith('0\r\n\r\n')) // of chunks
        rest = rest.slice(5);
      continue;
    }
    answers.push(`${status} ${rest.slice(0, Number(length[1]))}`);
    rest = rest.slice(Number(length[1]));
  }
  return answers.join('; ') + (wire.ended ? ' .' : '');
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function judge(line) {
  const wire = new Wire();
  wire.on('error', () => {});
  server.emit('connection', wire);
  // Byte by byte: node forgets the answers that it owes when something malformed comes with what they answer.
  for (const byte of Buffer.from(line, 'hex')) {
    wire.push(Buffer.from([byte]));
    await turn();
    await turn();
  }
  for (let i = 0; i < 8; i++)
    await turn();
  console.log(brief(wire));
  wire.destroy();
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin }))
    await judge(line);
  process.exit(0);
})();
