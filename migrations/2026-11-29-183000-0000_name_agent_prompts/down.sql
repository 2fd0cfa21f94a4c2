COMMENT ON COLUMN insta_agent.calls.prompt_version IS 'Version of the prompt template that the call was begun with.';
ALTER TABLE insta_agent.calls
  ALTER COLUMN prompt_version DROP DEFAULT,
  DROP COLUMN prompt;
