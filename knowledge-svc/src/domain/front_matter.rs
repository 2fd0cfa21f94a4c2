//! What a file says about itself before its text: YAML between two lines of `---`.

use serde::Deserialize;

/// What may stand there. Other keys are other programs' business and are left alone.
#[derive(Debug, Default, Deserialize)]
pub(super) struct FrontMatter {
    #[serde(alias = "document_id")]
    pub(super) id: Option<String>,
    pub(super) title: Option<String>,
    #[serde(alias = "lang")]
    pub(super) language: Option<String>,
    #[serde(default, alias = "tags")]
    pub(super) labels: Labels,
    pub(super) visibility: Option<String>,
}

/// A list, or words parted by commas.
#[derive(Debug, Default, Deserialize)]
#[serde(untagged)]
pub(super) enum Labels {
    #[default]
    None,
    One(String),
    Many(Vec<String>),
}

impl From<Labels> for Vec<String> {
    fn from(labels: Labels) -> Self {
        match labels {
            Labels::None => Self::new(),
            Labels::One(text) => {
                let labels = text.split(',').map(str::trim);
                labels
                    .filter(|label| !label.is_empty())
                    .map(ToOwned::to_owned)
                    .collect()
            }
            Labels::Many(labels) => labels,
        }
    }
}

/// Parts a file into its front matter, where there is any, and its text.
///
/// # Errors
/// A sentence with the line of the file, when what stands there is no front matter.
pub(super) fn split(text: &str) -> Result<(FrontMatter, &str), String> {
    let mut lines = text.split_inclusive('\n');
    let first = lines.next().unwrap_or_default();
    if first.trim_end() != "---" {
        return Ok((FrontMatter::default(), text));
    }
    let mut end = first.len();
    for line in lines {
        if matches!(line.trim_end(), "---" | "...") {
            // The line feed keeps the numbers of the lines those of the file.
            let yaml = format!("\n{}", &text[first.len()..end]);
            return Ok((read(&yaml)?, &text[end + line.len()..]));
        }
        end += line.len();
    }
    // A line of dashes may as well be a rule; keys below it are meant as front matter.
    let second = text[first.len()..].lines().next().unwrap_or_default();
    match second.split_once(':') {
        Some((key, _)) if !key.is_empty() && !key.contains(char::is_whitespace) => {
            Err("begins with front matter that no line of --- ends".to_owned())
        }
        _ => Ok((FrontMatter::default(), text)),
    }
}

fn read(yaml: &str) -> Result<FrontMatter, String> {
    if yaml.trim().is_empty() {
        return Ok(FrontMatter::default());
    }
    serde_saphyr::from_str(yaml).map_err(|error| {
        let line = error.location().map_or(0, |location| location.line());
        format!("has front matter that cannot be read, see line {line}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_before_the_text_is_read_and_taken_off() {
        let file = "---\r\ntitle: Our refund policy\r\ntags: billing, money\nlang: de\ndate: 2026-01-01\n---\n\nText.\n---\n";
        let (front, text) = split(file).unwrap();
        assert_eq!(front.title.as_deref(), Some("Our refund policy"));
        assert_eq!(Vec::from(front.labels), ["billing", "money"]);
        assert_eq!(front.language.as_deref(), Some("de"));
        assert_eq!(text, "\nText.\n---\n");
        let (front, _) = split("---\nlabels: [a, b]\nvisibility: pro\n---\n").unwrap();
        assert_eq!(Vec::from(front.labels), ["a", "b"]);
        assert_eq!(front.visibility.as_deref(), Some("pro"));
    }

    #[test]
    fn text_alone_stays_as_it_is() {
        for text in [
            "",
            "Text.",
            "----\nx: y\n---\n",
            "---\n\nA rule above.\n",
            " ---\na: b\n---\n",
        ] {
            assert_eq!(split(text).unwrap().1, text);
        }
        assert_eq!(split("---\n---\nText.").unwrap().1, "Text.");
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_line() {
        for (file, expected) in [
            (
                "---\ntitle: Refunds\nText.",
                "begins with front matter that no line of --- ends",
            ),
            (
                "---\ntitle: a: b\n---\n",
                "has front matter that cannot be read, see line 2",
            ),
            (
                "---\nid: x\nlabels: {a: 1}\n---\n",
                "has front matter that cannot be read, see line 3",
            ),
            (
                "---\njust words\n---\n",
                "has front matter that cannot be read, see line 2",
            ),
            (
                "---\ntitle: [\n---\n",
                "has front matter that cannot be read, see line 2",
            ),
        ] {
            assert_eq!(split(file).unwrap_err(), expected, "{file:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn anything_can_be_read(text in "---\n[a-z:\\[\\]{}&*!|>'\"\n -]{0,80}\n---\n") {
            let _ = split(&text);
        }
    }
}
