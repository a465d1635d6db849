// A wallet on @openid4vc and @sd-jwt that receives from services on this machine and presents to them.

import { randomUUID } from "node:crypto";
import { clientAuthenticationNone, Oauth2Client } from "@openid4vc/oauth2";
import { Openid4vciClient } from "@openid4vc/openid4vci";
import {
  accept,
  askByIdentifier,
  keys,
  newKey,
  oauth,
  opened,
  own,
  post,
  proofs,
  readRequest,
  redeem,
  send,
  wallet,
} from "./live_client.mjs";
import { decode, presentVc, readStatus, verifyVc } from "./sd_jwt.mjs";
import { converse } from "./speak.mjs";
import { fetchHere } from "./web.mjs";

const held = [];
const visits = new Map();
const begun = new Map();

// By its configuration, as the package asks.
async function askByConfiguration(visit, configuration, count) {
  const { credentialResponse } = await wallet.retrieveCredentials({
    issuerMetadata: visit.issuerMetadata,
    credentialConfigurationId: configuration,
    accessToken: visit.token.access_token,
    proofs: await proofs(visit, configuration, count),
    dpop: visit.dpop,
  });
  return credentialResponse;
}

// What was put off. The package takes no answer that has both credentials and a notification_id, as §9.2 allows.
const fetchLater = (visit, transactionId) =>
  post(visit, visit.issuerMetadata.credentialIssuer.deferred_credential_endpoint, { transaction_id: transactionId });

async function keep(visit, { credentials, notification_id: notificationId }, { anchor, types }) {
  const kept = [];
  for (const { credential } of credentials) {
    const { payload, typeMetadata } = await verifyVc(credential, { anchor, types });
    held.push({ credential, payload });
    kept.push({ payload, type: typeMetadata?.mergedTypeMetadata?.name });
  }
  await accept(visit, notificationId);
  return kept;
}

async function fetchAll(visit, { count, anchor, types }) {
  const kept = [];
  for (const { id, identifier, configuration } of opened(visit)) {
    // It takes what it knows: this script verifies SD-JWT VCs.
    if (configuration.format !== "dc+sd-jwt") continue;
    const response = await askByIdentifier(visit, id, identifier, count);
    if (response.transaction_id) visit.later = response.transaction_id;
    else kept.push(...(await keep(visit, response, { anchor, types })));
  }
  return kept;
}

// What to show: for each set, the first credential that fits each query of the first option that can be answered.
function choose({ credentials, credential_sets: sets }) {
  const found = Object.fromEntries(credentials.map((query) => [query.id, held.find((each) => fits(each, query))]));
  const needed = sets?.map(({ options }) => options) ?? [[credentials.map(({ id }) => id)]];
  const chosen = needed.map((options) => options.find((ids) => ids.every((id) => found[id])));
  if (!chosen.every(Boolean)) throw new Error("nothing to show");
  return chosen.flat().map((id) => ({ query: credentials.find((query) => query.id === id), each: found[id] }));
}

const fits = ({ payload }, { meta, claims = [] }) =>
  (meta.vct_values ?? []).includes(payload.vct) &&
  claims.every(({ path: [name], values }) => name in payload && (values?.includes(payload[name]) ?? true));

await converse({
  // Take an offer: count instances of everything in it, or, without identifiers, of the one thing in it.
  receive: async ({ offer, txCode, count, anchor, types, bearer, byConfiguration }) => {
    const visit = await redeem({ offer, txCode, bearer });
    const { credentialOffer, token } = visit;
    const id = randomUUID();
    visits.set(id, visit);
    const answer = { visit: id, tokenType: token.token_type, refreshable: token.refresh_token !== undefined };
    if (!byConfiguration) return { ...answer, kept: await fetchAll(visit, { count, anchor, types }) };
    const [configuration] = credentialOffer.credential_configuration_ids;
    const response = await askByConfiguration(visit, configuration, count);
    return { ...answer, kept: await keep(visit, response, { anchor, types }) };
  },

  // Ask again for what was put off.
  later: async ({ visit: id, anchor }) => {
    const visit = visits.get(id);
    return keep(visit, await fetchLater(visit, visit.later), { anchor });
  },

  // Push a request and say where the browser shall go; then go on with what the browser came back with.
  begin: async ({ issuer, clientId, redirectUri, scope }) => {
    const issuerMetadata = await wallet.resolveIssuerMetadata(issuer);
    const [authorizationServerMetadata] = issuerMetadata.authorizationServers;
    const client = new Oauth2Client({
      callbacks: { ...own, clientAuthentication: clientAuthenticationNone({ clientId }) },
    });
    const dpop = { signer: newKey() };
    const state = randomUUID();
    const { authorizationRequestUrl, pkce } = await client.createAuthorizationRequestUrl({
      authorizationServerMetadata,
      clientId,
      redirectUri,
      scope,
      state,
      dpop,
    });
    begun.set(state, { issuerMetadata, authorizationServerMetadata, client, dpop, pkce, redirectUri });
    return authorizationRequestUrl;
  },
  comeBack: async ({ url, count, anchor }) => {
    const authorizationResponse = oauth.parseAuthorizationResponseRedirectUrl({ url });
    const visit = begun.get(authorizationResponse.state);
    const { authorizationServerMetadata, client, dpop, pkce, redirectUri } = visit;
    oauth.verifyAuthorizationResponse({ authorizationResponse, authorizationServerMetadata });
    const { accessTokenResponse } = await client.retrieveAuthorizationCodeAccessToken({
      authorizationServerMetadata,
      authorizationCode: authorizationResponse.code,
      pkceCodeVerifier: pkce.codeVerifier,
      redirectUri,
      dpop,
    });
    visit.token = accessTokenResponse;
    return fetchAll(visit, { count, anchor });
  },

  // Read metadata, signed if the issuer signs it.
  metadata: async ({ issuer }) => {
    const asking = (url, options) => fetchHere(url, { ...options, headers: { accept: "application/jwt" } });
    const asker = new Openid4vciClient({ callbacks: { ...own, fetch: asking } });
    const { credentialIssuer, signedCredentialIssuer } = await asker.resolveIssuerMetadata(issuer);
    return { issuer: credentialIssuer.credential_issuer, by: signedCredentialIssuer?.signer.method };
  },

  // Come back with the refresh token for more of everything.
  topUp: async ({ visit: id, count, anchor }) => {
    const visit = visits.get(id);
    const before = visit.token.refresh_token;
    const { accessTokenResponse } = await oauth.retrieveRefreshTokenAccessToken({
      authorizationServerMetadata: visit.issuerMetadata.authorizationServers[0],
      refreshToken: before,
      dpop: visit.dpop,
    });
    visit.token = accessTokenResponse;
    const kept = await fetchAll(visit, { count, anchor });
    return { kept, rotated: accessTokenResponse.refresh_token !== before };
  },

  // Answer a request; `enc` is how the wallet can encrypt, if it is to.
  present: async ({ link, enc }) => {
    const { authorizationRequestPayload: payload, client, dcql } = await readRequest(link);
    const vpToken = {};
    for (const { query, each } of choose(dcql.query)) {
      const { credential } = held.splice(held.indexOf(each), 1)[0];
      const { jwk } = decode(credential.split("~")[0], 1).cnf;
      const binding = { privateJwk: keys.get(jwk.x), audience: payload.client_id, nonce: payload.nonce };
      const disclose = (query.claims ?? []).map(({ path: [name] }) => name);
      vpToken[query.id] = [await presentVc(credential, { ...binding, disclose })];
    }
    const reply = await send(payload, vpToken, enc);
    return { prefix: client.prefix, mode: payload.response_mode, reply };
  },

  status: ({ uri, idx, anchor }) => readStatus(uri, idx, { anchor }),
});
