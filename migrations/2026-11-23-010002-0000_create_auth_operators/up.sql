CREATE TABLE insta_auth.operators (
  user_id text NOT NULL,
  create_time timestamptz NOT NULL,
  CONSTRAINT operators_pkey PRIMARY KEY (user_id),
  CONSTRAINT operators_user_id_check CHECK (length(user_id) BETWEEN 1 AND 128)
);

COMMENT ON TABLE insta_auth.operators IS 'The people whose sessions may see and steer everything.';
COMMENT ON COLUMN insta_auth.operators.user_id IS 'The Firebase UID.';
