// A wallet and a verifier on @openid4vc/openid4vp, given canned answers.

import { Openid4vpClient, Openid4vpVerifier } from "@openid4vc/openid4vp";
import { callbacks } from "./keys.mjs";
import { converse } from "./speak.mjs";

// What a wallet says that can encrypt in one way; the library looks it up there.
const encrypting = (enc) => ({
  encryption: {},
  serverMetadata: {
    authorization_encryption_alg_values_supported: ["ECDH-ES"],
    authorization_encryption_enc_values_supported: [enc],
    authorization_signing_alg_values_supported: [],
  },
});

await converse({
  // Read our request link and request object; answer it, and give back what would have been sent.
  respond: async ({ link, answers, vpToken, enc }) => {
    const sent = [];
    const wallet = new Openid4vpClient({ callbacks: callbacks({ answers, sent }) });
    const { params } = wallet.parseOpenid4vpAuthorizationRequest({ authorizationRequest: link });
    const request = await wallet.resolveOpenId4vpAuthorizationRequest({ authorizationRequestPayload: params });
    const payload = request.authorizationRequestPayload;
    const { authorizationResponsePayload, jarm } = await wallet.createOpenid4vpAuthorizationResponse({
      authorizationRequestPayload: payload,
      authorizationResponsePayload: { vp_token: vpToken },
      jarm: enc && encrypting(enc),
    });
    await wallet.submitOpenid4vpAuthorizationResponse({
      authorizationRequestPayload: payload,
      authorizationResponsePayload,
      jarm,
    });
    return { client: request.client, dcql: request.dcql, sent };
  },

  // Sign a request object as another verifier would.
  request: async ({ payload, requestUri, privateJwk, x5c }) => {
    const verifier = new Openid4vpVerifier({ callbacks: callbacks({ privateJwk }) });
    const { authorizationRequest, jar } = await verifier.createOpenId4vpAuthorizationRequest({
      authorizationRequestPayload: payload,
      jar: { requestUri, jwtSigner: { method: "x5c", alg: "ES256", x5c }, expiresInSeconds: 300 },
    });
    return { link: authorizationRequest, object: jar.authorizationRequestJwt };
  },

  // Read an answer that our wallet encrypted to the verifier's key.
  read: async ({ payload, response, privateJwk }) => {
    const own = callbacks({ privateJwk });
    const verifier = new Openid4vpVerifier({ callbacks: own });
    const read = await verifier.parseOpenid4vpAuthorizationResponse({
      callbacks: own,
      authorizationRequestPayload: payload,
      authorizationResponse: { response },
    });
    return read.authorizationResponsePayload;
  },
});
