// How soon bad files are refused, and how much memory fifty of the largest uploads at once take.
//
//   make release
//   ./target/release/plaza serve        # on an empty database
//   node benches/files.mjs http://127.0.0.1:8000 <process id of plaza>
//
// Prints one line a measure. Memory is that of the server with the processes it decodes pictures in.

import { readFileSync, readdirSync } from 'node:fs';
import { crc32, deflateSync } from 'node:zlib';

const [base = 'http://127.0.0.1:8000', server] = process.argv.slice(2);

async function ask(query, variables, token) {
  const response = await fetch(`${base}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

const { register } = await ask(`mutation ($username: String!) { register(input: { username: $username, password: "a long password" }) {
  tokens { accessToken } userErrors { code } } }`, { username: `files${process.pid}` });
const token = register.tokens.accessToken;

/** Uploads a file and returns its codes, or the request's own. */
async function upload(bytes, name = 'a.pic') {
  const form = new FormData();
  form.append('operations', JSON.stringify({
    query: 'mutation ($file: Upload!) { uploadFile(file: $file) { media { id } userErrors { code } } }',
    variables: { file: null },
  }));
  form.append('map', '{"0":["variables.file"]}');
  form.append('0', new Blob([bytes]), name);
  const headers = { authorization: `Bearer ${token}`, 'graphql-require-preflight': '1' };
  const { data, errors } = await (await fetch(`${base}/graphql`, { method: 'POST', headers, body: form })).json();
  if (errors) return errors.map((error) => error.extensions.code).join();
  return data.uploadFile.userErrors.map((error) => error.code).join() || 'taken';
}

/** Announces, sends and completes a file. */
async function byTicket(bytes, contentType) {
  const { createUploadTicket } = await ask(`mutation ($input: UploadTicketInput!) { createUploadTicket(input: $input) {
    ticket { uploadUrl uploadToken headers } userErrors { code } } }`,
  { input: { fileName: 'large', contentType, sizeBytes: bytes.length } }, token);
  const { uploadUrl, uploadToken, headers } = createUploadTicket.ticket;
  await fetch(uploadUrl, { method: 'PUT', headers, body: bytes });
  const { completeUpload } = await ask(`mutation ($token: String!) { completeUpload(uploadToken: $token) {
    media { id } userErrors { code } } }`, { token: uploadToken }, token);
  return completeUpload.userErrors.map((error) => error.code).join() || 'taken';
}

function chunk(kind, body) {
  const bytes = Buffer.concat([Buffer.alloc(4), Buffer.from(kind), body, Buffer.alloc(4)]);
  bytes.writeUInt32BE(body.length);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, -4)), bytes.length - 4);
  return bytes;
}

function png(width, height, data) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), chunk('IHDR', header), chunk('IDAT', data), chunk('IEND', Buffer.alloc(0))]);
}

function gif(side, frames) {
  const head = Buffer.from('474946383961000000008000000000000000ffffff', 'hex');
  head.writeUInt16LE(side, 6);
  head.writeUInt16LE(side, 8);
  const frame = Buffer.from('2c00000000000000000002024c0100', 'hex');
  frame.writeUInt16LE(side, 5);
  frame.writeUInt16LE(side, 7);
  return Buffer.concat([head, ...Array(frames).fill(frame), Buffer.from(';')]);
}

const largest = png(8000, 3120, deflateSync(Buffer.alloc(3120 * (1 + 8000 * 3))));
const bad = {
  'a PNG of 2,500 million pixels': png(50000, 50000, deflateSync(Buffer.alloc(100))),
  'a PNG that ends early': png(5000, 5000, deflateSync(Buffer.alloc(100))),
  'a PNG that is cut off': largest.subarray(0, largest.length / 2),
  'a PNG that unpacks to a gigabyte more': png(100, 100, deflateSync(Buffer.alloc(900 << 20))),
  'a GIF of 65,535 pixels a side': gif(65535, 1),
  'a GIF of 60,000 frames': gif(10, 60000),
  'a GIF of 200 million pixels': gif(2000, 50),
  'an SVG': Buffer.from("<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
  'a page': Buffer.from('<!doctype html><script>alert(1)</script>'),
  'a program': Buffer.from('MZ\x90\0'.padEnd(1000, 'x'), 'latin1'),
};

/** KiB of the server and its children. */
function memory() {
  const of = (id) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1] ?? 0);
  const own = of(server);
  let sum = own;
  for (const id of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const isPicture = readFileSync(`/proc/${id}/cmdline`, 'utf8').includes('\0picture\0');
      if (isPicture && readFileSync(`/proc/${id}/status`, 'utf8').includes(`PPid:\t${server}\n`)) sum += of(id);
    } catch {
      // It has ended meanwhile.
    }
  }
  return { own, sum };
}

console.log(`the largest PNG: ${await upload(largest)}`);
for (const [what, bytes] of Object.entries(bad)) {
  const start = performance.now();
  const code = await upload(bytes);
  console.log(`${what} (${bytes.length} bytes): ${code} after ${Math.round(performance.now() - start)} ms`);
}

const document = (size, n) => Buffer.concat([Buffer.from(`%PDF-1.7 ${n} ${process.pid} `), Buffer.alloc(size, 120)]).subarray(0, size);
const idle = memory();
const peak = { ...idle };
const watch = setInterval(() => {
  const now = memory();
  peak.own = Math.max(peak.own, now.own);
  peak.sum = Math.max(peak.sum, now.sum);
}, 5);
const start = performance.now();
const bombs = Object.values(bad);
const all = await Promise.all([
  ...Array.from({ length: 10 }, () => upload(largest)),
  ...Array.from({ length: 10 }, (_, n) => upload(document(1 << 20, n))),
  ...Array.from({ length: 20 }, (_, n) => upload(bombs[n % bombs.length])),
  ...Array.from({ length: 5 }, (_, n) => byTicket(document(20 << 20, 100 + n), 'application/pdf')),
  ...Array.from({ length: 5 }, () => byTicket(Buffer.concat([largest, Buffer.alloc(19 << 20)]), 'image/png')),
]);
clearInterval(watch);
const counts = [...new Set(all)].map((code) => `${all.filter((one) => one === code).length} ${code}`);
console.log(`fifty at once: ${Math.round(performance.now() - start)} ms, ${counts.join(', ')}`);
console.log(`memory: ${idle.sum} KiB idle, at the most ${peak.sum - idle.sum} KiB more, ${peak.own - idle.own} KiB of them the server's own`);
