CREATE TABLE insta_knowledge.embedding_jobs (
  passage_id uuid NOT NULL,
  due_time timestamptz NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  failure text,
  CONSTRAINT embedding_jobs_pkey PRIMARY KEY (passage_id),
  CONSTRAINT embedding_jobs_passage_fkey FOREIGN KEY (passage_id)
    REFERENCES insta_knowledge.passages (passage_id) ON DELETE CASCADE,
  CONSTRAINT embedding_jobs_attempts_check CHECK (attempts >= 0)
);

CREATE INDEX embedding_jobs_due_idx ON insta_knowledge.embedding_jobs (due_time) WHERE failure IS NULL;

COMMENT ON TABLE insta_knowledge.embedding_jobs
  IS 'Passages that wait for their vectors; written in the transaction of the passage, removed with the vector.';
COMMENT ON COLUMN insta_knowledge.embedding_jobs.due_time
  IS 'When a worker may take the job. Taking it moves this on by the lease, so a worker that dies loses nothing.';
COMMENT ON COLUMN insta_knowledge.embedding_jobs.attempts IS 'How often the job was taken.';
COMMENT ON COLUMN insta_knowledge.embedding_jobs.failure
  IS 'Why the embedder refused for good; no worker takes the job until the service starts anew.';
