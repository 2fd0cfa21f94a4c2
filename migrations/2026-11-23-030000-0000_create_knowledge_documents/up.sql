CREATE TABLE insta_knowledge.documents (
  document_id text NOT NULL,
  collection text NOT NULL,
  title text NOT NULL,
  content text NOT NULL,
  content_type text NOT NULL,
  language text NOT NULL,
  labels text[] NOT NULL,
  etag uuid NOT NULL,
  create_time timestamptz NOT NULL,
  update_time timestamptz NOT NULL,
  CONSTRAINT documents_pkey PRIMARY KEY (document_id),
  CONSTRAINT documents_copied_key UNIQUE (document_id, collection, title),
  CONSTRAINT documents_document_id_check CHECK (document_id ~ '^[a-z0-9-]{3,80}$'),
  CONSTRAINT documents_collection_check CHECK (collection ~ '^[a-z0-9-]{3,80}$'),
  CONSTRAINT documents_title_check CHECK (length(title) BETWEEN 1 AND 200),
  CONSTRAINT documents_content_check CHECK (octet_length(content) BETWEEN 1 AND 1048576),
  CONSTRAINT documents_content_type_check CHECK (content_type IN ('markdown', 'plain_text')),
  CONSTRAINT documents_language_check CHECK (length(language) BETWEEN 2 AND 35),
  CONSTRAINT documents_labels_check CHECK (cardinality(labels) <= 20)
);

CREATE INDEX documents_collection_idx ON insta_knowledge.documents (collection, document_id);

COMMENT ON TABLE insta_knowledge.documents IS 'The help articles, as their writers sent them.';
COMMENT ON CONSTRAINT documents_copied_key ON insta_knowledge.documents
  IS 'What passages copy, so that a foreign key keeps the copies true.';
COMMENT ON COLUMN insta_knowledge.documents.etag IS 'New with every write, so that it never comes back with an id.';
