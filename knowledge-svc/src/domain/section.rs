//! Text as sections of lines that can be read aloud: what Markdown and HTML are both read into.
//!
//! A list item and a table row become a line each; code keeps its words.

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

/// The sections read so far, and the line being read.
#[derive(Debug, Default)]
pub(super) struct Outline {
    sections: Vec<Section>,
    /// The headings above, each with its level: 1 is the outermost.
    headings: Vec<(u8, String)>,
    line: String,
    /// The first row of the table being read, and the cells of the current one.
    columns: Vec<String>,
    cells: Vec<String>,
}

impl Outline {
    /// Adds to the line being read.
    pub(super) fn push(&mut self, text: &str) {
        self.line.push_str(text);
    }

    /// Parts words that stand on two lines in the source.
    pub(super) fn push_blank(&mut self) {
        self.line.push(' ');
    }

    /// Whether something stands in the line being read.
    pub(super) fn in_line(&self) -> bool {
        !self.line.trim().is_empty()
    }

    /// Ends the line being read; an empty one leaves nothing.
    pub(super) fn end_line(&mut self) {
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

    /// Makes a heading of the line being read, below those of a smaller `level`.
    pub(super) fn end_heading(&mut self, level: u8) {
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

    /// A table begins, whose columns have no names yet.
    pub(super) fn begin_table(&mut self) {
        self.columns.clear();
    }

    /// Makes a table cell of the line being read.
    pub(super) fn end_cell(&mut self) {
        let cell = self.take_line();
        self.cells.push(cell);
    }

    /// The cells are the names of the columns.
    pub(super) fn end_columns(&mut self) {
        self.columns = std::mem::take(&mut self.cells);
    }

    /// The cells are a row.
    pub(super) fn end_row(&mut self) {
        let cells = std::mem::take(&mut self.cells);
        self.end_line();
        self.line = row(&self.columns, &cells);
        self.end_line();
    }

    /// The heading read last.
    pub(super) fn last_heading(&self) -> Option<&str> {
        self.headings.last().map(|(_, heading)| heading.as_str())
    }

    /// The sections, in order; headings without text below them make none.
    pub(super) fn finish(mut self) -> Vec<Section> {
        if !self.cells.is_empty() {
            self.end_row();
        }
        self.end_line();
        self.sections.retain(|section| !section.lines.is_empty());
        self.sections
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
