// JSON on standard input and output. A request names an action; a reply is `{"result": ...}`, or `{"refused": "why"}`.

import { createInterface } from "node:readline";

// A request a line, a reply a line, until the input ends; what was started on the way ends with it.
export async function converse(actions) {
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(`${await reply(actions, line)}\n`);
  }
  process.exit(0);
}

async function reply(actions, text) {
  const { action, ...request } = JSON.parse(text);
  try {
    return JSON.stringify({ result: await actions[action](request) });
  } catch (error) {
    return JSON.stringify({ refused: explain(error) });
  }
}

function explain(error) {
  const cause = error.cause ? ` (${error.cause.message ?? error.cause})` : "";
  return `${error.name}: ${error.message}${cause}`;
}
