DROP POLICY documents_visibility ON insta_knowledge.documents;
ALTER TABLE insta_knowledge.documents DISABLE ROW LEVEL SECURITY;

-- What has no place in the older shape goes, so that nobody finds it who may not.
DELETE FROM insta_knowledge.documents WHERE visibility > 0 OR content_type = 'html';

ALTER TABLE insta_knowledge.passages
  DROP CONSTRAINT passages_document_fkey, DROP COLUMN search, DROP COLUMN language, DROP COLUMN visibility;
ALTER TABLE insta_knowledge.documents
  DROP CONSTRAINT documents_copied_key,
  ADD CONSTRAINT documents_copied_key UNIQUE (document_id, collection, title),
  DROP CONSTRAINT documents_content_type_check,
  ADD CONSTRAINT documents_content_type_check CHECK (content_type IN ('markdown', 'plain_text')),
  DROP COLUMN visibility;
ALTER TABLE insta_knowledge.passages
  ADD CONSTRAINT passages_document_fkey FOREIGN KEY (document_id, collection, title)
    REFERENCES insta_knowledge.documents (document_id, collection, title) ON UPDATE CASCADE ON DELETE CASCADE,
  ADD COLUMN search tsvector NOT NULL GENERATED ALWAYS AS (
    setweight(to_tsvector('english'::regconfig, title), 'A')
    || setweight(to_tsvector('english'::regconfig, heading_path), 'B')
    || setweight(to_tsvector('english'::regconfig, text), 'C')) STORED;
CREATE INDEX passages_search_idx ON insta_knowledge.passages USING gin (search);
DROP FUNCTION insta_knowledge.words;
