// Issuer, wallet and verifier of SD-JWT VCs, on @sd-jwt.

import { randomBytes } from "node:crypto";
import { digest, ES256 } from "@sd-jwt/crypto-nodejs";
import { SDJwtVcInstance } from "@sd-jwt/sd-jwt-vc";
import { converse } from "./speak.mjs";

// Salts as RFC 9901 §9.3 recommends them, and as all our credentials have them: the package's own are hexadecimal and
// shorter, by which a holder could be recognised, so our wallet refuses them.
const saltGenerator = () => randomBytes(16).toString("base64url");
const base = { hasher: digest, hashAlg: "sha-256", saltGenerator };

await converse({
  issue: async ({ privateKey, header, payload, frame }) => {
    const issuer = new SDJwtVcInstance({ ...base, signer: await ES256.getSigner(privateKey), signAlg: "ES256" });
    return issuer.issue(payload, frame, { header });
  },

  present: async ({ privateKey, credential, disclose, binding }) => {
    const wallet = new SDJwtVcInstance({ ...base, kbSigner: await ES256.getSigner(privateKey), kbSignAlg: "ES256" });
    const frame = Object.fromEntries(disclose.map((name) => [name, true]));
    return wallet.present(credential, frame, { kb: { payload: binding } });
  },

  verify: async ({ publicKey, text, nonce, required, at }) => {
    const verifier = new SDJwtVcInstance({
      ...base,
      verifier: await ES256.getVerifier(publicKey),
      kbVerifier: async (data, signature, payload) => (await ES256.getVerifier(payload.cnf.jwk))(data, signature),
    });
    return verifier.verify(text, { keyBindingNonce: nonce, requiredClaimKeys: required, currentDate: at });
  },
});
