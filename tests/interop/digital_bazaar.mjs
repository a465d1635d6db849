// An issuer, holder and verifier of W3C credentials on Digital Bazaar's packages. It fetches nothing.

import * as vc from "@digitalbazaar/vc";
import * as statusLists from "@digitalbazaar/vc-bitstring-status-list";
import jsonld from "jsonld";
import { derive, documentLoader, know, makeKey, present, refuse, suiteToSign, suiteToVerify, verify } from "./linked.mjs";
import { converse } from "./speak.mjs";

await converse({
  know: ({ url, document }) => know(url, document),
  makeKey: ({ kind }) => makeKey(kind),
  canonize: ({ document }) =>
    jsonld.canonize(document, { documentLoader, safe: true, algorithm: "RDFC-1.0", format: "application/n-quads" }),
  issue: ({ credential, suite, method, mandatory, now }) =>
    vc.issue({ credential, suite: suiteToSign(suite, { method, mandatory, now }), documentLoader, now }),
  derive: ({ secured, ...request }) => derive(secured, request),
  verify: ({ secured, ...request }) => verify(secured, request),
  present: ({ credentials, ...request }) => present(credentials, request),
  verifyPresentation: async ({ presentation, suites, challenge, domain, now }) => {
    const suite = suites.map((name) => suiteToVerify(name));
    refuse(await vc.verify({ presentation, suite, challenge, domain, documentLoader, now }));
  },
  // The credential of a status list, unsigned, with some entries set.
  listStatuses: async ({ url, length, set, purpose }) => {
    const list = await statusLists.createList({ length });
    for (const index of set) list.setStatus(index, true);
    return statusLists.createCredential({ id: url, list, statusPurpose: purpose });
  },
});
