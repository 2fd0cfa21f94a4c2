//! The tables, as the migrations make them. The column `passages.search` is the database's own business.

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
    }
}

diesel::table! {
    insta_knowledge.embedding_jobs (passage_id) {
        passage_id -> Uuid,
        due_time -> Timestamptz,
        attempts -> Integer,
        failure -> Nullable<Text>,
    }
}

diesel::joinable!(embedding_jobs -> passages (passage_id));
diesel::allow_tables_to_appear_in_same_query!(documents, passages, embedding_jobs);
