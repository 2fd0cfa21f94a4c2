-- A deployment's own prompts have versions that are no numbers. The old column stays for services that still run.
ALTER TABLE insta_agent.calls
  ADD COLUMN prompt text NOT NULL DEFAULT '',
  ALTER COLUMN prompt_version SET DEFAULT 0,
  ADD CONSTRAINT calls_prompt_check CHECK (length(prompt) <= 64);
UPDATE insta_agent.calls SET prompt = 'built-in-' || prompt_version;

COMMENT ON COLUMN insta_agent.calls.prompt IS 'Version of the prompt that the call was begun with.';
COMMENT ON COLUMN insta_agent.calls.prompt_version IS 'Not written any more: see prompt.';
