//! The tables, as the migrations make them.

diesel::table! {
    insta_auth.signing_keys (kid) {
        kid -> Text,
        private_key -> Bytea,
        create_time -> Timestamptz,
        retire_time -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    insta_auth.service_clients (client_id) {
        client_id -> Text,
        secret_hash -> Text,
        scopes -> Array<Text>,
        create_time -> Timestamptz,
        disable_time -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    insta_auth.operators (user_id) {
        user_id -> Text,
        create_time -> Timestamptz,
    }
}

diesel::table! {
    insta_auth.delegations (call_id) {
        call_id -> Uuid,
        user_id -> Text,
        tier -> Text,
        client_id -> Text,
        create_time -> Timestamptz,
    }
}
