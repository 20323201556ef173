// What a browser makes of the server it comes from (http_site.c): fetch, events, WebSockets, forms, cookies.
// Loaded by browser.html as a module, which browsers take only with a type that is JavaScript's.

const ws_base = location.origin.replace(/^http/, 'ws');
const checks = {};
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const state = async () => (await fetch('/state')).json();

function equal(is, should_be) {
  const a = JSON.stringify(is), b = JSON.stringify(should_be);
  if (a !== b)
    throw new Error(`${a.slice(0, 300)} is not ${b.slice(0, 300)}`);
}

function pattern(length) {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++)
    bytes[i] = i * 7 + (i >> 8);
  return bytes;
}

function same_bytes(a, b) {
  equal(a.length, b.length);
  for (let i = 0; i < a.length; i++)
    if (a[i] !== b[i])
      throw new Error(`byte ${i} of ${a.length}`);
}

// ---- fetch ----

checks['a file'] = async () => {
  const r = await fetch('a.txt');
  equal([r.status, r.headers.get('Content-Type'), await r.text()], [200, 'text/plain; charset=utf-8', 'hello']);
};

checks['a file that is there already'] = async () => {
  const etag = (await fetch('a.txt')).headers.get('ETag');
  const r = await fetch('a.txt', { headers: { 'If-None-Match': etag }, cache: 'no-store' });
  equal([r.status, await r.text()], [304, '']);
};

checks['a file from the cache, asked for again'] = async () => {
  await (await fetch('a.txt')).text();
  const r = await fetch('a.txt', { cache: 'no-cache' });
  equal([r.status, await r.text()], [200, 'hello']);
};

checks['a part of a file'] = async () => {
  const r = await fetch('a.txt', { headers: { Range: 'bytes=1-3' } });
  equal([r.status, r.headers.get('Content-Range'), await r.text()], [206, 'bytes 1-3/5', 'ell']);
};

checks['a compressed style'] = async () => {
  const r = await fetch('browser.css');
  equal([r.headers.get('Content-Encoding'), await r.text()], ['gzip', 'body { color: rgb(1, 2, 3) }\n']);
  equal(getComputedStyle(document.body).color, 'rgb(1, 2, 3)');
};

checks['a folder'] = async () => {
  const r = await fetch('/files');
  const list = new DOMParser().parseFromString(await r.text(), 'text/html');
  equal([r.redirected, new URL(r.url).pathname], [true, '/files/']);
  equal([...list.querySelectorAll('a')].some((a) => a.textContent === 'a.txt'), true);
};

checks['five megabytes'] = async () => {
  const bytes = new Uint8Array(await (await fetch('big')).arrayBuffer());
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  equal([...digest].map((b) => b.toString(16).padStart(2, '0')).join(''), await (await fetch('big.sha256')).text());
};

checks['JSON there and back'] = async () => {
  const note = { text: 'ü \u{1f600}', list: [1, 2.5, null, { a: [] }] };
  const r = await fetch('/echo', {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(note),
  });
  equal([r.headers.get('X-Method'), r.headers.get('Content-Type')], ['POST', 'application/json']);
  equal(await r.json(), note);
};

checks['all methods'] = async () => {
  for (const method of ['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'POST']) {
    const r = await fetch('/echo', { method, body: method === 'GET' ? undefined : method });
    equal([r.status, r.headers.get('X-Method'), await r.text()], [200, method, method === 'GET' ? '' : method]);
  }
  const head = await fetch('a.txt', { method: 'HEAD' });
  equal([head.status, head.headers.get('Content-Length'), await head.text()], [200, '5', '']);
};

checks['404 and 405'] = async () => {
  equal((await fetch('/none')).status, 404);
  const r = await fetch('/upload', { method: 'DELETE' });
  equal([r.status, r.headers.get('Allow')], [405, 'POST']);
};

checks['a body piece by piece'] = async () => {
  const r = await fetch('/ticks/20');
  const reader = r.body.getReader(), decoder = new TextDecoder();
  let text = '', pieces = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done)
      break;
    pieces++;
    text += decoder.decode(value, { stream: true });
  }
  equal(text, [...Array(20).keys()].map((i) => `tick ${i}\n`).join(''));
  equal(pieces > 2, true);
};

checks['a fetch that is given up'] = async () => {
  const before = (await state()).cancelled, stop = new AbortController();
  const wait = fetch('/slow/60000', { signal: stop.signal }).then(() => 'arrived', (e) => e.name);
  await pause(100);
  stop.abort();
  equal(await wait, 'AbortError');
  for (let i = 0; i < 100 && (await state()).cancelled === before; i++)
    await pause(20);
  equal((await state()).cancelled, before + 1);
};

checks['fifty at once'] = async () => {
  const all = await Promise.all([...Array(50).keys()].map(async (i) =>
    (await fetch('/echo', { method: 'POST', body: `${i}` })).text()));
  equal(all, [...Array(50).keys()].map(String));
};

checks['a large upload'] = async () => {
  equal(await (await fetch('/count', { method: 'POST', body: new Blob([pattern(20000000)]) })).text(), '20000000');
};

checks['a large body, both ways'] = async () => {
  const bytes = pattern(3000000);
  const r = await fetch('/echo', { method: 'PUT', body: bytes });
  same_bytes(new Uint8Array(await r.arrayBuffer()), bytes);
};

// ---- Forms, cookies, passwords ----

checks['a form'] = async () => {
  const r = await fetch('/form', { method: 'POST', body: new URLSearchParams({ a: 'x & y = +', b: 'ü' }) });
  equal(await r.text(), 'x & y = +;ü');
};

checks['files in a form'] = async () => {
  const form = new FormData();
  form.append('text', 'ü\r\n--');
  form.append('file', new File([pattern(300000)], 'ä "quoted".bin'));
  form.append('none', new File([], 'empty'));
  equal(await (await fetch('/upload', { method: 'POST', body: form })).text(),
    'text - 6;file ä %22quoted%22.bin 300000;none empty 0;');
  const wrong = await fetch('/upload', { method: 'POST', body: 'text' });
  equal(wrong.status, 415);
};

checks['cookies'] = async () => {
  const texts = [];
  for (let i = 0; i < 3; i++)
    texts.push(await (await fetch('/cookie')).text());
  equal(texts, ['1', '2', '3']);
  equal(document.cookie, ''); // it is HttpOnly
  equal(await (await fetch('/cookie', { credentials: 'omit' })).text(), '1');
};

checks['a password'] = async () => {
  const with_password = (text) => fetch('/secret', { credentials: 'omit', headers: { Authorization: `Basic ${btoa(text)}` } });
  equal((await fetch('/secret', { credentials: 'omit' })).status, 401);
  equal((await with_password('me:wrong')).status, 401);
  equal(await (await with_password('me:pass:word')).text(), 'come in');
};

// ---- Events ----

checks['events, and again from the last one on'] = () => new Promise((done, failed) => {
  const source = new EventSource('/feed'), ids = [], data = [];
  let opened = 0;
  source.onopen = () => opened++;
  source.addEventListener('tick', (event) => {
    ids.push(event.lastEventId);
    data.push(event.data);
  });
  source.onerror = () => {
    if (source.readyState !== EventSource.CLOSED) // 204 is what closes it
      return;
    try {
      equal(ids, ['1', '2', '3', '4', '5', '6', '7', '8', '9']);
      equal(data, ids.map((id) => `line ${id}\n\nü \u{1f600}`));
      equal(opened, 3);
      done();
    } catch (e) {
      failed(e);
    }
  };
});

checks['events of no type, given up'] = () => new Promise((done) => {
  const source = new EventSource('/events');
  let n = 0;
  source.onmessage = (event) => {
    if (event.data === 'line 1\nline 2' && ++n === 3) {
      source.close();
      done();
    }
  };
});

// ---- WebSockets ----

// Opens one; what comes is in a queue.
function open_ws(path, protocols) {
  return new Promise((opened, failed) => {
    const ws = new WebSocket(new URL(path, ws_base), protocols), came = [], waiting = [];
    ws.binaryType = 'arraybuffer';
    ws.onmessage = ({ data }) => waiting.length ? waiting.shift()(data) : came.push(data);
    ws.next = () => came.length ? came.shift() : new Promise((take) => waiting.push(take));
    ws.closed = new Promise((take) => ws.onclose = ({ code, reason, wasClean }) => take([code, reason, wasClean]));
    ws.onopen = () => opened(ws);
    ws.onerror = () => failed(new Error('WebSocket failed'));
  });
}

checks['a WebSocket: text'] = async () => {
  const ws = await open_ws('/ws', ['other', 'repeat']);
  equal(ws.protocol, 'repeat');
  equal(ws.extensions, '');
  for (const text of ['', 'ü \u{1f600}', 'x'.repeat(125), 'x'.repeat(126), 'ä'.repeat(40000), 'x'.repeat(1000000)]) {
    ws.send(text);
    equal(await ws.next(), text);
  }
  for (let i = 0; i < 300; i++)
    ws.send(`message ${i}`);
  for (let i = 0; i < 300; i++)
    equal(await ws.next(), `message ${i}`);
  ws.close();
  equal(await ws.closed, [1005, '', true]);
};

checks['a WebSocket: binary'] = async () => {
  const ws = await open_ws('/ws');
  for (const length of [0, 1, 125, 126, 65535, 65536, 3000000]) {
    ws.send(pattern(length));
    same_bytes(new Uint8Array(await ws.next()), pattern(length));
  }
  ws.close(1000);
  equal(await ws.closed, [1000, '', true]);
};

checks['a WebSocket: closed with a code by the page'] = async () => {
  const ws = await open_ws('/ws');
  ws.close(3001, 'bye');
  equal(await ws.closed, [3001, '', true]); // the reason is the other side's, and that has none of its own
  for (let i = 0; i < 100 && (await state()).closed !== '3001 bye'; i++)
    await pause(20);
  equal((await state()).closed, '3001 bye');
};

checks['a WebSocket: closed with a code by the server'] = async () => {
  for (const [code, reason] of [[1000, ''], [1001, 'going'], [4999, 'ü'.repeat(61)]]) {
    const ws = await open_ws('/ws');
    ws.send(`close ${code} ${reason}`);
    equal(await ws.closed, [code, reason, true]);
  }
};

checks['a WebSocket: pings, which the browser answers'] = async () => {
  const ws = await open_ws('/ws?ping=400');
  await pause(1000); // a silent one would be gone after 800 ms
  ws.send('still here');
  equal(await ws.next(), 'still here');
  ws.close();
};

checks['a WebSocket: a message that is too long'] = async () => {
  const ws = await open_ws('/ws');
  ws.send(new Uint8Array(5 << 20));
  equal((await ws.closed)[0], 1009);
};

checks['a WebSocket: from elsewhere'] = () => new Promise((done, failed) => {
  const ws = new WebSocket(ws_base.replace('127.0.0.1', 'localhost') + '/ws');
  ws.onopen = () => failed(new Error('it opened'));
  ws.onclose = ({ code }) => code === 1006 ? done() : failed(new Error(`closed with ${code}`));
});

// ---- All of them ----

const only = new URLSearchParams(location.search).get('only') ?? '';
let n = 0;
for (const [name, run] of Object.entries(checks).filter(([name]) => name.includes(only))) {
  const verdict = document.createElement('li');
  try {
    await Promise.race([run(), pause(20000).then(() => { throw new Error('it takes too long'); })]);
    verdict.textContent = `ok ${name}`;
  } catch (e) {
    verdict.textContent = `not so ${name}: ${e.message}`;
  }
  document.getElementById('verdicts').append(verdict);
  n++;
}
document.getElementById('end').textContent = `finished: ${n}`;
await fetch('/release', { method: 'POST' });
