//! Markdown as sections of plain text that can be read aloud.
//!
//! A list item and a table row become a line each, code keeps its words, links and pictures keep their text. HTML and
//! the metadata block in front are left out: they are not there to be read.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// Longer headings are cut; they stand in front of every passage below them.
const MAX_HEADING: usize = 200;

/// The text between two headings.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Section {
    /// The headings above, the outermost first.
    pub(super) headings: Vec<String>,
    /// Paragraphs, list items and table rows, a line each.
    pub(super) lines: Vec<String>,
}

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
    reader.end_line();
    reader.sections.retain(|section| !section.lines.is_empty());
    reader.sections
}

#[derive(Default)]
struct Reader {
    sections: Vec<Section>,
    headings: Vec<(HeadingLevel, String)>,
    /// The line being read.
    line: String,
    /// The first row of the table being read, and the cells of the current one.
    columns: Vec<String>,
    cells: Vec<String>,
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
            Event::SoftBreak | Event::HardBreak => self.line.push(' '),
            Event::Rule => self.end_line(),
            Event::Html(_)
            | Event::InlineHtml(_)
            | Event::FootnoteReference(_)
            | Event::TaskListMarker(_) => {}
        }
    }

    fn text(&mut self, text: &str) {
        if !self.skipping {
            self.line.push_str(text);
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
            _ => self.end_line(),
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::MetadataBlock(_) => self.skipping = false,
            TagEnd::Heading(level) => self.end_heading(level),
            TagEnd::TableCell => {
                let cell = self.take_line();
                self.cells.push(cell);
            }
            TagEnd::TableHead => self.columns = std::mem::take(&mut self.cells),
            TagEnd::TableRow => {
                self.line = row(&self.columns, &std::mem::take(&mut self.cells));
                self.end_line();
            }
            TagEnd::Emphasis
            | TagEnd::Strong
            | TagEnd::Strikethrough
            | TagEnd::Link
            | TagEnd::Image => {}
            _ => self.end_line(),
        }
    }

    fn end_heading(&mut self, level: HeadingLevel) {
        let heading: String = self.take_line().chars().take(MAX_HEADING).collect();
        while self
            .headings
            .last()
            .is_some_and(|(above, _)| *above >= level)
        {
            self.headings.pop();
        }
        if !heading.is_empty() {
            self.headings.push((level, heading));
        }
        let headings = self.headings.iter().map(|(_, heading)| heading.clone());
        self.sections.push(Section {
            headings: headings.collect(),
            lines: Vec::new(),
        });
    }

    fn end_line(&mut self) {
        let line = self.take_line();
        if line.is_empty() {
            return;
        }
        if self.sections.is_empty() {
            self.sections.push(Section::default());
        }
        if let Some(section) = self.sections.last_mut() {
            section.lines.push(line);
        }
    }

    /// The line read so far, with single blanks between its words.
    fn take_line(&mut self) -> String {
        let line = std::mem::take(&mut self.line);
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// A table row as it would be read aloud: `Seats: Free up to 3; Pro up to 50.`
fn row(columns: &[String], cells: &[String]) -> String {
    let (name, values) = match cells.split_first() {
        Some((name, values)) => (name, values),
        None => return String::new(),
    };
    let values: Vec<_> = values
        .iter()
        .enumerate()
        .filter(|(_, value)| !value.is_empty())
        .map(|(index, value)| match columns.get(index + 1) {
            Some(column) if !column.is_empty() => format!("{column} {value}"),
            _ => value.clone(),
        })
        .collect();
    match (name.is_empty(), values.is_empty()) {
        (_, true) => name.clone(),
        (true, false) => format!("{}.", values.join("; ")),
        (false, false) => format!("{name}: {}.", values.join("; ")),
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
