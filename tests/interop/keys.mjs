// ES256 and ECDH-ES with Node's own cryptography: the callbacks that the OpenID4VC packages leave to their user.

import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  randomBytes,
  sign,
  verify,
  X509Certificate,
} from "node:crypto";

const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

export const publicPart = ({ kty, crv, x, y }) => ({ kty, crv, x, y });

export function signJwt(header, payload, privateJwk) {
  const input = `${encode(header)}.${encode(payload)}`;
  const key = { key: createPrivateKey({ key: privateJwk, format: "jwk" }), dsaEncoding: "ieee-p1363" };
  return `${input}.${sign("sha256", Buffer.from(input), key).toString("base64url")}`;
}

function verifyJwt(signer, { compact }) {
  const key =
    signer.method === "x5c"
      ? new X509Certificate(Buffer.from(signer.x5c[0], "base64")).publicKey
      : createPublicKey({ key: signer.publicJwk, format: "jwk" });
  const [header, payload, signature] = compact.split(".");
  const verified = verify(
    "sha256",
    Buffer.from(`${header}.${payload}`),
    { key, dsaEncoding: "ieee-p1363" },
    Buffer.from(signature, "base64url"),
  );
  return { verified, signerJwk: publicPart(key.export({ format: "jwk" })) };
}

const number = (value) => Buffer.from([0, 0, value >> 8, value & 255]);
const sized = (value) => Buffer.concat([number(value.length), value]);

const BITS = { A128GCM: 128, A256GCM: 256 };

// RFC 7518 §4.6, direct: what both agree on is the key of the content.
function agree(privateKey, publicKey, { enc, apu, apv }) {
  const agreed = diffieHellman({ privateKey, publicKey });
  const parties = [apu, apv].map((each) => sized(Buffer.from(each ?? "", "base64url")));
  const info = [number(1), agreed, sized(Buffer.from(enc)), ...parties, number(BITS[enc])];
  return createHash("sha256").update(Buffer.concat(info)).digest().subarray(0, BITS[enc] / 8);
}

export function encryptJwe({ publicJwk, alg, enc, apu, apv }, data) {
  const passing = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const recipient = createPublicKey({ key: publicPart(publicJwk), format: "jwk" });
  const key = agree(passing.privateKey, recipient, { enc, apu, apv });
  const epk = publicPart(passing.publicKey.export({ format: "jwk" }));
  const header = encode({ alg, enc, kid: publicJwk.kid, epk, apu, apv });
  const iv = randomBytes(12);
  const cipher = createCipheriv(`aes-${BITS[enc]}-gcm`, key, iv).setAAD(Buffer.from(header));
  const sealed = Buffer.concat([cipher.update(data), cipher.final()]);
  const parts = [iv, sealed, cipher.getAuthTag()].map((part) => part.toString("base64url"));
  return { jwe: [header, "", ...parts].join("."), encryptionJwk: publicJwk };
}

export function decryptJwe(jwe, privateJwk) {
  const [head, , iv, sealed, tag] = jwe.split(".");
  const header = JSON.parse(Buffer.from(head, "base64url"));
  const mine = createPrivateKey({ key: privateJwk, format: "jwk" });
  const key = agree(mine, createPublicKey({ key: header.epk, format: "jwk" }), header);
  const cipher = createDecipheriv(`aes-${BITS[header.enc]}-gcm`, key, Buffer.from(iv, "base64url"));
  cipher.setAAD(Buffer.from(head)).setAuthTag(Buffer.from(tag, "base64url"));
  const payload = Buffer.concat([cipher.update(Buffer.from(sealed, "base64url")), cipher.final()]).toString();
  return { decrypted: true, decryptionJwk: publicPart(privateJwk), payload };
}

function readNames(certificate) {
  const names = new X509Certificate(Buffer.from(certificate, "base64")).subjectAltName ?? "";
  const listed = names.split(", ").filter((name) => name.startsWith("DNS:"));
  return { sanDnsNames: listed.map((name) => name.slice("DNS:".length)), sanUriNames: [] };
}

// `answers` maps a URL to what it answers with; `sent` collects what was sent, to be shown to our own parsers.
export function callbacks({ privateJwk, answers = {}, sent = [] }) {
  return {
    hash: (data, algorithm) => createHash(algorithm.replace("-", "")).update(data).digest(),
    generateRandom: (bytes) => randomBytes(bytes),
    signJwt: (_, { header, payload }) => ({
      jwt: signJwt(header, payload, privateJwk),
      signerJwk: publicPart(privateJwk),
    }),
    verifyJwt,
    encryptJwe,
    decryptJwe: (jwe) => decryptJwe(jwe, privateJwk),
    getX509CertificateMetadata: readNames,
    clientAuthentication: () => {},
    fetch: async (url, options = {}) => {
      const found = answers[String(url)];
      sent.push({
        url: String(url),
        method: options.method ?? "GET",
        headers: Object.fromEntries(new Headers(options.headers)),
        body: options.body === undefined ? null : String(options.body),
      });
      if (found === undefined) return new Response("{}", { status: 404 });
      return new Response(found.body, { status: found.status ?? 200, headers: { "content-type": found.type } });
    },
  };
}
