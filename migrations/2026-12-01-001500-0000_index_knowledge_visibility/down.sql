CREATE INDEX passages_collection_idx ON insta_knowledge.passages (collection);

DROP INDEX insta_knowledge.passages_collection_visibility_idx;
