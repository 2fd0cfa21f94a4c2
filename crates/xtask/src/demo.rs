//! The demo users and articles, as `demo/` holds them.

use std::fs;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

use crate::project::Project;

/// A demo login with what is known of its account.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    pub user_id: String,
    pub email: String,
    pub password: String,
    pub name: String,
    pub subscription_tier: String,
    #[serde(default)]
    pub facts: Vec<Fact>,
}

/// One account fact, spoken as "Your <label> is <value>".
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    pub key: String,
    pub label: String,
    pub value: String,
}

/// A help article.
#[derive(Debug, Clone, PartialEq)]
pub struct Article {
    pub document_id: String,
    pub title: String,
    pub collection: String,
    pub language: String,
    pub labels: Vec<String>,
    /// Markdown.
    pub content: String,
}

#[derive(Deserialize)]
struct Users {
    users: Vec<User>,
}

/// The demo users.
pub fn users(project: &Project) -> anyhow::Result<Vec<User>> {
    let path = dir(project).join("users.toml");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let users: Users = toml::from_str(&text).with_context(|| path.display().to_string())?;
    Ok(users.users)
}

/// The demo articles, in the order of their ids.
pub fn articles(project: &Project) -> anyhow::Result<Vec<Article>> {
    let folder = dir(project).join("articles");
    let mut articles = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            articles.push(parse_article(&text).with_context(|| path.display().to_string())?);
        }
    }
    articles.sort_by(|a, b| a.document_id.cmp(&b.document_id));
    Ok(articles)
}

fn dir(project: &Project) -> std::path::PathBuf {
    project.root().join("crates/xtask/demo")
}

/// Reads an article: `name: value` lines between two `---` lines, then Markdown. A list is written
/// `[one, two]`.
fn parse_article(text: &str) -> anyhow::Result<Article> {
    let text = text
        .strip_prefix("---\n")
        .context("does not begin with `---`")?;
    let (head, content) = text.split_once("\n---\n").context("has no second `---`")?;
    let mut article = Article {
        document_id: String::new(),
        title: String::new(),
        collection: String::new(),
        language: String::new(),
        labels: Vec::new(),
        content: content.trim().to_owned(),
    };
    for line in head.lines() {
        let (name, value) = line
            .split_once(':')
            .with_context(|| format!("{line:?} has no `:`"))?;
        let value = value.trim();
        match name.trim() {
            "document_id" => article.document_id = value.to_owned(),
            "title" => article.title = value.to_owned(),
            "collection" => article.collection = value.to_owned(),
            "language" => article.language = value.to_owned(),
            "labels" => article.labels = parse_list(value)?,
            other => bail!("{other:?} is no field of an article"),
        }
    }
    for (name, value) in [
        ("document_id", &article.document_id),
        ("title", &article.title),
        ("collection", &article.collection),
        ("language", &article.language),
        ("the text", &article.content),
    ] {
        ensure!(!value.is_empty(), "{name} is missing");
    }
    Ok(article)
}

fn parse_list(value: &str) -> anyhow::Result<Vec<String>> {
    let inside = value
        .strip_prefix('[')
        .and_then(|value| value.strip_suffix(']'));
    let inside = inside.with_context(|| format!("{value:?} is not a list in brackets"))?;
    Ok(inside
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn project() -> Project {
        Project::of_build().unwrap()
    }

    #[test]
    fn the_demo_users_have_ids_like_firebase_and_known_tiers() {
        let users = users(&project()).unwrap();
        let tiers: BTreeSet<_> = users
            .iter()
            .map(|user| user.subscription_tier.as_str())
            .collect();
        assert_eq!(tiers, BTreeSet::from(["enterprise", "free", "pro"]));
        assert!(
            users
                .iter()
                .all(|user| user.user_id.len() == 28 && !user.facts.is_empty())
        );
    }

    #[test]
    fn every_demo_article_is_named_after_its_id() {
        let articles = articles(&project()).unwrap();
        assert!(articles.len() >= 40, "{}", articles.len());
        for article in articles {
            let path = dir(&project())
                .join("articles")
                .join(&article.document_id)
                .with_extension("md");
            assert!(path.exists(), "{}", path.display());
        }
    }

    #[test]
    fn an_article_is_read_with_its_fields() {
        let text = "---\ndocument_id: a\ntitle: A: b\ncollection: help\nlanguage: en\nlabels: [x, y z]\n---\n\nText.\n";
        let article = parse_article(text).unwrap();
        assert_eq!(
            (article.title.as_str(), article.content.as_str()),
            ("A: b", "Text.")
        );
        assert_eq!(article.labels, ["x", "y z"]);
    }

    #[test]
    fn an_article_that_is_wrong_says_how() {
        let good = "---\ndocument_id: a\ntitle: A\ncollection: help\nlanguage: en\nlabels: []\n---\nText.\n";
        for (from, to, wrong) in [
            ("---\nd", "d", "does not begin with `---`"),
            (
                "title: A",
                "tittle: A",
                "\"tittle\" is no field of an article",
            ),
            ("title: A", "title:", "title is missing"),
            ("[]", "x", "\"x\" is not a list in brackets"),
            ("Text.", "", "the text is missing"),
        ] {
            let error = parse_article(&good.replacen(from, to, 1))
                .unwrap_err()
                .to_string();
            assert_eq!(error, wrong);
        }
    }
}
