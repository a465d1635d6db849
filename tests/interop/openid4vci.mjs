// A wallet on @openid4vc/openid4vci that is given canned answers, and gives back what it would have sent.

import { Openid4vciClient } from "@openid4vc/openid4vci";
import { callbacks, publicPart } from "./keys.mjs";
import { converse } from "./speak.mjs";

await converse({
  receive: async ({ offer, issuer, answers, privateJwk, txCode, configuration }) => {
    const sent = [];
    const wallet = new Openid4vciClient({ callbacks: callbacks({ privateJwk, answers, sent }) });
    const signer = { method: "jwk", alg: "ES256", publicJwk: publicPart(privateJwk) };

    const credentialOffer = await wallet.resolveCredentialOffer(offer);
    const issuerMetadata = await wallet.resolveIssuerMetadata(issuer);
    const { accessTokenResponse: token } = await wallet.retrievePreAuthorizedCodeAccessTokenFromOffer({
      credentialOffer,
      issuerMetadata,
      txCode,
      dpop: { signer },
    });
    const { c_nonce: nonce } = await wallet.requestNonce({ issuerMetadata });
    const { jwt } = await wallet.createCredentialRequestJwtProof({
      issuerMetadata,
      credentialConfigurationId: configuration,
      signer,
      nonce,
    });
    const received = await wallet.retrieveCredentials({
      issuerMetadata,
      credentialConfigurationId: configuration,
      accessToken: token.access_token,
      proofs: { jwt: [jwt] },
      dpop: { signer },
    });
    return { credentialOffer, issuerMetadata, token, received: received.credentialResponse, sent };
  },
});
