//! Timelines: each is one phenomenon.

mod limits;
mod overlap;
mod provider;
mod tools;
mod turns;
mod written;

use super::stage::transcript;

/// What happens once an answer can be heard: somebody has asked for this story.
fn over_a_story(story: &str, script: &str) -> String {
    let asked = format!(
        r#"
           0 call begins
        1000 model says "{story}"
        1000 caller speaks 1000 "Tell me a story."
        "#
    );
    let told = transcript(&(asked + script));
    let begun = told.split_once("-> Speaking\n");
    begun.expect("the story is told").1.to_owned()
}
