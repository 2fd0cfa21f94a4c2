CREATE TABLE insta_auth.signing_keys (
  kid text NOT NULL,
  private_key bytea NOT NULL,
  create_time timestamptz NOT NULL,
  retire_time timestamptz,
  CONSTRAINT signing_keys_pkey PRIMARY KEY (kid),
  CONSTRAINT signing_keys_kid_check CHECK (length(kid) BETWEEN 1 AND 64),
  CONSTRAINT signing_keys_private_key_check CHECK (length(private_key) BETWEEN 48 AND 128),
  CONSTRAINT signing_keys_retire_time_check CHECK (retire_time >= create_time)
);

-- However many instances start at once, one key signs.
CREATE UNIQUE INDEX signing_keys_one_signs_idx ON insta_auth.signing_keys ((true)) WHERE retire_time IS NULL;

COMMENT ON TABLE insta_auth.signing_keys IS 'The Ed25519 keys that sign session, service and delegated tokens.';
COMMENT ON COLUMN insta_auth.signing_keys.kid IS 'The key id in the header of a token.';
COMMENT ON COLUMN insta_auth.signing_keys.private_key IS
  'PKCS#8, as it is: this table is the key store in dev and in production. Who reads it can sign as anyone, so only the role insta_auth may, and backups of it are secrets.';
COMMENT ON COLUMN insta_auth.signing_keys.retire_time IS
  'When the key stopped signing; it is published until every token that it signed has ended.';
