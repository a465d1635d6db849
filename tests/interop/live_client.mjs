// What wallets on @openid4vc share, whatever credentials they know: tokens, key proofs, requests and answers.

import { generateKeyPairSync } from "node:crypto";
import { Oauth2Client } from "@openid4vc/oauth2";
import { Openid4vciClient, setGlobalConfig } from "@openid4vc/openid4vci";
import { Openid4vpClient } from "@openid4vc/openid4vp";
import { callbacks, publicPart, signJwt } from "./keys.mjs";
import { fetchHere } from "./web.mjs";

setGlobalConfig({ allowInsecureUrls: true }); // plain http, which is for one machine only

export const keys = new Map();

export function newKey() {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const privateJwk = privateKey.export({ format: "jwk" });
  keys.set(privateJwk.x, privateJwk);
  return { method: "jwk", alg: "ES256", publicJwk: publicPart(privateJwk) };
}

const base = callbacks({});

// did:web, read over http because it is this machine.
async function keyOfDid(didUrl) {
  const host = decodeURIComponent(didUrl.split("#")[0].slice("did:web:".length));
  const document = await (await fetchHere(`http://${host}/.well-known/did.json`)).json();
  const method = document.verificationMethod.find(({ id }) => id === didUrl);
  if (!document.assertionMethod.includes(method.id)) throw new Error("that key of the DID signs no requests");
  return publicPart(method.publicKeyJwk);
}

export const own = {
  ...base,
  fetch: fetchHere,
  verifyJwt: async (signer, jwt) =>
    base.verifyJwt(signer.method === "did" ? { publicJwk: await keyOfDid(signer.didUrl) } : signer, jwt),
  signJwt: ({ publicJwk }, { header, payload }) => ({
    jwt: signJwt(header, payload, keys.get(publicJwk.x)),
    signerJwk: publicJwk,
  }),
};
export const wallet = new Openid4vciClient({ callbacks: own });
export const oauth = new Oauth2Client({ callbacks: own });
export const viewer = new Openid4vpClient({ callbacks: own });

export async function proofs({ issuerMetadata }, configuration, count) {
  const { c_nonce: nonce } = await wallet.requestNonce({ issuerMetadata });
  const signers = Array.from({ length: count }, newKey);
  const made = signers.map((signer) =>
    wallet.createCredentialRequestJwtProof({ issuerMetadata, credentialConfigurationId: configuration, signer, nonce }),
  );
  return { jwt: (await Promise.all(made)).map(({ jwt }) => jwt) };
}

// Where the package stands in the way, only its tokens and DPoP proofs are used.
export async function post(visit, url, body) {
  const { ok, response } = await oauth.resourceRequest({
    callbacks: own,
    url,
    accessToken: visit.token.access_token,
    dpop: visit.dpop,
    requestOptions: {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    },
  });
  if (!ok) throw new Error(await response.text());
  return response.json();
}

// By its identifier. The package always sends the configuration too, which OpenID4VCI 1.0 §8.2 forbids.
export const askByIdentifier = async (visit, configuration, identifier, count) =>
  post(visit, visit.issuerMetadata.credentialIssuer.credential_endpoint, {
    credential_identifier: identifier,
    ...(count > 0 && { proofs: await proofs(visit, configuration, count) }),
  });

// Take the token of an offer.
export async function redeem({ offer, txCode, bearer }) {
  const credentialOffer = await wallet.resolveCredentialOffer(offer);
  const issuerMetadata = await wallet.resolveIssuerMetadata(credentialOffer.credential_issuer);
  const dpop = bearer ? undefined : { signer: newKey() };
  const { accessTokenResponse: token } = await wallet.retrievePreAuthorizedCodeAccessTokenFromOffer({
    credentialOffer,
    issuerMetadata,
    txCode,
    dpop,
  });
  return { credentialOffer, issuerMetadata, token, dpop };
}

// Each thing that the token opens, with its configuration.
export function* opened({ issuerMetadata, token }) {
  const configurations = issuerMetadata.credentialIssuer.credential_configurations_supported;
  for (const { credential_configuration_id: id, credential_identifiers: identifiers } of token.authorization_details ?? [])
    for (const identifier of identifiers) yield { id, identifier, configuration: configurations[id] };
}

export const accept = ({ issuerMetadata, token, dpop }, notificationId) =>
  wallet.sendNotification({
    issuerMetadata,
    notification: { notificationId, event: "credential_accepted" },
    accessToken: token.access_token,
    dpop,
  });

export async function readRequest(link) {
  const { params } = viewer.parseOpenid4vpAuthorizationRequest({ authorizationRequest: link });
  return viewer.resolveOpenId4vpAuthorizationRequest({ authorizationRequestPayload: params });
}

// Send an answer; `enc` is how the wallet can encrypt, if it is to.
export async function send(payload, vpToken, enc) {
  const response = await viewer.createOpenid4vpAuthorizationResponse({
    authorizationRequestPayload: payload,
    authorizationResponsePayload: { vp_token: vpToken },
    jarm: enc && {
      encryption: {},
      serverMetadata: {
        authorization_encryption_alg_values_supported: ["ECDH-ES"],
        authorization_encryption_enc_values_supported: [enc],
        authorization_signing_alg_values_supported: [],
      },
    },
  });
  const { response: reply } = await viewer.submitOpenid4vpAuthorizationResponse({
    authorizationRequestPayload: payload,
    ...response,
  });
  const said = await reply.text();
  if (!reply.ok) throw new Error(said);
  return JSON.parse(said);
}
