// W3C credentials with Data Integrity proofs on Digital Bazaar's packages: what their issuers, holders and verifiers share.

import * as Bls12381Multikey from "@digitalbazaar/bls12-381-multikey";
import * as EcdsaMultikey from "@digitalbazaar/ecdsa-multikey";
import * as Ed25519Multikey from "@digitalbazaar/ed25519-multikey";
import * as bbs2023 from "@digitalbazaar/bbs-2023-cryptosuite";
import { DataIntegrityProof } from "@digitalbazaar/data-integrity";
import { cryptosuite as ecdsaRdfc2019 } from "@digitalbazaar/ecdsa-rdfc-2019-cryptosuite";
import * as ecdsaSd2023 from "@digitalbazaar/ecdsa-sd-2023-cryptosuite";
import { cryptosuite as eddsaRdfc2022 } from "@digitalbazaar/eddsa-rdfc-2022-cryptosuite";
import * as vc from "@digitalbazaar/vc";
import * as statusLists from "@digitalbazaar/vc-bitstring-status-list";
import { createHash } from "node:crypto";
import { fetchHere } from "./web.mjs";

const documents = new Map();
const keys = new Map();

// Beside the contexts that the packages bring, they read what they are told, and what this machine serves.
export const know = (url, document) => void documents.set(url, document);

// did:web and status lists, over http because it is this machine.
async function fetchDocument(url) {
  const host = url.startsWith("did:web:") && decodeURIComponent(url.slice("did:web:".length));
  if (!host && !url.startsWith("http://")) return vc.defaultDocumentLoader(url);
  const headers = { accept: "application/vc, application/did, application/json" };
  const reply = await fetchHere(host ? `http://${host}/.well-known/did.json` : url, { headers });
  return { contextUrl: null, documentUrl: url, document: await reply.json() };
}

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
export async function documentLoader(url) {
  const [base, fragment] = url.split("#");
  const known = documents.get(base) ?? (await fetchDocument(base)).document;
  if (!fragment) return { contextUrl: null, documentUrl: url, document: known };
  const method = known.verificationMethod.find(({ id }) => id === url);
  if (!method) throw new Error(`no ${url} in its document`);
  return { contextUrl: null, documentUrl: url, document: { "@context": known["@context"], ...method } };
}

// The DID of a new key, with which `suiteToSign` signs. Its document is for others to write.
export async function makeKey(kind) {
  const pair = await generators[kind]();
  const { publicKeyMultibase } = await pair.export({ publicKey: true });
  const did = `did:key:${publicKeyMultibase}`;
  keys.set(`${did}#${publicKeyMultibase}`, pair);
  return did;
}

export function suiteToVerify(name, header) {
  const cryptosuite =
    whole[name] ?? inParts[name].createVerifyCryptosuite({ expectedPresentationHeader: bytes(header) });
  return new DataIntegrityProof({ cryptosuite });
}

export const suiteToSign = (name, { method, mandatory, now }) =>
  new DataIntegrityProof({
    date: now,
    signer: Object.assign(keys.get(method).signer(), { id: method }),
    cryptosuite: whole[name] ?? inParts[name].createSignCryptosuite({ mandatoryPointers: mandatory }),
  });

export function refuse({ verified, error, credentialResults = [] }) {
  if (verified) return;
  const errors = [error, ...credentialResults.map((each) => each.error)].filter(Boolean);
  throw new Error(errors.flatMap((each) => [each, ...(each.errors ?? [])]).map(({ message }) => message).join("; "));
}

export function derive(verifiableCredential, { suite, selective, header }) {
  const cryptosuite = inParts[suite].createDiscloseCryptosuite({
    selectivePointers: selective,
    presentationHeader: bytes(header),
  });
  return vc.derive({ verifiableCredential, suite: new DataIntegrityProof({ cryptosuite }), documentLoader });
}

// Verify a credential; return its status, if it has one.
export async function verify(credential, { suite, header, now }) {
  let status;
  const proof = suiteToVerify(suite, header);
  const checkStatus = async ({ credential: checked }) => {
    const found = await statusLists.checkStatus({ credential: checked, suite: proof, documentLoader });
    status = found.results?.map((each) => each.status);
    return found;
  };
  refuse(await vc.verifyCredential({ credential, suite: proof, documentLoader, checkStatus, now }));
  return { status };
}

export function present(credentials, { suite, method, challenge, domain, holder, now }) {
  const presentation = vc.createPresentation({ verifiableCredential: credentials, holder, now, version: 2.0 });
  const signer = suiteToSign(suite, { method, now });
  return vc.signPresentation({ presentation, suite: signer, challenge, domain, documentLoader });
}

// What a proof signs to answer a request: a hash of whoever asks, of the nonce and of where the answer goes. The members
// stand in JCS's order.
export const headerOf = ({ client_id: aud, nonce, response_uri }) =>
  createHash("sha256").update(JSON.stringify({ aud, nonce, response_uri })).digest("base64url");
