// Owns a request as a program sends it, with the headers that it is given and no others: fetch() says of itself that it is
// a page's script. Does not know what is asked.

import { request } from 'node:http';

/** Asks; answers status, headers, text, and the body where it is JSON. Follows no redirect. */
export function ask(url, { method = 'GET', headers = {}, body } = {}) {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, agent: false }, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk)).on('error', reject);
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const isJson = answer.headers['content-type']?.startsWith('application/json') && text;
        resolve({ status: answer.statusCode, headers: answer.headers, text, body: isJson ? JSON.parse(text) : undefined });
      });
    });
    asked.on('error', reject).end(body);
  });
}
