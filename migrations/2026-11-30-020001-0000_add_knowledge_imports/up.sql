ALTER TABLE insta_knowledge.documents
  ADD COLUMN source text,
  ADD COLUMN source_hash bytea,
  ADD CONSTRAINT documents_source_check CHECK (octet_length(source) BETWEEN 1 AND 500),
  ADD CONSTRAINT documents_source_hash_check CHECK (source_hash IS NULL OR (octet_length(source_hash) = 32 AND source IS NOT NULL));

CREATE INDEX documents_source_idx ON insta_knowledge.documents (collection, source) WHERE source IS NOT NULL;

COMMENT ON COLUMN insta_knowledge.documents.source IS 'The path of the file that it was imported from, if it was.';
COMMENT ON COLUMN insta_knowledge.documents.source_hash
  IS 'SHA-256 of all that the import made it from; empty when it was written otherwise since.';

CREATE TABLE insta_knowledge.import_results (
  request_id uuid NOT NULL,
  path text NOT NULL,
  source_hash bytea NOT NULL,
  document_id text NOT NULL,
  outcome text NOT NULL,
  create_time timestamptz NOT NULL,
  CONSTRAINT import_results_pkey PRIMARY KEY (request_id, path),
  CONSTRAINT import_results_source_hash_check CHECK (octet_length(source_hash) = 32),
  CONSTRAINT import_results_outcome_check CHECK (outcome IN ('added', 'changed'))
);

CREATE INDEX import_results_create_time_idx ON insta_knowledge.import_results (create_time);

COMMENT ON TABLE insta_knowledge.import_results
  IS 'What imports with a request id wrote, so that one tried again tells the same. Rows older than a day go.';
