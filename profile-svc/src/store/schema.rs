//! The tables, as the migrations make them.

diesel::table! {
    insta_profile.profiles (user_id) {
        user_id -> Text,
        name -> Text,
        email -> Text,
        subscription_tier -> Text,
        last_interaction_summary -> Text,
        last_interaction_call_id -> Nullable<Uuid>,
        last_interaction_time -> Nullable<Timestamptz>,
        create_time -> Timestamptz,
        update_time -> Timestamptz,
        version -> BigInt,
    }
}

diesel::table! {
    insta_profile.account_facts (user_id, key) {
        user_id -> Text,
        key -> Text,
        label -> Text,
        value -> Text,
        as_of_time -> Timestamptz,
    }
}
