// autobahn-js and wampy.js in every serialization: node matrix.mjs URL.

import autobahn from 'autobahn';
import { Wampy } from 'wampy';
import { CborSerializer } from 'wampy/CborSerializer.js';
import { JsonSerializer } from 'wampy/JsonSerializer.js';
import { MsgpackSerializer } from 'wampy/MsgpackSerializer.js';
import WebSocket from 'ws';

import { check, expectEqual } from './check.mjs';

const [url] = process.argv.slice(2);

// What every JavaScript library can say exactly.
const VALUE = { text: 'é\u0001', numbers: [0, -1, 1.5, 2 ** 31, 2 ** 53 - 1], nothing: null, yes: true };

const { JSONSerializer, MsgpackSerializer: AutobahnMsgpack, CBORSerializer } = autobahn.serializer;
for (const [name, Serializer] of [['json', JSONSerializer], ['msgpack', AutobahnMsgpack], ['cbor', CBORSerializer]]) {
  await check(`autobahn-js: ${name}: a registration, a call and its result`, async () => {
    const serializers = [new Serializer()];
    const connection = new autobahn.Connection({ url, realm: 'realm1', max_retries: 0, serializers });
    const session = await new Promise((resolve, reject) => {
      connection.onopen = resolve;
      connection.onclose = (reason) => reject(new Error(reason));
      connection.open();
    });
    await session.register(`interop.matrix.js.${name}`, ([value]) => value);
    expectEqual(await session.call(`interop.matrix.js.${name}`, [VALUE]), VALUE);
    connection.onclose = () => true;
    connection.close();
  });
}

for (const [name, Serializer] of [['json', JsonSerializer], ['msgpack', MsgpackSerializer], ['cbor', CborSerializer]]) {
  await check(`wampy.js: ${name}: a registration, a call and its result`, async () => {
    const serializer = new Serializer();
    const client = new Wampy(url, { realm: 'realm1', ws: WebSocket, maxRetries: 0, reconnectInterval: 0, serializer });
    await client.connect();
    await client.register(`interop.matrix.wampy.${name}`, ({ argsList }) => ({ argsList }));
    const result = await client.call(`interop.matrix.wampy.${name}`, [VALUE]);
    expectEqual(result.argsList, [VALUE]);
    await client.disconnect();
  });
}
