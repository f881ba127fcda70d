// autobahn-js and wampy.js by every login in every serialization on every transport that they have:
// node matrix.mjs '{"urls": {"ws": URL, …}, "authid": …, "secret": …, "seed": HEX, "pubkey": HEX}'.

import autobahn from 'autobahn';
import { Wampy } from 'wampy';
import { CborSerializer } from 'wampy/CborSerializer.js';
import { JsonSerializer } from 'wampy/JsonSerializer.js';
import { MsgpackSerializer } from 'wampy/MsgpackSerializer.js';
import * as wampyCryptosign from 'wampy/cryptosign.js';
import * as wampyCra from 'wampy/wampcra.js';
import WebSocket from 'ws';

import { check, expectEqual } from './check.mjs';

const { urls, authid, secret, seed, pubkey } = JSON.parse(process.argv[2]);

// What every JavaScript library can say exactly.
const VALUE = { text: 'é\u0001', numbers: [0, -1, 1.5, 2 ** 31, 2 ** 53 - 1], nothing: null, yes: true };
const METHODS = ['anonymous', 'ticket', 'wampcra', 'cryptosign'];

const { auth_cra: cra, auth_cryptosign: cryptosign, nacl } = autobahn;
const keyPair = nacl.sign.keyPair.fromSeed(Buffer.from(seed, 'hex'));
// It takes autobahn-js more than a second.
const derived = new Map();
function derive({ salt, iterations, keylen }) {
  const how = `${salt} ${iterations} ${keylen}`;
  if (!derived.has(how)) derived.set(how, cra.derive_key(secret, salt, iterations, keylen));
  return derived.get(how);
}
const answers = {
  ticket: () => secret,
  wampcra: (extra) => cra.sign(extra.salt ? derive(extra) : secret, extra.challenge),
  cryptosign: (extra) => cryptosign.sign_challenge(keyPair, extra),
};

async function byAutobahn(method, transport, serializers) {
  const login = method === 'anonymous' ? {} : { authid, authmethods: [method] };
  const connection = new autobahn.Connection({
    transports: [transport],
    realm: 'realm1',
    max_retries: 0,
    serializers,
    ...login,
    authextra: method === 'cryptosign' ? { pubkey } : {},
    onchallenge: (session, asked, extra) => answers[asked](extra),
  });
  const session = await new Promise((resolve, reject) => {
    connection.onopen = resolve;
    connection.onclose = (reason, details) => reject(new Error(`${reason}: ${JSON.stringify(details)}`));
    connection.open();
  });
  await session.register('interop.matrix.js', ([value]) => value);
  expectEqual(await session.call('interop.matrix.js', [VALUE]), VALUE);
  const closed = new Promise((resolve) => {
    connection.onclose = () => { resolve(); return true; };
  });
  connection.close();
  await closed;
}

const { JSONSerializer, MsgpackSerializer: AutobahnMsgpack, CBORSerializer } = autobahn.serializer;
const AUTOBAHN = { json: JSONSerializer, msgpack: AutobahnMsgpack, cbor: CBORSerializer };
// Its RawSocket writes JSON and knows no TLS.
const RAW = {
  rs: (url) => ({ type: 'rawsocket', host: new URL(url).hostname, port: Number(new URL(url).port) }),
  unix: (url) => ({ type: 'rawsocket', path: new URL(url).pathname }),
};
for (const [name, url] of Object.entries(urls)) {
  const isWeb = name === 'ws' || name === 'wss';
  if (!isWeb && !RAW[name]) continue;
  for (const method of METHODS) {
    for (const [serializer, Serializer] of Object.entries(AUTOBAHN)) {
      if (!isWeb && serializer !== 'json') continue;
      await check(`autobahn-js: ${method} by ${serializer} on ${name}: registers, calls`, async () => {
        const serializers = [new Serializer()];
        await byAutobahn(method, isWeb ? { type: 'websocket', url, serializers } : RAW[name](url), serializers);
      });
    }
  }
}

const plugins = { ticket: () => secret, wampcra: wampyCra.sign(secret), cryptosign: wampyCryptosign.sign(seed) };
const WAMPY = { json: JsonSerializer, msgpack: MsgpackSerializer, cbor: CborSerializer };
for (const name of ['ws', 'wss'].filter((name) => urls[name])) {
  for (const method of METHODS) {
    for (const [serializer, Serializer] of Object.entries(WAMPY)) {
      await check(`wampy.js: ${method} by ${serializer} on ${name}: registers, calls`, async () => {
        const onChallenge = (asked, extra) => plugins[asked](asked, extra);
        const login = method === 'anonymous' ? {} : { authid, authmethods: [method], onChallenge };
        const client = new Wampy(urls[name], {
          realm: 'realm1',
          ws: WebSocket,
          maxRetries: 0,
          reconnectInterval: 0,
          serializer: new Serializer(),
          authextra: method === 'cryptosign' ? { pubkey } : {},
          ...login,
        });
        await client.connect();
        await client.register('interop.matrix.wampy', ({ argsList }) => ({ argsList }));
        const result = await client.call('interop.matrix.wampy', [VALUE]);
        expectEqual(result.argsList, [VALUE]);
        await client.disconnect();
      });
    }
  }
}

process.exit(0);
