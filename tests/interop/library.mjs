// A library that gives out cards: an issuer on @openid4vc/openid4vci with credentials by @sd-jwt.

import { randomBytes, randomUUID } from "node:crypto";
import { Oauth2AuthorizationServer, Oauth2ResourceServer, Oauth2ServerErrorResponseError } from "@openid4vc/oauth2";
import { Openid4vciIssuer, setGlobalConfig } from "@openid4vc/openid4vci";
import { callbacks, publicPart } from "./keys.mjs";
import { decode, issueVc } from "./sd_jwt.mjs";
import { fetchHere, listen } from "./web.mjs";

setGlobalConfig({ allowInsecureUrls: true }); // plain http, which is for one machine only

const VCT = "https://library.example/types/card";
const CARD = { library: "City Library", tier: "full", since: "2024" };
const ALGORITHMS = ["ES256"];

// `did`: credentials name the library by its did:web, instead of by its address with a certificate.
// `dpop`: tokens are bound to a key and there are refresh tokens; without, the server takes bearer tokens only.
export async function openLibrary({ privateJwk, x5c, did, dpop, tokenLife = 300 }) {
  const own = { ...callbacks({ privateJwk }), fetch: fetchHere };
  const [issuer, server, resource] = [Openid4vciIssuer, Oauth2AuthorizationServer, Oauth2ResourceServer].map(
    (Role) => new Role({ callbacks: own }),
  );
  const publicJwk = publicPart(privateJwk);
  let handlers = {};
  const port = await listen(async (request) => {
    const handler = handlers[`${request.method} ${request.path.split("?")[0]}`];
    if (!handler) return { status: 404 };
    try {
      return await handler(request);
    } catch (error) {
      heard.refused.push(error.message);
      if (error instanceof Oauth2ServerErrorResponseError) return { status: 400, body: error.errorResponse };
      return { status: 401, body: { error: "invalid_token" } };
    }
  });
  const url = `http://library.localhost:${port}`;
  const webDid = `did:web:library.localhost%3A${port}`;
  const heard = { notifications: [], refused: [], refreshed: 0 };
  const offers = new Map();
  const refreshTokens = new Map();
  const nonces = new Set();

  const metadata = issuer.createCredentialIssuerMetadata({
    credential_issuer: url,
    credential_endpoint: `${url}/credential`,
    nonce_endpoint: `${url}/nonce`,
    notification_endpoint: `${url}/notification`,
    batch_credential_issuance: { batch_size: 10 },
    display: [{ name: "City Library", locale: "en" }],
    credential_configurations_supported: {
      card: {
        format: "dc+sd-jwt",
        vct: VCT,
        cryptographic_binding_methods_supported: ["jwk"],
        credential_signing_alg_values_supported: ALGORITHMS,
        proof_types_supported: { jwt: { proof_signing_alg_values_supported: ALGORITHMS } },
        credential_metadata: {
          display: [{ name: "Library card", locale: "en" }],
          claims: [{ path: ["tier"], display: [{ name: "What you may do", locale: "en" }] }],
        },
      },
    },
  });
  const serverMetadata = server.createAuthorizationServerMetadata({
    issuer: url,
    token_endpoint: `${url}/token`,
    jwks_uri: `${url}/jwks`,
    "pre-authorized_grant_anonymous_access_supported": true,
    ...(dpop && { dpop_signing_alg_values_supported: ALGORITHMS }),
  });
  const issuerMetadata = {
    credentialIssuer: metadata,
    authorizationServers: [serverMetadata],
    knownCredentialConfigurations: issuer.getKnownCredentialConfigurationsSupported(metadata),
    originalDraftVersion: "V1",
  };
  const asked = ({ method, path, headers }) => ({ method, url: url + path, headers });

  async function token(request) {
    const accessTokenRequest = Object.fromEntries(new URLSearchParams(request.body));
    const parsed = server.parseAccessTokenRequest({ request: asked(request), accessTokenRequest });
    const common = {
      authorizationServerMetadata: serverMetadata,
      accessTokenRequest: parsed.accessTokenRequest,
      grant: parsed.grant,
      request: asked(request),
      dpop: dpop && { jwt: parsed.dpop?.jwt, required: true, allowedSigningAlgs: ALGORITHMS },
    };
    const proven = await (parsed.grant.grantType === "refresh_token" ? renew(common) : redeem(common));
    const refreshToken = dpop ? randomUUID() : undefined;
    if (dpop) refreshTokens.set(refreshToken, proven.dpop.jwkThumbprint);
    const body = await server.createAccessTokenResponse({
      authorizationServer: url,
      audience: url,
      subject: "a reader",
      signer: { method: "jwk", alg: "ES256", publicJwk },
      expiresInSeconds: tokenLife,
      dpop: proven.dpop && { jwk: proven.dpop.jwk },
      refreshToken,
    });
    return { body };
  }

  function redeem(common) {
    const code = common.grant.preAuthorizedCode;
    const expected = offers.get(code);
    const verified = server.verifyPreAuthorizedCodeAccessTokenRequest({
      ...common,
      expectedPreAuthorizedCode: expected ? code : "none",
      expectedTxCode: expected?.txCode,
    });
    return verified.then((proven) => (offers.delete(code), proven));
  }

  function renew(common) {
    const presented = common.grant.refreshToken;
    const expectedJwkThumbprint = refreshTokens.get(presented);
    refreshTokens.delete(presented);
    heard.refreshed += 1;
    return server.verifyRefreshTokenAccessTokenRequest({
      ...common,
      expectedRefreshToken: expectedJwkThumbprint ? presented : "none",
      dpop: { ...common.dpop, expectedJwkThumbprint },
    });
  }

  const enter = (request) =>
    resource.verifyResourceRequest({
      request: asked(request),
      resourceServer: url,
      authorizationServers: [serverMetadata],
      allowedAuthenticationSchemes: [dpop ? "DPoP" : "Bearer"],
    });

  async function credential(request) {
    await enter(request);
    const parsed = issuer.parseCredentialRequest({ issuerMetadata, credentialRequest: JSON.parse(request.body) });
    const credentials = [];
    const used = new Set();
    for (const jwt of parsed.proofs.jwt) {
      const { nonce } = decode(jwt, 1);
      if (!nonces.has(nonce)) throw new Error("that nonce is unknown or used");
      used.add(nonce);
      const { signer } = await issuer.verifyCredentialRequestJwtProof({ issuerMetadata, jwt, expectedNonce: nonce });
      credentials.push({ credential: await issueCard(signer.publicJwk) });
    }
    for (const nonce of used) nonces.delete(nonce);
    return { body: issuer.createCredentialResponse({ credentialRequest: parsed, credentials, notificationId: "n-1" }) };
  }

  const signedMetadata = async () => ({
    type: "application/jwt",
    body: await issuer.createSignedCredentialIssuerMetadataJwt({
      credentialIssuerMetadata: metadata,
      issuedAt: new Date(),
      signer: { method: "x5c", alg: "ES256", x5c },
    }),
  });

  const issueCard = (holder) => {
    const iat = Math.floor(Date.now() / 1000);
    const payload = { iss: did ? webDid : url, iat, vct: VCT, cnf: { jwk: publicPart(holder) }, ...CARD };
    const header = did ? { kid: `${webDid}#key` } : { x5c };
    return issueVc(payload, { privateJwk, header, hidden: Object.keys(CARD) });
  };

  handlers = {
    "GET /.well-known/openid-credential-issuer": ({ headers }) =>
      headers.get("accept")?.includes("application/jwt") ? signedMetadata() : { body: metadata },
    "GET /.well-known/oauth-authorization-server": () => ({ body: serverMetadata }),
    "GET /.well-known/did.json": () => ({ body: didDocument(webDid, publicJwk) }),
    "GET /jwks": () => ({ body: { keys: [{ ...publicJwk, use: "sig", alg: "ES256" }] } }),
    "POST /token": token,
    "POST /nonce": () => {
      const cNonce = randomBytes(16).toString("base64url");
      nonces.add(cNonce);
      return { body: issuer.createNonceResponse({ cNonce }) };
    },
    "POST /credential": credential,
    "POST /notification": async (request) => {
      await enter(request);
      heard.notifications.push(JSON.parse(request.body).event);
      return { status: 204 };
    },
  };

  async function offer({ txCode }) {
    const made = await issuer.createCredentialOffer({
      issuerMetadata,
      credentialConfigurationIds: ["card"],
      grants: {
        "urn:ietf:params:oauth:grant-type:pre-authorized_code": txCode
          ? { tx_code: { input_mode: "numeric", length: txCode.length } }
          : {},
      },
    });
    const [grant] = Object.values(made.credentialOfferObject.grants);
    offers.set(grant["pre-authorized_code"], { txCode });
    return made.credentialOffer;
  }

  return { url, offer, heard };
}

const didDocument = (id, publicJwk) => ({
  "@context": ["https://www.w3.org/ns/did/v1"],
  id,
  verificationMethod: [{ id: `${id}#key`, type: "JsonWebKey2020", controller: id, publicKeyJwk: publicJwk }],
  assertionMethod: [`${id}#key`],
});
