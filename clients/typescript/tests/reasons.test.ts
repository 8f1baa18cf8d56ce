/** The classes of errors beside proto/REASONS.md, which the authority's own tests write. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as gatelodge from "gatelodge";

const page = readFileSync(new URL("../../../proto/REASONS.md", import.meta.url), "utf8");
const [, section = ""] = /^## ErrorReason$([^]*?)^## /m.exec(page) ?? [];
const rows = [...section.matchAll(/^\| `([A-Z_]+)` \| ([A-Z_]+)/gm)].map(([, reason = "", code = ""]) => ({
  reason,
  code,
}));

test("the page has reasons", () => {
  assert.ok(rows.length >= 20);
});

for (const { reason, code } of rows) {
  test(`${reason} has a class, under its own name`, () => {
    const name = `${reason.toLowerCase().replace(/(?:^|_)(.)/g, (_, letter: string) => letter.toUpperCase())}Error`;
    const error = gatelodge.errorOf({ code: code as gatelodge.Code, reason, message: "" });
    assert.equal(error.constructor, (gatelodge as Record<string, unknown>)[name]);
    assert.equal(error.name, name);
    assert.ok(error instanceof gatelodge.GatelodgeError);
    assert.equal(error.retryable, code === "UNAVAILABLE");
  });
}

test("no class is left over", () => {
  const own = ["GatelodgeError", "UnreachableError", "InconclusiveError", "OptionsError"];
  const classes = Object.keys(gatelodge).filter((name) => name.endsWith("Error") && !own.includes(name));
  assert.equal(classes.length, rows.length);
});
