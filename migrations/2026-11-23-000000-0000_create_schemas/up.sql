-- One private schema a service. What the migrator makes in it, the service's role may read and write; no other
-- service may even look inside.
DO $$
DECLARE
  service text;
BEGIN
  FOREACH service IN ARRAY ARRAY['insta_auth', 'insta_profile', 'insta_knowledge', 'insta_agent'] LOOP
    EXECUTE format('CREATE SCHEMA %I', service);
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', service, service);
    EXECUTE format(
      'ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO %I', service, service);
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT USAGE ON SEQUENCES TO %I', service, service);
  END LOOP;
END $$;

COMMENT ON SCHEMA insta_auth IS 'auth-svc: signing keys, service clients, operators, delegations.';
COMMENT ON SCHEMA insta_profile IS 'profile-svc: profiles and account facts.';
COMMENT ON SCHEMA insta_knowledge IS 'knowledge-svc: documents, passages and their vectors.';
COMMENT ON SCHEMA insta_agent IS 'agent-svc: calls, turns and the work that follows a call.';
