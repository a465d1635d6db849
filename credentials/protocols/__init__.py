"""OpenID4VCI, OpenID4VP, DCQL, OAuth messages and our grants as types: parse, check, build; no transport, no clock."""
