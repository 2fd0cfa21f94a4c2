//! Short forms, acronyms that are not read as their dictionary entry says, and symbols.

use super::{Rule, spell};

/// Acronyms and names, and how they are said. Letters joined by hyphens are read one by one.
const SAID: [(&str, &str); 16] = [
    ("AWS", "A-W-S"),
    ("Ctrl", "control"),
    ("JPEG", "jay peg"),
    ("JSON", "Jason"),
    ("OAuth", "oh auth"),
    ("SaaS", "sass"),
    ("SAML", "saml"),
    ("SCIM", "skim"),
    ("SQL", "sequel"),
    ("MySQL", "my sequel"),
    ("PostgreSQL", "postgres"),
    ("WiFi", "Wi-Fi"),
    ("YAML", "yaml"),
    ("wifi", "Wi-Fi"),
    ("iOS", "I-O-S"),
    ("macOS", "mac O-S"),
];

pub(super) fn rules() -> Vec<Rule> {
    vec![
        Rule::new(r"(?i)\be\.g\.", |_| "for example".to_owned()),
        Rule::new(r"(?i)\bi\.e\.", |_| "that is".to_owned()),
        Rule::new(r"(?i)\bvs\b\.?", |_| "versus".to_owned()),
        Rule::new(r"(?i)\bapprox\.", |_| "about".to_owned()),
        Rule::new(r"\bw/o\b", |_| "without".to_owned()),
        Rule::new(r"\bw/(\s|$)", |_| "with ".to_owned()),
        Rule::new(r"(?i)\band/or\b", |_| "and or".to_owned()),
        Rule::new(r"\bN/A\b", |_| "not applicable".to_owned()),
        Rule::new(r"\b([CF])#", |c| format!("{} sharp", &c[1])),
        Rule::new(r"\b([A-Z])/([A-Z])\b", |c| format!("{}-{}", &c[1], &c[2])),
        // A way through menus, "Settings > Billing".
        Rule::new(r"([A-Za-z)])\s*>\s*([A-Za-z])", |c| {
            format!("{}, {}", &c[1], &c[2])
        }),
        Rule::new(r"\b[A-Za-z]+\b", |c| {
            let said = SAID.iter().find(|(name, _)| *name == &c[0]);
            said.map_or_else(|| c[0].to_owned(), |(_, said)| (*said).to_owned())
        }),
        Rule::new(r"\b([A-Z]{2,5})s\b", |c| format!("{}'s", spell(&c[1]))),
        Rule::new(r"\.\.\.+", |_| "\u{2026}".to_owned()),
        Rule::new(r"\s-+\s|--+", |_| ", ".to_owned()),
        Rule::new(r"(^|[^A-Za-z])-+|-+([^A-Za-z]|$)", |c| {
            let (before, after) = (super::group(c, 1), super::group(c, 2));
            format!("{before} {after}")
        }),
        Rule::new(r"[&+@=/~%$#|\[\]{}<>\\^_\u{20ac}\u{a3}\u{a5}0-9]", |c| {
            let said = match &c[0] {
                "&" => " and ",
                "+" => " plus ",
                "@" => " at ",
                "=" => " equals ",
                "/" => " slash ",
                "~" => " about ",
                "%" => " percent ",
                "|" => ", ",
                _ => " ",
            };
            said.to_owned()
        }),
    ]
}
