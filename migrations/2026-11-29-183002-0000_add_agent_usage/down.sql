ALTER TABLE insta_agent.calls
  DROP COLUMN usage,
  DROP COLUMN cost_usd_micros;
