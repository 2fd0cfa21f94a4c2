CREATE TABLE insta_auth.delegations (
  call_id uuid NOT NULL,
  user_id text NOT NULL,
  tier text NOT NULL,
  client_id text NOT NULL,
  create_time timestamptz NOT NULL,
  CONSTRAINT delegations_pkey PRIMARY KEY (call_id),
  CONSTRAINT delegations_user_id_check CHECK (length(user_id) BETWEEN 1 AND 128),
  CONSTRAINT delegations_tier_check CHECK (tier IN ('free', 'pro', 'enterprise')),
  CONSTRAINT delegations_client_id_fkey FOREIGN KEY (client_id)
    REFERENCES insta_auth.service_clients (client_id)
);

-- A row says for ever whom a call acts for. No code changes one; this keeps it so.
REVOKE UPDATE ON insta_auth.delegations FROM insta_auth;

COMMENT ON TABLE insta_auth.delegations IS
  'Which user a service acts for in which call. Written at the first token of a call, never changed.';
COMMENT ON COLUMN insta_auth.delegations.tier IS 'The plan at the first token of the call.';
COMMENT ON COLUMN insta_auth.delegations.client_id IS 'The only service client that gets tokens for this call.';
COMMENT ON COLUMN insta_auth.delegations.create_time IS 'When the first token was issued.';
