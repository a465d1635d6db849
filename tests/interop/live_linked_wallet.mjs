// A wallet on @openid4vc and Digital Bazaar's packages: of what it is offered it takes W3C credentials, and shows parts.

import { accept, askByIdentifier, opened, readRequest, redeem, send } from "./live_client.mjs";
import { derive, headerOf, know, makeKey, present, verify } from "./linked.mjs";
import { converse } from "./speak.mjs";

const held = [];

const pointers = (names) => names.map((name) => `/credentialSubject/${name}`);

// What is bound to nothing is good for them if all of it, shown, verifies; the package checks no base proofs.
async function check(credential) {
  const suite = credential.proof.cryptosuite;
  if (suite !== "bbs-2023") return verify(credential, { suite });
  const selective = pointers(Object.keys(credential.credentialSubject));
  return verify(await derive(credential, { suite, selective }), { suite });
}

const isKnown = ({ format, proof_types_supported: proofTypes }) =>
  format === "ldp_vc" && (proofTypes === undefined || "jwt" in proofTypes);

const fits = (credential, { format, meta, claims = [] }) =>
  format === "ldp_vc" &&
  credential.proof.cryptosuite === "bbs-2023" &&
  meta.type_values.some((types) => types.some((iri) => iri.endsWith(`:${credential.type.at(-1)}`))) &&
  claims.every(({ path: [, name], values }) => values?.includes(credential.credentialSubject[name]) ?? true);

// The first thing held that answers one of the questions; to `signed` ones an answer is bound to a key.
function choose({ credentials }, signed) {
  const isSigned = ({ require_cryptographic_holder_binding: bound }) => bound !== false;
  for (const query of credentials.filter((each) => isSigned(each) === signed)) {
    const credential = held.find((each) => fits(each, query));
    if (credential) return { query, credential };
  }
  throw new Error("nothing to show");
}

await converse({
  know: ({ url, document }) => know(url, document),
  // Everything in an offer that it knows.
  receive: async ({ offer, txCode }) => {
    const visit = await redeem({ offer, txCode });
    const kept = [];
    for (const { id, identifier, configuration } of opened(visit)) {
      if (!isKnown(configuration)) continue;
      const count = configuration.proof_types_supported ? 1 : 0;
      const answer = await askByIdentifier(visit, id, identifier, count);
      for (const { credential } of answer.credentials) {
        const { status } = await check(credential);
        held.push(credential);
        kept.push({ configuration: id, credential, status });
      }
      await accept(visit, answer.notification_id);
    }
    return kept;
  },
  // Answer a request with a part of a bbs-2023 credential: `signed`, in a presentation of a key of its own.
  present: async ({ link, signed }) => {
    const { authorizationRequestPayload: payload, dcql } = await readRequest(link);
    const { query, credential } = choose(dcql.query, signed);
    const selective = pointers(query.claims.map(({ path }) => path[1]));
    const header = signed ? undefined : headerOf(payload);
    const shown = await derive(credential, { suite: "bbs-2023", selective, header });
    if (!signed) return { shown, reply: await send(payload, { [query.id]: [shown] }) };
    const did = await makeKey("Ed25519");
    const presentation = await present([shown], {
      suite: "eddsa-rdfc-2022",
      method: `${did}#${did.slice("did:key:".length)}`,
      holder: did,
      challenge: payload.nonce,
      domain: payload.client_id,
    });
    return { shown, reply: await send(payload, { [query.id]: [presentation] }) };
  },
});
