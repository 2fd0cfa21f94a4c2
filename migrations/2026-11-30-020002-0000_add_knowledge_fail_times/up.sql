ALTER TABLE insta_knowledge.embedding_jobs ADD COLUMN fail_time timestamptz;
UPDATE insta_knowledge.embedding_jobs SET fail_time = due_time WHERE failure IS NOT NULL;
ALTER TABLE insta_knowledge.embedding_jobs
  ADD CONSTRAINT embedding_jobs_failure_check CHECK ((failure IS NULL) = (fail_time IS NULL));

CREATE INDEX embedding_jobs_failed_idx ON insta_knowledge.embedding_jobs (fail_time, passage_id)
  WHERE failure IS NOT NULL;

COMMENT ON COLUMN insta_knowledge.embedding_jobs.failure
  IS 'Why the passage gets no vector; no worker takes the job until it is retried or the service starts anew.';
COMMENT ON COLUMN insta_knowledge.embedding_jobs.fail_time IS 'When the job was given up.';
