// wampy.js as a client: node wampy_js.mjs URL PREFIX, where PREFIX is that of a process on the bus.

import { Wampy } from 'wampy';
import WebSocket from 'ws';

import { check, Collector, deferred, expect, expectEqual, rejection } from './check.mjs';

const [url, prefix] = process.argv.slice(2);

async function open() {
  const client = new Wampy(url, { realm: 'realm1', ws: WebSocket, maxRetries: 0, reconnectInterval: 0 });
  await client.connect();
  return client;
}

const client = await open();
const other = await open();

const value = async (call) => (await call).argsList?.[0];

await check('calls the management API', async () => {
  const now = await value(client.call(`${prefix}utcnow`));
  expect(Math.abs(Date.parse(now) - Date.now()) < 2000, `utcnow ${now}`);
  const monitor = await value(client.call(`${prefix}get_process_monitor`));
  expect(Number.isInteger(monitor.pid) && monitor.num_threads > 0, `monitor ${JSON.stringify(monitor)}`);
  const cpus = await value(client.call(`${prefix}get_cpus`));
  const affinity = await value(client.call(`${prefix}set_cpu_affinity`, { argsDict: { cpus, relative: false } }));
  expectEqual(affinity, cpus, 'affinity');
});

await check('gets an error with URI and sentence', async () => {
  const error = await rejection(client.call(`${prefix}set_cpu_affinity`, { argsList: [[]] }));
  expectEqual(error.errorUri, 'wamp.error.invalid_argument', 'URI');
  expect(error.argsList[0].includes('cpus'), `sentence ${error.argsList[0]}`);
});

await check('subscribes to the events of the management API', async () => {
  const events = new Collector(3);
  const topic = `${prefix}on_process_stats`;
  const subscription = await client.subscribe(topic, ({ argsList }) => events.push(argsList[0].seq));
  await other.call(`${prefix}set_process_stats_monitoring`, [0.05]);
  const [first, ...rest] = await events.promise;
  expectEqual(rest, [first + 1, first + 2], 'seq');
  await other.call(`${prefix}set_process_stats_monitoring`, [0]);
  await client.unsubscribe(subscription.subscriptionKey);
});

await check('publishes, acknowledged, to a wildcard subscription', async () => {
  const events = new Collector(1);
  await client.subscribe('interop.wampy..end', (event) => events.push(event), { match: 'wildcard' });
  const published = await other.publish('interop.wampy.any.end', { argsList: [1], argsDict: { a: 'b' } });
  expect(published.publicationId > 0, 'publication id');
  const [event] = await events.promise;
  expectEqual([event.argsList, event.argsDict], [[1], { a: 'b' }], 'event');
  expectEqual(event.details.topic, 'interop.wampy.any.end', 'topic');
});

await check('publishes to one eligible session only', async () => {
  const got = [];
  const done = new Collector(1);
  await client.subscribe('interop.wampy.list', () => got.push('client'));
  await other.subscribe('interop.wampy.list', () => done.push('other'));
  const eligible = [other.getSessionId()];
  await client.publish('interop.wampy.list', null, { eligible, exclude_me: false });
  await done.promise;
  await client.call('wamp.session.count');
  expectEqual(got, [], 'events at the session that is not eligible');
});

await check('registers and is called, with progress', async () => {
  await client.register('interop.wampy.add', ({ argsList: [a, b] }) => ({ argsList: [a + b] }));
  expectEqual(await value(other.call('interop.wampy.add', [2, 3])), 5);
  await client.register('interop.wampy.progress', ({ result_handler: send }) => {
    send({ argsList: [1], options: { progress: true } });
    send({ argsList: [2], options: { progress: true } });
    return { argsList: ['end'] };
  });
  const got = [];
  const end = deferred();
  const progress_callback = ({ argsList }) => got.push(argsList[0]);
  other.call('interop.wampy.progress', null, { progress_callback }).then(end.resolve, end.reject);
  expectEqual((await end.promise).argsList, ['end'], 'result');
  expectEqual(got, [1, 2], 'progressive results');
});

for (const mode of ['skip', 'kill', 'killnowait']) {
  await check(`cancels a call, mode ${mode}`, async () => {
    const called = deferred();
    // wampy.js does not announce that it can be canceled: its caller must be answered all the same.
    await client.register(`interop.wampy.never.${mode}`, () => {
      called.resolve();
      return new Promise(() => {});
    });
    const call = other.call(`interop.wampy.never.${mode}`);
    const request = other.getOpStatus().reqId;
    await called.promise;
    expect(other.cancel(request, { mode }), 'CANCEL was not sent');
    const error = await rejection(call);
    expectEqual(error.errorUri, 'wamp.error.canceled', 'URI');
  });
}

await check('meta procedures', async () => {
  const count = await value(client.call('wamp.session.count'));
  const list = await value(client.call('wamp.session.list'));
  expectEqual(count, list.length, 'count');
  expect(list.includes(client.getSessionId()), 'own session is not listed');
});

await check('shares a registration', async () => {
  for (const [who, callee] of [client, other].entries()) {
    await callee.register('interop.wampy.shared', () => ({ argsList: [who] }), { invoke: 'roundrobin' });
  }
  const answers = [];
  for (let i = 0; i < 4; i++) answers.push(await value(client.call('interop.wampy.shared')));
  expectEqual(answers, [0, 1, 0, 1], 'who answered');
});

await check('lives on when its registration is taken away', async () => {
  // wampy.js does not announce that it understands: it must not be told.
  const { requestId } = await other.register('interop.wampy.displaced', () => ({ argsList: ['old'] }));
  expect(requestId > 0, 'request id');
  const registration = await value(client.call('wamp.registration.lookup', { argsList: ['interop.wampy.displaced'] }));
  const argsList = [registration, other.getSessionId()];
  await client.call('wamp.registration.remove_callee', { argsList });
  await client.register('interop.wampy.displaced', () => ({ argsList: ['new'] }));
  expectEqual(await value(other.call('interop.wampy.displaced')), 'new');
});

await check('leaves a testament, is killed, and the testament is retained', async () => {
  const events = new Collector(1);
  await other.subscribe('interop.wampy.will', ({ argsList }) => events.push(argsList));
  const victim = await open();
  // wampy.js has an option `retain` for publish and does not send it; here it is not its to send.
  const argsDict = { publish_options: { retain: true } };
  await victim.call('wamp.session.add_testament', { argsList: ['interop.wampy.will', ['bye'], {}], argsDict });
  const closed = deferred();
  victim.setOptions({ onClose: closed.resolve });
  await client.call('wamp.session.kill', { argsList: [victim.getSessionId()] });
  await closed.promise;
  expectEqual(await events.promise, [['bye']]);
  const retained = new Collector(1);
  const handler = ({ argsList, details }) => retained.push([argsList, details.retained]);
  await client.subscribe('interop.wampy.will', handler, { get_retained: true });
  expectEqual(await retained.promise, [[['bye'], true]]);
});

await check('closes', async () => {
  await client.disconnect();
  await other.disconnect();
});

process.exit(0);
