-- Who finds a document, and by the rules of which language its words are read.
CREATE FUNCTION insta_knowledge.words(language text, body text) RETURNS tsvector
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN CASE lower(split_part(language, '-', 1))
    WHEN 'en' THEN to_tsvector('pg_catalog.english'::regconfig, body)
    WHEN 'ar' THEN to_tsvector('pg_catalog.arabic'::regconfig, body)
    WHEN 'hy' THEN to_tsvector('pg_catalog.armenian'::regconfig, body)
    WHEN 'eu' THEN to_tsvector('pg_catalog.basque'::regconfig, body)
    WHEN 'ca' THEN to_tsvector('pg_catalog.catalan'::regconfig, body)
    WHEN 'da' THEN to_tsvector('pg_catalog.danish'::regconfig, body)
    WHEN 'nl' THEN to_tsvector('pg_catalog.dutch'::regconfig, body)
    WHEN 'fi' THEN to_tsvector('pg_catalog.finnish'::regconfig, body)
    WHEN 'fr' THEN to_tsvector('pg_catalog.french'::regconfig, body)
    WHEN 'de' THEN to_tsvector('pg_catalog.german'::regconfig, body)
    WHEN 'el' THEN to_tsvector('pg_catalog.greek'::regconfig, body)
    WHEN 'hi' THEN to_tsvector('pg_catalog.hindi'::regconfig, body)
    WHEN 'hu' THEN to_tsvector('pg_catalog.hungarian'::regconfig, body)
    WHEN 'id' THEN to_tsvector('pg_catalog.indonesian'::regconfig, body)
    WHEN 'ga' THEN to_tsvector('pg_catalog.irish'::regconfig, body)
    WHEN 'it' THEN to_tsvector('pg_catalog.italian'::regconfig, body)
    WHEN 'lt' THEN to_tsvector('pg_catalog.lithuanian'::regconfig, body)
    WHEN 'ne' THEN to_tsvector('pg_catalog.nepali'::regconfig, body)
    WHEN 'no' THEN to_tsvector('pg_catalog.norwegian'::regconfig, body)
    WHEN 'nb' THEN to_tsvector('pg_catalog.norwegian'::regconfig, body)
    WHEN 'nn' THEN to_tsvector('pg_catalog.norwegian'::regconfig, body)
    WHEN 'pt' THEN to_tsvector('pg_catalog.portuguese'::regconfig, body)
    WHEN 'ro' THEN to_tsvector('pg_catalog.romanian'::regconfig, body)
    WHEN 'ru' THEN to_tsvector('pg_catalog.russian'::regconfig, body)
    WHEN 'sr' THEN to_tsvector('pg_catalog.serbian'::regconfig, body)
    WHEN 'es' THEN to_tsvector('pg_catalog.spanish'::regconfig, body)
    WHEN 'sv' THEN to_tsvector('pg_catalog.swedish'::regconfig, body)
    WHEN 'ta' THEN to_tsvector('pg_catalog.tamil'::regconfig, body)
    WHEN 'tr' THEN to_tsvector('pg_catalog.turkish'::regconfig, body)
    WHEN 'yi' THEN to_tsvector('pg_catalog.yiddish'::regconfig, body)
    ELSE to_tsvector('pg_catalog.simple'::regconfig, body)
  END;

COMMENT ON FUNCTION insta_knowledge.words IS
  'The words of a text by the rules of its language, a BCP 47 tag: stems where PostgreSQL knows the language.';

ALTER TABLE insta_knowledge.passages DROP CONSTRAINT passages_document_fkey, DROP COLUMN search;

ALTER TABLE insta_knowledge.documents
  ADD COLUMN visibility smallint NOT NULL DEFAULT 0,
  ADD CONSTRAINT documents_visibility_check CHECK (visibility BETWEEN 0 AND 2),
  DROP CONSTRAINT documents_content_type_check,
  ADD CONSTRAINT documents_content_type_check CHECK (content_type IN ('markdown', 'html', 'plain_text')),
  DROP CONSTRAINT documents_copied_key,
  ADD CONSTRAINT documents_copied_key UNIQUE (document_id, collection, title, language, visibility);

ALTER TABLE insta_knowledge.passages
  ADD COLUMN language text NOT NULL DEFAULT 'en',
  ADD COLUMN visibility smallint NOT NULL DEFAULT 0;

UPDATE insta_knowledge.passages p SET language = d.language
FROM insta_knowledge.documents d WHERE d.document_id = p.document_id AND d.language <> p.language;

ALTER TABLE insta_knowledge.passages
  ALTER COLUMN language DROP DEFAULT,
  ALTER COLUMN visibility DROP DEFAULT,
  ADD CONSTRAINT passages_document_fkey FOREIGN KEY (document_id, collection, title, language, visibility)
    REFERENCES insta_knowledge.documents (document_id, collection, title, language, visibility)
    ON UPDATE CASCADE ON DELETE CASCADE,
  ADD COLUMN search tsvector NOT NULL GENERATED ALWAYS AS (
    setweight(insta_knowledge.words(language, title), 'A')
    || setweight(insta_knowledge.words(language, heading_path), 'B')
    || setweight(insta_knowledge.words(language, text), 'C')) STORED;

ALTER TABLE insta_knowledge.documents ALTER COLUMN visibility DROP DEFAULT;

CREATE INDEX passages_search_idx ON insta_knowledge.passages USING gin (search);

COMMENT ON COLUMN insta_knowledge.documents.visibility IS
  'The lowest plan whose users find it: 0 free, 1 pro, 2 enterprise.';
COMMENT ON COLUMN insta_knowledge.passages.language IS
  'Copied from the document: says by which rules the search column is made.';
COMMENT ON COLUMN insta_knowledge.passages.visibility IS
  'Copied from the document, so that searches filter before they rank.';

-- The second wall. Searches filter passages by visibility and then join their documents, of which a session sees what
-- it has said that its caller may see, and what is for everyone if it has said nothing. It does not stand around the
-- passages themselves, because PostgreSQL would then read no index for a condition that might leak.
ALTER TABLE insta_knowledge.documents ENABLE ROW LEVEL SECURITY;
CREATE POLICY documents_visibility ON insta_knowledge.documents USING (
  visibility <= coalesce(nullif(current_setting('insta_knowledge.visibility', true), ''), '0')::smallint);
