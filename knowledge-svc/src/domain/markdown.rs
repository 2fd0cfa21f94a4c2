//! Markdown as sections of plain text that can be read aloud.
//!
//! Links and pictures keep their text. HTML and the metadata block in front are left out: they are not there to be read.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::section::{Outline, Section};

/// The sections of a document, in order; headings without text below them make none.
pub(super) fn sections(markdown: &str) -> Vec<Section> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut reader = Reader::default();
    for event in Parser::new_ext(markdown, options) {
        reader.read(event);
    }
    reader.outline.finish()
}

/// The first heading, if there is one.
pub(super) fn first_heading(markdown: &str) -> Option<String> {
    let mut heading = None;
    for event in Parser::new(markdown) {
        match (event, &mut heading) {
            (Event::Start(Tag::Heading { .. }), None) => heading = Some(String::new()),
            (Event::Text(text) | Event::Code(text), Some(heading)) => heading.push_str(&text),
            (Event::SoftBreak | Event::HardBreak, Some(heading)) => heading.push(' '),
            (Event::End(TagEnd::Heading(_)), Some(_)) => break,
            _ => {}
        }
    }
    heading
}

#[derive(Default)]
struct Reader {
    outline: Outline,
    /// Inside of what is left out.
    skipping: bool,
}

impl Reader {
    fn read(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text)
            | Event::Code(text)
            | Event::InlineMath(text)
            | Event::DisplayMath(text) => self.text(&text),
            Event::SoftBreak | Event::HardBreak => self.outline.push_blank(),
            Event::Rule => self.outline.end_line(),
            Event::Html(_)
            | Event::InlineHtml(_)
            | Event::FootnoteReference(_)
            | Event::TaskListMarker(_) => {}
        }
    }

    fn text(&mut self, text: &str) {
        if !self.skipping {
            self.outline.push(text);
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::MetadataBlock(_) => self.skipping = true,
            Tag::Emphasis
            | Tag::Strong
            | Tag::Strikethrough
            | Tag::Link { .. }
            | Tag::Image { .. }
            | Tag::TableCell => {}
            _ => self.outline.end_line(),
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::MetadataBlock(_) => self.skipping = false,
            TagEnd::Heading(level) => self.outline.end_heading(level as u8),
            TagEnd::TableCell => self.outline.end_cell(),
            TagEnd::TableHead => self.outline.end_columns(),
            TagEnd::TableRow => self.outline.end_row(),
            TagEnd::Emphasis
            | TagEnd::Strong
            | TagEnd::Strikethrough
            | TagEnd::Link
            | TagEnd::Image => {}
            _ => self.outline.end_line(),
        }
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    fn read(markdown: &str) -> String {
        let sections = sections(markdown).into_iter();
        let shown = sections.map(|section| {
            format!(
                "[{}]\n{}",
                section.headings.join(" > "),
                section.lines.join("\n")
            )
        });
        shown.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn each_heading_begins_a_section_below_those_above_it() {
        assert_snapshot!(read("Intro.\n\n# A\nOne.\n## B\n### C\nTwo\nlines.\n## D\nThree."), @r"
        []
        Intro.
        [A]
        One.
        [A > B > C]
        Two lines.
        [A > D]
        Three.
        ");
    }

    #[test]
    fn lists_tables_and_code_become_lines_that_can_be_read_aloud() {
        let markdown = "\
1. Open **My account > Security**.\n2. Choose [Save](https://x.example).\n   - nested\n\n\
| | Free | Pro |\n|---|---|---|\n| Seats | up to 3 | `50` |\n| Notes | | |\n\n\
```sh\ncurl -X POST \\\n  /v1\n```\n\n> quoted\n\n- [x] done ![a lantern](l.png)\n";
        assert_snapshot!(read(markdown), @r"
        []
        Open My account > Security.
        Choose Save.
        nested
        Seats: Free up to 3; Pro 50.
        Notes
        curl -X POST \ /v1
        quoted
        done a lantern
        ");
    }

    #[test]
    fn metadata_and_html_are_left_out() {
        let markdown = "---\ntitle: Secret\n---\n\nHello <b>there</b>.\n\n<script>alert(1)</script>\n\n<!-- no -->\n";
        assert_snapshot!(read(markdown), @r"
        []
        Hello there.
        ");
    }

    #[test]
    fn headings_alone_make_no_section() {
        assert_eq!(sections("# A\n## B\n\n![](x.png)\n"), []);
    }

    proptest::proptest! {
        #[test]
        fn anything_can_be_read(markdown in "(?s).{0,300}") {
            for section in sections(&markdown) {
                assert!(section.lines.iter().all(|line| !line.trim().is_empty()));
            }
        }
    }
}
