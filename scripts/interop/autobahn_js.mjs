// autobahn-js as a client: node autobahn_js.mjs URL PREFIX, where PREFIX is that of a process on the bus.

import autobahn from 'autobahn';
import when from 'when';

import { check, Collector, deferred, expect, expectEqual, rejection } from './check.mjs';

const [url, prefix] = process.argv.slice(2);

function open() {
  return new Promise((resolve, reject) => {
    // What a procedure throws is what its caller gets: nothing else is to be done about it here.
    const on_user_error = () => {};
    // The promises of `when` tell of progress; those of the language do not.
    const use_deferred = when.defer;
    const connection = new autobahn.Connection({ url, realm: 'realm1', max_retries: 0, on_user_error, use_deferred });
    connection.onopen = (session) => resolve({ connection, session });
    connection.onclose = (reason, details) => reject(new Error(`${reason}: ${JSON.stringify(details)}`));
    connection.open();
  });
}

// autobahn-js has promises of its own; a plain one keeps stack and type of what is thrown.
const plain = (promise) => new Promise((resolve, reject) => promise.then(resolve, reject));

const { connection: firstConnection, session } = await open();
const { connection: secondConnection, session: other } = await open();

await check('calls the management API', async () => {
  const now = await session.call(`${prefix}utcnow`);
  expect(Math.abs(Date.parse(now) - Date.now()) < 2000, `utcnow ${now}`);
  const stats = await session.call(`${prefix}get_process_stats`);
  expect(Number.isInteger(stats.pid) && stats.resident > 0, `stats ${JSON.stringify(stats)}`);
  const cpus = await session.call(`${prefix}get_cpus`);
  expectEqual(await session.call(`${prefix}set_cpu_affinity`, [], { cpus, relative: false }), cpus, 'affinity');
});

await check('gets an error with URI and sentence', async () => {
  const error = await rejection(plain(session.call(`${prefix}get_cpu_count`, ['x'])));
  expectEqual(error.error, 'wamp.error.invalid_argument', 'URI');
  expect(error.args[0].includes('logical'), `sentence ${error.args[0]}`);
});

await check('subscribes to the events of the management API', async () => {
  const events = new Collector(3);
  const subscription = await session.subscribe(`${prefix}on_process_stats`, (args) => events.push(args[0].seq));
  await other.call(`${prefix}set_process_stats_monitoring`, [0.05]);
  const [first, ...rest] = await events.promise;
  expectEqual(rest, [first + 1, first + 2], 'seq');
  await other.call(`${prefix}set_process_stats_monitoring`, [0]);
  await session.unsubscribe(subscription);
});

await check('publishes, acknowledged, with exclude_me false', async () => {
  const events = new Collector(2);
  const handler = (args, kwargs, details) => events.push([args, kwargs, details.topic]);
  await session.subscribe('interop.js.topic', handler, { match: 'prefix' });
  const options = { acknowledge: true, exclude_me: false };
  const publication = await session.publish('interop.js.topic.one', [1, null], { a: 'b' }, options);
  expect(publication.id > 0, 'publication id');
  await other.publish('interop.js.topic.two', [], {}, { acknowledge: true });
  const [one, two] = await events.promise;
  expectEqual([one[0], { ...one[1] }, one[2]], [[1, null], { a: 'b' }, 'interop.js.topic.one'], 'first event');
  expectEqual(two[2], 'interop.js.topic.two', 'topic of the second event');
});

await check('registers and is called, with error and progress', async () => {
  await session.register('interop.js.add', ([a, b]) => a + b);
  expectEqual(await other.call('interop.js.add', [2, 3]), 5);
  await session.register('interop.js.fail', () => {
    throw new autobahn.Error('interop.error.js', ['why'], { code: 7 });
  });
  const error = await rejection(plain(other.call('interop.js.fail')));
  expectEqual([error.error, error.args, error.kwargs.code], ['interop.error.js', ['why'], 7]);
  await session.register('interop.js.progress', (args, kwargs, details) => {
    for (let i = 0; i < args[0]; i++) details.progress([i]);
    return 'end';
  });
  const got = [];
  const call = other.call('interop.js.progress', [3], {}, { receive_progress: true });
  const end = await new Promise((resolve, reject) => call.then(resolve, reject, (value) => got.push(value)));
  expectEqual([got, end], [[0, 1, 2], 'end']);
});

await check('cancels a call', async () => {
  // autobahn-js does not announce that it can be canceled: its caller must be answered all the same.
  await session.register('interop.js.never', () => new Promise(() => {}));
  const call = other.call('interop.js.never');
  call.cancel({ mode: 'kill' });
  const error = await rejection(plain(call));
  expectEqual(error.error, 'wamp.error.canceled', 'URI');
});

await check('a second registration is refused', async () => {
  const error = await rejection(plain(other.register('interop.js.add', () => 1)));
  expectEqual(error.error, 'wamp.error.procedure_already_exists', 'URI');
});

await check('unregisters', async () => {
  const registration = await session.register('interop.js.gone', () => 1);
  await session.unregister(registration);
  const error = await rejection(plain(other.call('interop.js.gone')));
  expectEqual(error.error, 'wamp.error.no_such_procedure', 'URI');
});

await check('shares a registration', async () => {
  for (const [who, callee] of [session, other].entries()) {
    await callee.register('interop.js.shared', () => who, { invoke: 'roundrobin' });
  }
  const answers = [];
  for (let i = 0; i < 4; i++) answers.push(await session.call('interop.js.shared'));
  expectEqual(answers, [0, 1, 0, 1], 'who answered');
  const error = await rejection(plain(session.register('interop.js.add', () => 1, { invoke: 'last' })));
  expectEqual(error.error, 'wamp.error.procedure_already_exists', 'URI');
});

await check('is told that its registration was taken away', async () => {
  const registration = await session.register('interop.js.displaced', () => 'old');
  const revoked = plain(registration.on_unregister);
  await other.register('interop.js.displaced', () => 'new', { force_reregister: true });
  expectEqual(await revoked, 'wamp.error.unregistered', 'reason');
  expectEqual(await session.call('interop.js.displaced'), 'new');
});

await check('gets a retained event', async () => {
  await session.publish('interop.js.kept', [7], {}, { retain: true, acknowledge: true });
  const events = new Collector(1);
  const handler = (args, kwargs, details) => events.push([args, details.retained]);
  await other.subscribe('interop.js.kept', handler, { get_retained: true });
  expectEqual(await events.promise, [[[7], true]]);
});

await check('leaves a testament, and is killed with a reason', async () => {
  const events = new Collector(1);
  await other.subscribe('interop.js.will', (args, kwargs) => events.push([args, kwargs.name]));
  const { connection, session: victim } = await open();
  await victim.call('wamp.session.add_testament', ['interop.js.will', ['bye'], { name: 'js' }], { scope: 'destroyed' });
  const closed = deferred();
  connection.onclose = (reason, details) => closed.resolve(details.reason);
  await session.call('wamp.session.kill', [victim.id], { reason: 'interop.js.why' });
  expectEqual(await closed.promise, 'interop.js.why', 'reason');
  expectEqual(await events.promise, [[['bye'], 'js']]);
});

await check('closes with GOODBYE and its answer', async () => {
  for (const connection of [firstConnection, secondConnection]) {
    await new Promise((resolve, reject) => {
      connection.onclose = (reason, details) =>
        reason === 'closed' ? resolve() : reject(new Error(`${reason} ${details.reason}`));
      connection.close();
    });
  }
});

process.exit(0);
