//! What the elements of a page are for: which hold content, and which lead elsewhere.

use html5ever::tokenizer::{
    Tag,
    states::{RawKind, Rawtext, Rcdata, ScriptData},
};

/// Elements that are never content.
const DROPPED: [&str; 22] = [
    "aside", "audio", "button", "canvas", "datalist", "dialog", "footer", "form", "head", "iframe",
    "map", "menu", "nav", "noscript", "object", "script", "select", "style", "svg", "template",
    "textarea", "video",
];
/// Elements that are dropped for their role, or for a word of their class, where an end tag is never left out.
const CONTAINERS: [&str; 8] = [
    "div", "dl", "header", "ol", "section", "span", "table", "ul",
];
const DROPPED_ROLES: [&str; 6] = [
    "banner",
    "complementary",
    "contentinfo",
    "menu",
    "navigation",
    "search",
];
const DROPPED_CLASSES: [&str; 12] = [
    "breadcrumb",
    "breadcrumbs",
    "menu",
    "nav",
    "navbar",
    "navfooter",
    "navheader",
    "navigation",
    "pagination",
    "sidebar",
    "skip-link",
    "toc",
];
/// Elements within a line; all others end it.
const INLINE: [&str; 31] = [
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em",
    "font", "i", "ins", "kbd", "label", "mark", "q", "s", "samp", "small", "span", "strong", "sub",
    "sup", "time", "tt", "u", "var",
];
/// Elements without an end tag.
const VOID: [&str; 8] = ["br", "col", "embed", "hr", "img", "input", "source", "wbr"];

/// Whether what stands in the element is never content. The header of the content holds its title, that of the page
/// leads elsewhere.
pub(super) fn is_dropped(tag: &Tag, in_main: bool) -> bool {
    let name = &*tag.name;
    if DROPPED.contains(&name) || (name == "header" && !in_main) {
        return true;
    }
    let words = |name| attribute(tag, name).unwrap_or_default().split_whitespace();
    let hidden =
        attribute(tag, "hidden").is_some() || attribute(tag, "aria-hidden") == Some("true");
    CONTAINERS.contains(&name)
        && (hidden
            || words("role").any(|role| DROPPED_ROLES.contains(&role))
            || words("class").any(|class| DROPPED_CLASSES.contains(&class)))
}

/// Whether the element says that it is the content of the page.
pub(super) fn is_main(tag: &Tag) -> bool {
    let name = &*tag.name;
    matches!(name, "main" | "article")
        || (CONTAINERS.contains(&name) && attribute(tag, "role") == Some("main"))
}

/// Whether the element stands within a line.
pub(super) fn is_inline(name: &str) -> bool {
    INLINE.contains(&name)
}

pub(super) fn attribute<'a>(tag: &'a Tag, name: &str) -> Option<&'a str> {
    let named = |attribute: &&html5ever::Attribute| *attribute.name.local == *name;
    tag.attrs
        .iter()
        .find(named)
        .map(|attribute| &*attribute.value)
}

/// How the text within an element is to be read, where no tags count in it.
pub(super) fn raw_text(tag: &Tag) -> Option<RawKind> {
    match &*tag.name {
        // Pages written as XML close these at once, and the rest of the page is not theirs.
        _ if tag.self_closing => None,
        "script" => Some(ScriptData),
        "style" | "iframe" | "noembed" | "noframes" | "xmp" => Some(Rawtext),
        "title" | "textarea" => Some(Rcdata),
        _ => None,
    }
}

/// An element that is open, and how many of the same name are open within it.
pub(super) struct Open {
    name: String,
    depth: usize,
}

impl Open {
    pub(super) fn new(tag: &Tag) -> Option<Self> {
        let closes = !tag.self_closing && !VOID.contains(&&*tag.name);
        closes.then(|| Self {
            name: tag.name.to_string(),
            depth: 1,
        })
    }

    pub(super) fn start(&mut self, tag: &Tag) {
        if *tag.name == *self.name && !tag.self_closing {
            self.depth += 1;
        }
    }

    /// Whether an end tag ends this element.
    pub(super) fn end(&mut self, name: &str) -> bool {
        if *name == *self.name {
            self.depth -= 1;
        }
        self.depth == 0
    }
}
