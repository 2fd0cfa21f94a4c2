CREATE TABLE insta_profile.profiles (
  user_id text NOT NULL,
  name text NOT NULL,
  email text NOT NULL,
  subscription_tier text NOT NULL,
  last_interaction_summary text NOT NULL DEFAULT '',
  last_interaction_call_id uuid,
  last_interaction_time timestamptz,
  create_time timestamptz NOT NULL,
  update_time timestamptz NOT NULL,
  version bigint NOT NULL DEFAULT 1,
  CONSTRAINT profiles_pkey PRIMARY KEY (user_id),
  CONSTRAINT profiles_user_id_check CHECK (length(user_id) BETWEEN 1 AND 128),
  CONSTRAINT profiles_name_check CHECK (length(name) <= 80),
  CONSTRAINT profiles_subscription_tier_check CHECK (subscription_tier IN ('free', 'pro', 'enterprise')),
  CONSTRAINT profiles_last_interaction_check CHECK (
    length(last_interaction_summary) <= 500
    AND (last_interaction_call_id IS NULL) = (last_interaction_time IS NULL))
);

CREATE INDEX profiles_email_idx ON insta_profile.profiles (lower(email));

COMMENT ON TABLE insta_profile.profiles IS 'What the SaaS company knows of one user.';
COMMENT ON COLUMN insta_profile.profiles.user_id IS 'The Firebase UID.';
COMMENT ON COLUMN insta_profile.profiles.last_interaction_call_id IS 'The call that the summary tells of.';
COMMENT ON COLUMN insta_profile.profiles.last_interaction_time IS 'When that call ended; an older call never overwrites it.';
COMMENT ON COLUMN insta_profile.profiles.version IS 'Grows with every write; the etag of the contract.';

CREATE TABLE insta_profile.account_facts (
  user_id text NOT NULL,
  key text NOT NULL,
  label text NOT NULL,
  value text NOT NULL,
  as_of_time timestamptz NOT NULL,
  CONSTRAINT account_facts_pkey PRIMARY KEY (user_id, key),
  CONSTRAINT account_facts_user_id_fkey FOREIGN KEY (user_id)
    REFERENCES insta_profile.profiles (user_id) ON DELETE CASCADE,
  CONSTRAINT account_facts_key_check CHECK (key ~ '^[a-z0-9_]{1,64}$'),
  CONSTRAINT account_facts_label_check CHECK (length(label) BETWEEN 1 AND 120),
  CONSTRAINT account_facts_value_check CHECK (length(value) BETWEEN 1 AND 500)
);

COMMENT ON TABLE insta_profile.account_facts IS 'What is true of a user''s account, in words made to be spoken.';
COMMENT ON COLUMN insta_profile.account_facts.as_of_time IS 'When the fact was true at its source.';
