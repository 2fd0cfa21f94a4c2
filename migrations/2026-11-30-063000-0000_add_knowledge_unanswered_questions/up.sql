CREATE TABLE insta_knowledge.unanswered_questions (
  question_id uuid NOT NULL,
  alike_hash bytea NOT NULL,
  text text NOT NULL,
  collection text,
  labels text[] NOT NULL,
  language text NOT NULL,
  visibility smallint NOT NULL,
  nearest_document_id text,
  nearest_confidence double precision,
  times bigint NOT NULL,
  first_ask_time timestamptz NOT NULL,
  last_ask_time timestamptz NOT NULL,
  CONSTRAINT unanswered_questions_pkey PRIMARY KEY (question_id),
  CONSTRAINT unanswered_questions_alike_key UNIQUE (alike_hash),
  CONSTRAINT unanswered_questions_alike_hash_check CHECK (octet_length(alike_hash) = 32),
  CONSTRAINT unanswered_questions_text_check CHECK (length(text) BETWEEN 1 AND 1000),
  CONSTRAINT unanswered_questions_visibility_check CHECK (visibility BETWEEN 0 AND 2),
  CONSTRAINT unanswered_questions_nearest_check CHECK ((nearest_document_id IS NULL) = (nearest_confidence IS NULL)),
  CONSTRAINT unanswered_questions_times_check CHECK (times >= 0)
);

CREATE INDEX unanswered_questions_last_idx ON insta_knowledge.unanswered_questions (last_ask_time, question_id);

CREATE TABLE insta_knowledge.unanswered_askers (
  question_id uuid NOT NULL,
  user_id text NOT NULL,
  times bigint NOT NULL,
  last_ask_time timestamptz NOT NULL,
  CONSTRAINT unanswered_askers_pkey PRIMARY KEY (question_id, user_id),
  CONSTRAINT unanswered_askers_question_fkey FOREIGN KEY (question_id)
    REFERENCES insta_knowledge.unanswered_questions (question_id) ON DELETE CASCADE,
  CONSTRAINT unanswered_askers_user_id_check CHECK (length(user_id) BETWEEN 1 AND 128),
  CONSTRAINT unanswered_askers_times_check CHECK (times > 0)
);

CREATE INDEX unanswered_askers_user_idx ON insta_knowledge.unanswered_askers (user_id);
CREATE INDEX unanswered_askers_last_idx ON insta_knowledge.unanswered_askers (last_ask_time);

COMMENT ON TABLE insta_knowledge.unanswered_questions IS
  'What users asked and nothing answered. Personal data: rows go some time after they were last asked.';
COMMENT ON COLUMN insta_knowledge.unanswered_questions.alike_hash IS
  'SHA-256 of the words, the collection, the language and the labels: the same hash means the same entry.';
COMMENT ON COLUMN insta_knowledge.unanswered_questions.text IS 'As it was asked first.';
COMMENT ON COLUMN insta_knowledge.unanswered_questions.visibility IS
  'The highest plan of those who asked: 0 free, 1 pro, 2 enterprise.';
COMMENT ON COLUMN insta_knowledge.unanswered_questions.nearest_document_id IS
  'What came nearest when it was asked last. No foreign key: the document may go.';
COMMENT ON COLUMN insta_knowledge.unanswered_questions.times IS
  'How often it was asked: the sum of its askers, and of those who were too many to be named.';
COMMENT ON TABLE insta_knowledge.unanswered_askers IS
  'Who asked, so that a user can be erased; only the first hundred of a question.';
