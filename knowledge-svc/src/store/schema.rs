//! The tables, as the migrations make them, without columns that only SQL written out names, as `passages.search`.

diesel::table! {
    insta_knowledge.documents (document_id) {
        document_id -> Text,
        collection -> Text,
        title -> Text,
        content -> Text,
        content_type -> Text,
        language -> Text,
        labels -> Array<Text>,
        etag -> Uuid,
        create_time -> Timestamptz,
        update_time -> Timestamptz,
        visibility -> SmallInt,
        source -> Nullable<Text>,
        source_hash -> Nullable<Binary>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use db::Vector;

    insta_knowledge.passages (passage_id) {
        passage_id -> Uuid,
        document_id -> Text,
        collection -> Text,
        title -> Text,
        ordinal -> Integer,
        heading_path -> Text,
        text -> Text,
        content_hash -> Binary,
        embedding -> Nullable<Vector>,
        embedding_model -> Nullable<Text>,
        language -> Text,
        visibility -> SmallInt,
    }
}

diesel::table! {
    insta_knowledge.embedding_jobs (passage_id) {
        passage_id -> Uuid,
        due_time -> Timestamptz,
        attempts -> Integer,
        failure -> Nullable<Text>,
        fail_time -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    insta_knowledge.import_results (request_id, path) {
        request_id -> Uuid,
        path -> Text,
        source_hash -> Binary,
        document_id -> Text,
        outcome -> Text,
        create_time -> Timestamptz,
    }
}

diesel::table! {
    insta_knowledge.vector_index (singleton) {
        singleton -> Bool,
        active_model -> Text,
        active_slot -> Text,
        next_model -> Nullable<Text>,
    }
}

diesel::table! {
    insta_knowledge.unanswered_questions (question_id) {
        question_id -> Uuid,
        times -> BigInt,
        last_ask_time -> Timestamptz,
    }
}

diesel::table! {
    insta_knowledge.unanswered_askers (question_id, user_id) {
        question_id -> Uuid,
        user_id -> Text,
        times -> BigInt,
        last_ask_time -> Timestamptz,
    }
}

diesel::joinable!(embedding_jobs -> passages (passage_id));
diesel::allow_tables_to_appear_in_same_query!(documents, passages, embedding_jobs);
diesel::allow_tables_to_appear_in_same_query!(unanswered_questions, unanswered_askers);
