"""The issuer's migrations, from its first table on."""
