DROP TABLE insta_knowledge.documents;
