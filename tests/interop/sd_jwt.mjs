// SD-JWT VCs on @sd-jwt, for parties that know an issuer by its certificate.

import { X509Certificate } from "node:crypto";
import { digest, ES256, generateSalt } from "@sd-jwt/crypto-nodejs";
import { getListFromStatusListJWT } from "@sd-jwt/jwt-status-list";
import { SDJwtVcInstance } from "@sd-jwt/sd-jwt-vc";
import { publicPart } from "./keys.mjs";
import { fetchHere } from "./web.mjs";

const base = { hasher: digest, hashAlg: "sha-256", saltGenerator: generateSalt };

export const decode = (jwt, part) => JSON.parse(Buffer.from(jwt.split(".")[part], "base64url"));

// The key of a certificate that the authority signed, and for this host.
export function certifiedKey([first], { anchor, host }) {
  const leaf = new X509Certificate(Buffer.from(first, "base64"));
  if (!leaf.verify(new X509Certificate(anchor).publicKey)) throw new Error("nobody trusted certifies that key");
  if (!leaf.checkHost(host)) throw new Error(`the certificate is not for ${host}`);
  return publicPart(leaf.publicKey.export({ format: "jwk" }));
}

const certifiedVerifier = async (jwt, anchor) => {
  const { hostname } = new URL(decode(jwt, 1).iss ?? decode(jwt, 1).sub);
  return ES256.getVerifier(certifiedKey(decode(jwt, 0).x5c, { anchor, host: hostname }));
};

const lists = new Map();

async function fetchStatusList(uri) {
  if (!lists.has(uri)) {
    const reply = await fetchHere(uri, { headers: { accept: "application/statuslist+jwt" } });
    lists.set(uri, await reply.text());
  }
  return lists.get(uri);
}

// What a list says of one entry, asked anew.
export async function readStatus(uri, index, { anchor }) {
  lists.delete(uri);
  const token = await fetchStatusList(uri);
  const [header, payload, signature] = token.split(".");
  const verify = await certifiedVerifier(token, anchor);
  if (!(await verify(`${header}.${payload}`, signature))) throw new Error("the list is not the issuer's");
  return getListFromStatusListJWT(token).getStatus(index);
}

// Verify a credential, or a presentation if there is a nonce: signatures, status list, and what its type says.
export async function verifyVc(text, { anchor, nonce, required, types }) {
  const { status } = decode(text, 1);
  const verifier = new SDJwtVcInstance({
    ...base,
    verifier: await certifiedVerifier(text.split("~")[0], anchor),
    kbVerifier: async (data, signature, payload) => (await ES256.getVerifier(payload.cnf.jwk))(data, signature),
    statusListFetcher: fetchStatusList,
    statusVerifier: async (data, signature) =>
      (await certifiedVerifier(lists.get(status.status_list.uri), anchor))(data, signature),
    loadTypeMetadataFormat: types !== undefined,
    vctFetcher: async (vct) => (await fetchHere(types[vct], { headers: { accept: "application/json" } })).json(),
  });
  return verifier.verify(text, { keyBindingNonce: nonce, requiredClaimKeys: required });
}

export async function issueVc(payload, { privateJwk, header, hidden }) {
  const issuer = new SDJwtVcInstance({ ...base, signer: await ES256.getSigner(privateJwk), signAlg: "ES256" });
  return issuer.issue(payload, { _sd: hidden }, { header });
}

export async function presentVc(credential, { privateJwk, disclose, audience, nonce }) {
  const wallet = new SDJwtVcInstance({ ...base, kbSigner: await ES256.getSigner(privateJwk), kbSignAlg: "ES256" });
  const frame = Object.fromEntries(disclose.map((name) => [name, true]));
  const iat = Math.floor(Date.now() / 1000);
  return wallet.present(credential, frame, { kb: { payload: { iat, aud: audience, nonce } } });
}
