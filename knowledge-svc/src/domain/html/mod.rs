//! HTML as sections of plain text, of its main content only.
//!
//! Where a page marks its content (`main`, `article`, `role="main"`), nothing else is read. Scripts, styles, forms and
//! what leads to other pages (`nav`, `aside`, breadcrumbs, tables of contents) are left out wherever they stand.
//!
//! The page is read token by token, as the HTML standard tokenises it, and no tree is built: broken nesting costs at
//! worst some text, and never time or memory beyond the length of the page.

mod element;

use std::cell::RefCell;

use html5ever::{
    TokenizerResult,
    tendril::StrTendril,
    tokenizer::{
        BufferQueue, CharacterTokens, Tag, TagKind, TagToken, Token, TokenSink, TokenSinkResult,
        Tokenizer, TokenizerOpts,
    },
};

use self::element::{Open, attribute, is_dropped, is_inline, is_main, raw_text};
use super::section::{Outline, Section};

/// What a page holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    /// Its first top heading, else what it calls itself.
    pub(super) title: Option<String>,
    /// The language that it says it is in.
    pub(super) language: Option<String>,
    /// Its main content; headings without text below them make no section.
    pub(super) sections: Vec<Section>,
}

/// Reads a page.
pub(super) fn read(html: &str) -> Page {
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(html));
    let tokenizer = Tokenizer::new(Sink::default(), TokenizerOpts::default());
    while !matches!(tokenizer.feed(&input), TokenizerResult::Done) {}
    tokenizer.end();
    tokenizer.sink.0.into_inner().finish()
}

/// The tokenizer lends its sink immutably.
#[derive(Default)]
struct Sink(RefCell<Reader>);

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut reader = self.0.borrow_mut();
        match token {
            TagToken(tag) if tag.kind == TagKind::StartTag => {
                reader.start(&tag);
                raw_text(&tag).map_or(TokenSinkResult::Continue, TokenSinkResult::RawData)
            }
            TagToken(tag) => {
                reader.end(&tag.name);
                TokenSinkResult::Continue
            }
            CharacterTokens(text) => {
                reader.text(&text);
                TokenSinkResult::Continue
            }
            _ => TokenSinkResult::Continue,
        }
    }
}

#[derive(Default)]
struct Reader {
    outline: Outline,
    language: Option<String>,
    /// What stands in `title`, and whether it is being read.
    title: String,
    in_title: bool,
    top_heading: Option<String>,
    /// Which element the page marks its content with, once it has done so.
    marked: Option<String>,
    main: Option<Open>,
    dropped: Option<Open>,
    heading: Option<u8>,
    /// Whether a table cell is being read, the cells of its row, and how many of them are headings.
    in_cell: bool,
    cells: usize,
    heading_cells: usize,
    /// Between a term and its description, which share a line.
    after_term: bool,
}

impl Reader {
    fn start(&mut self, tag: &Tag) {
        let name = &*tag.name;
        if name == "title" {
            self.in_title = self.title.is_empty() && !tag.self_closing;
        }
        if let Some(dropped) = &mut self.dropped {
            dropped.start(tag);
            return;
        }
        if name == "html" {
            self.language = attribute(tag, "lang").map(ToOwned::to_owned);
        }
        if is_dropped(tag, self.main.is_some()) {
            self.end_line();
            self.dropped = Open::new(tag);
            return;
        }
        match &mut self.main {
            Some(main) => main.start(tag),
            None => self.begin_main(tag),
        }
        if !self.is_reading() {
            return;
        }
        match name {
            "br" | "wbr" => self.outline.push_blank(),
            "img" => self.outline.push(attribute(tag, "alt").unwrap_or_default()),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.end_heading();
                self.end_row();
                self.end_line();
                self.heading = Some(name.as_bytes()[1] - b'0');
            }
            "table" => {
                self.end_row();
                self.end_line();
                self.outline.begin_table();
            }
            "tr" => self.end_row(),
            "td" | "th" => self.begin_cell(name == "th"),
            "p" | "ul" | "ol" | "pre" => {
                self.end_heading();
                self.end_line();
            }
            _ if is_inline(name) => {}
            _ => self.end_line(),
        }
    }

    fn end(&mut self, name: &str) {
        if name == "title" {
            self.in_title = false;
        }
        if let Some(dropped) = &mut self.dropped {
            if dropped.end(name) {
                self.dropped = None;
            }
            return;
        }
        if self.is_reading() {
            self.end_content(name);
        }
        if self.main.as_mut().is_some_and(|main| main.end(name)) {
            self.end_line();
            self.main = None;
        }
    }

    fn end_content(&mut self, name: &str) {
        match name {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.end_heading(),
            "tr" | "table" => self.end_row(),
            "td" | "th" => self.end_cell(),
            "dt" if self.outline.in_line() => {
                self.outline.push(": ");
                self.after_term = true;
            }
            _ if is_inline(name) => {}
            _ => self.end_line(),
        }
    }

    fn text(&mut self, text: &str) {
        if self.in_title {
            self.title.push_str(text);
        } else if self.dropped.is_none() && self.is_reading() {
            self.after_term &= text.trim().is_empty();
            self.outline.push(text);
        }
    }

    fn is_reading(&self) -> bool {
        self.marked.is_none() || self.main.is_some()
    }

    /// The first element that marks the content says which others do; what was read before it is none.
    fn begin_main(&mut self, tag: &Tag) {
        let name = &*tag.name;
        if !is_main(tag) {
            return;
        }
        match &self.marked {
            None => {
                self.marked = Some(name.to_owned());
                self.outline = Outline::default();
                self.top_heading = None;
                self.main = Open::new(tag);
            }
            Some(marked) if marked == name => self.main = Open::new(tag),
            _ => {}
        }
    }

    fn end_line(&mut self) {
        if self.heading.is_some() || self.in_cell || self.after_term {
            self.outline.push_blank();
        } else {
            self.outline.end_line();
        }
    }

    fn end_heading(&mut self) {
        let Some(level) = self.heading.take() else {
            return;
        };
        self.outline.end_heading(level);
        if self.top_heading.is_none() && level == 1 {
            self.top_heading = self.outline.last_heading().map(ToOwned::to_owned);
        }
    }

    fn begin_cell(&mut self, heads: bool) {
        self.end_cell();
        self.in_cell = true;
        self.cells += 1;
        self.heading_cells += usize::from(heads);
    }

    fn end_cell(&mut self) {
        if self.in_cell {
            self.outline.end_cell();
        }
        self.in_cell = false;
    }

    /// A row whose cells are all headings names the columns. One that holds headings of the page, or another table,
    /// only lays the page out: it ends there.
    fn end_row(&mut self) {
        self.end_cell();
        if self.cells > 1 && self.cells == self.heading_cells {
            self.outline.end_columns();
        } else if self.cells > 0 {
            self.outline.end_row();
        }
        (self.cells, self.heading_cells) = (0, 0);
    }

    fn finish(mut self) -> Page {
        self.end_heading();
        self.end_row();
        let title = self.top_heading.take().or_else(|| {
            let title = self.title.split_whitespace().collect::<Vec<_>>().join(" ");
            (!title.is_empty()).then_some(title)
        });
        Page {
            title,
            language: self.language,
            sections: self.outline.finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    fn shown(html: &str) -> String {
        let page = read(html);
        let sections = page.sections.into_iter().map(|section| {
            format!(
                "[{}]\n{}",
                section.headings.join(" > "),
                section.lines.join("\n")
            )
        });
        let title = page.title.unwrap_or_default();
        format!("{title}\n{}", sections.collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn a_page_of_a_manual_keeps_its_text_and_loses_its_frame() {
        let html = r#"<?xml version="1.0"?><!DOCTYPE html><html lang="en"><head><title>5.1. Tables</title>
<link rel="prev" href="x" /><style>p { color: red }</style></head><body>
<div class="navheader"><table><tr><th colspan="5">5.1. Tables</th></tr><tr><td><a href="x">Prev</a></td></tr></table><hr /></div>
<div class="sect1"><div class="titlepage"><div><div><h2 class="title">5.1. Tables</h2></div></div></div>
<a class="indexterm"></a><p>A table has <span class="emphasis"><em>rows</em></span>
  and columns &mdash; see <a href="y">Chapter 7</a>.</p>
<div class="toc"><dl><dt>5.1.1. Left out</dt></dl></div>
<pre class="programlisting">
CREATE TABLE t (
    a integer
);</pre>
<h3>Limits</h3><dl><dt><code>max_columns</code> (<em>integer</em>)</dt><dd><p>At most 1600.</p><p>Less with wide types.</p></dd></dl>
<table><thead><tr><th>Limit</th><th>Value</th></tr></thead><tbody><tr><td>rows</td><td><p>none</p></td></tr>
<tr><td>size<td>32 TB</tbody></table>
<ul><li>one<li>two</ul></div>
<div class="navfooter"><hr /><table><tr><td>Next</td></tr></table></div></body></html>"#;
        assert_snapshot!(shown(html), @r"
        5.1. Tables
        [5.1. Tables]
        A table has rows and columns — see Chapter 7.
        CREATE TABLE t ( a integer );
        [5.1. Tables > Limits]
        max_columns (integer): At most 1600.
        Less with wide types.
        rows: Value none.
        size: Value 32 TB.
        one
        two
        ");
    }

    #[test]
    fn only_the_content_that_a_page_marks_is_read() {
        let html = r#"<title>Refunds - Help</title><header><h1>Lantern</h1></header><div>Before.</div>
<nav><ul><li>Home</ul></nav><main><header><h1>Refunds</h1></header><div>Within 30 <div>days</div>.</div>
<aside>Read also</aside><form><input><button>Was this helpful?</button></form></main><div>After.</div>"#;
        assert_snapshot!(shown(html), @r"
        Refunds
        [Refunds]
        Within 30
        days
        .
        ");
        let articles = "<p>Teaser</p><article>One.</article><p>Between</p><article>Two.</article>";
        assert_snapshot!(shown(articles), @r"

        []
        One.
        Two.
        ");
    }

    #[test]
    fn scripts_styles_and_what_is_hidden_are_never_text() {
        let html = r#"<p>Seen.</p><script>if (a < b) { document.write("<p>evil</p>") }</script>
<style><p>styled</p></style><template><p>t</p></template><noscript>no</noscript><svg><text>s</text></svg>
<div hidden>h</div><span aria-hidden="true">x</span><!-- c --><p onclick="bad()">Also &lt;seen&gt;.</p>"#;
        assert_snapshot!(shown(html), @r"

        []
        Seen.
        Also <seen>.
        ");
    }

    #[test]
    fn tables_that_lay_a_page_out_keep_its_headings() {
        let html = "<table><tr><td>Menu<td><h1>Refunds</h1><p>Within 30 days.</p></table>";
        assert_snapshot!(shown(html), @r"
        Refunds
        []
        Menu
        [Refunds]
        Within 30 days.
        ");
    }

    #[test]
    fn broken_nesting_costs_no_time() {
        for html in [
            "<div>",
            "<b><p>",
            "</p></b>",
            "<nav>",
            "<table><tr><td>",
            "<h1>",
            "<dl><dt>x",
        ] {
            let page = read(&html.repeat(100_000));
            assert!(
                page.sections
                    .iter()
                    .all(|section| !section.lines.is_empty())
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn anything_can_be_read(html in "(<(/?)(p|main|h1|td|tr|table|nav|script|title|dt|b|li)( class=nav)?>|[a-z &;<]{0,9}){0,60}") {
            for section in read(&html).sections {
                proptest::prop_assert!(section.lines.iter().all(|line| !line.trim().is_empty()));
            }
        }
    }
}
