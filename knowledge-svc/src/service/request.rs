//! Requests as domain types; every wrong field is found at once.

use std::collections::BTreeSet;

use proto::insta::knowledge::v1 as pb;
use service_kit::{Tier, field::FieldErrors};
use uuid::Uuid;

use crate::domain::{
    Change, ContentType, Draft, Slug, check_content, check_labels, check_language, check_title,
};

const MASKED: [&str; 7] = [
    "title",
    "content",
    "content_type",
    "collection",
    "language",
    "labels",
    "visibility",
];

/// A document to be made, with the id that it gets.
pub(super) fn new_document(
    request: pb::CreateDocumentRequest,
) -> Result<(Slug, Draft), FieldErrors> {
    let mut errors = FieldErrors::new();
    let Some(document) = request.document else {
        return Err(FieldErrors::one("document", "must be given"));
    };
    let document_id = if document.document_id.is_empty() {
        Some(Slug::generate())
    } else {
        errors.check("document.document_id", document.document_id.parse())
    };
    let collection = errors.check("document.collection", document.collection.parse());
    let title = errors.check("document.title", check_title(&document.title));
    let content_type = content_type(&mut errors, document.content_type);
    let content = errors.check("document.content", check_content(document.content));
    let language = errors.check("document.language", check_language(&document.language));
    let labels = errors.check("document.labels", check_labels(document.labels));
    let visibility = visibility(&mut errors, document.visibility);
    let new = (|| {
        let draft = Draft {
            collection: collection?,
            title: title?,
            content: content?,
            content_type: content_type?,
            language: language?,
            labels: labels?,
            visibility: visibility?,
        };
        Some((document_id?, draft))
    })();
    errors.finish(new)
}

/// A change of the fields that are named.
pub(super) struct Update {
    pub(super) document_id: Slug,
    /// Empty when any state may be changed.
    pub(super) etag: String,
    pub(super) change: Change,
}

pub(super) fn update(request: pb::UpdateDocumentRequest) -> Result<Update, FieldErrors> {
    let mut errors = FieldErrors::new();
    let Some(document) = request.document else {
        return Err(FieldErrors::one("document", "must be given"));
    };
    let paths: BTreeSet<_> = request
        .update_mask
        .unwrap_or_default()
        .paths
        .into_iter()
        .collect();
    if paths.is_empty() || !paths.iter().all(|path| MASKED.contains(&path.as_str())) {
        errors.add(
            "update_mask",
            format_args!("must name at least one of {}", MASKED.join(", ")),
        );
    }
    let document_id = errors.check("document.document_id", document.document_id.parse());
    let mut change = Change::default();
    for path in &paths {
        let field = format!("document.{path}");
        match path.as_str() {
            "title" => change.title = errors.check(&field, check_title(&document.title)),
            "content" => {
                change.content = errors.check(&field, check_content(document.content.clone()));
            }
            "content_type" => {
                change.content_type = content_type(&mut errors, document.content_type);
            }
            "collection" => change.collection = errors.check(&field, document.collection.parse()),
            "language" => {
                change.language = errors.check(&field, check_language(&document.language));
            }
            "labels" => change.labels = errors.check(&field, check_labels(document.labels.clone())),
            "visibility" => change.visibility = visibility(&mut errors, document.visibility),
            _ => {}
        }
    }
    let update = document_id.map(|document_id| Update {
        document_id,
        etag: document.etag,
        change,
    });
    errors.finish(update)
}

fn content_type(errors: &mut FieldErrors, value: i32) -> Option<ContentType> {
    let value = content_type_of(value).map(|value| value.unwrap_or(ContentType::Markdown));
    errors.check("document.content_type", value)
}

/// None when it is not said.
pub(super) fn content_type_of(value: i32) -> Result<Option<ContentType>, &'static str> {
    match pb::ContentType::try_from(value) {
        Ok(pb::ContentType::Unspecified) => Ok(None),
        Ok(pb::ContentType::Markdown) => Ok(Some(ContentType::Markdown)),
        Ok(pb::ContentType::Html) => Ok(Some(ContentType::Html)),
        Ok(pb::ContentType::PlainText) => Ok(Some(ContentType::PlainText)),
        Err(_) => {
            Err("must be CONTENT_TYPE_MARKDOWN, CONTENT_TYPE_HTML or CONTENT_TYPE_PLAIN_TEXT")
        }
    }
}

fn visibility(errors: &mut FieldErrors, value: i32) -> Option<Tier> {
    let value = match pb::Visibility::try_from(value) {
        Ok(pb::Visibility::Unspecified | pb::Visibility::Free) => Ok(Tier::Free),
        Ok(pb::Visibility::Pro) => Ok(Tier::Pro),
        Ok(pb::Visibility::Enterprise) => Ok(Tier::Enterprise),
        Err(_) => Err("must be VISIBILITY_FREE, VISIBILITY_PRO or VISIBILITY_ENTERPRISE"),
    };
    errors.check("document.visibility", value)
}

/// The name that a client gave its request, if it did.
pub(super) fn request_id(errors: &mut FieldErrors, field: &str, text: &str) -> Option<Uuid> {
    if text.is_empty() {
        return None;
    }
    let id = Uuid::parse_str(text).map_err(|_| "must be a UUID, or empty");
    errors.check(field, id)
}

pub(super) fn document_id(text: &str) -> Result<Slug, FieldErrors> {
    text.parse()
        .map_err(|problem| FieldErrors::one("document_id", problem))
}

/// The collection that a request is limited to, if any.
pub(super) fn collection(errors: &mut FieldErrors, text: &str) -> Option<Slug> {
    if text.is_empty() {
        return None;
    }
    errors.check("collection", text.parse())
}
