// A venue that asks at its door: a verifier on @openid4vc/openid4vp, which checks what it is shown with @sd-jwt
// and, if that is a part of a linked credential, with Digital Bazaar's packages.

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { Openid4vpVerifier } from "@openid4vc/openid4vp";
import { callbacks, publicPart } from "./keys.mjs";
import { headerOf, verify } from "./linked.mjs";
import { verifyVc } from "./sd_jwt.mjs";
import { listen } from "./web.mjs";

const secret = () => randomBytes(16).toString("base64url");
const REQUEST_OBJECT = "application/oauth-authz-req+jwt";
const FORMATS = {
  "dc+sd-jwt": { "sd-jwt_alg_values": ["ES256"], "kb-jwt_alg_values": ["ES256"] },
  ldp_vc: { proof_type_values: ["DataIntegrityProof"], cryptosuite_values: ["bbs-2023"] },
};

// `clientHash` is the SHA-256 of its certificate, for x509_hash.
export async function openVenue({ privateJwk, x5c, anchor, clientHash }) {
  const asked = new Map();
  const heard = [];
  const port = await listen(async ({ method, path, body }) => {
    const [, where, id] = path.split("/");
    const question = asked.get(id);
    if (!question) return { status: 404 };
    if (where === "requests") return { type: REQUEST_OBJECT, body: await sign(question, method, body) };
    try {
      question.seen = await judge(question, Object.fromEntries(new URLSearchParams(body)));
      return { body: { redirect_uri: `${url}/welcome/${id}` } };
    } catch (error) {
      heard.push(error.message);
      return { status: 400, body: { error: "invalid_request" } };
    }
  });
  const url = `http://venue.localhost:${port}`;

  const verifier = new Openid4vpVerifier({ callbacks: callbacks({ privateJwk }) });

  const create = ({ payload, id }, more = {}) =>
    verifier.createOpenId4vpAuthorizationRequest({
      authorizationRequestPayload: payload,
      jar: {
        requestUri: `${url}/requests/${id}`,
        jwtSigner: { method: "x5c", alg: "ES256", x5c },
        expiresInSeconds: 300,
        additionalJwtPayload: { aud: "https://self-issued.me/v2", ...more },
      },
    });

  async function sign(question, method, body) {
    const nonce = method === "POST" ? new URLSearchParams(body).get("wallet_nonce") : null;
    return (await create(question, nonce ? { wallet_nonce: nonce } : {})).jar.authorizationRequestJwt;
  }

  async function ask({ prefix, query, encrypted, post }) {
    const [id, box] = [secret(), newBox()];
    const payload = {
      response_type: "vp_token",
      response_mode: encrypted ? "direct_post.jwt" : "direct_post",
      client_id: prefix === "x509_hash" ? `x509_hash:${clientHash}` : "x509_san_dns:venue.localhost",
      response_uri: `${url}/responses/${id}`,
      nonce: secret(),
      state: secret(),
      dcql_query: query,
      client_metadata: {
        vp_formats_supported: FORMATS,
        ...(encrypted && {
          jwks: { keys: [{ ...publicPart(box), kid: id, use: "enc", alg: "ECDH-ES" }] },
          encrypted_response_enc_values_supported: ["A256GCM"],
        }),
      },
    };
    const question = { id, payload, box };
    asked.set(id, question);
    const { authorizationRequest: link } = await create(question);
    const parameters = new URL(link);
    if (post) parameters.searchParams.set("request_uri_method", "post");
    return { id, link: parameters.toString() };
  }

  async function judge({ payload, box }, form) {
    const own = callbacks({ privateJwk: box });
    const { dcql } = await new Openid4vpVerifier({ callbacks: own }).parseOpenid4vpAuthorizationResponse({
      callbacks: own,
      authorizationRequestPayload: payload,
      authorizationResponse: form,
    });
    const shown = {};
    for (const [id, [presentation]] of Object.entries(dcql.presentations)) {
      const { format, claims } = payload.dcql_query.credentials.find((query) => query.id === id);
      if (format === "ldp_vc") {
        await verify(presentation, { suite: "bbs-2023", header: headerOf(payload) });
        shown[id] = presentation;
        continue;
      }
      const required = claims.map(({ path: [name] }) => name);
      const verified = await verifyVc(presentation, { anchor, nonce: payload.nonce, required });
      if (verified.kb.payload.aud !== payload.client_id) throw new Error("that was made for another site");
      shown[id] = verified.payload;
    }
    return shown;
  }

  return { url, ask, heard, seen: (id) => asked.get(id).seen };
}

const newBox = () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" });
