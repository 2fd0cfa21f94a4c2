//! `hand_over_to_human`.

use insta::assert_snapshot;
use serde_json::json;

use super::services::nobody;
use super::{ToolEffect, ToolRequest, run};
use crate::domain::HandOver;

#[tokio::test]
async fn a_person_is_asked_for_with_reason_and_summary() {
    let arguments = json!({
        "reason": "wants a person\n",
        "summary": "Was charged twice in May;\nsays \"never again\"."});
    let request = ToolRequest {
        call: "call_1".into(),
        name: "hand_over_to_human".into(),
        arguments: arguments.to_string(),
    };
    let result = run(nobody(), request).await;
    let wanted = HandOver {
        reason: "wants a person".into(),
        summary: "Was charged twice in May; says \"never again\".".into(),
    };
    assert_eq!(result.effect, Some(ToolEffect::HandOver(wanted)));
    assert_snapshot!(result.output, @r#"{"message":"A colleague has been told and will take over or get in touch.","ok":true}"#);
}
