DROP TABLE insta_knowledge.import_results;
ALTER TABLE insta_knowledge.documents DROP COLUMN source_hash, DROP COLUMN source;
