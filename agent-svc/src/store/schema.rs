//! The tables, as the migrations make them.

diesel::table! {
    insta_agent.calls (call_id) {
        call_id -> Uuid,
        user_id -> Text,
        state -> Text,
        end_reason -> Nullable<Text>,
        room -> Text,
        instance -> Text,
        lease_time -> Timestamptz,
        create_time -> Timestamptz,
        end_time -> Nullable<Timestamptz>,
        summary -> Text,
        prompt -> Text,
        hand_over_reason -> Nullable<Text>,
        hand_over_summary -> Nullable<Text>,
        hand_over_time -> Nullable<Timestamptz>,
        usage -> Nullable<Jsonb>,
        cost_usd_micros -> Nullable<BigInt>,
    }
}

diesel::table! {
    insta_agent.turns (call_id, position) {
        call_id -> Uuid,
        position -> Integer,
        role -> Text,
        text -> Text,
        start_time -> Timestamptz,
        interrupted -> Bool,
        tool_calls -> Jsonb,
        latency -> Nullable<Jsonb>,
        silenced_after_ms -> Nullable<BigInt>,
        usage -> Nullable<Jsonb>,
        cost_usd_micros -> Nullable<BigInt>,
    }
}

diesel::table! {
    insta_agent.summary_jobs (call_id) {
        call_id -> Uuid,
        attempts -> Integer,
        next_attempt_time -> Timestamptz,
        failed -> Bool,
    }
}
