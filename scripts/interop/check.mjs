// Counted checks for the Node clients: one line of JSON each on stdout, {"check": NAME, "error": TEXT or null}.
// `node_clients.py` reads them and counts them with all others.

import { isDeepStrictEqual } from 'node:util';

// No single check may hang the run, as in check.py.
const DEADLINE_MS = 20_000;

export async function check(name, body) {
  let timer;
  const deadline = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${DEADLINE_MS} ms`)), DEADLINE_MS);
  });
  let error = null;
  try {
    await Promise.race([body(), deadline]);
  } catch (thrown) {
    error = thrown instanceof Error ? thrown.message : JSON.stringify(thrown);
  } finally {
    clearTimeout(timer);
  }
  console.log(JSON.stringify({ check: name, error }));
}

export function expect(condition, message) {
  if (!condition) throw new Error(message);
}

export function expectEqual(got, want, what = 'value') {
  if (!isDeepStrictEqual(got, want)) {
    throw new Error(`${what}: expected ${JSON.stringify(want)}, got ${JSON.stringify(got)}`);
  }
}

// The rejection of a promise that must not be fulfilled.
export async function rejection(promise) {
  let value;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }
  throw new Error(`expected an error, got ${JSON.stringify(value)}`);
}

// A promise with its resolve and reject, for what a callback brings.
export function deferred() {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
}

// Resolves with the first `count` values pushed.
export class Collector {
  constructor(count) {
    this.values = [];
    this.count = count;
    Object.assign(this, deferred());
  }

  push(value) {
    this.values.push(value);
    if (this.values.length === this.count) this.resolve(this.values);
  }
}
