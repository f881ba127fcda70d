// autobahn-js and wampy.js at a router that asks for a certificate: node tls.mjs URL CA CERT KEY (files).

import { readFileSync } from 'node:fs';

import autobahn from 'autobahn';
import { Wampy } from 'wampy';
import WebSocket from 'ws';

import { check, expect, expectEqual } from './check.mjs';

const [url, ...files] = process.argv.slice(2);
const [ca, cert, key] = files.map((file) => readFileSync(file));

await check('autobahn-js: shows its certificate, calls', async () => {
  const tlsConfiguration = { ca, cert, key };
  const connection = new autobahn.Connection({ url, realm: 'realm1', max_retries: 0, tlsConfiguration });
  const session = await new Promise((resolve, reject) => {
    connection.onopen = resolve;
    connection.onclose = (reason) => reject(new Error(reason));
    connection.open();
  });
  expect((await session.call('wamp.session.count')) > 0, 'no session');
  connection.onclose = () => true;
  connection.close();
});

// wampy.js passes no options on to the WebSocket.
function withTls(options) {
  return class extends WebSocket {
    constructor(address, protocols) {
      super(address, protocols, options);
    }
  };
}

const connect = async (options) => {
  const client = new Wampy(url, { realm: 'realm1', ws: withTls(options), maxRetries: 0, reconnectInterval: 0 });
  await client.connect();
  return client;
};

await check('wampy.js: shows its certificate, calls', async () => {
  const client = await connect({ ca, cert, key });
  expect((await client.call('wamp.session.count')).argsList[0] > 0, 'no session');
  await client.disconnect();
});

await check('ws: shows none: the alert is certificate_required', async () => {
  const socket = new WebSocket(url, ['wamp.2.json'], { ca });
  const error = await new Promise((resolve, reject) => {
    socket.on('error', resolve);
    socket.on('open', () => reject(new Error('expected an error, got a connection')));
  });
  expectEqual(error.code, 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'code');
});

process.exit(0);
