// A page of a tool calls the authority itself, by gRPC-Web, with the key of a caller.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startChromium } from '../browser/chromium.mjs';
import { startWorld } from '../browser/gatelodge.mjs';
import { startApplication } from './application.mjs';

const stops = [];
let page, tool, world;

before(async () => {
  tool = await startApplication();
  stops.push(tool.stop);
  const grpc_web = { enabled: true, allowed_origins: [`http://127.0.0.1:${tool.port}`] };
  world = await startWorld({ store: 'embedded', more: { server: { grpc_web } } });
  stops.push(world.stop);
  const chromium = await startChromium();
  stops.push(chromium.stop);
  page = await (await chromium.person()).tab();
});

after(async () => { for (const stop of stops.splice(0).reverse()) await stop(); });

/** Calls with an empty message; answers the message's first byte, and what stands at the end. */
const call = (method) => page.evaluate(async ({ address, method, key }) => {
  const headers = { 'content-type': 'application/grpc-web+proto', 'x-grpc-web': '1', authorization: `Bearer ${key}` };
  const response = await fetch(`http://${address}/gatelodge.v1.${method}`, { method: 'POST', headers, body: new Uint8Array(5) });
  const bytes = new Uint8Array(await response.arrayBuffer());
  return { status: response.headers.get('grpc-status'), kind: bytes[0], text: new TextDecoder().decode(bytes) };
}, { address: world.address, method, key: world.edgeKey });

test('a page calls what its key may, and is told what it may not', async () => {
  await page.goto(`http://127.0.0.1:${tool.port}/`);
  const listed = await call('LoginService/ListProviders');
  assert.equal(listed.kind, 0);
  assert.match(listed.text, /dev/);
  assert.match(listed.text, /grpc-status:0/);
  assert.equal((await call('AdminService/ListSessions')).status, '7');
});

test('a page of another origin is not let in by the browser', async () => {
  await page.goto(`http://localhost:${tool.port}/`);
  await assert.rejects(call('LoginService/ListProviders'), /Failed to fetch/);
});
