// HTTP on this machine, for parties whose names end in `.localhost`: that is 127.0.0.1 (RFC 6761 §6.3), which Node.js
// leaves to the system's resolver, and not every system knows it.

import { createServer, request } from "node:http";

const PATIENCE_MS = 300_000; // as our own tests: the machine may be busy, or stand still for a while

export function fetchHere(address, { method = "GET", headers, body } = {}) {
  const { hostname, host, port, pathname, search } = new URL(address);
  if (!hostname.endsWith(".localhost")) throw new Error(`${hostname} is not on this machine`);
  const sent = { ...Object.fromEntries(new Headers(headers)), host };
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: "127.0.0.1", port, path: pathname + search, method, headers: sent, agent: false, timeout: PATIENCE_MS },
      async (incoming) => {
        const content = await collect(incoming);
        const about = { status: incoming.statusCode, headers: incoming.headers };
        resolve(new Response(incoming.statusCode === 204 ? null : content, about));
      },
    );
    outgoing.on("timeout", () => outgoing.destroy(new Error(`${host} does not answer`)));
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

// `answer` gets {method, path, headers, body} and gives {status, type, body}.
export async function listen(answer) {
  const server = createServer(async (incoming, outgoing) => {
    const body = (await collect(incoming)).toString();
    const headers = new Headers(incoming.headers);
    const given = await answer({ method: incoming.method, path: incoming.url, headers, body });
    const { status = 200, type = "application/json", body: said = {} } = given;
    outgoing.writeHead(status, { "content-type": type, "cache-control": "no-store" });
    outgoing.end(status === 204 ? undefined : typeof said === "string" ? said : JSON.stringify(said));
  });
  server.keepAliveTimeout = PATIENCE_MS;
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server.address().port;
}

async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
