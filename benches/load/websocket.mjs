// WebSockets over raw sockets, no library: thousands of them in one process with as little work as can be.
import net from 'node:net';

/** A client's frame. Its mask is zero: valid, and nothing to transform. */
export function frame(text, opcode = 1) {
  const payload = Buffer.from(text);
  const header = Buffer.alloc(payload.length < 126 ? 6 : 8);
  header[0] = 0x80 | opcode;
  if (payload.length < 126) {
    header[1] = 0x80 | payload.length;
  } else {
    header[1] = 0x80 | 126;
    header.writeUInt16BE(payload.length, 2);
  }
  return Buffer.concat([header, payload]);
}

/**
 * Opens a graphql-transport-ws socket. `onText(buffer, from, to)` is called with each text frame, `onClose(reason)` at the
 * end. A source address has some 28,000 ports: a `source` above 0 picks one of 127.0.0.2 and up (without one, connecting is
 * faster).
 */
export function open(url, source, onText, onClose) {
  return new Promise((resolve, reject) => {
    const localAddress = source > 0 ? `127.0.0.${1 + (source % 250)}` : undefined;
    const socket = net.connect({ host: url.hostname, port: Number(url.port), localAddress });
    let rest = null;
    let upgraded = false;
    let reason = 'connection closed';
    socket.setNoDelay(true);
    socket.on('connect', () => socket.write(
      `GET ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n`
      + 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
      + 'Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n',
    ));
    socket.on('error', (error) => { reason = error.message; reject(error); });
    socket.on('close', () => onClose(reason));
    socket.on('data', (data) => {
      const bytes = rest ? Buffer.concat([rest, data]) : data;
      let at = 0;
      rest = null;
      if (!upgraded) {
        const end = bytes.indexOf('\r\n\r\n');
        if (end < 0) { rest = bytes; return; }
        if (bytes.toString('latin1', 9, 12) !== '101') { reject(new Error(bytes.toString('latin1', 0, 200))); return; }
        upgraded = true;
        at = end + 4;
        resolve(socket);
      }
      while (bytes.length - at >= 2) {
        const opcode = bytes[at] & 15;
        let length = bytes[at + 1] & 127;
        let header = 2;
        if (length === 126) {
          if (bytes.length - at < 4) break;
          length = bytes.readUInt16BE(at + 2);
          header = 4;
        } else if (length === 127) {
          if (bytes.length - at < 10) break;
          length = Number(bytes.readBigUInt64BE(at + 2));
          header = 10;
        }
        if (bytes.length - at < header + length) break;
        const [from, to] = [at + header, at + header + length];
        if (opcode === 1) onText(bytes, from, to);
        else if (opcode === 9) socket.write(frame('', 10));
        else if (opcode === 8) reason = `closed: ${bytes.toString('latin1', from + 2, to)}`;
        at = to;
      }
      if (at < bytes.length) rest = Buffer.from(bytes.subarray(at));
    });
  });
}
