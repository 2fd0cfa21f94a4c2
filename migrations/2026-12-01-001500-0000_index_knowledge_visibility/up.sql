-- Searches count the passages that they look in: with the visibility in the index the table need not be read.
CREATE INDEX passages_collection_visibility_idx ON insta_knowledge.passages (collection, visibility);

DROP INDEX insta_knowledge.passages_collection_idx;
