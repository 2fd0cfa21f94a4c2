CREATE TABLE insta_knowledge.passages (
  passage_id uuid NOT NULL,
  document_id text NOT NULL,
  collection text NOT NULL,
  title text NOT NULL,
  ordinal integer NOT NULL,
  heading_path text NOT NULL,
  text text NOT NULL,
  content_hash bytea NOT NULL,
  search tsvector NOT NULL GENERATED ALWAYS AS (
    setweight(to_tsvector('english'::regconfig, title), 'A')
    || setweight(to_tsvector('english'::regconfig, heading_path), 'B')
    || setweight(to_tsvector('english'::regconfig, text), 'C')) STORED,
  embedding vector(384),
  embedding_model text,
  CONSTRAINT passages_pkey PRIMARY KEY (passage_id),
  CONSTRAINT passages_ordinal_key UNIQUE (document_id, ordinal) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT passages_document_fkey FOREIGN KEY (document_id, collection, title)
    REFERENCES insta_knowledge.documents (document_id, collection, title) ON UPDATE CASCADE ON DELETE CASCADE,
  CONSTRAINT passages_ordinal_check CHECK (ordinal >= 0),
  CONSTRAINT passages_text_check CHECK (text <> ''),
  CONSTRAINT passages_content_hash_check CHECK (octet_length(content_hash) = 32),
  CONSTRAINT passages_embedding_check CHECK ((embedding IS NULL) = (embedding_model IS NULL))
);

CREATE INDEX passages_collection_idx ON insta_knowledge.passages (collection);
CREATE INDEX passages_search_idx ON insta_knowledge.passages USING gin (search);
-- The planner scans small tables exactly and takes this index when it is cheaper; searches read it iteratively, so
-- that a filter never leaves too few rows.
CREATE INDEX passages_embedding_idx ON insta_knowledge.passages USING hnsw (embedding vector_cosine_ops);

COMMENT ON TABLE insta_knowledge.passages IS 'What searches find: a section of a document, or a part of a long one.';
COMMENT ON COLUMN insta_knowledge.passages.collection IS 'Copied from the document, so that searches filter before they rank.';
COMMENT ON COLUMN insta_knowledge.passages.title IS 'Copied from the document, so that it can stand in the search column.';
COMMENT ON COLUMN insta_knowledge.passages.heading_path IS 'The headings above, joined with " > ".';
COMMENT ON COLUMN insta_knowledge.passages.content_hash IS 'SHA-256 of the text that is embedded: the same hash means the same vector.';
COMMENT ON COLUMN insta_knowledge.passages.embedding_model IS 'Whose vector it is; vectors of different models are never compared.';
