// An issuer on @openid4vc/openid4vci and a verifier on @openid4vc/openid4vp that serve on this machine.

import { know } from "./linked.mjs";
import { converse } from "./speak.mjs";
import { openLibrary } from "./library.mjs";
import { openVenue } from "./venue.mjs";

const parties = new Map();

const opened = async (party) => {
  parties.set(party.url, party);
  return party.url;
};

await converse({
  know: ({ url, document }) => know(url, document),
  openLibrary: async (wishes) => opened(await openLibrary(wishes)),
  openVenue: async (wishes) => opened(await openVenue(wishes)),
  offer: ({ at, ...wishes }) => parties.get(at).offer(wishes),
  heard: ({ at }) => parties.get(at).heard,
  ask: ({ at, ...wishes }) => parties.get(at).ask(wishes),
  seen: ({ at, id }) => parties.get(at).seen(id),
});
