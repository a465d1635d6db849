// One request on standard input, one answer on standard output, both JSON: `{"result": ...}`, or `{"refused": "why"}`.

export async function answer(actions) {
  let text = "";
  for await (const chunk of process.stdin) text += chunk;
  const { action, ...request } = JSON.parse(text);
  let reply;
  try {
    reply = { result: await actions[action](request) };
  } catch (error) {
    reply = { refused: explain(error) };
  }
  process.stdout.write(JSON.stringify(reply));
}

function explain(error) {
  const cause = error.cause ? ` (${error.cause.message ?? error.cause})` : "";
  return `${error.name}: ${error.message}${cause}`;
}
