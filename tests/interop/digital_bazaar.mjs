// An issuer, holder and verifier of W3C credentials on Digital Bazaar's packages. It fetches nothing: what it may read
// beside the contexts that its packages bring, it is told.

import * as Bls12381Multikey from "@digitalbazaar/bls12-381-multikey";
import * as EcdsaMultikey from "@digitalbazaar/ecdsa-multikey";
import * as Ed25519Multikey from "@digitalbazaar/ed25519-multikey";
import * as bbs2023 from "@digitalbazaar/bbs-2023-cryptosuite";
import { DataIntegrityProof } from "@digitalbazaar/data-integrity";
import { cryptosuite as ecdsaRdfc2019 } from "@digitalbazaar/ecdsa-rdfc-2019-cryptosuite";
import * as ecdsaSd2023 from "@digitalbazaar/ecdsa-sd-2023-cryptosuite";
import { cryptosuite as eddsaRdfc2022 } from "@digitalbazaar/eddsa-rdfc-2022-cryptosuite";
import * as vc from "@digitalbazaar/vc";
import jsonld from "jsonld";
import { converse } from "./speak.mjs";

const documents = new Map();
const keys = new Map();

const generators = {
  Ed25519: () => Ed25519Multikey.generate(),
  "P-256": () => EcdsaMultikey.generate({ curve: "P-256" }),
  "P-384": () => EcdsaMultikey.generate({ curve: "P-384" }),
  "BLS12-381": () =>
    Bls12381Multikey.generateBbsKeyPair({ algorithm: Bls12381Multikey.ALGORITHMS.BBS_BLS12381_SHA256 }),
};

const whole = { "eddsa-rdfc-2022": eddsaRdfc2022, "ecdsa-rdfc-2019": ecdsaRdfc2019 };
const inParts = { "ecdsa-sd-2023": ecdsaSd2023, "bbs-2023": bbs2023 };

const bytes = (text) => (text === undefined ? undefined : new Uint8Array(Buffer.from(text, "base64url")));

// A DID with a fragment is one of its document's verification methods.
async function documentLoader(url) {
  const known = documents.get(url.split("#")[0]);
  if (!known) return vc.defaultDocumentLoader(url);
  if (!url.includes("#")) return { contextUrl: null, documentUrl: url, document: known };
  const method = known.verificationMethod.find(({ id }) => id === url);
  if (!method) throw new Error(`no ${url} in its document`);
  return { contextUrl: null, documentUrl: url, document: { "@context": known["@context"], ...method } };
}

function suiteToVerify(name, header) {
  const cryptosuite =
    whole[name] ?? inParts[name].createVerifyCryptosuite({ expectedPresentationHeader: bytes(header) });
  return new DataIntegrityProof({ cryptosuite });
}

const suiteToSign = (name, { method, mandatory, now }) =>
  new DataIntegrityProof({
    date: now,
    signer: Object.assign(keys.get(method).signer(), { id: method }),
    cryptosuite: whole[name] ?? inParts[name].createSignCryptosuite({ mandatoryPointers: mandatory }),
  });

function refuse({ verified, error, credentialResults = [] }) {
  if (verified) return;
  const errors = [error, ...credentialResults.map((each) => each.error)].filter(Boolean);
  throw new Error(errors.flatMap((each) => [each, ...(each.errors ?? [])]).map(({ message }) => message).join("; "));
}

await converse({
  know: ({ url, document }) => void documents.set(url, document),
  // The DID document is the Python side's: it knows did:key by itself.
  makeKey: async ({ kind }) => {
    const pair = await generators[kind]();
    const { publicKeyMultibase } = await pair.export({ publicKey: true });
    const did = `did:key:${publicKeyMultibase}`;
    keys.set(`${did}#${publicKeyMultibase}`, pair);
    return did;
  },
  canonize: ({ document }) =>
    jsonld.canonize(document, { documentLoader, safe: true, algorithm: "RDFC-1.0", format: "application/n-quads" }),
  issue: ({ credential, suite, method, mandatory, now }) =>
    vc.issue({ credential, suite: suiteToSign(suite, { method, mandatory, now }), documentLoader, now }),
  derive: ({ secured, suite, selective, header }) => {
    const options = { selectivePointers: selective, presentationHeader: bytes(header) };
    const cryptosuite = inParts[suite].createDiscloseCryptosuite(options);
    return vc.derive({ verifiableCredential: secured, suite: new DataIntegrityProof({ cryptosuite }), documentLoader });
  },
  verify: async ({ secured, suite, header, now }) =>
    refuse(await vc.verifyCredential({ credential: secured, suite: suiteToVerify(suite, header), documentLoader, now })),
  present: ({ credentials, suite, method, challenge, domain, holder, now }) => {
    const presentation = vc.createPresentation({ verifiableCredential: credentials, holder, now, version: 2.0 });
    const signer = suiteToSign(suite, { method, now });
    return vc.signPresentation({ presentation, suite: signer, challenge, domain, documentLoader });
  },
  verifyPresentation: async ({ presentation, suites, challenge, domain, now }) =>
    refuse(
      await vc.verify({ presentation, suite: suites.map((name) => suiteToVerify(name)), challenge, domain, documentLoader, now }),
    ),
});
