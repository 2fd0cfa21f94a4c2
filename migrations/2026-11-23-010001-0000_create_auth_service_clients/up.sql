CREATE TABLE insta_auth.service_clients (
  client_id text NOT NULL,
  secret_hash text NOT NULL,
  scopes text[] NOT NULL,
  create_time timestamptz NOT NULL,
  disable_time timestamptz,
  CONSTRAINT service_clients_pkey PRIMARY KEY (client_id),
  CONSTRAINT service_clients_client_id_check CHECK (client_id ~ '^[a-z][a-z0-9-]{2,39}$'),
  CONSTRAINT service_clients_secret_hash_check CHECK (secret_hash LIKE '$argon2id$%'),
  CONSTRAINT service_clients_scopes_check CHECK (
    cardinality(scopes) > 0 AND array_position(scopes, NULL) IS NULL)
);

COMMENT ON TABLE insta_auth.service_clients IS 'The systems that call ours, and what they may do.';
COMMENT ON COLUMN insta_auth.service_clients.secret_hash IS 'argon2id in PHC form; the secret itself is nowhere.';
COMMENT ON COLUMN insta_auth.service_clients.disable_time IS 'Since when the client gets no more tokens.';
